/* SPDX-License-Identifier: MIT */
/* segregate: every legal size of a block leads to the child that allocated it. */
#include "support/tarn_test.h"

#include "support/death.h"
#include "support/probe.h"

#include <signal.h>

#include <tarn/segregate.h>

enum { S = TARN_SPEC(8), CHILDREN = 4 };

static probe children[CHILDREN];
static tarn_segregate_class classes[TARN_SEGREGATE_MAX];
static tarn_segregate all;
static tarn_allocator *a;

/* count classes on children 0, 1, …; the next child is the rest, if there is to be one. */
static void set_up(const size_t *sizes, size_t count, bool rest, const probe_options *options)
{
    for (size_t i = 0; i < count; i++)
        classes[i] = (tarn_segregate_class){sizes[i], probe_init(&children[i], options)};
    const tarn_segregate_options how = {.name = "sizes",
                                        .classes = classes,
                                        .count = count,
                                        .rest = probe_init(&children[count], options)};
    tarn_segregate_options without = how;
    without.rest = NULL;
    assert_int_equal(tarn_segregate_init(&all, rest ? &how : &without), TARN_OK);
    a = tarn_segregate_allocator(&all);
}

static void tear_down(void)
{
    for (size_t i = 0; i < CHILDREN; i++) {
        assert_string_equal(children[i].first_fault, "");
        assert_int_equal(probe_deinit(&children[i]), 0);
    }
    tarn_segregate_deinit(&all);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    tarn_segregate s;
    tarn_segregate_class c[] = {{8, probe_init(&children[0], NULL)}, {8, &children[0].allocator}};
    tarn_segregate_options o = {.classes = c, .count = 2};
    assert_int_equal(tarn_segregate_init(&s, NULL), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_segregate_init(&s, &o), TARN_BAD_ARGUMENT);
    c[1].max_size = 7;
    assert_int_equal(tarn_segregate_init(&s, &o), TARN_BAD_ARGUMENT);
    c[1].max_size = 9;
    assert_int_equal(tarn_segregate_init(&s, &o), TARN_OK);
    assert_string_equal(tarn_name(tarn_segregate_allocator(&s)), "segregate");
    c[1].child = NULL;
    assert_int_equal(tarn_segregate_init(&s, &o), TARN_BAD_ARGUMENT);
    o.count = 0;
    assert_int_equal(tarn_segregate_init(&s, &o), TARN_BAD_ARGUMENT);
    o.count = TARN_SEGREGATE_MAX + 1;
    assert_int_equal(tarn_segregate_init(&s, &o), TARN_BAD_ARGUMENT);
    o.classes = NULL;
    assert_int_equal(tarn_segregate_init(&s, &o), TARN_BAD_ARGUMENT);
}

static tarn_allocator *slow_child(size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++)
        if (size <= classes[i].max_size)
            return classes[i].child;
    return &children[count].allocator;
}

/* Against a plain search, with thresholds on and off the table's steps, below and above its end. */
static void every_size_finds_its_class(void **state)
{
    (void)state;
    static const size_t sizes[][3] = {
        {64, 1024, 4096},   {1, 2, 3},          {0, 1, 1025},           {7, 9, 1023},
        {1000, 1001, 1100}, {2000, 3000, 4000}, {1016, 1024, SIZE_MAX}, {5, 1024, 1025},
    };
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        set_up(sizes[k], 3, true, NULL);
        for (size_t size = 0; size < 5000; size++)
            assert_ptr_equal(tarn_segregate_child(&all, size), slow_child(3, size));
        assert_ptr_equal(tarn_segregate_child(&all, SIZE_MAX), slow_child(3, SIZE_MAX));
        tear_down();
    }
}

static void the_greatest_number_of_classes(void **state)
{
    (void)state;
    probe_init(&children[0], NULL);
    for (size_t i = 0; i < TARN_SEGREGATE_MAX; i++)
        classes[i] = (tarn_segregate_class){i * 3 + 1, &children[0].allocator};
    const tarn_segregate_options o = {.classes = classes, .count = TARN_SEGREGATE_MAX};
    assert_int_equal(tarn_segregate_init(&all, &o), TARN_OK);
    size_t last = classes[TARN_SEGREGATE_MAX - 1].max_size;
    assert_ptr_equal(tarn_segregate_child(&all, last), &children[0].allocator);
    assert_null(tarn_segregate_child(&all, last + 1));
}

