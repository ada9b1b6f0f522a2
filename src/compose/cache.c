/* SPDX-License-Identifier: MIT */
/*
 * cache.c - magazines in front of a parent.
 *
 *     size ──► step ──► magazine: blocks[0 … count)          the last one put is the first one taken
 *
 * I1  A block in magazine m was had from the parent with the size (m + 1) * step and the spec of the
 *     cache, and goes back with these.
 * I2  A size is kept when it is at most `largest`, a whole number of steps, and its alignment at most
 *     the cache's. All sizes from the one asked for to the one granted, which is rounded, are on one
 *     side of that, so free takes the way that alloc took.
 * I3  idle = the sum of the counts.
 *
 * Source  magazines: Bonwick and Adams, Magazines and Vmem, USENIX 2001; here a single one of each
 *         size, of which half moves at a time, since a flush and a refill next to each other would
 *         else move a whole one to and fro.
 */
#include <tarn/cache.h>

#include <tarn/source.h>

#include "base/checked.h"
#include "base/mem.h"

enum { LARGEST = 512, STEP = 16, DEPTH = 64 };

static bool is_kept(const tarn_cache *c, size_t size, tarn_spec spec)
{
    return size <= c->largest && (spec & TARN_ALIGN_BITS) <= c->spec;
}

/* Sizes from 0 to one step share the first. */
static size_t index_of(const tarn_cache *c, size_t size)
{
    return (size - (size != 0)) >> c->shift;
}

static size_t size_of(const tarn_cache *c, size_t index)
{
    return (index + 1) << c->shift;
}

/* ── Magazines and the parent ──────────────────────────────────────────────────────────────── */

/* Up to so many blocks more, the first of the batch on top. */
static size_t refill(tarn_cache *c, size_t index, size_t count)
{
    tarn_magazine *m = &c->magazines[index];
    void **room = m->blocks + m->count;
    size_t n = tarn_alloc_batch(c->layer.parent, size_of(c, index), c->spec, count, room);
    for (size_t i = 0; i < n / 2; i++) {
        void *other = room[n - 1 - i];
        room[n - 1 - i] = room[i];
        room[i] = other;
    }
    m->count += n;
    c->idle += n;
    return n;
}

/* The oldest so many blocks back. */
static void give_back(tarn_cache *c, size_t index, size_t count)
{
    tarn_magazine *m = &c->magazines[index];
    tarn_free_batch(c->layer.parent, size_of(c, index), c->spec, count, m->blocks);
    m->count -= count;
    c->idle -= count;
    memmove(m->blocks, m->blocks + count, m->count * sizeof *m->blocks);
}

size_t tarn_cache_flush(tarn_cache *c)
{
    size_t idle = c->idle;
    for (size_t i = 0; c->idle > 0; i++) {
        if (c->magazines[i].count > 0)
            give_back(c, i, c->magazines[i].count);
    }
    return idle;
}

tarn_status tarn_cache_fill(tarn_cache *c, size_t size, size_t count)
{
    if (size > c->largest)
        return TARN_TOO_BIG;
    if (count > c->depth)
        return TARN_LIMIT;
    const tarn_magazine *m = &c->magazines[index_of(c, size)];
    size_t lacks = count > m->count ? count - m->count : 0;
    if (lacks == 0 || refill(c, index_of(c, size), lacks) == lacks)
        return TARN_OK;
    tarn_status status = tarn_get_why(c->layer.parent).status;
    return status != TARN_OK ? status : TARN_NO_MEMORY;
}

/* ── Blocks ────────────────────────────────────────────────────────────────────────────────── */

/* The magazine is empty: half a one from the parent, or one block where that is all there is. */
static TARN_SLOW bool stock(tarn_cache *c, size_t index, size_t size, tarn_spec spec)
{
    if (refill(c, index, c->depth / 2) > 0)
        return true;
    if (c->idle > 0) { /* blocks of other sizes may be what lacks */
        (void)tarn_cache_flush(c);
        if (refill(c, index, 1) > 0)
            return true;
    }
    (void)tarn_layer_blame(&c->layer, size, spec);
    return false;
}

