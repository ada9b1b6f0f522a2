/* SPDX-License-Identifier: MIT */
/*
 * segregate.h - an allocator for each range of sizes.
 *
 *     static const tarn_segregate_class classes[] = {{64, small}, {1024, medium}};
 *     tarn_segregate all;
 *     tarn_segregate_init(&all, &(tarn_segregate_options){
 *         .classes = classes, .count = 2, .rest = tarn_libc()});
 *
 *     size   0 ……………… 64 ……………………… 1024 ………………………
 *            └ small ──┘└── medium ────┘└── rest ──
 *
 * For: a pool for each hot size in front of a general allocator. Since free is sized, nothing is
 * stored with a block and nobody is asked who owns it. Not for: what to do when a class is used up;
 * put a fallback behind the class for that.
 *
 * The alignment takes no part in the choice: a class must give the alignments that are asked for at
 * its sizes, or the request is refused.
 */
#ifndef TARN_SEGREGATE_H
#define TARN_SEGREGATE_H

#include <tarn/allocator.h>

TARN_BEGIN_DECLS

enum {
    TARN_SEGREGATE_MAX = 255,    /* classes                                             */
    TARN_SEGREGATE_SMALL = 1024, /* bytes; the class of sizes up to here is in a table  */
    TARN_SEGREGATE_STEP = 8      /* bytes that share an entry of the table              */
};

/* The sizes from just above those of the class before, up to and including max_size. */
typedef struct tarn_segregate_class {
    size_t max_size; /* bytes */
    tarn_allocator *child;
} tarn_segregate_class;

typedef struct tarn_segregate_options {
    const char *name; /* shown in messages; NULL: none. Copied, cut at 30 bytes */
    const tarn_segregate_class *classes; /* max_size rising; not copied, must stay           */
    size_t count;                        /* 1 to TARN_SEGREGATE_MAX                          */
    tarn_allocator *rest; /* serves sizes above the last class; NULL: they are refused        */
} tarn_segregate_options;

/* State; fields are private. */
typedef struct tarn_segregate {
    tarn_allocator allocator;
    const tarn_segregate_class *classes;
    size_t count;
    tarn_allocator *rest;
    uint8_t first[TARN_SEGREGATE_SMALL / TARN_SEGREGATE_STEP + 1]; /* class of the least size */
    tarn_allocator *refuser; /* who refused last; NULL: this layer, see refused */
    tarn_status refused;     /* TARN_OK while refuser's word counts             */
    size_t refused_size;     /* bytes                                           */
    tarn_spec refused_spec;
    bool knows_sizes; /* every child tells what it granted */
    tarn_ops ops;
    tarn_rare_ops rare;
    char label[48];
} tarn_segregate;

/**
 * tarn_segregate_init - route sizes to allocators. All of them, and the class table, must outlive it.
 *
 * A child may serve several classes. Granted sizes (alloc_at_least, usable) end at the class's
 * max_size, so that any size a block may be freed with leads to the same child. A block that is
 * resized out of its class moves, unless both classes have one child.
 *
 * Has free, owns, reset and visit where all children have them; resize, batches, alloc_at_least,
 * trim and check where one has; never unsized free (the size is the route) and never marks.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT: no class, more than TARN_SEGREGATE_MAX, a class without a child, or
 *          sizes that do not rise.
 * Threads  one; afterwards any, where all children have TARN_CAP_THREADS.
 * Cost     O(TARN_SEGREGATE_SMALL + count), allocates nothing.
 */
TARN_API TARN_MUST_USE tarn_status tarn_segregate_init(tarn_segregate *s,
                                                       const tarn_segregate_options *options);

/**
 * tarn_segregate_deinit - the end of the layer. The children stay as they are.
 *
 * Fails    never.
 * Threads  one; no other may use the allocator.
 * Cost     O(1).
 */
TARN_API void tarn_segregate_deinit(tarn_segregate *s);

/**
 * tarn_segregate_allocator - all classes as one allocator.
 *
 * An allocation costs a table look-up and the child's own cost; above TARN_SEGREGATE_SMALL bytes a
 * binary search takes the place of the table.
 *
 * Returns  the handle.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_segregate_allocator(tarn_segregate *s)
{
    return &s->allocator;
}

/**
 * tarn_segregate_child - who serves a size.
 *
 * Units    size in bytes.
 * Returns  the child; NULL for a size above the last class when there is no rest.
 * Fails    see Returns.
 * Threads  any.
 * Cost     O(1) up to TARN_SEGREGATE_SMALL, O(log count) above.
 */
TARN_API tarn_allocator *tarn_segregate_child(const tarn_segregate *s, size_t size);

TARN_END_DECLS

#endif
