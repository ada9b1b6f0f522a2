/* SPDX-License-Identifier: MIT */
/*
 * object_cache_book.c - what a checking cache knows of its objects: which there are, and which are in use.
 * Without a check there is no book, and all of this does nothing.
 */
#include "strategy/object_cache_book.h"

enum { FIRST = 64 };

tarn_status tarn_object_cache_open(tarn_object_cache *cache)
{
    tarn_region home, storage;
    tarn_status status = tarn_source_map(cache->source, sizeof(tarn_object_cache_book),
                                         _Alignof(tarn_object_cache_book), 0, &home);
    if (status != TARN_OK)
        return status;
    status = tarn_source_map(cache->source, FIRST * sizeof(tarn_address_entry),
                             _Alignof(tarn_address_entry), 0, &storage);
    if (status != TARN_OK) {
        tarn_source_unmap(cache->source, home.ptr, home.size, _Alignof(tarn_object_cache_book));
        return status;
    }
    cache->book = home.ptr;
    cache->book->home = home;
    cache->book->storage = storage;
    tarn_address_map_init(&cache->book->map, storage.ptr, FIRST);
    return TARN_OK;
}

void tarn_object_cache_close(tarn_object_cache *cache)
{
    if (cache->book == NULL)
        return;
    tarn_region home = cache->book->home, storage = cache->book->storage;
    tarn_source_unmap(cache->source, storage.ptr, storage.size, _Alignof(tarn_address_entry));
    tarn_source_unmap(cache->source, home.ptr, home.size, _Alignof(tarn_object_cache_book));
    cache->book = NULL;
}

bool tarn_object_cache_room(tarn_object_cache *cache)
{
    tarn_object_cache_book *book = cache->book;
    tarn_region fresh;
    if (book == NULL || !tarn_address_map_full(&book->map))
        return true;
    size_t size = book->map.size * 2;
    if (tarn_source_map(cache->source, size * sizeof(tarn_address_entry),
                        _Alignof(tarn_address_entry), 0, &fresh) != TARN_OK)
        return false;
    tarn_address_map_move(&book->map, fresh.ptr, size);
    tarn_source_unmap(cache->source, book->storage.ptr, book->storage.size,
                      _Alignof(tarn_address_entry));
    book->storage = fresh;
    return true;
}

void tarn_object_cache_enter(tarn_object_cache *cache, const void *object)
{
    if (cache->book != NULL)
        tarn_address_map_add(&cache->book->map, (uintptr_t)object, 0);
}

void tarn_object_cache_note(tarn_object_cache *cache, const void *object, bool in_use)
{
    if (cache->book != NULL)
        tarn_address_map_find(&cache->book->map, (uintptr_t)object)->value = in_use;
}

void tarn_object_cache_strike(tarn_object_cache *cache, const void *object)
{
    if (cache->book != NULL)
        tarn_address_map_remove(&cache->book->map,
                                tarn_address_map_find(&cache->book->map, (uintptr_t)object));
}

bool tarn_object_cache_known(const tarn_object_cache *cache, const void *object)
{
    tarn_fault_kind kind = TARN_FAULT_FOREIGN_POINTER;
    if (cache->book == NULL)
        return true;
    const tarn_address_map *map = &cache->book->map;
    const tarn_address_entry *e = tarn_address_map_find(map, (uintptr_t)object);
    if (e != NULL && e->value != 0)
        return true;
    if (e != NULL)
        kind = TARN_FAULT_DOUBLE_FREE;
    for (size_t i = 0; e == NULL && i < map->size; i++) {
        if (map->entries[i].key != 0 &&
            (uintptr_t)object - map->entries[i].key < cache->object_size)
            kind = TARN_FAULT_INTERIOR_POINTER;
    }
    tarn_object_cache_fault(cache, kind, object, 0, 0);
    return false;
}
