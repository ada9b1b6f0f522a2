/* SPDX-License-Identifier: MIT */
/*
 * arena_chunk.h - what the rooms of the arena share. The picture of an arena is in arena.c.
 *
 * arena.c          blocks, marks, life cycle
 * arena_chunk.c    chunks: the next one, the end of a range, giving back
 * arena_guard.c    what a checking arena puts in front of blocks
 * arena_cleanup.c  registrations and children
 * arena_text.c     strings
 * arena_ops.c      the view as a tarn_allocator
 */
#ifndef TARN_STRATEGY_ARENA_CHUNK_H
#define TARN_STRATEGY_ARENA_CHUNK_H

#include <tarn/arena.h>

#include "base/align.h"
#include "base/assert.h"
#include "base/checked.h"
#include "base/thread_guard.h"

enum {
    ARENA_DOWN = 1u << 0,
    ARENA_CHECK = 1u << 1,
    ARENA_DEAD = 1u << 2,
    ARENA_RANGE = 1u << 3 /* own is a reserved range */
};

/* Alignment of chunks, and of what they offer at either end. */
#define ARENA_CHUNK_ALIGN 16u
/* A block of an unknown alignment is freed. */
#define ARENA_ANY_ALIGN   UINT32_MAX

/* A registration; a block of its arena. */
typedef struct tarn_arena_record {
    struct tarn_arena_record *older;
    tarn_arena_cleanup *fn;
    void *arg;
    tarn_arena_chunk *chunk; /* the one the record is in */
} tarn_arena_record;

/* In front of each block of a checking arena. */
typedef struct tarn_arena_guard {
    struct tarn_arena_guard *older;
    size_t size;      /* bytes, as asked for                     */
    uintptr_t canary; /* its own address, scrambled              */
    uint32_t log;     /* of the alignment; marked once freed */
} tarn_arena_guard;

_Static_assert(sizeof(tarn_arena_guard) % ARENA_CHUNK_ALIGN == 0, "a guard keeps blocks aligned");

static inline bool arena_is(const tarn_arena *a, uint32_t flag)
{
    return (a->flags & flag) != 0;
}

/* Where the next block is looked for; 0 when there is no chunk. */
static inline uintptr_t arena_position(const tarn_arena *a)
{
    return a->cur != 0 ? a->cur : a->at;
}

static inline void arena_move_to(tarn_arena *a, uintptr_t position)
{
    if (a->cur != 0)
        a->cur = position;
    else
        a->at = position;
}

static inline size_t arena_head(const tarn_arena *a)
{
    return arena_is(a, ARENA_CHECK) ? sizeof(tarn_arena_guard) : 0;
}

static inline uintptr_t arena_start(const tarn_arena *a, const tarn_arena_chunk *c)
{
    return arena_is(a, ARENA_DOWN) ? c->high : c->low;
}

/* Where c stopped, or stands. */
static inline uintptr_t arena_stop(const tarn_arena *a, const tarn_arena_chunk *c)
{
    return c == a->current ? arena_position(a) : c->at;
}

/* A pointer from an address that is known to be inside a chunk. */
static inline void *arena_pointer(uintptr_t address)
{
    return (void *)address; /* NOLINT(performance-no-int-to-ptr) */
}

/* A position in an arena: everything at or behind it is newer. */
typedef struct arena_place {
    const tarn_arena_chunk *chunk;
    uintptr_t at;
} arena_place;

/* Has what stands at `address` in chunk c been allocated since `place` was the position? */
static inline bool arena_is_newer(const tarn_arena *a, const tarn_arena_chunk *c, uintptr_t address,
                                  arena_place place)
{
    if (c != place.chunk)
        return c->number > place.chunk->number;
    return arena_is(a, ARENA_DOWN) ? address < place.at : address >= place.at;
}

/* Bytes that a block of `size`, which has been judged, takes. */
static inline size_t arena_whole(size_t size)
{
    return (size + TARN_ARENA_GRAIN - 1) & ~(size_t)(TARN_ARENA_GRAIN - 1);
}

/* ── arena.c ───────────────────────────────────────────────────────────────────────────────── */

/* tarn_arena_free while the window is closed; log of the alignment, or ARENA_ANY_ALIGN. */
void tarn_arena_free_as(tarn_arena *a, void *block, size_t size, uint32_t log);
/* Does a checking arena belong to another thread? The fault has been reported then. */
bool tarn_arena_stranger(tarn_arena *a, const void *block);

/* ── arena_ops.c ───────────────────────────────────────────────────────────────────────────── */

extern const tarn_ops tarn_arena_ops;

/* ── arena_chunk.c ─────────────────────────────────────────────────────────────────────────── */

/* Make chunk c, at position at, the current one; NULL: none, and no window. */
void tarn_arena_enter(tarn_arena *a, tarn_arena_chunk *c, uintptr_t at);
/* Room in the current chunk, or another current chunk, for size bytes (whole grains). */
tarn_status tarn_arena_grow(tarn_arena *a, size_t size, size_t align);
/* Addresses for a range. */
tarn_status tarn_arena_reserve(tarn_arena *a);
/* Give back every chunk of the source's, but for `but`; of the range, nothing. */
void tarn_arena_release(tarn_arena *a, const tarn_arena_chunk *but);
/* Give the range itself back. */
void tarn_arena_unreserve(tarn_arena *a);
/* The chunk with this address in the part that is in use, NULL when there is none. */
const tarn_arena_chunk *tarn_arena_find(const tarn_arena *a, uintptr_t address);

/* ── arena_guard.c ─────────────────────────────────────────────────────────────────────────── */

void tarn_arena_guard_block(tarn_arena *a, void *block, size_t size, uint32_t log);
/* The guard of a live block; NULL after raising the fault that fits. */
tarn_arena_guard *tarn_arena_guarded(const tarn_arena *a, const void *block, size_t size,
                                     uint32_t log);
/* The block is gone: from the chain when it is the newest, else marked. */
void tarn_arena_unguard(tarn_arena *a, tarn_arena_guard *g);
/* Forget all guards newer than place; NULL: all. */
void tarn_arena_forget(tarn_arena *a, const arena_place *place);
/* Does place cut through a block? */
bool tarn_arena_is_cut(const tarn_arena *a, arena_place place);
/* Are all guards whole? Counts live blocks and bytes on the way. */
bool tarn_arena_guards_hold(const tarn_arena *a, size_t *blocks, size_t *bytes);
void tarn_arena_fault(const tarn_arena *a, tarn_fault_kind kind, const void *block, size_t given,
                      size_t expected);

/* ── arena_cleanup.c ───────────────────────────────────────────────────────────────────────── */

/* Run the registrations newer than place; NULL: all. */
void tarn_arena_run(tarn_arena *a, const arena_place *place);
/* Has a child that is older than place taken a chunk since? */
bool tarn_arena_children_behind(const tarn_arena *a, arena_place place);
/* A child is deinitialised: its outer arena forgets it. */
void tarn_arena_leave(tarn_arena *child);
/* The struct of a created child back. */
void tarn_arena_free_child(tarn_arena *outer, tarn_arena *child);

#endif
