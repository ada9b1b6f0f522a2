/* SPDX-License-Identifier: MIT */
/* range_bitmap_test.c - identifiers: lowest first, cheap to have many of, and what a check notices. */
#include <tarn/arena.h>
#include <tarn/range.h>

#include "support/tarn_test.h"

static tarn_space s;

static uint64_t take(uint64_t size, uint64_t align)
{
    tarn_range_block b;
    return tarn_range_alloc(&s.range, size, align, 0, &b) == TARN_OK ? b.offset : UINT64_MAX;
}

static void start(uint64_t first, uint64_t units, uint64_t granule)
{
    tarn_space_options o = {
        .first = first, .units = units, .granule = granule, .core = TARN_RANGE_BITMAP};
    assert_int_equal(tarn_space_init(&s, &o), TARN_OK);
}

/* The id of the block that begins at an offset. */
static tarn_range_id id_at(uint64_t offset)
{
    return (offset - s.first) / s.granule + 1;
}

static void the_smallest_free_identifier_comes_first(void **unused)
{
    (void)unused;
    enum { IDS = 10000 };
    start(1, IDS, 0);
    for (uint64_t i = 1; i <= IDS; i++)
        assert_true(take(1, 1) == i);
    assert_true(take(1, 1) == UINT64_MAX);
    const uint64_t freed[] = {9999, 64, 65, 1, 5000, 4096};
    for (int i = 0; i < 6; i++)
        assert_int_equal(tarn_range_free(&s.range, id_at(freed[i])), TARN_OK);
    const uint64_t again[] = {1, 64, 65, 4096, 5000, 9999};
    for (int i = 0; i < 6; i++)
        assert_true(take(1, 1) == again[i]);
    assert_int_equal(tarn_range_check(&s.range), TARN_OK);
    tarn_space_deinit(&s);
}

static void runs_and_alignment(void **unused)
{
    (void)unused;
    start(0, 1000, 0);
    assert_true(take(3, 1) == 0 && take(1, 8) == 8 && take(5, 1) == 3 && take(5, 1) == 9);
    assert_true(take(200, 64) == 64 && take(50, 1) == 14 && take(50, 1) == 264);
    assert_true(take(687, 1) == UINT64_MAX && take(686, 1) == 314 && take(1, 1) == UINT64_MAX);
    assert_int_equal(tarn_range_free(&s.range, id_at(64)), TARN_OK);
    assert_true(take(201, 1) == UINT64_MAX && take(137, 128) == UINT64_MAX &&
                take(128, 128) == 128);
    assert_int_equal(tarn_range_check(&s.range), TARN_OK);
    tarn_space_deinit(&s);
    start(48, 16 * 10, 16); /* pages that begin in the middle: alignment is that of offsets */
    assert_true(take(1, 64) == 64 && take(20, 1) == 80 && take(16, 1) == 48);
    tarn_range_block b;
    assert_int_equal(tarn_range_look(&s.range, id_at(80), &b), TARN_OK);
    assert_true(b.size == 32);
    tarn_space_deinit(&s);
}

static void a_million_of_them_cost_nothing_until_used(void **unused)
{
    (void)unused;
    /* In memory that is not zero: nothing may be taken for granted. */
    static _Alignas(64) char bytes[300000];
    tarn_range_stats stats;
    tarn_arena dirty;
    memset(bytes, 0xa5, sizeof bytes);
    tarn_arena_options in_bytes = {.buffer = bytes, .buffer_size = sizeof bytes};
    assert_int_equal(tarn_arena_init(&dirty, &in_bytes), TARN_OK);
    tarn_space_options o = {
        .units = 1000000, .core = TARN_RANGE_BITMAP, .metadata = &dirty.allocator};
    assert_int_equal(tarn_space_init(&s, &o), TARN_OK);
    tarn_range_get_stats(&s.range, &stats);
    assert_in_range(stats.metadata, 250000, 256000);
    assert_true(stats.largest_free == 1000000);
    assert_int_equal(tarn_range_check(&s.range), TARN_OK);
    assert_true(take(1, 524288) == 0 && take(1, 524288) == 524288);
    assert_int_equal(tarn_range_check(&s.range), TARN_OK);
    assert_int_equal(tarn_range_reset(&s.range), TARN_OK);
    assert_true(take(1000000, 1) == 0 && take(1, 1) == UINT64_MAX);
    assert_int_equal(tarn_range_free(&s.range, 1), TARN_OK);
    tarn_range_get_stats(&s.range, &stats);
    assert_true(stats.free_runs == 1 && stats.live_units == 0);
    tarn_space_deinit(&s);
}

