/* SPDX-License-Identifier: MIT */
/* Rounding: what sizes become, growth within a step, and what cannot be rounded. */
#include "support/tarn_test.h"

#include <tarn/quantize.h>
#include <tarn/source.h>

#include "support/probe.h"

static tarn_quantize q;

static tarn_allocator *make(tarn_quantize_options o, tarn_allocator *parent)
{
    o.parent = parent;
    assert_int_equal(tarn_quantize_init(&q, &o), TARN_OK);
    return tarn_quantize_allocator(&q);
}

static void sizes_become(void **state)
{
    (void)state;
    (void)make((tarn_quantize_options){.step = 48, .min_size = 20}, tarn_libc());
    assert_int_equal(tarn_quantize_size(&q, 0), 48);
    assert_int_equal(tarn_quantize_size(&q, 48), 48);
    assert_int_equal(tarn_quantize_size(&q, 49), 96);
    assert_int_equal(tarn_quantize_size(&q, SIZE_MAX - 1), 0);
    (void)make((tarn_quantize_options){.power_of_two = true}, tarn_libc());
    assert_int_equal(tarn_quantize_size(&q, 0), 0);
    assert_int_equal(tarn_quantize_size(&q, 1), 1);
    assert_int_equal(tarn_quantize_size(&q, 5), 8);
    assert_int_equal(tarn_quantize_size(&q, SIZE_MAX / 2 + 1), SIZE_MAX / 2 + 1);
    assert_int_equal(tarn_quantize_size(&q, SIZE_MAX / 2 + 2), 0);
    (void)make((tarn_quantize_options){0}, tarn_libc());
    assert_int_equal(tarn_quantize_size(&q, 77), 77);
    assert_int_equal(
        tarn_quantize_init(&q, &(tarn_quantize_options){.parent = tarn_libc(), .min_align = 24}),
        TARN_BAD_ALIGN);
    assert_int_equal(tarn_quantize_init(&q, &(tarn_quantize_options){.step = 8}),
                     TARN_BAD_ARGUMENT);
}

/* A free may name any size from the one asked for to the one granted. */
static void what_was_granted_is_not_rounded_again(void **state)
{
    (void)state;
    static const size_t steps[] = {3, 48, 64, 100, 1000};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        (void)make((tarn_quantize_options){.step = steps[i], .power_of_two = true, .min_size = 5},
                   tarn_libc());
        for (size_t size = 0; size < 5000; size++) {
            size_t granted = tarn_quantize_size(&q, size);
            assert_true(granted >= size && granted % steps[i] == 0);
            assert_int_equal(tarn_quantize_size(&q, granted), granted);
            assert_int_equal(tarn_quantize_size(&q, size + (granted - size) / 2), granted);
        }
    }
    (void)make((tarn_quantize_options){.step = 48, .power_of_two = true}, tarn_libc());
    assert_int_equal(tarn_quantize_size(&q, 64), 96);
    assert_int_equal(tarn_quantize_size(&q, 90), 96);
    assert_int_equal(tarn_quantize_size(&q, 97), 144);
}

static void blocks_are_granted_rounded_and_aligned(void **state)
{
    (void)state;
    probe below;
    tarn_allocator *a =
        make((tarn_quantize_options){.step = 64, .min_align = 64}, probe_init(&below, NULL));
    tarn_block b = tarn_alloc_at_least(a, 10, 0);
    assert_int_equal(b.size, 64);
    assert_int_equal((uintptr_t)b.ptr % 64, 0);
    assert_int_equal(tarn_usable(a, b.ptr, 10, 0), 64);
    tarn_free(a, b.ptr, 50, 0); /* any size from 10 to 64 */
    probe_deinit(&below);
    assert_int_equal(below.faults, 0);
}

static void growth_within_a_step_stays_and_is_zeroed(void **state)
{
    (void)state;
    probe below;
    tarn_allocator *a = make((tarn_quantize_options){.step = 64}, probe_init(&below, NULL));
    unsigned char *p = tarn_alloc(a, 10, 0);
    memset(p, 7, 64);
    assert_ptr_equal(tarn_resize(a, p, 10, 60, 10, TARN_ZERO | TARN_IN_PLACE), p);
    for (size_t i = 0; i < 60; i++)
        assert_int_equal(p[i], i < 10 ? 7 : 0);
    p = tarn_resize(a, p, 60, 130, 60, TARN_ZERO);
    for (size_t i = 10; i < 130; i++)
        assert_int_equal(p[i], 0);
    tarn_free(a, p, 130, 0);
    assert_null(tarn_alloc(a, SIZE_MAX - 3, 3));
    assert_int_equal(tarn_get_why(a).status, TARN_TOO_BIG);
    assert_int_equal(tarn_get_why(a).size, SIZE_MAX - 3);
    probe_deinit(&below);
    assert_int_equal(below.faults, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_become),
        cmocka_unit_test(what_was_granted_is_not_rounded_again),
        cmocka_unit_test(blocks_are_granted_rounded_and_aligned),
        cmocka_unit_test(growth_within_a_step_stays_and_is_zeroed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
