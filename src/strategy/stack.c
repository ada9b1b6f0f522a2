/* SPDX-License-Identifier: MIT */
/*
 * stack.c - blocks that go back in reverse order: the slow twin of the inlined paths, marks, life cycle.
 *
 *     low │ block │ rec │ block   │ ──►  free  ◄── │ rec │ block │ gap │ block │ high
 *                    └ alignment above 16             └ alignment above 16
 *     checking: a guard where `rec` is, in front of every block (stack_guard.c)
 *
 * I1  low <= top of LOW <= top of HIGH <= high, all multiples of the grain.
 * I2  In a stack that checks or is dead, both tops are STACK_CLOSED: the room that the inlined paths
 *     see is nothing, and no block ends or starts there. `at` is the position then.
 * I3  The position before a block came is: at the low end its start, at the high end its end, when its
 *     alignment is at most 16; else what stands in the record, or in the guard, in front of it. So a
 *     free that is given the block's size and alignment can tell whether it is the last one, and where
 *     to return to, with no memory of other blocks.
 * I4  A record is believed only when it names a position from which exactly this block would have been
 *     placed: a free with a wrong alignment leaves the memory where it is.
 * I5  A refusal changes no position and no guard.
 * I6  low <= top of LOW <= edge of LOW <= edge of HIGH <= top of HIGH <= high while they are open: an end goes
 *     up to its edge without looking at the other. Past it, it takes the slow way, which moves the edge on
 *     by a 64th of the region, and that of the other back if need be. So the furthest edge so far is the
 *     peak, at no cost on the inlined paths.
 *
 * Cost: O(1) for all but copying, zeroing and what checking adds.
 */
#include "strategy/stack_state.h"

enum { STACK_SIZE = 64 * 1024, EDGES = 64 };

/* What a created stack takes of its region, whole grains. */
#define HOME ((sizeof(tarn_stack) + TARN_STACK_GRAIN - 1) & ~(size_t)(TARN_STACK_GRAIN - 1))

#define SCRAMBLE ((uintptr_t)0x9e3779b97f4a7c15u)

/* In front of a block whose alignment is above the grain. */
typedef struct record {
    uintptr_t before;
    uintptr_t proof; /* of the same, and the block's address */
} record;

_Static_assert(sizeof(record) <= TARN_STACK_GRAIN, "a record takes a grain");

static void *refuse(tarn_stack *s, tarn_stack_side side, tarn_status status, size_t size,
                    tarn_spec spec)
{
    tarn_stack_end *e = stack_end(s, side);
    unsigned log = spec & TARN_ALIGN_BITS;
    e->failures++;
    e->why = (tarn_why){status, size, log < sizeof(size_t) * 8 ? (size_t)1 << log : 0, 0};
    if (status == TARN_LIMIT || status == TARN_TOO_BIG)
        e->why.limit = s->high - s->low;
    return NULL;
}

/* A dead stack, or a checking one of another thread's: the fault has been reported. */
static bool is_barred(tarn_stack *s, const void *block)
{
    if (stack_is(s, STACK_DEAD)) {
        tarn_stack_fault(s, TARN_FAULT_USE_AFTER_DEINIT, block, 0, 0);
        return true;
    }
    if (!stack_is(s, STACK_CHECK) || tarn_thread_owns(&s->owner))
        return false;
    tarn_stack_fault(s, TARN_FAULT_WRONG_THREAD, block, 0, 0);
    return true;
}

/* ── Positions ─────────────────────────────────────────────────────────────────────────────── */

/* I6 */
static void set_edge(tarn_stack *s, tarn_stack_side side, uintptr_t position)
{
    tarn_stack_end *e = stack_end(s, side);
    size_t step = stack_whole((s->high - s->low) / EDGES);
    uintptr_t low = stack_position(s, TARN_STACK_LOW), high = stack_position(s, TARN_STACK_HIGH);
    if (side == TARN_STACK_LOW) {
        e->edge = high - position < step ? high : position + step;
        if (s->end[TARN_STACK_HIGH].edge < e->edge)
            s->end[TARN_STACK_HIGH].edge = e->edge;
    } else {
        e->edge = position - low < step ? low : position - step;
        if (s->end[TARN_STACK_LOW].edge > e->edge)
            s->end[TARN_STACK_LOW].edge = e->edge;
    }
}

