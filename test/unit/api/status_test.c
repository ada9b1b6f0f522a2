/* SPDX-License-Identifier: MIT */
/* The words for failures and faults, and what a fault does. */
#include "support/tarn_test.h"

#include <signal.h>
#include <stdio.h>

#include <tarn/status.h>

#include "support/death.h"

static void every_status_has_words_of_its_own(void **state)
{
    (void)state;
    for (int i = TARN_OK; i <= TARN_DENIED; i++)
        for (int k = TARN_OK; k < i; k++)
            assert_string_not_equal(tarn_status_text((tarn_status)i),
                                    tarn_status_text((tarn_status)k));
    assert_string_equal(tarn_status_text(TARN_NO_MEMORY), "out of memory");
    assert_string_equal(tarn_status_text((tarn_status)(TARN_DENIED + 1)), "unknown status");
    assert_string_equal(tarn_status_text((tarn_status)-1), "unknown status");
}

static void every_fault_has_words_of_its_own(void **state)
{
    (void)state;
    assert_string_equal(tarn_fault_text((tarn_fault_kind)0), "unknown fault");
    for (int i = TARN_FAULT_DOUBLE_FREE; i <= TARN_FAULT_OUT_OF_MEMORY; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(tarn_fault_text((tarn_fault_kind)i),
                                    tarn_fault_text((tarn_fault_kind)k));
    assert_string_equal(tarn_fault_text((tarn_fault_kind)(TARN_FAULT_OUT_OF_MEMORY + 1)),
                        "unknown fault");
}

static int block;

static const tarn_fault PLAIN = {TARN_FAULT_DOUBLE_FREE, "pool 'nodes'", &block, 0, 0};
static const tarn_fault SIZES = {TARN_FAULT_WRONG_SIZE, "pool 'nodes'", &block, 48, 64};
static const tarn_fault NOBODY = {TARN_FAULT_FOREIGN_POINTER, NULL, &block, 0, 0};

static void raise_it(void *arg)
{
    tarn_fault_raise(arg);
}

static void a_fault_is_one_line_and_an_end(void **state)
{
    (void)state;
    char expected[80];
    assert_death(raise_it, (void *)(uintptr_t)&PLAIN, SIGABRT, "tarn: double free: pool 'nodes'");
    assert_death(raise_it, (void *)(uintptr_t)&SIZES, SIGABRT,
                 "tarn: wrong size: pool 'nodes': given 48, expected 64");
    assert_death(raise_it, (void *)(uintptr_t)&NOBODY, SIGABRT,
                 "tarn: foreign pointer: unknown allocator");
    tarn_death d = tarn_death_run(raise_it, (void *)(uintptr_t)&PLAIN);
    (void)snprintf(expected, sizeof expected, "tarn:   block %p\n", (void *)&block);
    assert_non_null(strstr(d.text, expected));
}

static void report_it(void *name)
{
    tarn_fault_report(TARN_FAULT_OUT_OF_ORDER, "stack", name, &block, 0, 0);
}

static void a_report_tells_type_and_name(void **state)
{
    (void)state;
    char name[] = "frames", line[200], long_name[300];
    assert_death(report_it, name, SIGABRT, "tarn: out of order: stack 'frames'");
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    (void)snprintf(line, sizeof line, "tarn: out of order: stack '%.120s", long_name);
    assert_death(report_it, long_name, SIGABRT, line);
}

static void note(const tarn_fault *fault, void *user)
{
    *(const tarn_fault **)user = fault;
}

static void other(const tarn_fault *fault, void *user)
{
    (void)fault;
    ++*(int *)user;
}

static void a_handler_may_go_on(void **state)
{
    (void)state;
    const tarn_fault *seen = NULL;
    int calls = 0;
    assert_null(tarn_fault_set_handler(note, &seen));
    tarn_fault_raise(&SIZES);
    assert_ptr_equal(seen, &SIZES);
    assert_true(tarn_fault_set_handler(other, &calls) == note);
    tarn_fault_raise(&PLAIN);
    assert_int_equal(calls, 1);
    assert_true(tarn_fault_set_handler(NULL, NULL) == other);
    assert_death(raise_it, (void *)(uintptr_t)&PLAIN, SIGABRT, "tarn: double free: pool 'nodes'");
    assert_null(tarn_fault_set_handler(NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_words_of_its_own),
        cmocka_unit_test(every_fault_has_words_of_its_own),
        cmocka_unit_test(a_fault_is_one_line_and_an_end),
        cmocka_unit_test(a_report_tells_type_and_name),
        cmocka_unit_test(a_handler_may_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
