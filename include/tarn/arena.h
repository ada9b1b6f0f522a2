/* SPDX-License-Identifier: MIT */
/*
 * arena.h - blocks that are freed together: a pointer that moves.
 *
 * For: everything that lives as long as one request, one frame, one parse. Not for: blocks with
 * lifetimes of their own (that is a pool), use by several threads at once.
 *
 *     tarn_arena arena;
 *     tarn_arena_init(&arena, &(tarn_arena_options){.name = "request"});
 *     struct node *n = tarn_arena_alloc(&arena, sizeof *n, TARN_SPEC_OF(struct node));
 *     char *text = tarn_arena_printf(&arena, "%s:%d", host, port);
 *     tarn_arena_reset(&arena, TARN_KEEP_ALL);
 *     tarn_arena_deinit(&arena);
 *
 * Memory comes from one of three places, by option: chunks that are taken as they are needed (from
 * a source, a parent allocator, else malloc; perhaps behind a first one of the caller's bytes), one
 * reserved range of addresses that is committed as it fills, or the caller's bytes alone.
 *
 *       chunk                chunk (current)                 chunk (idle)
 *     ┌─┬───────────────┐  ┌─┬──────────┬─────────────┐    ┌─┬──────────────┐
 *     │ │ blocks        │─►│ │ blocks ──► free        │ ─► │ │ free         │
 *     └─┴───────────────┘  └─┴──────────┴─────────────┘    └─┴──────────────┘
 *                                       cur          end
 *
 * Rules of its own, besides those of allocator.h:
 *
 * A1  A block takes its size rounded up to 8 bytes; the rounding may be used (alloc_at_least says
 *     how much). Nothing stands between blocks, unless the arena checks.
 * A2  The *last block* is the one handed out latest that is still there. Only it is freed and grown
 *     in place; free of any other does nothing, its memory comes back at the next rewind or reset.
 *     An arena that goes down grows its last block by moving it.
 * A3  What has been allocated since a mark is gone after a rewind to it; cleanups registered since
 *     then have run, the latest first.
 */
#ifndef TARN_ARENA_H
#define TARN_ARENA_H

#include <stdarg.h>

#include <tarn/source.h>

TARN_BEGIN_DECLS

/* Bytes to which sizes are rounded, and to which a block is aligned at least. */
#define TARN_ARENA_GRAIN     8u
/* log2 of the largest alignment that an arena gives. */
#define TARN_ARENA_ALIGN_LOG 30u

typedef struct tarn_arena tarn_arena;

/* How an arena is made. Zero means: the default. */
typedef struct tarn_arena_options {
    const char *name;       /* lives as long as the arena; default "arena"                      */
    tarn_source *source;    /* where chunks come from, …                                        */
    tarn_allocator *parent; /* … or the allocator they come from; default: tarn_libc()          */
    void *buffer;           /* the first chunk: the caller's bytes. Without source and parent the
                               arena has these alone, and never grows */
    size_t buffer_size;     /* bytes */
    size_t chunk_size; /* bytes of the first chunk, its header included; every next one is twice
                               as big; default 64 KiB. With a reserve: what is committed at first */
    size_t chunk_max;  /* bytes, where the doubling ends; default 1 MiB */
    size_t reserve;    /* bytes of one range of addresses, instead of chunks; wants a source
                               with TARN_SOURCE_COMMIT. Default 0: chunks */
    size_t limit;      /* bytes that may be taken from source or parent; default: no limit */
    bool down;         /* from high addresses to low ones */
    bool check;        /* see tarn_arena_free; default false, true with TARN_CHECKED. The arena then
                          belongs to the thread of the first call, see tarn_share */
} tarn_arena_options;

/* What a reset keeps for the next round. The caller's buffer and a reserved range stay always. */
typedef enum tarn_keep {
    TARN_KEEP_ALL = 0,     /* every chunk                                      */
    TARN_KEEP_LARGEST = 1, /* the largest chunk                                */
    TARN_KEEP_NONE = 2     /* none; a range keeps its addresses, not its memory */
} tarn_keep;

/* Run when the arena gives up what was allocated at the time of its registration. */
typedef void tarn_arena_cleanup(void *arg);

