/* SPDX-License-Identifier: MIT */
/*
 * probe.h - an allocator made for tests: slow, strict, and able to do everything.
 *
 * It keeps a record of every block and notes each misuse (a free with a size or an alignment that
 * the block cannot have, a double free, a foreign pointer, bytes written outside of a block) in
 * `faults` and `first_fault`, and goes on. What it can do is cut down by `without`.
 */
#ifndef TARN_TEST_PROBE_H
#define TARN_TEST_PROBE_H

#include <tarn/allocator.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What to leave out beside capabilities. */
enum {
    PROBE_NO_AT_LEAST = 1u << 0,
    PROBE_NO_BATCH = 1u << 1,
    PROBE_NO_USABLE = 1u << 2,
    PROBE_NO_RARE = 1u << 3, /* no rare table at all */
    PROBE_THREADS = 1u << 4  /* claims TARN_CAP_THREADS, which it is not; to see it handed on */
};

typedef struct probe_options {
    const char *name;
    uint32_t without_caps; /* TARN_CAP_… bits */
    uint32_t without;      /* PROBE_… bits */
    size_t slack;          /* granted sizes are multiples of this; 0: what was asked for */
    size_t max_blocks;     /* live at once; 0: any */
    size_t max_size;       /* bytes; 0: any */
} probe_options;

typedef struct probe_block probe_block;

typedef struct probe {
    tarn_allocator allocator;
    probe_options options;
    probe_block *first;
    size_t serial;
    tarn_stats stats;
    size_t calls[8]; /* of the hot operations, in the order of tarn_ops, from alloc = 0 */
    size_t idle;     /* bytes freed since the last trim */
    size_t trims, resets, deinits;
    tarn_why why;
    size_t faults;
    char first_fault[160];
    tarn_ops ops;
    tarn_rare_ops rare;
} probe;

/* All of it; options NULL: everything, exact sizes. */
tarn_allocator *probe_init(probe *p, const probe_options *options);
/* Frees what is still live; returns how many blocks that were. */
size_t probe_deinit(probe *p);

#ifdef __cplusplus
}
#endif

#endif
