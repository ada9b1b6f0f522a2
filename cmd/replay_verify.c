/* SPDX-License-Identifier: MIT */
/*
 * replay_verify.c - the loop of --verify: every byte of every block is filled with a pattern made from the block's
 * identity (the place of its last allocation in the streams, from 1; 0 = not live), and compared before the block is
 * freed, before and after it is resized, and at the end of the trace. A block that overlaps another, was moved without
 * its bytes, is misaligned, or is not zero where calloc promised it, is found at the operation that would have suffered
 * from it.
 */
#include "cmd/replay_run.h"

enum { GOOD = -1 };

static uint64_t pattern(uint64_t id, uint64_t word)
{
    uint64_t x = id + word * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    return x ^ (x >> 27);
}

static void fill(char *p, uint64_t size, uint64_t id)
{
    for (uint64_t at = 0; at < size; at += 8) {
        uint64_t w = pattern(id, at / 8);
        memcpy(p + at, &w, size - at < 8 ? size - at : 8);
    }
}

/* The first byte that is not as filled, GOOD when all are. */
static int64_t compare(const char *p, uint64_t size, uint64_t id)
{
    for (uint64_t at = 0; at < size; at += 8) {
        uint64_t w = pattern(id, at / 8);
        uint64_t n = size - at < 8 ? size - at : 8;
        if (memcmp(p + at, &w, n) == 0)
            continue;
        const char *want = (const char *)&w;
        for (uint64_t i = 0; i < n; i++)
            if (p[at + i] != want[i])
                return (int64_t)(at + i);
    }
    return GOOD;
}

static bool check_block(replay_lane *lane, const replay_op *op, const char *p, uint64_t size,
                        const char *when)
{
    replay_run *run = lane->run;
    int64_t bad = compare(p, size, run->ids[op->slot]);
    if (bad != GOOD) {
        replay_lane_fail(lane, op, "block of %llu bytes changed at byte %lld %s",
                         (unsigned long long)size, (long long)bad, when);
        return false;
    }
    atomic_fetch_add_explicit(&run->checked_blocks, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&run->checked_bytes, size, memory_order_relaxed);
    return true;
}

static bool check_new(replay_lane *lane, const replay_op *op, const char *p)
{
    size_t align = op->align_log2 != 0 ? (size_t)1 << op->align_log2 : replay_align(op->size, 0);
    if (((uintptr_t)p & (align - 1)) != 0) {
        replay_lane_fail(lane, op, "block of %llu bytes is not aligned to %zu",
                         (unsigned long long)op->size, align);
        return false;
    }
    if (op->kind == REPLAY_ZALLOC)
        for (uint64_t i = 0; i < op->size; i++)
            if (p[i] != 0) {
                replay_lane_fail(lane, op, "calloc of %llu bytes: byte %llu is not zero",
                                 (unsigned long long)op->size, (unsigned long long)i);
                return false;
            }
    return true;
}

static bool resize(replay_lane *lane, const replay_calls *calls, const replay_op *op)
{
    void **slot = &lane->slots[op->slot];
    uint64_t old = op[1].size;
    if (!check_block(lane, op, *slot, old, "before it was resized"))
        return false;
    void *p = calls->resize(lane->heap, *slot, op, &op[1]);
    if (p == NULL) {
        replay_lane_refused(lane, op);
        return false;
    }
    *slot = p;
    return check_block(lane, op, p, old < op->size ? old : op->size, "while it was resized");
}

static bool make(replay_lane *lane, const replay_calls *calls, const replay_op *op)
{
    void *p = op->kind == REPLAY_ALLOC    ? calls->alloc(lane->heap, op)
              : op->kind == REPLAY_ZALLOC ? calls->zalloc(lane->heap, op)
                                          : calls->aligned(lane->heap, op);
    if (p == NULL && op->size != 0) {
        replay_lane_refused(lane, op);
        return false;
    }
    lane->slots[op->slot] = p;
    return check_new(lane, op, p);
}

static bool step(replay_lane *lane, const replay_calls *calls, const replay_op *op)
{
    void **slot = &lane->slots[op->slot];
    switch (op->kind) {
    case REPLAY_START:
        return replay_lane_start(lane, op);
    case REPLAY_USABLE:
        if (calls->usable(lane->heap, *slot, op) >= op->size)
            return true;
        replay_lane_fail(lane, op, "usable size of a block of %llu bytes is less",
                         (unsigned long long)op->size);
        return false;
    case REPLAY_FREE:
        if (!check_block(lane, op, *slot, op->size, "before it was freed"))
            return false;
        calls->free(lane->heap, *slot, op);
        lane->run->ids[op->slot] = 0;
        return true;
    default:
        if (!(op->kind == REPLAY_REALLOC ? resize(lane, calls, op) : make(lane, calls, op)))
            return false;
    }
    const replay_op *ops =
        (const replay_op *)(const void *)(lane->run->base + lane->run->program->ops_at);
    lane->run->ids[op->slot] = (uint64_t)(op - ops) + 1;
    fill(*slot, op->size, lane->run->ids[op->slot]);
    return true;
}

void replay_lane_verify(replay_lane *lane, const replay_calls *calls)
{
    for (const replay_op *op = lane->first; op != lane->end; op++) {
        const replay_op *here = op;
        if ((here->flags & REPLAY_WAIT) != 0 && !replay_lane_wait(lane, here))
            return;
        if (!step(lane, calls, here))
            return;
        op += here->kind == REPLAY_REALLOC;
        if ((here->flags & REPLAY_SIGNAL) != 0)
            replay_signal(lane, here);
    }
}

void replay_lane_verify_rest(replay_lane *lane)
{
    const replay_header *h = lane->run->program;
    const replay_op *ops = (const replay_op *)(const void *)(lane->run->base + h->ops_at);
    for (uint32_t n = 0; n < h->slots; n++) {
        uint64_t id = lane->run->ids[n];
        if (id != 0 && !check_block(lane, &ops[id - 1], lane->slots[n], ops[id - 1].size,
                                    "and is live at the end"))
            return;
    }
}
