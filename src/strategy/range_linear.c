/* SPDX-License-Identifier: MIT */
/*
 * range_linear.c - bump allocation in a space: stack, ring and double stack in one.
 *
 *     low end     │ oldest │ … │ newest │ ──►                  ◄── │ newest │ … │ oldest │  high end
 *     wrapped     │ … │ newest │ ──►         │ oldest │ … │        (then nothing at the high end)
 *
 * Two chains in the order of allocation: from node 0 what began at the low end, from node 1 what
 * began at the high end. A block that is freed inside its chain is dead until all on one side of it
 * are: freed newest first it is a stack, oldest first a ring.
 *
 * I1  The first and the last node of a chain are live.
 * I2  Along the low chain offsets rise, but for one fall where it wrapped; along the high chain they
 *     fall. Blocks never overlap.
 * I3  Two dead nodes are not side by side: of a row of dead blocks one node is left, which says no
 *     more than that they are dead. A chain of n live blocks has fewer than n dead nodes.
 *
 * Bound: alloc and free look at a constant number of nodes.
 *
 * Source: one flag for free-at-once, stack, ring and double stack is how the linear pools of Vulkan
 * Memory Allocator work.
 */
#include "strategy/range_node.h"

enum { LOW_END = 0, HIGH_END = 1 };

static uint64_t end_of(const tarn_range_node *n)
{
    return n->at + n->size;
}

static bool is_empty(const tarn_space *s, uint32_t chain)
{
    return s->nodes[chain].next == chain;
}

static bool is_wrapped(const tarn_space *s)
{
    const tarn_range_node *n = s->nodes;
    return !is_empty(s, LOW_END) && n[n[LOW_END].prev].at < n[n[LOW_END].next].at;
}

/* Does the block fit at the first aligned place from `from` on? */
static bool fits_up(uint64_t from, uint64_t limit, const tarn_range_request *want, uint64_t *at)
{
    *at = (from + want->align - 1) & ~(want->align - 1);
    if (limit > want->below)
        limit = want->below;
    return *at <= limit && want->size <= limit - *at;
}

static bool find_low(const tarn_space *s, const tarn_range_request *want, uint64_t *at)
{
    const tarn_range_node *n = s->nodes;
    uint64_t ceiling = is_empty(s, HIGH_END) ? s->end : n[n[HIGH_END].prev].at;
    if (is_empty(s, LOW_END))
        return fits_up(s->first, ceiling, want, at);
    uint64_t oldest = n[n[LOW_END].next].at, top = end_of(&n[n[LOW_END].prev]);
    if (is_wrapped(s))
        return fits_up(top, oldest, want, at);
    return fits_up(top, ceiling, want, at) ||
           (is_empty(s, HIGH_END) && fits_up(s->first, oldest, want, at));
}

static bool find_high(const tarn_space *s, const tarn_range_request *want, uint64_t *at)
{
    const tarn_range_node *n = s->nodes;
    uint64_t ceiling = is_empty(s, HIGH_END) ? s->end : n[n[HIGH_END].prev].at;
    uint64_t floor = is_empty(s, LOW_END) ? s->first : end_of(&n[n[LOW_END].prev]);
    if (ceiling > want->below)
        ceiling = want->below;
    if (is_wrapped(s) || want->size > ceiling)
        return false;
    *at = (ceiling - want->size) & ~(want->align - 1);
    return *at >= floor;
}

