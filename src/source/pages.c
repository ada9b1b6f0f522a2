/* SPDX-License-Identifier: MIT */
/*
 * pages.c - the operating system's memory, as a source and as an allocator.
 *
 * The allocator is a view of the same state: a block is a region of round(max(size, 1)) bytes, so
 * that any size between requested and granted rounds to what has to be unmapped.
 *
 * I1  report.mapped is the sum of round(size) over all regions and blocks that are out, and never
 *     more than the limit: it is raised before a mapping is made and lowered after it is gone.
 * I2  Every counter is changed by atomic operations alone. Relaxed is enough: none of them guards
 *     other data.
 */
#include "source/pages_place.h"

#include <string.h>

#include "base/align.h"
#include "base/checked.h"
#include "os/pages.h"

static tarn_pages *of_source(tarn_source *s)
{
    return (tarn_pages *)s;
}

static tarn_pages *of_allocator(tarn_allocator *a)
{
    return (tarn_pages *)(void *)((char *)a - offsetof(tarn_pages, allocator));
}

static const tarn_pages *of_const(const tarn_allocator *a)
{
    return (const tarn_pages *)(const void *)((const char *)a - offsetof(tarn_pages, allocator));
}

static tarn_status refuse(tarn_pages *p, tarn_status status, size_t size, size_t align)
{
    COUNT(p->failures, 1);
    WRITE(p->failed_status, (uint32_t)status);
    WRITE(p->failed_size, size);
    WRITE(p->failed_align, (uint32_t)__builtin_ctzll((unsigned long long)align));
    return status;
}

