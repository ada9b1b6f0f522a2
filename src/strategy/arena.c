/* SPDX-License-Identifier: MIT */
/*
 * arena.c - blocks that are freed together: the slow twin of the inlined path, marks, life cycle.
 *
 *     up      low │ block │ block │ gap │ block │ cur ──►            end = high │
 *     down    low │              ◄── at │ block │ gap │ block │ block      high │
 *     checking         │ guard │ block │ gap │ guard │ block │ at ──►
 *
 * I1  The window [cur, end) is open while an arena that goes up and does not check has a chunk. Else
 *     both are 0, the compare in tarn_arena_alloc fails for any size, and `at` is the position.
 * I2  An open window never passes its end: low <= cur <= end, cur a multiple of 8, end of 16.
 * I3  The block that ends (going up) or starts (going down) at the position is the last block.
 * I4  A block of no bytes lies inside a chunk, too, so that owns tells whose it is: going up it takes
 *     none but wants a grain of room, going down it takes a grain.
 * I5  A refusal changes no position, no chunk in use and no record.
 */
#include "base/mem.h"
#include "strategy/arena_chunk.h"

enum { CHUNK_SIZE = 64 * 1024, CHUNK_MAX = 1024 * 1024, CHUNK_LEAST = 256 };

static void *refuse(tarn_arena *a, tarn_status status, size_t size, tarn_spec spec)
{
    unsigned log = spec & TARN_ALIGN_BITS;
    a->failures++;
    a->why = (tarn_why){status, size, log < sizeof(size_t) * 8 ? (size_t)1 << log : 0, 0};
    if (status == TARN_LIMIT && a->limit != 0)
        a->why.limit = a->limit;
    else if (status == TARN_LIMIT && arena_is(a, ARENA_RANGE))
        a->why.limit = a->reserve;
    else if (status == TARN_LIMIT && a->source == NULL)
        a->why.limit = a->own.high - a->own.low;
    return NULL;
}

/* A dead arena, or a checking one of another thread's: the fault has been reported. */
static bool is_barred(tarn_arena *a, const void *block)
{
    if (arena_is(a, ARENA_DEAD)) {
        tarn_arena_fault(a, TARN_FAULT_USE_AFTER_DEINIT, NULL, 0, 0);
        return true;
    }
    return tarn_arena_stranger(a, block);
}

bool tarn_arena_stranger(tarn_arena *a, const void *block)
{
    if (!arena_is(a, ARENA_CHECK) || tarn_thread_owns(&a->owner))
        return false;
    tarn_arena_fault(a, TARN_FAULT_WRONG_THREAD, block, 0, 0);
    return true;
}

/* ── Blocks ────────────────────────────────────────────────────────────────────────────────── */

/* Where a block of size bytes (whole grains) would lie in the current chunk, and the position after
 * it; false when it does not fit. */
static bool place(const tarn_arena *a, uintptr_t at, size_t size, size_t align, uintptr_t *block,
                  uintptr_t *next)
{
    const tarn_arena_chunk *c = a->current;
    size_t head = arena_head(a), gap;
    if (c == NULL)
        return false;
    if (arena_is(a, ARENA_DOWN)) {
        /* A block of no bytes still has an address of this chunk's, so that it is owned. */
        if (size == 0 && at == c->high)
            size = TARN_ARENA_GRAIN;
        if (size > at - c->low)
            return false;
        *block = (at - size) & ~(uintptr_t)(align - 1);
        *next = *block - head;
        return *block >= c->low && *block - c->low >= head;
    }
    if (head > c->high - at)
        return false;
    gap = (size_t) - (at + head) & (align - 1);
    *block = at + head + gap;
    *next = *block + size;
    return gap <= c->high - at - head && size <= c->high - at - head - gap && *block < c->high;
}

static tarn_status judge(size_t size, tarn_spec spec, size_t *whole, size_t *align)
{
    if ((spec & TARN_ALIGN_BITS) > TARN_ARENA_ALIGN_LOG)
        return TARN_BAD_ALIGN;
    *align = tarn_spec_align(spec);
    if (*align < TARN_ARENA_GRAIN)
        *align = TARN_ARENA_GRAIN;
    return tarn_round_up(size, TARN_ARENA_GRAIN, whole) && *whole <= PTRDIFF_MAX ? TARN_OK
                                                                                 : TARN_TOO_BIG;
}