void tarn_stack_move_to(tarn_stack *s, tarn_stack_side side, uintptr_t position)
{
    tarn_stack_end *e = stack_end(s, side);
    if (e->top == STACK_CLOSED) {
        e->at = position;
        if (!stack_is_newer(side, e->peak, position))
            e->peak = position;
        return;
    }
    e->top = position;
    if (stack_is_newer(side, e->edge, position))
        return;
    set_edge(s, side, position);
    if (!stack_is_newer(side, e->peak, e->edge))
        e->peak = e->edge;
}

/* ── Blocks ────────────────────────────────────────────────────────────────────────────────── */

/* Bytes in front of a block. */
static size_t head_of(const tarn_stack *s, tarn_spec spec)
{
    if (stack_is(s, STACK_CHECK))
        return STACK_GUARD;
    return (spec & TARN_ALIGN_BITS) > TARN_STACK_GRAIN_LOG ? TARN_STACK_GRAIN : 0;
}

static tarn_status judge(const tarn_stack *s, size_t size, tarn_spec spec)
{
    if ((spec & TARN_ALIGN_BITS) >= sizeof(size_t) * 8 - 1)
        return TARN_BAD_ALIGN;
    return size <= s->high - s->low ? TARN_OK : TARN_TOO_BIG;
}

/* Where a block of whole grains would lie when the end stands at `from`, and the position after it;
 * false when it does not fit. */
static bool place(const tarn_stack *s, tarn_stack_side side, uintptr_t from, size_t whole,
                  tarn_spec spec, uintptr_t out[2])
{
    uintptr_t low = side == TARN_STACK_LOW ? from : stack_position(s, TARN_STACK_LOW);
    uintptr_t high = side == TARN_STACK_HIGH ? from : stack_position(s, TARN_STACK_HIGH);
    size_t head = head_of(s, spec), room = high - low, align = tarn_spec_align(spec);
    if (align < TARN_STACK_GRAIN)
        align = TARN_STACK_GRAIN;
    if (head > room || whole > room - head)
        return false;
    if (side == TARN_STACK_LOW) {
        size_t gap = (size_t) - (low + head) & (align - 1);
        out[0] = low + head + gap;
        out[1] = out[0] + whole;
        return gap <= room - head - whole;
    }
    out[0] = (high - whole) & ~(uintptr_t)(align - 1);
    out[1] = out[0] - head;
    return out[0] >= low && out[0] - low >= head;
}

/* The end moves on to a block that has been placed. */
static void take(tarn_stack *s, tarn_stack_side side, uintptr_t before, const uintptr_t placed[2],
                 tarn_spec spec)
{
    tarn_stack_move_to(s, side, placed[1]);
    if (head_of(s, spec) == TARN_STACK_GRAIN) {
        record *r = stack_pointer(placed[0] - TARN_STACK_GRAIN);
        *r = (record){before, before ^ placed[0] ^ SCRAMBLE};
    }
}

void *tarn_stack_alloc_slow(tarn_stack *s, tarn_stack_side side, size_t size, tarn_spec spec)
{
    uintptr_t before, placed[2];
    tarn_status status = TARN_BAD_ARGUMENT;
    if (is_barred(s, NULL))
        return refuse(s, side, status, size, spec);
    status = judge(s, size, spec);
    before = stack_position(s, side);
    if (status == TARN_OK && !place(s, side, before, stack_whole(size), spec, placed))
        status = TARN_LIMIT;
    if (status != TARN_OK)
        return refuse(s, side, status, size, spec);
    take(s, side, before, placed, spec);
    if (stack_is(s, STACK_CHECK))
        tarn_stack_guard_block(s, side, stack_pointer(placed[0]), size, spec, before);
    if ((spec & TARN_ZERO) != 0)
        memset(stack_pointer(placed[0]), 0, size);
    return stack_pointer(placed[0]);
}

bool tarn_stack_owns(const tarn_stack *s, tarn_stack_side side, const void *address)
{
    uintptr_t p = (uintptr_t)address, position = stack_position(s, side);
    if (side == TARN_STACK_LOW)
        return p >= s->low && p < position;
    return p >= position && p < s->high;
}

/* I3, for a block of a stack that does not check. 0 when it is not the last one, or none at all. */
static uintptr_t return_from(const tarn_stack *s, tarn_stack_side side, uintptr_t block,
                             size_t whole, tarn_spec spec)
{
    uintptr_t position = stack_position(s, side), placed[2];
    size_t head = head_of(s, spec);
    const record *r;
    if (!tarn_stack_owns(s, side, stack_pointer(block)) || block % TARN_STACK_GRAIN != 0 ||
        whole > s->high - block)
        return 0;
    if (side == TARN_STACK_LOW ? block + whole != position : block - head != position)
        return 0;
    if (head == 0)
        return side == TARN_STACK_LOW ? block : block + whole;
    if (side == TARN_STACK_LOW && block - s->low < head)
        return 0;
    r = stack_pointer(block - head);
    if (r->proof != (r->before ^ block ^ SCRAMBLE) || r->before < s->low || r->before > s->high)
        return 0;
    /* I4 */
    return place(s, side, r->before, whole, spec, placed) && placed[0] == block ? r->before : 0;
}

