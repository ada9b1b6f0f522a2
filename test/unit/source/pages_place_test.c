/* SPDX-License-Identifier: MIT */
/* Where pages come from: huge ones, a node, at once; what became of it is told, and refusals are borne. */
#include "support/tarn_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <tarn/pages.h>

#include "os/huge.h"
#include "os/pages.h"
#include "support/death.h"
#include "support/hugepages.h"
#include "support/refuse.h"

static size_t page;

static size_t mapped(const tarn_pages *p)
{
    tarn_pages_report r;
    tarn_pages_get_report(p, &r);
    return r.mapped;
}

static void options_about_places_are_judged(void **state)
{
    const tarn_pages_options bad[] = {
        {.huge = (tarn_huge)7}, {.huge_size = 2u << 20},
        {.nodes = 1},           {.huge = TARN_HUGE_ADVISE, .huge_size = 2u << 20},
        {.numa = (tarn_numa)9},
    };
    tarn_pages p;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tarn_pages_init(&p, &bad[i]), TARN_BAD_ARGUMENT);
    assert_int_equal(
        tarn_pages_init(&p, &(tarn_pages_options){.huge = TARN_HUGE_EXPLICIT, .huge_size = page}),
        TARN_UNSUPPORTED);
    assert_int_equal(
        tarn_pages_init(&p, &(tarn_pages_options){.huge = TARN_HUGE_EXPLICIT, .huge_size = 12345}),
        TARN_UNSUPPORTED);
}

/* From a pool that has two pages: the third region falls back, and each says what it is. */
static void explicit_then_advised(void **state)
{
    size_t huge = tarn_os_huge_size();
    tarn_pages p;
    tarn_region r[3];
    tarn_huge_answer a;
    tarn_pages_report report;
    (void)state;
    if (huge == 0 || huge > (size_t)32 << 20 || !tarn_hears_advice() ||
        !tarn_raise_hugepages(huge, 2)) {
        print_message("no explicit huge pages can be had here\n");
        skip();
    }
    assert_int_equal(tarn_pages_init(&p, &(tarn_pages_options){.huge = TARN_HUGE_EXPLICIT,
                                                               .huge_size = huge,
                                                               .populate = true}),
                     TARN_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(tarn_source_map(&p.source, huge, 1, 0, &r[i]), TARN_OK);
        assert_int_equal(tarn_pages_ask_huge(&p, r[i].ptr, r[i].size, &a), TARN_OK);
        tarn_pages_get_report(&p, &report);
        assert_int_equal(report.huge_explicit + report.huge_refused, i + 1);
        if (i < 2) {
            assert_int_equal(a.kind, TARN_HUGE_EXPLICIT);
            assert_int_equal(a.page_size, huge);
            assert_true(a.counted && a.huge_bytes == huge);
        }
    }
    /* Another process may have left more in the pool than was found there. */
    if (report.huge_refused != 0) {
        assert_int_equal(a.kind, report.huge_advised != 0 ? TARN_HUGE_ADVISE : TARN_HUGE_OFF);
        assert_int_equal(a.page_size, page);
    }
    /* A reservation, and an alignment beyond the page's, get none. */
    size_t refused = report.huge_refused;
    tarn_source_unmap(&p.source, r[0].ptr, r[0].size, 1);
    assert_int_equal(tarn_source_map(&p.source, huge, 1, TARN_MAP_RESERVE, &r[0]), TARN_OK);
    tarn_source_unmap(&p.source, r[0].ptr, r[0].size, 1);
    assert_int_equal(tarn_source_map(&p.source, huge, 4 * huge, 0, &r[0]), TARN_OK);
    tarn_pages_get_report(&p, &report);
    assert_int_equal(report.huge_refused, refused + 2);
    tarn_source_unmap(&p.source, r[0].ptr, r[0].size, 4 * huge);
    tarn_source_unmap(&p.source, r[1].ptr, r[1].size, 1);
    tarn_source_unmap(&p.source, r[2].ptr, r[2].size, 1);
    tarn_pages_deinit(&p);
}

