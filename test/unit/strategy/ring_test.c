/* SPDX-License-Identifier: MIT */
#include "support/tarn_test.h"

#include <tarn/new.h>
#include <tarn/ring.h>

#include "support/probe.h"

/* Rings of 64 grains, 1 KiB. */
enum { CAPACITY = 1024, BYTES = CAPACITY + 8 };

static tarn_ring ring;
static _Alignas(64) char bytes[BYTES];

static void start(bool check)
{
    assert_int_equal(tarn_ring_init(&ring, &(tarn_ring_options){.name = "messages",
                                                                .buffer = bytes,
                                                                .buffer_size = sizeof bytes,
                                                                .check = check}),
                     TARN_OK);
}

/* Tests of the layout are of a ring that does not check. */
#if TARN_CHECKED
#define NOT_CHECKED skip()
#else
#define NOT_CHECKED (void)0
#endif

static void *take(size_t size)
{
    return tarn_ring_alloc(&ring, size, 0);
}

static void put(void *block, size_t size)
{
    tarn_ring_free(&ring, block, size, 0);
}

static size_t offset(const void *p)
{
    return (size_t)((const char *)p - bytes);
}

static void goes_round_and_splits_no_block(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    assert_int_equal(tarn_ring_capacity(&ring), CAPACITY);
    void *a = take(400), *b = take(400);
    put(a, 400);
    assert_null(take(400)); /* 224 behind b, 384 before it: one grain stays free */
    assert_int_equal(tarn_get_why(&ring.allocator).status, TARN_LIMIT);
    assert_int_equal(tarn_get_why(&ring.allocator).limit, CAPACITY);
    void *c = take(384);
    assert_int_equal(offset(c), 0);
    assert_null(take(1));
    assert_int_equal(tarn_ring_used(&ring), CAPACITY - 400 + 384);
    put(b, 400);
    assert_int_equal(tarn_ring_used(&ring), 384);
    void *d = take(640);
    assert_int_equal(offset(d), 384);
    assert_null(take(0));
    put(c, 384);
    put(d, 640);
    assert_int_equal(tarn_ring_used(&ring), 0);
    assert_int_equal(tarn_check(&ring.allocator), TARN_OK);
}

static void empty_it_holds_a_block_of_all_it_has(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    for (size_t i = 1; i < 200; i++) {
        void *p = take(i);
        assert_non_null(p);
        put(p, i);
        p = take(CAPACITY);
        assert_non_null(p);
        assert_null(take(0));
        put(p, CAPACITY);
    }
    assert_null(take(CAPACITY + 1));
    assert_int_equal(tarn_get_why(&ring.allocator).status, TARN_TOO_BIG);
}

static void a_hole_comes_back_with_its_predecessors(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    void *p[8];
    for (int i = 0; i < 8; i++)
        p[i] = tarn_ring_alloc(&ring, 32, i == 3 ? 6 : 0);
    size_t used = tarn_ring_used(&ring);
    put(p[5], 32);
    tarn_ring_free(&ring, p[3], 32, 6);
    put(p[1], 32);
    put(p[2], 32);
    put(p[1], 32); /* twice: without checks, nothing happens */
    assert_int_equal(tarn_ring_used(&ring), used);
    assert_int_equal(ring.holes, 4);
    put(p[0], 32);
    assert_int_equal(ring.holes, 1);
    assert_int_equal(offset(p[4]), ring.tail - ring.low - 2);
    put(p[4], 32);
    assert_int_equal(ring.holes, 0);
    put(p[6], 32);
    put(p[7], 32);
    assert_int_equal(tarn_ring_used(&ring), 0);
}

/* The oldest goes while the ones that have gone round are holes already. */
static void holes_beyond_the_turn(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    void *a = take(512), *b = take(400);
    put(a, 512);
    void *c = take(160), *d = take(160), *e = take(160);
    assert_int_equal(offset(c), 0);
    put(c, 160);
    put(d, 160);
    put(b, 400); /* up to the turn, round it, and over both */
    assert_int_equal(tarn_ring_used(&ring), 160);
    put(e, 160);
    assert_int_equal(tarn_ring_used(&ring), 0);
}

