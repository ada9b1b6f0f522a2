/* SPDX-License-Identifier: MIT */
/*
 * object_cache.c - objects that stay constructed: making and unmaking them, the slow half of alloc and free,
 * life cycle. strategy/object_cache_book.h has the picture and the invariants.
 *
 *     alloc   idle object ─────────────────────────────► ctor ──► in use
 *             none: block ──► init ──────────────────────┘ │
 *                    ▲          │ refused: block back      │ refused: idle
 *                    └─ none, limit, refused: reclaim, once more
 *
 * The blocks come through public interfaces alone: a tarn_pool, or any tarn_allocator. The pool has an
 * object cache's first half by itself (init and fini at the chunk); here objects are constructed one by
 * one, when they are first needed, and leave when more than `depth` are idle.
 */
#include "base/mem.h"
#include "base/thread_guard.h"
#include "strategy/object_cache_book.h"

enum { DEPTH = 256 };

/* ── Refusals and faults ── */

void *tarn_object_cache_refuse(tarn_object_cache *cache, tarn_status status, size_t size,
                               tarn_spec spec, size_t limit)
{
    cache->failures++;
    cache->why = (tarn_why){status, size, tarn_spec_align(spec), limit};
    return NULL;
}

void tarn_object_cache_fault(const tarn_object_cache *cache, tarn_fault_kind kind,
                             const void *object, size_t given, size_t expected)
{
    tarn_fault_report(kind, "object cache", cache->name, object, given, expected);
}

bool tarn_object_cache_barred(tarn_object_cache *cache, const void *object)
{
    if ((cache->flags & TARN_OBJECT_CACHE_DEAD) != 0) {
        tarn_object_cache_fault(cache, TARN_FAULT_USE_AFTER_DEINIT, object, 0, 0);
        return true;
    }
    if (cache->book == NULL || tarn_thread_owns(&cache->owner))
        return false;
    tarn_object_cache_fault(cache, TARN_FAULT_WRONG_THREAD, object, 0, 0);
    return true;
}

/* O2, at the end of whatever moved `at`. */
static void settle(tarn_object_cache *cache)
{
    if ((cache->flags & TARN_OBJECT_CACHE_SLOW) != 0)
        cache->floor = cache->ceiling = cache->at;
}

/* ── Blocks to objects, and back ── */

static void *block_take(tarn_object_cache *cache, tarn_status *status)
{
    tarn_allocator *from =
        cache->parent != NULL ? cache->parent : tarn_pool_allocator(&cache->pool);
    void *block = tarn_alloc(from, cache->object_size, cache->spec);
    if (block == NULL) {
        *status = tarn_get_why(from).status;
        if (*status == TARN_OK)
            *status = TARN_NO_MEMORY;
    }
    return block;
}

static void block_give(tarn_object_cache *cache, void *block)
{
    if (cache->parent != NULL)
        tarn_free(cache->parent, block, cache->object_size, cache->spec);
    else
        tarn_pool_free(&cache->pool, block);
}

/* A new object, idle but not in the array; NULL with the reason. */
static void *make(tarn_object_cache *cache, tarn_status *status)
{
    const tarn_object_cache_options *h = &cache->hooks;
    *status = TARN_LIMIT;
    if (cache->objects >= cache->limit)
        return NULL;
    *status = TARN_NO_MEMORY;
    if (!tarn_object_cache_room(cache))
        return NULL;
    void *object = block_take(cache, status);
    if (object == NULL)
        return NULL;
    cache->objects++; /* already: an init that uses the cache must not overrun the limit */
    cache->inits++;
    if (h->init != NULL && !h->init(h->user, object)) {
        cache->objects--;
        cache->inits--;
        block_give(cache, object);
        *status = TARN_NO_MEMORY;
        return NULL;
    }
    /* Again, since an init may have used the cache. */
    if (!tarn_object_cache_room(cache)) {
        cache->objects--;
        cache->finis++;
        if (h->fini != NULL)
            h->fini(h->user, object);
        block_give(cache, object);
        *status = TARN_NO_MEMORY;
        return NULL;
    }
    tarn_object_cache_enter(cache, object);
    return object;
}

static void unmake(tarn_object_cache *cache, void *object)
{
    if (cache->hooks.fini != NULL)
        cache->hooks.fini(cache->hooks.user, object);
    tarn_object_cache_strike(cache, object);
    cache->finis++;
    cache->objects--;
    block_give(cache, object);
}

