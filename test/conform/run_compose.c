/* SPDX-License-Identifier: MIT */
/* The suite on every combinator, over parents that can much and parents that can little. */
#include "conform/run.h"

#include "support/probe.h"

#include <tarn/fail.h>
#include <tarn/fallback.h>
#include <tarn/lock.h>
#include <tarn/pool.h>
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
} layer;

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
    }
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        bad |= run_on("fallback", fallback_make, pairs[i], 2, argc, argv);
    for (size_t i = 0; i < sizeof triples / sizeof *triples; i++)
        bad |= run_on("segregate", segregate_make, triples[i], 3, argc, argv);
    return bad;
}
