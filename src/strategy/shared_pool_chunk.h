/* SPDX-License-Identifier: MIT */
/*
 * shared_pool_chunk.h - the inside of a shared pool: chunks, the homes that own them, and who may
 * touch what.
 *
 *     chunk, chunk_size bytes at a multiple of it (address & mask finds it):
 *     ┌────────┬─────────┬────────────┬──────────────┬────────────┬─────────────────────┬──────┐
 *     │ header │ owner's │ free bits  │ message bits │ live bits  │ block 0 │ 1 │ 2 │ … │ rest │
 *     │ (all)  │ part    │ (owner)    │ (all)        │ (checking) │                     │      │
 *     └────────┴─────────┴────────────┴──────────────┴────────────┴─────────────────────┴──────┘
 *
 * Modules: shared_pool.c (life cycle, growing, trim), shared_pool_chunk.c (bits and lists),
 * shared_pool_cache.c (the slow halves, reserve, flush), shared_pool_thread.c (the caches of threads),
 * shared_pool_index.c (chunk addresses), shared_pool_ops.c (the tables),
 * shared_pool_message.h (the lock-free part and its argument).
 *
 * H1  A carved block is in exactly one of four states: free (its free bit is 1), sent (its message bit
 *     is 1), at hand in one cache, live. So live = carved - free - sent - at hand.
 * H2  Blocks from `carved` on were never handed out since the chunk came or was emptied; their bits
 *     and bytes were not touched. free counts the free bits; a home's sums are those over its chunks.
 * H3  A chunk is on its home's list of chunks with free blocks exactly when free > 0, on that of raw
 *     ones exactly when carved < capacity.
 * H4  pool, home, bell and the addresses in a header change only while no block of it is out.
 * H5  A home is owned by the cache in `cache`, or (NULL) stands with the pool's orphans. It stays where
 *     it is until the pool's deinit (M5 of shared_pool_message.h).
 *
 * Locks. The pool's mutex guards what tarn_shared_pool says. The claim of a cache guards its homes, with
 * their chunks, bits and lists, and all of the cache but `top`; the mutex guards orphans. The owner
 * claims its cache in its slow halves: one exchange on a word that nobody else wants, unless a trim, a
 * question, or a cache that could not grow looks at it. L1: whoever has the mutex may wait for a claim;
 * who has a claim may not wait for the mutex, and takes another claim only with the mutex. So a claim
 * is held for a bounded time. L2: the lock over the threads' caches (shared_pool_thread.c) comes before
 * the mutex.
 */
#ifndef TARN_STRATEGY_SHARED_POOL_CHUNK_H
#define TARN_STRATEGY_SHARED_POOL_CHUNK_H

#include <tarn/shared_pool.h>

#include "base/bitmap.h"
#include "base/thread_guard.h"
#include "os/mutex.h"
#include "os/thread.h"

enum {
    SHARED_CHECK = 1u << 0, /* every call is checked: nothing is kept at hand */
    SHARED_DEAD = 1u << 1   /* deinitialised */
};

enum { SHARED_WORD = sizeof(uintptr_t) * 8 }; /* blocks that a message word stands for */

typedef struct tarn_shared_list {
    tarn_shared_chunk *first, *last;
} tarn_shared_list;

typedef struct tarn_shared_links {
    tarn_shared_chunk *next, *prev;
} tarn_shared_links;

/* The lists a chunk may be on. */
typedef enum shared_list_kind {
    SHARED_FREE,
    SHARED_RAW,
    SHARED_CLASS,
    SHARED_LISTS
} shared_list_kind;

struct tarn_shared_chunk {
    /* Read by all, so on a cache line that is seldom written. */
    tarn_shared_pool *pool;
    tarn_shared_home *home; /* NULL: spare                                    */
    char *blocks;           /* block 0                                        */
    uintptr_t *sent;        /* message bits                                   */
    uintptr_t *live;        /* live bits, when checking; else NULL            */
    uintptr_t bit;          /* in home->bell                                  */
    size_t capacity;        /* blocks                                         */
    size_t carved;          /* see H1; the owner writes it: relaxed atomics   */
    /* The owner's. */
    size_t free;   /* see H1 */
    size_t cursor; /* free-bit word where the next search starts */
    tarn_shared_links links[SHARED_LISTS];
    tarn_bitmap map; /* free bits */
    /* The pool's, under its mutex. */
    tarn_shared_chunk *next, *prev; /* all        */
    size_t region_size;             /* bytes      */
};

