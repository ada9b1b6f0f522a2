/* SPDX-License-Identifier: MIT */
/* pool_chunk_test.c - the inside of a pool: finding a block's number, fitting, and a long random run against a model. */
#include <stdlib.h>

#include "strategy/pool_chunk.h"
#include "support/tarn_test.h"

static void numbers_are_found_and_other_addresses_are_not(void **unused)
{
    (void)unused;
    const size_t sizes[] = {1, 2, 3, 5, 7, 8, 12, 24, 40, 64, 100, 104, 4096};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        tarn_pool pool;
        tarn_pool_chunk *c;
        size_t i, size = sizes[s];
        assert_int_equal(
            tarn_pool_init(&pool, &(tarn_pool_options){.block_size = size, .capacity = 300}),
            TARN_OK);
        char *first = tarn_pool_alloc(&pool);
        for (int k = 1; k < 200; k++)
            assert_non_null(tarn_pool_alloc(&pool));
        for (size_t k = 0; k < pool.carved; k++) {
            assert_int_equal(tarn_pool_find(&pool, first + k * size, true, &c, &i),
                             TARN_POOL_CARVED);
            assert_int_equal(i, k);
            for (size_t off = 1; off < size; off++)
                assert_int_equal(tarn_pool_find(&pool, first + k * size + off, true, &c, &i),
                                 TARN_POOL_INSIDE);
        }
        assert_int_equal(tarn_pool_find(&pool, first + pool.carved * size, true, &c, &i),
                         TARN_POOL_FOREIGN);
        assert_int_equal(tarn_pool_find(&pool, first - size, true, &c, &i), TARN_POOL_FOREIGN);
        assert_int_equal(tarn_pool_find(&pool, first - 1, true, &c, &i), TARN_POOL_FOREIGN);
        assert_int_equal(tarn_pool_find(&pool, &pool, true, &c, &i), TARN_POOL_FOREIGN);
        tarn_pool_deinit(&pool);
    }
}

static void a_growing_pool_never_reads_an_address_it_is_asked_about(void **unused)
{
    (void)unused;
    tarn_pool pool;
    tarn_pool_chunk *c;
    size_t i;
    assert_int_equal(tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 64}), TARN_OK);
    for (int k = 0; k < 5000; k++)
        assert_non_null(tarn_pool_alloc(&pool));
    for (uintptr_t at = 0; at < UINTPTR_MAX / 2;
         at += UINTPTR_MAX / 64) /* unmapped, nearly all of them */
        assert_int_equal(tarn_pool_find(&pool, (const void *)at, true, &c, &i), TARN_POOL_FOREIGN);
    for (uintptr_t at = pool.low; at < pool.high; at += pool.chunk_size / 2)
        (void)tarn_pool_find(&pool, (const void *)at, true, &c, &i);
    tarn_pool_deinit(&pool);
}

static void fit_is_the_most_that_fits(void **unused)
{
    (void)unused;
    for (size_t size = 1; size <= 200; size += 13) {
        tarn_pool pool;
        assert_int_equal(
            tarn_pool_init(&pool, &(tarn_pool_options){.block_size = size, .align = 1}), TARN_OK);
        for (size_t bytes = 0; bytes < 40000; bytes = bytes * 3 / 2 + 7) {
            size_t n = tarn_pool_fit(&pool, 0, bytes);
            assert_true(n == 0 || tarn_pool_bytes(size, 1, n) <= bytes);
            assert_true(tarn_pool_bytes(size, 1, n + 1) > bytes);
        }
        tarn_pool_deinit(&pool);
    }
}

/* Random allocs and frees in runs, with resets and trims between; every block carries its own address. */
static void random_run(size_t size, size_t capacity, bool check, uint64_t seed)
{
    enum { MOST = 6000 };
    static uintptr_t *blocks[MOST];
    size_t n = 0, most = capacity != 0 && capacity < MOST ? capacity : MOST;
    tarn_pool pool;
    tarn_pool_options o = {.block_size = size, .capacity = capacity, .check = check};
    o.chunk_size = capacity == 0 ? 16384 : 0;
    assert_int_equal(tarn_pool_init(&pool, &o), TARN_OK);
    for (int step = 0; step < 300; step++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t run = (size_t)(seed >> 40) % 400;
        bool grow = (seed >> 33) % 5 < 3;
        for (; grow && run > 0 && n < most; run--) {
            blocks[n] = tarn_pool_alloc(&pool);
            assert_non_null(blocks[n]);
            *blocks[n] = (uintptr_t)blocks[n];
            n++;
        }
        for (; !grow && run > 0 && n > 0; run--) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t pick = (size_t)(seed >> 33) % n;
            assert_int_equal(*blocks[pick], (uintptr_t)blocks[pick]);
            tarn_pool_free(&pool, blocks[pick]);
            blocks[pick] = blocks[--n];
        }
        assert_int_equal(pool.carved - pool.free - (size_t)(pool.empty - pool.top), n);
        assert_int_equal(tarn_check(&pool.allocator), TARN_OK);
        if (step % 50 == 49) {
            (void)tarn_trim(&pool.allocator);
            assert_int_equal(tarn_check(&pool.allocator), TARN_OK);
        }
        if (step % 100 == 99) {
            assert_int_equal(tarn_reset(&pool.allocator), TARN_OK);
            assert_int_equal(tarn_check(&pool.allocator), TARN_OK);
            n = 0;
        }
    }
    tarn_pool_deinit(&pool);
}

