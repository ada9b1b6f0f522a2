/* SPDX-License-Identifier: MIT */
/*
 * arena_ops.c - an arena seen as a tarn_allocator, and its invariants verified.
 */
#include "base/mem.h"
#include "strategy/arena_chunk.h"

static tarn_arena *of(tarn_allocator *a)
{
    return (tarn_arena *)a;
}

static const tarn_arena *of_const(const tarn_allocator *a)
{
    return (const tarn_arena *)a;
}

static void *ops_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return tarn_arena_alloc(of(a), size, spec);
}

static void ops_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    if (of(a)->cur != 0)
        tarn_arena_free(of(a), block, size);
    else
        tarn_arena_free_as(of(a), block, size, spec & TARN_ALIGN_BITS);
}

static void *ops_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                        size_t keep, tarn_spec spec)
{
    return tarn_arena_resize(of(a), block, old_size, new_size, keep, spec);
}

static tarn_block ops_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_block b = {tarn_arena_alloc(of(a), size, spec & ~(tarn_spec)TARN_ZERO), 0};
    if (b.ptr == NULL)
        return b;
    b.size = arena_whole(size);
    if ((spec & TARN_ZERO) != 0)
        memset(b.ptr, 0, b.size);
    return b;
}

static const char *ops_name(const tarn_allocator *a)
{
    return of_const(a)->name;
}

bool tarn_arena_owns(const tarn_arena *a, const void *address)
{
    /* Not only up to the position: it moves back when the last block is freed, and a block of no
     * bytes may stand behind it then. */
    for (const tarn_arena_chunk *c = a->current; c != NULL; c = c->older)
        if ((uintptr_t)address - c->low < c->high - c->low)
            return true;
    return false;
}

static tarn_answer ops_owns(const tarn_allocator *a, const void *block)
{
    return tarn_arena_owns(of_const(a), block) ? TARN_YES : TARN_NO;
}

static size_t ops_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    (void)a, (void)block, (void)spec;
    return arena_whole(size);
}

static tarn_status ops_reset(tarn_allocator *a)
{
    tarn_arena_reset(of(a), TARN_KEEP_ALL);
    return TARN_OK;
}

static tarn_mark ops_mark(tarn_allocator *a)
{
    return tarn_arena_mark(of(a));
}

static tarn_status ops_rewind(tarn_allocator *a, tarn_mark mark)
{
    return tarn_arena_rewind(of(a), mark);
}

static size_t ops_trim(tarn_allocator *a)
{
    return tarn_arena_trim(of(a));
}

static tarn_status ops_stats(const tarn_allocator *allocator, tarn_stats *out)
{
    const tarn_arena *a = of_const(allocator);
    size_t room = 0, used = 0;
    memset(out, 0, sizeof *out);
    out->known = TARN_STATS_FAILED | TARN_STATS_HELD | TARN_STATS_CHUNKS;
    for (const tarn_arena_chunk *c = a->first; c != NULL; c = c->newer)
        room += c->high - c->low;
    for (const tarn_arena_chunk *c = a->current; c != NULL; c = c->older) {
        uintptr_t stop = arena_stop(a, c);
        used += arena_is(a, ARENA_DOWN) ? c->high - stop : stop - c->low;
    }
    out->failures = a->failures;
    out->held_bytes = a->held;
    out->idle_bytes = room - used;
    out->chunks = a->chunks;
    if (arena_is(a, ARENA_CHECK) && tarn_arena_guards_hold(a, &out->live_blocks, &out->live_bytes))
        out->known |= TARN_STATS_LIVE;
    return TARN_OK;
}

/* I1 to I3 of arena_chunk.c, for one chunk; used: not behind the current one. */
static bool chunk_holds(const tarn_arena *a, const tarn_arena_chunk *c, bool used)
{
    uintptr_t stop = arena_stop(a, c);
    if (c->low % ARENA_CHUNK_ALIGN != 0 || c->high % ARENA_CHUNK_ALIGN != 0 || c->low > c->high)
        return false;
    if (c->newer != NULL && c->newer->older != c)
        return false;
    if (!used)
        return true;
    if (c->older != NULL && c->number != c->older->number + 1)
        return false;
    return stop >= c->low && stop <= c->high && stop % TARN_ARENA_GRAIN == 0;
}

static tarn_status ops_check(const tarn_allocator *allocator)
{
    const tarn_arena *a = of_const(allocator);
    size_t held = a->home.size, chunks = 0, blocks, bytes;
    bool used = a->current != NULL;
    for (const tarn_arena_chunk *c = a->first; c != NULL; c = c->newer) {
        if (!chunk_holds(a, c, used))
            return TARN_CORRUPT;
        used = used && c != a->current;
        chunks++;
        if (c != &a->own)
            held += c->region_size;
        else if (arena_is(a, ARENA_RANGE))
            held += c->high - c->low;
    }
    if (used || chunks != a->chunks || held != a->held)
        return TARN_CORRUPT;
    for (const tarn_arena_record *r = a->cleanups; r != NULL; r = r->older) {
        if (tarn_arena_find(a, (uintptr_t)r) != r->chunk)
            return TARN_CORRUPT;
    }
    return tarn_arena_guards_hold(a, &blocks, &bytes) ? TARN_OK : TARN_CORRUPT;
}

static tarn_why ops_why(const tarn_allocator *a)
{
    return of_const(a)->why;
}

static tarn_allocator *ops_parent(const tarn_allocator *allocator, unsigned index)
{
    const tarn_arena *a = of_const(allocator);
    return index == 0 && a->source == &a->own_source.source ? a->own_source.allocator : NULL;
}

static void ops_deinit(tarn_allocator *a)
{
    tarn_arena_deinit(of(a));
}

static void ops_share(tarn_allocator *a)
{
    tarn_thread_share(&of(a)->owner);
}

static const tarn_rare_ops ARENA_RARE = {
    .bytes = sizeof(tarn_rare_ops),
    .name = ops_name,
    .owns = ops_owns,
    .usable = ops_usable,
    .reset = ops_reset,
    .mark = ops_mark,
    .rewind = ops_rewind,
    .trim = ops_trim,
    .stats = ops_stats,
    .check = ops_check,
    .why = ops_why,
    .parent = ops_parent,
    .deinit = ops_deinit,
    .share = ops_share,
};

const tarn_ops tarn_arena_ops = {
    .abi = TARN_ABI,
    .caps = TARN_CAP_RESIZE | TARN_CAP_OWNS | TARN_CAP_RESET | TARN_CAP_MARK | TARN_CAP_TRIM |
            TARN_CAP_CHECK | TARN_CAP_STATS,
    .alloc = ops_alloc,
    .free = ops_free,
    .resize = ops_resize,
    .alloc_at_least = ops_alloc_at_least,
    .rare = &ARENA_RARE,
};
