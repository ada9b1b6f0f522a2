/* SPDX-License-Identifier: MIT */
/*
 * range_bitmap.c - a space of equal granules, two bits each: identifiers, pages, sectors.
 *
 *     granule   0   1   2   3   4   5   6   7   8  …
 *     free      0   0   0   1   0   1   1   1   1  …   with summaries above: the lowest is found in
 *     last      1   0   1   ·   1   ·   ·   ·   ·  …   as many steps as there are levels
 *               └A┘ └─B──┘      └C┘
 *
 * I1  A granule is free or belongs to one block; `last` marks the block's last granule and is 0
 *     everywhere else.
 * I2  Words come into being from the front: granules beyond are free and have no words yet. A word
 *     that is there has no free granule beyond the end of the space.
 *
 * An id is the number of the block's first granule, plus 1: it has no room for a stamp, so a freed
 * id is refused only until a block begins there again. Blocks are placed lowest first, always.
 */
#include "base/bitmap.h"
#include "base/checked.h"
#include "base/mem.h"
#include "strategy/range_node.h"

static uint64_t low_ones(uint64_t count)
{
    return count >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << count) - 1;
}

/* Words of one bit a granule. */
static size_t words_of(const tarn_space *s)
{
    return (size_t)(s->granules / 64 + (s->granules % 64 != 0));
}

/* The bitmap of free granules and the words of last ones; the state of the first stands in front. */
static tarn_bitmap *free_of(const tarn_space *s)
{
    return s->bitmap;
}

static uint64_t *last_of(const tarn_space *s)
{
    return s->bits + s->bit_bytes / sizeof *s->bits - words_of(s);
}

static bool is_free(const tarn_space *s, uint64_t i)
{
    return i / 64 >= free_of(s)->opened || tarn_bitmap_has(free_of(s), (size_t)i);
}

static bool is_last(const tarn_space *s, uint64_t i)
{
    return (last_of(s)[i / 64] >> (i % 64) & 1) != 0;
}

/* Bring words into being until granule i has one (I2). */
static void open_up_to(tarn_space *s, uint64_t i)
{
    tarn_bitmap *b = free_of(s);
    while (b->opened <= i / 64) {
        size_t w = b->opened;
        tarn_bitmap_open(b);
        b->level[0][w] = low_ones(s->granules - (uint64_t)w * 64);
        last_of(s)[w] = 0;
        tarn_bitmap_rise(b, w);
    }
}

/* ── Searching ─────────────────────────────────────────────────────────────────────────────── */

/* The first free granule from i on; granules when there is none. */
static uint64_t next_free(const tarn_space *s, uint64_t i)
{
    const tarn_bitmap *b = free_of(s);
    if (i / 64 >= b->opened)
        return i;
    uint64_t word = b->level[0][i / 64] >> (i % 64);
    if (word != 0)
        return i + (uint64_t)__builtin_ctzll(word);
    size_t w = tarn_bitmap_next(b, (size_t)(i / 64) + 1);
    if (w == TARN_BITMAP_NONE)
        return (uint64_t)b->opened * 64 < s->granules ? (uint64_t)b->opened * 64 : s->granules;
    return (uint64_t)w * 64 + (uint64_t)__builtin_ctzll(b->level[0][w]);
}

/* The first granule from i on, before `end`, that is not free; `end` when all are. */
static uint64_t next_used(const tarn_space *s, uint64_t i, uint64_t end)
{
    const tarn_bitmap *b = free_of(s);
    while (i < end && i / 64 < b->opened) {
        uint64_t word = ~b->level[0][i / 64] >> (i % 64);
        if (word != 0) {
            i += (uint64_t)__builtin_ctzll(word);
            return i < end ? i : end;
        }
        i = (i / 64 + 1) * 64;
    }
    return end;
}

/* The last granule of the block that begins at i. */
static uint64_t end_of_block(const tarn_space *s, uint64_t i)
{
    const uint64_t *last = last_of(s);
    uint64_t word = last[i / 64] >> (i % 64);
    if (word != 0)
        return i + (uint64_t)__builtin_ctzll(word);
    uint64_t w = i / 64 + 1;
    while (last[w] == 0)
        w++;
    return w * 64 + (uint64_t)__builtin_ctzll(last[w]);
}

