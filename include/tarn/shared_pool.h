/* SPDX-License-Identifier: MIT */
/*
 * shared_pool.h - blocks of one size for many threads: a private cache for each, frees by message.
 *
 * For: objects of one type that several threads make and free, also across threads: messages, jobs,
 * connections. Not for: one thread (that is pool.h: the same hot path, and less of everything
 * else), blocks of many sizes.
 *
 *     tarn_shared_pool pool;
 *     tarn_shared_pool_init(&pool, &(tarn_shared_pool_options){.block_size = 64, .name = "jobs"});
 *     struct job *j = tarn_shared_pool_alloc(&pool);       any thread
 *     tarn_shared_pool_free(&pool, j);                     any other thread
 *     tarn_shared_pool_deinit(&pool);
 *
 * or, a third quicker, through a cache that the program owns and passes around:
 *
 *     tarn_shared_cache cache;
 *     tarn_shared_cache_init(&cache, &pool);
 *     struct job *j = tarn_shared_cache_alloc(&cache);
 *
 *         thread A                            thread B
 *     ┌──────────────┐                    ┌──────────────┐
 *     │ cache: slots │ alloc, free:       │ cache: slots │  no atomic operation,
 *     └──▲────────┬──┘ a pointer          └──▲────────┬──┘  no lock
 *  refill│   flush│                    refill│   flush│
 *     ┌──┴────────▼──┐   message: bits    ┌──┴────────▼──┐
 *     │ home         │◄───────────────────┼─ of A's      │
 *     │ chunk, chunk │                    │ home, chunks │
 *     └──────▲───────┘                    └──────▲───────┘
 *            └──── grow, spare chunks: a mutex ──┘──── source
 *
 * Rules of its own, besides those of allocator.h:
 *
 * S1  A block may be freed by any thread, through any cache of its pool. It may be handed out next
 *     by the cache that got it; when that one has too many it sends those of others home, a batch
 *     at a time, as bits that are set by one atomic operation for up to 64 neighbours.
 * S2  A thread that calls the pool without a cache gets one of its own, which it leaves behind when
 *     it ends: the next thread goes on with it.
 * S3  A mutex is taken when a chunk comes or goes, when a thread comes or goes, and by the questions
 *     below; never else.
 */
#ifndef TARN_SHARED_POOL_H
#define TARN_SHARED_POOL_H

#include <tarn/source.h>

TARN_BEGIN_DECLS

typedef struct tarn_shared_pool tarn_shared_pool;
typedef struct tarn_shared_cache tarn_shared_cache;

/* How a shared pool is made. Zero means: the default. */
typedef struct tarn_shared_pool_options {
    size_t block_size; /* bytes, at least 1; there is no default */
    size_t align;      /* bytes, a power of two; default: the largest that divides block_size, at
                          most that of max_align_t */
    size_t limit;      /* blocks, the most there may be; default: no limit. Those at hand in other
                          caches count, and cannot be had */
    size_t chunk_size; /* bytes, a power of two, what a cache's home takes at a time; default: 64
                          KiB, 256 KiB from libc and from a source of pages; more when fewer than 32
                          blocks would fit, or the source gives no less */
    size_t batch;      /* blocks that move at a time between a cache and its home; a cache has up to
                          twice as many at hand; default and most: TARN_POOL_SLOTS / 2 */

    /* Where chunks come from: one of these two; default: the parent tarn_libc(). One without threads
     * of its own is called under the pool's mutex, and must be the pool's alone. */
    tarn_source *source;
    tarn_allocator *parent;

    bool exact;       /* refuse any size but block_size; default: serve smaller ones, too */
    bool check;       /* check each call, see tarn_shared_cache_free; default: false, true in a
                         library built with TARN_CHECKED */
    const char *name; /* must outlive the pool; default: "shared pool" */
} tarn_shared_pool_options;

/* Private to the pool: a run of blocks, and the owner of some of them. */
typedef struct tarn_shared_chunk tarn_shared_chunk;
typedef struct tarn_shared_home tarn_shared_home;

