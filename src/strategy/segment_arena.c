/* SPDX-License-Identifier: MIT */
/*
 * segment_arena.c - an arena in memory that processes share: one atomic position.
 *
 *     base   START                  at                     end
 *     │ header │ blocks … │ block  │ free                   │
 *
 * I1  START <= at <= end, at a multiple of 8: all that may change, in one word.
 * I2  The header never changes and carries its own checksum; a view copies `end` out of it.
 *
 * Each operation takes effect at one compare-and-swap of `at`. That a position comes back (a block
 * was taken and freed in between) does no harm: only the position matters, not its history. The
 * swaps acquire and release, so that who takes a block sees all that its last owner did to it.
 */
#include <tarn/segment_arena.h>

#include "base/align.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/sum.h"

#define MAGIC 0x6e657241u /* "Aren" where the lowest byte comes first */
#define GRAIN ((size_t)8)

#define READ(x)     __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

typedef struct header {
    uint32_t magic;
    uint32_t version; /* of this layout */
    size_t bytes;
    uint64_t sum; /* of the above */
    size_t at;
} header;

enum { START = 64 };

_Static_assert(sizeof(header) <= START, "the header fits before the blocks");

static size_t whole(size_t size)
{
    return (size + (GRAIN - 1)) & ~(GRAIN - 1);
}

/* ── The place ─────────────────────────────────────────────────────────────────────────────── */

size_t tarn_segment_arena_bytes(size_t room)
{
    size_t bytes;
    return tarn_round_up(room, GRAIN, &bytes) && tarn_add(bytes, START, &bytes) &&
                   bytes <= PTRDIFF_MAX
               ? bytes
               : 0;
}

tarn_status tarn_segment_arena_format(void *place, size_t bytes)
{
    header h;
    memset(&h, 0, sizeof h);
    if (bytes < START || bytes > PTRDIFF_MAX)
        return TARN_BAD_ARGUMENT;
    if (!tarn_is_aligned(place, TARN_SEGMENT_ALIGN))
        return TARN_BAD_ALIGN;
    h.magic = MAGIC;
    h.version = 1;
    h.bytes = tarn_align_down(bytes, GRAIN);
    h.sum = tarn_sum(TARN_SUM_START, &h, offsetof(header, sum));
    h.at = START;
    memcpy(place, &h, sizeof h);
    return TARN_OK;
}

static const tarn_ops ARENA_OPS;

tarn_status tarn_segment_arena_init(tarn_segment_arena *a, void *place, size_t bytes,
                                    const char *name)
{
    header h;
    if (!tarn_is_aligned(place, TARN_SEGMENT_ALIGN))
        return TARN_BAD_ALIGN;
    if (bytes < START)
        return TARN_CORRUPT;
    memcpy(&h, place, offsetof(header, at));
    h.at = READ(((header *)place)->at);
    if (h.magic != MAGIC || h.version != 1 || h.bytes > bytes || h.bytes % GRAIN != 0 ||
        h.sum != tarn_sum(TARN_SUM_START, &h, offsetof(header, sum)) || h.at < START ||
        h.at > h.bytes || h.at % GRAIN != 0)
        return TARN_CORRUPT;
    memset(a, 0, sizeof *a);
    a->allocator.ops = &ARENA_OPS;
    a->name = name != NULL ? name : "segment arena";
    a->base = place;
    a->at = &((header *)place)->at;
    a->end = h.bytes;
    return TARN_OK;
}

/* ── Blocks ────────────────────────────────────────────────────────────────────────────────── */

static void *refuse(tarn_segment_arena *a, tarn_status status, size_t size, tarn_spec spec)
{
    (void)__atomic_fetch_add(&a->failures, 1, __ATOMIC_RELAXED);
    WRITE(a->failed_status, (uint32_t)status);
    WRITE(a->failed_size, size);
    WRITE(a->failed_log, spec & TARN_ALIGN_BITS);
    return NULL;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): it is written when the swap fails */