struct tarn_shared_home {
    uintptr_t bell; /* written by all, see shared_pool_message.h */
    char apart[64 - sizeof(uintptr_t)];
    /* Read by all, seldom written: relaxed atomics. */
    tarn_shared_cache *cache; /* NULL: orphan */
    tarn_region region;
    tarn_shared_home *beside; /* all of the pool */
    char apart_too[64 - 2 * sizeof(void *) - sizeof(tarn_region)];
    /* The owner's. */
    tarn_shared_home *next; /* of its cache's homes, or of the orphans */
    tarn_shared_list free, raw;
    tarn_shared_list classes[SHARED_WORD]; /* its chunks, by their bit of the bell */
    unsigned next_class;
    size_t room, carved, free_blocks; /* sums, in blocks */
};

/* What a block address turned out to be. */
typedef enum shared_place { SHARED_CARVED, SHARED_INSIDE, SHARED_FOREIGN } shared_place;

static inline tarn_mutex *shared_mutex(const tarn_shared_pool *pool)
{
    return (tarn_mutex *)((uintptr_t)pool + offsetof(tarn_shared_pool, mutex));
}

/* Blocks that a home can still hand out, messages not counted. */
static inline size_t shared_idle(const tarn_shared_home *h)
{
    return h->free_blocks + (h->room - h->carved);
}

static inline size_t shared_at_hand(const tarn_shared_cache *cache)
{
    return (size_t)(cache->empty - __atomic_load_n(&cache->top, __ATOMIC_RELAXED));
}

static inline void shared_set_top(tarn_shared_cache *cache, void **top)
{
    __atomic_store_n(&cache->top, top, __ATOMIC_RELAXED);
}

/* See "Locks" above. */
static inline void shared_claim(tarn_shared_cache *cache)
{
    while (__atomic_exchange_n(&cache->claim, 1U, __ATOMIC_ACQUIRE) != 0)
        tarn_thread_yield();
}

static inline void shared_unclaim(tarn_shared_cache *cache)
{
    __atomic_store_n(&cache->claim, 0U, __ATOMIC_RELEASE);
}

/* ── shared_pool_chunk.c ── */

/* How many blocks fit into a chunk. */
size_t tarn_shared_fit(const tarn_shared_pool *pool, size_t size);
/* Where block 0 is aligned to, bytes. */
size_t tarn_shared_first_align(const tarn_shared_pool *pool);
/* Lay out a region as a chunk of `capacity` blocks; nobody has it. */
tarn_shared_chunk *tarn_shared_lay(tarn_shared_pool *pool, tarn_region region, size_t capacity);
/* A chunk that nobody has becomes a home's. */
void tarn_shared_settle(tarn_shared_home *h, tarn_shared_chunk *c);
/* A chunk without a live block leaves its home, forgetting what it was. */
void tarn_shared_part(tarn_shared_home *h, tarn_shared_chunk *c);
/* All blocks of a home's chunks become uncarved. */
void tarn_shared_forget(tarn_shared_home *h);
/* Take what was sent to the homes of a cache, or to one home; chunks that are empty and more than what
 * is kept leave for cache->parted (NULL: none leaves). */
void tarn_shared_collect(tarn_shared_home *h, tarn_shared_cache *keeper);
/* Up to `want` blocks of a home into out: free ones in address order, or uncarved ones. */
size_t tarn_shared_take_free(tarn_shared_home *h, size_t want, void **out);
size_t tarn_shared_carve(tarn_shared_home *h, size_t want, void **out);
/* Blocks go home: those of the cache's homes at once, others by message. NULL: all by message. */
void tarn_shared_give(tarn_shared_pool *pool, tarn_shared_cache *cache, void *const *blocks,
                      size_t count);
/* Find the chunk and number of a block, whose chunk may not be there: under the mutex. */
shared_place tarn_shared_find(const tarn_shared_pool *pool, const void *block,
                              tarn_shared_chunk **c, size_t *i);
/* Empty chunks of a home leave for keeper->parted. */
void tarn_shared_part_empty(tarn_shared_home *h, tarn_shared_chunk **parted);
/* When checking: a block goes out; it comes back (false: it was not out). */
void tarn_shared_mark_live(tarn_shared_pool *pool, void *block);
bool tarn_shared_mark_dead(tarn_shared_chunk *c, size_t i);
/* Do H1 to H3 hold for a home? Adds up. */
bool tarn_shared_home_valid(const tarn_shared_home *h);
/* Messages that wait, in blocks. */
size_t tarn_shared_sent(const tarn_shared_home *h);

/* ── shared_pool_cache.c ── */

/* Set up the struct, and enter it among the pool's caches: under the mutex. */
void tarn_shared_enter(tarn_shared_cache *cache, tarn_shared_pool *pool);
/* What it has goes home, what it owns to the orphans, and it leaves the pool's caches: under the
 * mutex. */
