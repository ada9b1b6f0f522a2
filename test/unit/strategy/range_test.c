/* SPDX-License-Identifier: MIT */
/* range_test.c - spaces: options, bad requests, ids, users, batches, statistics, others' tables. */
#include <tarn/defrag.h>
#include <tarn/source.h>

#include "support/probe.h"
#include "support/tarn_test.h"

static const tarn_range_core CORES[] = {TARN_RANGE_TLSF, TARN_RANGE_LINEAR, TARN_RANGE_BITMAP};

static tarn_status try_init(tarn_space_options o)
{
    tarn_space space;
    tarn_status status = tarn_space_init(&space, &o);
    if (status == TARN_OK)
        tarn_space_deinit(&space);
    return status;
}

static void options_that_make_no_sense(void **unused)
{
    (void)unused;
    for (int c = 0; c < 3; c++) {
        tarn_range_core core = CORES[c];
        assert_int_equal(try_init((tarn_space_options){.core = core}), TARN_BAD_ARGUMENT);
        assert_int_equal(try_init((tarn_space_options){.units = 9, .core = core, .granule = 3}),
                         TARN_BAD_ARGUMENT);
        assert_int_equal(
            try_init((tarn_space_options){.units = 9, .core = core, .granule = 4, .first = 2}),
            TARN_BAD_ARGUMENT);
        assert_int_equal(try_init((tarn_space_options){.units = 3, .core = core, .granule = 4}),
                         TARN_BAD_ARGUMENT);
        assert_int_equal(
            try_init((tarn_space_options){.units = TARN_RANGE_UNITS_MAX + 1, .core = core}),
            TARN_TOO_BIG);
        assert_int_equal(try_init((tarn_space_options){
                             .units = 2, .core = core, .first = TARN_RANGE_UNITS_MAX - 1}),
                         TARN_TOO_BIG);
        assert_int_equal(try_init((tarn_space_options){.units = 1, .core = core}), TARN_OK);
        assert_int_equal(try_init((tarn_space_options){
                             .units = 1, .core = core, .first = TARN_RANGE_UNITS_MAX - 1}),
                         TARN_OK);
    }
    assert_int_equal(try_init((tarn_space_options){.units = 1, .core = (tarn_range_core)3}),
                     TARN_BAD_ARGUMENT);
    assert_int_equal(
        try_init((tarn_space_options){.units = 1, .core = TARN_RANGE_BITMAP, .max_blocks = 1}),
        TARN_BAD_ARGUMENT);
    assert_int_equal(
        try_init((tarn_space_options){.units = ((uint64_t)1 << 32) + 1, .core = TARN_RANGE_BITMAP}),
        TARN_TOO_BIG);
    assert_int_equal(
        try_init((tarn_space_options){.units = 1, .max_blocks = ((size_t)1 << 30) + 1}),
        TARN_TOO_BIG);
}

static void requests_that_make_no_sense(void **unused)
{
    (void)unused;
    for (int c = 0; c < 3; c++) {
        tarn_space s;
        tarn_range_block b = {1, 1, 1, &s};
        tarn_range_stats stats;
        assert_int_equal(tarn_space_init(&s, &(tarn_space_options){.units = 100, .core = CORES[c]}),
                         TARN_OK);
        tarn_range *r = tarn_space_range(&s);
        assert_int_equal(tarn_range_get_why(r).status, TARN_OK);
        assert_int_equal(tarn_range_alloc(r, 0, 1, 0, &b), TARN_BAD_ARGUMENT);
        assert_true(b.offset == 0 && b.size == 0 && b.id == 0 && b.user == NULL);
        assert_int_equal(tarn_range_alloc(r, 1, 3, 0, &b), TARN_BAD_ALIGN);
        assert_int_equal(tarn_range_alloc(r, 1, UINT64_MAX, 0, &b), TARN_BAD_ALIGN);
        assert_int_equal(tarn_range_alloc(r, 101, 1, 0, &b), TARN_TOO_BIG);
        assert_int_equal(tarn_range_alloc(r, UINT64_MAX, 1, 0, &b), TARN_TOO_BIG);
        assert_int_equal(tarn_range_alloc(r, TARN_RANGE_UNITS_MAX, 64, 0, &b), TARN_TOO_BIG);
        assert_int_equal(tarn_range_alloc(r, 1, 1, TARN_RANGE_LOW | TARN_RANGE_HIGH, &b),
                         TARN_BAD_ARGUMENT);
        assert_int_equal(tarn_range_alloc(r, 1, 1, 1u << 20, &b), TARN_BAD_ARGUMENT);
        assert_int_equal(tarn_range_get_why(r).status, TARN_BAD_ARGUMENT);
        assert_true(tarn_range_get_why(r).free_units == 100);
        assert_int_equal(tarn_range_alloc(r, 100, 1, 0, &b), TARN_OK);
        tarn_range_block full;
        assert_int_equal(tarn_range_alloc(r, 1, 2, 0, &full), TARN_LIMIT);
        assert_true(tarn_range_get_why(r).size == 1 && tarn_range_get_why(r).align == 2);
        tarn_range_count(r, &stats);
        assert_true(stats.failures == 9 && stats.live_units == 100);
        assert_int_equal(tarn_range_check(r), TARN_OK);
        tarn_space_deinit(&s);
    }
}

