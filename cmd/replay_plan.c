/* SPDX-License-Identifier: MIT */
/*
 * replay_plan.c - the best set of pools for a histogram of sizes, by dynamic programming.
 *
 *     sizes that occur:  8  16  24  │ 25 … 32 │  33  40  │ …    cut into runs, some of them left to the general heap
 *                           pool 24 │ pool 32 │  general │
 *
 * best[k][j] is the greatest score of k pools over the j smallest sizes: either size j has no pool (best[k][j-1]), or a
 * pool serves sizes i+1 to j (best[k-1][i] + its score). A request scores 1, less half of the share of its block that is
 * wasted, so that exact pools win where there is room for them; a pool costs what one request in 200 scores.
 */
#include "cmd/replay_plan.h"

#include <stdlib.h>
#include <string.h>

enum {
    WASTE = 8 /* a block may waste 1/8 */,
    RARE = 200 /* a pool serves 1/200 of all requests at least */
};

typedef struct table {
    unsigned n;                         /* sizes that occur */
    uint32_t size[REPLAY_POOL_MAX + 1]; /* from 1 */
    uint64_t allocs[REPLAY_POOL_MAX + 1];
    double best[REPLAY_POOLS + 1][REPLAY_POOL_MAX + 1];
    uint16_t from[REPLAY_POOLS + 1]
                 [REPLAY_POOL_MAX + 1]; /* i of the pool that ends at j; j = none does */
} table;

static uint32_t round_up(uint32_t size, uint32_t align)
{
    return (size + align - 1) / align * align;
}

/* Extend the pool that ends at size j down to size i: its stride, or 0 when a block would waste too much. */
static uint32_t stride_of(const table *t, unsigned i, unsigned j, uint32_t *align)
{
    uint32_t need = (uint32_t)replay_align(t->size[i], 0);
    if (need > *align)
        *align = need;
    uint32_t stride = round_up(t->size[j], *align);
    uint32_t used = round_up(t->size[i], need);
    return (uint64_t)(stride - used) * WASTE <= stride ? stride : 0;
}

static void try_pools_ending_at(table *t, unsigned k, unsigned j, double price)
{
    double score = -price;
    uint32_t align = 1;
    for (unsigned i = j; i >= 1; i--) {
        uint32_t stride = stride_of(t, i, j, &align);
        if (stride == 0)
            break;
        double waste = (double)(stride - t->size[i]) / stride;
        score += (double)t->allocs[i] * (1 - waste / 2);
        double sum = t->best[k - 1][i - 1] + score;
        if (sum > t->best[k][j]) {
            t->best[k][j] = sum;
            t->from[k][j] = (uint16_t)(i - 1);
        }
    }
}

static void fill(table *t, unsigned most, double price)
{
    for (unsigned k = 1; k <= most; k++)
        for (unsigned j = 1; j <= t->n; j++) {
            t->best[k][j] = t->best[k][j - 1];
            t->from[k][j] = (uint16_t)j;
            try_pools_ending_at(t, k, j, price);
        }
}

/* Walk back from the best end; pools come out largest first. */
static unsigned walk(const table *t, unsigned k, replay_pool *out)
{
    unsigned count = 0, j = t->n;
    while (j > 0 && k > 0) {
        unsigned i = t->from[k][j];
        if (i == j) {
            j--;
            continue;
        }
        replay_pool p = {.low = t->size[i + 1], .high = t->size[j], .align = 1};
        for (unsigned s = i + 1; s <= j; s++) {
            uint32_t need = (uint32_t)replay_align(t->size[s], 0);
            p.align = need > p.align ? need : p.align;
            p.allocs += t->allocs[s];
        }
        p.block = round_up(p.high, p.align);
        out[count++] = p;
        j = i;
        k--;
    }
    return count;
}

unsigned replay_plan(const replay_size sizes[REPLAY_POOL_MAX + 1], unsigned most,
                     replay_pool out[REPLAY_POOLS])
{
    table *t = calloc(1, sizeof *t);
    if (t == NULL)
        return 0;
    uint64_t total = sizes[0].allocs;
    for (uint32_t s = 1; s <= REPLAY_POOL_MAX; s++)
        if (sizes[s].allocs != 0) {
            t->n++;
            t->size[t->n] = s;
            t->allocs[t->n] = sizes[s].allocs;
            total += sizes[s].allocs;
        }
    most = most < REPLAY_POOLS ? most : REPLAY_POOLS;
    fill(t, most, (double)total / RARE);
    unsigned k = 0;
    for (unsigned i = 1; i <= most; i++)
        if (t->best[i][t->n] > t->best[k][t->n])
            k = i;
    unsigned count = walk(t, k, out);
    free(t);
    for (unsigned i = 0; i < count / 2; i++) {
        replay_pool swap = out[i];
        out[i] = out[count - 1 - i];
        out[count - 1 - i] = swap;
    }
    return count;
}
