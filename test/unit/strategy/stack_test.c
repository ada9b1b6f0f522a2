/* SPDX-License-Identifier: MIT */
#include "support/tarn_test.h"

#include <tarn/new.h>
#include <tarn/stack.h>

#include "support/probe.h"

static tarn_stack stack;
static _Alignas(64) char bytes[4096];

/* Room for as many blocks of 16 bytes: what a checking stack adds is not counted in these tests. */
static void start(bool check)
{
    assert_int_equal(tarn_stack_init(&stack, &(tarn_stack_options){.name = "frames",
                                                                   .buffer = bytes,
                                                                   .buffer_size = sizeof bytes,
                                                                   .check = check}),
                     TARN_OK);
}

static tarn_allocator *end(int side)
{
    return tarn_stack_allocator(&stack, (tarn_stack_side)side);
}

static size_t used(int side)
{
    return side == TARN_STACK_LOW ? (size_t)(stack.end[0].top - stack.low)
                                  : (size_t)(stack.high - stack.end[1].top);
}

/* Tests of the layout are of a stack that does not check. */
#if TARN_CHECKED
#define NOT_CHECKED skip()
#else
#define NOT_CHECKED (void)0
#endif

static void blocks_come_back_in_reverse_order(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    for (int side = 0; side < 2; side++) {
        tarn_allocator *a = end(side);
        void *p[3];
        for (int i = 0; i < 3; i++)
            p[i] = tarn_alloc(a, (size_t)(20 + i * 30), TARN_ALIGN_MAX);
        assert_int_equal(used(side), 32 + 64 + 80);
        for (int i = 3; i-- > 0;)
            tarn_free(a, p[i], (size_t)(20 + i * 30), TARN_ALIGN_MAX);
        assert_int_equal(used(side), 0);
        assert_ptr_equal(tarn_alloc(a, 1, 0),
                         side == TARN_STACK_LOW ? (void *)bytes : bytes + sizeof bytes - 16);
    }
}

static void the_two_ends_share_the_room(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    assert_int_equal(tarn_stack_room(&stack), 4096);
    char *low = tarn_stack_alloc(&stack, 3000, 0), *high = tarn_stack_alloc_high(&stack, 1000, 0);
    assert_non_null(low);
    assert_non_null(high);
    assert_true(low + 3000 <= high);
    assert_int_equal(tarn_stack_room(&stack), 80);
    assert_null(tarn_stack_alloc(&stack, 81, 0));
    assert_int_equal(tarn_get_why(end(0)).status, TARN_LIMIT);
    assert_int_equal(tarn_get_why(end(0)).limit, 4096);
    assert_null(tarn_stack_alloc_high(&stack, 81, 0));
    assert_int_equal(tarn_get_why(end(1)).status, TARN_LIMIT);
    void *all = tarn_stack_alloc_high(&stack, 80, 0);
    assert_non_null(all);
    assert_null(tarn_stack_alloc(&stack, 0, 0));
    tarn_stack_free_high(&stack, all, 80, 0);
    tarn_stack_free(&stack, low, 3000, 0);
    assert_non_null(tarn_stack_alloc_high(&stack, 3000, 0)); /* what the other end had */
    assert_int_equal(tarn_check(end(0)), TARN_OK);
}

static void alignment_of_any_power_of_two_comes_back_whole(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    for (int side = 0; side < 2; side++)
        for (tarn_spec log = 0; log <= 10; log++) {
            tarn_allocator *a = end(side);
            void *small = tarn_alloc(a, 24, 3), *p = tarn_alloc(a, 100, log),
                 *q = tarn_alloc(a, 1, 0);
            assert_int_equal((uintptr_t)p % ((size_t)1 << log), 0);
            tarn_free(a, q, 1, 0);
            tarn_free(a, p, 100, log);
            assert_int_equal(used(side), 32);
            tarn_free(a, small, 24, 3);
            assert_int_equal(used(side), 0);
        }
    assert_null(tarn_stack_alloc(&stack, 1, 30));
    assert_int_equal(tarn_get_why(end(0)).status, TARN_LIMIT);
    assert_null(tarn_stack_alloc(&stack, 1, 63));
    assert_int_equal(tarn_get_why(end(0)).status, TARN_BAD_ALIGN);
}

