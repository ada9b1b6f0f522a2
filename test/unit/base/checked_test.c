/* SPDX-License-Identifier: MIT */
/* Arithmetic on sizes: right where it fits, refused where it does not. */
#include "support/tarn_test.h"

#include "base/checked.h"

static void sums(void **state)
{
    size_t out = 0;
    (void)state;
    assert_true(tarn_add(1, 2, &out));
    assert_int_equal(out, 3);
    assert_true(tarn_add(SIZE_MAX, 0, &out));
    assert_int_equal(out, SIZE_MAX);
    assert_false(tarn_add(SIZE_MAX, 1, &out));
    assert_false(tarn_add(SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1, &out));
}

static void products(void **state)
{
    size_t out = 0;
    (void)state;
    assert_true(tarn_mul(6, 7, &out));
    assert_int_equal(out, 42);
    assert_true(tarn_mul(SIZE_MAX, 0, &out));
    assert_int_equal(out, 0);
    assert_false(tarn_mul(SIZE_MAX / 2 + 1, 2, &out));
}

static void rounding_up(void **state)
{
    size_t out = 0;
    (void)state;
    assert_true(tarn_round_up(0, 16, &out));
    assert_int_equal(out, 0);
    assert_true(tarn_round_up(1, 16, &out));
    assert_int_equal(out, 16);
    assert_true(tarn_round_up(16, 16, &out));
    assert_int_equal(out, 16);
    assert_true(tarn_round_up(SIZE_MAX - 15, 16, &out));
    assert_int_equal(out, SIZE_MAX - 15);
    assert_false(tarn_round_up(SIZE_MAX - 14, 16, &out));
    assert_true(tarn_round_up(SIZE_MAX, 1, &out));
    assert_int_equal(out, SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums),
        cmocka_unit_test(products),
        cmocka_unit_test(rounding_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
