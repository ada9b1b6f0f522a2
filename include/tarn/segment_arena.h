/* SPDX-License-Identifier: MIT */
/*
 * segment_arena.h - an arena that lies in shared memory: one position, moved by several processes.
 *
 * For: what processes build together, or one builds for others, and is thrown away at once. Not
 * for: one process alone (arena.h grows, and is inlined); blocks with lifetimes of their own
 * (segment_pool.h). Most programs make these through segment.h.
 *
 *     static _Alignas(64) unsigned char place[65536];
 *     tarn_segment_arena_format(place, sizeof place);                   one process, once
 *     tarn_segment_arena arena;
 *     tarn_segment_arena_init(&arena, place, sizeof place, "scene");    each process
 *     void *b = tarn_segment_arena_alloc(&arena, 100, TARN_ALIGN_MAX);
 *
 *     place
 *     │ header, position │ blocks … ──► free                 │
 *
 * No lock is taken and nothing in the memory is an address. Each operation is one
 * compare-and-swap of the position: a process that is killed anywhere has its block or has it not,
 * and what it had and told nobody is there until the next rewind or reset.
 *
 * As in arena.h: sizes are rounded up to 8 bytes; only the last block is freed and grown in place.
 */
#ifndef TARN_SEGMENT_ARENA_H
#define TARN_SEGMENT_ARENA_H

#include <tarn/allocator.h>
#include <tarn/segment_pool.h>

TARN_BEGIN_DECLS

/* One process's view of an arena; fields are private. Any thread of the process may use it. */
typedef struct tarn_segment_arena {
    tarn_allocator allocator;
    const char *name;
    char *base;
    size_t *at; /* distance of the next block from base */
    size_t end; /* bytes from base                      */
    size_t failures;
    uint32_t failed_status, failed_log;
    size_t failed_size;
} tarn_segment_arena;

/**
 * tarn_segment_arena_bytes - how much memory an arena for that many bytes of blocks takes.
 *
 * Units    room in bytes: the sum of the blocks' sizes, each rounded up to its alignment.
 * Returns  bytes.
 * Fails    0: there can be no such arena.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API size_t tarn_segment_arena_bytes(size_t room);

/**
 * tarn_segment_arena_format - make an arena of a piece of memory, which is aligned to 64 bytes, and
 * to 4096 if blocks shall be. Nobody else uses it yet.
 *
 * Units    bytes: of the place.
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (the place is too small), TARN_BAD_ALIGN; nothing is written.
 * Threads  one.
 * Cost     O(1).
 */
TARN_API tarn_status tarn_segment_arena_format(void *place, size_t bytes);

/**
 * tarn_segment_arena_init - see an arena that lies in a place. The view needs no deinit.
 *
 * Units    bytes: of the place. name lives as long as the view.
 * Returns  TARN_OK.
 * Fails    TARN_CORRUPT (no such arena lies there, or it is damaged), TARN_BAD_ALIGN (the place).
 * Threads  one; afterwards any thread may use the view.
 * Cost     O(1).
 */
TARN_API tarn_status tarn_segment_arena_init(tarn_segment_arena *a, void *place, size_t bytes,
                                             const char *name);

/**
 * tarn_segment_arena_alloc - a block.
 *
 * Units    size in bytes.
 * Returns  a block; zeroed with TARN_ZERO.
 * Fails    NULL: TARN_LIMIT (it does not fit), TARN_TOO_BIG (it never would), TARN_BAD_ALIGN (above
 *          4096, or more than the place is aligned to).
 * Threads  any thread of any process.
 * Cost     one atomic instruction, again for each other that came first. Never waits.
 */
TARN_API TARN_MUST_USE TARN_ALLOC_SIZE(2) void *tarn_segment_arena_alloc(tarn_segment_arena *a,
                                                                         size_t size,
                                                                         tarn_spec spec);

/**
 * tarn_segment_arena_free - the last block back; any other stays until the next rewind or reset.
 * NULL is ignored.
 *
 * Units    size in bytes: from the one asked for to that rounded up to 8.
 * Fails    never.
 * Threads  any thread of any process.
 * Cost     at most one atomic instruction.
 */
TARN_API void tarn_segment_arena_free(tarn_segment_arena *a, void *block, size_t size);

/**
 * tarn_segment_arena_position - the position, for a rewind to it, by this or another process.
 *
 * Returns  bytes from the place.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API size_t tarn_segment_arena_position(const tarn_segment_arena *a);

/**
 * tarn_segment_arena_rewind - give up everything that was allocated behind a position; 0: all.
 *
 * Units    position as tarn_segment_arena_position gave it.
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT: no position of this arena, or behind where it is.
 * Threads  any; the others know that their blocks go.
 * Cost     one atomic instruction.
 */
TARN_API tarn_status tarn_segment_arena_rewind(tarn_segment_arena *a, size_t position);

/**
 * tarn_segment_arena_allocator - the view as an allocator, with resize, mark and rewind.
 *
 * Returns  the handle; it lives as long as the view.
 * Fails    never.
 * Threads  any; so is the allocator.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_segment_arena_allocator(tarn_segment_arena *a)
{
    return &a->allocator;
}

TARN_END_DECLS

#endif