size_t tarn_object_cache_drain(tarn_object_cache *cache)
{
    size_t gone = 0;
    while (cache->at != cache->idle) {
        void *object = *--cache->at;
        settle(cache);
        unmake(cache, object);
        gone += cache->object_size;
    }
    return gone;
}

/* ── Objects out ── */

/* Without reclaim; NULL with the reason. */
static void *take(tarn_object_cache *cache, tarn_status *status)
{
    const tarn_object_cache_options *h = &cache->hooks;
    void *object;
    if (cache->at != cache->idle) {
        object = *--cache->at;
        settle(cache);
    } else if ((object = make(cache, status)) == NULL) {
        return NULL;
    }
    if (h->ctor != NULL && !h->ctor(h->user, object)) {
        *status = TARN_NO_MEMORY;
        if (cache->at != cache->end) {
            *cache->at++ = object;
            settle(cache);
        } else {
            unmake(cache, object);
        }
        return NULL;
    }
    tarn_object_cache_note(cache, object, true);
    cache->taken++;
    return object;
}

void *tarn_object_cache_alloc_slow(tarn_object_cache *cache)
{
    tarn_status status = TARN_OK;
    if (tarn_object_cache_barred(cache, NULL))
        return NULL;
    void *object = take(cache, &status);
    if (object == NULL && cache->hooks.reclaim != NULL &&
        (cache->flags & TARN_OBJECT_CACHE_RECLAIMING) == 0) {
        cache->flags |= TARN_OBJECT_CACHE_RECLAIMING;
        cache->reclaims++;
        cache->hooks.reclaim(cache->hooks.user);
        cache->flags &= ~(uint32_t)TARN_OBJECT_CACHE_RECLAIMING;
        object = take(cache, &status);
    }
    if (object != NULL)
        return object;
    return tarn_object_cache_refuse(cache, status, cache->object_size, cache->spec,
                                    status == TARN_LIMIT && cache->limit != SIZE_MAX ? cache->limit
                                                                                     : 0);
}

size_t tarn_object_cache_fill(tarn_object_cache *cache, size_t count)
{
    tarn_status status = TARN_OK;
    if (tarn_object_cache_barred(cache, NULL))
        return 0;
    while ((size_t)(cache->at - cache->idle) < count && cache->at != cache->end) {
        void *object = make(cache, &status);
        if (object == NULL) {
            tarn_object_cache_refuse(cache, status, cache->object_size, cache->spec, 0);
            break;
        }
        *cache->at++ = object;
        settle(cache);
    }
    if (cache->at == cache->end && (size_t)(cache->end - cache->idle) < count)
        tarn_object_cache_refuse(cache, TARN_LIMIT, cache->object_size, cache->spec,
                                 (size_t)(cache->end - cache->idle));
    return (size_t)(cache->at - cache->idle);
}

/* ── Objects back ── */

void tarn_object_cache_free_slow(tarn_object_cache *cache, void *object)
{
    if (object == NULL || tarn_object_cache_barred(cache, object) ||
        !tarn_object_cache_known(cache, object))
        return;
    if (cache->hooks.dtor != NULL)
        cache->hooks.dtor(cache->hooks.user, object);
    if (cache->at == cache->end) {
        unmake(cache, object);
        return;
    }
    tarn_object_cache_note(cache, object, false);
    *cache->at++ = object;
    settle(cache);
}

/* ── Life cycle ── */

static tarn_status set_blocks(tarn_object_cache *cache, const tarn_object_cache_options *o,
                              size_t align)
{
    cache->parent = o->parent;
    if (o->parent != NULL)
        return TARN_OK;
    tarn_pool_options pool = {.block_size = o->object_size,
                              .align = align,
                              .source = o->source,
                              .check = o->check,
                              .name = cache->name};
    return tarn_pool_init(&cache->pool, &pool);
}

/* The array, and the book of a checking cache. */
static tarn_status set_array(tarn_object_cache *cache, size_t depth)
{
    tarn_status status = TARN_TOO_BIG;
    if (depth <= SIZE_MAX / 4 / sizeof(void *))
        status = tarn_source_map(cache->source, depth * sizeof(void *), _Alignof(void *), 0,
                                 &cache->array);
    if (status != TARN_OK)
        return status;
    cache->idle = cache->at = cache->floor = cache->array.ptr;
    cache->end = cache->ceiling = cache->idle + depth;
    settle(cache);
    if ((cache->flags & TARN_OBJECT_CACHE_CHECK) != 0)
        status = tarn_object_cache_open(cache);
    if (status != TARN_OK)
        tarn_source_unmap(cache->source, cache->array.ptr, cache->array.size, _Alignof(void *));
    return status;
}

