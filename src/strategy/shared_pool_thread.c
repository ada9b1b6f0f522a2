/* SPDX-License-Identifier: MIT */
/*
 * shared_pool_thread.c - which cache of a pool is the calling thread's.
 *
 *     here (thread-local)
 *     ways   [ pool's id │ cache ] × 16      looked at first: entry id % 16
 *     first  ──► cache ──► cache ──► NULL    all of the thread's, of whichever pools
 *
 * W1  Ids are never used twice, and 0 is no pool's, so an entry whose id is a living pool's holds the
 *     thread's cache of that pool; entries of dead pools stay and match nobody. (Where a pointer has 32
 *     bits an id may come again after 500 million pools.)
 * W2  The lists of all threads, not the entries, are guarded by one lock, since a pool that goes takes its
 *     caches out of the lists of threads that run. Lock order: that lock, then a pool's mutex.
 * W3  When a thread ends its caches are retired. A call after that (by another key's destructor)
 *     gets a new cache, and that is retired in the next round, as long as the system has rounds.
 *
 * Without threads (freestanding, TARN_NO_THREADS) there is one table, for the one thread; several cores
 * use caches of their own there.
 */
#include "strategy/shared_pool_chunk.h"

#ifdef TARN_HAS_THREADS
_Thread_local tarn_shared_ways tarn_shared_here __attribute__((tls_model("initial-exec")));
static tarn_thread_end at_end;
#else
tarn_shared_ways tarn_shared_here;
#endif

static tarn_mutex lists = TARN_MUTEX_INIT;

uintptr_t tarn_shared_new_id(void)
{
    static uintptr_t last;
    return __atomic_add_fetch(&last, sizeof(tarn_shared_way), __ATOMIC_RELAXED);
}

static void enter_way(const tarn_shared_pool *pool, tarn_shared_cache *cache)
{
    *shared_way(pool->id) = (tarn_shared_way){pool->id, cache};
}

static void unlink_cache(tarn_shared_cache *cache)
{
    *cache->place = cache->beside;
    if (cache->beside != NULL)
        cache->beside->place = cache->place;
}

#ifdef TARN_HAS_THREADS
/* W3 */
static void end_thread(void *own)
{
    tarn_shared_ways *mine = own;
    tarn_mutex_lock(&lists);
    while (mine->first != NULL) {
        tarn_shared_cache *cache = mine->first;
        unlink_cache(cache);
        tarn_shared_old_cache(cache);
    }
    tarn_mutex_unlock(&lists);
    for (size_t i = 0; i < SHARED_WAYS; i++)
        mine->way[i].id = 0;
}

/* The library may be unloaded before its threads end. */
__attribute__((destructor)) static void unload(void)
{
    tarn_mutex_lock(&lists);
    tarn_thread_end_drop(&at_end);
    tarn_mutex_unlock(&lists);
}

static bool arm(void)
{
    return tarn_thread_at_end(&at_end, end_thread, &tarn_shared_here);
}
#else
static bool arm(void)
{
    return true;
}
#endif

/* Not in its way: another pool's stands there, or the thread has none yet. */
static TARN_SLOW tarn_shared_cache *find(tarn_shared_pool *pool)
{
    bool armed;
    tarn_shared_cache *cache;
    tarn_mutex_lock(&lists);
    for (cache = tarn_shared_here.first; cache != NULL && cache->pool != pool;
         cache = cache->beside)
        ;
    armed = cache != NULL || arm();
    tarn_mutex_unlock(&lists);
    if (cache == NULL && armed) {
        cache = tarn_shared_new_cache(pool);
        if (cache != NULL) {
            tarn_mutex_lock(&lists);
            cache->beside = tarn_shared_here.first;
            cache->place = &tarn_shared_here.first;
            if (cache->beside != NULL)
                cache->beside->place = &cache->beside;
            tarn_shared_here.first = cache;
            tarn_mutex_unlock(&lists);
        }
    }
    if (cache != NULL)
        enter_way(pool, cache);
    return cache;
}

tarn_shared_cache *tarn_shared_pool_cache(tarn_shared_pool *pool)
{
    tarn_shared_cache *cache = shared_seek(pool);
    if (TARN_LIKELY(cache != NULL))
        return cache;
    if ((pool->flags & SHARED_DEAD) != 0) {
        tarn_shared_fault(pool, TARN_FAULT_USE_AFTER_DEINIT, NULL, 0, 0);
        return NULL;
    }
    return find(pool);
}

void tarn_shared_forget_threads(tarn_shared_pool *pool)
{
    tarn_mutex_lock(&lists);
    for (tarn_shared_cache *cache = pool->caches; cache != NULL; cache = cache->next) {
        if (cache->place != NULL)
            unlink_cache(cache);
        cache->place = NULL;
    }
    tarn_mutex_unlock(&lists);
}

/* ── Blocks, through the thread's cache ── */

static TARN_SLOW void *alloc_first(tarn_shared_pool *pool)
{
    tarn_shared_cache *cache = tarn_shared_pool_cache(pool);
    return cache != NULL ? tarn_shared_cache_alloc(cache) : NULL;
}

void *tarn_shared_pool_alloc(tarn_shared_pool *pool)
{
    tarn_shared_cache *cache = shared_seek(pool);
    return TARN_LIKELY(cache != NULL) ? tarn_shared_cache_alloc(cache) : alloc_first(pool);
}

static TARN_SLOW void free_first(tarn_shared_pool *pool, void *block)
{
    tarn_shared_put_slow(pool, tarn_shared_pool_cache(pool), block, 0, 0);
}

void tarn_shared_pool_free(tarn_shared_pool *pool, void *block)
{
    tarn_shared_cache *cache = shared_seek(pool);
    if (TARN_LIKELY(cache != NULL))
        tarn_shared_cache_free(cache, block);
    else
        free_first(pool, block);
}
