/* SPDX-License-Identifier: MIT */
/* replay_plan.h - which sizes of a trace are given a pool of their own. */
#ifndef TARN_REPLAY_PLAN_H
#define TARN_REPLAY_PLAN_H

#include "cmd/replay_builder.h"

/**
 * replay_plan - the pools, at most `most` of them, that serve the most requests.
 *
 * A pool serves the sizes low to high, and no block of it wastes more than an eighth. A pool that would serve less
 * than one request in 200 is left out.
 *
 * Returns  how many stand in out, smallest block first; 0 when no size is hot.
 * Fails    0 when memory is out.
 */
unsigned replay_plan(const replay_size sizes[REPLAY_POOL_MAX + 1], unsigned most,
                     replay_pool out[REPLAY_POOLS]);

#endif
