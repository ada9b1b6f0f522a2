/* SPDX-License-Identifier: MIT */
/* pool_index_test.c - the set of chunk addresses: added, found, removed in any order, moved when it fills. */
#include "strategy/pool_chunk.h"
#include "support/tarn_test.h"

static void a_set_of_many_addresses(void **unused)
{
    (void)unused;
    enum { N = 3000 };
    static bool in[N];
    tarn_pool pool;
    uint64_t seed = 3;
    assert_int_equal(
        tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 64, .chunk_size = 65536}),
        TARN_OK);
    for (int step = 0; step < 20000; step++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t k = (size_t)(seed >> 33) % N;
        uintptr_t at = (k + 1) * 65536;
        assert_int_equal(tarn_pool_index_has(&pool, at), in[k]);
        if (in[k]) {
            tarn_pool_index_remove(&pool, (const tarn_pool_chunk *)at);
            pool.chunk_count--;
        } else {
            assert_true(tarn_pool_index_add(&pool, (const tarn_pool_chunk *)at));
            pool.chunk_count++;
        }
        in[k] = !in[k];
        assert_true(pool.chunk_count * 2 <= pool.index_size);
    }
    for (size_t k = 0; k < N; k++)
        assert_int_equal(tarn_pool_index_has(&pool, (k + 1) * 65536), in[k]);
    assert_false(tarn_pool_index_has(&pool, 0));
    pool.chunk_count = 0;
    tarn_pool_deinit(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_set_of_many_addresses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
