/* SPDX-License-Identifier: MIT */
/*
 * slots_runs.h - slots, their entries and their memory; the inside of a table of slots.
 *
 *     entries   ┌───┬─────────────┬─────────────┬─────┬──────── of a power of two, 0 from carved on ┐
 *               │ 0 │ key, object │ key, object │ …   │ bitmap of free slots │ owners (compacting)  │
 *               └───┴──────────┼──┴──────────┼──┴─────┴──────────────────────┴─────────────────────┘
 *     stable                   ▼             ▼
 *               ┌── object ─┬── object ─┬ … ┬ link ┐   ┌── object ─┬ …      runs of `chunk` objects,
 *               └───────────┴───────────┴───┴──────┘   └───────────┘        in the order of slots
 *     compacting    objects ┌── place 0 ─┬── place 1 ─┬ …   one array; owners[place] = slot
 *                           └────────────┴────────────┘
 *
 * Invariants, checked by tarn_slots_check:
 *
 * S1  The key of a live slot i is its handle: tag, generation (not 0), i.
 * S2  A slot that is not live has a key that leads to another entry (0, or tag and generation without
 *     an index: both lead to entry 0), whatever `reach` is; the key of entry 0 has all bits set and so
 *     leads to the last one. So no number equals the key of the entry that it leads to unless it is
 *     the handle of a live object.
 * S3  A slot that is not live is free (its bit is set, its key has the generation of its next handle),
 *     ready (its next handle stands in slots->ready) or retired (its key has generation 0).
 * S4  live + free + ready + retired = carved <= most <= mask, carved <= reach <= mask.
 * S5  Compacting: the live objects are places 0 to live - 1, entries[owners[p]].object is place p.
 * S6  No handle of the generation that a slot will have next, or of a later one, was ever given for
 *     it, nor one of `fresh` or later for a slot that is still to be carved (but see `wrap`).
 */
#ifndef TARN_STRATEGY_SLOTS_RUNS_H
#define TARN_STRATEGY_SLOTS_RUNS_H

#include <tarn/slots.h>

#include "base/bitmap.h"

/* slots->flags */
enum {
    SLOTS_CHECK = 1u << 0,   /* check the thread                                   */
    SLOTS_DEAD = 1u << 1,    /* deinitialised                                      */
    SLOTS_SLOW = 1u << 2,    /* handles are ready to the slow functions alone   */
    SLOTS_COMPACT = 1u << 3, /* the storage                                        */
    SLOTS_GROWS = 1u << 4,
    SLOTS_WRAP = 1u << 5
};

_Static_assert(sizeof(tarn_bitmap) <= sizeof(((tarn_slots *)0)->bitmap),
               "a bitmap fits where slots.h keeps one");

static inline tarn_bitmap *tarn_slots_bits(const tarn_slots *s)
{
    return s->bits;
}

static inline bool tarn_slots_lives(const tarn_slots *s, size_t index)
{
    return (s->entries[index].key & s->mask) == index;
}

/* Bytes of `room` entries with what stands behind them; 0 when they overflow. */
size_t tarn_slots_entry_bytes(size_t room, bool compact);

/* Entries for so many slots: a power of two. 0 when there is none. */
size_t tarn_slots_room_for(size_t slots);

/* A table without memory: its entries are its own two. */
void tarn_slots_empty(tarn_slots *s);

/* Entries and objects of a table that does not grow: from the source, or in a caller's memory. */
tarn_status tarn_slots_fix(tarn_slots *s, size_t slots);
void tarn_slots_place(tarn_slots *s, void *entries, void *objects, size_t slots);

/* Up to `want` handles into out: of free slots, lowest first; then of new ones. Status tells why there
 * are none. */
size_t tarn_slots_take(tarn_slots *s, size_t want, uint64_t *out, tarn_status *status);

/* The slot whose next handle this is becomes free. */
void tarn_slots_give(tarn_slots *s, uint64_t next);

/* All slots beyond the first `keep`, which are free, are given up, and memory with them. */
size_t tarn_slots_cut(tarn_slots *s, size_t keep);

/* All memory back. */
void tarn_slots_release(tarn_slots *s);

#endif
