/* SPDX-License-Identifier: MIT */
/* stats: exact to the byte, whichever legal size a free is passed. */
#include "support/tarn_test.h"

#include "support/probe.h"

#include <tarn/stats.h>

enum { S = TARN_SPEC(8) };

static probe parent;
static tarn_stats_layer layer;
static tarn_allocator *a;

static void set_up(const probe_options *options, bool granted)
{
    const tarn_stats_options how = {"all", probe_init(&parent, options), granted};
    assert_int_equal(tarn_stats_init(&layer, &how), TARN_OK);
    a = tarn_stats_allocator(&layer);
}

static void tear_down(void)
{
    assert_string_equal(parent.first_fault, "");
    assert_int_equal(probe_deinit(&parent), 0);
    tarn_stats_deinit(&layer);
}

static tarn_stats now(void)
{
    tarn_stats n;
    assert_int_equal(tarn_get_stats(a, &n), TARN_OK);
    return n;
}

#define assert_live(blocks, bytes)                                                                 \
    do {                                                                                           \
        assert_int_equal(now().live_blocks, blocks);                                               \
        assert_int_equal(now().live_bytes, bytes);                                                 \
    } while (0)

static void nonsense_is_refused(void **state)
{
    (void)state;
    tarn_stats_layer s;
    assert_int_equal(tarn_stats_init(&s, NULL), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_stats_init(&s, &(tarn_stats_options){.name = "x"}), TARN_BAD_ARGUMENT);
}

static void bytes_asked_for(void **state)
{
    (void)state;
    set_up(&(probe_options){.slack = 64}, false);
    assert_null(a->ops->alloc_at_least);
    assert_null(a->ops->rare->usable);
    assert_false(tarn_can(a, TARN_CAP_UNSIZED_FREE));
    tarn_block b = tarn_alloc_at_least(a, 10, S);
    assert_int_equal(b.size, 10);
    assert_int_equal(tarn_usable(a, b.ptr, 10, S), 10);
    assert_live(1, 10);
    void *more[3];
    assert_int_equal(tarn_alloc_batch(a, 7, S, 3, more), 3);
    assert_live(4, 31);
    b.ptr = tarn_resize(a, b.ptr, 10, 100, 10, S);
    assert_live(4, 121);
    tarn_free_batch(a, 7, S, 3, more);
    b.ptr = tarn_resize(a, b.ptr, 100, 1, 1, S);
    tarn_free(a, b.ptr, 1, S);
    tarn_stats n = now();
    assert_live(0, 0);
    assert_int_equal(n.peak_blocks, 4);
    assert_int_equal(n.peak_bytes, 121);
    assert_int_equal(n.allocs, 4);
    assert_int_equal(n.frees, 4);
    assert_int_equal(n.resizes, 2);
    assert_int_equal(n.bytes, 31);
    assert_int_equal(n.failures, 0);
    tear_down();
}

static void bytes_granted(void **state)
{
    (void)state;
    set_up(&(probe_options){.slack = 64}, true);
    assert_true(tarn_can(a, TARN_CAP_UNSIZED_FREE));
    tarn_block b = tarn_alloc_at_least(a, 10, S);
    assert_int_equal(b.size, 64);
    void *c = tarn_alloc(a, 65, S);
    assert_live(2, 192);
    tarn_free(a, b.ptr, 33, S);
    assert_live(1, 128);
    c = tarn_resize(a, c, 65, 200, 65, S);
    assert_live(1, 256);
    tarn_free(a, c, 0, S);
    assert_live(0, 0);
    void *out[2];
    assert_int_equal(tarn_alloc_batch(a, 1, S, 2, out), 2);
    assert_live(2, 128);
    tarn_free_batch(a, 64, S, 2, out);
    assert_live(0, 0);
    tear_down();
    /* Nothing tells the granted size: back to the size asked for. */
    set_up(&(probe_options){.slack = 64, .without = PROBE_NO_USABLE}, true);
    assert_null(a->ops->alloc_at_least);
    assert_false(tarn_can(a, TARN_CAP_UNSIZED_FREE));
    tear_down();
}

static void refusals_are_counted(void **state)
{
    (void)state;
    set_up(&(probe_options){.max_size = 100, .max_blocks = 2}, true);
    assert_null(tarn_alloc(a, 101, S));
    assert_int_equal(tarn_get_why(a).status, TARN_TOO_BIG);
    assert_null(tarn_alloc_at_least(a, 101, S).ptr);
    void *p = tarn_alloc(a, 10, S), *out[4];
    assert_null(tarn_resize(a, p, 10, 101, 10, S));
    assert_int_equal(tarn_alloc_batch(a, 8, S, 4, out), 1);
    assert_int_equal(now().failures, 4);
    assert_live(2, 18);
    tarn_free(a, p, 10, S);
    tarn_free(a, out[0], 8, S);
    tear_down();
}