void tarn_shared_retire(tarn_shared_cache *cache);
/* Blocks at hand go home: under the claim. */
void tarn_shared_send_hand(tarn_shared_cache *cache);
/* Every operation on the cache is a fault from now on. */
void tarn_shared_kill(tarn_shared_cache *cache);
/* Give up the claim, and what parted meanwhile. `locked`: the mutex is held. */
void tarn_shared_leave(tarn_shared_cache *cache, bool locked);
/* Every operation lands here on a pool or cache that is dead, or another thread's. */
bool tarn_shared_barred(tarn_shared_cache *cache, const void *block);
void *tarn_shared_refuse(tarn_shared_cache *cache, tarn_status status, size_t size, size_t align,
                         size_t limit);
/* A free through a handle, with no room at hand; cache may be NULL. */
void tarn_shared_put_slow(tarn_shared_pool *pool, tarn_shared_cache *cache, void *block,
                          size_t size, tarn_spec spec);

/* ── shared_pool.c ── */

void tarn_shared_fault(const tarn_shared_pool *pool, tarn_fault_kind kind, const void *block,
                       size_t given, size_t expected);
/* A chunk for a home, a spare or a new one; NULL with the reason: under the mutex. */
tarn_shared_chunk *tarn_shared_grow(tarn_shared_pool *pool, tarn_status *status);
/* A home for a cache, an orphan or a new one; false: there is no memory. Under the mutex. */
bool tarn_shared_add_home(tarn_shared_cache *cache);
/* Chunks that nobody has, linked by SHARED_CLASS: under the mutex. */
void tarn_shared_spare(tarn_shared_pool *pool, tarn_shared_chunk *parted);
/* Spare chunks back to the source, bytes: under the mutex. */
size_t tarn_shared_release(tarn_shared_pool *pool);
/* Trim, on behalf of a cache that may be NULL. */
size_t tarn_shared_trim(tarn_shared_pool *pool, tarn_shared_cache *own);
/* A struct for a thread's cache, entered; NULL with the reason in pool->why. */
tarn_shared_cache *tarn_shared_new_cache(tarn_shared_pool *pool);
/* It is retired, and its struct kept for the next thread. */
void tarn_shared_old_cache(tarn_shared_cache *cache);

/* ── shared_pool_thread.c ── */

/* A number for a pool that no other has had. */
uintptr_t tarn_shared_new_id(void);
/* Threads forget the caches of a pool that is about to go. */
void tarn_shared_forget_threads(tarn_shared_pool *pool);
/* The caches that a thread used last, by its pools' ids; see shared_pool_thread.c. */
enum { SHARED_WAYS = 16 };

typedef struct tarn_shared_way {
    uintptr_t id;
    tarn_shared_cache *cache;
} tarn_shared_way;

typedef struct tarn_shared_ways {
    tarn_shared_way way[SHARED_WAYS];
    tarn_shared_cache *first; /* all of the thread's */
} tarn_shared_ways;

#ifdef TARN_HAS_THREADS
extern _Thread_local tarn_shared_ways tarn_shared_here __attribute__((tls_model("initial-exec")));
#else
extern tarn_shared_ways tarn_shared_here;
#endif

/* Ids are multiples of the size of a way, so that what is left of one after a mask is an offset. An
 * empty way has id 0, a dead pool id 1. */
enum { SHARED_NO_POOL = 1 };

static inline tarn_shared_way *shared_way(uintptr_t id)
{
    size_t offset = id & ((SHARED_WAYS - 1) * sizeof(tarn_shared_way));
    return (tarn_shared_way *)(void *)((char *)tarn_shared_here.way + offset);
}

/* The calling thread's cache, when it is in its way. */
static inline tarn_shared_cache *shared_seek(const tarn_shared_pool *pool)
{
    uintptr_t id = pool->id;
    const tarn_shared_way *way = shared_way(id);
    if (TARN_UNLIKELY(way->id != id))
        return NULL;
    if (way->cache == NULL)
        __builtin_unreachable(); /* W1: a way of a pool that lives has a cache */
    return way->cache;
}

/* ── shared_pool_index.c ── */

bool tarn_shared_index_add(tarn_shared_pool *pool, const tarn_shared_chunk *c);
void tarn_shared_index_remove(tarn_shared_pool *pool, const tarn_shared_chunk *c);
bool tarn_shared_index_has(const tarn_shared_pool *pool, uintptr_t chunk);
void tarn_shared_index_deinit(tarn_shared_pool *pool);

/* ── shared_pool_ops.c ── */

extern const tarn_ops tarn_shared_pool_ops, tarn_shared_cache_ops;

#endif
