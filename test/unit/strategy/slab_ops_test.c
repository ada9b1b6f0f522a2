/* SPDX-License-Identifier: MIT */
/* slab_ops_test.c - the slab as a tarn_allocator: figures, check that notices, parents that fail at any call. */
#include "strategy/slab_page.h"
#include "support/probe.h"
#include "support/tarn_test.h"

static probe parent;
static tarn_slab slab;

static void figures_of_the_whole_and_of_each_class(void **unused)
{
    (void)unused;
    tarn_slab_class_stats one;
    tarn_stats stats;
    size_t classes = 0, live = 0;
    tarn_allocator *a = probe_init(&parent, NULL);
    assert_int_equal(tarn_slab_init(&slab, &(tarn_slab_options){.parent = a, .name = "figures"}),
                     TARN_OK);
    assert_string_equal(tarn_name(&slab.allocator), "figures");
    assert_ptr_equal(tarn_parent(&slab.allocator, 0), a);
    assert_null(tarn_parent(&slab.allocator, 1));
    for (int i = 0; i < 100; i++)
        assert_non_null(tarn_slab_alloc(&slab, 33, 0));
    assert_non_null(tarn_slab_alloc(&slab, 5000, 0));
    for (; tarn_slab_get_class(&slab, classes, &one); classes++) {
        live += one.live_blocks;
        assert_int_equal(one.align, one.size & (~one.size + 1));
        if (one.size == 40) {
            assert_int_equal(one.live_blocks, 100);
            assert_int_equal(one.pages, 1);
            /* 4 refills of 32; a checking slab keeps nothing at hand */
            assert_int_equal(one.at_hand, TARN_CHECKED ? 0 : 28);
            assert_int_equal(one.free_blocks, 0);
        } else {
            assert_int_equal(one.pages, 0);
        }
    }
    assert_int_equal(live, 100);
    assert_int_equal(classes, slab.class_count);
    assert_int_equal(tarn_slab_stats(&slab, &stats), TARN_OK);
    assert_int_equal(stats.live_blocks, 101);
    assert_int_equal(stats.live_bytes, 100 * 40 + 5000);
    assert_int_equal(stats.held_bytes, parent.stats.live_bytes);
    assert_int_equal(stats.idle_bytes, stats.held_bytes - stats.live_bytes);
    assert_int_equal(stats.chunks, 1);
    tarn_slab_deinit(&slab);
    assert_int_equal(tarn_slab_owns(&slab, &slab), TARN_NO);
    assert_int_equal(tarn_slab_stats(&slab, &stats), TARN_OK);
    assert_int_equal(stats.live_blocks, 0);
    assert_int_equal(tarn_slab_check(&slab), TARN_OK);
    assert_int_equal(tarn_usable(&slab.allocator, &slab, 3, 0), 3);
    assert_int_equal(parent.faults, 0);
    assert_int_equal(probe_deinit(&parent), 0);
}

static void parents_are_named_in_all_constellations(void **unused)
{
    (void)unused;
    static probe metadata;
    static _Alignas(64) unsigned char buffer[100000];
    tarn_allocator *a = probe_init(&parent, NULL), *m = probe_init(&metadata, NULL);
    tarn_slab_options o = {.parent = a, .metadata = m, .refuse_large = true};
    assert_int_equal(tarn_slab_init(&slab, &o), TARN_OK);
    assert_ptr_equal(tarn_parent(&slab.allocator, 0), a);
    assert_ptr_equal(tarn_parent(&slab.allocator, 1), m);
    assert_null(tarn_parent(&slab.allocator, 2));
    tarn_slab_deinit(&slab);
    o = (tarn_slab_options){
        .largest = 256, .buffer = buffer, .buffer_size = sizeof buffer, .metadata = m};
    assert_int_equal(tarn_slab_init(&slab, &o), TARN_OK);
    assert_ptr_equal(tarn_parent(&slab.allocator, 0), m);
    assert_null(tarn_parent(&slab.allocator, 1));
    tarn_slab_deinit(&slab);
    probe_deinit(&metadata);
    probe_deinit(&parent);
}

/* A little of everything, with a parent that refuses its k-th call, for every k. */
typedef struct failing {
    tarn_allocator allocator;
    size_t calls, refuse;
} failing;

static void *failing_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    failing *f = (failing *)a;
    return ++f->calls == f->refuse ? NULL : tarn_alloc(&parent.allocator, size, spec);
}

static void failing_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    (void)a;
    tarn_free(&parent.allocator, block, size, spec);
}

static const tarn_ops FAILING = {
    .abi = TARN_ABI, .caps = TARN_CAP_FREE, .alloc = failing_alloc, .free = failing_free};

