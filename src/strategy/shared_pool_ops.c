/* SPDX-License-Identifier: MIT */
/*
 * shared_pool_ops.c - a shared pool and a cache of it seen as tarn_allocators: the hot operations,
 * the questions, and the two tables.
 *
 * The pool's operations find the calling thread's cache and do what the cache's do. Those of the whole
 * pool that no other thread may run beside (reset, visit, check) take no lock.
 */
#include "base/mem.h"
#include "strategy/shared_pool_chunk.h"

static tarn_shared_pool *pool_of(const tarn_allocator *a)
{
    return (tarn_shared_pool *)(uintptr_t)a;
}

static tarn_shared_cache *cache_of(const tarn_allocator *a)
{
    return (tarn_shared_cache *)(uintptr_t)a;
}

/* ── Blocks, through a cache ── */

static inline void *get(tarn_shared_cache *cache, size_t size, tarn_spec spec)
{
    return tarn_shared_cache_get(cache, size, spec);
}

TARN_SLOW void tarn_shared_cache_put_slow(tarn_shared_cache *cache, void *block, size_t size,
                                          tarn_spec spec)
{
    if ((cache->flags & SHARED_DEAD) != 0)
        tarn_shared_cache_free_slow(cache, block);
    else
        tarn_shared_put_slow(cache->pool, cache, block, size, spec);
}

/* As tarn_shared_cache_put, for a block that is not NULL. */
static inline void put(tarn_shared_cache *cache, void *block, size_t size, tarn_spec spec)
{
    void **top = cache->top;
    if (TARN_UNLIKELY(top == cache->full)) {
        tarn_shared_cache_put_slow(cache, block, size, spec);
        return;
    }
    *--top = block;
    shared_set_top(cache, top);
}

/* In place or not at all: every block of a pool is as big as every other. */
static void *fit(tarn_shared_cache *cache, void *block, size_t from, size_t new_size,
                 tarn_spec spec)
{
    const tarn_shared_pool *pool = cache->pool;
    if (new_size > pool->block_size || new_size < pool->min_size)
        return tarn_shared_refuse(cache,
                                  new_size > pool->block_size ? TARN_TOO_BIG : TARN_WRONG_SIZE,
                                  new_size, tarn_spec_align(spec), pool->block_size);
    if ((spec & TARN_ALIGN_BITS) > pool->spec_max)
        return tarn_shared_refuse(cache, TARN_BAD_ALIGN, new_size, tarn_spec_align(spec),
                                  (size_t)1 << pool->spec_max);
    if ((spec & TARN_ZERO) != 0 && new_size > from)
        memset((char *)block + from, 0, new_size - from);
    return block;
}

static size_t get_batch(tarn_shared_cache *cache, size_t size, tarn_spec spec, size_t count,
                        void **out)
{
    size_t n = 0;
    if (TARN_LIKELY(size - cache->min_size <= cache->span && (spec & 0xffffu) <= cache->spec_max))
        return tarn_shared_cache_alloc_batch(cache, count, out);
    while (n < count && (out[n] = tarn_shared_cache_get_slow(cache, size, spec)) != NULL)
        n++;
    return n;
}

static void put_batch(tarn_shared_cache *cache, size_t size, tarn_spec spec, size_t count,
                      void *const *blocks)
{
    if (TARN_LIKELY(cache->full != cache->empty)) {
        tarn_shared_cache_free_batch(cache, count, blocks);
        return;
    }
    for (size_t i = 0; i < count; i++)
        put(cache, blocks[i], size, spec);
}

/* ── A cache as an allocator ── */

static void *cache_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return get(cache_of(a), size, spec);
}

static void cache_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    put(cache_of(a), block, size, spec);
}

static void *cache_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                          size_t keep, tarn_spec spec)
{
    return fit(cache_of(a), block, old_size > keep ? old_size : keep, new_size, spec);
}

static tarn_block cache_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    void *block = get(cache_of(a), size, spec);
    return (tarn_block){block, block != NULL ? cache_of(a)->pool->block_size : 0};
}

static size_t cache_alloc_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                                void **out)
{
    return get_batch(cache_of(a), size, spec, count, out);
}

