/* SPDX-License-Identifier: MIT */
/*
 * pool.h - blocks of one size, taken and given back in a few instructions.
 *
 * For: many objects of one type with lifetimes of their own: nodes, sessions, messages. Not for:
 * blocks of many sizes (put a segregator or a fallback around it), use by several threads at once
 * (put a lock around it).
 *
 *     tarn_pool pool;
 *     tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 64, .name = "nodes"});
 *     struct node *n = tarn_pool_alloc(&pool);
 *     tarn_pool_free(&pool, n);
 *     tarn_pool_deinit(&pool);
 *
 * A block takes exactly its size, rounded up to its alignment: no header, no minimum. Nothing is
 * written into a free block. Free blocks are known by one bit each, in bitmaps beside the blocks,
 * and by a small array of pointers:
 *
 *     tarn_pool_alloc ◄── pop ┌─────────────────────────┐ push ◄── tarn_pool_free
 *                             │ slots: pointers at hand │
 *                             └────▲───────────────┬────┘
 *       empty: refill, lowest      │               │      full: flush the older half
 *       address first, chunk       │               ▼
 *       by chunk            ┌──────┴─────── chunk ───────────────┐
 *                           │ bitmap: 1 = free │ blocks … carved ┼ untouched …
 *                           └────────────────────────────────────┘
 *
 * So a program that frees in random order gets its blocks back in address order, and a pool of a
 * million blocks touches none of them until they are used.
 */
#ifndef TARN_POOL_H
#define TARN_POOL_H

#include <tarn/allocator.h>
#include <tarn/source.h>

TARN_BEGIN_DECLS

typedef struct tarn_pool tarn_pool;

/* How a pool is made. Zero means: the default. */
typedef struct tarn_pool_options {
    size_t block_size; /* bytes, at least 1; there is no default */
    size_t align;      /* bytes, a power of two; default: the largest that divides block_size, at
                          most that of max_align_t */
    size_t capacity;   /* blocks, all cut from one run that is mapped at init; default 0: the pool
                          grows by chunks */
    size_t limit;      /* blocks, the most a growing pool may have; default: no limit */
    size_t chunk_size; /* bytes, a power of two, what a growing pool takes at a time; default:
                          64 KiB, 256 KiB from libc when nothing else is named, 1 MiB from a source
                          of pages; more when fewer than 32 blocks would fit, or the source gives
                          no less */

    /* Where chunks come from: one of these three; default: the parent tarn_libc(). */
    tarn_source *source;
    tarn_allocator *parent;
    void *buffer;       /* the caller's bytes, which must outlive the pool: one run, no growth */
    size_t buffer_size; /* bytes; see tarn_pool_bytes */

    bool exact;  /* refuse any size but block_size; default: serve smaller ones, too */
    bool steady; /* every alloc and free takes the same time, some 15 ns: no block is kept at hand,
                         so that no call has 64 of them to fetch or put back; default: false */
    bool check;  /* check each call, see tarn_pool_free, and that it is made by the thread that
                         made the first one, see tarn_share; default: false, true in a library
                         built with TARN_CHECKED */
    const char *name; /* must outlive the pool; default: "pool" */

    /* Object cache: init is called once when a block enters the pool, before it is handed out for
       the first time; false refuses. What it sets up stays through free and alloc, until fini is
       called when the block leaves the pool: at trim and deinit. */
    bool (*init)(void *user, void *block);
    void (*fini)(void *user, void *block);
    void *user; /* passed to both */
} tarn_pool_options;

/* One run of blocks; private to the pool. */
typedef struct tarn_pool_chunk tarn_pool_chunk;

