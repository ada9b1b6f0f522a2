/* SPDX-License-Identifier: MIT */
/*
 * buddy.h - blocks of powers of two from one run of memory, each at a multiple of its size.
 *
 * For: blocks of any size whose alignment must be natural (DMA buffers, page runs, textures), a hard
 * bound on the time of every call, memory that one may not write into between uses. Not for: dense
 * packing (a size just above a power of two takes twice that, and on average a quarter of what is
 * granted is lost; see tarn_buddy_get_figures), use by several threads at once (put a lock around it).
 *
 *     static char bytes[1 << 16];
 *     tarn_buddy buddy;
 *     tarn_buddy_init(&buddy, &(tarn_buddy_options){.buffer = bytes, .buffer_size = sizeof bytes});
 *     void *p = tarn_buddy_alloc(&buddy, 1000, TARN_SPEC(1024));
 *     tarn_buddy_free(&buddy, p, 1000, TARN_SPEC(1024));
 *     tarn_buddy_deinit(&buddy);
 *
 * A block is split in halves until it fits, and merged with its other half, its buddy, when both are
 * free. The buddy of a block is at its address with one bit turned, so it needs no search:
 *
 *     order 3  ┌───────────────────────────────┐
 *     order 2  ├───────────────┬───────────────┤     a block of order k is smallest << k bytes at
 *     order 1  ├───────┬───────┼───────┬───────┤     a multiple of that
 *     order 0  ├───┬───┼───┬───┼───┬───┼───┬───┤
 *     map      │ L0│ F0│ L1│ · │ F2│ · │ · │ · │     one byte for each smallest block: what starts
 *              └───┴───┴───┴───┴───┴───┴───┴───┘     here (Live, Free, of which order), or nothing
 *
 * The map and the sets of free blocks stand behind the blocks, and the links of free blocks in them;
 * or all of it elsewhere (`metadata`), and then no byte of the run is ever read or written.
 */
#ifndef TARN_BUDDY_H
#define TARN_BUDDY_H

#include <tarn/allocator.h>
#include <tarn/source.h>

TARN_BEGIN_DECLS

/* How many sizes of blocks there may be: the largest is at most 2^31 times the smallest. */
#define TARN_BUDDY_ORDERS 32

/* `lazy` of a buddy allocator that merges at once. */
#define TARN_BUDDY_EAGER SIZE_MAX

/* How a buddy allocator is made. Zero means: the default. */
typedef struct tarn_buddy_options {
    size_t size;      /* bytes for blocks, rounded up to whole smallest blocks, in one run that is
                         mapped at init; need not be a power of two. None with a buffer */
    size_t min_block; /* bytes, a power of two, at least two pointers; default 32 */
    size_t lazy;      /* freed blocks of each order that wait unmerged for the next alloc of their
                         size, at most 65535; TARN_BUDDY_EAGER: none, buddies are merged at once;
                         default: one for each 128 smallest blocks in the run, at most 16 */

    /* Where the run comes from: one of these three; default: the parent tarn_libc(). */
    tarn_source *source;
    tarn_allocator *parent;
    void *buffer;       /* the caller's bytes, of any size and alignment; must outlive the buddy */
    size_t buffer_size; /* bytes */

    /* Where the metadata is: one of these two; default: behind the blocks, in the run itself. */
    tarn_allocator *metadata;
    void *metadata_buffer; /* the caller's bytes, which must outlive the buddy */
    size_t metadata_size;  /* bytes; see tarn_buddy_metadata_bytes */

    bool check;       /* check the size, the alignment and the thread of each call, too; default:
                         false, true in a library built with TARN_CHECKED */
    const char *name; /* must outlive the buddy; default: "buddy" */
} tarn_buddy_options;