static void cache_free_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                             void *const *blocks)
{
    put_batch(cache_of(a), size, spec, count, blocks);
}

/* ── The pool as an allocator ── */

static TARN_SLOW void *alloc_first(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_shared_cache *cache = tarn_shared_pool_cache(pool_of(a));
    return cache != NULL ? get(cache, size, spec) : NULL;
}

static void *pool_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_shared_cache *cache = shared_seek(pool_of(a));
    return TARN_LIKELY(cache != NULL) ? get(cache, size, spec) : alloc_first(a, size, spec);
}

static TARN_SLOW void free_first(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_shared_put_slow(pool_of(a), tarn_shared_pool_cache(pool_of(a)), block, size, spec);
}

static void pool_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_shared_cache *cache = shared_seek(pool_of(a));
    if (TARN_LIKELY(cache != NULL))
        put(cache, block, size, spec);
    else
        free_first(a, block, size, spec);
}

static void *pool_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                         size_t keep, tarn_spec spec)
{
    tarn_shared_cache *cache = tarn_shared_pool_cache(pool_of(a));
    if (cache == NULL)
        return NULL;
    return fit(cache, block, old_size > keep ? old_size : keep, new_size, spec);
}

static tarn_block pool_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    void *block = pool_alloc(a, size, spec);
    return (tarn_block){block, block != NULL ? pool_of(a)->block_size : 0};
}

static size_t pool_alloc_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                               void **out)
{
    tarn_shared_cache *cache = tarn_shared_pool_cache(pool_of(a));
    return cache != NULL ? get_batch(cache, size, spec, count, out) : 0;
}

static void pool_free_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                            void *const *blocks)
{
    tarn_shared_cache *cache = tarn_shared_pool_cache(pool_of(a));
    if (cache != NULL) {
        put_batch(cache, size, spec, count, blocks);
        return;
    }
    for (size_t i = 0; i < count; i++)
        tarn_shared_put_slow(pool_of(a), NULL, blocks[i], size, spec);
}

/* ── Questions ── */

static const char *pool_name(const tarn_allocator *a)
{
    return pool_of(a)->name;
}

static tarn_answer pool_owns(const tarn_allocator *a, const void *block)
{
    tarn_shared_pool *pool = pool_of(a);
    tarn_shared_chunk *c;
    size_t i = 0;
    if ((pool->flags & SHARED_DEAD) != 0)
        return TARN_NO;
    tarn_mutex_lock(shared_mutex(pool));
    shared_place place = tarn_shared_find(pool, block, &c, &i);
    tarn_mutex_unlock(shared_mutex(pool));
    return place != SHARED_FOREIGN ? TARN_YES : TARN_NO;
}

static size_t pool_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    (void)block, (void)size, (void)spec;
    return pool_of(a)->block_size;
}

static size_t pool_trim(tarn_allocator *a)
{
    tarn_shared_pool *pool = pool_of(a);
    if ((pool->flags & SHARED_DEAD) != 0)
        return 0;
    return tarn_shared_trim(pool, shared_seek(pool));
}

/* Blocks of some homes that are neither free nor sent. */
static size_t out_of(const tarn_shared_home *h)
{
    size_t n = 0;
    for (; h != NULL; h = h->next)
        n += h->carved - h->free_blocks - tarn_shared_sent(h);
    return n;
}

static tarn_status pool_stats(const tarn_allocator *a, tarn_stats *out)
{
    tarn_shared_pool *pool = pool_of(a);
    size_t carried = 0, at_hand = 0, failures;
    if ((pool->flags & SHARED_DEAD) != 0)
        return TARN_OK;
    tarn_mutex_lock(shared_mutex(pool));
    failures = pool->failures;
    for (tarn_shared_cache *c = pool->caches; c != NULL; c = c->next) {
        shared_claim(c);
        carried += out_of(c->homes);
        at_hand += shared_at_hand(c);
        failures += __atomic_load_n(&c->failures, __ATOMIC_RELAXED);
        shared_unclaim(c);
    }
    carried += out_of(pool->orphans);
    out->known = TARN_STATS_LIVE | TARN_STATS_HELD | TARN_STATS_CHUNKS | TARN_STATS_FAILED;
    out->live_blocks = carried > at_hand ? carried - at_hand : 0; /* others may run meanwhile */
    out->live_bytes = out->live_blocks * pool->block_size;
    out->held_bytes = pool->held;
    out->idle_bytes = pool->held > out->live_bytes ? pool->held - out->live_bytes : 0;
    out->failures = failures;
    out->chunks = pool->chunk_count;
    tarn_mutex_unlock(shared_mutex(pool));
    return TARN_OK;
}

