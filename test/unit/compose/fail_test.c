/* SPDX-License-Identifier: MIT */
/* fail: exactly the planned requests are refused, and again the same ones. */
#include "support/tarn_test.h"

#include "support/probe.h"

#include <math.h>

#include <tarn/fail.h>

enum { S = TARN_SPEC(8) };

static probe parent;
static tarn_fail layer;
static tarn_allocator *a;

static void set_up(const probe_options *options, tarn_fail_plan plan)
{
    const tarn_fail_options how = {"faults", probe_init(&parent, options), plan};
    assert_int_equal(tarn_fail_init(&layer, &how), TARN_OK);
    a = tarn_fail_allocator(&layer);
}

static void tear_down(void)
{
    assert_string_equal(parent.first_fault, "");
    assert_int_equal(probe_deinit(&parent), 0);
    tarn_fail_deinit(&layer);
}

/* Which of the next 20 requests are refused, as bits. */
static uint32_t refusals(void)
{
    uint32_t bits = 0;
    for (unsigned k = 1; k <= 20; k++) {
        void *p = tarn_alloc(a, 8, S);
        if (p == NULL)
            bits |= 1u << k;
        tarn_free(a, p, 8, S);
    }
    return bits;
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    tarn_fail f;
    tarn_fail_options o = {.parent = probe_init(&parent, NULL)};
    assert_int_equal(tarn_fail_init(&f, NULL), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_fail_init(&f, &(tarn_fail_options){.name = "x"}), TARN_BAD_ARGUMENT);
    o.plan.percent = -0.1;
    assert_int_equal(tarn_fail_init(&f, &o), TARN_BAD_ARGUMENT);
    o.plan.percent = 100.1;
    assert_int_equal(tarn_fail_init(&f, &o), TARN_BAD_ARGUMENT);
    o.plan.percent = (double)NAN;
    assert_int_equal(tarn_fail_init(&f, &o), TARN_BAD_ARGUMENT);
    o.plan.percent = 100;
    assert_int_equal(tarn_fail_init(&f, &o), TARN_OK);
    o.plan.percent = 101;
    assert_int_equal(tarn_fail_arm(&f, &o.plan), TARN_BAD_ARGUMENT);
    assert_null(tarn_alloc(tarn_fail_allocator(&f), 1, S));
}

static void plans(void **state)
{
    (void)state;
    set_up(NULL, (tarn_fail_plan){0});
    assert_int_equal(refusals(), 0);
    assert_int_equal(tarn_fail_requests(&layer), 20);
    tarn_fail_arm(&layer, &(tarn_fail_plan){.nth = 1});
    assert_int_equal(tarn_fail_requests(&layer), 0);
    assert_int_equal(refusals(), 1u << 1);
    assert_int_equal(refusals(), 0);
    assert_int_equal(tarn_fail_refused(&layer), 1);
    tarn_fail_arm(&layer, &(tarn_fail_plan){.every = 7});
    assert_int_equal(refusals(), 1u << 7 | 1u << 14);
    tarn_fail_arm(&layer, &(tarn_fail_plan){.from = 19});
    assert_int_equal(refusals(), 1u << 19 | 1u << 20);
    assert_int_equal(refusals(), 0x1ffffe);
    tarn_fail_arm(&layer, &(tarn_fail_plan){.nth = 2, .every = 19, .from = 20});
    assert_int_equal(refusals(), 1u << 2 | 1u << 19 | 1u << 20);
    tarn_fail_arm(&layer, &(tarn_fail_plan){.percent = 100});
    assert_int_equal(refusals(), 0x1ffffe);
    tarn_fail_arm(&layer, NULL);
    assert_int_equal(refusals(), 0);
    tear_down();
}

static void a_percentage_with_a_seed(void **state)
{
    (void)state;
    const tarn_fail_plan plan = {.percent = 30, .seed = 5};
    tarn_fail_plan other = plan;
    other.seed = 6;
    set_up(NULL, plan);
    uint32_t bits = refusals();
    tarn_fail_arm(&layer, &plan);
    assert_int_equal(refusals(), bits);
    tarn_fail_arm(&layer, &other);
    assert_int_not_equal(refusals(), bits);
    tarn_fail_arm(&layer, &plan);
    for (int i = 0; i < 500; i++)
        (void)refusals();
    assert_in_range(tarn_fail_refused(&layer), 2800, 3200);
    tear_down();
}

static void every_way_of_asking_counts(void **state)
{
    (void)state;
    set_up(NULL, (tarn_fail_plan){.every = 2});
    void *p = tarn_alloc(a, 8, S);
    assert_null(tarn_alloc_at_least(a, 40, TARN_SPEC(16)).ptr);
    tarn_why w = tarn_get_why(a);
    assert_int_equal(w.status, TARN_INJECTED);
    assert_int_equal(w.size, 40);
    assert_int_equal(w.align, 16);
    p = tarn_resize(a, p, 8, 16, 8, S);
    assert_null(tarn_resize(a, p, 16, 24, 8, S));
    assert_int_equal(tarn_get_why(a).size, 24);
    void *out[4];
    assert_int_equal(tarn_alloc_batch(a, 8, S, 4, out), 1);
    assert_int_equal(tarn_fail_requests(&layer), 6);
    assert_int_equal(tarn_fail_refused(&layer), 3);
    assert_null(tarn_alloc(a, SIZE_MAX, S));
    assert_int_equal(tarn_get_why(a).status, TARN_TOO_BIG);
    tarn_stats n;
    assert_int_equal(tarn_get_stats(a, &n), TARN_OK);
    assert_int_equal(n.failures, 4);
    tarn_free_batch(a, 8, S, 1, out);
    tarn_free(a, p, 16, S);
    tear_down();
}

static void handed_through(void **state)
{
    (void)state;
    set_up(&(probe_options){.slack = 64}, (tarn_fail_plan){0});
    assert_int_equal(a->ops->caps, parent.ops.caps);
    tarn_block b = tarn_alloc_at_least(a, 8, S);
    assert_int_equal(tarn_usable(a, b.ptr, 8, S), 64);
    assert_int_equal(tarn_owns(a, b.ptr), TARN_YES);
    tarn_mark m = tarn_get_mark(a);
    assert_non_null(tarn_alloc(a, 8, S));
    assert_int_equal(tarn_rewind(a, m), TARN_OK);
    assert_int_equal(tarn_check(a), TARN_OK);
    assert_int_equal(tarn_reset(a), TARN_OK);
    assert_int_equal(tarn_trim(a), 128);
    assert_string_equal(tarn_name(a), "fail 'faults'");
    assert_ptr_equal(tarn_parent(a, 0), &parent.allocator);
    assert_null(tarn_parent(a, 1));
    tear_down();
    set_up(&(probe_options){.without_caps = ~0u,
                            .without = PROBE_NO_AT_LEAST | PROBE_NO_BATCH | PROBE_NO_RARE},
           (tarn_fail_plan){0});
    assert_int_equal(a->ops->caps, 0);
    assert_null(a->ops->resize);
    assert_null(a->ops->alloc_at_least);
    assert_null(a->ops->alloc_batch);
    assert_null(a->ops->rare->usable);
    assert_null(a->ops->rare->stats);
    assert_null(a->ops->rare->visit);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nonsense_is_refused),      cmocka_unit_test(plans),
        cmocka_unit_test(a_percentage_with_a_seed), cmocka_unit_test(every_way_of_asking_counts),
        cmocka_unit_test(handed_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