void tarn_stack_free_slow(tarn_stack *s, tarn_stack_side side, void *block, size_t size,
                          tarn_spec spec)
{
    uintptr_t to;
    if (block == NULL || is_barred(s, block))
        return;
    if (stack_is(s, STACK_CHECK)) {
        tarn_stack_guard *g = tarn_stack_guarded(s, side, block, size, spec);
        if (g != NULL)
            tarn_stack_unguard(s, side, g);
        return;
    }
    if (judge(s, size, spec) != TARN_OK)
        return;
    to = return_from(s, side, (uintptr_t)block, stack_whole(size), spec);
    if (to != 0)
        tarn_stack_move_to(s, side, to);
}

/* ── Resize ────────────────────────────────────────────────────────────────────────────────── */

/* What a resize is about. */
struct change {
    tarn_stack_side side;
    char *block;
    size_t old_size, new_size, keep;
    tarn_spec spec;
    bool may_move;
    tarn_stack_guard *guard; /* when checking                                */
    uintptr_t before;        /* the position to return to; 0: not the last */
};

/* The last block of the high end: its end stays where it is. */
static void *slide(tarn_stack *s, const struct change *c)
{
    uintptr_t before = c->before, placed[2];
    tarn_spec align = c->spec & TARN_ALIGN_BITS;
    void *moved;
    if (!place(s, c->side, before, stack_whole(c->new_size), align, placed))
        return refuse(s, c->side, TARN_LIMIT, c->new_size, c->spec);
    if (placed[0] == (uintptr_t)c->block)
        return c->block;
    if (!c->may_move)
        return refuse(s, c->side, TARN_UNSUPPORTED, c->new_size, c->spec);
    if (c->guard !=
        NULL) { /* freed: the end moves back to before, or past it, to what was freed early */
        tarn_stack_unguard(s, c->side, c->guard);
        before = stack_position(s, c->side);
        (void)place(s, c->side, before, stack_whole(c->new_size), align, placed);
    }
    moved = memmove(stack_pointer(placed[0]), c->block, c->keep);
    take(s, c->side, before, placed, align);
    if (c->guard != NULL)
        tarn_stack_guard_block(s, c->side, moved, c->new_size, align, before);
    return moved;
}

/* The last block; its rounded size changes. */
static void *resize_last(tarn_stack *s, const struct change *c)
{
    uintptr_t end = (uintptr_t)c->block + stack_whole(c->new_size);
    if (c->side == TARN_STACK_HIGH)
        return slide(s, c);
    if (end > stack_position(s, TARN_STACK_HIGH))
        return refuse(s, c->side, TARN_LIMIT, c->new_size, c->spec);
    tarn_stack_move_to(s, c->side, end);
    return c->block;
}

/* S2: what is not in order. */
static void *resize_other(tarn_stack *s, const struct change *c)
{
    if (!c->may_move)
        return refuse(s, c->side, TARN_UNSUPPORTED, c->new_size, c->spec);
    if (c->new_size > c->old_size)
        return tarn_resize_by_copy(&s->end[c->side].allocator, c->block, c->old_size, c->new_size,
                                   c->keep, c->spec);
    if (c->guard != NULL)
        tarn_stack_fault(s, TARN_FAULT_OUT_OF_ORDER, c->block, 0, 0);
    return c->block;
}

