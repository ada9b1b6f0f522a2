/* SPDX-License-Identifier: MIT */
/*
 * pool.c - blocks of one size: life cycle, the slow half of alloc and free, bulk.
 *
 *     slots[]   ┌───────────────────────────┬──────────────────────────────┐
 *               │ room for freed blocks     │ blocks at hand               │
 *               └───────────────────────────┴──────────────────────────────┘
 *               full                        top ──► alloc pops              empty
 *
 * The array is a stack that grows downwards, so the blocks at hand stand in the order in which they
 * will be handed out, a refill lays them in address order, and a batch is one copy. pool_chunk.h
 * has the chunks and the counting, pool_ops.c the view as an allocator.
 *
 * I1  full <= top <= empty. With `check` or `steady` all three are equal: every alloc and free takes
 *     the slow way, and no other pool pays a branch for it.
 * I2  After deinit, too, the three are equal, span is 0 and min_size SIZE_MAX: whatever is called
 *     lands in a slow half, which looks at the flags first.
 * I3  Blocks at hand are carved, not free in a bitmap, and pairwise different unless the program
 *     freed one twice.
 *
 * Prior art: per-processor object magazines over slabs (J. Bonwick and J. Adams, "Magazines and
 * Vmem", USENIX 2001, section 3) and the object cache (J. Bonwick, "The Slab Allocator", USENIX
 * 1994, section 2).
 */

#include "base/mem.h"
#include "strategy/pool_chunk.h"

enum {
    HALF = TARN_POOL_SLOTS / 2,
    PARENT_CHUNK = 64 * 1024,
    LIBC_CHUNK = 256 * 1024, /* malloc maps it: only what is touched counts */
    PAGES_CHUNK = 1024 * 1024,
    BLOCKS_A_CHUNK = 32
};

_Static_assert(TARN_POOL_SLOTS >= 16 && TARN_POOL_SLOTS <= 4096, "see config.h");

/* ── Refusals and faults ── */

void *tarn_pool_refuse(tarn_pool *pool, tarn_status status, size_t size, size_t align, size_t limit)
{
    pool->failures++;
    pool->why = (tarn_why){status, size, align, limit};
    return NULL;
}

static void fault(const tarn_pool *pool, tarn_fault_kind kind, const void *block, size_t given,
                  size_t expected)
{
    tarn_fault_report(kind, "pool", pool->name, block, given, expected);
}

bool tarn_pool_stranger(tarn_pool *pool, const void *block)
{
    if ((pool->flags & TARN_POOL_CHECK) == 0 || tarn_thread_owns(&pool->owner))
        return false;
    fault(pool, TARN_FAULT_WRONG_THREAD, block, 0, 0);
    return true;
}

/* ── Blocks back ── */

static const tarn_fault_kind FAULT_OF_PLACE[] = {
    [TARN_POOL_CARVED] = TARN_FAULT_DOUBLE_FREE,
    [TARN_POOL_INSIDE] = TARN_FAULT_INTERIOR_POINTER,
    [TARN_POOL_FOREIGN] = TARN_FAULT_FOREIGN_POINTER,
};

/* A block into its chunk. A fault leaves the pool as it was. */
static void give_back(tarn_pool *pool, void *block, bool surely)
{
    tarn_pool_chunk *c;
    size_t i = 0;
    tarn_pool_place place = tarn_pool_find(pool, block, surely, &c, &i);
    if (TARN_LIKELY(place == TARN_POOL_CARVED && tarn_pool_mark_free(pool, c, i)))
        return;
    fault(pool, FAULT_OF_PLACE[place], block, 0, 0);
}

bool tarn_pool_may_resize(tarn_pool *pool, const void *block, size_t size)
{
    tarn_pool_chunk *c;
    size_t i = 0;
    if (tarn_pool_stranger(pool, block))
        return false;
    tarn_pool_place place = tarn_pool_find(pool, block, true, &c, &i);
    if (place != TARN_POOL_CARVED || tarn_bitmap_has(&c->map, i))
        fault(pool, FAULT_OF_PLACE[place], block, 0, 0);
    else if (size != 0 && size - pool->min_size > pool->span)
        fault(pool, TARN_FAULT_WRONG_SIZE, block, size, pool->block_size);
    else
        return true;
    return false;
}

/* All blocks at hand into their chunks. */
void tarn_pool_flush(tarn_pool *pool)
{
    while (pool->top != pool->empty) {
        pool->top += tarn_pool_give(pool, pool->top, (size_t)(pool->empty - pool->top));
        if (pool->top != pool->empty)
            give_back(pool, *pool->top++, false);
    }
}

