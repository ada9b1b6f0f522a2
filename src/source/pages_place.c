/* SPDX-License-Identifier: MIT */
/*
 * pages_place.c - where the memory of a page source's region comes from: huge pages of one kind or
 * the other, a node, at once or when it is touched.
 *
 * The order is explicit huge pages of the size asked for, those of the system's default size,
 * transparent ones by advice, plain pages. Each step falls to the next.
 *
 * I1  Explicit huge pages are set aside when they are mapped, so that a touch finds one. That does
 *     not hold for a reservation, which gets none, nor for a single node's: with BIND they are taken
 *     at once or not at all, since a touch in vain would end the process.
 */
#include "source/pages_place.h"

#include <string.h>

#include "os/huge.h"
#include "os/numa.h"
#include "os/pages.h"

/* ── Options ───────────────────────────────────────────────────────────────────────────────── */

static tarn_status set_huge(tarn_pages *p, const tarn_pages_options *o)
{
    if (o->huge != TARN_HUGE_OFF && o->huge != TARN_HUGE_ADVISE && o->huge != TARN_HUGE_EXPLICIT)
        return TARN_BAD_ARGUMENT;
    p->huge = o->huge;
    if (o->huge != TARN_HUGE_EXPLICIT)
        return o->huge_size == 0 ? TARN_OK : TARN_BAD_ARGUMENT;
    p->huge_size = o->huge_size != 0 ? o->huge_size : tarn_os_huge_size();
    return tarn_os_has_huge(p->huge_size) ? TARN_OK : TARN_UNSUPPORTED;
}

static tarn_status set_numa(tarn_pages *p, const tarn_pages_options *o)
{
    tarn_numa_answer *a = &p->places;
    if (o->numa != TARN_NUMA_OFF && o->numa != TARN_NUMA_PREFER && o->numa != TARN_NUMA_BIND &&
        o->numa != TARN_NUMA_INTERLEAVE)
        return TARN_BAD_ARGUMENT;
    *a = (tarn_numa_answer){TARN_UNSUPPORTED, "not asked for", 0, tarn_os_numa_nodes()};
    if (o->numa == TARN_NUMA_OFF)
        return o->nodes == 0 ? TARN_OK : TARN_BAD_ARGUMENT;
    a->nodes = o->nodes & a->available;
    if (a->available == 0) {
        a->why = "no nodes on this system, or not for this process";
    } else if (o->nodes != 0 && a->nodes == 0) {
        a->why = "none of these nodes is there";
        return o->numa == TARN_NUMA_BIND ? TARN_UNSUPPORTED : TARN_OK;
    } else {
        a->why = "in effect";
        a->status = TARN_OK;
        p->numa = o->numa;
        if (o->numa == TARN_NUMA_INTERLEAVE && o->nodes == 0)
            a->nodes = a->available;
    }
    return TARN_OK;
}

tarn_status tarn_pages_set_place(tarn_pages *p, const tarn_pages_options *o)
{
    tarn_status status = set_huge(p, o);
    p->populate = o->populate;
    return status == TARN_OK ? set_numa(p, o) : status;
}

/* ── Regions ───────────────────────────────────────────────────────────────────────────────── */

static uint64_t nodes_for(const tarn_pages *p)
{
    int here = -1;
    if (p->places.nodes != 0)
        return p->places.nodes;
    here = tarn_os_numa_here();
    return here >= 0 && here < 64 ? (uint64_t)1 << here : p->places.available;
}

/* False when the region must not be used: bound, and the system refused. */
static bool set_nodes(tarn_pages *p, const tarn_region *r)
{
    static const tarn_os_numa HOW[] = {
        [TARN_NUMA_PREFER] = TARN_OS_NUMA_PREFER,
        [TARN_NUMA_BIND] = TARN_OS_NUMA_BIND,
        [TARN_NUMA_INTERLEAVE] = TARN_OS_NUMA_INTERLEAVE,
    };
    if (p->numa == TARN_NUMA_OFF)
        return true;
    if (tarn_os_numa_place(r->ptr, r->size, HOW[p->numa], nodes_for(p))) {
        COUNT(p->report.numa_placed, 1);
        return true;
    }
    COUNT(p->report.numa_refused, 1);
    return p->numa != TARN_NUMA_BIND;
}

