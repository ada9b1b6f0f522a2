/* SPDX-License-Identifier: MIT */
/* tlsf_test.c - where blocks come from, how pieces merge and split, resizing, what is refused, what is counted. */
#include <tarn/new.h>
#include <tarn/tlsf.h>

#include "support/tarn_test.h"

/* OVER: what a block costs beside its bytes. */
enum {
    ROOM = 1 << 16,
    W = sizeof(void *),
    OVER = TARN_CHECKED ? 3 * W : W,
    GRAIN = TARN_TLSF_GRAIN
};

static tarn_tlsf tlsf;
static _Alignas(4096) unsigned char memory[ROOM];

static void start(tarn_tlsf_options o)
{
    if (o.buffer == NULL && o.source == NULL && o.parent == NULL) {
        o.buffer = memory;
        o.buffer_size = sizeof memory;
    }
    assert_int_equal(tarn_tlsf_init(&tlsf, &o), TARN_OK);
    assert_int_equal(tarn_check(&tlsf.allocator), TARN_OK);
}

static void finish(void)
{
    assert_int_equal(tarn_check(&tlsf.allocator), TARN_OK);
    tarn_tlsf_deinit(&tlsf);
}

static void *get(size_t size)
{
    void *p = tarn_tlsf_alloc(&tlsf, size, 0);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % GRAIN, 0);
    memset(p, 0xa5, size);
    assert_int_equal(tarn_check(&tlsf.allocator), TARN_OK);
    return p;
}

static void put(void *p)
{
    tarn_tlsf_free(&tlsf, p, 0, 0);
    assert_int_equal(tarn_check(&tlsf.allocator), TARN_OK);
}

static size_t whole(size_t size)
{
    size_t n = (size + OVER + GRAIN - 1) / GRAIN * GRAIN;
    return n > 4 * W ? n : 4 * W;
}

static void neighbours_merge_at_once(void **unused)
{
    (void)unused;
    start((tarn_tlsf_options){0});
    tarn_tlsf_report fresh = tarn_tlsf_get_report(&tlsf);
    assert_int_equal(fresh.largest_free, fresh.room);
    char *a = get(100), *b = get(200), *c = get(300), *d = get(400);
    assert_ptr_equal(b, a + whole(100));
    assert_ptr_equal(c, b + whole(200));
    put(b); /* alone */
    put(c); /* with the piece before */
    assert_ptr_equal(get(whole(200) + whole(300) - OVER), b);
    put(b);
    put(a); /* with the piece behind */
    put(d); /* with both */
    assert_int_equal(tarn_tlsf_get_report(&tlsf).largest_free, fresh.room);
    assert_int_equal(tlsf.live, 0);
    assert_int_equal(tlsf.used, 0);
    finish();
}

static void small_requests_get_the_best_fit(void **unused)
{
    (void)unused;
    void *holes[20], *walls[20];
    start((tarn_tlsf_options){0});
    for (size_t i = 0; i < 20; i++) {
        holes[i] = get(40 + i * GRAIN);
        walls[i] = get(1);
    }
    for (size_t i = 0; i < 20; i++)
        put(holes[i]);
    for (size_t i = 20; i-- > 0;) /* from the largest down, each finds its own */
        assert_ptr_equal(get(40 + i * GRAIN), holes[i]);
    for (size_t i = 0; i < 20; i++)
        put(walls[i]);
    finish();
}

static void a_piece_of_the_list_below_is_found_when_nothing_else_fits(void **unused)
{
    (void)unused;
    /* 3000 bytes round up to the next list; the only piece lies in the one below. */
    start((tarn_tlsf_options){.buffer = memory, .buffer_size = 3000 + TARN_TLSF_REGION_BYTES});
    void *p = get(3000);
    assert_null(tarn_tlsf_alloc(&tlsf, 3000, 0));
    put(p);
    assert_ptr_equal(get(3000), p);
    finish();
}

