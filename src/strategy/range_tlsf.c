/* SPDX-License-Identifier: MIT */
/*
 * range_tlsf.c - blocks of any size in any order: free runs in bins by size, neighbours by index.
 *
 *     bins   [ 1 ][ 2 ] … [ 64–65 ][ 66–67 ] …        one list a bin, newest run first
 *                            │
 *     nodes            ◄── free run ──► live block ──► free run ──►      neighbours by offset
 *
 * I1  The nodes from node 0 on, by `next`, cover the space without a gap, each beginning where the
 *     one before it ends.
 * I2  No two free runs are neighbours.
 * I3  A free run is in the list of the bin of its size, and a bin's bit says whether its list is
 *     empty.
 * I4  A live block that begins the space has node 0 before it, and so on: node 0 is never free.
 *
 * Bound: a free, and an alloc that finds a bin in the index, look at a constant number of nodes.
 * The bins' widths are 1/32 of their sizes, so a good fit is at most that much larger than needed
 * before the free run is split.
 *
 * Source: as base/two_level.h. That the metadata lies outside of the space, in an array of nodes, is
 * what OffsetAllocator and the virtual blocks of Vulkan Memory Allocator do.
 */
#include "base/mem.h"
#include "base/two_level.h"
#include "strategy/range_node.h"

enum {
    B = 5,            /* bits of a size that choose a bin, below its highest */
    BOUNDED_LOOK = 16 /* free runs of a bin that FAST looks at, when it looks for one `below` */
};

#define MARK_RUN(run) ((uint32_t)(run) << RANGE_LOG_BITS)

/* ── Bins: of sizes in granules ────────────────────────────────────────────────────────────── */

static uint32_t bin_of(const tarn_space *s, uint64_t size)
{
    return tarn_two_level_bin(B, size >> s->granule_log);
}

static inline void push(tarn_space *s, uint32_t i, uint32_t bin)
{
    tarn_range_node *n = &s->nodes[i];
    uint32_t head = s->bins[bin];
    n->a = 0;
    n->b = head;
    if (head != 0)
        s->nodes[head].a = i;
    else
        tarn_two_level_set(s->bits, B, bin);
    s->bins[bin] = i;
}

static inline void pull(tarn_space *s, uint32_t i, uint32_t bin)
{
    const tarn_range_node *n = &s->nodes[i];
    if (n->b != 0)
        s->nodes[n->b].a = n->a;
    if (n->a != 0) {
        s->nodes[n->a].b = n->b;
        return;
    }
    s->bins[bin] = n->b;
    if (n->b == 0)
        tarn_two_level_clear(s->bits, B, bin);
}

/* A free run has another size now. */
static void resize(tarn_space *s, uint32_t i, uint64_t size)
{
    uint32_t from = bin_of(s, s->nodes[i].size), to = bin_of(s, size);
    if (from != to) {
        pull(s, i, from);
        push(s, i, to);
    }
    s->nodes[i].size = size;
}

/* ── Where? ────────────────────────────────────────────────────────────────────────────────── */

/* Where in a free run the block would begin; false when it does not fit. */
static bool fits(const tarn_range_node *n, const tarn_range_request *want, uint64_t *start)
{
    uint64_t end = n->at + n->size;
    if (end > want->below)
        end = want->below;
    *start = (n->at + want->align - 1) & ~(want->align - 1);
    return *start <= end && want->size <= end - *start;
}

/* Is this run, where the block would begin at `start`, better than what was found before? */
static bool better(const tarn_space *s, uint32_t i, uint64_t start, uint32_t found,
                   uint64_t found_at, uint32_t flags)
{
    if (found == 0)
        return true;
    if ((flags & TARN_RANGE_LOW) != 0)
        return start < found_at;
    return s->nodes[i].size < s->nodes[found].size;
}

