/* SPDX-License-Identifier: MIT */
/* The checksum: every flipped bit shows, so does a length, and it goes on from where it was. */
#include "support/tarn_test.h"

#include "base/sum.h"

static void every_bit_counts(void **state)
{
    (void)state;
    unsigned char bytes[37];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        uint64_t sum = tarn_sum(TARN_SUM_START, bytes, size);
        for (size_t bit = 0; bit < size * 8; bit++) {
            bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            assert_true(tarn_sum(TARN_SUM_START, bytes, size) != sum);
            bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        assert_true(tarn_sum(TARN_SUM_START, bytes, size) == sum);
        assert_true(tarn_sum(sum, bytes, 0) != sum);
    }
}

static void zeros_are_not_nothing(void **state)
{
    (void)state;
    const unsigned char zero[32] = {0};
    uint64_t seen[33];
    for (size_t size = 0; size <= 32; size++) {
        seen[size] = tarn_sum(TARN_SUM_START, zero, size);
        for (size_t i = 0; i < size; i++)
            assert_true(seen[i] != seen[size]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(zeros_are_not_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
