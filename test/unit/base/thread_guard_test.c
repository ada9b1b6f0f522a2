/* SPDX-License-Identifier: MIT */
/* An owner word: the first thread has it, another is refused, and sharing lets everyone in. */
#include "support/tarn_test.h"

#include <pthread.h>

#include "base/thread_guard.h"

static void *ask(void *owner)
{
    return (void *)(uintptr_t)tarn_thread_owns(owner);
}

static bool another_may(uintptr_t *owner)
{
    pthread_t thread;
    void *answer = NULL;
    assert_int_equal(pthread_create(&thread, NULL, ask, owner), 0);
    assert_int_equal(pthread_join(thread, &answer), 0);
    return answer != NULL;
}

static void the_first_thread_is_the_owner(void **state)
{
    uintptr_t owner = TARN_OWNER_NONE;
    (void)state;
    assert_true(tarn_thread_owns(&owner));
    assert_true(owner == tarn_thread_self());
    assert_true(tarn_thread_owns(&owner));
    assert_false(another_may(&owner));
    assert_true(tarn_thread_owns(&owner));
}

static void shared_belongs_to_all(void **state)
{
    uintptr_t owner = TARN_OWNER_NONE;
    (void)state;
    assert_true(tarn_thread_owns(&owner));
    tarn_thread_share(&owner);
    assert_true(another_may(&owner));
    assert_true(tarn_thread_owns(&owner));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_thread_is_the_owner),
        cmocka_unit_test(shared_belongs_to_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
