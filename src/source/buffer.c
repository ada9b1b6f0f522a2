/* SPDX-License-Identifier: MIT */
/*
 * buffer.c - the caller's bytes as a source.
 *
 *     0            a              b         c                 used          size
 *     │  region    │ gap [record] │ region  │ region          │             │
 *                                  ▲ gapped
 *
 * I1  bytes, used and every region's start and size are multiples of the granule, so that a gap
 *     that is not empty has room for its record.
 * I2  gapped is the offset of the last region with a gap before it, 0 when there is none: the
 *     first region of a buffer can have a gap too, but then starts behind 0.
 * I3  The record, in the last bytes of the gap, has the gap's size and the previous gapped.
 * I4  When no region is out, used == 0 and gapped == 0.
 */
#include <tarn/buffer.h>

#include "base/align.h"
#include "base/assert.h"
#include "base/checked.h"
#include "base/mem.h"

struct gap {
    size_t size;   /* bytes */
    size_t gapped; /* as before this gap */
};

_Static_assert(sizeof(struct gap) <= TARN_BUFFER_GRANULE, "a gap holds its record (I1)");

static tarn_status buffer_map(tarn_source *s, size_t size, size_t align, uint32_t flags,
                              tarn_region *out)
{
    tarn_buffer *b = (tarn_buffer *)s;
    struct gap gap;
    size_t need;
    (void)flags;
    if (size > b->size)
        return TARN_TOO_BIG;
    gap.size = tarn_align_gap(b->bytes + b->used, align);
    gap.gapped = b->gapped;
    if (!tarn_add(size, gap.size, &need) || need > b->size - b->used)
        return TARN_NO_MEMORY;
    assert(need % TARN_BUFFER_GRANULE == 0);
    out->ptr = b->bytes + b->used + gap.size;
    out->size = size;
    out->traits = TARN_REGION_COMMITTED;
    if (gap.size != 0) {
        memcpy((char *)out->ptr - sizeof gap, &gap, sizeof gap);
        b->gapped = b->used + gap.size;
    }
    b->used += need;
    b->regions++;
    return TARN_OK;
}

static void buffer_unmap(tarn_source *s, void *ptr, size_t size, size_t align)
{
    tarn_buffer *b = (tarn_buffer *)s;
    size_t at = (size_t)((char *)ptr - b->bytes);
    struct gap gap;
    (void)align;
    assert(b->regions != 0 && tarn_buffer_owns(b, ptr));
    if (--b->regions == 0) {
        b->used = 0;
        b->gapped = 0;
        return;
    }
    if (at + size != b->used)
        return;
    b->used = at;
    if (at == b->gapped) {
        memcpy(&gap, (char *)ptr - sizeof gap, sizeof gap);
        b->used -= gap.size;
        b->gapped = gap.gapped;
    }
}

static const char *buffer_name(const tarn_source *s)
{
    (void)s;
    return "buffer";
}

static tarn_status buffer_stats(const tarn_source *s, tarn_stats *out)
{
    const tarn_buffer *b = (const tarn_buffer *)s;
    memset(out, 0, sizeof *out);
    out->known = TARN_STATS_HELD | TARN_STATS_CHUNKS;
    out->held_bytes = b->size;
    out->idle_bytes = b->size - b->used;
    out->chunks = b->regions;
    return TARN_OK;
}

static const tarn_source_ops BUFFER_OPS = {
    .abi = TARN_ABI,
    .map = buffer_map,
    .unmap = buffer_unmap,
    .name = buffer_name,
    .stats = buffer_stats,
};

tarn_source *tarn_buffer_init(tarn_buffer *b, void *bytes, size_t size)
{
    size_t lead = tarn_align_gap(bytes, TARN_BUFFER_GRANULE);
    memset(b, 0, sizeof *b);
    b->source.ops = &BUFFER_OPS;
    b->source.granule = TARN_BUFFER_GRANULE;
    if (size > lead) {
        b->bytes = (char *)bytes + lead;
        b->size = tarn_align_down(size - lead, TARN_BUFFER_GRANULE);
    }
    return &b->source;
}

bool tarn_buffer_owns(const tarn_buffer *b, const void *address)
{
    uintptr_t at = (uintptr_t)address, first = (uintptr_t)b->bytes;
    return at >= first && at - first < b->used;
}
