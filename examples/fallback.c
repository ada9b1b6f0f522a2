/* SPDX-License-Identifier: MIT */
/* Composing: a pool for its own size, an arena for small ones, malloc for the rest, counted by a layer on top. */
#include <stdio.h>

#include <tarn/tarn.h>

static int failed;

static void must(tarn_status status)
{
    if (status != TARN_OK && failed++ == 0)
        fprintf(stderr, "fallback: %s\n", tarn_status_text(status));
}

int main(void)
{
    static char bytes[1024];
    tarn_pool pool;
    tarn_arena arena;
    tarn_fallback small;
    tarn_segregate by_size;
    tarn_stats_layer counted;

    must(tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 64, .name = "64"}));
    must(tarn_arena_init(&arena,
                         &(tarn_arena_options){.buffer = bytes, .buffer_size = sizeof bytes}));
    must(
        tarn_fallback_init(&small, &(tarn_fallback_options){.primary = tarn_arena_allocator(&arena),
                                                            .secondary = tarn_libc()}));
    tarn_segregate_class classes[] = {{32, tarn_fallback_allocator(&small)},
                                      {64, tarn_pool_allocator(&pool)}};
    must(tarn_segregate_init(
        &by_size, &(tarn_segregate_options){.classes = classes, .count = 2, .rest = tarn_libc()}));
    must(tarn_stats_init(&counted,
                         &(tarn_stats_options){.parent = tarn_segregate_allocator(&by_size)}));

    tarn_allocator *a = tarn_stats_allocator(&counted); /* all of it, behind one pointer */
    void *blocks[300];
    size_t sizes[300];
    for (size_t i = 0; i < 300; i++) {
        sizes[i] = i % 3 == 0 ? 24 : i % 3 == 1 ? 60 : 5000;
        blocks[i] = tarn_alloc(a, sizes[i], TARN_SPEC(8));
    }
    tarn_stats stats;
    must(tarn_get_stats(a, &stats));
    printf("%zu blocks, %zu bytes live\n", stats.live_blocks, stats.live_bytes);
    printf("the pool owns the 60-byte ones: %s\n",
           tarn_owns(&pool.allocator, blocks[1]) == TARN_YES ? "yes" : "no");
    for (size_t i = 0; i < 300; i++)
        tarn_free(a, blocks[i], sizes[i], TARN_SPEC(8));
    must(tarn_get_stats(a, &stats));
    printf("%zu after all were freed; the arena was full %zu times\n", stats.live_blocks,
           tarn_fallback_taken(&small));
    tarn_pool_deinit(&pool);
    tarn_arena_deinit(&arena);
    return failed != 0 || stats.live_blocks != 0;
}
