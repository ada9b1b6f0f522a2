/* SPDX-License-Identifier: MIT */
/*
 * replay_heap.h - what a worker can replay on. One kind is one way to call an allocator; which malloc answers is the
 * dynamic linker's doing (LD_PRELOAD).
 */
#ifndef TARN_REPLAY_HEAP_H
#define TARN_REPLAY_HEAP_H

#include "cmd/replay_lane.h"

typedef struct replay_heap_kind {
    const char *name; /* as passed to the worker */
    /* Set up what all lanes share; the heap, or NULL and a sentence in why (160 bytes). NULL: needs nothing. */
    replay_heap *(*open)(const replay_header *program, char *why);
    /* The heap of one more lane; NULL: all lanes use the same. */
    replay_heap *(*open_lane)(const replay_header *program, char *why);
    void (*loop)(replay_lane *);
    const replay_calls *calls; /* for replay_lane_verify */
    bool verifies;             /* false: blocks overlap on purpose */
} replay_heap_kind;

extern const replay_heap_kind replay_heap_noop, replay_heap_malloc;
extern const replay_heap_kind replay_heap_pools, replay_heap_inlined, replay_heap_arena;
extern const replay_heap_kind replay_heap_overlap, replay_heap_forget, replay_heap_refuse,
    replay_heap_crash;

/** replay_heap_find - the kind of that name, NULL when there is none. */
const replay_heap_kind *replay_heap_find(const char *name);

#endif
