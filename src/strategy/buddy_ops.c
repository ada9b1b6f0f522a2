/* SPDX-License-Identifier: MIT */
/*
 * buddy_ops.c - a buddy allocator seen as a tarn_allocator: sizes to orders, the rare operations and
 * three tables, one for release, one that checks each call, one for after deinit.
 *
 * The order of a block is read from the map, so a free without a size is as good as one with it, and
 * a double free, a foreign and an interior pointer are seen in every build.
 */
#include "strategy/buddy_blocks.h"

#include "base/align.h"
#include "base/mem.h"
#include "base/thread_guard.h"

static tarn_buddy *of(tarn_allocator *a)
{
    return (tarn_buddy *)a;
}

static const tarn_buddy *of_const(const tarn_allocator *a)
{
    return (const tarn_buddy *)a;
}

static void report(const tarn_buddy *b, tarn_fault_kind kind, const void *block, size_t given,
                   size_t expected)
{
    tarn_fault_report(kind, "buddy", b->name, block, given, expected);
}

void *tarn_buddy_refuse(tarn_buddy *b, tarn_status status, size_t size, tarn_spec spec,
                        size_t limit)
{
    b->failures++;
    b->why = (tarn_why){status, size, tarn_spec_align(spec), limit};
    return NULL;
}

/* ── Sizes and orders ── */

/* The order of a request, TARN_BUDDY_ORDERS and more when it is larger than any block. */
static inline unsigned order_for(const tarn_buddy *b, size_t size, tarn_spec spec)
{
    size_t last = size != 0 ? size - 1 : 0; /* 2^k bytes are needed: k is the length of 2^k - 1 */
    unsigned bits =
        last != 0 ? (unsigned)(sizeof(unsigned long long) * 8) - (unsigned)__builtin_clzll(last)
                  : 0;
    unsigned align = spec & TARN_ALIGN_BITS;
    if (align > bits)
        bits = align;
    return bits > b->unit_log ? bits - b->unit_log : 0;
}

static void *refuse_order(tarn_buddy *b, size_t size, tarn_spec spec)
{
    size_t largest = tarn_buddy_size(b, b->top);
    return tarn_buddy_refuse(b, size > largest ? TARN_TOO_BIG : TARN_BAD_ALIGN, size, spec,
                             largest);
}

static inline unsigned live_order(const tarn_buddy *b, const void *block)
{
    return b->map[tarn_buddy_unit(b, (uintptr_t)block)] & BUDDY_ORDER;
}

/* ── Blocks ── */

static inline void *take(tarn_buddy *b, size_t size, tarn_spec spec, size_t *granted)
{
    unsigned order = order_for(b, size, spec);
    if (TARN_UNLIKELY(order > b->top))
        return refuse_order(b, size, spec);
    uintptr_t p = tarn_buddy_take(b, order);
    *granted = tarn_buddy_size(b, order);
    if (TARN_UNLIKELY(p == 0))
        return tarn_buddy_refuse(b, TARN_LIMIT, size, spec, b->units << b->unit_log);
    b->allocs++;
    b->asked += size;
    b->granted += *granted;
    return (void *)p; /* NOLINT(performance-no-int-to-ptr): a block's address */
}

static void *buddy_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    size_t granted = 0;
    void *block = take(of(a), size, spec, &granted);
    if (TARN_UNLIKELY((spec & TARN_ZERO) != 0) && block != NULL)
        memset(block, 0, size);
    return block;
}

static tarn_block buddy_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    size_t granted = 0;
    void *block = take(of(a), size, spec, &granted);
    if (block == NULL)
        return (tarn_block){NULL, 0};
    if ((spec & TARN_ZERO) != 0)
        memset(block, 0, granted);
    return (tarn_block){block, granted};
}

/* False, and reported, when it is no live block. */
static inline bool live(const tarn_buddy *b, const void *block)
{
    tarn_fault_kind fault;
    if (TARN_LIKELY(tarn_buddy_is_live(b, block, &fault)))
        return true;
    report(b, fault, block, 0, 0);
    return false;
}

static void buddy_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_buddy *b = of(a);
    (void)size, (void)spec;
    if (TARN_UNLIKELY(!live(b, block)))
        return;
    unsigned order = live_order(b, block);
    b->frees++;
    b->freed += tarn_buddy_size(b, order);
    tarn_buddy_give(b, (uintptr_t)block, order);
}

static void *buddy_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                          size_t keep, tarn_spec spec)
{
    tarn_buddy *b = of(a);
    if (!live(b, block))
        return NULL;
    unsigned from = live_order(b, block), to = order_for(b, new_size, spec);
    size_t zero_from = old_size > keep ? old_size : keep;
    if (to > b->top)
        return refuse_order(b, new_size, spec);
    if (to > from) {
        if (!tarn_buddy_grow(b, (uintptr_t)block, from, to)) {
            if ((spec & (TARN_IN_PLACE | TARN_NO_COPY)) != 0)
                return tarn_buddy_refuse(b, TARN_UNSUPPORTED, new_size, spec, 0);
            return tarn_resize_by_copy(a, block, old_size, new_size, keep, spec);
        }
        b->granted += tarn_buddy_size(b, to) - tarn_buddy_size(b, from);
    } else if (to < from) {
        tarn_buddy_shrink(b, (uintptr_t)block, from, to);
        b->freed += tarn_buddy_size(b, from) - tarn_buddy_size(b, to);
    }
    b->resizes++;
    if ((spec & TARN_ZERO) != 0 && new_size > zero_from)
        memset((char *)block + zero_from, 0, new_size - zero_from);
    return block;
}