/* Take `size` bytes of the limit (I1). */
static bool charge(tarn_pages *p, size_t size)
{
    size_t now = READ(p->report.mapped), then, peak;
    do {
        if (!tarn_add(now, size, &then) || (p->limit != 0 && then > p->limit))
            return false;
    } while (!__atomic_compare_exchange_n(&p->report.mapped, &now, then, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    peak = READ(p->report.peak);
    while (peak < then && !__atomic_compare_exchange_n(&p->report.peak, &peak, then, true,
                                                       __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    return true;
}

static void uncharge(tarn_pages *p, size_t size)
{
    (void)__atomic_fetch_sub(&p->report.mapped, size, __ATOMIC_RELAXED);
}

/* size is a multiple of the granule, align a power of two. */
static tarn_status pages_map(tarn_source *s, size_t size, size_t align, uint32_t flags,
                             tarn_region *out)
{
    tarn_pages *p = of_source(s);
    tarn_status status;
    if (!charge(p, size))
        return refuse(p, TARN_LIMIT, size, align);
    out->size = size;
    status = tarn_pages_place(p, align, (flags & TARN_MAP_RESERVE) != 0, out);
    if (status != TARN_OK) {
        uncharge(p, size);
        return refuse(p, status, size, align);
    }
    tarn_os_name(out->ptr, size, p->name);
    COUNT(p->report.regions, 1);
    return TARN_OK;
}

static void pages_unmap(tarn_source *s, void *ptr, size_t size, size_t align)
{
    tarn_pages *p = of_source(s);
    (void)align;
    tarn_os_release(ptr, size);
    uncharge(p, size);
    (void)__atomic_fetch_sub(&p->report.regions, 1, __ATOMIC_RELAXED);
}

static tarn_status pages_commit(tarn_source *s, void *ptr, size_t size)
{
    tarn_pages *p = of_source(s);
    if (size == 0 ||
        (tarn_os_commit(ptr, size) && (!p->populate || tarn_os_populate(ptr, size, true))))
        return TARN_OK;
    return refuse(p, TARN_NO_MEMORY, size, s->granule);
}

static tarn_status pages_purge(tarn_source *s, void *ptr, size_t size)
{
    (void)s;
    return size == 0 || tarn_os_purge(ptr, size) ? TARN_OK : TARN_UNSUPPORTED;
}

/* Sizes are multiples of the granule; the limit holds for the sum, so only growth is charged. */
static void *move(tarn_pages *p, void *ptr, size_t old_size, size_t new_size, size_t align,
                  bool may_move)
{
    void *to;
    if (new_size > old_size && !charge(p, new_size - old_size)) {
        (void)refuse(p, TARN_LIMIT, new_size, align);
        return NULL;
    }
    to = tarn_os_remap(ptr, old_size, new_size, align, may_move);
    if (to == NULL) {
        if (new_size > old_size)
            uncharge(p, new_size - old_size);
        (void)refuse(p, TARN_NO_MEMORY, new_size, align);
    } else if (new_size < old_size) {
        uncharge(p, old_size - new_size);
    } else if (p->populate && new_size > old_size) { /* where there is too little, the touch does */
        (void)tarn_os_populate((char *)to + old_size, new_size - old_size, true);
    }
    return to;
}

static tarn_status pages_remap(tarn_source *s, void *ptr, size_t old_size, size_t new_size,
                               bool may_move, tarn_region *out)
{
    tarn_pages *p = of_source(s);
    out->ptr = move(p, ptr, old_size, new_size, s->granule, may_move);
    if (out->ptr == NULL)
        return (tarn_status)READ(p->failed_status);
    out->size = new_size;
    out->traits = TARN_REGION_COMMITTED;
    return TARN_OK;
}

static const char *pages_name(const tarn_source *s)
{
    return ((const tarn_pages *)s)->name;
}

static tarn_status pages_stats(const tarn_source *s, tarn_stats *out)
{
    const tarn_pages *p = (const tarn_pages *)s;
    memset(out, 0, sizeof *out);
    out->known = TARN_STATS_FAILED | TARN_STATS_HELD | TARN_STATS_CHUNKS;
    out->failures = READ(p->failures);
    out->held_bytes = READ(p->report.mapped);
    out->chunks = READ(p->report.regions);
    return TARN_OK;
}

static void pages_deinit(tarn_source *s)
{
    tarn_pages_deinit(of_source(s));
}

static const tarn_source_ops PAGES_SOURCE = {
    .abi = TARN_ABI,
    .caps = TARN_SOURCE_COMMIT | TARN_SOURCE_PURGE | TARN_SOURCE_REMAP | TARN_SOURCE_THREADS,
    .map = pages_map,
    .unmap = pages_unmap,
    .commit = pages_commit,
    .purge = pages_purge,
    .remap = pages_remap,
    .name = pages_name,
    .stats = pages_stats,
    .deinit = pages_deinit,
};

/* ── The allocator ─────────────────────────────────────────────────────────────────────────── */

/* Bytes that a block of `size` takes; false when it cannot exist. */
static bool footprint(const tarn_pages *p, size_t size, size_t *out)
{
    return tarn_round_up(size != 0 ? size : 1, p->source.granule, out);
}

static tarn_block block_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_pages *p = of_allocator(a);
    size_t align = tarn_spec_align(spec), whole;
    tarn_region region = {NULL, 0, 0};
    tarn_block none = {NULL, 0};
    if ((spec & TARN_ALIGN_BITS) >= sizeof(size_t) * 8) {
        (void)refuse(p, TARN_BAD_ALIGN, size, align);
        return none;
    }
    if (!footprint(p, size, &whole) || whole > PTRDIFF_MAX) {
        (void)refuse(p, TARN_TOO_BIG, size, align);
        return none;
    }
    if (pages_map(&p->source, whole, align, 0, &region) != TARN_OK) {
        WRITE(p->failed_size, size);
        return none;
    }
    return (tarn_block){region.ptr, region.size};
}

static void *block_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return block_at_least(a, size, spec).ptr;
}

static void block_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_pages *p = of_allocator(a);
    size_t whole = 0;
    if (footprint(p, size, &whole))
        pages_unmap(&p->source, block, whole, tarn_spec_align(spec));
}

/* Bytes of the old region's last page that were not part of the block may be dirty. */
static void zero_tail(char *block, size_t old_size, size_t old_whole, size_t new_size,
                      tarn_spec spec)
{
    size_t end = new_size < old_whole ? new_size : old_whole;
    if ((spec & TARN_ZERO) != 0 && end > old_size)
        memset(block + old_size, 0, end - old_size);
}

static void *block_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                          size_t keep, tarn_spec spec)
{
    tarn_pages *p = of_allocator(a);
    size_t align = tarn_spec_align(spec), old_whole = 0, whole;
    bool in_place = (spec & TARN_IN_PLACE) != 0;
    void *to = block;
    if (!footprint(p, old_size, &old_whole) || !footprint(p, new_size, &whole) ||
        whole > PTRDIFF_MAX) {
        (void)refuse(p, TARN_TOO_BIG, new_size, align);
        return NULL;
    }
    if (whole != old_whole)
        to = move(p, block, old_whole, whole, align, !in_place);
    if (to == NULL) /* explicit huge pages cannot be moved */
        return tarn_resize_by_copy(a, block, old_size, new_size, keep, spec);
    zero_tail(to, old_size, old_whole, new_size, spec);
    return to;
}

