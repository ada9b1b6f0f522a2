/* SPDX-License-Identifier: MIT */
/*
 * ring_guard.c - what a checking ring knows of its blocks: a guard at the start of each entry.
 *
 *     │ guard │ block │ guard │ gap │ record │ block │ guard │ block │
 *     tail                                                          made
 *
 * I1  From tail to made, entry follows entry, each with a guard whose canary is valid.
 * I2  A guard outside of that has no valid canary: it is wiped when its entry goes.
 * I3  A guard is written by the producer before `made` passes it, and from then on by the consumer alone; but
 *     for that of the youngest block, while the producer has not handed it over.
 */
#include "strategy/ring_state.h"

#define SCRAMBLE ((uintptr_t)0x3c6ef372fe94f82bu)

static uintptr_t canary(const tarn_ring_guard *g)
{
    return (uintptr_t)g ^ SCRAMBLE;
}

void tarn_ring_fault(const tarn_ring *r, tarn_fault_kind kind, const void *block, size_t given,
                     size_t expected)
{
    tarn_fault_report(kind, "ring", r->name, block, given, expected);
}

/* ── Counting: each number has one writer ──────────────────────────────────────────────────── */

/* NOLINTNEXTLINE(readability-non-const-parameter): clang-tidy does not know that this stores */
static void add(size_t *counter, size_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static size_t read(const size_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* The producer's view: what the consumer has freed by now may still be counted. */
static void note_peak(tarn_ring *r)
{
    size_t live = r->allocs - read(&r->frees), bytes = r->alloc_bytes - read(&r->free_bytes);
    if (live > r->most)
        r->most = live;
    if (bytes > r->most_bytes)
        r->most_bytes = bytes;
}

/* ── Guards ────────────────────────────────────────────────────────────────────────────────── */

void tarn_ring_guard_block(tarn_ring *r, uintptr_t entry, uintptr_t end, size_t size,
                           tarn_spec spec)
{
    tarn_ring_guard *g = ring_pointer(entry);
    *g = (tarn_ring_guard){
        .end = end, .canary = canary(g), .size = size, .log = spec & TARN_ALIGN_BITS};
    add(&r->allocs, 1);
    add(&r->alloc_bytes, size);
    note_peak(r);
}

void tarn_ring_guard_size(tarn_ring *r, tarn_ring_guard *g, uintptr_t end, size_t size)
{
    g->end = end;
    add(&r->alloc_bytes, size - g->size);
    g->size = size;
    note_peak(r);
}

void tarn_ring_guard_cancel(tarn_ring *r, tarn_ring_guard *g)
{
    add(&r->allocs, (size_t)-1);
    add(&r->alloc_bytes, (size_t)0 - g->size);
    g->canary = 0;
}

void tarn_ring_guard_free(tarn_ring *r, tarn_ring_guard *g)
{
    g->freed = true;
    add(&r->frees, 1);
    add(&r->free_bytes, g->size);
}

void tarn_ring_unguard(uintptr_t entry)
{
    ((tarn_ring_guard *)ring_pointer(entry))->canary = 0;
}

bool tarn_ring_walk(const tarn_ring *r, bool (*see)(void *user, tarn_ring_guard *g), void *user)
{
    uintptr_t made = ring_load(&r->made), wrap = ring_load(&r->wrap);
    uintptr_t at = ring_round(r, ring_load(&r->tail), wrap);
    bool more = true;
    made = ring_round(r, made, wrap);
    while (more && ((at ^ made) & ~(RING_HOLES | RING_CLOSED)) != 0) {
        tarn_ring_guard *g = ring_pointer(ring_at(at));
        if (ring_at(at) > r->high - RING_GUARD || g->canary != canary(g) || g->end <= ring_at(at) ||
            g->end > r->high || g->end % TARN_RING_GRAIN != 0)
            return false;
        at = ring_round(r, g->end | (at & RING_FLAGS), wrap);
        more = see(user, g);
    }
    return true;
}

/* An address that is looked for, and what it turns out to be. */
struct search {
    const tarn_ring *r;
    uintptr_t p;
    tarn_fault_kind kind;
    const tarn_ring_guard *found;
};

static bool compare(void *user, tarn_ring_guard *g)
{
    struct search *s = user;
    uintptr_t block = ring_block(s->r, (uintptr_t)g, g->log);
    if (s->p <= (uintptr_t)g || s->p >= g->end)
        return true;
    s->kind = TARN_FAULT_INTERIOR_POINTER;
    if (s->p == block && g->freed)
        s->kind = TARN_FAULT_DOUBLE_FREE;
    else if (s->p == block)
        s->kind = TARN_FAULT_WRONG_ALIGN;
    s->found = g;
    return false;
}

/* What is wrong with an address that is not a block's: slow, the process is about to end. */
static void judge(const tarn_ring *r, const void *block, tarn_spec spec)
{
    struct search s = {r, (uintptr_t)block, TARN_FAULT_FOREIGN_POINTER, NULL};
    if (!tarn_ring_walk(r, compare, &s))
        s.kind = TARN_FAULT_CORRUPTION;
    else if (s.found == NULL && s.p >= r->low && s.p < r->high)
        s.kind = TARN_FAULT_DOUBLE_FREE; /* in the idle part: it was a block once */
    if (s.kind == TARN_FAULT_WRONG_ALIGN)
        tarn_ring_fault(r, s.kind, block, tarn_spec_align(spec), (size_t)1 << s.found->log);
    else
        tarn_ring_fault(r, s.kind, block, 0, 0);
}

tarn_ring_guard *tarn_ring_guarded(const tarn_ring *r, const void *block, size_t size,
                                   tarn_spec spec)
{
    uintptr_t entry = (spec & TARN_ALIGN_BITS) < sizeof(size_t) * 8 - 1
                          ? tarn_ring_entry(r, (uintptr_t)block, spec)
                          : 0;
    tarn_ring_guard *g = ring_pointer(entry);
    if (entry == 0 || g->canary != canary(g) || g->log != (spec & TARN_ALIGN_BITS))
        judge(r, block, spec);
    else if (g->freed)
        tarn_ring_fault(r, TARN_FAULT_DOUBLE_FREE, block, 0, 0);
    else if (size < g->size || size > ring_whole(g->size))
        tarn_ring_fault(r, TARN_FAULT_WRONG_SIZE, block, size, g->size);
    else
        return g;
    return NULL;
}
