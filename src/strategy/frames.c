/* SPDX-License-Identifier: MIT */
/*
 * frames.c - arenas taken in turn.
 *
 *     turn      0   1   2   3   4   5      count 3
 *     arena     0   1   2   0   1   2      now = turn mod count
 *
 * I1  current == &arena[now]; arenas up to count are set up, the others are not touched.
 * I2  An arena's blocks are those of the latest turn in which it was current.
 */
#include <tarn/frames.h>

#include "base/align.h"
#include "base/checked.h"
#include "base/mem.h"

enum { FRAMES = 2, BUFFER_ALIGN = 16 };

static const tarn_ops FRAMES_OPS;

tarn_status tarn_frames_init(tarn_frames *f, const tarn_frames_options *options)
{
    static const tarn_frames_options defaults;
    const tarn_frames_options *o = options != NULL ? options : &defaults;
    unsigned count = o->count != 0 ? o->count : FRAMES;
    tarn_status status = count <= TARN_FRAMES_MAX ? TARN_OK : TARN_BAD_ARGUMENT;
    size_t share = tarn_align_down(o->buffer_size / count, BUFFER_ALIGN);
    *f = (tarn_frames){.allocator = {&FRAMES_OPS}, .keep = o->keep};
    f->current = &f->arena[0];
    while (status == TARN_OK && f->count < count) {
        tarn_arena_options each = {.name = o->name != NULL ? o->name : "frames",
                                   .source = o->source,
                                   .parent = o->parent,
                                   .chunk_size = o->chunk_size,
                                   .limit = o->limit,
                                   .check = o->check};
        if (o->buffer != NULL) {
            each.buffer = (char *)o->buffer + f->count * share;
            each.buffer_size = share;
        } else {
            each.buffer_size = o->buffer_size; /* without a buffer: refused there */
        }
        status = tarn_arena_init(&f->arena[f->count], &each);
        if (status == TARN_OK)
            f->count++;
    }
    if (status != TARN_OK) {
        if (f->count == 0) /* so that a use is a fault, and not a jump to nowhere */
            (void)tarn_arena_init(&f->arena[0], NULL);
        f->count += f->count == 0;
        tarn_frames_deinit(f);
    }
    return status;
}

void tarn_frames_deinit(tarn_frames *f)
{
    for (unsigned i = 0; i < f->count; i++)
        tarn_arena_deinit(&f->arena[i]);
}

tarn_arena *tarn_frames_next(tarn_frames *f)
{
    f->now = f->now + 1 < f->count ? f->now + 1 : 0;
    f->turns++;
    f->current = &f->arena[f->now];
    tarn_arena_reset(f->current, f->keep);
    return f->current;
}

tarn_arena *tarn_frames_ago(tarn_frames *f, unsigned turns)
{
    if (turns >= f->count || turns > f->turns)
        return NULL;
    return &f->arena[turns <= f->now ? f->now - turns : f->now + f->count - turns];
}

/* ── The view ──────────────────────────────────────────────────────────────────────────────── */

static tarn_frames *of(tarn_allocator *a)
{
    return (tarn_frames *)a;
}

static const tarn_frames *of_const(const tarn_allocator *a)
{
    return (const tarn_frames *)a;
}

/* The arena of a block; the current one, which then judges it, when it is nobody's. */
static tarn_allocator *owner(tarn_frames *f, const void *block)
{
    for (unsigned i = 0; i < f->count; i++)
        if (tarn_arena_owns(&f->arena[i], block))
            return &f->arena[i].allocator;
    return &f->current->allocator;
}

static void *frames_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return tarn_frames_alloc(of(a), size, spec);
}

static void frames_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_free(owner(of(a), block), block, size, spec);
}

/* F2 */
static void *frames_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                           size_t keep, tarn_spec spec)
{
    tarn_frames *f = of(a);
    tarn_allocator *from = owner(f, block), *to = &f->current->allocator;
    void *moved;
    if (from == to || new_size <= old_size)
        return tarn_resize(from, block, old_size, new_size, keep, spec);
    moved = tarn_resize(from, block, old_size, new_size, keep, spec | TARN_IN_PLACE);
    if (moved != NULL || (spec & (TARN_IN_PLACE | TARN_NO_COPY)) != 0)
        return moved;
    return tarn_resize_by_copy(a, block, old_size, new_size, keep, spec);
}

