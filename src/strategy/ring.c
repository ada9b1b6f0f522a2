/* SPDX-License-Identifier: MIT */
/*
 * ring.c - blocks that die in the order of their birth: positions, blocks, holes.
 *
 *     low│ entry │ entry │  free           │ entry │ hole │ entry │ left over │high│ bits │
 *                        head    limit ─►  tail                   wrap
 *     an entry:  │ block │      or, with an alignment above 16:  │ gap │ record │ block │
 *     checking:  │ guard │ block │   and   │ guard │ gap │ record │ block │
 *
 * A position is an address that is a multiple of 16; its lowest bit is the parity of the lap.
 *
 * Who writes what: the producer head, limit, wrap, sent, made; the consumer tail, holes, the bits, and the
 * first word of a hole (its end), which lies in memory that the consumer has freed and not yet given up.
 *
 * I1  In one lap tail <= head, and they are equal when the ring is empty. When the producer is one lap
 *     ahead, head < tail: one grain stays free, so that full and empty differ.
 * I2  The producer is never more than one lap ahead. It goes round only when the room at `low` ends before
 *     a tail of its own lap, or when the ring is empty.
 * I3  `wrap` is where the latest lap ended. A tail that stands there in the lap before is the same as
 *     `low` in this one: whoever reads it reads it so (ring_round).
 * I4  A hole is a bit at its start and its end in its first word. No hole starts at the tail, but for one
 *     that a tail not yet gone round stands for.
 * I5  limit never passes what the tail was when it was last read, so it is never too far.
 * I6  A refusal changes no position.
 * I7  No entry starts where a tail of the lap before stands: the inlined free compares addresses alone, and
 *     would take it for the oldest. So until the consumer has gone round (I3), a block that would start just
 *     there is refused.
 * I8  `lap`, the consumer's own, is the lowest bit of tail.
 *
 * Two threads. Every word that both read has one writer:
 *
 *     tail   stored with release by the consumer after its last access to the blocks before it, and to the
 *            holes there; loaded with acquire by the producer before it hands that memory out again.
 *     wrap   stored with release by the producer before any block of the new lap exists. The consumer needs
 *            it when it frees, or asks for, a block of the new lap, which reached it through a
 *            synchronisation of the program's, or through `sent`: so it is seen by then. Seeing it earlier
 *            is harmless (I3).
 *     sent   stored with release after blocks are filled; loaded with acquire before they are read.
 *     made   as sent, in a ring that checks, where the consumer walks over guards to name a fault.
 *
 * The lap is in the same word as the address, so neither can be seen without the other. An entry's record
 * and guard are written before its block is handed over. Nothing else is shared, nobody waits, and no
 * operation is a read-modify-write: any store of a word is by its one writer.
 *
 * The idea of one word a thread, published in one direction: Lamport, Specifying concurrent program modules,
 * ACM TOPLAS 5(2), 1983.
 */
#include "strategy/ring_state.h"

#define SCRAMBLE ((uintptr_t)0x9e3779b97f4a7c15u)

/* In front of a block whose alignment is above the grain. */
typedef struct record {
    uintptr_t entry;
    uintptr_t proof; /* of the same, and the block's address */
} record;

_Static_assert(sizeof(record) <= TARN_RING_GRAIN, "a record takes a grain");

static void *refuse(tarn_ring *r, tarn_status status, size_t size, tarn_spec spec)
{
    unsigned log = spec & TARN_ALIGN_BITS;
    r->failures++;
    r->why = (tarn_why){status, size, log < sizeof(size_t) * 8 ? (size_t)1 << log : 0, 0};
    if (status == TARN_LIMIT || status == TARN_TOO_BIG)
        r->why.limit = r->high - r->low;
    return NULL;
}

/* A dead ring, or a checking one with another producer or consumer: the fault has been reported. */
static bool is_barred(tarn_ring *r, uintptr_t *owner, const void *block)
{
    if (ring_is(r, RING_DEAD)) {
        tarn_ring_fault(r, TARN_FAULT_USE_AFTER_DEINIT, block, 0, 0);
        return true;
    }
    if (!ring_is(r, RING_CHECK) || tarn_thread_owns(owner))
        return false;
    tarn_ring_fault(r, TARN_FAULT_WRONG_THREAD, block, 0, 0);
    return true;
}

static tarn_status judge(const tarn_ring *r, size_t size, tarn_spec spec)
{
    if ((spec & TARN_ALIGN_BITS) >= sizeof(size_t) * 8 - 1)
        return TARN_BAD_ALIGN;
    return size <= r->high - r->low ? TARN_OK : TARN_TOO_BIG;
}

