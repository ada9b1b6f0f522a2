/* SPDX-License-Identifier: MIT */
/* subjects_shared_pool.c - shared pools, and a cache of one. */
#include "property/streams/subjects.h"

#include <tarn/shared_pool.h>

static tarn_shared_pool pool;
static tarn_shared_cache cache;

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    tarn_shared_pool_options o = *(const tarn_shared_pool_options *)user;
    o.parent = parent;
    return tarn_shared_pool_init(&pool, &o) == TARN_OK ? tarn_shared_pool_allocator(&pool) : NULL;
}

static tarn_allocator *make_cache(tarn_allocator *parent, void *user)
{
    if (make(parent, user) == NULL)
        return NULL;
    tarn_shared_cache_init(&cache, &pool);
    return tarn_shared_cache_allocator(&cache);
}

static void unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    tarn_shared_pool_deinit(&pool);
}

static const tarn_shared_pool_options plain = {.block_size = 48},
                                      small = {.block_size = 24, .chunk_size = 4096, .batch = 3},
                                      checking = {.block_size = 48, .check = true},
                                      limited = {.block_size = 64, .limit = 60, .batch = 4};

static const subject TABLE[] = {
    {"shared pool(48)", make, unmake, &plain, 48, 16, false},
    {"shared pool(24, chunk 4K, batch 3)", make, unmake, &small, 24, 8, false},
    {"shared pool(48, check)", make, unmake, &checking, 48, 16, false},
    {"shared pool(64, limit 60)", make, unmake, &limited, 64, 16, true},
    {"shared pool(48), a cache", make_cache, unmake, &plain, 48, 16, false},
    {"shared pool(24, chunk 4K, batch 3), a cache", make_cache, unmake, &small, 24, 8, false},
};
SUBJECTS_ENTER(TABLE)
