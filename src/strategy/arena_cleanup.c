/* SPDX-License-Identifier: MIT */
/*
 * arena_cleanup.c - what runs when an arena gives up its blocks, and the arenas inside it.
 *
 *     cleanups ──► record ──► record ──► NULL      latest first; each a block of the arena
 *
 * I1  A record is a block, so what was registered since a mark is what lies behind it.
 * I2  Records, children's structs and their chunks are whole multiples of 16 bytes, aligned to 16:
 *     no gap between them keeps one from being the last block when those behind it have gone.
 * I3  A child is a registration of child_dies; outer->children counts them.
 */
#include "strategy/arena_chunk.h"

#define CHUNK_SPEC TARN_SPEC(ARENA_CHUNK_ALIGN)

/* Bytes of a created child's struct (I2). */
#define CHILD_SIZE ((sizeof(tarn_arena) + ARENA_CHUNK_ALIGN - 1) & ~(size_t)(ARENA_CHUNK_ALIGN - 1))

_Static_assert(sizeof(tarn_arena_record) % ARENA_CHUNK_ALIGN == 0, "I2");

tarn_status tarn_arena_on_reset(tarn_arena *a, tarn_arena_cleanup *fn, void *arg)
{
    tarn_arena_record *r = tarn_arena_alloc(a, sizeof *r, CHUNK_SPEC);
    if (r == NULL)
        return a->why.status;
    r->older = a->cleanups;
    r->fn = fn;
    r->arg = arg;
    r->chunk = a->current;
    a->cleanups = r;
    return TARN_OK;
}

bool tarn_arena_cancel(tarn_arena *a, tarn_arena_cleanup *fn, void *arg)
{
    tarn_arena_record *r, **link = &a->cleanups;
    for (; *link != NULL; link = &(*link)->older) {
        r = *link;
        if (r->fn == fn && r->arg == arg) {
            *link = r->older;
            tarn_arena_free(a, r, sizeof *r);
            return true;
        }
    }
    return false;
}

/* A record leaves the list before it runs, so that it may register and cancel others. */
void tarn_arena_run(tarn_arena *a, const arena_place *place)
{
    tarn_arena_record *r;
    while ((r = a->cleanups) != NULL) {
        if (place != NULL && !arena_is_newer(a, r->chunk, (uintptr_t)r, *place))
            return;
        a->cleanups = r->older;
        r->fn(r->arg);
    }
}

/* ── Children ──────────────────────────────────────────────────────────────────────────────── */

/* The child's chunks go with the blocks of the outer arena. */
static void child_dies(void *arg)
{
    tarn_arena *child = arg;
    child->outer->children--;
    tarn_arena_run(child, NULL);
    child->flags |= ARENA_DEAD;
    child->first = NULL;
    child->newest = NULL;
    child->outer = NULL;
    tarn_arena_enter(child, NULL, 0);
}

tarn_status tarn_arena_init_child(tarn_arena *child, tarn_arena *outer,
                                  const tarn_arena_options *options)
{
    tarn_arena_options o = {.name = "child"};
    tarn_status status;
    if (options != NULL)
        o = *options;
    if (o.source != NULL || o.parent != NULL || o.buffer != NULL || o.reserve != 0)
        return TARN_BAD_ARGUMENT;
    o.parent = &outer->allocator;
    if (o.chunk_size == 0)
        o.chunk_size = 1024;
    if (o.chunk_max == 0)
        o.chunk_max = outer->chunk_size;
    status = tarn_arena_init(child, &o);
    if (status != TARN_OK)
        return status;
    status = tarn_arena_on_reset(outer, child_dies, child);
    if (status != TARN_OK)
        return status;
    child->outer = outer;
    outer->children++;
    return TARN_OK;
}

void tarn_arena_free_child(tarn_arena *outer, tarn_arena *child)
{
    tarn_arena_free(outer, child, CHILD_SIZE);
}

tarn_arena *tarn_arena_create_child(tarn_arena *outer, const tarn_arena_options *options)
{
    tarn_arena *child = tarn_arena_alloc(outer, CHILD_SIZE, CHUNK_SPEC);
    tarn_status status;
    if (child == NULL)
        return NULL;
    status = tarn_arena_init_child(child, outer, options);
    if (status == TARN_OK)
        return child;
    tarn_arena_free_child(outer, child);
    outer->why.status = status;
    return NULL;
}

void tarn_arena_leave(tarn_arena *child)
{
    tarn_arena *outer = child->outer;
    if (outer == NULL)
        return;
    child->outer = NULL;
    outer->children--;
    (void)tarn_arena_cancel(outer, child_dies, child);
}

static bool took_since(const tarn_arena *a, const tarn_arena *child, arena_place place)
{
    for (const tarn_arena_chunk *c = child->first; c != NULL; c = c->newer) {
        const tarn_arena_chunk *in = tarn_arena_find(a, (uintptr_t)c->region);
        if (in != NULL && arena_is_newer(a, in, (uintptr_t)c->region, place))
            return true;
    }
    return false;
}

bool tarn_arena_children_behind(const tarn_arena *a, arena_place place)
{
    if (a->children == 0)
        return false;
    for (const tarn_arena_record *r = a->cleanups; r != NULL; r = r->older) {
        if (r->fn == child_dies && !arena_is_newer(a, r->chunk, (uintptr_t)r, place) &&
            took_since(a, r->arg, place))
            return true;
    }
    return false;
}
