/* SPDX-License-Identifier: MIT */
/* The suite on arenas: chunks, a range, a buffer, a child; up and down; checking or not. */
#include "conform/run.h"

#include <tarn/arena.h>
#include <tarn/buffer.h>
#include <tarn/pages.h>

enum place { CHUNKS, PAGES, RANGE, BUFFER, BUFFER_FIRST, BUFFER_SOURCE, CHILD };

typedef struct variant {
    const char *name;
    enum place place;
    bool down, check;
    size_t chunk_size, limit, budget, reserve; /* 0: the default */
} variant;

static tarn_arena arena, outer;
static tarn_pages pages;
static tarn_buffer small;
static _Alignas(4096) unsigned char buffer[4 << 20];

static bool set_up(const variant *v, tarn_allocator *parent, tarn_arena_options *o)
{
    switch (v->place) {
    case PAGES:
    case RANGE:
        if (tarn_pages_init(&pages, NULL) != TARN_OK)
            return false;
        o->source = &pages.source;
        o->reserve = v->place == RANGE && v->reserve == 0 ? (size_t)256 << 20 : v->reserve;
        return true;
    case BUFFER:
        o->buffer = buffer;
        o->buffer_size = sizeof buffer;
        return true;
    case BUFFER_FIRST:
        o->buffer = buffer + 5;
        o->buffer_size = 3000;
        o->parent = parent;
        return true;
    case BUFFER_SOURCE:
        o->source = tarn_buffer_init(&small, buffer, sizeof buffer);
        return true;
    case CHILD:
        return tarn_arena_init(&outer, &(tarn_arena_options){.parent = parent,
                                                             .down = v->down,
                                                             .check = v->check}) == TARN_OK;
    case CHUNKS:
    default:
        o->parent = parent;
        return true;
    }
}

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    const variant *v = user;
    tarn_arena_options o = {.name = v->name,
                            .down = v->down,
                            .check = v->check,
                            .chunk_size = v->chunk_size,
                            .limit = v->limit};
    tarn_status status = TARN_NO_MEMORY;
    if (!set_up(v, parent, &o))
        return NULL;
    status =
        v->place == CHILD ? tarn_arena_init_child(&arena, &outer, &o) : tarn_arena_init(&arena, &o);
    if (status == TARN_OK)
        return tarn_arena_allocator(&arena);
    if (v->place == CHILD)
        tarn_arena_deinit(&outer);
    return NULL;
}

static void unmake(tarn_allocator *a, void *user)
{
    const variant *v = user;
    tarn_deinit(a);
    if (v->place == CHILD)
        tarn_arena_deinit(&outer);
    if (v->place == PAGES || v->place == RANGE)
        tarn_pages_deinit(&pages);
}

static variant variants[] = {
    {.name = "arena"},
    {.name = "arena(down)", .down = true},
    {.name = "arena(check)", .check = true},
    {.name = "arena(down, check)", .down = true, .check = true},
    {.name = "arena(chunk 256)", .chunk_size = 256},
    {.name = "arena(chunk 1K, down)", .chunk_size = 1024, .down = true},
    {.name = "arena(limit 2M)", .limit = 2 << 20, .budget = 256 << 10},
    {.name = "arena(pages)", .place = PAGES},
    {.name = "arena(range)", .place = RANGE},
    {.name = "arena(range, down)", .place = RANGE, .down = true},
    {.name = "arena(range, check)", .place = RANGE, .check = true},
    {.name = "arena(range, down, check)", .place = RANGE, .down = true, .check = true},
    {.name = "arena(range 1M)", .place = RANGE, .reserve = 1 << 20, .budget = 256 << 10},
    {.name = "arena(buffer)", .place = BUFFER},
    {.name = "arena(buffer, down)", .place = BUFFER, .down = true},
    {.name = "arena(buffer, check)", .place = BUFFER, .check = true},
    {.name = "arena(buffer first)", .place = BUFFER_FIRST},
    {.name = "arena(buffer source)", .place = BUFFER_SOURCE, .chunk_size = 1024},
    {.name = "arena(child)", .place = CHILD},
    {.name = "arena(child, down)", .place = CHILD, .down = true},
    {.name = "arena(child, check)", .place = CHILD, .check = true},
};

enum { VARIANTS = sizeof variants / sizeof *variants };

int main(int argc, char **argv)
{
    tarn_conform_options table[VARIANTS];
    for (size_t i = 0; i < VARIANTS; i++)
        table[i] = (tarn_conform_options){.name = variants[i].name,
                                          .make = make,
                                          .unmake = unmake,
                                          .user = &variants[i],
                                          .max_align = 4096,
                                          .max_size = 20000,
                                          .budget = variants[i].budget};
    return run_table(table, VARIANTS, argc, argv);
}
