/* SPDX-License-Identifier: MIT */
/*
 * stack.h - blocks that go back in the reverse order in which they came, over one region with two ends.
 *
 * For: nested scopes, parsers, interpreters, undo, and two such users that share the room. Not for: blocks
 * that are freed in any other order (pool, or malloc), memory that must grow (arena), several threads at once.
 *
 *     tarn_stack stack;
 *     tarn_stack_init(&stack, &(tarn_stack_options){.buffer = bytes, .buffer_size = sizeof bytes});
 *     int *a = tarn_stack_alloc(&stack, 100, TARN_ALIGN_MAX);
 *     int *b = tarn_stack_alloc(&stack, 200, TARN_ALIGN_MAX);
 *     tarn_stack_free(&stack, b, 200, TARN_ALIGN_MAX);
 *     tarn_stack_free(&stack, a, 100, TARN_ALIGN_MAX);
 *
 * The two ends are two allocators, each with its own order; either may have all the room there is:
 *
 *     │ block │ block │ block │ ──►        free       ◄── │ block │ block │
 *     low                     top of LOW     top of HIGH               high
 *
 * Rules of its own, besides those of allocator.h:
 *
 * S1  A block takes its size rounded up to 16 bytes, at least 16; the rounding may be used
 *     (alloc_at_least says how much). Nothing stands between blocks, but for 16 bytes in front of those
 *     whose alignment is above 16.
 * S2  The *last block* of an end is the latest that is still there. It alone can be freed and resized in
 *     order. A stack that checks reports any other free, and a resize that changes the room of any other
 *     block, as the fault `out of order`. One that does not check leaves the memory of such a block where
 *     it is, and with it that of all older ones, until a rewind or a reset; nothing is ever corrupted.
 * S3  So a program without faults in check mode has every byte back by its frees alone.
 * S4  At the high end the last block moves when it is resized, as its start is what moves.
 */
#ifndef TARN_STACK_H
#define TARN_STACK_H

#include <tarn/source.h>

TARN_BEGIN_DECLS

/* Bytes to which sizes are rounded, and to which a block is aligned at least. */
#define TARN_STACK_GRAIN     16u
/* log2 of the grain: what needs no record in front of a block. */
#define TARN_STACK_GRAIN_LOG 4u

/* The two ends. */
typedef enum tarn_stack_side { TARN_STACK_LOW = 0, TARN_STACK_HIGH = 1 } tarn_stack_side;

/* How a stack is made. Zero means: the default. */
typedef struct tarn_stack_options {
    const char *name;       /* lives as long as the stack; default "stack"              */
    tarn_source *source;    /* where the region comes from, …                            */
    tarn_allocator *parent; /* … or the allocator it comes from; default: tarn_libc()    */
    void *buffer;           /* the region: the caller's bytes, then no source or parent  */
    size_t buffer_size;     /* bytes                                                     */
    size_t size;            /* bytes of a region from source or parent; default 64 KiB   */
    bool check;             /* see S2; default false, true with TARN_CHECKED             */
} tarn_stack_options;

/* One end; private to the stack. */
typedef struct tarn_stack_end {
    tarn_allocator allocator;
    uintptr_t top;  /* where the next block goes; odd: closed, every call takes the slow way */
    uintptr_t edge; /* how far it may go without asking                                     */
    tarn_why why;
    uintptr_t at;   /* the position while closed                                            */
    uintptr_t peak; /* the furthest edge so far                                             */
    size_t live, live_bytes;         /* blocks, and what was asked for; counted when checking     */
    size_t most, most_bytes;         /* the most of them                                          */
    struct tarn_stack_guard *newest; /* when checking: the latest block's                    */
    uint64_t failures;
} tarn_stack_end;

/* State; fields are private. */
typedef struct tarn_stack {
    tarn_stack_end end[2];
    uintptr_t low, high; /* the region, multiples of the grain */
    uint32_t flags;
    uintptr_t owner;     /* when checking: the thread that it belongs to */
    tarn_source *source; /* NULL: the caller's buffer                    */
    tarn_region region;
    bool created; /* the struct stands at the region's front */
    const char *name;
    tarn_parent_source own_source;
} tarn_stack;