/* ── The producer ──────────────────────────────────────────────────────────────────────────── */

/* Where a block of whole grains would lie in an entry that starts at `entry`; 0 when it does not fit before
 * `limit`. */
static uintptr_t place(const tarn_ring *r, uintptr_t entry, uintptr_t limit, size_t whole,
                       tarn_spec spec)
{
    size_t room = limit - entry, align = tarn_spec_align(spec), gap;
    if (align < TARN_RING_GRAIN)
        align = TARN_RING_GRAIN;
    if (ring_head(r, spec) > room || whole > room - ring_head(r, spec))
        return 0;
    room -= ring_head(r, spec) + whole;
    gap = (size_t) - (entry + ring_head(r, spec)) & (align - 1);
    return gap <= room ? entry + ring_head(r, spec) + gap : 0;
}

/* Has the consumer come to where the lap before this one ended, and not yet gone round (I3)? */
static bool at_turn(const tarn_ring *r, uintptr_t tail)
{
    return ((tail ^ r->wrap) & RING_LAP) != 0 && ring_at(tail) == ring_at(r->wrap);
}

/* How far an entry that starts at `entry` may reach, as the tail is now. */
static uintptr_t reach(const tarn_ring *r, uintptr_t tail, uintptr_t entry)
{
    if (((tail ^ r->wrap) & RING_LAP) == 0)
        return r->high;
    if (!at_turn(r, tail))
        return ring_at(tail) - TARN_RING_GRAIN;
    return entry != ring_at(tail) ? r->high : entry; /* I7 */
}

static void set_head(tarn_ring *r, uintptr_t head, uintptr_t tail)
{
    if (ring_is(r, RING_CHECK)) {
        ring_store(&r->made, head | (r->wrap & RING_LAP));
        return;
    }
    r->head = head;
    r->limit = reach(r, tail, head);
    if (at_turn(r, tail) && head < ring_at(tail))
        r->limit = ring_at(tail) - TARN_RING_GRAIN; /* I7: the next to pass it asks */
}

/* How far one may reach that starts at r->low, if the head goes round; r->low when it must not (I2). */
static uintptr_t reach_ahead(const tarn_ring *r, uintptr_t tail)
{
    uintptr_t head = ring_head_at(r);
    if (((tail ^ r->wrap) & RING_LAP) != 0 || head == r->low)
        return r->low;
    if (ring_at(tail) == head)
        return r->high; /* empty: the tail comes along (I3) */
    return ring_at(tail) != r->low ? ring_at(tail) - TARN_RING_GRAIN : r->low;
}

void *tarn_ring_alloc_slow(tarn_ring *r, size_t size, tarn_spec spec)
{
    uintptr_t tail, entry, block;
    tarn_status status = TARN_BAD_ARGUMENT;
    if (is_barred(r, &r->producer, NULL))
        return refuse(r, status, size, spec);
    status = judge(r, size, spec);
    if (status != TARN_OK)
        return refuse(r, status, size, spec);
    tail = ring_load(&r->tail);
    entry = ring_head_at(r);
    block = place(r, entry, reach(r, tail, entry), ring_whole(size), spec);
    if (block == 0) {
        block = place(r, r->low, reach_ahead(r, tail), ring_whole(size), spec);
        if (block == 0)
            return refuse(r, TARN_LIMIT, size, spec);
        ring_store(&r->wrap, entry | (~r->wrap & RING_LAP));
        entry = r->low;
    }
    if ((spec & TARN_ALIGN_BITS) > TARN_RING_GRAIN_LOG) {
        record *rec = ring_pointer(block - TARN_RING_GRAIN);
        *rec = (record){entry, entry ^ block ^ SCRAMBLE};
    }
    if (ring_is(r, RING_CHECK))
        tarn_ring_guard_block(r, entry, block + ring_whole(size), size, spec);
    set_head(r, block + ring_whole(size), tail);
    if ((spec & TARN_ZERO) != 0)
        memset(ring_pointer(block), 0, size);
    return ring_pointer(block);
}

