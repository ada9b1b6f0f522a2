/* SPDX-License-Identifier: MIT */
/*
 * limit.c - budgets in a tree, and the layer that charges them.
 *
 * I1  used of a budget = what is charged to it and to those below it, refunds subtracted.
 * I2  used never passes hard by a charge: a shared budget is charged by compare-and-swap, so two
 *     threads cannot both take the last bytes.
 * I3  A charge that one budget refuses is undone in those below it, which were charged before.
 * I4  charged of a layer = the sizes of its live blocks. So a reset, or the layer's end, knows what
 *     to refund.
 */
#include <tarn/limit.h>

#include "base/checked.h"

/* ── Budgets ───────────────────────────────────────────────────────────────────────────────── */

static size_t load(const size_t *at)
{
    return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static void raise_peak(tarn_budget *b, size_t used)
{
    size_t peak = load(&b->peak);
    if (!b->shared) {
        b->peak = used > peak ? used : peak;
        return;
    }
    while (used > peak && !__atomic_compare_exchange_n(&b->peak, &peak, used, true,
                                                       __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

static bool fits(const tarn_budget *b, size_t used, size_t bytes)
{
    size_t hard = load(&b->hard), after;
    return tarn_add(used, bytes, &after) && (hard == 0 || after <= hard);
}

/* Charge one budget. *before is what was used. */
static bool take(tarn_budget *b, size_t bytes, size_t *before)
{
    size_t used = load(&b->used);
    *before = used;
    if (!b->shared) {
        if (!fits(b, used, bytes))
            return false;
        b->used = used + bytes;
    } else {
        do {
            *before = used;
            if (!fits(b, used, bytes))
                return false;
        } while (!__atomic_compare_exchange_n(&b->used, &used, used + bytes, true, __ATOMIC_RELAXED,
                                              __ATOMIC_RELAXED));
    }
    raise_peak(b, *before + bytes);
    return true;
}

static void give(tarn_budget *b, size_t bytes)
{
    if (b->shared)
        (void)__atomic_fetch_sub(&b->used, bytes, __ATOMIC_RELAXED);
    else
        b->used -= bytes;
}

/* What lacks for this many bytes more. */
static size_t lack(const tarn_budget *b, size_t bytes)
{
    size_t used = load(&b->used), hard = load(&b->hard), left = hard > used ? hard - used : 0;
    return bytes > left ? bytes - left : 0;
}

/* Once more after the user made room; true when it fits now. */
static TARN_SLOW bool take_after_reclaim(tarn_budget *b, size_t bytes, size_t *before)
{
    if (b->reclaim != NULL && b->reclaim(b->user, b, lack(b, bytes)) && take(b, bytes, before))
        return true;
    if (b->shared)
        (void)__atomic_fetch_add(&b->refused, 1, __ATOMIC_RELAXED);
    else
        b->refused++;
    return false;
}

const tarn_budget *tarn_budget_charge(tarn_budget *budget, size_t bytes)
{
    bool passed = false;
    for (tarn_budget *b = budget; b != NULL; b = b->parent) {
        size_t before;
        if (TARN_UNLIKELY(!take(b, bytes, &before)) && !take_after_reclaim(b, bytes, &before)) {
            for (tarn_budget *undo = budget; undo != b; undo = undo->parent)
                give(undo, bytes);
            return b;
        }
        size_t soft = load(&b->soft);
        passed |= soft != 0 && before <= soft && before + bytes > soft;
    }
    /* With all of them charged, so that what the user frees now is refunded where it was charged. */
    for (tarn_budget *b = passed ? budget : NULL; b != NULL; b = b->parent) {
        size_t soft = load(&b->soft), used = load(&b->used);
        if (soft != 0 && used > soft && used - bytes <= soft && b->reclaim != NULL)
            (void)b->reclaim(b->user, b, used - soft);
    }
    return NULL;
}

void tarn_budget_refund(tarn_budget *budget, size_t bytes)
{
    for (tarn_budget *b = budget; b != NULL; b = b->parent)
        give(b, bytes);
}

static bool is_sound(size_t hard, size_t soft)
{
    return hard == 0 || soft <= hard;
}

tarn_status tarn_budget_init(tarn_budget *b, const tarn_budget_options *o)
{
    *b = (tarn_budget){.parent = o->parent,
                       .hard = o->hard,
                       .soft = o->soft,
                       .reclaim = o->reclaim,
                       .user = o->user,
                       .name = o->name != NULL ? o->name : "budget",
                       .shared = o->shared};
    bool fits_parent = o->parent == NULL || !o->shared || o->parent->shared;
    return is_sound(o->hard, o->soft) && fits_parent ? TARN_OK : TARN_BAD_ARGUMENT;
}

tarn_status tarn_budget_set(tarn_budget *b, size_t hard, size_t soft)
{
    if (!is_sound(hard, soft))
        return TARN_BAD_ARGUMENT;
    __atomic_store_n(&b->hard, hard, __ATOMIC_RELAXED);
    __atomic_store_n(&b->soft, soft, __ATOMIC_RELAXED);
    return TARN_OK;
}

tarn_budget_stats tarn_budget_get(const tarn_budget *b)
{
    return (tarn_budget_stats){.name = b->name,
                               .used = load(&b->used),
                               .peak = load(&b->peak),
                               .hard = load(&b->hard),
                               .soft = load(&b->soft),
                               .refused = __atomic_load_n(&b->refused, __ATOMIC_RELAXED)};
}

/* ── The layer ─────────────────────────────────────────────────────────────────────────────── */

static void add(tarn_limit *l, size_t bytes)
{
    if (l->budget->shared)
        (void)__atomic_fetch_add(&l->charged, bytes, __ATOMIC_RELAXED);
    else
        l->charged += bytes;
}

/* bytes more for a request of size bytes; false with the reason. */
static bool charge(tarn_limit *l, size_t bytes, size_t size, tarn_spec spec)
{
    const tarn_budget *full = tarn_budget_charge(l->budget, bytes);
    if (TARN_UNLIKELY(full != NULL)) {
        tarn_layer_refuse(&l->layer, TARN_LIMIT, size, spec, load(&full->hard));
        return false;
    }
    tarn_layer_pass(&l->layer);
    add(l, bytes);
    return true;
}

static void refund(tarn_limit *l, size_t bytes)
{
    add(l, (size_t)0 - bytes);
    tarn_budget_refund(l->budget, bytes);
}

static void *limit_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_limit *l = (tarn_limit *)a;
    if (!charge(l, size, size, spec))
        return NULL;
    void *p = l->layer.parent->ops->alloc(l->layer.parent, size, spec);
    if (TARN_UNLIKELY(p == NULL))
        refund(l, size);
    return p;
}

static void limit_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_limit *l = (tarn_limit *)a;
    l->layer.parent->ops->free(l->layer.parent, block, size, spec);
    refund(l, size);
}

static void *limit_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                          size_t keep, tarn_spec spec)
{
    tarn_limit *l = (tarn_limit *)a;
    tarn_allocator *parent = l->layer.parent;
    size_t more = new_size > old_size ? new_size - old_size : 0;
    if (!charge(l, more, new_size, spec))
        return NULL;
    void *p = parent->ops->resize(parent, block, old_size, new_size, keep, spec);
    if (p == NULL)
        refund(l, more);
    else if (new_size < old_size)
        refund(l, old_size - new_size);
    return p;
}

static size_t limit_alloc_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                                void **out)
{
    tarn_limit *l = (tarn_limit *)a;
    size_t paid = 0;
    while (paid < count && charge(l, size, size, spec))
        paid++;
    size_t n = tarn_alloc_batch(l->layer.parent, size, spec, paid, out);
    refund(l, (paid - n) * size);
    return n;
}

