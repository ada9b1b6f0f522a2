/* SPDX-License-Identifier: MIT */
/* The suite on every combinator, over parents that can much and parents that can little. */
#include "conform/run.h"

#include "support/probe.h"

#include <tarn/affix.h>
#include <tarn/cache.h>
#include <tarn/fail.h>
#include <tarn/fallback.h>
#include <tarn/limit.h>
#include <tarn/lock.h>
#include <tarn/on_fail.h>
#include <tarn/pool.h>
#include <tarn/quantize.h>
#include <tarn/scope.h>
#include <tarn/segregate.h>
#include <tarn/source.h>
#include <tarn/stats.h>

/* What stands under the combinator. */
typedef enum below {
    ON_PARENT, /* the suite's own: stats over libc    */
    ON_PROBE,  /* everything                          */
    ON_SLACK,  /* grants more than it is asked for    */
    ON_BARE,   /* alloc and free alone                */
    ON_POOL
} below;

enum { BELOW = 3 };

static probe probes[BELOW];
static tarn_pool pools[BELOW];
static below kinds[BELOW];

/* The i-th allocator under a combinator; size is the largest that it must serve. */
static tarn_allocator *put_below(size_t i, below kind, size_t size, tarn_allocator *parent)
{
    static const probe_options slack = {.slack = 48};
    static const probe_options bare = {.without_caps = ~(uint32_t)TARN_CAP_FREE,
                                       .without =
                                           PROBE_NO_AT_LEAST | PROBE_NO_BATCH | PROBE_NO_RARE};
    kinds[i] = kind;
    switch (kind) {
    case ON_PARENT:
        return parent;
    case ON_PROBE:
        return probe_init(&probes[i], NULL);
    case ON_SLACK:
        return probe_init(&probes[i], &slack);
    case ON_BARE:
        return probe_init(&probes[i], &bare);
    case ON_POOL:
        break;
    }
    const tarn_pool_options o = {.block_size = size, .align = 16, .parent = parent};
    return tarn_pool_init(&pools[i], &o) == TARN_OK ? tarn_pool_allocator(&pools[i]) : NULL;
}

static void clear_below(void)
{
    for (size_t i = 0; i < BELOW; i++) {
        if (kinds[i] == ON_POOL)
            tarn_pool_deinit(&pools[i]);
        else if (kinds[i] != ON_PARENT)
            probe_deinit(&probes[i]);
        if (kinds[i] != ON_PARENT && kinds[i] != ON_POOL && probes[i].faults != 0) {
            fprintf(stderr, "the parent saw %zu faults, first %s\n", probes[i].faults,
                    probes[i].first_fault);
            abort();
        }
        kinds[i] = ON_PARENT;
    }
}

static void unmake(tarn_allocator *a, void *user)
{
    (void)user;
    tarn_deinit(a);
    clear_below();
}

static union {
    tarn_stats_layer stats;
    tarn_lock lock;
    tarn_fail fail;
    tarn_fallback fallback;
    tarn_segregate segregate;
    tarn_affix affix;
    tarn_cache cache;
    tarn_limit limit;
    tarn_on_fail on_fail;
    tarn_quantize quantize;
    tarn_scope scope;
} layer;

static tarn_allocator *affix_make(tarn_allocator *parent, void *user)
{
    tarn_affix_options o = {.parent = put_below(0, *(below *)user, 8192, parent),
                            .size = true,
                            .canary = true,
                            .count = true,
                            .owner = true};
    return tarn_affix_init(&layer.affix, &o) == TARN_OK ? &layer.affix.layer.allocator : NULL;
}

static tarn_allocator *canary_make(tarn_allocator *parent, void *user)
{
    tarn_affix_options o = {.parent = put_below(0, *(below *)user, 8192, parent), .canary = true};
    return tarn_affix_init(&layer.affix, &o) == TARN_OK ? &layer.affix.layer.allocator : NULL;
}

