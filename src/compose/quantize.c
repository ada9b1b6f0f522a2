/* SPDX-License-Identifier: MIT */
/*
 * quantize.c - rounds sizes and alignments up, both ways.
 *
 *     asked 50 ──► rounded 64 ──► parent            free 50…64 ──► rounded 64 ──► parent
 *
 * I1  round is monotone and round(round(x)) = round(x). So every size from the one asked for to the
 *     one granted, which is round(asked), is rounded to the size that the parent knows.
 */
#include <tarn/quantize.h>

#include "base/checked.h"
#include "base/mem.h"

static tarn_spec spec_of(const tarn_quantize *q, tarn_spec spec)
{
    return (spec & TARN_ALIGN_BITS) >= q->min_spec ? spec : (spec & ~TARN_ALIGN_BITS) | q->min_spec;
}

/* Up to the next multiple of the step; false on overflow. */
static bool to_step(const tarn_quantize *q, size_t *size)
{
    return q->step <= 1 || *size % q->step == 0 || tarn_add(*size, q->step - *size % q->step, size);
}

/* The least size that a block has, of those that are not below size: what comes out goes in again as itself, since
 * any size between the one asked for and the one granted may be passed to free. So it is the power of two below,
 * on the step, when that suffices. False on overflow. */
static bool round_size(const tarn_quantize *q, size_t size, size_t *out)
{
    if (size < q->min_size)
        size = q->min_size;
    if (q->power_of_two && size > 1) {
        unsigned bits = (unsigned)(sizeof(unsigned long long) * 8) -
                        (unsigned)__builtin_clzll((unsigned long long)size - 1);
        size_t below = (size_t)1 << (bits - 1);
        if (to_step(q, &below) && below >= size)
            bits = 0;
        if (bits >= sizeof(size_t) * 8)
            return false;
        size = bits != 0 ? (size_t)1 << bits : below;
    }
    if (!to_step(q, &size))
        return false;
    *out = size;
    return true;
}

/* Size and spec as the parent is asked for them; false with the reason. */
static bool prepare(tarn_quantize *q, size_t *size, tarn_spec *spec)
{
    if (!round_size(q, *size, size)) {
        tarn_layer_refuse(&q->layer, TARN_TOO_BIG, *size, *spec, 0);
        return false;
    }
    tarn_layer_pass(&q->layer);
    *spec = spec_of(q, *spec);
    return true;
}

static tarn_block quantize_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_quantize *q = (tarn_quantize *)a;
    size_t whole = size;
    tarn_spec wider = spec;
    tarn_block b = {NULL, 0};
    if (!prepare(q, &whole, &wider))
        return b;
    b.ptr = tarn_alloc(q->layer.parent, whole, wider);
    if (TARN_LIKELY(b.ptr != NULL))
        b.size = whole;
    else
        tarn_layer_blame(&q->layer, size, spec);
    return b;
}

static void *quantize_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return quantize_at_least(a, size, spec).ptr;
}

size_t tarn_quantize_size(const tarn_quantize *q, size_t size)
{
    return round_size(q, size, &size) ? size : 0;
}

static void quantize_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_quantize *q = (tarn_quantize *)a;
    tarn_free(q->layer.parent, block, tarn_quantize_size(q, size), spec_of(q, spec));
}

/* Within the granted size nothing moves; beyond it the parent decides, or the default does. */
static void *quantize_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                             size_t keep, tarn_spec spec)
{
    tarn_quantize *q = (tarn_quantize *)a;
    tarn_allocator *parent = q->layer.parent;
    size_t before = tarn_quantize_size(q, old_size), after = new_size;
    tarn_spec wider = spec;
    char *p = block;
    if (!prepare(q, &after, &wider))
        return NULL;
    if (after != before) {
        p = parent->ops->resize != NULL
                ? parent->ops->resize(parent, block, before, after, keep, wider)
                : tarn_resize_by_copy(parent, block, before, after, keep, wider);
        if (p == NULL)
            return tarn_layer_blame(&q->layer, new_size, spec);
    }
    /* Beyond what was granted before, zeroes are the parent's business. */
    size_t end = new_size < before ? new_size : before;
    if ((spec & TARN_ZERO) != 0 && end > old_size)
        memset(p + old_size, 0, end - old_size);
    return p;
}

static size_t quantize_alloc_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                                   void **out)
{
    tarn_quantize *q = (tarn_quantize *)a;
    size_t whole = size;
    tarn_spec wider = spec;
    if (!prepare(q, &whole, &wider))
        return 0;
    size_t n = tarn_alloc_batch(q->layer.parent, whole, wider, count, out);
    if (n < count)
        tarn_layer_blame(&q->layer, size, spec);
    return n;
}

static void quantize_free_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                                void *const *blocks)
{
    tarn_quantize *q = (tarn_quantize *)a;
    tarn_free_batch(q->layer.parent, tarn_quantize_size(q, size), spec_of(q, spec), count, blocks);
}

static size_t quantize_usable(const tarn_allocator *a, const void *block, size_t size,
                              tarn_spec spec)
{
    (void)block, (void)spec;
    return tarn_quantize_size((const tarn_quantize *)a, size);
}

tarn_status tarn_quantize_init(tarn_quantize *q, const tarn_quantize_options *o)
{
    const size_t align = o->min_align != 0 ? o->min_align : 1;
    *q = (tarn_quantize){.min_size = o->min_size,
                         .step = o->step,
                         .power_of_two = o->power_of_two,
                         .min_spec = tarn_spec_for(align) & TARN_ALIGN_BITS};
    if ((align & (align - 1)) != 0)
        return TARN_BAD_ALIGN;
    return tarn_layer_init(
        &q->layer, o->parent,
        &(tarn_layer_plan){.type = "quantize",
                           .name = o->name,
                           .keep =
                               TARN_CAPS_ALL & ~(uint32_t)(TARN_CAP_UNSIZED_FREE | TARN_CAP_STATS),
                           .give = TARN_LAYER_RESIZE | TARN_LAYER_AT_LEAST | TARN_LAYER_USABLE,
                           .ops = {.alloc = quantize_alloc,
                                   .free = quantize_free,
                                   .resize = quantize_resize,
                                   .alloc_at_least = quantize_at_least,
                                   .alloc_batch = quantize_alloc_batch,
                                   .free_batch = quantize_free_batch},
                           .rare = {.usable = quantize_usable}});
}

void tarn_quantize_deinit(tarn_quantize *q)
{
    q->layer.allocator.ops = NULL;
}
