/* SPDX-License-Identifier: MIT */
/*
 * tlsf_region.c - the regions of a tlsf: added, found, emptied, given back.
 *
 *     without metadata, in the region itself:
 *         │ record │tag│ first …                                        │tag│ end: record's address │
 *     with metadata, in one block of that allocator; the region holds nothing but blocks:
 *         │ record │tag│ cell │ cell │ …                                │tag│ end: record's address │
 *
 * R1  With metadata, sorted[0 … count) are the regions by their memory and sorted[room … room +
 *     count) the same by their cells. Without, a region is found by a walk, which only questions
 *     and checking modes need.
 */
#include "strategy/tlsf_core.h"

#include "base/checked.h"

_Static_assert(TARN_TLSF_REGION_BYTES >=
                   sizeof(tarn_tlsf_region) + 3 * sizeof(void *) + 2 * TARN_TLSF_GRAIN - 2,
               "what a region needs beside its pieces");

/* ── Finding one ── */

/* How many of n regions start at or before `at`. */
static size_t rank(tarn_tlsf_region *const *sorted, size_t n, uintptr_t at, bool by_cell)
{
    size_t low = 0;
    while (low < n) {
        size_t middle = low + (n - low) / 2;
        uintptr_t start = (uintptr_t)(by_cell ? sorted[middle]->first : sorted[middle]->base);
        if (start <= at)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

tarn_tlsf_region *tarn_tlsf_region_of_piece(const tarn_tlsf *t, const char *p)
{
    tarn_tlsf_region *r = t->regions;
    if (tlsf_is_apart(t)) {
        tarn_tlsf_region **by_cell = t->sorted + t->region_room;
        size_t n = rank(by_cell, t->region_count, (uintptr_t)p, true);
        return n == 0 || p >= by_cell[n - 1]->end ? NULL : by_cell[n - 1];
    }
    while (r != NULL && (p < r->first || p >= r->end))
        r = r->next;
    return r;
}

tarn_tlsf_region *tarn_tlsf_region_of_byte(const tarn_tlsf *t, const void *byte)
{
    if (!tlsf_is_apart(t))
        return tarn_tlsf_region_of_piece(t, byte);
    if (t->region_count == 0)
        return NULL;
    size_t n = rank(t->sorted, t->region_count, (uintptr_t)byte, false);
    tarn_tlsf_region *r = n != 0 ? t->sorted[n - 1] : NULL;
    if (r == NULL ||
        (uintptr_t)byte - (uintptr_t)r->base >= tlsf_bytes(t, (size_t)(r->end - r->first)))
        return NULL;
    return r;
}

/* ── Adding ── */

/* Its pieces: one, free. */
static void lay_out(tarn_tlsf *t, tarn_tlsf_region *r)
{
    *tlsf_tag(r->end) = TLSF_AFTER_FREE;
    *(tarn_tlsf_region **)(void *)r->end = r;
    tlsf_add_free(t, r->first, (size_t)(r->end - r->first));
}

static void enter(tarn_tlsf *t, tarn_tlsf_region *r)
{
    r->high = r->first;
    r->prev = NULL;
    r->next = t->regions;
    if (r->next != NULL)
        r->next->prev = r;
    t->regions = r;
    t->region_count++;
    t->room += (size_t)(r->end - r->first);
    lay_out(t, r);
}

/* Record and pieces into the region. */
static tarn_status add_inside(tarn_tlsf *t, char *memory, size_t size, bool from_source)
{
    size_t skip = tarn_align_gap(memory, _Alignof(tarn_tlsf_region)), used, to_first;
    char *end;
    if (!tarn_add(skip, sizeof(tarn_tlsf_region) + TLSF_WORD, &used) || used >= size)
        return TARN_LIMIT;
    to_first = used + tarn_align_gap(memory + used, TLSF_GRAIN);
    if (to_first >= size || size - to_first < (size_t)TLSF_LEAST + TLSF_WORD)
        return TARN_LIMIT;
    end = memory + size - sizeof(void *);
    end -= (uintptr_t)end & (TLSF_GRAIN - 1);
    if (end - (memory + to_first) < (ptrdiff_t)TLSF_LEAST)
        return TARN_LIMIT;
    tarn_tlsf_region *r = (tarn_tlsf_region *)(void *)(memory + skip);
    *r = (tarn_tlsf_region){.first = memory + to_first,
                            .end = end,
                            .memory = memory,
                            .memory_size = size,
                            .base = memory,
                            .from_source = from_source};
    enter(t, r);
    return TARN_OK;
}

/* Room for one more in the sorted arrays. */
static bool make_room(tarn_tlsf *t)
{
    size_t room = t->region_room != 0 ? t->region_room * 2 : 4, n = t->region_count;
    if (n < t->region_room)
        return true;
    tarn_tlsf_region **fresh = tarn_alloc(t->metadata, 2 * room * sizeof(void *), TARN_ALIGN_MAX);
    if (fresh == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        fresh[i] = t->sorted[i];
        fresh[room + i] = t->sorted[t->region_room + i];
    }
    if (t->sorted != NULL)
        tarn_free(t->metadata, t->sorted, 2 * t->region_room * sizeof(void *), TARN_ALIGN_MAX);
    t->sorted = fresh;
    t->region_room = room;
    return true;
}

static void sort_in(tarn_tlsf_region **sorted, size_t n, tarn_tlsf_region *r, bool by_cell)
{
    size_t at = rank(sorted, n, (uintptr_t)(by_cell ? r->first : r->base), by_cell);
    for (size_t i = n; i > at; i--)
        sorted[i] = sorted[i - 1];
    sorted[at] = r;
}

/* Record and cells into a block of the metadata allocator. */
static tarn_status add_apart(tarn_tlsf *t, char *memory, size_t size)
{
    size_t grain = (size_t)1 << t->grain_log, skip = tarn_align_gap(memory, grain), bytes;
    size_t head =
        (sizeof(tarn_tlsf_region) + TLSF_WORD + TLSF_GRAIN - 1) & ~(size_t)(TLSF_GRAIN - 1);
    if (skip >= size || size - skip < grain)
        return TARN_LIMIT;
    size_t cells = (size - skip) >> t->grain_log;
    if (!tarn_mul(cells, TLSF_LEAST, &bytes) || bytes >= (size_t)1 << TARN_TLSF_LOG2 ||
        !tarn_add(bytes, head + sizeof(void *), &bytes))
        return TARN_TOO_BIG;
    if (!make_room(t))
        return TARN_NO_MEMORY;
    char *record = tarn_alloc(t->metadata, bytes, TARN_TLSF_GRAIN_LOG);
    if (record == NULL)
        return TARN_NO_MEMORY;
    tarn_tlsf_region *r = (tarn_tlsf_region *)(void *)record;
    *r = (tarn_tlsf_region){.first = record + head,
                            .end = record + head + cells * TLSF_LEAST,
                            .memory = memory,
                            .memory_size = size,
                            .base = memory + skip,
                            .record_size = bytes};
    sort_in(t->sorted, t->region_count, r, false);
    sort_in(t->sorted + t->region_room, t->region_count, r, true);
    enter(t, r);
    return TARN_OK;
}

static bool overlaps(const tarn_tlsf *t, const char *memory, size_t size)
{
    uintptr_t at = (uintptr_t)memory;
    for (const tarn_tlsf_region *r = t->regions; r != NULL; r = r->next) {
        uintptr_t other = (uintptr_t)r->memory;
        if (at < other + r->memory_size && other < at + size)
            return true;
    }
    return false;
}

tarn_status tarn_tlsf_add_region(tarn_tlsf *t, void *memory, size_t size)
{
    size_t end;
    if ((t->flags & (TLSF_DEAD | TLSF_CHECK)) != 0 && !tarn_tlsf_may_be_called(t))
        return TARN_BAD_ARGUMENT;
    if (memory == NULL || !tarn_add((size_t)(uintptr_t)memory, size, &end) ||
        overlaps(t, memory, size))
        return TARN_BAD_ARGUMENT;
    if (size >= (size_t)1 << TARN_TLSF_LOG2)
        return TARN_TOO_BIG;
    return tlsf_is_apart(t) ? add_apart(t, memory, size) : add_inside(t, memory, size, false);
}

tarn_status tarn_tlsf_grow(tarn_tlsf *t, size_t need)
{
    tarn_region region;
    /* A piece of just that size might be in the list below the one that is looked at first. */
    uint32_t fit = tarn_two_level_fit(TARN_TLSF_BITS, need >> TARN_TLSF_GRAIN_LOG);
    uint64_t least =
        (tarn_two_level_low(TARN_TLSF_BITS, fit) << TARN_TLSF_GRAIN_LOG) + TARN_TLSF_REGION_BYTES;
    size_t left = t->limit > t->held ? t->limit - t->held : 0;
    if (least >= (uint64_t)1 << (TARN_TLSF_LOG2 - 1)) /* the source may round it up */
        return TARN_TOO_BIG;
    size_t size, small; /* in the source's granules, as the limit counts what it gives */
    if (!tarn_round_up((size_t)least, t->source->granule, &small) ||
        !tarn_round_up(t->chunk_size, t->source->granule, &size))
        return TARN_TOO_BIG;
    if (size < small || size > left)
        size = small;
    if (size > left)
        return TARN_LIMIT;
    tarn_status status = tarn_source_map(t->source, size, TLSF_GRAIN, 0, &region);
    if (status != TARN_OK && size > small)
        status = tarn_source_map(t->source, small, TLSF_GRAIN, 0, &region);
    if (status != TARN_OK)
        return status;
    t->held += region.size;
    return add_inside(t, region.ptr, region.size, true);
}

/* ── Giving back ── */

static bool is_empty(const tarn_tlsf_region *r)
{
    return tlsf_is_free(r->first) && r->first + tlsf_size(r->first) == r->end;
}

static void sort_out(tarn_tlsf_region **sorted, size_t n, const tarn_tlsf_region *r, bool by_cell)
{
    size_t at = rank(sorted, n, (uintptr_t)(by_cell ? r->first : r->base), by_cell);
    for (; at < n; at++)
        sorted[at - 1] = sorted[at];
}

/* Forget a region, whatever it holds, and give back what is not the caller's. Returns the bytes
 * that the source got. */
static size_t drop(tarn_tlsf *t, tarn_tlsf_region *r)
{
    if (r->prev != NULL)
        r->prev->next = r->next;
    else
        t->regions = r->next;
    if (r->next != NULL)
        r->next->prev = r->prev;
    t->room -= (size_t)(r->end - r->first);
    if (tlsf_is_apart(t)) {
        sort_out(t->sorted, t->region_count, r, false);
        sort_out(t->sorted + t->region_room, t->region_count, r, true);
    }
    t->region_count--;
    if (r->record_size != 0)
        tarn_free(t->metadata, r, r->record_size, TARN_TLSF_GRAIN_LOG);
    else if (r->from_source) {
        size_t size = r->memory_size;
        t->held -= size;
        tarn_source_unmap(t->source, r->memory, size, TLSF_GRAIN);
        return size;
    }
    return 0;
}

tarn_status tarn_tlsf_remove_region(tarn_tlsf *t, const void *memory)
{
    tarn_tlsf_region *r = t->regions;
    if ((t->flags & (TLSF_DEAD | TLSF_CHECK)) != 0 && !tarn_tlsf_may_be_called(t))
        return TARN_BAD_ARGUMENT;
    while (r != NULL && (r->memory != memory || r->from_source))
        r = r->next;
    if (r == NULL)
        return TARN_BAD_ARGUMENT;
    if (!is_empty(r))
        return TARN_BUSY;
    tlsf_unlink(t, r->first, tlsf_size(r->first));
    (void)drop(t, r);
    return TARN_OK;
}

size_t tarn_tlsf_drop_empty(tarn_tlsf *t)
{
    size_t gone = 0;
    for (tarn_tlsf_region *r = t->regions, *next; r != NULL; r = next) {
        next = r->next;
        if (r->from_source && is_empty(r)) {
            tlsf_unlink(t, r->first, tlsf_size(r->first));
            gone += drop(t, r);
        }
    }
    return gone;
}

void tarn_tlsf_refill(tarn_tlsf *t)
{
    for (size_t i = 0; i < TARN_TLSF_BINS; i++)
        t->bins[i] = &t->nil;
    for (size_t i = 0; i <= TARN_TLSF_ROWS; i++)
        t->map[i] = 0;
    t->live = 0;
    t->used = 0;
    for (tarn_tlsf_region *r = t->regions; r != NULL; r = r->next)
        lay_out(t, r);
}

void tarn_tlsf_drop_all(tarn_tlsf *t)
{
    while (t->regions != NULL)
        (void)drop(t, t->regions);
    if (t->sorted != NULL)
        tarn_free(t->metadata, t->sorted, 2 * t->region_room * sizeof(void *), TARN_ALIGN_MAX);
    t->sorted = NULL;
    t->region_room = 0;
}
