/* SPDX-License-Identifier: MIT */
/*
 * shared_pool_cache.c - the slow halves of a cache: refill, flush, reserve; its beginning and end.
 *
 *     slots[]   ┌───────────────────────────┬──────────────────────────────┐
 *               │ room for freed blocks     │ blocks at hand               │
 *               └───────────────────────────┴──────────────────────────────┘
 *               full                        top ──► alloc pops              empty
 *
 * I1  full <= top <= empty. With `check`, and when dead, all three are equal: every call lands in a
 *     slow half, and no release build pays a branch for it.
 * I2  Where blocks come from, in this order: free bits of the cache's homes; messages to them; blocks
 *     never handed out; a home that nobody owns; a spare chunk; a new one; and, where there may be no
 *     new one, other caches' homes. Memory that was used before goes before memory that was not.
 * I3  hand is what was at hand when a slow half ran last. Between two of them at least hand - now
 *     allocations were made, so `reserved`, less by that much, is never less than what of the reserve
 *     is still to come; and at hand + idle in the homes >= reserved. A batch of others' blocks may
 *     leave the cache only while that stays true.
 *
 * Prior art: per-processor magazines over slabs (J. Bonwick and J. Adams, "Magazines and Vmem",
 * USENIX 2001, section 3).
 */
#include "base/mem.h"
#include "strategy/shared_pool_chunk.h"

/* ── Refusals, faults, whose it is ── */

void *tarn_shared_refuse(tarn_shared_cache *cache, tarn_status status, size_t size, size_t align,
                         size_t limit)
{
    __atomic_store_n(&cache->failures, cache->failures + 1, __ATOMIC_RELAXED);
    cache->why = (tarn_why){status, size, align, limit};
    return NULL;
}

bool tarn_shared_barred(tarn_shared_cache *cache, const void *block)
{
    tarn_fault_kind kind = TARN_FAULT_USE_AFTER_DEINIT;
    if ((cache->flags & SHARED_DEAD) == 0) {
        kind = TARN_FAULT_WRONG_THREAD;
        if ((cache->flags & SHARED_CHECK) == 0 || tarn_thread_owns(&cache->owner))
            return false;
    }
    tarn_fault_report(kind, "shared pool", cache->label, block, 0, 0); /* the pool may be gone */
    return true;
}

/* ── The claim ── */

/* Blocks that were allocated since the last time are no longer to come (I3). */
static void enter(tarn_shared_cache *cache)
{
    size_t hand = shared_at_hand(cache), gone = hand < cache->hand ? cache->hand - hand : 0;
    shared_claim(cache);
    cache->reserved -= gone < cache->reserved ? gone : cache->reserved;
}

void tarn_shared_leave(tarn_shared_cache *cache, bool locked)
{
    tarn_shared_pool *pool = cache->pool;
    tarn_shared_chunk *parted = cache->parted;
    cache->parted = NULL;
    cache->hand = shared_at_hand(cache);
    shared_unclaim(cache);
    if (parted == NULL)
        return;
    if (!locked)
        tarn_mutex_lock(shared_mutex(pool));
    tarn_shared_spare(pool, parted);
    if (!locked)
        tarn_mutex_unlock(shared_mutex(pool));
}

static size_t idle(const tarn_shared_cache *cache)
{
    size_t sum = 0;
    for (const tarn_shared_home *h = cache->homes; h != NULL; h = h->next)
        sum += shared_idle(h);
    return sum;
}

/* ── Blocks out ── */

/* Up to `want` blocks of a cache's homes, for `keeper`; see I2. */
static size_t take(const tarn_shared_cache *cache, tarn_shared_cache *keeper, size_t want,
                   void **out)
{
    size_t n = 0;
    for (tarn_shared_home *h = cache->homes; h != NULL && n < want; h = h->next)
        n += tarn_shared_take_free(h, want - n, out + n);
    for (tarn_shared_home *h = cache->homes; h != NULL && n == 0; h = h->next) {
        tarn_shared_collect(h, keeper);
        n += tarn_shared_take_free(h, want, out);
    }
    for (tarn_shared_home *h = cache->homes; h != NULL && n == 0; h = h->next)
        n += tarn_shared_carve(h, want, out);
    return n;
}

