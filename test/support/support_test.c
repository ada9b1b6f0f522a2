/* SPDX-License-Identifier: MIT */
/* The tests' own tools: the death helper sees what happened, and a failing assertion fails its
 * test. */
#include "support/tarn_test.h"

#include "support/death.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void dies_with_a_line(void *arg)
{
    fprintf(stderr, "%s\nand more\n", (const char *)arg);
    abort();
}

static void returns(void *arg)
{
    (void)arg;
}

static void exits(void *arg)
{
    (void)arg;
    _exit(3);
}

static void writes_a_lot(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20000; i++)
        fputs("0123456789\n", stderr);
    abort();
}

static void the_signal_and_the_first_line(void **state)
{
    (void)state;
    char text[] = "tarn: a line";
    assert_death(dies_with_a_line, text, SIGABRT, "tarn: a line");
}

static void a_return_is_no_death(void **state)
{
    (void)state;
    assert_survives(returns, NULL);
    tarn_death death = tarn_death_run(exits, NULL);
    assert_int_equal(death.signal, 0);
    assert_int_equal(death.status, 3);
}

static void more_text_than_the_pipe_holds(void **state)
{
    (void)state;
    assert_death(writes_a_lot, NULL, SIGABRT, "0123456789");
}

/* Each of these must fail; the group below must count them all. */
static void bad_true(void **state)
{
    assert_true(state == NULL);
}
static void bad_int(void **state)
{
    (void)state;
    assert_int_equal(1, 2);
}
static void bad_pointer(void **state)
{
    assert_ptr_not_equal(state, state);
}
static void bad_string(void **state)
{
    (void)state;
    assert_string_equal("a", "b");
}
static void bad_memory(void **state)
{
    (void)state;
    assert_memory_equal("abc", "abd", 3);
}
static void bad_range(void **state)
{
    (void)state;
    assert_in_range(4, 1, 3);
}
static void bad_death(void **state)
{
    (void)state;
    assert_death(returns, NULL, SIGABRT, "");
}
static int bad_setup(void **state)
{
    (void)state;
    return -1;
}
static void never_run(void **state)
{
    (void)state;
}

/* In a child, since the group's report goes to stdout and stderr and would be taken for ours. */
static void run_the_bad_group(void *arg)
{
    (void)arg;
    if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
        _exit(100);
    const struct CMUnitTest bad[] = {
        cmocka_unit_test(bad_true),    cmocka_unit_test(bad_int),
        cmocka_unit_test(bad_pointer), cmocka_unit_test(bad_string),
        cmocka_unit_test(bad_memory),  cmocka_unit_test(bad_range),
        cmocka_unit_test(bad_death),   cmocka_unit_test_setup(never_run, bad_setup),
    };
    _exit(cmocka_run_group_tests(bad, NULL, NULL));
}

int main(void)
{
    /* Before our own group, because a group inside a group's test is more than cmocka allows. */
    tarn_death death = tarn_death_run(run_the_bad_group, NULL);
    if (death.signal != 0 || death.status != 8) {
        fprintf(stderr, "of 8 failing tests %d were reported (signal %d)\n", death.status,
                death.signal);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_signal_and_the_first_line),
        cmocka_unit_test(a_return_is_no_death),
        cmocka_unit_test(more_text_than_the_pipe_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