/* Those of one node are taken at once: a touch in vain would end the process. */
static void explicit_and_bound(void **state)
{
    size_t huge = tarn_os_huge_size();
    tarn_pages p;
    tarn_region r;
    tarn_huge_answer a;
    tarn_pages_report report;
    (void)state;
    if (huge == 0 || huge > (size_t)32 << 20 || !tarn_hears_advice() ||
        !tarn_raise_hugepages(huge, 1)) {
        print_message("no explicit huge pages can be had here\n");
        skip();
    }
    assert_int_equal(tarn_pages_init(&p, &(tarn_pages_options){.huge = TARN_HUGE_EXPLICIT,
                                                               .numa = TARN_NUMA_BIND}),
                     TARN_OK);
    if (tarn_source_map(&p.source, huge, 1, 0, &r) != TARN_OK)
        return; /* may ask for nodes, and not choose */
    tarn_pages_get_report(&p, &report);
    assert_int_equal(tarn_pages_ask_huge(&p, r.ptr, r.size, &a), TARN_OK);
    if (p.places.status == TARN_OK && report.huge_explicit == 1)
        assert_true(a.kind == TARN_HUGE_EXPLICIT && a.counted && a.huge_bytes == huge);
    tarn_source_unmap(&p.source, r.ptr, r.size, 1);
    tarn_pages_deinit(&p);
}

/* No page of a gibibyte is to be had, but as much in smaller ones: the second step of four. */
static void explicit_of_the_default_size_instead(void **state)
{
    size_t huge = tarn_os_huge_size(), gibibyte = sizeof(size_t) > 4 ? (size_t)1 << 30 : 0;
    tarn_pages p;
    tarn_region r;
    tarn_huge_answer a;
    (void)state;
    if (getenv("TARN_TEST_GIBIBYTE") == NULL || huge == 0 || !tarn_os_has_huge(gibibyte) ||
        huge >= gibibyte || !tarn_raise_hugepages(huge, gibibyte / huge)) {
        print_message("pages of a gibibyte are tried where TARN_TEST_GIBIBYTE is set\n");
        skip();
    }
    assert_int_equal(tarn_pages_init(&p, &(tarn_pages_options){.huge = TARN_HUGE_EXPLICIT,
                                                               .huge_size = gibibyte}),
                     TARN_OK);
    assert_int_equal(tarn_source_map(&p.source, 1, 1, 0, &r), TARN_OK);
    assert_int_equal(r.size, gibibyte);
    *(char *)r.ptr = 1;
    assert_int_equal(tarn_pages_ask_huge(&p, r.ptr, r.size, &a), TARN_OK);
    assert_int_equal(a.kind, TARN_HUGE_EXPLICIT);
    assert_int_equal(a.page_size, huge);
    assert_true(a.counted && a.huge_bytes == huge);
    tarn_source_unmap(&p.source, r.ptr, r.size, 1);
    tarn_pages_deinit(&p);
}

static int lower(void **state)
{
    (void)state;
    tarn_lower_hugepages();
    return 0;
}

static void asked_of_huge_pages(void **state)
{
    tarn_pages p;
    tarn_region r;
    tarn_huge_answer a;
    size_t big = (size_t)2 << 20;
    (void)state;
    if (!tarn_hears_advice())
        skip();
    assert_int_equal(
        tarn_pages_init(&p, &(tarn_pages_options){.huge = TARN_HUGE_ADVISE, .populate = true}),
        TARN_OK);
    assert_int_equal(tarn_source_map(&p.source, big, 1, 0, &r), TARN_OK);
    assert_int_equal(tarn_pages_ask_huge(&p, r.ptr, r.size, &a), TARN_OK);
    assert_int_equal(a.kind, (r.traits & TARN_REGION_HUGE) != 0 ? TARN_HUGE_ADVISE : TARN_HUGE_OFF);
    assert_int_equal(a.page_size, page);
    assert_true(a.huge_bytes <= r.size);
    print_message("%zu of %zu bytes are huge%s\n", a.huge_bytes, r.size,
                  a.counted ? "" : ", or more: the system does not tell");
    assert_int_equal(tarn_pages_ask_huge(&p, r.ptr, 0, &a), TARN_BAD_ARGUMENT);
    tarn_source_unmap(&p.source, r.ptr, r.size, 1);
    assert_int_equal(tarn_pages_ask_huge(&p, NULL, big, &a), TARN_UNSUPPORTED);
    assert_int_equal(a.kind, TARN_HUGE_OFF);
    assert_false(a.counted);
    tarn_pages_deinit(&p);
}