static void cancel_and_resize_the_youngest(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    char *a = take(100), *b = tarn_ring_alloc(&ring, 100, 7);
    size_t used = tarn_ring_used(&ring);
    assert_false(tarn_ring_cancel(&ring, a, 100, 0));
    assert_false(tarn_ring_cancel(&ring, b, 50, 7));
    assert_ptr_equal(tarn_ring_resize(&ring, b, 100, 300, 100, 7 | TARN_IN_PLACE), b);
    assert_int_equal(tarn_ring_used(&ring), used - 112 + 304);
    assert_ptr_equal(tarn_ring_resize(&ring, b, 300, 1, 1, 7), b);
    assert_null(tarn_ring_resize(&ring, b, 1, 1000, 1, 7 | TARN_IN_PLACE));
    assert_int_equal(tarn_get_why(&ring.allocator).status, TARN_UNSUPPORTED);
    assert_null(tarn_ring_resize(&ring, a, 100, 50, 50, TARN_IN_PLACE));
    assert_ptr_equal(tarn_ring_resize(&ring, a, 100, 112, 100, TARN_IN_PLACE), a);
    assert_true(tarn_ring_cancel(&ring, b, 1, 7));
    assert_int_equal(tarn_ring_used(&ring), 112);
    memset(a, 5, 112);
    char *moved = tarn_ring_resize(&ring, a, 112, 200, 112, TARN_ZERO);
    assert_ptr_equal(moved, a); /* it is the youngest now */
    assert_int_equal(a[111], 5);
    assert_int_equal(a[112], 0);
    b = take(16);
    moved = tarn_ring_resize(&ring, a, 200, 300, 200, 0);
    assert_non_null(moved);
    assert_ptr_not_equal(moved, a);
    assert_int_equal(moved[111], 5);
    put(b, 16);
    put(moved, 300);
    assert_int_equal(tarn_ring_used(&ring), 0);
}

static void what_is_sent_is_seen(void **state)
{
    (void)state;
    for (int check = 0; check < 2; check++) {
        start(check);
        assert_null(tarn_ring_oldest(&ring));
        for (int round = 0; round < 50; round++) {
            void *a = take(150), *b = take(150), *c = take(100);
            assert_null(tarn_ring_oldest(&ring));
            tarn_ring_send(&ring);
            assert_ptr_equal(tarn_ring_oldest(&ring), a);
            put(a, 150);
            void *d = take(160); /* not sent; goes round now and then */
            assert_non_null(d);
            assert_ptr_equal(tarn_ring_oldest(&ring), b);
            put(b, 150);
            assert_ptr_equal(tarn_ring_oldest(&ring), c);
            put(c, 100);
            assert_null(tarn_ring_oldest(&ring));
            tarn_ring_send(&ring);
            assert_ptr_equal(tarn_ring_oldest(&ring), d);
            put(d, 160);
            assert_null(tarn_ring_oldest(&ring));
        }
        tarn_ring_deinit(&ring);
    }
}

/* I7: a block that starts where the consumer has not gone round yet would be taken for the oldest. */
static void no_block_starts_at_the_turn(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    void *a = take(512);
    put(a, 512);         /* tail: 512 */
    void *b = take(400); /* 512 … 912 */
    put(b, 400);         /* tail: 912 */
    void *c = take(912); /* goes round, and ends where the tail stands */
    assert_int_equal(offset(c), 0);
    assert_null(take(16));
    put(c, 912);
    void *d = take(16);
    assert_int_equal(offset(d), 912);
    put(d, 16);
    assert_int_equal(tarn_ring_used(&ring), 0);
    assert_int_equal(tarn_check(&ring.allocator), TARN_OK);
}

static void garbage_is_ignored_without_checks(void **state)
{
    (void)state;
    NOT_CHECKED;
    start(false);
    char elsewhere[64], *a = take(64), *b = take(64);
    memset(a, 0xff, 64);
    put(NULL, 10);
    put(elsewhere, 64);
    put(b + 1, 64);
    put(b, SIZE_MAX);
    put(b, CAPACITY);
    tarn_ring_free(&ring, b, 64, 6); /* no record is there */
    tarn_ring_free(&ring, b, 64, 63);
    ((uintptr_t *)(void *)a)[(64 - 16) / sizeof(uintptr_t)] = (uintptr_t)b - 16;
    tarn_ring_free(&ring, b, 64, 6); /* what looks like one has no proof */
    assert_int_equal(tarn_ring_used(&ring), 128);
    assert_int_equal(ring.holes, 0);
    assert_null(tarn_ring_alloc(&ring, 16, 30));
    assert_null(tarn_ring_alloc(&ring, 16, 63));
    assert_int_equal(tarn_get_why(&ring.allocator).status, TARN_BAD_ALIGN);
    assert_int_equal(tarn_check(&ring.allocator), TARN_OK);
}

static void counters_when_checking(void **state)
{
    (void)state;
    tarn_stats now;
    start(true);
    void *a = take(10), *b = take(20);
    put(b, 20);
    assert_int_equal(tarn_get_stats(&ring.allocator, &now), TARN_OK);
    assert_int_equal(now.live_blocks, 1);
    assert_int_equal(now.live_bytes, 10);
    assert_int_equal(now.peak_blocks, 2);
    assert_int_equal(now.peak_bytes, 30);
    assert_int_equal(now.held_bytes, 0);
    put(a, 10);
    (void)tarn_get_stats(&ring.allocator, &now);
    assert_int_equal(now.idle_bytes, CAPACITY);
    assert_int_equal(now.live_blocks, 0);
}

