/* SPDX-License-Identifier: MIT */
/* The out-of-line interface: what happens when an allocator leaves operations out. */
#include "support/tarn_test.h"

#include <stdlib.h>

#include "support/probe.h"

enum { S = TARN_SPEC(8) };

static probe full, least;
static tarn_allocator *a, *bare;

static int set_up(void **state)
{
    (void)state;
    a = probe_init(&full, NULL);
    bare = probe_init(
        &least, &(probe_options){.without_caps = ~(uint32_t)TARN_CAP_FREE,
                                 .without = PROBE_NO_AT_LEAST | PROBE_NO_BATCH | PROBE_NO_RARE});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_string_equal(full.first_fault, "");
    assert_string_equal(least.first_fault, "");
    assert_int_equal(probe_deinit(&full), 0);
    assert_int_equal(probe_deinit(&least), 0);
    return 0;
}

static bool must_not_be_called(void *user, void *block, size_t size)
{
    (void)user;
    (void)block;
    (void)size;
    abort();
}

static void what_is_absent_has_an_answer(void **state)
{
    (void)state;
    tarn_stats stats;
    memset(&stats, 0xff, sizeof stats);
    assert_string_equal(tarn_name(bare), "allocator");
    assert_string_equal(tarn_name(a), "allocator"); /* a name op that gives NULL */
    assert_int_equal(tarn_owns(bare, state), TARN_UNKNOWN);
    assert_int_equal(tarn_usable(bare, state, 33, S), 33);
    assert_int_equal(tarn_reset(bare), TARN_UNSUPPORTED);
    assert_int_equal(tarn_rewind(bare, tarn_get_mark(bare)), TARN_UNSUPPORTED);
    assert_int_equal(tarn_trim(bare), 0);
    assert_int_equal(tarn_get_stats(bare, &stats), TARN_UNSUPPORTED);
    assert_int_equal(stats.known, 0);
    assert_int_equal(stats.live_bytes, 0);
    assert_int_equal(tarn_visit(bare, must_not_be_called, NULL), TARN_UNSUPPORTED);
    assert_int_equal(tarn_check(bare), TARN_UNSUPPORTED);
    assert_int_equal(tarn_get_why(bare).status, TARN_OK);
    assert_null(tarn_parent(bare, 0));
    tarn_deinit(bare);
    tarn_free(bare, NULL, 1, S);
}

static void what_is_there_is_called(void **state)
{
    (void)state;
    tarn_stats stats;
    void *p = tarn_alloc(a, 9, S);
    assert_int_equal(tarn_owns(a, p), TARN_YES);
    assert_int_equal(tarn_check(a), TARN_OK);
    assert_int_equal(tarn_get_stats(a, &stats), TARN_OK);
    assert_int_equal(stats.live_bytes, 9);
    tarn_mark m = tarn_get_mark(a);
    assert_non_null(tarn_alloc(a, 1, S));
    assert_int_equal(tarn_rewind(a, m), TARN_OK);
    assert_int_equal(tarn_reset(a), TARN_OK);
    assert_int_equal(tarn_trim(a), 10);
    tarn_deinit(a);
    assert_int_equal(full.deinits, 1);
}

/* A table that was compiled when there were fewer entries: what lies behind it is not read. */
static void a_table_of_an_older_author(void **state)
{
    (void)state;
    tarn_rare_ops old = full.rare;
    tarn_ops ops = full.ops;
    ops.rare = &old;
    full.options.name = "probe";
    full.allocator.ops = &ops;
    old.bytes = offsetof(tarn_rare_ops, usable); /* name and owns, no more */
    assert_string_equal(tarn_name(a), "probe");
    assert_int_equal(tarn_owns(a, &old), TARN_NO);
    assert_int_equal(tarn_usable(a, &old, 5, S), 5);
    assert_int_equal(tarn_reset(a), TARN_UNSUPPORTED);
    assert_int_equal(tarn_check(a), TARN_UNSUPPORTED);
    tarn_deinit(a);
    assert_int_equal(full.deinits, 0);
    assert_int_equal(full.resets, 0);
    old.bytes = offsetof(tarn_rare_ops, owns) + 1; /* half an entry is none */
    assert_int_equal(tarn_owns(a, &old), TARN_UNKNOWN);
    old.bytes = sizeof(size_t);
    assert_string_equal(tarn_name(a), "allocator");
    old.bytes = sizeof old;
    assert_int_equal(tarn_reset(a), TARN_OK);
    full.allocator.ops = &full.ops;
}

static void resize_by_copy(void **state)
{
    (void)state;
    unsigned char *p = tarn_alloc(bare, 10, S);
    memset(p, 1, 10);
    assert_null(tarn_resize(bare, p, 10, 20, 10, S | TARN_IN_PLACE));
    assert_null(tarn_resize(bare, p, 10, 20, 10, S | TARN_NO_COPY));
    assert_null(tarn_resize(bare, p, 10, SIZE_MAX, 10, S));
    p = tarn_resize(bare, p, 10, 20, 6, S | TARN_ZERO);
    for (int i = 0; i < 20; i++)
        assert_true(i < 6 ? p[i] == 1 : i < 10 || p[i] == 0);
    memset(p, 2, 20);
    p = tarn_resize(bare, p, 20, 3, 3, S);
    assert_int_equal(p[2], 2);
    tarn_free(bare, p, 3, S);
}