tarn_status tarn_object_cache_init(tarn_object_cache *cache, const tarn_object_cache_options *o)
{
    size_t divides = o->object_size & (~o->object_size + 1), align = o->align;
    if (align == 0)
        align = divides < _Alignof(max_align_t) ? divides : _Alignof(max_align_t);
    memset(cache, 0, offsetof(tarn_object_cache, pool));
    cache->allocator.ops =
        o->parent != NULL ? &tarn_object_cache_parent_ops : &tarn_object_cache_pool_ops;
    cache->name = o->name != NULL ? o->name : "objects";
    if (o->object_size == 0)
        return TARN_BAD_ARGUMENT;
    if ((align & (align - 1)) != 0)
        return TARN_BAD_ALIGN;
    cache->hooks = *o;
    cache->object_size = o->object_size;
    cache->spec = TARN_SPEC(align);
    cache->limit = o->limit != 0 ? o->limit : SIZE_MAX;
    if (o->check || TARN_CHECKED)
        cache->flags = TARN_OBJECT_CACHE_CHECK | TARN_OBJECT_CACHE_SLOW;
    if (o->ctor != NULL || o->dtor != NULL)
        cache->flags |= TARN_OBJECT_CACHE_SLOW;
    cache->source = tarn_source_pick(o->source, NULL, &cache->own_source);
    if (cache->source == NULL)
        return TARN_BAD_ARGUMENT;
    tarn_status status = set_blocks(cache, o, align);
    if (status != TARN_OK)
        return status;
    status = set_array(cache, o->depth != 0 ? o->depth : DEPTH);
    if (status != TARN_OK && o->parent == NULL)
        tarn_pool_deinit(&cache->pool);
    return status;
}

static bool fini_live(void *user, void *object, size_t size)
{
    tarn_object_cache *cache = user;
    (void)size;
    cache->hooks.fini(cache->hooks.user, object);
    return true;
}

void tarn_object_cache_deinit(tarn_object_cache *cache)
{
    if ((cache->flags & TARN_OBJECT_CACHE_DEAD) != 0) {
        tarn_object_cache_fault(cache, TARN_FAULT_USE_AFTER_DEINIT, NULL, 0, 0);
        return;
    }
    tarn_thread_share(&cache->owner); /* any thread may end it */
    if (cache->parent == NULL)
        tarn_share(tarn_pool_allocator(&cache->pool));
    (void)tarn_object_cache_drain(cache);
    if (cache->parent == NULL) {
        if (cache->hooks.fini != NULL && cache->objects != 0)
            (void)tarn_pool_visit(&cache->pool, fini_live, cache);
        tarn_pool_deinit(&cache->pool);
    }
    tarn_object_cache_close(cache);
    tarn_source_unmap(cache->source, cache->array.ptr, cache->array.size, _Alignof(void *));
    cache->flags |= TARN_OBJECT_CACHE_DEAD;
    cache->idle = cache->end = cache->at = cache->floor = cache->ceiling = NULL;
    cache->objects = 0;
}

tarn_object_cache *tarn_object_cache_create(const tarn_object_cache_options *options,
                                            tarn_status *status)
{
    tarn_parent_source own;
    tarn_source *source = tarn_source_pick(options->source, NULL, &own);
    tarn_region home = {NULL, 0, 0};
    tarn_status why = source == NULL ? TARN_BAD_ARGUMENT
                                     : tarn_source_map(source, sizeof(tarn_object_cache),
                                                       _Alignof(tarn_object_cache), 0, &home);
    tarn_object_cache *cache = home.ptr;
    if (why == TARN_OK) {
        why = tarn_object_cache_init(cache, options);
        cache->home = home;
        if (why != TARN_OK)
            tarn_source_unmap(source, home.ptr, home.size, _Alignof(tarn_object_cache));
    }
    if (status != NULL)
        *status = why;
    return why == TARN_OK ? cache : NULL;
}

void tarn_object_cache_destroy(tarn_object_cache *cache)
{
    if (cache == NULL)
        return;
    tarn_region home = cache->home;
    tarn_parent_source own; /* the cache's own is about to go */
    tarn_source *source = cache->source;
    if (source == &cache->own_source.source)
        source = tarn_parent_init(&own, cache->own_source.allocator);
    tarn_object_cache_deinit(cache);
    tarn_source_unmap(source, home.ptr, home.size, _Alignof(tarn_object_cache));
}
