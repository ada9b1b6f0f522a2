/* SPDX-License-Identifier: MIT */
/* The caller's bytes: front to back, aligned, back in reverse order, never beyond the end. */
#include "support/tarn_test.h"

#include <stdlib.h>

#include <tarn/buffer.h>

static _Alignas(4096) char bytes[16384];

static char *take(tarn_source *s, size_t size, size_t align)
{
    tarn_region r;
    assert_int_equal(tarn_source_map(s, size, align, 0, &r), TARN_OK);
    assert_true(r.size >= size);
    assert_int_equal((uintptr_t)r.ptr % align, 0);
    assert_true((char *)r.ptr >= bytes && (char *)r.ptr + r.size <= bytes + sizeof bytes);
    memset(r.ptr, 0xab, r.size);
    return r.ptr;
}

static void front_to_back(void **state)
{
    tarn_buffer b;
    tarn_source *s = tarn_buffer_init(&b, bytes, 1024);
    (void)state;
    assert_ptr_equal(s, &b.source);
    assert_ptr_equal(take(s, 64, 1), bytes);
    assert_ptr_equal(take(s, 1, 1), bytes + 64);
    assert_ptr_equal(take(s, 16, 256), bytes + 256);
    assert_string_equal(tarn_source_name(s), "buffer");
}

static void the_last_goes_back_gap_and_all(void **state)
{
    tarn_buffer b;
    tarn_source *s = tarn_buffer_init(&b, bytes + 16, 8192);
    char *first = take(s, 48, 64), *second = take(s, 16, 1), *third = take(s, 32, 1024);
    char *fourth = take(s, 16, 512);
    size_t used = b.used;
    (void)state;
    assert_ptr_equal(first, bytes + 64);
    tarn_source_unmap(s, fourth, 16, 512);
    tarn_source_unmap(s, third, 32, 1024);
    assert_int_equal(b.used, 112);
    assert_ptr_equal(take(s, 32, 1024), third);
    assert_ptr_equal(take(s, 16, 512), fourth);
    assert_int_equal(b.used, used);
    tarn_source_unmap(s, fourth, 16, 512);
    tarn_source_unmap(s, third, 32, 1024);
    tarn_source_unmap(s, second, 16, 1);
    assert_ptr_equal(take(s, 16, 1), second);
    tarn_source_unmap(s, second, 16, 1);
    tarn_source_unmap(s, first, 48, 64);
    assert_int_equal(b.used, 0);
    assert_ptr_equal(take(s, 16, 1), bytes + 16);
}

static void out_of_order_comes_back_when_all_are(void **state)
{
    tarn_buffer b;
    tarn_source *s = tarn_buffer_init(&b, bytes, 1024);
    char *first = take(s, 64, 1), *second = take(s, 64, 128), *third = take(s, 64, 1);
    (void)state;
    tarn_source_unmap(s, second, 64, 128);
    assert_ptr_equal(take(s, 64, 1), third + 64);
    tarn_source_unmap(s, third + 64, 64, 1);
    tarn_source_unmap(s, third, 64, 1);
    assert_ptr_equal(take(s, 64, 1), third);
    tarn_source_unmap(s, third, 64, 1);
    tarn_source_unmap(s, first, 64, 1);
    assert_int_equal(b.used, 0);
    assert_int_equal(b.gapped, 0);
}

static void refusals_change_nothing(void **state)
{
    tarn_buffer b, before;
    tarn_source *s = tarn_buffer_init(&b, bytes, 1024);
    tarn_region r;
    (void)state;
    (void)take(s, 512, 1);
    before = b;
    assert_int_equal(tarn_source_map(s, 528, 1, 0, &r), TARN_NO_MEMORY);
    assert_int_equal(tarn_source_map(s, 16, 8192, 0, &r), TARN_NO_MEMORY);
    assert_int_equal(tarn_source_map(s, 1025, 1, 0, &r), TARN_TOO_BIG);
    assert_int_equal(tarn_source_map(s, SIZE_MAX - 31, 1, 0, &r), TARN_TOO_BIG);
    assert_int_equal(tarn_source_map(s, 16, SIZE_MAX / 2 + 1, 0, &r), TARN_NO_MEMORY);
    assert_int_equal(tarn_source_map(s, 16, 1, TARN_MAP_RESERVE, &r), TARN_UNSUPPORTED);
    assert_memory_equal(&b, &before, sizeof b);
    (void)take(s, 512, 1);
    assert_int_equal(tarn_source_map(s, 1, 1, 0, &r), TARN_NO_MEMORY);
}

