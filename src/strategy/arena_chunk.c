/* SPDX-License-Identifier: MIT */
/*
 * arena_chunk.c - the chunks of an arena.
 *
 *     first ──► own? ──► chunk ──► chunk ──► chunk ──► chunk        older ◄──► newer
 *               └───── in use ───┘ current  └──── idle ─────┘
 *
 *     a chunk of the source:   │ tarn_arena_chunk │ low … blocks … high │
 *     own (buffer or range):   the struct is in the arena; low … high is all of the memory
 *     a range that goes up:    │ low … committed … high │ reserved        │
 *     a range that goes down:  │ reserved         │ low … committed … high │
 *
 * I1  first … current are in use, their numbers count up from 0; behind current all are idle.
 * I2  held is the sum of region_size over the source's chunks, and what is committed of a range.
 * I3  low and high are multiples of 16, so that a position, a multiple of 8, can be rounded up to
 *     16 without passing high.
 */
#include "strategy/arena_chunk.h"
#include "base/mem.h"

/* Idle chunks that are looked at before another is taken. */
enum { LOOK_AT = 8 };

#define HEADER                                                                                     \
    ((sizeof(tarn_arena_chunk) + ARENA_CHUNK_ALIGN - 1) & ~(size_t)(ARENA_CHUNK_ALIGN - 1))

static tarn_arena_chunk *idle(const tarn_arena *a)
{
    return a->current != NULL ? a->current->newer : a->first;
}

void tarn_arena_enter(tarn_arena *a, tarn_arena_chunk *c, uintptr_t at)
{
    a->cur = a->end = 0;
    a->at = at;
    a->current = c;
    if (c == NULL)
        return;
    c->number = c->older != NULL ? c->older->number + 1 : 0;
    if (!arena_is(a, ARENA_DOWN | ARENA_CHECK)) {
        a->cur = at;
        a->end = c->high;
    }
}

static void advance(tarn_arena *a, tarn_arena_chunk *c)
{
    if (a->current != NULL)
        a->current->at = arena_position(a);
    tarn_arena_enter(a, c, arena_start(a, c));
}

static void unlink_chunk(tarn_arena *a, tarn_arena_chunk *c)
{
    if (c->older != NULL)
        c->older->newer = c->newer;
    else
        a->first = c->newer;
    if (c->newer != NULL)
        c->newer->older = c->older;
}

/* Put c first among the idle ones. */
static void link_chunk(tarn_arena *a, tarn_arena_chunk *c)
{
    c->older = a->current;
    c->newer = idle(a);
    if (c->newer != NULL)
        c->newer->older = c;
    if (c->older != NULL)
        c->older->newer = c;
    else
        a->first = c;
}

static void release_chunk(tarn_arena *a, tarn_arena_chunk *c)
{
    void *region = c->region;
    size_t size = c->region_size;
    unlink_chunk(a, c);
    a->held -= size;
    a->chunks--;
    tarn_source_unmap(a->source, region, size, ARENA_CHUNK_ALIGN);
}

/* From the latest, so that a parent that takes back last blocks gets them in that order. */
void tarn_arena_release(tarn_arena *a, const tarn_arena_chunk *but)
{
    tarn_arena_chunk *c = a->first, *older;
    while (c != NULL && c->newer != NULL)
        c = c->newer;
    for (; c != NULL; c = older) {
        older = c->older;
        if (c != but && c != &a->own)
            release_chunk(a, c);
    }
}

/* ── The next chunk ────────────────────────────────────────────────────────────────────────── */

static bool use_idle(tarn_arena *a, size_t need)
{
    tarn_arena_chunk *c = idle(a);
    for (int i = 0; c != NULL && i < LOOK_AT; i++, c = c->newer) {
        if (c->high - c->low < need)
            continue;
        if (c != idle(a)) {
            unlink_chunk(a, c);
            link_chunk(a, c);
        }
        advance(a, c);
        return true;
    }
    return false;
}