void *tarn_arena_alloc_slow(tarn_arena *a, size_t size, tarn_spec spec)
{
    size_t whole, align;
    uintptr_t block = 0, next = 0;
    tarn_status status = judge(size, spec, &whole, &align);
    if (is_barred(a, NULL))
        return refuse(a, TARN_BAD_ARGUMENT, size, spec);
    if (status != TARN_OK)
        return refuse(a, status, size, spec);
    if (size == 0)
        whole = TARN_ARENA_GRAIN; /* I4 */
    if (!place(a, arena_position(a), whole, align, &block, &next)) {
        status = tarn_arena_grow(a, whole != 0 ? whole : TARN_ARENA_GRAIN, align);
        if (status != TARN_OK)
            return refuse(a, status, size, spec);
        if (!place(a, arena_position(a), whole, align, &block, &next)) {
            assert(false);
            return refuse(a, TARN_NO_MEMORY, size, spec);
        }
    }
    arena_move_to(a, size == 0 && !arena_is(a, ARENA_DOWN) ? block : next);
    if (arena_is(a, ARENA_CHECK))
        tarn_arena_guard_block(a, arena_pointer(block), size, spec & TARN_ALIGN_BITS);
    if ((spec & TARN_ZERO) != 0)
        memset(arena_pointer(block), 0, size);
    return arena_pointer(block);
}

/* Bytes that a block takes (I4). */
static size_t extent(const tarn_arena *a, size_t size)
{
    return size == 0 && arena_is(a, ARENA_DOWN) ? TARN_ARENA_GRAIN : arena_whole(size);
}

/* Is the block with these bounds the last one? */
static bool is_last(const tarn_arena *a, uintptr_t block, size_t whole)
{
    if (arena_is(a, ARENA_DOWN))
        return block - arena_head(a) == arena_position(a);
    return block + whole == arena_position(a);
}

void tarn_arena_free_as(tarn_arena *a, void *block, size_t size, uint32_t log)
{
    uintptr_t p = (uintptr_t)block;
    tarn_arena_guard *g = NULL;
    if (block == NULL || is_barred(a, block))
        return;
    if (arena_is(a, ARENA_CHECK)) {
        g = tarn_arena_guarded(a, block, size, log);
        if (g == NULL)
            return;
    }
    if (is_last(a, p, extent(a, size)))
        arena_move_to(a, arena_is(a, ARENA_DOWN) ? p + extent(a, size) : p - arena_head(a));
    if (g != NULL)
        tarn_arena_unguard(a, g);
}

void tarn_arena_free_slow(tarn_arena *a, void *block, size_t size)
{
    tarn_arena_free_as(a, block, size, ARENA_ANY_ALIGN);
}

/* ── Resize ────────────────────────────────────────────────────────────────────────────────── */

/* What a resize is about; sizes are whole grains where they are called so. */
struct change {
    size_t old_whole, new_whole, align, size, keep;
    bool may_move;
    tarn_arena_guard *guard;
};

/* The last block of an arena that goes down: as much lower as it grows. */
static void *slide(tarn_arena *a, char *block, const struct change *ch)
{
    uintptr_t from = (uintptr_t)block + ch->old_whole, to = 0, next = 0;
    void *moved;
    uint32_t log = ch->guard != NULL ? ch->guard->log : 0;
    if (!ch->may_move)
        return NULL;
    /* Measured from the end of the block, which stays where it is or moves down. */
    if (!place(a, from, ch->new_whole, ch->align, &to, &next))
        return NULL;
    if (ch->guard != NULL)
        tarn_arena_unguard(a, ch->guard);
    moved = memmove(arena_pointer(to), block, ch->keep);
    arena_move_to(a, next);
    if (ch->guard != NULL)
        tarn_arena_guard_block(a, moved, ch->size, log);
    return moved;
}