static void granted_sizes_stay_in_the_class(void **state)
{
    (void)state;
    set_up((const size_t[]){50, 100}, 2, true, &(probe_options){.slack = 64});
    for (size_t size = 0; size < 200; size++) {
        tarn_block b = tarn_alloc_at_least(a, size, S);
        size_t real = tarn_usable(a, b.ptr, size, S);
        assert_int_equal(real, b.size);
        assert_in_range(b.size, size, size <= 50 ? 50 : size <= 100 ? 100 : 256);
        tarn_free(a, b.ptr, size + (b.size - size) * (size % 3) / 2, S);
    }
    tear_down();
}

static void a_resize_out_of_the_class_moves(void **state)
{
    (void)state;
    set_up((const size_t[]){50, 100}, 2, true, NULL);
    unsigned char *p = tarn_alloc(a, 50, S);
    memset(p, 3, 50);
    assert_null(tarn_resize(a, p, 50, 51, 50, S | TARN_IN_PLACE));
    assert_int_equal(tarn_get_why(a).status, TARN_UNSUPPORTED);
    assert_null(tarn_resize(a, p, 50, 51, 50, S | TARN_NO_COPY));
    p = tarn_resize(a, p, 50, 60, 50, S | TARN_ZERO);
    assert_int_equal(children[1].stats.live_blocks, 1);
    for (int i = 0; i < 60; i++)
        assert_int_equal(p[i], i < 50 ? 3 : 0);
    p = tarn_resize(a, p, 60, 10, 10, S);
    assert_int_equal(children[0].stats.live_blocks, 1);
    p = tarn_resize(a, p, 10, 20, 10, S);
    p = tarn_resize(a, p, 20, 1000, 10, S);
    assert_int_equal(p[9], 3);
    assert_null(tarn_resize(a, p, 1000, SIZE_MAX, 10, S));
    assert_int_equal(tarn_get_why(a).status, TARN_TOO_BIG);
    tarn_free(a, p, 1000, S);
    tear_down();
}

static void one_child_in_two_classes_needs_no_move(void **state)
{
    (void)state;
    probe_init(&children[0], &(probe_options){.slack = 1000});
    probe_init(&children[1], NULL);
    const tarn_segregate_class c[] = {
        {50, &children[0].allocator}, {60, &children[1].allocator}, {900, &children[0].allocator}};
    assert_int_equal(tarn_segregate_init(&all, &(tarn_segregate_options){.classes = c, .count = 3}),
                     TARN_OK);
    a = tarn_segregate_allocator(&all);
    void *p = tarn_alloc(a, 50, S);
    assert_ptr_equal(tarn_resize(a, p, 50, 700, 50, S | TARN_IN_PLACE), p);
    assert_int_equal(tarn_reset(a), TARN_OK);
    assert_int_equal(children[0].resets, 1);
    assert_int_equal(tarn_trim(a), 1000);
    assert_int_equal(children[0].trims, 1);
    tear_down();
}

static void above_the_last_class(void **state)
{
    (void)state;
    set_up((const size_t[]){50}, 1, false, NULL);
    assert_null(tarn_alloc(a, 51, TARN_SPEC(4)));
    tarn_why w = tarn_get_why(a);
    assert_int_equal(w.status, TARN_TOO_BIG);
    assert_int_equal(w.size, 51);
    assert_int_equal(w.align, 4);
    assert_int_equal(w.limit, 50);
    assert_null(tarn_alloc_at_least(a, 51, S).ptr);
    void *out[2];
    assert_int_equal(tarn_alloc_batch(a, 51, S, 2, out), 0);
    void *p = tarn_alloc(a, 10, S);
    assert_null(tarn_resize(a, p, 10, 51, 10, S));
    assert_int_equal(tarn_get_why(a).size, 51);
    assert_null(tarn_resize(a, p, 10, 52, 10, S | TARN_IN_PLACE));
    assert_int_equal(tarn_get_why(a).size, 52);
    assert_int_equal(tarn_get_why(a).status, TARN_TOO_BIG);
    tarn_free(a, p, 10, S);
    tear_down();
}

static void free_of_an_impossible_size(void *arg)
{
    tarn_free(a, arg, 51, S);
}

static void resize_of_an_impossible_size(void *arg)
{
    assert_null(tarn_resize(a, arg, 51, 10, 10, S));
}