/* The old size is not known: what is kept is not zeroed. */
static void resize_of_an_unknown_size(void **state)
{
    (void)state;
    unsigned char *p = tarn_alloc(a, 10, S);
    memset(p, 1, 10);
    p = tarn_resize_by_copy(a, p, 0, 20, 8, S | TARN_ZERO);
    for (int i = 0; i < 20; i++)
        assert_int_equal(p[i], i < 8 ? 1 : 0);
    tarn_free(a, p, 20, S);
}

static void batches_one_by_one(void **state)
{
    (void)state;
    void *out[5];
    assert_int_equal(tarn_alloc_batch(bare, 8, S, 5, out), 5);
    assert_int_equal(least.calls[0], 5);
    tarn_free_batch(bare, 8, S, 5, out);
    assert_int_equal(least.calls[1], 5);
    least.options.max_blocks = 2;
    assert_int_equal(tarn_alloc_batch(bare, 8, S, 5, out), 2);
    tarn_free_batch(bare, 8, S, 2, out);
    assert_int_equal(tarn_alloc_batch(a, 8, S, 3, out), 3);
    tarn_free_batch(a, 8, S, 3, out);
    assert_int_equal(full.calls[4] + full.calls[5], 2);
    assert_int_equal(full.calls[0], 0);
}

static void at_least_what_was_asked(void **state)
{
    (void)state;
    tarn_block b = tarn_alloc_at_least(bare, 13, S);
    assert_int_equal(b.size, 13);
    tarn_free(bare, b.ptr, b.size, S);
    b = tarn_alloc_at_least(bare, SIZE_MAX, S);
    assert_null(b.ptr);
    assert_int_equal(b.size, 0);
}

static void why_in_words(void **state)
{
    (void)state;
    char text[120], small[10];
    full.options.name = "probe 'x'";
    assert_int_equal(tarn_why_text(a, text, sizeof text),
                     strlen("probe 'x': no failure on record"));
    assert_string_equal(text, "probe 'x': no failure on record");
    full.options.max_size = 100;
    assert_null(tarn_alloc(a, 101, TARN_SPEC(16)));
    size_t n = tarn_why_text(a, text, sizeof text);
    assert_string_equal(text, "probe 'x': refused 101 bytes aligned to 16: the size is too big");
    assert_int_equal(n, strlen(text));
    assert_int_equal(tarn_why_text(a, small, sizeof small), n);
    assert_string_equal(small, "probe 'x'");
    assert_int_equal(tarn_why_text(a, NULL, 0), n);
    full.why = (tarn_why){TARN_LIMIT, 5, 8, 3};
    (void)tarn_why_text(a, text, sizeof text);
    assert_string_equal(text, "probe 'x': refused 5 bytes aligned to 8: the limit is reached (3)");
}

static void spec_words(void **state)
{
    (void)state;
    assert_int_equal(TARN_SPEC(1), 0);
    assert_int_equal(TARN_SPEC(4096), 12);
    assert_int_equal(tarn_spec_for(64), 6);
    assert_int_equal(tarn_spec_for(0), TARN_ALIGN_BITS);
    assert_int_equal(tarn_spec_for(24), TARN_ALIGN_BITS);
    assert_int_equal(tarn_spec_align(6 | TARN_ZERO | 9u << TARN_TAG_SHIFT), 64);
    assert_true(tarn_can(a, TARN_CAP_FREE | TARN_CAP_OWNS));
    assert_false(tarn_can(bare, TARN_CAP_FREE | TARN_CAP_OWNS));
}

/* An allocator with two parents, or none, that counts how often it was told of threads. */
struct node {
    tarn_allocator allocator;
    tarn_allocator *parents[2];
    int shared;
};

static void node_share(tarn_allocator *n)
{
    ((struct node *)n)->shared++;
}

static tarn_allocator *node_parent(const tarn_allocator *n, unsigned index)
{
    return index < 2 ? ((const struct node *)n)->parents[index] : NULL;
}

static const tarn_rare_ops NODE_RARE = {
    .bytes = sizeof NODE_RARE, .parent = node_parent, .share = node_share};
static const tarn_rare_ops OLD_RARE = {.bytes = offsetof(tarn_rare_ops, share),
                                       .parent = node_parent};
static const tarn_ops NODE_OPS = {.abi = TARN_ABI, .rare = &NODE_RARE};
static const tarn_ops OLD_OPS = {.abi = TARN_ABI, .rare = &OLD_RARE};

static void sharing_reaches_all_parents(void **state)
{
    (void)state;
    struct node low = {{&NODE_OPS}, {NULL, NULL}, 0},
                left = {{&OLD_OPS}, {&low.allocator, NULL}, 0},
                right = {{&NODE_OPS}, {NULL, NULL}, 0},
                top = {{&NODE_OPS}, {&left.allocator, &right.allocator}, 0};
    tarn_share(&top.allocator);
    assert_int_equal(low.shared, 1);
    assert_int_equal(right.shared, 1);
    assert_int_equal(top.shared, 1);
    assert_int_equal(left.shared, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_absent_has_an_answer),
        TEST(what_is_there_is_called),
        TEST(a_table_of_an_older_author),
        TEST(resize_by_copy),
        TEST(resize_of_an_unknown_size),
        TEST(batches_one_by_one),
        TEST(at_least_what_was_asked),
        TEST(why_in_words),
        TEST(spec_words),
        cmocka_unit_test(sharing_reaches_all_parents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
