/* SPDX-License-Identifier: MIT */
/* new_test.c - the typed helpers: one source line for pools, arenas and handles, the right size and alignment. */
#include <stdint.h>

#include <tarn/new.h>

#include "support/tarn_test.h"

struct node {
    struct node *next;
    double value;
    char tail;
};

struct wide {
    _Alignas(64) char bytes[64];
};

/* An allocator that remembers what it was asked. */
struct asked {
    tarn_allocator allocator;
    size_t size, freed_size;
    tarn_spec spec, freed_spec;
};

static void *asked_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    struct asked *m = (struct asked *)a;
    m->size = size;
    m->spec = spec;
    return size > 100000 ? NULL : tarn_alloc(tarn_libc(), size, spec);
}

static void asked_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    struct asked *m = (struct asked *)a;
    m->freed_size = size;
    m->freed_spec = spec;
    tarn_free(tarn_libc(), block, size, spec);
}

static const tarn_ops ASKED_OPS = {.abi = TARN_ABI, .alloc = asked_alloc, .free = asked_free};

static void size_and_alignment_are_the_types(void **unused)
{
    (void)unused;
    struct asked m = {.allocator = {&ASKED_OPS}};
    struct node *n = tarn_new(&m.allocator, struct node);
    assert_int_equal(m.size, sizeof(struct node));
    assert_int_equal(tarn_spec_align(m.spec), _Alignof(struct node));
    assert_string_equal(tarn_site_of(m.spec)->type, "struct node");
    tarn_delete(&m.allocator, n);
    assert_int_equal(m.freed_size, sizeof(struct node));
    assert_int_equal(tarn_spec_align(m.freed_spec), _Alignof(struct node));
    struct wide *w = tarn_new(&m.allocator, struct wide);
    assert_int_equal((uintptr_t)w % 64, 0);
    tarn_delete(&m.allocator, w);
    assert_int_equal(tarn_spec_align(m.freed_spec), 64);
    tarn_delete(&m.allocator, (struct node *)NULL);
    assert_int_equal(m.freed_size, 64);
}

static void arrays_check_the_product(void **unused)
{
    (void)unused;
    struct asked m = {.allocator = {&ASKED_OPS}};
    struct node *a = tarn_new_array_zero(&m.allocator, struct node, 10);
    assert_int_equal(m.size, 10 * sizeof(struct node));
    assert_null(a[9].next);
    tarn_delete_array(&m.allocator, a, 10);
    assert_int_equal(m.freed_size, 10 * sizeof(struct node));
    size_t most = SIZE_MAX / sizeof(struct node);
    assert_null(tarn_new_array(&m.allocator, struct node, most + 1));
    assert_int_equal(m.size, SIZE_MAX); /* not the product modulo 2^64, which is small */
    assert_null(tarn_new_array(&m.allocator, struct node, SIZE_MAX));
    assert_int_equal(m.size, SIZE_MAX);
}

static void the_same_line_on_a_pool_and_an_arena(void **unused)
{
    (void)unused;
    tarn_pool pool;
    tarn_arena arena;
    assert_int_equal(tarn_pool_init(&pool, &(tarn_pool_options){.block_size = sizeof(struct node)}),
                     TARN_OK);
    assert_int_equal(tarn_arena_init(&arena, &(tarn_arena_options){.name = "frame"}), TARN_OK);
    struct node *a = tarn_new(&pool, struct node), *b = tarn_new_zero(&arena, struct node);
    assert_non_null(a);
    assert_null(b->next);
    assert_null(tarn_new(&pool, struct wide));
    assert_null(tarn_new_array(&pool, struct node, 2));
    assert_non_null(tarn_new_array(&arena, struct node, 2));
    assert_int_equal(tarn_owns(tarn_pool_allocator(&pool), a), TARN_YES);
    assert_int_equal(tarn_owns(tarn_arena_allocator(&arena), b), TARN_YES);
    tarn_delete(&pool, a);
    tarn_delete(&arena, b);
    tarn_pool_deinit(&pool);
    tarn_arena_deinit(&arena);
}

static void strings_are_copied_and_freed_with_their_size(void **unused)
{
    (void)unused;
    struct asked m = {.allocator = {&ASKED_OPS}};
    char *s = tarn_strdup(&m.allocator, "hello");
    assert_string_equal(s, "hello");
    tarn_strfree(&m.allocator, s);
    assert_int_equal(m.freed_size, 6);
    s = tarn_strndup(&m.allocator, "hello", 3);
    assert_string_equal(s, "hel");
    assert_int_equal(m.size, 4);
    tarn_strfree(&m.allocator, s);
    s = tarn_strndup(&m.allocator, "hi", 300);
    assert_string_equal(s, "hi");
    assert_int_equal(m.size, 3);
    tarn_strfree(&m.allocator, s);
    tarn_strfree(&m.allocator, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_and_alignment_are_the_types),
        cmocka_unit_test(arrays_check_the_product),
        cmocka_unit_test(the_same_line_on_a_pool_and_an_arena),
        cmocka_unit_test(strings_are_copied_and_freed_with_their_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
