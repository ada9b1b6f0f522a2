/* SPDX-License-Identifier: MIT */
/* The arena's chunks: what is kept, trimmed and limited; ranges and buffers to their ends. */
#include "arena_forms.h"

static size_t held(const tarn_arena *a, size_t *chunks)
{
    tarn_stats s;
    assert_int_equal(tarn_get_stats(&a->allocator, &s), TARN_OK);
    *chunks = s.chunks;
    return s.held_bytes;
}

static void reset_keeps_what_it_is_told(void **state)
{
    tarn_arena a;
    (void)state;
    for (size_t i = 0; i < 16; i++) {
        size_t own = i / 4 >= 2 ? 1 : 0, chunks, all, largest;
        start(&a, i);
        for (int k = 0; k < 100; k++)
            (void)need(&a, 500, 3);
        all = held(&a, &chunks);
        tarn_arena_reset(&a, TARN_KEEP_ALL);
        assert_int_equal(held(&a, &chunks), all);
        assert_int_equal(tarn_check(&a.allocator), TARN_OK);
        for (int k = 0; k < 100; k++)
            (void)need(&a, 500, 3);
        assert_int_equal(held(&a, &chunks), all);
        tarn_arena_reset(&a, TARN_KEEP_LARGEST);
        largest = held(&a, &chunks);
        assert_int_equal(chunks, i / 4 == 2 ? 1 : own + 1);
        assert_true(largest >= 16384 && largest <= all);
        assert_int_equal(tarn_check(&a.allocator), TARN_OK);
        (void)need(&a, 500, 3);
        tarn_arena_reset(&a, TARN_KEEP_NONE);
        assert_int_equal(held(&a, &chunks), 0);
        assert_int_equal(chunks, own);
        (void)need(&a, 500, 3);
        stop(&a);
    }
}

static void trim_gives_back_the_idle(void **state)
{
    tarn_arena a;
    (void)state;
    for (size_t i = 0; i < 12; i++) {
        size_t chunks, before, gone;
        tarn_mark mark;
        char *p;
        start(&a, i);
        p = need(&a, 100, 3);
        memset(p, 3, 100);
        mark = tarn_arena_mark(&a);
        for (int k = 0; k < 100; k++)
            memset(need(&a, 500, 3), 4, 500);
        assert_int_equal(tarn_arena_rewind(&a, mark), TARN_OK);
        before = held(&a, &chunks);
        gone = tarn_trim(&a.allocator);
        assert_true(gone > 0);
        assert_int_equal(held(&a, &chunks), before - gone);
        assert_int_equal(tarn_arena_trim(&a), 0);
        assert_int_equal(p[99], 3);
        assert_int_equal(tarn_check(&a.allocator), TARN_OK);
        for (int k = 0; k < 100; k++) {
            char *q = need(&a, 500, 3 | TARN_ZERO);
            assert_int_equal(q[0] | q[499], 0);
        }
        stop(&a);
    }
}

static void the_limit_holds(void **state)
{
    tarn_arena a;
    (void)state;
    for (size_t i = 0; i < 16; i++) {
        tarn_arena_options o = form(i);
        size_t count = 0, chunks;
        tarn_why why;
        o.limit = 100000;
        assert_int_equal(tarn_arena_init(&a, &o), TARN_OK);
        while (count < 2000 && tarn_arena_alloc(&a, 100, 3) != NULL)
            count++;
        assert_true(count > 500 && count < 1000);
        assert_true(held(&a, &chunks) <= 100000);
        why = tarn_get_why(&a.allocator);
        assert_int_equal(why.status, TARN_LIMIT);
        assert_int_equal(why.size, 100);
        assert_int_equal(why.align, 8);
        assert_int_equal(why.limit, 100000);
        assert_int_equal(tarn_check(&a.allocator), TARN_OK);
        /* Idle chunks that are too small make room for one that is not. */
        tarn_arena_reset(&a, TARN_KEEP_ALL);
        assert_non_null(tarn_arena_alloc(&a, 80000, 3));
        assert_true(held(&a, &chunks) <= 100000);
        stop(&a);
    }
}

static void a_buffer_alone_is_all_there_is(void **state)
{
    tarn_arena a;
    tarn_arena_options o = {.buffer = bytes + 3, .buffer_size = 1000};
    (void)state;
    for (int down = 0; down < 2; down++) {
        size_t sum = 0;
        char *p;
        o.down = down != 0;
        assert_int_equal(tarn_arena_init(&a, &o), TARN_OK);
        while ((p = tarn_arena_alloc(&a, 8, 3)) != NULL) {
            assert_true(p >= bytes + 3 && p + 8 <= bytes + 1003);
            sum += 8;
        }
        if (!TARN_CHECKED)
            assert_int_equal(sum, 976);
        assert_int_equal(tarn_get_why(&a.allocator).status, TARN_LIMIT);
        assert_int_equal(tarn_get_why(&a.allocator).limit, 976);
        tarn_arena_reset(&a, TARN_KEEP_NONE);
        assert_non_null(tarn_arena_alloc(&a, 900, 3));
        stop(&a);
    }
    for (size_t size = 0; size < 29; size++) {
        o.buffer_size = size;
        assert_int_equal(tarn_arena_init(&a, &o), TARN_BAD_ARGUMENT);
    }
    o.buffer_size = 29;
    assert_int_equal(tarn_arena_init(&a, &o), TARN_OK);
    stop(&a);
}

