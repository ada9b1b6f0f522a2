/* SPDX-License-Identifier: MIT */
/*
 * fallback.c - two allocators in a row.
 *
 *     alloc ──► primary ──refused──► secondary ──refused──► NULL
 *     free, resize ──► primary owns the block? ──yes──► primary
 *                                              └─no───► secondary
 *
 * I1  The primary answers yes or no about any address, so each block has exactly one owner.
 * I2  A block moves between the two only in tarn_resize_by_copy on this layer, which allocates,
 *     copies and frees through the routes above.
 * I3  The counters are written by relaxed atomics: they order nothing, and where both parents may be
 *     used by any thread no count is lost.
 */

#include <tarn/fallback.h>

#include "base/text.h"

enum {
    /*
     * These the pair has when both have them. TARN_CAP_THREADS_FREE is lost, because a free asks the
     * primary who owns the block, and TARN_CAP_BOUNDED, because that question may walk chunks.
     */
    OF_BOTH = TARN_CAP_UNSIZED_FREE | TARN_CAP_FREE | TARN_CAP_OWNS | TARN_CAP_RESET |
              TARN_CAP_VISIT | TARN_CAP_THREADS | TARN_CAP_ZEROED,
    /* These when one has. */
    OF_EITHER = TARN_CAP_RESIZE | TARN_CAP_TRIM | TARN_CAP_CHECK
};

static void served_by_secondary(tarn_fallback *f, size_t blocks)
{
    __atomic_fetch_add(&f->taken, blocks, __ATOMIC_RELAXED);
}

static TARN_SLOW void refused_by_both(tarn_fallback *f)
{
    __atomic_fetch_add(&f->refused, (size_t)1, __ATOMIC_RELAXED);
    __atomic_store_n(&f->refuser, f->secondary, __ATOMIC_RELAXED);
}

static tarn_allocator *owner(const tarn_fallback *f, const void *block)
{
    return tarn_owns(f->primary, block) == TARN_YES ? f->primary : f->secondary;
}

static TARN_SLOW void *alloc_slow(tarn_fallback *f, size_t size, tarn_spec spec)
{
    void *p = f->secondary->ops->alloc(f->secondary, size, spec);
    if (p != NULL)
        served_by_secondary(f, 1);
    else
        refused_by_both(f);
    return p;
}

static void *fallback_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_fallback *f = (tarn_fallback *)a;
    void *p = f->primary->ops->alloc(f->primary, size, spec);
    return TARN_LIKELY(p != NULL) ? p : alloc_slow(f, size, spec);
}

static void fallback_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_allocator *to = owner((tarn_fallback *)a, block);
    to->ops->free(to, block, size, spec);
}

/* In its own allocator when that can, else to whichever has room. */
static void *fallback_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                             size_t keep, tarn_spec spec)
{
    tarn_fallback *f = (tarn_fallback *)a;
    tarn_allocator *of = owner(f, block);
    if (of->ops->resize != NULL) {
        void *p = of->ops->resize(of, block, old_size, new_size, keep, spec);
        if (p != NULL)
            return p;
    }
    void *p = tarn_resize_by_copy(a, block, old_size, new_size, keep, spec);
    if (p == NULL && of->ops->resize != NULL)
        __atomic_store_n(&f->refuser, of, __ATOMIC_RELAXED);
    return p;
}

static tarn_block fallback_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_fallback *f = (tarn_fallback *)a;
    tarn_block b = tarn_alloc_at_least(f->primary, size, spec);
    if (TARN_LIKELY(b.ptr != NULL))
        return b;
    b = tarn_alloc_at_least(f->secondary, size, spec);
    if (b.ptr != NULL)
        served_by_secondary(f, 1);
    else
        refused_by_both(f);
    return b;
}

static size_t fallback_alloc_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                                   void **out)
{
    tarn_fallback *f = (tarn_fallback *)a;
    size_t first = tarn_alloc_batch(f->primary, size, spec, count, out);
    if (TARN_LIKELY(first == count))
        return count;
    size_t second = tarn_alloc_batch(f->secondary, size, spec, count - first, out + first);
    served_by_secondary(f, second);
    if (first + second < count)
        refused_by_both(f);
    return first + second;
}

/* Neighbours in the array that have one owner go back together. */
static void fallback_free_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                                void *const *blocks)
{
    tarn_fallback *f = (tarn_fallback *)a;
    size_t start = 0;
    while (start < count) {
        tarn_allocator *of = owner(f, blocks[start]);
        size_t end = start + 1;
        while (end < count && owner(f, blocks[end]) == of)
            end++;
        tarn_free_batch(of, size, spec, end - start, blocks + start);
        start = end;
    }
}

static const char *fallback_name(const tarn_allocator *a)
{
    return ((const tarn_fallback *)a)->label;
}

static tarn_answer fallback_owns(const tarn_allocator *a, const void *block)
{
    const tarn_fallback *f = (const tarn_fallback *)a;
    return tarn_owns(f->primary, block) == TARN_YES ? TARN_YES : tarn_owns(f->secondary, block);
}

