/* SPDX-License-Identifier: MIT */
/* Powers of two, and rounding to them, at the ends of the range. */
#include "support/tarn_test.h"

#include "base/align.h"

static void powers_of_two(void **state)
{
    (void)state;
    assert_false(tarn_is_power_of_two(0));
    assert_true(tarn_is_power_of_two(1));
    assert_true(tarn_is_power_of_two(SIZE_MAX / 2 + 1));
    assert_false(tarn_is_power_of_two(3));
    assert_false(tarn_is_power_of_two(SIZE_MAX));
}

static void rounding_down(void **state)
{
    (void)state;
    assert_int_equal(tarn_align_down(0, 16), 0);
    assert_int_equal(tarn_align_down(15, 16), 0);
    assert_int_equal(tarn_align_down(16, 16), 16);
    assert_int_equal(tarn_align_down(SIZE_MAX, SIZE_MAX / 2 + 1), SIZE_MAX / 2 + 1);
}

static void gaps(void **state)
{
    (void)state;
    assert_int_equal(tarn_align_gap((void *)(uintptr_t)32, 16), 0);
    assert_int_equal(tarn_align_gap((void *)(uintptr_t)33, 16), 15);
    assert_int_equal(tarn_align_gap((void *)(uintptr_t)33, 1), 0);
    assert_true(tarn_is_aligned((void *)(uintptr_t)32, 16));
    assert_false(tarn_is_aligned((void *)(uintptr_t)33, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(powers_of_two),
        cmocka_unit_test(rounding_down),
        cmocka_unit_test(gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
