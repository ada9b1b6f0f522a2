/* SPDX-License-Identifier: MIT */
/*
 * range_defrag.c - blocks from the top of a range into free runs below, pass by pass.
 *
 *     offsets   │ live │ free │ live │ free │ live │ free │ live │
 *                          ▲              target ▲            │  ◄── cursor: what lies above it was
 *                          └───── reserved ───────────────────┘      looked at
 *
 * Were there no free space between them, all live blocks would end at the target. Only what lies
 * beyond it is moved, into the free runs before it as long as there is one that fits, so few blocks
 * are moved, and none of them twice.
 *
 * I1  The cursor only falls, and a block that was moved is not looked at again: a run of passes ends.
 * I2  A proposed move holds two live blocks: the caller's, at its old place, and a reserved one of
 *     the same size at the new place. A commit exchanges the two or not, and frees the reserved one,
 *     so whatever happens to a move, each unit of the space is one block's or free.
 * I3  A destination ends at or below its source: the two do not overlap.
 */
#include <tarn/defrag.h>

#include "strategy/range_any.h"

static bool see_first(void *first, const tarn_range_block *run)
{
    *(uint64_t *)first = run->offset;
    return false;
}

tarn_status tarn_range_defrag_begin(tarn_range_defrag *d, tarn_range *r,
                                    const tarn_range_defrag_options *options)
{
    *d = (tarn_range_defrag){.range = r, .cursor = UINT64_MAX};
    if (!tarn_range_can(r, TARN_RANGE_CAP_MOVE) || !RANGE_HAS(r, begin) ||
        !RANGE_HAS(r, exchange) || !RANGE_HAS(r, before))
        return TARN_UNSUPPORTED;
    if (options != NULL)
        d->options = *options;
    tarn_range_stats stats;
    tarn_range_count(r, &stats);
    tarn_range_visit(r, see_first, &d->target);
    d->target += stats.live_units;
    d->run = r->ops->begin(r);
    d->begun = true;
    return TARN_OK;
}

/* A place for a block that ends at or below an offset. */
static tarn_status place_below(tarn_range_defrag *d, uint64_t below, uint64_t size, uint64_t align,
                               tarn_range_block *place)
{
    tarn_range_request want = {
        .size = size, .align = align, .below = below, .flags = TARN_RANGE_FAST, .run = d->run};
    return below != 0 ? d->range->ops->alloc(d->range, &want, place) : TARN_LIMIT;
}

/* The move of a block into the part that is to be filled, else to any place below it. */
static tarn_status propose(tarn_range_defrag *d, const tarn_range_block *b, uint64_t align,
                           tarn_range_move *move)
{
    tarn_range_block place;
    tarn_status status = place_below(d, d->target, b->size, align, &place);
    if (status == TARN_LIMIT)
        status = place_below(d, b->offset, b->size, align, &place);
    if (status == TARN_OK)
        *move = (tarn_range_move){.id = b->id,
                                  .from = b->offset,
                                  .to = place.offset,
                                  .size = b->size,
                                  .user = b->user,
                                  .outcome = TARN_MOVE_DONE,
                                  .reserved = place.id};
    return status;
}

tarn_status tarn_range_defrag_pass(tarn_range_defrag *d, tarn_range_move *moves, size_t room,
                                   size_t *count)
{
    tarn_range_block b;
    uint64_t align, left = d->options.max_units != 0 ? d->options.max_units : UINT64_MAX;
    *count = 0;
    if (!d->begun || room == 0)
        return TARN_BAD_ARGUMENT;
    if (d->open != NULL)
        return TARN_BUSY;
    if (d->options.max_moves != 0 && room > d->options.max_moves)
        room = d->options.max_moves;
    while (*count < room && d->range->ops->before(d->range, d->cursor, d->run, &b, &align) &&
           b.offset + b.size > d->target) {
        bool never = d->options.max_units != 0 && b.size > d->options.max_units;
        if (b.size > left && !never)
            break; /* in the next pass */
        d->cursor = b.offset;
        tarn_status status = never ? TARN_LIMIT : propose(d, &b, align, &moves[*count]);
        if (status == TARN_NO_MEMORY)
            break;
        if (status == TARN_OK) {
            left -= b.size;
            *count += 1;
        }
    }
    if (*count == 0)
        return TARN_OK;
    d->open = moves;
    d->open_count = *count;
    d->stats.passes++;
    return TARN_OK;
}

/* Is the block still there? *stays: at this offset, too; another defragmentation may move it. */
static bool is_live(const tarn_range *r, tarn_range_id id, uint64_t offset, bool *stays)
{
    tarn_range_block b;
    bool live = r->ops->look(r, id, &b) == TARN_OK;
    *stays = *stays && live && b.offset == offset;
    return live;
}

static void settle(tarn_range_defrag *d, const tarn_range_move *move, tarn_move_outcome outcome)
{
    tarn_range *r = d->range;
    bool stay = true, live = is_live(r, move->id, move->from, &stay);
    bool reserved = is_live(r, move->reserved, move->to, &stay);
    if (live && outcome == TARN_MOVE_DESTROYED)
        live = r->ops->free(r, move->id) != TARN_OK;
    if (!live) {
        d->stats.destroyed++;
    } else if (stay && outcome == TARN_MOVE_DONE &&
               r->ops->exchange(r, move->id, move->reserved, d->run) == TARN_OK) {
        d->stats.moves++;
        d->stats.units += move->size;
    } else {
        d->stats.ignored++;
    }
    if (reserved)
        r->ops->free(r, move->reserved);
}

static void close_pass(tarn_range_defrag *d, bool cancelled)
{
    for (size_t i = 0; i < d->open_count; i++)
        settle(d, &d->open[i], cancelled ? TARN_MOVE_IGNORED : d->open[i].outcome);
    d->open = NULL;
    d->open_count = 0;
}

tarn_status tarn_range_defrag_commit(tarn_range_defrag *d)
{
    bool sound = true;
    if (d->open == NULL)
        return TARN_BAD_ARGUMENT;
    for (size_t i = 0; i < d->open_count; i++)
        sound = sound && (unsigned)d->open[i].outcome <= TARN_MOVE_DESTROYED;
    close_pass(d, !sound);
    return sound ? TARN_OK : TARN_BAD_ARGUMENT;
}

void tarn_range_defrag_end(tarn_range_defrag *d, tarn_range_defrag_stats *out)
{
    if (d->open != NULL)
        close_pass(d, true);
    d->begun = false;
    if (out != NULL)
        *out = d->stats;
}
