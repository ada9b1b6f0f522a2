/* SPDX-License-Identifier: MIT */
/*
 * stats.h - counters in front of an allocator: live, peak, total, refused.
 *
 *     tarn_stats_layer counted;
 *     tarn_stats_init(&counted, &(tarn_stats_options){.parent = tarn_libc()});
 *     tarn_allocator *a = tarn_stats_allocator(&counted);
 *     ...
 *     tarn_stats now;
 *     tarn_get_stats(a, &now);
 *
 * For: what one part of a program uses, to the byte; tests that look for leaks. Not for: several
 * threads at once; the counters are plain, since an atomic one costs ten times as much. Put a lock
 * around it, or give each thread its own.
 *
 * Bytes are counted in one of two ways, and both are exact at any moment:
 *
 *     asked for (default)   what the program asked for. A free may be passed any size between asked
 *                           and granted, and only where the two are the same it tells what was
 *                           asked: so the layer grants what is asked for and no more, without
 *                           alloc_at_least, without the parent's usable, without unsized free.
 *     granted               what the parent set aside for it, by the parent's usable. All of the
 *                           parent's operations are there, where it has usable; without usable, as
 *                           above.
 */
#ifndef TARN_STATS_H
#define TARN_STATS_H

#include <tarn/allocator.h>

TARN_BEGIN_DECLS

enum { TARN_STATS_MARKS = 8 /* marks whose counters are remembered */ };

typedef struct tarn_stats_options {
    const char *name; /* shown in messages; NULL: none. Copied, cut at 30 bytes */
    tarn_allocator *parent;
    bool granted; /* count the bytes granted; default: those asked for */
} tarn_stats_options;

/* State; fields are private. */
typedef struct tarn_stats_layer {
    tarn_allocator allocator;
    tarn_allocator *parent;
    bool granted;      /* count by the parent's usable                       */
    bool live_unknown; /* a rewind freed blocks that were not counted        */
    tarn_stats now;
    struct {
        tarn_mark mark;
        size_t live_blocks, live_bytes;
        bool ambiguous;        /* two marks at one place, with other counters */
    } marks[TARN_STATS_MARKS]; /* the newest last */
    size_t mark_count;
    tarn_ops ops;
    tarn_rare_ops rare;
    char label[48];
} tarn_stats_layer;

/**
 * tarn_stats_init - count before an allocator. The parent must outlive it, and blocks that came
 * through the layer go back through it.
 *
 * Has what the parent has, without TARN_CAP_THREADS and TARN_CAP_THREADS_FREE, and with the
 * exceptions above. A parent without resize is asked for alloc and free, and so counted.
 *
 * A reset sets live to zero. A rewind sets it to what it was at the mark, as long as that is one of
 * the last TARN_STATS_MARKS; otherwise live and peak are not known from then until a reset.
 *
 * tarn_get_stats also tells the parent's held and idle bytes and chunks, where the parent does.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT: no parent.
 * Threads  one; afterwards one at a time.
 * Cost     O(1), allocates nothing.
 */
TARN_API TARN_MUST_USE tarn_status tarn_stats_init(tarn_stats_layer *s,
                                                   const tarn_stats_options *options);

/**
 * tarn_stats_deinit - the end of the layer. The parent stays as it is.
 *
 * Fails    never.
 * Threads  one; no other may use the allocator.
 * Cost     O(1).
 */
TARN_API void tarn_stats_deinit(tarn_stats_layer *s);

/**
 * tarn_stats_allocator - the counted parent; tarn_get_stats on it gives the counters.
 *
 * Returns  the handle.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_stats_allocator(tarn_stats_layer *s)
{
    return &s->allocator;
}

TARN_END_DECLS

#endif
