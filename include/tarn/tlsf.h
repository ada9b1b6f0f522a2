/* SPDX-License-Identifier: MIT */
/*
 * tlsf.h - blocks of any size in bounded time, over memory that the caller has.
 *
 * For: code with deadlines (audio, control loops, interrupt-near work), machines without a malloc,
 * a heap of its own over a buffer or a shared region. Not for: blocks of one size (a pool is several
 * times faster), blocks that die together (an arena), use by several threads at once (put a lock
 * around it), hundreds of megabytes of tiny blocks (each has a tag of one word).
 *
 *     static _Alignas(16) char memory[1 << 20];
 *     tarn_tlsf heap;
 *     tarn_tlsf_init(&heap, &(tarn_tlsf_options){.buffer = memory, .buffer_size = sizeof memory});
 *     void *p = tarn_tlsf_alloc(&heap, 100, TARN_ALIGN_MAX);
 *     tarn_tlsf_free(&heap, p, 100, TARN_ALIGN_MAX);
 *     tarn_tlsf_deinit(&heap);
 *
 * Two-level segregated fit: free pieces are kept in lists by size, 32 lists for each doubling; two
 * words of bits tell the first list that holds a piece big enough. There is no search and no loop,
 * and neighbours merge at once:
 *
 *     region   │tag│ block    │tag│ free ⇄    size│tag│ block │tag│ free ⇄  size│end│
 *                                   │                               │
 *     bins     … [48][64][80] … [1024][1056] … ─────────────────────┘
 *     bits     …  0   1   0  …    0     1    …      32 a row, one word of rows above them
 *
 * The tag in front of a block is one word: its size, and whether it and the block before it are
 * free. Sizes up to 1 KiB (on 64-bit machines) have a list each, so small requests are served by the
 * best fit; larger ones by a piece of a list whose smallest is big enough.
 *
 * With `metadata` nothing is written into the regions: the tags stand in a shadow beside them, one
 * cell for each grain, taken when the region is added. So memory that is slow to touch, or may not
 * be touched at all, is managed in the same bounded time, without a call of the metadata allocator in
 * alloc and free.
 */
#ifndef TARN_TLSF_H
#define TARN_TLSF_H

#include <tarn/allocator.h>
#include <tarn/source.h>

TARN_BEGIN_DECLS

/*
 * Instructions that one operation takes at most, callgrind's count over the longest ways through
 * each, for x86-64 and gcc or clang at -O2 (test/gate/longest.c measures, the gate compares). They
 * hold for an allocator of fixed regions that does not check: no call of a source, no TARN_ZERO, and
 * no copy in a resize.
 */
#define TARN_TLSF_ALLOC_MOST   300
#define TARN_TLSF_ALIGNED_MOST 500 /* alloc with more than the alignment that all blocks have */
#define TARN_TLSF_FREE_MOST    170
#define TARN_TLSF_RESIZE_MOST  240

/* Bytes: what sizes are rounded to, and the alignment that every block has at least: 16, or 8 where
 * max_align_t asks for no more. */
#define TARN_TLSF_GRAIN                                                                            \
    (__alignof__(max_align_t) > 2 * sizeof(void *) ? __alignof__(max_align_t) : 2 * sizeof(void *))
#define TARN_TLSF_GRAIN_LOG (TARN_TLSF_GRAIN == 16 ? 4u : 3u)

/* log2 of the bytes that a region must be below; bits of a size that choose the list. */
#define TARN_TLSF_LOG2 (sizeof(void *) == 8 ? 40u : 31u)
#define TARN_TLSF_BITS 5u
#define TARN_TLSF_ROWS (TARN_TLSF_LOG2 - TARN_TLSF_GRAIN_LOG - TARN_TLSF_BITS + 1)
#define TARN_TLSF_BINS (TARN_TLSF_ROWS << TARN_TLSF_BITS)

typedef struct tarn_tlsf tarn_tlsf;

