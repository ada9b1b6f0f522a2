/* SPDX-License-Identifier: MIT */
/* An arena in a place: the position is all there is, and several may move it. */
#include "support/tarn_test.h"

#include <pthread.h>

#include <tarn/segment_arena.h>

static _Alignas(4096) unsigned char place[1 << 18], copy[1 << 18];

static tarn_segment_arena make(size_t room)
{
    tarn_segment_arena a;
    size_t bytes = tarn_segment_arena_bytes(room);
    assert_true(bytes >= room && bytes <= sizeof place);
    memset(place, 0xee, sizeof place);
    assert_int_equal(tarn_segment_arena_format(place, bytes), TARN_OK);
    assert_int_equal(tarn_segment_arena_init(&a, place, bytes, "test"), TARN_OK);
    return a;
}

static void the_whole_room_is_there(void **state)
{
    (void)state;
    tarn_segment_arena a = make(1000);
    char *p = tarn_segment_arena_alloc(&a, 500, 0), *q = tarn_segment_arena_alloc(&a, 496, 0);
    assert_true(p != NULL && q == p + 504);
    assert_null(tarn_segment_arena_alloc(&a, 1, 0));
    assert_int_equal(tarn_get_why(tarn_segment_arena_allocator(&a)).status, TARN_LIMIT);
    assert_non_null(tarn_segment_arena_alloc(&a, 0, 0));
    assert_null(tarn_segment_arena_alloc(&a, 1001, 0));
    assert_int_equal(tarn_get_why(tarn_segment_arena_allocator(&a)).status, TARN_TOO_BIG);
    assert_null(tarn_alloc(tarn_segment_arena_allocator(&a), PTRDIFF_MAX, TARN_ALIGN_MAX));
    assert_null(tarn_segment_arena_alloc(&a, 1, TARN_SPEC(8192)));
    assert_int_equal(tarn_get_why(tarn_segment_arena_allocator(&a)).status, TARN_BAD_ALIGN);
    tarn_segment_arena_free(&a, p, 500); /* not the last */
    assert_null(tarn_segment_arena_alloc(&a, 1, 0));
    tarn_segment_arena_free(&a, q, 490);
    assert_ptr_equal(tarn_segment_arena_alloc(&a, 496, 0), q);
    tarn_segment_arena_free(&a, NULL, 5);
}

static void the_last_block_changes_its_size_in_place(void **state)
{
    (void)state;
    tarn_segment_arena view = make(4000);
    tarn_allocator *a = tarn_segment_arena_allocator(&view);
    char *p = tarn_alloc(a, 100, 0), *q;
    memset(p, 7, 100);
    assert_ptr_equal(tarn_resize(a, p, 100, 3000, 100, TARN_IN_PLACE | TARN_ZERO), p);
    assert_int_equal(p[99], 7);
    assert_int_equal(p[100] | p[2999], 0);
    assert_null(tarn_resize(a, p, 3000, 4001, 100, TARN_IN_PLACE));
    assert_ptr_equal(tarn_resize(a, p, 3000, 50, 50, 0), p);
    q = tarn_alloc(a, 8, 0);
    assert_ptr_equal(q, p + 56);
    assert_null(tarn_resize(a, p, 50, 60, 50, TARN_IN_PLACE));
    assert_int_equal(tarn_get_why(a).status, TARN_UNSUPPORTED);
    assert_ptr_equal(tarn_resize(a, p, 50, 56, 50, 0), p);
    assert_ptr_equal(tarn_resize(a, p, 56, 20, 20, TARN_IN_PLACE), p);
    q = tarn_resize(a, p, 56, 200, 56, 0);
    assert_true(q != p && q[49] == 7);
    assert_null(tarn_resize(a, q, 200, 100000, 200, 0));
    assert_null(tarn_resize(a, q, 200, SIZE_MAX, 200, 0));
    assert_int_equal(tarn_check(a), TARN_OK);
}

