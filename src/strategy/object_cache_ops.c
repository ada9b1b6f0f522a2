/* SPDX-License-Identifier: MIT */
/*
 * object_cache_ops.c - an object cache seen as a tarn_allocator.
 *
 * Two tables: over a pool of its own the cache can tell what it owns, over a parent it cannot. There is no
 * reset and no visit: which objects are in use is the program's knowledge, as with every cache.
 */
#include "base/mem.h"
#include "base/thread_guard.h"
#include "strategy/object_cache_book.h"

/* ── Rare operations ── */

static const char *cache_name(const tarn_allocator *a)
{
    return ((const tarn_object_cache *)a)->name;
}

static tarn_answer cache_owns(const tarn_allocator *a, const void *object)
{
    return tarn_pool_owns(&((const tarn_object_cache *)a)->pool, object);
}

static size_t cache_usable(const tarn_allocator *a, const void *object, size_t size, tarn_spec spec)
{
    (void)object, (void)size, (void)spec;
    return ((const tarn_object_cache *)a)->object_size;
}

static size_t cache_trim(tarn_allocator *a)
{
    tarn_object_cache *cache = (tarn_object_cache *)a;
    if (tarn_object_cache_barred(cache, NULL))
        return 0;
    size_t gone = tarn_object_cache_drain(cache);
    return cache->parent != NULL ? gone : tarn_pool_trim(&cache->pool);
}

void tarn_object_cache_count(const tarn_object_cache *cache, tarn_object_cache_counters *out)
{
    *out = (tarn_object_cache_counters){.idle = (size_t)(cache->at - cache->idle),
                                        .allocs = cache->taken,
                                        .inits = cache->inits,
                                        .finis = cache->finis,
                                        .reclaims = cache->reclaims};
    out->live = cache->objects - out->idle;
    /* What was constructed and never handed out, by fill or before a ctor refused, saved nothing. */
    out->saved = out->allocs > out->inits ? out->allocs - out->inits : 0;
}

static tarn_status cache_stats(const tarn_allocator *a, tarn_stats *out)
{
    const tarn_object_cache *cache = (const tarn_object_cache *)a;
    tarn_object_cache_counters c;
    tarn_stats blocks = {0};
    tarn_object_cache_count(cache, &c);
    out->known = TARN_STATS_LIVE | TARN_STATS_HELD | TARN_STATS_FAILED;
    out->live_blocks = c.live;
    out->live_bytes = c.live * cache->object_size;
    out->failures = cache->failures;
    if ((cache->flags & TARN_OBJECT_CACHE_DEAD) != 0)
        return TARN_OK;
    out->held_bytes = cache->objects * cache->object_size;
    if (cache->parent == NULL && tarn_pool_stats(&cache->pool, &blocks) == TARN_OK)
        out->held_bytes = blocks.held_bytes;
    out->held_bytes += cache->array.size;
    out->idle_bytes = out->held_bytes - out->live_bytes;
    return TARN_OK;
}

static tarn_status cache_check(const tarn_allocator *a)
{
    const tarn_object_cache *cache = (const tarn_object_cache *)a;
    size_t in_use = 0;
    if (cache->at < cache->idle || cache->at > cache->end || cache->objects > cache->limit ||
        cache->objects != cache->inits - cache->finis ||
        cache->objects < (size_t)(cache->at - cache->idle))
        return TARN_CORRUPT;
    for (void **at = cache->idle; at != cache->at; at++) {
        if (cache->parent == NULL && tarn_pool_owns(&cache->pool, *at) != TARN_YES)
            return TARN_CORRUPT;
        for (void **other = at + 1; other != cache->at; other++) {
            if (*other == *at)
                return TARN_CORRUPT;
        }
    }
    const tarn_address_map *map = cache->book != NULL ? &cache->book->map : NULL;
    for (size_t i = 0; map != NULL && i < map->size; i++)
        in_use += map->entries[i].key != 0 && map->entries[i].value != 0;
    if (map != NULL && (map->count != cache->objects ||
                        in_use != cache->objects - (size_t)(cache->at - cache->idle)))
        return TARN_CORRUPT;
    return cache->parent == NULL ? tarn_pool_check(&cache->pool) : TARN_OK;
}

static tarn_why cache_why(const tarn_allocator *a)
{
    return ((const tarn_object_cache *)a)->why;
}

static tarn_allocator *cache_parent(const tarn_allocator *a, unsigned index)
{
    const tarn_object_cache *cache = (const tarn_object_cache *)a;
    tarn_allocator *all[] = {cache->parent, cache->own_source.allocator};
    if (all[0] == NULL)
        all[0] = all[1];
    if (all[0] == all[1])
        all[1] = NULL;
    return index < 2 ? all[index] : NULL;
}

