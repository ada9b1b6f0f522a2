/* SPDX-License-Identifier: MIT */
/* The page source and its allocator: one state, one limit, nothing left mapped. */
#include "support/tarn_test.h"

#include <pthread.h>
#include <stdlib.h>

#include <tarn/pages.h>

#include "os/pages.h"

static size_t page;

static size_t mapped(const tarn_pages *p)
{
    tarn_pages_report r;
    tarn_pages_get_report(p, &r);
    return r.mapped;
}

static void regions(void **state)
{
    tarn_pages p;
    tarn_region r;
    (void)state;
    assert_int_equal(tarn_pages_init(&p, &(tarn_pages_options){.name = "test"}), TARN_OK);
    assert_int_equal(p.source.granule, page);
    assert_string_equal(tarn_source_name(&p.source), "test");
    for (size_t align = 1; align <= 1u << 20; align <<= 2) {
        assert_int_equal(tarn_source_map(&p.source, 10000, align, 0, &r), TARN_OK);
        assert_true(r.size >= 10000 && r.size % page == 0);
        assert_int_equal((uintptr_t)r.ptr % align, 0);
        assert_int_equal(r.traits, TARN_REGION_ZEROED | TARN_REGION_COMMITTED);
        assert_int_equal(mapped(&p), r.size);
        memset(r.ptr, 1, r.size);
        assert_int_equal(tarn_source_purge(&p.source, r.ptr, page), TARN_OK);
        assert_int_equal(*(char *)r.ptr, 0);
        tarn_source_unmap(&p.source, r.ptr, r.size, align);
        assert_int_equal(mapped(&p), 0);
    }
    tarn_pages_deinit(&p);
}

static void reserve_and_commit(void **state)
{
    tarn_pages p;
    tarn_region r;
    (void)state;
    assert_int_equal(tarn_pages_init(&p, NULL), TARN_OK);
    assert_int_equal(tarn_source_map(&p.source, 1u << 28, 1u << 21, TARN_MAP_RESERVE, &r), TARN_OK);
    assert_int_equal(r.traits, TARN_REGION_ZEROED);
    assert_int_equal(tarn_source_commit(&p.source, (char *)r.ptr + page, page), TARN_OK);
    memset((char *)r.ptr + page, 1, page);
    assert_int_equal(tarn_source_commit(&p.source, (char *)r.ptr + page, 0), TARN_OK);
    tarn_source_unmap(&p.source, r.ptr, r.size, 1u << 21);
    tarn_pages_deinit(&p);
}

static void regions_change_size(void **state)
{
    tarn_pages p;
    tarn_region r, q;
    (void)state;
    assert_int_equal(tarn_pages_init(&p, NULL), TARN_OK);
    assert_int_equal(tarn_source_map(&p.source, 4 * page, page, 0, &r), TARN_OK);
    memset(r.ptr, 1, r.size);
    assert_int_equal(tarn_source_remap(&p.source, r.ptr, r.size, 64 * page, true, &q), TARN_OK);
    assert_int_equal(q.size, 64 * page);
    assert_int_equal(((char *)q.ptr)[4 * page - 1], 1);
    assert_int_equal(((char *)q.ptr)[4 * page], 0);
    assert_int_equal(mapped(&p), 64 * page);
    assert_int_equal(tarn_source_remap(&p.source, q.ptr, q.size, page, false, &r), TARN_OK);
    assert_ptr_equal(r.ptr, q.ptr);
    assert_int_equal(mapped(&p), page);
    tarn_source_unmap(&p.source, r.ptr, r.size, page);
    tarn_pages_deinit(&p);
}

