/* SPDX-License-Identifier: MIT */
/* subjects_layers.c - layers over the strict allocator, and one on top of the other. */
#include "property/streams/subjects.h"

#include <tarn/affix.h>
#include <tarn/cache.h>
#include <tarn/limit.h>
#include <tarn/pool.h>
#include <tarn/quantize.h>
#include <tarn/scope.h>

#include "support/probe.h"

static probe strict;
static tarn_affix affix;
static tarn_cache cache;
static tarn_budget budget;
static tarn_limit limit;
static tarn_quantize quantize;
static tarn_scope scope;

static void unmake(tarn_allocator *a, void *user)
{
    (void)user;
    tarn_deinit(a);
    probe_deinit(&strict);
}

static tarn_allocator *affix_make(tarn_allocator *parent, void *user)
{
    tarn_affix_options o = *(const tarn_affix_options *)user;
    (void)parent;
    o.parent = probe_init(&strict, NULL);
    return tarn_affix_init(&affix, &o) == TARN_OK ? tarn_affix_allocator(&affix) : NULL;
}

static tarn_allocator *cache_make(tarn_allocator *parent, void *user)
{
    tarn_cache_options o = *(const tarn_cache_options *)user;
    o.metadata = parent;
    o.parent = probe_init(&strict, NULL);
    return tarn_cache_init(&cache, &o) == TARN_OK ? tarn_cache_allocator(&cache) : NULL;
}

static tarn_allocator *quantize_make(tarn_allocator *parent, void *user)
{
    tarn_quantize_options o = *(const tarn_quantize_options *)user;
    (void)parent;
    o.parent = probe_init(&strict, NULL);
    return tarn_quantize_init(&quantize, &o) == TARN_OK ? tarn_quantize_allocator(&quantize) : NULL;
}

/* scope(affix(quantize(limit(strict)))): a budget that is often used up */
static tarn_allocator *tower_make(tarn_allocator *parent, void *user)
{
    (void)parent, (void)user;
    (void)tarn_budget_init(&budget, &(tarn_budget_options){.hard = 20000});
    (void)tarn_limit_init(
        &limit, &(tarn_limit_options){.parent = probe_init(&strict, NULL), .budget = &budget});
    (void)tarn_quantize_init(
        &quantize, &(tarn_quantize_options){.parent = tarn_limit_allocator(&limit), .step = 32});
    (void)tarn_affix_init(
        &affix, &(tarn_affix_options){
                    .parent = tarn_quantize_allocator(&quantize), .size = true, .canary = true});
    return tarn_scope_init(&scope, &(tarn_scope_options){.parent = tarn_affix_allocator(&affix)}) ==
                   TARN_OK
               ? tarn_scope_allocator(&scope)
               : NULL;
}

static const tarn_affix_options all = {.size = true, .canary = true, .count = true, .owner = true},
                                canary = {.canary = true};
static const tarn_cache_options magazines = {.depth = 5};
static const tarn_quantize_options steps = {.step = 40, .min_size = 30, .min_align = 32},
                                   powers = {.power_of_two = true};

static const subject LAYERS[] = {
    {"affix(strict)", affix_make, unmake, &all, 3000, 256, false},
    {"affix canary(strict)", affix_make, unmake, &canary, 3000, 256, false},
    {"cache(strict)", cache_make, unmake, &magazines, 1200, 64, false},
    {"quantize(strict)", quantize_make, unmake, &steps, 3000, 256, false},
    {"quantize powers(strict)", quantize_make, unmake, &powers, 3000, 256, false},
    {"scope(affix(quantize(limit(strict))))", tower_make, unmake, NULL, 2000, 64, true},
};
SUBJECTS_ENTER(LAYERS)
