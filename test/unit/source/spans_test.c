/* SPDX-License-Identifier: MIT */
/* Spans grow by their policy, pieces of them come and go, nothing is lost and nothing overlaps. */
#include "support/tarn_test.h"

#include <pthread.h>

#include <tarn/pages.h>
#include <tarn/spans.h>

#include "support/ground.h"
#include "support/probe.h"

#define KIB ((size_t)1024)

static ground below;
static tarn_spans spans;
static uint64_t now;

static uint64_t clock_of_test(void *user)
{
    return *(uint64_t *)user;
}

/* Granules of 4 KiB, spans from 16 KiB to 256 KiB, a second, the test's clock. */
static tarn_spans_options small(void)
{
    return (tarn_spans_options){.source = ground_init(&below, TARN_SOURCE_PURGE),
                                .granule = 4 * KIB,
                                .first = 16 * KIB,
                                .most = 256 * KIB,
                                .decay_ms = 1000,
                                .clock = clock_of_test,
                                .user = &now};
}

static tarn_spans_options over(tarn_spans_options o, uint32_t caps)
{
    ground_init(&below, caps);
    return o;
}

static void start(tarn_spans_options o)
{
    now = 5000;
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
    assert_int_equal(r.held, r.live + r.dirty + r.clean);
    return r;
}

static char *take_as(size_t size, size_t align, uint32_t *traits)
{
    tarn_region r;
    assert_int_equal(tarn_source_map(&spans.source, size, align, 0, &r), TARN_OK);
    assert_true(r.size >= size && r.size - size < spans.source.granule);
    assert_int_equal((uintptr_t)r.ptr % align, 0);
    if ((r.traits & TARN_REGION_ZEROED) != 0) {
        for (size_t i = 0; i < r.size; i++)
            assert_int_equal(((char *)r.ptr)[i], 0);
    }
    memset(r.ptr, 0xab, r.size);
    if (traits != NULL)
        *traits = r.traits;
    return r.ptr;
}

static char *take(size_t size)
{
    return take_as(size, 1, NULL);
}

static void give(void *ptr, size_t size)
{
    tarn_source_unmap(&spans.source, ptr, size, 1);
}

static void options_are_judged(void **state)
{
    tarn_spans_options o = small(), bad[] = {o, o, o, o, o};
    (void)state;
    bad[0].source = NULL;
    bad[1].granule = 6000;
    bad[2].granule = 2048;
    bad[3].policy = (tarn_spans_policy)7;
    bad[4].first = 512 * KIB;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tarn_spans_init(&spans, &bad[i]), TARN_BAD_ARGUMENT);
    below.source.granule = 64 * KIB;
    assert_int_equal(tarn_spans_init(&spans, &o), TARN_BAD_ARGUMENT);
    below.source.granule = 1024 * KIB;
    o = (tarn_spans_options){.source = &below.source};
    assert_int_equal(tarn_spans_init(&spans, &o), TARN_OK);
    assert_int_equal(spans.source.granule, 1024 * KIB);
    assert_string_equal(tarn_source_name(&spans.source), "spans");
    tarn_spans_deinit(&spans);
    below.source.granule = 1;
    o.first = 100000 * KIB;
    assert_int_equal(tarn_spans_init(&spans, &o), TARN_OK);
    assert_int_equal(spans.source.granule, 64 * KIB);
    assert_int_equal(spans.most, spans.first);
    tarn_spans_deinit(&spans);
    assert_int_equal(below.maps, 0);
}