static void run_with_refusal(tarn_slab_options o, size_t k, bool *refused)
{
    enum { N = 400 };
    static void *blocks[N];
    failing f = {{&FAILING}, 0, k};
    probe_init(&parent, NULL);
    o.parent = &f.allocator;
    if (o.metadata != NULL)
        o.metadata = &f.allocator;
    tarn_slab *s = tarn_slab_create(&o, NULL);
    for (size_t i = 0; s != NULL && i < N; i++) {
        blocks[i] = tarn_slab_alloc(s, 8 + i * 29 % 900, 0);
        assert_int_equal(tarn_slab_check(s), TARN_OK);
    }
    for (size_t i = 0; s != NULL && i < N; i++)
        tarn_slab_free(s, blocks[i], 8 + i * 29 % 900, 0);
    *refused = f.calls >= k;
    tarn_slab_destroy(s);
    assert_int_equal(parent.faults, 0);
    assert_int_equal(probe_deinit(&parent), 0);
}

static void a_parent_that_fails_at_any_call_loses_nothing(void **unused)
{
    (void)unused;
    const tarn_slab_options all[] = {{.largest = 512, .page_size = 2048},
                                     {.largest = 512, .page_size = 2048, .metadata = tarn_libc()}};
    for (size_t i = 0; i < 2; i++) {
        bool refused = true;
        size_t k = 1;
        for (; refused; k++)
            run_with_refusal(all[i], k, &refused);
        assert_true(k > 80); /* pages, tables that grow, bitmaps, large blocks */
    }
}

static void check_notices_what_is_broken(void **unused)
{
    (void)unused;
    assert_int_equal(tarn_slab_init(&slab, &(tarn_slab_options){.largest = 512, .page_size = 4096}),
                     TARN_OK);
    void *blocks[200];
    for (int i = 0; i < 200; i++)
        blocks[i] = tarn_slab_alloc(&slab, 64, 0);
    for (int i = 0; i < 150; i++)
        tarn_slab_free(&slab, blocks[i], 64, 0);
    assert_int_equal(tarn_slab_check(&slab), TARN_OK);
    tarn_slab_class *c = &slab.classes[7];
    tarn_slab_page *p = slab.core->pages;
    size_t *const counts[] = {&c->carved,
                              &c->free,
                              &c->pages,
                              &slab.core->page_count,
                              &slab.core->idle_count,
                              &slab.core->page_map.count};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        ++*counts[i];
        assert_int_equal(tarn_slab_check(&slab), TARN_CORRUPT);
        --*counts[i];
    }
    uint32_t *const fields[] = {&p->number, &p->carved, &p->free};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        ++*fields[i];
        assert_int_equal(tarn_slab_check(&slab), TARN_CORRUPT);
        --*fields[i];
    }
    p->map.level[0][0] ^= 1;
    assert_int_equal(tarn_slab_check(&slab), TARN_CORRUPT);
    p->map.level[0][0] ^= 1;
    if (!TARN_CHECKED) {
        void *first = *c->top; /* handed out twice, sooner or later */
        *c->top = c->top[1];
        assert_int_equal(tarn_slab_check(&slab), TARN_CORRUPT);
        *c->top = (char *)first + 8;
        assert_int_equal(tarn_slab_check(&slab), TARN_CORRUPT);
        *c->top = first;
    }
    assert_int_equal(tarn_slab_check(&slab), TARN_OK);
    tarn_slab_deinit(&slab);
}

static bool stop_at_five(void *user, void *block, size_t size)
{
    (void)block;
    (void)size;
    return ++*(int *)user < 5;
}

static void a_visit_ends_when_the_visitor_says_so(void **unused)
{
    (void)unused;
    int seen = 0;
    assert_int_equal(tarn_slab_init(&slab, &(tarn_slab_options){0}), TARN_OK);
    for (int i = 0; i < 50; i++)
        assert_non_null(tarn_slab_alloc(&slab, 8 + (size_t)i * 10, 0));
    assert_int_equal(tarn_slab_visit(&slab, stop_at_five, &seen), TARN_OK);
    assert_int_equal(seen, 5);
    assert_int_equal(tarn_slab_reset(&slab), TARN_OK);
    seen = 0;
    assert_int_equal(tarn_slab_visit(&slab, stop_at_five, &seen), TARN_OK);
    assert_int_equal(seen, 0);
    tarn_slab_deinit(&slab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_of_the_whole_and_of_each_class),
        cmocka_unit_test(parents_are_named_in_all_constellations),
        cmocka_unit_test(a_parent_that_fails_at_any_call_loses_nothing),
        cmocka_unit_test(check_notices_what_is_broken),
        cmocka_unit_test(a_visit_ends_when_the_visitor_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