static tarn_status linear_alloc(tarn_range *r, const tarn_range_request *request,
                                tarn_range_block *out)
{
    tarn_space *s = range_space(r);
    tarn_range_request want;
    uint64_t at = 0;
    tarn_status status = tarn_space_judge(s, request, TARN_RANGE_FAST | TARN_RANGE_HIGH, &want);
    uint32_t chain = (request->flags & TARN_RANGE_HIGH) != 0 ? HIGH_END : LOW_END;
    if (!range_enter(s))
        status = TARN_BAD_ARGUMENT;
    if (status == TARN_OK &&
        !(chain == HIGH_END ? find_high(s, &want, &at) : find_low(s, &want, &at)))
        status = TARN_LIMIT;
    if (status == TARN_OK && (!range_has_room(s, 1) ||
                              (want.user != NULL && !tarn_space_room_for_users(s, s->node_room))))
        status = TARN_NO_MEMORY;
    if (status != TARN_OK)
        return tarn_space_refuse(s, status, request, out);
    uint32_t newest = s->nodes[chain].prev, i = range_take(s);
    s->nodes[i] = (tarn_range_node){at, want.size, newest, chain, 0, 0};
    s->nodes[newest].next = i;
    s->nodes[chain].prev = i;
    range_enter_request(s, i, &want, out);
    return TARN_OK;
}

/* ── Free ──────────────────────────────────────────────────────────────────────────────────── */

static void drop(tarn_space *s, uint32_t i)
{
    const tarn_range_node *n = &s->nodes[i];
    s->nodes[n->prev].next = n->next;
    s->nodes[n->next].prev = n->prev;
    range_release(s, i);
}

static bool is_end(uint32_t i)
{
    return i <= HIGH_END;
}

/* Of two nodes side by side in a chain, both dead, one is enough (I3). */
static void join(tarn_space *s, uint32_t older, uint32_t newer)
{
    if (!is_end(older) && !is_end(newer) && range_is_idle(s, older) && range_is_idle(s, newer))
        drop(s, newer);
}

/* The newest nodes of a chain, or the oldest, as long as they are dead. */
static void trim(tarn_space *s, uint32_t chain)
{
    while (!is_empty(s, chain) && range_is_idle(s, s->nodes[chain].prev))
        drop(s, s->nodes[chain].prev);
    while (!is_empty(s, chain) && range_is_idle(s, s->nodes[chain].next))
        drop(s, s->nodes[chain].next);
}

/* Which chain a live block is in: the newest block of the high chain is the lowest of it. */
static bool is_high(const tarn_space *s, uint32_t i)
{
    const tarn_range_node *n = s->nodes;
    return !is_empty(s, HIGH_END) && n[i].at >= n[n[HIGH_END].prev].at;
}

static tarn_status linear_free(tarn_range *r, tarn_range_id id)
{
    tarn_space *s = range_space(r);
    uint32_t i = range_resolve(s, id);
    if (!range_enter(s))
        return TARN_BAD_ARGUMENT;
    if (i == 0)
        return tarn_space_stale_node(s, id);
    bool high = is_high(s, i);
    range_count_free(s, s->nodes[i].size);
    range_set_idle(s, i);
    join(s, i, s->nodes[i].next);
    join(s, s->nodes[i].prev, i);
    trim(s, high ? HIGH_END : LOW_END);
    return TARN_OK;
}

/* ── The whole space ───────────────────────────────────────────────────────────────────────── */

/* A visit so far: what lies before `position` was shown. */
struct tour {
    const tarn_space *s;
    tarn_range_visitor *see;
    void *user;
    uint64_t position;
    bool on;
};

static void show(struct tour *t, uint32_t i)
{
    if (range_is_idle(t->s, i) || !t->on)
        return;
    tarn_range_block block = range_block_of(t->s, i);
    tarn_range_block gap = {t->position, block.offset - t->position, 0, NULL};
    if (gap.size != 0)
        t->on = t->see(t->user, &gap);
    t->position = block.offset + block.size;
    t->on = t->on && t->see(t->user, &block);
}

/* The first node of the low chain that lies below all before it; the chain's end when none does. */
static uint32_t wrap_of(const tarn_space *s)
{
    uint32_t i = s->nodes[LOW_END].next;
    uint64_t before = 0;
    for (; i != LOW_END && s->nodes[i].at >= before; i = s->nodes[i].next)
        before = s->nodes[i].at;
    return i;
}

