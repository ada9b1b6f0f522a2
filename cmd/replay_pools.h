/* SPDX-License-Identifier: MIT */
/* replay_pools.h - the pools of a plan, set up; shared by the heaps that use them. */
#ifndef TARN_REPLAY_POOLS_H
#define TARN_REPLAY_POOLS_H

#include "cmd/replay_program.h"
#include "tarn/pages.h"
#include "tarn/pool.h"

typedef struct replay_pools {
    tarn_pages pages;
    tarn_pool pool[REPLAY_POOLS];
} replay_pools;

/** replay_pools_open - one pool for each of the plan, growing by chunks of pages; false and a sentence in why (160). */
bool replay_pools_open(replay_pools *p, const replay_header *program, char *why);

#endif