static void alignments_cost_no_search(void **unused)
{
    (void)unused;
    start((tarn_tlsf_options){0});
    void *first = tarn_tlsf_alloc(&tlsf, 100, 10);
    tarn_tlsf_report r = tarn_tlsf_get_report(&tlsf);
    assert_int_equal(r.used, whole(100));
    assert_int_equal(r.peak, r.used); /* what aligning took for a moment does not count */
    tarn_tlsf_free(&tlsf, first, 100, 10);
    for (unsigned log = 0; log <= 13; log++) {
        for (size_t size = 1; size < 5000; size = size * 3 + 1) {
            size_t align = (size_t)1 << log;
            void *other = get(size), *p = tarn_tlsf_alloc(&tlsf, size, log);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % align, 0);
            memset(p, 0x5a, size);
            assert_int_equal(tarn_check(&tlsf.allocator), TARN_OK);
            put(other);
            tarn_tlsf_free(&tlsf, p, size, log);
            assert_int_equal(tarn_check(&tlsf.allocator), TARN_OK);
        }
    }
    tarn_tlsf_report end = tarn_tlsf_get_report(&tlsf);
    assert_int_equal(end.largest_free, end.room);
    finish();
}

static void a_block_grows_into_what_is_free_behind_it(void **unused)
{
    (void)unused;
    start((tarn_tlsf_options){0});
    char *a = get(100), *b = get(100), *c = get(100);
    put(b);
    assert_ptr_equal(tarn_tlsf_resize(&tlsf, a, 100, 200, 100, TARN_IN_PLACE), a);
    assert_int_equal(tarn_check(&tlsf.allocator), TARN_OK);
    assert_null(tarn_tlsf_resize(&tlsf, a, 200, 400, 200, TARN_IN_PLACE));
    assert_int_equal(tarn_get_why(&tlsf.allocator).status, TARN_NO_MEMORY);
    assert_null(tarn_tlsf_resize(&tlsf, a, 200, 400, 200, TARN_NO_COPY));
    assert_ptr_equal(tarn_tlsf_resize(&tlsf, a, 200, 10, 10, 0), a); /* gives the rest back */
    assert_ptr_equal(get(100), a + whole(10));
    memset(a, 7, 10);
    char *moved = tarn_tlsf_resize(&tlsf, a, 10, 1000, 10, TARN_ZERO);
    assert_true(moved != NULL && moved != a);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(moved[i], i < 10 ? 7 : 0);
    assert_int_equal(tarn_check(&tlsf.allocator), TARN_OK);
    put(c);
    finish();
}

static void a_shrink_merges_with_what_is_free_behind(void **unused)
{
    (void)unused;
    start((tarn_tlsf_options){0});
    char *a = get(600), *b = get(200), *wall = get(1);
    put(b);
    /* One grain alone would be too small for a piece. */
    assert_ptr_equal(tarn_tlsf_resize(&tlsf, a, 600, 600 - GRAIN, 0, 0), a);
    assert_int_equal(tarn_check(&tlsf.allocator), TARN_OK);
    assert_ptr_equal(get(whole(200) + GRAIN - OVER), b - GRAIN);
    put(wall);
    finish();
}

static void what_cannot_be_served_changes_nothing(void **unused)
{
    (void)unused;
    start((tarn_tlsf_options){.name = "heap"});
    void *p = get(500);
    size_t used = tlsf.used;
    assert_null(tarn_tlsf_alloc(&tlsf, ROOM, 0));
    assert_int_equal(tarn_get_why(&tlsf.allocator).status, TARN_NO_MEMORY);
    size_t bad[] = {SIZE_MAX, SIZE_MAX - 7, (size_t)1 << TARN_TLSF_LOG2, SIZE_MAX / 2};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(tarn_tlsf_alloc(&tlsf, bad[i], 0));
        assert_int_equal(tarn_get_why(&tlsf.allocator).status, TARN_TOO_BIG);
        assert_null(tarn_tlsf_resize(&tlsf, p, 500, bad[i], 500, 0));
        assert_int_equal(tarn_get_why(&tlsf.allocator).status, TARN_TOO_BIG);
        assert_null(tarn_tlsf_alloc(&tlsf, bad[i], 12));
    }
    assert_null(tarn_tlsf_alloc(&tlsf, 1, TARN_ALIGN_BITS)); /* tarn_spec_for(3) */
    assert_int_equal(tarn_get_why(&tlsf.allocator).status, TARN_BAD_ALIGN);
    assert_null(tarn_tlsf_resize(&tlsf, p, 500, 600, 500, TARN_ALIGN_BITS));
    assert_null(tarn_tlsf_alloc(&tlsf, 1, TARN_TLSF_LOG2 - 1));
    assert_int_equal(tarn_get_why(&tlsf.allocator).status, TARN_NO_MEMORY);
    assert_int_equal(tlsf.used, used);
    tarn_tlsf_free(&tlsf, NULL, 0, 0);
    put(p);
    finish();
}