/* S2 without checks: the memory stays, and nothing else happens. */
static void a_free_out_of_order_leaves_the_memory_until_a_rewind(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    for (int side = 0; side < 2; side++) {
        tarn_allocator *a = end(side);
        tarn_mark mark = tarn_get_mark(a);
        void *first = tarn_alloc(a, 16, 0), *second = tarn_alloc(a, 16, 6),
             *third = tarn_alloc(a, 16, 0);
        memset(third, 7, 16);
        size_t all = used(side);
        tarn_free(a, first, 16, 0);
        tarn_free(a, second, 16, 6);
        assert_int_equal(used(side), all);
        assert_int_equal(*(char *)third, 7);
        tarn_free(a, third, 16, 0);
        assert_int_equal(used(side), all - 16);
        assert_int_equal(tarn_rewind(a, mark), TARN_OK);
        assert_int_equal(used(side), 0);
    }
}

/* I4: garbage where a record would stand is not believed, nor are pointers from elsewhere. */
static void release_ignores_what_is_no_last_block(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    char elsewhere[64];
    for (int side = 0; side < 2; side++) {
        tarn_allocator *a = end(side);
        char *p = tarn_alloc(a, 64, 4), *q = tarn_alloc(a, 64, 4);
        memset(p, 0xff, 64);
        memset(q, 0xff, 64);
        size_t all = used(side);
        tarn_free(a, q, 64, 6); /* as if it had a record */
        tarn_free(a, elsewhere, 64, 4);
        tarn_free(a, q + 1, 64, 4);
        tarn_free(a, q, SIZE_MAX, 4);
        tarn_free(a, q, 128, 6);
        tarn_free(a, p, 16, 5);
        assert_int_equal(used(side), all);
        assert_int_equal(tarn_check(a), TARN_OK);
        tarn_free(a, q, 64, 4);
        tarn_free(a, p, 64, 4);
        assert_int_equal(used(side), 0);
    }
}

/* I4: a record counts only with its proof, and for the alignment it was made for. */
static void a_record_must_be_the_blocks_own(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    uintptr_t *words = tarn_stack_alloc(&stack, 64, 4);
    char *p = tarn_stack_alloc(&stack, 64, 4);
    assert_int_equal((uintptr_t)p % 64, 0);
    words[(64 - 16) / sizeof *words] = (uintptr_t)p - 16;
    tarn_stack_free(&stack, p, 64, 6);
    assert_int_equal(used(0), 128);
    tarn_stack_reset(&stack);
    for (int side = 0; side < 2; side++) {
        p = tarn_alloc(end(side), 64, 5);
        while ((uintptr_t)p % 64 == 0)
            p = tarn_alloc(end(side), 64, 5);
        size_t all = used(side);
        tarn_free(end(side), p, 64, 6);
        assert_int_equal(used(side), all);
        tarn_free(end(side), p, 64, 5);
        assert_true(used(side) < all);
    }
}

static void batches_go_back_from_either_end(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    void *blocks[10], *turned[10];
    for (int side = 0; side < 2; side++) {
        assert_int_equal(tarn_alloc_batch(end(side), 40, 3, 10, blocks), 10);
        tarn_free_batch(end(side), 40, 3, 10, blocks);
        assert_int_equal(used(side), 0);
        assert_int_equal(tarn_alloc_batch(end(side), 40, 3, 10, blocks), 10);
        for (int i = 0; i < 10; i++)
            turned[i] = blocks[9 - i];
        tarn_free_batch(end(side), 40, 3, 10, turned);
        assert_int_equal(used(side), 0);
        tarn_free_batch(end(side), 40, 3, 0, blocks);
    }
}

