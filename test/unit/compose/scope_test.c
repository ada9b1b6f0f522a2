/* SPDX-License-Identifier: MIT */
/* What is left when a scope ends is freed, last first; blocks can go before, and move to another scope. */
#include "support/tarn_test.h"

#include <signal.h>

#include <tarn/scope.h>
#include <tarn/source.h>

#include "support/death.h"
#include "support/probe.h"

static probe below;
static tarn_scope scope, other;
static int order[8], ran;

static tarn_allocator *make(void)
{
    tarn_allocator *parent = probe_init(&below, NULL);
    assert_int_equal(
        tarn_scope_init(&scope, &(tarn_scope_options){.parent = parent, .name = "request"}),
        TARN_OK);
    assert_int_equal(tarn_scope_init(&other, &(tarn_scope_options){.parent = parent}), TARN_OK);
    ran = 0;
    return tarn_scope_allocator(&scope);
}

static void done(void)
{
    tarn_scope_deinit(&scope);
    tarn_scope_deinit(&other);
    probe_deinit(&below); /* a block that was left is a fault */
    assert_int_equal(below.faults, 0);
}

static void note(void *argument)
{
    order[ran++] = (int)(intptr_t)argument;
}

static void what_is_left_is_freed(void **state)
{
    (void)state;
    tarn_allocator *a = make();
    void *p[20];
    for (size_t i = 0; i < 20; i++)
        p[i] = tarn_alloc(a, i * 10, (tarn_spec)(i % 8));
    tarn_free(a, p[0], 0, 0);
    tarn_free(a, p[19], 190, 3);
    tarn_free(a, p[7], 0, 7);
    p[10] = tarn_resize(a, p[10], 100, 900, 100, 2);
    assert_non_null(p[10]);
    assert_int_equal(tarn_usable(a, p[10], 0, 2), 900);
    assert_int_equal(tarn_scope_blocks(&scope), 17);
    assert_int_equal(tarn_check(a), TARN_OK);
    assert_int_equal(tarn_reset(a), TARN_OK);
    assert_int_equal(tarn_scope_blocks(&scope), 0);
    assert_non_null(tarn_alloc(a, 10, 0));
    done();
}

static void cleanups_run_last_first(void **state)
{
    (void)state;
    (void)make();
    for (intptr_t i = 1; i <= 4; i++)
        assert_int_equal(tarn_scope_defer(&scope, note, (void *)i), TARN_OK);
    assert_true(tarn_scope_cancel(&scope, note, (void *)2));
    assert_false(tarn_scope_cancel(&scope, note, (void *)2));
    assert_int_equal(tarn_scope_defer(&scope, NULL, NULL), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_scope_blocks(&scope), 0);
    done();
    assert_int_equal(ran, 3);
    assert_int_equal(order[0], 4);
    assert_int_equal(order[1], 3);
    assert_int_equal(order[2], 1);
}

/* Frees one block of the scope and makes another while the scope ends. */
static void uses_the_scope(void *block)
{
    tarn_free(&scope.layer.allocator, block, 64, 3);
    assert_non_null(tarn_alloc(&scope.layer.allocator, 32, 3));
    ran++;
}

static void a_cleanup_may_use_the_scope(void **state)
{
    (void)state;
    tarn_allocator *a = make();
    void *p = tarn_alloc(a, 64, 3);
    assert_int_equal(tarn_scope_defer(&scope, uses_the_scope, p), TARN_OK);
    assert_non_null(tarn_alloc(a, 8, 0));
    done();
    assert_int_equal(ran, 1);
}

static void a_stolen_block_lives_on(void **state)
{
    tarn_scope foreign;
    (void)state;
    tarn_allocator *a = make();
    char *p = tarn_alloc(a, 16, 0), *q = tarn_alloc(a, 16, 0);
    memcpy(p, "stolen", 7);
    assert_int_equal(tarn_scope_init(&foreign, &(tarn_scope_options){.parent = tarn_libc()}),
                     TARN_OK);
    assert_int_equal(tarn_scope_steal(&foreign, &scope, p), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_scope_steal(&other, &scope, p), TARN_OK);
    assert_int_equal(tarn_scope_blocks(&scope), 1);
    assert_int_equal(tarn_scope_blocks(&other), 1);
    tarn_free(a, q, 16, 0);
    assert_int_equal(tarn_reset(a), TARN_OK);
    assert_string_equal(p, "stolen");
    assert_int_equal(tarn_check(&other.layer.allocator), TARN_OK);
    tarn_scope_deinit(&foreign);
    done();
}

static bool free_every_second(void *user, void *block, size_t size)
{
    size_t *seen = user;
    if (++*seen % 2 == 0)
        tarn_free(&scope.layer.allocator, block, size, 0);
    return true;
}

static void visitors_may_free(void **state)
{
    size_t seen = 0;
    (void)state;
    tarn_allocator *a = make();
    for (size_t i = 0; i < 10; i++)
        assert_non_null(tarn_alloc(a, 5, 0));
    assert_int_equal(tarn_scope_defer(&scope, note, NULL), TARN_OK);
    assert_int_equal(tarn_visit(a, free_every_second, &seen), TARN_OK);
    assert_int_equal(seen, 10);
    assert_int_equal(tarn_scope_blocks(&scope), 5);
    done();
}

static void free_with_another_size(void *block)
{
    tarn_free(&scope.layer.allocator, block, 65, 3);
}

static void a_wrong_size_is_named(void **state)
{
    (void)state;
    tarn_allocator *a = make();
    void *p = tarn_alloc(a, 64, 3);
    assert_death(free_with_another_size, p, SIGABRT,
                 "tarn: wrong size: scope 'request': given 65, expected 64");
    done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_is_freed),       cmocka_unit_test(cleanups_run_last_first),
        cmocka_unit_test(a_cleanup_may_use_the_scope), cmocka_unit_test(a_stolen_block_lives_on),
        cmocka_unit_test(visitors_may_free),           cmocka_unit_test(a_wrong_size_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
