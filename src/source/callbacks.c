/* SPDX-License-Identifier: MIT */
/*
 * callbacks.c - the user's functions as a source.
 *
 * I1  A region that is handed out has an address, is aligned as asked and to the granule, is as large
 *     as asked at least and in whole granules, and ends before the addresses do. So its pieces can
 *     be committed and purged.
 * I2  Counters, and why, are changed by atomic operations alone; relaxed, as none guards other data.
 */
#include <tarn/callbacks.h>

#include <string.h>

#include "base/align.h"

#define GRANULE          4096u
#define ADD(counter, n)  ((void)__atomic_fetch_add(&(counter), (n), __ATOMIC_RELAXED))
#define LESS(counter, n) ((void)__atomic_fetch_sub(&(counter), (n), __ATOMIC_RELAXED))
#define READ(counter)    __atomic_load_n(&(counter), __ATOMIC_RELAXED)

#define KNOWN_TRAITS                                                                               \
    ((uint32_t)(TARN_REGION_ZEROED | TARN_REGION_COMMITTED | TARN_REGION_PINNED | TARN_REGION_HUGE))

static tarn_callbacks *of(tarn_source *s)
{
    return (tarn_callbacks *)s;
}

static tarn_status unsound(tarn_callbacks *c, tarn_status status, const char *why)
{
    ADD(c->report.unsound, 1);
    __atomic_store_n(&c->why, why, __ATOMIC_RELAXED);
    return status;
}

/* What can be wrong with an answer (I1), of map and of remap. */
typedef enum flaw { NO_ADDRESS, NOT_ALIGNED, TOO_SMALL, NOT_WHOLE, BEYOND } flaw;

static tarn_status name_flaw(tarn_callbacks *c, flaw what, bool was_remap)
{
    static const struct {
        tarn_status status;
        const char *why[2];
    } FLAWS[] = {
        [NO_ADDRESS] = {TARN_NO_MEMORY, {"map: no address", "remap: no address"}},
        [NOT_ALIGNED] = {TARN_BAD_ALIGN,
                         {"map: not aligned as asked", "remap: not aligned to the granule"}},
        [TOO_SMALL] = {TARN_WRONG_SIZE, {"map: less than asked for", "remap: less than asked for"}},
        [NOT_WHOLE] = {TARN_WRONG_SIZE, {"map: no whole granules", "remap: no whole granules"}},
        [BEYOND] = {TARN_CORRUPT, {"map: beyond all addresses", "remap: beyond all addresses"}},
    };
    return unsound(c, FLAWS[what].status, FLAWS[what].why[was_remap]);
}

static tarn_status judge(tarn_callbacks *c, const tarn_region *r, size_t size, size_t align,
                         bool was_remap)
{
    if (r->ptr == NULL)
        return name_flaw(c, NO_ADDRESS, was_remap);
    if (!tarn_is_aligned(r->ptr, align))
        return name_flaw(c, NOT_ALIGNED, was_remap);
    if (r->size < size)
        return name_flaw(c, TOO_SMALL, was_remap);
    if (r->size % c->source.granule != 0)
        return name_flaw(c, NOT_WHOLE, was_remap);
    if (r->size > PTRDIFF_MAX || (uintptr_t)r->ptr > UINTPTR_MAX - r->size)
        return name_flaw(c, BEYOND, was_remap);
    return TARN_OK;
}

/* size is a multiple of the granule, align a power of two. */
static tarn_status callbacks_map(tarn_source *s, size_t size, size_t align, uint32_t flags,
                                 tarn_region *out)
{
    tarn_callbacks *c = of(s);
    tarn_status status;
    align = align > s->granule ? align : s->granule;
    *out = (tarn_region){NULL, size, TARN_REGION_COMMITTED};
    if ((flags & TARN_MAP_RESERVE) != 0)
        out->traits = 0;
    status = c->call.map(c->call.user, size, align, flags, out);
    if (status != TARN_OK) {
        ADD(c->report.refused, 1);
        return status;
    }
    status = judge(c, out, size, align, false);
    if (status != TARN_OK) {
        if (out->ptr != NULL && c->call.unmap != NULL)
            c->call.unmap(c->call.user, out->ptr, out->size, align);
        return status;
    }
    out->traits &= KNOWN_TRAITS;
    if (c->call.unmap == NULL)
        out->traits |= TARN_REGION_PINNED;
    ADD(c->report.mapped, out->size);
    ADD(c->report.regions, 1);
    return TARN_OK;
}