/* No offset of this space is an address that could be touched, and its end is the last there is. */
static void the_largest_space(void **unused)
{
    (void)unused;
    for (int c = 0; c < 2; c++) {
        tarn_space s;
        tarn_range_block a, b;
        tarn_space_options o = {.units = TARN_RANGE_UNITS_MAX, .core = CORES[c]};
        assert_int_equal(tarn_space_init(&s, &o), TARN_OK);
        assert_int_equal(
            tarn_range_alloc(&s.range, TARN_RANGE_UNITS_MAX, TARN_RANGE_UNITS_MAX, 0, &a), TARN_OK);
        assert_true(a.offset == 0 && a.size == TARN_RANGE_UNITS_MAX);
        assert_int_equal(tarn_range_alloc(&s.range, 1, 1, 0, &b), TARN_LIMIT);
        assert_int_equal(tarn_range_check(&s.range), TARN_OK);
        assert_int_equal(tarn_range_free(&s.range, a.id), TARN_OK);
        assert_int_equal(tarn_range_alloc(&s.range, 1, 1, 0, &a), TARN_OK);
        assert_int_equal(tarn_range_alloc(&s.range, TARN_RANGE_UNITS_MAX - 1, 1, 0, &b), TARN_OK);
        assert_true(b.offset == 1);
        assert_int_equal(tarn_range_free(&s.range, b.id), TARN_OK);
        assert_int_equal(tarn_range_alloc(&s.range, 5, TARN_RANGE_UNITS_MAX / 2, 0, &b), TARN_OK);
        assert_true(b.offset == TARN_RANGE_UNITS_MAX / 2);
        assert_int_equal(tarn_range_alloc(&s.range, 5, TARN_RANGE_UNITS_MAX, 0, &b), TARN_LIMIT);
        assert_int_equal(tarn_range_check(&s.range), TARN_OK);
        tarn_space_deinit(&s);
    }
}

static void ids_of_freed_blocks_are_refused_for_good(void **unused)
{
    (void)unused;
    if (TARN_CHECKED)
        skip(); /* there it is a fault: see the death tests */
    for (int c = 0; c < 2; c++) {
        tarn_space s, other;
        tarn_range_block a, b, c2;
        tarn_space_options o = {.units = 1000, .core = CORES[c]};
        assert_int_equal(tarn_space_init(&s, &o), TARN_OK);
        assert_int_equal(tarn_space_init(&other, &o), TARN_OK);
        assert_int_equal(tarn_range_alloc(&s.range, 10, 1, 0, &a), TARN_OK);
        assert_int_equal(tarn_range_free(&s.range, a.id), TARN_OK);
        assert_int_equal(tarn_range_free(&s.range, a.id), TARN_STALE);
        for (int i = 0; i < 100; i++) {
            assert_int_equal(tarn_range_alloc(&s.range, 10, 1, 0, &b), TARN_OK);
            assert_true(b.offset == a.offset && b.id != a.id);
            assert_int_equal(tarn_range_free(&s.range, a.id), TARN_STALE);
            assert_int_equal(tarn_range_look(&s.range, a.id, &c2), TARN_STALE);
            assert_true(c2.size == 0);
            assert_int_equal(tarn_range_set_user(&s.range, a.id, &s), TARN_STALE);
            assert_int_equal(tarn_range_free(&s.range, b.id), TARN_OK);
        }
        assert_int_equal(tarn_range_get_why(&s.range).status, TARN_STALE);
        assert_int_equal(tarn_range_free(&s.range, 0), TARN_OK);
        for (tarn_range_id id = 1; id != 0 && id < UINT64_MAX / 3; id = id * 3 + 1)
            assert_int_equal(tarn_range_free(&s.range, id), TARN_STALE);
        assert_int_equal(tarn_range_free(&s.range, UINT64_MAX), TARN_STALE);
        assert_int_equal(tarn_range_alloc(&s.range, 10, 1, 0, &b), TARN_OK);
        assert_int_equal(tarn_range_reset(&s.range), TARN_OK);
        assert_int_equal(tarn_range_free(&s.range, b.id), TARN_STALE);
        assert_int_equal(tarn_range_check(&s.range), TARN_OK);
        tarn_space_deinit(&s);
        tarn_space_deinit(&other);
    }
}

