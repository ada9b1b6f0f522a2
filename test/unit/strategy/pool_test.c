/* SPDX-License-Identifier: MIT */
/* pool_test.c - the pool as its users see it: sizes, alignment, exhaustion, buffers, object caches, order, batches. */
#include <stdio.h>
#include <stdlib.h>

#include <tarn/pages.h>
#include <tarn/pool.h>

#include "support/tarn_test.h"

static tarn_status make(tarn_pool *pool, tarn_pool_options o)
{
    return tarn_pool_init(pool, &o);
}

static void valid(const tarn_pool *pool)
{
    assert_int_equal(tarn_check(&pool->allocator), TARN_OK);
}

static size_t live(const tarn_pool *pool)
{
    tarn_stats s;
    assert_int_equal(tarn_get_stats(&pool->allocator, &s), TARN_OK);
    return s.live_blocks;
}

static void every_size_takes_its_exact_stride(void **unused)
{
    (void)unused;
    for (size_t size = 1; size <= 130; size++) {
        tarn_pool pool;
        assert_int_equal(make(&pool, (tarn_pool_options){.block_size = size}), TARN_OK);
        char *before = tarn_pool_alloc(&pool);
        for (int i = 0; i < 200; i++) {
            char *block = tarn_pool_alloc(&pool);
            assert_int_equal(block - before, size);
            before = block;
        }
        valid(&pool);
        tarn_pool_deinit(&pool);
    }
}

static void every_alignment_is_kept(void **unused)
{
    (void)unused;
    tarn_pages pages;
    assert_int_equal(tarn_pages_init(&pages, NULL), TARN_OK);
    for (size_t align = 1; align <= 1u << 21; align *= 2) {
        tarn_pool pool;
        tarn_pool_options options = {.block_size = 24, .align = align};
        /* Chunks beyond 16 MiB: Valgrind ends a program that asks malloc for such an alignment. */
        if (align > 1u << 18)
            options.source = &pages.source;
        assert_int_equal(make(&pool, options), TARN_OK);
        for (int i = 0; i < 100; i++)
            assert_int_equal((uintptr_t)tarn_pool_alloc(&pool) % align, 0);
        assert_null(tarn_alloc(&pool.allocator, 24, TARN_SPEC(align) + 1));
        assert_int_equal(tarn_get_why(&pool.allocator).status, TARN_BAD_ALIGN);
        valid(&pool);
        tarn_pool_deinit(&pool);
    }
    tarn_pages_deinit(&pages);
}

static void default_alignment_fits_any_type_of_the_size(void **unused)
{
    (void)unused;
    const size_t size_align[][2] = {{1, 1}, {2, 2},  {3, 1},  {4, 4},   {6, 2},
                                    {8, 8}, {12, 4}, {24, 8}, {64, 16}, {96, 16}};
    for (size_t i = 0; i < sizeof size_align / sizeof *size_align; i++) {
        tarn_pool pool;
        assert_int_equal(make(&pool, (tarn_pool_options){.block_size = size_align[i][0]}), TARN_OK);
        assert_int_equal((size_t)1 << pool.spec_max, size_align[i][1]);
        tarn_pool_deinit(&pool);
    }
}

static void other_sizes_are_refused_and_nothing_changes(void **unused)
{
    (void)unused;
    tarn_pool pool;
    assert_int_equal(make(&pool, (tarn_pool_options){.block_size = 64, .name = "nodes"}), TARN_OK);
    assert_null(tarn_alloc(&pool.allocator, 65, 0));
    tarn_why why = tarn_get_why(&pool.allocator);
    assert_int_equal(why.status, TARN_TOO_BIG);
    assert_int_equal(why.size, 65);
    assert_int_equal(why.limit, 64);
    char text[128];
    (void)tarn_why_text(&pool.allocator, text, sizeof text);
    assert_string_equal(text, "nodes: refused 65 bytes aligned to 1: the size is too big (64)");
    assert_null(tarn_alloc(&pool.allocator, SIZE_MAX, 0));
    assert_int_equal(live(&pool), 0);
    void *small = tarn_alloc(&pool.allocator, 10, 0), *none = tarn_alloc(&pool.allocator, 0, 0);
    assert_non_null(small);
    assert_non_null(none);
    assert_int_equal(tarn_usable(&pool.allocator, small, 10, 0), 64);
    tarn_free(&pool.allocator, small, 10, 0);
    tarn_free(&pool.allocator, none, 0, 0);
    tarn_pool_deinit(&pool);
}

