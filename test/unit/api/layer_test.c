/* SPDX-License-Identifier: MIT */
/* A layer has what its plan and its parent say, hands the rest through, and tells whose refusal it was. */
#include "support/tarn_test.h"

#include <tarn/layer.h>

#include "support/probe.h"

static probe below;
static tarn_layer layer;
static int calls;

static void *own_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    calls++;
    if (size == 13)
        return tarn_layer_refuse(&layer, TARN_LIMIT, size, spec, 12);
    tarn_layer_pass(&layer);
    return tarn_alloc(tarn_layer_parent(a), size, spec);
}

static void what_is_not_given_goes_through(void **state)
{
    (void)state;
    tarn_allocator *parent = probe_init(&below, NULL), *a = &layer.allocator;
    const tarn_layer_plan plan = {
        .type = "upper", .name = "x", .keep = TARN_CAPS_ALL, .ops = {.alloc = own_alloc}};
    assert_int_equal(tarn_layer_init(&layer, parent, &plan), TARN_OK);
    assert_int_equal(a->ops->caps, parent->ops->caps);
    assert_string_equal(tarn_name(a), "upper 'x'");
    assert_ptr_equal(tarn_parent(a, 0), parent);
    assert_null(tarn_parent(a, 1));
    calls = 0;
    char *p = tarn_alloc(a, 100, 4);
    assert_non_null(p);
    assert_int_equal(calls, 1);
    assert_int_equal(tarn_owns(a, p), TARN_YES);
    assert_int_equal(tarn_usable(a, p, 100, 4), tarn_usable(parent, p, 100, 4));
    p = tarn_resize(a, p, 100, 300, 100, 4);
    assert_non_null(p);
    tarn_free(a, p, 300, 4);
    void *many[3];
    assert_int_equal(tarn_alloc_batch(a, 32, 3, 3, many), 3);
    tarn_free_batch(a, 32, 3, 3, many);
    tarn_deinit(a);
    assert_null(a->ops);
    probe_deinit(&below);
    assert_int_equal(below.faults, 0);
}

static void a_plan_takes_and_gives(void **state)
{
    (void)state;
    tarn_allocator *parent = probe_init(&below, NULL), *a = &layer.allocator;
    const tarn_layer_plan less = {.type = "less",
                                  .keep = TARN_CAP_FREE,
                                  .drop = TARN_LAYER_AT_LEAST | TARN_LAYER_BATCH |
                                          TARN_LAYER_USABLE | TARN_LAYER_RESIZE};
    assert_int_equal(tarn_layer_init(&layer, parent, &less), TARN_OK);
    assert_int_equal(a->ops->caps, TARN_CAP_FREE);
    assert_null(a->ops->resize);
    assert_null(a->ops->alloc_at_least);
    assert_null(a->ops->alloc_batch);
    assert_null(a->ops->free_batch);
    assert_null(layer.rare.owns);
    assert_null(layer.rare.usable);
    assert_null(layer.rare.visit);
    static const probe_options bare = {.without_caps = ~(uint32_t)TARN_CAP_FREE,
                                       .without =
                                           PROBE_NO_AT_LEAST | PROBE_NO_BATCH | PROBE_NO_RARE};
    probe_deinit(&below);
    parent = probe_init(&below, &bare);
    const tarn_layer_plan more = {.type = "more",
                                  .keep = TARN_CAPS_ALL,
                                  .add = TARN_CAP_TRIM,
                                  .give = TARN_LAYER_AT_LEAST | TARN_LAYER_BATCH};
    assert_int_equal(tarn_layer_init(&layer, parent, &more), TARN_OK);
    assert_true(tarn_can(a, TARN_CAP_TRIM));
    assert_int_equal(tarn_trim(a), 0);
    tarn_block b = tarn_alloc_at_least(a, 24, 3);
    assert_int_equal(b.size, 24);
    tarn_free(a, b.ptr, 24, 3);
    probe_deinit(&below);
    assert_int_equal(tarn_layer_init(&layer, NULL, &more), TARN_BAD_ARGUMENT);
}

static void refusals_are_told_apart(void **state)
{
    (void)state;
    static const probe_options small = {.max_size = 64};
    tarn_allocator *parent = probe_init(&below, &small), *a = &layer.allocator;
    const tarn_layer_plan plan = {
        .type = "upper", .keep = TARN_CAPS_ALL, .ops = {.alloc = own_alloc}};
    assert_int_equal(tarn_layer_init(&layer, parent, &plan), TARN_OK);
    assert_null(tarn_alloc(a, 13, 2));
    tarn_why why = tarn_get_why(a);
    assert_int_equal(why.status, TARN_LIMIT);
    assert_int_equal(why.size, 13);
    assert_int_equal(why.align, 4);
    assert_int_equal(why.limit, 12);
    assert_null(tarn_alloc(a, 1000, 0));
    assert_int_equal(tarn_get_why(a).size, 1000);
    assert_int_equal(tarn_get_why(a).status, tarn_get_why(parent).status);
    assert_null(tarn_layer_blame(&layer, 990, 1));
    assert_int_equal(tarn_get_why(a).size, 990);
    assert_int_equal(tarn_get_why(a).align, 2);
    assert_int_equal(tarn_get_why(a).status, tarn_get_why(parent).status);
    probe_deinit(&below);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_goes_through),
        cmocka_unit_test(a_plan_takes_and_gives),
        cmocka_unit_test(refusals_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
