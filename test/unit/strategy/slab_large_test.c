/* SPDX-License-Identifier: MIT */
/* slab_large_test.c - what no class serves: the parent gets size and alignment back whatever the program says, and the
 * slab knows every such block. */
#include "strategy/slab_page.h"
#include "support/probe.h"
#include "support/tarn_test.h"

#include <tarn/arena.h>

enum { N = 300 };

static probe parent;
static tarn_slab slab;
static char *blocks[N];

static void start(const probe_options *how, tarn_slab_options o)
{
    o.parent = probe_init(&parent, how);
    o.largest = 512;
    assert_int_equal(tarn_slab_init(&slab, &o), TARN_OK);
}

static void stop(size_t left)
{
    tarn_slab_deinit(&slab);
    assert_int_equal(parent.faults, 0);
    assert_string_equal(parent.first_fault, "");
    assert_int_equal(probe_deinit(&parent), left);
}

static void sizes_and_alignments_come_back_as_they_were(void **unused)
{
    (void)unused;
    start(&(probe_options){.slack = 64}, (tarn_slab_options){0});
    for (size_t i = 0; i < N; i++) {
        blocks[i] = tarn_slab_alloc(&slab, i % 2 != 0 ? 600 + i : 8, i % 2 != 0 ? 3 : 11);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % (i % 2 != 0 ? 8 : 2048), 0);
        assert_int_equal(tarn_slab_owns(&slab, blocks[i] + 7), TARN_YES);
    }
    for (size_t i = 0; i < N; i++) /* every third without its size */
        tarn_slab_free(&slab, blocks[i],
                       i % 3 == 0   ? 0
                       : i % 2 != 0 ? 600 + i
                                    : 8,
                       i % 2 != 0 ? 3 : 11);
    assert_int_equal(slab.core->large_map.count, 0);
    assert_int_equal(slab.core->large_bytes, 0);
    tarn_block b = tarn_alloc_at_least(&slab.allocator, 601, 0);
    assert_int_equal(b.size, 640);
    assert_int_equal(tarn_usable(&slab.allocator, b.ptr, 601, 0), 640);
    tarn_slab_free(&slab, b.ptr, 620, 0);
    stop(0);
}

/* The program used less than it was granted: what it did not use is zeroed, too. */
static void growth_is_zeroed_from_where_the_program_was(void **unused)
{
    (void)unused;
    start(&(probe_options){.slack = 64}, (tarn_slab_options){0});
    tarn_block b = tarn_alloc_at_least(&slab.allocator, 601, 0);
    assert_int_equal(b.size, 640);
    memset(b.ptr, 7, b.size);
    unsigned char *p =
        tarn_resize(&slab.allocator, b.ptr, 601, 630, 601, TARN_ZERO | TARN_IN_PLACE);
    assert_ptr_equal(p, b.ptr);
    for (size_t i = 0; i < 630; i++)
        assert_int_equal(p[i], i < 601 ? 7 : 0);
    tarn_slab_free(&slab, p, 630, 0);
    stop(0);
}

/* An arena hands out blocks of no bytes where the next block will be. */
static void no_bytes_have_an_address_of_their_own(void **unused)
{
    (void)unused;
    tarn_arena arena;
    assert_int_equal(tarn_arena_init(&arena, NULL), TARN_OK);
    assert_int_equal(
        tarn_slab_init(&slab, &(tarn_slab_options){.parent = tarn_arena_allocator(&arena),
                                                   .largest = 64,
                                                   .check = true}),
        TARN_OK);
    tarn_allocator *a = &slab.allocator;
    void *nothing = tarn_alloc(a, 0, 12);
    void *block = tarn_alloc(a, 1000, 12);
    assert_non_null(nothing);
    assert_ptr_not_equal(nothing, block);
    assert_true(tarn_usable(a, block, 1000, 12) >= 1000);
    void *shrunk = tarn_resize(a, block, 1000, 0, 0, 12), *next = tarn_alloc(a, 2000, 12);
    assert_ptr_not_equal(shrunk, next);
    tarn_free(a, next, 2000, 12);
    tarn_free(a, shrunk, 0, 12);
    tarn_free(a, nothing, 0, 12);
    assert_int_equal(slab.core->large_bytes, 0);
    tarn_slab_deinit(&slab);
    tarn_arena_deinit(&arena);
}

