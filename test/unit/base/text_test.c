/* SPDX-License-Identifier: MIT */
/* Sentences as snprintf would make them, whole and cut. */
#include "support/tarn_test.h"

#include <stdio.h>

#include "base/text.h"

static void parts_in_a_row(void **state)
{
    char line[64], expected[64];
    int on_stack;
    (void)state;
    const size_t sizes[] = {0, 9, 10, 4096, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        tarn_text t = tarn_text_in(line, sizeof line);
        tarn_text_put(&t, "size ");
        tarn_text_put_size(&t, sizes[i]);
        tarn_text_put(&t, "");
        tarn_text_put_pointer(&t, &on_stack);
        int length = snprintf(expected, sizeof expected, "size %zu%p", sizes[i], (void *)&on_stack);
        assert_string_equal(line, expected);
        assert_int_equal(t.length, length);
    }
    tarn_text t = tarn_text_in(line, sizeof line);
    tarn_text_put_pointer(&t, NULL);
    assert_string_equal(line, "(nil)");
}

static void what_does_not_fit_is_counted(void **state)
{
    char line[8] = "unknown";
    (void)state;
    tarn_text t = tarn_text_in(line, sizeof line);
    assert_string_equal(line, "");
    tarn_text_put(&t, "1234567890");
    assert_string_equal(line, "1234567");
    assert_int_equal(t.length, 10);
    t = tarn_text_in(line, 1);
    tarn_text_put(&t, "ab");
    assert_string_equal(line, "");
    t = tarn_text_in(NULL, 0);
    tarn_text_put_size(&t, 12345);
    assert_int_equal(t.length, 5);
}

static void labels(void **state)
{
    char label[20];
    (void)state;
    tarn_text_label(label, sizeof label, "stack", NULL, 30);
    assert_string_equal(label, "stack");
    tarn_text_label(label, sizeof label, "stack", "frames", 30);
    assert_string_equal(label, "stack 'frames'");
    tarn_text_label(label, sizeof label, "stack", "frames", 2);
    assert_string_equal(label, "stack 'fr'");
    tarn_text_label(label, sizeof label, "stack", "a name that is too long", 30);
    assert_string_equal(label, "stack 'a name that ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_in_a_row),
        cmocka_unit_test(what_does_not_fit_is_counted),
        cmocka_unit_test(labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
