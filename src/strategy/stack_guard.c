/* SPDX-License-Identifier: MIT */
/*
 * stack_guard.c - what a checking stack knows of its blocks: a guard in front of each.
 *
 *     low │ guard │ block │ gap │ guard │ block │ ──►     ◄── │ guard │ block │ gap │ guard │ block │ high
 *           ▲                       └ newest                      └ newest                ▲
 *           └ older                                                                 older ┘
 *
 * I1  The chain of an end runs from its newest block to its oldest. Those freed out of order stay in
 *     it, marked, until they are the newest; so the newest is never a marked one.
 * I2  A guard outside the chain has no valid canary: it is wiped when it leaves. So a valid canary in
 *     front of an address says that a block starts there.
 * I3  `before` of a guard is the position of its end before the block came: the seams between blocks
 *     are these, and the position now.
 */
#include "strategy/stack_state.h"

#define SCRAMBLE ((uintptr_t)0x7f4a7c159e3779b9u)

static uintptr_t canary(const tarn_stack_guard *g)
{
    return (uintptr_t)g ^ SCRAMBLE;
}

static uintptr_t block_of(const tarn_stack_guard *g)
{
    return (uintptr_t)g + STACK_GUARD;
}

/* Does it lie where the end has blocks, and is it whole? An address that does not is not read. */
static bool is_guard(const tarn_stack *s, tarn_stack_side side, const tarn_stack_guard *g)
{
    return tarn_is_aligned(g, TARN_STACK_GRAIN) && tarn_stack_owns(s, side, g) &&
           g->canary == canary(g);
}

void tarn_stack_fault(const tarn_stack *s, tarn_fault_kind kind, const void *block, size_t given,
                      size_t expected)
{
    tarn_fault_report(kind, "stack", s->name, block, given, expected);
}

static void count(tarn_stack_end *e, size_t size)
{
    e->live++;
    e->live_bytes += size;
    if (e->live > e->most)
        e->most = e->live;
    if (e->live_bytes > e->most_bytes)
        e->most_bytes = e->live_bytes;
}

void tarn_stack_guard_block(tarn_stack *s, tarn_stack_side side, void *block, size_t size,
                            tarn_spec spec, uintptr_t before)
{
    tarn_stack_end *e = stack_end(s, side);
    tarn_stack_guard *g = stack_pointer((uintptr_t)block - STACK_GUARD);
    *g = (tarn_stack_guard){.older = e->newest,
                            .before = before,
                            .canary = canary(g),
                            .size = size,
                            .log = spec & TARN_ALIGN_BITS};
    e->newest = g;
    count(e, size);
}

/* What is wrong with an address that is not a block's: slow, the process is about to end. */
static void judge(const tarn_stack *s, tarn_stack_side side, const void *block)
{
    uintptr_t p = (uintptr_t)block;
    tarn_fault_kind kind = TARN_FAULT_FOREIGN_POINTER;
    if (p >= stack_position(s, TARN_STACK_LOW) && p < stack_position(s, TARN_STACK_HIGH))
        kind = TARN_FAULT_DOUBLE_FREE; /* in the idle part: it was a block once */
    for (const tarn_stack_guard *g = s->end[side].newest; g != NULL; g = g->older) {
        if (!is_guard(s, side, g)) {
            kind = TARN_FAULT_CORRUPTION;
            break;
        }
        if (p > (uintptr_t)g && p < block_of(g) + stack_whole(g->size))
            kind = TARN_FAULT_INTERIOR_POINTER;
    }
    tarn_stack_fault(s, kind, block, 0, 0);
}

tarn_stack_guard *tarn_stack_guarded(const tarn_stack *s, tarn_stack_side side, const void *block,
                                     size_t size, tarn_spec spec)
{
    tarn_stack_guard *g = stack_pointer((uintptr_t)block - STACK_GUARD);
    uint32_t log = spec & TARN_ALIGN_BITS;
    if (!is_guard(s, side, g))
        judge(s, side, block);
    else if (g->freed)
        tarn_stack_fault(s, TARN_FAULT_DOUBLE_FREE, block, 0, 0);
    else if (size < g->size || size > stack_whole(g->size))
        tarn_stack_fault(s, TARN_FAULT_WRONG_SIZE, block, size, g->size);
    else if (log != g->log)
        tarn_stack_fault(s, TARN_FAULT_WRONG_ALIGN, block, tarn_spec_align(log),
                         (size_t)1 << g->log);
    else
        return g;
    return NULL;
}

void tarn_stack_guard_size(tarn_stack *s, tarn_stack_side side, tarn_stack_guard *g, size_t size)
{
    tarn_stack_end *e = stack_end(s, side);
    e->live--;
    e->live_bytes -= g->size;
    g->size = size;
    count(e, size);
}

/* The newest guard leaves the chain. */
static void pop(tarn_stack *s, tarn_stack_side side)
{
    tarn_stack_end *e = stack_end(s, side);
    tarn_stack_guard *g = e->newest;
    if (!g->freed) {
        e->live--;
        e->live_bytes -= g->size;
    }
    e->newest = g->older;
    g->canary = 0;
}

/* Before the chain is followed: true when its newest guard is whole, else all of it is forgotten. */
static bool newest_holds(tarn_stack *s, tarn_stack_side side)
{
    tarn_stack_end *e = stack_end(s, side);
    if (e->newest != NULL && !is_guard(s, side, e->newest)) {
        tarn_stack_fault(s, TARN_FAULT_CORRUPTION, e->newest, 0, 0);
        e->newest = NULL;
        e->live = e->live_bytes = 0;
    }
    return e->newest != NULL;
}

void tarn_stack_unguard(tarn_stack *s, tarn_stack_side side, tarn_stack_guard *g)
{
    tarn_stack_end *e = stack_end(s, side);
    uintptr_t before;
    if (g != e->newest) {
        tarn_stack_fault(s, TARN_FAULT_OUT_OF_ORDER, stack_pointer(block_of(g)), 0, 0);
        g->freed = true;
        e->live--;
        e->live_bytes -= g->size;
        return;
    }
    do {
        before = e->newest->before;
        pop(s, side);
        tarn_stack_move_to(s, side, before);
    } while (newest_holds(s, side) && e->newest->freed);
}

bool tarn_stack_is_seam(const tarn_stack *s, tarn_stack_side side, uintptr_t position)
{
    if (position == stack_position(s, side))
        return true;
    for (const tarn_stack_guard *g = s->end[side].newest; g != NULL; g = g->older) {
        if (!is_guard(s, side, g))
            return true; /* the chain is broken: for forget to report */
        if (g->before == position)
            return true;
    }
    return false;
}

uintptr_t tarn_stack_forget(tarn_stack *s, tarn_stack_side side, uintptr_t position)
{
    const tarn_stack_end *e = stack_end(s, side);
    while (newest_holds(s, side) && stack_is_newer(side, e->newest->before, position))
        pop(s, side);
    while (newest_holds(s, side) && e->newest->freed) { /* I1 */
        position = e->newest->before;
        pop(s, side);
    }
    return position;
}

bool tarn_stack_guards_hold(const tarn_stack *s, tarn_stack_side side)
{
    const tarn_stack_end *e = &s->end[side];
    size_t live = 0, bytes = 0;
    for (const tarn_stack_guard *g = e->newest; g != NULL; g = g->older) {
        if (!is_guard(s, side, g))
            return false;
        live += !g->freed;
        bytes += g->freed ? 0 : g->size;
    }
    return live == e->live && bytes == e->live_bytes && (e->newest == NULL || !e->newest->freed);
}