/* The lowest place of `count` free granules that ends by `limit`; granules when there is none. */
static uint64_t find(const tarn_space *s, uint64_t count, uint64_t align, uint64_t limit)
{
    uint64_t i = next_free(s, 0);
    while (i < limit) {
        uint64_t offset = s->first + i * s->granule;
        uint64_t gap = (((offset + align - 1) & ~(align - 1)) - offset) >> s->granule_log;
        if (gap > limit - i || count > limit - i - gap)
            return s->granules;
        i += gap;
        uint64_t used = next_used(s, i, i + count);
        if (used == i + count)
            return i;
        i = next_free(s, used);
    }
    return s->granules;
}

/* ── Blocks ────────────────────────────────────────────────────────────────────────────────── */

/* Turn the granules [i, i + count), all of them free or none, over. */
static void turn_over(tarn_space *s, uint64_t i, uint64_t count)
{
    tarn_bitmap *b = free_of(s);
    while (count > 0) {
        size_t w = (size_t)(i / 64);
        uint64_t part = 64 - i % 64 < count ? 64 - i % 64 : count;
        uint64_t old = b->level[0][w];
        b->level[0][w] = old ^ low_ones(part) << (i % 64);
        if (old == 0)
            tarn_bitmap_rise(b, w);
        else if (b->level[0][w] == 0)
            tarn_bitmap_sink(b, w);
        i += part;
        count -= part;
    }
}

static tarn_range_block block_of(const tarn_space *s, uint64_t i)
{
    uint64_t count = end_of_block(s, i) - i + 1;
    return (tarn_range_block){s->first + i * s->granule, count * s->granule, i + 1,
                              range_user(s, i)};
}

static tarn_status bitmap_alloc(tarn_range *r, const tarn_range_request *request,
                                tarn_range_block *out)
{
    tarn_space *s = range_space(r);
    tarn_range_request want;
    uint64_t i = s->granules;
    tarn_status status = tarn_space_judge(s, request, TARN_RANGE_FAST | TARN_RANGE_LOW, &want);
    if (!range_enter(s))
        status = TARN_BAD_ARGUMENT;
    if (status == TARN_OK) {
        uint64_t limit = want.below > s->first ? (want.below - s->first) >> s->granule_log : 0;
        i = find(s, want.size >> s->granule_log, want.align, limit);
        status = i < s->granules ? TARN_OK : TARN_LIMIT;
    }
    if (status == TARN_OK && want.user != NULL && !tarn_space_room_for_users(s, i + 1))
        status = TARN_NO_MEMORY;
    if (status != TARN_OK)
        return tarn_space_refuse(s, status, request, out);
    uint64_t count = want.size >> s->granule_log, last = i + count - 1;
    open_up_to(s, last);
    turn_over(s, i, count);
    last_of(s)[last / 64] |= (uint64_t)1 << (last % 64);
    range_put_user(s, i, want.user);
    range_count_alloc(s, want.size);
    *out = (tarn_range_block){s->first + i * s->granule, want.size, i + 1, want.user};
    return TARN_OK;
}

/* The first granule of an id's block; granules when no block begins there. */
static uint64_t resolve(const tarn_space *s, tarn_range_id id)
{
    uint64_t i = id - 1;
    if (id == 0 || i >= s->granules || is_free(s, i) ||
        (i != 0 && !is_free(s, i - 1) && !is_last(s, i - 1)))
        return s->granules;
    return i;
}

static tarn_status stale(tarn_space *s, tarn_range_id id)
{
    uint64_t i = id - 1;
    return tarn_space_stale(s, id, i < s->granules && i / 64 < free_of(s)->opened && is_free(s, i));
}

static tarn_status bitmap_free(tarn_range *r, tarn_range_id id)
{
    tarn_space *s = range_space(r);
    uint64_t i = resolve(s, id);
    if (!range_enter(s))
        return TARN_BAD_ARGUMENT;
    if (i == s->granules)
        return stale(s, id);
    uint64_t last = end_of_block(s, i);
    last_of(s)[last / 64] &= ~((uint64_t)1 << (last % 64));
    turn_over(s, i, last - i + 1);
    range_count_free(s, (last - i + 1) * s->granule);
    return TARN_OK;
}

static tarn_status bitmap_look(const tarn_range *r, tarn_range_id id, tarn_range_block *out)
{
    tarn_space *s = range_space(r);
    uint64_t i = resolve(s, id);
    *out = (tarn_range_block){0};
    if (!range_enter(s))
        return TARN_BAD_ARGUMENT;
    if (i == s->granules)
        return TARN_STALE;
    *out = block_of(s, i);
    return TARN_OK;
}

