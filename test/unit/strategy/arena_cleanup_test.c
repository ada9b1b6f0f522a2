/* SPDX-License-Identifier: MIT */
/* Cleanups run in reverse order, once, when what they belong to goes; children die with it. */
#include "support/tarn_test.h"

#include <tarn/arena.h>
#include <tarn/buffer.h>

static char trace[64];
static size_t traced;

static void note(void *arg)
{
    assert_true(traced < sizeof trace - 1);
    trace[traced++] = *(const char *)arg;
    trace[traced] = 0;
}

static void forget(void)
{
    traced = 0;
    trace[0] = 0;
}

static char letters[] = "abcdefgh";

static void on(tarn_arena *a, int letter)
{
    assert_int_equal(tarn_arena_on_reset(a, note, &letters[letter]), TARN_OK);
}

static tarn_arena_options form(size_t i)
{
    return (tarn_arena_options){.down = (i & 1) != 0, .check = (i & 2) != 0, .chunk_size = 256};
}

static void in_reverse_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        tarn_arena_options o = form(i);
        tarn_arena a;
        forget();
        assert_int_equal(tarn_arena_init(&a, &o), TARN_OK);
        for (int k = 0; k < 4; k++) {
            on(&a, k);
            assert_non_null(tarn_arena_alloc(&a, 100, 3));
        }
        tarn_arena_reset(&a, (tarn_keep)(i % 3));
        assert_string_equal(trace, "dcba");
        on(&a, 4);
        assert_int_equal(tarn_check(&a.allocator), TARN_OK);
        tarn_arena_deinit(&a);
        assert_string_equal(trace, "dcbae");
        tarn_arena_deinit(&a);
        assert_string_equal(trace, "dcbae");
    }
}

static void on_rewind_past_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        tarn_arena_options o = form(i);
        tarn_arena a;
        tarn_mark begin, mark;
        forget();
        assert_int_equal(tarn_arena_init(&a, &o), TARN_OK);
        begin = tarn_arena_mark(&a);
        on(&a, 0);
        mark = tarn_arena_mark(&a);
        on(&a, 1);
        for (int k = 0; k < 10; k++)
            assert_non_null(tarn_arena_alloc(&a, 100, 3));
        on(&a, 2);
        assert_int_equal(tarn_arena_rewind(&a, mark), TARN_OK);
        assert_string_equal(trace, "cb");
        assert_int_equal(tarn_arena_rewind(&a, begin), TARN_OK);
        assert_string_equal(trace, "cba");
        tarn_arena_deinit(&a);
        assert_string_equal(trace, "cba");
    }
}

static void cancelled(void **state)
{
    tarn_arena a;
    (void)state;
    forget();
    assert_int_equal(tarn_arena_init(&a, NULL), TARN_OK);
    on(&a, 0);
    on(&a, 1);
    on(&a, 0);
    assert_true(tarn_arena_cancel(&a, note, &letters[0]));
    assert_false(tarn_arena_cancel(&a, note, &letters[2]));
    assert_int_equal(tarn_check(&a.allocator), TARN_OK);
    tarn_arena_deinit(&a);
    assert_string_equal(trace, "ba");
}

static tarn_arena *busy;

/* Allocates and registers while it runs: the new registration runs next. */
static void registers_another(void *arg)
{
    note(arg);
    assert_non_null(tarn_arena_alloc(busy, 3000, 3));
    on(busy, 7);
}

static void a_cleanup_may_register(void **state)
{
    tarn_arena a;
    tarn_mark mark;
    (void)state;
    forget();
    busy = &a;
    assert_int_equal(tarn_arena_init(&a, NULL), TARN_OK);
    on(&a, 0);
    mark = tarn_arena_mark(&a);
    assert_int_equal(tarn_arena_on_reset(&a, registers_another, &letters[1]), TARN_OK);
    assert_int_equal(tarn_arena_rewind(&a, mark), TARN_OK);
    assert_string_equal(trace, "bh");
    assert_int_equal(tarn_check(&a.allocator), TARN_OK);
    tarn_arena_deinit(&a);
    assert_string_equal(trace, "bha");
}

static void no_room_to_register(void **state)
{
    static _Alignas(16) char bytes[256];
    tarn_arena a;
    (void)state;
    forget();
    assert_int_equal(
        tarn_arena_init(&a, &(tarn_arena_options){.buffer = bytes, .buffer_size = sizeof bytes}),
        TARN_OK);
    while (tarn_arena_alloc(&a, 8, 3) != NULL)
        ;
    assert_int_equal(tarn_arena_on_reset(&a, note, letters), TARN_LIMIT);
    tarn_arena_deinit(&a);
    assert_string_equal(trace, "");
}

/* ── Children ──────────────────────────────────────────────────────────────────────────────── */

static size_t idle(const tarn_arena *a)
{
    tarn_stats s;
    assert_int_equal(tarn_get_stats(&a->allocator, &s), TARN_OK);
    return s.idle_bytes;
}

static void a_child_gives_all_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        tarn_arena_options o = form(i);
        tarn_arena outer, child;
        size_t before;
        o.chunk_size = 1u << 20;
        forget();
        assert_int_equal(tarn_arena_init(&outer, &o), TARN_OK);
        assert_non_null(tarn_arena_alloc(&outer, 8, 3));
        before = idle(&outer);
        for (int round = 0; round < 5; round++) {
            o.chunk_size = 0;
            assert_int_equal(tarn_arena_init_child(&child, &outer, &o), TARN_OK);
            assert_ptr_equal(tarn_parent(&child.allocator, 0), &outer.allocator);
            on(&child, 1);
            for (int k = 0; k < 50; k++)
                memset(tarn_arena_alloc(&child, 200, 3), 1, 200);
            assert_true(idle(&outer) < before - 10000);
            tarn_arena_deinit(&child);
            /* An alignment gap in front of a record or a chunk may stay behind. */
            assert_true(idle(&outer) + 64 >= before);
        }
        assert_string_equal(trace, "bbbbb");
        assert_int_equal(tarn_check(&outer.allocator), TARN_OK);
        tarn_arena_deinit(&outer);
        assert_string_equal(trace, "bbbbb");
    }
}

