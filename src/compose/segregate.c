/* SPDX-License-Identifier: MIT */
/*
 * segregate.c - an allocator for each range of sizes.
 *
 *     first[]  ┌──┬──┬──┬──┬──┐   entry k: the class of the least size that falls on it, 8k-7
 *              │0 │0 │0 │1 │1 │…  sizes up to 1024 start there; above it a binary search
 *              └──┴──┴──┴──┴──┘
 *     size ──► class i ──► classes[i].child, or rest when i == count
 *
 * I1  classes[] rises strictly; class i has the sizes (classes[i-1].max_size, classes[i].max_size].
 * I2  No block is granted more than its class's max_size: asked and granted lie in one class, so
 *     every size that free may be passed leads to the child that allocated.
 * I3  first[k] <= the class of every size that falls on entry k; the rest of the way is walked, which
 *     is no step where the thresholds are multiples of 8 and at most 7 otherwise.
 * I4  The record of the last refusal is written by relaxed atomics: with children that any thread may
 *     use it is the record of some thread, never a torn pointer.
 */

#include <tarn/segregate.h>

#include "base/text.h"

_Static_assert(TARN_SEGREGATE_MAX <= UINT8_MAX, "a class fits an entry of first[]");

enum {
    OF_ALL = TARN_CAP_FREE | TARN_CAP_OWNS | TARN_CAP_RESET | TARN_CAP_VISIT | TARN_CAP_THREADS |
             TARN_CAP_THREADS_FREE | TARN_CAP_ZEROED | TARN_CAP_BOUNDED,
    OF_ANY = TARN_CAP_RESIZE | TARN_CAP_TRIM | TARN_CAP_CHECK
};

/* ── The route
 * ─────────────────────────────────────────────────────────────────────────────────────────── */

static size_t class_of_large(const tarn_segregate *s, size_t size)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (size > s->classes[middle].max_size)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static inline size_t class_of(const tarn_segregate *s, size_t size)
{
    if (TARN_UNLIKELY(size > TARN_SEGREGATE_SMALL))
        return class_of_large(s, size);
    size_t i = s->first[(size + TARN_SEGREGATE_STEP - 1) / TARN_SEGREGATE_STEP];
    while (TARN_UNLIKELY(i < s->count && size > s->classes[i].max_size))
        i++;
    return i;
}

static inline tarn_allocator *child_at(const tarn_segregate *s, size_t i)
{
    return i < s->count ? s->classes[i].child : s->rest;
}

/* The largest size that may be granted in class i (I2). */
static size_t bound(const tarn_segregate *s, size_t i)
{
    return i < s->count ? s->classes[i].max_size : SIZE_MAX;
}

/* A child may serve several classes; it is met for the first time at i. */
static bool is_first(const tarn_segregate *s, size_t i)
{
    tarn_allocator *child = child_at(s, i);
    for (size_t k = 0; k < i; k++)
        if (s->classes[k].child == child)
            return false;
    return child != NULL;
}

/* ── Refusals
 * ──────────────────────────────────────────────────────────────────────────────────────────── */

static TARN_SLOW void *refused_by(tarn_segregate *s, tarn_allocator *child)
{
    __atomic_store_n(&s->refuser, child, __ATOMIC_RELAXED);
    return NULL;
}

/* By this layer: no child for the size, or a move that was forbidden. */
static TARN_SLOW void *refuse(tarn_segregate *s, tarn_status status, size_t size, tarn_spec spec)
{
    __atomic_store_n(&s->refused, status, __ATOMIC_RELAXED);
    __atomic_store_n(&s->refused_size, size, __ATOMIC_RELAXED);
    __atomic_store_n(&s->refused_spec, spec, __ATOMIC_RELAXED);
    return refused_by(s, NULL);
}

static tarn_why segregate_why(const tarn_allocator *a)
{
    const tarn_segregate *s = (const tarn_segregate *)a;
    const tarn_allocator *child = __atomic_load_n(&s->refuser, __ATOMIC_RELAXED);
    if (child != NULL)
        return tarn_get_why(child);
    tarn_why w = {__atomic_load_n(&s->refused, __ATOMIC_RELAXED), 0, 0, 0};
    if (w.status != TARN_OK) {
        unsigned log2 = __atomic_load_n(&s->refused_spec, __ATOMIC_RELAXED) & TARN_ALIGN_BITS;
        w.size = __atomic_load_n(&s->refused_size, __ATOMIC_RELAXED);
        w.align = log2 < sizeof(size_t) * 8 ? (size_t)1 << log2 : 0;
        w.limit = w.status == TARN_TOO_BIG ? s->classes[s->count - 1].max_size : 0;
    }
    return w;
}

/* ── Blocks
 * ────────────────────────────────────────────────────────────────────────────────────────────── */

static void *segregate_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_segregate *s = (tarn_segregate *)a;
    tarn_allocator *child = child_at(s, class_of(s, size));
    if (TARN_UNLIKELY(child == NULL))
        return refuse(s, TARN_TOO_BIG, size, spec);
    void *p = child->ops->alloc(child, size, spec);
    return TARN_LIKELY(p != NULL) ? p : refused_by(s, child);
}