static size_t fallback_usable(const tarn_allocator *a, const void *block, size_t size,
                              tarn_spec spec)
{
    return tarn_usable(owner((const tarn_fallback *)a, block), block, size, spec);
}

static tarn_status fallback_reset(tarn_allocator *a)
{
    tarn_fallback *f = (tarn_fallback *)a;
    tarn_status first = tarn_reset(f->primary);
    tarn_status second = tarn_reset(f->secondary);
    return first != TARN_OK ? first : second;
}

static size_t fallback_trim(tarn_allocator *a)
{
    tarn_fallback *f = (tarn_fallback *)a;
    return tarn_trim(f->primary) + tarn_trim(f->secondary);
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

static tarn_status fallback_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    tarn_fallback *f = (tarn_fallback *)a;
    visit_state v = {see, user, false};
    tarn_status status = tarn_visit(f->primary, see_until_ended, &v);
    return status != TARN_OK || v.ended ? status : tarn_visit(f->secondary, see_until_ended, &v);
}

static tarn_status fallback_check(const tarn_allocator *a)
{
    const tarn_fallback *f = (const tarn_fallback *)a;
    tarn_status first = tarn_check(f->primary);
    tarn_status second = tarn_check(f->secondary);
    return first == TARN_CORRUPT || second == TARN_UNSUPPORTED ? first : second;
}

static tarn_why fallback_why(const tarn_allocator *a)
{
    const tarn_fallback *f = (const tarn_fallback *)a;
    const tarn_allocator *last = __atomic_load_n(&f->refuser, __ATOMIC_RELAXED);
    return last != NULL ? tarn_get_why(last) : (tarn_why){TARN_OK, 0, 0, 0};
}

static tarn_allocator *fallback_parent(const tarn_allocator *a, unsigned index)
{
    const tarn_fallback *f = (const tarn_fallback *)a;
    return index == 0 ? f->primary : index == 1 ? f->secondary : NULL;
}

static void fallback_deinit(tarn_allocator *a)
{
    tarn_fallback_deinit((tarn_fallback *)a);
}

/* It grants what is asked for, or tells what it granted; else usable would be right for some blocks. */
static bool knows_sizes(const tarn_allocator *a)
{
    return a->ops->alloc_at_least == NULL || TARN_RARE(a, usable) != NULL;
}

static void build_tables(tarn_fallback *f)
{
    const tarn_ops *po = f->primary->ops, *so = f->secondary->ops;
    uint32_t caps = (po->caps & so->caps & OF_BOTH) | ((po->caps | so->caps) & OF_EITHER);
    f->rare = (tarn_rare_ops){
        .bytes = sizeof(tarn_rare_ops),
        .name = fallback_name,
        .owns = (caps & TARN_CAP_OWNS) != 0 ? fallback_owns : NULL,
        .usable = knows_sizes(f->primary) && knows_sizes(f->secondary) ? fallback_usable : NULL,
        .reset = (caps & TARN_CAP_RESET) != 0 ? fallback_reset : NULL,
        .trim = (caps & TARN_CAP_TRIM) != 0 ? fallback_trim : NULL,
        .visit = (caps & TARN_CAP_VISIT) != 0 ? fallback_visit : NULL,
        .check = (caps & TARN_CAP_CHECK) != 0 ? fallback_check : NULL,
        .why = fallback_why,
        .parent = fallback_parent,
        .deinit = fallback_deinit,
    };
    f->ops = (tarn_ops){
        .abi = TARN_ABI,
        .caps = caps,
        .alloc = fallback_alloc,
        .free = fallback_free,
        .resize = (caps & TARN_CAP_RESIZE) != 0 ? fallback_resize : NULL,
        .alloc_at_least = po->alloc_at_least || so->alloc_at_least ? fallback_alloc_at_least : NULL,
        .alloc_batch = po->alloc_batch || so->alloc_batch ? fallback_alloc_batch : NULL,
        .free_batch = po->free_batch || so->free_batch ? fallback_free_batch : NULL,
        .rare = &f->rare,
    };
    f->allocator.ops = &f->ops;
}

tarn_status tarn_fallback_init(tarn_fallback *f, const tarn_fallback_options *options)
{
    if (options == NULL || options->primary == NULL || options->secondary == NULL ||
        options->primary == options->secondary || !tarn_can(options->primary, TARN_CAP_OWNS))
        return TARN_BAD_ARGUMENT;
    *f = (tarn_fallback){.primary = options->primary, .secondary = options->secondary};
    build_tables(f);
    tarn_text_label(f->label, sizeof f->label, "fallback", options->name, TARN_LABEL_NAME);
    return TARN_OK;
}

void tarn_fallback_deinit(tarn_fallback *f)
{
    f->allocator.ops = NULL;
}

size_t tarn_fallback_taken(const tarn_fallback *f)
{
    return __atomic_load_n(&f->taken, __ATOMIC_RELAXED);
}

size_t tarn_fallback_refused(const tarn_fallback *f)
{
    return __atomic_load_n(&f->refused, __ATOMIC_RELAXED);
}