static bool take_explicit(tarn_pages *p, size_t huge, tarn_region *out)
{
    bool bound = p->numa == TARN_NUMA_BIND;
    out->ptr = tarn_os_map_huge(out->size, huge);
    if (out->ptr == NULL)
        return false;
    if (set_nodes(p, out) &&
        ((!p->populate && !bound) || tarn_os_populate(out->ptr, out->size, !bound)))
        return true;
    tarn_os_release(out->ptr, out->size);
    out->ptr = NULL;
    return false;
}

/* Explicit huge pages for a region that may have them; false when it has to do without. */
static bool place_explicit(tarn_pages *p, size_t align, bool reserve, tarn_region *out)
{
    size_t usual = tarn_os_huge_size();
    bool done = false;
    if (p->huge != TARN_HUGE_EXPLICIT)
        return false;
    if (!reserve) {
        done = align <= p->huge_size && take_explicit(p, p->huge_size, out);
        if (!done && usual < p->huge_size && align <= usual)
            done = take_explicit(p, usual, out);
    }
    if (done)
        COUNT(p->report.huge_explicit, 1);
    else
        COUNT(p->report.huge_refused, 1);
    return done;
}

/* Transparent huge pages need ranges aligned to them. */
static size_t align_for_huge(const tarn_pages *p, size_t size, size_t align)
{
    size_t huge = p->huge != TARN_HUGE_OFF ? tarn_os_transparent_size() : 0;
    return size >= huge && align < huge ? huge : align;
}

static tarn_status place_plain(tarn_pages *p, size_t align, bool reserve, tarn_region *out)
{
    tarn_status status = TARN_OK;
    align = align_for_huge(p, out->size, align);
    out->ptr = reserve ? tarn_os_reserve(out->size, align) : tarn_os_map(out->size, align);
    if (out->ptr == NULL)
        return TARN_NO_MEMORY;
    if (p->huge != TARN_HUGE_OFF && tarn_os_advise_huge(out->ptr, out->size)) {
        out->traits |= TARN_REGION_HUGE;
        COUNT(p->report.huge_advised, 1);
    }
    if (!set_nodes(p, out))
        status = TARN_UNSUPPORTED;
    else if (p->populate && !reserve && !tarn_os_populate(out->ptr, out->size, true))
        status = TARN_NO_MEMORY;
    if (status != TARN_OK)
        tarn_os_release(out->ptr, out->size);
    return status;
}

tarn_status tarn_pages_place(tarn_pages *p, size_t align, bool reserve, tarn_region *out)
{
    out->traits = TARN_REGION_ZEROED | (reserve ? 0u : (uint32_t)TARN_REGION_COMMITTED);
    if (place_explicit(p, align, reserve, out)) {
        out->traits |= TARN_REGION_HUGE;
        return TARN_OK;
    }
    return place_plain(p, align, reserve, out);
}

/* ── Questions ─────────────────────────────────────────────────────────────────────────────── */

tarn_status tarn_pages_ask_huge(const tarn_pages *p, const void *ptr, size_t size,
                                tarn_huge_answer *out)
{
    tarn_os_huge found;
    (void)p;
    *out = (tarn_huge_answer){TARN_HUGE_OFF, tarn_os_page_size(), false, 0};
    if (size == 0)
        return TARN_BAD_ARGUMENT;
    if (!tarn_os_ask_huge(ptr, size, &found))
        return TARN_UNSUPPORTED;
    if (found.is_explicit)
        out->kind = TARN_HUGE_EXPLICIT;
    else if (found.is_advised)
        out->kind = TARN_HUGE_ADVISE;
    if (found.page != 0)
        out->page_size = found.page;
    out->counted = found.is_counted;
    out->huge_bytes = found.is_counted ? found.bytes : 0;
    return TARN_OK;
}

void tarn_pages_get_numa(const tarn_pages *p, tarn_numa_answer *out)
{
    *out = p->places;
}

int tarn_pages_node(const tarn_pages *p, const void *ptr)
{
    (void)p;
    return tarn_os_numa_node(ptr);
}
