/* SPDX-License-Identifier: MIT */
/*
 * range_any.c - what every range can do, whatever stands behind its table.
 *
 * I1  An entry from set_user on is read only when the table, as compiled by its author, is long
 *     enough to have it, and is not NULL.
 */
#include "strategy/range_any.h"

tarn_status tarn_range_set_user(tarn_range *r, tarn_range_id id, void *user)
{
    return RANGE_HAS(r, set_user) ? r->ops->set_user(r, id, user) : TARN_UNSUPPORTED;
}

size_t tarn_range_alloc_batch(tarn_range *r, const tarn_range_request *request, size_t count,
                              tarn_range_block *out)
{
    size_t done = 0;
    while (done < count && r->ops->alloc(r, request, &out[done]) == TARN_OK)
        done++;
    if (done == count || (request->flags & TARN_RANGE_ALL) == 0)
        return done;
    while (done > 0) {
        r->ops->free(r, out[--done].id);
        out[done] = (tarn_range_block){0};
    }
    return 0;
}

size_t tarn_range_free_batch(tarn_range *r, size_t count, const tarn_range_id *ids)
{
    size_t done = 0;
    for (size_t i = 0; i < count; i++)
        done += ids[i] != 0 && r->ops->free(r, ids[i]) == TARN_OK;
    return done;
}

static bool add_up(void *user, const tarn_range_block *run)
{
    tarn_range_stats *sums = user;
    if (run->id == 0) {
        sums->free_runs++;
        sums->free_units += run->size;
        if (run->size > sums->largest_free)
            sums->largest_free = run->size;
        return true;
    }
    if (sums->smallest_live == 0 || run->size < sums->smallest_live)
        sums->smallest_live = run->size;
    if (run->size > sums->largest_live)
        sums->largest_live = run->size;
    return true;
}

void tarn_range_get_stats(const tarn_range *r, tarn_range_stats *out)
{
    r->ops->stats(r, out);
    r->ops->visit(r, add_up, out);
    uint64_t all = out->free_units, rest = all - out->largest_free;
    while (all > UINT64_MAX / 1000) {
        all >>= 1;
        rest >>= 1;
    }
    out->fragmentation = all != 0 ? (uint32_t)(rest * 1000 / all) : 0;
}

tarn_status tarn_range_check(const tarn_range *r)
{
    return RANGE_HAS(r, check) ? r->ops->check(r) : TARN_UNSUPPORTED;
}

tarn_status tarn_range_reset(tarn_range *r)
{
    if (!RANGE_HAS(r, reset))
        return TARN_UNSUPPORTED;
    r->ops->reset(r);
    return TARN_OK;
}

tarn_range_why tarn_range_get_why(const tarn_range *r)
{
    return RANGE_HAS(r, why) ? r->ops->why(r) : (tarn_range_why){TARN_OK, 0, 0, 0};
}

const char *tarn_range_name(const tarn_range *r)
{
    const char *name = RANGE_HAS(r, name) ? r->ops->name(r) : NULL;
    return name != NULL ? name : "range";
}

void tarn_range_share(tarn_range *r)
{
    if (RANGE_HAS(r, share))
        r->ops->share(r);
}

void tarn_range_deinit(tarn_range *r)
{
    if (RANGE_HAS(r, deinit))
        r->ops->deinit(r);
}
