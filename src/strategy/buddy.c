/* SPDX-License-Identifier: MIT */
/*
 * buddy.c - life cycle of a buddy allocator: where the run and the metadata are.
 *
 *     from a source, or a buffer     ┌──────── blocks ────────┬─ metadata ─┐
 *                                    └────────────────────────┴────────────┘
 *     with `metadata`                ┌───────────── blocks ────────────────┐   ┌─ metadata ─┐
 *                                    └─────────────────────────────────────┘   └────────────┘
 *     metadata   ┌────────────────┬──────────────────────┬──────────────────┬──────────────────┐
 *                │ sets, one for  │ words of their       │ waiting blocks,  │ map, a byte for  │
 *                │ each order     │ bitmaps              │ lazy an order    │ each unit        │
 *                └────────────────┴──────────────────────┴──────────────────┴──────────────────┘
 *                └────── only when metadata is outside ──┘
 *
 * I1  The run begins at a multiple of the smallest block and has whole ones; what is in front of it
 *     and behind it in a buffer is never touched.
 * I2  With metadata outside no byte of the run is read or written, but for TARN_ZERO and the copy of
 *     a resize that moves.
 */
#include "strategy/buddy_blocks.h"

#include "base/align.h"
#include "base/checked.h"
#include "base/mem.h"

enum { MIN_BLOCK = 32, MAX_LAZY = 65535, LAZY = 16, UNITS_FOR_ONE = 128 };

/* What init works out before it takes anything. */
typedef struct plan {
    size_t min_block, lazy, units;
    bool by_size; /* lazy is to be chosen by the units */
    bool outside;
} plan;

static unsigned log2_of(size_t n)
{
    return (unsigned)(sizeof(unsigned long long) * 8 - 1) - (unsigned)__builtin_clzll(n);
}

/* Orders that a run of so many units can have at most. */
static unsigned orders_of(size_t units)
{
    unsigned orders = units != 0 ? log2_of(units) + 1 : 1;
    return orders < TARN_BUDDY_ORDERS ? orders : TARN_BUDDY_ORDERS;
}

/* Places of an order that may be whole in a run of so many units, counted from the one in which it
 * begins, wherever that is. */
static size_t places_of(size_t units, unsigned order)
{
    return (units >> order) + 1;
}

static size_t lazy_of(const plan *p)
{
    size_t some = p->units / UNITS_FOR_ONE;
    if (!p->by_size)
        return p->lazy;
    return some < LAZY ? some : LAZY;
}

/* Bytes of the parts of the metadata, up to the end of each. False when they overflow. */
static bool lay_out(const plan *p, size_t *words, size_t *waiting, size_t *map, size_t *end)
{
    unsigned orders = orders_of(p->units);
    size_t at = p->outside ? orders * sizeof(tarn_buddy_set) : 0, more;
    at = (at + 7) & ~(size_t)7;
    *words = at;
    *map = *end = 0;
    for (unsigned order = 0; p->outside && order < orders; order++)
        at += tarn_bitmap_words(places_of(p->units, order)) * sizeof(uint64_t);
    *waiting =
        at; /* at most 2 * units * 1.02 bits and some words: no overflow for units that exist */
    return tarn_mul(orders * sizeof(uintptr_t), lazy_of(p), &more) && tarn_add(at, more, map) &&
           tarn_add(*map, p->units, end);
}

static bool metadata_of(const plan *p, size_t *bytes)
{
    size_t words, waiting, map;
    return lay_out(p, &words, &waiting, &map, bytes);
}

/* The options in numbers. False when they make no sense. */
static bool choose(plan *p, size_t min_block, size_t lazy)
{
    p->min_block = min_block != 0 ? min_block : MIN_BLOCK;
    p->by_size = lazy == 0;
    p->lazy = lazy != TARN_BUDDY_EAGER ? lazy : 0;
    return tarn_is_power_of_two(p->min_block) && p->min_block >= sizeof(tarn_buddy_link) &&
           p->min_block <= SIZE_MAX / 4 && p->lazy <= MAX_LAZY;
}

size_t tarn_buddy_metadata_bytes(size_t size, size_t min_block, size_t lazy, bool outside)
{
    plan p = {.outside = outside};
    size_t bytes;
    if (!choose(&p, min_block, lazy))
        return 0;
    p.units = size / p.min_block + (size % p.min_block != 0);
    return metadata_of(&p, &bytes) && bytes <= SIZE_MAX / 2 ? (bytes + 7) & ~(size_t)7 : 0;
}

/* ── The parts in their places ── */