static size_t block_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    size_t whole = 0;
    (void)block;
    (void)spec;
    return footprint(of_const(a), size, &whole) ? whole : size;
}

static const char *block_name(const tarn_allocator *a)
{
    return of_const(a)->name;
}

static tarn_status block_stats(const tarn_allocator *a, tarn_stats *out)
{
    return pages_stats(&of_const(a)->source, out);
}

static tarn_why block_why(const tarn_allocator *a)
{
    const tarn_pages *p = of_const(a);
    tarn_why why = {(tarn_status)READ(p->failed_status), 0, 0, 0};
    if (why.status != TARN_OK) {
        why.size = READ(p->failed_size);
        why.align = (size_t)1 << READ(p->failed_align);
    }
    if (why.status == TARN_LIMIT)
        why.limit = p->limit;
    return why;
}

static void block_deinit(tarn_allocator *a)
{
    tarn_pages_deinit(of_allocator(a));
}

static const tarn_rare_ops PAGES_RARE = {
    .bytes = sizeof(tarn_rare_ops),
    .name = block_name,
    .usable = block_usable,
    .stats = block_stats,
    .why = block_why,
    .deinit = block_deinit,
};

static const tarn_ops PAGES_OPS = {
    .abi = TARN_ABI,
    .caps = TARN_CAP_FREE | TARN_CAP_RESIZE | TARN_CAP_STATS | TARN_CAP_THREADS |
            TARN_CAP_THREADS_FREE | TARN_CAP_ZEROED,
    .alloc = block_alloc,
    .free = block_free,
    .resize = block_resize,
    .alloc_at_least = block_at_least,
    .rare = &PAGES_RARE,
};

/* ── Life cycle ────────────────────────────────────────────────────────────────────────────── */

tarn_status tarn_pages_init(tarn_pages *p, const tarn_pages_options *options)
{
    static const tarn_pages_options defaults;
    const tarn_pages_options *o = options != NULL ? options : &defaults;
    tarn_status status;
    memset(p, 0, sizeof *p);
    status = tarn_pages_set_place(p, o);
    if (status != TARN_OK)
        return status;
    p->source.ops = &PAGES_SOURCE;
    p->source.granule = p->huge_size != 0 ? p->huge_size : tarn_os_page_size();
    p->allocator.ops = &PAGES_OPS;
    p->name = o->name != NULL ? o->name : "pages";
    p->limit = o->limit;
    return TARN_OK;
}

void tarn_pages_deinit(tarn_pages *p)
{
    p->source.ops = NULL;
    p->allocator.ops = NULL;
}

void tarn_pages_get_report(const tarn_pages *p, tarn_pages_report *out)
{
    out->mapped = READ(p->report.mapped);
    out->peak = READ(p->report.peak);
    out->regions = READ(p->report.regions);
    out->huge_explicit = READ(p->report.huge_explicit);
    out->huge_advised = READ(p->report.huge_advised);
    out->huge_refused = READ(p->report.huge_refused);
    out->numa_placed = READ(p->report.numa_placed);
    out->numa_refused = READ(p->report.numa_refused);
}