static bool move(tarn_segment_arena *a, size_t *seen, size_t to)
{
    return __atomic_compare_exchange_n(a->at, seen, to, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

void *tarn_segment_arena_alloc(tarn_segment_arena *a, size_t size, tarn_spec spec)
{
    tarn_spec log = spec & TARN_ALIGN_BITS;
    size_t align = tarn_spec_align(spec), seen = READ(*a->at), from;
    if (log > 12 || !tarn_is_aligned(a->base, align))
        return refuse(a, TARN_BAD_ALIGN, size, spec);
    if (size > a->end - START)
        return refuse(a, TARN_TOO_BIG, size, spec);
    do {
        from = (seen + align - 1) & ~(align - 1);
        if (from > a->end || whole(size) > a->end - from)
            return refuse(a, TARN_LIMIT, size, spec);
    } while (!move(a, &seen, from + whole(size)));
    if ((spec & TARN_ZERO) != 0)
        memset(a->base + from, 0, size);
    return a->base + from;
}

/* The distance of a block; SIZE_MAX when it is none of ours. */
static size_t distance(const tarn_segment_arena *a, const void *block)
{
    size_t at = (size_t)((uintptr_t)block - (uintptr_t)a->base);
    return at >= START && at <= a->end ? at : SIZE_MAX;
}

void tarn_segment_arena_free(tarn_segment_arena *a, void *block, size_t size)
{
    size_t from = distance(a, block), seen;
    if (block == NULL)
        return;
    if (TARN_UNLIKELY(from == SIZE_MAX)) {
        tarn_fault_report(TARN_FAULT_FOREIGN_POINTER, "segment arena", a->name, block, 0, 0);
        return;
    }
    seen = from + whole(size);
    while (READ(*a->at) == from + whole(size) && !move(a, &seen, from))
        seen = from + whole(size);
}

/* In place when it shrinks, or is the last and there is room; else by moving. */
static void *resize(tarn_segment_arena *a, void *block, size_t old_size, size_t new_size,
                    size_t keep, tarn_spec spec)
{
    size_t from = distance(a, block), old_end = from + whole(old_size), seen = old_end;
    bool fits = from != SIZE_MAX && new_size <= a->end - from && whole(new_size) <= a->end - from;
    if ((spec & TARN_ALIGN_BITS) > 12)
        return refuse(a, TARN_BAD_ALIGN, new_size, spec);
    while (fits && READ(*a->at) == old_end) {
        if (move(a, &seen, from + whole(new_size)))
            return block;
        seen = old_end;
    }
    if (whole(new_size) <= whole(old_size) && new_size <= whole(old_size))
        return block;
    if ((spec & (TARN_IN_PLACE | TARN_NO_COPY)) != 0)
        return refuse(a, TARN_UNSUPPORTED, new_size, spec);
    return tarn_resize_by_copy(&a->allocator, block, old_size, new_size, keep,
                               spec & ~(tarn_spec)TARN_ZERO);
}

size_t tarn_segment_arena_position(const tarn_segment_arena *a)
{
    return READ(*a->at);
}

tarn_status tarn_segment_arena_rewind(tarn_segment_arena *a, size_t position)
{
    size_t seen = READ(*a->at), to = position != 0 ? position : START;
    do {
        if (to < START || to > seen || to % GRAIN != 0)
            return TARN_BAD_ARGUMENT;
    } while (!move(a, &seen, to));
    return TARN_OK;
}

/* ── The view as an allocator ──────────────────────────────────────────────────────────────── */

static tarn_segment_arena *of(tarn_allocator *a)
{
    return (tarn_segment_arena *)a;
}

static const tarn_segment_arena *of_const(const tarn_allocator *a)
{
    return (const tarn_segment_arena *)a;
}

static void *ops_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return tarn_segment_arena_alloc(of(a), size, spec);
}

static void ops_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    (void)spec;
    tarn_segment_arena_free(of(a), block, size);
}

