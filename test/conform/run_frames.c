/* SPDX-License-Identifier: MIT */
/* The suite on frames, early and after some turns, and on a scratch arena; and the failure sweep of both. */
#include "conform/run.h"

#include <tarn/frames.h>
#include <tarn/scratch.h>

typedef struct variant {
    const char *name;
    unsigned count, turns;
    bool buffer, check, scratch;
} variant;

static tarn_frames frames;
static tarn_scratches set;
static tarn_scratch scratch;
static _Alignas(64) unsigned char buffer[4 << 20];

static tarn_allocator *make_scratch(tarn_allocator *parent, const variant *v)
{
    if (tarn_scratches_init(&set, &(tarn_scratches_options){.parent = parent, .check = v->check}) !=
        TARN_OK)
        return NULL;
    scratch = tarn_scratch_begin_in(&set);
    return scratch.arena != NULL ? tarn_arena_allocator(scratch.arena) : NULL;
}

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    const variant *v = user;
    tarn_frames_options o = {.name = v->name, .count = v->count, .check = v->check};
    if (v->scratch)
        return make_scratch(parent, v);
    if (v->buffer) {
        o.buffer = buffer;
        o.buffer_size = sizeof buffer;
    } else {
        o.parent = parent;
    }
    if (tarn_frames_init(&frames, &o) != TARN_OK)
        return NULL;
    for (unsigned i = 0; i < v->turns; i++)
        (void)tarn_frames_next(&frames);
    return tarn_frames_allocator(&frames);
}

static void unmake(tarn_allocator *a, void *user)
{
    const variant *v = user;
    if (!v->scratch) {
        tarn_deinit(a);
        return;
    }
    tarn_scratch_end(&scratch);
    tarn_scratches_deinit(&set);
}

static variant variants[] = {
    {.name = "frames(2)"},
    {.name = "frames(1)", .count = 1},
    {.name = "frames(3, turn 7)", .count = 3, .turns = 7},
    {.name = "frames(3, check)", .count = 3, .turns = 1, .check = true},
    {.name = "frames(4, buffer)", .count = 4, .turns = 2, .buffer = true},
    {.name = "frames(4, buffer, check)", .count = 4, .turns = 2, .buffer = true, .check = true},
    {.name = "scratch", .scratch = true},
    {.name = "scratch(check)", .scratch = true, .check = true},
};

enum { VARIANTS = sizeof variants / sizeof *variants };

/* Frames and nested scratches over the same parent. */
static bool live_and_die(tarn_allocator *a, void *user)
{
    tarn_scratches own;
    tarn_scratch outer = {NULL, NULL, 0}, inner = {NULL, NULL, 0};
    bool good = tarn_frames_init(&frames, &(tarn_frames_options){.parent = a}) == TARN_OK &&
                tarn_scratches_init(&own, &(tarn_scratches_options){.parent = a}) == TARN_OK;
    (void)user;
    if (good) {
        outer = tarn_scratch_begin_in(&own);
        inner = tarn_scratch_begin_in(&own);
    }
    good = outer.arena != NULL && inner.arena != NULL &&
           tarn_arena_alloc(inner.arena, 100, 3) != NULL &&
           tarn_frames_alloc(&frames, 100, 3) != NULL &&
           tarn_arena_alloc(tarn_frames_next(&frames), 100, 3) != NULL;
    tarn_scratch_end(&inner);
    tarn_scratch_end(&outer);
    tarn_scratches_deinit(&own);
    tarn_frames_deinit(&frames);
    return good;
}

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
                                          .budget = 256 << 10};
    return run_table(table, VARIANTS, argc, argv) != 0 ||
           tarn_sweep(&(tarn_sweep_options){.name = "frames", .run = live_and_die}) != 0;
}