static bool forget_some(void *user, void *block, size_t size)
{
    size_t *seen = user;
    ++*seen;
    if ((uintptr_t)block / 64 % 3 != 0)
        tarn_slab_free(&slab, block, size, 4);
    return true;
}

static void a_visitor_may_free_what_it_sees(void **unused)
{
    (void)unused;
    for (size_t n = 1; n < 200; n += 13) { /* many tables, full and not */
        size_t seen = 0, again = 0;
        start(NULL, (tarn_slab_options){0});
        for (size_t i = 0; i < n; i++)
            assert_non_null(tarn_slab_alloc(&slab, 700, 4));
        for (size_t i = 0; i < n; i++)
            assert_non_null(tarn_slab_alloc(&slab, 300, 4));
        assert_int_equal(tarn_slab_visit(&slab, forget_some, &seen), TARN_OK);
        assert_int_equal(seen, 2 * n);
        tarn_stats stats;
        assert_int_equal(tarn_slab_stats(&slab, &stats), TARN_OK);
        assert_int_equal(tarn_slab_visit(&slab, forget_some, &again), TARN_OK);
        assert_int_equal(again, stats.live_blocks);
        assert_int_equal(tarn_slab_check(&slab), TARN_OK);
        stop(0);
    }
}

static void reset_and_deinit_return_them_too(void **unused)
{
    (void)unused;
    start(NULL, (tarn_slab_options){0});
    for (size_t i = 0; i < N; i++)
        assert_non_null(tarn_slab_alloc(&slab, 2000, 0));
    assert_int_equal(tarn_slab_reset(&slab), TARN_OK);
    assert_int_equal(parent.stats.live_blocks, 1); /* the tables */
    assert_int_equal(tarn_slab_owns(&slab, blocks[0]), TARN_NO);
    assert_non_null(tarn_slab_alloc(&slab, 2000, 0));
    stop(0);
}

static void resize_goes_to_the_parent_and_between_the_two(void **unused)
{
    (void)unused;
    start(NULL, (tarn_slab_options){0});
    char *p = tarn_slab_alloc(&slab, 100, 0);
    memset(p, 7, 100);
    assert_ptr_equal(tarn_resize(&slab.allocator, p, 100, 104, 100, TARN_IN_PLACE), p);
    assert_null(tarn_resize(&slab.allocator, p, 104, 50, 50, TARN_IN_PLACE));
    assert_int_equal(tarn_get_why(&slab.allocator).status, TARN_UNSUPPORTED);
    p = tarn_resize(&slab.allocator, p, 104, 5000, 100, TARN_ZERO);
    assert_int_equal(tarn_slab_large_size(&slab, p), 5000);
    p = tarn_resize(&slab.allocator, p, 5000, 50000, 104, 0);
    assert_int_equal(tarn_slab_large_size(&slab, p), 50000);
    assert_int_equal(slab.core->large_bytes, 50000);
    p = tarn_resize(&slab.allocator, p, 0, 90, 90, 0);
    assert_int_equal(slab.core->large_map.count, 0);
    for (int i = 0; i < 90; i++)
        assert_int_equal(p[i], 7);
    tarn_slab_free(&slab, p, 0, 0);
    stop(0);
}

static void a_parent_that_refuses_leaves_no_trace(void **unused)
{
    (void)unused;
    start(&(probe_options){.max_size = 20000}, (tarn_slab_options){.page_size = 16384});
    size_t held = parent.stats.live_bytes;
    assert_null(tarn_slab_alloc(&slab, 30000, 0));
    assert_int_equal(tarn_get_why(&slab.allocator).status, parent.why.status);
    assert_int_equal(parent.stats.live_bytes, held);
    char *p = tarn_slab_alloc(&slab, 10000, 0);
    assert_null(tarn_resize(&slab.allocator, p, 10000, 30000, 10, 0));
    assert_int_equal(tarn_slab_large_size(&slab, p), 10000);
    stop(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_alignments_come_back_as_they_were),
        cmocka_unit_test(no_bytes_have_an_address_of_their_own),
        cmocka_unit_test(growth_is_zeroed_from_where_the_program_was),
        cmocka_unit_test(a_visitor_may_free_what_it_sees),
        cmocka_unit_test(reset_and_deinit_return_them_too),
        cmocka_unit_test(resize_goes_to_the_parent_and_between_the_two),
        cmocka_unit_test(a_parent_that_refuses_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
