/* SPDX-License-Identifier: MIT */
/*
 * pool_ops.c - a pool seen as a tarn_allocator: questions, reset, trim, visit, check, and the two operation tables.
 *
 * Whoever walks the chunks first puts the blocks at hand back into them (tarn_pool_flush), so that a bit that is 0 means a
 * live block. Only check and stats, which may not change anything, count the blocks at hand as they are.
 */

#include "base/mem.h"
#include "strategy/pool_chunk.h"

/* ── Rare operations ── */

static const char *pool_name(const tarn_allocator *a)
{
    return ((const tarn_pool *)a)->name;
}

static tarn_answer pool_owns(const tarn_allocator *a, const void *block)
{
    tarn_pool_chunk *c;
    size_t i = 0;
    return tarn_pool_find((const tarn_pool *)a, block, true, &c, &i) != TARN_POOL_FOREIGN ? TARN_YES
                                                                                          : TARN_NO;
}

static size_t pool_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    (void)block, (void)size, (void)spec;
    return ((const tarn_pool *)a)->block_size;
}

static tarn_status pool_reset(tarn_allocator *a)
{
    tarn_pool *pool = (tarn_pool *)a;
    if (tarn_pool_stranger(pool, NULL))
        return TARN_BAD_ARGUMENT;
    tarn_pool_flush(pool);
    for (tarn_pool_chunk *c = pool->first; c != NULL; c = c->next)
        tarn_pool_forget(pool, c);
    return TARN_OK;
}

static size_t pool_trim(tarn_allocator *a)
{
    tarn_pool *pool = (tarn_pool *)a;
    size_t gone = 0;
    if (tarn_pool_stranger(pool, NULL))
        return 0;
    tarn_pool_flush(pool);
    for (tarn_pool_chunk *c = pool->first, *next; c != NULL; c = next) {
        next = c->next;
        if (c->free != c->carved)
            continue;
        if (pool->chunk_mask != 0) {
            gone += tarn_pool_release(pool, c);
        } else if (pool->source != NULL && c->carved > 0 &&
                   tarn_source_can(pool->source, TARN_SOURCE_PURGE)) {
            for (size_t i = 0; pool->fini != NULL && i < c->carved; i++)
                pool->fini(pool->user, c->blocks + i * pool->stride);
            bool (*init)(void *, void *) = pool->init;
            pool->init = NULL; /* nothing is constructed any more: forget all of it */
            tarn_pool_forget(pool, c);
            pool->init = init;
            if (tarn_source_purge(pool->source, c->region, c->region_size) == TARN_OK)
                gone += c->region_size;
        }
    }
    return gone;
}

static tarn_status pool_stats(const tarn_allocator *a, tarn_stats *out)
{
    const tarn_pool *pool = (const tarn_pool *)a;
    out->known = TARN_STATS_LIVE | TARN_STATS_HELD | TARN_STATS_CHUNKS | TARN_STATS_FAILED;
    out->live_blocks = pool->carved - pool->free - (size_t)(pool->empty - pool->top);
    out->live_bytes = out->live_blocks * pool->block_size;
    out->held_bytes = pool->held;
    out->idle_bytes = pool->held > out->live_bytes ? pool->held - out->live_bytes : 0;
    out->failures = pool->failures;
    out->chunks = pool->chunk_count;
    return TARN_OK;
}

static tarn_status pool_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    tarn_pool *pool = (tarn_pool *)a;
    if (tarn_pool_stranger(pool, NULL))
        return TARN_BAD_ARGUMENT;
    tarn_pool_flush(pool);
    for (tarn_pool_chunk *c = pool->first; c != NULL; c = c->next) {
        for (size_t i = 0; i < c->carved; i++) {
            if (!tarn_bitmap_has(&c->map, i) &&
                !see(user, c->blocks + i * pool->stride, pool->block_size))
                return TARN_OK;
        }
    }
    return TARN_OK;
}

static bool chunk_valid(const tarn_pool *pool, const tarn_pool_chunk *c)
{
    size_t free = 0;
    if (c->pool != pool || c->carved > c->capacity || c->map.opened != (c->carved + 63) / 64)
        return false;
    for (size_t w = 0; w < c->map.opened; w++)
        free += (size_t)__builtin_popcountll(c->map.level[0][w]);
    if (c->carved % 64 != 0 && c->map.level[0][c->carved / 64] >> (c->carved % 64) != 0)
        return false;
    return free == c->free && tarn_bitmap_valid(&c->map) &&
           (c->listed != 0) == (free > 0 && c != pool->current);
}

static bool slots_valid(const tarn_pool *pool)
{
    for (void **at = pool->top; at != pool->empty; at++) {
        tarn_pool_chunk *c;
        size_t i = 0;
        if (tarn_pool_find(pool, *at, true, &c, &i) != TARN_POOL_CARVED ||
            tarn_bitmap_has(&c->map, i))
            return false;
        for (void **other = at + 1; other != pool->empty; other++) {
            if (*other == *at)
                return false;
        }
    }
    return true;
}