static tarn_why pool_why(const tarn_allocator *a)
{
    const tarn_shared_cache *cache = shared_seek(pool_of(a));
    return cache != NULL ? cache->why : pool_of(a)->why;
}

static tarn_allocator *pool_parent(const tarn_allocator *a, unsigned index)
{
    return index == 0 ? pool_of(a)->own_source.allocator : NULL;
}

/* ── The whole pool: nobody else uses it ── */

static tarn_status pool_reset(tarn_allocator *a)
{
    tarn_shared_pool *pool = pool_of(a);
    if ((pool->flags & SHARED_DEAD) != 0)
        return TARN_BAD_ARGUMENT;
    for (tarn_shared_cache *c = pool->caches; c != NULL; c = c->next) {
        c->top = c->empty;
        c->hand = c->reserved = 0;
    }
    for (tarn_shared_home *h = pool->homes; h != NULL; h = h->beside)
        tarn_shared_forget(h);
    return TARN_OK;
}

static void visit_chunk(const tarn_shared_chunk *c, tarn_visitor *see, void *user, bool *more)
{
    const tarn_shared_pool *pool = c->pool;
    for (size_t i = 0; i < c->carved && *more; i++) {
        bool sent = (c->sent[i / SHARED_WORD] >> (i % SHARED_WORD) & 1) != 0;
        if (!tarn_bitmap_has(&c->map, i) && !sent)
            *more = see(user, c->blocks + i * pool->stride, pool->block_size);
    }
}

static tarn_status pool_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    tarn_shared_pool *pool = pool_of(a);
    bool more = true;
    if ((pool->flags & SHARED_DEAD) != 0)
        return TARN_BAD_ARGUMENT;
    pool->visiting = true; /* a chunk stays where it is, whatever the visitor frees */
    for (tarn_shared_cache *c = pool->caches; c != NULL; c = c->next)
        tarn_shared_send_hand(c);
    for (const tarn_shared_chunk *c = pool->chunks; c != NULL && more; c = c->next)
        visit_chunk(c, see, user, &more);
    pool->visiting = false;
    return TARN_OK;
}

static bool cache_valid(const tarn_shared_cache *c)
{
    size_t idle = 0, hand = shared_at_hand(c), gone = hand < c->hand ? c->hand - hand : 0;
    if (c->full > c->top || c->top > c->empty)
        return false;
    for (const tarn_shared_home *h = c->homes; h != NULL; h = h->next) {
        if (h->cache != c)
            return false;
        idle += shared_idle(h);
    }
    for (void **at = c->top; at != c->empty; at++) {
        tarn_shared_chunk *chunk;
        size_t i = 0;
        if (tarn_shared_find(c->pool, *at, &chunk, &i) != SHARED_CARVED ||
            tarn_bitmap_has(&chunk->map, i))
            return false;
        for (void **other = at + 1; other != c->empty; other++) {
            if (*other == *at)
                return false;
        }
    }
    return c->reserved <= gone || hand + idle >= c->reserved - gone; /* I3 of shared_pool_cache.c */
}

static tarn_status pool_check(const tarn_allocator *a)
{
    const tarn_shared_pool *pool = pool_of(a);
    size_t chunks = 0, room = 0, in_homes = 0, spare = 0;
    if ((pool->flags & SHARED_DEAD) != 0)
        return TARN_CORRUPT;
    for (const tarn_shared_chunk *c = pool->chunks; c != NULL; c = c->next) {
        if (c->pool != pool || !tarn_shared_index_has(pool, (uintptr_t)c))
            return TARN_CORRUPT;
        chunks++;
        room += c->capacity;
    }
    for (const tarn_shared_home *h = pool->homes; h != NULL; h = h->beside) {
        if (!tarn_shared_home_valid(h))
            return TARN_CORRUPT;
        in_homes += h->room;
    }
    for (const tarn_shared_chunk *c = pool->spare; c != NULL; c = c->links[SHARED_CLASS].next) {
        if (c->home != NULL || c->carved != 0)
            return TARN_CORRUPT;
        spare += c->capacity;
    }
    for (const tarn_shared_cache *c = pool->caches; c != NULL; c = c->next) {
        if (c->pool != pool || !cache_valid(c))
            return TARN_CORRUPT;
    }
    return chunks == pool->chunk_count && room == pool->room && room <= pool->limit &&
                   in_homes + spare == room
               ? TARN_OK
               : TARN_CORRUPT;
}