static tarn_allocator *cache_make(tarn_allocator *parent, void *user)
{
    tarn_cache_options o = {
        .parent = put_below(0, *(below *)user, 4096, parent), .depth = 6, .metadata = parent};
    return tarn_cache_init(&layer.cache, &o) == TARN_OK ? &layer.cache.layer.allocator : NULL;
}

static tarn_allocator *limit_make(tarn_allocator *parent, void *user)
{
    static tarn_budget budget, above;
    tarn_limit_options o = {.parent = put_below(0, *(below *)user, 4096, parent),
                            .budget = &budget};
    (void)tarn_budget_init(&above, &(tarn_budget_options){.hard = 8 << 20, .shared = true});
    (void)tarn_budget_init(
        &budget, &(tarn_budget_options){.hard = 6 << 20, .parent = &above, .shared = true});
    return tarn_limit_init(&layer.limit, &o) == TARN_OK ? &layer.limit.layer.allocator : NULL;
}

static tarn_allocator *on_fail_make(tarn_allocator *parent, void *user)
{
    tarn_on_fail_options o = {.parent = put_below(0, *(below *)user, 4096, parent)};
    return tarn_on_fail_init(&layer.on_fail, &o) == TARN_OK ? &layer.on_fail.layer.allocator : NULL;
}

static tarn_allocator *quantize_make(tarn_allocator *parent, void *user)
{
    tarn_quantize_options o = {.parent = put_below(0, *(below *)user, 8192, parent),
                               .min_size = 20,
                               .step = 48,
                               .min_align = 16};
    return tarn_quantize_init(&layer.quantize, &o) == TARN_OK ? &layer.quantize.layer.allocator
                                                              : NULL;
}

static tarn_allocator *powers_make(tarn_allocator *parent, void *user)
{
    tarn_quantize_options o = {.parent = put_below(0, *(below *)user, 8192, parent),
                               .power_of_two = true};
    return tarn_quantize_init(&layer.quantize, &o) == TARN_OK ? &layer.quantize.layer.allocator
                                                              : NULL;
}

static tarn_allocator *scope_make(tarn_allocator *parent, void *user)
{
    tarn_scope_options o = {.parent = put_below(0, *(below *)user, 8192, parent)};
    return tarn_scope_init(&layer.scope, &o) == TARN_OK ? &layer.scope.layer.allocator : NULL;
}

static tarn_allocator *stats_make(tarn_allocator *parent, void *user)
{
    tarn_stats_options o = {.parent = put_below(0, *(below *)user, 4096, parent)};
    return tarn_stats_init(&layer.stats, &o) == TARN_OK ? &layer.stats.allocator : NULL;
}

static tarn_allocator *granted_make(tarn_allocator *parent, void *user)
{
    tarn_stats_options o = {.parent = put_below(0, *(below *)user, 4096, parent), .granted = true};
    return tarn_stats_init(&layer.stats, &o) == TARN_OK ? &layer.stats.allocator : NULL;
}

static tarn_allocator *lock_make(tarn_allocator *parent, void *user)
{
    tarn_lock_options o = {.parent = put_below(0, *(below *)user, 4096, parent)};
    return tarn_lock_init(&layer.lock, &o) == TARN_OK ? &layer.lock.allocator : NULL;
}

static tarn_allocator *fail_make(tarn_allocator *parent, void *user)
{
    tarn_fail_options o = {.parent = put_below(0, *(below *)user, 4096, parent)};
    return tarn_fail_init(&layer.fail, &o) == TARN_OK ? &layer.fail.allocator : NULL;
}

/* A primary that refuses half of the sizes, so that blocks live on both sides and move between. */
static tarn_allocator *fallback_make(tarn_allocator *parent, void *user)
{
    const below *kind = user;
    static const probe_options small = {.max_size = 300, .max_blocks = 12, .slack = 16};
    tarn_fallback_options o = {.secondary = put_below(1, kind[1], 4096, parent)};
    if (kind[0] == ON_POOL) {
        o.primary = put_below(0, ON_POOL, 200, parent);
    } else {
        kinds[0] = ON_PROBE;
        o.primary = probe_init(&probes[0], &small);
    }
    return tarn_fallback_init(&layer.fallback, &o) == TARN_OK ? &layer.fallback.allocator : NULL;
}

