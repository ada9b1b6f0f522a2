/* SPDX-License-Identifier: MIT */
/* Address -> object. Linear probing; a deletion moves later entries back (Knuth, vol. 3, 6.4, algorithm R), so there are
 * no tombstones and a long trace does not slow down. */
#include "trace/objects.h"

#include <stdlib.h>

static size_t home(const tarn_objects *o, uint64_t address)
{
    return (size_t)((address >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & o->mask;
}

static size_t find(const tarn_objects *o, uint64_t address)
{
    size_t at = home(o, address);
    while (o->table[at].object && o->table[at].address != address)
        at = (at + 1) & o->mask;
    return at;
}

static bool grow_table(tarn_objects *o)
{
    if (o->table && o->used * 2 <= o->mask)
        return true;
    tarn_objects bigger = *o;
    bigger.mask = o->table ? o->mask * 2 + 1 : 4095;
    bigger.table = calloc(bigger.mask + 1, sizeof *bigger.table);
    if (!bigger.table)
        return false;
    for (size_t i = 0; o->table && i <= o->mask; i++)
        if (o->table[i].object)
            bigger.table[find(&bigger, o->table[i].address)] = o->table[i];
    free(o->table);
    *o = bigger;
    return true;
}

uint32_t tarn_objects_new(tarn_objects *objects, uint64_t size)
{
    tarn_objects *o = objects;
    uint32_t object;
    if (o->free_head) {
        object = o->free_head - 1;
        o->free_head = (uint32_t)o->sizes[object];
    } else {
        if (o->count == o->room) {
            uint32_t room = o->room ? o->room * 2 : 4096;
            uint64_t *sizes = room > o->room ? realloc(o->sizes, room * sizeof *sizes) : NULL;
            if (!sizes)
                return TARN_NO_OBJECT;
            o->sizes = sizes;
            o->room = room;
        }
        object = o->count++;
    }
    o->sizes[object] = size;
    return object;
}

void tarn_objects_drop(tarn_objects *objects, uint32_t object)
{
    objects->sizes[object] = objects->free_head;
    objects->free_head = object + 1;
}

bool tarn_objects_put(tarn_objects *objects, uint64_t address, uint32_t object)
{
    if (!grow_table(objects))
        return false;
    objects->table[find(objects, address)] =
        (tarn_object_entry){.address = address, .object = object + 1};
    objects->used++;
    return true;
}

uint32_t tarn_objects_at(const tarn_objects *objects, uint64_t address)
{
    return objects->table ? objects->table[find(objects, address)].object - 1 : TARN_NO_OBJECT;
}

uint32_t tarn_objects_take(tarn_objects *objects, uint64_t address)
{
    tarn_objects *o = objects;
    if (!o->table)
        return TARN_NO_OBJECT;
    size_t hole = find(o, address);
    if (!o->table[hole].object)
        return TARN_NO_OBJECT;
    uint32_t object = o->table[hole].object - 1;
    for (size_t at = (hole + 1) & o->mask; o->table[at].object; at = (at + 1) & o->mask) {
        size_t wanted = home(o, o->table[at].address);
        if (((at - wanted) & o->mask) < ((at - hole) & o->mask))
            continue; /* would be moved before its home */
        o->table[hole] = o->table[at];
        hole = at;
    }
    o->table[hole].object = 0;
    o->used--;
    return object;
}

void tarn_objects_clear(tarn_objects *objects)
{
    free(objects->table);
    free(objects->sizes);
    *objects = (tarn_objects){0};
}
