/* SPDX-License-Identifier: MIT */
/*
 * offset.h - pointers that stay right when the memory they lie in is mapped at another address.
 *
 * For: structures in shared memory or in a file that is mapped again. Pointer and target lie in the
 * same mapping. Not for: pointers to anything outside of it; code.
 *
 *     struct node {
 *         TARN_OFFSET(struct node) next;       in memory that is zero: NULL
 *         int value;
 *     };
 *     TARN_OFFSET_SET(n->next, m);             m: a struct node *, or NULL
 *     for (n = first; n != NULL; n = TARN_OFFSET_GET(n->next)) ...
 *
 *     │ … n: [ +320 ] …          … m: … │     what is stored is the way from the pointer to its
 *            └────── 320 bytes ─────┘         target, so a copy made by memcpy points elsewhere
 *
 * C++ has tarn::offset_ptr<T> in tarn/cxx/offset.hpp.
 */
#ifndef TARN_OFFSET_H
#define TARN_OFFSET_H

#include <tarn/config.h>

TARN_BEGIN_DECLS

/*
 * The way from here to the target, less one, so that 0 is free to mean NULL: no object begins one
 * byte behind the start of a pointer. A pointer to itself, as in the head of an empty ring, is fine.
 */
typedef struct tarn_offset {
    ptrdiff_t way;
} tarn_offset;

/* An offset pointer to T. The second member is there for its type alone. */
#define TARN_OFFSET(T)                                                                             \
    union {                                                                                        \
        tarn_offset offset;                                                                        \
        T *type;                                                                                   \
    }

/**
 * tarn_offset_set - point to something in the same mapping, or to nothing.
 *
 * Fails    never.
 * Threads  one at a time per pointer.
 * Cost     O(1).
 */
static inline void tarn_offset_set(tarn_offset *o, const void *to)
{
    o->way = to != NULL ? (ptrdiff_t)((uintptr_t)to - (uintptr_t)o - 1) : 0;
}

/**
 * tarn_offset_get - what it points to.
 *
 * Returns  the address in this process; NULL.
 * Fails    never.
 * Threads  any, while nobody sets it.
 * Cost     O(1).
 */
static inline void *tarn_offset_get(const tarn_offset *o)
{
    uintptr_t to = (uintptr_t)o + (uintptr_t)o->way + 1;
    return o->way != 0 ? (void *)to : NULL; /* NOLINT(performance-no-int-to-ptr) */
}

/* The two of them on a TARN_OFFSET(T) field: a T * in, a T * out. */
#define TARN_OFFSET_SET(field, to)                                                                 \
    (tarn_offset_set(&(field).offset, 1 ? (to) : (field).type), (void)0)
#define TARN_OFFSET_GET(field)                                                                     \
    (TARN_CAST_(__typeof__((field).type), tarn_offset_get(&(field).offset)))

TARN_END_DECLS

#endif