static void an_exact_pool_refuses_smaller_sizes(void **unused)
{
    (void)unused;
    tarn_pool pool;
    assert_int_equal(make(&pool, (tarn_pool_options){.block_size = 64, .exact = true}), TARN_OK);
    assert_null(tarn_alloc(&pool.allocator, 63, 0));
    assert_int_equal(tarn_get_why(&pool.allocator).status, TARN_WRONG_SIZE);
    assert_null(tarn_alloc(&pool.allocator, 0, 0));
    assert_null(tarn_alloc(&pool.allocator, 65, 0));
    void *block = tarn_alloc(&pool.allocator, 64, 0);
    assert_non_null(block);
    assert_null(tarn_resize(&pool.allocator, block, 64, 32, 32, 0));
    tarn_free(&pool.allocator, block, 64, 0);
    tarn_pool_deinit(&pool);
}

static void a_fixed_pool_ends_at_its_capacity(void **unused)
{
    (void)unused;
    const size_t capacities[] = {1, 2, 63, 64, 65, 200, 4096, 5000};
    for (size_t k = 0; k < sizeof capacities / sizeof *capacities; k++) {
        size_t n = capacities[k];
        void **blocks = calloc(n, sizeof *blocks);
        tarn_pool pool;
        assert_int_equal(make(&pool, (tarn_pool_options){.block_size = 24, .capacity = n}),
                         TARN_OK);
        for (int round = 0; round < 3; round++) {
            for (size_t i = 0; i < n; i++) {
                blocks[i] = tarn_pool_alloc(&pool);
                assert_non_null(blocks[i]);
                memset(blocks[i], (int)i, 24);
            }
            assert_null(tarn_pool_alloc(&pool));
            assert_int_equal(tarn_get_why(&pool.allocator).status, TARN_LIMIT);
            assert_int_equal(tarn_get_why(&pool.allocator).limit, n);
            assert_int_equal(live(&pool), n);
            valid(&pool);
            for (size_t i = 0; i < n; i++)
                tarn_pool_free(&pool, blocks[round == 1 ? n - 1 - i : i]);
            assert_int_equal(live(&pool), 0);
            valid(&pool);
        }
        tarn_pool_deinit(&pool);
        free(blocks);
    }
}

static void a_growing_pool_keeps_its_limit(void **unused)
{
    (void)unused;
    tarn_pool pool;
    void *last = NULL;
    assert_int_equal(
        make(&pool, (tarn_pool_options){.block_size = 48, .limit = 5000, .chunk_size = 65536}),
        TARN_OK);
    for (int i = 0; i < 5000; i++)
        assert_non_null(last = tarn_pool_alloc(&pool));
    assert_null(tarn_pool_alloc(&pool));
    assert_int_equal(tarn_get_why(&pool.allocator).status, TARN_LIMIT);
    tarn_pool_free(&pool, last);
    assert_ptr_equal(tarn_pool_alloc(&pool), last);
    valid(&pool);
    tarn_pool_deinit(&pool);
}

static size_t capacity_in(void *buffer, size_t bytes, size_t size, size_t align)
{
    tarn_pool pool;
    size_t n = 0;
    tarn_pool_options o = {
        .block_size = size, .align = align, .buffer = buffer, .buffer_size = bytes};
    if (tarn_pool_init(&pool, &o) != TARN_OK)
        return 0;
    while (tarn_pool_alloc(&pool) != NULL)
        n++;
    tarn_pool_deinit(&pool);
    return n;
}