static tarn_status pool_check(const tarn_allocator *a)
{
    const tarn_pool *pool = (const tarn_pool *)a;
    size_t carved = 0, free = 0, room = 0, chunks = 0;
    for (const tarn_pool_chunk *c = pool->first; c != NULL; c = c->next) {
        if (!chunk_valid(pool, c))
            return TARN_CORRUPT;
        carved += c->carved;
        free += c->free;
        room += c->capacity;
        chunks++;
    }
    bool sums = carved == pool->carved && free == pool->free && room == pool->room &&
                chunks == pool->chunk_count;
    return sums && pool->full <= pool->top && pool->top <= pool->empty && slots_valid(pool)
               ? TARN_OK
               : TARN_CORRUPT;
}

static tarn_why pool_why(const tarn_allocator *a)
{
    return ((const tarn_pool *)a)->why;
}

static tarn_allocator *pool_parent(const tarn_allocator *a, unsigned index)
{
    return index == 0 ? ((const tarn_pool *)a)->own_source.allocator : NULL;
}

static void pool_deinit(tarn_allocator *a)
{
    tarn_pool_deinit((tarn_pool *)a);
}

static void pool_share(tarn_allocator *a)
{
    tarn_thread_share(&((tarn_pool *)a)->owner);
}

/* ── The view as an allocator ── */

static void *pool_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return tarn_pool_get((tarn_pool *)a, size, spec);
}

static void pool_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_pool *pool = (tarn_pool *)a;
    void **top = pool->top;
    if (TARN_UNLIKELY(top == pool->full)) {
        tarn_pool_put_slow(pool, block, size, spec);
        return;
    }
    *--top = block;
    pool->top = top;
}

/* In place or not at all: every block of a pool is as big as every other. */
static void *pool_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                         size_t keep, tarn_spec spec)
{
    tarn_pool *pool = (tarn_pool *)a;
    size_t from = old_size > keep ? old_size : keep; /* an old size of 0 may mean "unknown" */
    if (pool->flags == TARN_POOL_CHECK && !tarn_pool_may_resize(pool, block, old_size))
        return NULL;
    if (new_size > pool->block_size || new_size < pool->min_size)
        return tarn_pool_refuse(pool, new_size > pool->block_size ? TARN_TOO_BIG : TARN_WRONG_SIZE,
                                new_size, tarn_spec_align(spec), pool->block_size);
    if ((spec & TARN_ALIGN_BITS) > pool->spec_max)
        return tarn_pool_refuse(pool, TARN_BAD_ALIGN, new_size, tarn_spec_align(spec),
                                (size_t)1 << pool->spec_max);
    if ((spec & TARN_ZERO) != 0 && new_size > from)
        memset((char *)block + from, 0, new_size - from);
    return block;
}

static tarn_block pool_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_pool *pool = (tarn_pool *)a;
    void *block = tarn_pool_get(pool, size, spec);
    return (tarn_block){block, block != NULL ? pool->block_size : 0};
}

static size_t pool_alloc_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                               void **out)
{
    tarn_pool *pool = (tarn_pool *)a;
    size_t n = 0;
    if (TARN_LIKELY(size - pool->min_size <= pool->span && (spec & 0xffffu) <= pool->spec_max))
        return tarn_pool_alloc_batch(pool, count, out);
    while (n < count && (out[n] = tarn_pool_get_slow(pool, size, spec)) != NULL)
        n++;
    return n;
}

static void pool_free_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                            void *const *blocks)
{
    tarn_pool *pool = (tarn_pool *)a;
    if (TARN_LIKELY(pool->full != pool->empty)) {
        tarn_pool_free_batch(pool, count, blocks);
        return;
    }
    for (size_t i = 0; i < count; i++)
        tarn_pool_put_slow(pool, blocks[i], size, spec);
}

static const tarn_rare_ops POOL_RARE = {
    .bytes = sizeof(tarn_rare_ops),
    .name = pool_name,
    .owns = pool_owns,
    .usable = pool_usable,
    .reset = pool_reset,
    .trim = pool_trim,
    .stats = pool_stats,
    .visit = pool_visit,
    .check = pool_check,
    .why = pool_why,
    .parent = pool_parent,
    .deinit = pool_deinit,
    .share = pool_share,
};

#define POOL_CAPS                                                                                  \
    (TARN_CAP_UNSIZED_FREE | TARN_CAP_FREE | TARN_CAP_RESIZE | TARN_CAP_OWNS | TARN_CAP_RESET |    \
     TARN_CAP_TRIM | TARN_CAP_VISIT | TARN_CAP_CHECK | TARN_CAP_STATS)
#define POOL_HOT                                                                                   \
    .abi = TARN_ABI, .alloc = pool_alloc, .free = pool_free, .resize = pool_resize,                \
    .alloc_at_least = pool_alloc_at_least, .alloc_batch = pool_alloc_batch,                        \
    .free_batch = pool_free_batch, .rare = &POOL_RARE

/* A bounded number of instructions, as long as the source is not called; an init takes as long as
 * it takes. */
const tarn_ops tarn_pool_ops = {.caps = POOL_CAPS | TARN_CAP_BOUNDED, POOL_HOT};
const tarn_ops tarn_pool_cache_ops = {.caps = POOL_CAPS, POOL_HOT};