static void *resize(tarn_stack *s, struct change *c)
{
    size_t old_whole, new_whole;
    tarn_status status = TARN_BAD_ARGUMENT;
    char *at = c->block;
    if (!is_barred(s, c->block))
        status = judge(s, c->new_size, c->spec);
    if (status == TARN_OK && c->old_size > s->high - s->low)
        status = TARN_BAD_ARGUMENT;
    if (status == TARN_OK && stack_is(s, STACK_CHECK)) {
        c->guard = tarn_stack_guarded(s, c->side, c->block, c->old_size, c->spec);
        if (c->guard == NULL)
            status = TARN_BAD_ARGUMENT;
    }
    if (status != TARN_OK)
        return refuse(s, c->side, status, c->new_size, c->spec);
    c->may_move = (c->spec & (TARN_IN_PLACE | TARN_NO_COPY)) == 0;
    old_whole = stack_whole(c->old_size);
    new_whole = stack_whole(c->new_size);
    if (c->guard == NULL)
        c->before = return_from(s, c->side, (uintptr_t)c->block, old_whole, c->spec);
    else if (c->guard == s->end[c->side].newest)
        c->before = c->guard->before;
    if (new_whole != old_whole)
        at = c->before != 0 ? resize_last(s, c) : resize_other(s, c);
    if (at == NULL)
        return NULL;
    if (at == c->block && c->guard != NULL)
        tarn_stack_guard_size(s, c->side, c->guard, c->new_size);
    if ((c->spec & TARN_ZERO) != 0 && c->new_size > c->old_size)
        memset(at + c->old_size, 0, c->new_size - c->old_size);
    return at;
}

void *tarn_stack_resize(tarn_stack *s, void *block, size_t old_size, size_t new_size, size_t keep,
                        tarn_spec spec)
{
    return resize(s, &(struct change){.side = TARN_STACK_LOW,
                                      .block = block,
                                      .old_size = old_size,
                                      .new_size = new_size,
                                      .keep = keep,
                                      .spec = spec});
}

void *tarn_stack_resize_high(tarn_stack *s, void *block, size_t old_size, size_t new_size,
                             size_t keep, tarn_spec spec)
{
    return resize(s, &(struct change){.side = TARN_STACK_HIGH,
                                      .block = block,
                                      .old_size = old_size,
                                      .new_size = new_size,
                                      .keep = keep,
                                      .spec = spec});
}

/* ── Marks, reset ──────────────────────────────────────────────────────────────────────────── */

tarn_mark tarn_stack_mark(const tarn_stack *s, tarn_stack_side side)
{
    return (tarn_mark){
        {stack_pointer(stack_position(s, side)), stack_pointer((uintptr_t)&s->end[side])}};
}

static bool is_mark(const tarn_stack *s, tarn_stack_side side, tarn_mark mark)
{
    uintptr_t at = (uintptr_t)mark.at[0];
    if (mark.at[1] != &s->end[side] || at % TARN_STACK_GRAIN != 0 || at < s->low || at > s->high)
        return false;
    return stack_is_newer(side, stack_position(s, side), at) &&
           (!stack_is(s, STACK_CHECK) || tarn_stack_is_seam(s, side, at));
}

tarn_status tarn_stack_rewind(tarn_stack *s, tarn_stack_side side, tarn_mark mark)
{
    uintptr_t to = (uintptr_t)mark.at[0];
    if (is_barred(s, NULL))
        return TARN_BAD_ARGUMENT;
    if (!is_mark(s, side, mark)) {
        if (stack_is(s, STACK_CHECK))
            tarn_stack_fault(s, TARN_FAULT_BAD_REWIND, mark.at[0], 0, 0);
        return TARN_BAD_ARGUMENT;
    }
    if (stack_is(s, STACK_CHECK))
        to = tarn_stack_forget(s, side, to);
    tarn_stack_move_to(s, side, to);
    return TARN_OK;
}

void tarn_stack_reset_end(tarn_stack *s, tarn_stack_side side)
{
    uintptr_t start = side == TARN_STACK_LOW ? s->low : s->high;
    if (is_barred(s, NULL))
        return;
    if (stack_is(s, STACK_CHECK))
        (void)tarn_stack_forget(s, side, start);
    tarn_stack_move_to(s, side, start);
}

void tarn_stack_reset(tarn_stack *s)
{
    tarn_stack_reset_end(s, TARN_STACK_LOW);
    tarn_stack_reset_end(s, TARN_STACK_HIGH);
}

size_t tarn_stack_peak(const tarn_stack *s, tarn_stack_side side)
{
    uintptr_t peak = s->end[side].peak;
    return side == TARN_STACK_LOW ? peak - s->low : s->high - peak;
}

size_t tarn_stack_room(const tarn_stack *s)
{
    return stack_position(s, TARN_STACK_HIGH) - stack_position(s, TARN_STACK_LOW);
}

/* ── Life cycle ────────────────────────────────────────────────────────────────────────────── */

static void close_ends(tarn_stack *s)
{
    for (int side = 0; side < 2; side++) {
        s->end[side].at = stack_position(s, (tarn_stack_side)side);
        s->end[side].top = s->end[side].edge = STACK_CLOSED;
    }
}

