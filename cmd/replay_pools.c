/* SPDX-License-Identifier: MIT */
/* replay_pools.c - the pools of a plan: exact strides, chunks straight from the system. */
#include "cmd/replay_pools.h"

#include <stdio.h>

bool replay_pools_open(replay_pools *p, const replay_header *program, char *why)
{
    tarn_status status = tarn_pages_init(&p->pages, NULL);
    for (uint32_t i = 0; status == TARN_OK && i < program->pools; i++) {
        const tarn_pool_options options = {.block_size = program->pool[i].block,
                                           .align = program->pool[i].align,
                                           .source = &p->pages.source};
        status = tarn_pool_init(&p->pool[i], &options);
    }
    if (status != TARN_OK)
        snprintf(why, 160, "cannot set up the pools: %s", tarn_status_text(status));
    return status == TARN_OK;
}