/* What others' homes have, when there is no other way. */
static size_t take_of_others(tarn_shared_cache *cache, size_t want, void **out)
{
    size_t n = 0;
    tarn_shared_cache *other = cache->pool->caches;
    for (; other != NULL && n == 0; other = other->next) {
        if (other == cache)
            continue;
        shared_claim(other);
        if (other->reserved == 0)
            n = take(other, NULL, want, out);
        shared_unclaim(other);
        __atomic_store_n(&other->asked, 1U, __ATOMIC_RELAXED);
    }
    return n;
}

/* Another home or chunk for a claimed cache: under the mutex. */
static bool extend(tarn_shared_cache *cache, tarn_status *status)
{
    tarn_shared_pool *pool = cache->pool;
    if ((cache->homes == NULL || pool->orphans != NULL)) {
        if (tarn_shared_add_home(cache))
            return true;
        *status = TARN_NO_MEMORY;
        return false;
    }
    tarn_shared_chunk *c = tarn_shared_grow(pool, status);
    if (c != NULL)
        tarn_shared_settle(cache->homes, c);
    return c != NULL;
}

/* The homes had nothing: under the mutex. */
static size_t take_more(tarn_shared_cache *cache, size_t want, void **out, tarn_status *status)
{
    size_t n;
    tarn_mutex_lock(shared_mutex(cache->pool));
    shared_claim(cache);
    while ((n = take(cache, cache, want, out)) == 0 && extend(cache, status))
        ;
    if (n == 0)
        n = take_of_others(cache, want, out);
    tarn_shared_leave(cache, true);
    tarn_mutex_unlock(shared_mutex(cache->pool));
    return n;
}

static size_t take_any(tarn_shared_cache *cache, size_t want, void **out, tarn_status *status)
{
    enter(cache);
    size_t n = take(cache, cache, want, out);
    tarn_shared_leave(cache, false);
    return n > 0 ? n : take_more(cache, want, out, status);
}

/* Lay blocks at hand, lowest address on top. False with the reason when there are none. */
static bool refill(tarn_shared_cache *cache, tarn_status *status)
{
    size_t batch = cache->pool->batch;
    void **base = cache->empty - batch;
    size_t n = take_any(cache, batch, base, status);
    if (n < batch)
        memmove(cache->empty - n, base, n * sizeof(void *));
    shared_set_top(cache, cache->empty - n);
    cache->hand = n;
    return n > 0;
}

static void *alloc_checked(tarn_shared_cache *cache, tarn_status *status)
{
    void *block;
    if (take_any(cache, 1, &block, status) == 0)
        return NULL;
    shared_claim(cache);
    cache->reserved -= cache->reserved > 0;
    shared_unclaim(cache);
    tarn_shared_mark_live(cache->pool, block);
    return block;
}

void *tarn_shared_cache_alloc_slow(tarn_shared_cache *cache)
{
    tarn_status status = TARN_OK;
    void *block = NULL;
    if (tarn_shared_barred(cache, NULL))
        return NULL;
    const tarn_shared_pool *pool = cache->pool;
    if ((cache->flags & SHARED_CHECK) != 0) {
        block = alloc_checked(cache, &status);
    } else if (refill(cache, &status)) {
        block = *cache->top;
        shared_set_top(cache, cache->top + 1);
    }
    if (block == NULL)
        return tarn_shared_refuse(cache, status, pool->block_size, (size_t)1 << pool->spec_max,
                                  status == TARN_LIMIT ? pool->limit : 0);
    return block;
}