/* State; fields are private. */
struct tarn_pool {
    tarn_allocator allocator;
    void **top;        /* the next block to hand out: slots from here to `empty` are at hand     */
    void **empty;      /* top == empty: nothing at hand                                          */
    void **full;       /* top == full: no room for another                                       */
    size_t min_size;   /* bytes, the smallest size served                                        */
    size_t span;       /* bytes, block_size - min_size                                           */
    uint32_t spec_max; /* log2 of the alignment: a larger low half of a spec is out of the way   */
    uint32_t flags;
    size_t block_size; /* bytes */
    size_t stride;     /* bytes from one block to the next                                       */
    size_t inverse;    /* of the odd part of stride, modulo 2^64: division by multiplication     */
    unsigned shift;    /* stride = odd part << shift                                             */
    uintptr_t chunk_mask; /* address & mask = its chunk; 0 for a pool of one run */
    size_t chunk_size;    /* bytes */
    size_t limit;         /* blocks */
    size_t carved, free;  /* sums over the chunks  */
    size_t room; /* blocks of all chunks, carved or not                                    */
    size_t held; /* bytes taken from the source                                            */
    size_t chunk_count;
    uint64_t failures;
    uintptr_t low, high;      /* every chunk lies between these                                 */
    tarn_pool_chunk *current; /* where blocks are taken from                                    */
    tarn_pool_chunk *carving; /* has blocks that were never handed out                          */
    tarn_pool_chunk *first;   /* all chunks                                                     */
    tarn_pool_chunk *free_first, *free_last;
    uintptr_t *index;  /* open-addressed table of chunk addresses                        */
    size_t index_size; /* entries, a power of two                                        */
    tarn_region index_region;
    tarn_source *source; /* NULL: the caller's buffer                                      */
    tarn_parent_source own_source;
    const char *name;
    bool (*init)(void *user, void *block);
    void (*fini)(void *user, void *block);
    void *user;
    tarn_why why;
    uintptr_t small_index[8];
    uintptr_t owner;  /* the thread that a checking pool belongs to */
    tarn_region home; /* where tarn_pool_create put this struct */
    void *sole[26];   /* the chunk of a pool of one run */
    void *slots[TARN_POOL_SLOTS];
};

/* ── Life cycle ── */

/**
 * tarn_pool_init - set up a pool in the caller's struct, which then stays where it is.
 *
 * With a capacity or a buffer the pool is of one run; otherwise it grows by chunks. No block is
 * touched.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (no block size; more than one of source, parent and buffer; a chunk
 *          size that is no power of two, or too small for one block), TARN_BAD_ALIGN,
 *          TARN_TOO_BIG, TARN_NO_MEMORY, TARN_LIMIT (the buffer holds fewer blocks than capacity;
 *          tarn_get_why tells how many it holds). The pool must not be used then.
 * Threads  one.
 * Cost     O(1); one call of the source for a pool with a capacity, none for one that grows.
 */
TARN_API tarn_status tarn_pool_init(tarn_pool *pool, const tarn_pool_options *options);

/**
 * tarn_pool_deinit - every chunk back to where it came from; blocks that are still out are gone
 * with them.
 *
 * An alloc, a free or another deinit afterwards is a fault: use after deinit.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(chunks); O(blocks ever handed out) with a fini.
 */
TARN_API void tarn_pool_deinit(tarn_pool *pool);

/**
 * tarn_pool_create - a pool whose state, too, comes from where its chunks come from.
 *
 * Returns  the pool, to be destroyed with tarn_pool_destroy; *status (when not NULL) is TARN_OK.
 * Fails    NULL, and *status as tarn_pool_init; TARN_BAD_ARGUMENT also with a buffer.
 * Threads  one.
 * Cost     as tarn_pool_init, and one more call of the source.
 */
TARN_API TARN_MUST_USE tarn_pool *tarn_pool_create(const tarn_pool_options *options,
                                                   tarn_status *status);

/**
 * tarn_pool_destroy - deinit a pool that tarn_pool_create made, and give its state back. NULL is
 * ignored.
 *
 * Fails    never.
 * Threads  one.
 * Cost     as tarn_pool_deinit.
 */
