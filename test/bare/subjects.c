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
static tarn_stack stack;
static tarn_ring ring;
static tarn_slab slab;
static tarn_buddy buddy;
static tarn_tlsf tlsf;
static tarn_object_cache objects;
static tarn_shared_pool shared;
static tarn_shared_cache cache;

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

static tarn_allocator *stack_on_buffer(void)
{
    return ready(
        tarn_stack_init(&stack, &(tarn_stack_options){.buffer = more, .buffer_size = sizeof more}),
        tarn_stack_allocator(&stack, TARN_STACK_HIGH));
}

static tarn_allocator *ring_on_buffer(void)
{
    return ready(
        tarn_ring_init(&ring, &(tarn_ring_options){.buffer = more, .buffer_size = sizeof more}),
        tarn_ring_allocator(&ring));
}

static tarn_allocator *slab_on_buffer(void)
{
    return ready(tarn_slab_init(&slab, &(tarn_slab_options){.largest = 320,
                                                            .waste = 25,
                                                            .page_size = 4096,
                                                            .buffer = memory,
                                                            .buffer_size = sizeof memory,
                                                            .check = true}),
                 tarn_slab_allocator(&slab));
}

static tarn_allocator *buddy_on_buffer(void)
{
    return ready(tarn_buddy_init(&buddy, &(tarn_buddy_options){.buffer = more,
                                                               .buffer_size = sizeof more,
                                                               .lazy = 3,
                                                               .check = true}),
                 tarn_buddy_allocator(&buddy));
}

static tarn_allocator *tlsf_inside(void)
{
    return ready(
        tarn_tlsf_init(
            &tlsf, &(tarn_tlsf_options){.buffer = more, .buffer_size = sizeof more, .check = true}),
        tarn_tlsf_allocator(&tlsf));
}

/* Tags in cells that an arena holds. */
static tarn_allocator *tlsf_outside(void)
{
    if (tarn_arena_init(&arena, &(tarn_arena_options){.buffer = memory,
                                                      .buffer_size = sizeof memory}) != TARN_OK)
        return NULL;
    return ready(
        tarn_tlsf_init(&tlsf, &(tarn_tlsf_options){.buffer = more,
                                                   .buffer_size = sizeof more,
                                                   .metadata = tarn_arena_allocator(&arena)}),
        tarn_tlsf_allocator(&tlsf));
}

static bool is_made(void *user, void *object)
{
    (void)user;
    *(unsigned char *)object = 1;
    return true;
}

static tarn_allocator *object_cache(void)
{
    tarn_source *source = tarn_buffer_init(&buffer, memory, sizeof memory);
    return ready(tarn_object_cache_init(&objects, &(tarn_object_cache_options){.object_size = 56,
                                                                               .init = is_made,
                                                                               .source = source}),
                 tarn_object_cache_allocator(&objects));
}

static tarn_allocator *cache_of_a_shared_pool(void)
{
    tarn_source *source = tarn_buffer_init(&buffer, memory, sizeof memory);
    if (tarn_shared_pool_init(&shared, &(tarn_shared_pool_options){.block_size = 48,
                                                                   .chunk_size = 8192,
                                                                   .source = source}) != TARN_OK)
        return NULL;
    tarn_shared_cache_init(&cache, &shared);
    return tarn_shared_cache_allocator(&cache);
}

const bare_subject bare_subjects[] = {
    {"pool on a buffer", pool_fixed, 40, 8},
    {"pool that grows", pool_growing, 72, 8},
    {"arena on a buffer", arena_fixed, 300, 64},
    {"stats(lock(fail(segregate(fallback(pool, arena), arena))))", assembly, 200, 8},
    {"scope(affix(quantize(limit(on_fail(arena)))))", tower, 200, 16},
    {"stack", stack_on_buffer, 300, 64},
    {"ring", ring_on_buffer, 300, 64},
    {"slab", slab_on_buffer, 300, 16},
    {"buddy", buddy_on_buffer, 300, 64},
    {"tlsf", tlsf_inside, 300, 64},
    {"tlsf, tags outside", tlsf_outside, 300, 64},
    {"object cache", object_cache, 56, 8},
    {"cache of a shared pool", cache_of_a_shared_pool, 48, 16},
};
const size_t bare_subject_count = sizeof bare_subjects / sizeof *bare_subjects;
