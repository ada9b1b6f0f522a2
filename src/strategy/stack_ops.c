/* SPDX-License-Identifier: MIT */
/*
 * stack_ops.c - the two ends of a stack, each seen as a tarn_allocator, and the invariants verified.
 *
 *     tarn_stack: │ end[LOW] │ end[HIGH] │ …      a handle points to the one or the other, and its
 *                                                 table knows which
 */
#include "strategy/stack_state.h"

_Static_assert(offsetof(tarn_stack, end) == 0, "the low end stands first");

static tarn_stack *low_of(tarn_allocator *a)
{
    return (tarn_stack *)a;
}

static tarn_stack *high_of(tarn_allocator *a)
{
    return (tarn_stack *)(void *)((char *)a - sizeof(tarn_stack_end));
}

/* The end that a handle stands for, and the stack. */
static tarn_stack_side side_of(const tarn_allocator *a)
{
    return a->ops == &tarn_stack_ops[TARN_STACK_LOW][0] ||
                   a->ops == &tarn_stack_ops[TARN_STACK_LOW][1]
               ? TARN_STACK_LOW
               : TARN_STACK_HIGH;
}

static tarn_stack *of(tarn_allocator *a)
{
    return side_of(a) == TARN_STACK_LOW ? low_of(a) : high_of(a);
}

static const tarn_stack_end *end_of(const tarn_allocator *a)
{
    return (const tarn_stack_end *)a;
}

static const tarn_stack *of_const(const tarn_allocator *a)
{
    return (const tarn_stack *)(const void *)(end_of(a) - side_of(a));
}

/* ── Hot ───────────────────────────────────────────────────────────────────────────────────── */

static void *low_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return tarn_stack_alloc(low_of(a), size, spec);
}

static void *high_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return tarn_stack_alloc_high(high_of(a), size, spec);
}

static void low_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_stack_free(low_of(a), block, size, spec);
}

static void high_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_stack_free_high(high_of(a), block, size, spec);
}

static void *low_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                        size_t keep, tarn_spec spec)
{
    return tarn_stack_resize(low_of(a), block, old_size, new_size, keep, spec);
}

static void *high_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                         size_t keep, tarn_spec spec)
{
    return tarn_stack_resize_high(high_of(a), block, old_size, new_size, keep, spec);
}

static tarn_block ops_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_block b = {tarn_alloc(a, size, spec & ~(tarn_spec)TARN_ZERO), 0};
    if (b.ptr == NULL)
        return b;
    b.size = stack_whole(size);
    if ((spec & TARN_ZERO) != 0)
        memset(b.ptr, 0, b.size);
    return b;
}

/* The latest first: at the low end that is the highest address. */
static void ops_free_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                           void *const *blocks)
{
    bool rises = count > 0 && (uintptr_t)blocks[0] < (uintptr_t)blocks[count - 1];
    bool backwards = rises == (side_of(a) == TARN_STACK_LOW);
    for (size_t i = 0; i < count; i++)
        tarn_free(a, blocks[backwards ? count - 1 - i : i], size, spec);
}

/* ── Rare ──────────────────────────────────────────────────────────────────────────────────── */

static const char *ops_name(const tarn_allocator *a)
{
    return of_const(a)->name;
}

static tarn_answer ops_owns(const tarn_allocator *a, const void *block)
{
    return tarn_stack_owns(of_const(a), side_of(a), block) ? TARN_YES : TARN_NO;
}

static size_t ops_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    (void)a, (void)block, (void)spec;
    return stack_whole(size);
}

static tarn_status ops_reset(tarn_allocator *a)
{
    tarn_stack_reset_end(of(a), side_of(a));
    return TARN_OK;
}

static tarn_mark ops_mark(tarn_allocator *a)
{
    return tarn_stack_mark(of(a), side_of(a));
}

static tarn_status ops_rewind(tarn_allocator *a, tarn_mark mark)
{
    return tarn_stack_rewind(of(a), side_of(a), mark);
}

