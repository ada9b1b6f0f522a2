/* SPDX-License-Identifier: MIT */
/* A user's program in C: a pool over the system's pages. */
#include <tarn/pages.h>
#include <tarn/pool.h>

#include <stdio.h>

int main(void)
{
    tarn_pool pool;
    tarn_pages pages;
    tarn_pages_init(&pages, &(tarn_pages_options){.name = "consumer"});
    if (tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 24, .source = &pages.source}) !=
        TARN_OK)
        return 1;
    void *block = tarn_pool_alloc(&pool);
    if (block == NULL)
        return 2;
    tarn_pool_free(&pool, block);
    tarn_pool_deinit(&pool);
    puts("tarn " TARN_VERSION);
    return 0;
}