/* The older half: those that would be handed out last. */
static void flush_older(tarn_pool *pool)
{
    void **at = pool->full + (TARN_POOL_SLOTS - HALF);
    while ((at += tarn_pool_give(pool, at, (size_t)(pool->empty - at))) != pool->empty)
        give_back(pool, *at++, false);
    memmove(pool->full + HALF, pool->full, (TARN_POOL_SLOTS - HALF) * sizeof(void *));
    pool->top = pool->full + HALF;
}

void tarn_pool_free_slow(tarn_pool *pool, void *block)
{
    if (block == NULL)
        return;
    if ((pool->flags & TARN_POOL_DEAD) != 0) {
        fault(pool, TARN_FAULT_USE_AFTER_DEINIT, block, 0, 0);
        return;
    }
    if (tarn_pool_stranger(pool, block))
        return;
    if ((pool->flags & TARN_POOL_NONE_AT_HAND) != 0) {
        give_back(pool, block, (pool->flags & TARN_POOL_CHECK) != 0);
        return;
    }
    flush_older(pool);
    *--pool->top = block;
}

void tarn_pool_put_slow(tarn_pool *pool, void *block, size_t size, tarn_spec spec)
{
    if (block != NULL && (pool->flags & (TARN_POOL_CHECK | TARN_POOL_DEAD)) == TARN_POOL_CHECK) {
        bool fits = size == 0 || size - pool->min_size <= pool->span;
        if (!fits || (spec & TARN_ALIGN_BITS) > pool->spec_max) {
            fault(pool, fits ? TARN_FAULT_WRONG_ALIGN : TARN_FAULT_WRONG_SIZE, block,
                  fits ? tarn_spec_align(spec) : size,
                  fits ? (size_t)1 << pool->spec_max : pool->block_size);
            return;
        }
    }
    tarn_pool_free_slow(pool, block);
}

void tarn_pool_free_batch(tarn_pool *pool, size_t count, void *const *blocks)
{
    while (count > 0) {
        size_t room = (size_t)(pool->top - pool->full), n = count < room ? count : room;
        if (n == 0) { /* full, checking or dead: free_slow makes room where there can be any */
            tarn_pool_free_slow(pool, *blocks);
            n = 1;
        } else {
            pool->top -= n;
            memcpy(pool->top, blocks, n * sizeof *blocks);
        }
        blocks += n;
        count -= n;
    }
}

/* ── Blocks out ── */

/* Lay blocks at hand, lowest address on top. False with the reason when there are none. */
static bool refill(tarn_pool *pool, tarn_status *status)
{
    void **base = pool->empty - HALF;
    size_t n = tarn_pool_take(pool, HALF, base, status);
    if (n < HALF)
        memmove(pool->empty - n, base, n * sizeof(void *));
    pool->top = pool->empty - n;
    return n > 0;
}

void *tarn_pool_alloc_slow(tarn_pool *pool)
{
    tarn_status status = TARN_OK;
    if ((pool->flags & TARN_POOL_DEAD) != 0) {
        fault(pool, TARN_FAULT_USE_AFTER_DEINIT, NULL, 0, 0);
        return NULL;
    }
    if (tarn_pool_stranger(pool, NULL))
        return NULL;
    if ((pool->flags & TARN_POOL_NONE_AT_HAND) != 0) {
        void *block;
        if (tarn_pool_take(pool, 1, &block, &status) == 1)
            return block;
    } else if (refill(pool, &status)) {
        return *pool->top++;
    }
    return tarn_pool_refuse(pool, status, pool->block_size, (size_t)1 << pool->spec_max,
                            status == TARN_LIMIT ? pool->room : 0);
}

void *tarn_pool_get_slow(tarn_pool *pool, size_t size, tarn_spec spec)
{
    size_t align = tarn_spec_align(spec);
    if ((pool->flags & TARN_POOL_DEAD) != 0)
        return tarn_pool_alloc_slow(pool);
    if (size > pool->block_size)
        return tarn_pool_refuse(pool, TARN_TOO_BIG, size, align, pool->block_size);
    if (size < pool->min_size)
        return tarn_pool_refuse(pool, TARN_WRONG_SIZE, size, align, pool->block_size);
    if ((spec & TARN_ALIGN_BITS) > pool->spec_max)
        return tarn_pool_refuse(pool, TARN_BAD_ALIGN, size, align, (size_t)1 << pool->spec_max);
    if ((spec & TARN_ZERO) != 0 && pool->init != NULL)
        return tarn_pool_refuse(pool, TARN_UNSUPPORTED, size, align, 0);
    void *block = tarn_pool_alloc(pool);
    if (block != NULL && (spec & TARN_ZERO) != 0)
        memset(block, 0, pool->block_size);
    return block;
}

