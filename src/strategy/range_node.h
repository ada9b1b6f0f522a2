/* SPDX-License-Identifier: MIT */
/*
 * range_node.h - what a space keeps of its blocks and free runs, and what its cores share.
 *
 *     nodes   │ 0: both ends │ live │ free │ live │ unused │ live │ … room
 *                 prev ◄───── by index ─────► next                        half a cache line each
 *
 * I1  Node 0 is both ends of the chain of neighbours and never free, so a merge asks no question
 *     about the end. The linear core has a second chain, from node 1.
 * I2  Which nodes are live blocks' is told by one bit each in `idle`, 0 for live: no id resolves to
 *     another. Whether a neighbour is free is asked there, too, so a free that merges nothing touches
 *     no node but its own; the bits of 10^5 blocks are in the first-level cache, their nodes are not.
 * I3  An id is a node's index and the stamp of its block. A stamp comes again after 2^32 allocations;
 *     until then a freed block's id resolves to nothing.
 */
#ifndef TARN_STRATEGY_RANGE_NODE_H
#define TARN_STRATEGY_RANGE_NODE_H

#include <tarn/range.h>

enum { RANGE_CHECK = 1u << 0 };

/* The low bits of a live node's mark are the logarithm of its alignment, the others the
 * defragmentation that moved or reserved it. */
enum { RANGE_LOG_BITS = 6 };

struct tarn_range_node {
    uint64_t at;         /* offset */
    uint64_t size;       /* units */
    uint32_t prev, next; /* neighbours; of an unused node: the next unused one */
    uint32_t a;          /* live: stamp; free: the one before in its bin, 0 when first */
    uint32_t b;          /* live: mark;  free: the one behind in its bin */
};

_Static_assert(sizeof(tarn_range_node) == 32, "two nodes are one cache line");

extern const tarn_range_ops tarn_range_tlsf_ops, tarn_range_linear_ops, tarn_range_bitmap_ops;

/* ── What every core does alike ── */

static inline tarn_space *range_space(const tarn_range *r)
{
    return (tarn_space *)(uintptr_t)r;
}

/* Is this thread out of place? Reported when it is. */
bool tarn_space_intruded(tarn_space *s);

/* May the call go on? */
static inline bool range_enter(tarn_space *s)
{
    return TARN_LIKELY((s->flags & RANGE_CHECK) == 0) || !tarn_space_intruded(s);
}

/* Note a refusal and return its status. */
tarn_status tarn_space_refuse(tarn_space *s, tarn_status status, const tarn_range_request *request,
                              tarn_range_block *out);
/* The same for an id that resolves to nothing: a fault when checking. */
tarn_status tarn_space_stale(tarn_space *s, tarn_range_id id, bool once_given);

/* Judge a request; its size in whole granules in *size, its alignment in *align, where a block must
 * end in *below. `flags`: those that the core knows. */
tarn_status tarn_space_judge(const tarn_space *s, const tarn_range_request *request, uint32_t flags,
                             tarn_range_request *out);

/* Room for the user pointers of so many nodes or granules; nothing changes when there is none. */
bool tarn_space_room_for_users(tarn_space *s, uint64_t count);

static inline void range_count_alloc(tarn_space *s, uint64_t size)
{
    s->live_blocks++;
    s->live_units += size;
    if (s->live_units > s->peak_units)
        s->peak_units = s->live_units;
}

static inline void range_count_free(tarn_space *s, uint64_t size)
{
    s->live_blocks--;
    s->live_units -= size;
}

static inline void range_put_user(tarn_space *s, uint64_t index, void *user)
{
    if (index < s->user_room)
        s->users[index] = user;
}

static inline void *range_user(const tarn_space *s, uint64_t index)
{
    return index < s->user_room ? s->users[index] : NULL;
}

/* ── Nodes ── */

/* Is this node no live block's? */
static inline bool range_is_idle(const tarn_space *s, uint32_t i)
{
    return (s->idle[i / 64] >> (i % 64) & 1) != 0;
}