/* How it is made. Zero means: the default. */
typedef struct tarn_tlsf_options {
    void *buffer; /* the first region, which must outlive the allocator; default: none, regions
                           are added with tarn_tlsf_add_region */
    size_t buffer_size; /* bytes */

    /* Where it grows from when nothing fits: one of these two; default: it does not grow. */
    tarn_source *source;
    tarn_allocator *parent;
    size_t chunk_size; /* bytes, the least to take at a time; default: 1 MiB from a source of
                          pages, else 64 KiB */
    size_t limit;      /* bytes, the most to hold from source or parent; default: no limit */

    /* Where tags and lists are kept; default: in the regions. With it, source and parent are
       refused. */
    tarn_allocator *metadata;
    size_t grain; /* bytes, a power of two, with metadata only: what sizes are rounded to, and the
                     alignment that every block has at least; default 64, at least TARN_TLSF_GRAIN.
                     A grain costs a cell of four words */

    bool check; /* check each call, see tarn_tlsf_free; default: false, true in a library built
                         with TARN_CHECKED */
    const char *name; /* must outlive the allocator; default: "tlsf" */
} tarn_tlsf_options;

/* A free piece in its list; private. */
typedef struct tarn_tlsf_node {
    struct tarn_tlsf_node *next, **at; /* at: what points here */
} tarn_tlsf_node;

/* One region; private. */
typedef struct tarn_tlsf_region tarn_tlsf_region;

/* State; fields are private. */
struct tarn_tlsf {
    tarn_allocator allocator;
    size_t most;        /* bytes: sizes from here on take the slow way                     */
    uint32_t flags;     /* 0: the fast way is all there is                                 */
    uint32_t grain_log; /* log2 of the bytes of memory that a cell stands for              */
    size_t used, peak;  /* bytes of live blocks with their tags, now and at most           */
    size_t largest;     /* bytes, the largest piece that was ever asked for, with its tag  */
    size_t live;        /* blocks                                                          */
    tarn_tlsf_node nil; /* the end of every list                                           */
    uint64_t map[TARN_TLSF_ROWS + 1];     /* see base/two_level.h                          */
    tarn_tlsf_node *bins[TARN_TLSF_BINS]; /* the first of each list                        */
    tarn_tlsf_region *regions;            /* all of them, the newest first                 */
    tarn_tlsf_region **sorted;            /* with metadata: by memory; behind these, by cell */
    size_t region_count, region_room;
    size_t room; /* bytes that all regions hold together, tags included                */
    size_t held; /* bytes taken from the source                                        */
    uint64_t failures;
    size_t chunk_size, limit;
    tarn_source *source;
    tarn_parent_source own_source;
    tarn_allocator *metadata;
    const char *name;
    tarn_why why;
    uintptr_t owner;  /* see tarn_share                                                    */
    tarn_region home; /* where tarn_tlsf_create put this struct                            */
};

/* By which a user verifies the bound of tarn_tlsf_worst_bytes. Bytes. */
typedef struct tarn_tlsf_report {
    size_t room;         /* what all regions hold together, tags included                */
    size_t used;         /* live blocks with their tags, now                             */
    size_t peak;         /* the most there was                                           */
    size_t largest;      /* the largest request, with its tag and what aligning it took  */
    size_t span;         /* the part of the room that was ever handed out; all behind it was never
                        needed. A rest under 1 KiB at the end of a region counts as handed out */
    size_t largest_free; /* the largest free piece now */
    size_t regions;      /* how many                                                     */
} tarn_tlsf_report;

/* ── Life cycle ── */

/**
 * tarn_tlsf_init - set up an allocator in the caller's struct, which then stays where it is.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (both source and parent; either beside metadata; a grain without
 *          metadata; chunk_size or limit without source and parent), TARN_BAD_ALIGN (a grain that is
 *          no power of two, or too small), TARN_TOO_BIG (a chunk_size of half of 2^TARN_TLSF_LOG2),
 *          and as tarn_tlsf_add_region for the buffer. It must not be used then.
 * Threads  one.
 * Cost     O(1): some thousand instructions for the empty lists; no call of the source.
 */
