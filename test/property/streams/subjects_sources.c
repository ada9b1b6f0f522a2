/* SPDX-License-Identifier: MIT */
/* subjects_sources.c - pools and arenas over spans: chunks come and go, are cut, joined and reused. */
#include "property/streams/subjects.h"

#include <tarn/arena.h>
#include <tarn/pool.h>
#include <tarn/spans.h>

static tarn_spans spans;
static tarn_parent_source ground;
static tarn_pool pool;
static tarn_arena arena;
static uint64_t time_of_test;

/* A millisecond each time that it is asked. */
static uint64_t tick(void *user)
{
    (void)user;
    return time_of_test++;
}

typedef struct shape {
    tarn_spans_options spans;
    bool is_arena;
} shape;

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    const shape *s = user;
    tarn_spans_options o = s->spans;
    o.source = tarn_parent_init(&ground, parent);
    o.records = parent;
    o.clock = tick;
    if (tarn_spans_init(&spans, &o) != TARN_OK)
        return NULL;
    if (s->is_arena) {
        tarn_arena_options how = {.source = &spans.source, .chunk_size = 4096};
        return tarn_arena_init(&arena, &how) == TARN_OK ? tarn_arena_allocator(&arena) : NULL;
    }
    tarn_pool_options how = {.block_size = 120, .chunk_size = 4096, .source = &spans.source};
    return tarn_pool_init(&pool, &how) == TARN_OK ? tarn_pool_allocator(&pool) : NULL;
}

static void unmake(tarn_allocator *a, void *user)
{
    (void)user;
    tarn_deinit(a);
    tarn_spans_deinit(&spans);
}

static const shape pool_small = {{.granule = 4096, .first = 8192, .decay_ms = 64}, false},
                   pool_limit = {{.granule = 4096, .first = 16384, .idle_limit = 8192}, false},
                   arena_small = {{.granule = 4096, .first = 8192, .decay_ms = 64}, true},
                   arena_at_once = {{.granule = 8192, .decay_ms = TARN_DECAY_AT_ONCE}, true};

static const subject SOURCES[] = {
    {"pool(spans)", make, unmake, &pool_small, 120, 8, false},
    {"pool(spans, idle limit)", make, unmake, &pool_limit, 120, 8, false},
    {"arena(spans)", make, unmake, &arena_small, 5000, 4096, false},
    {"arena(spans, at once)", make, unmake, &arena_at_once, 5000, 4096, false},
};

SUBJECTS_ENTER(SOURCES)
