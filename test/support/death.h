/* SPDX-License-Identifier: MIT */
/*
 * death.h - run a function that must kill the process, in a child, and see how the child died.
 *
 *     static void free_twice(void *arg) { ... }
 *     assert_death(free_twice, &pool, SIGABRT, "tarn: fault: ...");
 *
 * The comparison is exact: the signal, and the whole first line of stderr without its newline.
 */
#ifndef TARN_TEST_DEATH_H
#define TARN_TEST_DEATH_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tarn_death {
    int signal;      /* the signal that ended the child, 0 when it ended by itself */
    int status;      /* its exit status when signal is 0; 0 also when the function returned */
    char text[4096]; /* what it wrote to stderr, cut at the end, always terminated */
    char line[512];  /* the first line of text, without the newline */
} tarn_death;

/*
 * tarn_death_run - run fn(arg) in a child whose stderr is captured.
 *
 * The child starts with default signal actions and writes no core file; a child still alive after a
 * minute dies of SIGALRM. The function's return ends the child with status 0.
 */
tarn_death tarn_death_run(void (*fn)(void *arg), void *arg);

#ifdef __cplusplus
}
#endif

#define assert_death(fn, arg, sig, expected_line)                                                  \
    do {                                                                                           \
        tarn_death death_ = tarn_death_run(fn, arg);                                               \
        assert_string_equal(death_.line, expected_line);                                           \
        assert_int_equal(death_.signal, sig);                                                      \
    } while (0)

#define assert_survives(fn, arg)                                                                   \
    do {                                                                                           \
        tarn_death death_ = tarn_death_run(fn, arg);                                               \
        assert_string_equal(death_.text, "");                                                      \
        assert_int_equal(death_.signal, 0);                                                        \
        assert_int_equal(death_.status, 0);                                                        \
    } while (0)

#endif