/* A size that no alloc of this layer can have been asked for. */
static TARN_SLOW void wrong_size(const tarn_segregate *s, const void *block, size_t size)
{
    tarn_fault fault = {TARN_FAULT_WRONG_SIZE, s->label, block, size,
                        s->classes[s->count - 1].max_size};
    tarn_fault_raise(&fault);
}

static void segregate_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_segregate *s = (tarn_segregate *)a;
    tarn_allocator *child = child_at(s, class_of(s, size));
    if (TARN_UNLIKELY(child == NULL)) {
        wrong_size(s, block, size);
        return;
    }
    child->ops->free(child, block, size, spec);
}

static void *segregate_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                              size_t keep, tarn_spec spec)
{
    tarn_segregate *s = (tarn_segregate *)a;
    tarn_allocator *from = child_at(s, class_of(s, old_size));
    tarn_allocator *to = child_at(s, class_of(s, new_size));
    if (from == NULL) {
        wrong_size(s, block, old_size);
        return NULL;
    }
    if (to == NULL)
        return refuse(s, TARN_TOO_BIG, new_size, spec);
    if ((from != to || from->ops->resize == NULL) && (spec & (TARN_IN_PLACE | TARN_NO_COPY)) != 0)
        return refuse(s, TARN_UNSUPPORTED, new_size, spec);
    if (from == to) {
        void *p = tarn_resize(from, block, old_size, new_size, keep, spec);
        return p != NULL ? p : refused_by(s, from);
    }
    return tarn_resize_by_copy(a, block, old_size, new_size, keep, spec);
}

static tarn_block segregate_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_segregate *s = (tarn_segregate *)a;
    size_t i = class_of(s, size);
    tarn_allocator *child = child_at(s, i);
    if (TARN_UNLIKELY(child == NULL))
        return (tarn_block){refuse(s, TARN_TOO_BIG, size, spec), 0};
    tarn_block b = tarn_alloc_at_least(child, size, spec);
    if (b.ptr == NULL)
        return (tarn_block){refused_by(s, child), 0};
    if (b.size > bound(s, i))
        b.size = bound(s, i);
    return b;
}

static size_t segregate_alloc_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                                    void **out)
{
    tarn_segregate *s = (tarn_segregate *)a;
    tarn_allocator *child = child_at(s, class_of(s, size));
    if (TARN_UNLIKELY(child == NULL)) {
        refuse(s, TARN_TOO_BIG, size, spec);
        return 0;
    }
    size_t n = tarn_alloc_batch(child, size, spec, count, out);
    if (TARN_UNLIKELY(n < count))
        refused_by(s, child);
    return n;
}

static void segregate_free_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                                 void *const *blocks)
{
    tarn_segregate *s = (tarn_segregate *)a;
    tarn_allocator *child = child_at(s, class_of(s, size));
    if (TARN_LIKELY(child != NULL))
        tarn_free_batch(child, size, spec, count, blocks);
    else if (count != 0)
        wrong_size(s, blocks[0], size);
}

/* ── Rare operations
 * ───────────────────────────────────────────────────────────────────────────────────── */

static const char *segregate_name(const tarn_allocator *a)
{
    return ((const tarn_segregate *)a)->label;
}

static tarn_answer segregate_owns(const tarn_allocator *a, const void *block)
{
    const tarn_segregate *s = (const tarn_segregate *)a;
    for (size_t i = 0; i <= s->count; i++) {
        tarn_allocator *child = child_at(s, i);
        if (child != NULL && tarn_owns(child, block) == TARN_YES)
            return TARN_YES;
    }
    return TARN_NO;
}

static size_t segregate_usable(const tarn_allocator *a, const void *block, size_t size,
                               tarn_spec spec)
{
    const tarn_segregate *s = (const tarn_segregate *)a;
    size_t i = class_of(s, size);
    tarn_allocator *child = child_at(s, i);
    size_t real = child != NULL ? tarn_usable(child, block, size, spec) : size;
    return real < bound(s, i) ? real : bound(s, i);
}

static tarn_status segregate_reset(tarn_allocator *a)
{
    tarn_segregate *s = (tarn_segregate *)a;
    tarn_status worst = TARN_OK;
    for (size_t i = 0; i <= s->count; i++) {
        tarn_status status = is_first(s, i) ? tarn_reset(child_at(s, i)) : TARN_OK;
        if (worst == TARN_OK)
            worst = status;
    }
    return worst;
}

static size_t segregate_trim(tarn_allocator *a)
{
    tarn_segregate *s = (tarn_segregate *)a;
    size_t bytes = 0;
    for (size_t i = 0; i <= s->count; i++)
        bytes += is_first(s, i) ? tarn_trim(child_at(s, i)) : 0;
    return bytes;
}

/* Remembers that the visitor ended the visit. */
typedef struct visit_state {
    tarn_visitor *see;
    void *user;
    bool ended;
} visit_state;

static bool see_until_ended(void *user, void *block, size_t size)
{
    visit_state *v = user;
    v->ended = !v->see(v->user, block, size);
    return !v->ended;
}