static void a_reset_sets_live_to_zero(void **state)
{
    (void)state;
    set_up(NULL, false);
    assert_non_null(tarn_alloc(a, 10, S));
    assert_int_equal(tarn_reset(a), TARN_OK);
    assert_live(0, 0);
    assert_int_equal(now().peak_bytes, 10);
    tear_down();
}

static void rewinds_that_can_be_counted(void **state)
{
    (void)state;
    set_up(NULL, false);
    void *p = tarn_alloc(a, 10, S);
    tarn_mark m1 = tarn_get_mark(a);
    assert_non_null(tarn_alloc(a, 20, S));
    tarn_mark m2 = tarn_get_mark(a);
    assert_non_null(tarn_alloc(a, 30, S));
    assert_int_equal(tarn_rewind(a, m2), TARN_OK);
    assert_live(2, 30);
    tarn_free(a, tarn_alloc(a, 40, S), 40, S);
    assert_int_equal(tarn_rewind(a, m1), TARN_OK);
    assert_live(1, 10);
    assert_non_null(tarn_alloc(a, 50, S));
    assert_int_equal(tarn_rewind(a, m1), TARN_OK);
    assert_live(1, 10);
    tarn_free(a, p, 10, S);
    assert_live(0, 0);
    tear_down();
}

static void unknown_is_said(void)
{
    assert_int_equal(now().known & (TARN_STATS_LIVE | TARN_STATS_PEAK), 0);
    assert_int_equal(now().live_bytes, 0);
    assert_true((now().known & TARN_STATS_TOTAL) != 0);
    assert_int_equal(tarn_reset(a), TARN_OK);
    assert_true((now().known & TARN_STATS_LIVE) != 0);
    assert_live(0, 0);
}

static void rewinds_that_cannot(void **state)
{
    (void)state;
    set_up(NULL, false);
    /* Two marks at one place, and what was live is not the same. */
    void *p = tarn_alloc(a, 10, S);
    (void)tarn_get_mark(a);
    tarn_free(a, p, 10, S);
    assert_int_equal(tarn_rewind(a, tarn_get_mark(a)), TARN_OK);
    unknown_is_said();
    /* More marks than are remembered. */
    tarn_mark oldest = tarn_get_mark(a);
    for (int i = 0; i < TARN_STATS_MARKS; i++) {
        assert_non_null(tarn_alloc(a, 1, S));
        (void)tarn_get_mark(a);
    }
    assert_int_equal(tarn_rewind(a, oldest), TARN_OK);
    unknown_is_said();
    /* A refused rewind changes nothing. */
    assert_non_null(tarn_alloc(a, 1, S));
    assert_int_equal(tarn_rewind(a, (tarn_mark){{NULL, NULL}}), TARN_BAD_ARGUMENT);
    assert_live(1, 1);
    assert_int_equal(tarn_reset(a), TARN_OK);
    tear_down();
}

static bool free_it(void *user, void *block, size_t size)
{
    tarn_free(user, block, size, S);
    return true;
}

static void handed_through(void **state)
{
    (void)state;
    set_up(NULL, false);
    void *p = tarn_alloc(a, 9, S);
    assert_non_null(tarn_alloc(a, 10, S));
    assert_int_equal(tarn_owns(a, p), TARN_YES);
    assert_int_equal(tarn_check(a), TARN_OK);
    assert_int_equal(now().held_bytes, 19);
    assert_true((now().known & TARN_STATS_HELD) != 0);
    assert_int_equal(tarn_visit(a, free_it, a), TARN_OK);
    assert_live(0, 0);
    assert_int_equal(tarn_trim(a), 19);
    assert_string_equal(tarn_name(a), "stats 'all'");
    assert_ptr_equal(tarn_parent(a, 0), &parent.allocator);
    assert_null(tarn_parent(a, 1));
    tear_down();
    set_up(&(probe_options){.without_caps = ~0u,
                            .without = PROBE_NO_AT_LEAST | PROBE_NO_BATCH | PROBE_NO_RARE},
           true);
    assert_int_equal(a->ops->caps, TARN_CAP_STATS);
    assert_null(a->ops->resize);
    assert_null(a->ops->alloc_batch);
    assert_null(a->ops->rare->owns);
    assert_null(a->ops->rare->mark);
    assert_int_equal(now().known,
                     TARN_STATS_LIVE | TARN_STATS_PEAK | TARN_STATS_TOTAL | TARN_STATS_FAILED);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(bytes_asked_for),
        cmocka_unit_test(bytes_granted),
        cmocka_unit_test(refusals_are_counted),
        cmocka_unit_test(a_reset_sets_live_to_zero),
        cmocka_unit_test(rewinds_that_can_be_counted),
        cmocka_unit_test(rewinds_that_cannot),
        cmocka_unit_test(handed_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
