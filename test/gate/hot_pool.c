/* SPDX-License-Identifier: MIT */
/* hot_pool.c - pool and arena. */
#include "hot.h"

#include <tarn/arena.h>
#include <tarn/pool.h>

static tarn_pool pool;
static tarn_arena arena;
static tarn_allocator *pool_handle, *arena_handle;

static bool set_up(void)
{
    if (tarn_pool_init(&pool, &(tarn_pool_options){.block_size = SIZE}) != TARN_OK ||
        tarn_arena_init(&arena, &(tarn_arena_options){.chunk_size = 1 << 22}) != TARN_OK)
        return false;
    pool_handle = tarn_pool_allocator(&pool);
    arena_handle = tarn_arena_allocator(&arena);
    return true;
}

static void tear_down(void)
{
    tarn_arena_deinit(&arena);
    tarn_pool_deinit(&pool);
}

static void pool_pair(size_t n)
{
    tarn_pool *p = hide(&pool);
    for (size_t i = 0; i < n; i++)
        tarn_pool_free(p, hide(tarn_pool_alloc(p)));
}

static void pool_burst(size_t n)
{
    void *blocks[BURST];
    tarn_pool *p = hide(&pool);
    for (size_t round = 0; round < n / BURST; round++) {
        for (size_t i = 0; i < BURST; i++)
            blocks[i] = tarn_pool_alloc(p);
        hide(blocks);
        for (size_t i = 0; i < BURST; i++)
            tarn_pool_free(p, blocks[i]);
    }
}

static void pool_handle_pair(size_t n)
{
    hot_handle_pair(hide(pool_handle), n);
}

static void arena_alloc(size_t n)
{
    tarn_arena *a = hide(&arena);
    for (size_t i = 0; i < n; i++)
        hide(tarn_arena_alloc(a, SIZE, TARN_ALIGN_MAX));
}

static void arena_handle_alloc(size_t n)
{
    hot_handle_alloc(hide(arena_handle), n);
}

static void arena_handle_pair(size_t n)
{
    hot_handle_pair(hide(arena_handle), n);
}

static const hot_probe PROBES[] = {
    {"pool-pair", pool_pair},
    {"pool-burst", pool_burst},
    {"pool-handle-pair", pool_handle_pair},
    {"arena-alloc", arena_alloc},
    {"arena-handle-alloc", arena_handle_alloc},
    {"arena-handle-pair", arena_handle_pair},
};
HOT_ENTER(set_up, PROBES, tear_down)