/* ── Life cycle ────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_stack_init - set up a stack in the caller's struct, which then stays where it is.
 *
 * options may be NULL: 64 KiB from malloc.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (more than one of source, parent and buffer; a buffer or a size without
 *          16 aligned bytes), TARN_TOO_BIG, TARN_NO_MEMORY, TARN_LIMIT. The stack must not be used.
 * Threads  one.
 * Cost     O(1), no byte is touched; one call of the source without a buffer.
 */
TARN_API tarn_status tarn_stack_init(tarn_stack *stack, const tarn_stack_options *options);

/**
 * tarn_stack_deinit - the region back to where it came from, and all blocks with it.
 *
 * Does nothing for a stack that is dead already; allocating from it is a fault: use after deinit.
 *
 * Fails    never.
 * Threads  one; any, also of a checking stack.
 * Cost     O(1).
 */
TARN_API void tarn_stack_deinit(tarn_stack *stack);

/**
 * tarn_stack_create - a stack that lives at the front of its own region; a buffer makes no sense.
 *
 * Returns  the stack; tarn_stack_destroy gives it back.
 * Fails    NULL: as tarn_stack_init; the reason is in *status, which may be NULL.
 * Threads  one.
 * Cost     one call of the source.
 */
TARN_API TARN_MUST_USE tarn_stack *tarn_stack_create(const tarn_stack_options *options,
                                                     tarn_status *status);

/**
 * tarn_stack_destroy - deinit, and the stack's own memory back; NULL is ignored.
 *
 * Fails    never.
 * Threads  one.
 * Cost     as tarn_stack_deinit.
 */
TARN_API void tarn_stack_destroy(tarn_stack *stack);

/* ── Blocks ────────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_stack_alloc_slow - what tarn_stack_alloc and tarn_stack_alloc_high do out of the ordinary; call these.
 *
 * Units    size in bytes.
 * Returns  as tarn_stack_alloc.
 * Fails    as tarn_stack_alloc.
 * Threads  one at a time per stack.
 * Cost     O(1).
 */
TARN_API TARN_MUST_USE void *tarn_stack_alloc_slow(tarn_stack *stack, tarn_stack_side side,
                                                   size_t size, tarn_spec spec);

/**
 * tarn_stack_free_slow - what tarn_stack_free and tarn_stack_free_high do out of the ordinary; call these.
 *
 * Units    size in bytes.
 * Fails    as tarn_stack_free.
 * Threads  one at a time per stack.
 * Cost     O(1); when checking O(blocks freed out of order before).
 */
TARN_API void tarn_stack_free_slow(tarn_stack *stack, tarn_stack_side side, void *block,
                                   size_t size, tarn_spec spec);

/**
 * tarn_stack_alloc - a block at the low end.
 *
 * Units    size in bytes.
 * Returns  a block, aligned as spec asks and to 16 at least; zeroed with TARN_ZERO.
 * Fails    NULL, the stack is unchanged: TARN_LIMIT (no room is left), TARN_TOO_BIG (for the whole
 *          region), TARN_BAD_ALIGN.
 * Threads  one at a time per stack.
 * Cost     O(1): inline up to alignment 16; a call above it and where the stack checks.
 */
TARN_MUST_USE TARN_ALLOC_SIZE(2) static TARN_FAST
    void *tarn_stack_alloc(tarn_stack *stack, size_t size, tarn_spec spec)
{
    tarn_stack_end *e = &stack->end[TARN_STACK_LOW];
    const uintptr_t p = e->top;
    /* Top and edge are multiples of the grain: a size that fits still does when it is rounded up. */
    if (TARN_LIKELY((spec & TARN_ALIGN_BITS) <= TARN_STACK_GRAIN_LOG && size - 1 < e->edge - p)) {
        void *block = (void *)p; /* NOLINT(performance-no-int-to-ptr) */
        e->top = p + ((size + (TARN_STACK_GRAIN - 1)) & ~(size_t)(TARN_STACK_GRAIN - 1));
        if ((spec & TARN_ZERO) != 0 && size <= PTRDIFF_MAX) /* it is, but gcc cannot know */
            (void)__builtin_memset(block, 0, size);
        return block;
    }
    return tarn_stack_alloc_slow(stack, TARN_STACK_LOW, size, spec);
}

