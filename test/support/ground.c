/* SPDX-License-Identifier: MIT */
/* ground.c - regions from the C library's heap, zeroed, in a table. */
#include "ground.h"

#include <stdlib.h>
#include <string.h>

static ground *of(tarn_source *s)
{
    return (ground *)s;
}

static tarn_status ground_map(tarn_source *s, size_t size, size_t align, uint32_t flags,
                              tarn_region *out)
{
    ground *g = of(s);
    void *p = NULL;
    size += g->slack;
    if (g->refuses || g->left == 0 || g->count == GROUND_REGIONS ||
        (g->limit != 0 && (size > g->limit || g->mapped > g->limit - size)))
        return g->limit != 0 ? TARN_LIMIT : TARN_NO_MEMORY;
    if (g->left != SIZE_MAX)
        g->left--;
    if (posix_memalign(&p, align < GROUND_GRANULE ? GROUND_GRANULE : align, size) != 0)
        return TARN_NO_MEMORY;
    memset(p, 0, size);
    g->regions[g->count].ptr = p;
    g->regions[g->count].size = size;
    g->regions[g->count++].align = align;
    g->mapped += size;
    g->maps++;
    out->ptr = p;
    out->size = size;
    out->traits = TARN_REGION_ZEROED;
    if ((flags & TARN_MAP_RESERVE) == 0)
        out->traits |= TARN_REGION_COMMITTED;
    return TARN_OK;
}

static void ground_unmap(tarn_source *s, void *ptr, size_t size, size_t align)
{
    ground *g = of(s);
    for (size_t i = 0; i < g->count; i++) {
        if (g->regions[i].ptr != ptr)
            continue;
        g->faults += g->regions[i].size != size || g->regions[i].align != align;
        g->mapped -= g->regions[i].size;
        g->regions[i] = g->regions[--g->count];
        g->unmaps++;
        free(ptr);
        return;
    }
    g->faults++;
}

static bool is_inside(const ground *g, const char *ptr, size_t size)
{
    for (size_t i = 0; i < g->count; i++) {
        size_t at = (size_t)(ptr - g->regions[i].ptr);
        if (ptr >= g->regions[i].ptr && at < g->regions[i].size && size <= g->regions[i].size - at)
            return true;
    }
    return false;
}

static tarn_status ground_commit(tarn_source *s, void *ptr, size_t size)
{
    of(s)->commits++;
    of(s)->faults += !is_inside(of(s), ptr, size);
    return TARN_OK;
}

static tarn_status ground_purge(tarn_source *s, void *ptr, size_t size)
{
    ground *g = of(s);
    if (g->refuses_purge)
        return TARN_UNSUPPORTED;
    if (!is_inside(g, ptr, size)) {
        g->faults++;
        return TARN_UNSUPPORTED;
    }
    g->purges++;
    g->purged_bytes += size;
    memset(ptr, 0, size);
    return TARN_OK;
}

static const char *ground_name(const tarn_source *s)
{
    (void)s;
    return "ground";
}

tarn_source *ground_init(ground *g, uint32_t caps)
{
    memset(g, 0, sizeof *g);
    g->left = SIZE_MAX;
    g->ops = (tarn_source_ops){.abi = TARN_ABI,
                               .caps = caps,
                               .map = ground_map,
                               .unmap = ground_unmap,
                               .commit = ground_commit,
                               .purge = ground_purge,
                               .name = ground_name};
    g->source.ops = &g->ops;
    g->source.granule = GROUND_GRANULE;
    return &g->source;
}

size_t ground_deinit(ground *g)
{
    size_t left = g->count;
    while (g->count != 0)
        free(g->regions[--g->count].ptr);
    return left;
}
