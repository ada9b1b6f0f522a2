/* SPDX-License-Identifier: MIT */
/* The six functions of mem.h are there, and are what their names say. */
#include "support/tarn_test.h"

#include "base/mem.h"

static void six_functions(void **state)
{
    char a[8] = "abcdefg", b[8];
    (void)state;
    memcpy(b, a, sizeof b);
    assert_int_equal(memcmp(a, b, sizeof b), 0);
    memmove(b + 1, b, 6);
    assert_string_equal(b, "aabcdef");
    memset(b, 'x', 3);
    assert_string_equal(b, "xxxcdef");
    assert_int_equal(strlen(b), 7);
    assert_ptr_equal(memchr(b, 'c', sizeof b), b + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(six_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
