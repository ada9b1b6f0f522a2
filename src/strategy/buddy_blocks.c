/* SPDX-License-Identifier: MIT */
/*
 * buddy_blocks.c - blocks split and merged, the sets of free ones, and all of it verified. See
 * buddy_blocks.h for the picture and the invariants.
 *
 * The buddy of a block of order k at address p is p ^ (unit << k), whatever the address of the run:
 * a block that would reach beyond the run is never made, and a buddy outside of it is never found
 * free. So a run may begin and end anywhere.
 *
 * Bound: a take is at most one step down for each order, a give at most one up; with `lazy`, a take
 * that finds nothing merges at most lazy blocks of each order first.
 */
#include "strategy/buddy_blocks.h"

/* ── Sets of free blocks ── */

static inline size_t place_of(const tarn_buddy *b, const tarn_buddy_set *set, uintptr_t p,
                              unsigned order)
{
    return (p >> (b->unit_log + order)) - set->first;
}

static void set_add(const tarn_buddy *b, tarn_buddy_set *set, uintptr_t p, unsigned order)
{
    size_t i = place_of(b, set, p, order);
    (void)tarn_bitmap_add(&set->places, i);
    if (i >> 6 < set->from)
        set->from = i >> 6;
    set->count++;
}

static void set_drop(const tarn_buddy *b, tarn_buddy_set *set, uintptr_t p, unsigned order)
{
    size_t i = place_of(b, set, p, order), w = i >> 6;
    tarn_bitmap_put(&set->places, w, set->places.level[0][w] & ~((uint64_t)1 << (i & 63)));
    set->count--;
}

static uintptr_t set_lowest(const tarn_buddy *b, tarn_buddy_set *set, unsigned order)
{
    size_t w = tarn_bitmap_next(&set->places, set->from);
    size_t i = w * 64 + (size_t)__builtin_ctzll(set->places.level[0][w]);
    set->from = w;
    return (uintptr_t)(i + set->first) << (b->unit_log + order);
}

static inline tarn_buddy_link *link_at(uintptr_t p)
{
    return (tarn_buddy_link *)p; /* NOLINT(performance-no-int-to-ptr): a block's address */
}

static void list_add(tarn_buddy *b, uintptr_t p, unsigned order)
{
    tarn_buddy_link *link = link_at(p), *head = b->heads[order];
    *link = (tarn_buddy_link){head, NULL};
    if (head != NULL)
        head->prev = link;
    b->heads[order] = link;
}

static void list_drop(tarn_buddy *b, uintptr_t p, unsigned order)
{
    tarn_buddy_link *link = link_at(p);
    if (link->prev != NULL)
        link->prev->next = link->next;
    else
        b->heads[order] = link->next;
    if (link->next != NULL)
        link->next->prev = link->prev;
}

/* A block of which nothing is known yet becomes free. */
static inline void add_free(tarn_buddy *b, uintptr_t p, unsigned order, unsigned purged)
{
    b->map[tarn_buddy_unit(b, p)] = (uint8_t)(BUDDY_FREE | purged | order);
    if (b->sets != NULL)
        set_add(b, tarn_buddy_sets(b) + order, p, order);
    else
        list_add(b, p, order);
    b->free_mask |= (uint32_t)1 << order;
}

/* A free block leaves its set; its byte in the map is still to be written. */
static inline void drop_free(tarn_buddy *b, uintptr_t p, unsigned order)
{
    bool empty;
    if (b->sets != NULL) {
        set_drop(b, tarn_buddy_sets(b) + order, p, order);
        empty = tarn_buddy_sets(b)[order].count == 0;
    } else {
        list_drop(b, p, order);
        empty = b->heads[order] == NULL;
    }
    if (empty)
        b->free_mask &= ~((uint32_t)1 << order);
}

/* A free block leaves its set, whichever is quickest found. */
static inline uintptr_t pop_free(tarn_buddy *b, unsigned order)
{
    uintptr_t p;
    bool empty;
    if (b->sets != NULL) {
        tarn_buddy_set *set = tarn_buddy_sets(b) + order;
        p = set_lowest(b, set, order);
        set_drop(b, set, p, order);
        empty = set->count == 0;
    } else {
        tarn_buddy_link *link = b->heads[order];
        p = (uintptr_t)link;
        b->heads[order] = link->next;
        empty = link->next == NULL;
        if (!empty)
            link->next->prev = NULL;
    }
    if (empty)
        b->free_mask &= ~((uint32_t)1 << order);
    return p;
}

/* ── Waiting blocks ── */

static inline uintptr_t pop_waiting(tarn_buddy *b, unsigned order)
{
    uint32_t n = --b->wait_count[order];
    if (n == 0)
        b->wait_mask &= ~((uint32_t)1 << order);
    return b->waiting[(size_t)order * b->lazy + n];
}

static inline void push_waiting(tarn_buddy *b, uintptr_t p, unsigned order)
{
    b->map[tarn_buddy_unit(b, p)] = (uint8_t)(BUDDY_WAITING | order);
    b->waiting[(size_t)order * b->lazy + b->wait_count[order]++] = p;
    b->wait_mask |= (uint32_t)1 << order;
}

