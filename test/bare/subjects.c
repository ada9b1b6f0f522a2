/* SPDX-License-Identifier: MIT */
/* subjects.c - strategies and combinators over static memory. */
#include "image.h"

static _Alignas(4096) unsigned char memory[96 << 10], more[32 << 10];
static tarn_pool pool;
static tarn_arena arena;
static tarn_buffer buffer;
static tarn_fallback fallback;
static tarn_segregate segregate;
static tarn_stats_layer stats;
static tarn_lock lock;
static tarn_fail fail;
static tarn_scope scope;
static tarn_affix affix;
static tarn_quantize quantize;
static tarn_budget budget;
static tarn_limit limit;
static tarn_on_fail on_fail;

static tarn_allocator *ready(tarn_status status, tarn_allocator *a)
{
    return status == TARN_OK ? a : NULL;
}

static tarn_allocator *pool_fixed(void)
{
    return ready(tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 40,
                                                            .buffer = memory,
                                                            .buffer_size = 1200,
                                                            .check = true}),
                 tarn_pool_allocator(&pool));
}

static tarn_allocator *pool_growing(void)
{
    tarn_source *source = tarn_buffer_init(&buffer, memory, sizeof memory);
    return ready(
        tarn_pool_init(
            &pool, &(tarn_pool_options){.block_size = 72, .chunk_size = 4096, .source = source}),
        tarn_pool_allocator(&pool));
}

static tarn_allocator *arena_fixed(void)
{
    return ready(tarn_arena_init(&arena, &(tarn_arena_options){.buffer = more,
                                                               .buffer_size = sizeof more,
                                                               .check = true}),
                 tarn_arena_allocator(&arena));
}

/* stats(lock(fail 5 %(segregate(64: fallback(pool, arena), arena)))) */
static tarn_allocator *assembly(void)
{
    tarn_allocator *a = arena_fixed(), *p = pool_fixed();
    if (a == NULL || p == NULL)
        return NULL;
    if (tarn_fallback_init(&fallback, &(tarn_fallback_options){.primary = p, .secondary = a}) !=
        TARN_OK)
        return NULL;
    static tarn_segregate_class classes[1]; /* not copied */
    classes[0] = (tarn_segregate_class){64, tarn_fallback_allocator(&fallback)};
    if (tarn_segregate_init(&segregate, &(tarn_segregate_options){
                                            .classes = classes, .count = 1, .rest = a}) != TARN_OK)
        return NULL;
    if (tarn_fail_init(&fail, &(tarn_fail_options){.parent = tarn_segregate_allocator(&segregate),
                                                   .plan = {.percent = 5, .seed = 7}}) != TARN_OK)
        return NULL;
    if (tarn_lock_init(&lock, &(tarn_lock_options){.parent = tarn_fail_allocator(&fail)}) !=
        TARN_OK)
        return NULL;
    return ready(
        tarn_stats_init(&stats, &(tarn_stats_options){.parent = tarn_lock_allocator(&lock)}),
        tarn_stats_allocator(&stats));
}

/* scope(affix(quantize(limit(on_fail(arena))))) */
static tarn_allocator *tower(void)
{
    tarn_allocator *a = arena_fixed();
    if (a == NULL || tarn_on_fail_init(&on_fail, &(tarn_on_fail_options){.parent = a}) != TARN_OK ||
        tarn_budget_init(&budget, &(tarn_budget_options){.hard = 20000}) != TARN_OK ||
        tarn_limit_init(&limit, &(tarn_limit_options){.parent = tarn_on_fail_allocator(&on_fail),
                                                      .budget = &budget}) != TARN_OK ||
        tarn_quantize_init(&quantize,
                           &(tarn_quantize_options){.parent = tarn_limit_allocator(&limit),
                                                    .step = 16}) != TARN_OK ||
        tarn_affix_init(&affix, &(tarn_affix_options){.parent = tarn_quantize_allocator(&quantize),
                                                      .canary = true}) != TARN_OK)
        return NULL;
    return ready(
        tarn_scope_init(&scope, &(tarn_scope_options){.parent = tarn_affix_allocator(&affix)}),
        tarn_scope_allocator(&scope));
}

const bare_subject bare_subjects[] = {
    {"pool on a buffer", pool_fixed, 40, 8},
    {"pool that grows", pool_growing, 72, 8},
    {"arena on a buffer", arena_fixed, 300, 64},
    {"stats(lock(fail(segregate(fallback(pool, arena), arena))))", assembly, 200, 8},
    {"scope(affix(quantize(limit(on_fail(arena)))))", tower, 200, 16},
};
const size_t bare_subject_count = sizeof bare_subjects / sizeof *bare_subjects;
