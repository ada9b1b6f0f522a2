/* SPDX-License-Identifier: MIT */
/*
 * fallback.h - two allocators in a row: what the primary refuses, the secondary serves.
 *
 *     tarn_fallback both;
 *     tarn_fallback_init(&both, &(tarn_fallback_options){
 *         .primary = tarn_pool_allocator(&nodes), .secondary = tarn_libc()});
 *     tarn_allocator *a = tarn_fallback_allocator(&both);
 *
 * For: a pool or an arena of bounded size that must not refuse; a fixed pool that is asked for other
 * sizes now and then. Not for: choosing by size (segregate.h does that without asking the owner).
 *
 * The primary must know its own blocks (TARN_CAP_OWNS): every free and resize asks it.
 */
#ifndef TARN_FALLBACK_H
#define TARN_FALLBACK_H

#include <tarn/allocator.h>

TARN_BEGIN_DECLS

typedef struct tarn_fallback_options {
    const char *name;        /* shown in messages; NULL: none. Copied, cut at 30 bytes        */
    tarn_allocator *primary; /* asked first; needs TARN_CAP_OWNS                              */
    tarn_allocator *secondary;
} tarn_fallback_options;

/* State; fields are private. */
typedef struct tarn_fallback {
    tarn_allocator allocator;
    tarn_allocator *primary, *secondary;
    tarn_allocator *refuser; /* who refused last, NULL when nothing was refused */
    size_t taken;            /* blocks served by the secondary                   */
    size_t refused;          /* blocks that neither would serve                  */
    tarn_ops ops;
    tarn_rare_ops rare;
    char label[48];
} tarn_fallback;

/**
 * tarn_fallback_init - put two allocators in a row. Both must outlive it.
 *
 * Has free, owns, reset, visit and unsized free where both have them; resize, batches and
 * alloc_at_least, trim and check where one has; never marks, since one mark cannot hold two places.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT: an allocator is missing, both are the same, or the primary has no
 *          TARN_CAP_OWNS.
 * Threads  one; afterwards any, where both have TARN_CAP_THREADS.
 * Cost     O(1), allocates nothing.
 */
TARN_API TARN_MUST_USE tarn_status tarn_fallback_init(tarn_fallback *f,
                                                      const tarn_fallback_options *options);

/**
 * tarn_fallback_deinit - the end of the layer. Primary and secondary stay as they are.
 *
 * Fails    never.
 * Threads  one; no other may use the allocator.
 * Cost     O(1).
 */
TARN_API void tarn_fallback_deinit(tarn_fallback *f);

/**
 * tarn_fallback_allocator - the two as one allocator.
 *
 * Returns  the handle.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_fallback_allocator(tarn_fallback *f)
{
    return &f->allocator;
}

/**
 * tarn_fallback_taken - how often the fallback was taken.
 *
 * Returns  the blocks that the secondary served since init; those moved there by a resize count.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API size_t tarn_fallback_taken(const tarn_fallback *f);

/**
 * tarn_fallback_refused - how often both refused.
 *
 * Returns  the requests for a new block that nobody served since init; a batch that came back short
 *          counts as one.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API size_t tarn_fallback_refused(const tarn_fallback *f);

TARN_END_DECLS

#endif
