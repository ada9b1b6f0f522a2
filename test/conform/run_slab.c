/* SPDX-License-Identifier: MIT */
/* The suite on slabs: each way to make one. */
#include "conform/run.h"

#include <tarn/pages.h>
#include <tarn/slab.h>

typedef struct variant {
    const char *name;
    tarn_slab_options options;
    bool on_buffer, on_pages, outside; /* outside: metadata from the parent */
    size_t max_size, max_align;
} variant;

static tarn_slab slab;
static tarn_pages pages;
static _Alignas(4096) unsigned char buffer[2 << 20];

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    const variant *v = user;
    tarn_slab_options o = v->options;
    o.name = v->name;
    if (v->on_buffer) {
        o.buffer = buffer;
        o.buffer_size = sizeof buffer;
    } else if (v->on_pages) {
        if (tarn_pages_init(&pages, &(tarn_pages_options){.name = "slab"}) != TARN_OK)
            return NULL;
        o.source = &pages.source;
    }
    if (v->outside)
        o.metadata = parent;
    if ((!v->on_buffer && !v->on_pages) || v->max_size > 4096)
        o.parent = parent;
    return tarn_slab_init(&slab, &o) == TARN_OK ? tarn_slab_allocator(&slab) : NULL;
}

static void unmake(tarn_allocator *a, void *user)
{
    const variant *v = user;
    tarn_deinit(a);
    if (v->on_pages)
        tarn_pages_deinit(&pages);
}

static const size_t FEW[] = {24, 64, 200, 1000};

static variant variants[] = {
    {.name = "slab", .max_size = 20000, .max_align = 4096},
    {.name = "slab(check)", .options = {.check = true}, .max_size = 20000, .max_align = 4096},
    {.name = "slab(no large)",
     .options = {.refuse_large = true},
     .max_size = 4096,
     .max_align = 16},
    {.name = "slab(8 to 1024)", .options = {.largest = 1024}, .max_size = 5000, .max_align = 256},
    {.name = "slab(list)",
     .options = {.sizes = FEW, .size_count = 4, .page_size = 4096},
     .max_size = 3000,
     .max_align = 64},
    {.name = "slab(list, check)",
     .options = {.sizes = FEW, .size_count = 4, .page_size = 4096, .check = true},
     .max_size = 3000,
     .max_align = 64},
    {.name = "slab(waste 50, one idle page)",
     .options = {.waste = 50, .idle_pages = 1, .page_size = 8192, .largest = 2048},
     .max_size = 2048,
     .max_align = 16},
    {.name = "slab(metadata outside)", .outside = true, .max_size = 20000, .max_align = 4096},
    {.name = "slab(metadata outside, check)",
     .outside = true,
     .options = {.check = true, .largest = 512, .page_size = 4096},
     .max_size = 3000,
     .max_align = 64},
    {.name = "slab(on pages)", .on_pages = true, .max_size = 4096, .max_align = 16},
    {.name = "slab(on pages, metadata outside, large from parent)",
     .on_pages = true,
     .outside = true,
     .max_size = 10000,
     .max_align = 4096},
    {.name = "slab(on buffer)", .on_buffer = true, .max_size = 4096, .max_align = 16},
    {.name = "slab(on buffer, metadata outside, check)",
     .on_buffer = true,
     .outside = true,
     .options = {.largest = 1024, .check = true},
     .max_size = 1024,
     .max_align = 16},
    {.name = "slab(limit 1 MiB)",
     .options = {.limit = 1 << 20, .largest = 512, .page_size = 8192, .refuse_large = true},
     .max_size = 512,
     .max_align = 16},
};

enum { COUNT = sizeof variants / sizeof *variants };

int main(int argc, char **argv)
{
    tarn_conform_options table[COUNT] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        variant *v = &variants[i];
        table[i] = (tarn_conform_options){.name = v->name,
                                          .make = make,
                                          .unmake = unmake,
                                          .user = v,
                                          .max_size = v->max_size,
                                          .max_align = v->max_align,
                                          .budget = 200000};
    }
    return run_table(table, COUNT, argc, argv);
}
