/* SPDX-License-Identifier: MIT */
/* replay_run.h - a program replayed once on one heap, in this process: its lanes, their order, what stopped it. */
#ifndef TARN_REPLAY_RUN_H
#define TARN_REPLAY_RUN_H

#include <pthread.h>

#include "cmd/replay_heap.h"

struct replay_run {
    const replay_header *program;
    const char *base; /* the program's first byte */
    const replay_heap_kind *kind;
    void **slots;
    _Atomic uint16_t *ready; /* NULL when no object crosses threads */
    uint64_t *ids;           /* --verify: what each slot's block was filled with */
    replay_lane *lanes;
    pthread_t *threads;
    bool *started;   /* not yet joined; guarded by lock, as are joined and the figures of failure */
    uint32_t joined; /* of the end order */
    uint32_t there,
        most_there; /* threads started and not joined, lane 0 included: now, and at most */
    pthread_mutex_t lock;
    atomic_bool stop;
    bool failed;
    uint64_t fail_place; /* in the trace; UINT64_MAX = not known */
    char message[160];
    _Atomic uint64_t checked_blocks, checked_bytes; /* --verify */
    uint64_t cpu_ns, wall_ns; /* the sum over lanes, without what they waited */
};

/** replay_run_prepare - all memory that the run needs for itself; false and a message when there is none. */
bool replay_run_prepare(replay_run *run, const void *program, const replay_heap_kind *kind);

/** replay_run_go - set up the heap, replay, wait for every lane. Returns !run->failed. */
bool replay_run_go(replay_run *run);

/** replay_run_place - where in the trace an operation comes from; UINT64_MAX when the program has no places. */
uint64_t replay_run_place(const replay_run *run, const replay_op *op);

#endif
