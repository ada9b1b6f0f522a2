/* SPDX-License-Identifier: MIT */
/* two_level_test.c - the mapping of sizes to bins against its definition, the search against a plain array of flags. */
#include "base/two_level.h"
#include "support/tarn_test.h"

static uint64_t state = 7;

static uint64_t random_word(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 32 | state << 32;
}

/* A size whose number of bits, too, is random. */
static uint64_t random_size(unsigned log2_limit)
{
    uint64_t n = random_word() >> (64 - log2_limit);
    return n >> random_word() % log2_limit;
}

static void a_bin_holds_exactly_its_sizes(void **unused)
{
    (void)unused;
    for (unsigned b = 1; b <= 6; b++) {
        uint32_t bins = TARN_TWO_LEVEL_BINS(b, 64u);
        assert_int_equal(tarn_two_level_low(b, 0), 0);
        for (uint32_t bin = 0; bin < bins; bin++) {
            uint64_t low = tarn_two_level_low(b, bin), high = tarn_two_level_high(b, bin);
            assert_true(low <= high);
            assert_int_equal(tarn_two_level_bin(b, low), bin);
            assert_int_equal(tarn_two_level_bin(b, high), bin);
            assert_true((high - low) < (low >> b) + 1);
            if (bin + 1 < bins)
                assert_true(tarn_two_level_low(b, bin + 1) == high + 1);
            else
                assert_true(high == UINT64_MAX);
        }
    }
}

static void a_fit_is_the_first_bin_of_which_every_piece_is_big_enough(void **unused)
{
    (void)unused;
    for (unsigned b = 1; b <= 6; b++) {
        uint32_t bins = TARN_TWO_LEVEL_BINS(b, 64u);
        for (int i = 0; i < 20000; i++) {
            uint64_t size = i < 300 ? (uint64_t)i : random_size(64);
            uint32_t fit = tarn_two_level_fit(b, size);
            assert_true(fit <= bins);
            if (fit < bins)
                assert_true(tarn_two_level_low(b, fit) >= size);
            if (fit > 0)
                assert_true(tarn_two_level_low(b, fit - 1) < size);
        }
        assert_int_equal(tarn_two_level_fit(b, UINT64_MAX), bins);
        assert_int_equal(tarn_two_level_fit(b, (uint64_t)1 << 63), bins - (1u << b));
    }
}

enum { MOST = 65 * 64 };

static uint32_t model_find(const char *flags, uint32_t bins, uint32_t from)
{
    for (uint32_t i = from; i < bins; i++) {
        if (flags[i])
            return i;
    }
    return TARN_TWO_LEVEL_NONE;
}

static uint32_t model_last(const char *flags, uint32_t bins)
{
    while (bins-- > 0) {
        if (flags[bins])
            return bins;
    }
    return TARN_TWO_LEVEL_NONE;
}

static void against_model(unsigned b, unsigned log2_limit, unsigned one_in)
{
    static char flags[MOST];
    static uint64_t words[66];
    uint32_t rows = TARN_TWO_LEVEL_ROWS(b, log2_limit), bins = TARN_TWO_LEVEL_BINS(b, log2_limit);
    assert_int_equal(rows << b, bins);
    assert_true(bins <= MOST && TARN_TWO_LEVEL_WORDS(b, log2_limit) == rows + 1);
    memset(flags, 0, sizeof flags);
    memset(words, 0, sizeof words);
    assert_int_equal(tarn_two_level_last(words, b), TARN_TWO_LEVEL_NONE);
    for (int s = 0; s < 4000; s++) {
        uint32_t bin = (uint32_t)(random_word() % bins);
        if (random_word() % one_in == 0) {
            tarn_two_level_set(words, b, bin);
            flags[bin] = 1;
        } else {
            tarn_two_level_clear(words, b, bin);
            flags[bin] = 0;
        }
        assert_int_equal(tarn_two_level_has(words, b, bin), flags[bin]);
        uint32_t from = (uint32_t)(random_word() % (bins + 1));
        assert_int_equal(tarn_two_level_find(words, b, rows, from), model_find(flags, bins, from));
        assert_int_equal(tarn_two_level_last(words, b), model_last(flags, bins));
        assert_true(tarn_two_level_valid(words, b, rows));
    }
}

static void the_search_agrees_with_a_model(void **unused)
{
    (void)unused;
    for (unsigned b = 1; b <= 6; b++) {
        against_model(b, 64, 2);
        against_model(b, 64, 40);
        against_model(b, 20, 7);
        against_model(b, b, 3);
    }
}

static void nothing_is_found_past_the_end(void **unused)
{
    (void)unused;
    uint64_t words[TARN_TWO_LEVEL_WORDS(5, 32)] = {0};
    uint32_t rows = TARN_TWO_LEVEL_ROWS(5, 32u), bins = TARN_TWO_LEVEL_BINS(5, 32u);
    tarn_two_level_set(words, 5, bins - 1);
    assert_int_equal(tarn_two_level_find(words, 5, rows, 0), bins - 1);
    assert_int_equal(tarn_two_level_find(words, 5, rows, bins), TARN_TWO_LEVEL_NONE);
    assert_int_equal(tarn_two_level_find(words, 5, rows, tarn_two_level_fit(5, UINT64_MAX)),
                     TARN_TWO_LEVEL_NONE);
}

static void a_wrong_summary_is_seen(void **unused)
{
    (void)unused;
    uint64_t words[TARN_TWO_LEVEL_WORDS(4, 40)] = {0};
    uint32_t rows = TARN_TWO_LEVEL_ROWS(4, 40u);
    tarn_two_level_set(words, 4, 100);
    assert_true(tarn_two_level_valid(words, 4, rows));
    words[0] |= 1;
    assert_false(tarn_two_level_valid(words, 4, rows));
    words[0] &= ~(uint64_t)1;
    words[3] = 0x10000; /* a bin beyond the 16 of a row */
    words[0] |= 4;
    assert_false(tarn_two_level_valid(words, 4, rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bin_holds_exactly_its_sizes),
        cmocka_unit_test(a_fit_is_the_first_bin_of_which_every_piece_is_big_enough),
        cmocka_unit_test(the_search_agrees_with_a_model),
        cmocka_unit_test(nothing_is_found_past_the_end),
        cmocka_unit_test(a_wrong_summary_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