static void no_bytes_are_a_block_too(void **unused)
{
    (void)unused;
    start((tarn_tlsf_options){0});
    void *a = get(0), *b = get(0);
    assert_ptr_not_equal(a, b);
    assert_int_equal(tarn_usable(&tlsf.allocator, a, 0, 0), whole(0) - OVER);
    put(a);
    put(b);
    finish();
}

static void the_real_size_is_told(void **unused)
{
    (void)unused;
    start((tarn_tlsf_options){0});
    tarn_block b = tarn_alloc_at_least(&tlsf.allocator, 100, TARN_ZERO);
    assert_int_equal(b.size, whole(100) - OVER);
    for (size_t i = 0; i < b.size; i++)
        assert_int_equal(((char *)b.ptr)[i], 0);
    memset(b.ptr, 0xff, b.size);
    assert_int_equal(tarn_usable(&tlsf.allocator, b.ptr, 100, 0), b.size);
    tarn_free(&tlsf.allocator, b.ptr, b.size, 0);
    b = tarn_alloc_at_least(&tlsf.allocator, 2 * ROOM, 0);
    assert_null(b.ptr);
    assert_int_equal(b.size, 0);
    finish();
}

typedef struct seen {
    size_t blocks, bytes, stop;
    bool free_them;
} seen;

static bool see(void *user, void *block, size_t size)
{
    seen *s = user;
    s->blocks++;
    s->bytes += size;
    if (s->free_them)
        tarn_tlsf_free(&tlsf, block, 0, 0);
    return s->blocks != s->stop;
}

static void a_visit_sees_live_blocks_once_and_may_free_them(void **unused)
{
    (void)unused;
    void *p[30];
    start((tarn_tlsf_options){0});
    for (size_t i = 0; i < 30; i++)
        p[i] = get(50 + i);
    for (size_t i = 0; i < 30; i += 4)
        put(p[i]);
    seen all = {0}, some = {.stop = 5}, gone = {.free_them = true};
    assert_int_equal(tarn_visit(&tlsf.allocator, see, &all), TARN_OK);
    assert_int_equal(all.blocks, 22);
    if (!TARN_CHECKED) /* which knows what was asked for */
        assert_int_equal(all.bytes, tlsf.used - tlsf.live * OVER);
    tarn_visit(&tlsf.allocator, see, &some);
    assert_int_equal(some.blocks, 5);
    tarn_visit(&tlsf.allocator, see, &gone);
    assert_int_equal(gone.blocks, 22);
    assert_int_equal(tlsf.live, 0);
    finish();
}

static void a_reset_makes_every_region_whole(void **unused)
{
    (void)unused;
    start((tarn_tlsf_options){0});
    tarn_tlsf_report fresh = tarn_tlsf_get_report(&tlsf);
    for (int i = 0; i < 20; i++)
        get(100);
    assert_int_equal(tarn_reset(&tlsf.allocator), TARN_OK);
    tarn_tlsf_report after = tarn_tlsf_get_report(&tlsf);
    assert_int_equal(after.largest_free, fresh.room);
    assert_int_equal(after.used, 0);
    assert_true(after.peak >= 20 * whole(100));
    finish();
}

static void counters_follow(void **unused)
{
    (void)unused;
    tarn_stats s;
    start((tarn_tlsf_options){0});
    void *a = get(100), *b = get(5000);
    tarn_get_stats(&tlsf.allocator, &s);
    assert_int_equal(s.live_blocks, 2);
    assert_int_equal(s.live_bytes, whole(100) + whole(5000) - 2 * OVER);
    assert_int_equal(s.chunks, 1);
    assert_int_equal(s.failures, 0);
    tarn_tlsf_report r = tarn_tlsf_get_report(&tlsf);
    assert_int_equal(r.used, whole(100) + whole(5000));
    assert_int_equal(r.span, r.used);
    put(b);
    put(a);
    r = tarn_tlsf_get_report(&tlsf);
    assert_int_equal(r.used, 0);
    assert_int_equal(r.peak, whole(100) + whole(5000));
    assert_int_equal(r.span, r.peak);
    assert_int_equal(r.largest, whole(5000));
    assert_null(tarn_tlsf_alloc(&tlsf, ROOM, 0));
    tarn_get_stats(&tlsf.allocator, &s);
    assert_int_equal(s.failures, 1);
    /* A rest under a kilobyte counts as handed out. */
    get(r.room - 600);
    assert_int_equal(tarn_tlsf_get_report(&tlsf).span, r.room);
    finish();
}