static void a_range_is_used_to_its_end(void **state)
{
    tarn_arena a;
    tarn_arena_options o = {.source = &pages.source, .reserve = 300000, .chunk_size = 1};
    (void)state;
    for (int down = 0; down < 2; down++) {
        size_t whole =
            (300000 + pages.source.granule - 1) / pages.source.granule * pages.source.granule;
        char *p, *q;
        o.down = down != 0;
        assert_int_equal(tarn_arena_init(&a, &o), TARN_OK);
        p = need(&a, 100, 3);
        q = tarn_arena_resize(&a, p, 100, 200000, 100, 3);
        assert_non_null(q);
        assert_int_equal(p == q, down == 0);
        memset(q, 1, 200000);
        assert_null(tarn_arena_alloc(&a, whole - 200000 + 8, 3));
        assert_int_equal(tarn_get_why(&a.allocator).status, TARN_LIMIT);
        assert_int_equal(tarn_get_why(&a.allocator).limit, 300000);
        if (!TARN_CHECKED)
            memset(need(&a, whole - 200000, 3), 2, whole - 200000);
        assert_int_equal(q[0] & q[199999], 1);
        stop(&a);
    }
}

static void created_arenas(void **state)
{
    tarn_pages_report r;
    (void)state;
    for (size_t i = 0; i < 12; i++) {
        tarn_arena_options o = form(i);
        tarn_status status;
        tarn_arena *a = tarn_arena_create(&o, &status);
        assert_non_null(a);
        assert_int_equal(status, TARN_OK);
        for (int k = 0; k < 100; k++)
            memset(need(a, 500, 3), 1, 500);
        assert_int_equal(tarn_check(&a->allocator), TARN_OK);
        tarn_arena_reset(a, TARN_KEEP_NONE);
        memset(need(a, 500, 3), 1, 500);
        assert_int_equal(tarn_check(&a->allocator), TARN_OK);
        tarn_arena_destroy(a);
    }
    tarn_arena_destroy(NULL);
    tarn_pages_get_report(&pages, &r);
    assert_int_equal(r.mapped, 0);
}

/* Sizes that are no whole granules of the source: what it rounds up to counts. */
static void the_limit_holds_whatever_the_source_gives(void **state)
{
    static const size_t limits[] = {3000, 5000, 6000, 9000, 20000};
    (void)state;
    for (size_t i = 0; i < 4 * (sizeof limits / sizeof *limits); i++) {
        tarn_arena_options o = {.source = &pages.source, .chunk_size = 5000};
        tarn_arena local, *a = &local;
        size_t count = 0, chunks;
        o.limit = limits[i / 4];
        o.reserve = (i & 1) != 0 ? 1 << 20 : 0;
        if ((i & 2) != 0)
            a = tarn_arena_create(&o, NULL);
        else
            assert_int_equal(tarn_arena_init(a, &o), TARN_OK);
        if (a == NULL)
            continue; /* not even itself */
        while (count < 2000 && tarn_arena_alloc(a, 100, 3) != NULL)
            count++;
        assert_true(count < 2000);
        assert_true(held(a, &chunks) <= o.limit);
        if (a != &local)
            tarn_arena_destroy(a);
        else
            tarn_arena_deinit(a);
    }
}

/* Without memory: refused at whichever call of the parent, and whole afterwards. */
static void a_parent_that_refuses(void **state)
{
    (void)state;
    for (size_t most = 0; most < 20; most++) {
        tarn_pages small;
        tarn_arena a;
        size_t count = 0;
        assert_int_equal(
            tarn_pages_init(&small,
                            &(tarn_pages_options){.limit = (most + 1) * pages.source.granule}),
            TARN_OK);
        assert_int_equal(
            tarn_arena_init(&a, &(tarn_arena_options){.source = &small.source, .chunk_size = 4096}),
            TARN_OK);
        while (count < 2000 && tarn_arena_alloc(&a, 100, 3) != NULL)
            count++;
        assert_true(count < 2000 && count >= (most + 1) * 20);
        assert_int_equal(tarn_get_why(&a.allocator).status, TARN_LIMIT);
        assert_int_equal(tarn_check(&a.allocator), TARN_OK);
        tarn_arena_deinit(&a);
        tarn_pages_deinit(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reset_keeps_what_it_is_told),
        cmocka_unit_test(trim_gives_back_the_idle),
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(the_limit_holds_whatever_the_source_gives),
        cmocka_unit_test(a_buffer_alone_is_all_there_is),
        cmocka_unit_test(a_range_is_used_to_its_end),
        cmocka_unit_test(created_arenas),
        cmocka_unit_test(a_parent_that_refuses),
    };
    if (tarn_pages_init(&pages, NULL) != TARN_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
