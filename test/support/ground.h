/* SPDX-License-Identifier: MIT */
/*
 * ground.h - a source made for tests: strict, able to do what it is told it can, and to refuse.
 *
 * It keeps a record of every region and notes each misuse (a size or an alignment that is not the
 * region's, a piece outside of every region, a region that is given back twice) in `faults`.
 */
#ifndef TARN_TEST_GROUND_H
#define TARN_TEST_GROUND_H

#include <tarn/source.h>

enum { GROUND_REGIONS = 1024, GROUND_GRANULE = 4096 };

typedef struct ground {
    tarn_source source;
    tarn_source_ops ops;
    struct {
        char *ptr;
        size_t size, align;
    } regions[GROUND_REGIONS];
    size_t count;  /* regions out                                       */
    size_t mapped; /* bytes                                             */
    size_t limit;  /* bytes; 0: any                                     */
    size_t slack;  /* bytes that a region is given beyond what was asked */
    size_t maps, unmaps, commits, purges, purged_bytes;
    bool refuses, refuses_purge; /* from now on */
    size_t left;                 /* maps before one is refused; SIZE_MAX: none is */
    size_t faults;
} ground;

/* caps: TARN_SOURCE_COMMIT, _PURGE, _THREADS; it is not safe for threads whatever they say. */
tarn_source *ground_init(ground *g, uint32_t caps);

/* Frees what is still out; returns how many regions that were. */
size_t ground_deinit(ground *g);

#endif
