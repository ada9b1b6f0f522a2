/* SPDX-License-Identifier: MIT */
/*
 * shared_pool_index.c - the set of a pool's chunk addresses: "is there a chunk of mine at this
 * address?" without reading the address. All of it under the pool's mutex.
 *
 * An open-addressed table with linear probing and deletion by moving back (Knuth, The Art of
 * Computer Programming, volume 3, section 6.4, algorithm R). 0 is an empty entry.
 *
 * I1  chunk_count <= index_size / 2 after every add.
 * I2  Every address is reachable from its home without crossing an empty entry.
 */
#include "strategy/shared_pool_chunk.h"

enum { FIRST_SIZE = 64 }; /* entries */

static size_t home_of(const tarn_shared_pool *pool, uintptr_t chunk)
{
    uint64_t h = (uint64_t)(chunk / pool->chunk_size) * 0x9e3779b97f4a7c15u; /* Knuth's hash */
    return (size_t)(h >> 32) & (pool->index_size - 1);
}

/* Where the address is, or would be. */
static size_t place_of(const tarn_shared_pool *pool, uintptr_t chunk)
{
    size_t at = home_of(pool, chunk);
    while (pool->index[at] != 0 && pool->index[at] != chunk)
        at = (at + 1) & (pool->index_size - 1);
    return at;
}

static bool enlarge(tarn_shared_pool *pool)
{
    tarn_region fresh, old_region = pool->index_region;
    const uintptr_t *old = pool->index;
    size_t old_size = pool->index_size, size = old_size != 0 ? old_size * 8 : FIRST_SIZE;
    if (tarn_source_map(pool->source, size * sizeof *old, sizeof *old, 0, &fresh) != TARN_OK)
        return false;
    pool->index = fresh.ptr;
    pool->index_region = fresh;
    pool->index_size = size;
    for (size_t i = 0; i < size; i++)
        pool->index[i] = 0;
    for (size_t i = 0; i < old_size; i++) {
        if (old[i] != 0)
            pool->index[place_of(pool, old[i])] = old[i];
    }
    pool->held += fresh.size - old_region.size;
    tarn_source_unmap(pool->source, old_region.ptr, old_region.size, sizeof *old);
    return true;
}

bool tarn_shared_index_add(tarn_shared_pool *pool, const tarn_shared_chunk *c)
{
    if ((pool->chunk_count + 1) * 2 > pool->index_size && !enlarge(pool))
        return false;
    pool->index[place_of(pool, (uintptr_t)c)] = (uintptr_t)c;
    return true;
}

bool tarn_shared_index_has(const tarn_shared_pool *pool, uintptr_t chunk)
{
    return chunk != 0 && pool->index_size != 0 && pool->index[place_of(pool, chunk)] == chunk;
}

void tarn_shared_index_remove(tarn_shared_pool *pool, const tarn_shared_chunk *c)
{
    size_t mask = pool->index_size - 1, hole = place_of(pool, (uintptr_t)c);
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

void tarn_shared_index_deinit(tarn_shared_pool *pool)
{
    tarn_source_unmap(pool->source, pool->index_region.ptr, pool->index_region.size,
                      sizeof(uintptr_t));
    pool->index = NULL;
    pool->index_size = 0;
    pool->index_region = (tarn_region){NULL, 0, 0};
}