static void a_buffer_of_the_stated_bytes_holds_exactly_the_blocks(void **unused)
{
    (void)unused;
    const size_t sizes[] = {1, 3, 4, 8, 24, 40, 64, 104},
                 counts[] = {1, 2, 63, 64, 65, 1000, 4096, 4097, 9000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            size_t align = sizes[s] % 8 == 0 ? 8 : 1, n = counts[c];
            size_t bytes = tarn_pool_bytes(sizes[s], align, n);
            assert_int_equal(bytes, TARN_POOL_BYTES(sizes[s], align, n));
            char *buffer = aligned_alloc(64, (bytes + 64) & ~(size_t)63);
            memset(buffer, 0xee, (bytes + 64) & ~(size_t)63);
            size_t spare = sizes[s] < 8 ? 8 / sizes[s] : 0;
            assert_in_range(capacity_in(buffer, bytes, sizes[s], align), n, n + spare);
            assert_in_range(capacity_in(buffer, bytes - 1, sizes[s], align), 0, n - 1);
            assert_int_equal((unsigned char)buffer[bytes], 0xee);
            free(buffer);
        }
    }
    assert_int_equal(tarn_pool_bytes(0, 0, 5), 0);
    assert_int_equal(tarn_pool_bytes(8, 3, 5), 0);
    assert_int_equal(tarn_pool_bytes(8, 8, SIZE_MAX / 4), 0);
}

static void a_static_buffer_works_from_any_offset(void **unused)
{
    (void)unused;
    static char buffer[TARN_POOL_BYTES(40, 8, 100) + 64];
    for (size_t skip = 0; skip < 64; skip++) {
        size_t n = capacity_in(buffer + skip, sizeof buffer - skip, 40, 8);
        assert_in_range(n, 99, 101);
    }
}

static void nonsense_is_refused_when_built(void **unused)
{
    (void)unused;
    tarn_pool pool;
    char buffer[64];
    assert_int_equal(make(&pool, (tarn_pool_options){.block_size = 0}), TARN_BAD_ARGUMENT);
    assert_int_equal(make(&pool, (tarn_pool_options){.block_size = 8, .align = 12}),
                     TARN_BAD_ALIGN);
    assert_int_equal(make(&pool, (tarn_pool_options){.block_size = SIZE_MAX - 3}), TARN_TOO_BIG);
    assert_int_equal(make(&pool, (tarn_pool_options){.block_size = 8, .capacity = SIZE_MAX / 4}),
                     TARN_TOO_BIG);
    assert_int_equal(make(&pool, (tarn_pool_options){.block_size = 8, .chunk_size = 1000}),
                     TARN_BAD_ARGUMENT);
    assert_int_equal(make(&pool, (tarn_pool_options){.block_size = 80, .chunk_size = 64}),
                     TARN_BAD_ARGUMENT);
    tarn_pool_options both = {
        .block_size = 8, .buffer = buffer, .buffer_size = 64, .parent = tarn_libc()};
    assert_int_equal(tarn_pool_init(&pool, &both), TARN_BAD_ARGUMENT);
    tarn_pool_options small = {
        .block_size = 8, .capacity = 100, .buffer = buffer, .buffer_size = sizeof buffer};
    assert_int_equal(tarn_pool_init(&pool, &small), TARN_LIMIT);
}

static void freed_blocks_come_back_in_address_order(void **unused)
{
    (void)unused;
    enum { N = 20000 };
    static char *blocks[N];
    tarn_pool pool;
    assert_int_equal(make(&pool, (tarn_pool_options){.block_size = 64}), TARN_OK);
    for (int i = 0; i < N; i++)
        blocks[i] = tarn_pool_alloc(&pool);
    uint64_t seed = 7;
    for (int i = N - 1; i > 0; i--) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        int j = (int)((seed >> 33) % (uint64_t)(i + 1));
        char *swap = blocks[i];
        blocks[i] = blocks[j];
        blocks[j] = swap;
    }
    for (int i = 0; i < N; i++)
        tarn_pool_free(&pool, blocks[i]);
    int rising = 0;
    char *before = NULL;
    for (int i = 0; i < N; i++) {
        char *block = tarn_pool_alloc(&pool);
        rising += before != NULL && block == before + 64;
        before = block;
    }
    assert_in_range(rising, N * 97 / 100, N); /* an intrusive list gives next to none */
    valid(&pool);
    tarn_pool_deinit(&pool);
}

