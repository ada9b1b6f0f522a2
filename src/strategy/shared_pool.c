/* SPDX-License-Identifier: MIT */
/*
 * shared_pool.c - a pool for many threads: life cycle, chunks between source, spare ones and homes,
 * trim.
 *
 *     source ──map──► chunk ──► home of a cache ──empty, more than it keeps──► spare ──► another home
 *        ▲                           └───────────── trim: empty ────────────────┐ │
 *        └────────────────────────────────── unmap ─────────────────────────────┴─┘
 *
 * P1  A chunk is on pool->chunks from map to unmap; it is a home's, or spare (on pool->spare, home
 *     NULL), or on its way between the two, in the hands of one thread.
 * P2  A home is owned by one cache, or an orphan. There are never more homes than there were caches at
 *     one time: a cache without one takes an orphan first.
 * P3  The source is called under the mutex alone, so it need not know threads.
 * P4  room, held and chunk_count count what is on pool->chunks; room <= limit.
 *
 * shared_pool_chunk.h has the layout, the counting and the locks, shared_pool_message.h the frees across
 * threads.
 */
#include "base/checked.h"
#include "base/mem.h"
#include "strategy/shared_pool_chunk.h"

enum {
    PARENT_CHUNK = 64 * 1024,
    LIBC_CHUNK = 256 * 1024, /* malloc maps it: only what is touched counts */
    PAGES_CHUNK = 256 * 1024,
    BLOCKS_A_CHUNK = 32,
    MOST_BATCH = TARN_POOL_SLOTS / 2
};

_Static_assert(sizeof(tarn_mutex) <= sizeof(((tarn_shared_pool *)0)->mutex),
               "the mutex fits its place");
_Static_assert(sizeof(void *) != 8 || offsetof(tarn_shared_chunk, free) == 64,
               "what all read and what the owner writes are on different cache lines");

void tarn_shared_fault(const tarn_shared_pool *pool, tarn_fault_kind kind, const void *block,
                       size_t given, size_t expected)
{
    tarn_fault_report(kind, "shared pool", pool->name, block, given, expected);
}

/* ── Chunks and homes: under the mutex ── */

static tarn_shared_chunk *map_chunk(tarn_shared_pool *pool, tarn_status *status)
{
    tarn_region region;
    size_t left = pool->limit - pool->room;
    if (left == 0) {
        *status = TARN_LIMIT;
        return NULL;
    }
    *status = tarn_source_map(pool->source, pool->chunk_size, pool->chunk_size, 0, &region);
    if (*status != TARN_OK)
        return NULL;
    size_t capacity = tarn_shared_fit(pool, pool->chunk_size);
    tarn_shared_chunk *c = tarn_shared_lay(pool, region, capacity < left ? capacity : left);
    if (!tarn_shared_index_add(pool, c)) {
        tarn_source_unmap(pool->source, region.ptr, region.size, pool->chunk_size);
        *status = TARN_NO_MEMORY;
        return NULL;
    }
    c->next = pool->chunks;
    if (c->next != NULL)
        c->next->prev = c;
    pool->chunks = c;
    pool->chunk_count++;
    pool->room += c->capacity;
    pool->held += c->region_size;
    if ((uintptr_t)c < pool->low)
        __atomic_store_n(&pool->low, (uintptr_t)c, __ATOMIC_RELAXED);
    if ((uintptr_t)c + pool->chunk_size > pool->high)
        __atomic_store_n(&pool->high, (uintptr_t)c + pool->chunk_size, __ATOMIC_RELAXED);
    return c;
}

static size_t unmap_chunk(tarn_shared_pool *pool, tarn_shared_chunk *c)
{
    size_t size = c->region_size;
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        pool->chunks = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    tarn_shared_index_remove(pool, c);
    pool->chunk_count--;
    pool->room -= c->capacity;
    pool->held -= size;
    tarn_source_unmap(pool->source, c, size, pool->chunk_size);
    return size;
}

