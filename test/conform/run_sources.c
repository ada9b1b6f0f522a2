/* SPDX-License-Identifier: MIT */
/* The suite on pools and arenas over each source that has no suite of its own. */

/* Pages that one thread gives back and another is given are no race, but only the kernel knows. */
#define RUN_TSAN_SUPPRESSIONS "race:tarn_conform.c\n"

#include "conform/run.h"

#include <tarn/arena.h>
#include <tarn/callbacks.h>
#include <tarn/pages.h>
#include <tarn/pool.h>
#include <tarn/spans.h>

typedef enum ground_kind { PAGES, SPANS, SPANS_OVER_PARENT, CALLBACKS } ground_kind;
typedef enum strategy { POOL, ARENA, BLOCKS } strategy;

typedef struct variant {
    ground_kind over;
    strategy what;
    tarn_pages_options pages;
    tarn_spans_options spans;
} variant;

static tarn_pages pages;
static tarn_spans spans;
static tarn_callbacks callbacks;
static tarn_parent_source parent_source;
static tarn_pool pool;
static tarn_arena arena;

/* Callbacks that pass on to the suite's parent. */
static tarn_status map(void *user, size_t size, size_t align, uint32_t flags, tarn_region *out)
{
    (void)flags;
    out->ptr = tarn_alloc(user, size, TARN_SPEC(align));
    return out->ptr != NULL ? TARN_OK : TARN_NO_MEMORY;
}

static void unmap(void *user, void *ptr, size_t size, size_t align)
{
    tarn_free(user, ptr, size, TARN_SPEC(align));
}

static tarn_source *make_source(const variant *v, tarn_allocator *parent)
{
    tarn_spans_options o = v->spans;
    tarn_status status = TARN_OK;
    if (v->over == CALLBACKS) {
        status = tarn_callbacks_init(
            &callbacks,
            &(tarn_callbacks_options){.map = map, .unmap = unmap, .user = parent, .granule = 1024});
        return status == TARN_OK ? &callbacks.source : NULL;
    }
    if (v->over != SPANS_OVER_PARENT)
        status = tarn_pages_init(&pages, &v->pages);
    if (v->over == PAGES)
        return status == TARN_OK ? &pages.source : NULL;
    o.source = v->over == SPANS ? &pages.source : tarn_parent_init(&parent_source, parent);
    if (v->over == SPANS_OVER_PARENT)
        o.records = parent;
    if (status == TARN_OK)
        status = tarn_spans_init(&spans, &o);
    return status == TARN_OK ? &spans.source : NULL;
}

static void unmake_source(const variant *v)
{
    if (v->over == CALLBACKS)
        tarn_callbacks_deinit(&callbacks);
    if (v->over == SPANS || v->over == SPANS_OVER_PARENT)
        tarn_spans_deinit(&spans);
    if (v->over == SPANS || v->over == PAGES)
        tarn_pages_deinit(&pages);
}

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    const variant *v = user;
    tarn_source *source = make_source(v, parent);
    tarn_status status;
    if (source == NULL)
        return NULL;
    if (v->what == BLOCKS)
        return tarn_pages_allocator(&pages);
    status =
        v->what == POOL
            ? tarn_pool_init(
                  &pool,
                  &(tarn_pool_options){.block_size = 64, .chunk_size = 16384, .source = source})
            : tarn_arena_init(&arena, &(tarn_arena_options){.chunk_size = 8192, .source = source});
    if (status != TARN_OK) {
        unmake_source(v);
        return NULL;
    }
    return v->what == POOL ? tarn_pool_allocator(&pool) : tarn_arena_allocator(&arena);
}

static void unmake(tarn_allocator *a, void *user)
{
    const variant *v = user;
    if (v->what != BLOCKS)
        tarn_deinit(a);
    unmake_source(v);
}

static variant pool_spans = {.over = SPANS},
               arena_spans = {.over = SPANS, .what = ARENA, .spans = {.granule = 8192}},
               pool_at_once = {.over = SPANS, .spans = {.decay_ms = TARN_DECAY_AT_ONCE}},
               pool_parent = {.over = SPANS_OVER_PARENT,
                              .spans = {.granule = 16384, .first = 65536}},
               arena_parent = {.over = SPANS_OVER_PARENT,
                               .what = ARENA,
                               .spans = {.granule = 4096, .first = 32768}},
               pool_callbacks = {.over = CALLBACKS},
               arena_callbacks = {.over = CALLBACKS, .what = ARENA},
               populated = {.over = PAGES, .what = BLOCKS, .pages = {.populate = true}},
               placed = {.over = PAGES, .what = BLOCKS, .pages = {.numa = TARN_NUMA_INTERLEAVE}},
               pool_huge = {.over = SPANS,
                            .pages = {.huge = TARN_HUGE_ADVISE},
                            .spans = {.granule = 2 << 20, .first = 4 << 20}};

#define ENTRY(text, variant_, ...)                                                                 \
    {                                                                                              \
        .name = (text), .make = make, .unmake = unmake, .user = &(variant_), __VA_ARGS__           \
    }

int main(int argc, char **argv)
{
    const tarn_conform_options table[] = {
        ENTRY("pool(spans(pages))", pool_spans, .max_size = 64),
        ENTRY("pool(spans(pages huge))", pool_huge, .max_size = 64),
        ENTRY("pool(spans(pages), at once)", pool_at_once, .max_size = 64),
        ENTRY("arena(spans(pages))", arena_spans, .max_size = 20000, .budget = 8 << 20),
        ENTRY("pool(spans(parent))", pool_parent, .max_size = 64),
        ENTRY("arena(spans(parent))", arena_parent, .max_size = 20000, .budget = 8 << 20),
        ENTRY("pool(callbacks)", pool_callbacks, .max_size = 64),
        ENTRY("arena(callbacks)", arena_callbacks, .max_size = 20000, .budget = 8 << 20),
        ENTRY("pages(populate)", populated, .max_size = 20000, .budget = 8 << 20),
        ENTRY("pages(interleave)", placed, .max_size = 20000, .budget = 8 << 20),
    };
    return run_table(table, sizeof table / sizeof *table, argc, argv);
}
