/* SPDX-License-Identifier: MIT */
/*
 * replay_program.h - a trace made ready to be replayed: one stream of small operations for each thread, in one
 * memory file that every worker process maps.
 *
 *     header │ threads │ end order │ operations: thread 0 │ thread 1 │ … │ places in the trace (--verify only)
 *
 * A worker needs no more than that, a table of `slots` pointers, and a number for each slot where objects cross
 * threads. So what the worker holds for itself is known before the first operation, and what comes later is the heap's.
 *
 * P1  In a stream, and where flags order streams, a slot is allocated, then resized, then freed; it is never used
 *     between a free and the next allocation.
 * P2  An operation with REPLAY_WAIT is on a slot whose previous operation is in another stream and has REPLAY_SIGNAL.
 *     The hand-overs of a slot are numbered: `turn` is that of the last one up to and including the operation's own WAIT,
 *     so it waits for `turn` and signals turn + 1. A slot is retired before the number could wrap.
 * P3  REALLOC is followed by OLD_SIZE on the same slot, which is not executed.
 */
#ifndef TARN_REPLAY_PROGRAM_H
#define TARN_REPLAY_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum replay_kind {
    REPLAY_ALLOC,
    REPLAY_ZALLOC,
    REPLAY_ALIGNED,
    REPLAY_REALLOC,
    REPLAY_OLD_SIZE, /* second half of REALLOC: size = that of the old block, pool = its pool */
    REPLAY_FREE,     /* size = the block's                                                      */
    REPLAY_USABLE,
    REPLAY_START /* slot = the thread to start */
};

enum { REPLAY_WAIT = 1, REPLAY_SIGNAL = 2 };

typedef struct replay_op {
    uint64_t size : 48; /* bytes */
    uint64_t turn : 16; /* hand-over of the slot, see P2 */
    uint32_t slot;
    uint8_t kind;       /* enum replay_kind */
    uint8_t align_log2; /* what the program asked for, 0 = malloc's own */
    uint8_t flags;
    uint8_t pool; /* 1 + index of the pool that the plan gives this size to, 0 = none */
} replay_op;

_Static_assert(sizeof(replay_op) == 16, "four operations to a cache line");

typedef struct replay_thread {
    uint64_t first, count; /* operations */
    uint32_t ended_before; /* so many of the end order had ended when this thread started */
    uint32_t pad;
} replay_thread;

enum {
    REPLAY_POOLS = 16,
    REPLAY_POOL_MAX = 1024
}; /* pools at most; bytes, the largest size given a pool */

/* One pool of the plan. */
typedef struct replay_pool {
    uint32_t low, high;    /* bytes: the sizes it serves */
    uint32_t block, align; /* bytes: its blocks, block >= high */
    uint64_t allocs;       /* requests of the trace that it serves */
} replay_pool;

enum replay_touch { REPLAY_TOUCH_NONE, REPLAY_TOUCH_FIRST, REPLAY_TOUCH_ENDS, REPLAY_TOUCH_ALL };

typedef struct replay_header {
    uint64_t magic;
    uint64_t bytes;      /* of the whole file */
    uint64_t operations; /* allocations, reallocs, frees, usable size calls */
    uint64_t allocs, reallocs, frees;
    uint64_t peak_live;   /* bytes asked for and live at once */
    uint64_t biggest;     /* bytes, one block */
    uint64_t arena_bytes; /* what an allocator that never reuses anything would hand out */
    uint64_t crossings;   /* handshakes between threads */
    uint64_t threads_at, ends_at, ops_at,
        places_at; /* offsets in the file; places_at 0 = not there */
    uint32_t threads, ends, slots;
    uint32_t touch; /* enum replay_touch */
    uint32_t verify;
    uint32_t pools;
    replay_pool pool[REPLAY_POOLS];
} replay_header;

#define REPLAY_MAGIC UINT64_C(0x31796c7072724154)

/** replay_align - the alignment that a block of this size can need (bytes): see docs/replay.md. */
static inline size_t replay_align(uint64_t size, unsigned align_log2)
{
    if (align_log2 != 0)
        return (size_t)1 << align_log2;
    if (size != 0 && size % 16 == 0)
        return 16;
    return size >= 8 ? 8 : size >= 4 ? 4 : size >= 2 ? 2 : 1;
}

#endif