uintptr_t tarn_ring_entry(const tarn_ring *r, uintptr_t block, tarn_spec spec)
{
    const record *rec = ring_pointer(block - TARN_RING_GRAIN);
    size_t head = ring_head(r, spec);
    if (block % TARN_RING_GRAIN != 0 || block >= r->high || block < r->low || block - r->low < head)
        return 0;
    if ((spec & TARN_ALIGN_BITS) <= TARN_RING_GRAIN_LOG)
        return block - head;
    if (rec->proof != (rec->entry ^ block ^ SCRAMBLE) || rec->entry < r->low ||
        rec->entry % TARN_RING_GRAIN != 0 || ring_block(r, rec->entry, spec) != block)
        return 0;
    return rec->entry;
}

/* The entry of the youngest block, if it is that; else 0. */
static uintptr_t youngest(const tarn_ring *r, const void *block, size_t size, tarn_spec spec)
{
    uintptr_t p = (uintptr_t)block;
    if (judge(r, size, spec) != TARN_OK || ring_head_at(r) - p != ring_whole(size))
        return 0;
    return tarn_ring_entry(r, p, spec);
}

bool tarn_ring_cancel(tarn_ring *r, void *block, size_t size, tarn_spec spec)
{
    uintptr_t entry;
    tarn_ring_guard *g = NULL;
    if (block == NULL || is_barred(r, &r->producer, block))
        return false;
    if (ring_is(r, RING_CHECK)) {
        g = tarn_ring_guarded(r, block, size, spec);
        if (g == NULL)
            return false;
    }
    entry = youngest(r, block, size, spec);
    if (entry == 0)
        return false;
    if (g != NULL)
        tarn_ring_guard_cancel(r, g);
    set_head(r, entry, ring_load(&r->tail));
    return true;
}

/* The youngest block ends elsewhere, if there is room. */
static bool stretch(tarn_ring *r, uintptr_t entry, uintptr_t block, size_t whole)
{
    uintptr_t tail = ring_load(&r->tail);
    if (whole > reach(r, tail, entry) - block)
        return false;
    set_head(r, block + whole, tail);
    return true;
}

void *tarn_ring_resize(tarn_ring *r, void *block, size_t old_size, size_t new_size, size_t keep,
                       tarn_spec spec)
{
    uintptr_t entry;
    bool stays, may_move = (spec & (TARN_IN_PLACE | TARN_NO_COPY)) == 0;
    tarn_ring_guard *g = NULL;
    tarn_status status = TARN_BAD_ARGUMENT;
    if (!is_barred(r, &r->producer, block))
        status = judge(r, new_size, spec);
    if (status == TARN_OK && ring_is(r, RING_CHECK)) {
        g = tarn_ring_guarded(r, block, old_size, spec);
        if (g == NULL)
            status = TARN_BAD_ARGUMENT;
    }
    if (status != TARN_OK)
        return refuse(r, status, new_size, spec);
    stays = old_size <= r->high - r->low && ring_whole(old_size) == ring_whole(new_size);
    entry = stays ? 0 : youngest(r, block, old_size, spec);
    if (entry != 0)
        stays = stretch(r, entry, (uintptr_t)block, ring_whole(new_size));
    if (!stays && !may_move)
        return refuse(r, TARN_UNSUPPORTED, new_size, spec);
    if (!stays)
        return tarn_resize_by_copy(&r->allocator, block, old_size, new_size, keep, spec);
    if (g != NULL)
        tarn_ring_guard_size(r, g, (uintptr_t)block + ring_whole(new_size), new_size);
    if ((spec & TARN_ZERO) != 0 && new_size > old_size)
        memset((char *)block + old_size, 0, new_size - old_size);
    return block;
}

void tarn_ring_send(tarn_ring *r)
{
    if (!is_barred(r, &r->producer, NULL))
        ring_store(&r->sent, ring_head_at(r) | (r->wrap & RING_LAP));
}

size_t tarn_ring_used(const tarn_ring *r)
{
    uintptr_t tail = ring_round(r, ring_load(&r->tail), r->wrap), head = ring_head_at(r);
    if (((tail ^ r->wrap) & RING_LAP) == 0)
        return head - ring_at(tail);
    return r->high - ring_at(tail) + head - r->low;
}

/* ── The consumer ──────────────────────────────────────────────────────────────────────────── */

static uint64_t *word_of(const tarn_ring *r, uintptr_t entry, uint64_t *bit)
{
    size_t grain = (entry - r->low) / TARN_RING_GRAIN;
    *bit = (uint64_t)1 << (grain % 64);
    return &r->starts[grain / 64];
}

