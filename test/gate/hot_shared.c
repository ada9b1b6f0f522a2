/* SPDX-License-Identifier: MIT */
/* hot_shared.c - the shared pool: through a cache, through the pool, through its handle. */
#include "hot.h"

#include <tarn/shared_pool.h>

static tarn_shared_pool pool;
static tarn_shared_cache cache;

static bool set_up(void)
{
    if (tarn_shared_pool_init(&pool, &(tarn_shared_pool_options){.block_size = SIZE}) != TARN_OK)
        return false;
    tarn_shared_cache_init(&cache, &pool);
    return true;
}

static void tear_down(void)
{
    tarn_shared_pool_deinit(&pool);
}

static void cache_pair(size_t n)
{
    tarn_shared_cache *c = hide(&cache);
    for (size_t i = 0; i < n; i++)
        tarn_shared_cache_free(c, hide(tarn_shared_cache_alloc(c)));
}

static void cache_burst(size_t n)
{
    void *blocks[BURST];
    tarn_shared_cache *c = hide(&cache);
    for (size_t round = 0; round < n / BURST; round++) {
        for (size_t i = 0; i < BURST; i++)
            blocks[i] = tarn_shared_cache_alloc(c);
        hide(blocks);
        for (size_t i = 0; i < BURST; i++)
            tarn_shared_cache_free(c, blocks[i]);
    }
}

static void pool_pair(size_t n)
{
    tarn_shared_pool *p = hide(&pool);
    for (size_t i = 0; i < n; i++)
        tarn_shared_pool_free(p, hide(tarn_shared_pool_alloc(p)));
}

static void handle_pair(size_t n)
{
    hot_handle_pair(hide(tarn_shared_pool_allocator(&pool)), n);
}

static void cache_handle_pair(size_t n)
{
    hot_handle_pair(hide(tarn_shared_cache_allocator(&cache)), n);
}

static const hot_probe PROBES[] = {
    {"shared-cache-pair", cache_pair},
    {"shared-cache-burst", cache_burst},
    {"shared-pool-pair", pool_pair},
    {"shared-pool-handle-pair", handle_pair},
    {"shared-cache-handle-pair", cache_handle_pair},
};
HOT_ENTER(set_up, PROBES, tear_down)