static void the_limit_is_for_all_together(void **state)
{
    tarn_pages p;
    tarn_allocator *a;
    tarn_region r, none;
    char *block;
    (void)state;
    assert_int_equal(tarn_pages_init(&p, &(tarn_pages_options){.limit = 8 * page}), TARN_OK);
    a = tarn_pages_allocator(&p);
    assert_int_equal(tarn_source_map(&p.source, 5 * page, page, 0, &r), TARN_OK);
    block = tarn_alloc(a, 2 * page, 0);
    assert_non_null(block);
    assert_int_equal(tarn_source_map(&p.source, 2 * page, page, 0, &none), TARN_LIMIT);
    assert_null(tarn_alloc(a, page + 1, 0));
    assert_int_equal(tarn_get_why(a).status, TARN_LIMIT);
    assert_int_equal(tarn_get_why(a).size, page + 1);
    assert_int_equal(tarn_get_why(a).limit, 8 * page);
    assert_null(tarn_resize(a, block, 2 * page, 4 * page, 2 * page, 0));
    assert_int_equal(mapped(&p), 7 * page);
    block = tarn_resize(a, block, 2 * page, 3 * page, 2 * page, 0);
    assert_non_null(block);
    assert_int_equal(mapped(&p), 8 * page);
    tarn_free(a, block, 3 * page, 0);
    tarn_source_unmap(&p.source, r.ptr, r.size, page);
    assert_int_equal(mapped(&p), 0);
    tarn_pages_deinit(&p);
}

static void blocks(void **state)
{
    const size_t sizes[] = {0, 1, 4095, 4096, 4097, 100000};
    tarn_pages p;
    tarn_allocator *a = tarn_pages_allocator(&p);
    (void)state;
    assert_int_equal(tarn_pages_init(&p, NULL), TARN_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (unsigned log = 0; log <= 21; log += 3) {
            tarn_block b = tarn_alloc_at_least(a, sizes[i], log);
            assert_non_null(b.ptr);
            assert_true(b.size >= sizes[i] && b.size % page == 0 && b.size != 0);
            assert_int_equal((uintptr_t)b.ptr % ((uintptr_t)1 << log), 0);
            assert_int_equal(*(char *)b.ptr, 0);
            memset(b.ptr, 1, b.size);
            assert_int_equal(tarn_usable(a, b.ptr, sizes[i], log), b.size);
            tarn_free(a, b.ptr, (i & 1) != 0 ? b.size : sizes[i], log);
            assert_int_equal(mapped(&p), 0);
        }
    }
    tarn_pages_deinit(&p);
}

/* The tail of the last page may be dirty: growing within it must clear it when asked to. */
static void zeroed_growth(void **state)
{
    tarn_pages p;
    tarn_allocator *a = tarn_pages_allocator(&p);
    char *b;
    (void)state;
    assert_int_equal(tarn_pages_init(&p, NULL), TARN_OK);
    b = tarn_alloc(a, page, 0);
    assert_non_null(b);
    memset(b, 1, page);
    b = tarn_resize(a, b, page, 100, 100, TARN_IN_PLACE);
    assert_non_null(b);
    b = tarn_resize(a, b, 100, 200, 100, TARN_IN_PLACE | TARN_ZERO);
    assert_non_null(b);
    assert_int_equal(b[99], 1);
    assert_int_equal(b[100] | b[199], 0);
    assert_int_equal(b[200], 1);
    b = tarn_resize(a, b, 200, 20 * page, 200, TARN_NO_COPY | TARN_ZERO);
    assert_non_null(b);
    assert_int_equal(b[99], 1);
    for (size_t i = 200; i < 20 * page; i++)
        assert_int_equal(b[i], 0);
    tarn_free(a, b, 20 * page, 0);
    assert_int_equal(mapped(&p), 0);
    tarn_pages_deinit(&p);
}

static void aligned_blocks_stay_aligned(void **state)
{
    tarn_pages p;
    tarn_allocator *a = tarn_pages_allocator(&p);
    char *b[8];
    (void)state;
    assert_int_equal(tarn_pages_init(&p, NULL), TARN_OK);
    for (size_t i = 0; i < 8; i++) {
        b[i] = tarn_alloc(a, page, 20);
        assert_non_null(b[i]);
        *b[i] = (char)i;
    }
    for (size_t i = 0; i < 8; i++) {
        b[i] = tarn_resize(a, b[i], page, 3u << 20, page, 20);
        assert_non_null(b[i]);
        assert_int_equal(*b[i], i);
        assert_int_equal((uintptr_t)b[i] & ((1u << 20) - 1), 0);
    }
    for (size_t i = 0; i < 8; i++)
        tarn_free(a, b[i], 3u << 20, 20);
    assert_int_equal(mapped(&p), 0);
    tarn_pages_deinit(&p);
}

