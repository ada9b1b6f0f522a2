/* SPDX-License-Identifier: MIT */
/* The suite on rings: over a buffer, over a parent, checking or not, gone round before; and the failure sweep. */
#include "conform/run.h"

#include <tarn/ring.h>

typedef struct variant {
    const char *name;
    bool buffer, check, midway; /* midway: head and tail are in the middle */
} variant;

enum { SIZE = 4 << 20 };

static tarn_ring ring;
static _Alignas(64) unsigned char buffer[SIZE + 1000];

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    const variant *v = user;
    tarn_ring_options o = {.name = v->name, .check = v->check};
    if (v->buffer) {
        o.buffer = buffer + 3;
        o.buffer_size = sizeof buffer - 3;
    } else {
        o.parent = parent;
        o.capacity = SIZE;
    }
    if (tarn_ring_init(&ring, &o) != TARN_OK)
        return NULL;
    if (v->midway) {
        void *p = tarn_ring_alloc(&ring, SIZE / 4 * 3 + 5, 0);
        tarn_ring_free(&ring, p, SIZE / 4 * 3 + 5, 0);
    }
    return tarn_ring_allocator(&ring);
}

static variant variants[] = {
    {.name = "ring"},
    {.name = "ring(buffer)", .buffer = true},
    {.name = "ring(midway)", .midway = true},
    {.name = "ring(check)", .check = true},
    {.name = "ring(buffer, check)", .buffer = true, .check = true},
    {.name = "ring(midway, check)", .midway = true, .check = true},
};

enum { VARIANTS = sizeof variants / sizeof *variants };

/* A ring in its own region, and another in a block of it. */
static bool live_and_die(tarn_allocator *a, void *user)
{
    tarn_status status = TARN_OK;
    tarn_ring *outer = tarn_ring_create(&(tarn_ring_options){.parent = a}, &status);
    (void)user;
    if (outer == NULL)
        return status == TARN_OK;
    status = tarn_ring_init(
        &ring, &(tarn_ring_options){.parent = tarn_ring_allocator(outer), .capacity = 1000});
    tarn_ring_deinit(&ring);
    tarn_ring_destroy(outer);
    return status == TARN_OK;
}

int main(int argc, char **argv)
{
    tarn_conform_options table[VARIANTS];
    for (size_t i = 0; i < VARIANTS; i++)
        table[i] = (tarn_conform_options){.name = variants[i].name,
                                          .make = make,
                                          .user = &variants[i],
                                          .max_align = 4096,
                                          .max_size = 20000,
                                          .budget = 256 << 10};
    return run_table(table, VARIANTS, argc, argv) != 0 ||
           tarn_sweep(&(tarn_sweep_options){.name = "ring", .run = live_and_die}) != 0;
}