static void users_are_kept_with_blocks(void **unused)
{
    (void)unused;
    enum { N = 300 };
    static tarn_range_block b[N];
    static char things[N];
    for (int c = 0; c < 3; c++) {
        tarn_space s;
        tarn_range_stats none, some;
        tarn_range_block seen;
        tarn_space_options o = {.units = 100000, .core = CORES[c]};
        assert_int_equal(tarn_space_init(&s, &o), TARN_OK);
        for (int i = 0; i < N / 2; i++)
            assert_int_equal(tarn_range_alloc(&s.range, 7, 1, 0, &b[i]), TARN_OK);
        tarn_range_count(&s.range, &none);
        for (int i = N / 2; i < N; i++) {
            tarn_range_request want = {.size = 7, .user = &things[i]};
            assert_int_equal(tarn_range_serve(&s.range, &want, &b[i]), TARN_OK);
            assert_ptr_equal(b[i].user, &things[i]);
        }
        tarn_range_count(&s.range, &some);
        assert_true(some.metadata > none.metadata);
        assert_int_equal(tarn_range_set_user(&s.range, b[3].id, &things[3]), TARN_OK);
        assert_int_equal(tarn_range_set_user(&s.range, b[N - 1].id, NULL), TARN_OK);
        for (int i = 0; i < N; i++) {
            void *want = i == 3 || (i >= N / 2 && i < N - 1) ? &things[i] : NULL;
            assert_int_equal(tarn_range_look(&s.range, b[i].id, &seen), TARN_OK);
            assert_ptr_equal(seen.user, want);
            assert_true(seen.offset == b[i].offset && seen.size == 7);
        }
        /* A new block in the place of an old one has not its user. */
        assert_int_equal(tarn_range_free(&s.range, b[3].id), TARN_OK);
        assert_int_equal(tarn_range_alloc(&s.range, 7, 1, 0, &b[3]), TARN_OK);
        assert_int_equal(tarn_range_look(&s.range, b[3].id, &seen), TARN_OK);
        assert_null(seen.user);
        tarn_space_deinit(&s);
    }
}

static void with_max_blocks_metadata_is_taken_at_init(void **unused)
{
    (void)unused;
    enum { N = 50 };
    for (int c = 0; c < 2; c++) {
        probe p;
        tarn_space s;
        tarn_range_block b[N + 1];
        tarn_space_options o = {.units = 1000000, .core = CORES[c], .max_blocks = N};
        o.metadata = probe_init(&p, NULL);
        assert_int_equal(tarn_space_init(&s, &o), TARN_OK);
        size_t allocs = p.calls[0] + p.calls[2];
        /* Every block apart from its neighbours: the most free runs that there can be. */
        for (int i = 0; i < N; i++)
            assert_int_equal(tarn_range_alloc(&s.range, 1, 64, 0, &b[i]), TARN_OK);
        assert_int_equal(tarn_range_alloc(&s.range, 1, 1, 0, &b[N]), TARN_LIMIT);
        for (int round = 0; round < 100; round++) {
            int i = round * 7 % N;
            assert_int_equal(tarn_range_free(&s.range, b[i].id), TARN_OK);
            assert_int_equal(tarn_range_alloc(&s.range, 1, 64, 0, &b[i]), TARN_OK);
            assert_int_equal(tarn_range_check(&s.range), TARN_OK);
        }
        assert_int_equal(p.calls[0] + p.calls[2], allocs);
        tarn_space_deinit(&s);
        assert_int_equal(p.faults, 0);
        assert_int_equal(probe_deinit(&p), 0);
    }
}