static void spans_grow_by_policy(void **state)
{
    const struct {
        tarn_spans_policy policy;
        unsigned percent;
        size_t held[6]; /* KiB after each span */
    } cases[] = {
        {TARN_SPANS_DOUBLE, 0, {16, 32, 64, 128, 256, 512}},
        {TARN_SPANS_FIXED, 0, {16, 32, 48, 64, 80, 96}},
        {TARN_SPANS_PERCENT, 0, {16, 32, 48, 72, 108, 160}},
        {TARN_SPANS_PERCENT, 300, {16, 64, 256, 512, 768, 1024}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tarn_spans_options o = small();
        o.policy = cases[i].policy;
        o.percent = cases[i].percent;
        start(o);
        for (size_t span = 0; span < 6; span++) {
            while (report().spans == span)
                (void)take(4 * KIB);
            assert_int_equal(report().held / KIB, cases[i].held[span]);
            while (report().clean != 0)
                (void)take(4 * KIB);
        }
        tarn_spans_deinit(&spans);
        assert_int_equal(ground_deinit(&below), 0);
    }
}

static void a_percentage_is_of_a_hundred(void **state)
{
    tarn_spans_options o = small();
    (void)state;
    o.first = 800 * KIB;
    o.most = 8000 * KIB;
    o.policy = TARN_SPANS_PERCENT;
    o.percent = 150;
    start(o);
    (void)take(800 * KIB);
    (void)take(4 * KIB);
    assert_int_equal(report().held, 2000 * KIB);
    finish();
}

static void what_comes_back_is_used_again(void **state)
{
    uint32_t traits;
    char *a, *b;
    (void)state;
    start(small());
    a = take_as(8 * KIB, 1, &traits);
    assert_int_equal(traits, TARN_REGION_COMMITTED | TARN_REGION_ZEROED);
    give(a, 8 * KIB);
    assert_int_equal(report().dirty, 8 * KIB);
    b = take_as(4 * KIB, 1, &traits);
    assert_ptr_equal(a, b);
    assert_int_equal(traits, TARN_REGION_COMMITTED);
    assert_int_equal(report().reused, 4 * KIB);
    assert_int_equal(tarn_spans_trim(&spans), 4 * KIB);
    (void)take_as(4 * KIB, 1, &traits);
    assert_int_equal(traits, TARN_REGION_COMMITTED | TARN_REGION_ZEROED);
    assert_int_equal(below.maps, 1);
    give(b, 4 * KIB);
    finish();
}

static void neighbours_become_one(void **state)
{
    char *p[4], *all;
    (void)state;
    start(small());
    for (int i = 0; i < 4; i++)
        p[i] = take(4 * KIB);
    give(p[1], 4 * KIB);
    give(p[3], 4 * KIB);
    give(p[2], 4 * KIB);
    give(p[0], 4 * KIB);
    all = take(16 * KIB);
    assert_ptr_equal(all, p[0]);
    assert_int_equal(below.maps, 1);
    finish();
}

static void alignments(void **state)
{
    char *p[9];
    (void)state;
    start(small());
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 9; i++)
            p[i] = take_as(12 * KIB, (size_t)1 << (i + 10), NULL);
        for (size_t i = 0; i < 9; i++)
            tarn_source_unmap(&spans.source, p[i], 12 * KIB, (size_t)1 << (i + 10));
        assert_int_equal(report().live, 0);
    }
    (void)tarn_spans_trim(&spans);
    assert_int_equal(below.mapped, 0);
    finish();
}

static void large_ones_get_a_span_of_their_own(void **state)
{
    tarn_spans_options o = small();
    char *p;
    tarn_region r;
    (void)state;
    below.limit = 4096 * KIB;
    start(o);
    p = take(1000 * KIB);
    assert_int_equal(report().held, 1000 * KIB);
    give(p, 1000 * KIB);
    assert_ptr_equal(take(900 * KIB), p);
    assert_int_equal(tarn_source_map(&spans.source, SIZE_MAX, 1, 0, &r), TARN_TOO_BIG);
    assert_int_not_equal(tarn_source_map(&spans.source, PTRDIFF_MAX - 100000, 1, 0, &r), TARN_OK);
    assert_int_equal(report().held, 1000 * KIB);
    finish();
}

/* What the source below gives beyond granules is given back to it, and never handed out. */
static void slack_of_the_source_below(void **state)
{
    tarn_spans_options o = small();
    tarn_spans_report r;
    (void)state;
    below.slack = 5 * KIB;
    start(o);
    (void)take(16 * KIB);
    tarn_spans_get_report(&spans, &r);
    assert_int_equal(r.held, 21 * KIB);
    assert_int_equal(r.live + r.clean, 20 * KIB);
    finish();
}

