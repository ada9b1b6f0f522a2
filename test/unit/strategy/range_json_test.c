/* SPDX-License-Identifier: MIT */
/* range_json_test.c - the map's exact text, what a buffer that is too small gets, a writer that has enough. */
#include <stdio.h>

#include <tarn/range.h>

#include "support/tarn_test.h"

static tarn_space s;

static void start(const char *name)
{
    tarn_space_options o = {.units = 100, .name = name, .core = TARN_RANGE_BITMAP};
    tarn_range_block b;
    assert_int_equal(tarn_space_init(&s, &o), TARN_OK);
    assert_int_equal(tarn_range_alloc(&s.range, 10, 1, 0, &b), TARN_OK);
    assert_int_equal(tarn_range_alloc(&s.range, 20, 1, 0, &b), TARN_OK);
    assert_int_equal(tarn_range_free(&s.range, 1), TARN_OK);
}

static void the_text(void **unused)
{
    (void)unused;
    char text[1000], want[1000];
    tarn_range_stats stats;
    start("a\"b");
    tarn_range_count(&s.range, &stats);
    snprintf(want, sizeof want,
             "{\"name\":\"a\\u0022b\",\"units\":100,\"live_blocks\":1,\"live_units\":20,"
             "\"peak_units\":30,\"failures\":0,\"metadata\":%zu,\"free_runs\":2,"
             "\"free_units\":80,\"largest_free\":70,\"smallest_live\":20,"
             "\"largest_live\":20,\"fragmentation\":125,\n\"runs\":[\n"
             "{\"offset\":0,\"size\":10},\n"
             "{\"offset\":10,\"size\":20,\"id\":\"0xb\",\"user\":\"0x0\"},\n"
             "{\"offset\":30,\"size\":70}]}\n",
             stats.metadata);
    size_t length = tarn_range_json_text(&s.range, text, sizeof text);
    assert_string_equal(text, want);
    tarn_space_deinit(&s);
    assert_int_equal(length, strlen(text));
}

static void a_small_buffer_gets_the_beginning(void **unused)
{
    (void)unused;
    char whole[1000], part[1000];
    start("part");
    size_t length = tarn_range_json_text(&s.range, whole, sizeof whole);
    assert_int_equal(tarn_range_json_text(&s.range, NULL, 0), length);
    for (size_t size = 1; size <= length + 2; size++) {
        memset(part, 'x', sizeof part);
        assert_int_equal(tarn_range_json_text(&s.range, part, size), length);
        size_t kept = size - 1 < length ? size - 1 : length;
        assert_memory_equal(part, whole, kept);
        assert_int_equal(part[kept], 0);
        assert_int_equal(part[size], 'x');
    }
    tarn_space_deinit(&s);
}

static bool stop(void *user, const char *text, size_t length)
{
    int *calls = user;
    (void)text, (void)length;
    return --*calls > 0;
}

static void a_writer_that_has_enough_is_not_called_again(void **unused)
{
    (void)unused;
    start(NULL);
    for (int enough = 1; enough < 60; enough++) {
        int calls = enough;
        assert_false(tarn_range_json(&s.range, stop, &calls));
        assert_int_equal(calls, 0);
    }
    int calls = 10000;
    assert_true(tarn_range_json(&s.range, stop, &calls));
    tarn_space_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text),
        cmocka_unit_test(a_small_buffer_gets_the_beginning),
        cmocka_unit_test(a_writer_that_has_enough_is_not_called_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