size_t tarn_pool_alloc_batch(tarn_pool *pool, size_t count, void **out)
{
    size_t done = 0;
    while (done < count) {
        size_t left = count - done, have = (size_t)(pool->empty - pool->top),
               n = left < have ? left : have;
        if (n > 0) {
            memcpy(out + done, pool->top, n * sizeof *out);
            pool->top += n;
        } else {
            out[done] = tarn_pool_alloc_slow(pool);
            n = out[done] != NULL;
            if (n == 0)
                break;
        }
        done += n;
    }
    return done;
}

/* ── Life cycle ── */

static size_t default_align(size_t block_size)
{
    size_t divides = block_size & (~block_size + 1);
    return divides < _Alignof(max_align_t) ? divides : _Alignof(max_align_t);
}

/* block_size rounded up to align, 0 when that makes no sense or overflows. */
static size_t stride_of(size_t block_size, size_t align)
{
    if (block_size == 0 || (align & (align - 1)) != 0 || block_size > SIZE_MAX / 2 ||
        align > SIZE_MAX / 4)
        return 0;
    return (block_size + align - 1) & ~(align - 1);
}

/* Newton's iteration for the inverse of an odd number modulo 2^N; each step doubles the bits that
 * are right. */
static size_t inverse_of(size_t odd)
{
    size_t x = odd;
    for (int bits = 3; bits < 64; bits *= 2)
        x *= 2 - odd * x;
    return x;
}

static size_t bytes_of(size_t stride, size_t blocks)
{
    size_t bytes, words = tarn_bitmap_words(blocks);
    if (stride == 0 || __builtin_mul_overflow(stride, blocks, &bytes) || bytes > SIZE_MAX / 2 ||
        words > SIZE_MAX / 32)
        return 0;
    return ((bytes + 7) & ~(size_t)7) + words * 8;
}

size_t tarn_pool_bytes(size_t block_size, size_t align, size_t blocks)
{
    return bytes_of(stride_of(block_size, align != 0 ? align : default_align(block_size)), blocks);
}

static void set_sizes(tarn_pool *pool, const tarn_pool_options *o, size_t align, size_t stride)
{
    pool->block_size = o->block_size;
    pool->min_size = o->exact ? o->block_size : 0;
    pool->span = o->block_size - pool->min_size;
    pool->spec_max = TARN_SPEC(align);
    pool->stride = stride;
    pool->shift = TARN_SPEC(stride & (~stride + 1));
    pool->inverse = inverse_of(stride >> pool->shift);
    pool->limit = o->limit != 0 ? o->limit : SIZE_MAX;
}

/* A run in the caller's buffer. */
static tarn_status init_buffer(tarn_pool *pool, const tarn_pool_options *o)
{
    size_t align = (size_t)1 << pool->spec_max, to = align > 8 ? align : 8;
    size_t skip = (to - (uintptr_t)o->buffer % to) % to;
    size_t fit = skip < o->buffer_size ? tarn_pool_fit(pool, 0, o->buffer_size - skip) : 0;
    if (fit == 0 || fit < o->capacity) {
        pool->why = (tarn_why){TARN_LIMIT, o->block_size, align, fit};
        return TARN_LIMIT;
    }
    (void)tarn_pool_sole(pool, (char *)o->buffer + skip, o->capacity != 0 ? o->capacity : fit);
    return TARN_OK;
}

/* A run from the source. */
static tarn_status init_run(tarn_pool *pool, const tarn_pool_options *o)
{
    tarn_region region;
    size_t bytes = bytes_of(pool->stride, o->capacity);
    if (bytes == 0)
        return TARN_TOO_BIG;
    tarn_status status =
        tarn_source_map(pool->source, bytes, tarn_pool_region_align(pool), 0, &region);
    if (status != TARN_OK)
        return status;
    tarn_pool_chunk *c = tarn_pool_sole(pool, region.ptr, o->capacity);
    c->region = region.ptr;
    c->region_size = region.size;
    pool->held = region.size;
    return TARN_OK;
}

/* Chunks as they are needed. */
static tarn_status init_growing(tarn_pool *pool, const tarn_pool_options *o)
{
    size_t align = (size_t)1 << pool->spec_max, want, size = o->chunk_size;
    if (size == 0) {
        size = o->parent != NULL || o->source != NULL ? PARENT_CHUNK : LIBC_CHUNK;
        if (pool->source->granule >= 4096)
            size = PAGES_CHUNK;
        if (__builtin_mul_overflow(pool->stride, (size_t)BLOCKS_A_CHUNK, &want) ||
            want > SIZE_MAX / 4 - align)
            return TARN_TOO_BIG;
        /* A source gives whole granules, of huge pages perhaps: nothing of them is wasted. */
        while (tarn_pool_fit(pool, sizeof(tarn_pool_chunk), size) < BLOCKS_A_CHUNK ||
               (size < pool->source->granule && size <= SIZE_MAX / 4))
            size *= 2;
    }
    if ((size & (size - 1)) != 0 || tarn_pool_fit(pool, sizeof(tarn_pool_chunk), size) == 0)
        return TARN_BAD_ARGUMENT;
    pool->chunk_size = size;
    pool->chunk_mask = ~(uintptr_t)(size - 1);
    pool->low = UINTPTR_MAX;
    return TARN_OK;
}