static void batches_are_all_or_nothing_when_asked(void **unused)
{
    (void)unused;
    for (int c = 0; c < 3; c++) {
        tarn_space s;
        tarn_range_block b[12];
        tarn_range_id ids[12] = {0};
        tarn_range_stats stats;
        tarn_range_request want = {.size = 10, .flags = TARN_RANGE_ALL};
        assert_int_equal(tarn_space_init(&s, &(tarn_space_options){.units = 100, .core = CORES[c]}),
                         TARN_OK);
        assert_int_equal(tarn_range_alloc_batch(&s.range, &want, 11, b), 0);
        tarn_range_count(&s.range, &stats);
        assert_true(stats.live_blocks == 0 && b[0].id == 0);
        assert_int_equal(tarn_range_alloc_batch(&s.range, &want, 10, b), 10);
        assert_int_equal(tarn_range_reset(&s.range), TARN_OK);
        want.flags = 0;
        assert_int_equal(tarn_range_alloc_batch(&s.range, &want, 11, b), 10);
        assert_int_equal(tarn_range_get_why(&s.range).status, TARN_LIMIT);
        for (int i = 0; i < 10; i++)
            ids[i] = b[i].id;
        if (!TARN_CHECKED)
            ids[11] = 77777;
        assert_int_equal(tarn_range_free_batch(&s.range, 12, ids), 10);
        tarn_range_count(&s.range, &stats);
        assert_true(stats.live_blocks == 0 && stats.peak_units == 100);
        tarn_space_deinit(&s);
    }
}

static void statistics(void **unused)
{
    (void)unused;
    for (int c = 0; c < 3; c++) {
        tarn_space s;
        tarn_range_block b[5];
        tarn_range_stats stats;
        assert_int_equal(tarn_space_init(&s, &(tarn_space_options){.units = 100, .core = CORES[c]}),
                         TARN_OK);
        tarn_range_get_stats(&s.range, &stats);
        assert_true(stats.units == 100 && stats.free_runs == 1 && stats.largest_free == 100 &&
                    stats.fragmentation == 0 && stats.smallest_live == 0);
        for (uint64_t i = 0; i < 5; i++)
            assert_int_equal(tarn_range_alloc(&s.range, 10 + i, 1, 0, &b[i]), TARN_OK);
        assert_int_equal(tarn_range_free(&s.range, b[1].id), TARN_OK);
        assert_int_equal(tarn_range_free(&s.range, b[3].id), TARN_OK);
        tarn_range_get_stats(&s.range, &stats);
        assert_true(stats.live_blocks == 3 && stats.live_units == 36 && stats.peak_units == 60);
        assert_true(stats.free_runs == 3 && stats.free_units == 64 && stats.largest_free == 40);
        assert_true(stats.smallest_live == 10 && stats.largest_live == 14);
        assert_int_equal(stats.fragmentation, 24 * 1000 / 64);
        tarn_space_deinit(&s);
    }
    tarn_space huge;
    tarn_range_stats stats;
    tarn_range_block b;
    assert_int_equal(tarn_space_init(&huge, &(tarn_space_options){.units = TARN_RANGE_UNITS_MAX}),
                     TARN_OK);
    assert_int_equal(tarn_range_alloc(&huge.range, 1, TARN_RANGE_UNITS_MAX / 2, 0, &b), TARN_OK);
    assert_int_equal(tarn_range_free(&huge.range, b.id), TARN_OK);
    assert_int_equal(tarn_range_alloc(&huge.range, TARN_RANGE_UNITS_MAX / 4, 1, 0, &b), TARN_OK);
    tarn_range_request half = {.size = 1, .align = TARN_RANGE_UNITS_MAX / 2};
    assert_int_equal(tarn_range_serve(&huge.range, &half, &b), TARN_OK);
    tarn_range_get_stats(&huge.range, &stats);
    assert_in_range(stats.fragmentation, 333, 334);
    tarn_space_deinit(&huge);
}

/* ── A table of somebody else ──────────────────────────────────────────────────────────────── */

struct counter {
    tarn_range range;
    uint64_t next, live;
};

static tarn_status counter_alloc(tarn_range *r, const tarn_range_request *request,
                                 tarn_range_block *out)
{
    struct counter *c = (struct counter *)r;
    *out = (tarn_range_block){c->next, request->size, c->next + 1, NULL};
    c->next += request->size;
    c->live++;
    return TARN_OK;
}

