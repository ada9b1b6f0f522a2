/* SPDX-License-Identifier: MIT */
/*
 * tarn_test.c - runs tests where no cmocka package exists for the architecture (32 bit, cross
 * builds).
 *
 *   tarn_test_run ──► setup ──► test ──► teardown        for each test of the group
 *        ▲                       │ a failed assertion jumps back
 *        └───────────────────────┘
 *
 * I1  `back` is valid exactly while a set-up, a test or a teardown runs on the thread that called
 *     tarn_test_run; an assertion that fails anywhere else ends the process.
 */
#include "support/tarn_test.h"

#include <stdio.h>
#include <stdlib.h>

typedef enum { PASSED, FAILED, SKIPPED } outcome;

static jmp_buf back;
static _Thread_local int running; /* 1 on the thread whose test is running (I1) */

static _Noreturn void leave(outcome how)
{
    fflush(NULL);
    if (!running)
        abort();
    longjmp(back, (int)how);
}

void tarn_test_fail(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    leave(FAILED);
}

void tarn_test_skip(void)
{
    leave(SKIPPED);
}

void tarn_test_ints(uintmax_t a, uintmax_t b, int want_equal, const char *file, int line)
{
    if ((a == b) != want_equal)
        tarn_test_fail(file, line, "%#jx %s %#jx", a, want_equal ? "!=" : "==", b);
}

void tarn_test_strings(const char *a, const char *b, int want_equal, const char *file, int line)
{
    if ((strcmp(a, b) == 0) != want_equal)
        tarn_test_fail(file, line, "\"%s\" %s \"%s\"", a, want_equal ? "!=" : "==", b);
}

void tarn_test_memory(const void *a, const void *b, size_t size, int want_equal, const char *file,
                      int line)
{
    const unsigned char *x = a, *y = b;
    size_t i = 0;
    while (i < size && x[i] == y[i])
        i++;
    if ((i == size) != want_equal)
        tarn_test_fail(file, line,
                       want_equal ? "memory differs at byte %zu of %zu" : "memory equal: %zu/%zu",
                       i, size);
}

void tarn_test_range(uintmax_t v, uintmax_t low, uintmax_t high, const char *file, int line)
{
    if (v < low || v > high)
        tarn_test_fail(file, line, "%ju is not in %ju..%ju", v, low, high);
}

/* Runs one step; a step that is absent passes. */
static outcome step(int (*fixture)(void **), void (*test)(void **), void **state)
{
    volatile outcome how = PASSED;
    running = 1;
    switch (setjmp(back)) {
    case 0:
        if (fixture && fixture(state) != 0)
            how = FAILED;
        if (test)
            test(state);
        break;
    case SKIPPED:
        how = SKIPPED;
        break;
    default:
        how = FAILED;
        break;
    }
    running = 0;
    return how;
}

int tarn_test_run(const char *group, const struct CMUnitTest *tests, size_t count,
                  int (*setup)(void **state), int (*teardown)(void **state))
{
    static const char *const word[] = {"OK", "FAILED", "SKIPPED"};
    void *group_state = NULL;
    int failed = 0;
    printf("%s: %zu tests\n", group, count);
    if (step(setup, NULL, &group_state) != PASSED)
        return (int)count;
    for (size_t i = 0; i < count; i++) {
        void *state = group_state;
        outcome how = step(tests[i].setup, NULL, &state);
        if (how == PASSED)
            how = step(NULL, tests[i].test, &state);
        if (step(tests[i].teardown, NULL, &state) == FAILED)
            how = FAILED;
        failed += how == FAILED;
        printf("[%s] %s\n", word[how], tests[i].name);
    }
    if (step(teardown, NULL, &group_state) != PASSED)
        failed++;
    printf("%s: %d failed\n", group, failed);
    return failed;
}
