/* SPDX-License-Identifier: MIT */
/*
 * slab.h - blocks of many small sizes: a pool for each class of sizes, pages that wander between the
 * classes.
 *
 * For: programs with objects of many sizes up to some KiB, on one thread, that know the size when
 * they free. Not for: objects of one type (a pool is smaller and knows their size), large blocks
 * (they go to the parent), use by several threads at once (put a lock around it).
 *
 *     tarn_slab slab;
 *     tarn_slab_init(&slab, &(tarn_slab_options){.name = "messages"});
 *     char *text = tarn_slab_alloc(&slab, 100, 0);
 *     tarn_slab_free(&slab, text, 100, 0);
 *     tarn_slab_deinit(&slab);
 *
 * A request takes a block of the smallest class that is large enough and aligned well enough:
 *
 *     size ──table──► class 8  16  24 … 4096           more, or aligned beyond: the parent
 *                             │
 *         alloc ◄─ pop ┌──────┴───────┐ push ◄─ free
 *                      │ at hand: 16 … 64 pointers a class │
 *                      └───▲──────────┬────┘
 *        refill: fullest   │          │ flush: the older half
 *        page, lowest      │          ▼
 *        address first  ┌──┴── page ─────────────────────────┐   empty   ┌──────┐ enough   source,
 *                       │ bitmap: 1 = free │ blocks of a class ├────────►│ idle ├────────► parent
 *                       └──────────────────────────────────────┘◄────────┴──────┘
 *                                                          any class
 *
 * A block of a class of c bytes is aligned to the largest power of two that divides c. Nothing is
 * written into a free block. With `metadata`, nothing of the slab's is written into the pages at all:
 * they may be memory that is slow, shared or looked at by somebody else.
 *
 * Blocks for the parent are remembered by address, so unsized free, reset, visit, owns and deinit
 * know them, too.
 */
#ifndef TARN_SLAB_H
#define TARN_SLAB_H

#include <tarn/allocator.h>
#include <tarn/buffer.h>
#include <tarn/source.h>

TARN_BEGIN_DECLS

typedef struct tarn_slab tarn_slab;

/* The most classes a slab may have. */
#define TARN_SLAB_CLASSES 254

/* How a slab is made. Zero means: the default. */
typedef struct tarn_slab_options {
    /* Classes that are generated. */
    size_t smallest; /* bytes, a multiple of 8; default: 8 */
    size_t largest;  /* bytes, a multiple of 8, at most 256 KiB; default: 4096 */
    unsigned waste;  /* percent, 1 to 90, the most that a block may have beyond its request, where
                        rounding to 8 does not cost more; default: 12, eight classes a doubling */
    /* Or classes as a list: ascending, each a multiple of 8. */
    const size_t *sizes;
    size_t size_count;

    size_t
        page_size; /* bytes, a power of two; default: 64 KiB, or what 16 of the largest take; less
                          in a small buffer */
    size_t
        idle_pages; /* empty pages that are kept for the next need, besides one in 16; default: 8 */
    size_t limit;   /* bytes of pages, the most that the slab may have; default: no limit */

    /* Where pages come from: source, buffer or parent; default: the parent. */
    tarn_source *source;
    void *buffer;       /* the caller's bytes, which must outlive the slab */
    size_t buffer_size; /* bytes */
    /* Where blocks beyond the largest class come from; default: tarn_libc(), and nowhere with a
       source or a buffer. */
    tarn_allocator *parent;
    bool refuse_large; /* TARN_TOO_BIG instead of asking the parent */

    tarn_allocator *metadata; /* where all that the slab knows is kept; default: in the pages */
    bool check;               /* check each call, see tarn_slab_free; default: false, true in a
                                 library built with TARN_CHECKED */
    const char *name;         /* must outlive the slab; default: "slab" */
} tarn_slab_options;

/* Pages and the rest; private to the slab. */
typedef struct tarn_slab_page tarn_slab_page;
typedef struct tarn_slab_core tarn_slab_core;

/* A class; private to the slab. */
typedef struct tarn_slab_class {
    void **top;                 /* the next block to hand out: from here to `empty` are at hand */
    void **empty;               /* top == empty: nothing at hand                                */
    void **full;                /* top == full: no room for another                             */
    size_t size;                /* bytes of a block                                             */
    size_t inverse;             /* of the odd part of size, modulo 2^N                          */
    uint32_t shift;             /* log2 of the alignment: size = odd part << shift              */
    uint32_t number;            /* of this class                                                */
    size_t carved, free, pages; /* sums over the pages of the class; blocks, blocks, pages */
    tarn_slab_page *partial[4]; /* pages with free blocks, by quarters: the fullest first  */
    tarn_slab_page *carving;    /* has blocks that were never handed out                   */
} tarn_slab_class;