/* An entry that is not the oldest becomes a hole. False: it is one already. */
static bool dig(tarn_ring *r, uintptr_t entry, uintptr_t end)
{
    uint64_t bit, *word = word_of(r, entry, &bit);
    if ((*word & bit) != 0)
        return false;
    *word |= bit;
    *(uintptr_t *)ring_pointer(entry) = end;
    r->holes++;
    return true;
}

/* The end of the hole that starts here, which is a hole no more; 0: there is none. */
static uintptr_t fill(tarn_ring *r, uintptr_t entry)
{
    uint64_t bit, *word;
    if (r->holes == 0 || entry == r->high)
        return 0;
    word = word_of(r, entry, &bit);
    if ((*word & bit) == 0)
        return 0;
    *word &= ~bit;
    r->holes--;
    if (ring_is(r, RING_CHECK))
        tarn_ring_unguard(entry);
    return *(uintptr_t *)ring_pointer(entry);
}

uintptr_t tarn_ring_next(const tarn_ring *r, uintptr_t word, uintptr_t end)
{
    return ring_round(r, end | (word & RING_FLAGS), ring_load(&r->wrap));
}

static void set_tail(tarn_ring *r, uintptr_t tail)
{
    r->lap = tail & RING_LAP;
    ring_store(&r->tail, r->holes != 0 ? tail | RING_HOLES : tail & ~RING_HOLES);
}

/* The consumer gives an entry up. */
static void retire(tarn_ring *r, uintptr_t entry, uintptr_t end)
{
    uintptr_t tail = ring_round(r, r->tail, ring_load(&r->wrap));
    if (entry != ring_at(tail)) {
        if (dig(r, entry, end))
            set_tail(r, tail);
        return;
    }
    if (ring_is(r, RING_CHECK))
        tarn_ring_unguard(entry);
    while (end != 0) {
        tail = tarn_ring_next(r, tail, end);
        end = fill(r, ring_at(tail));
    }
    set_tail(r, tail);
}

void tarn_ring_free_slow(tarn_ring *r, void *block, size_t size, tarn_spec spec)
{
    uintptr_t p = (uintptr_t)block, entry;
    tarn_ring_guard *g;
    if (block == NULL || is_barred(r, &r->consumer, block))
        return;
    if (ring_is(r, RING_CHECK)) {
        g = tarn_ring_guarded(r, block, size, spec);
        if (g == NULL)
            return;
        tarn_ring_guard_free(r, g);
        retire(r, (uintptr_t)g, g->end);
        return;
    }
    if (judge(r, size, spec) != TARN_OK)
        return;
    entry = tarn_ring_entry(r, p, spec);
    if (entry != 0 && ring_whole(size) <= r->high - p)
        retire(r, entry, p + ring_whole(size));
}

void *tarn_ring_oldest(tarn_ring *r)
{
    uintptr_t sent = ring_load(&r->sent), wrap = ring_load(&r->wrap), tail;
    if (is_barred(r, &r->consumer, NULL))
        return NULL;
    tail = ring_round(r, r->tail, wrap);
    sent = ring_round(r, sent, wrap);
    if (((tail ^ sent) & ~(RING_HOLES | RING_CLOSED)) == 0)
        return NULL;
    return ring_pointer(ring_at(tail) + ring_head(r, 0));
}

/* ── The whole ring ────────────────────────────────────────────────────────────────────────── */

static bool wipe(void *user, tarn_ring_guard *g)
{
    (void)user;
    g->canary = 0;
    return true;
}

void tarn_ring_rewind_all(tarn_ring *r)
{
    size_t grains = (r->high - r->low) / TARN_RING_GRAIN;
    if (r->holes != 0)
        memset(r->starts, 0, (grains + 63) / 64 * sizeof *r->starts);
    r->holes = 0;
    r->wrap = 0;
    r->sent = r->made = r->low;
    r->head = r->low;
    r->limit = r->high;
    r->tail = r->low;
    r->lap = 0;
    r->allocs = r->alloc_bytes = r->frees = r->free_bytes = 0;
    if (r->flags != 0) {
        r->head = r->limit = 0;
        r->tail |= RING_CLOSED;
    }
}

void tarn_ring_reset(tarn_ring *r)
{
    if (ring_is(r, RING_DEAD)) {
        tarn_ring_fault(r, TARN_FAULT_USE_AFTER_DEINIT, NULL, 0, 0);
        return;
    }
    if (ring_is(r, RING_CHECK) && !tarn_ring_walk(r, wipe, NULL))
        tarn_ring_fault(r, TARN_FAULT_CORRUPTION, NULL, 0, 0);
    tarn_ring_rewind_all(r);
}