/* All bins that may hold a fit, smallest first: the first run that fits, the smallest, the lowest. */
static uint32_t search(const tarn_space *s, const tarn_range_request *want, uint32_t look,
                       uint64_t *at)
{
    uint32_t found = 0, first_only = want->flags & (TARN_RANGE_BEST | TARN_RANGE_LOW) ? 0 : 1;
    uint32_t bin = bin_of(s, want->size);
    while ((bin = tarn_two_level_find(s->bits, B, s->rows, bin)) != TARN_TWO_LEVEL_NONE) {
        uint32_t left = look;
        for (uint32_t i = s->bins[bin]; i != 0 && left > 0; i = s->nodes[i].b, left--) {
            uint64_t start;
            if (!fits(&s->nodes[i], want, &start) || !better(s, i, start, found, *at, want->flags))
                continue;
            found = i;
            *at = start;
            if (first_only != 0)
                return i;
        }
        if (found != 0 && (want->flags & TARN_RANGE_LOW) == 0)
            return found; /* larger bins hold larger runs only */
        bin++;
    }
    return found;
}

/* The bin to take so many granules from: their own when its first run is big enough, else the first
 * of which every run is. TARN_TWO_LEVEL_NONE when there is none. */
static inline uint32_t good_bin(const tarn_space *s, uint64_t granules)
{
    uint32_t bin = tarn_two_level_bin(B, granules);
    uint32_t first = s->bins[bin];
    if (first != 0 && s->nodes[first].size >> s->granule_log >= granules)
        return bin;
    return tarn_two_level_find(s->bits, B, s->rows, tarn_two_level_fit(B, granules));
}

/* The free run for a block, and where in it; 0 when there is none. */
static uint32_t find(const tarn_space *s, const tarn_range_request *want, uint64_t *at)
{
    uint64_t widest = want->size + (want->align - s->granule);
    uint32_t bin;
    if ((want->flags & (TARN_RANGE_BEST | TARN_RANGE_LOW)) != 0)
        return search(s, want, UINT32_MAX, at);
    if (want->below != s->end)
        return search(s, want, want->flags & TARN_RANGE_FAST ? BOUNDED_LOOK : UINT32_MAX, at);
    bin = good_bin(s, want->size >> s->granule_log);
    if (bin != TARN_TWO_LEVEL_NONE && fits(&s->nodes[s->bins[bin]], want, at))
        return s->bins[bin];
    /* The first run may only be out of alignment: from this size on none is. */
    bin = tarn_two_level_find(s->bits, B, s->rows, tarn_two_level_fit(B, widest >> s->granule_log));
    if (bin != TARN_TWO_LEVEL_NONE && fits(&s->nodes[s->bins[bin]], want, at))
        return s->bins[bin];
    return want->flags & TARN_RANGE_FAST ? 0 : search(s, want, UINT32_MAX, at);
}

/* ── Blocks ────────────────────────────────────────────────────────────────────────────────── */

/* A new node between two neighbours. */
static uint32_t link(tarn_space *s, uint32_t prev, uint32_t next, uint64_t at, uint64_t size)
{
    uint32_t i = range_take(s);
    s->nodes[i] = (tarn_range_node){at, size, prev, next, 0, 0};
    s->nodes[prev].next = i;
    s->nodes[next].prev = i;
    return i;
}

/* Out of the chain, and out of use. */
static void unlink_node(tarn_space *s, uint32_t i)
{
    const tarn_range_node *n = &s->nodes[i];
    s->nodes[n->prev].next = n->next;
    s->nodes[n->next].prev = n->prev;
    range_release(s, i);
}

/* Cut [at, at + size) out of free run i, which stays what is left of it. Returns the block's node. */
static uint32_t carve(tarn_space *s, uint32_t i, uint64_t at, uint64_t size)
{
    tarn_range_node *n = &s->nodes[i];
    uint64_t gap = at - n->at, rest = n->size - gap - size;
    uint32_t live;
    if (gap == 0 && rest == 0) {
        pull(s, i, bin_of(s, size));
        return i;
    }
    if (gap == 0) {
        live = link(s, n->prev, i, at, size);
        n->at = at + size;
        resize(s, i, rest);
        return live;
    }
    live = link(s, i, n->next, at, size);
    if (rest != 0)
        push(s, link(s, live, s->nodes[live].next, at + size, rest), bin_of(s, rest));
    resize(s, i, gap);
    return live;
}

