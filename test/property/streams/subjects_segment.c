/* SPDX-License-Identifier: MIT */
/* subjects_segment.c - a pool and an arena in a segment. */
#include "property/streams/subjects.h"

#include <tarn/segment.h>

static tarn_segment segment;
static tarn_segment_pool pool;
static tarn_segment_arena arena;

static bool start(void)
{
    return tarn_segment_init(&segment, &(tarn_segment_options){.kind = TARN_FILE_MEMORY}) ==
           TARN_OK;
}

static tarn_allocator *pool_make(tarn_allocator *parent, void *user)
{
    (void)parent;
    return start() && tarn_segment_open_pool(&segment, "p", user, &pool) == TARN_OK
               ? tarn_segment_pool_allocator(&pool)
               : NULL;
}

static tarn_allocator *arena_make(tarn_allocator *parent, void *user)
{
    (void)parent;
    return start() && tarn_segment_open_arena(&segment, "a", *(size_t *)user, &arena) == TARN_OK
               ? tarn_segment_arena_allocator(&arena)
               : NULL;
}

static void leave(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    tarn_segment_deinit(&segment);
}

static const tarn_segment_pool_options few = {.block_size = 56, .align = 8, .capacity = 60},
                                       tiny = {.block_size = 3, .capacity = 5000};
static const size_t strip = 256 << 10;

static const subject SUBJECTS[] = {
    {"segment pool(56, capacity 60)", pool_make, leave, &few, 56, 8, true},
    {"segment pool(3)", pool_make, leave, &tiny, 3, 1, true},
    {"segment arena(256K)", arena_make, leave, &strip, 3000, 256, true},
};

SUBJECTS_ENTER(SUBJECTS)
