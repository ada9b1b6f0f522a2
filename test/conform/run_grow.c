/* SPDX-License-Identifier: MIT */
/* The suite on lists of pools and of arenas, each member with a small region. */
#include "conform/run.h"

#include <tarn/arena.h>
#include <tarn/grow.h>
#include <tarn/pool.h>

static tarn_grow grow;
static tarn_allocator *below;

static tarn_status pool_make(void *user, size_t index, tarn_allocator **out)
{
    tarn_status status;
    (void)user, (void)index;
    tarn_pool *p = tarn_pool_create(
        &(tarn_pool_options){.block_size = 64, .capacity = 25, .parent = below}, &status);
    *out = p != NULL ? tarn_pool_allocator(p) : NULL;
    return status;
}

static void pool_away(void *user, tarn_allocator *member)
{
    (void)user;
    tarn_pool_destroy((tarn_pool *)member);
}

static tarn_status arena_make(void *user, size_t index, tarn_allocator **out)
{
    tarn_status status;
    (void)user, (void)index;
    tarn_arena *a =
        tarn_arena_create(&(tarn_arena_options){.chunk_size = 8192, .parent = below}, &status);
    *out = a != NULL ? tarn_arena_allocator(a) : NULL;
    return status;
}

static void arena_away(void *user, tarn_allocator *member)
{
    (void)user;
    tarn_arena_destroy((tarn_arena *)member);
}

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    tarn_grow_options o = *(tarn_grow_options *)user;
    below = o.metadata = parent;
    return tarn_grow_init(&grow, &o) == TARN_OK ? tarn_grow_allocator(&grow) : NULL;
}

static tarn_grow_options pools = {.make = pool_make, .unmake = pool_away},
                         arenas = {.make = arena_make, .unmake = arena_away};

int main(int argc, char **argv)
{
    const tarn_conform_options table[] = {
        {.name = "grow(pool 64, capacity 25)",
         .make = make,
         .user = &pools,
         .max_size = 64,
         .max_align = 16},
        {.name = "grow(arena)", .make = make, .user = &arenas, .max_size = 3000},
    };
    return run_table(table, sizeof table / sizeof *table, argc, argv);
}
