/* SPDX-License-Identifier: MIT */
/*
 * fail.h - fault injection: an allocator that refuses on purpose, by plan and repeatably.
 *
 *     tarn_fail faulty;
 *     tarn_fail_init(&faulty, &(tarn_fail_options){.parent = tarn_libc(), .plan = {.nth = 3}});
 *     tarn_allocator *a = tarn_fail_allocator(&faulty);      the third request is refused
 *
 * For: tests that want to see what a program does when memory is out. A request is one block asked
 * for: an alloc, a resize, each block of a batch. Refusals give the reason TARN_INJECTED.
 */
#ifndef TARN_FAIL_H
#define TARN_FAIL_H

#include <tarn/allocator.h>

TARN_BEGIN_DECLS

/* Which requests to refuse; requests are counted from 1, and one that fits any line is refused. */
typedef struct tarn_fail_plan {
    size_t nth;     /* this one; 0: none                                               */
    size_t every;   /* those whose number it divides; 0: none                          */
    size_t from;    /* this one and all after it; 0: none                              */
    double percent; /* 0 to 100: this part of all, at random; same seed, same refusals */
    uint64_t seed;
} tarn_fail_plan;

typedef struct tarn_fail_options {
    const char *name; /* shown in messages; NULL: none. Copied, cut at 30 bytes */
    tarn_allocator *parent;
    tarn_fail_plan plan; /* all zero: refuse nothing, only count */
} tarn_fail_options;

/* State; fields are private. */
typedef struct tarn_fail {
    tarn_allocator allocator;
    tarn_allocator *parent;
    tarn_fail_plan plan;
    uint64_t below;      /* a request whose random number is below this is refused */
    size_t requests;     /* since the plan was armed                               */
    size_t refused;      /* by this layer, since the plan was armed                */
    size_t ever_refused; /* since init                                             */
    size_t why_size;     /* bytes, of the last refusal by this layer               */
    size_t why_spec;     /* its spec                                               */
    bool last_was_mine;  /* whether the last failure was this layer's              */
    tarn_ops ops;
    tarn_rare_ops rare;
    char label[48];
} tarn_fail;

/**
 * tarn_fail_init - put faults before an allocator. The parent must outlive it.
 *
 * Has what the parent has; its refusals are added to the parent's failures in tarn_get_stats.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT: no parent, or a percentage that is not within 0 to 100.
 * Threads  one; afterwards as the parent.
 * Cost     O(1), allocates nothing.
 */
TARN_API TARN_MUST_USE tarn_status tarn_fail_init(tarn_fail *f, const tarn_fail_options *options);

/**
 * tarn_fail_deinit - the end of the layer. The parent stays as it is.
 *
 * Fails    never.
 * Threads  one; no other may use the allocator.
 * Cost     O(1).
 */
TARN_API void tarn_fail_deinit(tarn_fail *f);

/**
 * tarn_fail_allocator - the parent with faults.
 *
 * Returns  the handle.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_fail_allocator(tarn_fail *f)
{
    return &f->allocator;
}

/**
 * tarn_fail_arm - take a plan and count from the beginning. NULL: refuse nothing from now on.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT: a percentage that is not within 0 to 100; nothing changed.
 * Threads  one; no other may use the allocator meanwhile.
 * Cost     O(1).
 */
TARN_API tarn_status tarn_fail_arm(tarn_fail *f, const tarn_fail_plan *plan);

/**
 * tarn_fail_requests - how many requests there were.
 *
 * Returns  the number since the plan was armed, those refused included.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API size_t tarn_fail_requests(const tarn_fail *f);

/**
 * tarn_fail_refused - how many of them this layer refused.
 *
 * Returns  the number since the plan was armed; what the parent refused does not count.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API size_t tarn_fail_refused(const tarn_fail *f);

TARN_END_DECLS

#endif
