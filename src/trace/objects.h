/* SPDX-License-Identifier: MIT */
/* The live blocks of a trace while it is read: address -> object number, recycled, with its size. */
#ifndef TARN_TRACE_OBJECTS_H
#define TARN_TRACE_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TARN_NO_OBJECT UINT32_MAX

typedef struct tarn_object_entry {
    uint64_t address;
    uint32_t object; /* + 1; 0 = empty */
} tarn_object_entry;

typedef struct tarn_objects {
    tarn_object_entry *table; /* open addressing, at most half full */
    size_t mask, used;
    uint64_t *sizes;      /* by object; of a free number: the next free number + 1 */
    uint32_t count, room; /* numbers given out so far                              */
    uint32_t free_head;   /* + 1                                                   */
} tarn_objects;

/* A number for a new object, not yet at an address; TARN_NO_OBJECT when memory is out. */
uint32_t tarn_objects_new(tarn_objects *objects, uint64_t size);

/* The number is free again. */
void tarn_objects_drop(tarn_objects *objects, uint32_t object);

/* Put an object at an address where none is; false when memory is out. */
bool tarn_objects_put(tarn_objects *objects, uint64_t address, uint32_t object);

/* Which object is there; TARN_NO_OBJECT. */
uint32_t tarn_objects_at(const tarn_objects *objects, uint64_t address);

/* Take it away from there; TARN_NO_OBJECT when there was none. */
uint32_t tarn_objects_take(tarn_objects *objects, uint64_t address);

/* Forget everything, memory included. */
void tarn_objects_clear(tarn_objects *objects);

#endif
