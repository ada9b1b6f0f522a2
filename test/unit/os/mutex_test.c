/* SPDX-License-Identifier: MIT */
/* The mutex excludes: increments under it do not get lost. */
#include "support/tarn_test.h"

#include <pthread.h>

#include "os/mutex.h"

enum { THREADS = 4, ROUNDS = 20000 };

static tarn_mutex mutex;
static long count;

static void *work(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        tarn_mutex_lock(&mutex);
        count++;
        tarn_mutex_unlock(&mutex);
    }
    return arg;
}

static void nothing_is_lost(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    assert_true(tarn_mutex_init(&mutex));
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(count, THREADS * ROUNDS);
    tarn_mutex_deinit(&mutex);
}

static void *try_it(void *arg)
{
    bool got = tarn_mutex_try_lock(&mutex);
    if (got)
        tarn_mutex_unlock(&mutex);
    *(bool *)arg = got;
    return NULL;
}

static bool another_thread_gets_it(void)
{
    pthread_t thread;
    bool got = false;
    assert_int_equal(pthread_create(&thread, NULL, try_it, &got), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return got;
}

static void held_by_one(void **state)
{
    (void)state;
    assert_true(tarn_mutex_init(&mutex));
    tarn_mutex_lock(&mutex);
    assert_false(another_thread_gets_it());
    tarn_mutex_unlock(&mutex);
    assert_true(another_thread_gets_it());
    tarn_mutex_deinit(&mutex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost),
        cmocka_unit_test(held_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