static void callbacks_unmap(tarn_source *s, void *ptr, size_t size, size_t align)
{
    tarn_callbacks *c = of(s);
    LESS(c->report.mapped, size);
    LESS(c->report.regions, 1);
    if (c->call.unmap != NULL)
        c->call.unmap(c->call.user, ptr, size, align > s->granule ? align : s->granule);
}

static tarn_status note(tarn_callbacks *c, tarn_status status)
{
    if (status != TARN_OK)
        ADD(c->report.refused, 1);
    return status;
}

static tarn_status callbacks_commit(tarn_source *s, void *ptr, size_t size)
{
    return note(of(s), of(s)->call.commit(of(s)->call.user, ptr, size));
}

static tarn_status callbacks_purge(tarn_source *s, void *ptr, size_t size)
{
    return note(of(s), of(s)->call.purge(of(s)->call.user, ptr, size));
}

static tarn_status callbacks_remap(tarn_source *s, void *ptr, size_t old_size, size_t new_size,
                                   bool may_move, tarn_region *out)
{
    tarn_callbacks *c = of(s);
    tarn_status status;
    *out = (tarn_region){ptr, new_size, TARN_REGION_COMMITTED};
    status = note(c, c->call.remap(c->call.user, ptr, old_size, new_size, may_move, out));
    if (status != TARN_OK)
        return status;
    status = judge(c, out, new_size, s->granule, true);
    if (status == TARN_OK && out->ptr != ptr && !may_move)
        status = unsound(c, TARN_CORRUPT, "remap: moved, and might not");
    if (status != TARN_OK)
        return status;
    out->traits &= KNOWN_TRAITS;
    if (c->call.unmap == NULL)
        out->traits |= TARN_REGION_PINNED;
    ADD(c->report.mapped, out->size - old_size);
    return TARN_OK;
}

static const char *callbacks_name(const tarn_source *s)
{
    return ((const tarn_callbacks *)s)->call.name;
}

static tarn_status callbacks_stats(const tarn_source *s, tarn_stats *out)
{
    tarn_callbacks_report r;
    tarn_callbacks_get_report((const tarn_callbacks *)s, &r);
    memset(out, 0, sizeof *out);
    out->known = TARN_STATS_FAILED | TARN_STATS_HELD | TARN_STATS_CHUNKS;
    out->failures = r.refused + r.unsound;
    out->held_bytes = r.mapped;
    out->chunks = r.regions;
    return TARN_OK;
}

static void callbacks_deinit(tarn_source *s)
{
    tarn_callbacks_deinit(of(s));
}

tarn_status tarn_callbacks_init(tarn_callbacks *c, const tarn_callbacks_options *o)
{
    size_t granule = o->granule != 0 ? o->granule : GRANULE;
    memset(c, 0, sizeof *c);
    if (o->map == NULL || !tarn_is_power_of_two(granule))
        return TARN_BAD_ARGUMENT;
    c->call = *o;
    if (c->call.name == NULL)
        c->call.name = "callbacks";
    c->why = "";
    c->ops = (tarn_source_ops){
        .abi = TARN_ABI,
        .caps = (o->commit != NULL ? (uint32_t)TARN_SOURCE_COMMIT : 0u) |
                (o->purge != NULL ? (uint32_t)TARN_SOURCE_PURGE : 0u) |
                (o->remap != NULL ? (uint32_t)TARN_SOURCE_REMAP : 0u) |
                (o->threads ? (uint32_t)TARN_SOURCE_THREADS : 0u),
        .map = callbacks_map,
        .unmap = callbacks_unmap,
        .commit = o->commit != NULL ? callbacks_commit : NULL,
        .purge = o->purge != NULL ? callbacks_purge : NULL,
        .remap = o->remap != NULL ? callbacks_remap : NULL,
        .name = callbacks_name,
        .stats = callbacks_stats,
        .deinit = callbacks_deinit,
    };
    c->source.ops = &c->ops;
    c->source.granule = granule;
    return TARN_OK;
}

void tarn_callbacks_deinit(tarn_callbacks *c)
{
    c->source.ops = NULL;
}

const char *tarn_callbacks_why(const tarn_callbacks *c)
{
    return READ(c->why);
}

void tarn_callbacks_get_report(const tarn_callbacks *c, tarn_callbacks_report *out)
{
    out->mapped = READ(c->report.mapped);
    out->regions = READ(c->report.regions);
    out->refused = READ(c->report.refused);
    out->unsound = READ(c->report.unsound);
}