TARN_API void tarn_pool_destroy(tarn_pool *pool);

/**
 * tarn_pool_bytes - the exact size of a buffer for a number of blocks.
 *
 * A buffer aligned to the larger of the blocks' alignment and 8 holds `blocks` blocks in that many
 * bytes, and fewer in one byte less. Where rounding to words leaves room for one more small block,
 * a pool without a capacity uses it. TARN_POOL_BYTES is the same as a constant expression, for
 * static arrays.
 *
 * Units    block_size, align in bytes (align 0: the default of tarn_pool_options); blocks in
 *          blocks.
 * Returns  bytes.
 * Fails    0 when block_size is 0, align is no power of two, or the result overflows.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API size_t tarn_pool_bytes(size_t block_size, size_t align, size_t blocks);

#define TARN_POOL_WORDS_(bits) (((bits) + 63) / 64)
#define TARN_POOL_UPPER_(words)                                                                    \
    ((words) <= 1 ? 0 : TARN_POOL_WORDS_(words) + TARN_POOL_UPPER2_(TARN_POOL_WORDS_(words)))
#define TARN_POOL_UPPER2_(words)                                                                   \
    ((words) <= 1 ? 0 : TARN_POOL_WORDS_(words) + TARN_POOL_UPPER3_(TARN_POOL_WORDS_(words)))
#define TARN_POOL_UPPER3_(words) ((words) <= 1 ? 0 : TARN_POOL_WORDS_(words) + 1)
/* As tarn_pool_bytes, for up to 2^30 blocks; align must be given. */
#define TARN_POOL_BYTES(block_size, align, blocks)                                                 \
    (((((TARN_CAST_(size_t, block_size) + (align)-1) & ~(TARN_CAST_(size_t, align) - 1)) *         \
           TARN_CAST_(size_t, blocks) +                                                            \
       7) &                                                                                        \
      ~TARN_CAST_(size_t, 7)) +                                                                    \
     8 * (TARN_POOL_WORDS_(TARN_CAST_(size_t, blocks)) +                                           \
          TARN_POOL_UPPER_(TARN_POOL_WORDS_(TARN_CAST_(size_t, blocks)))))

/* ── Blocks ── */

/**
 * tarn_pool_alloc_slow - what tarn_pool_alloc does when no block is at hand; call tarn_pool_alloc.
 *
 * Returns  as tarn_pool_alloc.
 * Fails    as tarn_pool_alloc.
 * Threads  one at a time per pool.
 * Cost     O(1): at most half of TARN_POOL_SLOTS blocks are looked up, at most one call of the
 *          source.
 */
TARN_API void *tarn_pool_alloc_slow(tarn_pool *pool);

/**
 * tarn_pool_free_slow - what tarn_pool_free does when there is no room at hand; call
 * tarn_pool_free.
 *
 * Fails    as tarn_pool_free.
 * Threads  one at a time per pool.
 * Cost     O(1): half of TARN_POOL_SLOTS blocks are put back into their chunks.
 */
TARN_API void tarn_pool_free_slow(tarn_pool *pool, void *block);

/**
 * tarn_pool_alloc - take one block.
 *
 * Returns  a block of the pool's block size, aligned as the pool; contents undefined, or as init
 *          or its last user left them in a pool with an init.
 * Fails    NULL when every block is out and the pool may not or cannot grow; the pool is
 *          unchanged, tarn_get_why tells the reason.
 * Threads  one at a time per pool.
 * Cost     O(1), no loop; one call in 64 at most goes to tarn_pool_alloc_slow.
 */
TARN_MUST_USE static TARN_FAST void *tarn_pool_alloc(tarn_pool *pool)
{
    void **top = pool->top;
    if (TARN_UNLIKELY(top == pool->empty))
        return tarn_pool_alloc_slow(pool);
    pool->top = top + 1;
    if (*top == NULL)
        __builtin_unreachable(); /* so that a caller's check for NULL costs the slow way alone */
    return *top;
}

