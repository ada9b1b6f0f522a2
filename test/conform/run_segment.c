/* SPDX-License-Identifier: MIT */
/* The suite on pools and arenas that lie in shared memory, and on the usual ones over a file. */
#include "conform/run.h"

#include <tarn/arena.h>
#include <tarn/pool.h>
#include <tarn/segment.h>

typedef struct variant {
    const char *name;
    tarn_segment_pool_options pool; /* no capacity: an arena */
    size_t room;
    bool in_place; /* in the caller's bytes, without a segment */
} variant;

static tarn_segment segment;
static tarn_segment_pool pool;
static tarn_segment_arena arena;
static _Alignas(4096) unsigned char place[4 << 20];

static tarn_status make_in_place(const variant *v)
{
    memset(place, 0x5a, sizeof place);
    if (v->room != 0) {
        (void)tarn_segment_arena_format(place, tarn_segment_arena_bytes(v->room));
        return tarn_segment_arena_init(&arena, place, sizeof place, v->name);
    }
    tarn_status status = tarn_segment_pool_format(place, sizeof place, &v->pool);
    return status != TARN_OK ? status
                             : tarn_segment_pool_init(&pool, place, sizeof place, 2, v->name);
}

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    const variant *v = user;
    tarn_status status;
    (void)parent;
    if (v->in_place) {
        status = make_in_place(v);
    } else {
        tarn_segment_options o = {.kind = TARN_FILE_MEMORY};
        status = tarn_segment_init(&segment, &o);
        if (status == TARN_OK && v->room != 0)
            status = tarn_segment_open_arena(&segment, "it", v->room, &arena);
        else if (status == TARN_OK)
            status = tarn_segment_open_pool(&segment, "it", &v->pool, &pool);
    }
    if (status != TARN_OK)
        return NULL;
    return v->room != 0 ? tarn_segment_arena_allocator(&arena) : tarn_segment_pool_allocator(&pool);
}

static void unmake(tarn_allocator *a, void *user)
{
    const variant *v = user;
    tarn_deinit(a);
    if (!v->in_place)
        tarn_segment_deinit(&segment);
}

/* The usual ones, whose chunks are regions of a file in memory. */
static tarn_file file;
static tarn_pool usual_pool;
static tarn_arena usual_arena;

static tarn_allocator *make_over_file(tarn_allocator *parent, void *user)
{
    tarn_file_options o = {.kind = TARN_FILE_MEMORY, .sparse = true};
    (void)parent;
    if (tarn_file_init(&file, &o) != TARN_OK)
        return NULL;
    if (user == &usual_pool) {
        tarn_pool_options p = {.block_size = 72, .source = &file.source};
        return tarn_pool_init(&usual_pool, &p) == TARN_OK ? tarn_pool_allocator(&usual_pool) : NULL;
    }
    tarn_arena_options a = {.source = &file.source};
    return tarn_arena_init(&usual_arena, &a) == TARN_OK ? tarn_arena_allocator(&usual_arena) : NULL;
}

static void unmake_over_file(tarn_allocator *a, void *user)
{
    (void)user;
    tarn_deinit(a);
    tarn_file_deinit(&file);
}

static variant variants[] = {
    {.name = "segment pool(64)", .pool = {.block_size = 64, .capacity = 1000}},
    {.name = "segment pool(24)", .pool = {.block_size = 24, .capacity = 1000}},
    {.name = "segment pool(1)", .pool = {.block_size = 1, .capacity = 1000}},
    {.name = "segment pool(3000)", .pool = {.block_size = 3000, .capacity = 1000}},
    {.name = "segment pool(64, align 4096)",
     .pool = {.block_size = 64, .align = 4096, .capacity = 500}},
    {.name = "segment pool(32, in place)",
     .pool = {.block_size = 32, .capacity = 200},
     .in_place = true},
    {.name = "segment arena(2M)", .room = 2 << 20},
    {.name = "segment arena(2M, in place)", .room = 2 << 20, .in_place = true},
};

enum { COUNT = sizeof variants / sizeof *variants };

int main(int argc, char **argv)
{
    tarn_conform_options table[COUNT + 2] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        variant *v = &variants[i];
        size_t size = v->pool.block_size, align = v->pool.align;
        if (align == 0) /* as the pool chooses */
            align = (size & (~size + 1)) < 16 ? size & (~size + 1) : 16;
        table[i] =
            (tarn_conform_options){.name = v->name, .make = make, .unmake = unmake, .user = v};
        if (v->room == 0) {
            table[i].max_size = size;
            table[i].max_align = align;
            table[i].budget = 200 * (size + align);
        } else {
            table[i].max_align = 4096;
        }
    }
    table[COUNT] = (tarn_conform_options){.name = "pool(72 over a file)",
                                          .make = make_over_file,
                                          .unmake = unmake_over_file,
                                          .user = &usual_pool,
                                          .max_size = 72,
                                          .max_align = 8,
                                          .budget = 200 * 80};
    table[COUNT + 1] = (tarn_conform_options){.name = "arena(over a file)",
                                              .make = make_over_file,
                                              .unmake = unmake_over_file,
                                              .user = &usual_arena};
    return run_table(table, COUNT + 2, argc, argv);
}
