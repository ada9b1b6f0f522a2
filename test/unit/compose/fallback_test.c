/* SPDX-License-Identifier: MIT */
/* fallback: blocks go back to who gave them, and both parents see only legal calls. */
#include "support/tarn_test.h"

#include "support/probe.h"

#include <tarn/fallback.h>

enum { S = TARN_SPEC(8) };

static probe first, second;
static tarn_fallback both;
static tarn_allocator *a;

static void set_up(const probe_options *primary, const probe_options *secondary)
{
    const tarn_fallback_options options = {.name = "pair",
                                           .primary = probe_init(&first, primary),
                                           .secondary = probe_init(&second, secondary)};
    assert_int_equal(tarn_fallback_init(&both, &options), TARN_OK);
    a = tarn_fallback_allocator(&both);
}

static void tear_down(void)
{
    assert_string_equal(first.first_fault, "");
    assert_string_equal(second.first_fault, "");
    assert_int_equal(probe_deinit(&first), 0);
    assert_int_equal(probe_deinit(&second), 0);
    tarn_fallback_deinit(&both);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    tarn_allocator *p = probe_init(&first, NULL);
    tarn_allocator *mute = probe_init(&second, &(probe_options){.without_caps = TARN_CAP_OWNS});
    tarn_fallback f;
    assert_int_equal(tarn_fallback_init(&f, NULL), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_fallback_init(&f, &(tarn_fallback_options){.primary = p}),
                     TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_fallback_init(&f, &(tarn_fallback_options){.secondary = p}),
                     TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_fallback_init(&f, &(tarn_fallback_options){NULL, p, p}),
                     TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_fallback_init(&f, &(tarn_fallback_options){NULL, mute, p}),
                     TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_fallback_init(&f, &(tarn_fallback_options){NULL, p, mute}), TARN_OK);
    assert_string_equal(tarn_name(tarn_fallback_allocator(&f)), "fallback");
}

static void what_the_primary_refuses_the_secondary_serves(void **state)
{
    (void)state;
    set_up(&(probe_options){.max_size = 64}, NULL);
    void *small = tarn_alloc(a, 64, S), *big = tarn_alloc(a, 65, S);
    assert_int_equal(first.stats.live_blocks, 1);
    assert_int_equal(second.stats.live_blocks, 1);
    assert_int_equal(tarn_fallback_taken(&both), 1);
    assert_int_equal(tarn_fallback_refused(&both), 0);
    assert_int_equal(tarn_owns(a, small), TARN_YES);
    assert_int_equal(tarn_owns(a, big), TARN_YES);
    assert_int_equal(tarn_owns(a, &state), TARN_NO);
    tarn_free(a, big, 65, S);
    tarn_free(a, small, 64, S);
    assert_string_equal(tarn_name(a), "fallback 'pair'");
    assert_ptr_equal(tarn_parent(a, 0), &first.allocator);
    assert_ptr_equal(tarn_parent(a, 1), &second.allocator);
    assert_null(tarn_parent(a, 2));
    tear_down();
}

static void both_refuse(void **state)
{
    (void)state;
    set_up(&(probe_options){.max_size = 64}, &(probe_options){.max_size = 100});
    assert_int_equal(tarn_get_why(a).status, TARN_OK);
    assert_null(tarn_alloc(a, 101, S));
    assert_int_equal(tarn_get_why(a).status, TARN_TOO_BIG);
    assert_int_equal(tarn_get_why(a).size, 101);
    assert_null(tarn_alloc_at_least(a, 101, S).ptr);
    void *out[2];
    assert_int_equal(tarn_alloc_batch(a, 101, S, 2, out), 0);
    assert_int_equal(tarn_fallback_refused(&both), 3);
    assert_int_equal(tarn_fallback_taken(&both), 0);
    tear_down();
}

static void a_resize_moves_across_and_back(void **state)
{
    (void)state;
    set_up(&(probe_options){.max_size = 64}, NULL);
    unsigned char *p = tarn_alloc(a, 40, S);
    memset(p, 7, 40);
    assert_null(tarn_resize(a, p, 40, 200, 40, S | TARN_IN_PLACE));
    assert_int_equal(tarn_get_why(a).status, TARN_UNSUPPORTED);
    p = tarn_resize(a, p, 40, 200, 40, S | TARN_ZERO);
    assert_int_equal(first.stats.live_blocks, 0);
    assert_int_equal(second.stats.live_blocks, 1);
    assert_int_equal(tarn_fallback_taken(&both), 1);
    for (int i = 0; i < 200; i++)
        assert_int_equal(p[i], i < 40 ? 7 : 0);
    tarn_free(a, p, 200, S);
    tear_down();
}

static void a_parent_without_resize_gets_copies(void **state)
{
    (void)state;
    set_up(&(probe_options){.max_size = 64, .without_caps = TARN_CAP_RESIZE}, NULL);
    assert_true(tarn_can(a, TARN_CAP_RESIZE));
    unsigned char *p = tarn_alloc(a, 40, S);
    memset(p, 7, 40);
    p = tarn_resize(a, p, 40, 20, 20, S);
    assert_int_equal(first.stats.live_blocks, 1);
    p = tarn_resize(a, p, 20, 90, 20, S);
    assert_int_equal(second.stats.live_blocks, 1);
    p = tarn_resize(a, p, 90, 91, 20, S);
    assert_int_equal(p[19], 7);
    assert_null(tarn_resize(a, p, 91, SIZE_MAX, 20, S));
    tarn_free(a, p, 91, S);
    tear_down();
}