/* A piece of memory; private to the arena. */
typedef struct tarn_arena_chunk {
    struct tarn_arena_chunk *older, *newer;
    void *region;        /* as the source gave it */
    size_t region_size;  /* bytes, as the source gave it */
    uintptr_t low, high; /* what blocks may occupy, multiples of 16; committed */
    uintptr_t at;        /* where it stopped, when it is not the current one   */
    size_t number;       /* one more than that of the older one                */
} tarn_arena_chunk;

/* State; fields are private. */
struct tarn_arena {
    tarn_allocator allocator;
    uintptr_t cur, end; /* the open window; both 0: closed, every call takes the slow way */
    uintptr_t at;       /* the position while the window is closed                        */
    uint32_t flags;
    uint32_t children;
    tarn_arena_chunk *first, *current;  /* oldest; the one in use, NULL: none yet         */
    struct tarn_arena_record *cleanups; /* latest first                                   */
    struct tarn_arena_guard *newest;    /* when checking: the last block's               */
    uintptr_t owner;                    /* when checking: the thread it belongs to       */
    tarn_source *source;                /* NULL: the buffer is all there is               */
    tarn_arena *outer;                  /* of a child                                     */
    size_t chunk_size, chunk_max, reserve, limit; /* as the options, defaults filled in    */
    size_t next_size; /* bytes of the next chunk                        */
    size_t held;      /* bytes taken from the source                    */
    size_t chunks;    /* number of chunks                               */
    size_t failures;
    tarn_why why;
    const char *name;
    tarn_region home;     /* where a created arena lives     */
    tarn_arena_chunk own; /* of the buffer, or the range  */
    tarn_parent_source own_source;
};

/* ── Life cycle ────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_arena_init - set up an arena in the caller's struct, which then stays where it is.
 *
 * options may be NULL. Takes no memory, but for the addresses of a reserve.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (source and parent; a buffer and a reserve; a reserve without source;
 *          a buffer too small for 16 aligned bytes), TARN_UNSUPPORTED (the source cannot commit),
 *          TARN_NO_MEMORY, TARN_LIMIT, TARN_TOO_BIG (of the reserve). The arena must not be used.
 * Threads  one.
 * Cost     O(1); one call of the source with a reserve.
 */
TARN_API tarn_status tarn_arena_init(tarn_arena *arena, const tarn_arena_options *options);

/**
 * tarn_arena_deinit - cleanups run, children die, every chunk goes back to where it came from.
 *
 * Does nothing for an arena that is dead already: deinitialised, or the child of one. Allocating
 * from a dead arena is a fault: use after deinit.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(chunks) + the cleanups.
 */
TARN_API void tarn_arena_deinit(tarn_arena *arena);

/**
 * tarn_arena_create - an arena that lives in its own first chunk. The options are those of init; a
 * buffer makes no sense.
 *
 * Returns  the arena; tarn_arena_destroy gives it back.
 * Fails    NULL: as tarn_arena_init, and when there is no memory; the reason is in *status, which
 *          may be NULL.
 * Threads  one.
 * Cost     one or two calls of the source.
 */
TARN_API tarn_arena *tarn_arena_create(const tarn_arena_options *options, tarn_status *status);

/**
 * tarn_arena_destroy - deinit, and the arena's own memory back. For arenas from tarn_arena_create
 * and tarn_arena_create_child alone; NULL is ignored.
 *
 * Fails    never.
 * Threads  one.
 * Cost     as tarn_arena_deinit.
 */
TARN_API void tarn_arena_destroy(tarn_arena *arena);

/* ── Children ──────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_arena_init_child - an arena whose chunks are blocks of another.
 *
 * A child lives until the first of these:
 *
 *     tarn_arena_deinit(child)      its cleanups run; its chunks are freed, the latest first, so
 *                                   that the outer arena has them again if nothing was allocated
 *                                   there meanwhile, else at its next rewind or reset
 *     reset or deinit of the outer  its cleanups run, in the order of all registrations there; it
 *     arena, or rewind past the     is dead then, its blocks are gone with those of the outer one;
 *     child's init                  tarn_arena_deinit(child) may be called and does nothing
 *
 * The child's struct must stay in place as long as the child lives. A rewind of the outer arena to
 * a mark behind the child's init, when the child has taken a chunk since the mark, is refused
 * (TARN_BUSY). Chunks are of 1 KiB at first, at most as big as the outer arena's first. options
 * have no source, parent, buffer or reserve here, and may be NULL.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT; as tarn_arena_alloc of the outer arena: TARN_NO_MEMORY, TARN_LIMIT.
 * Threads  one for the whole family.
 * Cost     O(1).
 */