static void *grow_last(tarn_arena *a, char *block, const struct change *ch)
{
    uintptr_t at = arena_position(a);
    size_t more = ch->new_whole - ch->old_whole;
    if (arena_is(a, ARENA_DOWN)) {
        void *moved = slide(a, block, ch);
        if (moved == NULL && ch->may_move && arena_is(a, ARENA_RANGE) &&
            tarn_arena_grow(a, more, ch->align) == TARN_OK)
            moved = slide(a, block, ch);
        return moved;
    }
    if (more > a->current->high - at &&
        (!arena_is(a, ARENA_RANGE) || tarn_arena_grow(a, more, TARN_ARENA_GRAIN) != TARN_OK))
        return NULL;
    arena_move_to(a, at + more);
    if (ch->guard != NULL)
        ch->guard->size = ch->size;
    return block;
}

/* NULL: it would have to move in a way that only a copy can do. */
static void *resize_here(tarn_arena *a, void *block, const struct change *ch)
{
    uintptr_t p = (uintptr_t)block;
    bool last = is_last(a, p, ch->old_whole);
    if (ch->new_whole > ch->old_whole)
        return last ? grow_last(a, block, ch) : NULL;
    if (last && !arena_is(a, ARENA_DOWN))
        arena_move_to(a, p + ch->new_whole);
    if (ch->guard != NULL)
        ch->guard->size = ch->size;
    return block;
}

void *tarn_arena_resize(tarn_arena *a, void *block, size_t old_size, size_t new_size, size_t keep,
                        tarn_spec spec)
{
    struct change ch = {.size = new_size, .keep = keep};
    tarn_status status = judge(new_size, spec, &ch.new_whole, &ch.align);
    char *at;
    if (is_barred(a, block))
        return refuse(a, TARN_BAD_ARGUMENT, new_size, spec);
    if (status != TARN_OK)
        return refuse(a, status, new_size, spec);
    ch.old_whole = extent(a, old_size);
    ch.may_move = (spec & (TARN_IN_PLACE | TARN_NO_COPY)) == 0;
    if (arena_is(a, ARENA_CHECK)) {
        ch.guard = tarn_arena_guarded(a, block, old_size, spec & TARN_ALIGN_BITS);
        if (ch.guard == NULL)
            return refuse(a, TARN_BAD_ARGUMENT, new_size, spec);
    }
    at = resize_here(a, block, &ch);
    if (at == NULL && !ch.may_move)
        return refuse(a, TARN_UNSUPPORTED, new_size, spec);
    if (at == NULL)
        return tarn_resize_by_copy(&a->allocator, block, old_size, new_size, keep, spec);
    if ((spec & TARN_ZERO) != 0 && new_size > old_size)
        memset(at + old_size, 0, new_size - old_size);
    return at;
}

/* ── Marks, reset ──────────────────────────────────────────────────────────────────────────── */

tarn_mark tarn_arena_mark(const tarn_arena *a)
{
    /* Without a chunk the arena stands for itself: {NULL, NULL} is no one's mark. */
    if (a->current == NULL)
        return (tarn_mark){{NULL, arena_pointer((uintptr_t)a)}};
    return (tarn_mark){{arena_pointer(arena_position(a)), a->current}};
}

/* The place that a mark stands for; false when it is none of this arena's. */
static bool find_mark(const tarn_arena *a, tarn_mark mark, arena_place *out)
{
    uintptr_t stop;
    const tarn_arena_chunk *c = a->current;
    if (mark.at[0] == NULL && mark.at[1] == a) {
        *out = (arena_place){a->first, a->first != NULL ? arena_start(a, a->first) : 0};
        return true;
    }
    while (c != NULL && c != mark.at[1])
        c = c->older;
    if (c == NULL)
        return false;
    *out = (arena_place){c, (uintptr_t)mark.at[0]};
    stop = arena_stop(a, c);
    if (out->at % TARN_ARENA_GRAIN != 0)
        return false;
    if (arena_is(a, ARENA_DOWN) ? out->at < stop || out->at > c->high
                                : out->at > stop || out->at < c->low)
        return false;
    return !arena_is(a, ARENA_CHECK) || !tarn_arena_is_cut(a, *out);
}