static size_t idle_bytes(const tarn_arena *a)
{
    size_t sum = 0;
    for (const tarn_arena_chunk *c = idle(a); c != NULL; c = c->newer)
        sum += c->region_size;
    return sum;
}

/* Bytes that may still be taken. */
static size_t left_of_limit(const tarn_arena *a)
{
    return a->limit > a->held ? a->limit - a->held : 0;
}

/* How much to take so that the limit holds: between least and want, both whole granules. Idle
 * chunks make room when that is what it takes. */
static tarn_status fit_limit(tarn_arena *a, size_t least, size_t granule, size_t *want)
{
    size_t left;
    if (a->limit == 0)
        return TARN_OK;
    left = left_of_limit(a);
    if (least > left) {
        if (least > left + idle_bytes(a))
            return TARN_LIMIT;
        (void)tarn_arena_trim(a);
        left = left_of_limit(a);
    }
    if (*want > left)
        *want = left - left % granule;
    return TARN_OK;
}

static tarn_status take_chunk(tarn_arena *a, size_t need)
{
    size_t granule = a->source->granule, least, want = a->next_size;
    tarn_region region;
    tarn_arena_chunk *c;
    tarn_status status;
    if (granule < ARENA_CHUNK_ALIGN)
        granule = ARENA_CHUNK_ALIGN;
    if (!tarn_add(need, HEADER, &least) || !tarn_round_up(least, granule, &least))
        return TARN_TOO_BIG;
    if (want < least || !tarn_round_up(want, granule, &want)) /* the source would round it */
        want = least;
    status = fit_limit(a, least, granule, &want);
    if (status != TARN_OK)
        return status;
    status = tarn_source_map(a->source, want, ARENA_CHUNK_ALIGN, 0, &region);
    if (status != TARN_OK && want > least)
        status = tarn_source_map(a->source, least, ARENA_CHUNK_ALIGN, 0, &region);
    if (status != TARN_OK)
        return status;
    c = region.ptr;
    memset(c, 0, sizeof *c);
    c->region = region.ptr;
    c->region_size = region.size;
    c->low = (uintptr_t)region.ptr + HEADER;
    c->high = tarn_align_down((uintptr_t)region.ptr + region.size, ARENA_CHUNK_ALIGN);
    link_chunk(a, c);
    a->held += region.size;
    a->chunks++;
    if (a->next_size < a->chunk_max)
        a->next_size = a->next_size <= a->chunk_max / 2 ? a->next_size * 2 : a->chunk_max;
    advance(a, c);
    return TARN_OK;
}

/* ── A range ───────────────────────────────────────────────────────────────────────────────── */

tarn_status tarn_arena_reserve(tarn_arena *a)
{
    tarn_region region;
    tarn_status status =
        tarn_source_map(a->source, a->reserve, ARENA_CHUNK_ALIGN, TARN_MAP_RESERVE, &region);
    if (status != TARN_OK)
        return status;
    a->own.region = region.ptr;
    a->own.region_size = region.size;
    a->own.low = (uintptr_t)region.ptr + (arena_is(a, ARENA_DOWN) ? region.size : 0);
    a->own.high = a->own.low;
    return TARN_OK;
}

void tarn_arena_unreserve(tarn_arena *a)
{
    tarn_source_unmap(a->source, a->own.region, a->own.region_size, ARENA_CHUNK_ALIGN);
}

/* Bytes of the range that are not committed. */
static size_t uncommitted(const tarn_arena *a)
{
    return a->own.region_size - (a->own.high - a->own.low);
}

/* Bytes from the position to the far end of a block; false when no range could have them. */
static bool reach(const tarn_arena *a, size_t size, size_t align, size_t *out)
{
    uintptr_t at = arena_position(a);
    size_t gap;
    if (!arena_is(a, ARENA_DOWN)) {
        gap = (size_t) - (at + arena_head(a)) & (align - 1);
        return tarn_add(size, gap + arena_head(a), out);
    }
    gap = (size_t)(at - size) & (align - 1);
    return size <= at && tarn_add(size, gap + arena_head(a), out);
}

