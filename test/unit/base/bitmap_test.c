/* SPDX-License-Identifier: MIT */
/* bitmap_test.c - the hierarchical bitmap against a plain array of flags, and its promise to touch nothing unopened. */
#include <stdlib.h>

#include "base/bitmap.h"
#include "support/tarn_test.h"

static uint64_t state = 42;

static size_t random_below(size_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(state >> 33) % n;
}

static void words_count_every_level(void **unused)
{
    (void)unused;
    assert_int_equal(tarn_bitmap_words(1), 1);
    assert_int_equal(tarn_bitmap_words(64), 1);
    assert_int_equal(tarn_bitmap_words(65), 2 + 1);
    assert_int_equal(tarn_bitmap_words(64 * 64), 64 + 1);
    assert_int_equal(tarn_bitmap_words(64 * 64 + 1), 65 + 2 + 1);
    assert_int_equal(tarn_bitmap_words(1000000), 15625 + 245 + 4 + 1);
}

/* The lowest word from `from` on that holds a flag, by looking at each. */
static size_t model_next(const char *flags, size_t members, size_t from)
{
    for (size_t i = from * 64; i < members; i++) {
        if (flags[i])
            return i / 64;
    }
    return TARN_BITMAP_NONE;
}

static void against_model(size_t members, size_t opened, int steps)
{
    char *flags = calloc(members, 1);
    uint64_t *storage = malloc(tarn_bitmap_words(members) * sizeof *storage);
    memset(storage, 0xff, tarn_bitmap_words(members) * sizeof *storage);
    tarn_bitmap b;
    tarn_bitmap_init(&b, storage, members);
    while (b.opened < opened)
        tarn_bitmap_open(&b);
    size_t live = opened * 64 < members ? opened * 64 : members;
    for (int s = 0; s < steps; s++) {
        size_t i = random_below(live);
        if (random_below(2) == 0) {
            assert_int_equal(tarn_bitmap_add(&b, i), !flags[i]);
            flags[i] = 1;
        } else {
            tarn_bitmap_put(&b, i / 64, b.level[0][i / 64] & ~((uint64_t)1 << i % 64));
            flags[i] = 0;
        }
        assert_int_equal(tarn_bitmap_has(&b, i), flags[i]);
        size_t from = random_below(opened + 2);
        assert_int_equal(tarn_bitmap_next(&b, from), model_next(flags, live, from));
    }
    assert_true(tarn_bitmap_valid(&b));
    free(storage);
    free(flags);
}

static void agrees_with_a_model(void **unused)
{
    (void)unused;
    against_model(1, 1, 50);
    against_model(64, 1, 500);
    against_model(65, 2, 500);
    against_model(4096, 64, 3000);
    against_model(4097, 65, 3000);
    against_model(300000, 4688, 3000);
    against_model(300000, 64, 3000);
    against_model(300000, 65, 3000);
    against_model(300000, 4097, 3000);
}

static void unopened_words_stay_untouched(void **unused)
{
    (void)unused;
    size_t members = 64 * 64 * 3, words = tarn_bitmap_words(members);
    uint64_t storage[64 * 3 + 3 + 1];
    assert_int_equal(words, sizeof storage / sizeof *storage);
    memset(storage, 0xab, sizeof storage);
    tarn_bitmap b;
    tarn_bitmap_init(&b, storage, members);
    tarn_bitmap_open(&b);
    assert_true(tarn_bitmap_add(&b, 63));
    assert_int_equal(tarn_bitmap_next(&b, 0), 0);
    assert_int_equal(tarn_bitmap_next(&b, 1), TARN_BITMAP_NONE);
    for (size_t w = 0; w < words; w++) {
        if (w != 0 && w != 64 * 3 && w != 64 * 3 + 3)
            assert_true(storage[w] == 0xababababababababu);
    }
}

static void a_wrong_summary_is_seen(void **unused)
{
    (void)unused;
    uint64_t storage[66];
    tarn_bitmap b;
    tarn_bitmap_init(&b, storage, 64 * 64);
    for (int i = 0; i < 64; i++)
        tarn_bitmap_open(&b);
    assert_true(tarn_bitmap_add(&b, 700));
    assert_true(tarn_bitmap_valid(&b));
    b.level[0][3] = 1;
    assert_false(tarn_bitmap_valid(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_count_every_level),
        cmocka_unit_test(agrees_with_a_model),
        cmocka_unit_test(unopened_words_stay_untouched),
        cmocka_unit_test(a_wrong_summary_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