static void impossible_requests(void **state)
{
    const size_t sizes[] = {SIZE_MAX, SIZE_MAX - page, (size_t)PTRDIFF_MAX + 1};
    tarn_pages p;
    tarn_allocator *a = tarn_pages_allocator(&p);
    tarn_region r;
    char *b;
    (void)state;
    assert_int_equal(tarn_pages_init(&p, NULL), TARN_OK);
    b = tarn_alloc(a, 1, 0);
    assert_non_null(b);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        volatile size_t size = sizes[i];
        assert_null(tarn_alloc(a, size, 0));
        assert_int_equal(tarn_get_why(a).status, TARN_TOO_BIG);
        assert_null(tarn_resize(a, b, 1, size, 1, 0));
        assert_int_not_equal(tarn_source_map(&p.source, size, 1, 0, &r), TARN_OK);
    }
    assert_null(tarn_alloc(a, 1, TARN_ALIGN_BITS));
    /* Where a pointer has 32 bits such an alignment can be had. */
    if (sizeof(size_t) > 4)
        assert_null(tarn_alloc(a, 1, sizeof(size_t) * 8 - 1));
    assert_int_equal(mapped(&p), page);
    tarn_free(a, b, 1, 0);
    tarn_pages_deinit(&p);
}

static void huge_pages_tell_what_they_are(void **state)
{
    size_t huge = tarn_os_huge_size();
    tarn_pages p;
    tarn_pages_report report;
    tarn_region r;
    (void)state;
    assert_int_equal(tarn_pages_init(&p, &(tarn_pages_options){.huge = (tarn_huge)7}),
                     TARN_BAD_ARGUMENT);
    if (huge == 0)
        skip();
    assert_int_equal(tarn_pages_init(&p, &(tarn_pages_options){.huge = TARN_HUGE_EXPLICIT}),
                     TARN_OK);
    assert_int_equal(p.source.granule, huge);
    assert_int_equal(tarn_source_map(&p.source, 1, 1, 0, &r), TARN_OK);
    assert_int_equal(r.size, huge);
    *(char *)r.ptr = 1;
    tarn_pages_get_report(&p, &report);
    assert_int_equal(report.huge_explicit + report.huge_refused, 1);
    assert_true(report.huge_explicit + report.huge_advised <= 1);
    assert_int_equal((r.traits & TARN_REGION_HUGE) != 0,
                     report.huge_explicit + report.huge_advised);
    tarn_source_unmap(&p.source, r.ptr, r.size, 1);
    assert_int_equal(tarn_pages_init(&p, &(tarn_pages_options){.huge = TARN_HUGE_ADVISE}), TARN_OK);
    assert_int_equal(tarn_source_map(&p.source, 2 * huge, 1, 0, &r), TARN_OK);
    assert_int_equal((uintptr_t)r.ptr % huge, 0);
    tarn_source_unmap(&p.source, r.ptr, r.size, 1);
    assert_int_equal(mapped(&p), 0);
}

static void *churn(void *arg)
{
    tarn_allocator *a = arg;
    for (size_t i = 1; i < 300; i++) {
        char *b = tarn_alloc(a, i * 100, 0);
        if (b == NULL)
            continue; /* the limit: others have it all */
        memset(b, 1, i * 100);
        tarn_free(a, b, i * 100, 0);
    }
    return NULL;
}

static void any_thread(void **state)
{
    pthread_t threads[4];
    tarn_pages p;
    tarn_pages_report r;
    (void)state;
    assert_int_equal(tarn_pages_init(&p, &(tarn_pages_options){.limit = 16 * page}), TARN_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, tarn_pages_allocator(&p)), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    tarn_pages_get_report(&p, &r);
    assert_int_equal(r.mapped, 0);
    assert_int_equal(r.regions, 0);
    assert_true(r.peak != 0 && r.peak <= 16 * page);
    tarn_pages_deinit(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regions),
        cmocka_unit_test(reserve_and_commit),
        cmocka_unit_test(regions_change_size),
        cmocka_unit_test(the_limit_is_for_all_together),
        cmocka_unit_test(blocks),
        cmocka_unit_test(zeroed_growth),
        cmocka_unit_test(aligned_blocks_stay_aligned),
        cmocka_unit_test(impossible_requests),
        cmocka_unit_test(huge_pages_tell_what_they_are),
        cmocka_unit_test(any_thread),
    };
    page = tarn_os_page_size();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