TARN_API tarn_status tarn_tlsf_init(tarn_tlsf *t, const tarn_tlsf_options *options);

/**
 * tarn_tlsf_deinit - regions back to where they came from; blocks that are still out are gone with
 * them. An alloc, a free or another deinit afterwards is a fault: use after deinit.
 *
 * Fails    never.
 * Threads  any one.
 * Cost     O(regions); O(blocks) with `check`.
 */
TARN_API void tarn_tlsf_deinit(tarn_tlsf *t);

/**
 * tarn_tlsf_create - an allocator whose state (some 8 KiB) lies at the start of the buffer or, when
 * there is none, comes from where the regions do: source, parent, metadata or libc.
 *
 * Returns  the allocator, to be destroyed with tarn_tlsf_destroy; *status (when not NULL) is
 *          TARN_OK.
 * Fails    NULL, and *status as tarn_tlsf_init and tarn_source_map.
 * Threads  one.
 * Cost     as tarn_tlsf_init, and one call of the source.
 */
TARN_API TARN_MUST_USE tarn_tlsf *tarn_tlsf_create(const tarn_tlsf_options *options,
                                                   tarn_status *status);

/**
 * tarn_tlsf_destroy - deinit what tarn_tlsf_create made, and give its state back. NULL is ignored.
 *
 * Fails    never.
 * Threads  any one.
 * Cost     as tarn_tlsf_deinit.
 */
TARN_API void tarn_tlsf_destroy(tarn_tlsf *t);

/**
 * tarn_tlsf_add_region - more memory, which must outlive the allocator or its removal.
 *
 * Some of it is used up: up to a grain at either end, and, without metadata, eight words or so for
 * the region's record. Two regions that touch are still two: no block spans them.
 *
 * Units    size in bytes.
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (NULL, or it overlaps another region), TARN_LIMIT (too small for one
 *          block), TARN_TOO_BIG (2^TARN_TLSF_LOG2 or more), TARN_NO_MEMORY (the metadata allocator
 *          refused); nothing changed.
 * Threads  one at a time per allocator.
 * Cost     O(regions).
 */
TARN_API tarn_status tarn_tlsf_add_region(tarn_tlsf *t, void *memory, size_t size);

/**
 * tarn_tlsf_remove_region - a region back to the caller who added it.
 *
 * Returns  TARN_OK: nothing of it is used any more.
 * Fails    TARN_BUSY (a block in it is live), TARN_BAD_ARGUMENT (no region that was added starts
 *          there); nothing changed.
 * Threads  one at a time per allocator.
 * Cost     O(regions).
 */
TARN_API tarn_status tarn_tlsf_remove_region(tarn_tlsf *t, const void *memory);

/* ── Blocks ── */

/**
 * tarn_tlsf_alloc - a block.
 *
 * Units    size in bytes.
 * Returns  a block of at least size bytes, aligned to TARN_TLSF_GRAIN (or the grain of the options)
 *          and as spec asks; zeroed with TARN_ZERO.
 * Fails    NULL: TARN_NO_MEMORY, TARN_LIMIT, TARN_TOO_BIG, TARN_BAD_ALIGN (2^TARN_TLSF_LOG2 or
 *          more); unchanged, tarn_get_why tells the reason.
 * Threads  one at a time per allocator.
 * Cost     O(1), no loop: TARN_TLSF_ALLOC_MOST instructions, TARN_TLSF_ALIGNED_MOST when aligned
 *          beyond the grain; O(log regions) more with metadata; one call of the source when it
 *          grows; O(size) with TARN_ZERO.
 */
TARN_API TARN_MUST_USE void *tarn_tlsf_alloc(tarn_tlsf *t, size_t size, tarn_spec spec);