static void positions(void **state)
{
    (void)state;
    tarn_segment_arena a = make(1000);
    (void)!tarn_segment_arena_alloc(&a, 100, 0);
    size_t at = tarn_segment_arena_position(&a);
    char *p = tarn_segment_arena_alloc(&a, 100, 0);
    size_t later = tarn_segment_arena_position(&a);
    assert_int_equal(tarn_segment_arena_rewind(&a, at), TARN_OK);
    assert_int_equal(tarn_segment_arena_rewind(&a, later), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_segment_arena_rewind(&a, at - 1), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_segment_arena_rewind(&a, 8), TARN_BAD_ARGUMENT);
    assert_ptr_equal(tarn_segment_arena_alloc(&a, 1, 0), p);
    assert_int_equal(tarn_segment_arena_rewind(&a, 0), TARN_OK);
    assert_ptr_equal(tarn_segment_arena_alloc(&a, 1, 0), place + 64);
    tarn_mark none = {{NULL, NULL}};
    assert_int_equal(tarn_rewind(tarn_segment_arena_allocator(&a), none), TARN_BAD_ARGUMENT);
}

static void another_address_the_same_arena(void **state)
{
    (void)state;
    tarn_segment_arena a = make(1000), b;
    (void)!tarn_segment_arena_alloc(&a, 100, 0);
    memcpy(copy, place, sizeof place);
    memset(place, 0, sizeof place);
    assert_int_equal(tarn_segment_arena_init(&b, copy, sizeof copy, "copy"), TARN_OK);
    assert_ptr_equal(tarn_segment_arena_alloc(&b, 8, 0), copy + 64 + 104);
}

static void every_damage_is_seen(void **state)
{
    (void)state;
    tarn_segment_arena a = make(1000);
    size_t bytes = tarn_segment_arena_bytes(1000), head = 8 + sizeof(size_t) + 8;
    for (size_t bit = 0; bit < 8 * head; bit++) {
        place[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_int_equal(tarn_segment_arena_init(&a, place, bytes, "x"), TARN_CORRUPT);
        place[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_int_equal(tarn_segment_arena_init(&a, place, bytes - 8, "x"), TARN_CORRUPT);
    assert_int_equal(tarn_segment_arena_init(&a, place, 63, "x"), TARN_CORRUPT);
    assert_int_equal(tarn_segment_arena_init(&a, place + 8, bytes, "x"), TARN_BAD_ALIGN);
    assert_int_equal(tarn_segment_arena_init(&a, place, bytes, NULL), TARN_OK);
    const size_t wrong[] = {0, 63, 65, bytes + 8, SIZE_MAX};
    for (size_t i = 0; i < 5; i++) {
        *a.at = wrong[i];
        assert_int_equal(tarn_check(tarn_segment_arena_allocator(&a)), TARN_CORRUPT);
        tarn_segment_arena b;
        assert_int_equal(tarn_segment_arena_init(&b, place, bytes, "x"), TARN_CORRUPT);
    }
    assert_int_equal(tarn_segment_arena_format(place, 63), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_segment_arena_format(place + 1, 6300), TARN_BAD_ALIGN);
    assert_int_equal(tarn_segment_arena_bytes(SIZE_MAX), 0);
    assert_int_equal(tarn_segment_arena_bytes(PTRDIFF_MAX), 0);
}

enum { THREADS = 4, ROUNDS = 500 };

static void *build(void *arg)
{
    tarn_segment_arena *a = arg;
    uintptr_t me = (uintptr_t)&a, *mine[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        mine[i] = tarn_segment_arena_alloc(a, 32 + (size_t)(i % 3) * 16, TARN_ALIGN_MAX);
        if (mine[i] == NULL)
            return a;
        *mine[i] = me;
        if (i % 5 == 4) { /* the last or not, as it happens: then it is gone or stays */
            uintptr_t *extra = tarn_segment_arena_alloc(a, 16, 0);
            tarn_segment_arena_free(a, extra, 16);
        }
    }
    for (int i = 0; i < ROUNDS; i++)
        if (*mine[i] != me)
            return a;
    return NULL;
}

static void threads_need_no_lock(void **state)
{
    (void)state;
    tarn_segment_arena a = make(200000);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, build, &a), 0);
    for (int i = 0; i < THREADS; i++) {
        void *bad = NULL;
        assert_int_equal(pthread_join(threads[i], &bad), 0);
        assert_null(bad);
    }
    assert_int_equal(tarn_check(tarn_segment_arena_allocator(&a)), TARN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_room_is_there),
        cmocka_unit_test(the_last_block_changes_its_size_in_place),
        cmocka_unit_test(positions),
        cmocka_unit_test(another_address_the_same_arena),
        cmocka_unit_test(every_damage_is_seen),
        cmocka_unit_test(threads_need_no_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
