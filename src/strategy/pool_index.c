/* SPDX-License-Identifier: MIT */
/*
 * pool_index.c - the set of a growing pool's chunk addresses: "is there a chunk of mine at this
 * address?" without reading the address.
 *
 * An open-addressed table with linear probing and deletion by moving back (Knuth, The Art of
 * Computer Programming, volume 3, section 6.4, algorithm R). 0 is an empty entry. It starts in the
 * pool itself and moves to memory of the source when it is half full.
 *
 * I1  chunk_count <= index_size / 2 after every add.
 * I2  Every address is reachable from its home without crossing an empty entry.
 */
#include "strategy/pool_chunk.h"

static size_t home_of(const tarn_pool *pool, uintptr_t chunk)
{
    uint64_t h = (uint64_t)(chunk / pool->chunk_size) *
                 0x9e3779b97f4a7c15u; /* Knuth's multiplicative hash */
    return (size_t)(h >> 32) & (pool->index_size - 1);
}

static void insert(tarn_pool *pool, uintptr_t chunk)
{
    size_t at = home_of(pool, chunk);
    while (pool->index[at] != 0)
        at = (at + 1) & (pool->index_size - 1);
    pool->index[at] = chunk;
}

static bool enlarge(tarn_pool *pool)
{
    tarn_region fresh;
    uintptr_t *old = pool->index;
    tarn_region old_region = pool->index_region;
    size_t old_size = pool->index_size, size = old_size * 8;
    if (tarn_source_map(pool->source, size * sizeof *old, sizeof *old, 0, &fresh) != TARN_OK)
        return false;
    pool->index = fresh.ptr;
    pool->index_region = fresh;
    pool->index_size = size;
    for (size_t i = 0; i < size; i++)
        pool->index[i] = 0;
    for (size_t i = 0; i < old_size; i++) {
        if (old[i] != 0)
            insert(pool, old[i]);
    }
    pool->held += fresh.size - old_region.size;
    if (old_region.ptr != NULL)
        tarn_source_unmap(pool->source, old_region.ptr, old_region.size, sizeof *old);
    return true;
}

bool tarn_pool_index_add(tarn_pool *pool, const tarn_pool_chunk *c)
{
    if ((pool->chunk_count + 1) * 2 > pool->index_size && !enlarge(pool))
        return false;
    insert(pool, (uintptr_t)c);
    return true;
}

bool tarn_pool_index_has(const tarn_pool *pool, uintptr_t chunk)
{
    if (chunk == 0)
        return false;
    size_t at = home_of(pool, chunk);
    while (pool->index[at] != 0) {
        if (pool->index[at] == chunk)
            return true;
        at = (at + 1) & (pool->index_size - 1);
    }
    return false;
}

void tarn_pool_index_remove(tarn_pool *pool, const tarn_pool_chunk *c)
{
    size_t mask = pool->index_size - 1, hole = home_of(pool, (uintptr_t)c);
    while (pool->index[hole] != (uintptr_t)c)
        hole = (hole + 1) & mask;
    for (size_t at = hole;;) {
        pool->index[hole] = 0;
        do {
            at = (at + 1) & mask;
            if (pool->index[at] == 0)
                return;
        } while (((at - home_of(pool, pool->index[at])) & mask) < ((at - hole) & mask));
        pool->index[hole] = pool->index[at];
        hole = at;
    }
}

void tarn_pool_index_deinit(tarn_pool *pool)
{
    if (pool->index_region.ptr != NULL)
        tarn_source_unmap(pool->source, pool->index_region.ptr, pool->index_region.size,
                          sizeof(uintptr_t));
    pool->index = pool->small_index;
    pool->index_size = sizeof pool->small_index / sizeof *pool->small_index;
    pool->index_region = (tarn_region){NULL, 0, 0};
}