size_t tarn_shared_cache_alloc_batch(tarn_shared_cache *cache, size_t count, void **out)
{
    size_t done = 0;
    while (done < count) {
        void **top = cache->top;
        size_t left = count - done, have = (size_t)(cache->empty - top),
               n = left < have ? left : have;
        if (n > 0) {
            memcpy(out + done, top, n * sizeof *out);
            shared_set_top(cache, top + n);
        } else {
            out[done] = tarn_shared_cache_alloc_slow(cache);
            n = out[done] != NULL;
            if (n == 0)
                break;
        }
        done += n;
    }
    return done;
}

/* ── Blocks back ── */

void tarn_shared_send_hand(tarn_shared_cache *cache)
{
    tarn_shared_give(cache->pool, cache, cache->top, (size_t)(cache->empty - cache->top));
    shared_set_top(cache, cache->empty);
}

/* All idle chunks and all blocks at hand leave: under the claim. */
static void send_all(tarn_shared_cache *cache)
{
    tarn_shared_send_hand(cache);
    for (tarn_shared_home *h = cache->homes; h != NULL; h = h->next) {
        tarn_shared_collect(h, NULL);
        if (!cache->pool->visiting)
            tarn_shared_part_empty(h, &cache->parted);
    }
}

/* A trim asked for what is at hand. A reserve goes before that. */
static void answer(tarn_shared_cache *cache)
{
    tarn_shared_pool *pool = cache->pool;
    __atomic_store_n(&cache->asked, 0U, __ATOMIC_RELAXED);
    enter(cache);
    if (cache->reserved == 0) {
        send_all(cache);
        tarn_shared_leave(cache, false);
        tarn_mutex_lock(shared_mutex(pool));
        (void)tarn_shared_release(pool);
        tarn_mutex_unlock(shared_mutex(pool));
        return;
    }
    tarn_shared_give(pool, cache, cache->empty - 1, 1);
    memmove(cache->full + 1, cache->full,
            (size_t)(cache->empty - cache->full - 1) * sizeof(void *));
    shared_set_top(cache, cache->full + 1);
    tarn_shared_leave(cache, false);
}

/* The oldest blocks at hand go home; as few as possible when a reserve counts on them (I3). */
static void flush_older(tarn_shared_cache *cache)
{
    size_t slots = (size_t)(cache->empty - cache->full), n = cache->pool->batch;
    if (TARN_UNLIKELY(__atomic_load_n(&cache->asked, __ATOMIC_RELAXED) != 0)) {
        answer(cache);
        return;
    }
    enter(cache);
    if (cache->reserved > 0 && slots + idle(cache) < cache->reserved + n)
        n = 1;
    tarn_shared_give(cache->pool, cache, cache->empty - n, n);
    memmove(cache->full + n, cache->full, (slots - n) * sizeof(void *));
    shared_set_top(cache, cache->full + n);
    tarn_shared_leave(cache, false);
}

/* When checking: what is it, and was it out? */
static bool came_back(const tarn_shared_pool *pool, const void *block)
{
    tarn_shared_chunk *c = NULL;
    size_t i = 0;
    tarn_mutex_lock(shared_mutex(pool));
    shared_place place = tarn_shared_find(pool, block, &c, &i);
    bool out = place == SHARED_CARVED && tarn_shared_mark_dead(c, i);
    tarn_mutex_unlock(shared_mutex(pool));
    if (!out)
        tarn_shared_fault(pool,
                          place == SHARED_CARVED   ? TARN_FAULT_DOUBLE_FREE
                          : place == SHARED_INSIDE ? TARN_FAULT_INTERIOR_POINTER
                                                   : TARN_FAULT_FOREIGN_POINTER,
                          block, 0, 0);
    return out;
}

