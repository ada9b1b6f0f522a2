/* SPDX-License-Identifier: MIT */
/*
 * limit.h - budgets: how many bytes a request, a tenant, a plug-in or a whole program may hold.
 *
 *     tarn_budget all, tenant;
 *     tarn_budget_init(&all, &(tarn_budget_options){.name = "server", .hard = 1 << 30});
 *     tarn_budget_init(&tenant, &(tarn_budget_options){.name = "tenant 7", .hard = 64 << 20, .parent = &all});
 *     tarn_limit_init(&limit, &(tarn_limit_options){.parent = heap, .budget = &tenant});
 *
 *     limit ──► tenant 7 ──► server      a block is charged to each budget up to the root; when one
 *     limit ──► tenant 8 ──┘             of them has not that much left, it is refused and nothing
 *                                        is charged
 */
#ifndef TARN_LIMIT_H
#define TARN_LIMIT_H

#include <tarn/layer.h>

TARN_BEGIN_DECLS

typedef struct tarn_budget tarn_budget;

/*
 * Called when a budget is short: bytes is what lacks to the hard limit, or what is used beyond the
 * soft one. It may free blocks that the budget pays for, and may not allocate from it. What it
 * returns counts at the hard limit only: true when it is worth to try again.
 */
typedef bool tarn_budget_reclaim(void *user, tarn_budget *budget, size_t bytes);

typedef struct tarn_budget_options {
    const char *name;    /* must outlive the budget; default "budget"                         */
    tarn_budget *parent; /* also charged; must outlive this one; NULL: none                   */
    size_t hard;         /* bytes, what is never exceeded; 0: no limit                        */
    size_t soft;         /* bytes, beyond which reclaim is called; 0: none                    */
    tarn_budget_reclaim *reclaim; /* once whenever the soft limit is passed upwards, and once for
                                     each request that meets the hard limit; NULL: none       */
    void *user;                   /* passed to reclaim                                        */
    bool shared; /* several threads charge it: counters are atomic. Its parents must be, too  */
} tarn_budget_options;

/* State; fields are private. Read it by tarn_budget_get. */
struct tarn_budget {
    tarn_budget *parent;
    size_t hard, soft, used, peak;
    size_t refused; /* requests */
    tarn_budget_reclaim *reclaim;
    void *user;
    const char *name;
    bool shared;
};

/* A budget's figures, copied out. */
typedef struct tarn_budget_stats {
    const char *name;
    size_t used, peak, hard, soft; /* bytes; limits of 0: none */
    size_t refused;                /* requests that did not fit here */
} tarn_budget_stats;

/**
 * tarn_budget_init - a budget, empty.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT: soft above hard, or shared under a parent that is not.
 * Threads  one.
 * Cost     O(1), allocates nothing. Needs no deinit.
 */
TARN_API tarn_status tarn_budget_init(tarn_budget *b, const tarn_budget_options *options);

/**
 * tarn_budget_charge - take bytes from a budget and all above it, for what no allocator charges.
 *
 * Units    bytes.
 * Returns  NULL: all of them are charged.
 * Fails    the budget that has not so much left; nothing is charged.
 * Threads  one at a time, any when shared.
 * Cost     O(depth).
 */
TARN_API TARN_MUST_USE const tarn_budget *tarn_budget_charge(tarn_budget *b, size_t bytes);

/**
 * tarn_budget_refund - give bytes back that were charged.
 *
 * Units    bytes.
 * Fails    never.
 * Threads  as tarn_budget_charge.
 * Cost     O(depth).
 */
TARN_API void tarn_budget_refund(tarn_budget *b, size_t bytes);

/**
 * tarn_budget_set - other limits; what is used stays, also beyond them.
 *
 * Units    hard, soft in bytes; 0: none.
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT: soft above hard; nothing changed.
 * Threads  as tarn_budget_charge.
 * Cost     O(1).
 */
TARN_API tarn_status tarn_budget_set(tarn_budget *b, size_t hard, size_t soft);

/**
 * tarn_budget_get - copy a budget's figures.
 *
 * Returns  the figures.
 * Fails    never.
 * Threads  as tarn_budget_charge.
 * Cost     O(1).
 */
TARN_API tarn_budget_stats tarn_budget_get(const tarn_budget *b);

typedef struct tarn_limit_options {
    const char *name; /* shown in messages; NULL: none. Copied, cut at 30 bytes */
    tarn_allocator *parent;
    tarn_budget *budget; /* must outlive the layer */
} tarn_limit_options;

/* State; fields are private. */
typedef struct tarn_limit {
    tarn_layer layer;
    tarn_budget *budget;
    size_t charged; /* bytes, by this layer */
} tarn_limit;

/**
 * tarn_limit_init - let a budget pay for an allocator's blocks. The parent must outlive the layer.
 *
 * Bytes asked for are charged, so the layer grants exactly these: it has no alloc_at_least and no
 * unsized free. A refusal has the reason TARN_LIMIT, with the budget's hard limit. A block that
 * shrinks in place is refunded. Threads: as the parent when the budget is shared.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT: no parent, or no budget.
 * Threads  one; afterwards as the parent, if the budget is shared.
 * Cost     O(1), allocates nothing.
 */
TARN_API tarn_status tarn_limit_init(tarn_limit *l, const tarn_limit_options *options);

/**
 * tarn_limit_deinit - the end of the layer: what its blocks still hold is refunded.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(depth).
 */
TARN_API void tarn_limit_deinit(tarn_limit *l);

/**
 * tarn_limit_budget - who pays.
 *
 * Returns  the budget that this layer charges.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_budget *tarn_limit_budget(const tarn_limit *l)
{
    return l->budget;
}

/**
 * tarn_limit_allocator - the layer's handle.
 *
 * Returns  the handle, good until deinit.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_limit_allocator(tarn_limit *l)
{
    return &l->layer.allocator;
}

TARN_END_DECLS

#endif
