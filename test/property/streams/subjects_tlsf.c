/* SPDX-License-Identifier: MIT */
/* subjects_tlsf.c - two-level segregated fit. */
#include "property/streams/subjects.h"

#include <tarn/tlsf.h>

static tarn_tlsf tlsf;
static _Alignas(64) unsigned char buffer[256 << 10];

/* The buffer in so many regions; metadata or chunks from the parent in some. */
typedef struct shape {
    tarn_tlsf_options options;
    size_t regions;
    bool outside, grows;
} shape;

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    const shape *s = user;
    tarn_tlsf_options o = s->options;
    if (s->outside)
        o.metadata = parent;
    if (s->grows)
        o.parent = parent;
    if (tarn_tlsf_init(&tlsf, &o) != TARN_OK)
        return NULL;
    size_t part = sizeof buffer / (s->regions + 1);
    for (size_t i = 0; i < s->regions; i++) {
        if (tarn_tlsf_add_region(&tlsf, buffer + i * part + 3, part - 11 * i) != TARN_OK)
            return NULL;
    }
    return tarn_tlsf_allocator(&tlsf);
}

static void unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    tarn_tlsf_deinit(&tlsf);
}

static const shape one = {.regions = 1}, checked = {.regions = 1, .options = {.check = true}},
                   five = {.regions = 5}, growing = {.grows = true},
                   growing_checked = {.grows = true,
                                      .options = {.check = true, .chunk_size = 4000}},
                   mixed = {.regions = 2, .grows = true, .options = {.limit = 100 << 10}},
                   outside = {.regions = 1, .outside = true},
                   outside_fine = {.regions = 3, .outside = true, .options = {.grain = 16}},
                   outside_checked = {.regions = 3, .outside = true, .options = {.check = true}};

static const subject TLSFS[] = {
    {"tlsf", make, unmake, &one, 5000, 4096, true},
    {"tlsf(check)", make, unmake, &checked, 3000, 256, true},
    {"tlsf(5 regions)", make, unmake, &five, 5000, 4096, true},
    {"tlsf(grows)", make, unmake, &growing, 20000, 4096, false},
    {"tlsf(grows, check)", make, unmake, &growing_checked, 5000, 256, false},
    {"tlsf(2 regions, grows, limit)", make, unmake, &mixed, 5000, 1024, true},
    {"tlsf(outside)", make, unmake, &outside, 5000, 4096, true},
    {"tlsf(outside, grain 16)", make, unmake, &outside_fine, 5000, 256, true},
    {"tlsf(outside, check)", make, unmake, &outside_checked, 5000, 4096, true},
};

SUBJECTS_ENTER(TLSFS)
