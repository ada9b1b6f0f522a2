/* SPDX-License-Identifier: MIT */
/* range_tlsf_test.c - where each way of asking puts a block, what a free merges, what a check notices. */
#include "strategy/range_node.h"
#include "support/tarn_test.h"

static tarn_space s;

static tarn_range_block take(uint64_t size, uint64_t align, uint32_t flags)
{
    tarn_range_block b;
    tarn_status status = tarn_range_alloc(&s.range, size, align, flags, &b);
    assert_int_equal(status, TARN_OK);
    assert_int_equal(tarn_range_check(&s.range), TARN_OK);
    return b;
}

static void give(tarn_range_block b)
{
    assert_int_equal(tarn_range_free(&s.range, b.id), TARN_OK);
    assert_int_equal(tarn_range_check(&s.range), TARN_OK);
}

/* Free runs of these sizes, in this order, with one live unit behind each; nothing else is free. */
static void start_with_runs(const uint64_t *sizes, size_t count)
{
    tarn_range_block b[8];
    uint64_t units = 0;
    for (size_t i = 0; i < count; i++)
        units += sizes[i] + 1;
    assert_int_equal(tarn_space_init(&s, &(tarn_space_options){.units = units}), TARN_OK);
    for (size_t i = 0; i < count; i++) {
        b[i] = take(sizes[i], 1, TARN_RANGE_LOW);
        take(1, 1, TARN_RANGE_LOW);
    }
    for (size_t i = 0; i < count; i++)
        give(b[i]);
}

static void each_way_has_its_place(void **unused)
{
    (void)unused;
    const uint64_t sizes[] = {500, 100, 1000, 103, 101};
    start_with_runs(sizes, 5); /* at 0, 501, 602, 1603, 1707 */
    assert_true(take(99, 1, TARN_RANGE_LOW).offset == 0);
    assert_true(take(101, 1, TARN_RANGE_BEST).offset == 1707);
    assert_true(take(90, 64, TARN_RANGE_BEST).offset == 128); /* 100 and 103 do not, aligned */
    tarn_space_deinit(&s);
    start_with_runs(sizes, 5);
    assert_true(take(501, 1, TARN_RANGE_FAST).offset == 602);
    tarn_space_deinit(&s);
    /* The first run of the bin is out of alignment; FAST goes to where alignment cannot matter. */
    const uint64_t two[] = {1, 102, 300};
    start_with_runs(two, 3); /* 102 at 2 */
    assert_true(take(100, 64, TARN_RANGE_FAST).offset == 128);
    tarn_space_deinit(&s);
}

/* Bins of 100 and 101 are the same: asked for 101, FAST trusts only the next bin. */
static void fast_may_miss_what_the_default_finds(void **unused)
{
    (void)unused;
    const uint64_t sizes[] = {101, 100};
    start_with_runs(sizes, 2);
    tarn_range_block b;
    assert_int_equal(tarn_range_alloc(&s.range, 101, 1, TARN_RANGE_FAST, &b), TARN_LIMIT);
    assert_int_equal(tarn_range_get_why(&s.range).status, TARN_LIMIT);
    assert_true(tarn_range_get_why(&s.range).free_units == 201);
    assert_true(take(101, 1, 0).offset == 0);
    assert_int_equal(tarn_range_alloc(&s.range, 101, 1, 0, &b), TARN_LIMIT);
    assert_int_equal(tarn_range_alloc(&s.range, 1, 1, TARN_RANGE_HIGH, &b), TARN_UNSUPPORTED);
    tarn_space_deinit(&s);
}

static void merges(void **unused)
{
    (void)unused;
    tarn_range_block b[4];
    tarn_range_stats stats;
    for (int order = 0; order < 24; order++) {
        int left[4] = {0, 1, 2, 3}, o = order;
        assert_int_equal(tarn_space_init(&s, &(tarn_space_options){.units = 40}), TARN_OK);
        for (int i = 0; i < 4; i++)
            b[i] = take(10, 1, 0);
        for (int n = 4; n > 0; n--) {
            int k = o % n;
            o /= n;
            give(b[left[k]]);
            left[k] = left[n - 1];
        }
        tarn_range_get_stats(&s.range, &stats);
        assert_true(stats.free_runs == 1 && stats.largest_free == 40);
        assert_int_equal(s.node_used - (s.node_spare - (s.node_room - s.node_used)), 2);
        tarn_space_deinit(&s);
    }
}

/* The part before an aligned block stays free, and so does the one behind. */
static void gaps_of_alignment_are_free_runs(void **unused)
{
    (void)unused;
    tarn_range_stats stats;
    assert_int_equal(tarn_space_init(&s, &(tarn_space_options){.units = 1000, .first = 10}),
                     TARN_OK);
    tarn_range_block b = take(100, 256, 0);
    assert_true(b.offset == 256);
    tarn_range_get_stats(&s.range, &stats);
    assert_true(stats.free_runs == 2 && stats.largest_free == 1010 - 356);
    assert_true(take(246, 2, 0).offset == 10);
    give(b);
    assert_true(take(754, 1, 0).offset == 256);
    tarn_space_deinit(&s);
}

static void stamps_skip_zero(void **unused)
{
    (void)unused;
    assert_int_equal(tarn_space_init(&s, &(tarn_space_options){.units = 10}), TARN_OK);
    s.stamp = UINT32_MAX - 1;
    assert_true(take(1, 1, 0).id >> 32 == UINT32_MAX);
    assert_true(take(1, 1, 0).id >> 32 == 1);
    assert_true(take(1, 2, 0).id >> 32 == 2);
    tarn_space_deinit(&s);
}

static void check_notices(void **unused)
{
    (void)unused;
    const uint64_t sizes[] = {500, 100, 1000};
    start_with_runs(sizes, 3);
    tarn_range_node *first = &s.nodes[s.nodes[0].next];
    tarn_range_node kept = *first;
    uint64_t *counters[] = {&s.live_blocks, &s.live_units, &first->at,
                            &first->size,   &s.bits[0],    &s.idle[0]};
    for (int i = 0; i < 6; i++) {
        uint64_t old = *counters[i];
        *counters[i] ^= 4;
        assert_int_equal(tarn_range_check(&s.range), TARN_CORRUPT);
        *counters[i] = old;
    }
    uint32_t *links[] = {&first->prev, &first->next,  &first->a,
                         &first->b,    &s.node_spare, &s.bins[0]};
    for (int i = 0; i < 6; i++) {
        uint32_t old = *links[i];
        *links[i] ^= 1;
        assert_int_equal(tarn_range_check(&s.range), TARN_CORRUPT);
        *links[i] = old;
    }
    assert_memory_equal(first, &kept, sizeof kept);
    assert_int_equal(tarn_range_check(&s.range), TARN_OK);
    tarn_space_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_has_its_place),
        cmocka_unit_test(fast_may_miss_what_the_default_finds),
        cmocka_unit_test(merges),
        cmocka_unit_test(gaps_of_alignment_are_free_runs),
        cmocka_unit_test(stamps_skip_zero),
        cmocka_unit_test(check_notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