static TARN_SLOW tarn_status alloc_slow(tarn_space *s, const tarn_range_request *request,
                                        tarn_range_block *out)
{
    tarn_range_request want;
    uint64_t at = 0;
    tarn_status status =
        tarn_space_judge(s, request, TARN_RANGE_FAST | TARN_RANGE_BEST | TARN_RANGE_LOW, &want);
    if (!range_enter(s))
        status = TARN_BAD_ARGUMENT;
    if (status != TARN_OK)
        return tarn_space_refuse(s, status, request, out);
    uint32_t i = find(s, &want, &at);
    if (i == 0)
        return tarn_space_refuse(s, TARN_LIMIT, request, out);
    if (!range_has_room(s, 2) || (want.user != NULL && !tarn_space_room_for_users(s, s->node_room)))
        return tarn_space_refuse(s, TARN_NO_MEMORY, request, out);
    range_enter_request(s, carve(s, i, at, want.size), &want, out);
    return TARN_OK;
}

/* The lowest `size` units of free run i, the first of its bin, as a block. Returns its node. */
static inline uint32_t take_low(tarn_space *s, uint32_t i, uint32_t bin, uint64_t size)
{
    tarn_range_node *n = &s->nodes[i];
    uint64_t rest = n->size - size;
    if (TARN_LIKELY(rest == 0)) {
        uint32_t second = n->b;
        s->bins[bin] = second;
        if (second != 0)
            s->nodes[second].a = 0;
        else
            tarn_two_level_clear(s->bits, B, bin);
        return i;
    }
    uint32_t live = link(s, n->prev, i, n->at, size);
    n->at += size;
    resize(s, i, rest);
    return live;
}

/* The common request: no way named, no alignment beyond the granule, and something big enough in
 * the index. `plain` is the largest size for which nothing else has to be looked at, 0 when the
 * space checks its calls or counts its blocks. */
static tarn_status tlsf_alloc(tarn_range *r, const tarn_range_request *request,
                              tarn_range_block *out)
{
    tarn_space *s = range_space(r);
    uint64_t align = request->align | (request->align == 0);
    if (TARN_LIKELY((request->flags | request->run | request->below | (uintptr_t)request->user) ==
                        0 &&
                    request->size - 1 < s->plain && align <= s->granule &&
                    (align & (align - 1)) == 0 && s->node_spare != 0)) {
        uint64_t granules = (request->size + s->granule - 1) >> s->granule_log;
        uint32_t bin = good_bin(s, granules);
        if (TARN_LIKELY(bin != TARN_TWO_LEVEL_NONE)) {
            uint32_t i = take_low(s, s->bins[bin], bin, granules << s->granule_log);
            range_enter_block(s, i, s->granule_log, out);
            if (TARN_UNLIKELY(s->user_room != 0))
                range_put_user(s, i, NULL);
            return TARN_OK;
        }
    }
    return alloc_slow(s, request, out);
}

/* A live node turns into free space: joined with its free neighbours. */
static void give_back(tarn_space *s, uint32_t i)
{
    tarn_range_node *n = &s->nodes[i];
    uint32_t prev = n->prev, next = n->next;
    uint64_t size = n->size;
    bool low = range_is_idle(s, prev), high = range_is_idle(s, next);
    if (TARN_LIKELY(!low && !high)) {
        range_set_idle(s, i);
        push(s, i, bin_of(s, size));
        return;
    }
    if (low && high) {
        size += s->nodes[next].size;
        pull(s, next, bin_of(s, s->nodes[next].size));
        unlink_node(s, next);
    }
    unlink_node(s, i);
    if (low) {
        resize(s, prev, s->nodes[prev].size + size);
    } else {
        s->nodes[next].at = n->at;
        resize(s, next, s->nodes[next].size + size);
    }
}

static tarn_status tlsf_free(tarn_range *r, tarn_range_id id)
{
    tarn_space *s = range_space(r);
    uint32_t i = range_resolve(s, id);
    if (!range_enter(s))
        return TARN_BAD_ARGUMENT;
    if (i == 0)
        return tarn_space_stale_node(s, id);
    range_count_free(s, s->nodes[i].size);
    give_back(s, i);
    return TARN_OK;
}

/* ── Moves ─────────────────────────────────────────────────────────────────────────────────── */

/* Node i stands between these two now. */
static void relink(tarn_space *s, uint32_t i, uint32_t prev, uint32_t next)
{
    s->nodes[i].prev = prev;
    s->nodes[i].next = next;
    s->nodes[prev].next = i;
    s->nodes[next].prev = i;
}

