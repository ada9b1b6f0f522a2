/* SPDX-License-Identifier: MIT */
/*
 * layer.c - the operations that a layer hands through, and the tables that say which it has.
 *
 * I1  An entry is there exactly when the layer's capability, or its bit of give and drop, says so;
 *     then it is the plan's own, or the one below that hands it through.
 */
#include <tarn/layer.h>

#include "base/mem.h"
#include "base/text.h"

static void *through_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_allocator *parent = tarn_layer_parent(a);
    return parent->ops->alloc(parent, size, spec);
}

static void through_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_allocator *parent = tarn_layer_parent(a);
    parent->ops->free(parent, block, size, spec);
}

static void *through_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                            size_t keep, tarn_spec spec)
{
    tarn_allocator *parent = tarn_layer_parent(a);
    return parent->ops->resize(parent, block, old_size, new_size, keep, spec);
}

static tarn_block through_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return tarn_alloc_at_least(tarn_layer_parent(a), size, spec);
}

static size_t through_alloc_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                                  void **out)
{
    return tarn_alloc_batch(tarn_layer_parent(a), size, spec, count, out);
}

static void through_free_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                               void *const *blocks)
{
    tarn_free_batch(tarn_layer_parent(a), size, spec, count, blocks);
}

static const char *layer_name(const tarn_allocator *a)
{
    return ((const tarn_layer *)a)->label;
}

static tarn_answer through_owns(const tarn_allocator *a, const void *block)
{
    return tarn_owns(tarn_layer_parent(a), block);
}

static size_t through_usable(const tarn_allocator *a, const void *block, size_t size,
                             tarn_spec spec)
{
    return tarn_usable(tarn_layer_parent(a), block, size, spec);
}

static tarn_status through_reset(tarn_allocator *a)
{
    return tarn_reset(tarn_layer_parent(a));
}

static tarn_mark through_mark(tarn_allocator *a)
{
    return tarn_get_mark(tarn_layer_parent(a));
}

static tarn_status through_rewind(tarn_allocator *a, tarn_mark mark)
{
    return tarn_rewind(tarn_layer_parent(a), mark);
}

static size_t through_trim(tarn_allocator *a)
{
    return tarn_trim(tarn_layer_parent(a));
}

static tarn_status through_stats(const tarn_allocator *a, tarn_stats *out)
{
    tarn_status status = tarn_get_stats(tarn_layer_parent(a), out);
    if ((out->known & TARN_STATS_FAILED) != 0)
        out->failures += __atomic_load_n(&((const tarn_layer *)a)->refused, __ATOMIC_RELAXED);
    return status;
}

static tarn_status through_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    return tarn_visit(tarn_layer_parent(a), see, user);
}

static tarn_status through_check(const tarn_allocator *a)
{
    return tarn_check(tarn_layer_parent(a));
}

static tarn_why layer_why(const tarn_allocator *a)
{
    const tarn_layer *l = (const tarn_layer *)a;
    tarn_status status = (tarn_status)__atomic_load_n(&l->why_status, __ATOMIC_RELAXED);
    if (status == TARN_OK)
        return tarn_get_why(l->parent);
    uint32_t log2 = __atomic_load_n(&l->why_spec, __ATOMIC_RELAXED) & TARN_ALIGN_BITS;
    return (tarn_why){status, __atomic_load_n(&l->why_size, __ATOMIC_RELAXED),
                      log2 < sizeof(size_t) * 8 ? (size_t)1 << log2 : 0,
                      __atomic_load_n(&l->why_limit, __ATOMIC_RELAXED)};
}

static void *note(tarn_layer *l, tarn_status status, size_t size, tarn_spec spec, size_t limit)
{
    __atomic_store_n(&l->why_size, size, __ATOMIC_RELAXED);
    __atomic_store_n(&l->why_spec, spec, __ATOMIC_RELAXED);
    __atomic_store_n(&l->why_limit, limit, __ATOMIC_RELAXED);
    __atomic_store_n(&l->why_status, (uint32_t)status, __ATOMIC_RELAXED);
    return NULL;
}

void *tarn_layer_refuse(tarn_layer *l, tarn_status status, size_t size, tarn_spec spec,
                        size_t limit)
{
    (void)__atomic_fetch_add(&l->refused, 1, __ATOMIC_RELAXED);
    return note(l, status, size, spec, limit);
}

