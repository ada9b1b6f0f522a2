/* SPDX-License-Identifier: MIT */
/*
 * compose_death_test.c - misuse through layers: the fault names the allocator that has the block.
 *
 *     stats(lock(segregate(64: pool 'nodes', fallback(arena 'request', libc))))     both checking
 */
#include "support/tarn_test.h"

#include <signal.h>

#include <tarn/arena.h>
#include <tarn/fallback.h>
#include <tarn/lock.h>
#include <tarn/pool.h>
#include <tarn/segregate.h>
#include <tarn/source.h>
#include <tarn/stats.h>

#include "support/death.h"

enum { S = TARN_SPEC(8), NODE = 64, TEXT = 200 };

static char bytes[8192];
static tarn_pool pool;
static tarn_arena arena;
static tarn_fallback fallback;
static tarn_segregate segregate;
static tarn_segregate_class classes[1];
static tarn_lock lock;
static tarn_stats_layer stats;
static tarn_allocator *a;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(
        tarn_pool_init(&pool,
                       &(tarn_pool_options){.block_size = NODE, .check = true, .name = "nodes"}),
        TARN_OK);
    assert_int_equal(tarn_arena_init(&arena, &(tarn_arena_options){.buffer = bytes,
                                                                   .buffer_size = sizeof bytes,
                                                                   .check = true,
                                                                   .name = "request"}),
                     TARN_OK);
    assert_int_equal(
        tarn_fallback_init(&fallback,
                           &(tarn_fallback_options){.primary = tarn_arena_allocator(&arena),
                                                    .secondary = tarn_libc()}),
        TARN_OK);
    classes[0] = (tarn_segregate_class){NODE, tarn_pool_allocator(&pool)};
    assert_int_equal(
        tarn_segregate_init(&segregate,
                            &(tarn_segregate_options){.classes = classes,
                                                      .count = 1,
                                                      .rest = tarn_fallback_allocator(&fallback)}),
        TARN_OK);
    assert_int_equal(
        tarn_lock_init(&lock, &(tarn_lock_options){.parent = tarn_segregate_allocator(&segregate)}),
        TARN_OK);
    assert_int_equal(
        tarn_stats_init(&stats, &(tarn_stats_options){.parent = tarn_lock_allocator(&lock)}),
        TARN_OK);
    a = tarn_stats_allocator(&stats);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tarn_stats_deinit(&stats);
    tarn_lock_deinit(&lock);
    tarn_arena_deinit(&arena);
    tarn_pool_deinit(&pool);
    return 0;
}

static void double_free(void *arg)
{
    (void)arg;
    void *p = tarn_alloc(a, NODE, S);
    tarn_free(a, p, NODE, S);
    tarn_free(a, p, NODE, S);
}

static void double_free_in_a_batch(void *arg)
{
    (void)arg;
    void *p[2] = {tarn_alloc(a, NODE, S), NULL};
    p[1] = p[0];
    tarn_free_batch(a, NODE, S, 2, p);
}

static void foreign_pointer(void *arg)
{
    (void)arg;
    static _Alignas(8) char elsewhere[NODE];
    tarn_free(a, elsewhere, NODE, S);
}

/* A block of the arena, freed with a size that leads to the pool. */
static void size_of_another_class(void *arg)
{
    (void)arg;
    tarn_free(a, tarn_alloc(a, TEXT, S), NODE, S);
}

static void wrong_size(void *arg)
{
    (void)arg;
    tarn_free(a, tarn_alloc(a, TEXT, S), TEXT + 100, S);
}

static void interior_pointer(void *arg)
{
    (void)arg;
    tarn_free(a, (char *)tarn_alloc(a, NODE, S) + 8, NODE, S);
}

static void wrong_alignment(void *arg)
{
    (void)arg;
    tarn_free(a, tarn_alloc(a, NODE, S), NODE, TARN_SPEC(64));
}

static const struct {
    void (*misuse)(void *);
    const char *line;
} CASES[] = {
    {double_free, "tarn: double free: pool 'nodes'"},
    {double_free_in_a_batch, "tarn: double free: pool 'nodes'"},
    {foreign_pointer, "tarn: foreign pointer: pool 'nodes'"},
    {size_of_another_class, "tarn: foreign pointer: pool 'nodes'"},
    {wrong_size, "tarn: wrong size: arena 'request': given 300, expected 200"},
    {interior_pointer, "tarn: interior pointer: pool 'nodes'"},
    {wrong_alignment, "tarn: wrong alignment: pool 'nodes': given 64, expected 16"},
};

static void each_misuse_has_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_death(CASES[i].misuse, NULL, SIGABRT, CASES[i].line);
}

static void use_in_order(void *arg)
{
    (void)arg;
    void *p = tarn_alloc(a, NODE, S), *q = tarn_alloc(a, TEXT, S), *r = tarn_alloc(a, 100000, S);
    tarn_free(a, r, 100000, S);
    tarn_free(a, q, TEXT, S);
    tarn_free(a, p, NODE, S);
}

static void what_is_right_has_none(void **state)
{
    (void)state;
    assert_survives(use_in_order, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_misuse_has_its_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_right_has_none, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