/* Straight home, through no slots; cache NULL: by message. */
static void free_checked(tarn_shared_pool *pool, tarn_shared_cache *cache, void *block)
{
    if ((pool->flags & SHARED_CHECK) != 0 && !came_back(pool, block))
        return;
    if (cache != NULL)
        enter(cache);
    tarn_shared_give(pool, cache, &block, 1);
    if (cache != NULL)
        tarn_shared_leave(cache, false);
}

void tarn_shared_cache_free_slow(tarn_shared_cache *cache, void *block)
{
    if (block == NULL || tarn_shared_barred(cache, block))
        return;
    if ((cache->flags & SHARED_CHECK) != 0) {
        free_checked(cache->pool, cache, block);
        return;
    }
    flush_older(cache);
    void **top = cache->top - 1;
    *top = block;
    shared_set_top(cache, top);
}

void tarn_shared_cache_free_batch(tarn_shared_cache *cache, size_t count, void *const *blocks)
{
    while (count > 0) {
        size_t room = (size_t)(cache->top - cache->full), n = count < room ? count : room;
        if (n == 0) {
            tarn_shared_cache_free_slow(cache, *blocks);
            n = 1;
        } else {
            memcpy(cache->top - n, blocks, n * sizeof *blocks);
            shared_set_top(cache, cache->top - n);
        }
        blocks += n;
        count -= n;
    }
}

/* ── Through a handle ── */

void *tarn_shared_cache_get_slow(tarn_shared_cache *cache, size_t size, tarn_spec spec)
{
    size_t align = tarn_spec_align(spec);
    if ((cache->flags & SHARED_DEAD) != 0)
        return tarn_shared_cache_alloc_slow(cache);
    const tarn_shared_pool *pool = cache->pool;
    if (size > pool->block_size)
        return tarn_shared_refuse(cache, TARN_TOO_BIG, size, align, pool->block_size);
    if (size < pool->min_size)
        return tarn_shared_refuse(cache, TARN_WRONG_SIZE, size, align, pool->block_size);
    if ((spec & TARN_ALIGN_BITS) > pool->spec_max)
        return tarn_shared_refuse(cache, TARN_BAD_ALIGN, size, align, (size_t)1 << pool->spec_max);
    void *block = tarn_shared_cache_alloc(cache);
    if (block != NULL && (spec & TARN_ZERO) != 0)
        memset(block, 0, pool->block_size);
    return block;
}

void tarn_shared_put_slow(tarn_shared_pool *pool, tarn_shared_cache *cache, void *block,
                          size_t size, tarn_spec spec)
{
    if (block == NULL || ((pool->flags & SHARED_DEAD) != 0 && cache == NULL))
        return;
    if (pool->flags == SHARED_CHECK) { /* and not dead, too */
        bool fits = size == 0 || size - pool->min_size <= pool->span;
        if (!fits || (spec & TARN_ALIGN_BITS) > pool->spec_max) {
            tarn_shared_fault(pool, fits ? TARN_FAULT_WRONG_ALIGN : TARN_FAULT_WRONG_SIZE, block,
                              fits ? tarn_spec_align(spec) : size,
                              fits ? (size_t)1 << pool->spec_max : pool->block_size);
            return;
        }
    }
    if (cache != NULL)
        tarn_shared_cache_free(cache, block);
    else
        free_checked(pool, NULL, block);
}

/* ── Reserve, flush, pass ── */

tarn_status tarn_shared_cache_reserve(tarn_shared_cache *cache, size_t count)
{
    tarn_shared_pool *pool = cache->pool;
    tarn_status status = TARN_OK;
    if (tarn_shared_barred(cache, NULL))
        return TARN_BAD_ARGUMENT;
    tarn_mutex_lock(shared_mutex(pool));
    enter(cache);
    for (tarn_shared_home *h = cache->homes; h != NULL; h = h->next)
        tarn_shared_collect(h, NULL);
    while (status == TARN_OK && shared_at_hand(cache) + idle(cache) < count)
        (void)extend(cache, &status);
    if (status == TARN_OK)
        cache->reserved = count;
    tarn_shared_leave(cache, true);
    tarn_mutex_unlock(shared_mutex(pool));
    if (status != TARN_OK)
        (void)tarn_shared_refuse(cache, status, pool->block_size, (size_t)1 << pool->spec_max,
                                 status == TARN_LIMIT ? pool->limit : 0);
    return status;
}