/**
 * tarn_stack_free - the last block of the low end back; NULL is ignored. Any other: see S2.
 *
 * A stack that checks keeps a guard in front of each block and sees these faults: out of order, foreign
 * pointer, interior pointer, double free, wrong size, wrong alignment, corruption of a guard, wrong thread.
 *
 * Units    size in bytes: any from the one asked for to that rounded up to 16.
 * Fails    never.
 * Threads  one at a time per stack.
 * Cost     O(1), inline as tarn_stack_alloc.
 */
static TARN_FAST void tarn_stack_free(tarn_stack *stack, void *block, size_t size, tarn_spec spec)
{
    tarn_stack_end *e = &stack->end[TARN_STACK_LOW];
    const uintptr_t p = (uintptr_t)block, top = e->top;
    if (TARN_LIKELY((spec & TARN_ALIGN_BITS) <= TARN_STACK_GRAIN_LOG &&
                    p + ((size + (TARN_STACK_GRAIN - 1)) & ~(size_t)(TARN_STACK_GRAIN - 1)) ==
                        top)) {
        e->top = p;
        return;
    }
    tarn_stack_free_slow(stack, TARN_STACK_LOW, block, size, spec);
}

/**
 * tarn_stack_alloc_high - a block at the high end.
 *
 * Units    size in bytes.
 * Returns  as tarn_stack_alloc.
 * Fails    as tarn_stack_alloc.
 * Threads  one at a time per stack.
 * Cost     as tarn_stack_alloc.
 */
TARN_MUST_USE TARN_ALLOC_SIZE(2) static TARN_FAST
    void *tarn_stack_alloc_high(tarn_stack *stack, size_t size, tarn_spec spec)
{
    tarn_stack_end *e = &stack->end[TARN_STACK_HIGH];
    if (TARN_LIKELY((spec & TARN_ALIGN_BITS) <= TARN_STACK_GRAIN_LOG &&
                    size - 1 < e->top - e->edge)) {
        const uintptr_t p =
            e->top - ((size + (TARN_STACK_GRAIN - 1)) & ~(size_t)(TARN_STACK_GRAIN - 1));
        void *block = (void *)p; /* NOLINT(performance-no-int-to-ptr) */
        e->top = p;
        if ((spec & TARN_ZERO) != 0 && size <= PTRDIFF_MAX)
            (void)__builtin_memset(block, 0, size);
        return block;
    }
    return tarn_stack_alloc_slow(stack, TARN_STACK_HIGH, size, spec);
}

/**
 * tarn_stack_free_high - the last block of the high end back, as tarn_stack_free.
 *
 * Units    size in bytes, as tarn_stack_free.
 * Fails    never.
 * Threads  one at a time per stack.
 * Cost     as tarn_stack_free.
 */
static TARN_FAST void tarn_stack_free_high(tarn_stack *stack, void *block, size_t size,
                                           tarn_spec spec)
{
    tarn_stack_end *e = &stack->end[TARN_STACK_HIGH];
    const uintptr_t p = (uintptr_t)block,
                    end = p + ((size + (TARN_STACK_GRAIN - 1)) & ~(size_t)(TARN_STACK_GRAIN - 1));
    /* The first line is known at compile time when size and spec are. */
    if (TARN_LIKELY((spec & TARN_ALIGN_BITS) <= TARN_STACK_GRAIN_LOG && size - 1 < PTRDIFF_MAX &&
                    p == e->top && end <= stack->high)) {
        e->top = end;
        return;
    }
    tarn_stack_free_slow(stack, TARN_STACK_HIGH, block, size, spec);
}

/**
 * tarn_stack_get - tarn_stack_alloc, under the name that every concrete allocator has it.
 *
 * Units    size in bytes.
 * Returns  as tarn_stack_alloc.
 * Fails    as tarn_stack_alloc.
 * Threads  one at a time per stack.
 * Cost     as tarn_stack_alloc.
 */
TARN_MUST_USE TARN_ALLOC_SIZE(2) static TARN_FAST
    void *tarn_stack_get(tarn_stack *stack, size_t size, tarn_spec spec)
{
    return tarn_stack_alloc(stack, size, spec);
}

/**
 * tarn_stack_put - tarn_stack_free, under the name that every concrete allocator has it.
 *
 * Units    size in bytes, as tarn_stack_free.
 * Fails    never.
 * Threads  one at a time per stack.
 * Cost     as tarn_stack_free.
 */
static TARN_FAST void tarn_stack_put(tarn_stack *stack, void *block, size_t size, tarn_spec spec)
{
    tarn_stack_free(stack, block, size, spec);
}

