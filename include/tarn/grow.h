/* SPDX-License-Identifier: MIT */
/*
 * grow.h - as many allocators of a fixed capacity as are needed, one behind the other.
 *
 *     static tarn_status one_more(void *user, size_t index, tarn_allocator **out) { … }
 *     tarn_grow_init(&g, &(tarn_grow_options){.make = one_more, .unmake = away, .most = 16});
 *
 *     grow ──► member 3 (newest) ──► member 2 ──► member 1 ──► member 0
 *              asked first           then the others, then another member is made
 *
 * For: turning anything with a fixed region - tlsf, buddy, stack, a pool in a buffer - into
 * something that grows and shrinks by regions. A member that is empty goes when another one is, too.
 */
#ifndef TARN_GROW_H
#define TARN_GROW_H

#include <tarn/layer.h>

TARN_BEGIN_DECLS

/* A fresh member in *out. index counts from 0 over the life of the layer. All are of one kind: the
 * capabilities of the first are those of all. */
typedef tarn_status tarn_grow_make(void *user, size_t index, tarn_allocator **out);
/* The end of a member that has no live blocks, or whose blocks end with the layer. */
typedef void tarn_grow_unmake(void *user, tarn_allocator *member);

typedef struct tarn_grow_options {
    const char *name; /* shown in messages; NULL: none. Copied, cut at 30 bytes                */
    tarn_grow_make *make;
    tarn_grow_unmake *unmake; /* NULL: tarn_deinit                                             */
    void *user;               /* passed to both                                                */
    size_t most;              /* members; 0: no limit                                          */
    size_t idle;              /* empty members that are kept for the next request; default 1   */
    tarn_allocator *metadata; /* four words for each member; default: tarn_libc()                */
} tarn_grow_options;

/* One member; private to the layer. */
typedef struct tarn_grow_member tarn_grow_member;

/* State; fields are private. */
typedef struct tarn_grow {
    tarn_layer layer; /* over the first member, whose kind is that of all */
    tarn_grow_member *first;
    tarn_grow_make *make;
    tarn_grow_unmake *unmake;
    void *user;
    tarn_allocator *metadata;
    size_t most, idle;
    size_t members, empty, made;
} tarn_grow;

/**
 * tarn_grow_init - a list of allocators, with its first member, which is made here.
 *
 * Members must be able to tell their blocks (TARN_CAP_OWNS). Has what the first member has, but for
 * marks, and for THREADS_FREE.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (no make, or no metadata), TARN_UNSUPPORTED (members that do not own),
 *          TARN_NO_MEMORY, or what make says.
 * Threads  one; afterwards one at a time.
 * Cost     one member.
 */
TARN_API tarn_status tarn_grow_init(tarn_grow *g, const tarn_grow_options *options);

/**
 * tarn_grow_deinit - the end of all members.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(members).
 */
TARN_API void tarn_grow_deinit(tarn_grow *g);

/**
 * tarn_grow_members - how many allocators there are.
 *
 * Returns  members, at least 1.
 * Fails    never.
 * Threads  one at a time.
 * Cost     O(1).
 */
static inline size_t tarn_grow_members(const tarn_grow *g)
{
    return g->members;
}

/**
 * tarn_grow_allocator - the layer's handle.
 *
 * Returns  the handle, good until deinit.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_grow_allocator(tarn_grow *g)
{
    return &g->layer.allocator;
}

TARN_END_DECLS

#endif