static void cache_deinit(tarn_allocator *a)
{
    tarn_object_cache_deinit((tarn_object_cache *)a);
}

static void cache_share(tarn_allocator *a)
{
    tarn_object_cache *cache = (tarn_object_cache *)a;
    tarn_thread_share(&cache->owner);
    if (cache->parent == NULL)
        tarn_share(tarn_pool_allocator(&cache->pool));
}

/* ── The view as an allocator ── */

static void *cache_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_object_cache *cache = (tarn_object_cache *)a;
    bool built = cache->hooks.init != NULL || cache->hooks.ctor != NULL;
    if (size > cache->object_size)
        return tarn_object_cache_refuse(cache, TARN_TOO_BIG, size, spec, cache->object_size);
    if ((spec & TARN_ALIGN_BITS) > cache->spec)
        return tarn_object_cache_refuse(cache, TARN_BAD_ALIGN, size, spec,
                                        tarn_spec_align(cache->spec));
    if ((spec & TARN_ZERO) != 0 && built)
        return tarn_object_cache_refuse(cache, TARN_UNSUPPORTED, size, spec, 0);
    void *object = tarn_object_cache_alloc(cache);
    if (object != NULL && (spec & TARN_ZERO) != 0)
        memset(object, 0, cache->object_size);
    return object;
}

static void cache_free(tarn_allocator *a, void *object, size_t size, tarn_spec spec)
{
    tarn_object_cache *cache = (tarn_object_cache *)a;
    if (cache->book != NULL) {
        bool fits = size <= cache->object_size;
        if (!fits || (spec & TARN_ALIGN_BITS) > cache->spec) {
            tarn_object_cache_fault(cache, fits ? TARN_FAULT_WRONG_ALIGN : TARN_FAULT_WRONG_SIZE,
                                    object, fits ? tarn_spec_align(spec) : size,
                                    fits ? tarn_spec_align(cache->spec) : cache->object_size);
            return;
        }
    }
    tarn_object_cache_free(cache, object);
}

/* In place or not at all: every object is as big as every other. */
static void *cache_resize(tarn_allocator *a, void *object, size_t old_size, size_t new_size,
                          size_t keep, tarn_spec spec)
{
    tarn_object_cache *cache = (tarn_object_cache *)a;
    size_t from = old_size > keep ? old_size : keep; /* an old size of 0 may mean "unknown" */
    if (tarn_object_cache_barred(cache, object) || !tarn_object_cache_known(cache, object))
        return NULL;
    if (new_size > cache->object_size)
        return tarn_object_cache_refuse(cache, TARN_TOO_BIG, new_size, spec, cache->object_size);
    if ((spec & TARN_ALIGN_BITS) > cache->spec)
        return tarn_object_cache_refuse(cache, TARN_BAD_ALIGN, new_size, spec,
                                        tarn_spec_align(cache->spec));
    if ((spec & TARN_ZERO) != 0 && new_size > from)
        memset((char *)object + from, 0, new_size - from);
    return object;
}

static tarn_block cache_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    void *object = cache_alloc(a, size, spec);
    return (tarn_block){object, object != NULL ? ((tarn_object_cache *)a)->object_size : 0};
}

#define CACHE_RARE(owns_or_null)                                                                   \
    {                                                                                              \
        .bytes = sizeof(tarn_rare_ops), .name = cache_name, .owns = (owns_or_null),                \
        .usable = cache_usable, .trim = cache_trim, .stats = cache_stats, .check = cache_check,    \
        .why = cache_why, .parent = cache_parent, .deinit = cache_deinit, .share = cache_share     \
    }
static const tarn_rare_ops POOL_RARE = CACHE_RARE(cache_owns), PARENT_RARE = CACHE_RARE(NULL);

#define CACHE_CAPS                                                                                 \
    (TARN_CAP_UNSIZED_FREE | TARN_CAP_FREE | TARN_CAP_RESIZE | TARN_CAP_TRIM | TARN_CAP_CHECK |    \
     TARN_CAP_STATS)
#define CACHE_HOT                                                                                  \
    .abi = TARN_ABI, .alloc = cache_alloc, .free = cache_free, .resize = cache_resize,             \
    .alloc_at_least = cache_alloc_at_least

const tarn_ops tarn_object_cache_pool_ops = {
    .caps = CACHE_CAPS | TARN_CAP_OWNS, CACHE_HOT, .rare = &POOL_RARE};
const tarn_ops tarn_object_cache_parent_ops = {.caps = CACHE_CAPS, CACHE_HOT, .rare = &PARENT_RARE};