static tarn_block frames_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return tarn_alloc_at_least(&of(a)->current->allocator, size, spec);
}

static const char *frames_name(const tarn_allocator *a)
{
    return tarn_name(&of_const(a)->current->allocator);
}

static tarn_answer frames_owns(const tarn_allocator *a, const void *block)
{
    const tarn_frames *f = of_const(a);
    for (unsigned i = 0; i < f->count; i++)
        if (tarn_arena_owns(&f->arena[i], block))
            return TARN_YES;
    return TARN_NO;
}

static size_t frames_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    return tarn_usable(&of_const(a)->current->allocator, block, size, spec);
}

static tarn_status frames_reset(tarn_allocator *a)
{
    tarn_frames *f = of(a);
    for (unsigned i = 0; i < f->count; i++)
        tarn_arena_reset(&f->arena[i], TARN_KEEP_ALL);
    return TARN_OK;
}

static tarn_mark frames_mark(tarn_allocator *a)
{
    return tarn_arena_mark(of(a)->current);
}

static tarn_status frames_rewind(tarn_allocator *a, tarn_mark mark)
{
    return tarn_arena_rewind(of(a)->current, mark);
}

static size_t frames_trim(tarn_allocator *a)
{
    tarn_frames *f = of(a);
    size_t bytes = 0;
    for (unsigned i = 0; i < f->count; i++)
        bytes += tarn_arena_trim(&f->arena[i]);
    return bytes;
}

static tarn_status frames_stats(const tarn_allocator *a, tarn_stats *out)
{
    const tarn_frames *f = of_const(a);
    tarn_stats one;
    *out = (tarn_stats){.known = UINT32_MAX};
    for (unsigned i = 0; i < f->count; i++) {
        (void)tarn_get_stats(&f->arena[i].allocator, &one);
        out->known &= one.known;
        out->live_blocks += one.live_blocks;
        out->live_bytes += one.live_bytes;
        out->failures += one.failures;
        out->held_bytes += one.held_bytes;
        out->idle_bytes += one.idle_bytes;
        out->chunks += one.chunks;
    }
    return TARN_OK;
}

static tarn_status frames_check(const tarn_allocator *a)
{
    const tarn_frames *f = of_const(a);
    if (f->now >= f->count || f->current != &f->arena[f->now])
        return TARN_CORRUPT;
    for (unsigned i = 0; i < f->count; i++)
        if (tarn_check(&f->arena[i].allocator) != TARN_OK)
            return TARN_CORRUPT;
    return TARN_OK;
}

static tarn_why frames_why(const tarn_allocator *a)
{
    return tarn_get_why(&of_const(a)->current->allocator);
}

static tarn_allocator *frames_parent(const tarn_allocator *a, unsigned index)
{
    return tarn_parent(&of_const(a)->arena[0].allocator, index);
}

static void frames_deinit(tarn_allocator *a)
{
    tarn_frames_deinit(of(a));
}

static void frames_share(tarn_allocator *a)
{
    tarn_frames *f = of(a);
    for (unsigned i = 0; i < f->count; i++)
        tarn_share(&f->arena[i].allocator);
}

static const tarn_rare_ops FRAMES_RARE = {
    .bytes = sizeof(tarn_rare_ops),
    .name = frames_name,
    .owns = frames_owns,
    .usable = frames_usable,
    .reset = frames_reset,
    .mark = frames_mark,
    .rewind = frames_rewind,
    .trim = frames_trim,
    .stats = frames_stats,
    .check = frames_check,
    .why = frames_why,
    .parent = frames_parent,
    .deinit = frames_deinit,
    .share = frames_share,
};

static const tarn_ops FRAMES_OPS = {
    .abi = TARN_ABI,
    .caps = TARN_CAP_RESIZE | TARN_CAP_OWNS | TARN_CAP_RESET | TARN_CAP_MARK | TARN_CAP_TRIM |
            TARN_CAP_CHECK | TARN_CAP_STATS,
    .alloc = frames_alloc,
    .free = frames_free,
    .resize = frames_resize,
    .alloc_at_least = frames_alloc_at_least,
    .rare = &FRAMES_RARE,
};
