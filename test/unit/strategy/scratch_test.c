/* SPDX-License-Identifier: MIT */
#include "support/tarn_test.h"

#include <pthread.h>

#include <tarn/scratch.h>

#include "support/probe.h"

/* X1: every level has an arena of its own, and the result of the one within is still there at its end. */
static char *nest(tarn_arena *result, int depth)
{
    tarn_scratch scratch = tarn_scratch_begin();
    assert_non_null(scratch.arena);
    assert_ptr_not_equal(scratch.arena, result);
    char *mine = tarn_arena_printf(scratch.arena, "%d", depth), *inner = NULL, *whole;
    if (depth > 0)
        inner = nest(scratch.arena, depth - 1);
    whole = tarn_arena_printf(result, "%s%s%s", mine, inner != NULL ? "," : "",
                              inner != NULL ? inner : "");
    tarn_scratch_end(&scratch);
    assert_null(scratch.arena);
    return whole;
}

static void nested_users_never_collide(void **state)
{
    (void)state;
    tarn_scratch scratch = tarn_scratch_begin();
    for (int i = 0; i < 20; i++)
        assert_string_equal(nest(scratch.arena, 12), "12,11,10,9,8,7,6,5,4,3,2,1,0");
    tarn_scratch_end(&scratch);
    assert_in_range(tarn_scratch_trim(), 1, 4);
    assert_int_equal(tarn_scratch_trim(), 0);
}

static void scratches_may_end_in_any_order(void **state)
{
    (void)state;
    tarn_scratch s[6];
    char *text[6];
    for (int i = 0; i < 6; i++) {
        s[i] = tarn_scratch_begin();
        text[i] = tarn_arena_printf(s[i].arena, "scratch %d", i);
        for (int k = 0; k < i; k++)
            assert_ptr_not_equal(s[i].arena, s[k].arena);
    }
    tarn_scratch_end(&s[2]);
    tarn_scratch_end(&s[0]);
    tarn_scratch_end(&s[5]);
    s[0] = tarn_scratch_begin();
    memset(tarn_arena_alloc(s[0].arena, 1000, 0), 0xff, 1000);
    assert_string_equal(text[1], "scratch 1");
    assert_string_equal(text[3], "scratch 3");
    assert_string_equal(text[4], "scratch 4");
    for (int i = 0; i < 6; i++)
        tarn_scratch_end(&s[i]); /* those that have ended are ignored */
    (void)tarn_scratch_trim();
}

static void a_set_gives_everything_back(void **state)
{
    (void)state;
    probe p;
    tarn_scratches set;
    tarn_allocator *parent = probe_init(&p, NULL);
    assert_int_equal(
        tarn_scratches_init(&set, &(tarn_scratches_options){.parent = parent, .idle = 2}), TARN_OK);
    assert_int_equal(p.stats.live_blocks, 0);
    tarn_scratch s[5];
    for (int i = 0; i < 5; i++) {
        s[i] = tarn_scratch_begin_in(&set);
        assert_non_null(tarn_arena_alloc(s[i].arena, 100, 0));
    }
    assert_int_equal(p.stats.live_blocks, 10);
    for (int i = 0; i < 4; i++)
        tarn_scratch_end(&s[i]);
    assert_int_equal(p.stats.live_blocks, 6); /* two idle, one open, a chunk each */
    assert_int_equal(tarn_scratches_trim(&set), 2);
    assert_int_equal(p.stats.live_blocks, 2);
    tarn_scratches_deinit(&set); /* the open one with it */
    assert_int_equal(probe_deinit(&p), 0);
    assert_int_equal(p.faults, 0);
}

