/* SPDX-License-Identifier: MIT */
/* lock: threads through one parent that knows nothing of threads. */
#include "support/tarn_test.h"

#include "support/probe.h"

#include <pthread.h>

#include <tarn/lock.h>

enum { S = TARN_SPEC(8), THREADS = 4, ROUNDS = 200, HELD = 16 };

static probe parent;
static tarn_lock layer;
static tarn_allocator *a;

static void set_up(const probe_options *options)
{
    assert_int_equal(
        tarn_lock_init(&layer, &(tarn_lock_options){"shared", probe_init(&parent, options)}),
        TARN_OK);
    a = tarn_lock_allocator(&layer);
}

static void tear_down(void)
{
    assert_string_equal(parent.first_fault, "");
    assert_int_equal(probe_deinit(&parent), 0);
    tarn_lock_deinit(&layer);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    tarn_lock l;
    assert_int_equal(tarn_lock_init(&l, NULL), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_lock_init(&l, &(tarn_lock_options){.name = "x"}), TARN_BAD_ARGUMENT);
}

/* Every operation, in every thread; NULL when all went well. */
static void *work(void *arg)
{
    unsigned char mark = *(unsigned char *)arg;
    void *out[HELD];
    for (int i = 0; i < ROUNDS; i++) {
        size_t n = tarn_alloc_batch(a, 24, S, HELD, out);
        for (size_t k = 0; k < n; k++)
            memset(out[k], mark, 24);
        unsigned char *p = tarn_alloc(a, 8, S);
        memset(p, mark, 8);
        p = tarn_resize(a, p, 8, 100, 8, S);
        tarn_block b = tarn_alloc_at_least(a, 5, S);
        tarn_stats now;
        bool ok = n == HELD && b.ptr != NULL && p[7] == mark && tarn_owns(a, p) == TARN_YES &&
                  tarn_usable(a, p, 100, S) >= 100 && tarn_check(a) == TARN_OK &&
                  tarn_get_stats(a, &now) == TARN_OK && now.live_blocks >= HELD + 2;
        for (size_t k = 0; k < n; k++)
            ok = ok && ((unsigned char *)out[k])[23] == mark;
        tarn_free(a, b.ptr, b.size, S);
        tarn_free(a, p, 100, S);
        tarn_free_batch(a, 24, S, n, out);
        (void)tarn_trim(a);
        if (!ok)
            return arg;
    }
    return NULL;
}

static void threads_share_it(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    unsigned char marks[THREADS];
    set_up(NULL);
    assert_true(tarn_can(a, TARN_CAP_THREADS));
    for (size_t i = 0; i < THREADS; i++) {
        marks[i] = (unsigned char)(i + 1);
        assert_int_equal(pthread_create(&threads[i], NULL, work, &marks[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *bad = &bad;
        assert_int_equal(pthread_join(threads[i], &bad), 0);
        assert_null(bad);
    }
    assert_int_equal(parent.stats.live_blocks, 0);
    tear_down();
}

static bool free_it(void *user, void *block, size_t size)
{
    int *seen = user;
    tarn_free(a, block, size, S);
    assert_int_equal(tarn_visit(a, free_it, user), TARN_BUSY);
    return ++*seen < 3;
}

static void a_visitor_may_free(void **state)
{
    (void)state;
    int seen = 0;
    set_up(NULL);
    for (int i = 0; i < 3; i++)
        assert_non_null(tarn_alloc(a, 8, S));
    assert_int_equal(tarn_visit(a, free_it, &seen), TARN_OK);
    assert_int_equal(parent.stats.live_blocks, 0);
    assert_int_equal(seen, 3);
    /* The mutex is free again: another thread gets in. */
    pthread_t other;
    unsigned char mark = 1;
    void *bad = &bad;
    assert_int_equal(pthread_create(&other, NULL, work, &mark), 0);
    assert_int_equal(pthread_join(other, &bad), 0);
    assert_null(bad);
    tear_down();
}

static void handed_through(void **state)
{
    (void)state;
    set_up(NULL);
    assert_int_equal(a->ops->caps, parent.ops.caps | TARN_CAP_THREADS);
    assert_string_equal(tarn_name(a), "lock 'shared'");
    assert_ptr_equal(tarn_parent(a, 0), &parent.allocator);
    assert_null(tarn_parent(a, 1));
    tarn_mark m = tarn_get_mark(a);
    assert_non_null(tarn_alloc(a, 8, S));
    assert_int_equal(tarn_rewind(a, m), TARN_OK);
    assert_int_equal(tarn_reset(a), TARN_OK);
    assert_null(tarn_alloc(a, SIZE_MAX, S));
    assert_int_equal(tarn_get_why(a).status, TARN_TOO_BIG);
    tear_down();
    set_up(&(probe_options){.without_caps = ~0u,
                            .without = PROBE_NO_AT_LEAST | PROBE_NO_BATCH | PROBE_NO_RARE});
    assert_int_equal(a->ops->caps, TARN_CAP_THREADS);
    assert_null(a->ops->resize);
    assert_null(a->ops->alloc_at_least);
    assert_non_null(a->ops->alloc_batch);
    assert_null(a->ops->rare->owns);
    assert_null(a->ops->rare->visit);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(threads_share_it),
        cmocka_unit_test(a_visitor_may_free),
        cmocka_unit_test(handed_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