/*
 * A cache: what one thread at a time takes blocks from. Fields are private. Of these `top` is read by
 * other threads (statistics), so its owner writes it by relaxed atomic stores: plain moves.
 */
struct tarn_shared_cache {
    tarn_allocator allocator;
    void **top;      /* the next block to hand out: slots from here to `empty` are at hand */
    void **empty;    /* top == empty: nothing at hand                                      */
    void **full;     /* top == full: no room for another                                   */
    size_t min_size; /* bytes, the smallest size served */
    size_t span;     /* bytes, block_size - min_size    */
    tarn_spec spec_max;
    uint32_t flags;
    tarn_shared_pool *pool;
    tarn_shared_home *homes;   /* what it owns                                              */
    size_t hand;               /* blocks at hand when its slow half ran last                 */
    size_t reserved;           /* of a reserve, those that may still be to come              */
    tarn_shared_chunk *parted; /* empty chunks on their way to the spare ones             */
    uintptr_t owner;           /* when checking: the thread that may use it                 */
    size_t failures;
    tarn_why why;
    uint32_t claim;                     /* 1: its slow half runs, or somebody looks at it */
    uint32_t asked;                     /* 1: a trim asks it to give back what is at hand */
    tarn_shared_cache *next, **link;    /* of the pool's                                  */
    tarn_shared_cache *beside, **place; /* of the thread's: its caches of other pools     */
    tarn_region home_region;            /* where the pool put this struct                 */
    char label[32];                     /* the pool's name                                */
    void *slots[TARN_POOL_SLOTS];
};

/* State; fields are private. */
struct tarn_shared_pool {
    tarn_allocator allocator;
    uintptr_t id;    /* no other pool has had it */
    size_t min_size; /* bytes */
    size_t span;     /* bytes */
    tarn_spec spec_max;
    uint32_t flags;
    size_t block_size, stride, inverse; /* as in pool.h */
    unsigned shift;
    uintptr_t chunk_mask;
    size_t chunk_size; /* bytes  */
    size_t limit;      /* blocks */
    size_t batch;      /* blocks */
    tarn_source *source;
    const char *name;
    uintptr_t low, high; /* every chunk lies between these; read by all, grows only   */
    char apart[64];      /* what follows is written now and then, what stands above is not */
    union {
        long long align;
        void *pointer;
        unsigned char bytes[64];
    } mutex;                   /* guards all below */
    tarn_shared_cache *caches; /* in use                            */
    tarn_shared_cache *idle;   /* structs that threads left behind  */
    tarn_shared_home *homes;   /* all                               */
    tarn_shared_home *orphans; /* those that no cache owns          */
    tarn_shared_chunk *chunks; /* all                               */
    tarn_shared_chunk *spare;  /* those that no home has            */
    size_t chunk_count;
    size_t room;       /* blocks of all chunks, carved or not */
    size_t held;       /* bytes taken from the source */
    size_t failures;   /* of caches that are gone     */
    bool visiting;     /* no chunk goes meanwhile     */
    tarn_why why;      /* of init, and of threads without a cache */
    uintptr_t *index;  /* chunk addresses */
    size_t index_size; /* entries */
    tarn_region index_region;
    tarn_region home_region; /* where tarn_shared_pool_create put this struct */
    tarn_parent_source own_source;
};

/* ── Life cycle ── */

/**
 * tarn_shared_pool_init - set up a pool in the caller's struct, which then stays where it is.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (no block size; source and parent; a batch beyond its bounds; a chunk
 *          size that is no power of two, or too small for one block), TARN_BAD_ALIGN, TARN_TOO_BIG,
 *          TARN_NO_MEMORY (the system has no more mutexes). The pool must not be used then.
 * Threads  one.
 * Cost     O(1); the source is not called.
 */
TARN_API tarn_status tarn_shared_pool_init(tarn_shared_pool *pool,
                                           const tarn_shared_pool_options *options);

/**
 * tarn_shared_pool_deinit - every chunk back to where it came from, also those with blocks that are
 * out; every cache is dead.
 *
 * Caches may still be there. A later call of the pool, or of a cache that the program owns, is a
 * fault: use after deinit. A cache that the pool gave (tarn_shared_pool_cache) is gone.
 *
 * Fails    never.
 * Threads  one; no other may use the pool or a cache of it. Other threads may end meanwhile.
 * Cost     O(chunks + caches).
 */
