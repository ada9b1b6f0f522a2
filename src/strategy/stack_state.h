/* SPDX-License-Identifier: MIT */
/*
 * stack_state.h - what the rooms of the stack share. The picture of a stack is in stack.c.
 *
 * stack.c        blocks, marks, life cycle
 * stack_guard.c  what a checking stack puts in front of blocks
 * stack_ops.c    the two ends as tarn_allocators
 */
#ifndef TARN_STRATEGY_STACK_STATE_H
#define TARN_STRATEGY_STACK_STATE_H

#include <tarn/stack.h>

#include "base/align.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/thread_guard.h"

enum { STACK_CHECK = 1u << 0, STACK_DEAD = 1u << 1 };

/* What `top` is while every call is to take the slow way: no multiple of the grain, and the same at
 * both ends, so that there is no room between them. */
#define STACK_CLOSED ((uintptr_t)1)

/* In front of each block of a checking stack. */
typedef struct tarn_stack_guard {
    struct tarn_stack_guard *older;
    uintptr_t before; /* the position to return to */
    uintptr_t canary; /* its own address, scrambled */
    size_t size;      /* bytes, as asked for        */
    uint32_t log;     /* of the alignment           */
    bool freed;       /* out of order               */
} tarn_stack_guard;

/* Bytes of a guard, whole grains. */
#define STACK_GUARD                                                                                \
    ((sizeof(tarn_stack_guard) + TARN_STACK_GRAIN - 1) & ~(size_t)(TARN_STACK_GRAIN - 1))

static inline bool stack_is(const tarn_stack *s, uint32_t flag)
{
    return (s->flags & flag) != 0;
}

static inline void *stack_pointer(uintptr_t address)
{
    return (void *)address; /* NOLINT(performance-no-int-to-ptr) */
}

static inline tarn_stack_end *stack_end(tarn_stack *s, tarn_stack_side side)
{
    return side == TARN_STACK_LOW ? &s->end[TARN_STACK_LOW] : &s->end[TARN_STACK_HIGH];
}

static inline uintptr_t stack_position(const tarn_stack *s, tarn_stack_side side)
{
    const tarn_stack_end *e =
        side == TARN_STACK_LOW ? &s->end[TARN_STACK_LOW] : &s->end[TARN_STACK_HIGH];
    return e->top == STACK_CLOSED ? e->at : e->top;
}

/* Is position a newer than b, or the same? */
static inline bool stack_is_newer(tarn_stack_side side, uintptr_t a, uintptr_t b)
{
    return side == TARN_STACK_LOW ? a >= b : a <= b;
}

/* Bytes that a block of `size`, which has been judged, takes. */
static inline size_t stack_whole(size_t size)
{
    return ((size != 0 ? size : 1) + TARN_STACK_GRAIN - 1) & ~(size_t)(TARN_STACK_GRAIN - 1);
}

/* ── stack.c ───────────────────────────────────────────────────────────────────────────────── */

/* The end stands at this position, which lies on its side of the other's. */
void tarn_stack_move_to(tarn_stack *s, tarn_stack_side side, uintptr_t position);
/* All blocks of one end back. */
void tarn_stack_reset_end(tarn_stack *s, tarn_stack_side side);

/* ── stack_ops.c ───────────────────────────────────────────────────────────────────────────── */

/* By side, and whether it checks. */
extern const tarn_ops tarn_stack_ops[2][2];

/* ── stack_guard.c ─────────────────────────────────────────────────────────────────────────── */

void tarn_stack_fault(const tarn_stack *s, tarn_fault_kind kind, const void *block, size_t given,
                      size_t expected);
void tarn_stack_guard_block(tarn_stack *s, tarn_stack_side side, void *block, size_t size,
                            tarn_spec spec, uintptr_t before);
/* The guard of a live block; NULL after raising the fault that fits. */
tarn_stack_guard *tarn_stack_guarded(const tarn_stack *s, tarn_stack_side side, const void *block,
                                     size_t size, tarn_spec spec);
/* The block has another size; it is where it was. */
void tarn_stack_guard_size(tarn_stack *s, tarn_stack_side side, tarn_stack_guard *g, size_t size);
/* Free: the last block, and those before it that were freed out of order, or a mark on another. */
void tarn_stack_unguard(tarn_stack *s, tarn_stack_side side, tarn_stack_guard *g);
/* Is this position one that the end has had, between two blocks? */
bool tarn_stack_is_seam(const tarn_stack *s, tarn_stack_side side, uintptr_t position);
/* Forget all guards newer than the position; returns it, or an older one when what is older still was
 * freed out of order. */
uintptr_t tarn_stack_forget(tarn_stack *s, tarn_stack_side side, uintptr_t position);
/* Are all guards whole? */
bool tarn_stack_guards_hold(const tarn_stack *s, tarn_stack_side side);

#endif
