/* SPDX-License-Identifier: MIT */
/* The suite on arenas: up and down, of chunks, of one range, on a buffer, checking, as a child. */
#include "conform/run.h"

#include <tarn/arena.h>
#include <tarn/pages.h>

/* What an arena is made from, and the room it has. */
typedef struct variant {
    const char *name;
    tarn_arena_options options;
    bool on_buffer, on_pages;
    size_t budget;
} variant;

static tarn_arena arena;
static tarn_pages pages;
static _Alignas(64) unsigned char buffer[1 << 20];

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    const variant *v = user;
    tarn_arena_options o = v->options;
    o.name = v->name;
    if (v->on_buffer) {
        o.buffer = buffer;
        o.buffer_size = o.buffer_size != 0 ? o.buffer_size : sizeof buffer;
    }
    if (v->on_pages) {
        if (tarn_pages_init(&pages, &(tarn_pages_options){.name = "arena"}) != TARN_OK)
            return NULL;
        o.source = &pages.source;
    } else if (!v->on_buffer || o.chunk_size != 0) {
        o.parent = parent;
    }
    return tarn_arena_init(&arena, &o) == TARN_OK ? tarn_arena_allocator(&arena) : NULL;
}

static void unmake(tarn_allocator *a, void *user)
{
    const variant *v = user;
    tarn_deinit(a);
    if (v->on_pages)
        tarn_pages_deinit(&pages);
}

static variant variants[] = {
    {.name = "arena"},
    {.name = "arena(down)", .options = {.down = true}},
    {.name = "arena(check)", .options = {.check = true}},
    {.name = "arena(down, check)", .options = {.down = true, .check = true}},
    {.name = "arena(chunk 1K)", .options = {.chunk_size = 1024, .chunk_max = 1024}},
    {.name = "arena(chunk 1K, down)",
     .options = {.chunk_size = 1024, .chunk_max = 4096, .down = true}},
    {.name = "arena(limit 2M)", .options = {.limit = 2 << 20}, .budget = 256 << 10},
    {.name = "arena(on buffer)", .on_buffer = true, .budget = 256 << 10},
    {.name = "arena(on buffer, down)",
     .options = {.down = true},
     .on_buffer = true,
     .budget = 256 << 10},
    {.name = "arena(on buffer, check)",
     .options = {.check = true},
     .on_buffer = true,
     .budget = 256 << 10},
    {.name = "arena(1K of buffer, then chunks)",
     .options = {.buffer_size = 1024, .chunk_size = 4096},
     .on_buffer = true},
    {.name = "arena(reserve 64M)", .options = {.reserve = 64 << 20}, .on_pages = true},
    {.name = "arena(reserve 64M, down)",
     .options = {.reserve = 64 << 20, .down = true},
     .on_pages = true},
    {.name = "arena(reserve 1M)",
     .options = {.reserve = 1 << 20},
     .on_pages = true,
     .budget = 256 << 10},
    {.name = "arena(chunks of pages)", .on_pages = true},
};

enum { COUNT = sizeof variants / sizeof *variants };

int main(int argc, char **argv)
{
    tarn_conform_options table[COUNT] = {0};
    for (size_t i = 0; i < COUNT; i++)
        table[i] = (tarn_conform_options){.name = variants[i].name,
                                          .make = make,
                                          .unmake = unmake,
                                          .user = &variants[i],
                                          .max_align = 4096,
                                          .budget = variants[i].budget};
    return run_table(table, COUNT, argc, argv);
}
