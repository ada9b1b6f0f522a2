/* SPDX-License-Identifier: MIT */
/* subjects_object_cache.c - object caches over a pool of their own and over a parent. */
#include "property/streams/subjects.h"

#include <tarn/object_cache.h>

static tarn_object_cache cache;
static tarn_parent_source source;

static tarn_allocator *pool_make(tarn_allocator *parent, void *user)
{
    tarn_object_cache_options o = *(tarn_object_cache_options *)user;
    o.source = tarn_parent_init(&source, parent);
    return tarn_object_cache_init(&cache, &o) == TARN_OK ? tarn_object_cache_allocator(&cache)
                                                         : NULL;
}

static tarn_allocator *parent_make(tarn_allocator *parent, void *user)
{
    tarn_object_cache_options o = *(tarn_object_cache_options *)user;
    o.source = tarn_parent_init(&source, parent);
    o.parent = parent;
    return tarn_object_cache_init(&cache, &o) == TARN_OK ? tarn_object_cache_allocator(&cache)
                                                         : NULL;
}

static void cache_unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    tarn_object_cache_deinit(&cache);
}

static bool seven_of_eight(void *user, void *object)
{
    static unsigned calls;
    (void)user, (void)object;
    return ++calls % 8 != 0;
}

static const tarn_object_cache_options plain = {.object_size = 72},
                                       shallow = {.object_size = 40, .depth = 5, .check = true},
                                       moody = {.object_size = 64,
                                                .init = seven_of_eight,
                                                .ctor = seven_of_eight,
                                                .limit = 60};

static const subject CACHES[] = {
    {"object_cache(72)", pool_make, cache_unmake, &plain, 72, 8, false},
    {"object_cache(40, depth 5, check)", pool_make, cache_unmake, &shallow, 40, 8, false},
    {"object_cache(72, over parent)", parent_make, cache_unmake, &plain, 72, 8, false},
    {"object_cache(64, refusing, limit 60)", parent_make, cache_unmake, &moody, 64, 16, true},
};

SUBJECTS_ENTER(CACHES)