TARN_API tarn_status tarn_arena_init_child(tarn_arena *child, tarn_arena *outer,
                                           const tarn_arena_options *options);

/**
 * tarn_arena_create_child - the same, with the struct itself a block of the outer arena: it must
 * not be touched any more once the outer arena has been reset.
 *
 * Returns  the child; tarn_arena_destroy gives it back earlier than the outer arena's reset does.
 * Fails    NULL, the reason is tarn_get_why of the outer arena.
 * Threads  one for the whole family.
 * Cost     O(1).
 */
TARN_API tarn_arena *tarn_arena_create_child(tarn_arena *outer, const tarn_arena_options *options);

/* ── Blocks ────────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_arena_alloc_slow - what tarn_arena_alloc does when the window is closed or too small: next
 * chunk, large alignments, arenas that go down or check. Call tarn_arena_alloc.
 *
 * Units    size in bytes.
 * Returns  as tarn_arena_alloc.
 * Fails    as tarn_arena_alloc.
 * Threads  one at a time per arena.
 * Cost     as tarn_arena_alloc.
 */
TARN_API TARN_MUST_USE void *tarn_arena_alloc_slow(tarn_arena *arena, size_t size, tarn_spec spec);

/**
 * tarn_arena_alloc - a block.
 *
 * Units    size in bytes.
 * Returns  a block; zeroed with TARN_ZERO.
 * Fails    NULL, the arena is unchanged: TARN_NO_MEMORY, TARN_LIMIT (the limit, the reserve or the
 *          buffer is used up), TARN_TOO_BIG, TARN_BAD_ALIGN (above 2^30).
 * Threads  one at a time per arena.
 * Cost     O(1): inline up to alignment 16, a call where the arena goes down or checks; at most one
 *          call of the source for each chunk.
 */
TARN_MUST_USE TARN_ALLOC_SIZE(2) static TARN_FAST
    void *tarn_arena_alloc(tarn_arena *arena, size_t size, tarn_spec spec)
{
    const tarn_spec log = spec & TARN_ALIGN_BITS;
    if (log <= 4) {
        uintptr_t p = arena->cur;
        if (log == 4)
            p = (p + 15) & ~(uintptr_t)15;
        /* cur <= end, multiples of 8 and of 16: nothing here wraps, and a size that is less than
         * what is there still fits when it is rounded up. */
        if (TARN_LIKELY(size < arena->end - p)) {
            void *block = (void *)p; /* NOLINT(performance-no-int-to-ptr) */
            arena->cur = p + ((size + (TARN_ARENA_GRAIN - 1)) & ~(size_t)(TARN_ARENA_GRAIN - 1));
            if ((spec & TARN_ZERO) != 0 && size <= PTRDIFF_MAX) /* it is, but gcc cannot know */
                (void)__builtin_memset(block, 0, size);
            return block;
        }
    }
    return tarn_arena_alloc_slow(arena, size, spec);
}

/**
 * tarn_arena_get - tarn_arena_alloc, under the name that every concrete allocator has it.
 *
 * Units    size in bytes.
 * Returns  as tarn_arena_alloc.
 * Fails    as tarn_arena_alloc.
 * Threads  one at a time per arena.
 * Cost     as tarn_arena_alloc.
 */
TARN_MUST_USE TARN_ALLOC_SIZE(2) static TARN_FAST
    void *tarn_arena_get(tarn_arena *arena, size_t size, tarn_spec spec)
{
    return tarn_arena_alloc(arena, size, spec);
}

/**
 * tarn_arena_free_slow - what tarn_arena_free does when the window is closed. Call tarn_arena_free.
 *
 * Units    size in bytes.
 * Fails    as tarn_arena_free.
 * Threads  one at a time per arena.
 * Cost     O(1).
 */
TARN_API void tarn_arena_free_slow(tarn_arena *arena, void *block, size_t size);