static void limit_free_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                             void *const *blocks)
{
    tarn_limit *l = (tarn_limit *)a;
    tarn_free_batch(l->layer.parent, size, spec, count, blocks);
    refund(l, size * count);
}

static tarn_status limit_reset(tarn_allocator *a)
{
    tarn_limit *l = (tarn_limit *)a;
    tarn_status status = tarn_reset(l->layer.parent);
    if (status == TARN_OK)
        refund(l, load(&l->charged));
    return status;
}

static void limit_deinit(tarn_allocator *a)
{
    tarn_limit_deinit((tarn_limit *)a);
}

tarn_status tarn_limit_init(tarn_limit *l, const tarn_limit_options *o)
{
    const uint32_t never = TARN_CAP_UNSIZED_FREE | TARN_CAP_MARK | TARN_CAP_BOUNDED,
                   threads = TARN_CAP_THREADS | TARN_CAP_THREADS_FREE;
    *l = (tarn_limit){.budget = o->budget};
    if (o->budget == NULL)
        return TARN_BAD_ARGUMENT;
    return tarn_layer_init(
        &l->layer, o->parent,
        &(tarn_layer_plan){.type = "limit",
                           .name = o->name,
                           .keep = TARN_CAPS_ALL & ~never & ~(o->budget->shared ? 0 : threads),
                           .drop = TARN_LAYER_AT_LEAST | TARN_LAYER_USABLE,
                           .ops = {.alloc = limit_alloc,
                                   .free = limit_free,
                                   .resize = limit_resize,
                                   .alloc_batch = limit_alloc_batch,
                                   .free_batch = limit_free_batch},
                           .rare = {.reset = limit_reset, .deinit = limit_deinit}});
}

void tarn_limit_deinit(tarn_limit *l)
{
    refund(l, load(&l->charged));
    l->layer.allocator.ops = NULL;
}