static void large_chunks_are_not_kept(void **state)
{
    (void)state;
    probe p;
    tarn_scratches set;
    tarn_allocator *parent = probe_init(&p, NULL);
    assert_int_equal(
        tarn_scratches_init(
            &set, &(tarn_scratches_options){.parent = parent, .chunk_size = 4096, .keep = 20000}),
        TARN_OK);
    tarn_scratch s = tarn_scratch_begin_in(&set);
    for (int i = 0; i < 3; i++)
        assert_non_null(tarn_arena_alloc(s.arena, 3000, 0));
    tarn_scratch_end(&s);
    assert_in_range(p.stats.live_bytes, 4096, 20000);
    s = tarn_scratch_begin_in(&set);
    assert_non_null(tarn_arena_alloc(s.arena, 50000, 0));
    tarn_scratch_end(&s);
    assert_in_range(p.stats.live_bytes, 1, 4095); /* the place alone */
    tarn_scratches_deinit(&set);
    assert_int_equal(probe_deinit(&p), 0);
}

static void refusals_leave_no_scratch(void **state)
{
    (void)state;
    probe p;
    tarn_scratches set;
    tarn_allocator *parent = probe_init(&p, &(probe_options){.max_blocks = 1});
    tarn_parent_source source;
    assert_int_equal(tarn_scratches_init(&set, &(tarn_scratches_options){.parent = parent,
                                                                         .source = tarn_parent_init(
                                                                             &source, parent)}),
                     TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_scratches_init(&set, &(tarn_scratches_options){.parent = parent}),
                     TARN_OK);
    tarn_scratch one = tarn_scratch_begin_in(&set), two = tarn_scratch_begin_in(&set);
    assert_non_null(one.arena);
    assert_null(two.arena);
    assert_null(tarn_arena_alloc(one.arena, 100, 0)); /* no chunk */
    tarn_scratch_end(&two);
    tarn_scratch_end(&one);
    one = tarn_scratch_begin_in(&set);
    assert_non_null(one.arena);
    tarn_scratches_deinit(&set);
    assert_int_equal(probe_deinit(&p), 0);
}

enum { THREADS = 4, ROUNDS = 50 };

static void *in_a_thread(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        tarn_scratch scratch = tarn_scratch_begin();
        if (scratch.arena == NULL || strcmp(nest(scratch.arena, 3), "3,2,1,0") != 0)
            *(int *)arg += 1;
        if (i + 1 < ROUNDS)
            tarn_scratch_end(&scratch); /* the last is left open: it goes with the thread */
    }
    return NULL;
}

/* Under the sanitizers and Valgrind, what is left behind is a failure. */
static void threads_come_and_go(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        pthread_t thread[THREADS];
        int bad[THREADS] = {0};
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&thread[i], NULL, in_a_thread, &bad[i]), 0);
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(thread[i], NULL), 0);
            assert_int_equal(bad[i], 0);
        }
    }
}

static pthread_key_t late;

static void begin_late(void *arg)
{
    tarn_scratch scratch = tarn_scratch_begin();
    int *served = arg;
    if (scratch.arena != NULL && tarn_arena_alloc(scratch.arena, 100, 0) != NULL)
        ++*served;
    tarn_scratch_end(&scratch);
}

static void *with_a_late_user(void *arg)
{
    (void)in_a_thread(&(int){0});
    (void)pthread_setspecific(late, arg);
    return NULL;
}

/* Another destructor of the same thread, perhaps after the set has gone. */
static void a_scratch_at_the_end_of_a_thread(void **state)
{
    (void)state;
    pthread_t thread;
    int served = 0;
    assert_int_equal(pthread_key_create(&late, begin_late), 0);
    assert_int_equal(pthread_create(&thread, NULL, with_a_late_user, &served), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(served, 1);
    assert_int_equal(pthread_key_delete(late), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_users_never_collide),
        cmocka_unit_test(scratches_may_end_in_any_order),
        cmocka_unit_test(a_set_gives_everything_back),
        cmocka_unit_test(large_chunks_are_not_kept),
        cmocka_unit_test(refusals_leave_no_scratch),
        cmocka_unit_test(threads_come_and_go),
        cmocka_unit_test(a_scratch_at_the_end_of_a_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