static tarn_status bitmap_set_user(tarn_range *r, tarn_range_id id, void *user)
{
    tarn_space *s = range_space(r);
    uint64_t i = resolve(s, id);
    if (!range_enter(s))
        return TARN_BAD_ARGUMENT;
    if (i == s->granules)
        return stale(s, id);
    if (user != NULL && !tarn_space_room_for_users(s, i + 1))
        return TARN_NO_MEMORY;
    range_put_user(s, i, user);
    return TARN_OK;
}

/* ── The whole space ───────────────────────────────────────────────────────────────────────── */

static void bitmap_visit(const tarn_range *r, tarn_range_visitor *see, void *user)
{
    const tarn_space *s = range_space(r);
    for (uint64_t i = 0; i < s->granules;) {
        tarn_range_block run;
        if (is_free(s, i)) {
            uint64_t end = next_used(s, i, s->granules);
            run = (tarn_range_block){s->first + i * s->granule, (end - i) * s->granule, 0, NULL};
        } else {
            run = block_of(s, i);
        }
        if (!see(user, &run))
            return;
        i += run.size >> s->granule_log;
    }
}

static tarn_status bitmap_check(const tarn_range *r)
{
    const tarn_space *s = range_space(r);
    const tarn_bitmap *b = free_of(s);
    uint64_t blocks = 0, used = 0;
    bool inside = false; /* a block that has not ended */
    if (b->opened > words_of(s) || !tarn_bitmap_valid(b))
        return TARN_CORRUPT;
    for (size_t w = 0; w < b->opened; w++) {
        uint64_t free = b->level[0][w], last = last_of(s)[w];
        uint64_t in_space = low_ones(s->granules - (uint64_t)w * 64);
        if ((free & last) != 0 || ((free | last) & ~in_space) != 0)
            return TARN_CORRUPT;
        for (unsigned bit = 0; bit < 64; bit++) {
            if (inside && (free >> bit & 1) != 0)
                return TARN_CORRUPT;
            if ((in_space & ~free) >> bit & 1)
                inside = (last >> bit & 1) == 0;
        }
        blocks += (uint64_t)__builtin_popcountll(last);
        used += (uint64_t)__builtin_popcountll(in_space & ~free);
    }
    if (inside || blocks != s->live_blocks || used * s->granule != s->live_units)
        return TARN_CORRUPT;
    return TARN_OK;
}

static void clear(tarn_space *s)
{
    tarn_bitmap_init(s->bitmap, s->bits + sizeof(tarn_bitmap) / sizeof *s->bits + 1,
                     (size_t)s->granules);
    s->live_blocks = 0;
    s->live_units = 0;
}

static void bitmap_reset(tarn_range *r)
{
    if (range_enter(range_space(r)))
        clear(range_space(r));
}

bool tarn_range_bitmap_set_up(tarn_space *s)
{
    size_t words, bytes;
    s->granules = (s->end - s->first) >> s->granule_log;
    if (s->granules > SIZE_MAX / 2)
        return false;
    if (!tarn_add(tarn_bitmap_words((size_t)s->granules), words_of(s), &words) ||
        !tarn_add(words, sizeof(tarn_bitmap) / sizeof *s->bits + 1, &words) ||
        !tarn_mul(words, sizeof *s->bits, &bytes))
        return false;
    s->bits = tarn_alloc(s->metadata, bytes, TARN_SPEC(64));
    if (s->bits == NULL)
        return false;
    s->bit_bytes = bytes;
    s->bitmap = s->bits;
    clear(s);
    return true;
}

const tarn_range_ops tarn_range_bitmap_ops = {.bytes = sizeof tarn_range_bitmap_ops,
                                              .abi = TARN_ABI,
                                              .caps = TARN_RANGE_CAP_LOW,
                                              .alloc = bitmap_alloc,
                                              .free = bitmap_free,
                                              .look = bitmap_look,
                                              .stats = tarn_space_stats,
                                              .visit = bitmap_visit,
                                              .set_user = bitmap_set_user,
                                              .check = bitmap_check,
                                              .why = tarn_space_why,
                                              .name = tarn_space_name,
                                              .reset = bitmap_reset,
                                              .deinit = tarn_space_end,
                                              .share = tarn_space_share};
