/* SPDX-License-Identifier: MIT */
/*
 * tarn_test.h - the one header a test includes for its assertions.
 *
 * It is cmocka where cmocka is installed. The 32-bit and the cross builds have no cmocka package
 * for their architecture; there (TARN_TEST_SHIM) the same names come from tarn_test.c, which knows
 * the part listed below and nothing else. A test that needs more of cmocka adds it here, so that
 * all builds keep running it.
 */
#ifndef TARN_TEST_SUPPORT_H
#define TARN_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef TARN_TEST_SHIM
#include <cmocka.h>
#else

#ifdef __cplusplus
extern "C" {
#endif

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
    int (*setup)(void **state);
    int (*teardown)(void **state);
};

/* Ends the running test as failed; the message stands behind the place. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4), noreturn))
#endif
void tarn_test_fail(const char *file, int line, const char *format, ...);
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void tarn_test_skip(void);
void tarn_test_ints(uintmax_t a, uintmax_t b, int want_equal, const char *file, int line);
void tarn_test_strings(const char *a, const char *b, int want_equal, const char *file, int line);
void tarn_test_memory(const void *a, const void *b, size_t size, int want_equal, const char *file,
                      int line);
void tarn_test_range(uintmax_t v, uintmax_t low, uintmax_t high, const char *file, int line);
int tarn_test_run(const char *group, const struct CMUnitTest *tests, size_t count,
                  int (*setup)(void **state), int (*teardown)(void **state));

#ifdef __cplusplus
}
#endif

#define TARN_TEST_INT_(v) ((uintmax_t)(v))
#define TARN_TEST_PTR_(v) ((uintmax_t)(uintptr_t)(v))

#define assert_true(c)     ((c) ? (void)0 : tarn_test_fail(__FILE__, __LINE__, "not true: %s", #c))
#define assert_false(c)    ((c) ? tarn_test_fail(__FILE__, __LINE__, "not false: %s", #c) : (void)0)
#define assert_null(p)     assert_true((p) == NULL)
#define assert_non_null(p) assert_true((p) != NULL)
#define assert_int_equal(a, b)                                                                     \
    tarn_test_ints(TARN_TEST_INT_(a), TARN_TEST_INT_(b), 1, __FILE__, __LINE__)
#define assert_int_not_equal(a, b)                                                                 \
    tarn_test_ints(TARN_TEST_INT_(a), TARN_TEST_INT_(b), 0, __FILE__, __LINE__)
#define assert_ptr_equal(a, b)                                                                     \
    tarn_test_ints(TARN_TEST_PTR_(a), TARN_TEST_PTR_(b), 1, __FILE__, __LINE__)
#define assert_ptr_not_equal(a, b)                                                                 \
    tarn_test_ints(TARN_TEST_PTR_(a), TARN_TEST_PTR_(b), 0, __FILE__, __LINE__)
#define assert_string_equal(a, b)           tarn_test_strings(a, b, 1, __FILE__, __LINE__)
#define assert_string_not_equal(a, b)       tarn_test_strings(a, b, 0, __FILE__, __LINE__)
#define assert_memory_equal(a, b, size)     tarn_test_memory(a, b, size, 1, __FILE__, __LINE__)
#define assert_memory_not_equal(a, b, size) tarn_test_memory(a, b, size, 0, __FILE__, __LINE__)
#define assert_in_range(v, low, high)                                                              \
    tarn_test_range(TARN_TEST_INT_(v), TARN_TEST_INT_(low), TARN_TEST_INT_(high), __FILE__,        \
                    __LINE__)
#define fail()        tarn_test_fail(__FILE__, __LINE__, "failed")
#define fail_msg(...) tarn_test_fail(__FILE__, __LINE__, __VA_ARGS__)
#define skip()        tarn_test_skip()

#define cmocka_unit_test(f)                                                                        \
    {                                                                                              \
#f, f, NULL, NULL                                                                          \
    }
#define cmocka_unit_test_setup(f, s)                                                               \
    {                                                                                              \
#f, f, s, NULL                                                                             \
    }
#define cmocka_unit_test_teardown(f, t)                                                            \
    {                                                                                              \
#f, f, NULL, t                                                                             \
    }
#define cmocka_unit_test_setup_teardown(f, s, t)                                                   \
    {                                                                                              \
#f, f, s, t                                                                                \
    }
#define cmocka_run_group_tests(tests, s, t)                                                        \
    tarn_test_run(#tests, tests, sizeof(tests) / sizeof((tests)[0]), s, t)
#define cmocka_run_group_tests_name(name, tests, s, t)                                             \
    tarn_test_run(name, tests, sizeof(tests) / sizeof((tests)[0]), s, t)
#define print_message(...) ((void)printf(__VA_ARGS__))

#include <stdio.h>

#endif /* TARN_TEST_SHIM */
#endif