static void the_last_block_is_resized_without_other_memory(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    for (int side = 0; side < 2; side++)
        for (tarn_spec log = 4; log <= 6; log += 2) {
            tarn_allocator *a = end(side);
            char *first = tarn_alloc(a, 16, 0), *p = tarn_alloc(a, 50, log);
            memset(p, 3, 50);
            p = tarn_resize(a, p, 50, 500, 50, log | TARN_ZERO);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % ((size_t)1 << log), 0);
            for (int i = 0; i < 500; i++)
                assert_int_equal(p[i], i < 50 ? 3 : 0);
            assert_in_range(used(side), 16 + 500, 16 + 512 + 64);
            p = tarn_resize(a, p, 500, 20, 20, log);
            assert_int_equal(p[19], 3);
            assert_in_range(used(side), 16 + 20, 16 + 32 + 64);
            tarn_free(a, p, 20, log);
            assert_int_equal(used(side), 16);
            tarn_free(a, first, 16, 0);
            assert_int_equal(used(side), 0);
        }
}

static void resizes_that_cannot_be(void **state)
{
    (void)state;
    start(false);
    char *p = tarn_stack_alloc(&stack, 40, 0), *q = tarn_stack_alloc(&stack, 40, 0);
    assert_null(tarn_stack_resize(&stack, p, 40, 100, 40, TARN_IN_PLACE));
    assert_int_equal(tarn_get_why(end(0)).status, TARN_UNSUPPORTED);
    assert_null(tarn_stack_resize(&stack, p, 40, 8, 8, TARN_IN_PLACE));           /* S2 */
    assert_ptr_equal(tarn_stack_resize(&stack, p, 40, 48, 40, TARN_IN_PLACE), p); /* no change */
    assert_null(tarn_stack_resize(&stack, q, 40, 5000, 40, 0));
    assert_int_equal(tarn_get_why(end(0)).status, TARN_TOO_BIG);
    assert_null(tarn_stack_resize(&stack, q, 40, 4080, 40, 0));
    assert_int_equal(tarn_get_why(end(0)).status, TARN_LIMIT);
    assert_ptr_equal(tarn_stack_resize(&stack, q, 40, 1000, 40, TARN_IN_PLACE), q);
    char *h = tarn_stack_alloc_high(&stack, 40, 0);
    assert_null(tarn_stack_resize_high(&stack, h, 40, 100, 40, TARN_IN_PLACE));
    assert_null(tarn_stack_resize_high(&stack, h, 40, 4090, 40, 0));
    assert_int_equal(tarn_get_why(end(1)).status, TARN_LIMIT);
    tarn_stack_free_high(&stack, h, 40, 0);
    tarn_stack_free(&stack, q, 1000, 0);
    tarn_stack_free(&stack, p, 48, 0);
    assert_int_equal(tarn_stack_room(&stack), 4096);
}

static void marks_and_resets_are_of_one_end(void **state)
{
    (void)state;
    for (int check = 0; check < 2; check++) {
        start(check);
        void *keep = tarn_stack_alloc(&stack, 100, 0);
        char *high = tarn_stack_alloc_high(&stack, 100, 0);
        assert_non_null(keep);
        memset(high, 9, 100);
        tarn_mark mark = tarn_stack_mark(&stack, TARN_STACK_LOW);
        size_t room = tarn_stack_room(&stack);
        for (int i = 0; i < 5; i++)
            assert_non_null(tarn_stack_alloc(&stack, 50, (tarn_spec)i));
        assert_int_equal(tarn_stack_rewind(&stack, TARN_STACK_LOW, mark), TARN_OK);
        assert_int_equal(tarn_stack_room(&stack), room);
        tarn_mark none = {{NULL, NULL}};
#if !TARN_CHECKED
        if (check == 0) {
            assert_int_equal(tarn_stack_rewind(&stack, TARN_STACK_HIGH, mark), TARN_BAD_ARGUMENT);
            assert_int_equal(tarn_stack_rewind(&stack, TARN_STACK_LOW, none), TARN_BAD_ARGUMENT);
        }
#else
        (void)none;
#endif
        assert_int_equal(tarn_reset(end(0)), TARN_OK);
        assert_int_equal(high[99], 9);
        assert_int_equal(tarn_owns(end(1), high), TARN_YES);
        assert_int_equal(tarn_owns(end(0), keep), TARN_NO);
        tarn_stack_reset(&stack);
        assert_int_equal(tarn_stack_room(&stack), 4096);
        tarn_stack_deinit(&stack);
    }
}