/* Pieces of two sizes share a list here; the smaller one is its first. */
static void the_largest_free_piece_is_told(void **unused)
{
    (void)unused;
    size_t small = ((size_t)2 << TARN_TLSF_BITS) * GRAIN, large = small + GRAIN;
    start((tarn_tlsf_options){.buffer = memory, .buffer_size = 3 * (size_t)large});
    void *a = get(large - OVER), *between = get(1), *b = get(small - OVER);
    while (tarn_tlsf_alloc(&tlsf, 1, 0) != NULL) {
    }
    put(a);
    put(b);
    assert_int_equal(tarn_tlsf_get_report(&tlsf).largest_free, large);
    put(between);
    finish();
}

static void options_that_make_no_sense_are_refused(void **unused)
{
    (void)unused;
    tarn_parent_source own;
    tarn_source *source = tarn_parent_init(&own, tarn_libc());
    const tarn_tlsf_options bad[] = {
        {.source = source, .parent = tarn_libc()},
        {.source = source, .metadata = tarn_libc()},
        {.parent = tarn_libc(), .metadata = tarn_libc()},
        {.grain = 64},
        {.chunk_size = 4096},
        {.limit = 4096},
        {.buffer_size = 4096},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tarn_tlsf_init(&tlsf, &bad[i]), TARN_BAD_ARGUMENT);
    tarn_tlsf_options odd = {.metadata = tarn_libc(), .grain = 48};
    assert_int_equal(tarn_tlsf_init(&tlsf, &odd), TARN_BAD_ALIGN);
    tarn_tlsf_options huge = {.parent = tarn_libc(),
                              .chunk_size = (size_t)1 << (TARN_TLSF_LOG2 - 1)};
    assert_int_equal(tarn_tlsf_init(&tlsf, &huge), TARN_TOO_BIG);
    odd.grain = GRAIN / 2;
    assert_int_equal(tarn_tlsf_init(&tlsf, &odd), TARN_BAD_ALIGN);
}

static void a_handle_tells_who_it_is(void **unused)
{
    (void)unused;
    start((tarn_tlsf_options){.name = "audio"});
    tarn_allocator *a = tarn_tlsf_allocator(&tlsf);
    assert_string_equal(tarn_name(a), "audio");
    assert_true(tarn_can(a, TARN_CAP_BOUNDED | TARN_CAP_UNSIZED_FREE | TARN_CAP_OWNS));
    assert_null(tarn_parent(a, 0));
    char *p = get(10);
    assert_int_equal(tarn_owns(a, p), TARN_YES);
    assert_int_equal(tarn_owns(a, p + 9), TARN_YES);
    assert_int_equal(tarn_owns(a, &tlsf), TARN_NO);
    assert_int_equal(tarn_owns(a, NULL), TARN_NO);
    put(p);
    finish();
}

static void objects_by_type_go_straight_to_it(void **unused)
{
    (void)unused;
    start((tarn_tlsf_options){0});
    double *one = tarn_new(&tlsf, double), *many = tarn_new_array_zero(&tlsf, double, 30);
    assert_non_null(one);
    *one = 1;
    for (int i = 0; i < 30; i++)
        assert_true(many[i] == 0.0);
    assert_null(tarn_new_array(&tlsf, double, SIZE_MAX / 4));
    tarn_delete(&tlsf, one);
    tarn_delete_array(&tlsf, many, 30);
    assert_int_equal(tlsf.live, 0);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_merge_at_once),
        cmocka_unit_test(small_requests_get_the_best_fit),
        cmocka_unit_test(a_piece_of_the_list_below_is_found_when_nothing_else_fits),
        cmocka_unit_test(alignments_cost_no_search),
        cmocka_unit_test(a_block_grows_into_what_is_free_behind_it),
        cmocka_unit_test(a_shrink_merges_with_what_is_free_behind),
        cmocka_unit_test(what_cannot_be_served_changes_nothing),
        cmocka_unit_test(no_bytes_are_a_block_too),
        cmocka_unit_test(the_real_size_is_told),
        cmocka_unit_test(a_visit_sees_live_blocks_once_and_may_free_them),
        cmocka_unit_test(a_reset_makes_every_region_whole),
        cmocka_unit_test(counters_follow),
        cmocka_unit_test(the_largest_free_piece_is_told),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(a_handle_tells_who_it_is),
        cmocka_unit_test(objects_by_type_go_straight_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