static void batch_of_an_impossible_size(void *arg)
{
    tarn_free_batch(a, 51, S, 1, &arg);
}

static void a_size_without_a_class_is_a_fault(void **state)
{
    set_up((const size_t[]){50}, 1, false, NULL);
    const char *line = "tarn: wrong size: segregate 'sizes': given 51, expected 50";
    assert_death(free_of_an_impossible_size, state, SIGABRT, line);
    assert_death(resize_of_an_impossible_size, state, SIGABRT, line);
    assert_death(batch_of_an_impossible_size, state, SIGABRT, line);
    tear_down();
}

static void a_childs_reason(void **state)
{
    (void)state;
    set_up((const size_t[]){50}, 1, true, &(probe_options){.max_blocks = 1});
    assert_int_equal(tarn_get_why(a).status, TARN_OK);
    void *out[3];
    assert_int_equal(tarn_alloc_batch(a, 60, S, 3, out), 1);
    assert_int_equal(tarn_get_why(a).status, TARN_LIMIT);
    assert_int_equal(tarn_get_why(a).size, 60);
    assert_null(tarn_alloc(a, 61, S));
    assert_int_equal(tarn_get_why(a).size, 61);
    tarn_free_batch(a, 60, S, 1, out);
    tear_down();
}

static bool count(void *user, void *block, size_t size)
{
    (void)block;
    (void)size;
    return ++*(int *)user != 2;
}

static void all_children_at_once(void **state)
{
    (void)state;
    set_up((const size_t[]){50, 100}, 2, true, NULL);
    void *p[] = {tarn_alloc(a, 1, S), tarn_alloc(a, 51, S), tarn_alloc(a, 101, S)};
    int seen = 0;
    assert_int_equal(tarn_visit(a, count, &seen), TARN_OK);
    assert_int_equal(seen, 2);
    seen = 10;
    assert_int_equal(tarn_visit(a, count, &seen), TARN_OK);
    assert_int_equal(seen, 13);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tarn_owns(a, p[i]), TARN_YES);
    assert_int_equal(tarn_owns(a, &seen), TARN_NO);
    assert_int_equal(tarn_check(a), TARN_OK);
    assert_int_equal(tarn_reset(a), TARN_OK);
    assert_int_equal(tarn_owns(a, p[2]), TARN_NO);
    assert_ptr_equal(tarn_parent(a, 2), &children[2].allocator);
    assert_null(tarn_parent(a, 3));
    assert_string_equal(tarn_name(a), "segregate 'sizes'");
    tear_down();
}

static void absent_is_what_a_child_lacks(void **state)
{
    (void)state;
    set_up((const size_t[]){50}, 1, true,
           &(probe_options){.without_caps = ~0u,
                            .without = PROBE_NO_AT_LEAST | PROBE_NO_BATCH | PROBE_NO_RARE});
    assert_int_equal(a->ops->caps, 0);
    assert_null(a->ops->resize);
    assert_null(a->ops->alloc_at_least);
    assert_null(a->ops->alloc_batch);
    assert_null(a->ops->free_batch);
    assert_null(a->ops->rare->owns);
    assert_null(a->ops->rare->reset);
    assert_null(a->ops->rare->trim);
    assert_null(a->ops->rare->visit);
    assert_null(a->ops->rare->check);
    tear_down();
    set_up((const size_t[]){50}, 1, true,
           &(probe_options){.without = PROBE_NO_USABLE | PROBE_THREADS});
    assert_null(a->ops->rare->usable);
    assert_int_equal(a->ops->caps, TARN_CAP_FREE | TARN_CAP_RESIZE | TARN_CAP_OWNS |
                                       TARN_CAP_RESET | TARN_CAP_TRIM | TARN_CAP_VISIT |
                                       TARN_CAP_CHECK | TARN_CAP_THREADS | TARN_CAP_THREADS_FREE);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(every_size_finds_its_class),
        cmocka_unit_test(the_greatest_number_of_classes),
        cmocka_unit_test(granted_sizes_stay_in_the_class),
        cmocka_unit_test(a_resize_out_of_the_class_moves),
        cmocka_unit_test(one_child_in_two_classes_needs_no_move),
        cmocka_unit_test(above_the_last_class),
        cmocka_unit_test(a_size_without_a_class_is_a_fault),
        cmocka_unit_test(a_childs_reason),
        cmocka_unit_test(all_children_at_once),
        cmocka_unit_test(absent_is_what_a_child_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