tarn_shared_chunk *tarn_shared_grow(tarn_shared_pool *pool, tarn_status *status)
{
    tarn_shared_chunk *c = pool->spare;
    if (c == NULL)
        return map_chunk(pool, status);
    pool->spare = c->links[SHARED_CLASS].next;
    return c;
}

void tarn_shared_spare(tarn_shared_pool *pool, tarn_shared_chunk *parted)
{
    while (parted != NULL) {
        tarn_shared_chunk *c = parted;
        parted = c->links[SHARED_CLASS].next;
        c->links[SHARED_CLASS].next = pool->spare;
        pool->spare = c;
    }
}

bool tarn_shared_add_home(tarn_shared_cache *cache)
{
    tarn_shared_pool *pool = cache->pool;
    tarn_shared_home *h = pool->orphans;
    if (h != NULL) {
        pool->orphans = h->next;
    } else {
        tarn_region region;
        if (tarn_source_map(pool->source, sizeof *h, _Alignof(tarn_shared_home), 0, &region) !=
            TARN_OK)
            return false;
        h = region.ptr;
        memset(h, 0, sizeof *h);
        h->region = region;
        h->beside = pool->homes;
        pool->homes = h;
        pool->held += region.size;
    }
    h->next = cache->homes;
    cache->homes = h;
    __atomic_store_n(&h->cache, cache, __ATOMIC_RELAXED);
    tarn_shared_collect(h, NULL);
    return true;
}

/* ── Trim ── */

size_t tarn_shared_release(tarn_shared_pool *pool)
{
    size_t gone = 0;
    tarn_shared_chunk *c;
    while ((c = pool->spare) != NULL) {
        pool->spare = c->links[SHARED_CLASS].next;
        gone += unmap_chunk(pool, c);
    }
    return gone;
}

static void part_all(tarn_shared_home *h, tarn_shared_chunk **parted)
{
    for (; h != NULL; h = h->next) {
        tarn_shared_collect(h, NULL);
        tarn_shared_part_empty(h, parted);
    }
}

size_t tarn_shared_trim(tarn_shared_pool *pool, tarn_shared_cache *own)
{
    tarn_shared_chunk *parted = NULL;
    tarn_mutex_lock(shared_mutex(pool));
    for (tarn_shared_cache *cache = pool->caches; cache != NULL; cache = cache->next) {
        shared_claim(cache);
        if (cache->reserved == 0) {
            if (cache == own)
                tarn_shared_send_hand(cache);
            part_all(cache->homes, &cache->parted);
        }
        if (cache == own) {
            tarn_shared_leave(cache, true);
            continue;
        }
        __atomic_store_n(&cache->asked, 1U, __ATOMIC_RELAXED);
        tarn_shared_spare(pool, cache->parted);
        cache->parted = NULL;
        shared_unclaim(cache);
    }
    part_all(pool->orphans, &parted);
    tarn_shared_spare(pool, parted);
    size_t gone = tarn_shared_release(pool);
    tarn_mutex_unlock(shared_mutex(pool));
    return gone;
}

/* ── The structs of threads' caches ── */

tarn_shared_cache *tarn_shared_new_cache(tarn_shared_pool *pool)
{
    tarn_status status = TARN_OK;
    tarn_mutex_lock(shared_mutex(pool));
    tarn_shared_cache *cache = pool->idle;
    tarn_region region;
    if (cache != NULL) {
        region = cache->home_region;
        pool->idle = cache->next;
    } else {
        status =
            tarn_source_map(pool->source, sizeof *cache, _Alignof(tarn_shared_cache), 0, &region);
        cache = region.ptr;
        pool->held += region.size;
    }
    if (status == TARN_OK) {
        tarn_shared_enter(cache, pool);
        cache->home_region = region;
    } else {
        pool->failures++;
        pool->why = (tarn_why){status, pool->block_size, (size_t)1 << pool->spec_max, 0};
    }
    tarn_mutex_unlock(shared_mutex(pool));
    return status == TARN_OK ? cache : NULL;
}

