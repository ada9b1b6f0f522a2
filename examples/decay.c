/* SPDX-License-Identifier: MIT */
/* Idle memory that goes back by age: two pools over spans, a clock of our own, and what is held as time goes by. */
#include <stdio.h>

#include <tarn/pages.h>
#include <tarn/pool.h>
#include <tarn/spans.h>

static uint64_t now; /* ms */

static uint64_t clock_of_ours(void *user)
{
    return *(uint64_t *)user;
}

static void fill_and_empty(tarn_pool *pool, size_t count)
{
    static void *blocks[100000];
    for (size_t i = 0; i < count; i++)
        blocks[i] = tarn_pool_alloc(pool);
    for (size_t i = 0; i < count; i++)
        tarn_pool_free(pool, blocks[i]);
    tarn_trim(tarn_pool_allocator(pool)); /* its idle chunks go to the spans */
}

int main(void)
{
    tarn_pages pages;
    tarn_spans spans;
    tarn_pool small, large;
    tarn_spans_options options = {
        .source = &pages.source, .decay_ms = 1000, .clock = clock_of_ours, .user = &now};
    if (tarn_pages_init(&pages, NULL) != TARN_OK || tarn_spans_init(&spans, &options) != TARN_OK ||
        tarn_pool_init(&small, &(tarn_pool_options){.block_size = 48, .source = &spans.source}) ||
        tarn_pool_init(&large, &(tarn_pool_options){.block_size = 200, .source = &spans.source}))
        return 1;
    fill_and_empty(&small, 100000);
    fill_and_empty(&large, 20000); /* in the memory that the first one gave back */
    tarn_spans_report r;
    for (now = 0; now <= 2400; now += 200) {
        (void)tarn_spans_tick(&spans); /* a program that allocates need not */
        tarn_spans_get_report(&spans, &r);
        printf("%4d ms: %4zu KiB mapped, %4zu in use, %4zu of idle memory\n", (int)now,
               r.held >> 10, r.live >> 10, r.dirty >> 10);
    }
    tarn_pool_deinit(&large);
    tarn_pool_deinit(&small);
    tarn_spans_deinit(&spans);
    tarn_pages_deinit(&pages);
    return r.dirty == 0 && r.reused != 0 ? 0 : 1;
}