static void pool_deinit(tarn_allocator *a)
{
    tarn_shared_pool_deinit(pool_of(a));
}

/* ── Questions to a cache: its pool answers ── */

static const tarn_allocator *pool_behind(const tarn_allocator *a)
{
    return &cache_of(a)->pool->allocator;
}

static bool is_dead(const tarn_allocator *a)
{
    return (cache_of(a)->flags & SHARED_DEAD) != 0;
}

static const char *cache_name(const tarn_allocator *a)
{
    return cache_of(a)->label;
}

static tarn_answer cache_owns(const tarn_allocator *a, const void *block)
{
    return is_dead(a) ? TARN_NO : pool_owns(pool_behind(a), block);
}

static size_t cache_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    return is_dead(a) ? size : pool_usable(pool_behind(a), block, size, spec);
}

static size_t cache_trim(tarn_allocator *a)
{
    if (is_dead(a) || tarn_shared_barred(cache_of(a), NULL))
        return 0;
    return tarn_shared_trim(cache_of(a)->pool, cache_of(a));
}

static tarn_status cache_check(const tarn_allocator *a)
{
    return is_dead(a) ? TARN_CORRUPT : pool_check(pool_behind(a));
}

static tarn_why cache_why(const tarn_allocator *a)
{
    return cache_of(a)->why;
}

static tarn_allocator *cache_parent(const tarn_allocator *a, unsigned index)
{
    return index == 0 && !is_dead(a) ? &cache_of(a)->pool->allocator : NULL;
}

static void cache_deinit(tarn_allocator *a)
{
    tarn_shared_cache_deinit(cache_of(a));
}

static void cache_share(tarn_allocator *a)
{
    tarn_thread_share(&cache_of(a)->owner);
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
};

static const tarn_rare_ops CACHE_RARE = {
    .bytes = sizeof(tarn_rare_ops),
    .name = cache_name,
    .owns = cache_owns,
    .usable = cache_usable,
    .trim = cache_trim,
    .check = cache_check,
    .why = cache_why,
    .parent = cache_parent,
    .deinit = cache_deinit,
    .share = cache_share,
};

#define CACHE_CAPS                                                                                 \
    (TARN_CAP_UNSIZED_FREE | TARN_CAP_FREE | TARN_CAP_RESIZE | TARN_CAP_OWNS | TARN_CAP_TRIM |     \
     TARN_CAP_CHECK)
#ifdef TARN_HAS_THREADS
#define THREADS_CAPS (TARN_CAP_THREADS | TARN_CAP_THREADS_FREE)
#else
#define THREADS_CAPS 0
#endif

const tarn_ops tarn_shared_pool_ops = {
    .abi = TARN_ABI,
    .caps = CACHE_CAPS | TARN_CAP_RESET | TARN_CAP_VISIT | TARN_CAP_STATS | THREADS_CAPS,
    .alloc = pool_alloc,
    .free = pool_free,
    .resize = pool_resize,
    .alloc_at_least = pool_alloc_at_least,
    .alloc_batch = pool_alloc_batch,
    .free_batch = pool_free_batch,
    .rare = &POOL_RARE,
};

const tarn_ops tarn_shared_cache_ops = {
    .abi = TARN_ABI,
    .caps = CACHE_CAPS,
    .alloc = cache_alloc,
    .free = cache_free,
    .resize = cache_resize,
    .alloc_at_least = cache_alloc_at_least,
    .alloc_batch = cache_alloc_batch,
    .free_batch = cache_free_batch,
    .rare = &CACHE_RARE,
};