/**
 * tarn_pool_free - give one block back. NULL is ignored.
 *
 * Fails    never. A double free and a pointer into the middle of a block are faults; without
 *          `check` they are noticed when the block leaves the slots, as long as it was not handed
 *          out again meanwhile; with it at once, and so are any pointer that the pool never handed
 *          out, and an alloc, free, reset, trim or visit by another thread than the first.
 * Threads  one at a time per pool.
 * Cost     O(1), no loop; one call in 64 at most goes to tarn_pool_free_slow.
 */
static TARN_FAST void tarn_pool_free(tarn_pool *pool, void *block)
{
    void **top = pool->top;
    if (TARN_UNLIKELY(top == pool->full)) {
        tarn_pool_free_slow(pool, block);
        return;
    }
    if (TARN_UNLIKELY(block == NULL))
        return;
    *--top = block;
    pool->top = top;
}

/**
 * tarn_pool_get_slow - what tarn_pool_get does out of the ordinary; call tarn_pool_get.
 *
 * Units    size in bytes.
 * Returns  as tarn_pool_get.
 * Fails    as tarn_pool_get.
 * Threads  one at a time per pool.
 * Cost     O(1); O(size) with TARN_ZERO.
 */
TARN_API void *tarn_pool_get_slow(tarn_pool *pool, size_t size, tarn_spec spec);

/**
 * tarn_pool_get - tarn_alloc on a pool, inlined.
 *
 * Units    size in bytes.
 * Returns  a block, as tarn_pool_alloc; zeroed with TARN_ZERO (refused by a pool with an init:
 *          TARN_UNSUPPORTED).
 * Fails    NULL: as tarn_pool_alloc, and TARN_TOO_BIG for a size beyond the block size,
 *          TARN_WRONG_SIZE for a smaller one when the pool is exact, TARN_BAD_ALIGN for more than
 *          the pool's alignment.
 * Threads  one at a time per pool.
 * Cost     O(1); as tarn_pool_alloc and two compares, none when size and spec are constants the
 *          compiler can see through.
 */
TARN_MUST_USE static TARN_FAST void *tarn_pool_get(tarn_pool *pool, size_t size, tarn_spec spec)
{
    if (TARN_LIKELY(size - pool->min_size <= pool->span && (spec & 0xffffu) <= pool->spec_max)) {
        void **top = pool->top;
        if (TARN_LIKELY(top != pool->empty)) {
            pool->top = top + 1;
            return *top;
        }
    }
    return tarn_pool_get_slow(pool, size, spec);
}

/**
 * tarn_pool_put_slow - what tarn_pool_put does when there is no room at hand; call tarn_pool_put.
 *
 * Units    size in bytes.
 * Fails    as tarn_pool_put.
 * Threads  one at a time per pool.
 * Cost     O(1).
 */
TARN_API void tarn_pool_put_slow(tarn_pool *pool, void *block, size_t size, tarn_spec spec);

/**
 * tarn_pool_put - tarn_free on a pool, inlined; in release builds size and spec are not looked at.
 *
 * Units    size in bytes.
 * Fails    never; as tarn_pool_free, and wrong size or alignment are faults with `check`.
 * Threads  one at a time per pool.
 * Cost     O(1); as tarn_pool_free.
 */
static TARN_FAST void tarn_pool_put(tarn_pool *pool, void *block, size_t size, tarn_spec spec)
{
    void **top = pool->top;
    if (TARN_UNLIKELY(top == pool->full)) {
        tarn_pool_put_slow(pool, block, size, spec);
        return;
    }
    if (TARN_UNLIKELY(block == NULL))
        return;
    *--top = block;
    pool->top = top;
}

/* ── Bulk ── */