void tarn_shared_old_cache(tarn_shared_cache *cache)
{
    tarn_shared_pool *pool = cache->pool;
    tarn_mutex_lock(shared_mutex(pool));
    tarn_shared_retire(cache);
    cache->next = pool->idle;
    pool->idle = cache;
    tarn_mutex_unlock(shared_mutex(pool));
}

/* ── Life cycle ── */

static size_t default_align(size_t block_size)
{
    size_t divides = block_size & (~block_size + 1);
    return divides < _Alignof(max_align_t) ? divides : _Alignof(max_align_t);
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

/* Sizes of blocks; the options are otherwise sound. */
static tarn_status set_sizes(tarn_shared_pool *pool, const tarn_shared_pool_options *o)
{
    size_t align = o->align != 0 ? o->align : default_align(o->block_size), stride;
    if ((align & (align - 1)) != 0)
        return TARN_BAD_ALIGN;
    if (align > SIZE_MAX / 4 || !tarn_round_up(o->block_size, align, &stride) ||
        stride > SIZE_MAX / 2)
        return TARN_TOO_BIG;
    pool->block_size = o->block_size;
    pool->min_size = o->exact ? o->block_size : 0;
    pool->span = o->block_size - pool->min_size;
    pool->spec_max = TARN_SPEC(align);
    pool->stride = stride;
    pool->shift = (unsigned)__builtin_ctzll(stride);
    pool->inverse = inverse_of(stride >> pool->shift);
    return TARN_OK;
}

static tarn_status set_chunks(tarn_shared_pool *pool, const tarn_shared_pool_options *o)
{
    size_t size = o->chunk_size, want;
    if (size == 0) {
        size = o->parent != NULL || o->source != NULL ? PARENT_CHUNK : LIBC_CHUNK;
        if (pool->source->granule >= 4096)
            size = PAGES_CHUNK;
        if (!tarn_mul(pool->stride, BLOCKS_A_CHUNK, &want) ||
            want > SIZE_MAX / 4 - ((size_t)1 << pool->spec_max))
            return TARN_TOO_BIG;
        /* A source gives whole granules, of huge pages perhaps: nothing of them is wasted. */
        while (tarn_shared_fit(pool, size) < BLOCKS_A_CHUNK ||
               (size < pool->source->granule && size <= SIZE_MAX / 4))
            size *= 2;
    }
    if ((size & (size - 1)) != 0 || tarn_shared_fit(pool, size) == 0)
        return TARN_BAD_ARGUMENT;
    pool->chunk_size = size;
    pool->chunk_mask = ~(uintptr_t)(size - 1);
    return TARN_OK;
}

static tarn_status set_up(tarn_shared_pool *pool, const tarn_shared_pool_options *o)
{
    if (o->block_size == 0 || (o->source != NULL && o->parent != NULL) || o->batch > MOST_BATCH)
        return TARN_BAD_ARGUMENT;
    tarn_status status = set_sizes(pool, o);
    if (status != TARN_OK)
        return status;
    pool->limit = o->limit != 0 ? o->limit : SIZE_MAX;
    pool->batch = o->batch != 0 ? o->batch : MOST_BATCH;
    pool->source = tarn_source_pick(o->source, o->parent, &pool->own_source);
    if (pool->source == NULL)
        return TARN_BAD_ARGUMENT;
    status = set_chunks(pool, o);
    if (status != TARN_OK)
        return status;
    return tarn_mutex_init(shared_mutex(pool)) ? TARN_OK : TARN_NO_MEMORY;
}

tarn_status tarn_shared_pool_init(tarn_shared_pool *pool, const tarn_shared_pool_options *o)
{
    memset(pool, 0, sizeof *pool);
    pool->allocator.ops = &tarn_shared_pool_ops;
    pool->name = o->name != NULL ? o->name : "shared pool";
    pool->low = UINTPTR_MAX;
    pool->flags = o->check || TARN_CHECKED ? SHARED_CHECK : 0;
    tarn_status status = set_up(pool, o);
    if (status != TARN_OK) {
        pool->why = (tarn_why){status, o->block_size, o->align, 0};
        pool->flags |= SHARED_DEAD;
        pool->id = SHARED_NO_POOL;
        return status;
    }
    pool->id = tarn_shared_new_id();
    if (pool->own_source.allocator != NULL)
        tarn_share(pool->own_source.allocator); /* threads take turns with it, see P3 */
    return TARN_OK;
}

void tarn_shared_pool_deinit(tarn_shared_pool *pool)
{
    if ((pool->flags & SHARED_DEAD) != 0) {
        tarn_shared_fault(pool, TARN_FAULT_USE_AFTER_DEINIT, NULL, 0, 0);
        return;
    }
    tarn_shared_forget_threads(pool);
    for (tarn_shared_cache *c = pool->caches, *next; c != NULL; c = next) {
        tarn_region region = c->home_region;
        next = c->next;
        if (region.ptr == NULL)
            tarn_shared_kill(c);
        else
            tarn_source_unmap(pool->source, region.ptr, region.size, _Alignof(tarn_shared_cache));
    }
    for (tarn_shared_cache *c = pool->idle, *next; c != NULL; c = next) {
        next = c->next;
        tarn_source_unmap(pool->source, c, c->home_region.size, _Alignof(tarn_shared_cache));
    }
    while (pool->chunks != NULL)
        (void)unmap_chunk(pool, pool->chunks);
    for (tarn_shared_home *h = pool->homes, *next; h != NULL; h = next) {
        next = h->beside;
        tarn_source_unmap(pool->source, h, h->region.size, _Alignof(tarn_shared_home));
    }
    tarn_shared_index_deinit(pool);
    tarn_mutex_deinit(shared_mutex(pool));
    pool->caches = pool->idle = NULL;
    pool->homes = pool->orphans = NULL;
    pool->spare = NULL;
    pool->id = SHARED_NO_POOL;
    pool->flags |= SHARED_DEAD;
    pool->min_size = SIZE_MAX;
    pool->span = 0;
    pool->low = UINTPTR_MAX;
    pool->high = 0;
}

tarn_shared_pool *tarn_shared_pool_create(const tarn_shared_pool_options *options,
                                          tarn_status *status)
{
    tarn_parent_source own;
    tarn_region home = {NULL, 0, 0};
    tarn_source *source = tarn_source_pick(options->source, options->parent, &own);
    tarn_status why = source == NULL ? TARN_BAD_ARGUMENT : TARN_OK;
    if (why == TARN_OK)
        why =
            tarn_source_map(source, sizeof(tarn_shared_pool), _Alignof(tarn_shared_pool), 0, &home);
    tarn_shared_pool *pool = home.ptr;
    if (why == TARN_OK) {
        why = tarn_shared_pool_init(pool, options);
        pool->home_region = home;
        pool->held += home.size;
        if (why != TARN_OK)
            tarn_source_unmap(source, home.ptr, home.size, _Alignof(tarn_shared_pool));
    }
    if (status != NULL)
        *status = why;
    return why == TARN_OK ? pool : NULL;
}

void tarn_shared_pool_destroy(tarn_shared_pool *pool)
{
    if (pool == NULL)
        return;
    tarn_region home = pool->home_region;
    tarn_parent_source own = pool->own_source; /* the pool's own is about to go */
    tarn_source *source = pool->source == &pool->own_source.source ? &own.source : pool->source;
    tarn_shared_pool_deinit(pool);
    tarn_source_unmap(source, home.ptr, home.size, _Alignof(tarn_shared_pool));
}