void tarn_shared_cache_flush(tarn_shared_cache *cache)
{
    if (tarn_shared_barred(cache, NULL))
        return;
    shared_claim(cache);
    cache->reserved = 0;
    send_all(cache);
    tarn_shared_leave(cache, false);
}

void tarn_shared_cache_pass(tarn_shared_cache *cache)
{
    if (!tarn_shared_barred(cache, NULL))
        __atomic_store_n(&cache->owner, TARN_OWNER_NONE, __ATOMIC_RELAXED);
}

/* ── Beginning and end ── */

static void label(tarn_shared_cache *cache, const char *name)
{
    size_t n = strlen(name);
    n = n < sizeof cache->label ? n : sizeof cache->label - 1;
    memcpy(cache->label, name, n);
    cache->label[n] = 0;
}

/* Nothing can be had of it any more (I1). */
void tarn_shared_kill(tarn_shared_cache *cache)
{
    cache->flags |= SHARED_DEAD;
    cache->full = cache->top = cache->empty = cache->slots;
    cache->min_size = SIZE_MAX;
    cache->span = 0;
}

void tarn_shared_enter(tarn_shared_cache *cache, tarn_shared_pool *pool)
{
    memset(cache, 0, offsetof(tarn_shared_cache, slots));
    cache->allocator.ops = &tarn_shared_cache_ops;
    cache->min_size = pool->min_size;
    cache->span = pool->span;
    cache->spec_max = pool->spec_max;
    cache->flags = pool->flags;
    cache->pool = pool;
    label(cache, pool->name);
    cache->full = cache->top = cache->empty = cache->slots;
    if (pool->flags == 0)
        cache->top = cache->empty = cache->slots + 2 * pool->batch;
    cache->next = pool->caches;
    cache->link = &pool->caches;
    if (cache->next != NULL)
        cache->next->link = &cache->next;
    pool->caches = cache;
}

void tarn_shared_retire(tarn_shared_cache *cache)
{
    tarn_shared_pool *pool = cache->pool;
    shared_claim(cache);
    cache->reserved = 0;
    tarn_shared_send_hand(cache);
    for (tarn_shared_home *h = cache->homes, *next; h != NULL; h = next) {
        next = h->next;
        h->next = pool->orphans;
        pool->orphans = h;
        __atomic_store_n(&h->cache, NULL, __ATOMIC_RELAXED);
    }
    cache->homes = NULL;
    pool->failures += cache->failures;
    *cache->link = cache->next;
    if (cache->next != NULL)
        cache->next->link = cache->link;
    tarn_shared_leave(cache, true);
}

void tarn_shared_cache_init(tarn_shared_cache *cache, tarn_shared_pool *pool)
{
    if ((pool->flags & SHARED_DEAD) != 0) {
        memset(cache, 0, offsetof(tarn_shared_cache, slots));
        cache->allocator.ops = &tarn_shared_cache_ops;
        cache->pool = pool;
        label(cache, pool->name);
        tarn_shared_kill(cache);
        return;
    }
    tarn_mutex_lock(shared_mutex(pool));
    tarn_shared_enter(cache, pool);
    tarn_mutex_unlock(shared_mutex(pool));
}

void tarn_shared_cache_deinit(tarn_shared_cache *cache)
{
    tarn_shared_pool *pool = cache->pool;
    if ((cache->flags & SHARED_DEAD) != 0)
        return;
    tarn_mutex_lock(shared_mutex(pool));
    tarn_shared_retire(cache);
    tarn_mutex_unlock(shared_mutex(pool));
    tarn_shared_kill(cache);
}