TARN_API void tarn_shared_pool_deinit(tarn_shared_pool *pool);

/**
 * tarn_shared_pool_create - a pool whose state, too, comes from where its chunks come from.
 *
 * Returns  the pool, to be destroyed with tarn_shared_pool_destroy; *status (when not NULL) is
 *          TARN_OK.
 * Fails    NULL, and *status as tarn_shared_pool_init.
 * Threads  one.
 * Cost     one call of the source.
 */
TARN_API TARN_MUST_USE tarn_shared_pool *
tarn_shared_pool_create(const tarn_shared_pool_options *options, tarn_status *status);

/**
 * tarn_shared_pool_destroy - deinit a pool that tarn_shared_pool_create made, and give its state
 * back. NULL is ignored.
 *
 * Fails    never.
 * Threads  as tarn_shared_pool_deinit.
 * Cost     as tarn_shared_pool_deinit.
 */
TARN_API void tarn_shared_pool_destroy(tarn_shared_pool *pool);

/* ── A cache of the program's own ── */

/**
 * tarn_shared_cache_init - set up a cache in the caller's struct, which then stays where it is.
 *
 * It belongs to the thread that uses it first. Another thread may use it after it was passed on, see
 * tarn_shared_cache_pass.
 *
 * Fails    never; a cache of a dead pool is dead, too.
 * Threads  any.
 * Cost     O(1), under the pool's mutex; takes no memory.
 */
TARN_API void tarn_shared_cache_init(tarn_shared_cache *cache, tarn_shared_pool *pool);

/**
 * tarn_shared_cache_deinit - the end of a cache: what it has at hand goes home, and what it owns to
 * whoever needs it next. Blocks that are out stay good. To be called before the cache's memory goes,
 * unless the pool is dead.
 *
 * Fails    never.
 * Threads  any; no other may use the cache.
 * Cost     O(blocks at hand), under the pool's mutex.
 */
TARN_API void tarn_shared_cache_deinit(tarn_shared_cache *cache);

/**
 * tarn_shared_cache_pass - the thread that uses the cache next is its owner.
 *
 * How the cache gets there is the program's: through a queue, a lock, a join. When the pool does not
 * check, this does nothing.
 *
 * Fails    never; a fault (wrong thread) when the caller does not own the cache and the pool checks.
 * Threads  the owner.
 * Cost     O(1).
 */
TARN_API void tarn_shared_cache_pass(tarn_shared_cache *cache);

/**
 * tarn_shared_cache_flush - all blocks at hand go home, a reserve is given up, chunks without a live
 * block go where all caches find them. For a thread that will be idle.
 *
 * Fails    never.
 * Threads  the owner.
 * Cost     O(blocks at hand + chunks).
 */
TARN_API void tarn_shared_cache_flush(tarn_shared_cache *cache);

/**
 * tarn_shared_cache_reserve - make the next `count` allocations through this cache infallible.
 *
 * Frees between them do not shorten it. Until they are made, or the cache is flushed, or another
 * reserve takes the place of this one, what the cache owns is not trimmed, nor given to others. 0
 * gives a reserve up.
 *
 * Units    count in blocks.
 * Returns  TARN_OK.
 * Fails    TARN_LIMIT, TARN_NO_MEMORY, as tarn_shared_cache_alloc; what was reserved before still is.
 * Threads  the owner.
 * Cost     O(1) when the cache has them; else a call of the source for each chunk that it lacks.
 *          Under the pool's mutex.
 */
TARN_API tarn_status tarn_shared_cache_reserve(tarn_shared_cache *cache, size_t count);

/**
 * tarn_shared_cache_alloc_slow - what tarn_shared_cache_alloc does when no block is at hand; call
 * tarn_shared_cache_alloc.
 *
 * Returns  as tarn_shared_cache_alloc.
 * Fails    as tarn_shared_cache_alloc.
 * Threads  the owner.
 * Cost     as tarn_shared_cache_alloc.
 */
