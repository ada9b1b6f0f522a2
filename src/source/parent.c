/* SPDX-License-Identifier: MIT */
/*
 * parent.c - any allocator as a source: a region is one of its blocks.
 */
#include <tarn/source.h>

static tarn_status parent_map(tarn_source *s, size_t size, size_t align, uint32_t flags,
                              tarn_region *out)
{
    tarn_parent_source *p = (tarn_parent_source *)s;
    tarn_status why;
    (void)flags;
    out->ptr = tarn_alloc(p->allocator, size, TARN_SPEC(align));
    if (out->ptr == NULL) {
        why = tarn_get_why(p->allocator).status;
        return why != TARN_OK ? why : TARN_NO_MEMORY;
    }
    out->size = size;
    out->traits = TARN_REGION_COMMITTED;
    if (tarn_can(p->allocator, TARN_CAP_ZEROED))
        out->traits |= TARN_REGION_ZEROED;
    return TARN_OK;
}

static void parent_unmap(tarn_source *s, void *ptr, size_t size, size_t align)
{
    tarn_parent_source *p = (tarn_parent_source *)s;
    tarn_free(p->allocator, ptr, size, TARN_SPEC(align));
}

static const char *parent_name(const tarn_source *s)
{
    return tarn_name(((const tarn_parent_source *)s)->allocator);
}

static tarn_status parent_stats(const tarn_source *s, tarn_stats *out)
{
    return tarn_get_stats(((const tarn_parent_source *)s)->allocator, out);
}

/* Two tables, because what a source can do is a constant of its table. A remap is absent: it is
 * not told the alignment, which an allocator's resize must be. */
#define PARENT_OPS(can)                                                                            \
    {                                                                                              \
        .abi = TARN_ABI, .caps = (can), .map = parent_map, .unmap = parent_unmap,                  \
        .name = parent_name, .stats = parent_stats                                                 \
    }
static const tarn_source_ops PARENT = PARENT_OPS(0);
static const tarn_source_ops PARENT_THREADS = PARENT_OPS(TARN_SOURCE_THREADS);

tarn_source *tarn_parent_init(tarn_parent_source *p, tarn_allocator *allocator)
{
    p->source.ops = tarn_can(allocator, TARN_CAP_THREADS) ? &PARENT_THREADS : &PARENT;
    p->source.granule = 1;
    p->allocator = allocator;
    return &p->source;
}

tarn_source *tarn_source_pick(tarn_source *source, tarn_allocator *parent, tarn_parent_source *own)
{
    if (source != NULL)
        return parent == NULL ? source : NULL;
#if __STDC_HOSTED__
    if (parent == NULL)
        parent = tarn_libc();
#endif
    return parent != NULL ? tarn_parent_init(own, parent) : NULL;
}