/* The run and its largest block. */
static void set_run(tarn_buddy *b, uintptr_t low, const plan *p)
{
    b->low = low;
    b->units = p->units;
    b->unit_log = log2_of(p->min_block);
    b->lazy = (uint32_t)lazy_of(p);
    b->orders = orders_of(p->units);
    b->top = b->orders - 1;
    uintptr_t high = low + (p->units << b->unit_log);
    for (; b->top > 0; b->top--) { /* natural alignment may leave no room for the largest */
        uintptr_t size = tarn_buddy_size(b, b->top), at = (low + size - 1) & ~(size - 1);
        if (at >= low && at <= high && high - at >= size)
            break;
    }
}

static void set_metadata(tarn_buddy *b, void *memory, const plan *p, bool zeroed)
{
    size_t words, waiting, map, end;
    char *bytes = memory;
    (void)lay_out(p, &words, &waiting, &map, &end);
    b->waiting = (uintptr_t *)(void *)(bytes + waiting);
    b->map = (uint8_t *)(bytes + map);
    b->metadata_bytes = end;
    if (!zeroed) {
        memset(bytes + words, 0, waiting - words);
        memset(b->map, 0, p->units);
    }
    if (p->outside) {
        uint64_t *at = (uint64_t *)(void *)(bytes + words);
        b->sets = memory;
        for (unsigned order = 0; order < b->orders; order++) {
            size_t places = places_of(p->units, order);
            tarn_buddy_set *set = tarn_buddy_sets(b) + order;
            *set = (tarn_buddy_set){.first = b->low >> (b->unit_log + order)};
            tarn_bitmap_init(&set->places, at, places);
            set->places.opened = (places + 63) / 64; /* all words are 0: the empty set */
            at += tarn_bitmap_words(places);
        }
    }
    tarn_buddy_fill(b);
}

static tarn_status refuse(tarn_buddy *b, tarn_status status, size_t needed, size_t limit)
{
    b->why = (tarn_why){status, needed, b->region_align, limit};
    return status;
}

/* The metadata, when it is outside. */
static tarn_status take_metadata(tarn_buddy *b, const tarn_buddy_options *o, const plan *p,
                                 void **memory)
{
    size_t bytes;
    if (!metadata_of(p, &bytes))
        return refuse(b, TARN_TOO_BIG, SIZE_MAX, 0);
    if (o->metadata != NULL) {
        *memory = tarn_alloc(o->metadata, bytes, TARN_SPEC(8));
        if (*memory == NULL)
            return refuse(b, TARN_NO_MEMORY, bytes, 0);
        b->metadata = o->metadata;
        b->metadata_block = *memory;
        b->metadata_bytes = bytes;
        b->held += bytes;
        return TARN_OK;
    }
    size_t gap = tarn_align_gap(o->metadata_buffer, 8);
    if (o->metadata_size < gap || o->metadata_size - gap < bytes)
        return refuse(b, TARN_LIMIT, bytes, o->metadata_size);
    *memory = (char *)o->metadata_buffer + gap;
    return TARN_OK;
}

/* ── From a buffer, from a source ── */

/* The most units that fit into `bytes`, with their metadata when it is inside. */
static size_t units_in(const plan *wanted, size_t bytes)
{
    plan p = *wanted;
    size_t low = 0, high = bytes / p.min_block, needed;
    while (low < high) { /* what is needed grows with the units */
        p.units = high - (high - low) / 2;
        if (p.outside)
            needed = 0;
        else if (!metadata_of(&p, &needed))
            needed = SIZE_MAX;
        if (needed <= bytes - p.units * p.min_block)
            low = p.units;
        else
            high = p.units - 1;
    }
    return low;
}

static tarn_status init_buffer(tarn_buddy *b, const tarn_buddy_options *o, plan *p)
{
    size_t gap = tarn_align_gap(o->buffer, p->min_block), needed;
    void *metadata;
    p->units = gap < o->buffer_size ? units_in(p, o->buffer_size - gap) : 0;
    if (p->units == 0) {
        p->units = 1;
        (void)metadata_of(p, &needed);
        return refuse(b, TARN_LIMIT, p->min_block + (p->outside ? 0 : needed), o->buffer_size);
    }
    set_run(b, (uintptr_t)o->buffer + gap, p);
    if (!p->outside) {
        metadata = (char *)o->buffer + gap + (p->units << b->unit_log);
    } else {
        tarn_status status = take_metadata(b, o, p, &metadata);
        if (status != TARN_OK)
            return status;
    }
    set_metadata(b, metadata, p, false);
    return TARN_OK;
}