static void children_die_with_the_outer_arena(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        tarn_arena_options o = form(i);
        tarn_arena outer, child, grandchild;
        tarn_arena *created;
        forget();
        assert_int_equal(tarn_arena_init(&outer, &o), TARN_OK);
        on(&outer, 0);
        assert_int_equal(tarn_arena_init_child(&child, &outer, NULL), TARN_OK);
        on(&child, 1);
        assert_int_equal(tarn_arena_init_child(&grandchild, &child, NULL), TARN_OK);
        on(&grandchild, 2);
        on(&child, 3);
        on(&outer, 4);
        created = tarn_arena_create_child(&outer, NULL);
        assert_non_null(created);
        on(created, 5);
        assert_non_null(tarn_arena_alloc(&grandchild, 5000, 3));
        assert_non_null(tarn_arena_alloc(created, 5000, 3));
        assert_int_equal(tarn_check(&child.allocator), TARN_OK);
        tarn_arena_reset(&outer, TARN_KEEP_NONE);
        assert_string_equal(trace, "fedcba");
        tarn_arena_deinit(&grandchild);
        tarn_arena_deinit(&child);
        assert_string_equal(trace, "fedcba");
        assert_int_equal(outer.children, 0);
        tarn_arena_deinit(&outer);
        assert_string_equal(trace, "fedcba");
    }
}

static void rewind_and_children(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        tarn_arena_options o = form(i);
        tarn_arena outer, early, late;
        tarn_mark mark;
        forget();
        assert_int_equal(tarn_arena_init(&outer, &o), TARN_OK);
        assert_int_equal(tarn_arena_init_child(&early, &outer, NULL), TARN_OK);
        on(&early, 0);
        mark = tarn_arena_mark(&outer);
        assert_int_equal(tarn_arena_init_child(&late, &outer, NULL), TARN_OK);
        on(&late, 1);
        assert_int_equal(tarn_arena_rewind(&outer, mark), TARN_OK);
        assert_string_equal(trace, "b");
        assert_int_equal(outer.children, 1);
        /* The early child has what it needs from before the mark … */
        assert_non_null(tarn_arena_alloc(&early, 16, 3));
        assert_int_equal(tarn_arena_rewind(&outer, mark), TARN_OK);
        /* … until it takes another chunk. */
        assert_non_null(tarn_arena_alloc(&early, 5000, 3));
        assert_int_equal(tarn_arena_rewind(&outer, mark), TARN_BUSY);
        tarn_arena_deinit(&early);
        assert_string_equal(trace, "ba");
        tarn_arena_deinit(&outer);
    }
}

static void created_children(void **state)
{
    tarn_arena outer;
    size_t before;
    (void)state;
    assert_int_equal(tarn_arena_init(&outer, NULL), TARN_OK);
    assert_non_null(tarn_arena_alloc(&outer, 8, 3));
    before = idle(&outer);
    for (int i = 0; i < 10; i++) {
        tarn_arena *child = tarn_arena_create_child(&outer, NULL);
        assert_non_null(child);
        assert_string_equal(tarn_name(&child->allocator), "child");
        assert_non_null(tarn_arena_alloc(child, 100, 3));
        tarn_arena_destroy(child);
    }
    assert_true(idle(&outer) + 64 >= before);
    assert_null(tarn_arena_create_child(&outer, &(tarn_arena_options){.reserve = 1}));
    assert_int_equal(tarn_get_why(&outer.allocator).status, TARN_BAD_ARGUMENT);
    tarn_arena_deinit(&outer);
}

static void no_room_for_a_child(void **state)
{
    static _Alignas(16) char bytes[2048];
    tarn_arena outer, child;
    size_t room;
    (void)state;
    for (room = 0; room < sizeof bytes - 128; room += 8) {
        tarn_arena *made;
        assert_int_equal(
            tarn_arena_init(&outer,
                            &(tarn_arena_options){.buffer = bytes, .buffer_size = sizeof bytes}),
            TARN_OK);
        assert_non_null(tarn_arena_alloc(&outer, room, 3));
        made = tarn_arena_create_child(&outer, NULL);
        if (made != NULL && tarn_arena_alloc(made, 10, 3) == NULL)
            assert_int_equal(tarn_get_why(&made->allocator).status, TARN_LIMIT);
        if (made == NULL)
            assert_int_equal(tarn_get_why(&outer.allocator).status, TARN_LIMIT);
        if (tarn_arena_init_child(&child, &outer, NULL) == TARN_OK &&
            tarn_arena_alloc(&child, 10, 3) == NULL)
            assert_int_equal(tarn_get_why(&child.allocator).status, TARN_LIMIT);
        assert_int_equal(tarn_check(&outer.allocator), TARN_OK);
        tarn_arena_deinit(&outer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_reverse_order),
        cmocka_unit_test(on_rewind_past_them),
        cmocka_unit_test(cancelled),
        cmocka_unit_test(a_cleanup_may_register),
        cmocka_unit_test(no_room_to_register),
        cmocka_unit_test(a_child_gives_all_back),
        cmocka_unit_test(children_die_with_the_outer_arena),
        cmocka_unit_test(rewind_and_children),
        cmocka_unit_test(created_children),
        cmocka_unit_test(no_room_for_a_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
