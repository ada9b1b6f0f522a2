/* SPDX-License-Identifier: MIT */
/* Pages: what is reserved, committed, purged, moved and named is so, as the system itself tells. */
#include "support/tarn_test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/align.h"
#include "os/pages.h"
#include "support/death.h"
#include "support/refuse.h"

static size_t page;

static bool is_all(const char *p, size_t size, char value)
{
    for (size_t i = 0; i < size; i++) {
        if (p[i] != value)
            return false;
    }
    return true;
}

/* The line of /proc/self/maps that has this address; false when no mapping has it. */
static bool find_line(const void *p, char *line, size_t size)
{
    FILE *f = fopen("/proc/self/maps", "r");
    bool found = false;
    assert_non_null(f);
    while (!found && fgets(line, (int)size, f) != NULL) {
        unsigned long long from = 0, to = 0;
        if (sscanf(line, "%llx-%llx", &from, &to) == 2)
            found = from <= (uintptr_t)p && (uintptr_t)p < to;
    }
    (void)fclose(f);
    return found;
}

static void sizes_make_sense(void **state)
{
    (void)state;
    assert_true(tarn_is_power_of_two(page) && page >= 4096);
    assert_true(tarn_os_huge_size() == 0 || tarn_os_huge_size() > page);
    assert_int_equal(tarn_os_huge_size(), tarn_os_huge_size());
}

static void mapped_pages_are_zero_and_aligned(void **state)
{
    (void)state;
    for (size_t align = 1; align <= 16u << 20; align <<= 1) {
        char *p = tarn_os_map(3 * page, align);
        assert_non_null(p);
        assert_true(tarn_is_aligned(p, align) && tarn_is_aligned(p, page));
        assert_true(is_all(p, 3 * page, 0));
        memset(p, 1, 3 * page);
        tarn_os_release(p, 3 * page);
    }
}

/* Pages of address space that the process has. */
static unsigned long address_space(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu", &pages), 1);
    (void)fclose(f);
    return pages;
}

/* What sticks out of an aligned region goes back. */
static void alignment_leaves_nothing_behind(void **state)
{
    size_t align = (size_t)64 << 20;
    (void)address_space(); /* what reading the file takes is taken now */
    unsigned long before = address_space();
    (void)state;
    for (int i = 0; i < 20; i++) {
        char *p = tarn_os_reserve(page, align);
        assert_non_null(p);
        tarn_os_release(p, page);
    }
    /* 20 x 64 MiB would stay; a sanitizer's own maps may come in between. */
    assert_true(address_space() < before + 10 * align / page);
}

static void touch(void *p)
{
    *(volatile char *)p = 1;
}

static void reserved_is_untouchable_until_committed(void **state)
{
    char *p = tarn_os_reserve(8 * page, page);
    (void)state;
    assert_non_null(p);
    assert_int_equal(tarn_death_run(touch, p).signal, SIGSEGV);
    assert_true(tarn_os_commit(p + page, 2 * page));
    assert_true(tarn_os_commit(p + page, 2 * page));
    assert_true(is_all(p + page, 2 * page, 0));
    memset(p + page, 1, 2 * page);
    assert_int_equal(tarn_death_run(touch, p).signal, SIGSEGV);
    assert_int_equal(tarn_death_run(touch, p + 3 * page).signal, SIGSEGV);
    assert_true(tarn_os_decommit(p + page, page));
    assert_int_equal(tarn_death_run(touch, p + page).signal, SIGSEGV);
    assert_true(is_all(p + 2 * page, page, 1));
    assert_true(tarn_os_commit(p + page, page));
    assert_true(is_all(p + page, page, 0));
    tarn_os_release(p, 8 * page);
}

static void purged_reads_as_zero(void **state)
{
    char *p = tarn_os_map(4 * page, page);
    (void)state;
    assert_non_null(p);
    memset(p, 1, 4 * page);
    assert_true(tarn_os_purge(p + page, 2 * page));
    assert_true(is_all(p, page, 1));
    assert_true(is_all(p + page, 2 * page, 0));
    assert_true(is_all(p + 3 * page, page, 1));
    tarn_os_release(p, 4 * page);
}

static void remap_keeps_contents_and_alignment(void **state)
{
    size_t align = (size_t)1 << 20;
    char *p = tarn_os_map(2 * page, align), *wall, *q;
    (void)state;
    assert_non_null(p);
    memset(p, 7, 2 * page);
    wall = tarn_os_remap(p, 2 * page, page, align, false);
    assert_ptr_equal(wall, p);
    /* Make sure that it cannot grow where it stands. */
    q = tarn_os_reserve(2 * align, align);
    assert_non_null(q);
    assert_true(tarn_os_commit(q, 2 * page));
    memset(q, 8, 2 * page);
    assert_null(tarn_os_remap(q, page, 4 * page, align, false));
    assert_true(is_all(q, 2 * page, 8));
    wall = tarn_os_remap(q, page, 4 * page, align, true);
    assert_non_null(wall);
    assert_true(tarn_is_aligned(wall, align));
    assert_true(is_all(wall, page, 8));
    assert_true(is_all(wall + page, 3 * page, 0));
    tarn_os_release(wall, 4 * page);
    tarn_os_release(q, 2 * align);
    tarn_os_release(p, page);
}

