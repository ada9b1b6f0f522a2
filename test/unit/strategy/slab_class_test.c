/* SPDX-License-Identifier: MIT */
/* slab_class_test.c - generated classes keep to their waste, lists that make no sense are refused with the reason, and
 * every request finds the smallest class that serves it. */
#include "strategy/slab_page.h"
#include "support/tarn_test.h"

static void generated_classes_waste_no_more_than_asked(void **unused)
{
    (void)unused;
    static const size_t ends[][2] = {{8, 1024}, {8, 4096}, {32, 32}, {24, 2000}, {64, 65536}};
    size_t sizes[TARN_SLAB_CLASSES];
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        for (unsigned waste = 5; waste <= 90; waste += 17) {
            tarn_slab_options o = {.smallest = ends[i][0], .largest = ends[i][1], .waste = waste};
            size_t n = tarn_slab_classes(&o, sizes, TARN_SLAB_CLASSES);
            assert_in_range(n, 1, TARN_SLAB_CLASSES);
            assert_int_equal(sizes[0], ends[i][0]);
            assert_int_equal(sizes[n - 1], ends[i][1]);
            for (size_t k = 1; k < n; k++) {
                size_t worst = sizes[k] - (sizes[k - 1] + 1);
                assert_true(sizes[k] > sizes[k - 1] && sizes[k] % 8 == 0);
                assert_true(worst < 8 || worst * 100 <= waste * sizes[k]);
            }
        }
    }
}

static void the_default_has_eight_classes_a_doubling(void **unused)
{
    (void)unused;
    size_t sizes[TARN_SLAB_CLASSES], half = 0;
    size_t n = tarn_slab_classes(&(tarn_slab_options){0}, sizes, TARN_SLAB_CLASSES);
    assert_int_equal(sizes[0], 8);
    assert_int_equal(sizes[n - 1], 4096);
    for (size_t k = 0; k < n; k++) {
        half += sizes[k] > 256 && sizes[k] <= 512;
        assert_true(sizes[k] < 128 || sizes[k] % 16 == 0);
    }
    assert_int_equal(half, 8);
    assert_int_equal(tarn_slab_classes(&(tarn_slab_options){0}, NULL, 0), n);
}

static void refused(tarn_slab_options o, tarn_status status, size_t size)
{
    tarn_slab slab;
    assert_int_equal(tarn_slab_classes(&o, NULL, 0), 0);
    assert_int_equal(tarn_slab_init(&slab, &o), status);
    assert_int_equal(tarn_get_why(&slab.allocator).status, status);
    assert_int_equal(tarn_get_why(&slab.allocator).size, size);
}

static void what_makes_no_sense_is_refused_with_its_reason(void **unused)
{
    (void)unused;
    static const size_t unsorted[] = {16, 64, 32}, twice[] = {16, 16}, odd[] = {16, 20},
                        zero[] = {0, 8}, huge[] = {8, 1 << 20}, many[TARN_SLAB_CLASSES + 1] = {8};
    refused((tarn_slab_options){.sizes = unsorted, .size_count = 3}, TARN_BAD_ARGUMENT, 32);
    refused((tarn_slab_options){.sizes = twice, .size_count = 2}, TARN_BAD_ARGUMENT, 16);
    refused((tarn_slab_options){.sizes = odd, .size_count = 2}, TARN_BAD_ALIGN, 20);
    refused((tarn_slab_options){.sizes = zero, .size_count = 2}, TARN_BAD_ARGUMENT, 0);
    refused((tarn_slab_options){.sizes = huge, .size_count = 2}, TARN_TOO_BIG, 1 << 20);
    refused((tarn_slab_options){.sizes = many, .size_count = TARN_SLAB_CLASSES + 1}, TARN_TOO_BIG,
            0);
    refused((tarn_slab_options){.sizes = odd}, TARN_BAD_ARGUMENT, 0);
    refused((tarn_slab_options){.sizes = odd, .size_count = 1, .largest = 64}, TARN_BAD_ARGUMENT,
            0);
    refused((tarn_slab_options){.smallest = 12}, TARN_BAD_ALIGN, 12);
    refused((tarn_slab_options){.largest = 1001}, TARN_BAD_ALIGN, 1001);
    refused((tarn_slab_options){.smallest = 64, .largest = 32}, TARN_BAD_ARGUMENT, 64);
    refused((tarn_slab_options){.waste = 91}, TARN_BAD_ARGUMENT, 8);
    refused((tarn_slab_options){.largest = 512 << 10}, TARN_TOO_BIG, 512 << 10);
    refused((tarn_slab_options){.largest = 64 << 10, .waste = 1}, TARN_TOO_BIG, 64 << 10);
}

/* By a search through the classes, for every size and alignment. */
static void every_request_finds_the_smallest_class_that_serves_it(void **unused)
{
    (void)unused;
    static const size_t few[] = {24, 40, 64, 136, 192, 256, 1000};
    tarn_slab_options made[] = {{.largest = 1024}, {.sizes = few, .size_count = 7}};
    for (size_t i = 0; i < 2; i++) {
        tarn_slab slab;
        size_t sizes[TARN_SLAB_CLASSES], n = tarn_slab_classes(&made[i], sizes, TARN_SLAB_CLASSES);
        assert_int_equal(tarn_slab_init(&slab, &made[i]), TARN_OK);
        for (size_t size = 0; size < 1100; size++) {
            for (unsigned log = 0; log < 12; log++) {
                unsigned want = 0;
                while (want < n && (sizes[want] < size || sizes[want] % ((size_t)1 << log) != 0))
                    want++;
                assert_int_equal(tarn_slab_pick(&slab, size, log),
                                 want < n ? want : TARN_SLAB_NO_CLASS);
                if (size > 0 && size <= sizes[n - 1] && log <= 4)
                    assert_ptr_equal(tarn_slab_class_for(&slab, size, log), &slab.classes[want]);
                else
                    assert_null(tarn_slab_class_for(&slab, size, log));
            }
        }
        assert_null(tarn_slab_class_for(&slab, 16, TARN_ZERO));
        assert_non_null(tarn_slab_class_for(&slab, 16, (tarn_spec)77 << TARN_TAG_SHIFT));
        tarn_slab_deinit(&slab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated_classes_waste_no_more_than_asked),
        cmocka_unit_test(the_default_has_eight_classes_a_doubling),
        cmocka_unit_test(what_makes_no_sense_is_refused_with_its_reason),
        cmocka_unit_test(every_request_finds_the_smallest_class_that_serves_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
