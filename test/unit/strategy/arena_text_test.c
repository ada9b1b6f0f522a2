/* SPDX-License-Identifier: MIT */
/* Strings: exact, ended by 0, growing in place at the end of the arena. */
#include "support/tarn_test.h"

#include <stdio.h>

#include <tarn/arena.h>

static tarn_arena_options form(size_t i)
{
    return (tarn_arena_options){.down = (i & 1) != 0, .check = (i & 2) != 0};
}

static void copies(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        tarn_arena_options o = form(i);
        tarn_arena a;
        char raw[3] = {'x', 'y', 'z'}, *p;
        assert_int_equal(tarn_arena_init(&a, &o), TARN_OK);
        assert_string_equal(tarn_arena_strdup(&a, ""), "");
        assert_string_equal(tarn_arena_strdup(&a, "hello"), "hello");
        assert_string_equal(tarn_arena_strndup(&a, "hello", 3), "hel");
        assert_string_equal(tarn_arena_strndup(&a, "hello", 99), "hello");
        assert_string_equal(tarn_arena_strndup(&a, raw, 3), "xyz");
        assert_string_equal(tarn_arena_strndup(&a, "hello", SIZE_MAX), "hello");
        p = tarn_arena_memdup(&a, raw, 3);
        assert_memory_equal(p, raw, 3);
        assert_int_equal((uintptr_t)p % 8, 0);
        assert_non_null(tarn_arena_memdup(&a, NULL, 0));
        tarn_arena_deinit(&a);
    }
}

static void formatted(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        tarn_arena_options o = form(i);
        tarn_arena a;
        assert_int_equal(tarn_arena_init(&a, &o), TARN_OK);
        for (int width = 0; width < 600; width++) {
            char expected[700];
            char *text = tarn_arena_printf(&a, "[%*s|%d]", width, "x", width);
            assert_non_null(text);
            (void)snprintf(expected, sizeof expected, "[%*s|%d]", width, "x", width);
            assert_string_equal(text, expected);
            /* It is the last block, and exactly as big as it must be. */
            tarn_arena_free(&a, text, strlen(text) + 1);
            assert_ptr_equal(tarn_arena_alloc(&a, strlen(expected) + 1, 0), text);
        }
        tarn_arena_deinit(&a);
    }
}

static void appended(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        tarn_arena_options o = form(i);
        tarn_arena a;
        tarn_arena_text text = {NULL, 0, 0};
        char expected[8000] = "";
        size_t length = 0;
        char *first = NULL;
        assert_int_equal(tarn_arena_init(&a, &o), TARN_OK);
        for (int k = 0; k < 400; k++) {
            assert_true(tarn_arena_append(&a, &text, "%d,%s", k, k % 100 == 7 ? "----" : ""));
            length += (size_t)snprintf(expected + length, sizeof expected - length, "%d,%s", k,
                                       k % 100 == 7 ? "----" : "");
            assert_int_equal(text.length, length);
            assert_string_equal(text.data, expected);
            if (k == 0)
                first = text.data;
            if (k == 200) {
                if (!o.down)
                    assert_ptr_equal(text.data, first);
                assert_non_null(tarn_arena_alloc(&a, 1, 0)); /* in the way */
            }
        }
        assert_ptr_not_equal(text.data, first);
        tarn_arena_deinit(&a);
    }
}

static void a_long_piece_is_appended_whole(void **state)
{
    tarn_arena a;
    tarn_arena_text text = {NULL, 0, 0};
    (void)state;
    assert_int_equal(tarn_arena_init(&a, NULL), TARN_OK);
    assert_true(tarn_arena_append(&a, &text, "%s", "ab"));
    assert_true(tarn_arena_append(&a, &text, "%0500d", 7));
    assert_int_equal(text.length, 502);
    assert_int_equal(text.data[501], '7');
    assert_int_equal(text.data[502], 0);
    tarn_arena_deinit(&a);
}

static void without_room_nothing_changes(void **state)
{
    static _Alignas(16) char bytes[256];
    tarn_arena a;
    tarn_arena_text text = {NULL, 0, 0};
    (void)state;
    assert_int_equal(
        tarn_arena_init(&a, &(tarn_arena_options){.buffer = bytes, .buffer_size = sizeof bytes}),
        TARN_OK);
    assert_true(tarn_arena_append(&a, &text, "%s", "kept"));
    assert_false(tarn_arena_append(&a, &text, "%300d", 1));
    assert_string_equal(text.data, "kept");
    assert_int_equal(text.length, 4);
    assert_null(tarn_arena_printf(&a, "%300d", 1));
    assert_true(tarn_arena_append(&a, &text, "%s", "!"));
    assert_string_equal(text.data, "kept!");
    tarn_arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies),
        cmocka_unit_test(formatted),
        cmocka_unit_test(appended),
        cmocka_unit_test(a_long_piece_is_appended_whole),
        cmocka_unit_test(without_room_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
