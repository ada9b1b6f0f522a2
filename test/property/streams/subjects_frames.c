/* SPDX-License-Identifier: MIT */
/* subjects_frames.c - frames of one turn, and a scratch arena. */
#include "property/streams/subjects.h"

#include <tarn/frames.h>
#include <tarn/scratch.h>

static tarn_frames frames;
static tarn_scratches set;
static tarn_scratch scratch;

static tarn_allocator *frames_make(tarn_allocator *parent, void *user)
{
    tarn_frames_options o = *(tarn_frames_options *)user;
    o.parent = parent;
    if (tarn_frames_init(&frames, &o) != TARN_OK)
        return NULL;
    (void)tarn_frames_next(&frames);
    return tarn_frames_allocator(&frames);
}

static void frames_unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    tarn_frames_deinit(&frames);
}

static tarn_allocator *scratch_make(tarn_allocator *parent, void *user)
{
    (void)user;
    if (tarn_scratches_init(&set, &(tarn_scratches_options){.parent = parent}) != TARN_OK)
        return NULL;
    scratch = tarn_scratch_begin_in(&set);
    return scratch.arena != NULL ? tarn_arena_allocator(scratch.arena) : NULL;
}

static void scratch_unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    tarn_scratch_end(&scratch);
    tarn_scratches_deinit(&set);
}

static const tarn_frames_options three = {.count = 3, .chunk_size = 2048},
                                 checks = {.check = true, .chunk_size = 4096};

static const subject FRAMES[] = {
    {"frames(3)", frames_make, frames_unmake, &three, 5000, 4096, false},
    {"frames(2, check)", frames_make, frames_unmake, &checks, 5000, 4096, false},
    {"scratch", scratch_make, scratch_unmake, NULL, 5000, 4096, false},
};

SUBJECTS_ENTER(FRAMES)
