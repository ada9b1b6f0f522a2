/* SPDX-License-Identifier: MIT */
/*
 * arena_guard.c - what a checking arena knows of its blocks: a guard in front of each.
 *
 *     │ guard │ block         │ gap │ guard │ block │ …        newest ──► guard ──► guard ──► NULL
 *
 * I1  The chain runs from the newest block to the oldest that was not freed as the last one; those
 *     freed while not the last stay in it, marked.
 * I2  A guard outside the chain has no valid canary: it is wiped when it leaves. So a valid canary
 *     in front of an address says that a block starts there.
 */
#include "strategy/arena_chunk.h"

#define FREED    0x80000000u
#define SCRAMBLE ((uintptr_t)0x9e3779b97f4a7c15u)

static uintptr_t canary(const tarn_arena_guard *g)
{
    return (uintptr_t)g ^ SCRAMBLE;
}

static uintptr_t block_of(const tarn_arena_guard *g)
{
    return (uintptr_t)g + sizeof *g;
}

void tarn_arena_fault(const tarn_arena *a, tarn_fault_kind kind, const void *block, size_t given,
                      size_t expected)
{
    tarn_fault_report(kind, "arena", a->name, block, given, expected);
}

void tarn_arena_guard_block(tarn_arena *a, void *block, size_t size, uint32_t log)
{
    tarn_arena_guard *g = (tarn_arena_guard *)block - 1;
    g->older = a->newest;
    g->size = size;
    g->canary = canary(g);
    g->log = log;
    a->newest = g;
}

/* What is wrong with an address that is not a block's: slow, the process is about to end. */
static void judge(const tarn_arena *a, const void *block)
{
    uintptr_t p = (uintptr_t)block;
    tarn_fault_kind kind = TARN_FAULT_FOREIGN_POINTER;
    for (const tarn_arena_chunk *c = a->first; c != NULL; c = c->newer) {
        if (p >= c->low && p < c->high)
            kind = TARN_FAULT_DOUBLE_FREE; /* in the idle part: it was a block once */
    }
    if (tarn_arena_find(a, p) != NULL)
        kind = TARN_FAULT_FOREIGN_POINTER;
    for (const tarn_arena_guard *g = a->newest; g != NULL; g = g->older) {
        if (g->canary != canary(g)) {
            kind = TARN_FAULT_CORRUPTION;
            break;
        }
        if (p > (uintptr_t)g && p < block_of(g) + g->size)
            kind = TARN_FAULT_INTERIOR_POINTER;
    }
    tarn_arena_fault(a, kind, block, 0, 0);
}

tarn_arena_guard *tarn_arena_guarded(const tarn_arena *a, const void *block, size_t size,
                                     uint32_t log)
{
    uintptr_t p = (uintptr_t)block;
    tarn_arena_guard *g = arena_pointer(p - sizeof *g);
    /* A block of size 0 at the very end is not inside the used part, its guard is. */
    if (p % TARN_ARENA_GRAIN != 0 || tarn_arena_find(a, p - sizeof *g) == NULL ||
        g->canary != canary(g)) {
        judge(a, block);
        return NULL;
    }
    if ((g->log & FREED) != 0)
        tarn_arena_fault(a, TARN_FAULT_DOUBLE_FREE, block, 0, 0);
    else if (size < g->size || size > arena_whole(g->size))
        tarn_arena_fault(a, TARN_FAULT_WRONG_SIZE, block, size, g->size);
    else if (log != ARENA_ANY_ALIGN && log != g->log)
        tarn_arena_fault(a, TARN_FAULT_WRONG_ALIGN, block, (size_t)1 << log, (size_t)1 << g->log);
    else
        return g;
    return NULL;
}

void tarn_arena_unguard(tarn_arena *a, tarn_arena_guard *g)
{
    if (g != a->newest) {
        g->log |= FREED;
        return;
    }
    a->newest = g->older;
    g->canary = 0;
}

/* The chain is followed only as far as it is whole: what lies behind is forgotten with it. */
void tarn_arena_forget(tarn_arena *a, const arena_place *place)
{
    while (a->newest != NULL) {
        tarn_arena_guard *g = a->newest;
        const tarn_arena_chunk *c = tarn_arena_find(a, (uintptr_t)g);
        if (c == NULL || g->canary != canary(g)) {
            tarn_arena_fault(a, TARN_FAULT_CORRUPTION, g, 0, 0);
            a->newest = NULL;
            return;
        }
        if (place != NULL && !arena_is_newer(a, c, (uintptr_t)g, *place))
            return;
        a->newest = g->older;
        g->canary = 0;
    }
}

bool tarn_arena_is_cut(const tarn_arena *a, arena_place place)
{
    for (const tarn_arena_guard *g = a->newest; g != NULL; g = g->older) {
        if (g->canary != canary(g))
            return false;
        if ((uintptr_t)g < place.at && place.at < block_of(g) + arena_whole(g->size) &&
            tarn_arena_find(a, (uintptr_t)g) == place.chunk)
            return true;
    }
    return false;
}

bool tarn_arena_guards_hold(const tarn_arena *a, size_t *blocks, size_t *bytes)
{
    *blocks = 0;
    *bytes = 0;
    for (const tarn_arena_guard *g = a->newest; g != NULL; g = g->older) {
        if (!tarn_is_aligned(g, TARN_ARENA_GRAIN) || tarn_arena_find(a, (uintptr_t)g) == NULL ||
            g->canary != canary(g))
            return false;
        if ((g->log & FREED) == 0) {
            *blocks += 1;
            *bytes += g->size;
        }
    }
    return true;
}
