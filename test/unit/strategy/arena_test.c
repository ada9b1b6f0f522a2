/* SPDX-License-Identifier: MIT */
/* The arena, in each of its forms: blocks, the last block, marks, reset, limits, refusals. */
#include "arena_forms.h"

static void sizes_and_alignments(void **state)
{
    tarn_arena a;
    (void)state;
    for (size_t i = 0; i < FORMS; i++) {
        start(&a, i);
        for (unsigned log = 0; log <= 12; log++) {
            for (size_t size = 0; size <= 64; size += 7) {
                char *p = need(&a, size, log);
                memset(p, 1, size);
                p = need(&a, size, log | TARN_ZERO);
                for (size_t k = 0; k < size; k++)
                    assert_int_equal(p[k], 0);
                if (size != 0)
                    assert_true(tarn_arena_owns(&a, p) && tarn_arena_owns(&a, p + size - 1));
            }
            tarn_arena_reset(&a, (tarn_keep)(log % 3));
        }
        stop(&a);
    }
}

/* No header, no gap: blocks of whole grains stand side by side. */
static void blocks_are_exact(void **state)
{
    tarn_arena a;
    (void)state;
    for (size_t i = 0; i < FORMS; i++) {
        char *p, *q;
        start(&a, i);
        if (form(i).check || TARN_CHECKED) {
            stop(&a);
            continue;
        }
        p = need(&a, 24, 3);
        q = need(&a, 3, 0);
        assert_ptr_equal(form(i).down ? q + 8 : p + 24, form(i).down ? p : q);
        p = need(&a, 40, 3);
        assert_ptr_equal(form(i).down ? p + 40 : q + 8, form(i).down ? q : p);
        stop(&a);
    }
}

/* Blocks of no bytes are owned, at the very ends of a chunk too, and cost nothing in the end. */
static void blocks_of_no_bytes(void **state)
{
    tarn_arena a;
    (void)state;
    for (size_t i = 0; i < FORMS; i++) {
        tarn_mark mark, after;
        start(&a, i);
        for (int k = 0; k < 400; k++) {
            char *p = need(&a, 0, (tarn_spec)k % 6);
            assert_true(tarn_arena_owns(&a, p));
            if (k % 3 == 0)
                (void)need(&a, (size_t)k, 3);
            mark = tarn_arena_mark(&a);
            p = need(&a, 0, 3);
            assert_true(tarn_arena_owns(&a, p));
            tarn_arena_free(&a, p, 0);
            after = tarn_arena_mark(&a);
            if (mark.at[1] == after.at[1])
                assert_ptr_equal(mark.at[0], after.at[0]);
        }
        stop(&a);
    }
}

static void last_block_is_freed_in_place(void **state)
{
    tarn_arena a;
    (void)state;
    for (size_t i = 0; i < FORMS; i++) {
        char *p, *q;
        start(&a, i);
        p = need(&a, 33, 3);
        q = need(&a, 50, 3);
        tarn_arena_free(&a, q, 50);
        assert_ptr_equal(need(&a, 50, 3), q);
        tarn_arena_put(&a, q, 50, 3);
        tarn_arena_free(&a, p, 40);
        assert_ptr_equal(tarn_arena_get(&a, 40, 3), p);
        q = need(&a, 8, 3);
        tarn_arena_free(&a, p, 40);
        assert_ptr_not_equal(need(&a, 40, 3), p);
        tarn_arena_free(&a, NULL, 8);
        stop(&a);
    }
}

static void last_block_grows_and_shrinks(void **state)
{
    tarn_arena a;
    (void)state;
    for (size_t i = 0; i < FORMS; i++) {
        bool down = form(i).down;
        char *p, *q;
        start(&a, i);
        p = need(&a, 16, 4);
        memset(p, 5, 16);
        q = tarn_arena_resize(&a, p, 16, 200, 16, 4 | TARN_ZERO | (down ? 0 : TARN_IN_PLACE));
        assert_non_null(q);
        assert_int_equal(q == p, !down);
        for (size_t k = 0; k < 200; k++)
            assert_int_equal(q[k], k < 16 ? 5 : 0);
        p = tarn_arena_resize(&a, q, 200, 17, 17, 4 | TARN_IN_PLACE);
        assert_ptr_equal(p, q);
        if (!down) {
            q = need(&a, 8, 3);
            assert_true(q < p + 200);
            tarn_arena_free(&a, q, 8);
        } else {
            assert_null(tarn_arena_resize(&a, p, 17, 64, 17, 4 | TARN_IN_PLACE));
            assert_null(tarn_arena_resize(&a, p, 17, 64, 17, 4 | TARN_NO_COPY));
            assert_int_equal(tarn_get_why(&a.allocator).status, TARN_UNSUPPORTED);
        }
        tarn_arena_free(&a, p, 17);
        stop(&a);
    }
}

