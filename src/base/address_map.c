/* SPDX-License-Identifier: MIT */
/*
 * address_map.c - an open-addressed table with linear probing and deletion by moving back (D. E.
 * Knuth, The Art of Computer Programming, volume 3, section 6.4, algorithm R).
 */
#include "base/address_map.h"

static size_t home_of(const tarn_address_map *map, uintptr_t key)
{
    uint64_t h = (uint64_t)key * 0x9e3779b97f4a7c15u; /* Knuth's multiplicative hash */
    return (size_t)(h >> 32) & (map->size - 1);
}

void tarn_address_map_init(tarn_address_map *map, tarn_address_entry *storage, size_t size)
{
    *map = (tarn_address_map){storage, size, 0};
    for (size_t i = 0; i < size; i++)
        storage[i] = (tarn_address_entry){0, 0};
}

void tarn_address_map_move(tarn_address_map *map, tarn_address_entry *storage, size_t size)
{
    tarn_address_map old = *map;
    tarn_address_map_init(map, storage, size);
    for (size_t i = 0; i < old.size; i++) {
        if (old.entries[i].key != 0)
            tarn_address_map_add(map, old.entries[i].key, old.entries[i].value);
    }
}

void tarn_address_map_add(tarn_address_map *map, uintptr_t key, uint64_t value)
{
    size_t at = home_of(map, key);
    while (map->entries[at].key != 0)
        at = (at + 1) & (map->size - 1);
    map->entries[at] = (tarn_address_entry){key, value};
    map->count++;
}

tarn_address_entry *tarn_address_map_find(const tarn_address_map *map, uintptr_t key)
{
    if (key == 0)
        return NULL;
    for (size_t at = home_of(map, key);; at = (at + 1) & (map->size - 1)) {
        if (map->entries[at].key == key)
            return &map->entries[at];
        if (map->entries[at].key == 0)
            return NULL;
    }
}

void tarn_address_map_remove(tarn_address_map *map, tarn_address_entry *entry)
{
    size_t mask = map->size - 1, hole = (size_t)(entry - map->entries);
    map->count--;
    for (size_t at = hole;;) {
        map->entries[hole].key = 0;
        do {
            at = (at + 1) & mask;
            if (map->entries[at].key == 0)
                return;
        } while (((at - home_of(map, map->entries[at].key)) & mask) < ((at - hole) & mask));
        map->entries[hole] = map->entries[at];
        hole = at;
    }
}
