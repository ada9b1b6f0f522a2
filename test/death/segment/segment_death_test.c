/* SPDX-License-Identifier: MIT */
/* Each misuse of a pool or an arena in shared memory dies with its own line, in any build. */
#include <signal.h>

#include <tarn/segment_arena.h>
#include <tarn/segment_pool.h>

#include "support/death.h"
#include "support/tarn_test.h"

static _Alignas(64) unsigned char place[8192];
static tarn_segment_pool pool;
static tarn_segment_arena arena;

static char *start(void)
{
    tarn_segment_pool_options o = {.block_size = 48, .capacity = 20};
    (void)tarn_segment_pool_format(place, sizeof place, &o);
    (void)tarn_segment_pool_init(&pool, place, sizeof place, 2, "nodes");
    return tarn_segment_pool_alloc(&pool);
}

static void double_free(void *arg)
{
    char *b = start();
    (void)arg;
    tarn_segment_pool_free(&pool, b);
    tarn_segment_pool_free(&pool, b);
}

static void foreign_pointer(void *arg)
{
    char on_the_stack[8] = "";
    (void)start();
    (void)arg;
    tarn_segment_pool_free(&pool, on_the_stack);
}

static void interior_pointer(void *arg)
{
    (void)arg;
    tarn_segment_pool_free(&pool, start() + 8);
}

static void publish_after_free(void *arg)
{
    char *b = start();
    (void)arg;
    tarn_segment_pool_free(&pool, b);
    tarn_segment_pool_publish(&pool, b);
}

static void wrong_size(void *arg)
{
    (void)arg;
    tarn_free(tarn_segment_pool_allocator(&pool), start(), 64, 0);
}

static void foreign_to_the_arena(void *arg)
{
    char on_the_stack[8] = "";
    (void)arg;
    (void)tarn_segment_arena_format(place, sizeof place);
    (void)tarn_segment_arena_init(&arena, place, sizeof place, "texts");
    tarn_segment_arena_free(&arena, on_the_stack, 8);
}

static void each_with_its_line(void **state)
{
    (void)state;
    assert_death(double_free, NULL, SIGABRT, "tarn: double free: segment pool 'nodes'");
    assert_death(foreign_pointer, NULL, SIGABRT, "tarn: foreign pointer: segment pool 'nodes'");
    assert_death(interior_pointer, NULL, SIGABRT, "tarn: interior pointer: segment pool 'nodes'");
    assert_death(publish_after_free, NULL, SIGABRT, "tarn: double free: segment pool 'nodes'");
    assert_death(wrong_size, NULL, SIGABRT,
                 "tarn: wrong size: segment pool 'nodes': given 64, expected 48");
    assert_death(foreign_to_the_arena, NULL, SIGABRT,
                 "tarn: foreign pointer: segment arena 'texts'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_with_its_line)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
