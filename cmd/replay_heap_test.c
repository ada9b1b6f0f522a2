/* SPDX-License-Identifier: MIT */
/*
 * replay_heap_test.c - heaps that are broken on purpose: --verify has to catch each of them (test/replay).
 *
 *     test:overlap   every 64th block begins one byte before the end of the block before it
 *     test:forget    realloc loses the last byte that it has to keep
 *     test:refuse    the 1,000th request is refused
 *     test:crash     the 1,000th request aborts
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "cmd/replay_heap.h"

static _Atomic uint64_t requests;
static _Thread_local char *room, *room_end, *last_end;

enum { ROOM = 1 << 20 };

static void *overlap_take(replay_heap *h, const replay_op *op)
{
    (void)h;
    size_t size = (op->size + 31) & ~(size_t)15;
    size_t align = (size_t)1 << (op->align_log2 > 4 ? op->align_log2 : 4);
    if (size + align > ROOM || align > 4096)
        return aligned_alloc(align, (size + align - 1) & ~(align - 1));
    if (room == NULL || (size_t)(room_end - room) < size + align) {
        room = aligned_alloc(4096, ROOM);
        if (room == NULL)
            return NULL;
        room_end = room + ROOM;
        last_end = NULL;
    }
    room += -(uintptr_t)room & (align - 1);
    char *p = room;
    if (++requests % 64 == 0 && last_end != NULL && align == 16)
        p = last_end - 1;
    room += size;
    last_end = p + op->size;
    return p;
}

static void *overlap_zeroed(replay_heap *h, const replay_op *op)
{
    void *p = overlap_take(h, op);
    if (p != NULL)
        memset(p, 0, op->size);
    return p;
}

static void *overlap_resize(replay_heap *h, void *p, const replay_op *op, const replay_op *old)
{
    void *q = overlap_take(h, op);
    if (q != NULL && p != NULL)
        memmove(q, p, old->size < op->size ? old->size : op->size);
    return q;
}

static void keep(replay_heap *h, void *p, const replay_op *op)
{
    (void)h;
    (void)p;
    (void)op;
}

static size_t usable(replay_heap *h, void *p, const replay_op *op)
{
    (void)h;
    (void)p;
    return op->size;
}

static const replay_calls overlap_calls = {overlap_take,   overlap_zeroed, overlap_take,
                                           overlap_resize, keep,           usable};

static void overlap_loop(replay_lane *lane)
{
    replay_loop(lane, &overlap_calls);
}

const replay_heap_kind replay_heap_overlap = {
    .name = "test:overlap", .loop = overlap_loop, .calls = &overlap_calls, .verifies = true};

/* ── On malloc, with one fault each ─────────────────────────────────────────────────────────────────────────────── */

static void *plain_take(replay_heap *h, const replay_op *op)
{
    return replay_heap_malloc.calls->alloc(h, op);
}

static void *plain_zeroed(replay_heap *h, const replay_op *op)
{
    return replay_heap_malloc.calls->zalloc(h, op);
}

static void *plain_aligned(replay_heap *h, const replay_op *op)
{
    return replay_heap_malloc.calls->aligned(h, op);
}

static void *plain_resize(replay_heap *h, void *p, const replay_op *op, const replay_op *old)
{
    return replay_heap_malloc.calls->resize(h, p, op, old);
}

static void plain_free(replay_heap *h, void *p, const replay_op *op)
{
    replay_heap_malloc.calls->free(h, p, op);
}

static void *forget_resize(replay_heap *h, void *p, const replay_op *op, const replay_op *old)
{
    char *q = plain_resize(h, p, op, old);
    size_t kept = old->size < op->size ? old->size : op->size;
    if (q != NULL && kept != 0)
        q[kept - 1] = (char)~q[kept - 1];
    return q;
}

static void *refuse_take(replay_heap *h, const replay_op *op)
{
    return ++requests == 1000 ? NULL : plain_take(h, op);
}

static void *crash_take(replay_heap *h, const replay_op *op)
{
    if (++requests == 1000)
        abort();
    return plain_take(h, op);
}

static const replay_calls forget_calls = {plain_take,    plain_zeroed, plain_aligned,
                                          forget_resize, plain_free,   usable};
static const replay_calls refuse_calls = {refuse_take,  plain_zeroed, plain_aligned,
                                          plain_resize, plain_free,   usable};
static const replay_calls crash_calls = {crash_take,   plain_zeroed, plain_aligned,
                                         plain_resize, plain_free,   usable};

static void forget_loop(replay_lane *lane)
{
    replay_loop(lane, &forget_calls);
}

static void refuse_loop(replay_lane *lane)
{
    replay_loop(lane, &refuse_calls);
}

static void crash_loop(replay_lane *lane)
{
    replay_loop(lane, &crash_calls);
}

const replay_heap_kind replay_heap_forget = {
    .name = "test:forget", .loop = forget_loop, .calls = &forget_calls, .verifies = true};
const replay_heap_kind replay_heap_refuse = {
    .name = "test:refuse", .loop = refuse_loop, .calls = &refuse_calls, .verifies = true};
const replay_heap_kind replay_heap_crash = {
    .name = "test:crash", .loop = crash_loop, .calls = &crash_calls, .verifies = true};