tarn_status tarn_pool_init(tarn_pool *pool, const tarn_pool_options *o)
{
    size_t align = o->align != 0 ? o->align : default_align(o->block_size);
    int places = (o->source != NULL) + (o->parent != NULL) + (o->buffer != NULL);
    memset(pool, 0, offsetof(tarn_pool, slots));
    pool->name = o->name != NULL ? o->name : "pool";
    if (o->block_size == 0 || places > 1 ||
        (o->capacity != 0 && (o->chunk_size != 0 || o->limit != 0)))
        return TARN_BAD_ARGUMENT;
    if ((align & (align - 1)) != 0)
        return TARN_BAD_ALIGN;
    size_t stride = stride_of(o->block_size, align);
    if (stride == 0)
        return TARN_TOO_BIG;
    set_sizes(pool, o, align, stride);
    pool->init = o->init;
    pool->fini = o->fini;
    pool->user = o->user;
    pool->flags =
        (o->check || TARN_CHECKED ? TARN_POOL_CHECK : 0u) | (o->steady ? TARN_POOL_STEADY : 0u);
    pool->index = pool->small_index;
    pool->index_size = sizeof pool->small_index / sizeof *pool->small_index;
    pool->full = pool->slots;
    pool->empty = pool->top =
        (pool->flags & TARN_POOL_NONE_AT_HAND) != 0 ? pool->slots : pool->slots + TARN_POOL_SLOTS;
    pool->allocator.ops = o->init == NULL ? &tarn_pool_ops : &tarn_pool_cache_ops;
    if (o->buffer != NULL)
        return init_buffer(pool, o);
    pool->source = tarn_source_pick(o->source, o->parent, &pool->own_source);
    if (pool->source == NULL)
        return TARN_BAD_ARGUMENT;
    return o->capacity != 0 ? init_run(pool, o) : init_growing(pool, o);
}

void tarn_pool_deinit(tarn_pool *pool)
{
    if ((pool->flags & TARN_POOL_DEAD) != 0) {
        fault(pool, TARN_FAULT_USE_AFTER_DEINIT, NULL, 0, 0);
        return;
    }
    tarn_pool_flush(pool);
    for (tarn_pool_chunk *c = pool->first, *next; c != NULL; c = next) {
        next = c->next;
        (void)tarn_pool_release(pool, c);
    }
    if (pool->source != NULL)
        tarn_pool_index_deinit(pool);
    pool->flags |= TARN_POOL_DEAD;
    pool->full = pool->empty = pool->top = pool->slots;
    pool->min_size = SIZE_MAX;
    pool->span = 0;
    pool->chunk_mask = UINTPTR_MAX; /* a growing pool without a chunk: it owns nothing */
    pool->low = UINTPTR_MAX;
    pool->high = 0;
}

tarn_pool *tarn_pool_create(const tarn_pool_options *options, tarn_status *status)
{
    tarn_parent_source own;
    tarn_source *source = tarn_source_pick(options->source, options->parent, &own);
    tarn_region home = {NULL, 0, 0};
    tarn_status why = options->buffer != NULL || source == NULL ? TARN_BAD_ARGUMENT : TARN_OK;
    if (why == TARN_OK)
        why = tarn_source_map(source, sizeof(tarn_pool), _Alignof(tarn_pool), 0, &home);
    tarn_pool *pool = home.ptr;
    if (why == TARN_OK) {
        why = tarn_pool_init(pool, options);
        pool->home = home;
        pool->held += home.size;
        if (why != TARN_OK)
            tarn_source_unmap(source, home.ptr, home.size, _Alignof(tarn_pool));
    }
    if (status != NULL)
        *status = why;
    return why == TARN_OK ? pool : NULL;
}

void tarn_pool_destroy(tarn_pool *pool)
{
    if (pool == NULL)
        return;
    tarn_region home = pool->home;
    tarn_parent_source own = pool->own_source; /* the pool's own is about to go */
    tarn_source *source = pool->source == &pool->own_source.source ? &own.source : pool->source;
    tarn_pool_deinit(pool);
    tarn_source_unmap(source, home.ptr, home.size, _Alignof(tarn_pool));
}
