/* SPDX-License-Identifier: MIT */
/*
 * quantize.h - sizes rounded up before the parent sees them, and a least alignment for every block.
 *
 *     tarn_quantize q;
 *     tarn_quantize_init(&q, &(tarn_quantize_options){.parent = heap, .step = 64, .min_align = 64});
 *     tarn_allocator *lines = tarn_quantize_allocator(&q);       whole cache lines
 *
 * For: fewer distinct sizes in front of a cache, whole lines or pages, growth in place up to the
 * next step without a call. Not for: saving memory.
 */
#ifndef TARN_QUANTIZE_H
#define TARN_QUANTIZE_H

#include <tarn/layer.h>

TARN_BEGIN_DECLS

/* All zero rounds nothing. Sizes in bytes. */
typedef struct tarn_quantize_options {
    const char *name; /* shown in messages; NULL: none. Copied, cut at 30 bytes         */
    tarn_allocator *parent;
    size_t min_size;   /* smaller requests become this big                               */
    size_t step;       /* sizes become multiples of this; 0: no                          */
    bool power_of_two; /* sizes become powers of two, before step is applied              */
    size_t min_align;  /* a power of two; 0: as asked for                                */
} tarn_quantize_options;

/* State; fields are private. */
typedef struct tarn_quantize {
    tarn_layer layer;
    size_t min_size, step;
    bool power_of_two;
    uint32_t min_spec; /* log2 of the least alignment */
} tarn_quantize;

/**
 * tarn_quantize_init - round sizes and alignments before an allocator. The parent must outlive it.
 *
 * With both power_of_two and step the sizes are the powers of two, each on its next step, and a request gets the least
 * of them that suffices. A block's granted size is the rounded one: tarn_alloc_at_least and tarn_usable tell it, and a
 * resize within it stays in place without asking the parent. Has what the parent has, but for
 * unsized free, since the rounded size of a block of unknown size is not known, and stats.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (no parent), TARN_BAD_ALIGN (min_align is no power of two).
 * Threads  one; afterwards as the parent.
 * Cost     O(1), allocates nothing.
 */
TARN_API tarn_status tarn_quantize_init(tarn_quantize *q, const tarn_quantize_options *options);

/**
 * tarn_quantize_deinit - the end of the layer; the parent stays as it is.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(1).
 */
TARN_API void tarn_quantize_deinit(tarn_quantize *q);

/**
 * tarn_quantize_size - what a size becomes.
 *
 * Units    size in bytes.
 * Returns  bytes, at least size.
 * Fails    0 for a size above 0 that cannot be rounded without overflow.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API size_t tarn_quantize_size(const tarn_quantize *q, size_t size);

/**
 * tarn_quantize_allocator - the layer's handle.
 *
 * Returns  the handle, good until deinit.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_quantize_allocator(tarn_quantize *q)
{
    return &q->layer.allocator;
}

TARN_END_DECLS

#endif
