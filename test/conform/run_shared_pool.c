/* SPDX-License-Identifier: MIT */
/* The suite on shared pools: each way to make one, and a cache of one by itself. */
#include "conform/run.h"

#include <tarn/pages.h>
#include <tarn/shared_pool.h>

typedef struct variant {
    const char *name;
    tarn_shared_pool_options options;
    bool on_pages, a_cache;
} variant;

static tarn_shared_pool pool;
static tarn_shared_cache cache;
static tarn_pages pages;

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    const variant *v = user;
    tarn_shared_pool_options o = v->options;
    o.name = v->name;
    if (v->on_pages) {
        if (tarn_pages_init(&pages, &(tarn_pages_options){.name = "shared pool"}) != TARN_OK)
            return NULL;
        o.source = &pages.source;
    } else {
        o.parent = parent;
    }
    if (tarn_shared_pool_init(&pool, &o) != TARN_OK)
        return NULL;
    if (!v->a_cache)
        return tarn_shared_pool_allocator(&pool);
    tarn_shared_cache_init(&cache, &pool);
    return tarn_shared_cache_allocator(&cache);
}

static void unmake(tarn_allocator *a, void *user)
{
    const variant *v = user;
    if (v->a_cache)
        tarn_deinit(a);
    tarn_shared_pool_deinit(&pool);
    if (v->on_pages)
        tarn_pages_deinit(&pages);
}

static variant variants[] = {
    {.name = "shared pool(64)", .options = {.block_size = 64}},
    {.name = "shared pool(24)", .options = {.block_size = 24}},
    {.name = "shared pool(1)", .options = {.block_size = 1}},
    {.name = "shared pool(3000)", .options = {.block_size = 3000}},
    {.name = "shared pool(100000)", .options = {.block_size = 100000}},
    {.name = "shared pool(64, align 4096)", .options = {.block_size = 64, .align = 4096}},
    {.name = "shared pool(40, chunk 4K)", .options = {.block_size = 40, .chunk_size = 4096}},
    {.name = "shared pool(40, chunk 4K, batch 3)",
     .options = {.block_size = 40, .chunk_size = 4096, .batch = 3}},
    {.name = "shared pool(48, check)", .options = {.block_size = 48, .check = true}},
    {.name = "shared pool(48, exact, check)",
     .options = {.block_size = 48, .exact = true, .check = true}},
    {.name = "shared pool(32, limit 200)", .options = {.block_size = 32, .limit = 200}},
    {.name = "shared pool(32, limit 200, check)",
     .options = {.block_size = 32, .limit = 200, .check = true}},
    {.name = "shared pool(72 on pages)", .options = {.block_size = 72}, .on_pages = true},
    {.name = "shared pool(64), a cache", .options = {.block_size = 64}, .a_cache = true},
    {.name = "shared pool(48, chunk 4K, batch 2), a cache",
     .options = {.block_size = 48, .chunk_size = 4096, .batch = 2},
     .a_cache = true},
    {.name = "shared pool(48, check), a cache",
     .options = {.block_size = 48, .check = true},
     .a_cache = true},
};

enum { COUNT = sizeof variants / sizeof *variants };

int main(int argc, char **argv)
{
    tarn_conform_options table[COUNT] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        variant *v = &variants[i];
        size_t size = v->options.block_size, align = v->options.align;
        if (align == 0) /* as the pool chooses */
            align = (size & (~size + 1)) < 16 ? size & (~size + 1) : 16;
        bool bounded = v->options.limit != 0;
        table[i] = (tarn_conform_options){.name = v->name,
                                          .make = make,
                                          .unmake = unmake,
                                          .user = v,
                                          .max_size = size,
                                          .max_align = align,
                                          .only_size = v->options.exact ? size : 0,
                                          .budget = (bounded ? 100 : 200) * (size + align)};
    }
    return run_table(table, COUNT, argc, argv);
}
