/* SPDX-License-Identifier: MIT */
/* slab_page_test.c - pages: which block is next, empty pages for other classes and for the parent, metadata outside. */
#include "strategy/slab_page.h"
#include "support/probe.h"
#include "support/tarn_test.h"

enum { PAGE = 4096, N = 4000 };

static void *blocks[N];
static probe parent, metadata;
static tarn_slab slab;

static void start(tarn_slab_options o)
{
    o.parent = probe_init(&parent, NULL);
    o.page_size = o.page_size != 0 ? o.page_size : PAGE;
    o.largest = o.sizes == NULL && o.largest == 0 ? 512 : o.largest;
    assert_int_equal(tarn_slab_init(&slab, &o), TARN_OK);
}

static void stop(void)
{
    assert_int_equal(tarn_slab_check(&slab), TARN_OK);
    tarn_slab_deinit(&slab);
    assert_int_equal(parent.faults, 0);
    assert_int_equal(probe_deinit(&parent), 0);
}

static uintptr_t page_of(const void *block)
{
    return (uintptr_t)block & ~(uintptr_t)(PAGE - 1);
}

/* Take n blocks, all in ascending order within their page. */
static void fill(size_t n, size_t size)
{
    for (size_t i = 0; i < n; i++) {
        blocks[i] = tarn_slab_alloc(&slab, size, 0);
        assert_non_null(blocks[i]);
    }
}

static void fresh_blocks_of_a_page_ascend_by_their_size(void **unused)
{
    (void)unused;
    start((tarn_slab_options){0});
    fill(200, 48);
    for (size_t i = 1; i < 200; i++) {
        if (page_of(blocks[i]) == page_of(blocks[i - 1]))
            assert_int_equal((char *)blocks[i] - (char *)blocks[i - 1], 48);
    }
    stop();
}

static void the_fullest_page_is_used_first_and_from_its_start(void **unused)
{
    (void)unused;
    static const size_t sizes[] = {128};
    start((tarn_slab_options){.sizes = sizes, .size_count = 1});
    size_t first, a_page = tarn_slab_fit(&slab, &slab.classes[0], &first);
    fill(a_page * 3, 128);
    /* Of the first page one block stays, of the third all but two go back. */
    for (size_t i = 1; i < a_page; i++)
        tarn_slab_free(&slab, blocks[i], 128, 0);
    void *low = blocks[a_page * 2 + 4], *high = blocks[a_page * 2 + 9];
    tarn_slab_free(&slab, high, 128, 0);
    tarn_slab_free(&slab, low, 128, 0);
    tarn_slab_flush(&slab);
    assert_ptr_equal(tarn_slab_alloc(&slab, 128, 0), low);
    assert_ptr_equal(tarn_slab_alloc(&slab, 128, 0), high);
    assert_int_equal(page_of(tarn_slab_alloc(&slab, 128, 0)), page_of(blocks[0]));
    stop();
}

static void an_empty_page_serves_another_class(void **unused)
{
    (void)unused;
    start((tarn_slab_options){.idle_pages = 100});
    fill(1000, 64);
    for (size_t i = 0; i < 1000; i++)
        tarn_slab_free(&slab, blocks[i], 64, 0);
    size_t held = parent.stats.live_blocks;
    fill(500, 72); /* less room than those had */
    fill(60, 256);
    assert_int_equal(parent.stats.live_blocks, held);
    stop();
}

static void idle_pages_go_back_but_for_some(void **unused)
{
    (void)unused;
    static tarn_slab_class_stats one;
    start((tarn_slab_options){.idle_pages = 3});
    fill(N, 64);
    size_t pages = slab.core->page_count;
    assert_in_range(pages, 60, 80);
    for (size_t i = 0; i < N; i++)
        tarn_slab_free(&slab, blocks[i], 64, 0);
    assert_in_range(slab.core->idle_count, 3, 4);
    assert_in_range(slab.core->page_count, 3, 6); /* and what the blocks at hand lie in */
    assert_true(tarn_slab_get_class(&slab, 7, &one));
    assert_int_equal(one.size, 64);
    assert_int_equal(one.live_blocks, 0);
    size_t held = parent.stats.live_bytes, gone = tarn_slab_trim(&slab);
    assert_int_equal(slab.core->page_count, 0);
    assert_int_equal(parent.stats.live_bytes, held - gone);
    assert_true(tarn_slab_alloc(&slab, 64, 0) != NULL);
    stop();
}