/* State; fields are private. */
struct tarn_slab {
    tarn_allocator allocator;
    size_t largest;           /* bytes, of the largest class; 0 after deinit                  */
    const uint8_t *class_of;  /* class by size / 8, for alignments up to 8, and for 16        */
    tarn_slab_class *classes; /* and one behind the last, which never has a block             */
    uint32_t class_count;
    uint32_t flags;
    tarn_slab_core *core;    /* NULL after deinit */
    tarn_source *source;     /* of pages */
    tarn_source *metasource; /* of what the slab knows */
    tarn_allocator *parent;  /* of large blocks; NULL: they are refused */
    const char *name;
    tarn_why why;
    uint64_t failures;
    uintptr_t owner;
    tarn_region home; /* where tarn_slab_create put this struct */
    tarn_parent_source own_source, own_metasource;
    tarn_buffer own_buffer;
};

/* ── Life cycle ── */

/**
 * tarn_slab_init - set up a slab in the caller's struct, which then stays where it is.
 *
 * Takes what its tables need (some KiB), and no page before a block is asked for.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (both a source and a buffer; a list that is not ascending, or with
 *          sizes and a smallest, largest or waste beside it; smallest beyond largest; a page size
 *          that is no power of two, or too small for a block of the largest class; waste beyond 90),
 *          TARN_BAD_ALIGN (a class that is no multiple of 8), TARN_TOO_BIG (a class beyond 256 KiB;
 *          more than TARN_SLAB_CLASSES classes), TARN_LIMIT (the buffer is too small for the tables
 *          and a page), TARN_NO_MEMORY. tarn_get_why tells the class or size that was refused. The
 *          slab must not be used otherwise then.
 * Threads  one.
 * Cost     O(classes + largest / 8); one call of the source, of the metadata allocator if there is one.
 */
TARN_API tarn_status tarn_slab_init(tarn_slab *slab, const tarn_slab_options *options);

/**
 * tarn_slab_deinit - every page back to where it came from, every large block to the parent; blocks
 * that are still out are gone with them.
 *
 * An alloc, a free or another deinit afterwards is a fault: use after deinit.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(pages + large blocks).
 */
TARN_API void tarn_slab_deinit(tarn_slab *slab);

/**
 * tarn_slab_create - a slab whose state, too, comes from where its tables come from.
 *
 * Returns  the slab, to be destroyed with tarn_slab_destroy; *status (when not NULL) is TARN_OK.
 * Fails    NULL, and *status as tarn_slab_init; TARN_BAD_ARGUMENT also with a buffer.
 * Threads  one.
 * Cost     as tarn_slab_init, and one more call of the source.
 */
TARN_API TARN_MUST_USE tarn_slab *tarn_slab_create(const tarn_slab_options *options,
                                                   tarn_status *status);

/**
 * tarn_slab_destroy - deinit a slab that tarn_slab_create made, and give its state back. NULL is
 * ignored.
 *
 * Fails    never.
 * Threads  one.
 * Cost     as tarn_slab_deinit.
 */
TARN_API void tarn_slab_destroy(tarn_slab *slab);

/**
 * tarn_slab_classes - the classes that a slab with these options has.
 *
 * Units    room in entries of out; out in bytes, ascending. out may be NULL when room is 0.
 * Returns  how many there are; the first `room` of them stand in out.
 * Fails    0 when tarn_slab_init would refuse the classes.
 * Threads  any.
 * Cost     O(classes).
 * Source   spacing by a bound on waste: E. Berger et al., "Hoard", ASPLOS 2000, section 3.1, with the
 *          classes rounded to powers of two times few as J. Evans, "A Scalable Concurrent malloc(3)
 *          Implementation for FreeBSD", BSDCan 2006, does.
 */
TARN_API size_t tarn_slab_classes(const tarn_slab_options *options, size_t *out, size_t room);

/* ── Blocks ── */

/**
 * tarn_slab_alloc_slow - what tarn_slab_alloc does out of the ordinary; call tarn_slab_alloc.
 *
 * Units    size in bytes.
 * Returns  as tarn_slab_alloc.
 * Fails    as tarn_slab_alloc.
 * Threads  one at a time per slab.
 * Cost     as tarn_slab_alloc.
 */