static void change_places(tarn_space *s, uint32_t x, uint32_t y)
{
    tarn_range_node *a = &s->nodes[x], *b = &s->nodes[y];
    uint32_t a_prev = a->prev, a_next = a->next, b_prev = b->prev, b_next = b->next;
    uint64_t at = a->at;
    a->at = b->at;
    b->at = at;
    if (a_next == y) {
        relink(s, y, a_prev, x);
        relink(s, x, y, b_next);
    } else if (b_next == x) {
        relink(s, x, b_prev, y);
        relink(s, y, x, a_next);
    } else {
        relink(s, x, b_prev, b_next);
        relink(s, y, a_prev, a_next);
    }
}

/* The lists of all bins in the order of offsets: moves go to the lowest place of the best bin. */
static void sort_bins(tarn_space *s)
{
    memset(s->bits, 0, s->bit_bytes);
    for (uint32_t i = s->nodes[0].prev; i != 0; i = s->nodes[i].prev) {
        if (range_is_idle(s, i))
            push(s, i, bin_of(s, s->nodes[i].size));
    }
}

static uint32_t tlsf_begin(tarn_range *r)
{
    tarn_space *s = range_space(r);
    if (range_enter(s))
        sort_bins(s);
    s->run = (s->run + 1) % ((uint32_t)1 << (32 - RANGE_LOG_BITS));
    if (s->run == 0)
        s->run = 1;
    return s->run;
}

static tarn_status tlsf_exchange(tarn_range *r, tarn_range_id id, tarn_range_id reserved,
                                 uint32_t run)
{
    tarn_space *s = range_space(r);
    uint32_t i = range_resolve(s, id), j = range_resolve(s, reserved);
    if (!range_enter(s))
        return TARN_BAD_ARGUMENT;
    if (i == 0 || j == 0)
        return TARN_STALE;
    if (i == j || s->nodes[i].size != s->nodes[j].size)
        return TARN_BAD_ARGUMENT;
    if (s->hint == i) {
        do
            s->hint = s->nodes[s->hint].next;
        while (range_is_idle(s, s->hint));
    }
    change_places(s, i, j);
    s->nodes[i].b = MARK_RUN(run) | (s->nodes[i].b & (((uint32_t)1 << RANGE_LOG_BITS) - 1));
    return TARN_OK;
}

/* The hint is a live node, or was one. Where it still is, and not below the offset, the walk may
 * begin there instead of at the end of the space. */
static bool tlsf_before(tarn_range *r, uint64_t offset, uint32_t run, tarn_range_block *out,
                        uint64_t *align)
{
    tarn_space *s = range_space(r);
    uint32_t i = s->hint;
    if (i == 0 || range_is_idle(s, i) || s->nodes[i].at < offset)
        i = 0;
    do
        i = s->nodes[i].prev;
    while (i != 0 && (range_is_idle(s, i) || s->nodes[i].at >= offset ||
                      s->nodes[i].b >> RANGE_LOG_BITS == MARK_RUN(run) >> RANGE_LOG_BITS));
    if (i == 0)
        return false;
    s->hint = i;
    *out = range_block_of(s, i);
    *align = (uint64_t)1 << (s->nodes[i].b & (((uint32_t)1 << RANGE_LOG_BITS) - 1));
    return true;
}

/* ── The whole space ───────────────────────────────────────────────────────────────────────── */

static void tlsf_visit(const tarn_range *r, tarn_range_visitor *see, void *user)
{
    const tarn_space *s = range_space(r);
    for (uint32_t i = s->nodes[0].next; i != 0; i = s->nodes[i].next) {
        const tarn_range_node *n = &s->nodes[i];
        tarn_range_block run = range_is_idle(s, i) ? (tarn_range_block){n->at, n->size, 0, NULL}
                                                   : range_block_of(s, i);
        if (!see(user, &run))
            return;
    }
}

