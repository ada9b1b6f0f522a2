/* SPDX-License-Identifier: MIT */
/* Huge pages: what a range has got is told, exactly, or it is said that it is not known. */
#include "support/tarn_test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "base/align.h"
#include "os/huge.h"
#include "os/pages.h"
#include "support/death.h"
#include "support/hugepages.h"
#include "support/refuse.h"

#define SCAN_LOW 0xc0606610u /* the pagemap's scan, as ioctl has it on 64 and 32 bits */

static size_t page, big;

static void sizes_make_sense(void **state)
{
    (void)state;
    assert_true(big == 0 || (tarn_is_power_of_two(big) && big > page));
    assert_false(tarn_os_has_huge(0));
    assert_false(tarn_os_has_huge(page));
    assert_false(tarn_os_has_huge(3));
    errno = 77;
    assert_int_equal(tarn_os_has_huge(tarn_os_huge_size()), tarn_os_huge_size() != 0);
    assert_int_equal(errno, 77);
}

static void plain_pages_have_none(void **state)
{
    char *p = tarn_os_map(8 * page, page);
    tarn_os_huge h;
    (void)state;
    assert_non_null(p);
    *p = 1;
    assert_true(tarn_os_ask_huge(p, 8 * page, &h));
    assert_false(h.is_explicit || h.is_advised);
    assert_int_equal(h.page, page);
    assert_true(h.is_counted);
    assert_int_equal(h.bytes, 0);
    tarn_os_release(p, 8 * page);
    assert_false(tarn_os_ask_huge(NULL, page, &h));
    assert_int_equal(h.bytes, 0);
}

/* Two of four huge pages are populated, where the system has them; the other two stay empty. What
 * lies on both sides is of another kind, so that the four are a mapping of their own. */
static char *half_populated(void)
{
    char *p = big != 0 ? tarn_os_reserve(6 * big, big) : NULL;
    if (p == NULL || !tarn_hears_advice())
        return NULL;
    p += big;
    if (!tarn_os_commit(p, 4 * big) || !tarn_os_advise_huge(p, 4 * big) ||
        !tarn_os_populate(p, 2 * big, true))
        return NULL;
    return p;
}

static void advised_ones_are_counted(void **state)
{
    char *p = half_populated();
    tarn_os_huge h, part;
    (void)state;
    if (p == NULL)
        skip();
    assert_true(tarn_os_ask_huge(p, 4 * big, &h));
    assert_true(h.is_advised && !h.is_explicit);
    assert_int_equal(h.page, page);
    assert_true(!h.is_counted || h.bytes <= 2 * big);
    assert_int_equal(h.bytes % big, 0);
    assert_true(tarn_os_ask_huge(p + 2 * big, 2 * big, &part));
    assert_true(!part.is_counted || part.bytes == 0);
    /* Purged from one end, what is left is counted. */
    assert_true(tarn_os_purge(p, big));
    assert_true(tarn_os_ask_huge(p, 4 * big, &part));
    assert_true(!h.is_counted || h.bytes == 0 || part.bytes == h.bytes - big);
    tarn_os_release(p - big, 6 * big);
}

/* More runs than fit one answer of the scan. */
static void many_runs_are_added_up(void **state)
{
    size_t count = 200, got = 0;
    char *p = big == (size_t)2 << 20 ? tarn_os_map(count * big, big) : NULL;
    tarn_os_huge h;
    (void)state;
    if (p == NULL || !tarn_hears_advice() || !tarn_os_advise_huge(p, count * big))
        skip();
    for (size_t i = 0; i < count; i += 2) {
        p[i * big] = 1;
        assert_true(tarn_os_ask_huge(p + i * big, big, &h));
        got += h.bytes;
        if (i == 0 && (!h.is_counted || h.bytes == 0))
            break; /* none to be had, or none known */
    }
    assert_true(tarn_os_ask_huge(p, count * big, &h));
    assert_int_equal(h.bytes, got);
    tarn_os_release(p, count * big);
}