/**
 * tarn_tlsf_free - a block back; it merges with free neighbours at once. NULL is ignored.
 *
 * Units    size in bytes: any from the size asked for to the size granted, or 0 for unknown. It
 *          saves waiting for the tag.
 * Fails    never. A block that is free already is a fault; with `check` also a double free of a
 *          block that has merged, a foreign or interior pointer, a wrong size or alignment, a block
 *          that was written past its end or whose tag was, a call by another thread.
 * Threads  one at a time per allocator.
 * Cost     O(1), no loop: TARN_TLSF_FREE_MOST instructions; O(log regions) more with metadata.
 *          With `check` O(1), and O(blocks) to tell what a bad pointer is.
 */
TARN_API void tarn_tlsf_free(tarn_tlsf *t, void *block, size_t size, tarn_spec spec);

/**
 * tarn_tlsf_resize - tarn_resize on it: in place where the block shrinks or the free piece behind
 * it is big enough, else by alloc, copy and free.
 *
 * Units    as tarn_resize; old_size may be 0 for unknown.
 * Returns  as tarn_resize.
 * Fails    NULL: the block is untouched; reasons as tarn_tlsf_alloc, TARN_NO_MEMORY when it may not
 *          move.
 * Threads  one at a time per allocator.
 * Cost     in place TARN_TLSF_RESIZE_MOST instructions; else O(keep) and as alloc and free.
 */
TARN_API TARN_MUST_USE void *tarn_tlsf_resize(tarn_tlsf *t, void *block, size_t old_size,
                                              size_t new_size, size_t keep, tarn_spec spec);

/* ── Bounds ── */

/**
 * tarn_tlsf_worst_bytes - the room with which no request is ever refused, whatever the order of
 * allocs and frees.
 *
 * A request fails only when no free piece is as big as the list it is served from asks for. Then
 * every gap is smaller than that; and as free neighbours have merged, there is at most one gap more
 * than live blocks. So room for the live bytes and a gap behind every block is enough. It is much:
 * with blocks of `smallest` to `largest` bytes about live * (1 + largest / smallest). No allocator
 * that takes the smallest piece that fits is much better at worst: J. M. Robson, "Worst case
 * fragmentation of first fit and best fit storage allocation strategies", The Computer Journal 20
 * (1977) 242-244. In practice a few per cent suffice: docs/design/tlsf.md.
 *
 * The result is what tarn_tlsf_report calls room, for one region, metadata inside;
 * TARN_TLSF_REGION_BYTES more make the region.
 *
 * Units    live: bytes asked for by all live blocks together, at most; largest and smallest: bytes
 *          asked for by one; 0 as smallest counts as 1. For alignments beyond TARN_TLSF_GRAIN pass
 *          sizes that include twice the alignment.
 * Returns  bytes.
 * Fails    0 when smallest > largest, largest > live, or the result overflows.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API size_t tarn_tlsf_worst_bytes(size_t live, size_t largest, size_t smallest);

/* Bytes, what a region needs beyond its room, wherever it begins. */
#define TARN_TLSF_REGION_BYTES (16 * sizeof(void *) + 2 * TARN_TLSF_GRAIN)

/**
 * tarn_tlsf_get_report - the counters by which that bound can be verified.
 *
 * Returns  the counters. As long as tarn_tlsf_worst_bytes of what the program can have live is at
 *          most `room`, `failures` of tarn_get_stats stays 0.
 * Fails    never.
 * Threads  one at a time per allocator.
 * Cost     O(regions + free pieces of about the largest size).
 */
TARN_API tarn_tlsf_report tarn_tlsf_get_report(const tarn_tlsf *t);

/* ── The view as an allocator ── */

/**
 * tarn_tlsf_allocator - it as any allocator: for tarn_owns, tarn_usable, tarn_reset, tarn_trim,
 * tarn_visit, tarn_check, tarn_get_stats, tarn_get_why, and for all who take a tarn_allocator.
 *
 * trim gives regions of the source back that hold no block; visit tells granted sizes (with `check`
 * those asked for); check walks every region and every list.
 *
 * Returns  the handle; it lives as long as t.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_tlsf_allocator(tarn_tlsf *t)
{
    return &t->allocator;
}

TARN_END_DECLS

#endif