static void random_runs_keep_every_invariant(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        random_run(8, 0, false, seed);
        random_run(24, 0, false, seed);
        random_run(104, 5000, false, seed);
        random_run(64, 77, false, seed);
        random_run(40, 0, true, seed);
        random_run(40, 1000, true, seed);
    }
}

static tarn_fault_kind seen_kind;
static const void *seen_block;
static int seen_count;

static void remember(const tarn_fault *fault, void *user)
{
    (void)user;
    seen_kind = fault->kind;
    seen_block = fault->block;
    seen_count++;
}

/* Blocks given back in rows, up or down, forwards with gaps, across words and across what is carved. */
static void rows_of_blocks_are_given_back_together(void **unused)
{
    (void)unused;
    enum { N = 500 };
    char *blocks[N];
    void *row[N];
    for (size_t size = 8; size <= 24; size += 8) {
        for (size_t start = 0; start < 200; start += 7) {
            for (size_t n = 1; n < 290; n += 31) {
                tarn_pool pool;
                assert_int_equal(tarn_pool_init(&pool, &(tarn_pool_options){.block_size = size}),
                                 TARN_OK);
                assert_int_equal(tarn_pool_alloc_batch(&pool, N, (void **)blocks), N);
                for (size_t i = 0; i < n; i++)
                    row[i] = n % 2 == 0 ? blocks[start + i] : blocks[start + n - 1 - i];
                assert_int_equal(tarn_pool_give(&pool, row, n), n);
                assert_int_equal(tarn_pool_check(&pool), TARN_OK);
                tarn_pool_chunk *c;
                for (size_t i = 0; i < N; i++) {
                    size_t k;
                    assert_int_equal(tarn_pool_find(&pool, blocks[i], true, &c, &k),
                                     TARN_POOL_CARVED);
                    assert_int_equal(tarn_bitmap_has(&c->map, k), i >= start && i < start + n);
                }
                tarn_pool_deinit(&pool);
            }
        }
    }
}

static void a_double_free_within_a_row_is_named(void **unused)
{
    (void)unused;
    enum { N = 128 };
    char *blocks[N];
    void *row[N + 1];
    (void)tarn_fault_set_handler(remember, NULL);
    for (size_t twice = 0; twice < N; twice += 9) {
        tarn_pool pool;
        seen_count = 0;
        assert_int_equal(tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 32}), TARN_OK);
        assert_int_equal(tarn_pool_alloc_batch(&pool, N, (void **)blocks), N);
        row[0] = blocks[twice];
        for (size_t i = 0; i < N; i++)
            row[i + 1] = blocks[i];
        tarn_pool_free_batch(&pool, N + 1, row);
        tarn_pool_flush(&pool);
        assert_int_equal(seen_count, 1);
        assert_int_equal(seen_kind, TARN_FAULT_DOUBLE_FREE);
        assert_ptr_equal(seen_block, blocks[twice]);
        assert_int_equal(tarn_pool_check(&pool), TARN_OK);
        tarn_pool_deinit(&pool);
    }
    (void)tarn_fault_set_handler(NULL, NULL);
}

static void a_row_ends_where_carving_ends(void **unused)
{
    (void)unused;
    tarn_pool pool;
    char *blocks[100];
    seen_count = 0;
    (void)tarn_fault_set_handler(remember, NULL);
    assert_int_equal(tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 32, .limit = 100}),
                     TARN_OK);
    assert_int_equal(tarn_pool_alloc_batch(&pool, 100, (void **)blocks), 100);
    void *row[] = {blocks[98], blocks[99], blocks[99] + 32};
    tarn_pool_free_batch(&pool, 3, row);
    tarn_pool_flush(&pool);
    assert_int_equal(seen_count, 1);
    assert_int_equal(seen_kind, TARN_FAULT_FOREIGN_POINTER);
    assert_ptr_equal(seen_block, blocks[99] + 32);
    assert_int_equal(tarn_pool_check(&pool), TARN_OK);
    (void)tarn_fault_set_handler(NULL, NULL);
    tarn_pool_deinit(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_found_and_other_addresses_are_not),
        cmocka_unit_test(a_growing_pool_never_reads_an_address_it_is_asked_about),
        cmocka_unit_test(fit_is_the_most_that_fits),
        cmocka_unit_test(random_runs_keep_every_invariant),
        cmocka_unit_test(rows_of_blocks_are_given_back_together),
        cmocka_unit_test(a_double_free_within_a_row_is_named),
        cmocka_unit_test(a_row_ends_where_carving_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