static tarn_segregate_class classes[2];

static tarn_allocator *segregate_make(tarn_allocator *parent, void *user)
{
    const below *kind = user;
    classes[0] = (tarn_segregate_class){61, put_below(0, kind[0], 61, parent)};
    classes[1] = (tarn_segregate_class){1100, put_below(1, kind[1], 1100, parent)};
    tarn_segregate_options o = {
        .classes = classes, .count = 2, .rest = put_below(2, kind[2], 4096, parent)};
    return tarn_segregate_init(&layer.segregate, &o) == TARN_OK ? &layer.segregate.allocator : NULL;
}

static below parents[] = {ON_PARENT, ON_PROBE, ON_SLACK, ON_BARE, ON_POOL};
static below pairs[][2] = {{ON_PROBE, ON_PARENT}, {ON_PROBE, ON_SLACK}, {ON_PROBE, ON_BARE},
                           {ON_POOL, ON_PARENT},  {ON_POOL, ON_POOL},   {ON_POOL, ON_PROBE}};
static below triples[][3] = {{ON_PARENT, ON_PARENT, ON_PARENT}, {ON_SLACK, ON_SLACK, ON_SLACK},
                             {ON_PROBE, ON_BARE, ON_PROBE},     {ON_POOL, ON_POOL, ON_PARENT},
                             {ON_POOL, ON_SLACK, ON_PROBE},     {ON_POOL, ON_POOL, ON_POOL}};

static const char *const WORD[] = {"parent", "probe", "slack", "bare", "pool"};

static int run_on(const char *name, tarn_allocator *(*make)(tarn_allocator *, void *), below *kind,
                  size_t count, int argc, char **argv)
{
    char text[80];
    size_t n = (size_t)snprintf(text, sizeof text, "%s(", name);
    for (size_t i = 0; i < count; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i > 0 ? ", " : "", WORD[kind[i]]);
    (void)snprintf(text + n, sizeof text - n, ")");
    const tarn_conform_options o = {
        .name = text, .make = make, .unmake = unmake, .user = kind, .max_align = 16};
    return argc > 1 && strcmp(argv[1], text) != 0 && strcmp(argv[1], "all") != 0
               ? 0
               : run_table(&o, 1, argc, argv);
}

int main(int argc, char **argv)
{
    int bad = 0;
    for (size_t i = 0; i < sizeof parents / sizeof *parents; i++) {
        bad |= run_on("stats", stats_make, &parents[i], 1, argc, argv);
        bad |= run_on("stats granted", granted_make, &parents[i], 1, argc, argv);
        bad |= run_on("lock", lock_make, &parents[i], 1, argc, argv);
        bad |= run_on("fail", fail_make, &parents[i], 1, argc, argv);
        bad |= run_on("affix", affix_make, &parents[i], 1, argc, argv);
        bad |= run_on("affix canary", canary_make, &parents[i], 1, argc, argv);
        bad |= run_on("cache", cache_make, &parents[i], 1, argc, argv);
        bad |= run_on("limit", limit_make, &parents[i], 1, argc, argv);
        bad |= run_on("on_fail", on_fail_make, &parents[i], 1, argc, argv);
        bad |= run_on("quantize", quantize_make, &parents[i], 1, argc, argv);
        bad |= run_on("quantize powers", powers_make, &parents[i], 1, argc, argv);
        bad |= run_on("scope", scope_make, &parents[i], 1, argc, argv);
    }
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        bad |= run_on("fallback", fallback_make, pairs[i], 2, argc, argv);
    for (size_t i = 0; i < sizeof triples / sizeof *triples; i++)
        bad |= run_on("segregate", segregate_make, triples[i], 3, argc, argv);
    return bad;
}