/* ── The same, checked ── */

static bool mine(tarn_buddy *b, const void *block)
{
    if (tarn_thread_owns(&b->owner))
        return true;
    report(b, TARN_FAULT_WRONG_THREAD, block, 0, 0);
    return false;
}

/* Can a block of this order have been asked for with that size and alignment? */
static bool fits(const tarn_buddy *b, const void *block, size_t size, tarn_spec spec)
{
    if (!live(b, block))
        return false;
    size_t granted = tarn_buddy_size(b, live_order(b, block)), align = tarn_spec_align(spec);
    if (align > granted)
        report(b, TARN_FAULT_WRONG_ALIGN, block, align, granted);
    else if (size != 0 && order_for(b, size, spec) != live_order(b, block))
        report(b, TARN_FAULT_WRONG_SIZE, block, size, granted);
    else
        return true;
    return false;
}

static void *checked_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return mine(of(a), NULL) ? buddy_alloc(a, size, spec) : NULL;
}

static tarn_block checked_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return mine(of(a), NULL) ? buddy_alloc_at_least(a, size, spec) : (tarn_block){NULL, 0};
}

static void checked_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    if (mine(of(a), block) && fits(of(a), block, size, spec))
        buddy_free(a, block, size, spec);
}

static void *checked_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                            size_t keep, tarn_spec spec)
{
    return mine(of(a), block) && fits(of(a), block, old_size, spec)
               ? buddy_resize(a, block, old_size, new_size, keep, spec)
               : NULL;
}

/* ── Rare operations ── */

static const char *buddy_name(const tarn_allocator *a)
{
    return of_const(a)->name;
}

static tarn_answer buddy_owns(const tarn_allocator *a, const void *block)
{
    const tarn_buddy *b = of_const(a);
    return tarn_buddy_unit(b, (uintptr_t)block) < b->units ? TARN_YES : TARN_NO;
}

static size_t buddy_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    const tarn_buddy *b = of_const(a);
    (void)size, (void)spec;
    return tarn_buddy_size(b, live_order(b, block));
}

/* Asked on the rare calls of both tables: a checking buddy belongs to one thread. */
static bool is_strange(tarn_buddy *b)
{
    if (b->allocator.ops != &tarn_buddy_checked_ops || tarn_thread_owns(&b->owner))
        return false;
    report(b, TARN_FAULT_WRONG_THREAD, NULL, 0, 0);
    return true;
}

static tarn_status buddy_reset(tarn_allocator *a)
{
    tarn_buddy *b = of(a);
    if (is_strange(b))
        return TARN_BAD_ARGUMENT;
    tarn_buddy_clear(b);
    b->frees = b->allocs;
    b->freed = b->granted;
    return TARN_OK;
}

/* The whole granules of a free block back to the source, but for its links. */
static size_t purge(tarn_buddy *b, size_t u)
{
    unsigned order = b->map[u] & BUDDY_ORDER;
    size_t granule = b->source->granule, links = b->sets != NULL ? 0 : sizeof(tarn_buddy_link);
    uintptr_t p = b->low + (u << b->unit_log), end = p + tarn_buddy_size(b, order);
    uintptr_t from = p + links + tarn_align_gap((char *)p + links, granule);
    end &= ~(uintptr_t)(granule - 1);
    if (from >= end || (b->map[u] & BUDDY_PURGED) != 0 ||
        tarn_source_purge(b->source, (void *)from, end - from) != TARN_OK)
        return 0;
    b->map[u] |= BUDDY_PURGED;
    return end - from;
}

static size_t buddy_trim(tarn_allocator *a)
{
    tarn_buddy *b = of(a);
    size_t gone = 0;
    if (is_strange(b))
        return 0;
    tarn_buddy_settle(b);
    if (b->source == NULL || !tarn_source_can(b->source, TARN_SOURCE_PURGE))
        return 0;
    for (size_t u = 0; u < b->units; u += (size_t)1 << (b->map[u] & BUDDY_ORDER)) {
        if ((b->map[u] & BUDDY_STATE) == BUDDY_FREE)
            gone += purge(b, u);
    }
    return gone;
}

static tarn_status buddy_stats(const tarn_allocator *a, tarn_stats *out)
{
    const tarn_buddy *b = of_const(a);
    out->known = TARN_STATS_LIVE | TARN_STATS_TOTAL | TARN_STATS_HELD | TARN_STATS_CHUNKS |
                 TARN_STATS_FAILED;
    out->live_blocks = (size_t)(b->allocs - b->frees);
    out->live_bytes = (size_t)(b->granted - b->freed);
    out->allocs = b->allocs;
    out->frees = b->frees;
    out->resizes = b->resizes;
    out->bytes = b->asked;
    out->held_bytes = b->held;
    out->idle_bytes = b->held > out->live_bytes ? b->held - out->live_bytes : 0;
    out->failures = b->failures;
    out->chunks = 1;
    return TARN_OK;
}

