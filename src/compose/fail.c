/* SPDX-License-Identifier: MIT */
/*
 * fail.c - refuses by plan.
 *
 *     request k ──► the plan names k? ──yes──► NULL, TARN_INJECTED
 *                                     └─no───► parent
 *
 * I1  Whether request k is refused depends on the plan and k alone (the random number is a function
 *     of seed and k), so a run can be repeated, whatever the threads do.
 * I2  Counters are relaxed atomics: with a parent that any thread may use each request gets a number
 *     of its own.
 */

#include <tarn/fail.h>

#include "base/text.h"

enum {
    /* What is handed through; capabilities of a later version are not. */
    KNOWN = TARN_CAP_UNSIZED_FREE | TARN_CAP_FREE | TARN_CAP_RESIZE | TARN_CAP_OWNS |
            TARN_CAP_RESET | TARN_CAP_MARK | TARN_CAP_TRIM | TARN_CAP_VISIT | TARN_CAP_CHECK |
            TARN_CAP_STATS | TARN_CAP_THREADS | TARN_CAP_THREADS_FREE | TARN_CAP_ZEROED |
            TARN_CAP_BOUNDED
};

/* The k-th number of a stream: Steele, Lea, Flood, Fast splittable pseudorandom number generators,
 * OOPSLA 2014. */
static uint64_t random_at(uint64_t seed, uint64_t k)
{
    uint64_t x = seed + k * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static bool named(const tarn_fail *f, size_t k)
{
    const tarn_fail_plan *p = &f->plan;
    return k == p->nth || (p->from != 0 && k >= p->from) || (p->every != 0 && k % p->every == 0) ||
           (f->below != 0 && random_at(p->seed, k) <= f->below);
}

/* Counts a request; true: refuse it. */
static bool refuses(tarn_fail *f, size_t size, tarn_spec spec)
{
    size_t k = __atomic_add_fetch(&f->requests, (size_t)1, __ATOMIC_RELAXED);
    if (TARN_LIKELY(!named(f, k)))
        return false;
    __atomic_fetch_add(&f->refused, (size_t)1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&f->ever_refused, (size_t)1, __ATOMIC_RELAXED);
    __atomic_store_n(&f->why_size, size, __ATOMIC_RELAXED);
    __atomic_store_n(&f->why_spec, (size_t)spec, __ATOMIC_RELAXED);
    __atomic_store_n(&f->last_was_mine, true, __ATOMIC_RELAXED);
    return true;
}

/* The parent's answer; a refusal makes it the parent that tells why. */
static void *answer(tarn_fail *f, void *p)
{
    if (TARN_UNLIKELY(p == NULL))
        __atomic_store_n(&f->last_was_mine, false, __ATOMIC_RELAXED);
    return p;
}

static void *fail_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_fail *f = (tarn_fail *)a;
    if (refuses(f, size, spec))
        return NULL;
    return answer(f, f->parent->ops->alloc(f->parent, size, spec));
}

static void fail_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_allocator *parent = ((tarn_fail *)a)->parent;
    parent->ops->free(parent, block, size, spec);
}

static void *fail_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                         size_t keep, tarn_spec spec)
{
    tarn_fail *f = (tarn_fail *)a;
    if (refuses(f, new_size, spec))
        return NULL;
    tarn_allocator *parent = f->parent;
    return answer(f, parent->ops->resize(parent, block, old_size, new_size, keep, spec));
}

static tarn_block fail_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_fail *f = (tarn_fail *)a;
    if (refuses(f, size, spec))
        return (tarn_block){NULL, 0};
    tarn_block b = f->parent->ops->alloc_at_least(f->parent, size, spec);
    answer(f, b.ptr);
    return b;
}

/* Up to the first block that the plan names. */
static size_t fail_alloc_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                               void **out)
{
    tarn_fail *f = (tarn_fail *)a;
    size_t allowed = 0;
    while (allowed < count && !refuses(f, size, spec))
        allowed++;
    size_t n = f->parent->ops->alloc_batch(f->parent, size, spec, allowed, out);
    if (n < allowed)
        answer(f, NULL);
    return n;
}

static void fail_free_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                            void *const *blocks)
{
    tarn_allocator *parent = ((tarn_fail *)a)->parent;
    parent->ops->free_batch(parent, size, spec, count, blocks);
}

static tarn_allocator *parent_of(const tarn_allocator *a)
{
    return ((const tarn_fail *)a)->parent;
}

static const char *fail_name(const tarn_allocator *a)
{
    return ((const tarn_fail *)a)->label;
}

static tarn_answer fail_owns(const tarn_allocator *a, const void *block)
{
    return tarn_owns(parent_of(a), block);
}

static size_t fail_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    return tarn_usable(parent_of(a), block, size, spec);
}

static tarn_status fail_reset(tarn_allocator *a)
{
    return tarn_reset(parent_of(a));
}

static tarn_mark fail_mark(tarn_allocator *a)
{
    return tarn_get_mark(parent_of(a));
}

static tarn_status fail_rewind(tarn_allocator *a, tarn_mark mark)
{
    return tarn_rewind(parent_of(a), mark);
}