static void *cache_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_cache *c = (tarn_cache *)a;
    tarn_layer_pass(&c->layer);
    if (TARN_UNLIKELY(!is_kept(c, size, spec)))
        return tarn_alloc(c->layer.parent, size, spec);
    size_t index = index_of(c, size);
    tarn_magazine *m = &c->magazines[index];
    if (TARN_UNLIKELY(m->count == 0) && !stock(c, index, size, spec))
        return NULL;
    c->idle--;
    void *block = m->blocks[--m->count];
    if (TARN_UNLIKELY((spec & TARN_ZERO) != 0))
        memset(block, 0, size_of(c, index));
    return block;
}

static void cache_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_cache *c = (tarn_cache *)a;
    if (TARN_UNLIKELY(!is_kept(c, size, spec))) {
        tarn_free(c->layer.parent, block, size, spec);
        return;
    }
    size_t index = index_of(c, size);
    tarn_magazine *m = &c->magazines[index];
    if (TARN_UNLIKELY(m->count == c->depth))
        give_back(c, index, c->depth / 2);
    c->idle++;
    m->blocks[m->count++] = block;
}

static tarn_block cache_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_cache *c = (tarn_cache *)a;
    if (!is_kept(c, size, spec)) {
        tarn_layer_pass(&c->layer);
        return tarn_alloc_at_least(c->layer.parent, size, spec);
    }
    void *block = cache_alloc(a, size, spec);
    return (tarn_block){block, block != NULL ? size_of(c, index_of(c, size)) : 0};
}

static size_t cache_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    const tarn_cache *c = (const tarn_cache *)a;
    return is_kept(c, size, spec) ? size_of(c, index_of(c, size))
                                  : tarn_usable(c->layer.parent, block, size, spec);
}

/* Within a step nothing happens; a block that was not kept and is not to be is the parent's own
 * business; all else moves. */
static void *cache_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                          size_t keep, tarn_spec spec)
{
    tarn_cache *c = (tarn_cache *)a;
    tarn_allocator *parent = c->layer.parent;
    bool was = is_kept(c, old_size, spec), is = is_kept(c, new_size, spec);
    tarn_layer_pass(&c->layer);
    if (was && is && index_of(c, old_size) == index_of(c, new_size)) {
        if ((spec & TARN_ZERO) != 0 && new_size > old_size)
            memset((char *)block + old_size, 0, new_size - old_size);
        return block;
    }
    if (!was && !is && parent->ops->resize != NULL)
        return parent->ops->resize(parent, block, old_size, new_size, keep, spec);
    if ((spec & (TARN_IN_PLACE | TARN_NO_COPY)) != 0)
        return tarn_layer_refuse(&c->layer, TARN_UNSUPPORTED, new_size, spec, 0);
    return tarn_resize_by_copy(a, block, old_size, new_size, keep, spec);
}

/* ── All of it ─────────────────────────────────────────────────────────────────────────────── */

static tarn_status cache_reset(tarn_allocator *a)
{
    tarn_cache *c = (tarn_cache *)a;
    (void)tarn_cache_flush(c);
    return tarn_reset(c->layer.parent);
}

/* What a parent that keeps idle memory gives back is what counts; else what went back to it. */
static size_t cache_trim(tarn_allocator *a)
{
    tarn_cache *c = (tarn_cache *)a;
    size_t bytes = 0;
    for (size_t i = 0; i < c->largest >> c->shift; i++)
        bytes += c->magazines[i].count * size_of(c, i);
    (void)tarn_cache_flush(c);
    return tarn_can(c->layer.parent, TARN_CAP_TRIM) ? tarn_trim(c->layer.parent) : bytes;
}

/* Blocks at hand are none of the user's; those that the visitor frees have been seen. */
static tarn_status cache_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    (void)tarn_cache_flush((tarn_cache *)a);
    return tarn_visit(tarn_layer_parent(a), see, user);
}

