/* SPDX-License-Identifier: MIT */
/* subjects_ring.c - rings, large and so small that they go round all the time. */
#include "property/streams/subjects.h"

#include <tarn/ring.h>

static tarn_ring ring;
static _Alignas(16) unsigned char buffer[5003];

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    tarn_ring_options o = *(tarn_ring_options *)user;
    if (o.buffer == NULL)
        o.parent = parent;
    return tarn_ring_init(&ring, &o) == TARN_OK ? tarn_ring_allocator(&ring) : NULL;
}

static void unmake(tarn_allocator *a, void *user)
{
    (void)user;
    tarn_deinit(a);
}

static const tarn_ring_options large = {.capacity = 8 << 20},
                               large_checks = {.capacity = 8 << 20, .check = true},
                               small = {.buffer = buffer, .buffer_size = sizeof buffer},
                               small_checks = {
                                   .buffer = buffer, .buffer_size = sizeof buffer, .check = true};

static const subject RINGS[] = {
    {"ring(8M)", make, unmake, &large, 5000, 4096, false},
    {"ring(8M, check)", make, unmake, &large_checks, 5000, 4096, false},
    {"ring(5003 bytes)", make, unmake, &small, 600, 256, true},
    {"ring(5003 bytes, check)", make, unmake, &small_checks, 600, 256, true},
};

SUBJECTS_ENTER(RINGS)