/* The bytes that are the stack's, of which the first `used` are in use already. */
static tarn_status use(tarn_stack *s, void *bytes, size_t size, size_t used)
{
    uintptr_t first = (uintptr_t)bytes + used;
    size_t gap;
    if (used > size)
        return TARN_BAD_ARGUMENT;
    gap = tarn_align_gap(stack_pointer(first), TARN_STACK_GRAIN);
    size -= used;
    if (size < gap || size - gap < TARN_STACK_GRAIN)
        return TARN_BAD_ARGUMENT;
    s->low = first + gap;
    s->high = s->low + tarn_align_down(size - gap, TARN_STACK_GRAIN);
    for (int side = 0; side < 2; side++) {
        uintptr_t start = side == TARN_STACK_LOW ? s->low : s->high;
        s->end[side].top = s->end[side].edge = s->end[side].peak = start;
    }
    if (stack_is(s, STACK_CHECK))
        close_ends(s);
    return TARN_OK;
}

/* Where the region comes from; options->buffer is not asked. */
static tarn_status map(tarn_stack *s, const tarn_stack_options *o, size_t more)
{
    size_t size = o->size != 0 ? o->size : STACK_SIZE;
    s->source = tarn_source_pick(o->source, o->parent, &s->own_source);
    if (s->source == NULL || size < TARN_STACK_GRAIN || o->buffer_size != 0)
        return TARN_BAD_ARGUMENT;
    if (!tarn_add(size, more, &size))
        return TARN_TOO_BIG;
    return tarn_source_map(s->source, size, TARN_STACK_GRAIN, 0, &s->region);
}

static void start(tarn_stack *s, const tarn_stack_options *o)
{
    bool check = o->check || TARN_CHECKED;
    *s = (tarn_stack){.flags = check ? (uint32_t)STACK_CHECK : 0,
                      .name = o->name != NULL ? o->name : "stack"};
    for (int side = 0; side < 2; side++)
        s->end[side].allocator.ops = &tarn_stack_ops[side][check];
}

tarn_status tarn_stack_init(tarn_stack *s, const tarn_stack_options *options)
{
    static const tarn_stack_options defaults;
    const tarn_stack_options *o = options != NULL ? options : &defaults;
    tarn_status status;
    start(s, o);
    if (o->buffer == NULL) {
        status = map(s, o, 0);
        if (status == TARN_OK)
            status = use(s, s->region.ptr, s->region.size, 0);
    } else if (o->source != NULL || o->parent != NULL || o->size != 0) {
        status = TARN_BAD_ARGUMENT;
    } else {
        status = use(s, o->buffer, o->buffer_size, 0);
    }
    if (status != TARN_OK) {
        s->flags |= STACK_DEAD;
        close_ends(s);
    }
    return status;
}

void tarn_stack_deinit(tarn_stack *s)
{
    tarn_region region = s->region;
    if (stack_is(s, STACK_DEAD))
        return;
    s->owner = TARN_OWNER_NONE; /* any thread may */
    tarn_stack_reset(s);        /* a broken guard is reported */
    s->flags |= STACK_DEAD;
    s->low = s->high = 0;
    for (int side = 0; side < 2; side++)
        s->end[side].top = s->end[side].peak = 0;
    close_ends(s);
    s->region = (tarn_region){NULL, 0, 0};
    if (s->source != NULL && !s->created)
        tarn_source_unmap(s->source, region.ptr, region.size, TARN_STACK_GRAIN);
}

tarn_stack *tarn_stack_create(const tarn_stack_options *options, tarn_status *status)
{
    static const tarn_stack_options defaults;
    const tarn_stack_options *o = options != NULL ? options : &defaults;
    tarn_stack first, *s = NULL;
    tarn_status why = TARN_BAD_ARGUMENT;
    start(&first, o);
    if (o->buffer == NULL)
        why = map(&first, o, HOME);
    if (why == TARN_OK) {
        s = first.region.ptr;
        *s = first;
        s->created = true;
        if (s->source == &first.own_source.source)
            s->source = &s->own_source.source;
        why = use(s, s->region.ptr, s->region.size, HOME);
    }
    if (status != NULL)
        *status = why;
    return s;
}

void tarn_stack_destroy(tarn_stack *s)
{
    tarn_region region;
    tarn_parent_source own;
    tarn_source *source;
    if (s == NULL)
        return;
    region = s->region;
    own = s->own_source;
    source = s->source == &s->own_source.source ? &own.source : s->source;
    tarn_stack_deinit(s);
    tarn_source_unmap(source, region.ptr, region.size, TARN_STACK_GRAIN);
}