TARN_API void *tarn_shared_cache_alloc_slow(tarn_shared_cache *cache);

/**
 * tarn_shared_cache_free_slow - what tarn_shared_cache_free does when there is no room at hand; call
 * tarn_shared_cache_free.
 *
 * Fails    as tarn_shared_cache_free.
 * Threads  the owner.
 * Cost     as tarn_shared_cache_free.
 */
TARN_API void tarn_shared_cache_free_slow(tarn_shared_cache *cache, void *block);

/**
 * tarn_shared_cache_alloc - take one block.
 *
 * Returns  a block of the pool's block size, aligned as the pool; contents undefined.
 * Fails    NULL when the pool may not or cannot grow, and no cache or home has a block that can be
 *          had; nothing has changed, tarn_get_why tells the reason.
 * Threads  the owner.
 * Cost     O(1), no atomic operation; one call in `batch` at most goes to the slow half, which takes
 *          that many blocks: one or two atomic operations, and messages if there are any.
 */
TARN_MUST_USE static TARN_FAST void *tarn_shared_cache_alloc(tarn_shared_cache *cache)
{
    void **top = cache->top;
    void *block;
    if (TARN_UNLIKELY(top == cache->empty))
        return tarn_shared_cache_alloc_slow(cache);
    block = *top;
    __atomic_store_n(&cache->top, top + 1, __ATOMIC_RELAXED);
    if (block == NULL)
        __builtin_unreachable(); /* so that a caller's check for NULL costs the slow way alone */
    return block;
}

/**
 * tarn_shared_cache_free - give one block back, whoever allocated it. NULL is ignored.
 *
 * Fails    never. A double free, and a pointer into the middle of a block or into no block, are
 *          faults; without `check` they are noticed when the block goes home, as long as it was not
 *          handed out again meanwhile; with it at once. With `check` a call by a thread that is not
 *          the cache's owner is a fault, too.
 * Threads  the owner.
 * Cost     O(1), no atomic operation; one call in `batch` at most goes to the slow half, which sends
 *          that many blocks home: an atomic operation for each run of neighbours of another owner.
 */
static TARN_FAST void tarn_shared_cache_free(tarn_shared_cache *cache, void *block)
{
    void **top = cache->top;
    if (TARN_UNLIKELY(top == cache->full)) {
        tarn_shared_cache_free_slow(cache, block);
        return;
    }
    if (TARN_UNLIKELY(block == NULL))
        return;
    *--top = block;
    __atomic_store_n(&cache->top, top, __ATOMIC_RELAXED);
}

/**
 * tarn_shared_cache_get_slow - what tarn_shared_cache_get does out of the ordinary; call
 * tarn_shared_cache_get.
 *
 * Units    size in bytes.
 * Returns  as tarn_shared_cache_get.
 * Fails    as tarn_shared_cache_get.
 * Threads  the owner.
 * Cost     as tarn_shared_cache_alloc; O(size) with TARN_ZERO.
 */
TARN_API void *tarn_shared_cache_get_slow(tarn_shared_cache *cache, size_t size, tarn_spec spec);

/**
 * tarn_shared_cache_get - tarn_alloc on a cache, inlined.
 *
 * Units    size in bytes.
 * Returns  a block, as tarn_shared_cache_alloc; zeroed with TARN_ZERO.
 * Fails    NULL: as tarn_shared_cache_alloc, and TARN_TOO_BIG for a size beyond the block size,
 *          TARN_WRONG_SIZE for a smaller one when the pool is exact, TARN_BAD_ALIGN for more than
 *          the pool's alignment.
 * Threads  the owner.
 * Cost     as tarn_shared_cache_alloc, and two compares.
 */
TARN_MUST_USE static TARN_FAST void *tarn_shared_cache_get(tarn_shared_cache *cache, size_t size,
                                                           tarn_spec spec)
{
    if (TARN_LIKELY(size - cache->min_size <= cache->span && (spec & 0xffffu) <= cache->spec_max)) {
        void **top = cache->top;
        if (TARN_LIKELY(top != cache->empty)) {
            __atomic_store_n(&cache->top, top + 1, __ATOMIC_RELAXED);
            return *top;
        }
    }
    return tarn_shared_cache_get_slow(cache, size, spec);
}

