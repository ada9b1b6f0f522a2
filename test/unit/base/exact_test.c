/* SPDX-License-Identifier: MIT */
/* exact_test.c - every multiple divides, nothing else does. */
#include "base/exact.h"
#include "support/tarn_test.h"

static void multiples_divide_and_others_do_not(void **unused)
{
    (void)unused;
    static const size_t divisors[] = {1, 2, 3, 8, 24, 40, 64, 104, 144, 1000, 4096, 65528};
    for (size_t d = 0; d < sizeof divisors / sizeof *divisors; d++) {
        size_t by = divisors[d];
        tarn_exact e = tarn_exact_by(by);
        for (size_t offset = 0; offset < 70000; offset++) {
            size_t q = tarn_exact_divide(offset, e.inverse, e.shift);
            if (offset % by == 0)
                assert_int_equal(q, offset / by);
            else
                assert_true(q > SIZE_MAX / by);
        }
        assert_true(tarn_exact_divide((size_t)0 - by, e.inverse, e.shift) > SIZE_MAX / by - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(multiples_divide_and_others_do_not)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