static void refusals_change_nothing(void **state)
{
    tarn_spans_options o = small();
    tarn_region r;
    char *p;
    (void)state;
    below.limit = 128 * KIB;
    start(o);
    p = take(64 * KIB);
    (void)take(16 * KIB); /* 64 would be the policy: it fits just so */
    assert_int_equal(report().held, 128 * KIB);
    assert_int_equal(tarn_source_map(&spans.source, 64 * KIB, 1, 0, &r), TARN_LIMIT);
    assert_null(r.ptr);
    assert_int_equal(report().held, 128 * KIB);
    assert_int_equal(report().regions, 2);
    /* Idle spans make room for one that they are too small for. */
    give(p, 64 * KIB);
    assert_int_equal(tarn_source_map(&spans.source, 80 * KIB, 1, 0, &r), TARN_LIMIT);
    assert_int_equal(report().held, 64 * KIB);
    below.limit = 160 * KIB;
    assert_int_equal(tarn_source_map(&spans.source, 80 * KIB, 1, 0, &r), TARN_OK);
    assert_int_equal(tarn_source_map(&spans.source, 52 * KIB, 1, 0, &r), TARN_LIMIT);
    finish();
}

static void a_smaller_span_is_better_than_none(void **state)
{
    tarn_spans_options o = small();
    (void)state;
    below.limit = 90 * KIB;
    o.first = 256 * KIB;
    start(o);
    (void)take(4 * KIB);
    assert_int_equal(report().held, 64 * KIB);
    (void)take(24 * KIB);
    (void)take(60 * KIB - 24 * KIB);
    (void)take(24 * KIB); /* 256, 128, 64, 32 are too much */
    assert_int_equal(report().held, 88 * KIB);
    finish();
}

/* Every allocation of the records refused in turn. */
static void without_records(void **state)
{
    probe records;
    (void)state;
    for (size_t blocks = 0; blocks < 12; blocks++) {
        tarn_spans_options o = small();
        probe_options limits = {.max_blocks = blocks};
        tarn_region r;
        size_t maps = 0;
        o.records = probe_init(&records, &limits);
        o.policy = TARN_SPANS_FIXED;
        if (blocks == 0)
            records.options.max_size = 1; /* of no use to it */
        start(o);
        while (maps < 64 && tarn_source_map(&spans.source, 16 * KIB, 1, 0, &r) == TARN_OK)
            maps++;
        assert_int_equal(report().spans, maps);
        assert_int_equal(below.count, maps);
        assert_true(maps < blocks || blocks == 0);
        finish();
        assert_int_equal(probe_deinit(&records), 0);
        assert_int_equal(records.faults, 0);
    }
}

static void reservations_pass_through(void **state)
{
    tarn_spans_options o = over(small(), TARN_SOURCE_PURGE | TARN_SOURCE_COMMIT);
    tarn_region r, piece;
    (void)state;
    start(o);
    assert_true(tarn_source_can(&spans.source, TARN_SOURCE_PURGE | TARN_SOURCE_COMMIT));
    assert_int_equal(tarn_source_map(&spans.source, 100 * KIB, 8 * KIB, TARN_MAP_RESERVE, &r),
                     TARN_OK);
    assert_int_equal(r.traits & TARN_REGION_COMMITTED, 0);
    assert_int_equal(r.size, 100 * KIB);
    assert_int_equal(tarn_source_commit(&spans.source, r.ptr, 8 * KIB), TARN_OK);
    assert_int_equal(below.commits, 1);
    assert_int_equal(tarn_source_map(&spans.source, 4 * KIB, 1, 0, &piece), TARN_OK);
    assert_int_equal(tarn_source_purge(&spans.source, piece.ptr, 4 * KIB), TARN_OK);
    assert_int_equal(below.purges, 1);
    assert_int_equal(report().reserved, 100 * KIB);
    assert_int_equal(report().held, 16 * KIB);
    tarn_source_unmap(&spans.source, r.ptr, r.size, 8 * KIB);
    assert_int_equal(report().reserved, 0);
    assert_int_equal(below.count, 1);
    finish();
}

