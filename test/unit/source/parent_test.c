/* SPDX-License-Identifier: MIT */
/* An allocator as a source: each region is a block of it, freed as it was allocated. */
#include "support/tarn_test.h"

#include <tarn/pages.h>
#include <tarn/source.h>

/* Passes on to libc and counts; refuses when told. */
struct counter {
    tarn_allocator allocator;
    int blocks;
    size_t size;
    tarn_spec spec;
    bool refuses;
};

static void *count_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    struct counter *c = (struct counter *)a;
    if (c->refuses)
        return NULL;
    c->blocks++;
    c->size = size;
    c->spec = spec;
    return tarn_alloc(tarn_libc(), size, spec);
}

static void count_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    struct counter *c = (struct counter *)a;
    c->blocks--;
    assert_int_equal(size, c->size);
    assert_int_equal(spec, c->spec);
    tarn_free(tarn_libc(), block, size, spec);
}

static const tarn_ops COUNT_OPS = {
    .abi = TARN_ABI, .caps = TARN_CAP_FREE, .alloc = count_alloc, .free = count_free};

static void regions_are_blocks(void **state)
{
    struct counter c = {.allocator = {&COUNT_OPS}};
    tarn_parent_source p;
    tarn_source *s = tarn_parent_init(&p, &c.allocator);
    tarn_region r;
    (void)state;
    for (size_t align = 1; align <= 4096; align <<= 1) {
        assert_int_equal(tarn_source_map(s, 1000, align, 0, &r), TARN_OK);
        assert_int_equal(c.blocks, 1);
        assert_int_equal(c.size, 1000);
        assert_int_equal(c.spec, tarn_spec_for(align));
        assert_int_equal(r.size, 1000);
        assert_int_equal(r.traits, TARN_REGION_COMMITTED);
        assert_int_equal((uintptr_t)r.ptr % align, 0);
        memset(r.ptr, 1, r.size);
        tarn_source_unmap(s, r.ptr, r.size, align);
        assert_int_equal(c.blocks, 0);
    }
    assert_string_equal(tarn_source_name(s), "allocator");
}

static void refusals_come_through(void **state)
{
    struct counter c = {.allocator = {&COUNT_OPS}, .refuses = true};
    tarn_parent_source p;
    tarn_source *s = tarn_parent_init(&p, &c.allocator);
    tarn_region r;
    (void)state;
    assert_int_equal(tarn_source_map(s, 1000, 16, 0, &r), TARN_NO_MEMORY);
    assert_null(r.ptr);
    s = tarn_parent_init(&p, tarn_libc());
    assert_int_equal(tarn_source_map(s, SIZE_MAX, 16, 0, &r), TARN_TOO_BIG);
    assert_int_equal(tarn_source_map(s, 16, 16, TARN_MAP_RESERVE, &r), TARN_UNSUPPORTED);
}

static void traits_follow_the_allocator(void **state)
{
    struct counter c = {.allocator = {&COUNT_OPS}};
    tarn_pages pages;
    tarn_parent_source p;
    tarn_source *s;
    tarn_region r;
    (void)state;
    assert_int_equal(tarn_pages_init(&pages, NULL), TARN_OK);
    s = tarn_parent_init(&p, tarn_pages_allocator(&pages));
    assert_true(tarn_source_can(s, TARN_SOURCE_THREADS));
    assert_int_equal(tarn_source_map(s, 1000, 16, 0, &r), TARN_OK);
    assert_int_equal(r.traits, TARN_REGION_COMMITTED | TARN_REGION_ZEROED);
    tarn_source_unmap(s, r.ptr, r.size, 16);
    tarn_pages_deinit(&pages);
    s = tarn_parent_init(&p, &c.allocator);
    assert_false(tarn_source_can(s, TARN_SOURCE_THREADS));
}

static void options_name_a_source(void **state)
{
    struct counter c = {.allocator = {&COUNT_OPS}};
    tarn_parent_source own, other;
    tarn_source *s = tarn_parent_init(&other, &c.allocator);
    (void)state;
    assert_ptr_equal(tarn_source_pick(s, NULL, &own), s);
    assert_null(tarn_source_pick(s, &c.allocator, &own));
    assert_ptr_equal(tarn_source_pick(NULL, &c.allocator, &own), &own.source);
    assert_ptr_equal(own.allocator, &c.allocator);
    assert_ptr_equal(tarn_source_pick(NULL, NULL, &own), &own.source);
    assert_ptr_equal(own.allocator, tarn_libc());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regions_are_blocks),
        cmocka_unit_test(refusals_come_through),
        cmocka_unit_test(traits_follow_the_allocator),
        cmocka_unit_test(options_name_a_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