static tarn_status init_run(tarn_buddy *b, const tarn_buddy_options *o, plan *p)
{
    size_t size, bytes, needed = 0;
    void *metadata = NULL;
    if (!tarn_round_up(o->size, p->min_block, &size))
        return refuse(b, TARN_TOO_BIG, o->size, 0);
    p->units = size / p->min_block;
    if ((!p->outside && !metadata_of(p, &needed)) || !tarn_add(size, needed, &bytes) ||
        bytes > SIZE_MAX / 2)
        return refuse(b, TARN_TOO_BIG, o->size, 0);
    unsigned top = orders_of(p->units) - 1;
    b->region_align = p->min_block << top;
    tarn_status status = p->outside ? take_metadata(b, o, p, &metadata) : TARN_OK;
    if (status != TARN_OK)
        return status;
    status = tarn_source_map(b->source, bytes, b->region_align, 0, &b->region);
    if (status != TARN_OK) {
        if (b->metadata_block != NULL)
            tarn_free(b->metadata, b->metadata_block, b->metadata_bytes, TARN_SPEC(8));
        return refuse(b, status, bytes, 0);
    }
    b->held += b->region.size;
    set_run(b, (uintptr_t)b->region.ptr, p);
    if (!p->outside)
        metadata = (char *)b->region.ptr + size;
    set_metadata(b, metadata, p, !p->outside && (b->region.traits & TARN_REGION_ZEROED) != 0);
    return TARN_OK;
}

/* ── Life cycle ── */

tarn_status tarn_buddy_init(tarn_buddy *b, const tarn_buddy_options *o)
{
    plan p = {.outside = o->metadata != NULL || o->metadata_buffer != NULL};
    bool placed = o->buffer != NULL;
    *b = (tarn_buddy){.name = o->name != NULL ? o->name : "buddy", .region_align = 1};
    b->allocator.ops = o->check || TARN_CHECKED ? &tarn_buddy_checked_ops : &tarn_buddy_ops;
    if (placed == (o->size != 0) || (placed && (o->source != NULL || o->parent != NULL)) ||
        (o->metadata != NULL && o->metadata_buffer != NULL) || !choose(&p, o->min_block, o->lazy))
        return refuse(b, TARN_BAD_ARGUMENT, o->size, 0);
    if (placed)
        return init_buffer(b, o, &p);
    b->source = tarn_source_pick(o->source, o->parent, &b->own_source);
    if (b->source == NULL)
        return refuse(b, TARN_BAD_ARGUMENT, o->size, 0);
    return init_run(b, o, &p);
}

void tarn_buddy_deinit(tarn_buddy *b)
{
    if (b->allocator.ops == &tarn_buddy_dead_ops) {
        tarn_fault_report(TARN_FAULT_USE_AFTER_DEINIT, "buddy", b->name, NULL, 0, 0);
        return;
    }
    if (b->metadata_block != NULL)
        tarn_free(b->metadata, b->metadata_block, b->metadata_bytes, TARN_SPEC(8));
    if (b->region.ptr != NULL)
        tarn_source_unmap(b->source, b->region.ptr, b->region.size, b->region_align);
    b->allocator.ops = &tarn_buddy_dead_ops;
    b->units = 0;
}

tarn_buddy *tarn_buddy_create(const tarn_buddy_options *options, tarn_status *status)
{
    tarn_parent_source own;
    tarn_region home = {NULL, 0, 0};
    tarn_source *source = tarn_source_pick(options->source, options->parent, &own);
    tarn_status why = options->buffer != NULL || source == NULL ? TARN_BAD_ARGUMENT : TARN_OK;
    if (why == TARN_OK)
        why = tarn_source_map(source, sizeof(tarn_buddy), _Alignof(tarn_buddy), 0, &home);
    tarn_buddy *b = home.ptr;
    if (why == TARN_OK) {
        why = tarn_buddy_init(b, options);
        b->home = home;
        b->held += home.size;
        if (why != TARN_OK)
            tarn_source_unmap(source, home.ptr, home.size, _Alignof(tarn_buddy));
    }
    if (status != NULL)
        *status = why;
    return why == TARN_OK ? b : NULL;
}

void tarn_buddy_destroy(tarn_buddy *b)
{
    if (b == NULL)
        return;
    tarn_region home = b->home;
    tarn_parent_source own = b->own_source; /* the buddy's own is about to go */
    tarn_source *source = b->source == &b->own_source.source ? &own.source : b->source;
    tarn_buddy_deinit(b);
    tarn_source_unmap(source, home.ptr, home.size, _Alignof(tarn_buddy));
}