static void what_the_source_below_cannot(void **state)
{
    tarn_region r;
    (void)state;
    start(over(small(), 0));
    assert_false(tarn_source_can(&spans.source, TARN_SOURCE_PURGE));
    assert_false(tarn_source_can(&spans.source, TARN_SOURCE_COMMIT));
    assert_false(tarn_source_can(&spans.source, TARN_SOURCE_THREADS));
    assert_int_equal(tarn_source_map(&spans.source, 1, 1, TARN_MAP_RESERVE, &r), TARN_UNSUPPORTED);
    finish();
}

/* ── Misuse ────────────────────────────────────────────────────────────────────────────────── */

static tarn_fault last;

static void note(const tarn_fault *fault, void *user)
{
    (void)user;
    assert_string_equal(fault->allocator, "spans 'chunks'");
    last = *fault;
}

static void misuse_is_named(void **state)
{
    tarn_spans_options o = over(small(), TARN_SOURCE_COMMIT);
    char *p, other[1];
    tarn_region r;
    (void)state;
    o.name = "chunks";
    start(o);
    p = take(8 * KIB);
    assert_int_equal(tarn_source_map(&spans.source, 8 * KIB, 1, TARN_MAP_RESERVE, &r), TARN_OK);
    tarn_fault_set_handler(note, NULL);
    give(other, 4 * KIB);
    assert_int_equal(last.kind, TARN_FAULT_FOREIGN_POINTER);
    give(p + 4 * KIB, 4 * KIB);
    assert_int_equal(last.kind, TARN_FAULT_INTERIOR_POINTER);
    give(p + 1, 8 * KIB);
    assert_int_equal(last.kind, TARN_FAULT_INTERIOR_POINTER);
    give((char *)r.ptr + 4 * KIB, 4 * KIB);
    assert_int_equal(last.kind, TARN_FAULT_INTERIOR_POINTER);
    give(p, 4 * KIB);
    assert_int_equal(last.kind, TARN_FAULT_WRONG_SIZE);
    assert_int_equal(last.given, 4 * KIB);
    assert_int_equal(last.expected, 8 * KIB);
    give(r.ptr, 4 * KIB);
    assert_int_equal(last.kind, TARN_FAULT_WRONG_SIZE);
    assert_int_equal(report().regions, 2);
    give(p, 8 * KIB);
    give(p, 8 * KIB);
    assert_int_equal(last.kind, TARN_FAULT_DOUBLE_FREE);
    tarn_fault_set_handler(NULL, NULL);
    assert_int_equal(report().live, 0);
    finish();
}

static void check_sees_what_contradicts(void **state)
{
    size_t *sums[] = {&spans.live,    &spans.dirty,       &spans.clean,
                      &spans.waiting, &spans.report.held, &spans.report.spans};
    char *p;
    (void)state;
    start(small());
    p = take(8 * KIB);
    (void)take(4 * KIB);
    give(p, 8 * KIB);
    assert_int_equal(tarn_spans_check(&spans), TARN_OK);
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        ++*sums[i];
        assert_int_equal(tarn_spans_check(&spans), TARN_CORRUPT);
        --*sums[i];
    }
    tarn_span_run *newest = spans.newest;
    spans.newest = NULL;
    assert_int_equal(tarn_spans_check(&spans), TARN_CORRUPT);
    spans.newest = newest;
    spans.filled[0] ^= 1u << 20;
    assert_int_equal(tarn_spans_check(&spans), TARN_CORRUPT);
    spans.filled[0] ^= 1u << 20;
    finish();
}

static void counts(void **state)
{
    tarn_stats s;
    char *p;
    tarn_region r;
    (void)state;
    start(small());
    (void)take(4 * KIB);
    p = take(4 * KIB);
    give(p, 4 * KIB);
    below.refuses = true;
    assert_int_equal(tarn_source_map(&spans.source, 1000 * KIB, 1, 0, &r), TARN_NO_MEMORY);
    assert_int_equal(spans.source.ops->stats(&spans.source, &s), TARN_OK);
    assert_int_equal(s.held_bytes, 16 * KIB);
    assert_int_equal(s.idle_bytes, 12 * KIB);
    assert_int_equal(s.chunks, 1);
    assert_int_equal(s.failures, 1);
    assert_int_equal(report().peak, 16 * KIB);
    spans.source.ops->deinit(&spans.source);
    assert_int_equal(ground_deinit(&below), 0);
}