static tarn_status cache_check(const tarn_allocator *a)
{
    const tarn_cache *c = (const tarn_cache *)a;
    size_t idle = 0;
    for (size_t i = 0; i < c->largest >> c->shift; i++) {
        if (c->magazines[i].count > c->depth)
            return TARN_CORRUPT;
        idle += c->magazines[i].count;
    }
    if (idle != c->idle)
        return TARN_CORRUPT;
    return tarn_can(c->layer.parent, TARN_CAP_CHECK) ? tarn_check(c->layer.parent) : TARN_OK;
}

static void cache_deinit(tarn_allocator *a)
{
    tarn_cache_deinit((tarn_cache *)a);
}

static const tarn_layer_plan PLAN = {.type = "cache",
                                     .keep = TARN_CAP_FREE | TARN_CAP_OWNS | TARN_CAP_RESET |
                                             TARN_CAP_VISIT | TARN_CAP_ZEROED,
                                     .add = TARN_CAP_TRIM | TARN_CAP_CHECK,
                                     .give = TARN_LAYER_RESIZE,
                                     .drop = TARN_LAYER_BATCH,
                                     .ops = {.alloc = cache_alloc,
                                             .free = cache_free,
                                             .resize = cache_resize,
                                             .alloc_at_least = cache_at_least},
                                     .rare = {.usable = cache_usable,
                                              .reset = cache_reset,
                                              .trim = cache_trim,
                                              .visit = cache_visit,
                                              .check = cache_check,
                                              .deinit = cache_deinit}};

/* ── Life cycle ────────────────────────────────────────────────────────────────────────────── */

static size_t or_else(size_t value, size_t otherwise)
{
    return value != 0 ? value : otherwise;
}

/* The magazines, and behind them their pointers. */
static tarn_status lay_out(tarn_cache *c)
{
    size_t count = c->largest >> c->shift, pointers, bytes;
    if (!tarn_mul(c->depth, sizeof(void *), &pointers) ||
        !tarn_add(pointers, sizeof(tarn_magazine), &pointers) || !tarn_mul(count, pointers, &bytes))
        return TARN_TOO_BIG;
    c->magazines = tarn_alloc(c->metadata, bytes, TARN_SPEC_OF(tarn_magazine));
    if (c->magazines == NULL)
        return TARN_NO_MEMORY;
    c->metadata_size = bytes;
    void **blocks = (void **)(c->magazines + count);
    for (size_t i = 0; i < count; i++)
        c->magazines[i] = (tarn_magazine){0, blocks + i * c->depth};
    return TARN_OK;
}

tarn_status tarn_cache_init(tarn_cache *c, const tarn_cache_options *o)
{
    const size_t step = or_else(o->step, STEP), most = _Alignof(max_align_t),
                 align = or_else(o->align, step < most ? step : most);
    tarn_layer_plan plan = PLAN;
    *c = (tarn_cache){.step = step,
                      .depth = or_else(o->depth, DEPTH),
                      .spec = tarn_spec_for(align),
                      .metadata = o->metadata != NULL ? o->metadata : tarn_libc()};
    if (o->parent == NULL || c->metadata == NULL || c->depth < 2)
        return TARN_BAD_ARGUMENT;
    if ((step & (step - 1)) != 0 || (align & (align - 1)) != 0)
        return TARN_BAD_ALIGN;
    c->shift = TARN_SPEC(step);
    c->largest = or_else(o->largest, LARGEST) & ~(step - 1);
    if (c->largest == 0)
        return TARN_BAD_ARGUMENT;
    plan.name = o->name;
    /* What it grants beyond the step is known when the parent tells it. */
    if (o->parent->ops->alloc_at_least == NULL || TARN_RARE(o->parent, usable) != NULL)
        plan.give |= TARN_LAYER_USABLE | TARN_LAYER_AT_LEAST;
    tarn_status status = tarn_layer_init(&c->layer, o->parent, &plan);
    return status == TARN_OK ? lay_out(c) : status;
}

void tarn_cache_deinit(tarn_cache *c)
{
    (void)tarn_cache_flush(c);
    tarn_free(c->metadata, c->magazines, c->metadata_size, TARN_SPEC_OF(tarn_magazine));
    c->layer.allocator.ops = NULL;
}