static void a_reset_forgets_holes_too(void **state)
{
    (void)state;
    for (int check = 0; check < 2; check++) {
        start(check);
        void *a = take(100), *b = take(100);
        assert_non_null(a);
        put(b, 100);
        tarn_ring_reset(&ring);
        assert_int_equal(tarn_ring_used(&ring), 0);
        assert_ptr_equal(take(100), a);
        assert_ptr_equal(take(100), b);
        put(a, 100);
        put(b, 100);
        assert_int_equal(tarn_ring_used(&ring), 0);
        assert_int_equal(tarn_check(&ring.allocator), TARN_OK);
    }
}

/* tarn_ring_bytes is enough, and a byte less is not. */
static void a_buffer_of_the_right_size(void **state)
{
    static _Alignas(16) char room[6000];
    (void)state;
    for (size_t capacity = 16; capacity < 5000; capacity += 16) {
        size_t size = tarn_ring_bytes(capacity);
        assert_int_equal(
            tarn_ring_init(&ring, &(tarn_ring_options){.buffer = room, .buffer_size = size}),
            TARN_OK);
        assert_int_equal(tarn_ring_capacity(&ring), capacity);
        tarn_status status =
            tarn_ring_init(&ring, &(tarn_ring_options){.buffer = room, .buffer_size = size - 1});
        assert_true(status == TARN_BAD_ARGUMENT || tarn_ring_capacity(&ring) < capacity);
        assert_true((capacity == 16) == (status == TARN_BAD_ARGUMENT));
    }
    assert_int_equal(tarn_ring_bytes(SIZE_MAX), 0);
    assert_int_equal(tarn_ring_bytes(SIZE_MAX - 15), 0);
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    tarn_ring_options bad[] = {
        {.buffer = bytes, .buffer_size = 23},
        {.buffer = bytes + 1, .buffer_size = 14},
        {.buffer = bytes, .buffer_size = 100, .capacity = 50},
        {.buffer = bytes, .buffer_size = 100, .parent = tarn_libc()},
        {.buffer_size = 100},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tarn_ring_init(&ring, &bad[i]), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_ring_init(&ring, &(tarn_ring_options){.capacity = SIZE_MAX}),
                     TARN_TOO_BIG);
    tarn_status status = TARN_OK;
    assert_null(
        tarn_ring_create(&(tarn_ring_options){.buffer = bytes, .buffer_size = 100}, &status));
    assert_int_equal(status, TARN_BAD_ARGUMENT);
    tarn_ring_destroy(NULL);
}

static void memory_goes_back_to_where_it_came_from(void **state)
{
    (void)state;
    probe p;
    tarn_allocator *parent = probe_init(&p, NULL);
    assert_int_equal(
        tarn_ring_init(&ring, &(tarn_ring_options){.parent = parent, .capacity = 1000}), TARN_OK);
    assert_ptr_equal(tarn_parent(&ring.allocator, 0), parent);
    assert_int_equal(tarn_ring_capacity(&ring), 1008);
    assert_non_null(take(500));
    tarn_deinit(&ring.allocator);
    tarn_ring_deinit(&ring);
    tarn_ring *made =
        tarn_ring_create(&(tarn_ring_options){.parent = parent, .capacity = 16}, NULL);
    assert_non_null(made);
    assert_int_equal(tarn_ring_capacity(made), 16);
    tarn_ring_destroy(made);
    assert_int_equal(probe_deinit(&p), 0);
    assert_int_equal(p.faults, 0);
}

static void objects_by_type(void **state)
{
    (void)state;
    start(false);
    long *n = tarn_new_zero(&ring, long);
    assert_non_null(n);
    assert_int_equal(*n, 0);
    tarn_delete(&ring, n);
    assert_int_equal(tarn_ring_used(&ring), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_round_and_splits_no_block),
        cmocka_unit_test(empty_it_holds_a_block_of_all_it_has),
        cmocka_unit_test(a_hole_comes_back_with_its_predecessors),
        cmocka_unit_test(holes_beyond_the_turn),
        cmocka_unit_test(cancel_and_resize_the_youngest),
        cmocka_unit_test(what_is_sent_is_seen),
        cmocka_unit_test(no_block_starts_at_the_turn),
        cmocka_unit_test(garbage_is_ignored_without_checks),
        cmocka_unit_test(counters_when_checking),
        cmocka_unit_test(a_reset_forgets_holes_too),
        cmocka_unit_test(a_buffer_of_the_right_size),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(memory_goes_back_to_where_it_came_from),
        cmocka_unit_test(objects_by_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