/* ── Threads ───────────────────────────────────────────────────────────────────────────────── */

static void *churn(void *arg)
{
    tarn_source *s = arg;
    void *held[8] = {NULL};
    size_t sizes[8] = {0};
    for (size_t i = 0; i < 4000; i++) {
        size_t at = i * 7 % 8;
        tarn_region r;
        tarn_source_unmap(s, held[at], sizes[at], 1);
        held[at] = NULL;
        if (tarn_source_map(s, (1 + i % 5) * 64 * KIB, 1, 0, &r) != TARN_OK)
            continue;
        *(size_t *)r.ptr = i;
        held[at] = r.ptr;
        sizes[at] = r.size;
    }
    for (size_t i = 0; i < 8; i++)
        tarn_source_unmap(s, held[i], sizes[i], 1);
    return NULL;
}

/* One thread is refused, another one asks how often. */
static void *be_refused(void *source)
{
    tarn_region r;
    for (size_t i = 0; i < 1000; i++)
        (void)tarn_source_map(source, 256 * KIB, 1, 0, &r);
    return NULL;
}

static void any_thread_may_ask(void **state)
{
    pthread_t thread;
    tarn_pages pages;
    tarn_stats stats;
    (void)state;
    assert_int_equal(tarn_pages_init(&pages, &(tarn_pages_options){.limit = 128 * KIB}), TARN_OK);
    assert_int_equal(
        tarn_spans_init(&spans, &(tarn_spans_options){.source = &pages.source, .shared = true}),
        TARN_OK);
    assert_int_equal(pthread_create(&thread, NULL, be_refused, &spans.source), 0);
    do
        assert_int_equal(spans.source.ops->stats(&spans.source, &stats), TARN_OK);
    while (stats.failures < 1000);
    assert_int_equal(pthread_join(thread, NULL), 0);
    tarn_spans_deinit(&spans);
    tarn_pages_deinit(&pages);
}

static void any_thread(void **state)
{
    pthread_t threads[4];
    tarn_pages pages;
    tarn_spans_report r;
    tarn_pages_report left;
    (void)state;
    assert_int_equal(tarn_pages_init(&pages, NULL), TARN_OK);
    assert_int_equal(
        tarn_spans_init(
            &spans, &(tarn_spans_options){.source = &pages.source, .shared = true, .decay_ms = 50}),
        TARN_OK);
    assert_true(tarn_source_can(&spans.source, TARN_SOURCE_THREADS));
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, &spans.source), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(tarn_spans_check(&spans), TARN_OK);
    tarn_spans_get_report(&spans, &r);
    assert_int_equal(r.regions + r.live, 0);
    assert_true(tarn_spans_trim(&spans) <= r.held || r.held == 0);
    tarn_spans_deinit(&spans);
    tarn_pages_get_report(&pages, &left);
    assert_int_equal(left.mapped, 0);
    tarn_pages_deinit(&pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_judged),
        cmocka_unit_test(spans_grow_by_policy),
        cmocka_unit_test(a_percentage_is_of_a_hundred),
        cmocka_unit_test(what_comes_back_is_used_again),
        cmocka_unit_test(neighbours_become_one),
        cmocka_unit_test(alignments),
        cmocka_unit_test(large_ones_get_a_span_of_their_own),
        cmocka_unit_test(slack_of_the_source_below),
        cmocka_unit_test(refusals_change_nothing),
        cmocka_unit_test(a_smaller_span_is_better_than_none),
        cmocka_unit_test(without_records),
        cmocka_unit_test(reservations_pass_through),
        cmocka_unit_test(what_the_source_below_cannot),
        cmocka_unit_test(misuse_is_named),
        cmocka_unit_test(check_sees_what_contradicts),
        cmocka_unit_test(counts),
        cmocka_unit_test(any_thread),
        cmocka_unit_test(any_thread_may_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
