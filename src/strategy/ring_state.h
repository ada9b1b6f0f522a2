/* SPDX-License-Identifier: MIT */
/*
 * ring_state.h - what the rooms of the ring share. The picture of a ring is in ring.c.
 *
 * ring.c        blocks and positions
 * ring_guard.c  what a checking ring puts in front of blocks
 * ring_ops.c    life cycle, and the view as a tarn_allocator
 */
#ifndef TARN_STRATEGY_RING_STATE_H
#define TARN_STRATEGY_RING_STATE_H

#include <tarn/ring.h>

#include "base/align.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/thread_guard.h"

enum { RING_CHECK = 1u << 0, RING_DEAD = 1u << 1 };

/* The lowest bits of tail, wrap, sent and made. */
#define RING_LAP    ((uintptr_t)1) /* whether the lap is an odd one                        */
#define RING_HOLES  ((uintptr_t)2) /* tail alone: there are holes, so take the slow way    */
#define RING_CLOSED ((uintptr_t)4) /* tail alone: the ring checks or is dead; the same     */
#define RING_FLAGS  ((uintptr_t)(TARN_RING_GRAIN - 1))

/* In front of each block of a checking ring, at the start of its entry. */
typedef struct tarn_ring_guard {
    uintptr_t end; /* of the entry: where the next one starts. First, as in a hole */
    uintptr_t canary;
    size_t size;  /* bytes, as asked for */
    uint32_t log; /* of the alignment    */
    bool freed;   /* before its turn     */
} tarn_ring_guard;

/* Bytes of a guard, whole grains. */
#define RING_GUARD                                                                                 \
    ((sizeof(tarn_ring_guard) + TARN_RING_GRAIN - 1) & ~(size_t)(TARN_RING_GRAIN - 1))

static inline bool ring_is(const tarn_ring *r, uint32_t flag)
{
    return (r->flags & flag) != 0;
}

static inline void *ring_pointer(uintptr_t address)
{
    return (void *)address; /* NOLINT(performance-no-int-to-ptr) */
}

/* The address that a position word stands for. */
static inline uintptr_t ring_at(uintptr_t word)
{
    return word & ~RING_FLAGS;
}

static inline uintptr_t ring_load(const uintptr_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): clang-tidy does not know that this stores */
static inline void ring_store(uintptr_t *word, uintptr_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* The same position in the lap that the producer is in, when it is where the producer went round. */
static inline uintptr_t ring_round(const tarn_ring *r, uintptr_t word, uintptr_t wrap)
{
    if (((word ^ wrap) & RING_LAP) == 0 || ring_at(word) != ring_at(wrap))
        return word;
    return r->low | ((word & RING_FLAGS) ^ RING_LAP);
}

/* Bytes that a block of `size`, which has been judged, takes. */
static inline size_t ring_whole(size_t size)
{
    return ((size != 0 ? size : 1) + TARN_RING_GRAIN - 1) & ~(size_t)(TARN_RING_GRAIN - 1);
}

/* Bytes in front of a block: between the start of its entry and, but for a gap, itself. */
static inline size_t ring_head(const tarn_ring *r, tarn_spec spec)
{
    size_t record = (spec & TARN_ALIGN_BITS) > TARN_RING_GRAIN_LOG ? TARN_RING_GRAIN : 0;
    return ring_is(r, RING_CHECK) ? RING_GUARD + record : record;
}

/* The producer's position. */
static inline uintptr_t ring_head_at(const tarn_ring *r)
{
    return ring_is(r, RING_CHECK) ? ring_at(r->made) : r->head;
}

/* The block of an entry. */
static inline uintptr_t ring_block(const tarn_ring *r, uintptr_t entry, tarn_spec spec)
{
    size_t align = tarn_spec_align(spec);
    if (align < TARN_RING_GRAIN)
        align = TARN_RING_GRAIN;
    return (entry + ring_head(r, spec) + align - 1) & ~(uintptr_t)(align - 1);
}

/* ── ring.c ────────────────────────────────────────────────────────────────────────────────── */

/* Everything empty, at the region's start. */
void tarn_ring_rewind_all(tarn_ring *r);
/* The entry of a block whose alignment is as spec says; 0: there is none. */
uintptr_t tarn_ring_entry(const tarn_ring *r, uintptr_t block, tarn_spec spec);
/* The position after that entry, where the next one is, or would be; with its lap. */
uintptr_t tarn_ring_next(const tarn_ring *r, uintptr_t word, uintptr_t end);

/* ── ring_ops.c ────────────────────────────────────────────────────────────────────────────── */

/* Whether it checks. */
extern const tarn_ops tarn_ring_ops[2];

/* ── ring_guard.c ──────────────────────────────────────────────────────────────────────────── */

void tarn_ring_fault(const tarn_ring *r, tarn_fault_kind kind, const void *block, size_t given,
                     size_t expected);
void tarn_ring_guard_block(tarn_ring *r, uintptr_t entry, uintptr_t end, size_t size,
                           tarn_spec spec);
/* The guard of a live block; NULL after raising the fault that fits. */
tarn_ring_guard *tarn_ring_guarded(const tarn_ring *r, const void *block, size_t size,
                                   tarn_spec spec);
/* The youngest block, by the producer: another size, or gone. */
void tarn_ring_guard_size(tarn_ring *r, tarn_ring_guard *g, uintptr_t end, size_t size);
void tarn_ring_guard_cancel(tarn_ring *r, tarn_ring_guard *g);
/* The consumer has freed it. */
void tarn_ring_guard_free(tarn_ring *r, tarn_ring_guard *g);
/* The entry that starts here is none any more. */
void tarn_ring_unguard(uintptr_t entry);
/* Every guard from tail to head, the oldest first, until see returns false; false when one is broken. */
bool tarn_ring_walk(const tarn_ring *r, bool (*see)(void *user, tarn_ring_guard *g), void *user);

#endif
