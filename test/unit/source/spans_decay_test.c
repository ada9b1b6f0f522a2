/* SPDX-License-Identifier: MIT */
/* Idle memory goes by age: along the curve, the oldest first, never in one burst, and all of it. */
#include "support/tarn_test.h"

#include <tarn/spans.h>

#include "source/spans_decay.h"
#include "support/ground.h"

#define KIB ((size_t)1024)

enum { DECAY = 3200, STEP = 100 };

static ground below;
static tarn_spans spans;
static uint64_t now;

static uint64_t clock_of_test(void *user)
{
    (void)user;
    return now;
}

static void start(uint32_t caps, tarn_spans_options o)
{
    now = 70000;
    o.source = ground_init(&below, caps);
    o.granule = 4 * KIB;
    o.first = 64 * KIB;
    o.clock = clock_of_test;
    if (o.decay_ms == 0)
        o.decay_ms = DECAY;
    assert_int_equal(tarn_spans_init(&spans, &o), TARN_OK);
}

static void finish(void)
{
    assert_int_equal(tarn_spans_check(&spans), TARN_OK);
    tarn_spans_deinit(&spans);
    assert_int_equal(ground_deinit(&below), 0);
    assert_int_equal(below.faults, 0);
}

static tarn_spans_report report(void)
{
    tarn_spans_report r;
    assert_int_equal(tarn_spans_check(&spans), TARN_OK);
    tarn_spans_get_report(&spans, &r);
    return r;
}

static char *take(size_t size)
{
    tarn_region r;
    assert_int_equal(tarn_source_map(&spans.source, size, 1, 0, &r), TARN_OK);
    memset(r.ptr, 1, r.size);
    return r.ptr;
}

static void give(void *p, size_t size)
{
    tarn_source_unmap(&spans.source, p, size, 1);
}

static double curve(double x)
{
    return x >= 1 ? 0 : 1 - 3 * x * x + 2 * x * x * x;
}

static size_t round_up(double x)
{
    return (size_t)x + (x > (double)(size_t)x);
}

/* The part by itself: what became idle at one moment. */
static void the_limit_follows_the_curve(void **state)
{
    tarn_span_decay d;
    (void)state;
    tarn_decay_init(&d, DECAY, 1000);
    tarn_decay_add(&d, 1000000);
    assert_false(tarn_decay_advance(&d, 1000 + STEP - 1));
    assert_int_equal(tarn_decay_limit(&d), 1000000);
    for (uint64_t age = 1; age <= 40; age++) {
        double want = 1e6 * curve((double)age / 32), limit;
        assert_true(tarn_decay_advance(&d, 1000 + age * STEP));
        assert_false(tarn_decay_advance(&d, 1000 + age * STEP));
        limit = (double)tarn_decay_limit(&d);
        assert_true(limit >= want - 0.001 && limit <= want + 1.001);
    }
    assert_int_equal(tarn_decay_limit(&d), 0);
}

static void what_is_used_again_is_the_youngest(void **state)
{
    tarn_span_decay d;
    (void)state;
    tarn_decay_init(&d, DECAY, 0);
    tarn_decay_add(&d, 1000);
    (void)tarn_decay_advance(&d, 16 * STEP);
    tarn_decay_add(&d, 300);
    assert_int_equal(tarn_decay_limit(&d), 800);
    tarn_decay_take(&d, 200);
    assert_int_equal(tarn_decay_limit(&d), 600);
    tarn_decay_take(&d, 500);
    assert_int_equal(tarn_decay_limit(&d), 300);
    tarn_decay_take(&d, 5000);
    assert_int_equal(tarn_decay_limit(&d), 0);
    tarn_decay_add(&d, 7);
    tarn_decay_clear(&d);
    assert_int_equal(tarn_decay_limit(&d), 0);
}

static void steps_that_nobody_saw_count(void **state)
{
    tarn_span_decay d;
    (void)state;
    tarn_decay_init(&d, DECAY, 0);
    tarn_decay_add(&d, 32000);
    assert_true(tarn_decay_advance(&d, 16 * STEP + 5));
    assert_int_equal(tarn_decay_limit(&d), 16000);
    assert_true(tarn_decay_advance(&d, 1000000 * STEP));
    assert_int_equal(tarn_decay_limit(&d), 0);
    /* A clock that is set back begins anew. */
    tarn_decay_add(&d, 10);
    assert_false(tarn_decay_advance(&d, 5));
    assert_int_equal(tarn_decay_limit(&d), 10);
    assert_true(tarn_decay_advance(&d, 5 + STEP));
    tarn_decay_init(&d, 1, 0);
    assert_int_equal(d.step, 1);
    tarn_decay_init(&d, TARN_DECAY_AT_ONCE - 1, 0);
    assert_true(d.step * 32 >= TARN_DECAY_AT_ONCE - 1);
}