/* ── Splitting and merging ── */

static inline bool is_free(const tarn_buddy *b, uintptr_t p, unsigned order)
{
    size_t u = tarn_buddy_unit(b, p);
    return u < b->units && (b->map[u] & ~(unsigned)BUDDY_PURGED) == (BUDDY_FREE | order);
}

/* A block that is neither live nor in a set becomes free, as part of as large a one as there is. */
static void merge(tarn_buddy *b, uintptr_t p, unsigned order)
{
    for (; order < b->top; order++) {
        uintptr_t buddy = p ^ tarn_buddy_size(b, order);
        if (!is_free(b, buddy, order))
            break;
        drop_free(b, buddy, order);
        b->map[tarn_buddy_unit(b, p | buddy)] = 0; /* the upper half starts nothing any more */
        p &= buddy;
        b->merges++;
    }
    add_free(b, p, order, 0);
}

/* The upper halves of a block become free until it is of order `to`. */
static inline void split(tarn_buddy *b, uintptr_t p, unsigned from, unsigned to, unsigned purged)
{
    b->splits += from - to;
    while (from > to) {
        from--;
        add_free(b, p + tarn_buddy_size(b, from), from, purged);
    }
}

void tarn_buddy_settle(tarn_buddy *b)
{
    for (uint32_t left = b->wait_mask; left != 0; left &= left - 1) {
        unsigned order = (unsigned)__builtin_ctz(left);
        while (b->wait_count[order] > 0)
            merge(b, pop_waiting(b, order), order);
    }
}

uintptr_t tarn_buddy_take(tarn_buddy *b, unsigned order)
{
    const uint32_t wanted = ~(uint32_t)0 << order;
    uint32_t ready = (b->free_mask | b->wait_mask) & wanted;
    unsigned purged = 0;
    uintptr_t p;
    if (ready == 0) {
        if (b->wait_mask == 0)
            return 0;
        tarn_buddy_settle(b);
        ready = b->free_mask & wanted;
        if (ready == 0)
            return 0;
    }
    unsigned from = (unsigned)__builtin_ctz(ready);
    if ((b->wait_mask >> from & 1) != 0) {
        p = pop_waiting(b, from);
    } else {
        p = pop_free(b, from);
        if (from != order)
            purged = b->map[tarn_buddy_unit(b, p)] & BUDDY_PURGED;
    }
    split(b, p, from, order, purged);
    b->map[tarn_buddy_unit(b, p)] = (uint8_t)(BUDDY_LIVE | order);
    return p;
}

void tarn_buddy_give(tarn_buddy *b, uintptr_t p, unsigned order)
{
    if (b->wait_count[order] < b->lazy)
        push_waiting(b, p, order);
    else
        merge(b, p, order);
}

/* Are all the buddies free that a block of order `from` needs to become one of order `to`? */
static bool can_grow(const tarn_buddy *b, uintptr_t p, unsigned from, unsigned to)
{
    for (; from < to; from++) {
        uintptr_t size = tarn_buddy_size(b, from);
        if ((p & size) != 0 || !is_free(b, p + size, from))
            return false;
    }
    return true;
}

bool tarn_buddy_grow(tarn_buddy *b, uintptr_t p, unsigned from, unsigned to)
{
    if (!can_grow(b, p, from, to)) {
        if (b->wait_mask == 0)
            return false;
        tarn_buddy_settle(b); /* a resize that would have to move merges first */
        if (!can_grow(b, p, from, to))
            return false;
    }
    for (unsigned order = from; order < to; order++) {
        uintptr_t buddy = p + tarn_buddy_size(b, order);
        drop_free(b, buddy, order);
        b->map[tarn_buddy_unit(b, buddy)] = 0;
    }
    b->merges += to - from;
    b->map[tarn_buddy_unit(b, p)] = (uint8_t)(BUDDY_LIVE | to);
    return true;
}

void tarn_buddy_shrink(tarn_buddy *b, uintptr_t p, unsigned from, unsigned to)
{
    split(b, p, from, to, 0);
    b->map[tarn_buddy_unit(b, p)] = (uint8_t)(BUDDY_LIVE | to);
}

/* ── The whole run ── */

void tarn_buddy_fill(tarn_buddy *b)
{
    uintptr_t p = b->low, high = b->low + (b->units << b->unit_log);
    while (p != high) {
        unsigned order = (unsigned)__builtin_ctzll(p) - b->unit_log;
        if (order > b->top)
            order = b->top;
        while (tarn_buddy_size(b, order) > high - p)
            order--;
        add_free(b, p, order, 0);
        p += tarn_buddy_size(b, order);
    }
}