/* As much as is committed already, within the sizes of chunks; never less than it takes. */
static tarn_status extend_range(tarn_arena *a, size_t need)
{
    tarn_arena_chunk *c = &a->own;
    bool down = arena_is(a, ARENA_DOWN);
    uintptr_t at = arena_position(a);
    size_t granule = a->source->granule, left = uncommitted(a), least, step = c->high - c->low;
    tarn_status status;
    assert(need > (down ? at - c->low : c->high - at));
    need -= down ? at - c->low : c->high - at;
    if (a->limit != 0 && left_of_limit(a) < left)
        left = tarn_align_down(left_of_limit(a), granule);
    if (!tarn_round_up(need, granule, &least) || least > left)
        return TARN_LIMIT;
    if (step < a->chunk_size)
        step = a->chunk_size;
    if (step > a->chunk_max)
        step = a->chunk_max;
    step = tarn_align_down(step, granule);
    if (step < least)
        step = least;
    if (step > left)
        step = left;
    status = tarn_source_commit(a->source, arena_pointer(down ? c->low - step : c->high), step);
    if (status != TARN_OK)
        return status;
    if (down)
        c->low -= step;
    else
        c->high += step;
    a->held += step;
    tarn_arena_enter(a, c, at);
    return TARN_OK;
}

static size_t trim_range(tarn_arena *a)
{
    tarn_arena_chunk *c = &a->own;
    size_t granule = a->source->granule, used, gone;
    uintptr_t at = arena_position(a);
    bool down = arena_is(a, ARENA_DOWN);
    if (!tarn_source_can(a->source, TARN_SOURCE_PURGE) ||
        !tarn_round_up(down ? c->high - at : at - c->low, granule, &used))
        return 0;
    gone = c->high - c->low - used;
    if (gone == 0 || tarn_source_purge(a->source, arena_pointer(down ? c->low : c->high - gone),
                                       gone) != TARN_OK)
        return 0;
    if (down)
        c->low += gone;
    else
        c->high -= gone;
    a->held -= gone;
    tarn_arena_enter(a, c, at);
    return gone;
}

/* ── What the other rooms call ─────────────────────────────────────────────────────────────── */

tarn_status tarn_arena_grow(tarn_arena *a, size_t size, size_t align)
{
    size_t need;
    if (arena_is(a, ARENA_RANGE))
        return reach(a, size, align, &need) ? extend_range(a, need) : TARN_TOO_BIG;
    if (!tarn_add(size, arena_head(a) + align, &need) ||
        !tarn_round_up(need, ARENA_CHUNK_ALIGN, &need))
        return TARN_TOO_BIG;
    if (use_idle(a, need))
        return TARN_OK;
    return a->source != NULL ? take_chunk(a, need) : TARN_LIMIT;
}

size_t tarn_arena_trim(tarn_arena *a)
{
    size_t held = a->held;
    if (arena_is(a, ARENA_DEAD) || tarn_arena_stranger(a, NULL))
        return 0;
    if (arena_is(a, ARENA_RANGE))
        return trim_range(a);
    for (tarn_arena_chunk *c = idle(a), *newer; c != NULL; c = newer) {
        newer = c->newer;
        if (c != &a->own)
            release_chunk(a, c);
    }
    return held - a->held;
}

const tarn_arena_chunk *tarn_arena_find(const tarn_arena *a, uintptr_t address)
{
    for (const tarn_arena_chunk *c = a->current; c != NULL; c = c->older) {
        uintptr_t stop = arena_stop(a, c);
        if (arena_is(a, ARENA_DOWN) ? address >= stop && address < c->high
                                    : address >= c->low && address < stop)
            return c;
    }
    return NULL;
}
