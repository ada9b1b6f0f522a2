/* SPDX-License-Identifier: MIT */
/*
 * replay_lane.h - one thread's share of a replay, inside a worker: the loop over its operations.
 *
 * The loop is a function that is inlined into each heap's file together with that heap's calls, so that a heap is
 * replayed as a program would call it: malloc by name, a pool by its inlined path.
 *
 *     lane: ops ──► loop ──► calls->alloc(heap) ──► touch ──► slots[op->slot]
 *                     │ WAIT: until ready[slot] = turn          SIGNAL: ready[slot] = turn + 1
 *
 * L1  A slot is used by one lane at a time: the one whose stream is at it, as REPLAY_WAIT and REPLAY_SIGNAL order it.
 *     The release store of ready pairs with the acquire load in replay_lane_wait.
 */
#ifndef TARN_REPLAY_LANE_H
#define TARN_REPLAY_LANE_H

#include <stdatomic.h>
#include <string.h>

#include "cmd/replay_program.h"

typedef struct replay_heap replay_heap;
typedef struct replay_run replay_run;

/* How a heap is used. `op` carries size, alignment and pool; p is never NULL unless its size is 0. */
typedef struct replay_calls {
    void *(*alloc)(replay_heap *, const replay_op *op);
    void *(*zalloc)(replay_heap *, const replay_op *op);
    void *(*aligned)(replay_heap *, const replay_op *op);
    void *(*resize)(replay_heap *, void *p, const replay_op *op, const replay_op *old);
    void (*free)(replay_heap *, void *p, const replay_op *op);
    size_t (*usable)(replay_heap *, void *p, const replay_op *op);
} replay_calls;

typedef struct replay_lane {
    replay_run *run;
    replay_heap *heap;
    void **slots;
    _Atomic uint16_t *ready;
    const replay_op *first, *end;
    unsigned touch;   /* enum replay_touch */
    uint32_t thread;  /* number in the trace */
    uint64_t cpu_ns;  /* thread CPU time in the loop … */
    uint64_t away_ns; /* … of which it waited for other lanes or started them */
} replay_lane;

/** replay_lane_wait - until the other lane is done with the slot; false when the run was stopped meanwhile. */
bool replay_lane_wait(replay_lane *lane, const replay_op *op);

/** replay_lane_start - start the lane that a REPLAY_START names; false when that failed. */
bool replay_lane_start(replay_lane *lane, const replay_op *op);

/** replay_lane_refused - stop the run: the heap returned NULL. */
void replay_lane_refused(replay_lane *lane, const replay_op *op);

/** replay_lane_fail - stop the run at an operation, with a message as printf. */
__attribute__((format(printf, 3, 4))) void replay_lane_fail(replay_lane *lane, const replay_op *op,
                                                            const char *format, ...);

/** replay_lane_verify - the loop of --verify, for every heap: fills each block, and checks it before it is freed or
 * resized. Slow. */
void replay_lane_verify(replay_lane *lane, const replay_calls *calls);

/** replay_lane_verify_rest - check what is live once every lane has ended. */
void replay_lane_verify_rest(replay_lane *lane);

#define REPLAY_INLINE static inline __attribute__((always_inline))

/* Write to a block as the program would: its bytes from `from` on are new. */
REPLAY_INLINE void replay_touch(unsigned how, void *block, uint64_t from, uint64_t size)
{
    volatile char *p = block;
    if (how == REPLAY_TOUCH_NONE || size == 0)
        return;
    p[0] = 1;
    if (how == REPLAY_TOUCH_FIRST)
        return;
    p[size - 1] = 1;
    if (how == REPLAY_TOUCH_ALL && size > from)
        memset((char *)block + from, 1, size - from);
}

/* Everything that gives a block; false when the run ends here. */
REPLAY_INLINE bool replay_make(replay_lane *lane, const replay_calls *calls, const replay_op *op)
{
    void **slot = &lane->slots[op->slot];
    uint64_t from = 0;
    void *p;
    if (op->kind == REPLAY_ALLOC) {
        p = calls->alloc(lane->heap, op);
    } else if (op->kind == REPLAY_REALLOC) {
        from = op[1].size;
        p = calls->resize(lane->heap, *slot, op, &op[1]);
    } else if (op->kind == REPLAY_ZALLOC) {
        p = calls->zalloc(lane->heap, op);
    } else {
        p = calls->aligned(lane->heap, op);
    }
    if (__builtin_expect(p == NULL && op->size != 0, 0)) {
        replay_lane_refused(lane, op);
        return false;
    }
    *slot = p;
    replay_touch(lane->touch, p, from, op->size);
    return true;
}

REPLAY_INLINE void replay_signal(replay_lane *lane, const replay_op *op)
{
    atomic_store_explicit(&lane->ready[op->slot], (uint16_t)(op->turn + 1),
                          memory_order_release); /* L1 */
}

/* The loop whose time is measured. */
REPLAY_INLINE void replay_loop(replay_lane *lane, const replay_calls *calls)
{
    const replay_op *end = lane->end;
    for (const replay_op *op = lane->first; op != end; op++) {
        const replay_op *here = op;
        if (__builtin_expect((here->flags & REPLAY_WAIT) != 0, 0) && !replay_lane_wait(lane, here))
            return;
        switch (here->kind) {
        case REPLAY_FREE:
            calls->free(lane->heap, lane->slots[here->slot], here);
            break;
        case REPLAY_USABLE:
            (void)calls->usable(lane->heap, lane->slots[here->slot], here);
            break;
        case REPLAY_START:
            if (!replay_lane_start(lane, here))
                return;
            break;
        default:
            if (!replay_make(lane, calls, here))
                return;
            op += here->kind == REPLAY_REALLOC;
        }
        if (__builtin_expect((here->flags & REPLAY_SIGNAL) != 0, 0))
            replay_signal(lane, here);
    }
}

#endif