static void the_peak_says_how_big_it_has_to_be(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    void *p = tarn_stack_alloc(&stack, 1000, 0), *q = tarn_stack_alloc(&stack, 500, 0);
    assert_in_range(tarn_stack_peak(&stack, TARN_STACK_LOW), 1008 + 512, 1008 + 512 + 64);
    tarn_stack_free(&stack, q, 500, 0);
    tarn_stack_free(&stack, p, 1000, 0);
    assert_non_null(tarn_stack_alloc_high(&stack, 2000, 10));
    tarn_stack_reset(&stack);
    assert_in_range(tarn_stack_peak(&stack, TARN_STACK_LOW), 1008 + 512, 1008 + 512 + 64);
    assert_in_range(tarn_stack_peak(&stack, TARN_STACK_HIGH), 2000, 2000 + 1024 + 16 + 64);
}

/* I6: each end may go as far as the other lets it, whoever was there first. */
static void the_ends_take_turns_in_the_middle(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    for (int round = 0; round < 4; round++) {
        tarn_allocator *a = end(round % 2), *b = end((round + 1) % 2);
        void *most = tarn_alloc(a, 4000, 0), *rest = tarn_alloc(b, 96, 0);
        assert_non_null(most);
        assert_non_null(rest);
        assert_null(tarn_alloc(a, 1, 0));
        assert_null(tarn_alloc(b, 1, 0));
        assert_int_equal(tarn_check(a), TARN_OK);
        tarn_free(a, most, 4000, 0);
        tarn_free(b, rest, 96, 0);
        assert_int_equal(tarn_check(a), TARN_OK);
    }
    assert_int_equal(tarn_stack_peak(&stack, TARN_STACK_LOW) / 100, 40);
    assert_int_equal(tarn_stack_peak(&stack, TARN_STACK_HIGH) / 100, 40);
}

static void counters_when_checking(void **state)
{
    (void)state;
    tarn_stats now;
    start(true);
    void *p = tarn_stack_alloc_high(&stack, 10, 0), *q = tarn_stack_alloc_high(&stack, 20, 0);
    tarn_stack_free_high(&stack, q, 20, 0);
    assert_int_equal(tarn_get_stats(end(1), &now), TARN_OK);
    assert_int_equal(now.live_blocks, 1);
    assert_int_equal(now.live_bytes, 10);
    assert_int_equal(now.peak_blocks, 2);
    assert_int_equal(now.peak_bytes, 30);
    assert_int_equal(now.held_bytes, 0); /* the buffer is the caller's */
    (void)tarn_get_stats(end(0), &now);
    assert_int_equal(now.live_blocks, 0);
    tarn_stack_free_high(&stack, p, 10, 0);
    assert_int_equal(tarn_stack_room(&stack), 4096);
}

static size_t seen;

static bool count_and_free(void *user, void *block, size_t size)
{
    tarn_free(user, block, size, 0);
    return ++seen < 3;
}

