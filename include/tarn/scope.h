/* SPDX-License-Identifier: MIT */
/*
 * scope.h - blocks that end together: what is still there when a scope ends is freed, last first.
 *
 *     tarn_scope request;
 *     tarn_scope_init(&request, &(tarn_scope_options){.parent = heap, .name = "request"});
 *     char *copy = tarn_strdup(tarn_scope_allocator(&request), text);
 *     tarn_scope_defer(&request, close_file, file);
 *     tarn_scope_steal(&result, &request, copy);      outlives the request: it is result's now
 *     tarn_scope_deinit(&request);                    closes the file, frees the rest
 *
 *     scope ──► newest ──► … ──► oldest               each block has a link in front of it, so one
 *                │ link │ block │                     can be freed, or stolen, at any time in O(1)
 *
 * For: requests, parsers, plug-ins over a general heap, with blocks that are also freed singly. Not
 * for: blocks that all die at the scope's end and never before: an arena does that without links.
 */
#ifndef TARN_SCOPE_H
#define TARN_SCOPE_H

#include <tarn/layer.h>

TARN_BEGIN_DECLS

typedef struct tarn_scope_options {
    const char *name; /* shown in messages; NULL: none. Copied, cut at 30 bytes */
    tarn_allocator *parent;
} tarn_scope_options;

/* In front of each block; private to the scope. */
typedef struct tarn_scope_link tarn_scope_link;

/* State; fields are private. */
typedef struct tarn_scope {
    tarn_layer layer;
    tarn_scope_link *newest;
    size_t blocks, bytes; /* live ones, cleanups aside; bytes as asked for */
} tarn_scope;

/**
 * tarn_scope_init - a scope over an allocator, which must outlive it.
 *
 * Blocks are granted exactly as asked for; sizes are remembered, so the layer has unsized free, and
 * usable. Each costs four words more.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT: no parent.
 * Threads  one; afterwards one at a time.
 * Cost     O(1), allocates nothing.
 */
TARN_API tarn_status tarn_scope_init(tarn_scope *s, const tarn_scope_options *options);

/**
 * tarn_scope_deinit - the end: blocks freed and cleanups run, the newest first.
 *
 * A cleanup may free blocks of the scope, and allocate from it.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(blocks) + the cleanups.
 */
TARN_API void tarn_scope_deinit(tarn_scope *s);

/**
 * tarn_scope_defer - call cleanup(argument) when the scope ends or is reset.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (no cleanup), TARN_NO_MEMORY and the like, as the parent says; nothing
 *          changed, and the cleanup will not be called.
 * Threads  one at a time.
 * Cost     one block of the parent.
 */
TARN_API TARN_MUST_USE tarn_status tarn_scope_defer(tarn_scope *s, void (*cleanup)(void *argument),
                                                    void *argument);

/**
 * tarn_scope_cancel - forget the newest cleanup with this function and argument.
 *
 * Returns  true when there was one.
 * Fails    false: nothing changed.
 * Threads  one at a time.
 * Cost     O(blocks since).
 */
TARN_API bool tarn_scope_cancel(tarn_scope *s, void (*cleanup)(void *argument), void *argument);

/**
 * tarn_scope_steal - a live block from one scope to another; it is the newest there.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT: the scopes have different parents; nothing changed.
 * Threads  one at a time, for both scopes.
 * Cost     O(1).
 */
TARN_API tarn_status tarn_scope_steal(tarn_scope *to, tarn_scope *from, void *block);

/**
 * tarn_scope_blocks - how many blocks live.
 *
 * Returns  blocks, cleanups not counted.
 * Fails    never.
 * Threads  one at a time.
 * Cost     O(1).
 */
static inline size_t tarn_scope_blocks(const tarn_scope *s)
{
    return s->blocks;
}

/**
 * tarn_scope_allocator - the layer's handle.
 *
 * Returns  the handle, good until deinit.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_scope_allocator(tarn_scope *s)
{
    return &s->layer.allocator;
}

TARN_END_DECLS

#endif