static void *ops_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                        size_t keep, tarn_spec spec)
{
    size_t from = old_size > keep ? old_size : keep;
    char *to = resize(of(a), block, old_size, new_size, keep, spec);
    if (to != NULL && (spec & TARN_ZERO) != 0 && new_size > from)
        memset(to + from, 0, new_size - from);
    return to;
}

static tarn_block ops_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_block b = {tarn_segment_arena_alloc(of(a), size, spec & ~(tarn_spec)TARN_ZERO), 0};
    if (b.ptr == NULL)
        return b;
    b.size = whole(size);
    if ((spec & TARN_ZERO) != 0)
        memset(b.ptr, 0, b.size);
    return b;
}

static const char *ops_name(const tarn_allocator *a)
{
    return of_const(a)->name;
}

static tarn_answer ops_owns(const tarn_allocator *a, const void *block)
{
    size_t at = distance(of_const(a), block);
    return at != SIZE_MAX && at < of_const(a)->end ? TARN_YES : TARN_NO;
}

static size_t ops_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    (void)a, (void)block, (void)spec;
    return whole(size);
}

static tarn_status ops_reset(tarn_allocator *a)
{
    return tarn_segment_arena_rewind(of(a), 0);
}

static tarn_mark ops_mark(tarn_allocator *a)
{
    return (tarn_mark){{of(a)->base + tarn_segment_arena_position(of(a)), of(a)->base}};
}

static tarn_status ops_rewind(tarn_allocator *a, tarn_mark mark)
{
    size_t at = distance(of(a), mark.at[0]);
    if (mark.at[1] != of(a)->base || at == SIZE_MAX)
        return TARN_BAD_ARGUMENT;
    return tarn_segment_arena_rewind(of(a), at);
}

static tarn_status ops_stats(const tarn_allocator *a, tarn_stats *out)
{
    memset(out, 0, sizeof *out);
    out->known = TARN_STATS_FAILED | TARN_STATS_HELD | TARN_STATS_CHUNKS;
    out->failures = READ(of_const(a)->failures);
    out->held_bytes = of_const(a)->end;
    out->idle_bytes = of_const(a)->end - tarn_segment_arena_position(of_const(a));
    out->chunks = 1;
    return TARN_OK;
}

/* I1 */
static tarn_status ops_check(const tarn_allocator *a)
{
    size_t at = tarn_segment_arena_position(of_const(a));
    return at >= START && at <= of_const(a)->end && at % GRAIN == 0 ? TARN_OK : TARN_CORRUPT;
}

static tarn_why ops_why(const tarn_allocator *a)
{
    const tarn_segment_arena *v = of_const(a);
    tarn_why why = {(tarn_status)READ(v->failed_status), 0, 0, 0};
    if (why.status != TARN_OK) {
        why.size = READ(v->failed_size);
        why.align = tarn_spec_align(READ(v->failed_log));
        why.limit = why.status == TARN_LIMIT ? v->end - START : 0;
    }
    return why;
}

/* The blocks stay: they are not this process's alone. */
static void ops_deinit(tarn_allocator *a)
{
    (void)a;
}

static const tarn_rare_ops ARENA_RARE = {
    .bytes = sizeof(tarn_rare_ops),
    .name = ops_name,
    .owns = ops_owns,
    .usable = ops_usable,
    .reset = ops_reset,
    .mark = ops_mark,
    .rewind = ops_rewind,
    .stats = ops_stats,
    .check = ops_check,
    .why = ops_why,
    .deinit = ops_deinit,
};

static const tarn_ops ARENA_OPS = {
    .abi = TARN_ABI,
    .caps = TARN_CAP_RESIZE | TARN_CAP_OWNS | TARN_CAP_RESET | TARN_CAP_MARK | TARN_CAP_CHECK |
            TARN_CAP_STATS | TARN_CAP_THREADS | TARN_CAP_THREADS_FREE,
    .alloc = ops_alloc,
    .free = ops_free,
    .resize = ops_resize,
    .alloc_at_least = ops_alloc_at_least,
    .rare = &ARENA_RARE,
};