static void linear_visit(const tarn_range *r, tarn_range_visitor *see, void *user)
{
    const tarn_space *s = range_space(r);
    struct tour t = {s, see, user, s->first, true};
    uint32_t wrap = wrap_of(s);
    for (uint32_t i = wrap; i != LOW_END; i = s->nodes[i].next)
        show(&t, i);
    for (uint32_t i = s->nodes[LOW_END].next; i != wrap; i = s->nodes[i].next)
        show(&t, i);
    for (uint32_t i = s->nodes[HIGH_END].prev; i != HIGH_END; i = s->nodes[i].prev)
        show(&t, i);
    tarn_range_block rest = {t.position, s->end - t.position, 0, NULL};
    if (t.on && rest.size != 0)
        see(user, &rest);
}

/* What a walk along both chains finds. */
struct sums {
    uint64_t seen, blocks, units;
};

/* One node of a chain, and the one before it (or the chain's end): I1, and links. */
static bool check_node(const tarn_space *s, uint32_t chain, uint32_t i, struct sums *sums)
{
    const tarn_range_node *n = &s->nodes[i];
    if (i >= s->node_used || s->nodes[n->prev].next != i || s->nodes[n->next].prev != i ||
        n->at < s->first || end_of(n) > s->end || n->size == 0 || ++sums->seen > s->node_used)
        return false;
    if (range_is_idle(s, i)) /* I1, I3 */
        return n->prev != chain && n->next != chain && !range_is_idle(s, n->prev);
    sums->blocks++;
    sums->units += n->size;
    return true;
}

/* I2 for the low chain: the part from the wrap on lies below the part before it. */
static bool check_low(const tarn_space *s, struct sums *sums)
{
    const tarn_range_node *n = s->nodes;
    uint64_t position = s->first, oldest = is_empty(s, LOW_END) ? 0 : n[n[LOW_END].next].at;
    unsigned falls = 0;
    for (uint32_t i = n[LOW_END].next; i != LOW_END; i = n[i].next) {
        if (!check_node(s, LOW_END, i, sums))
            return false;
        falls += n[i].at < position;
        position = end_of(&n[i]);
        if (falls > 1 || (falls == 1 && position > oldest))
            return false;
    }
    return falls == 0 || is_empty(s, HIGH_END);
}

static bool check_high(const tarn_space *s, struct sums *sums)
{
    const tarn_range_node *n = s->nodes;
    uint64_t floor = is_empty(s, LOW_END) ? s->first : end_of(&n[n[LOW_END].prev]);
    uint64_t position = s->end;
    for (uint32_t i = n[HIGH_END].next; i != HIGH_END; i = n[i].next) {
        if (!check_node(s, HIGH_END, i, sums) || end_of(&n[i]) > position)
            return false;
        position = n[i].at;
        if (position < floor)
            return false;
    }
    return true;
}

static tarn_status linear_check(const tarn_range *r)
{
    const tarn_space *s = range_space(r);
    struct sums sums = {0, 0, 0};
    if (!check_low(s, &sums) || !check_high(s, &sums) || sums.blocks != s->live_blocks ||
        sums.units != s->live_units || sums.seen + s->node_spare + 2 != s->node_room)
        return TARN_CORRUPT;
    return TARN_OK;
}

static void linear_reset(tarn_range *r)
{
    if (range_enter(range_space(r)))
        tarn_space_clear_nodes(range_space(r), 2);
}

bool tarn_range_linear_set_up(tarn_space *s)
{
    tarn_space_clear_nodes(s, 2);
    return true;
}

const tarn_range_ops tarn_range_linear_ops = {.bytes = sizeof tarn_range_linear_ops,
                                              .abi = TARN_ABI,
                                              .caps = TARN_RANGE_CAP_HIGH | TARN_RANGE_CAP_BOUNDED |
                                                      TARN_RANGE_CAP_STALE,
                                              .alloc = linear_alloc,
                                              .free = linear_free,
                                              .look = tarn_space_look,
                                              .stats = tarn_space_stats,
                                              .visit = linear_visit,
                                              .set_user = tarn_space_set_user,
                                              .check = linear_check,
                                              .why = tarn_space_why,
                                              .name = tarn_space_name,
                                              .reset = linear_reset,
                                              .deinit = tarn_space_end,
                                              .share = tarn_space_share};