/**
 * tarn_arena_free - the last block back; any other stays until the next rewind or reset. NULL is
 * ignored.
 *
 * An arena that checks keeps a guard in front of each block (32 bytes; 16 where a pointer has 32
 * bits) and sees these faults: foreign pointer, interior pointer, double free, wrong size, wrong
 * alignment (through the handle), corruption of a guard.
 *
 * Units    size in bytes: any from the one asked for to that rounded up to 8.
 * Fails    never.
 * Threads  one at a time per arena.
 * Cost     O(1).
 */
static TARN_FAST void tarn_arena_free(tarn_arena *arena, void *block, size_t size)
{
    uintptr_t p = (uintptr_t)block;
    size_t whole = (size + (TARN_ARENA_GRAIN - 1)) & ~(size_t)(TARN_ARENA_GRAIN - 1);
    if (arena->cur == 0)
        tarn_arena_free_slow(arena, block, size);
    else if (p + whole == arena->cur)
        arena->cur = p;
}

/**
 * tarn_arena_put - tarn_arena_free, under the name that every concrete allocator has it.
 *
 * Units    size in bytes, as tarn_arena_free.
 * Fails    never.
 * Threads  one at a time per arena.
 * Cost     O(1).
 */
static TARN_FAST void tarn_arena_put(tarn_arena *arena, void *block, size_t size, tarn_spec spec)
{
    (void)spec;
    tarn_arena_free(arena, block, size);
}

/**
 * tarn_arena_resize - give a block another size; the flags are those of tarn_resize.
 *
 * Shrinking keeps the block where it is. The last block grows in place as far as its chunk (or the
 * reserve) goes; another moves, where that is allowed. In an arena that goes down the last block
 * grows by moving towards lower addresses, with no memory lost, so not with TARN_IN_PLACE.
 *
 * Units    old_size, new_size, keep in bytes; keep <= the smaller of the two sizes.
 * Returns  the block, its first keep bytes as they were.
 * Fails    NULL, the block is untouched: TARN_UNSUPPORTED (spec forbids what it would take), or as
 *          tarn_arena_alloc.
 * Threads  one at a time per arena.
 * Cost     O(1) in place, else O(keep).
 */
TARN_API TARN_MUST_USE void *tarn_arena_resize(tarn_arena *arena, void *block, size_t old_size,
                                               size_t new_size, size_t keep, tarn_spec spec);

/* ── All at once ───────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_arena_mark - the position to which a rewind returns.
 *
 * Returns  a mark, good until the arena is reset, or rewound to an earlier one, or a block that is
 *          older than the mark is freed or resized: the last block moves the position back.
 * Fails    never.
 * Threads  one at a time per arena.
 * Cost     O(1).
 */
TARN_API tarn_mark tarn_arena_mark(const tarn_arena *arena);

/**
 * tarn_arena_rewind - free all that was allocated since the mark; chunks are kept.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (no mark of this arena, or already rewound past: a fault when
 *          checking), TARN_BUSY (a child has memory from behind the mark); nothing has changed.
 *          A mark in a chunk that is in use again for other blocks is noticed only when checking.
 * Threads  one at a time per arena.
 * Cost     O(chunks since the mark) + the cleanups.
 */
TARN_API tarn_status tarn_arena_rewind(tarn_arena *arena, tarn_mark mark);

/**
 * tarn_arena_reset - all blocks back; cleanups run, children die.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(1) with TARN_KEEP_ALL, else O(chunks); + the cleanups; + O(blocks) when checking.
 */
TARN_API void tarn_arena_reset(tarn_arena *arena, tarn_keep keep);

/**
 * tarn_arena_trim - idle chunks back to the source; of a range, the memory that no block uses.
 *
 * Returns  bytes given back.
 * Fails    never.
 * Threads  one at a time per arena.
 * Cost     O(chunks).
 */
TARN_API size_t tarn_arena_trim(tarn_arena *arena);

/**
 * tarn_arena_on_reset - run fn(arg) when the arena is rewound past this point, reset or
 * deinitialised; the latest registration runs first.
 *
 * When it runs, what was allocated before its registration is still there. It may allocate from the
 * arena, to no lasting use, and register more, which run next; it may not reset or rewind it.
 *
 * Returns  TARN_OK. The record is a block of the arena.
 * Fails    as tarn_arena_alloc: TARN_NO_MEMORY, TARN_LIMIT; nothing is registered.
 * Threads  one at a time per arena.
 * Cost     as tarn_arena_alloc.
 */
