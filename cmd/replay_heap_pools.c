/* SPDX-License-Identifier: MIT */
/*
 * replay_heap_pools.c - pools composed at run time: every call goes through the erased handle of a segregator.
 *
 *     size ──► segregate ──► pool 24 │ pool 40 │ … │ libc for the sizes between and above
 *                            each behind a lock when the program has threads
 *
 * A request for more alignment than its pool gives goes to libc at once; replay_op.pool says which do.
 */
#include <stdio.h>

#include <tarn/lock.h>
#include <tarn/segregate.h>

#include "cmd/replay_heap.h"
#include "cmd/replay_pools.h"

struct replay_heap {
    replay_pools pools;
    tarn_lock locks[REPLAY_POOLS];
    tarn_segregate_class classes[2 * REPLAY_POOLS];
    tarn_segregate segregate;
    tarn_allocator *all;
    tarn_spec spec[REPLAY_POOLS + 1]; /* by replay_op.pool; [0] = malloc's alignment */
};

/* The pool as the segregator is to see it; NULL when a lock cannot be made. */
static tarn_allocator *child(replay_heap *h, uint32_t i, bool locked)
{
    tarn_allocator *pool = tarn_pool_allocator(&h->pools.pool[i]);
    if (!locked)
        return pool;
    if (tarn_lock_init(&h->locks[i], &(tarn_lock_options){.parent = pool}) != TARN_OK)
        return NULL;
    return tarn_lock_allocator(&h->locks[i]);
}

static replay_heap *open_heap(const replay_header *program, char *why)
{
    static replay_heap heap;
    replay_heap *h = &heap;
    size_t count = 0;
    uint32_t next = 0; /* the least size that no class has yet */
    if (!replay_pools_open(&h->pools, program, why))
        return NULL;
    h->spec[0] = TARN_ALIGN_MAX;
    for (uint32_t i = 0; i < program->pools; i++) {
        const replay_pool *p = &program->pool[i];
        if (p->low > next)
            h->classes[count++] =
                (tarn_segregate_class){.max_size = p->low - 1, .child = tarn_libc()};
        h->classes[count++] =
            (tarn_segregate_class){.max_size = p->high, .child = child(h, i, program->threads > 1)};
        h->spec[i + 1] = tarn_spec_for(p->align);
        next = p->high + 1;
    }
    tarn_status status = tarn_segregate_init(
        &h->segregate,
        &(tarn_segregate_options){.classes = h->classes, .count = count, .rest = tarn_libc()});
    if (status != TARN_OK) {
        snprintf(why, 160, "cannot set up the segregator: %s", tarn_status_text(status));
        return NULL;
    }
    h->all = tarn_segregate_allocator(&h->segregate);
    return h;
}

/* Who serves an operation, and with which alignment. */
static inline tarn_allocator *route(replay_heap *h, const replay_op *op)
{
    return __builtin_expect(op->align_log2 != 0 && op->pool == 0, 0) ? tarn_libc() : h->all;
}

static inline tarn_spec spec_of(const replay_heap *h, const replay_op *op)
{
    return __builtin_expect(op->align_log2 > 4, 0) ? op->align_log2 : h->spec[op->pool];
}

static inline void *take(replay_heap *h, const replay_op *op)
{
    return tarn_alloc(route(h, op), op->size, spec_of(h, op));
}

static inline void *take_zeroed(replay_heap *h, const replay_op *op)
{
    return tarn_alloc(route(h, op), op->size, spec_of(h, op) | TARN_ZERO);
}

static inline void give(replay_heap *h, void *p, const replay_op *op)
{
    tarn_free(route(h, op), p, op->size, spec_of(h, op));
}

static inline void *give_size(replay_heap *h, void *p, const replay_op *op, const replay_op *old)
{
    size_t keep = old->size < op->size ? old->size : op->size;
    tarn_spec spec = spec_of(h, op);
    if (p != NULL && route(h, op) == route(h, old) && spec == spec_of(h, old))
        return tarn_resize(route(h, op), p, old->size, op->size, keep, spec);
    void *fresh = take(h, op);
    if (fresh == NULL)
        return NULL;
    if (p != NULL)
        memcpy(fresh, p, keep);
    give(h, p, old);
    return fresh;
}

static inline size_t ask(replay_heap *h, void *p, const replay_op *op)
{
    return tarn_usable(route(h, op), p, op->size, spec_of(h, op));
}

static const replay_calls calls = {take, take_zeroed, take, give_size, give, ask};

static void loop(replay_lane *lane)
{
    replay_loop(lane, &calls);
}

const replay_heap_kind replay_heap_pools = {
    .name = "tarn:pools", .open = open_heap, .loop = loop, .calls = &calls, .verifies = true};
