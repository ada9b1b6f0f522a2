/* SPDX-License-Identifier: MIT */
/*
 * object_cache.h - objects of one type that stay constructed between two uses.
 *
 * For: objects that are dear to set up and tear down (locks, buffers of their own, registrations) and
 * come back in a state from which they can be used again. Not for: objects whose set-up is a few
 * stores, which a pool's user does as fast; use by several threads at once (put a lock around it).
 *
 *     tarn_object_cache cache;
 *     tarn_object_cache_init(&cache, &(tarn_object_cache_options){
 *         .object_size = sizeof(struct session), .init = open_session, .fini = close_session});
 *     struct session *s = tarn_object_cache_alloc(&cache);      constructed, or as its last user left it
 *     tarn_object_cache_free(&cache, s);                        stays constructed
 *     tarn_object_cache_deinit(&cache);
 *
 * Two pairs of functions, as a slab allocator has them (J. Bonwick, "The Slab Allocator", USENIX 1994,
 * section 2; FreeBSD's zones tell them apart by these names):
 *
 *              init                    ctor
 *     block ────────► idle, constructed ────────► in use
 *           ◄────────                  ◄────────
 *              fini                    dtor
 *        rarely: when the cache      each alloc,
 *        has no idle object, or too  each free;
 *        many, and at trim, deinit   often absent
 *
 * Blocks come from a pool of the cache's own, or each from a parent. When there is no block, or the
 * limit is reached, or init refuses, `reclaim` is asked to free something, and the alloc is tried once
 * more (J. Bonwick and J. Adams, "Magazines and Vmem", USENIX 2001, has the idle objects in arrays, as
 * here, and constructs when they enter them).
 */
#ifndef TARN_OBJECT_CACHE_H
#define TARN_OBJECT_CACHE_H

#include <tarn/allocator.h>
#include <tarn/pool.h>
#include <tarn/source.h>

TARN_BEGIN_DECLS

typedef struct tarn_object_cache tarn_object_cache;

/* How a cache is made. Zero means: the default. */
typedef struct tarn_object_cache_options {
    size_t object_size; /* bytes, at least 1; there is no default */
    size_t align;       /* bytes, a power of two; default: the largest that divides object_size, at
                           most that of max_align_t */
    size_t depth;       /* objects, the most that are kept idle; default: 256 */
    size_t limit;       /* objects, constructed ones, idle or not; default: no limit */

    tarn_allocator *parent; /* where each object's block comes from; default: a pool of its own */
    tarn_source *source;    /* where the pool's chunks and the array of idle objects come from;
                               default: tarn_libc() */

    bool (*init)(void *user, void *object); /* a block becomes an object; false refuses */
    void (*fini)(void *user, void *object); /* and a block again */
    bool (*ctor)(void *user,
                 void *object); /* at each alloc; false refuses, the object stays idle */
    void (*dtor)(void *user, void *object); /* at each free */
    /* Memory is short: free what can be spared. It may use the cache, free and trim above all. */
    void (*reclaim)(void *user);
    void *user; /* passed to all five */

    bool check;       /* check each call, see tarn_object_cache_free; default: false, true in a
                         library built with TARN_CHECKED */
    const char *name; /* must outlive the cache; default: "objects" */
} tarn_object_cache_options;

/* What a checking cache knows of each object; private. */
typedef struct tarn_object_cache_book tarn_object_cache_book;