TARN_API tarn_status tarn_arena_on_reset(tarn_arena *arena, tarn_arena_cleanup *fn, void *arg);

/**
 * tarn_arena_cancel - forget the latest registration of fn with arg.
 *
 * Returns  true when there was one.
 * Fails    false.
 * Threads  one at a time per arena.
 * Cost     O(registrations since).
 */
TARN_API bool tarn_arena_cancel(tarn_arena *arena, tarn_arena_cleanup *fn, void *arg);

/* ── Text ──────────────────────────────────────────────────────────────────────────────────── */

/* A text that grows; all zero is the empty one. */
typedef struct tarn_arena_text {
    char *data;      /* ended by 0; NULL before the first append */
    size_t length;   /* bytes, without the 0                     */
    size_t capacity; /* bytes of the block                       */
} tarn_arena_text;

/**
 * tarn_arena_memdup - a copy of bytes, aligned to 8.
 *
 * Units    size in bytes.
 * Returns  the copy.
 * Fails    NULL, as tarn_arena_alloc.
 * Threads  one at a time per arena.
 * Cost     O(size).
 */
TARN_API TARN_MUST_USE void *tarn_arena_memdup(tarn_arena *arena, const void *bytes, size_t size);

/**
 * tarn_arena_strdup - a copy of a string.
 *
 * Returns  the copy, a block of its length and 1.
 * Fails    NULL, as tarn_arena_alloc.
 * Threads  one at a time per arena.
 * Cost     O(length).
 */
TARN_API TARN_MUST_USE char *tarn_arena_strdup(tarn_arena *arena, const char *text);

/**
 * tarn_arena_strndup - a copy of at most max bytes of a string, ended by 0.
 *
 * Units    max in bytes; text is not read beyond them.
 * Returns  the copy, a block of its length and 1.
 * Fails    NULL, as tarn_arena_alloc.
 * Threads  one at a time per arena.
 * Cost     O(length).
 */
TARN_API TARN_MUST_USE char *tarn_arena_strndup(tarn_arena *arena, const char *text, size_t max);

#if __STDC_HOSTED__ /* formatting is libc's */
/**
 * tarn_arena_printf - a formatted string.
 *
 * Returns  the string, a block of its length and 1.
 * Fails    NULL, as tarn_arena_alloc; also when the format is bad.
 * Threads  one at a time per arena.
 * Cost     formats once when the result is shorter than 256 bytes, else twice.
 */
TARN_API TARN_MUST_USE char *tarn_arena_printf(tarn_arena *arena, const char *format, ...)
    TARN_PRINTF(2, 3);

/**
 * tarn_arena_vprintf - tarn_arena_printf with its arguments in a list.
 *
 * Returns  as tarn_arena_printf.
 * Fails    as tarn_arena_printf.
 * Threads  one at a time per arena.
 * Cost     as tarn_arena_printf.
 */
TARN_API TARN_MUST_USE char *tarn_arena_vprintf(tarn_arena *arena, const char *format, va_list args)
    TARN_PRINTF(2, 0);

/**
 * tarn_arena_append - more at the end of a text: in place while it is the last block, else in a
 * new block with room for as much again.
 *
 * Returns  true; text->data may have moved.
 * Fails    false: the text is as it was; as tarn_arena_printf.
 * Threads  one at a time per arena.
 * Cost     as tarn_arena_printf, and what tarn_arena_resize takes.
 */
TARN_API bool tarn_arena_append(tarn_arena *arena, tarn_arena_text *text, const char *format, ...)
    TARN_PRINTF(3, 4);
#endif

/* ── Questions ─────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_arena_owns - does this address lie in a chunk that blocks are handed out from?
 *
 * Returns  true when it does.
 * Fails    never.
 * Threads  one at a time per arena.
 * Cost     O(chunks).
 */
TARN_API bool tarn_arena_owns(const tarn_arena *arena, const void *address);

/**
 * tarn_arena_allocator - the arena behind the interface. Its free and resize are those of here, its
 * reset is that with TARN_KEEP_ALL. It has no visit: an arena does not know its blocks.
 *
 * Returns  the handle; it lives as long as the arena.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_arena_allocator(tarn_arena *arena)
{
    return &arena->allocator;
}

TARN_END_DECLS

#endif
