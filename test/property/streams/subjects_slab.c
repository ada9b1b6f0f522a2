/* SPDX-License-Identifier: MIT */
/* subjects_slab.c - slabs, each way to make one. */
#include "property/streams/subjects.h"

#include <tarn/pages.h>
#include <tarn/slab.h>

static tarn_slab slab;
static tarn_pages pages;
static _Alignas(64) unsigned char buffer[512 << 10];

static tarn_allocator *slab_make(tarn_allocator *parent, void *user)
{
    tarn_slab_options o = *(tarn_slab_options *)user;
    if (o.buffer == NULL)
        o.parent = parent;
    return tarn_slab_init(&slab, &o) == TARN_OK ? tarn_slab_allocator(&slab) : NULL;
}

/* Pages from the parent, what is known of them from elsewhere. */
static tarn_allocator *outside_make(tarn_allocator *parent, void *user)
{
    tarn_slab_options o = *(tarn_slab_options *)user;
    o.parent = parent;
    o.metadata = tarn_libc();
    return tarn_slab_init(&slab, &o) == TARN_OK ? tarn_slab_allocator(&slab) : NULL;
}

static tarn_allocator *pages_make(tarn_allocator *parent, void *user)
{
    tarn_slab_options o = *(tarn_slab_options *)user;
    if (tarn_pages_init(&pages, &(tarn_pages_options){.name = "property"}) != TARN_OK)
        return NULL;
    o.source = &pages.source;
    o.parent = parent;
    return tarn_slab_init(&slab, &o) == TARN_OK ? tarn_slab_allocator(&slab) : NULL;
}

static void slab_unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    tarn_slab_deinit(&slab);
}

static void pages_unmake(tarn_allocator *a, void *user)
{
    slab_unmake(a, user);
    tarn_pages_deinit(&pages);
}

static const size_t SIZES[] = {16, 56, 128, 640};
static const tarn_slab_options
    plain = {.name = "plain"},
    checks = {.check = true, .largest = 1024, .page_size = 8192},
    few = {.sizes = SIZES, .size_count = 4, .page_size = 2048},
    coarse = {.smallest = 32, .largest = 256, .waste = 60, .page_size = 4096, .idle_pages = 1},
    placed = {.largest = 512, .buffer = buffer, .buffer_size = sizeof buffer, .check = true},
    limited = {.largest = 512, .page_size = 4096, .limit = 64 << 10, .refuse_large = true};

static const subject SLABS[] = {
    {"slab", slab_make, slab_unmake, &plain, 9000, 4096, false},
    {"slab(check)", slab_make, slab_unmake, &checks, 3000, 1024, false},
    {"slab(list)", slab_make, slab_unmake, &few, 2000, 256, false},
    {"slab(waste 60, idle 1)", slab_make, slab_unmake, &coarse, 600, 64, false},
    {"slab(metadata outside)", outside_make, slab_unmake, &few, 2000, 256, false},
    {"slab(metadata outside, check)", outside_make, slab_unmake, &checks, 3000, 1024, false},
    {"slab(on pages)", pages_make, pages_unmake, &plain, 9000, 4096, false},
    {"slab(on buffer, check)", slab_make, slab_unmake, &placed, 512, 16, true},
    {"slab(limit)", slab_make, slab_unmake, &limited, 512, 16, true},
};

SUBJECTS_ENTER(SLABS)
