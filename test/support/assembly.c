/* SPDX-License-Identifier: MIT */
/* assembly.c - allocators made of allocators. */
#include "support/assembly.h"

#include <tarn/buffer.h>
#include <tarn/fail.h>
#include <tarn/fallback.h>
#include <tarn/lock.h>
#include <tarn/pages.h>
#include <tarn/pool.h>
#include <tarn/segregate.h>
#include <tarn/source.h>
#include <tarn/stats.h>

static tarn_pool pool[2];
static tarn_segregate segregate;
static tarn_stats_layer stats;
static tarn_fallback fallback;
static tarn_lock lock;
static tarn_fail fail;
static tarn_pages pages;
static _Alignas(64) unsigned char buffer[64 << 10];

static bool make_pool(size_t i, tarn_pool_options options)
{
    return tarn_pool_init(&pool[i], &options) == TARN_OK;
}

/* stats(segregate(64: pool, 1024: pool, parent)) */
static tarn_allocator *sizes(tarn_allocator *parent)
{
    static tarn_segregate_class classes[2];
    if (!make_pool(0, (tarn_pool_options){.block_size = 64, .parent = parent}))
        return NULL;
    if (!make_pool(1, (tarn_pool_options){.block_size = 1024, .parent = parent})) {
        tarn_pool_deinit(&pool[0]);
        return NULL;
    }
    classes[0] = (tarn_segregate_class){64, tarn_pool_allocator(&pool[0])};
    classes[1] = (tarn_segregate_class){1024, tarn_pool_allocator(&pool[1])};
    (void)!tarn_segregate_init(
        &segregate, &(tarn_segregate_options){.classes = classes, .count = 2, .rest = parent});
    (void)!tarn_stats_init(&stats,
                           &(tarn_stats_options){.parent = tarn_segregate_allocator(&segregate)});
    return tarn_stats_allocator(&stats);
}

static void sizes_end(void)
{
    tarn_stats_deinit(&stats);
    tarn_segregate_deinit(&segregate);
    tarn_pool_deinit(&pool[1]);
    tarn_pool_deinit(&pool[0]);
}

/* lock(fallback(pool(128 on buffer), pages)) */
static tarn_allocator *shared(tarn_allocator *parent)
{
    (void)parent;
    if (tarn_pages_init(&pages, &(tarn_pages_options){.name = "assembly"}) != TARN_OK)
        return NULL;
    if (!make_pool(0, (tarn_pool_options){
                          .block_size = 128, .buffer = buffer, .buffer_size = sizeof buffer}))
        return NULL;
    (void)!tarn_fallback_init(&fallback,
                              &(tarn_fallback_options){.primary = tarn_pool_allocator(&pool[0]),
                                                       .secondary = tarn_pages_allocator(&pages)});
    if (tarn_lock_init(&lock, &(tarn_lock_options){.parent = tarn_fallback_allocator(&fallback)}) !=
        TARN_OK)
        return NULL;
    return tarn_lock_allocator(&lock);
}

static void shared_end(void)
{
    tarn_lock_deinit(&lock);
    tarn_fallback_deinit(&fallback);
    tarn_pool_deinit(&pool[0]);
    tarn_pages_deinit(&pages);
}

/* fail(stats(fallback(pool, parent))), with a plan that refuses nothing */
static tarn_allocator *watched(tarn_allocator *parent)
{
    if (!make_pool(0, (tarn_pool_options){.block_size = 96, .limit = 20, .parent = parent}))
        return NULL;
    (void)!tarn_fallback_init(
        &fallback,
        &(tarn_fallback_options){.primary = tarn_pool_allocator(&pool[0]), .secondary = parent});
    (void)!tarn_stats_init(
        &stats,
        &(tarn_stats_options){.parent = tarn_fallback_allocator(&fallback), .granted = true});
    (void)!tarn_fail_init(&fail, &(tarn_fail_options){.parent = tarn_stats_allocator(&stats)});
    return tarn_fail_allocator(&fail);
}

static void watched_end(void)
{
    tarn_fail_deinit(&fail);
    tarn_stats_deinit(&stats);
    tarn_fallback_deinit(&fallback);
    tarn_pool_deinit(&pool[0]);
}

/* segregate(50: fallback(pool, parent), parent): a class that never runs out */
static tarn_allocator *nested(tarn_allocator *parent)
{
    static tarn_segregate_class one;
    if (!make_pool(0,
                   (tarn_pool_options){
                       .block_size = 50, .align = 2, .limit = 10, .check = true, .parent = parent}))
        return NULL;
    (void)!tarn_fallback_init(
        &fallback,
        &(tarn_fallback_options){.primary = tarn_pool_allocator(&pool[0]), .secondary = parent});
    one = (tarn_segregate_class){50, tarn_fallback_allocator(&fallback)};
    (void)!tarn_segregate_init(
        &segregate, &(tarn_segregate_options){.classes = &one, .count = 1, .rest = parent});
    return tarn_segregate_allocator(&segregate);
}

static void nested_end(void)
{
    tarn_segregate_deinit(&segregate);
    tarn_fallback_deinit(&fallback);
    tarn_pool_deinit(&pool[0]);
}

/* stats granted(segregate(100: pool, 600: pool)): pools alone, so all of it can be reset and seen */
static tarn_allocator *pools_alone(tarn_allocator *parent)
{
    static tarn_segregate_class classes[2];
    if (!make_pool(0, (tarn_pool_options){.block_size = 112, .align = 16, .parent = parent}))
        return NULL;
    if (!make_pool(1, (tarn_pool_options){.block_size = 640, .align = 16, .parent = parent})) {
        tarn_pool_deinit(&pool[0]);
        return NULL;
    }
    classes[0] = (tarn_segregate_class){100, tarn_pool_allocator(&pool[0])};
    classes[1] = (tarn_segregate_class){600, tarn_pool_allocator(&pool[1])};
    (void)!tarn_segregate_init(&segregate,
                               &(tarn_segregate_options){.classes = classes, .count = 2});
    (void)!tarn_stats_init(
        &stats,
        &(tarn_stats_options){.parent = tarn_segregate_allocator(&segregate), .granted = true});
    return tarn_stats_allocator(&stats);
}

const assembly assemblies[ASSEMBLY_COUNT] = {
    {"stats(segregate(64: pool, 1024: pool, parent))", sizes, sizes_end, 4096, 16},
    {"lock(fallback(pool on buffer, pages))", shared, shared_end, 4096, 4096},
    {"fail(stats(fallback(pool limit 20, parent)))", watched, watched_end, 4096, 16},
    {"segregate(50: fallback(pool, parent), parent)", nested, nested_end, 4096, 16},
    {"stats(segregate(100: pool, 600: pool))", pools_alone, sizes_end, 600, 16},
};

tarn_allocator *assembly_make(tarn_allocator *parent, void *user)
{
    return ((const assembly *)user)->build(parent);
}

void assembly_unmake(tarn_allocator *a, void *user)
{
    (void)a;
    ((const assembly *)user)->tear_down();
}