tarn_status tarn_arena_rewind(tarn_arena *a, tarn_mark mark)
{
    arena_place to;
    tarn_arena_chunk *c;
    if (is_barred(a, NULL))
        return TARN_BAD_ARGUMENT;
    if (!find_mark(a, mark, &to)) {
        if (arena_is(a, ARENA_CHECK))
            tarn_arena_fault(a, TARN_FAULT_BAD_REWIND, mark.at[0], 0, 0);
        return TARN_BAD_ARGUMENT;
    }
    if (to.chunk == NULL)
        return TARN_OK; /* nothing was ever allocated */
    if (tarn_arena_children_behind(a, to))
        return TARN_BUSY;
    tarn_arena_run(a, &to);
    tarn_arena_forget(a, &to);
    for (c = a->current; c != to.chunk; c = c->older)
        ;
    tarn_arena_enter(a, c, to.at);
    return TARN_OK;
}

static const tarn_arena_chunk *largest(const tarn_arena *a)
{
    const tarn_arena_chunk *best = NULL;
    for (const tarn_arena_chunk *c = a->first; c != NULL; c = c->newer) {
        if (c != &a->own && (best == NULL || c->region_size > best->region_size))
            best = c;
    }
    return best;
}

/* All blocks gone, chunks as they are. */
static void empty(tarn_arena *a)
{
    tarn_arena_run(a, NULL);
    tarn_arena_forget(a, NULL);
}

void tarn_arena_reset(tarn_arena *a, tarn_keep keep)
{
    if (is_barred(a, NULL))
        return;
    empty(a);
    if (keep != TARN_KEEP_ALL && !arena_is(a, ARENA_RANGE))
        tarn_arena_release(a, keep == TARN_KEEP_LARGEST ? largest(a) : NULL);
    if (keep == TARN_KEEP_NONE)
        a->next_size = a->chunk_size;
    tarn_arena_enter(a, a->first, a->first != NULL ? arena_start(a, a->first) : 0);
    if (keep == TARN_KEEP_NONE && arena_is(a, ARENA_RANGE))
        (void)tarn_arena_trim(a);
}

/* ── Life cycle ────────────────────────────────────────────────────────────────────────────── */

static tarn_status judge_options(const tarn_arena_options *o)
{
    if (o->source != NULL && o->parent != NULL)
        return TARN_BAD_ARGUMENT;
    if (o->buffer == NULL && o->buffer_size != 0)
        return TARN_BAD_ARGUMENT;
    if (o->reserve == 0)
        return TARN_OK;
    if (o->buffer != NULL || o->source == NULL)
        return TARN_BAD_ARGUMENT;
    return tarn_source_can(o->source, TARN_SOURCE_COMMIT) ? TARN_OK : TARN_UNSUPPORTED;
}

static tarn_status use_buffer(tarn_arena *a, void *buffer, size_t size)
{
    size_t gap = tarn_align_gap(buffer, ARENA_CHUNK_ALIGN);
    if (size < gap || size - gap < ARENA_CHUNK_ALIGN)
        return TARN_BAD_ARGUMENT;
    a->own.low = (uintptr_t)buffer + gap;
    a->own.high = a->own.low + tarn_align_down(size - gap, ARENA_CHUNK_ALIGN);
    return TARN_OK;
}

static void choose_source(tarn_arena *a, const tarn_arena_options *o)
{
    if (o->source != NULL || o->parent != NULL || o->buffer == NULL)
        a->source = tarn_source_pick(o->source, o->parent, &a->own_source);
}

