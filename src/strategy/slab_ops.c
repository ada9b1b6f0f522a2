/* SPDX-License-Identifier: MIT */
/*
 * slab_ops.c - a slab seen as a tarn_allocator: questions, reset, trim, visit, check, and the operation
 * table.
 *
 * Whoever walks the pages first puts the blocks at hand back into them (tarn_slab_flush), so that a bit
 * that is 0 means a live block. Only check and stats, which may not change anything, count the blocks at
 * hand as they are. A slab after deinit has no core: it owns and counts nothing.
 */
#include "base/mem.h"
#include "base/thread_guard.h"
#include "strategy/slab_page.h"

/* ── Rare operations ── */

static const char *slab_name(const tarn_allocator *a)
{
    return ((const tarn_slab *)a)->name;
}

static tarn_answer slab_owns(const tarn_allocator *a, const void *block)
{
    const tarn_slab *slab = (const tarn_slab *)a;
    size_t i = 0;
    if (slab->core == NULL)
        return TARN_NO;
    const tarn_slab_page *p = tarn_slab_page_at(slab, block, true);
    if (p != NULL)
        return tarn_slab_locate(slab, p, block, &i) != TARN_SLAB_FOREIGN ? TARN_YES : TARN_NO;
    return tarn_slab_large_owns(slab, block) ? TARN_YES : TARN_NO;
}

static size_t slab_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    const tarn_slab *slab = (const tarn_slab *)a;
    if (slab->core == NULL)
        return size;
    unsigned k = size != 0 ? tarn_slab_pick(slab, size, spec & TARN_ALIGN_BITS)
                           : (unsigned)TARN_SLAB_NO_CLASS;
    const tarn_slab_page *p = size == 0 ? tarn_slab_page_at(slab, block, true) : NULL;
    if (p != NULL)
        k = p->number;
    if (k != TARN_SLAB_NO_CLASS)
        return slab->classes[k].size;
    size_t large = tarn_slab_large_size(slab, block);
    return large != 0 ? large : size;
}

static tarn_status slab_reset(tarn_allocator *a)
{
    tarn_slab *slab = (tarn_slab *)a;
    if (tarn_slab_barred(slab, NULL))
        return TARN_BAD_ARGUMENT;
    tarn_slab_forget(slab);
    tarn_slab_large_deinit(slab);
    return TARN_OK;
}

static size_t slab_trim(tarn_allocator *a)
{
    tarn_slab *slab = (tarn_slab *)a;
    if (tarn_slab_barred(slab, NULL))
        return 0;
    size_t before = slab->core->held;
    tarn_slab_flush(slab);
    (void)tarn_slab_release(slab, 0);
    return before - slab->core->held;
}

bool tarn_slab_get_class(const tarn_slab *slab, size_t number, tarn_slab_class_stats *out)
{
    *out = (tarn_slab_class_stats){0};
    if (number >= slab->class_count)
        return false;
    const tarn_slab_class *c = &slab->classes[number];
    out->size = c->size;
    out->align = (size_t)1 << c->shift;
    out->pages = c->pages;
    out->at_hand = (size_t)(c->empty - c->top);
    out->free_blocks = c->free;
    out->live_blocks = c->carved - c->free - out->at_hand;
    return true;
}

static tarn_status slab_stats(const tarn_allocator *a, tarn_stats *out)
{
    const tarn_slab *slab = (const tarn_slab *)a;
    tarn_slab_class_stats one;
    out->known = TARN_STATS_LIVE | TARN_STATS_HELD | TARN_STATS_CHUNKS | TARN_STATS_FAILED;
    out->failures = slab->failures;
    if (slab->core == NULL)
        return TARN_OK;
    out->live_blocks = slab->core->large_map.count;
    out->live_bytes = slab->core->large_bytes;
    for (size_t k = 0; tarn_slab_get_class(slab, k, &one); k++) {
        out->live_blocks += one.live_blocks;
        out->live_bytes += one.live_blocks * one.size;
    }
    out->held_bytes = slab->core->held + slab->core->large_bytes;
    out->idle_bytes = out->held_bytes > out->live_bytes ? out->held_bytes - out->live_bytes : 0;
    out->chunks = slab->core->page_count;
    return TARN_OK;
}

/* False when the visitor ended it. A page whose last block the visitor frees has none any more. */
static bool visit_page(tarn_slab *slab, const tarn_slab_page *p, tarn_visitor *see, void *user)
{
    size_t size = p->number != TARN_SLAB_NO_CLASS ? slab->classes[p->number].size : 0;
    for (size_t i = 0; i < p->carved; i++) {
        if (!tarn_bitmap_has(&p->map, i) && !see(user, p->blocks + i * size, size))
            return false;
    }
    return true;
}