/* State; fields are private. */
typedef struct tarn_buddy {
    tarn_allocator allocator;
    uint8_t *map;       /* a byte for each unit                                           */
    uintptr_t low;      /* address of unit 0                                              */
    size_t units;       /* smallest blocks in the run                                     */
    uint32_t unit_log;  /* log2 of the bytes of a unit                                    */
    uint32_t top;       /* the largest order                                              */
    uint32_t free_mask; /* bit k: there are free blocks of order k                        */
    uint32_t wait_mask; /* bit k: there are waiting blocks of order k                     */
    uint32_t lazy;      /* blocks of each order that may wait                             */
    uint32_t orders;    /* for which there is metadata                                    */
    uintptr_t *waiting; /* lazy addresses for each order                                  */
    void *sets;         /* bitmaps of free blocks; NULL: lists through the blocks         */
    uint64_t allocs, frees, asked, granted, freed; /* granted - freed: live bytes           */
    uint64_t resizes, splits, merges, failures;
    void *heads[TARN_BUDDY_ORDERS];
    uint32_t wait_count[TARN_BUDDY_ORDERS];
    size_t held;         /* bytes taken from source, parent and metadata allocator              */
    uintptr_t owner;     /* see base/thread_guard.h                                             */
    tarn_source *source; /* NULL: the caller's buffer                                       */
    tarn_parent_source own_source;
    tarn_region region;
    size_t region_align;
    tarn_allocator *metadata;
    void *metadata_block; /* from metadata; NULL: none                                      */
    size_t metadata_bytes;
    const char *name;
    tarn_why why;
    tarn_region home; /* where tarn_buddy_create put this struct                            */
} tarn_buddy;

/* Counters of a buddy allocator beside those of tarn_stats. */
typedef struct tarn_buddy_figures {
    uint64_t asked, granted; /* bytes over all allocs: 1 - asked / granted is lost inside blocks */
    uint64_t splits, merges;
    size_t free_bytes;     /* in free blocks, waiting ones included                              */
    size_t largest_free;   /* bytes of the largest block that is free as it is                   */
    size_t waiting_blocks; /* freed and not merged yet                                           */
    size_t largest;        /* bytes of the largest block that the run can ever give              */
    size_t metadata_bytes;
} tarn_buddy_figures;

/* ── Life cycle ── */

/**
 * tarn_buddy_init - set up a buddy allocator in the caller's struct, which then stays where it is.
 *
 * A run from a source is aligned to the largest power of two that it holds, so that a run of a power
 * of two can be had as one block. In a buffer that is not, the blocks are those that natural
 * alignment leaves room for; nothing of it is lost but what does not fill a smallest block.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (no size and no buffer, or both; more than one of source, parent and
 *          buffer, or of metadata and its buffer; a smallest block that is no power of two or too
 *          small; lazy above 65535 that is not TARN_BUDDY_EAGER), TARN_TOO_BIG, TARN_NO_MEMORY, TARN_LIMIT (a buffer is too
 *          small: tarn_get_why has what is needed as size and what is there as limit). It must not
 *          be used then.
 * Threads  one.
 * Cost     O(size / min_block) to clear the map, nothing of that over a source of zeroed memory; at
 *          most one call of the source and one of metadata.
 */
TARN_API tarn_status tarn_buddy_init(tarn_buddy *buddy, const tarn_buddy_options *options);

/**
 * tarn_buddy_deinit - the run and the metadata back to where they came from; blocks that are still
 * out are gone with them.
 *
 * Any call afterwards that would need a block is a fault: use after deinit.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(1).
 */
TARN_API void tarn_buddy_deinit(tarn_buddy *buddy);

/**
 * tarn_buddy_create - a buddy allocator whose state, too, comes from where its run comes from.
 *
 * Returns  it, to be destroyed with tarn_buddy_destroy; *status (when not NULL) is TARN_OK.
 * Fails    NULL, and *status as tarn_buddy_init; TARN_BAD_ARGUMENT also with a buffer.
 * Threads  one.
 * Cost     as tarn_buddy_init, and one more call of the source.
 */