TARN_API void *tarn_slab_alloc_slow(tarn_slab *slab, size_t size, tarn_spec spec);

/**
 * tarn_slab_free_slow - what tarn_slab_free does out of the ordinary; call tarn_slab_free.
 *
 * Units    size in bytes.
 * Fails    as tarn_slab_free.
 * Threads  one at a time per slab.
 * Cost     as tarn_slab_free.
 */
TARN_API void tarn_slab_free_slow(tarn_slab *slab, void *block, size_t size, tarn_spec spec);

/**
 * tarn_slab_class_for - the class that serves a request, for those who write fast paths of their own.
 *
 * Units    size in bytes.
 * Returns  the class; NULL out of the ordinary: sizes 0 and beyond the largest class, flags,
 *          alignments beyond 16. A class that never has a block when none is aligned to 16.
 * Fails    see Returns.
 * Threads  as tarn_slab_alloc.
 * Cost     O(1): a load from a table of bytes.
 */
static TARN_FAST tarn_slab_class *tarn_slab_class_for(const tarn_slab *slab, size_t size,
                                                      tarn_spec spec)
{
    if (TARN_LIKELY(size - 1 < slab->largest && (spec & 0xffffu) <= 4))
        return &slab->classes[slab->class_of[((size + 7) >> 3) * 2 + ((spec & 0xffffu) >> 2)]];
    return NULL;
}

/**
 * tarn_slab_alloc - take a block; tarn_alloc on a slab, inlined.
 *
 * Units    size in bytes.
 * Returns  a block of the smallest class that holds size bytes aligned as spec asks, or one of the
 *          parent's; zeroed with TARN_ZERO, else undefined.
 * Fails    NULL: TARN_NO_MEMORY when there is no free block and no page to be had, TARN_LIMIT when
 *          the limit forbids one, TARN_TOO_BIG and TARN_BAD_ALIGN when no class serves it and there is
 *          no parent or `refuse_large`, the parent's reason when it refuses. The slab is unchanged.
 * Threads  one at a time per slab.
 * Cost     O(1): three loads and a table of bytes; one call in 8 at most goes to the slow half, where
 *          as many blocks as a page has may be looked at, and the source or parent called.
 */
TARN_MUST_USE static TARN_FAST void *tarn_slab_alloc(tarn_slab *slab, size_t size, tarn_spec spec)
{
    tarn_slab_class *c = tarn_slab_class_for(slab, size, spec);
    if (TARN_LIKELY(c != NULL)) {
        void **top = c->top;
        if (TARN_LIKELY(top != c->empty)) {
            c->top = top + 1;
            return *top;
        }
    }
    return tarn_slab_alloc_slow(slab, size, spec);
}

/**
 * tarn_slab_free - give a block back; tarn_free on a slab, inlined. NULL is ignored.
 *
 * Units    size in bytes: any from the size asked for to the size granted; 0 for "unknown", which
 *          costs a look-up of the page.
 * Fails    never. A double free, a pointer into the middle of a block, a size of another class are
 *          faults; without `check` they are noticed when the block leaves those at hand, as long as
 *          it was not handed out again meanwhile; with it at once, and so are wrong alignments and
 *          pointers that the slab never handed out.
 * Threads  one at a time per slab.
 * Cost     O(1); the block and its page are not touched. One call in 8 at most goes to the slow half.
 */
static TARN_FAST void tarn_slab_free(tarn_slab *slab, void *block, size_t size, tarn_spec spec)
{
    tarn_slab_class *c = tarn_slab_class_for(slab, size, spec);
    if (TARN_LIKELY(c != NULL)) {
        void **top = c->top;
        if (TARN_LIKELY(top != c->full && block != NULL)) {
            *--top = block;
            c->top = top;
            return;
        }
    }
    tarn_slab_free_slow(slab, block, size, spec);
}

/* ── Bulk ── */

/**
 * tarn_slab_alloc_batch - take many blocks of one size, in address order as far as that costs nothing.
 *
 * Units    size in bytes, of each; count in blocks.
 * Returns  how many blocks stand in out: less than count only when the slab ran out.
 * Fails    see Returns.
 * Threads  one at a time per slab.
 * Cost     O(count), a copy of pointers; no block is touched.
 */