static void other_blocks_move(void **state)
{
    tarn_arena a;
    (void)state;
    for (size_t i = 0; i < FORMS; i++) {
        char *p, *q;
        start(&a, i);
        p = need(&a, 100, 3);
        memset(p, 9, 100);
        (void)need(&a, 8, 3);
        assert_ptr_equal(tarn_arena_resize(&a, p, 100, 104, 100, 3 | TARN_IN_PLACE), p);
        assert_null(tarn_arena_resize(&a, p, 104, 105, 104, 3 | TARN_IN_PLACE));
        assert_null(tarn_arena_resize(&a, p, 104, 105, 104, 3 | TARN_NO_COPY));
        assert_ptr_equal(tarn_arena_resize(&a, p, 104, 90, 90, 3), p);
        q = tarn_arena_resize(&a, p, 90, 3000, 80, 3 | TARN_ZERO);
        assert_non_null(q);
        assert_ptr_not_equal(q, p);
        for (size_t k = 0; k < 3000; k++) {
            if (k < 80 || k >= 90)
                assert_int_equal(q[k], k < 80 ? 9 : 0);
        }
        stop(&a);
    }
}

static void granted_may_be_used(void **state)
{
    tarn_arena a;
    (void)state;
    for (size_t i = 0; i < FORMS; i++) {
        start(&a, i);
        for (size_t size = 0; size < 20; size++) {
            tarn_block b = tarn_alloc_at_least(&a.allocator, size, TARN_ZERO);
            assert_non_null(b.ptr);
            assert_int_equal(b.size, (size + 7) / 8 * 8);
            memset(b.ptr, 1, b.size);
            assert_int_equal(tarn_usable(&a.allocator, b.ptr, size, 0), b.size);
            tarn_free(&a.allocator, b.ptr, (size & 1) != 0 ? b.size : size, 0);
        }
        stop(&a);
    }
}

static void rewind_frees_what_came_after(void **state)
{
    tarn_arena a;
    (void)state;
    for (size_t i = 0; i < FORMS; i++) {
        tarn_mark begin, mark;
        char *p, *q, *first;
        start(&a, i);
        begin = tarn_arena_mark(&a);
        first = need(&a, 10, 3);
        memset(first, 1, 10);
        mark = tarn_get_mark(&a.allocator);
        q = need(&a, 10, 3);
        for (int k = 0; k < 40; k++)
            (void)need(&a, 600, 3);
        assert_int_equal(tarn_arena_rewind(&a, mark), TARN_OK);
        assert_int_equal(tarn_check(&a.allocator), TARN_OK);
        p = need(&a, 10, 3);
        assert_ptr_equal(p, q);
        assert_int_equal(first[9], 1);
        assert_int_equal(tarn_rewind(&a.allocator, mark), TARN_OK);
        assert_int_equal(tarn_arena_rewind(&a, mark), TARN_OK);
        assert_int_equal(tarn_arena_rewind(&a, begin), TARN_OK);
        assert_ptr_equal(need(&a, 10, 3), first);
        stop(&a);
    }
}

static void bad_marks_are_refused(void **state)
{
    tarn_arena a, b;
    (void)state;
    for (size_t i = 0; i < FORMS; i++) {
        tarn_mark old, late, nothing = {{NULL, NULL}};
        if (form(i).check || TARN_CHECKED)
            continue; /* a fault: see the death tests */
        start(&a, i);
        assert_int_equal(tarn_arena_init(&b, NULL), TARN_OK);
        (void)need(&b, 8, 3);
        assert_int_equal(tarn_arena_rewind(&a, tarn_arena_mark(&b)), TARN_BAD_ARGUMENT);
        assert_int_equal(tarn_arena_rewind(&a, nothing), TARN_BAD_ARGUMENT);
        (void)need(&a, 8, 3);
        old = tarn_arena_mark(&a);
        (void)need(&a, 8, 3);
        late = tarn_arena_mark(&a);
        assert_int_equal(tarn_arena_rewind(&a, old), TARN_OK);
        assert_int_equal(tarn_arena_rewind(&a, late), TARN_BAD_ARGUMENT);
        assert_int_equal(tarn_check(&a.allocator), TARN_OK);
        tarn_arena_deinit(&b);
        stop(&a);
    }
}