TARN_API TARN_MUST_USE tarn_buddy *tarn_buddy_create(const tarn_buddy_options *options,
                                                     tarn_status *status);

/**
 * tarn_buddy_destroy - deinit what tarn_buddy_create made, and give its state back. NULL is ignored.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(1).
 */
TARN_API void tarn_buddy_destroy(tarn_buddy *buddy);

/**
 * tarn_buddy_metadata_bytes - how much metadata a run needs, wherever it lies.
 *
 * Units    size, min_block in bytes; lazy in blocks; both as in tarn_buddy_options.
 * Returns  bytes, for a metadata buffer that is aligned as a pointer and 8; with outside = false, of
 *          what the metadata takes from the end of the run itself.
 * Fails    0 when min_block or lazy is none that tarn_buddy_init takes, or the result overflows.
 * Threads  any.
 * Cost     O(log(size / min_block)).
 */
TARN_API size_t tarn_buddy_metadata_bytes(size_t size, size_t min_block, size_t lazy, bool outside);

/* ── Blocks ── */

/**
 * tarn_buddy_alloc - a block of the next power of two, at a multiple of its size.
 *
 * Units    size in bytes.
 * Returns  a block of at least size bytes and at least the alignment; zeroed (size bytes) with
 *          TARN_ZERO.
 * Fails    NULL, nothing changed: TARN_TOO_BIG (beyond the largest block of the run), TARN_BAD_ALIGN
 *          (the same), TARN_LIMIT (no free block is large enough).
 * Threads  one at a time per buddy.
 * Cost     O(log n): at most one split for each order; when nothing is large enough, at most `lazy`
 *          blocks of each order are merged first.
 * Source   K. C. Knowlton, "A fast storage allocator", CACM 8(10), 1965; D. E. Knuth, The Art of
 *          Computer Programming, volume 1, section 2.5, algorithms R and S.
 */
TARN_MUST_USE TARN_ALLOC_SIZE(2) static inline void *tarn_buddy_alloc(tarn_buddy *buddy,
                                                                      size_t size, tarn_spec spec)
{
    return tarn_alloc(&buddy->allocator, size, spec);
}

/**
 * tarn_buddy_free - a block back. NULL is ignored.
 *
 * A pointer that is no live block of this run is a fault in every build: double free, foreign
 * pointer, interior pointer. With `check` so are a wrong size, a wrong alignment and a wrong thread.
 *
 * Units    size in bytes; 0 for unknown.
 * Fails    never.
 * Threads  one at a time per buddy.
 * Cost     O(log n): at most one merge for each order; O(1) while its order has room to wait.
 * Source   waiting blocks: R. E. Barkley and T. P. Lee, "A lazy buddy system bounded by two
 *          coalescing delays per class", SOSP 1989; there the bound is the number of live blocks of
 *          the class, here it is a constant.
 */
static inline void tarn_buddy_free(tarn_buddy *buddy, void *block, size_t size, tarn_spec spec)
{
    tarn_free(&buddy->allocator, block, size, spec);
}

/* ── The whole ── */

/**
 * tarn_buddy_get_figures - what was asked for and what was granted, splits, merges, free blocks.
 *
 * Fails    never.
 * Threads  one at a time per buddy.
 * Cost     O(log n).
 */
TARN_API void tarn_buddy_get_figures(const tarn_buddy *buddy, tarn_buddy_figures *out);

/**
 * tarn_buddy_allocator - the buddy as any allocator: for tarn_resize (which grows into a free buddy
 * and shrinks by splitting), tarn_alloc_at_least, tarn_owns, tarn_usable, tarn_reset, tarn_trim
 * (waiting blocks are merged, and free memory goes back to a source that can purge), tarn_visit,
 * tarn_check, tarn_get_stats, tarn_get_why. Bytes in its counters are those granted.
 *
 * Returns  the handle; it lives as long as the buddy.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_buddy_allocator(tarn_buddy *buddy)
{
    return &buddy->allocator;
}

TARN_END_DECLS

#endif