static tarn_status slab_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    tarn_slab *slab = (tarn_slab *)a;
    if (tarn_slab_barred(slab, NULL))
        return TARN_BAD_ARGUMENT;
    tarn_slab_flush(slab);
    slab->core->visiting = true;
    bool more = true;
    for (const tarn_slab_page *p = slab->core->pages; more && p != NULL; p = p->all_next)
        more = visit_page(slab, p, see, user);
    if (more)
        (void)tarn_slab_large_visit(slab, see, user);
    slab->core->visiting = false;
    return TARN_OK;
}

/* ── Check ── */

static bool page_valid(const tarn_slab *slab, const tarn_slab_page *p)
{
    size_t free = 0;
    const tarn_address_entry *e = tarn_address_map_find(&slab->core->page_map, (uintptr_t)p->base);
    if (p->slab != slab || e == NULL || e->value != (uintptr_t)p)
        return false;
    if (p->number == TARN_SLAB_NO_CLASS)
        return p->carved == 0 && p->free == 0 && p->list == TARN_SLAB_NO_LIST;
    if (p->number >= slab->class_count || p->carved == 0 || p->carved > p->capacity ||
        p->free >= p->carved || p->map.opened != (p->carved + 63) / 64)
        return false;
    for (size_t w = 0; w < p->map.opened; w++)
        free += (size_t)__builtin_popcountll(p->map.level[0][w]);
    if (p->carved % 64 != 0 && p->map.level[0][p->carved / 64] >> (p->carved % 64) != 0)
        return false;
    uint32_t list = p->free == 0 ? (uint32_t)TARN_SLAB_NO_LIST : (p->free - 1) / p->quarter;
    return free == p->free && list == p->list && tarn_bitmap_valid(&p->map);
}

/* Are the blocks at hand carved, not free, and each there once? */
static bool at_hand_valid(const tarn_slab *slab, const tarn_slab_class *c)
{
    if (c->full > c->top || c->top > c->empty)
        return false;
    for (void **at = c->top; at != c->empty; at++) {
        const tarn_slab_page *p = tarn_slab_page_at(slab, *at, true);
        size_t i = 0;
        if (p == NULL || p->number != c->number ||
            tarn_slab_locate(slab, p, *at, &i) != TARN_SLAB_CARVED || tarn_bitmap_has(&p->map, i))
            return false;
        for (void **other = at + 1; other != c->empty; other++) {
            if (*other == *at)
                return false;
        }
    }
    return true;
}

static bool class_valid(const tarn_slab *slab, const tarn_slab_class *c)
{
    size_t carved = 0, free = 0, pages = 0, listed = 0, with_free = 0;
    for (const tarn_slab_page *p = slab->core->pages; p != NULL; p = p->all_next) {
        if (p->number != c->number)
            continue;
        carved += p->carved;
        free += p->free;
        pages++;
        with_free += p->free != 0;
    }
    for (uint32_t q = 0; q < 4; q++) {
        const tarn_slab_page *before = NULL;
        for (const tarn_slab_page *p = c->partial[q]; p != NULL; before = p, p = p->next) {
            if (p->number != c->number || p->list != q || p->prev != before)
                return false;
            listed++;
        }
    }
    return carved == c->carved && free == c->free && pages == c->pages && listed == with_free &&
           (c->carving == NULL || c->carving->number == c->number) && at_hand_valid(slab, c);
}

static tarn_status slab_check(const tarn_allocator *a)
{
    const tarn_slab *slab = (const tarn_slab *)a;
    const tarn_slab_core *core = slab->core;
    size_t pages = 0, idle = 0, listed = 0;
    if (core == NULL)
        return TARN_OK;
    for (const tarn_slab_page *p = core->pages; p != NULL; p = p->all_next) {
        if (!page_valid(slab, p))
            return TARN_CORRUPT;
        pages++;
        idle += p->number == TARN_SLAB_NO_CLASS;
    }
    for (const tarn_slab_page *p = core->idle_first; p != NULL; p = p->next)
        listed += p->number == TARN_SLAB_NO_CLASS;
    for (uint32_t k = 0; k < slab->class_count; k++) {
        if (!class_valid(slab, &slab->classes[k]))
            return TARN_CORRUPT;
    }
    return pages == core->page_count && pages == core->page_map.count && idle == listed &&
                   idle == core->idle_count
               ? TARN_OK
               : TARN_CORRUPT;
}

static tarn_why slab_why(const tarn_allocator *a)
{
    return ((const tarn_slab *)a)->why;
}