static void odd_bytes_lose_their_edges_only(void **state)
{
    tarn_buffer b;
    tarn_source *s;
    tarn_region r;
    (void)state;
    s = tarn_buffer_init(&b, bytes + 1, 64);
    assert_ptr_equal(take(s, 48, 1), bytes + 16);
    assert_int_equal(tarn_source_map(s, 1, 1, 0, &r), TARN_NO_MEMORY);
    for (size_t size = 0; size < 31; size++) {
        s = tarn_buffer_init(&b, bytes + 1, size);
        assert_int_equal(tarn_source_map(s, 1, 1, 0, &r), TARN_TOO_BIG);
    }
    s = tarn_buffer_init(&b, NULL, 0);
    assert_int_equal(tarn_source_map(s, 1, 1, 0, &r), TARN_TOO_BIG);
    assert_false(tarn_buffer_owns(&b, bytes));
}

static void owns_what_is_out(void **state)
{
    tarn_buffer b;
    tarn_source *s = tarn_buffer_init(&b, bytes + 64, 1024);
    (void)state;
    assert_false(tarn_buffer_owns(&b, bytes + 64));
    (void)take(s, 32, 1);
    assert_true(tarn_buffer_owns(&b, bytes + 64));
    assert_true(tarn_buffer_owns(&b, bytes + 95));
    assert_false(tarn_buffer_owns(&b, bytes + 96));
    assert_false(tarn_buffer_owns(&b, bytes + 63));
    assert_false(tarn_buffer_owns(&b, NULL));
}

/* A stack of regions, pushed and popped at random: whatever was popped is as if it never was. */
static void a_random_stack_leaves_no_trace(void **state)
{
    struct {
        char *p;
        size_t size, align, used;
    } stack[256];
    size_t depth = 0;
    unsigned seed = 20;
    tarn_buffer b;
    tarn_source *s = tarn_buffer_init(&b, bytes, sizeof bytes);
    (void)state;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245u + 12345u;
        if (depth < 256 && (seed >> 16) % 2 == 0) {
            size_t size = 16 * (1 + (seed >> 18) % 8), align = (size_t)1 << (seed >> 22) % 10;
            tarn_region r;
            size_t used = b.used;
            if (tarn_source_map(s, size, align, 0, &r) != TARN_OK)
                continue;
            memset(r.ptr, (int)depth, r.size);
            stack[depth].p = r.ptr;
            stack[depth].size = r.size;
            stack[depth].align = align;
            stack[depth++].used = used;
        } else if (depth > 0) {
            depth--;
            assert_int_equal((unsigned char)stack[depth].p[0], depth);
            tarn_source_unmap(s, stack[depth].p, stack[depth].size, stack[depth].align);
            assert_int_equal(b.used, stack[depth].used);
        }
    }
}

static void counts(void **state)
{
    tarn_buffer b;
    tarn_source *s = tarn_buffer_init(&b, bytes, 1024);
    tarn_stats stats;
    (void)state;
    (void)take(s, 32, 1);
    assert_int_equal(s->ops->stats(s, &stats), TARN_OK);
    assert_int_equal(stats.held_bytes, 1024);
    assert_int_equal(stats.idle_bytes, 992);
    assert_int_equal(stats.chunks, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(front_to_back),
        cmocka_unit_test(the_last_goes_back_gap_and_all),
        cmocka_unit_test(out_of_order_comes_back_when_all_are),
        cmocka_unit_test(refusals_change_nothing),
        cmocka_unit_test(odd_bytes_lose_their_edges_only),
        cmocka_unit_test(owns_what_is_out),
        cmocka_unit_test(a_random_stack_leaves_no_trace),
        cmocka_unit_test(counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