tarn_status tarn_arena_init(tarn_arena *a, const tarn_arena_options *options)
{
    static const tarn_arena_options defaults;
    const tarn_arena_options *o = options != NULL ? options : &defaults;
    tarn_status status = judge_options(o);
    memset(a, 0, sizeof *a);
    a->allocator.ops = &tarn_arena_ops;
    a->name = o->name != NULL ? o->name : "arena";
    a->flags = (o->down ? (uint32_t)ARENA_DOWN : 0) |
               (o->check || TARN_CHECKED ? (uint32_t)ARENA_CHECK : 0) |
               (o->reserve != 0 ? (uint32_t)ARENA_RANGE : 0);
    a->chunk_size = o->chunk_size != 0 ? o->chunk_size : CHUNK_SIZE;
    if (a->chunk_size < CHUNK_LEAST)
        a->chunk_size = CHUNK_LEAST;
    a->chunk_max = o->chunk_max != 0 ? o->chunk_max : CHUNK_MAX;
    if (a->chunk_max < a->chunk_size)
        a->chunk_max = a->chunk_size;
    a->next_size = a->chunk_size;
    a->reserve = o->reserve;
    a->limit = o->limit;
    choose_source(a, o);
    if (o->buffer == NULL && a->source == NULL)
        status = TARN_BAD_ARGUMENT;
    if (status == TARN_OK && o->buffer != NULL)
        status = use_buffer(a, o->buffer, o->buffer_size);
    if (status == TARN_OK && o->reserve != 0)
        status = tarn_arena_reserve(a);
    if (status != TARN_OK) {
        a->flags |= ARENA_DEAD;
        return status;
    }
    if (o->buffer != NULL || o->reserve != 0) {
        a->first = &a->own;
        a->chunks = 1;
    }
    tarn_arena_enter(a, a->first, a->first != NULL ? arena_start(a, a->first) : 0);
    return TARN_OK;
}

void tarn_arena_deinit(tarn_arena *a)
{
    if (arena_is(a, ARENA_DEAD))
        return;
    a->owner = TARN_OWNER_NONE; /* any thread may; cleanups that free blocks are its own calls */
    empty(a);
    tarn_arena_release(a, NULL);
    if (arena_is(a, ARENA_RANGE))
        tarn_arena_unreserve(a);
    tarn_arena_leave(a);
    a->flags |= ARENA_DEAD;
    a->first = NULL;
    tarn_arena_enter(a, NULL, 0);
}

/* The struct stands at the front of the arena's first chunk, the rest of which is its buffer. */
tarn_arena *tarn_arena_create(const tarn_arena_options *options, tarn_status *status)
{
    tarn_arena_options o = {0};
    tarn_arena start = {0}, *a = NULL;
    tarn_region home = {NULL, 0, 0};
    size_t size = CHUNK_SIZE, room = tarn_align_down(sizeof *a + 15, ARENA_CHUNK_ALIGN);
    tarn_status why;
    if (options != NULL)
        o = *options;
    if (o.chunk_size != 0)
        size = o.chunk_size;
    if (size < room + CHUNK_LEAST || o.reserve != 0)
        size = room + CHUNK_LEAST;
    choose_source(&start, &o);
    why = o.buffer != NULL || start.source == NULL ? TARN_BAD_ARGUMENT : judge_options(&o);
    if (why == TARN_OK && !tarn_round_up(size, start.source->granule, &size))
        why = TARN_TOO_BIG;
    if (why == TARN_OK)
        why = o.limit != 0 && o.limit < size
                  ? TARN_LIMIT
                  : tarn_source_map(start.source, size, ARENA_CHUNK_ALIGN, 0, &home);
    if (why == TARN_OK) {
        a = home.ptr;
        if (o.reserve == 0) {
            o.buffer = (char *)home.ptr + room;
            o.buffer_size = home.size - room;
            if (o.source == NULL && o.parent == NULL)
                o.parent = tarn_libc();
        }
        why = tarn_arena_init(a, &o);
        if (why != TARN_OK)
            tarn_source_unmap(start.source, home.ptr, home.size, ARENA_CHUNK_ALIGN);
    }
    if (status != NULL)
        *status = why;
    if (why != TARN_OK)
        return NULL;
    a->home = home;
    a->held += home.size;
    return a;
}

void tarn_arena_destroy(tarn_arena *a)
{
    tarn_arena *outer;
    tarn_region home;
    tarn_parent_source own_source;
    tarn_source *source;
    if (a == NULL)
        return;
    outer = a->outer;
    home = a->home;
    own_source = a->own_source;
    source = a->source == &a->own_source.source ? &own_source.source : a->source;
    tarn_arena_deinit(a);
    if (outer != NULL)
        tarn_arena_free_child(outer, a);
    else
        tarn_source_unmap(source, home.ptr, home.size, ARENA_CHUNK_ALIGN);
}
