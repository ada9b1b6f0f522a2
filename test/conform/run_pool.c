/* SPDX-License-Identifier: MIT */
/* The suite on pools: each way to make one. */
#include "conform/run.h"

#include <tarn/buffer.h>
#include <tarn/pages.h>
#include <tarn/pool.h>

/* What a pool is made from, and the room it may need. */
typedef struct variant {
    const char *name;
    tarn_pool_options options;
    bool on_buffer, on_pages;
} variant;

static tarn_pool pool;
static tarn_pages pages;
static _Alignas(4096) unsigned char buffer[1 << 20];

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    const variant *v = user;
    tarn_pool_options o = v->options;
    o.name = v->name;
    if (v->on_buffer) {
        o.buffer = buffer;
        o.buffer_size = tarn_pool_bytes(o.block_size, o.align, o.capacity);
    } else if (v->on_pages) {
        if (tarn_pages_init(&pages, &(tarn_pages_options){.name = "pool"}) != TARN_OK)
            return NULL;
        o.source = &pages.source;
    } else {
        o.parent = parent;
    }
    return tarn_pool_init(&pool, &o) == TARN_OK ? tarn_pool_allocator(&pool) : NULL;
}

static void unmake(tarn_allocator *a, void *user)
{
    const variant *v = user;
    tarn_deinit(a);
    if (v->on_pages)
        tarn_pages_deinit(&pages);
}

static bool count_up(void *user, void *block)
{
    (void)block;
    ++*(size_t *)user;
    return true;
}

static void count_down(void *user, void *block)
{
    (void)block;
    --*(size_t *)user;
}

static size_t entered;

static variant variants[] = {
    {.name = "pool(64)", .options = {.block_size = 64}},
    {.name = "pool(24)", .options = {.block_size = 24}},
    {.name = "pool(1)", .options = {.block_size = 1}},
    {.name = "pool(3000)", .options = {.block_size = 3000}},
    {.name = "pool(100000)", .options = {.block_size = 100000}},
    {.name = "pool(64, align 4096)", .options = {.block_size = 64, .align = 4096}},
    {.name = "pool(40, chunk 4K)", .options = {.block_size = 40, .chunk_size = 4096}},
    {.name = "pool(48, check)", .options = {.block_size = 48, .check = true}},
    {.name = "pool(48, steady)", .options = {.block_size = 48, .steady = true}},
    {.name = "pool(48, steady, limit 200, check)",
     .options = {.block_size = 48, .steady = true, .limit = 200, .check = true}},
    {.name = "pool(48, exact)", .options = {.block_size = 48, .exact = true}},
    {.name = "pool(48, exact, check)", .options = {.block_size = 48, .exact = true, .check = true}},
    {.name = "pool(32, capacity 200)", .options = {.block_size = 32, .capacity = 200}},
    {.name = "pool(32, limit 200)", .options = {.block_size = 32, .limit = 200}},
    {.name = "pool(32, limit 200, check)",
     .options = {.block_size = 32, .limit = 200, .check = true}},
    {.name = "pool(32 on buffer)",
     .options = {.block_size = 32, .align = 16, .capacity = 200},
     .on_buffer = true},
    {.name = "pool(32 on buffer, check)",
     .options = {.block_size = 32, .align = 16, .capacity = 200, .check = true},
     .on_buffer = true},
    {.name = "pool(72 on pages)", .options = {.block_size = 72}, .on_pages = true},
    {.name = "pool(72, capacity 1000 on pages)",
     .options = {.block_size = 72, .capacity = 1000},
     .on_pages = true},
    {.name = "pool(56, object cache)",
     .options = {.block_size = 56, .init = count_up, .fini = count_down, .user = &entered}},
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
        bool bounded = v->options.capacity != 0 || v->options.limit != 0;
        table[i] = (tarn_conform_options){.name = v->name,
                                          .make = make,
                                          .unmake = unmake,
                                          .user = v,
                                          .max_size = size,
                                          .max_align = align,
                                          .only_size = v->options.exact ? size : 0,
                                          .budget = (bounded ? 100 : 200) * (size + align)};
    }
    return run_table(table, COUNT, argc, argv) || entered != 0;
}
