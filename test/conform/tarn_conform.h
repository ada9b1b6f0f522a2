/* SPDX-License-Identifier: MIT */
/*
 * tarn_conform.h - does an allocator keep the rules of tarn/allocator.h?
 *
 *     static tarn_allocator *make(tarn_allocator *parent, void *user)
 *     {
 *         mine *m = user;
 *         return mine_init(m, parent) ? &m->allocator : NULL;
 *     }
 *     int main(void)
 *     {
 *         static mine m;
 *         return tarn_conform(&(tarn_conform_options){.name = "mine", .make = make, .user = &m});
 *     }
 *
 * Build tarn_conform.c with your test and link with Tarn; it needs nothing else. Each rule gets an
 * allocator of its own from `make`. A rule that is broken prints lines such as
 *
 *     conform: mine: alignment: 24 bytes at 0x55d0c8, asked for alignment 16
 *
 * The parent that `make` gets is counted and made to fail by turns: an allocator that takes its
 * memory from there is checked for leaks and for what it does when memory is out.
 */
#ifndef TARN_CONFORM_H
#define TARN_CONFORM_H

#include <stdio.h>

#include <tarn/allocator.h>

TARN_BEGIN_DECLS

/* What is tested. Zero means: the default. Sizes, alignment and budget in bytes. */
typedef struct tarn_conform_options {
    /* In messages; default: what tarn_name says. */
    const char *name;
    /* A fresh allocator; NULL when it cannot be set up, which is a fault only if parent has memory. */
    tarn_allocator *(*make)(tarn_allocator *parent, void *user);
    /* The end of it, all memory back to the parent. Default: tarn_deinit. */
    void (*unmake)(tarn_allocator *a, void *user);
    void *user;
    /* For allocators of one size, instead of min_size and max_size; 0 bytes may be refused then. */
    size_t only_size;
    /* The least and the largest size that must be served; default 1 and 4096. */
    size_t min_size, max_size;
    /* The largest alignment that must be served, at every size; default: that of max_align_t. */
    size_t max_align;
    /* What can be had before it may be out of memory, without any free; a block costs its size and
     * its alignment. Default 1 MiB. */
    size_t budget;
    /* Of the random sizes; default 1. */
    uint64_t seed;
    /* This rule only; default: all. */
    const char *rule;
    /* A line for each rule, also when it holds. */
    bool verbose;
    /* Default stderr. */
    FILE *out;
} tarn_conform_options;

/**
 * tarn_conform - check an allocator against every rule.
 *
 * Returns  how many checks failed; 0: the allocator conforms.
 * Fails    see Returns; no `make`, or no such rule, is a failure.
 * Threads  one.
 * Cost     some thousand allocations of up to max_size; well under a second for most allocators.
 */
int tarn_conform(const tarn_conform_options *options);

/**
 * tarn_conform_rule - the names of the rules.
 *
 * Units    index in rules, from 0.
 * Returns  the name; NULL when there are no more.
 * Fails    see Returns.
 * Threads  any.
 * Cost     O(1).
 */
const char *tarn_conform_rule(size_t index);

/*
 * Something that allocates from `a`. Returns true when it did what it should; false when it was
 * refused memory and has cleaned up.
 */
typedef bool tarn_sweep_scenario(tarn_allocator *a, void *user);

typedef struct tarn_sweep_options {
    const char *name;
    tarn_sweep_scenario *run;
    void *user;
    size_t limit; /* requests in one run that are thought endless; default 10000 */
    FILE *out;    /* default stderr                                              */
} tarn_sweep_options;

/**
 * tarn_sweep - run a scenario and refuse its first request, then its second, … until it gets
 * through without a refusal; then again, refusing all from the first, from the second, … on.
 *
 * Returns  how many runs went wrong: blocks were left over, counted by a layer under `a`, or the
 *          undisturbed run returned false. 0: the scenario copes with being out of memory.
 * Fails    see Returns; no scenario, or one that makes more than `limit` requests, is a failure.
 * Threads  one.
 * Cost     O(requests) runs.
 */
int tarn_sweep(const tarn_sweep_options *options);

TARN_END_DECLS

#endif