/**
 * tarn_stack_resize - give a block of the low end another size; the flags are those of tarn_resize.
 *
 * The last block grows and shrinks in place. Another one keeps its place when it shrinks and is copied
 * when it grows; both are out of order (S2), so with TARN_IN_PLACE they are refused.
 *
 * Units    old_size, new_size, keep in bytes; keep <= the smaller of the two sizes.
 * Returns  the block, its first keep bytes as they were.
 * Fails    NULL, the block is untouched: TARN_UNSUPPORTED (spec forbids what it would take), or as
 *          tarn_stack_alloc.
 * Threads  one at a time per stack.
 * Cost     O(1) in place, else O(keep).
 */
TARN_API TARN_MUST_USE void *tarn_stack_resize(tarn_stack *stack, void *block, size_t old_size,
                                               size_t new_size, size_t keep, tarn_spec spec);

/**
 * tarn_stack_resize_high - the same at the high end, where the last block moves by as much as its size
 * changes, without other memory; so with TARN_IN_PLACE only changes within the rounding are served.
 *
 * Units    as tarn_stack_resize.
 * Returns  as tarn_stack_resize.
 * Fails    as tarn_stack_resize.
 * Threads  one at a time per stack.
 * Cost     O(keep).
 */
TARN_API TARN_MUST_USE void *tarn_stack_resize_high(tarn_stack *stack, void *block, size_t old_size,
                                                    size_t new_size, size_t keep, tarn_spec spec);

/* ── All at once ───────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_stack_mark - the position of one end, to which a rewind returns.
 *
 * Returns  a mark, good until that end is reset, or rewound to an earlier one, or a block that is older
 *          than the mark is freed or resized.
 * Fails    never.
 * Threads  one at a time per stack.
 * Cost     O(1).
 */
TARN_API tarn_mark tarn_stack_mark(const tarn_stack *stack, tarn_stack_side side);

/**
 * tarn_stack_rewind - free all that was allocated at one end since the mark.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (no mark of this end, or already rewound past: a fault when checking);
 *          nothing has changed. A mark whose place is in use again for other blocks is noticed only
 *          when checking.
 * Threads  one at a time per stack.
 * Cost     O(1); O(blocks) when checking.
 */
TARN_API tarn_status tarn_stack_rewind(tarn_stack *stack, tarn_stack_side side, tarn_mark mark);

/**
 * tarn_stack_reset - all blocks of both ends back. Through a handle: of that end.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(1); O(blocks) when checking.
 */
TARN_API void tarn_stack_reset(tarn_stack *stack);

/* ── Questions ─────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_stack_peak - how much of the region one end has had in use at most, rounding and guards included:
 * how big it has to be.
 *
 * Returns  bytes: never less than was in use, and up to 1/64 of the region more; exact when checking.
 * Fails    never.
 * Threads  one at a time per stack.
 * Cost     O(1).
 */
TARN_API size_t tarn_stack_peak(const tarn_stack *stack, tarn_stack_side side);

/**
 * tarn_stack_owns - does this address lie in what one end has in use?
 *
 * Returns  true when it does.
 * Fails    never.
 * Threads  one at a time per stack.
 * Cost     O(1).
 */
TARN_API bool tarn_stack_owns(const tarn_stack *stack, tarn_stack_side side, const void *address);

/**
 * tarn_stack_room - what is left between the two ends.
 *
 * Returns  bytes; a block of that many with an alignment of 16 at most can be had, but for what a
 *          checking stack puts in front of it.
 * Fails    never.
 * Threads  one at a time per stack.
 * Cost     O(1).
 */
TARN_API size_t tarn_stack_room(const tarn_stack *stack);

/**
 * tarn_stack_allocator - one end behind the interface.
 *
 * Statistics: what the region holds and how much of it is idle, the same at both ends, and the end's own
 * failures; a stack that checks also knows its live blocks and their peak, and can visit them, the latest
 * first. tarn_deinit of either end is
 * that of the stack. tarn_free_batch takes the blocks of one tarn_alloc_batch, in the order they came.
 *
 * Returns  the handle; it lives as long as the stack.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_stack_allocator(tarn_stack *stack, tarn_stack_side side)
{
    return &stack->end[side].allocator;
}

TARN_END_DECLS

#endif