static void impossible_requests_fail(void **state)
{
    size_t most = tarn_align_down(SIZE_MAX, page);
    (void)state;
    errno = 77;
    assert_null(tarn_os_map(most, page));
    assert_null(tarn_os_map(most, 2 * page));
    assert_null(tarn_os_map(tarn_align_down(most / 2, page) + page, SIZE_MAX / 2 + 1));
    assert_null(tarn_os_reserve(most, page));
    assert_int_equal(errno, 77);
}

static void names_show_where_the_system_can(void **state)
{
    char line[512];
    char *p = tarn_os_map(page, page);
    (void)state;
    assert_non_null(p);
    tarn_os_name(p, page, "tarn-test");
    assert_true(find_line(p, line, sizeof line));
    if (strstr(line, "tarn-test") == NULL)
        print_message("no names in /proc/self/maps here\n");
    else
        assert_non_null(strstr(line, "[anon:tarn-test]"));
    tarn_os_release(p, page);
}

static void huge_pages_or_a_clear_no(void **state)
{
    size_t huge = tarn_os_huge_size();
    char *p;
    (void)state;
    if (huge == 0)
        skip();
    p = tarn_os_map_huge(huge, huge);
    if (p != NULL) {
        assert_true(tarn_is_aligned(p, huge) && is_all(p, huge, 0));
        tarn_os_release(p, huge);
    }
    p = tarn_os_map(huge, huge);
    assert_non_null(p);
    if (tarn_os_advise_huge(p, huge))
        assert_true(is_all(p, huge, 0));
    tarn_os_release(p, huge);
}

/* Resident pages of a range, as the system counts them. */
static size_t resident(void *p, size_t size)
{
    unsigned char there[64];
    size_t count = 0;
    assert_true(size / page <= sizeof there);
    assert_int_equal(mincore(p, size, there), 0);
    for (size_t i = 0; i < size / page; i++)
        count += there[i] & 1;
    return count;
}

static void populated_pages_are_there_and_unchanged(void **state)
{
    char *p = tarn_os_map(32 * page, page);
    (void)state;
    if (!tarn_hears_advice())
        skip();
    assert_non_null(p);
    assert_int_equal(resident(p, 32 * page), 0);
    p[3 * page] = 7;
    errno = 77;
    assert_true(tarn_os_populate(p, 8 * page, true));
    assert_int_equal(errno, 77);
    assert_int_equal(resident(p, 8 * page), 8);
    assert_int_equal(resident(p + 8 * page, 24 * page), 0);
    assert_int_equal(p[3 * page], 7);
    tarn_os_release(p, 32 * page);
}

/* Linux before 5.14 has no call for it; others may say that there is no memory. */
static void without_the_call(void *arg)
{
    char *p = tarn_os_map(8 * page, page);
    assert_child(p != NULL);
    p[page] = 7;
    assert_child(tarn_refuse_call(SYS_madvise, 2, 23, *(int *)arg));
    assert_child(tarn_os_populate(p, 8 * page, true) == (*(int *)arg == EINVAL));
    assert_child(!tarn_os_populate(p, 8 * page, false));
    assert_child(resident(p, 8 * page) == (*(int *)arg == EINVAL ? 8 : 1));
    assert_child(p[page] == 7);
}

static void populating_without_the_call(void **state)
{
    int errors[] = {EINVAL, ENOMEM, EFAULT};
    (void)state;
    if (!tarn_can_refuse())
        skip();
    for (size_t i = 0; i < 3; i++)
        assert_survives(without_the_call, &errors[i]);
}

/* Every call of the system refused in turn: a clear no, errno as it was, nothing changed. */
static void without_memory(void *arg)
{
    char *p = tarn_os_map(4 * page, page), *q = tarn_os_reserve(4 * page, page);
    (void)arg;
    assert_child(p != NULL && q != NULL);
    memset(p, 7, 4 * page);
    assert_child(tarn_refuse_call(SYS_madvise, REFUSE_ANY, 0, EPERM));
    assert_child(tarn_refuse_call(SYS_mprotect, REFUSE_ANY, 0, ENOMEM));
    assert_child(tarn_refuse_call(SYS_mremap, REFUSE_ANY, 0, ENOMEM));
    errno = 77;
    assert_child(!tarn_os_commit(q, page));
    assert_child(!tarn_os_purge(p, page));
    assert_child(!tarn_os_advise_huge(p, page));
    assert_child(tarn_os_remap(p, 4 * page, 8 * page, page, true) == NULL);
    assert_child(tarn_os_remap(p, 4 * page, 8 * page, 1u << 20, true) == NULL);
    assert_child(errno == 77 && is_all(p, 4 * page, 7));
}

static void refused_calls_change_nothing(void **state)
{
    (void)state;
    if (!tarn_can_refuse())
        skip();
    assert_survives(without_memory, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_make_sense),
        cmocka_unit_test(mapped_pages_are_zero_and_aligned),
        cmocka_unit_test(alignment_leaves_nothing_behind),
        cmocka_unit_test(reserved_is_untouchable_until_committed),
        cmocka_unit_test(purged_reads_as_zero),
        cmocka_unit_test(remap_keeps_contents_and_alignment),
        cmocka_unit_test(impossible_requests_fail),
        cmocka_unit_test(names_show_where_the_system_can),
        cmocka_unit_test(huge_pages_or_a_clear_no),
        cmocka_unit_test(populated_pages_are_there_and_unchanged),
        cmocka_unit_test(populating_without_the_call),
        cmocka_unit_test(refused_calls_change_nothing),
    };
    page = tarn_os_page_size();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
