/* SPDX-License-Identifier: MIT */
/* The suite on two-level segregated fit: in a buffer, in several, growing, metadata inside and outside. */
#include "conform/run.h"

#include <tarn/pages.h>
#include <tarn/tlsf.h>

enum { ROOM = 3 << 20 };

typedef struct variant {
    const char *name;
    tarn_tlsf_options options;
    bool grows, on_pages, outside;
    size_t regions; /* the buffer in so many parts, with holes between them; 0: none */
    size_t skip;    /* the buffer begins there                                       */
    size_t max_size, max_align;
} variant;

static tarn_tlsf tlsf;
static tarn_pages pages;
static _Alignas(4096) unsigned char buffer[ROOM];

static bool add_parts(const variant *v)
{
    size_t part = (ROOM - v->skip) / (v->regions != 0 ? v->regions : 1);
    for (size_t i = 0; i < v->regions; i++) {
        if (tarn_tlsf_add_region(&tlsf, buffer + v->skip + i * part, part - (i % 3) * 100) !=
            TARN_OK)
            return false;
    }
    return true;
}

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    const variant *v = user;
    tarn_tlsf_options o = v->options;
    o.name = v->name;
    if (v->outside)
        o.metadata = parent;
    if (v->on_pages) {
        if (tarn_pages_init(&pages, &(tarn_pages_options){.name = "tlsf"}) != TARN_OK)
            return NULL;
        o.source = &pages.source;
    } else if (v->grows) {
        o.parent = parent;
    }
    if (tarn_tlsf_init(&tlsf, &o) != TARN_OK)
        return NULL;
    if (!add_parts(v)) {
        tarn_tlsf_deinit(&tlsf);
        return NULL;
    }
    return tarn_tlsf_allocator(&tlsf);
}

static void unmake(tarn_allocator *a, void *user)
{
    const variant *v = user;
    tarn_deinit(a);
    if (v->on_pages)
        tarn_pages_deinit(&pages);
}

static variant variants[] = {
    {.name = "tlsf(buffer)", .regions = 1, .max_size = 100000},
    {.name = "tlsf(buffer, check)", .regions = 1, .options = {.check = true}},
    {.name = "tlsf(buffer, odd)", .regions = 1, .skip = 777},
    {.name = "tlsf(7 regions)", .regions = 7, .skip = 3},
    {.name = "tlsf(7 regions, check)", .regions = 7, .options = {.check = true}},
    {.name = "tlsf(grows)", .grows = true},
    {.name = "tlsf(grows, check)", .grows = true, .options = {.check = true}},
    {.name = "tlsf(grows by little)", .grows = true, .options = {.chunk_size = 1}},
    {.name = "tlsf(grows, limit)", .grows = true, .options = {.limit = 2 << 20}},
    {.name = "tlsf(region, then grows)", .regions = 20, .grows = true},
    {.name = "tlsf(on pages)", .on_pages = true, .max_size = 3 << 20, .max_align = 65536},
    {.name = "tlsf(outside)", .regions = 1, .outside = true},
    {.name = "tlsf(outside, check)", .regions = 1, .outside = true, .options = {.check = true}},
    {.name = "tlsf(outside, grain 16)", .regions = 1, .outside = true, .options = {.grain = 16}},
    {.name = "tlsf(outside, grain 256)", .regions = 1, .outside = true, .options = {.grain = 256}},
    {.name = "tlsf(outside, 9 regions)", .regions = 9, .outside = true, .skip = 5},
    {.name = "tlsf(outside, 9 regions, check)",
     .regions = 9,
     .outside = true,
     .skip = 5,
     .options = {.check = true}},
};

enum { COUNT = sizeof variants / sizeof *variants };

int main(int argc, char **argv)
{
    tarn_conform_options table[COUNT] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        variant *v = &variants[i];
        bool bounded = v->regions != 0 || v->options.limit != 0;
        table[i] = (tarn_conform_options){.name = v->name,
                                          .make = make,
                                          .unmake = unmake,
                                          .user = v,
                                          .max_size = v->max_size,
                                          .max_align = v->max_align != 0 ? v->max_align : 4096,
                                          .budget = bounded ? 500000 : 0};
    }
    return run_table(table, COUNT, argc, argv);
}