static void before_a_refusal_the_blocks_at_hand_give_way(void **unused)
{
    (void)unused;
    start((tarn_slab_options){.limit = 2 * PAGE});
    fill(40, 64);
    void *other = tarn_slab_alloc(&slab, 128, 0);
    assert_non_null(other);
    assert_null(tarn_slab_alloc(&slab, 256, 0));
    assert_int_equal(tarn_get_why(&slab.allocator).status, TARN_LIMIT);
    tarn_slab_free(&slab, other, 128, 0); /* its page is kept by blocks at hand alone */
    assert_int_equal(slab.core->idle_count, TARN_CHECKED ? 1 : 0);
    assert_non_null(tarn_slab_alloc(&slab, 256, 0));
    stop();
}

static bool free_it(void *user, void *block, size_t size)
{
    ++*(size_t *)user;
    tarn_slab_free(&slab, block, size, 0);
    return true;
}

static void no_page_goes_while_a_visitor_frees_all_blocks(void **unused)
{
    (void)unused;
    size_t seen = 0;
    start((tarn_slab_options){.idle_pages = 1});
    fill(3000, 64);
    size_t pages = slab.core->page_count;
    assert_int_equal(tarn_slab_visit(&slab, free_it, &seen), TARN_OK);
    assert_int_equal(seen, 3000);
    assert_int_equal(slab.core->page_count, pages);
    assert_true(tarn_slab_trim(&slab) > 0);
    assert_int_equal(slab.core->page_count, 0);
    stop();
}

static void with_metadata_outside_no_byte_of_a_page_is_written(void **unused)
{
    (void)unused;
    static _Alignas(PAGE) unsigned char bytes[64 * PAGE];
    memset(bytes, 0xa5, sizeof bytes);
    tarn_slab_options o = {.largest = 512,
                           .page_size = PAGE,
                           .buffer = bytes,
                           .buffer_size = sizeof bytes,
                           .metadata = probe_init(&metadata, NULL)};
    assert_int_equal(tarn_slab_init(&slab, &o), TARN_OK);
    for (int round = 0; round < 3; round++) {
        size_t n = 0;
        while (n < N && (blocks[n] = tarn_slab_alloc(&slab, 64 + n % 3 * 100, 0)) != NULL)
            n++;
        assert_true(n > 1000);
        for (size_t i = n; i-- > 0;)
            tarn_slab_free(&slab, blocks[i], 64 + i % 3 * 100, 0);
        assert_int_equal(tarn_slab_check(&slab), TARN_OK);
    }
    /* A page of a class is as many blocks as fit, from its first byte on. */
    size_t n = 0;
    assert_int_equal(tarn_slab_reset(&slab), TARN_OK);
    while (n < N && (blocks[n] = tarn_slab_alloc(&slab, 512, 0)) != NULL)
        n++;
    assert_int_equal(n, sizeof bytes / 512);
    tarn_slab_deinit(&slab);
    for (size_t i = 0; i < sizeof bytes; i++)
        assert_int_equal(bytes[i], 0xa5);
    assert_int_equal(metadata.faults, 0);
    assert_int_equal(probe_deinit(&metadata), 0);
}

static void places_are_told_without_reading_them(void **unused)
{
    (void)unused;
    size_t i;
    start((tarn_slab_options){0});
    char *block = tarn_slab_alloc(&slab, 100, 0);
    const tarn_slab_page *p = tarn_slab_page_at(&slab, block, true);
    assert_non_null(p);
    assert_int_equal(tarn_slab_locate(&slab, p, block, &i), TARN_SLAB_CARVED);
    assert_int_equal(tarn_slab_locate(&slab, p, block + 1, &i), TARN_SLAB_INSIDE);
    assert_int_equal(tarn_slab_locate(&slab, p, p, &i), TARN_SLAB_FOREIGN);
    assert_int_equal(tarn_slab_owns(&slab, block), TARN_YES);
    assert_int_equal(tarn_slab_owns(&slab, block + 99), TARN_YES);
    assert_int_equal(tarn_slab_owns(&slab, p), TARN_NO);
    assert_int_equal(tarn_slab_owns(&slab, (void *)(uintptr_t)64), TARN_NO);
    assert_int_equal(tarn_slab_owns(&slab, NULL), TARN_NO);
    assert_int_equal(tarn_slab_owns(&slab, &slab), TARN_NO);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_blocks_of_a_page_ascend_by_their_size),
        cmocka_unit_test(the_fullest_page_is_used_first_and_from_its_start),
        cmocka_unit_test(an_empty_page_serves_another_class),
        cmocka_unit_test(idle_pages_go_back_but_for_some),
        cmocka_unit_test(before_a_refusal_the_blocks_at_hand_give_way),
        cmocka_unit_test(no_page_goes_while_a_visitor_frees_all_blocks),
        cmocka_unit_test(with_metadata_outside_no_byte_of_a_page_is_written),
        cmocka_unit_test(places_are_told_without_reading_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