/* The visitor may free the block it sees, which may then be the middle of a larger one: the way to
 * the next one is over units in which nothing starts. */
static tarn_status buddy_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    tarn_buddy *b = of(a);
    if (is_strange(b))
        return TARN_BAD_ARGUMENT;
    for (size_t u = 0, next; u < b->units; u = next) {
        unsigned order = b->map[u] & BUDDY_ORDER;
        next = u + ((size_t)1 << order); /* one unit further where nothing starts */
        void *block = (void *)(b->low + (u << b->unit_log)); /* NOLINT(performance-no-int-to-ptr) */
        if ((b->map[u] & BUDDY_STATE) == BUDDY_LIVE && !see(user, block, tarn_buddy_size(b, order)))
            break;
    }
    return TARN_OK;
}

static tarn_status buddy_check(const tarn_allocator *a)
{
    return tarn_buddy_valid(of_const(a)) ? TARN_OK : TARN_CORRUPT;
}

static tarn_why buddy_why(const tarn_allocator *a)
{
    return of_const(a)->why;
}

static tarn_allocator *buddy_parent(const tarn_allocator *a, unsigned index)
{
    const tarn_buddy *b = of_const(a);
    if (b->own_source.allocator == NULL)
        index++;
    if (index == 0)
        return b->own_source.allocator;
    return index == 1 ? b->metadata : NULL;
}

static void buddy_deinit(tarn_allocator *a)
{
    tarn_buddy_deinit(of(a));
}

static void buddy_share(tarn_allocator *a)
{
    tarn_thread_share(&of(a)->owner);
}

void tarn_buddy_get_figures(const tarn_buddy *b, tarn_buddy_figures *out)
{
    uint32_t free = b->free_mask | b->wait_mask;
    *out = (tarn_buddy_figures){.asked = b->asked,
                                .granted = b->granted,
                                .splits = b->splits,
                                .merges = b->merges,
                                .largest = tarn_buddy_size(b, b->top),
                                .metadata_bytes = b->metadata_bytes};
    out->free_bytes = (b->units << b->unit_log) - (size_t)(b->granted - b->freed);
    if (free != 0)
        out->largest_free = tarn_buddy_size(b, 31 - (unsigned)__builtin_clz(free));
    for (unsigned order = 0; order < TARN_BUDDY_ORDERS; order++)
        out->waiting_blocks += b->wait_count[order];
}

/* ── After deinit ── */

static void *dead(tarn_allocator *a, const void *block)
{
    report(of(a), TARN_FAULT_USE_AFTER_DEINIT, block, 0, 0);
    return NULL;
}

static void *dead_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    (void)size, (void)spec;
    return dead(a, NULL);
}

static void dead_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    (void)size, (void)spec;
    (void)dead(a, block);
}

static const tarn_rare_ops BUDDY_RARE = {
    .bytes = sizeof(tarn_rare_ops),
    .name = buddy_name,
    .owns = buddy_owns,
    .usable = buddy_usable,
    .reset = buddy_reset,
    .trim = buddy_trim,
    .stats = buddy_stats,
    .visit = buddy_visit,
    .check = buddy_check,
    .why = buddy_why,
    .parent = buddy_parent,
    .deinit = buddy_deinit,
    .share = buddy_share,
};

static const tarn_rare_ops DEAD_RARE = {
    .bytes = sizeof(tarn_rare_ops),
    .name = buddy_name,
    .owns = buddy_owns,
    .why = buddy_why,
    .deinit = buddy_deinit,
};

#define BUDDY_CAPS                                                                                 \
    (TARN_CAP_UNSIZED_FREE | TARN_CAP_FREE | TARN_CAP_RESIZE | TARN_CAP_OWNS | TARN_CAP_RESET |    \
     TARN_CAP_TRIM | TARN_CAP_VISIT | TARN_CAP_CHECK | TARN_CAP_STATS | TARN_CAP_BOUNDED)

const tarn_ops tarn_buddy_ops = {.abi = TARN_ABI,
                                 .caps = BUDDY_CAPS,
                                 .alloc = buddy_alloc,
                                 .free = buddy_free,
                                 .resize = buddy_resize,
                                 .alloc_at_least = buddy_alloc_at_least,
                                 .rare = &BUDDY_RARE};

const tarn_ops tarn_buddy_checked_ops = {.abi = TARN_ABI,
                                         .caps = BUDDY_CAPS,
                                         .alloc = checked_alloc,
                                         .free = checked_free,
                                         .resize = checked_resize,
                                         .alloc_at_least = checked_alloc_at_least,
                                         .rare = &BUDDY_RARE};

const tarn_ops tarn_buddy_dead_ops = {.abi = TARN_ABI,
                                      .caps = TARN_CAP_OWNS,
                                      .alloc = dead_alloc,
                                      .free = dead_free,
                                      .rare = &DEAD_RARE};