static bool is_resident(void *p)
{
    unsigned char there = 0;
    assert_int_equal(mincore(p, page, &there), 0);
    return (there & 1) != 0;
}

static void populated(void **state)
{
    tarn_pages p;
    tarn_allocator *a = tarn_pages_allocator(&p);
    tarn_region r;
    char *b;
    (void)state;
    if (!tarn_hears_advice())
        skip();
    assert_int_equal(tarn_pages_init(&p, &(tarn_pages_options){.populate = true}), TARN_OK);
    assert_int_equal(tarn_source_map(&p.source, 8 * page, 1, 0, &r), TARN_OK);
    for (size_t i = 0; i < 8; i++)
        assert_true(is_resident((char *)r.ptr + i * page));
    tarn_source_unmap(&p.source, r.ptr, r.size, 1);
    assert_int_equal(tarn_source_map(&p.source, 8 * page, 1, TARN_MAP_RESERVE, &r), TARN_OK);
    assert_int_equal(tarn_source_commit(&p.source, r.ptr, 4 * page), TARN_OK);
    assert_true(is_resident((char *)r.ptr + 3 * page));
    assert_false(is_resident((char *)r.ptr + 4 * page));
    tarn_source_unmap(&p.source, r.ptr, r.size, 1);
    b = tarn_alloc(a, page, 0);
    assert_non_null(b);
    b = tarn_resize(a, b, page, 9 * page, page, 0);
    assert_non_null(b);
    assert_true(is_resident(b + 8 * page));
    tarn_free(a, b, 9 * page, 0);
    tarn_pages_deinit(&p);
}

static void nodes_or_a_no_op_that_says_so(void **state)
{
    const tarn_numa ways[] = {TARN_NUMA_PREFER, TARN_NUMA_BIND, TARN_NUMA_INTERLEAVE};
    tarn_pages p;
    tarn_region r;
    tarn_numa_answer a;
    tarn_pages_report report;
    (void)state;
    assert_int_equal(tarn_pages_init(&p, NULL), TARN_OK);
    tarn_pages_get_numa(&p, &a);
    assert_int_equal(a.status, TARN_UNSUPPORTED);
    assert_string_equal(a.why, "not asked for");
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(
            tarn_pages_init(
                &p, &(tarn_pages_options){.numa = ways[i % 3], .nodes = i < 3 ? 0 : a.available}),
            TARN_OK);
        tarn_pages_get_numa(&p, &a);
        assert_int_equal(a.status, a.available != 0 ? TARN_OK : TARN_UNSUPPORTED);
        if (tarn_source_map(&p.source, 4 * page, 1, 0, &r) != TARN_OK) {
            assert_int_equal(ways[i % 3], TARN_NUMA_BIND); /* may ask, and not place */
            continue;
        }
        tarn_pages_get_report(&p, &report);
        assert_int_equal(report.numa_placed + report.numa_refused, a.status == TARN_OK);
        *(char *)r.ptr = 1;
        if (report.numa_placed != 0)
            assert_true((a.available >> tarn_pages_node(&p, r.ptr) & 1) != 0);
        tarn_source_unmap(&p.source, r.ptr, r.size, 1);
        tarn_pages_deinit(&p);
    }
}

static void nodes_that_are_not_there(void **state)
{
    uint64_t none = (uint64_t)1 << 63;
    tarn_pages p;
    tarn_numa_answer a;
    (void)state;
    assert_int_equal(
        tarn_pages_init(&p, &(tarn_pages_options){.numa = TARN_NUMA_PREFER, .nodes = none}),
        TARN_OK);
    tarn_pages_get_numa(&p, &a);
    if ((a.available & none) != 0)
        skip();
    assert_int_equal(a.status, TARN_UNSUPPORTED);
    assert_string_not_equal(a.why, "in effect");
    assert_int_equal(
        tarn_pages_init(&p, &(tarn_pages_options){.numa = TARN_NUMA_BIND, .nodes = none}),
        a.available != 0 ? TARN_UNSUPPORTED : TARN_OK);
}