static void a_visit_sees_the_latest_first_and_may_free(void **state)
{
    (void)state;
    start(true);
    for (int side = 0; side < 2; side++) {
        seen = 0;
        for (size_t i = 0; i < 4; i++)
            assert_non_null(tarn_alloc(end(side), 10 + i, 0));
        assert_int_equal(tarn_visit(end(side), count_and_free, end(side)), TARN_OK);
        assert_int_equal(seen, 3);
        assert_int_equal(stack.end[side].live, 1);
        assert_int_equal(tarn_check(end(side)), TARN_OK);
    }
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    probe p;
    tarn_stack_options bad[] = {
        {.buffer = bytes, .buffer_size = 15},
        {.buffer = bytes + 1, .buffer_size = 30},
        {.buffer = bytes, .buffer_size = 100, .size = 100},
        {.buffer = bytes, .buffer_size = 100, .parent = tarn_libc()},
        {.buffer_size = 100},
        {.size = 15},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tarn_stack_init(&stack, &bad[i]), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_stack_init(&stack, &(tarn_stack_options){.size = SIZE_MAX}),
                     TARN_TOO_BIG);
    tarn_allocator *parent = probe_init(&p, &(probe_options){.max_size = 100});
    tarn_status status =
        tarn_stack_init(&stack, &(tarn_stack_options){.parent = parent, .size = 101});
    assert_int_not_equal(status, TARN_OK);
    assert_int_equal(status, tarn_get_why(parent).status);
    assert_null(tarn_stack_create(
        &(tarn_stack_options){.buffer = bytes, .buffer_size = sizeof bytes}, &status));
    assert_int_equal(status, TARN_BAD_ARGUMENT);
    assert_null(tarn_stack_create(&(tarn_stack_options){.size = SIZE_MAX - 8}, &status));
    assert_int_equal(status, TARN_TOO_BIG);
    assert_int_equal(probe_deinit(&p), 0);
    tarn_stack_destroy(NULL);
}

static void memory_goes_back_to_where_it_came_from(void **state)
{
    (void)state;
    probe p;
    tarn_allocator *parent = probe_init(&p, NULL);
    assert_int_equal(tarn_stack_init(&stack, &(tarn_stack_options){.parent = parent, .size = 1000}),
                     TARN_OK);
    assert_ptr_equal(tarn_parent(end(0), 0), parent);
    assert_non_null(tarn_stack_alloc(&stack, 500, 0));
    tarn_deinit(end(1)); /* of the whole */
    tarn_stack_deinit(&stack);
    assert_int_equal(probe_deinit(&p), 0);

    parent = probe_init(&p, NULL);
    tarn_stack *made = tarn_stack_create(&(tarn_stack_options){.parent = parent, .size = 16}, NULL);
    assert_non_null(made);
#if !TARN_CHECKED
    assert_non_null(tarn_stack_alloc(made, 16, 0));
    assert_null(tarn_stack_alloc(made, 1, 0));
#endif
    tarn_stack_destroy(made);
    assert_int_equal(probe_deinit(&p), 0);
    assert_int_equal(p.faults, 0);
}

static void objects_by_type_are_of_the_low_end(void **state)
{
    (void)state;
    start(false);
    long *n = tarn_new_zero(&stack, long);
    assert_non_null(n);
    assert_int_equal(*n, 0);
    tarn_delete(&stack, n);
    assert_int_equal(tarn_stack_room(&stack), 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_back_in_reverse_order),
        cmocka_unit_test(the_two_ends_share_the_room),
        cmocka_unit_test(alignment_of_any_power_of_two_comes_back_whole),
        cmocka_unit_test(a_free_out_of_order_leaves_the_memory_until_a_rewind),
        cmocka_unit_test(release_ignores_what_is_no_last_block),
        cmocka_unit_test(a_record_must_be_the_blocks_own),
        cmocka_unit_test(batches_go_back_from_either_end),
        cmocka_unit_test(the_last_block_is_resized_without_other_memory),
        cmocka_unit_test(resizes_that_cannot_be),
        cmocka_unit_test(marks_and_resets_are_of_one_end),
        cmocka_unit_test(the_peak_says_how_big_it_has_to_be),
        cmocka_unit_test(the_ends_take_turns_in_the_middle),
        cmocka_unit_test(counters_when_checking),
        cmocka_unit_test(a_visit_sees_the_latest_first_and_may_free),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(memory_goes_back_to_where_it_came_from),
        cmocka_unit_test(objects_by_type_are_of_the_low_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
