/* SPDX-License-Identifier: MIT */
/* The suite on object caches: over a pool of their own and over a parent, with and without the functions. */
#include "conform/run.h"

#include <tarn/object_cache.h>

typedef struct variant {
    const char *name;
    tarn_object_cache_options options;
    bool own_pool;
} variant;

static tarn_object_cache cache;
static tarn_parent_source source;
static size_t built, handed;

static bool count_up(void *user, void *object)
{
    (void)object;
    ++*(size_t *)user;
    return true;
}

static void count_down(void *user, void *object)
{
    (void)object;
    --*(size_t *)user;
}

static bool hand_out(void *user, void *object)
{
    (void)user, (void)object;
    return ++handed, true;
}

static void take_back(void *user, void *object)
{
    (void)user, (void)object;
    --handed;
}

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    const variant *v = user;
    tarn_object_cache_options o = v->options;
    o.name = v->name;
    o.user = &built;
    o.source = tarn_parent_init(&source, parent);
    if (!v->own_pool)
        o.parent = parent;
    return tarn_object_cache_init(&cache, &o) == TARN_OK ? tarn_object_cache_allocator(&cache)
                                                         : NULL;
}

static variant variants[] = {
    {.name = "object_cache(64)", .options = {.object_size = 64}, .own_pool = true},
    {.name = "object_cache(64, check)",
     .options = {.object_size = 64, .check = true},
     .own_pool = true},
    {.name = "object_cache(100, init, depth 3)",
     .options = {.object_size = 100, .depth = 3, .init = count_up, .fini = count_down},
     .own_pool = true},
    {.name = "object_cache(48, all functions)",
     .options = {.object_size = 48,
                 .init = count_up,
                 .fini = count_down,
                 .ctor = hand_out,
                 .dtor = take_back},
     .own_pool = true},
    {.name = "object_cache(64, align 256, over parent)",
     .options = {.object_size = 64, .align = 256}},
    {.name = "object_cache(3000, over parent, init, check)",
     .options = {.object_size = 3000, .check = true, .init = count_up, .fini = count_down}},
    {.name = "object_cache(32, limit 200)",
     .options = {.object_size = 32, .limit = 200, .depth = 10},
     .own_pool = true},
};

enum { COUNT = sizeof variants / sizeof *variants };

int main(int argc, char **argv)
{
    tarn_conform_options table[COUNT] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        variant *v = &variants[i];
        size_t size = v->options.object_size, align = v->options.align;
        if (align == 0) /* as the cache chooses */
            align = (size & (~size + 1)) < 16 ? size & (~size + 1) : 16;
        table[i] = (tarn_conform_options){.name = v->name,
                                          .make = make,
                                          .user = v,
                                          .max_size = size,
                                          .max_align = align,
                                          .budget = 100 * (size + align)};
    }
    return run_table(table, COUNT, argc, argv) || built != 0;
}