static size_t fail_trim(tarn_allocator *a)
{
    return tarn_trim(parent_of(a));
}

static tarn_status fail_stats(const tarn_allocator *a, tarn_stats *out)
{
    tarn_status status = tarn_get_stats(parent_of(a), out);
    if ((out->known & TARN_STATS_FAILED) != 0)
        out->failures += __atomic_load_n(&((const tarn_fail *)a)->ever_refused, __ATOMIC_RELAXED);
    return status;
}

static tarn_status fail_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    return tarn_visit(parent_of(a), see, user);
}

static tarn_status fail_check(const tarn_allocator *a)
{
    return tarn_check(parent_of(a));
}

static tarn_why fail_why(const tarn_allocator *a)
{
    const tarn_fail *f = (const tarn_fail *)a;
    if (!__atomic_load_n(&f->last_was_mine, __ATOMIC_RELAXED))
        return tarn_get_why(f->parent);
    size_t log2 = __atomic_load_n(&f->why_spec, __ATOMIC_RELAXED) & TARN_ALIGN_BITS;
    return (tarn_why){TARN_INJECTED, __atomic_load_n(&f->why_size, __ATOMIC_RELAXED),
                      log2 < sizeof(size_t) * 8 ? (size_t)1 << log2 : 0, 0};
}

static tarn_allocator *fail_parent(const tarn_allocator *a, unsigned index)
{
    return index == 0 ? parent_of(a) : NULL;
}

static void fail_deinit(tarn_allocator *a)
{
    tarn_fail_deinit((tarn_fail *)a);
}

static void build_tables(tarn_fail *f)
{
    const tarn_ops *po = f->parent->ops;
    uint32_t caps = po->caps & KNOWN;
    f->rare = (tarn_rare_ops){
        .bytes = sizeof(tarn_rare_ops),
        .name = fail_name,
        .owns = (caps & TARN_CAP_OWNS) != 0 ? fail_owns : NULL,
        .usable = TARN_RARE(f->parent, usable) != NULL ? fail_usable : NULL,
        .reset = (caps & TARN_CAP_RESET) != 0 ? fail_reset : NULL,
        .mark = (caps & TARN_CAP_MARK) != 0 ? fail_mark : NULL,
        .rewind = (caps & TARN_CAP_MARK) != 0 ? fail_rewind : NULL,
        .trim = (caps & TARN_CAP_TRIM) != 0 ? fail_trim : NULL,
        .stats = (caps & TARN_CAP_STATS) != 0 ? fail_stats : NULL,
        .visit = (caps & TARN_CAP_VISIT) != 0 ? fail_visit : NULL,
        .check = (caps & TARN_CAP_CHECK) != 0 ? fail_check : NULL,
        .why = fail_why,
        .parent = fail_parent,
        .deinit = fail_deinit,
    };
    f->ops = (tarn_ops){
        .abi = TARN_ABI,
        .caps = caps,
        .alloc = fail_alloc,
        .free = fail_free,
        .resize = po->resize != NULL ? fail_resize : NULL,
        .alloc_at_least = po->alloc_at_least != NULL ? fail_alloc_at_least : NULL,
        .alloc_batch = po->alloc_batch != NULL ? fail_alloc_batch : NULL,
        .free_batch = po->free_batch != NULL ? fail_free_batch : NULL,
        .rare = &f->rare,
    };
    f->allocator.ops = &f->ops;
}

tarn_status tarn_fail_init(tarn_fail *f, const tarn_fail_options *options)
{
    if (options == NULL || options->parent == NULL)
        return TARN_BAD_ARGUMENT;
    *f = (tarn_fail){.parent = options->parent};
    tarn_status status = tarn_fail_arm(f, &options->plan);
    if (status != TARN_OK)
        return status;
    build_tables(f);
    tarn_text_label(f->label, sizeof f->label, "fail", options->name, TARN_LABEL_NAME);
    return TARN_OK;
}

void tarn_fail_deinit(tarn_fail *f)
{
    f->allocator.ops = NULL;
}

/* percent of the 2^64 numbers; 100 is all of them. */
static uint64_t share(double percent)
{
    double below = percent / 100.0 * 18446744073709551616.0;
    return below >= 18446744073709551615.0 ? UINT64_MAX : (uint64_t)below;
}

tarn_status tarn_fail_arm(tarn_fail *f, const tarn_fail_plan *plan)
{
    static const tarn_fail_plan nothing = {0, 0, 0, 0.0, 0};
    if (plan == NULL)
        plan = &nothing;
    if (!(plan->percent >= 0.0 && plan->percent <= 100.0))
        return TARN_BAD_ARGUMENT;
    f->plan = *plan;
    f->below = share(plan->percent);
    f->requests = 0;
    f->refused = 0;
    return TARN_OK;
}

size_t tarn_fail_requests(const tarn_fail *f)
{
    return __atomic_load_n(&f->requests, __ATOMIC_RELAXED);
}

size_t tarn_fail_refused(const tarn_fail *f)
{
    return __atomic_load_n(&f->refused, __ATOMIC_RELAXED);
}
