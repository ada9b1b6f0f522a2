/* SPDX-License-Identifier: MIT */
/*
 * object_cache_book.h - the inside of an object cache, and its book of objects when it checks.
 *
 *     idle                at                                end
 *     ┌───────────────────┬──────────────────────────────────┐
 *     │ idle, constructed │ room                             │  objects = these and those in use
 *     └───────────────────┴──────────────────────────────────┘
 *     floor                                            ceiling   without ctor, dtor and check
 *                         floor = at = ceiling                   with one of them
 *
 * O1  idle <= at <= end; idle objects are constructed, in the array once, and not in use.
 * O2  With ctor, dtor or check, and after deinit, floor == at == ceiling whenever the cache is not inside
 *     a call: both inlined halves end in a slow one, and nobody else pays a branch for that.
 * O3  objects = inits - finis; those in use are objects - (at - idle).
 * O4  The book (with check) has every object, with 1 when it is in use, 0 when it is idle.
 */
#ifndef TARN_STRATEGY_OBJECT_CACHE_BOOK_H
#define TARN_STRATEGY_OBJECT_CACHE_BOOK_H

#include <tarn/object_cache.h>

#include "base/address_map.h"

struct tarn_object_cache_book {
    tarn_address_map map; /* object -> in use? */
    tarn_region storage;  /* of the map        */
    tarn_region home;     /* of this struct    */
};

/* cache->flags */
enum {
    TARN_OBJECT_CACHE_CHECK = 1u << 0,
    TARN_OBJECT_CACHE_SLOW = 1u << 1, /* O2 */
    TARN_OBJECT_CACHE_DEAD = 1u << 2,
    TARN_OBJECT_CACHE_RECLAIMING = 1u << 3 /* inside reclaim, which is not asked again */
};

/* Record a refusal; always NULL. */
void *tarn_object_cache_refuse(tarn_object_cache *cache, tarn_status status, size_t size,
                               tarn_spec spec, size_t limit);

void tarn_object_cache_fault(const tarn_object_cache *cache, tarn_fault_kind kind,
                             const void *object, size_t given, size_t expected);

/* Is the cache not to be touched: dead, or another thread's? The fault has been reported then. */
bool tarn_object_cache_barred(tarn_object_cache *cache, const void *object);

/* Fini for all idle objects, their blocks back. Returns the bytes of those. */
size_t tarn_object_cache_drain(tarn_object_cache *cache);

/* ── object_cache_book.c ── */

/* The book of a checking cache. */
tarn_status tarn_object_cache_open(tarn_object_cache *cache);
void tarn_object_cache_close(tarn_object_cache *cache);

/* Room for one more object; false when there is no memory for it. True without a book. */
bool tarn_object_cache_room(tarn_object_cache *cache);

/* An object appears, is taken or put, or is gone. Nothing without a book. */
void tarn_object_cache_enter(tarn_object_cache *cache, const void *object);
void tarn_object_cache_note(tarn_object_cache *cache, const void *object, bool in_use);
void tarn_object_cache_strike(tarn_object_cache *cache, const void *object);

/* May this be freed? The fault is reported when not. True without a book. */
bool tarn_object_cache_known(const tarn_object_cache *cache, const void *object);

/* ── object_cache_ops.c ── */

/* Over a pool of its own, which knows what it owns; and over a parent. */
extern const tarn_ops tarn_object_cache_pool_ops, tarn_object_cache_parent_ops;

#endif