/**
 * tarn_shared_cache_put_slow - what tarn_shared_cache_put does when there is no room at hand; call
 * tarn_shared_cache_put.
 *
 * Units    size in bytes.
 * Fails    as tarn_shared_cache_put.
 * Threads  the owner.
 * Cost     as tarn_shared_cache_free.
 */
TARN_API void tarn_shared_cache_put_slow(tarn_shared_cache *cache, void *block, size_t size,
                                         tarn_spec spec);

/**
 * tarn_shared_cache_put - tarn_free on a cache, inlined; in release builds size and spec are not
 * looked at. NULL is ignored.
 *
 * Units    size in bytes.
 * Fails    never; as tarn_shared_cache_free, and wrong size or alignment are faults with `check`.
 * Threads  the owner.
 * Cost     as tarn_shared_cache_free.
 */
static TARN_FAST void tarn_shared_cache_put(tarn_shared_cache *cache, void *block, size_t size,
                                            tarn_spec spec)
{
    void **top = cache->top;
    if (TARN_UNLIKELY(top == cache->full)) {
        tarn_shared_cache_put_slow(cache, block, size, spec);
        return;
    }
    if (TARN_UNLIKELY(block == NULL))
        return;
    *--top = block;
    __atomic_store_n(&cache->top, top, __ATOMIC_RELAXED);
}

/**
 * tarn_shared_cache_alloc_batch - take many blocks.
 *
 * Units    count in blocks.
 * Returns  how many blocks stand in out: less than count only when the pool ran out.
 * Fails    see Returns.
 * Threads  the owner.
 * Cost     O(count), a copy of pointers.
 */
TARN_API size_t tarn_shared_cache_alloc_batch(tarn_shared_cache *cache, size_t count, void **out);

/**
 * tarn_shared_cache_free_batch - give many blocks back; none may be NULL.
 *
 * Units    count in blocks.
 * Fails    never; faults as tarn_shared_cache_free.
 * Threads  the owner.
 * Cost     O(count), a copy of pointers.
 */
TARN_API void tarn_shared_cache_free_batch(tarn_shared_cache *cache, size_t count,
                                           void *const *blocks);

/**
 * tarn_shared_cache_allocator - the cache behind the interface, for containers of one thread. It has
 * no TARN_CAP_THREADS, and no reset; its trim flushes the cache.
 *
 * Returns  the handle; it lives as long as the cache.
 * Fails    never.
 * Threads  any; the handle is used by the owner.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_shared_cache_allocator(tarn_shared_cache *cache)
{
    return &cache->allocator;
}

/* ── The pool ── */

/**
 * tarn_shared_pool_cache - the calling thread's cache, made on its first call. For loops: allocating
 * through it saves looking for it. It is the thread's and dies with it, or with the pool.
 *
 * Returns  the cache.
 * Fails    NULL when there is no memory for one; tarn_get_why tells the reason.
 * Threads  any.
 * Cost     O(1); the first call of a thread takes the pool's mutex and perhaps calls the source.
 */
TARN_API tarn_shared_cache *tarn_shared_pool_cache(tarn_shared_pool *pool);

/**
 * tarn_shared_pool_alloc - take one block through the calling thread's cache.
 *
 * Returns  as tarn_shared_cache_alloc.
 * Fails    as tarn_shared_cache_alloc; NULL also when there is no memory for the thread's cache.
 * Threads  any.
 * Cost     as tarn_shared_cache_alloc, and a look into a table of the thread's.
 */
TARN_API TARN_MUST_USE void *tarn_shared_pool_alloc(tarn_shared_pool *pool);

/**
 * tarn_shared_pool_free - give one block back through the calling thread's cache. NULL is ignored.
 *
 * Fails    never; as tarn_shared_cache_free. Where there is no memory for the thread's cache the
 *          block goes home at once.
 * Threads  any.
 * Cost     as tarn_shared_pool_alloc.
 */
