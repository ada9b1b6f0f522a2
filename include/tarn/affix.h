/* SPDX-License-Identifier: MIT */
/*
 * affix.h - a few words in front of each block and behind it: its size, a canary, a count, its owner.
 *
 *     ┌ gap ┬ count ┬ canary ┬ size, spec ┬ owner ┬────────────── block ──────────────┬ canary ┐
 *     └─────┴───────┴────────┴────────────┴───────┴───────────────────────────────────┴────────┘
 *                                 each only when asked for      ▲ what the caller gets
 *
 *     tarn_affix_init(&x, &(tarn_affix_options){.parent = pool, .size = true});
 *     tarn_free(tarn_affix_allocator(&x), block, 0, spec);      unsized, over a parent that is sized
 *
 * For: libraries whose free tells no size, finding overruns, shared ownership, freeing a block
 * without knowing where it came from. Not for: many small blocks, which grow by 8 to 40 bytes.
 */
#ifndef TARN_AFFIX_H
#define TARN_AFFIX_H

#include <tarn/layer.h>

TARN_BEGIN_DECLS

typedef struct tarn_affix_options {
    const char *name; /* shown in messages; NULL: none. Copied, cut at 30 bytes               */
    tarn_allocator *parent;
    bool size;   /* remember size and alignment: free, resize and usable with size 0          */
    bool canary; /* a word on both sides, looked at by free and resize: TARN_FAULT_CORRUPTION */
    bool count;  /* references, from 1: tarn_affix_retain, tarn_affix_release                 */
    bool owner;  /* the layer itself: tarn_affix_owner, tarn_affix_free                       */
} tarn_affix_options;

/* State; fields are private. */
typedef struct tarn_affix {
    tarn_layer layer;
    size_t before, behind;               /* bytes of the words before and behind a block       */
    size_t at_size, at_count, at_canary; /* bytes before the block where each starts; 0: none */
    bool owner;
} tarn_affix;

/**
 * tarn_affix_init - put words around an allocator's blocks. The parent must outlive it.
 *
 * Has what the parent has, but for visit, stats and batches. Blocks are granted exactly as asked for. With `size` the layer has unsized free, and a size that
 * is passed must be the one asked for: another is a fault.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT: no parent, or none of the words asked for.
 * Threads  one; afterwards as the parent.
 * Cost     O(1), allocates nothing.
 */
TARN_API tarn_status tarn_affix_init(tarn_affix *x, const tarn_affix_options *options);

/**
 * tarn_affix_deinit - the end of the layer; the parent stays as it is.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(1).
 */
TARN_API void tarn_affix_deinit(tarn_affix *x);

/**
 * tarn_affix_retain - one more reference to a block of a layer with `count`.
 *
 * Returns  the references there are now.
 * Fails    0 when the layer has no counts, or there are as many as a size_t holds; nothing changed.
 * Threads  any.
 * Cost     one atomic addition.
 */
TARN_API size_t tarn_affix_retain(const tarn_affix *x, void *block);

/**
 * tarn_affix_release - one reference less; the last one frees the block. For layers with `count`
 * and `size`.
 *
 * Returns  the references that are left; 0: the block is gone.
 * Fails    SIZE_MAX when the layer has no counts or no sizes; nothing changed.
 * Threads  any, when the parent allows any to free.
 * Cost     one atomic subtraction; what free costs.
 */
TARN_API size_t tarn_affix_release(tarn_affix *x, void *block);

/**
 * tarn_affix_owner - the layer that a block came from. Only for blocks of layers with `owner`.
 *
 * Returns  the layer's handle.
 * Fails    never; any other address gives what stands in front of it.
 * Threads  any.
 * Cost     a load.
 */
TARN_API tarn_allocator *tarn_affix_owner(const void *block);

/**
 * tarn_affix_free - free a block by its address alone. Only for blocks of layers with `owner` and
 * `size`. NULL is ignored.
 *
 * Fails    never; faults as tarn_free.
 * Threads  as the layer's free.
 * Cost     as the layer's free.
 */
TARN_API void tarn_affix_free(void *block);

/**
 * tarn_affix_allocator - the layer's handle.
 *
 * Returns  the handle, good until deinit.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_affix_allocator(tarn_affix *x)
{
    return &x->layer.allocator;
}

TARN_END_DECLS

#endif
