/* SPDX-License-Identifier: MIT */
/* Magazines: what is at hand, what goes back, what is not kept, and a reserve that cannot fail. */
#include "support/tarn_test.h"

#include <tarn/cache.h>
#include <tarn/source.h>

#include "support/probe.h"

static probe below;
static tarn_cache cache;

static tarn_allocator *make(tarn_cache_options o, const probe_options *under)
{
    o.parent = probe_init(&below, under);
    o.name = "mine";
    assert_int_equal(tarn_cache_init(&cache, &o), TARN_OK);
    return tarn_cache_allocator(&cache);
}

static void done(void)
{
    tarn_cache_deinit(&cache);
    probe_deinit(&below); /* a block that was left is a fault */
    assert_int_equal(below.faults, 0);
}

static void blocks_stay_at_hand(void **state)
{
    (void)state;
    tarn_allocator *a = make((tarn_cache_options){.depth = 8}, NULL);
    void *p = tarn_alloc(a, 100, 3);
    assert_int_equal(tarn_cache_idle(&cache), 3); /* half a magazine came, one of it is out */
    tarn_free(a, p, 100, 3);
    assert_ptr_equal(tarn_alloc(a, 112, 3), p); /* the same step, the last one in */
    assert_int_equal(tarn_usable(a, p, 112, 3), 112);
    tarn_free(a, p, 100, 3);
    assert_int_equal(tarn_cache_idle(&cache), 4);
    assert_int_equal(tarn_check(a), TARN_OK);
    assert_int_equal(tarn_cache_flush(&cache), 4);
    assert_int_equal(tarn_cache_idle(&cache), 0);
    done();
}

static void a_full_magazine_gives_half_back(void **state)
{
    void *p[20];
    (void)state;
    tarn_allocator *a = make((tarn_cache_options){.depth = 8}, NULL);
    for (size_t i = 0; i < 20; i++)
        p[i] = tarn_alloc(a, 16, 4);
    for (size_t i = 0; i < 20; i++)
        tarn_free(a, p[i], 16, 4);
    assert_true(tarn_cache_idle(&cache) >= 4 && tarn_cache_idle(&cache) <= 8);
    assert_int_equal(tarn_check(a), TARN_OK);
    done();
}

static void large_and_aligned_ones_go_through(void **state)
{
    (void)state;
    tarn_allocator *a = make((tarn_cache_options){.largest = 64}, NULL);
    void *p = tarn_alloc(a, 65, 0), *q = tarn_alloc(a, 8, 8);
    assert_int_equal((uintptr_t)q % 256, 0);
    assert_int_equal(tarn_cache_idle(&cache), 0);
    p = tarn_resize(a, p, 65, 4000, 65, 0);
    p = tarn_resize(a, p, 4000, 10, 10, 0); /* now it is one that is kept */
    assert_non_null(p);
    assert_null(tarn_resize(a, p, 10, 17, 10, TARN_IN_PLACE));
    tarn_free(a, p, 10, 0);
    tarn_free(a, q, 8, 8);
    assert_true(tarn_cache_idle(&cache) > 0);
    done();
}

static void zero_is_zero_the_second_time(void **state)
{
    (void)state;
    tarn_allocator *a = make((tarn_cache_options){0}, NULL);
    unsigned char *p = tarn_alloc(a, 48, 4);
    memset(p, 9, 48);
    tarn_free(a, p, 48, 4);
    unsigned char *q = tarn_alloc(a, 40, 4 | TARN_ZERO);
    assert_ptr_equal(q, p);
    for (size_t i = 0; i < 40; i++)
        assert_int_equal(q[i], 0);
    memset(q, 9, 48);
    assert_ptr_equal(tarn_resize(a, q, 40, 48, 40, TARN_ZERO | 4), q);
    assert_int_equal(q[47], 0);
    tarn_free(a, q, 48, 4);
    done();
}

static void a_reserve_cannot_fail(void **state)
{
    static const probe_options few = {.max_blocks = 10};
    void *p[9];
    (void)state;
    tarn_allocator *a = make((tarn_cache_options){.depth = 16}, &few);
    assert_int_equal(tarn_cache_fill(&cache, 30, 9), TARN_OK);
    assert_int_equal(tarn_cache_fill(&cache, 30, 9), TARN_OK);
    assert_int_equal(tarn_cache_idle(&cache), 9);
    assert_int_equal(tarn_cache_fill(&cache, 30, 17), TARN_LIMIT);
    assert_int_equal(tarn_cache_fill(&cache, 600, 1), TARN_TOO_BIG);
    assert_int_not_equal(tarn_cache_fill(&cache, 30, 12), TARN_OK);
    for (size_t i = 0; i < 9; i++)
        assert_non_null(p[i] = tarn_alloc(a, 30, 0));
    for (size_t i = 0; i < 9; i++)
        tarn_free(a, p[i], 30, 0);
    /* What is at hand of one size gives way to another. */
    assert_non_null(p[0] = tarn_alloc(a, 300, 0));
    tarn_free(a, p[0], 300, 0);
    done();
}

static void refusals_are_the_callers(void **state)
{
    static const probe_options small = {.max_size = 100};
    (void)state;
    tarn_allocator *a = make((tarn_cache_options){0}, &small);
    assert_null(tarn_alloc(a, 201, 2));
    assert_int_equal(tarn_get_why(a).size, 201);
    done();
    const tarn_cache_options bad[] = {{.parent = NULL},
                                      {.parent = tarn_libc(), .depth = 1},
                                      {.parent = tarn_libc(), .largest = 10},
                                      {.parent = tarn_libc(), .step = 24},
                                      {.parent = tarn_libc(), .align = 3},
                                      {.parent = tarn_libc(), .depth = SIZE_MAX / 4}};
    const tarn_status why[] = {TARN_BAD_ARGUMENT, TARN_BAD_ARGUMENT, TARN_BAD_ARGUMENT,
                               TARN_BAD_ALIGN,    TARN_BAD_ALIGN,    TARN_TOO_BIG};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tarn_cache_init(&cache, &bad[i]), why[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_stay_at_hand),
        cmocka_unit_test(a_full_magazine_gives_half_back),
        cmocka_unit_test(large_and_aligned_ones_go_through),
        cmocka_unit_test(zero_is_zero_the_second_time),
        cmocka_unit_test(a_reserve_cannot_fail),
        cmocka_unit_test(refusals_are_the_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