/* 64 granules, one stays live: the others are purged along the curve, no more than needed. */
static void purged_smoothly(void **state)
{
    char *p;
    size_t largest = 0, before = 63;
    (void)state;
    start(TARN_SOURCE_PURGE, (tarn_spans_options){.first = 0});
    p = take(63 * 4 * KIB);
    (void)take(4 * KIB);
    now += STEP / 2;
    give(p, 63 * 4 * KIB);
    assert_int_equal(report().dirty, 63 * 4 * KIB);
    for (uint64_t age = 1; age <= 32; age++) {
        size_t dirty;
        now = 70000 + age * STEP;
        (void)tarn_spans_tick(&spans);
        dirty = report().dirty / (4 * KIB);
        assert_int_equal(dirty, round_up(63 * curve((double)age / 32)));
        largest = before - dirty > largest ? before - dirty : largest;
        before = dirty;
    }
    assert_int_equal(report().dirty, 0);
    assert_in_range(largest, 2, 4); /* of 63, in one of 32 steps */
    assert_int_equal(report().purged, 63 * 4 * KIB);
    assert_int_equal(below.purged_bytes, 63 * 4 * KIB);
    assert_int_equal(report().spans, 2);
    finish();
}

static void spans_wait_as_long_again(void **state)
{
    char *p;
    (void)state;
    start(TARN_SOURCE_PURGE, (tarn_spans_options){.first = 0});
    p = take(64 * KIB);
    give(p, 64 * KIB);
    now += DECAY + STEP; /* nobody asked in between */
    assert_int_equal(tarn_spans_tick(&spans), 64 * KIB);
    assert_int_equal(report().dirty, 0);
    assert_int_equal(report().idle_spans, 1);
    now += DECAY - 3 * STEP;
    assert_int_equal(tarn_spans_tick(&spans), 0);
    now += 3 * STEP;
    assert_int_equal(tarn_spans_tick(&spans), 64 * KIB);
    assert_int_equal(below.mapped, 0);
    finish();
}

static void used_again_is_not_given_back(void **state)
{
    char *p;
    (void)state;
    start(TARN_SOURCE_PURGE, (tarn_spans_options){.first = 0});
    for (int i = 0; i < 1000; i++) {
        p = take(64 * KIB);
        now += 10;
        give(p, 64 * KIB);
        now += 10;
    }
    assert_int_equal(below.maps, 1);
    assert_int_equal(report().dirty + report().clean, 64 * KIB);
    /* Idle for 10 of 3200 ms at a time: as good as nothing is purged. */
    assert_true(report().purged <= 64 * KIB);
    finish();
}

static void a_pause_purges_nothing_of_the_young(void **state)
{
    char *p;
    (void)state;
    start(TARN_SOURCE_PURGE, (tarn_spans_options){.first = 0});
    p = take(256 * KIB);
    now += 1000000; /* a long life */
    give(p, 256 * KIB);
    assert_int_equal(report().dirty, 256 * KIB);
    now += STEP;
    (void)tarn_spans_tick(&spans);
    assert_true(report().dirty >= 252 * KIB);
    finish();
}

static void the_oldest_goes_first(void **state)
{
    char *p[8];
    (void)state;
    start(TARN_SOURCE_PURGE, (tarn_spans_options){.idle_limit = 12 * KIB});
    for (int i = 0; i < 8; i++)
        p[i] = take(4 * KIB);
    give(p[6], 4 * KIB);
    give(p[2], 4 * KIB);
    give(p[4], 4 * KIB);
    assert_int_equal(below.purges, 0);
    give(p[0], 4 * KIB);
    assert_int_equal(below.purges, 1);
    assert_int_equal(p[6][0], 0);
    assert_int_equal(p[2][0] & p[4][0] & p[0][0], 1);
    assert_int_equal(report().dirty, 12 * KIB);
    finish();
}

/* What is left of a run that was cut is as old as it was. */
static void the_rest_keeps_its_age(void **state)
{
    char *old, *wall, *young;
    (void)state;
    start(TARN_SOURCE_PURGE, (tarn_spans_options){.first = 0});
    old = take(4 * KIB);
    wall = take(4 * KIB);
    young = take(16 * KIB);
    (void)take(4 * KIB);
    give(old, 4 * KIB);
    now += 16 * STEP;
    give(young, 16 * KIB);
    assert_ptr_equal(take(8 * KIB), young);
    now += 17 * STEP;
    assert_int_equal(tarn_spans_tick(&spans), 8 * KIB);
    assert_int_equal(report().dirty, 4 * KIB);
    assert_int_equal(old[0], 0);
    assert_int_equal(young[8 * KIB], 1);
    assert_int_equal(young[12 * KIB], 0);
    assert_int_equal(wall[0], 1);
    finish();
}

/* Four spans that came and went many times are kept no longer than if they had gone once. */
static void no_more_is_kept_for_what_went_often(void **state)
{
    char *p[4];
    (void)state;
    for (int trimmed = 0; trimmed < 2; trimmed++) {
        start(0, (tarn_spans_options){.policy = TARN_SPANS_FIXED});
        for (int round = 0; round < 10; round++) {
            for (int i = 0; i < 4; i++)
                p[i] = take(64 * KIB);
            for (int i = 0; i < 4; i++)
                give(p[i], 64 * KIB);
            if (trimmed != 0 && round < 9)
                (void)tarn_spans_trim(&spans);
        }
        assert_int_equal(report().idle_spans, 4);
        now += 16 * STEP;
        assert_int_equal(tarn_spans_tick(&spans), 2 * 64 * KIB);
        finish();
    }
}