static tarn_status segregate_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    tarn_segregate *s = (tarn_segregate *)a;
    visit_state v = {see, user, false};
    tarn_status status = TARN_OK;
    for (size_t i = 0; i <= s->count && status == TARN_OK && !v.ended; i++)
        if (is_first(s, i))
            status = tarn_visit(child_at(s, i), see_until_ended, &v);
    return status;
}

static tarn_status segregate_check(const tarn_allocator *a)
{
    const tarn_segregate *s = (const tarn_segregate *)a;
    for (size_t i = 0; i <= s->count; i++)
        if (is_first(s, i) && tarn_check(child_at(s, i)) == TARN_CORRUPT)
            return TARN_CORRUPT;
    return TARN_OK;
}

static tarn_allocator *segregate_parent(const tarn_allocator *a, unsigned index)
{
    const tarn_segregate *s = (const tarn_segregate *)a;
    return index <= s->count ? child_at(s, index) : NULL;
}

static void segregate_deinit(tarn_allocator *a)
{
    tarn_segregate_deinit((tarn_segregate *)a);
}

/* ── Life cycle
 * ────────────────────────────────────────────────────────────────────────────────────────── */

static tarn_status verify(const tarn_segregate_options *o)
{
    if (o == NULL || o->classes == NULL || o->count == 0 || o->count > TARN_SEGREGATE_MAX)
        return TARN_BAD_ARGUMENT;
    for (size_t i = 0; i < o->count; i++)
        if (o->classes[i].child == NULL ||
            (i > 0 && o->classes[i].max_size <= o->classes[i - 1].max_size))
            return TARN_BAD_ARGUMENT;
    return TARN_OK;
}

/* It grants what is asked for, or tells what it granted; else usable would be right for some blocks. */
static bool knows_sizes(const tarn_allocator *a)
{
    return a->ops->alloc_at_least == NULL || TARN_RARE(a, usable) != NULL;
}

/* What the children can do together, and which hot entries one of them has. */
static void build_ops(tarn_segregate *s)
{
    uint32_t all = OF_ALL, any = 0;
    s->ops = (tarn_ops){.abi = TARN_ABI, .alloc = segregate_alloc, .free = segregate_free};
    s->knows_sizes = true;
    for (size_t i = 0; i <= s->count; i++) {
        const tarn_allocator *child = child_at(s, i);
        if (child == NULL)
            continue;
        uint32_t caps = child->ops->caps;
        if ((caps & TARN_CAP_THREADS) != 0)
            caps |= TARN_CAP_THREADS_FREE;
        all &= caps;
        any |= caps;
        s->knows_sizes = s->knows_sizes && knows_sizes(child);
        if (child->ops->alloc_at_least != NULL)
            s->ops.alloc_at_least = segregate_alloc_at_least;
        if (child->ops->alloc_batch != NULL)
            s->ops.alloc_batch = segregate_alloc_batch;
        if (child->ops->free_batch != NULL)
            s->ops.free_batch = segregate_free_batch;
    }
    s->ops.caps = all | (any & OF_ANY);
    s->ops.resize = (any & TARN_CAP_RESIZE) != 0 ? segregate_resize : NULL;
}

static void build_rare(tarn_segregate *s)
{
    uint32_t caps = s->ops.caps;
    s->rare = (tarn_rare_ops){
        .bytes = sizeof(tarn_rare_ops),
        .name = segregate_name,
        .owns = (caps & TARN_CAP_OWNS) != 0 ? segregate_owns : NULL,
        .usable = s->knows_sizes ? segregate_usable : NULL,
        .reset = (caps & TARN_CAP_RESET) != 0 ? segregate_reset : NULL,
        .trim = (caps & TARN_CAP_TRIM) != 0 ? segregate_trim : NULL,
        .visit = (caps & TARN_CAP_VISIT) != 0 ? segregate_visit : NULL,
        .check = (caps & TARN_CAP_CHECK) != 0 ? segregate_check : NULL,
        .why = segregate_why,
        .parent = segregate_parent,
        .deinit = segregate_deinit,
    };
    s->ops.rare = &s->rare;
}

tarn_status tarn_segregate_init(tarn_segregate *s, const tarn_segregate_options *options)
{
    tarn_status status = verify(options);
    if (status != TARN_OK)
        return status;
    *s = (tarn_segregate){
        .classes = options->classes, .count = options->count, .rest = options->rest};
    for (size_t k = 0; k < sizeof s->first; k++) {
        size_t least = k == 0 ? 0 : (k - 1) * TARN_SEGREGATE_STEP + 1;
        s->first[k] = (uint8_t)class_of_large(s, least);
    }
    build_ops(s);
    build_rare(s);
    s->allocator.ops = &s->ops;
    tarn_text_label(s->label, sizeof s->label, "segregate", options->name, TARN_LABEL_NAME);
    return TARN_OK;
}

void tarn_segregate_deinit(tarn_segregate *s)
{
    s->allocator.ops = NULL;
}

tarn_allocator *tarn_segregate_child(const tarn_segregate *s, size_t size)
{
    return child_at(s, class_of(s, size));
}
