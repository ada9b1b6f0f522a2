/* SPDX-License-Identifier: MIT */
/*
 * on_fail.h - what to do when the parent refuses: make room and try again, give up, or end.
 *
 *     tarn_on_fail_init(&f, &(tarn_on_fail_options){.parent = pool, .reclaim = drop_cache, .user = c});
 *
 *     alloc ──► parent ──refused──► reclaim ──true──► parent again … (at most `tries` times)
 *                                      └──false, or tries used up──► NULL, or the end of the process
 *
 * For: caches that give way under pressure, programs that cannot go on without memory. A policy
 * here, not in each strategy.
 */
#ifndef TARN_ON_FAIL_H
#define TARN_ON_FAIL_H

#include <tarn/layer.h>

TARN_BEGIN_DECLS

/*
 * Make room. attempt counts from 1 for each request. Returns true when it is worth to try again. It
 * may free blocks through the layer or the parent, and may not allocate from them.
 */
typedef bool tarn_reclaim(void *user, size_t size, tarn_spec spec, unsigned attempt);

typedef struct tarn_on_fail_options {
    const char *name; /* shown in messages; NULL: none. Copied, cut at 30 bytes     */
    tarn_allocator *parent;
    tarn_reclaim *reclaim; /* NULL: trims the parent, which is worth one more try        */
    void *user;            /* passed to reclaim                                          */
    unsigned tries;        /* how often reclaim is called for a request; 0: without end  */
    bool fatal;            /* what cannot be had is a fault: `out of memory`             */
} tarn_on_fail_options;

/* State; fields are private. */
typedef struct tarn_on_fail {
    tarn_layer layer;
    tarn_reclaim *reclaim;
    void *user;
    unsigned tries;
    bool fatal;
    size_t reclaims; /* calls of reclaim            */
    size_t rescued;  /* requests served by them     */
} tarn_on_fail;

/**
 * tarn_on_fail_init - put a policy behind an allocator's refusals. The parent must outlive it.
 *
 * Has what the parent has. A request that cannot be served whatever is freed (TARN_TOO_BIG,
 * TARN_WRONG_SIZE, TARN_BAD_ALIGN, TARN_UNSUPPORTED) is not tried again.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT: no parent.
 * Threads  one; afterwards as the parent, and reclaim is called by the thread that was refused.
 * Cost     O(1), allocates nothing; nothing is added to a request that is served.
 */
TARN_API tarn_status tarn_on_fail_init(tarn_on_fail *f, const tarn_on_fail_options *options);

/**
 * tarn_on_fail_deinit - the end of the layer; the parent stays as it is.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(1).
 */
TARN_API void tarn_on_fail_deinit(tarn_on_fail *f);

/**
 * tarn_on_fail_reclaims - how often room was made.
 *
 * Returns  calls of reclaim.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API size_t tarn_on_fail_reclaims(const tarn_on_fail *f);

/**
 * tarn_on_fail_rescued - how many requests were first refused and then served.
 *
 * Returns  requests.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API size_t tarn_on_fail_rescued(const tarn_on_fail *f);

/**
 * tarn_on_fail_allocator - the layer's handle.
 *
 * Returns  the handle, good until deinit.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_on_fail_allocator(tarn_on_fail *f)
{
    return &f->layer.allocator;
}

TARN_END_DECLS

#endif