void *tarn_layer_blame(tarn_layer *l, size_t size, tarn_spec spec)
{
    tarn_why why = tarn_get_why(l->parent);
    return note(l, why.status != TARN_OK ? why.status : TARN_NO_MEMORY, size, spec, why.limit);
}

static tarn_allocator *layer_parent(const tarn_allocator *a, unsigned index)
{
    return index == 0 ? tarn_layer_parent(a) : NULL;
}

static void layer_deinit(tarn_allocator *a)
{
    a->ops = NULL;
}

/* own, or else the one that hands through; NULL where the layer has not the operation. */
#define ENTRY(has, own, through) ((has) ? (own) != NULL ? (own) : (through) : NULL)

static void build_rare(tarn_layer *l, const tarn_rare_ops *own, uint32_t caps, bool usable)
{
    l->rare = (tarn_rare_ops){
        .bytes = sizeof(tarn_rare_ops),
        .name = ENTRY(true, own->name, layer_name),
        .owns = ENTRY((caps & TARN_CAP_OWNS) != 0, own->owns, through_owns),
        .usable = ENTRY(usable, own->usable, through_usable),
        .reset = ENTRY((caps & TARN_CAP_RESET) != 0, own->reset, through_reset),
        .mark = ENTRY((caps & TARN_CAP_MARK) != 0, own->mark, through_mark),
        .rewind = ENTRY((caps & TARN_CAP_MARK) != 0, own->rewind, through_rewind),
        .trim = ENTRY((caps & TARN_CAP_TRIM) != 0, own->trim, through_trim),
        .stats = ENTRY((caps & TARN_CAP_STATS) != 0, own->stats, through_stats),
        .visit = ENTRY((caps & TARN_CAP_VISIT) != 0, own->visit, through_visit),
        .check = ENTRY((caps & TARN_CAP_CHECK) != 0, own->check, through_check),
        .why = ENTRY(true, own->why, layer_why),
        .parent = ENTRY(true, own->parent, layer_parent),
        .deinit = ENTRY(true, own->deinit, layer_deinit),
        .share = own->share, /* tarn_share goes to the parents by itself */
    };
}

tarn_status tarn_layer_init(tarn_layer *l, tarn_allocator *parent, const tarn_layer_plan *plan)
{
    memset(l, 0, sizeof *l);
    if (parent == NULL)
        return TARN_BAD_ARGUMENT;
    const tarn_ops *own = &plan->ops, *po = parent->ops;
    uint32_t has = (po->resize != NULL ? (uint32_t)TARN_LAYER_RESIZE : 0) |
                   (po->alloc_at_least != NULL ? (uint32_t)TARN_LAYER_AT_LEAST : 0) |
                   (po->alloc_batch != NULL ? (uint32_t)TARN_LAYER_BATCH : 0) |
                   (TARN_RARE(parent, usable) != NULL ? (uint32_t)TARN_LAYER_USABLE : 0);
    uint32_t caps = (po->caps & plan->keep) | plan->add;
    has = (has | plan->give) & ~plan->drop;
    caps &= ~(uint32_t)TARN_CAP_RESIZE;
    if ((has & TARN_LAYER_RESIZE) != 0)
        caps |= TARN_CAP_RESIZE;
    l->parent = parent;
    build_rare(l, &plan->rare, caps, (has & TARN_LAYER_USABLE) != 0);
    l->ops = (tarn_ops){
        .abi = TARN_ABI,
        .caps = caps,
        .alloc = ENTRY(true, own->alloc, through_alloc),
        .free = ENTRY(true, own->free, through_free),
        .resize = ENTRY((has & TARN_LAYER_RESIZE) != 0, own->resize, through_resize),
        .alloc_at_least =
            ENTRY((has & TARN_LAYER_AT_LEAST) != 0, own->alloc_at_least, through_at_least),
        .alloc_batch = ENTRY((has & TARN_LAYER_BATCH) != 0, own->alloc_batch, through_alloc_batch),
        .free_batch = ENTRY((has & TARN_LAYER_BATCH) != 0, own->free_batch, through_free_batch),
        .rare = &l->rare,
    };
    l->allocator.ops = &l->ops;
    tarn_text_label(l->label, sizeof l->label, plan->type, plan->name, TARN_LABEL_NAME);
    return TARN_OK;
}