static inline void range_set_idle(tarn_space *s, uint32_t i)
{
    s->idle[i / 64] |= (uint64_t)1 << (i % 64);
}

static inline void range_set_live(tarn_space *s, uint32_t i)
{
    s->idle[i / 64] &= ~((uint64_t)1 << (i % 64));
}

/* Empty, with `ends` nodes in use as ends of chains. */
void tarn_space_clear_nodes(tarn_space *s, uint32_t ends);
/* Room for `count` more nodes; false when metadata is out. */
bool tarn_space_grow_nodes(tarn_space *s, uint32_t count);

static inline bool range_has_room(tarn_space *s, uint32_t count)
{
    return TARN_LIKELY(s->node_spare >= count) || tarn_space_grow_nodes(s, count);
}

/* A node, idle until it is entered as a block. */
static inline uint32_t range_take(tarn_space *s)
{
    uint32_t i = s->node_idle;
    s->node_spare--;
    if (i == 0)
        return s->node_used++;
    s->node_idle = s->nodes[i].next;
    return i;
}

static inline void range_release(tarn_space *s, uint32_t i)
{
    range_set_idle(s, i);
    s->nodes[i].next = s->node_idle;
    s->node_idle = i;
    s->node_spare++;
}

/* The live node of an id, 0 when there is none. */
static inline uint32_t range_resolve(const tarn_space *s, tarn_range_id id)
{
    uint32_t i = (uint32_t)id;
    return i < s->node_used && s->nodes[i].a == id >> 32 && !range_is_idle(s, i) ? i : 0;
}

/* The node stands for a new live block, whose user pointer may still be that of an old one. */
static inline void range_enter_block(tarn_space *s, uint32_t i, uint32_t mark,
                                     tarn_range_block *out)
{
    tarn_range_node *n = &s->nodes[i];
    uint32_t stamp = s->stamp + 1;
    stamp += stamp == 0; /* no block has the stamp of the ends */
    s->stamp = stamp;
    n->a = stamp;
    n->b = mark;
    range_set_live(s, i);
    range_count_alloc(s, n->size);
    out->offset = n->at;
    out->size = n->size;
    out->id = (tarn_range_id)stamp << 32 | i;
    out->user = NULL;
}

/* The same, with all that a request says. */
static inline void range_enter_request(tarn_space *s, uint32_t i, const tarn_range_request *want,
                                       tarn_range_block *out)
{
    range_enter_block(s, i, want->run << RANGE_LOG_BITS | (uint32_t)__builtin_ctzll(want->align),
                      out);
    range_put_user(s, i, want->user);
    out->user = want->user;
}

static inline tarn_range_block range_block_of(const tarn_space *s, uint32_t i)
{
    const tarn_range_node *n = &s->nodes[i];
    return (tarn_range_block){n->at, n->size, (tarn_range_id)n->a << 32 | i, range_user(s, i)};
}

/* look, set_user and free of a stale id, for the cores that have nodes. */
tarn_status tarn_space_look(const tarn_range *r, tarn_range_id id, tarn_range_block *out);
tarn_status tarn_space_set_user(tarn_range *r, tarn_range_id id, void *user);
tarn_status tarn_space_stale_node(tarn_space *s, tarn_range_id id);

/* ── The same in all tables ── */

void tarn_space_stats(const tarn_range *r, tarn_range_stats *out);
tarn_range_why tarn_space_why(const tarn_range *r);
const char *tarn_space_name(const tarn_range *r);
void tarn_space_end(tarn_range *r);
void tarn_space_share(tarn_range *r);

/* ── Cores: set-up of what is theirs alone; false when metadata is out. ── */

bool tarn_range_tlsf_set_up(tarn_space *s);
bool tarn_range_linear_set_up(tarn_space *s);
bool tarn_range_bitmap_set_up(tarn_space *s);

#endif