static void batches_are_singles(void **unused)
{
    (void)unused;
    enum { N = 1000 };
    void *blocks[N];
    tarn_pool pool;
    assert_int_equal(make(&pool, (tarn_pool_options){.block_size = 16, .capacity = 900}), TARN_OK);
    assert_int_equal(tarn_alloc_batch(&pool.allocator, 16, 0, N, blocks), 900);
    for (int i = 0; i < 900; i++)
        memset(blocks[i], i & 0xff, 16);
    for (int i = 0; i < 900; i++)
        assert_int_equal(((unsigned char *)blocks[i])[15], i & 0xff);
    assert_int_equal(live(&pool), 900);
    tarn_free_batch(&pool.allocator, 16, 0, 900, blocks);
    assert_int_equal(live(&pool), 0);
    valid(&pool);
    assert_int_equal(tarn_alloc_batch(&pool.allocator, 17, 0, N, blocks), 0);
    assert_int_equal(tarn_alloc_batch(&pool.allocator, 16, TARN_ZERO, 5, blocks), 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(((unsigned char *)blocks[i])[15], 0);
    tarn_pool_deinit(&pool);
}

struct cache {
    int inits, finis, refuse_after;
};

static bool object_init(void *user, void *block)
{
    struct cache *c = user;
    if (c->refuse_after == 0)
        return false;
    c->refuse_after--;
    c->inits++;
    memcpy(block, "made", 5);
    return true;
}

static void object_fini(void *user, void *block)
{
    struct cache *c = user;
    c->finis++;
    assert_memory_equal(block, "made", 5);
}

static void an_object_cache_keeps_constructed_state(void **unused)
{
    (void)unused;
    for (int round = 0; round < 2; round++) {
        bool check = round == 1;
        struct cache c = {0, 0, 1 << 30};
        tarn_pool pool;
        void *blocks[300];
        tarn_pool_options o = {
            .block_size = 32, .init = object_init, .fini = object_fini, .user = &c, .check = check};
        assert_int_equal(tarn_pool_init(&pool, &o), TARN_OK);
        for (int k = 0; k < 5; k++) {
            for (int i = 0; i < 300; i++) {
                blocks[i] = tarn_pool_alloc(&pool);
                assert_memory_equal(blocks[i], "made", 5);
            }
            for (int i = 0; i < 300; i++)
                tarn_pool_free(&pool, blocks[i]);
        }
        assert_in_range(c.inits, 300, 300 + 64);
        assert_int_equal(c.finis, 0);
        assert_null(tarn_alloc(&pool.allocator, 32, TARN_ZERO));
        assert_int_equal(tarn_get_why(&pool.allocator).status, TARN_UNSUPPORTED);
        assert_int_equal(tarn_reset(&pool.allocator), TARN_OK);
        assert_int_equal(c.finis, 0);
        valid(&pool);
        assert_memory_equal(tarn_pool_alloc(&pool), "made", 5);
        tarn_pool_deinit(&pool);
        assert_int_equal(c.finis, c.inits);
    }
}

static void an_init_that_refuses_fails_the_alloc(void **unused)
{
    (void)unused;
    struct cache c = {0, 0, 70};
    tarn_pool pool;
    assert_int_equal(make(&pool, (tarn_pool_options){.block_size = 32,
                                                     .init = object_init,
                                                     .fini = object_fini,
                                                     .user = &c}),
                     TARN_OK);
    for (int i = 0; i < 70; i++)
        assert_non_null(tarn_pool_alloc(&pool));
    assert_null(tarn_pool_alloc(&pool));
    assert_int_equal(tarn_get_why(&pool.allocator).status, TARN_NO_MEMORY);
    valid(&pool);
    c.refuse_after = 1;
    assert_non_null(tarn_pool_alloc(&pool));
    valid(&pool);
    tarn_pool_deinit(&pool);
    assert_int_equal(c.finis, 71);
}

static void checked_pools_behave_the_same(void **unused)
{
    (void)unused;
    tarn_pool pool;
    char *blocks[500];
    assert_int_equal(
        make(&pool, (tarn_pool_options){.block_size = 20, .capacity = 500, .check = true}),
        TARN_OK);
    for (int i = 0; i < 500; i++)
        blocks[i] = tarn_alloc(&pool.allocator, 20, 0);
    assert_null(tarn_alloc(&pool.allocator, 20, 0));
    for (int i = 0; i < 500; i += 2)
        tarn_free(&pool.allocator, blocks[i], 20, 0);
    valid(&pool);
    assert_int_equal(live(&pool), 250);
    for (int i = 0; i < 250; i++)
        assert_non_null(tarn_alloc(&pool.allocator, 20, TARN_ZERO));
    valid(&pool);
    tarn_pool_deinit(&pool);
}

static void freeing_null_does_nothing(void **unused)
{
    (void)unused;
    tarn_pool pool;
    for (int check = 0; check < 2; check++) {
        assert_int_equal(make(&pool, (tarn_pool_options){.block_size = 8, .check = check}),
                         TARN_OK);
        tarn_pool_free(&pool, NULL);
        tarn_pool_put(&pool, NULL, 8, 0);
        tarn_free(&pool.allocator, NULL, 8, 0);
        for (int i = 0; i < 1000; i++)
            assert_non_null(tarn_pool_alloc(&pool));
        tarn_pool_deinit(&pool);
    }
}

static void nothing_of_a_large_granule_is_wasted(void **unused)
{
    (void)unused;
    enum { LIMIT = 32 << 20, SIZE = 4096 };
    tarn_pages huge;
    tarn_pool pool;
    size_t blocks = 0;
    if (tarn_pages_init(&huge, &(tarn_pages_options){.huge = TARN_HUGE_EXPLICIT, .limit = LIMIT}) !=
            TARN_OK ||
        huge.source.granule > LIMIT)
        skip(); /* a system without */
    assert_int_equal(
        tarn_pool_init(&pool, &(tarn_pool_options){.block_size = SIZE, .source = &huge.source}),
        TARN_OK);
    while (tarn_pool_alloc(&pool) != NULL)
        blocks++;
    assert_true(blocks >= LIMIT / SIZE / 10 * 9);
    tarn_pool_deinit(&pool);
    tarn_pages_deinit(&huge);
}

static void a_steady_pool_keeps_nothing_at_hand(void **unused)
{
    (void)unused;
    tarn_pool steady;
    void *p[100];
    tarn_pool_options o = {.block_size = 32, .steady = true, .name = "steady"};
    assert_int_equal(tarn_pool_init(&steady, &o), TARN_OK);
    for (int i = 0; i < 100; i++) {
        p[i] = tarn_pool_alloc(&steady);
        assert_ptr_equal(p[i], (char *)p[0] + 32 * i);
        assert_ptr_equal(steady.top, steady.full);
        assert_ptr_equal(steady.top, steady.empty);
    }
    for (int i = 99; i >= 0; i -= 3) {
        tarn_pool_free(&steady, p[i]);
        assert_ptr_equal(steady.top, steady.empty);
        assert_int_equal(tarn_pool_check(&steady), TARN_OK);
    }
    assert_ptr_equal(tarn_pool_alloc(&steady), p[0]); /* the lowest */
    tarn_pool_deinit(&steady);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_takes_its_exact_stride),
        cmocka_unit_test(every_alignment_is_kept),
        cmocka_unit_test(default_alignment_fits_any_type_of_the_size),
        cmocka_unit_test(other_sizes_are_refused_and_nothing_changes),
        cmocka_unit_test(an_exact_pool_refuses_smaller_sizes),
        cmocka_unit_test(a_fixed_pool_ends_at_its_capacity),
        cmocka_unit_test(a_growing_pool_keeps_its_limit),
        cmocka_unit_test(a_buffer_of_the_stated_bytes_holds_exactly_the_blocks),
        cmocka_unit_test(a_static_buffer_works_from_any_offset),
        cmocka_unit_test(nonsense_is_refused_when_built),
        cmocka_unit_test(freed_blocks_come_back_in_address_order),
        cmocka_unit_test(batches_are_singles),
        cmocka_unit_test(an_object_cache_keeps_constructed_state),
        cmocka_unit_test(an_init_that_refuses_fails_the_alloc),
        cmocka_unit_test(checked_pools_behave_the_same),
        cmocka_unit_test(freeing_null_does_nothing),
        cmocka_unit_test(nothing_of_a_large_granule_is_wasted),
        cmocka_unit_test(a_steady_pool_keeps_nothing_at_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