/* State; fields are private. */
struct tarn_object_cache {
    tarn_allocator allocator;
    void **at;      /* idle objects stand below it: the next to hand out is at[-1]       */
    void **floor;   /* at == floor: alloc takes the slow half                            */
    void **ceiling; /* at == ceiling: free takes the slow half                           */
    uint64_t taken; /* allocs that succeeded                                             */
    void **idle;    /* the array: from here …                                            */
    void **end;     /* … to here                                                         */
    uint32_t flags;
    size_t object_size; /* bytes */
    tarn_spec spec;     /* log2 of the alignment */
    size_t limit;       /* objects */
    size_t objects;     /* constructed now, idle or not */
    uint64_t inits, finis, reclaims, failures;
    tarn_allocator *parent; /* NULL: the pool */
    tarn_source *source;
    tarn_object_cache_options hooks; /* init, fini, ctor, dtor, reclaim, user */
    const char *name;
    tarn_why why;
    uintptr_t owner;
    tarn_object_cache_book *book; /* NULL without check */
    tarn_region array;
    tarn_region home; /* where tarn_object_cache_create put this struct */
    tarn_parent_source own_source;
    tarn_pool pool;
};

/* ── Life cycle ── */

/**
 * tarn_object_cache_init - set up a cache in the caller's struct, which then stays where it is. No
 * object is constructed.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (no object size), TARN_BAD_ALIGN, TARN_TOO_BIG (the depth, too),
 *          TARN_NO_MEMORY. The cache must not be used then.
 * Threads  one.
 * Cost     O(1); one call of the source for the array of idle objects.
 */
TARN_API tarn_status tarn_object_cache_init(tarn_object_cache *cache,
                                            const tarn_object_cache_options *options);

/**
 * tarn_object_cache_deinit - fini for every idle object, and every block back.
 *
 * Objects that are still out: those of the pool get their fini, too, and are gone; those of a parent
 * stay its blocks, without a fini. An alloc, a free or another deinit afterwards is a fault: use
 * after deinit.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(objects).
 */
TARN_API void tarn_object_cache_deinit(tarn_object_cache *cache);

/**
 * tarn_object_cache_create - a cache whose state, too, comes from the source.
 *
 * Returns  the cache, to be destroyed with tarn_object_cache_destroy; *status (when not NULL) is
 *          TARN_OK.
 * Fails    NULL, and *status as tarn_object_cache_init.
 * Threads  one.
 * Cost     as tarn_object_cache_init, and one more call of the source.
 */
TARN_API TARN_MUST_USE tarn_object_cache *
tarn_object_cache_create(const tarn_object_cache_options *options, tarn_status *status);

/**
 * tarn_object_cache_destroy - deinit a cache that tarn_object_cache_create made, and give its state
 * back. NULL is ignored.
 *
 * Fails    never.
 * Threads  one.
 * Cost     as tarn_object_cache_deinit.
 */
TARN_API void tarn_object_cache_destroy(tarn_object_cache *cache);

/* ── Objects ── */

/**
 * tarn_object_cache_alloc_slow - what tarn_object_cache_alloc does when no object is idle, or there is
 * a ctor or dtor; call tarn_object_cache_alloc.
 *
 * Returns  as tarn_object_cache_alloc.
 * Fails    as tarn_object_cache_alloc.
 * Threads  one at a time per cache.
 * Cost     as tarn_object_cache_alloc.
 */
TARN_API void *tarn_object_cache_alloc_slow(tarn_object_cache *cache);

/**
 * tarn_object_cache_free_slow - what tarn_object_cache_free does when the array of idle objects is
 * full, or there is a ctor or dtor; call tarn_object_cache_free.
 *
 * Fails    as tarn_object_cache_free.
 * Threads  one at a time per cache.
 * Cost     as tarn_object_cache_free.
 */
TARN_API void tarn_object_cache_free_slow(tarn_object_cache *cache, void *object);

/**
 * tarn_object_cache_alloc - take an object: the one that was freed last, or a new one.
 *
 * Returns  a constructed object: init has run on it once since it was a block, ctor just now.
 * Fails    NULL: no block (the parent's reason, or the source's), TARN_LIMIT, init or ctor refused
 *          (TARN_NO_MEMORY), each also after reclaim. Nothing is lost: a block whose init refused went
 *          back, an object whose ctor refused is idle.
 * Threads  one at a time per cache.
 * Cost     O(1): a compare, a load and a count while there are idle objects and no ctor or dtor; else
 *          what pool or parent, init, ctor and reclaim take.
 */