/* Before Linux 6.7: the paragraphs of smaps know the whole mapping. */
static void without_scan(void *arg)
{
    char *p = half_populated();
    tarn_os_huge h;
    (void)arg;
    assert_child(p != NULL);
    assert_child(tarn_refuse_call(SYS_ioctl, 1, SCAN_LOW, ENOTTY));
    assert_child(tarn_os_ask_huge(p, 4 * big, &h));
    assert_child(h.is_advised && h.page == page);
    assert_child(h.is_counted && h.bytes <= 2 * big);
    bool has_some = h.bytes != 0;
    assert_child(tarn_os_ask_huge(p + 3 * big, big, &h));
    /* a part of a mapping that has some: not known */
    assert_child(h.is_counted != has_some);
    assert_child(h.bytes == 0);
    assert_child(tarn_os_purge(p, 2 * big));
    assert_child(tarn_os_ask_huge(p + 3 * big, big, &h));
    assert_child(h.is_counted && h.bytes == 0);
}

/* A process without /proc. */
static void without_files(void *arg)
{
    char *p = half_populated();
    tarn_os_huge h;
    (void)arg;
    assert_child(tarn_refuse_files());
    errno = 77;
    assert_child(!tarn_os_ask_huge(p, 4 * big, &h));
    assert_child(errno == 77);
    assert_child(!h.is_counted && h.bytes == 0);
}

static void unasked_sizes_without_files(void *arg)
{
    (void)arg;
    assert_child(tarn_refuse_files());
    errno = 77;
    assert_child(tarn_os_ask_huge((void *)0x1000, 0x1000, &(tarn_os_huge){0}) == false);
    assert_child(errno == 77);
}

static void unknown_is_said_to_be(void **state)
{
    (void)state;
    assert_survives(without_files, NULL);
    assert_survives(unasked_sizes_without_files, NULL);
    if (!tarn_can_refuse() || big == 0)
        skip();
    assert_survives(without_scan, NULL);
}

static void explicit_pages(size_t size)
{
    tarn_os_huge h;
    char *p = tarn_os_map_huge(2 * size, size);
    assert_non_null(p);
    assert_true(tarn_is_aligned(p, size));
    assert_true(tarn_os_ask_huge(p, 2 * size, &h));
    assert_true(h.is_explicit);
    assert_int_equal(h.page, size);
    assert_true(h.is_counted);
    assert_int_equal(h.bytes, 0);
    p[size] = 1;
    assert_true(tarn_os_ask_huge(p, 2 * size, &h));
    assert_true(h.is_counted);
    assert_int_equal(h.bytes, size);
    assert_int_equal(p[0] | p[size - 1], 0);
    assert_true(tarn_os_populate(p, 2 * size, false));
    assert_true(tarn_os_ask_huge(p, 2 * size, &h));
    assert_int_equal(h.bytes, 2 * size);
    tarn_os_release(p, 2 * size);
}

static void explicit_pages_of_the_default_size(void **state)
{
    size_t size = tarn_os_huge_size();
    (void)state;
    if (size == 0 || size > (size_t)32 << 20 || !tarn_hears_advice() ||
        !tarn_raise_hugepages(size, 2)) {
        print_message("no explicit huge pages can be had here\n");
        skip();
    }
    explicit_pages(size);
}

/* Where there are larger ones, and memory enough to have two of them. */
static void explicit_pages_of_a_gibibyte(void **state)
{
    size_t size = sizeof(size_t) > 4 ? (size_t)1 << 30 : 0;
    (void)state;
    if (getenv("TARN_TEST_GIBIBYTE") == NULL || !tarn_os_has_huge(size) ||
        !tarn_raise_hugepages(size, 2)) {
        print_message("pages of a gibibyte are tried where TARN_TEST_GIBIBYTE is set\n");
        skip();
    }
    explicit_pages(size);
}

static int lower(void **state)
{
    (void)state;
    tarn_lower_hugepages();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_make_sense),
        cmocka_unit_test(plain_pages_have_none),
        cmocka_unit_test(advised_ones_are_counted),
        cmocka_unit_test(many_runs_are_added_up),
        cmocka_unit_test(unknown_is_said_to_be),
        cmocka_unit_test_teardown(explicit_pages_of_the_default_size, lower),
        cmocka_unit_test_teardown(explicit_pages_of_a_gibibyte, lower),
    };
    page = tarn_os_page_size();
    big = tarn_os_transparent_size();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
