/* SPDX-License-Identifier: MIT */
/* The suite on buddy allocators: metadata inside and outside, eager and lazy, any run. */
#include "conform/run.h"

#include <tarn/buddy.h>
#include <tarn/pages.h>

enum { RUN = 1 << 21 };

typedef struct variant {
    const char *name;
    tarn_buddy_options options;
    bool outside;  /* metadata from the parent      */
    bool on_pages; /* the run from pages            */
    size_t skip;   /* the buffer begins there       */
    size_t max_size, max_align;
} variant;

static tarn_buddy buddy;
static tarn_pages pages;
static _Alignas(4096) unsigned char buffer[RUN], beside[RUN];

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    const variant *v = user;
    tarn_buddy_options o = v->options;
    o.name = v->name;
    if (v->outside)
        o.metadata = parent;
    if (v->skip != 0) {
        o.buffer = buffer + v->skip;
        o.buffer_size = o.size - v->skip;
        o.size = 0;
    } else if (v->on_pages) {
        if (tarn_pages_init(&pages, &(tarn_pages_options){.name = "buddy"}) != TARN_OK)
            return NULL;
        o.source = &pages.source;
    } else {
        o.parent = parent;
    }
    tarn_status status = tarn_buddy_init(&buddy, &o);
    if (status != TARN_OK && v->on_pages)
        tarn_pages_deinit(&pages);
    return status == TARN_OK ? tarn_buddy_allocator(&buddy) : NULL;
}

static void unmake(tarn_allocator *a, void *user)
{
    const variant *v = user;
    tarn_deinit(a);
    if (v->on_pages)
        tarn_pages_deinit(&pages);
}

static variant variants[] = {
    {.name = "buddy", .options = {.size = RUN}},
    {.name = "buddy(eager)", .options = {.size = RUN, .lazy = TARN_BUDDY_EAGER}},
    {.name = "buddy(eager, check)",
     .options = {.size = RUN, .lazy = TARN_BUDDY_EAGER, .check = true}},
    {.name = "buddy(eager, outside)",
     .options = {.size = 1300000, .lazy = TARN_BUDDY_EAGER},
     .outside = true},
    {.name = "buddy(check)", .options = {.size = RUN, .check = true}},
    {.name = "buddy(min 16)", .options = {.size = RUN, .min_block = 16}},
    {.name = "buddy(min 4096)", .options = {.size = RUN, .min_block = 4096}, .max_size = 30000},
    {.name = "buddy(lazy)", .options = {.size = RUN, .lazy = 8}},
    {.name = "buddy(lazy, check)", .options = {.size = RUN, .lazy = 3, .check = true}},
    {.name = "buddy(outside)", .options = {.size = RUN}, .outside = true},
    {.name = "buddy(outside, lazy)", .options = {.size = RUN, .lazy = 16}, .outside = true},
    {.name = "buddy(outside, in a buffer, check)",
     .options =
         {.size = RUN, .check = true, .metadata_buffer = beside, .metadata_size = sizeof beside}},
    {.name = "buddy(1.3 MiB)", .options = {.size = 1300000}},
    {.name = "buddy(1.3 MiB, outside)", .options = {.size = 1300000}, .outside = true},
    {.name = "buddy(on buffer)", .options = {.size = RUN}, .skip = 32},
    {.name = "buddy(on buffer, odd)", .options = {.size = RUN - 12345}, .skip = 777},
    {.name = "buddy(on buffer, odd, lazy)",
     .options = {.size = RUN - 12345, .lazy = 4},
     .skip = 777},
    {.name = "buddy(on buffer, odd, outside)",
     .options = {.size = RUN - 12345},
     .skip = 777,
     .outside = true},
    {.name = "buddy(on pages)", .options = {.size = RUN}, .on_pages = true},
    {.name = "buddy(on pages, outside)",
     .options = {.size = RUN},
     .on_pages = true,
     .outside = true},
};

enum { COUNT = sizeof variants / sizeof *variants };

int main(int argc, char **argv)
{
    tarn_conform_options table[COUNT] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        variant *v = &variants[i];
        size_t size = v->max_size != 0 ? v->max_size : 5000;
        /* A block of half the largest size may take all of its power of two, and is not alone. */
        table[i] = (tarn_conform_options){.name = v->name,
                                          .make = make,
                                          .unmake = unmake,
                                          .user = v,
                                          .max_size = size,
                                          .max_align = 4096,
                                          .budget = 150000};
    }
    return run_table(table, COUNT, argc, argv);
}