TARN_API void tarn_shared_pool_free(tarn_shared_pool *pool, void *block);

/**
 * tarn_shared_pool_get - tarn_alloc on a shared pool.
 *
 * Units    size in bytes.
 * Returns  as tarn_shared_cache_get.
 * Fails    as tarn_shared_cache_get and tarn_shared_pool_alloc.
 * Threads  any.
 * Cost     as tarn_shared_pool_alloc, and an indirect call.
 */
TARN_MUST_USE static inline void *tarn_shared_pool_get(tarn_shared_pool *pool, size_t size,
                                                       tarn_spec spec)
{
    return tarn_alloc(&pool->allocator, size, spec);
}

/**
 * tarn_shared_pool_put - tarn_free on a shared pool. NULL is ignored.
 *
 * Units    size in bytes.
 * Fails    never; as tarn_shared_cache_put.
 * Threads  any.
 * Cost     as tarn_shared_pool_get.
 */
static inline void tarn_shared_pool_put(tarn_shared_pool *pool, void *block, size_t size,
                                        tarn_spec spec)
{
    tarn_free(&pool->allocator, block, size, spec);
}

/**
 * tarn_shared_pool_trim - chunks without a live block back to the source, whoever owns them, idle
 * threads included. Blocks at hand in a cache keep their chunks: those of the caller's go home first,
 * other caches are asked to do so when they take or give a batch next. A cache with a reserve keeps
 * what it has.
 *
 * Returns  bytes given back.
 * Fails    0 when there is nothing to give.
 * Threads  any. An owner that needs its slow half meanwhile waits.
 * Cost     O(chunks + messages), under the pool's mutex.
 */
static inline size_t tarn_shared_pool_trim(tarn_shared_pool *pool)
{
    return tarn_trim(&pool->allocator);
}

/**
 * tarn_shared_pool_reset - all blocks back at once, chunks kept; what caches have at hand is
 * forgotten, and reserves are given up.
 *
 * Returns  TARN_OK.
 * Fails    never.
 * Threads  one; no other may use the pool or a cache of it.
 * Cost     O(chunks + caches).
 */
static inline tarn_status tarn_shared_pool_reset(tarn_shared_pool *pool)
{
    return tarn_reset(&pool->allocator);
}

/**
 * tarn_shared_pool_owns - does this address lie in a block that the pool has handed out?
 *
 * Returns  TARN_YES or TARN_NO; yes does not say that the block is live.
 * Fails    never; any address may be asked about, none is read.
 * Threads  any.
 * Cost     O(1), under the pool's mutex.
 */
static inline tarn_answer tarn_shared_pool_owns(const tarn_shared_pool *pool, const void *block)
{
    return tarn_owns(&pool->allocator, block);
}

/**
 * tarn_shared_pool_visit - see every live block once; the visitor may free the one it sees.
 *
 * Returns  TARN_OK, also when the visitor ended it by returning false.
 * Fails    never.
 * Threads  one; no other may use the pool or a cache of it.
 * Cost     O(blocks ever handed out).
 */
static inline tarn_status tarn_shared_pool_visit(tarn_shared_pool *pool, tarn_visitor *see,
                                                 void *user)
{
    return tarn_visit(&pool->allocator, see, user);
}

/**
 * tarn_shared_pool_check - verify the counting, every free block and every message.
 *
 * Returns  TARN_OK when all invariants hold.
 * Fails    TARN_CORRUPT.
 * Threads  one; no other may use the pool or a cache of it.
 * Cost     O(blocks ever handed out / 64).
 */
static inline tarn_status tarn_shared_pool_check(const tarn_shared_pool *pool)
{
    return tarn_check(&pool->allocator);
}

/**
 * tarn_shared_pool_allocator - the pool behind the interface: with TARN_CAP_THREADS. tarn_get_why
 * tells the last failure of the calling thread; tarn_get_stats is exact when no thread is in the
 * pool, and near it when some are.
 *
 * Returns  the handle; it lives as long as the pool.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_shared_pool_allocator(tarn_shared_pool *pool)
{
    return &pool->allocator;
}

TARN_END_DECLS

#endif
