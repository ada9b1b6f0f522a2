/* SPDX-License-Identifier: MIT */
/* subjects_base.c - what came first: libc, pages, pool, arena and layers over them. */
#include "property/streams/subjects.h"

#include <tarn/arena.h>
#include <tarn/fail.h>
#include <tarn/fallback.h>
#include <tarn/lock.h>
#include <tarn/pages.h>
#include <tarn/pool.h>
#include <tarn/source.h>
#include <tarn/stats.h>

#include "support/probe.h"

static tarn_pool pool;
static tarn_arena arena;
static tarn_pages pages;
static probe strict;
static tarn_stats_layer stats;
static tarn_lock lock;
static tarn_fail fail;
static tarn_fallback fallback;
static _Alignas(64) unsigned char buffer[256 << 10];

static void leave(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
}

static tarn_allocator *libc_make(tarn_allocator *parent, void *user)
{
    (void)parent;
    (void)user;
    return tarn_libc();
}

static tarn_allocator *pages_make(tarn_allocator *parent, void *user)
{
    (void)parent;
    (void)user;
    return tarn_pages_init(&pages, &(tarn_pages_options){.name = "property"}) == TARN_OK
               ? tarn_pages_allocator(&pages)
               : NULL;
}

static void pages_unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    tarn_pages_deinit(&pages);
}

static tarn_allocator *probe_make(tarn_allocator *parent, void *user)
{
    (void)parent;
    return probe_init(&strict, user);
}

static void probe_unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    probe_deinit(&strict);
}

static tarn_allocator *pool_make(tarn_allocator *parent, void *user)
{
    tarn_pool_options o = *(tarn_pool_options *)user;
    if (o.buffer == NULL)
        o.parent = parent;
    return tarn_pool_init(&pool, &o) == TARN_OK ? tarn_pool_allocator(&pool) : NULL;
}

static void pool_unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    tarn_pool_deinit(&pool);
}

static tarn_allocator *arena_make(tarn_allocator *parent, void *user)
{
    tarn_arena_options o = *(tarn_arena_options *)user;
    if (o.reserve != 0)
        (void)tarn_pages_init(&pages, &(tarn_pages_options){.name = "property"});
    if (o.reserve != 0)
        o.source = &pages.source;
    else if (o.buffer == NULL)
        o.parent = parent;
    return tarn_arena_init(&arena, &o) == TARN_OK ? tarn_arena_allocator(&arena) : NULL;
}

static void arena_unmake(tarn_allocator *a, void *user)
{
    (void)a;
    tarn_arena_deinit(&arena);
    if (((tarn_arena_options *)user)->reserve != 0)
        tarn_pages_deinit(&pages);
}

/* stats, in both ways of counting, over an arena and over the strict allocator */
static tarn_allocator *stats_make(tarn_allocator *parent, void *user)
{
    (void)tarn_arena_init(&arena, &(tarn_arena_options){.parent = parent});
    return tarn_stats_init(&stats, &(tarn_stats_options){.parent = tarn_arena_allocator(&arena),
                                                         .granted = user != NULL}) == TARN_OK
               ? tarn_stats_allocator(&stats)
               : NULL;
}

static void stats_unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    tarn_stats_deinit(&stats);
    tarn_arena_deinit(&arena);
}

static tarn_allocator *granted_make(tarn_allocator *parent, void *user)
{
    (void)parent;
    probe_init(&strict, user);
    return tarn_stats_init(&stats, &(tarn_stats_options){.parent = &strict.allocator,
                                                         .granted = true}) == TARN_OK
               ? tarn_stats_allocator(&stats)
               : NULL;
}

/* fail 15 % (fallback(pool, arena)): refusals everywhere, blocks on both sides */
static tarn_allocator *faulty_make(tarn_allocator *parent, void *user)
{
    (void)user;
    (void)tarn_pool_init(
        &pool,
        &(tarn_pool_options){.block_size = 64, .limit = 20, .check = true, .parent = parent});
    (void)tarn_arena_init(&arena, &(tarn_arena_options){.parent = parent, .chunk_size = 4096});
    (void)!tarn_fallback_init(&fallback,
                              &(tarn_fallback_options){.primary = tarn_pool_allocator(&pool),
                                                       .secondary = tarn_arena_allocator(&arena)});
    (void)!tarn_fail_init(&fail, &(tarn_fail_options){.parent = tarn_fallback_allocator(&fallback),
                                                      .plan = {.percent = 15, .seed = 3}});
    return tarn_fail_allocator(&fail);
}

