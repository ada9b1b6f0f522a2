/* SPDX-License-Identifier: MIT */
/* malloc behind the interface: alignments, zeroing, the three forms of resize, clean refusals. */
#include "support/tarn_test.h"

#include <tarn/source.h>

static tarn_allocator *a;

static void alignments_and_zeroing(void **state)
{
    (void)state;
    for (unsigned log = 0; log <= 16; log++) {
        for (size_t size = 0; size < 200; size += 33) {
            char *p = tarn_alloc(a, size, log | TARN_ZERO);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p & (((uintptr_t)1 << log) - 1), 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xff, size);
            tarn_free(a, p, size, log);
        }
    }
}

static void resize_keeps_contents_and_alignment(void **state)
{
    (void)state;
    for (unsigned log = 0; log <= 12; log += 4) {
        unsigned char *p = tarn_alloc(a, 100, log);
        assert_non_null(p);
        memset(p, 1, 100);
        p = tarn_resize(a, p, 100, 5000, 100, log | TARN_ZERO);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p & (((uintptr_t)1 << log) - 1), 0);
        for (size_t i = 0; i < 5000; i++)
            assert_int_equal(p[i], i < 100 ? 1 : 0);
        p = tarn_resize(a, p, 5000, 10, 10, log);
        assert_non_null(p);
        assert_int_equal(p[9], 1);
        p = tarn_resize(a, p, 10, 0, 0, log);
        assert_non_null(p);
        p = tarn_resize(a, p, 0, 50, 0, log | TARN_ZERO);
        assert_non_null(p);
        assert_int_equal(p[0] | p[49], 0);
        tarn_free(a, p, 50, log);
    }
}

static void in_place_never_moves(void **state)
{
    const tarn_spec forms[] = {TARN_IN_PLACE, TARN_NO_COPY};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *p = tarn_alloc(a, 100, TARN_ALIGN_MAX);
        assert_non_null(p);
        assert_null(tarn_resize(a, p, 100, 1u << 20, 100, TARN_ALIGN_MAX | forms[i]));
        assert_int_equal(tarn_get_why(a).status, TARN_NO_MEMORY);
        assert_ptr_equal(tarn_resize(a, p, 100, 20, 20, TARN_ALIGN_MAX | forms[i]), p);
        tarn_free(a, p, 20, TARN_ALIGN_MAX);
    }
}

static void size_unknown(void **state)
{
    char *p = tarn_alloc(a, 40, TARN_ALIGN_MAX);
    (void)state;
    assert_true(tarn_can(a, TARN_CAP_UNSIZED_FREE | TARN_CAP_THREADS | TARN_CAP_FREE));
    assert_non_null(p);
    memset(p, 1, 40);
    p = tarn_resize(a, p, 0, 90, 40, TARN_ALIGN_MAX | TARN_ZERO);
    assert_non_null(p);
    for (size_t i = 0; i < 90; i++)
        assert_int_equal(p[i], i < 40 ? 1 : 0);
    tarn_free(a, p, 0, TARN_ALIGN_MAX);
}

static void impossible_requests(void **state)
{
    const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 4096, (size_t)PTRDIFF_MAX + 1,
                            (size_t)PTRDIFF_MAX};
    char *p = tarn_alloc(a, 8, TARN_ALIGN_MAX);
    (void)state;
    assert_non_null(p);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (unsigned log = 0; log < 12; log++) {
            volatile size_t size = sizes[i];
            assert_null(tarn_alloc(a, size, log));
            assert_int_equal(tarn_get_why(a).status, TARN_TOO_BIG);
            assert_int_equal(tarn_get_why(a).size, size);
            assert_int_equal(tarn_get_why(a).align, (size_t)1 << log);
            assert_null(tarn_resize(a, p, 8, size, 8, TARN_ALIGN_MAX));
        }
    }
    for (unsigned log = 31; log <= TARN_ALIGN_BITS; log++) {
        assert_null(tarn_alloc(a, 1, log));
        assert_int_equal(tarn_get_why(a).status, TARN_BAD_ALIGN);
    }
    tarn_free(a, p, 8, TARN_ALIGN_MAX);
}

static void granted_is_what_was_asked(void **state)
{
    tarn_block b = tarn_alloc_at_least(a, 13, TARN_ALIGN_MAX);
    (void)state;
    assert_non_null(b.ptr);
    assert_int_equal(b.size, 13);
    assert_int_equal(tarn_usable(a, b.ptr, 13, TARN_ALIGN_MAX), 13);
    assert_string_equal(tarn_name(a), "libc");
    tarn_free(a, b.ptr, b.size, TARN_ALIGN_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alignments_and_zeroing),
        cmocka_unit_test(resize_keeps_contents_and_alignment),
        cmocka_unit_test(in_place_never_moves),
        cmocka_unit_test(size_unknown),
        cmocka_unit_test(impossible_requests),
        cmocka_unit_test(granted_is_what_was_asked),
    };
    a = tarn_libc();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