TARN_MUST_USE static TARN_FAST void *tarn_object_cache_alloc(tarn_object_cache *cache)
{
    void **at = cache->at;
    if (TARN_UNLIKELY(at == cache->floor))
        return tarn_object_cache_alloc_slow(cache);
    cache->taken++;
    cache->at = at - 1;
    return at[-1];
}

/**
 * tarn_object_cache_free - give an object back, constructed. NULL is ignored.
 *
 * Beyond `depth` idle ones it gets its fini and its block goes back.
 *
 * Fails    never. With `check` a double free, a pointer that the cache never handed out and one into
 *          an object are faults; without they are not noticed here.
 * Threads  one at a time per cache.
 * Cost     O(1): a compare and a store while the array has room and there is no ctor or dtor; else
 *          what dtor, fini and parent take.
 */
static TARN_FAST void tarn_object_cache_free(tarn_object_cache *cache, void *object)
{
    void **at = cache->at;
    if (TARN_UNLIKELY(at == cache->ceiling || object == NULL)) {
        tarn_object_cache_free_slow(cache, object);
        return;
    }
    *at = object;
    cache->at = at + 1;
}

/* ── The whole cache ── */

/**
 * tarn_object_cache_fill - construct ahead of need, until so many objects are idle.
 *
 * Units    count in objects.
 * Returns  how many are idle now: at least count unless depth, limit, memory or init forbid, see
 *          tarn_get_why. As many allocs cannot fail for want of memory (a ctor may still refuse).
 * Fails    see Returns; reclaim is not asked.
 * Threads  one at a time per cache.
 * Cost     O(count) inits.
 */
TARN_API size_t tarn_object_cache_fill(tarn_object_cache *cache, size_t count);

/**
 * tarn_object_cache_trim - fini for every idle object, blocks and empty chunks back.
 *
 * Returns  bytes given back to the parent, or to the source.
 * Fails    0 when there is nothing to give.
 * Threads  one at a time per cache.
 * Cost     O(idle objects + chunks).
 */
static inline size_t tarn_object_cache_trim(tarn_object_cache *cache)
{
    return tarn_trim(&cache->allocator);
}

/* Counters. */
typedef struct tarn_object_cache_counters {
    size_t live, idle;     /* objects in use; constructed and waiting */
    uint64_t allocs;       /* that succeeded                          */
    uint64_t inits, finis; /* constructions, destructions             */
    uint64_t saved;        /* allocs that needed no construction      */
    uint64_t reclaims;     /* how often `reclaim` was asked           */
} tarn_object_cache_counters;

/**
 * tarn_object_cache_count - how often the cache paid.
 *
 * Returns  the counters in out.
 * Fails    never.
 * Threads  one at a time per cache.
 * Cost     O(1).
 */
TARN_API void tarn_object_cache_count(const tarn_object_cache *cache,
                                      tarn_object_cache_counters *out);

/**
 * tarn_object_cache_check - verify the counting and the idle objects.
 *
 * Returns  TARN_OK when all invariants hold.
 * Fails    TARN_CORRUPT.
 * Threads  one at a time per cache.
 * Cost     O(the square of the idle objects).
 */
static inline tarn_status tarn_object_cache_check(const tarn_object_cache *cache)
{
    return tarn_check(&cache->allocator);
}

/* ── The view as an allocator ── */

/**
 * tarn_object_cache_allocator - the cache as any allocator: sizes up to the object's; for tarn_trim,
 * tarn_check, tarn_get_stats, tarn_get_why, and for all who take a tarn_allocator.
 *
 * TARN_ZERO is refused (TARN_UNSUPPORTED) when there is an init or ctor: it would wipe what they did.
 *
 * Returns  the handle; it lives as long as the cache.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_object_cache_allocator(tarn_object_cache *cache)
{
    return &cache->allocator;
}

TARN_END_DECLS

#endif
