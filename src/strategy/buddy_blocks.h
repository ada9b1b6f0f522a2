/* SPDX-License-Identifier: MIT */
/*
 * buddy_blocks.h - splitting and merging; the inside of a buddy allocator.
 *
 *     low                                                            low + units * unit
 *     ├── block ──┬── block ──┬─────────── block ─────────────┬ … ────┤ metadata, when it is inside
 *     map: one byte a unit, 0 but where a block starts
 *
 * Invariants, checked by tarn_check:
 *
 * B1  Blocks tile the run: a block of order k starts at an address that is a multiple of unit << k,
 *     and the map is 0 for the rest of its units.
 * B2  Every block is live, free (in the set of its order) or waiting (in the array of its order).
 * B3  No two buddies are both free.
 * B4  Bit k of free_mask (wait_mask) is set exactly when order k has free (waiting) blocks; at most
 *     `lazy` blocks of an order wait.
 *
 * A set of free blocks is a list through the blocks, last in first out, or, when nothing may be
 * written into them, a bitmap of the places of that order, lowest address first.
 */
#ifndef TARN_STRATEGY_BUDDY_BLOCKS_H
#define TARN_STRATEGY_BUDDY_BLOCKS_H

#include <tarn/buddy.h>

#include "base/bitmap.h"

/* A byte of the map: 0, or a state with the order of the block that starts here. */
enum {
    BUDDY_ORDER = 0x1f,
    BUDDY_PURGED = 0x20, /* a free block whose memory has gone back to the source */
    BUDDY_STATE = 0xc0,
    BUDDY_LIVE = 0x40,
    BUDDY_FREE = 0x80,
    BUDDY_WAITING = 0xc0
};

_Static_assert(TARN_BUDDY_ORDERS == BUDDY_ORDER + 1, "an order fits its bits");

/* The free blocks of one order, when nothing is written into them. */
typedef struct tarn_buddy_set {
    tarn_bitmap places;
    size_t first; /* number of the place at which the run begins, counted from address 0 */
    size_t from;  /* no word before this one has a member                                */
    size_t count;
} tarn_buddy_set;

/* The links of a free block. */
typedef struct tarn_buddy_link {
    struct tarn_buddy_link *next, *prev;
} tarn_buddy_link;

static inline size_t tarn_buddy_size(const tarn_buddy *b, unsigned order)
{
    return (size_t)1 << (b->unit_log + order);
}

/* The unit at an address; at least b->units when it lies outside of the run. */
static inline size_t tarn_buddy_unit(const tarn_buddy *b, uintptr_t p)
{
    return (p - b->low) >> b->unit_log;
}

static inline tarn_buddy_set *tarn_buddy_sets(const tarn_buddy *b)
{
    return b->sets;
}

/* What a block address turned out to be: a live block, or which fault it is. */
bool tarn_buddy_is_live(const tarn_buddy *b, const void *block, tarn_fault_kind *fault);

/* The whole run as free blocks, as large as natural alignment allows. The map is all 0. */
void tarn_buddy_fill(tarn_buddy *b);

/* A block of that order, live; 0 when there is none. */
uintptr_t tarn_buddy_take(tarn_buddy *b, unsigned order);

/* A live block of that order is free, or waits. */
void tarn_buddy_give(tarn_buddy *b, uintptr_t p, unsigned order);

/* Give a live block another order where it stands. False when a buddy that it needs is not free. */
bool tarn_buddy_grow(tarn_buddy *b, uintptr_t p, unsigned from, unsigned to);
void tarn_buddy_shrink(tarn_buddy *b, uintptr_t p, unsigned from, unsigned to);

/* Merge all that wait. */
void tarn_buddy_settle(tarn_buddy *b);

/* Every block free; the map as tarn_buddy_fill leaves it. */
void tarn_buddy_clear(tarn_buddy *b);

/* B1 to B4. */
bool tarn_buddy_valid(const tarn_buddy *b);

/* Counts a refusal and its reason; always NULL. */
void *tarn_buddy_refuse(tarn_buddy *b, tarn_status status, size_t size, tarn_spec spec,
                        size_t limit);

/* The tables of operations: release, checking, after deinit. */
extern const tarn_ops tarn_buddy_ops, tarn_buddy_checked_ops, tarn_buddy_dead_ops;

#endif
