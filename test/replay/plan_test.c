/* SPDX-License-Identifier: MIT */
/* plan_test.c - which sizes get pools. */
#include "cmd/replay_plan.h"

#include "support/tarn_test.h"

static replay_size sizes[REPLAY_POOL_MAX + 1];
static replay_pool pools[REPLAY_POOLS];

static void clear(void)
{
    memset(sizes, 0, sizeof sizes);
    memset(pools, 0, sizeof pools);
}

static void an_empty_histogram_has_no_pools(void **state)
{
    (void)state;
    clear();
    assert_int_equal(replay_plan(sizes, REPLAY_POOLS, pools), 0);
}

static void hot_sizes_get_exact_pools(void **state)
{
    (void)state;
    clear();
    sizes[24].allocs = 1000;
    sizes[40].allocs = 500;
    sizes[700].allocs = 400;
    assert_int_equal(replay_plan(sizes, REPLAY_POOLS, pools), 3);
    assert_int_equal(pools[0].block, 24);
    assert_int_equal(pools[0].align, 8);
    assert_int_equal(pools[0].allocs, 1000);
    assert_int_equal(pools[1].block, 40);
    assert_int_equal(pools[2].low, 700);
    assert_int_equal(pools[2].high, 700);
    assert_int_equal(pools[2].block, 704);
}

static void rare_sizes_get_none(void **state)
{
    (void)state;
    clear();
    sizes[24].allocs = 100000;
    sizes[96].allocs = 400; /* less than one in 200 */
    assert_int_equal(replay_plan(sizes, REPLAY_POOLS, pools), 1);
    assert_int_equal(pools[0].block, 24);
}

static void the_hottest_win_when_pools_are_few(void **state)
{
    (void)state;
    clear();
    for (uint32_t s = 32; s <= 512; s += 32)
        sizes[s].allocs = 100 + s;
    sizes[96].allocs = 5000;
    sizes[256].allocs = 4000;
    assert_int_equal(replay_plan(sizes, 2, pools), 2);
    assert_int_equal(pools[0].block, 96);
    assert_int_equal(pools[1].block, 256);
}

/* Neighbours share a pool where that wastes no more than an eighth of a block. */
static void neighbours_share_when_pools_are_few(void **state)
{
    (void)state;
    clear();
    sizes[57].allocs = 900;
    sizes[60].allocs = 900;
    sizes[64].allocs = 900;
    assert_int_equal(replay_plan(sizes, 1, pools), 1);
    assert_int_equal(pools[0].low, 57);
    assert_int_equal(pools[0].high, 64);
    assert_int_equal(pools[0].block, 64);
    assert_int_equal(pools[0].align, 16);
    assert_int_equal(pools[0].allocs, 2700);
}

/* Whatever the histogram: disjoint rising ranges, blocks that hold and align their sizes, waste within an eighth. */
static void every_plan_keeps_the_rules(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int round = 0; round < 300; round++) {
        clear();
        for (int i = 0; i < 60; i++) {
            seed = seed * 1664525u + 1013904223u;
            sizes[1 + (seed >> 8) % REPLAY_POOL_MAX].allocs += seed >> 20;
        }
        unsigned count = replay_plan(sizes, REPLAY_POOLS, pools);
        assert_in_range(count, 1, REPLAY_POOLS);
        uint32_t above = 0;
        for (unsigned i = 0; i < count; i++) {
            uint64_t served = 0;
            assert_true(pools[i].low > above);
            assert_true(pools[i].block >= pools[i].high && pools[i].high >= pools[i].low);
            assert_int_equal(pools[i].block % pools[i].align, 0);
            for (uint32_t s = pools[i].low; s <= pools[i].high; s++) {
                if (sizes[s].allocs == 0)
                    continue;
                uint32_t align = (uint32_t)replay_align(s, 0);
                uint32_t used = (s + align - 1) / align * align;
                assert_true(align <= pools[i].align);
                assert_true((pools[i].block - used) * 8 <= pools[i].block);
                served += sizes[s].allocs;
            }
            assert_int_equal(served, pools[i].allocs);
            above = pools[i].high;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_histogram_has_no_pools),
        cmocka_unit_test(hot_sizes_get_exact_pools),
        cmocka_unit_test(rare_sizes_get_none),
        cmocka_unit_test(the_hottest_win_when_pools_are_few),
        cmocka_unit_test(neighbours_share_when_pools_are_few),
        cmocka_unit_test(every_plan_keeps_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
