/* SPDX-License-Identifier: MIT */
/* site_test.c - site tags: one number a line, found again, and no number at all where there is none. */
#include <tarn/site.h>

#include "support/tarn_test.h"

struct thing {
    char bytes[40];
};

static tarn_spec one_line(void)
{
    return TARN_SITE(struct thing);
}

static void a_tag_names_its_type_and_line(void **unused)
{
    (void)unused;
    tarn_spec spec = TARN_SPEC_OF(struct thing) | TARN_SITE(struct thing);
    const tarn_site *site = tarn_site_of(spec);
    assert_non_null(site);
    assert_string_equal(site->type, "struct thing");
    assert_int_equal(site->size, 40);
    assert_int_equal(site->line, __LINE__ - 5);
    assert_non_null(strstr(site->file, "site_test.c"));
    assert_int_equal(spec & TARN_FLAG_BITS, 0);
}

static void each_line_has_its_own(void **unused)
{
    (void)unused;
    tarn_spec a = TARN_SITE(int), b = TARN_SITE(int);
    assert_int_not_equal(a, b);
    assert_int_equal(one_line(), one_line());
    assert_string_equal(tarn_site_of(a)->type, "int");
}

static void no_tag_is_no_site(void **unused)
{
    (void)unused;
    assert_null(tarn_site_of(0));
    assert_null(tarn_site_of(TARN_ALIGN_MAX | TARN_ZERO));
    assert_null(tarn_site_of((tarn_spec)0xffff << TARN_TAG_SHIFT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_names_its_type_and_line),
        cmocka_unit_test(each_line_has_its_own),
        cmocka_unit_test(no_tag_is_no_site),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