static tarn_allocator *slab_parent(const tarn_allocator *a, unsigned index)
{
    const tarn_slab *slab = (const tarn_slab *)a;
    tarn_allocator *pages = slab->own_source.allocator, *meta = slab->own_metasource.allocator;
    tarn_allocator *all[] = {slab->parent != NULL ? slab->parent : pages, meta};
    if (all[0] == NULL)
        all[0] = all[1];
    if (all[0] == all[1])
        all[1] = NULL;
    return index < 2 ? all[index] : NULL;
}

static void slab_deinit(tarn_allocator *a)
{
    tarn_slab_deinit((tarn_slab *)a);
}

static void slab_share(tarn_allocator *a)
{
    tarn_thread_share(&((tarn_slab *)a)->owner);
}

/* ── The view as an allocator ── */

static void *slab_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return tarn_slab_alloc((tarn_slab *)a, size, spec);
}

static void slab_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_slab_free((tarn_slab *)a, block, size, spec);
}

/* In place when the class stays, or by the parent when it was its block before and after; else by
 * copying: a size of another class would send the block to that class when it is freed. */
static void *slab_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                         size_t keep, tarn_spec spec)
{
    tarn_slab *slab = (tarn_slab *)a;
    size_t from = old_size > keep ? old_size : keep; /* an old size of 0 may mean "unknown" */
    if (tarn_slab_barred(slab, block))
        return NULL;
    if ((slab->flags & TARN_SLAB_CHECK) != 0 && !tarn_slab_sound(slab, block, old_size, spec))
        return NULL;
    unsigned log2_align = spec & TARN_ALIGN_BITS, was, will;
    const tarn_slab_page *p = old_size == 0 ? tarn_slab_page_at(slab, block, true) : NULL;
    was = old_size == 0 ? (p != NULL ? p->number : (unsigned)TARN_SLAB_NO_CLASS)
                        : tarn_slab_pick(slab, old_size, log2_align);
    will = tarn_slab_pick(slab, new_size, log2_align);
    if (was == TARN_SLAB_NO_CLASS && will == was)
        return tarn_slab_large_resize(slab, block, from, new_size, keep, spec);
    if (was != will) {
        void *fresh = tarn_resize_by_copy(a, block, old_size, new_size, keep, spec);
        if (fresh == NULL && (spec & (TARN_IN_PLACE | TARN_NO_COPY)) != 0)
            tarn_slab_refuse(slab, TARN_UNSUPPORTED, new_size, spec,
                             was != TARN_SLAB_NO_CLASS ? slab->classes[was].size : old_size);
        return fresh;
    }
    if ((spec & TARN_ZERO) != 0 && new_size > from)
        memset((char *)block + from, 0, new_size - from);
    return block;
}

static tarn_block slab_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_slab *slab = (tarn_slab *)a;
    if (tarn_slab_barred(slab, NULL))
        return (tarn_block){NULL, 0};
    unsigned k = tarn_slab_pick(slab, size, spec & TARN_ALIGN_BITS);
    if (k == TARN_SLAB_NO_CLASS)
        return tarn_slab_large_alloc(slab, size, spec, true);
    void *block = tarn_slab_alloc(slab, size, spec);
    return (tarn_block){block, block != NULL ? slab->classes[k].size : 0};
}

static size_t slab_alloc_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                               void **out)
{
    return tarn_slab_alloc_batch((tarn_slab *)a, size, spec, count, out);
}

static void slab_free_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                            void *const *blocks)
{
    tarn_slab_free_batch((tarn_slab *)a, size, spec, count, blocks);
}

static const tarn_rare_ops SLAB_RARE = {
    .bytes = sizeof(tarn_rare_ops),
    .name = slab_name,
    .owns = slab_owns,
    .usable = slab_usable,
    .reset = slab_reset,
    .trim = slab_trim,
    .stats = slab_stats,
    .visit = slab_visit,
    .check = slab_check,
    .why = slab_why,
    .parent = slab_parent,
    .deinit = slab_deinit,
    .share = slab_share,
};

const tarn_ops tarn_slab_ops = {
    .abi = TARN_ABI,
    .caps = TARN_CAP_UNSIZED_FREE | TARN_CAP_FREE | TARN_CAP_RESIZE | TARN_CAP_OWNS |
            TARN_CAP_RESET | TARN_CAP_TRIM | TARN_CAP_VISIT | TARN_CAP_CHECK | TARN_CAP_STATS,
    .alloc = slab_alloc,
    .free = slab_free,
    .resize = slab_resize,
    .alloc_at_least = slab_alloc_at_least,
    .alloc_batch = slab_alloc_batch,
    .free_batch = slab_free_batch,
    .rare = &SLAB_RARE,
};