TARN_API size_t tarn_slab_alloc_batch(tarn_slab *slab, size_t size, tarn_spec spec, size_t count,
                                      void **out);

/**
 * tarn_slab_free_batch - give many blocks of one size back; none may be NULL.
 *
 * Units    size in bytes, of each; count in blocks.
 * Fails    never; faults as tarn_slab_free.
 * Threads  one at a time per slab.
 * Cost     O(count), a copy of pointers; no block is touched.
 */
TARN_API void tarn_slab_free_batch(tarn_slab *slab, size_t size, tarn_spec spec, size_t count,
                                   void *const *blocks);

/* ── The whole slab ── */

/* What is known of one class. */
typedef struct tarn_slab_class_stats {
    size_t size, align; /* bytes */
    size_t pages;
    size_t live_blocks; /* handed out */
    size_t at_hand;     /* blocks, free: the next to be handed out */
    size_t free_blocks; /* blocks, free, others; without those that were never handed out */
} tarn_slab_class_stats;

/**
 * tarn_slab_get_class - what is known of one class.
 *
 * Units    number in classes, from 0, the smallest.
 * Returns  true, and the figures in out.
 * Fails    false when there is no class of that number.
 * Threads  one at a time per slab.
 * Cost     O(1).
 */
TARN_API bool tarn_slab_get_class(const tarn_slab *slab, size_t number, tarn_slab_class_stats *out);

/**
 * tarn_slab_reset - all blocks back at once, large ones to the parent; pages are kept, idle.
 *
 * Returns  TARN_OK.
 * Fails    never.
 * Threads  one at a time per slab.
 * Cost     O(pages + large blocks).
 */
static inline tarn_status tarn_slab_reset(tarn_slab *slab)
{
    return tarn_reset(&slab->allocator);
}

/**
 * tarn_slab_trim - every empty page back to where it came from.
 *
 * Returns  bytes given back.
 * Fails    0 when there is nothing to give; pages in a buffer stay.
 * Threads  one at a time per slab.
 * Cost     O(pages + blocks at hand).
 */
static inline size_t tarn_slab_trim(tarn_slab *slab)
{
    return tarn_trim(&slab->allocator);
}

/**
 * tarn_slab_owns - does this address lie in a block that the slab has handed out at least once?
 *
 * Returns  TARN_YES or TARN_NO; yes does not say that the block is live.
 * Fails    never; any address may be asked about, none is read.
 * Threads  one at a time per slab.
 * Cost     O(1) when it lies in a page, else O(large blocks).
 */
static inline tarn_answer tarn_slab_owns(const tarn_slab *slab, const void *block)
{
    return tarn_owns(&slab->allocator, block);
}

/**
 * tarn_slab_visit - see every live block once, large ones too; the visitor may free the one it sees.
 *
 * Returns  TARN_OK, also when the visitor ended it by returning false.
 * Fails    never.
 * Threads  one at a time per slab.
 * Cost     O(blocks ever handed out).
 */
static inline tarn_status tarn_slab_visit(tarn_slab *slab, tarn_visitor *see, void *user)
{
    return tarn_visit(&slab->allocator, see, user);
}

/**
 * tarn_slab_check - verify the counting, the lists and every free block.
 *
 * Returns  TARN_OK when all invariants hold.
 * Fails    TARN_CORRUPT.
 * Threads  one at a time per slab.
 * Cost     O(blocks ever handed out / 64 + the square of the blocks at hand of a class).
 */
static inline tarn_status tarn_slab_check(const tarn_slab *slab)
{
    return tarn_check(&slab->allocator);
}

/**
 * tarn_slab_stats - copy the counters: live blocks and bytes (as granted), bytes held and idle, pages,
 * failures.
 *
 * Returns  TARN_OK; out->known says which members mean something.
 * Fails    never.
 * Threads  one at a time per slab.
 * Cost     O(classes).
 */
static inline tarn_status tarn_slab_stats(const tarn_slab *slab, tarn_stats *out)
{
    return tarn_get_stats(&slab->allocator, out);
}

/* ── The view as an allocator ── */

/**
 * tarn_slab_allocator - the slab as any allocator: for tarn_owns, tarn_reset, tarn_trim, tarn_visit,
 * tarn_check, tarn_get_stats, tarn_get_why, and for all who take a tarn_allocator.
 *
 * Returns  the handle; it lives as long as the slab.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_slab_allocator(tarn_slab *slab)
{
    return &slab->allocator;
}

TARN_END_DECLS

#endif
