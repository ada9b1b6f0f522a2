/* SPDX-License-Identifier: MIT */
/*
 * address_map.h - a table from addresses to numbers, in memory that the owner provides: "is there
 * something of mine at this address, and what?" without reading the address.
 *
 * For: the pages and large blocks of an allocator. Not for: sharing between threads.
 *
 *     tarn_address_map_add(&map, key, value);    after: if (tarn_address_map_full(&map)) move it
 *
 * I1  0 is no key; an entry whose key is 0 is empty.
 * I2  count <= size / 2 after every add, so that a search ends soon.
 * I3  Every entry is reachable from the home of its key without crossing an empty one.
 */
#ifndef TARN_BASE_ADDRESS_MAP_H
#define TARN_BASE_ADDRESS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tarn_address_entry {
    uintptr_t key;
    uint64_t value;
} tarn_address_entry;

typedef struct tarn_address_map {
    tarn_address_entry *entries;
    size_t size; /* entries, a power of two, at least 2 */
    size_t count;
} tarn_address_map;

/* An empty table over storage of `size` entries. */
void tarn_address_map_init(tarn_address_map *map, tarn_address_entry *storage, size_t size);

/* Is there no room for another entry? */
static inline bool tarn_address_map_full(const tarn_address_map *map)
{
    return (map->count + 1) * 2 > map->size;
}

/* All entries into other storage of `size` entries, at least twice their number. */
void tarn_address_map_move(tarn_address_map *map, tarn_address_entry *storage, size_t size);

/* A key that is not there yet; the table is not full. */
void tarn_address_map_add(tarn_address_map *map, uintptr_t key, uint64_t value);

/* Where the entry of a key stands, for as long as none is added or removed; NULL when there is none. */
tarn_address_entry *tarn_address_map_find(const tarn_address_map *map, uintptr_t key);

/* Take an entry out. Those behind it in its cluster may move towards it, none before it. */
void tarn_address_map_remove(tarn_address_map *map, tarn_address_entry *entry);

#endif
