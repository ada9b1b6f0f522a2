/* SPDX-License-Identifier: MIT */
/*
 * source.c - the out-of-line part of the source interface: arguments are checked here, once, so
 * that a source sees only sound ones.
 *
 * I1  A source's map is called with a power-of-two alignment and a size that is not 0, a multiple
 *     of its granule and at most PTRDIFF_MAX, as remap is: no object may be larger.
 * I2  After a refusal the region is {NULL, 0, 0}.
 */
#include <tarn/source.h>

#include "base/align.h"
#include "base/checked.h"

static bool is_size(const tarn_source *s, size_t *size)
{
    return tarn_round_up(*size != 0 ? *size : 1, s->granule, size) && *size <= PTRDIFF_MAX;
}

tarn_status tarn_source_map(tarn_source *s, size_t size, size_t align, uint32_t flags,
                            tarn_region *out)
{
    tarn_status status;
    *out = (tarn_region){NULL, 0, 0};
    if (!tarn_is_power_of_two(align))
        return TARN_BAD_ALIGN;
    if (!is_size(s, &size))
        return TARN_TOO_BIG;
    if ((flags & ~(uint32_t)TARN_MAP_RESERVE) != 0)
        return TARN_BAD_ARGUMENT;
    if ((flags & TARN_MAP_RESERVE) != 0 && !tarn_source_can(s, TARN_SOURCE_COMMIT))
        return TARN_UNSUPPORTED;
    status = s->ops->map(s, size, align, flags, out);
    if (status != TARN_OK)
        *out = (tarn_region){NULL, 0, 0};
    return status;
}

void tarn_source_unmap(tarn_source *s, void *ptr, size_t size, size_t align)
{
    if (ptr != NULL)
        s->ops->unmap(s, ptr, size, align);
}

/* A piece that is not made of whole granules belongs to no commit or purge. */
static bool is_piece(const tarn_source *s, const void *ptr, size_t size)
{
    return tarn_is_aligned(ptr, s->granule) && size % s->granule == 0;
}

tarn_status tarn_source_commit(tarn_source *s, void *ptr, size_t size)
{
    if (!tarn_source_can(s, TARN_SOURCE_COMMIT))
        return TARN_UNSUPPORTED;
    return is_piece(s, ptr, size) ? s->ops->commit(s, ptr, size) : TARN_BAD_ARGUMENT;
}

tarn_status tarn_source_purge(tarn_source *s, void *ptr, size_t size)
{
    if (!tarn_source_can(s, TARN_SOURCE_PURGE))
        return TARN_UNSUPPORTED;
    return is_piece(s, ptr, size) ? s->ops->purge(s, ptr, size) : TARN_BAD_ARGUMENT;
}

tarn_status tarn_source_remap(tarn_source *s, void *ptr, size_t old_size, size_t new_size,
                              bool may_move, tarn_region *out)
{
    tarn_status status;
    *out = (tarn_region){NULL, 0, 0};
    if (!tarn_source_can(s, TARN_SOURCE_REMAP))
        return TARN_UNSUPPORTED;
    if (!is_size(s, &new_size))
        return TARN_TOO_BIG;
    status = s->ops->remap(s, ptr, old_size, new_size, may_move, out);
    if (status != TARN_OK)
        *out = (tarn_region){NULL, 0, 0};
    return status;
}

const char *tarn_source_name(const tarn_source *s)
{
    const char *text = s->ops->name != NULL ? s->ops->name(s) : NULL;
    return text != NULL ? text : "source";
}