static tarn_status ops_stats(const tarn_allocator *a, tarn_stats *out)
{
    const tarn_stack *s = of_const(a);
    const tarn_stack_end *e = end_of(a);
    *out = (tarn_stats){.known = TARN_STATS_FAILED | TARN_STATS_HELD | TARN_STATS_CHUNKS,
                        .failures = e->failures,
                        .held_bytes = s->region.size,
                        .idle_bytes = tarn_stack_room(s),
                        .chunks = s->high != s->low};
    if (stack_is(s, STACK_CHECK)) {
        out->known |= TARN_STATS_LIVE | TARN_STATS_PEAK;
        out->live_blocks = e->live;
        out->live_bytes = e->live_bytes;
        out->peak_blocks = e->most;
        out->peak_bytes = e->most_bytes;
    }
    return TARN_OK;
}

/* Of those that check. What the visitor frees takes marked guards with it, never an unmarked one. */
static tarn_status ops_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    const tarn_stack_guard *g = end_of(a)->newest;
    bool more = true;
    while (more && g != NULL) {
        const tarn_stack_guard *next = g->older;
        while (next != NULL && next->freed)
            next = next->older;
        if (!g->freed)
            more = see(user, stack_pointer((uintptr_t)g + STACK_GUARD), g->size);
        g = next;
    }
    return TARN_OK;
}

static tarn_status ops_check(const tarn_allocator *a)
{
    const tarn_stack *s = of_const(a);
    uintptr_t low = stack_position(s, TARN_STACK_LOW), high = stack_position(s, TARN_STACK_HIGH);
    bool closed = s->end[0].top == STACK_CLOSED;
    uintptr_t low_edge = closed ? low : s->end[0].edge, high_edge = closed ? high : s->end[1].edge;
    if (s->low > low || low > low_edge || low_edge > high_edge || high_edge > high ||
        high > s->high)
        return TARN_CORRUPT;
    if ((s->low | low | low_edge | high_edge | high | s->high) % TARN_STACK_GRAIN != 0)
        return TARN_CORRUPT;
    if (closed != (s->flags != 0) || closed != (s->end[1].top == STACK_CLOSED))
        return TARN_CORRUPT;
    return tarn_stack_guards_hold(s, TARN_STACK_LOW) && tarn_stack_guards_hold(s, TARN_STACK_HIGH)
               ? TARN_OK
               : TARN_CORRUPT;
}

static tarn_why ops_why(const tarn_allocator *a)
{
    return end_of(a)->why;
}

static tarn_allocator *ops_parent(const tarn_allocator *a, unsigned index)
{
    const tarn_stack *s = of_const(a);
    return index == 0 && s->source == &s->own_source.source ? s->own_source.allocator : NULL;
}

static void ops_deinit(tarn_allocator *a)
{
    tarn_stack_deinit(of(a));
}

static void ops_share(tarn_allocator *a)
{
    tarn_thread_share(&of(a)->owner);
}

#define RARE(see)                                                                                  \
    {                                                                                              \
        .bytes = sizeof(tarn_rare_ops), .name = ops_name, .owns = ops_owns, .usable = ops_usable,  \
        .reset = ops_reset, .mark = ops_mark, .rewind = ops_rewind, .stats = ops_stats,            \
        .visit = (see), .check = ops_check, .why = ops_why, .parent = ops_parent,                  \
        .deinit = ops_deinit, .share = ops_share                                                   \
    }

static const tarn_rare_ops STACK_RARE[2] = {RARE(NULL), RARE(ops_visit)};

#define OPS(side, checks)                                                                          \
    {                                                                                              \
        .abi = TARN_ABI,                                                                           \
        .caps = TARN_CAP_RESIZE | TARN_CAP_OWNS | TARN_CAP_RESET | TARN_CAP_MARK |                 \
                TARN_CAP_CHECK | TARN_CAP_STATS | ((checks) ? TARN_CAP_VISIT : TARN_CAP_BOUNDED),  \
        .alloc = side##_alloc, .free = side##_free, .resize = side##_resize,                       \
        .alloc_at_least = ops_alloc_at_least, .free_batch = ops_free_batch,                        \
        .rare = &STACK_RARE[checks],                                                               \
    }

const tarn_ops tarn_stack_ops[2][2] = {
    [TARN_STACK_LOW] = {OPS(low, 0), OPS(low, 1)},
    [TARN_STACK_HIGH] = {OPS(high, 0), OPS(high, 1)},
};
