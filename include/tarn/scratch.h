/* SPDX-License-Identifier: MIT */
/*
 * scratch.h - an arena for the length of a function: borrowed, filled, given back.
 *
 * For: temporary memory in a function that may be called from anywhere, by any thread, with arenas of its
 * callers in hand. Not for: what must outlive the function (that is the caller's arena), blocks for other
 * threads.
 *
 *     char *join(tarn_arena *result, const struct list *list)
 *     {
 *         tarn_scratch scratch = tarn_scratch_begin();
 *         tarn_arena_text text = {0};
 *         for (; list != NULL; list = list->next)
 *             tarn_arena_append(scratch.arena, &text, "%s ", list->word);
 *         char *whole = tarn_arena_strdup(result, text.data);
 *         tarn_scratch_end(&scratch);
 *         return whole;
 *     }
 *
 * Scratch memory usually breaks where two users meet: `result` is somebody's scratch arena, too, and the end of
 * the inner one takes the result away. Here nobody has to say what is held already:
 *
 * X1  Two scratches that are open at the same time never have the same arena, however deep calls are nested,
 *     and in whatever order they end.
 * X2  A scratch is of the thread that began it. Its memory goes back when that thread ends, at the latest; what
 *     it keeps for the next scratch is up to X3.
 * X3  At the end of a scratch its arena is emptied and keeps its largest chunk, up to 1 MiB, for the next one.
 *     Up to four arenas are kept; others go back.
 *
 *     thread ──► scratches:   idle ──► arena ──► arena            open: arena, arena, arena
 *                                      begin takes the last that ended, or makes another
 */
#ifndef TARN_SCRATCH_H
#define TARN_SCRATCH_H

#include <tarn/arena.h>

TARN_BEGIN_DECLS

typedef struct tarn_scratches tarn_scratches;
typedef struct tarn_scratch_place tarn_scratch_place; /* an arena and where it stands; private */

/* A borrowed arena. Use `arena` as any other, but do not deinit it. */
typedef struct tarn_scratch {
    tarn_arena *arena;         /* NULL: there was no memory for it           */
    tarn_scratch_place *place; /* private                                    */
    uint64_t number;           /* private: which of all that have this place */
} tarn_scratch;

/* How a set of scratch arenas is made. Zero means: the default. */
typedef struct tarn_scratches_options {
    const char *name;       /* lives as long as the set; default "scratch"                      */
    tarn_source *source;    /* where chunks come from, …                                        */
    tarn_allocator *parent; /* … or the allocator; default: tarn_libc()                         */
    size_t chunk_size;      /* bytes of an arena's first chunk; default 64 KiB                  */
    size_t keep;            /* bytes of the largest chunk that an idle arena keeps; default 1 MiB */
    unsigned idle;          /* arenas kept while nobody has them; default 4                     */
    bool check;             /* as tarn_arena_options; default false, true with TARN_CHECKED     */
} tarn_scratches_options;

/* Scratch arenas for one thread. Fields are private. */
struct tarn_scratches {
    tarn_scratch_place *idle; /* the last that ended first */
    tarn_scratch_place *open;
    unsigned idle_count, idle_most;
    size_t chunk_size, keep;
    uint64_t number;
    tarn_source *source;
    tarn_parent_source own_source;
    const char *name;
    bool check;
    uintptr_t owner; /* when checking */
};

/* ── The calling thread's ──────────────────────────────────────────────────────────────────── */

/**
 * tarn_scratch_begin - an empty arena for this thread, until tarn_scratch_end.
 *
 * Returns  the scratch; its arena takes memory when it is first used.
 * Fails    arena is NULL when there is no memory for the set or the arena, and where there is no libc
 *          (there, use tarn_scratch_begin_in).
 * Threads  any; the scratch is for the calling one.
 * Cost     O(1); a few calls of malloc for the first scratch of a thread, and for one that is nested deeper
 *          than any before it.
 */
TARN_API tarn_scratch tarn_scratch_begin(void);

/**
 * tarn_scratch_end - the arena back, its cleanups run, its blocks are gone. Scratches may end in any order.
 *
 * A scratch without an arena, or one that has ended, is ignored. In a set that checks (with TARN_CHECKED all
 * do) a copy of one that has ended is a fault: double free; so is the end by another thread: wrong thread.
 *
 * Fails    never.
 * Threads  the one that began it.
 * Cost     as tarn_arena_reset with TARN_KEEP_LARGEST.
 */
TARN_API void tarn_scratch_end(tarn_scratch *scratch);

/**
 * tarn_scratch_trim - what this thread keeps for scratches to come goes back; open ones are untouched.
 *
 * It is given back at the end of the thread anyway; this is for threads that live on, and for the first one,
 * whose end nobody sees.
 *
 * Returns  arenas given back.
 * Fails    never.
 * Threads  any; it is about the calling one.
 * Cost     O(arenas).
 */
TARN_API unsigned tarn_scratch_trim(void);

/* ── A set of one's own ────────────────────────────────────────────────────────────────────── */

/**
 * tarn_scratches_init - a set in the caller's struct: for memory from elsewhere, and where there is no libc.
 *
 * options may be NULL.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT: source and parent, or neither where there is no libc.
 * Threads  one.
 * Cost     O(1); takes no memory.
 */
TARN_API tarn_status tarn_scratches_init(tarn_scratches *set,
                                         const tarn_scratches_options *options);

/**
 * tarn_scratches_deinit - all memory back, that of open scratches too, which must not be used or ended.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(arenas).
 */
TARN_API void tarn_scratches_deinit(tarn_scratches *set);

/**
 * tarn_scratches_trim - idle arenas back; open ones are untouched.
 *
 * Returns  arenas given back.
 * Fails    never.
 * Threads  one at a time per set.
 * Cost     O(arenas).
 */
TARN_API unsigned tarn_scratches_trim(tarn_scratches *set);

/**
 * tarn_scratch_begin_in - tarn_scratch_begin from a set of one's own.
 *
 * Returns  as tarn_scratch_begin.
 * Fails    arena is NULL when the set's source refuses the arena's own place.
 * Threads  one at a time per set.
 * Cost     O(1); a call of the source for one that is nested deeper than any before it.
 */
TARN_API tarn_scratch tarn_scratch_begin_in(tarn_scratches *set);

TARN_END_DECLS

#endif