/**
 * tarn_pool_alloc_batch - take many blocks, in address order as far as that costs nothing.
 *
 * Units    count in blocks.
 * Returns  how many blocks stand in out: less than count only when the pool ran out.
 * Fails    see Returns.
 * Threads  one at a time per pool.
 * Cost     O(count), a copy of pointers; no block is touched.
 */
TARN_API size_t tarn_pool_alloc_batch(tarn_pool *pool, size_t count, void **out);

/**
 * tarn_pool_free_batch - give many blocks back; none may be NULL.
 *
 * Units    count in blocks.
 * Fails    never; faults as tarn_pool_free.
 * Threads  one at a time per pool.
 * Cost     O(count), a copy of pointers; no block is touched.
 */
TARN_API void tarn_pool_free_batch(tarn_pool *pool, size_t count, void *const *blocks);

/* ── The whole pool ── */

/**
 * tarn_pool_reset - all blocks back at once, chunks and constructed objects kept.
 *
 * Returns  TARN_OK.
 * Fails    never.
 * Threads  one at a time per pool.
 * Cost     O(chunks); O(blocks ever handed out) with an init.
 */
static inline tarn_status tarn_pool_reset(tarn_pool *pool)
{
    return tarn_reset(&pool->allocator);
}

/**
 * tarn_pool_trim - empty chunks back to where they came from; fini runs on their blocks.
 *
 * Returns  bytes given back.
 * Fails    0 when there is nothing to give. A pool with a capacity gives back all or nothing, and only
 *          to a source that can purge.
 * Threads  one at a time per pool.
 * Cost     O(chunks).
 */
static inline size_t tarn_pool_trim(tarn_pool *pool)
{
    return tarn_trim(&pool->allocator);
}

/**
 * tarn_pool_owns - does this address lie in a block that the pool has handed out at least once?
 *
 * Returns  TARN_YES or TARN_NO; yes does not say that the block is live.
 * Fails    never; any address may be asked about, none is read.
 * Threads  one at a time per pool.
 * Cost     O(1).
 */
static inline tarn_answer tarn_pool_owns(const tarn_pool *pool, const void *block)
{
    return tarn_owns(&pool->allocator, block);
}

/**
 * tarn_pool_visit - see every live block once; the visitor may free the one it sees.
 *
 * Returns  TARN_OK, also when the visitor ended it by returning false.
 * Fails    never.
 * Threads  one at a time per pool.
 * Cost     O(blocks ever handed out).
 */
static inline tarn_status tarn_pool_visit(tarn_pool *pool, tarn_visitor *see, void *user)
{
    return tarn_visit(&pool->allocator, see, user);
}

/**
 * tarn_pool_check - verify the counting and every free block.
 *
 * Returns  TARN_OK when all invariants hold.
 * Fails    TARN_CORRUPT.
 * Threads  one at a time per pool.
 * Cost     O(blocks ever handed out / 64).
 */
static inline tarn_status tarn_pool_check(const tarn_pool *pool)
{
    return tarn_check(&pool->allocator);
}

/**
 * tarn_pool_stats - copy the counters: live blocks and bytes, bytes held and idle, chunks, failures.
 *
 * Returns  TARN_OK; out->known says which members mean something.
 * Fails    never.
 * Threads  one at a time per pool.
 * Cost     O(1).
 */
static inline tarn_status tarn_pool_stats(const tarn_pool *pool, tarn_stats *out)
{
    return tarn_get_stats(&pool->allocator, out);
}

/* ── The view as an allocator ── */

/**
 * tarn_pool_allocator - the pool as any allocator: for tarn_owns, tarn_reset, tarn_trim,
 * tarn_visit, tarn_check, tarn_get_stats, tarn_get_why, and for all who take a tarn_allocator.
 *
 * Returns  the handle; it lives as long as the pool.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_pool_allocator(tarn_pool *pool)
{
    return &pool->allocator;
}

TARN_END_DECLS

#endif