void tarn_buddy_clear(tarn_buddy *b)
{
    for (size_t u = 0, next; u < b->units; u = next) {
        unsigned order = b->map[u] & BUDDY_ORDER;
        if ((b->map[u] & BUDDY_STATE) == BUDDY_FREE)
            drop_free(b, b->low + (u << b->unit_log), order);
        b->map[u] = 0;
        next = u + ((size_t)1 << order);
    }
    for (unsigned order = 0; order < TARN_BUDDY_ORDERS; order++)
        b->wait_count[order] = 0;
    b->wait_mask = 0;
    tarn_buddy_fill(b);
}

/* The block that an address lies in; its byte of the map, 0 when there is none. Going up the orders,
 * the map is 0 at every place inside of the block until its start is reached. */
static unsigned enclosing(const tarn_buddy *b, uintptr_t p)
{
    for (unsigned order = 0; order <= b->top; order++) {
        size_t u = tarn_buddy_unit(b, p & ~(uintptr_t)(tarn_buddy_size(b, order) - 1));
        if (u < b->units && b->map[u] != 0)
            return b->map[u];
    }
    return 0;
}

bool tarn_buddy_is_live(const tarn_buddy *b, const void *block, tarn_fault_kind *fault)
{
    uintptr_t p = (uintptr_t)block;
    size_t u = tarn_buddy_unit(b, p);
    bool starts = (p & (tarn_buddy_size(b, 0) - 1)) == 0;
    if (TARN_LIKELY(u < b->units && starts && (b->map[u] & BUDDY_STATE) == BUDDY_LIVE))
        return true;
    unsigned around = u < b->units ? enclosing(b, p) & BUDDY_STATE : 0;
    if (around == BUDDY_LIVE)
        *fault = TARN_FAULT_INTERIOR_POINTER;
    else
        *fault = around != 0 && starts ? TARN_FAULT_DOUBLE_FREE : TARN_FAULT_FOREIGN_POINTER;
    return false;
}

/* ── Verifying ── */

static bool list_has(const tarn_buddy *b, uintptr_t p, unsigned order)
{
    const tarn_buddy_link *link = link_at(p);
    return (link->prev != NULL ? link->prev->next : b->heads[order]) == link &&
           (link->next == NULL || link->next->prev == link);
}

static bool free_valid(const tarn_buddy *b, uintptr_t p, unsigned order)
{
    if (order < b->top && is_free(b, p ^ tarn_buddy_size(b, order), order))
        return false; /* B3 */
    if (b->sets == NULL)
        return list_has(b, p, order);
    const tarn_buddy_set *set = tarn_buddy_sets(b) + order;
    size_t i = place_of(b, set, p, order);
    return i >> 6 >= set->from && tarn_bitmap_has(&set->places, i);
}

static bool waits(const tarn_buddy *b, uintptr_t p, unsigned order)
{
    for (uint32_t i = 0; i < b->wait_count[order]; i++) {
        if (b->waiting[(size_t)order * b->lazy + i] == p)
            return true;
    }
    return false;
}

/* The blocks of one order that are in its set, as far as one can count them. */
static bool set_valid(const tarn_buddy *b, unsigned order, size_t count, size_t waiting)
{
    bool some = (b->free_mask >> order & 1) != 0, wait = (b->wait_mask >> order & 1) != 0;
    if (some != (count > 0) || wait != (waiting > 0) || waiting > b->lazy ||
        waiting != b->wait_count[order])
        return false;
    if (b->sets != NULL && order < b->orders)
        return tarn_buddy_sets(b)[order].count == count &&
               tarn_bitmap_valid(&tarn_buddy_sets(b)[order].places);
    size_t linked = 0;
    for (const tarn_buddy_link *link = b->heads[order]; link != NULL && linked <= count;
         link = link->next)
        linked++;
    return linked == count;
}

bool tarn_buddy_valid(const tarn_buddy *b)
{
    size_t free[TARN_BUDDY_ORDERS] = {0}, waiting[TARN_BUDDY_ORDERS] = {0}, live = 0, bytes = 0;
    for (size_t u = 0, next; u < b->units; u = next) {
        uintptr_t p = b->low + (u << b->unit_log);
        unsigned order = b->map[u] & BUDDY_ORDER, state = b->map[u] & BUDDY_STATE;
        size_t size = tarn_buddy_size(b, order);
        next = u + ((size_t)1 << order);
        if (state == 0 || order > b->top || (p & (size - 1)) != 0 || next > b->units)
            return false; /* B1 */
        for (size_t rest = u + 1; rest < next; rest++) {
            if (b->map[rest] != 0)
                return false;
        }
        free[order] += state == BUDDY_FREE;
        waiting[order] += state == BUDDY_WAITING;
        live += state == BUDDY_LIVE;
        bytes += state == BUDDY_LIVE ? size : 0;
        if ((state == BUDDY_FREE && !free_valid(b, p, order)) ||
            (state == BUDDY_WAITING && !waits(b, p, order)))
            return false;
    }
    for (unsigned order = 0; order < TARN_BUDDY_ORDERS; order++) {
        if (!set_valid(b, order, free[order], waiting[order]))
            return false;
    }
    return live == b->allocs - b->frees && bytes == b->granted - b->freed;
}