static void refusals_change_nothing(void **state)
{
    const size_t sizes[] = {SIZE_MAX,        SIZE_MAX - 1,    SIZE_MAX - 7, SIZE_MAX - 8,
                            SIZE_MAX - 64,   SIZE_MAX - 4096, PTRDIFF_MAX,  (size_t)PTRDIFF_MAX + 1,
                            PTRDIFF_MAX - 8, PTRDIFF_MAX - 64};
    tarn_arena a;
    (void)state;
    for (size_t i = 0; i < FORMS; i++) {
        tarn_mark mark, after;
        char *p;
        start(&a, i);
        p = need(&a, 100, 3);
        mark = tarn_arena_mark(&a);
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            for (unsigned log = 0; log <= 12; log++) {
                volatile size_t size = sizes[k];
                assert_null(tarn_arena_alloc(&a, size, log));
                assert_null(tarn_alloc_at_least(&a.allocator, size, log).ptr);
                assert_int_equal(tarn_get_why(&a.allocator).size, size);
                assert_null(tarn_arena_resize(&a, p, 100, size, 100, 3));
                assert_null(tarn_arena_resize(&a, p, 100, size, 100, 3 | TARN_IN_PLACE));
            }
        }
        for (unsigned log = TARN_ARENA_ALIGN_LOG + 1; log <= TARN_ALIGN_BITS; log++) {
            assert_null(tarn_arena_alloc(&a, 8, log));
            assert_int_equal(tarn_get_why(&a.allocator).status, TARN_BAD_ALIGN);
        }
        assert_int_equal(tarn_check(&a.allocator), TARN_OK);
        after = tarn_arena_mark(&a);
        assert_memory_equal(&mark, &after, sizeof mark);
        stop(&a);
    }
}

static void options_that_make_no_sense(void **state)
{
    tarn_buffer buffer;
    tarn_source *plain = tarn_buffer_init(&buffer, bytes, sizeof bytes);
    const struct {
        tarn_arena_options o;
        tarn_status status;
    } bad[] = {
        {{.source = plain, .parent = tarn_libc()}, TARN_BAD_ARGUMENT},
        {{.buffer_size = 100}, TARN_BAD_ARGUMENT},
        {{.reserve = 100}, TARN_BAD_ARGUMENT},
        {{.reserve = 100, .parent = tarn_libc()}, TARN_BAD_ARGUMENT},
        {{.reserve = 100, .source = &pages.source, .buffer = bytes, .buffer_size = 99},
         TARN_BAD_ARGUMENT},
        {{.reserve = 100, .source = plain}, TARN_UNSUPPORTED},
        {{.reserve = SIZE_MAX, .source = &pages.source}, TARN_TOO_BIG},
    };
    tarn_arena a;
    tarn_status status;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(tarn_arena_init(&a, &bad[i].o), bad[i].status);
        tarn_arena_deinit(&a);
        assert_null(tarn_arena_create(&bad[i].o, &status));
        assert_int_equal(status, bad[i].status);
    }
    assert_null(
        tarn_arena_create(&(tarn_arena_options){.buffer = bytes, .buffer_size = 999}, NULL));
}

static void the_handle_knows_its_arena(void **state)
{
    tarn_arena a;
    tarn_allocator *h = tarn_arena_allocator(&a);
    char outside;
    char *p;
    (void)state;
    assert_int_equal(tarn_arena_init(&a, &(tarn_arena_options){.name = "request"}), TARN_OK);
    assert_string_equal(tarn_name(h), "request");
    assert_ptr_equal(tarn_parent(h, 0), tarn_libc());
    assert_null(tarn_parent(h, 1));
    assert_false(tarn_can(h, TARN_CAP_FREE));
    assert_true(tarn_can(h, TARN_CAP_RESIZE | TARN_CAP_OWNS | TARN_CAP_RESET | TARN_CAP_MARK));
    p = tarn_alloc(h, 100, 3);
    assert_non_null(p);
    assert_int_equal(tarn_owns(h, p), TARN_YES);
    assert_int_equal(tarn_owns(h, p + 99), TARN_YES);
    assert_int_equal(tarn_owns(h, &outside), TARN_NO);
    assert_int_equal(tarn_visit(h, NULL, NULL), TARN_UNSUPPORTED);
    p = tarn_resize(h, p, 100, 200, 100, 3);
    assert_non_null(p);
    tarn_free(h, p, 200, 3);
    assert_int_equal(tarn_owns(h, p - 4096), TARN_NO);
    assert_int_equal(tarn_reset(h), TARN_OK);
    tarn_deinit(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_alignments),
        cmocka_unit_test(blocks_are_exact),
        cmocka_unit_test(blocks_of_no_bytes),
        cmocka_unit_test(last_block_is_freed_in_place),
        cmocka_unit_test(last_block_grows_and_shrinks),
        cmocka_unit_test(other_blocks_move),
        cmocka_unit_test(granted_may_be_used),
        cmocka_unit_test(rewind_frees_what_came_after),
        cmocka_unit_test(bad_marks_are_refused),
        cmocka_unit_test(refusals_change_nothing),
        cmocka_unit_test(options_that_make_no_sense),
        cmocka_unit_test(the_handle_knows_its_arena),
    };
    if (tarn_pages_init(&pages, NULL) != TARN_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
