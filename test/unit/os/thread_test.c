/* SPDX-License-Identifier: MIT */
/* The ends of threads: the call is made once for each arming, in the thread that ends. */
#include "support/tarn_test.h"

#include "os/thread.h"

static tarn_thread_end end;
static int calls[2], again;

static void count(void *arg)
{
    ++*(int *)arg;
    if (again > 0) {
        again--;
        (void)tarn_thread_at_end(&end, count, arg);
    }
}

static void *arm_twice(void *arg)
{
    bool ok = tarn_thread_at_end(&end, count, arg) && tarn_thread_at_end(&end, count, arg);
    tarn_thread_yield();
    return ok ? arg : NULL;
}

static void run(int *which)
{
    pthread_t thread;
    void *answer = NULL;
    assert_int_equal(pthread_create(&thread, NULL, arm_twice, which), 0);
    assert_int_equal(pthread_join(thread, &answer), 0);
    assert_ptr_equal(answer, which);
}

static void a_thread_that_ends_calls_once(void **state)
{
    (void)state;
    run(&calls[0]);
    run(&calls[1]);
    assert_int_equal(calls[0], 1);
    assert_int_equal(calls[1], 1);
    again = 1; /* armed by the call itself: once more */
    run(&calls[1]);
    assert_int_equal(calls[1], 3);
}

static void *wait_for_drop(void *arg)
{
    (void)tarn_thread_at_end(&end, count, arg);
    tarn_thread_end_drop(&end);
    return NULL;
}

static void after_the_drop_nothing_is_called(void **state)
{
    (void)state;
    pthread_t thread;
    calls[0] = 0;
    assert_int_equal(pthread_create(&thread, NULL, wait_for_drop, &calls[0]), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(calls[0], 0);
    run(&calls[0]); /* and it can be armed again */
    assert_int_equal(calls[0], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_that_ends_calls_once),
        cmocka_unit_test(after_the_drop_nothing_is_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