static void faulty_unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    tarn_arena_deinit(&arena);
    tarn_pool_deinit(&pool);
}

/* lock(fallback(arena on buffer, parent)): a small arena that runs over */
static tarn_allocator *over_make(tarn_allocator *parent, void *user)
{
    (void)user;
    (void)tarn_arena_init(&arena, &(tarn_arena_options){.buffer = buffer, .buffer_size = 3000});
    (void)!tarn_fallback_init(
        &fallback,
        &(tarn_fallback_options){.primary = tarn_arena_allocator(&arena), .secondary = parent});
    return tarn_lock_init(
               &lock, &(tarn_lock_options){.parent = tarn_fallback_allocator(&fallback)}) == TARN_OK
               ? tarn_lock_allocator(&lock)
               : NULL;
}

static void over_unmake(tarn_allocator *a, void *user)
{
    (void)user;
    tarn_deinit(a);
    tarn_arena_deinit(&arena);
}

static const probe_options slack = {.slack = 40};
static const tarn_pool_options grows = {.block_size = 72, .chunk_size = 4096},
                               tiny = {.block_size = 3},
                               steady = {.block_size = 40, .limit = 90, .steady = true},
                               checks = {.block_size = 48, .limit = 60, .check = true},
                               fixed = {.block_size = 40, .capacity = 70},
                               placed = {.block_size = 56,
                                         .align = 8,
                                         .capacity = 50,
                                         .buffer = buffer,
                                         .buffer_size = sizeof buffer,
                                         .check = true};
static const tarn_arena_options chunks = {.chunk_size = 2048},
                                down = {.chunk_size = 1024, .down = true},
                                guarded = {.chunk_size = 4096, .check = true},
                                guarded_down = {.check = true, .down = true},
                                range = {.reserve = 8 << 20},
                                strip = {.buffer = buffer, .buffer_size = sizeof buffer};

static const subject SUBJECTS[] = {
    {"libc", libc_make, leave, NULL, 5000, 4096, false},
    {"pages", pages_make, pages_unmake, NULL, 20000, 65536, false},
    {"probe(slack)", probe_make, probe_unmake, &slack, 3000, 4096, false},
    {"pool(72)", pool_make, pool_unmake, &grows, 72, 8, false},
    {"pool(40, limit 90, steady)", pool_make, pool_unmake, &steady, 40, 8, true},
    {"pool(3)", pool_make, pool_unmake, &tiny, 3, 1, false},
    {"pool(48, limit 60, check)", pool_make, pool_unmake, &checks, 48, 16, true},
    {"pool(40, capacity 70)", pool_make, pool_unmake, &fixed, 40, 8, true},
    {"pool(56 on buffer, check)", pool_make, pool_unmake, &placed, 56, 8, true},
    {"arena(chunk 2K)", arena_make, arena_unmake, &chunks, 5000, 4096, false},
    {"arena(down)", arena_make, arena_unmake, &down, 5000, 4096, false},
    {"arena(check)", arena_make, arena_unmake, &guarded, 5000, 4096, false},
    {"arena(check, down)", arena_make, arena_unmake, &guarded_down, 5000, 64, false},
    {"arena(reserve)", arena_make, arena_unmake, &range, 5000, 4096, false},
    {"arena(on buffer)", arena_make, arena_unmake, &strip, 3000, 256, true},
    {"stats(arena)", stats_make, stats_unmake, NULL, 3000, 256, false},
    {"stats granted(arena)", stats_make, stats_unmake, &stats, 3000, 256, false},
    {"stats granted(probe)", granted_make, probe_unmake, &slack, 3000, 256, false},
    {"fail 15 %(fallback(pool, arena))", faulty_make, faulty_unmake, NULL, 500, 64, true},
    {"lock(fallback(arena on buffer, parent))", over_make, over_unmake, NULL, 600, 64, false},
};

SUBJECTS_ENTER(SUBJECTS)
