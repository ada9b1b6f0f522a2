/* SPDX-License-Identifier: MIT */
/*
 * cache.h - magazines: free blocks kept at hand, by size, in front of any allocator.
 *
 *     tarn_cache mine;
 *     tarn_cache_init(&mine, &(tarn_cache_options){.parent = shared, .largest = 256});
 *     void *p = tarn_alloc(tarn_cache_allocator(&mine), 100, TARN_ALIGN_MAX);   from a magazine
 *
 *     alloc ◄─ pop ┌── magazine of 112 bytes ──┐ push ◄─ free      sizes are rounded up to steps;
 *                  │ pointers at hand          │                   one magazine for each
 *                  └───▲───────────────────┬───┘
 *       empty: a batch │                   │ full: half of them, in one batch
 *                      └────── parent ◄────┘
 *
 * A cache belongs to one thread at a time; its parent may be shared by many, behind a lock or of
 * itself: each thread owns a cache and meets the others once in a batch.
 *
 * For: locks, layers and parents that cost more than a few instructions. Not for: a pool of one
 * thread, which has all of this inside.
 */
#ifndef TARN_CACHE_H
#define TARN_CACHE_H

#include <tarn/layer.h>

TARN_BEGIN_DECLS

typedef struct tarn_cache_options {
    const char *name; /* shown in messages; NULL: none. Copied, cut at 30 bytes              */
    tarn_allocator *parent;
    size_t largest; /* bytes, the largest size that is kept; default 512                      */
    size_t step;    /* bytes, a power of two that sizes are rounded up to; default 16         */
    size_t depth;   /* blocks that a magazine holds; default 64, at least 2                   */
    size_t align;   /* bytes, a power of two: the alignment of blocks that are kept; requests
                        of more go to the parent. Default: the step, at most max_align_t's     */
    tarn_allocator *metadata; /* where the magazines are; default: tarn_libc()                 */
} tarn_cache_options;

/* Free blocks of one size; private to the cache. */
typedef struct tarn_magazine {
    size_t count;
    void **blocks;
} tarn_magazine;

/* State; fields are private. */
typedef struct tarn_cache {
    tarn_layer layer;
    tarn_magazine *magazines; /* one for each step up to largest */
    size_t largest, step, depth;
    unsigned shift; /* step = 1 << shift                      */
    tarn_spec spec; /* of blocks that are kept                */
    size_t idle;    /* blocks in all magazines                */
    tarn_allocator *metadata;
    size_t metadata_size; /* bytes */
} tarn_cache;

/**
 * tarn_cache_init - magazines, empty, before an allocator, which must outlive them.
 *
 * Sizes up to largest are rounded up to steps, and granted so. Has what the parent has, but for
 * marks, unsized free, statistics and threads.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (no parent or metadata, a depth of 1, a largest below the step),
 *          TARN_BAD_ALIGN (step or align no power of two), TARN_TOO_BIG, TARN_NO_MEMORY.
 * Threads  one; afterwards one at a time.
 * Cost     one block of metadata: largest / step * (depth + 2) words.
 */
TARN_API tarn_status tarn_cache_init(tarn_cache *cache, const tarn_cache_options *options);

/**
 * tarn_cache_deinit - all blocks at hand back to the parent, and the end of the layer.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(blocks at hand).
 */
TARN_API void tarn_cache_deinit(tarn_cache *cache);

/**
 * tarn_cache_fill - blocks of a size at hand, so that the next so many allocations of it cannot fail.
 *
 * Units    size in bytes; count in blocks, at most depth.
 * Returns  TARN_OK: at least count blocks of that size are at hand.
 * Fails    TARN_LIMIT (count is above depth), TARN_TOO_BIG (size is above largest), and as the
 *          parent; what could be had is at hand.
 * Threads  one at a time.
 * Cost     one batch of the parent.
 */
TARN_API tarn_status tarn_cache_fill(tarn_cache *cache, size_t size, size_t count);

/**
 * tarn_cache_flush - all blocks at hand back to the parent.
 *
 * Returns  how many there were.
 * Fails    never.
 * Threads  one at a time.
 * Cost     one batch of the parent for each magazine that has any.
 */
TARN_API size_t tarn_cache_flush(tarn_cache *cache);

/**
 * tarn_cache_idle - how many blocks are at hand.
 *
 * Returns  blocks.
 * Fails    never.
 * Threads  one at a time.
 * Cost     O(1).
 */
static inline size_t tarn_cache_idle(const tarn_cache *cache)
{
    return cache->idle;
}

/**
 * tarn_cache_allocator - the layer's handle.
 *
 * Returns  the handle, good until deinit.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_cache_allocator(tarn_cache *cache)
{
    return &cache->layer.allocator;
}

TARN_END_DECLS

#endif