static void an_id_is_refused_where_no_block_begins(void **unused)
{
    (void)unused;
    if (TARN_CHECKED)
        skip();
    start(0, 200, 0);
    assert_true(take(5, 1) == 0 && take(5, 1) == 5);
    const tarn_range_id wrong[] = {2, 5, 7, 10, 11, 64, 65, 200, 201, 1u << 20, UINT64_MAX};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tarn_range_block b;
        assert_int_equal(tarn_range_free(&s.range, wrong[i]), TARN_STALE);
        assert_int_equal(tarn_range_look(&s.range, wrong[i], &b), TARN_STALE);
        assert_int_equal(tarn_range_set_user(&s.range, wrong[i], &s), TARN_STALE);
    }
    assert_int_equal(tarn_range_free(&s.range, 6), TARN_OK);
    assert_int_equal(tarn_range_free(&s.range, 6), TARN_STALE);
    assert_int_equal(tarn_range_check(&s.range), TARN_OK);
    tarn_space_deinit(&s);
}

/* Of many identifiers the first ones have pointers. */
static void pointers_cost_as_much_as_the_highest_that_has_one(void **unused)
{
    (void)unused;
    static char things[5000];
    tarn_range_stats none, some;
    tarn_range_block b;
    start(0, 1 << 26, 0);
    tarn_range_count(&s.range, &none);
    for (size_t i = 0; i < sizeof things; i++) {
        tarn_range_request want = {.size = 1, .user = &things[i]};
        assert_int_equal(tarn_range_serve(&s.range, &want, &b), TARN_OK);
    }
    for (size_t i = 0; i < sizeof things; i++) {
        assert_int_equal(tarn_range_look(&s.range, i + 1, &b), TARN_OK);
        assert_ptr_equal(b.user, &things[i]);
    }
    tarn_range_count(&s.range, &some);
    assert_in_range(some.metadata - none.metadata, 5000 * sizeof(void *), 10000 * sizeof(void *));
    tarn_space_deinit(&s);
}

static void check_notices(void **unused)
{
    (void)unused;
    start(0, 100, 0);
    assert_true(take(5, 1) == 0);
    assert_int_equal(tarn_range_check(&s.range), TARN_OK);
    s.live_units++;
    assert_int_equal(tarn_range_check(&s.range), TARN_CORRUPT);
    s.live_units--;
    uint64_t *last = s.bits + s.bit_bytes / 8 - 2;
    assert_true(last[0] == 1 << 4);
    last[0] = 1 << 3; /* the block has no end */
    assert_int_equal(tarn_range_check(&s.range), TARN_CORRUPT);
    last[0] = 1 << 4 | 1 << 7; /* a free granule ends one */
    assert_int_equal(tarn_range_check(&s.range), TARN_CORRUPT);
    tarn_space_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_free_identifier_comes_first),
        cmocka_unit_test(runs_and_alignment),
        cmocka_unit_test(a_million_of_them_cost_nothing_until_used),
        cmocka_unit_test(an_id_is_refused_where_no_block_begins),
        cmocka_unit_test(pointers_cost_as_much_as_the_highest_that_has_one),
        cmocka_unit_test(check_notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
