/* SPDX-License-Identifier: MIT */
/*
 * segment_inside.h - what a segment looks like, for its two rooms: segment.c opens and closes it and
 * knows who is in it; segment_names.c knows what is in it.
 *
 *     0                       4096                       data                            size      limit
 *     │ head │ state │ locks │ members │ name 0 │ name 1 │ … │ thing │ thing │  free  │ thing │ (to come)
 *
 * I1  The head never changes and carries its checksum. It is written last, magic first of all: a file
 *     whose maker died begins with UNDER_WAY, and is made anew.
 * I2  A name exists exactly when its `live` is 1: that one store makes it, and one store takes it
 *     away. The rest of a live name never changes and carries its checksum.
 * I3  Live things lie in [data, size), do not overlap, and are at multiples of 64. What lies between
 *     them is free; nothing else says so.
 * I4  `size` only grows, after the file has.
 * I5  With clean 1 nobody is in the segment, and clean_sum is that of all that may change but
 *     contents. Whoever enters sets clean to 0 first.
 *
 * Locks of the file, which the kernel drops when a process dies (all OFD locks):
 *
 *     DOOR      alone, while entering or leaving
 *     INSIDE    shared, as long as a process is in it; to be had alone, with the door: nobody is
 *     MEMBER+i  alone, by the process whose number stands in member i
 *
 * Lock order: door, inside, member; then, never with the door held by a process that waits for
 * names: names (a robust mutex in the head). `user` is the program's and is taken with nothing held.
 */
#ifndef TARN_SOURCE_SEGMENT_INSIDE_H
#define TARN_SOURCE_SEGMENT_INSIDE_H

#include <tarn/segment.h>

#include "os/robust.h"

#define TARN_SEGMENT_MAGIC     "TARNseg\n"
#define TARN_SEGMENT_UNDER_WAY "TARNnew\n"
#define TARN_SEGMENT_VERSION   1u

enum { SEGMENT_PAGE = 4096, LOCK_INSIDE = 0, LOCK_DOOR = 1, LOCK_MEMBER = 2, NAMES_MOST = 1024 };

typedef struct segment_member {
    uint32_t owner; /* 0: nobody */
    uint32_t process;
} segment_member;

typedef union segment_lock {
    tarn_robust robust;
    unsigned char bytes[128];
} segment_lock;

typedef struct tarn_segment_head {
    char magic[8];
    uint32_t version, order, word, lock_bytes;
    uint64_t limit;
    uint32_t names, members;
    uint64_t sum; /* of the above */

    uint64_t clean_sum;
    size_t size;
    uint32_t clean;
    uint32_t owners; /* numbers given to processes so far */

    _Alignas(128) segment_lock names_lock;
    segment_lock user_lock;
    segment_member member[TARN_SEGMENT_MEMBERS];
} tarn_segment_head;

typedef struct segment_name {
    char name[TARN_SEGMENT_NAME];
    size_t at, bytes;
    uint32_t kind;
    uint32_t live;
    uint64_t sum; /* of all but live */
} segment_name;

_Static_assert(sizeof(tarn_segment_head) <= SEGMENT_PAGE, "the head fits its page");
_Static_assert(sizeof(segment_lock) == 128, "the lock fits its place");

static inline segment_name *segment_names(const tarn_segment *s)
{
    return (segment_name *)(void *)(s->file.base + SEGMENT_PAGE);
}

/* Bytes before the first thing. */
static inline size_t segment_data(uint32_t names)
{
    size_t bytes = SEGMENT_PAGE + names * sizeof(segment_name);
    return (bytes + SEGMENT_PAGE - 1) / SEGMENT_PAGE * SEGMENT_PAGE;
}

/* Writes the words, returns the status. */
__attribute__((format(printf, 3, 4))) tarn_status
tarn_segment_refuse(tarn_segment *s, tarn_status status, const char *words, ...);

/* Is this the head of a segment that we can use, in a file of `length` bytes? */
tarn_status tarn_segment_judge(tarn_segment *s, const tarn_segment_head *h, size_t length);

/* Make a head. The rest of the page is zero. */
void tarn_segment_fill_head(tarn_segment_head *h, size_t limit, uint32_t names);

/* I2, I3, and every thing's own invariants. Nobody changes names meanwhile. */
tarn_status tarn_segment_verify(tarn_segment *s);

/* Free what was on its way; nobody else is in the segment, and it is verified. */
void tarn_segment_mend(tarn_segment *s);

/* Of all that may change, but contents. */
uint64_t tarn_segment_sum(const tarn_segment *s);

/* The lock of the names. A death of its holder leaves nothing to mend (I2). */
bool tarn_segment_enter(tarn_segment *s);
void tarn_segment_leave(tarn_segment *s);

#endif