static void batches_are_split_by_owner(void **state)
{
    (void)state;
    set_up(&(probe_options){.max_blocks = 3}, NULL);
    void *out[8];
    assert_int_equal(tarn_alloc_batch(a, 16, S, 8, out), 8);
    assert_int_equal(first.stats.live_blocks, 3);
    assert_int_equal(tarn_fallback_taken(&both), 5);
    void *swap = out[0];
    out[0] = out[7];
    out[7] = swap;
    tarn_free_batch(a, 16, S, 8, out);
    assert_int_equal(first.calls[5] + second.calls[5], 4);
    tear_down();
}

static void granted_sizes_are_the_owners(void **state)
{
    (void)state;
    set_up(&(probe_options){.slack = 16, .max_blocks = 1}, &(probe_options){.slack = 100});
    tarn_block x = tarn_alloc_at_least(a, 20, S), y = tarn_alloc_at_least(a, 20, S);
    assert_int_equal(x.size, 32);
    assert_int_equal(y.size, 100);
    assert_int_equal(tarn_usable(a, x.ptr, 20, S), 32);
    assert_int_equal(tarn_usable(a, y.ptr, 20, S), 100);
    tarn_free(a, x.ptr, 32, S);
    tarn_free(a, y.ptr, 0, S);
    tear_down();
}

static bool count(void *user, void *block, size_t size)
{
    (void)block;
    (void)size;
    return ++*(int *)user != 3;
}

static void all_at_once(void **state)
{
    (void)state;
    set_up(&(probe_options){.max_blocks = 2}, NULL);
    assert_true(tarn_can(a, TARN_CAP_RESET | TARN_CAP_VISIT | TARN_CAP_TRIM | TARN_CAP_CHECK));
    assert_false(tarn_can(a, TARN_CAP_MARK));
    for (int i = 0; i < 5; i++)
        assert_non_null(tarn_alloc(a, 8, S));
    int seen = 0;
    assert_int_equal(tarn_visit(a, count, &seen), TARN_OK);
    assert_int_equal(seen, 3);
    seen = -10;
    assert_int_equal(tarn_visit(a, count, &seen), TARN_OK);
    assert_int_equal(seen, -5);
    assert_int_equal(tarn_check(a), TARN_OK);
    assert_int_equal(tarn_reset(a), TARN_OK);
    assert_int_equal(tarn_trim(a), 40);
    assert_int_equal(first.resets + second.resets, 2);
    second.faults = 1;
    assert_int_equal(tarn_check(a), TARN_CORRUPT);
    tear_down();
}

static void absent_is_what_a_parent_lacks(void **state)
{
    (void)state;
    set_up(NULL, &(probe_options){.without_caps = TARN_CAP_OWNS | TARN_CAP_RESET | TARN_CAP_VISIT |
                                                  TARN_CAP_UNSIZED_FREE | TARN_CAP_FREE,
                                  .without = PROBE_NO_USABLE});
    assert_int_equal(a->ops->caps, TARN_CAP_RESIZE | TARN_CAP_TRIM | TARN_CAP_CHECK);
    assert_null(a->ops->rare->owns);
    assert_null(a->ops->rare->reset);
    assert_null(a->ops->rare->visit);
    assert_null(a->ops->rare->mark);
    assert_null(a->ops->rare->stats);
    assert_null(a->ops->rare->usable);
    tear_down();
    set_up(&(probe_options){.without_caps = TARN_CAP_RESIZE | TARN_CAP_TRIM | TARN_CAP_CHECK,
                            .without = PROBE_NO_AT_LEAST | PROBE_NO_BATCH},
           &(probe_options){.without = PROBE_NO_AT_LEAST | PROBE_NO_BATCH | PROBE_NO_RARE,
                            .without_caps = ~0u});
    assert_int_equal(a->ops->caps, 0);
    assert_null(a->ops->resize);
    assert_null(a->ops->alloc_at_least);
    assert_null(a->ops->alloc_batch);
    assert_null(a->ops->free_batch);
    assert_int_equal(tarn_owns(a, &state), TARN_UNKNOWN);
    tear_down();
}

static void threads_when_both_have_them(void **state)
{
    (void)state;
    set_up(&(probe_options){.without = PROBE_THREADS}, NULL);
    assert_false(tarn_can(a, TARN_CAP_THREADS));
    tear_down();
    set_up(&(probe_options){.without = PROBE_THREADS}, &(probe_options){.without = PROBE_THREADS});
    assert_true(tarn_can(a, TARN_CAP_THREADS));
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(what_the_primary_refuses_the_secondary_serves),
        cmocka_unit_test(both_refuse),
        cmocka_unit_test(a_resize_moves_across_and_back),
        cmocka_unit_test(a_parent_without_resize_gets_copies),
        cmocka_unit_test(batches_are_split_by_owner),
        cmocka_unit_test(granted_sizes_are_the_owners),
        cmocka_unit_test(all_at_once),
        cmocka_unit_test(absent_is_what_a_parent_lacks),
        cmocka_unit_test(threads_when_both_have_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
