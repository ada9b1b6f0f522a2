/* SPDX-License-Identifier: MIT */
/*
 * replay_heap_arena.c - an arena for each thread, inlined: what allocation costs when nothing is freed before the
 * end, and what it takes in memory. The last block is still freed and resized in place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tarn/arena.h>
#include <tarn/pages.h>

#include "cmd/replay_heap.h"

struct replay_heap {
    tarn_pages pages;
    tarn_arena arena;
};

static replay_heap *open_lane(const replay_header *program, char *why)
{
    (void)program;
    replay_heap *h = malloc(sizeof *h);
    tarn_status status = h != NULL ? tarn_pages_init(&h->pages, NULL) : TARN_NO_MEMORY;
    if (status == TARN_OK)
        status = tarn_arena_init(&h->arena, &(tarn_arena_options){.source = &h->pages.source});
    if (status == TARN_OK)
        return h;
    free(h);
    snprintf(why, 160, "cannot set up an arena: %s", tarn_status_text(status));
    return NULL;
}

static inline tarn_spec spec_of(const replay_op *op)
{
    return TARN_SPEC(replay_align(op->size, op->align_log2));
}

static inline void *take(replay_heap *h, const replay_op *op)
{
    return tarn_arena_alloc(&h->arena, op->size, spec_of(op));
}

static inline void *take_zeroed(replay_heap *h, const replay_op *op)
{
    return tarn_arena_alloc(&h->arena, op->size, spec_of(op) | TARN_ZERO);
}

/* A block of another thread's arena stays where it is. It is never the last of ours, so nothing happens
 * to it; an arena that checks would call it foreign. */
static inline bool is_mine(replay_heap *h, const void *p)
{
    return !TARN_CHECKED || tarn_arena_owns(&h->arena, p);
}

static inline void *give_size(replay_heap *h, void *p, const replay_op *op, const replay_op *old)
{
    size_t keep = old->size < op->size ? old->size : op->size;
    void *fresh;
    if (spec_of(op) == spec_of(old) && is_mine(h, p))
        return tarn_arena_resize(&h->arena, p, old->size, op->size, keep, spec_of(op));
    /* A block keeps its alignment for life, and the smallest sizes get less: this is another block. */
    fresh = take(h, op);
    if (fresh != NULL) {
        memcpy(fresh, p, keep);
        if (is_mine(h, p))
            tarn_arena_free(&h->arena, p, old->size);
    }
    return fresh;
}

static inline void give(replay_heap *h, void *p, const replay_op *op)
{
    if (is_mine(h, p))
        tarn_arena_free(&h->arena, p, op->size);
}

static inline size_t ask(replay_heap *h, void *p, const replay_op *op)
{
    (void)h;
    __asm__ volatile("" : : "r"(p)); /* the slot is read, as for every other heap */
    return op->size;
}

static const replay_calls calls = {take, take_zeroed, take, give_size, give, ask};

static void loop(replay_lane *lane)
{
    replay_loop(lane, &calls);
}

const replay_heap_kind replay_heap_arena = {
    .name = "tarn:arena", .open_lane = open_lane, .loop = loop, .calls = &calls, .verifies = true};