static void a_limit_below_a_granule_is_one(void **state)
{
    char *p;
    (void)state;
    start(TARN_SOURCE_PURGE, (tarn_spans_options){.idle_limit = 100});
    p = take(32 * KIB);
    (void)take(4 * KIB);
    give(p, 32 * KIB);
    assert_int_equal(report().dirty, 4 * KIB);
    finish();
}

static void at_once_and_never(void **state)
{
    char *p;
    (void)state;
    start(TARN_SOURCE_PURGE, (tarn_spans_options){.decay_ms = TARN_DECAY_AT_ONCE});
    p = take(64 * KIB);
    give(p, 64 * KIB);
    assert_int_equal(below.mapped, 0);
    finish();
    start(TARN_SOURCE_PURGE, (tarn_spans_options){.decay_ms = TARN_DECAY_NEVER});
    p = take(64 * KIB);
    give(p, 64 * KIB);
    now += 1u << 30;
    assert_int_equal(tarn_spans_tick(&spans), 0);
    assert_int_equal(report().dirty, 64 * KIB);
    assert_int_equal(tarn_spans_trim(&spans), 64 * KIB);
    assert_int_equal(below.mapped, 0);
    assert_int_equal(below.purges, 0); /* the whole span is idle: no need */
    finish();
}

static void by_hand_only(void **state)
{
    char *p;
    (void)state;
    start(TARN_SOURCE_PURGE, (tarn_spans_options){.manual = true});
    (void)take(4 * KIB);
    p = take(32 * KIB);
    give(p, 32 * KIB);
    for (int i = 0; i < 100; i++) {
        now += STEP;
        p = take(4 * KIB);
        give(p, 4 * KIB);
    }
    assert_int_equal(below.purges, 0);
    assert_true(tarn_spans_tick(&spans) >= 24 * KIB);
    finish();
    start(TARN_SOURCE_PURGE, (tarn_spans_options){.manual = true, .decay_ms = TARN_DECAY_AT_ONCE});
    give(take(4 * KIB), 4 * KIB);
    assert_int_equal(below.unmaps, 0);
    assert_int_equal(tarn_spans_tick(&spans), 4 * KIB + 64 * KIB);
    assert_int_equal(below.mapped, 0);
    finish();
}

/* Without purging, a span ages from the moment that it has no region. */
static void without_purge(void **state)
{
    char *p, *q;
    (void)state;
    start(0, (tarn_spans_options){.first = 0});
    p = take(4 * KIB);
    q = take(60 * KIB);
    give(q, 60 * KIB);
    now += 10 * DECAY;
    assert_int_equal(tarn_spans_tick(&spans), 0);
    give(p, 4 * KIB);
    assert_int_equal(report().idle_spans, 1);
    now += DECAY - 4 * STEP;
    assert_int_equal(tarn_spans_tick(&spans), 0);
    now += 4 * STEP;
    assert_int_equal(tarn_spans_tick(&spans), 64 * KIB);
    assert_int_equal(below.mapped, 0);
    finish();
    start(0, (tarn_spans_options){.idle_limit = 32 * KIB});
    give(take(64 * KIB), 64 * KIB);
    assert_int_equal(below.mapped, 0);
    finish();
}

static void a_purge_that_is_refused(void **state)
{
    char *p;
    (void)state;
    start(TARN_SOURCE_PURGE, (tarn_spans_options){.first = 0});
    p = take(32 * KIB);
    (void)take(4 * KIB);
    below.refuses_purge = true;
    give(p, 32 * KIB);
    now += 2 * DECAY;
    assert_int_equal(tarn_spans_tick(&spans), 0);
    assert_int_equal(report().dirty, 32 * KIB);
    assert_int_equal(tarn_spans_trim(&spans), 0);
    assert_ptr_equal(take(32 * KIB), p);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_follows_the_curve),
        cmocka_unit_test(what_is_used_again_is_the_youngest),
        cmocka_unit_test(steps_that_nobody_saw_count),
        cmocka_unit_test(purged_smoothly),
        cmocka_unit_test(spans_wait_as_long_again),
        cmocka_unit_test(used_again_is_not_given_back),
        cmocka_unit_test(a_pause_purges_nothing_of_the_young),
        cmocka_unit_test(the_oldest_goes_first),
        cmocka_unit_test(the_rest_keeps_its_age),
        cmocka_unit_test(no_more_is_kept_for_what_went_often),
        cmocka_unit_test(a_limit_below_a_granule_is_one),
        cmocka_unit_test(at_once_and_never),
        cmocka_unit_test(by_hand_only),
        cmocka_unit_test(without_purge),
        cmocka_unit_test(a_purge_that_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