static tarn_status counter_free(tarn_range *r, tarn_range_id id)
{
    (void)id;
    ((struct counter *)r)->live--;
    return TARN_OK;
}

static tarn_status counter_look(const tarn_range *r, tarn_range_id id, tarn_range_block *out)
{
    (void)r;
    *out = (tarn_range_block){id - 1, 1, id, NULL};
    return TARN_OK;
}

static void counter_stats(const tarn_range *r, tarn_range_stats *out)
{
    *out = (tarn_range_stats){.units = 1000, .live_blocks = ((const struct counter *)r)->live};
}

static void counter_visit(const tarn_range *r, tarn_range_visitor *see, void *user)
{
    uint64_t next = ((const struct counter *)r)->next;
    tarn_range_block used = {0, next, 1, NULL}, rest = {next, 1000 - next, 0, NULL};
    if (next == 0 || see(user, &used))
        see(user, &rest);
}

static void a_table_of_somebody_else(void **unused)
{
    (void)unused;
    /* As compiled when the table ended after visit. */
    static const tarn_range_ops ops = {
        .bytes = offsetof(tarn_range_ops, set_user),
        .abi = TARN_ABI,
        .alloc = counter_alloc,
        .free = counter_free,
        .look = counter_look,
        .stats = counter_stats,
        .visit = counter_visit,
        .set_user = (tarn_status(*)(tarn_range *, tarn_range_id, void *))(uintptr_t)16};
    struct counter c = {{&ops}, 0, 0};
    tarn_range_block b[3];
    tarn_range_stats stats;
    tarn_range_defrag d;
    assert_int_equal(tarn_range_alloc_batch(&c.range, &(tarn_range_request){.size = 5}, 3, b), 3);
    assert_true(b[2].offset == 10);
    assert_int_equal(tarn_range_free(&c.range, b[2].id), TARN_OK);
    tarn_range_get_stats(&c.range, &stats);
    assert_true(stats.live_blocks == 2 && stats.largest_free == 985);
    assert_int_equal(tarn_range_set_user(&c.range, 1, &c), TARN_UNSUPPORTED);
    assert_int_equal(tarn_range_check(&c.range), TARN_UNSUPPORTED);
    assert_int_equal(tarn_range_reset(&c.range), TARN_UNSUPPORTED);
    assert_int_equal(tarn_range_get_why(&c.range).status, TARN_OK);
    assert_string_equal(tarn_range_name(&c.range), "range");
    assert_int_equal(tarn_range_defrag_begin(&d, &c.range, NULL), TARN_UNSUPPORTED);
    tarn_range_share(&c.range);
    tarn_range_deinit(&c.range);
}

static void names_and_handles(void **unused)
{
    (void)unused;
    tarn_status status = TARN_BUSY;
    tarn_space *s = tarn_space_create(&(tarn_space_options){.units = 8, .name = "ids"}, &status);
    assert_int_equal(status, TARN_OK);
    assert_string_equal(tarn_range_name(tarn_space_range(s)), "ids");
    assert_true(tarn_range_can(tarn_space_range(s), TARN_RANGE_CAP_MOVE | TARN_RANGE_CAP_STALE));
    assert_false(tarn_range_can(tarn_space_range(s), TARN_RANGE_CAP_HIGH));
    tarn_range_share(tarn_space_range(s));
    tarn_space_destroy(s);
    tarn_space_destroy(NULL);
    assert_null(tarn_space_create(&(tarn_space_options){.units = 0}, &status));
    assert_int_equal(status, TARN_BAD_ARGUMENT);
    assert_null(tarn_space_create(&(tarn_space_options){.units = 0}, NULL));
    tarn_space unnamed;
    assert_int_equal(tarn_space_init(&unnamed, &(tarn_space_options){.units = 8}), TARN_OK);
    assert_string_equal(tarn_range_name(&unnamed.range), "range");
    tarn_range_deinit(&unnamed.range);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_make_no_sense),
        cmocka_unit_test(requests_that_make_no_sense),
        cmocka_unit_test(the_largest_space),
        cmocka_unit_test(ids_of_freed_blocks_are_refused_for_good),
        cmocka_unit_test(users_are_kept_with_blocks),
        cmocka_unit_test(with_max_blocks_metadata_is_taken_at_init),
        cmocka_unit_test(batches_are_all_or_nothing_when_asked),
        cmocka_unit_test(statistics),
        cmocka_unit_test(a_table_of_somebody_else),
        cmocka_unit_test(names_and_handles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
