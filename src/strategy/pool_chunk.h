/* SPDX-License-Identifier: MIT */
/*
 * pool_chunk.h - a run of equal blocks with one bit for each that is free; the inside of a pool.
 *
 *     growing pool, one chunk of chunk_size bytes at a multiple of it (address & mask finds it):
 *         ┌───────────────┬────────┬─────────────────────────────┬──────┐
 *         │ pool_chunk    │ bitmap │ block 0 │ 1 │ 2 │ …         │ rest │
 *         └───────────────┴────────┴─────────────────────────────┴──────┘
 *     pool of one run (the header stands in the tarn_pool):
 *         ┌─────────────────────────────┬────────┐
 *         │ block 0 │ 1 │ 2 │ …         │ bitmap │
 *         └─────────────────────────────┴────────┘
 *
 * Counting, in blocks:
 *
 * C1  capacity >= carved >= free; blocks from `carved` on were never handed out, and no byte of
 *     theirs, nor of their bitmap words, was ever touched.
 * C2  A carved block is in exactly one of three states: free (its bit is 1), at hand (bit 0, in
 *     pool->slots), live (bit 0). So live = carved - free - (pool->empty - pool->top).
 * C3  A chunk is on the list of chunks with free blocks exactly when free > 0 and it is not
 *     pool->current.
 */
#ifndef TARN_STRATEGY_POOL_CHUNK_H
#define TARN_STRATEGY_POOL_CHUNK_H

#include <tarn/pool.h>

#include "base/bitmap.h"
#include "base/thread_guard.h"

struct tarn_pool_chunk {
    tarn_pool *pool;
    tarn_pool_chunk *next, *prev; /* all chunks of the pool                                     */
    tarn_pool_chunk *free_next, *free_prev; /* chunks with free blocks */
    char *blocks;                  /* block 0                                                    */
    size_t capacity, carved, free; /* see C1                                                     */
    size_t cursor;                 /* bitmap word where the next search starts                   */
    void *region;                  /* as the source gave it, NULL for a caller's buffer          */
    size_t region_size;            /* bytes                                                      */
    size_t listed;                 /* 1: on the list of chunks with free blocks                  */
    tarn_bitmap map;
};

_Static_assert(sizeof(struct tarn_pool_chunk) <= sizeof(((tarn_pool *)0)->sole),
               "a chunk fits where pool.h keeps one");

/* pool->flags */
enum {
    TARN_POOL_CHECK = 1u << 0,  /* every call is checked: nothing is kept at hand */
    TARN_POOL_DEAD = 1u << 1,   /* deinitialised                                  */
    TARN_POOL_STEADY = 1u << 2, /* nothing is kept at hand */
    TARN_POOL_NONE_AT_HAND = TARN_POOL_CHECK | TARN_POOL_STEADY
};

/* What a block address turned out to be. */
typedef enum tarn_pool_place {
    TARN_POOL_CARVED, /* a block that was handed out at least once */
    TARN_POOL_INSIDE, /* in a block, not at its start              */
    TARN_POOL_FOREIGN /* nothing of this pool's                    */
} tarn_pool_place;

/* Bytes; where block 0 of a chunk or run begins: at a cache line when blocks are made of whole ones. */
static inline size_t tarn_pool_first_align(const tarn_pool *pool)
{
    size_t align = (size_t)1 << pool->spec_max, divides = pool->stride & (~pool->stride + 1);
    size_t line = divides < 64 ? divides : 64;
    return align > line ? align : line;
}

/* Bytes; what a region is aligned to, asked of the source at map and told it at unmap. */
static inline size_t tarn_pool_region_align(const tarn_pool *pool)
{
    size_t align = tarn_pool_first_align(pool);
    if (pool->chunk_mask != 0)
        return pool->chunk_size;
    return align > sizeof(uint64_t) ? align : sizeof(uint64_t);
}

/* How many blocks fit into `size` bytes beside `before` bytes and the bitmap. */
size_t tarn_pool_fit(const tarn_pool *pool, size_t before, size_t size);

/* The run of a pool with a capacity, over `memory`. */
tarn_pool_chunk *tarn_pool_sole(tarn_pool *pool, void *memory, size_t capacity);

/* A new chunk from the source; NULL with the reason in *status. */
tarn_pool_chunk *tarn_pool_grow(tarn_pool *pool, tarn_status *status);

/* Give a chunk of which nothing is live back to the source. Returns its bytes. */
size_t tarn_pool_release(tarn_pool *pool, tarn_pool_chunk *c);

/* Up to `want` blocks into out: free ones, lowest address first within a chunk; then new ones.
 * Status tells why fewer. */
size_t tarn_pool_take(tarn_pool *pool, size_t want, void **out, tarn_status *status);

/* Set the free bit of a carved block. False (and nothing changed) when it is set. */
bool tarn_pool_mark_free(tarn_pool *pool, tarn_pool_chunk *c, size_t i);

/* Set the free bits of many blocks. Returns how many, up to the first that is a fault. */
size_t tarn_pool_give(tarn_pool *pool, void *const *blocks, size_t count);

/* Find the chunk and the number of a block. `surely`: any address may be asked about, none of it is
 * read. */
tarn_pool_place tarn_pool_find(const tarn_pool *pool, const void *block, bool surely,
                               tarn_pool_chunk **c, size_t *i);

/* Make all carved blocks of a chunk free, or, when no init has run on them, uncarved. */
void tarn_pool_forget(tarn_pool *pool, tarn_pool_chunk *c);

/* Does a checking pool belong to another thread? The fault has been reported then, and the pool is not
 * to be touched. */
bool tarn_pool_stranger(tarn_pool *pool, const void *block);

/* In a checking pool: is this a live block, of that size, of this thread? A fault otherwise: false. */
bool tarn_pool_may_resize(tarn_pool *pool, const void *block, size_t size);

/* Record a refusal; always NULL. */
void *tarn_pool_refuse(tarn_pool *pool, tarn_status status, size_t size, size_t align,
                       size_t limit);

/* All blocks at hand into their chunks. */
void tarn_pool_flush(tarn_pool *pool);

/* The tables: a plain pool, and one with an init, whose alloc takes as long as the user's init takes. */
extern const tarn_ops tarn_pool_ops, tarn_pool_cache_ops;

/* The set of chunk addresses (pool_index.c). Add is false when there was no memory for it. */
bool tarn_pool_index_add(tarn_pool *pool, const tarn_pool_chunk *c);
void tarn_pool_index_remove(tarn_pool *pool, const tarn_pool_chunk *c);
bool tarn_pool_index_has(const tarn_pool *pool, uintptr_t chunk);
void tarn_pool_index_deinit(tarn_pool *pool);

#endif