/* I3, from the bins' side; returns how many free runs they hold, UINT64_MAX when something is wrong. */
static uint64_t check_bins(const tarn_space *s)
{
    uint64_t count = 0;
    if (!tarn_two_level_valid(s->bits, B, s->rows))
        return UINT64_MAX;
    for (uint32_t bin = 0; bin < s->rows << B; bin++) {
        uint32_t before = 0;
        if (tarn_two_level_has(s->bits, B, bin) != (s->bins[bin] != 0))
            return UINT64_MAX;
        for (uint32_t i = s->bins[bin]; i != 0; before = i, i = s->nodes[i].b) {
            if (i >= s->node_used || !range_is_idle(s, i) || s->nodes[i].a != before ||
                bin_of(s, s->nodes[i].size) != bin || ++count > s->node_used)
                return UINT64_MAX;
        }
    }
    return count;
}

static tarn_status tlsf_check(const tarn_range *r)
{
    const tarn_space *s = range_space(r);
    uint64_t position = s->first, runs = 0, blocks = 0, units = 0, seen = 0, idle = 0;
    bool was_free = false;
    for (uint32_t i = s->nodes[0].next, before = 0; i != 0; before = i, i = s->nodes[i].next) {
        const tarn_range_node *n = &s->nodes[i];
        bool is_free = i < s->node_used && range_is_idle(s, i);
        if (i >= s->node_used || n->at != position || n->size == 0 || n->prev != before ||
            n->size > s->end - position || (was_free && is_free) || ++seen > s->node_used)
            return TARN_CORRUPT;
        runs += is_free;
        blocks += !is_free;
        units += is_free ? 0 : n->size;
        position += n->size;
        was_free = is_free;
    }
    for (uint32_t i = s->node_idle; i != 0; i = s->nodes[i].next) {
        if (i >= s->node_used || ++idle > s->node_used)
            return TARN_CORRUPT;
    }
    if (position != s->end || blocks != s->live_blocks || units != s->live_units ||
        runs != check_bins(s) || seen + idle + 1 != s->node_used ||
        s->node_spare != s->node_room - s->node_used + idle)
        return TARN_CORRUPT;
    return TARN_OK;
}

static void clear(tarn_space *s)
{
    memset(s->bits, 0, s->bit_bytes);
    tarn_space_clear_nodes(s, 1);
    push(s, link(s, 0, 0, s->first, s->end - s->first), bin_of(s, s->end - s->first));
}

static void tlsf_reset(tarn_range *r)
{
    if (range_enter(range_space(r)))
        clear(range_space(r));
}

bool tarn_range_tlsf_set_up(tarn_space *s)
{
    unsigned limit = 64 - (unsigned)__builtin_clzll((s->end - s->first) >> s->granule_log);
    if (limit < B + 1)
        limit = B + 1;
    s->rows = TARN_TWO_LEVEL_ROWS(B, limit);
    size_t words = TARN_TWO_LEVEL_WORDS(B, limit), bins = TARN_TWO_LEVEL_BINS(B, limit);
    s->bit_bytes = words * sizeof *s->bits + bins * sizeof *s->bins;
    s->bits = tarn_alloc(s->metadata, s->bit_bytes, TARN_SPEC(64));
    if (s->bits == NULL)
        return false;
    s->bins = (uint32_t *)(s->bits + words);
    s->plain = s->flags == 0 && s->max_blocks == 0 ? s->end - s->first : 0;
    clear(s);
    return true;
}

const tarn_range_ops tarn_range_tlsf_ops = {.bytes = sizeof tarn_range_tlsf_ops,
                                            .abi = TARN_ABI,
                                            .caps = TARN_RANGE_CAP_BEST | TARN_RANGE_CAP_LOW |
                                                    TARN_RANGE_CAP_BOUNDED | TARN_RANGE_CAP_STALE |
                                                    TARN_RANGE_CAP_MOVE,
                                            .alloc = tlsf_alloc,
                                            .free = tlsf_free,
                                            .look = tarn_space_look,
                                            .stats = tarn_space_stats,
                                            .visit = tlsf_visit,
                                            .set_user = tarn_space_set_user,
                                            .check = tlsf_check,
                                            .why = tarn_space_why,
                                            .name = tarn_space_name,
                                            .reset = tlsf_reset,
                                            .deinit = tarn_space_end,
                                            .share = tarn_space_share,
                                            .begin = tlsf_begin,
                                            .exchange = tlsf_exchange,
                                            .before = tlsf_before};