/* The system knows of nodes and lets nobody choose: BIND refuses, the others count and go on. */
static void without_mbind(void *arg)
{
    tarn_pages p;
    tarn_region r;
    (void)arg;
    assert_child(tarn_refuse_call(SYS_mbind, REFUSE_ANY, 0, EPERM));
    assert_child(tarn_pages_init(&p, &(tarn_pages_options){.numa = TARN_NUMA_BIND}) == TARN_OK);
    assert_child(tarn_source_map(&p.source, page, 1, 0, &r) == TARN_UNSUPPORTED);
    assert_child(mapped(&p) == 0 && p.report.numa_refused == 1);
    assert_child(tarn_pages_init(&p, &(tarn_pages_options){.numa = TARN_NUMA_PREFER}) == TARN_OK);
    assert_child(tarn_source_map(&p.source, page, 1, 0, &r) == TARN_OK);
    assert_child(p.report.numa_refused == 1);
}

static void without_nodes(void *arg)
{
    tarn_pages p;
    tarn_region r;
    tarn_numa_answer a;
    (void)arg;
    assert_child(tarn_refuse_call(SYS_get_mempolicy, REFUSE_ANY, 0, ENOSYS));
    assert_child(tarn_pages_init(&p, &(tarn_pages_options){.numa = TARN_NUMA_BIND, .nodes = 2}) ==
                 TARN_OK);
    tarn_pages_get_numa(&p, &a);
    assert_child(a.status == TARN_UNSUPPORTED && a.available == 0);
    assert_child(tarn_source_map(&p.source, page, 1, 0, &r) == TARN_OK);
    assert_child(p.report.numa_placed + p.report.numa_refused == 0);
}

/* Pages of address space that the process has. */
static unsigned long address_space(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;
    assert_child(f != NULL && fscanf(f, "%lu", &pages) == 1);
    (void)fclose(f);
    return pages;
}

static void without_memory_to_populate(void *arg)
{
    tarn_pages p;
    tarn_region r;
    unsigned long before;
    (void)arg;
    assert_child(tarn_refuse_call(SYS_madvise, 2, 23, ENOMEM));
    assert_child(tarn_pages_init(&p, &(tarn_pages_options){.populate = true}) == TARN_OK);
    (void)address_space(); /* what reading the file takes is taken now */
    before = address_space();
    for (int i = 0; i < 8; i++)
        assert_child(tarn_source_map(&p.source, (size_t)16 << 20, 1, 0, &r) == TARN_NO_MEMORY);
    assert_child(mapped(&p) == 0);
    assert_child(address_space() < before + ((size_t)16 << 20) / page);
    assert_child(tarn_source_map(&p.source, page, 1, TARN_MAP_RESERVE, &r) == TARN_OK);
    assert_child(tarn_source_commit(&p.source, r.ptr, page) == TARN_NO_MEMORY);
}

static void refused_calls(void **state)
{
    tarn_pages p;
    tarn_numa_answer a;
    (void)state;
    if (!tarn_can_refuse())
        skip();
    assert_int_equal(tarn_pages_init(&p, NULL), TARN_OK);
    tarn_pages_get_numa(&p, &a);
    if (a.available != 0)
        assert_survives(without_mbind, NULL);
    assert_survives(without_nodes, NULL);
    assert_survives(without_memory_to_populate, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_about_places_are_judged),
        cmocka_unit_test_teardown(explicit_then_advised, lower),
        cmocka_unit_test_teardown(explicit_and_bound, lower),
        cmocka_unit_test_teardown(explicit_of_the_default_size_instead, lower),
        cmocka_unit_test(asked_of_huge_pages),
        cmocka_unit_test(populated),
        cmocka_unit_test(nodes_or_a_no_op_that_says_so),
        cmocka_unit_test(nodes_that_are_not_there),
        cmocka_unit_test(refused_calls),
    };
    page = tarn_os_page_size();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
