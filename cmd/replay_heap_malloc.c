/* SPDX-License-Identifier: MIT */
/*
 * replay_heap_malloc.c - the process's own malloc, whichever it is; and the heap that does nothing.
 *
 * The no-op heap hands out one region over and over, each lane its own: lanes that wrote to one cache
 * line would wait for each other, and that is not the loop's cost. What its replay costs is: fetching
 * operations, the table of slots, the touches.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "cmd/replay_heap.h"

static void *take(replay_heap *h, const replay_op *op)
{
    (void)h;
    return malloc(op->size);
}

static void *take_zeroed(replay_heap *h, const replay_op *op)
{
    (void)h;
    return calloc(1, op->size);
}

static void *take_aligned(replay_heap *h, const replay_op *op)
{
    (void)h;
    size_t align = (size_t)1 << op->align_log2;
    void *p = NULL;
    return posix_memalign(&p, align, op->size) == 0 ? p : NULL;
}

static void *give_size(replay_heap *h, void *p, const replay_op *op, const replay_op *old)
{
    (void)h;
    (void)old;
    return realloc(p, op->size);
}

static void give(replay_heap *h, void *p, const replay_op *op)
{
    (void)h;
    (void)op;
    free(p);
}

static size_t ask(replay_heap *h, void *p, const replay_op *op)
{
    (void)h;
    (void)op;
    return malloc_usable_size(p);
}

static const replay_calls malloc_calls = {take, take_zeroed, take_aligned, give_size, give, ask};

static void malloc_loop(replay_lane *lane)
{
    replay_loop(lane, &malloc_calls);
}

const replay_heap_kind replay_heap_malloc = {
    .name = "malloc", .loop = malloc_loop, .calls = &malloc_calls, .verifies = true};

/* ── no-op ──────────────────────────────────────────────────────────────────────────────────────────────────────── */

static replay_heap *noop_open(const replay_header *program, char *why)
{
    size_t bytes = program->biggest + 1;
    void *region = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) {
        snprintf(why, 160, "no address space for a block of %zu bytes", bytes);
        return NULL;
    }
    return region;
}

static void *noop_take(replay_heap *h, const replay_op *op)
{
    (void)op;
    return h;
}

static void *noop_resize(replay_heap *h, void *p, const replay_op *op, const replay_op *old)
{
    (void)p;
    (void)op;
    (void)old;
    return h;
}

static void noop_free(replay_heap *h, void *p, const replay_op *op)
{
    (void)h;
    (void)op;
    __asm__ volatile("" : : "r"(p)); /* the slot is read, as for every free */
}

static size_t noop_usable(replay_heap *h, void *p, const replay_op *op)
{
    noop_free(h, p, op);
    return op->size;
}

static const replay_calls noop_calls = {noop_take,   noop_take, noop_take,
                                        noop_resize, noop_free, noop_usable};

static void noop_loop(replay_lane *lane)
{
    replay_loop(lane, &noop_calls);
}

const replay_heap_kind replay_heap_noop = {
    .name = "noop", .open_lane = noop_open, .loop = noop_loop, .calls = &noop_calls};
