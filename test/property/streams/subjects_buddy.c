/* SPDX-License-Identifier: MIT */
/* subjects_buddy.c - buddy allocators. */
#include "property/streams/subjects.h"

#include <tarn/buddy.h>
#include <tarn/pages.h>

static tarn_buddy buddy;
static tarn_pages pages;
static _Alignas(64) unsigned char buffer[200 << 10];

/* The metadata comes from the parent in some, the run from pages in one. */
typedef struct shape {
    tarn_buddy_options options;
    bool outside, on_pages;
} shape;

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    const shape *s = user;
    tarn_buddy_options o = s->options;
    if (s->outside)
        o.metadata = parent;
    if (s->on_pages) {
        (void)tarn_pages_init(&pages, &(tarn_pages_options){.name = "property"});
        o.source = &pages.source;
    } else if (o.buffer == NULL) {
        o.parent = parent;
    }
    return tarn_buddy_init(&buddy, &o) == TARN_OK ? tarn_buddy_allocator(&buddy) : NULL;
}

static void unmake(tarn_allocator *a, void *user)
{
    (void)a;
    tarn_buddy_deinit(&buddy);
    if (((const shape *)user)->on_pages)
        tarn_pages_deinit(&pages);
}

static const shape plain = {.options = {.size = 256 << 10}},
                   eager = {.options = {.size = 256 << 10, .lazy = TARN_BUDDY_EAGER}},
                   eager_outside = {.options = {.size = 256 << 10, .lazy = TARN_BUDDY_EAGER},
                                    .outside = true},
                   checked = {.options = {.size = 100000, .min_block = 16, .check = true}},
                   lazy = {.options = {.size = 256 << 10, .lazy = 5}},
                   outside = {.options = {.size = 256 << 10}, .outside = true},
                   lazy_outside = {.options = {.size = 99999, .lazy = 2, .check = true},
                                   .outside = true},
                   placed = {.options = {.buffer = buffer + 5,
                                         .buffer_size = sizeof buffer - 600,
                                         .min_block = 64,
                                         .lazy = 1}},
                   paged = {.options = {.size = 1 << 20}, .outside = true, .on_pages = true};

static const subject BUDDIES[] = {
    {"buddy", make, unmake, &plain, 5000, 4096, true},
    {"buddy(eager)", make, unmake, &eager, 5000, 4096, true},
    {"buddy(eager, outside)", make, unmake, &eager_outside, 5000, 4096, true},
    {"buddy(check)", make, unmake, &checked, 3000, 256, true},
    {"buddy(lazy)", make, unmake, &lazy, 5000, 4096, true},
    {"buddy(outside)", make, unmake, &outside, 5000, 4096, true},
    {"buddy(lazy, outside, check)", make, unmake, &lazy_outside, 3000, 256, true},
    {"buddy(on buffer)", make, unmake, &placed, 3000, 4096, true},
    {"buddy(on pages, outside)", make, unmake, &paged, 20000, 65536, true},
};

SUBJECTS_ENTER(BUDDIES)
