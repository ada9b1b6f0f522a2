/* SPDX-License-Identifier: MIT */
/*
 * replay_heap_inlined.c - pools as a program uses them that was written for them: the call site knows the type, hence
 * the pool, and the pool's path is inlined. Everything else goes to malloc. One thread.
 */
#include <stdlib.h>

#include "cmd/replay_heap.h"
#include "cmd/replay_pools.h"

struct replay_heap {
    replay_pools pools;
};

static replay_heap *open_heap(const replay_header *program, char *why)
{
    static replay_heap heap;
    return replay_pools_open(&heap.pools, program, why) ? &heap : NULL;
}

static inline tarn_pool *pool_of(replay_heap *h, const replay_op *op)
{
    return &h->pools.pool[op->pool - 1];
}

static inline void *take(replay_heap *h, const replay_op *op)
{
    return op->pool != 0 ? tarn_pool_alloc(pool_of(h, op)) : malloc(op->size);
}

static inline void *take_zeroed(replay_heap *h, const replay_op *op)
{
    if (op->pool == 0)
        return calloc(1, op->size);
    void *p = tarn_pool_alloc(pool_of(h, op));
    if (p != NULL)
        memset(p, 0, op->size);
    return p;
}

static inline void *take_aligned(replay_heap *h, const replay_op *op)
{
    void *p = NULL;
    if (op->pool != 0)
        return tarn_pool_alloc(pool_of(h, op));
    size_t align = (size_t)1 << op->align_log2;
    return posix_memalign(&p, align, op->size) == 0 ? p : NULL;
}

static inline void give(replay_heap *h, void *p, const replay_op *op)
{
    if (op->pool != 0)
        tarn_pool_free(pool_of(h, op), p);
    else
        free(p);
}

static inline void *give_size(replay_heap *h, void *p, const replay_op *op, const replay_op *old)
{
    if (op->pool == old->pool)
        return op->pool != 0 ? p : realloc(p, op->size);
    void *fresh = take(h, op);
    if (fresh == NULL)
        return NULL;
    if (p != NULL)
        memcpy(fresh, p, old->size < op->size ? old->size : op->size);
    give(h, p, old);
    return fresh;
}

static inline size_t ask(replay_heap *h, void *p, const replay_op *op)
{
    (void)h;
    __asm__ volatile("" : : "r"(p)); /* the slot is read, as for every other heap */
    return op->size;
}

static const replay_calls calls = {take, take_zeroed, take_aligned, give_size, give, ask};

static void loop(replay_lane *lane)
{
    replay_loop(lane, &calls);
}

const replay_heap_kind replay_heap_inlined = {
    .name = "tarn:inlined", .open = open_heap, .loop = loop, .calls = &calls, .verifies = true};
