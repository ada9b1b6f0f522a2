/* SPDX-License-Identifier: MIT */
/* Room is made as often as the policy says, and the end is a fault where it is to be one. */
#include "support/tarn_test.h"

#include <signal.h>

#include <tarn/on_fail.h>
#include <tarn/pool.h>

#include "support/death.h"

enum { BLOCKS = 4 };

static tarn_pool pool;
static tarn_on_fail layer;
static void *held[BLOCKS];
static unsigned attempts;

/* Frees one held block, the last attempt first. */
static bool free_one(void *user, size_t size, tarn_spec spec, unsigned attempt)
{
    (void)spec;
    assert_int_equal(size, 48);
    attempts++;
    assert_int_equal(attempt, attempts);
    if (*(unsigned *)user > attempt)
        return true; /* says that it helped, and did not */
    for (size_t i = 0; i < BLOCKS; i++) {
        if (held[i] != NULL) {
            tarn_pool_free(&pool, held[i]);
            held[i] = NULL;
            return true;
        }
    }
    return false;
}

static tarn_allocator *full(tarn_on_fail_options o)
{
    assert_int_equal(
        tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 48, .capacity = BLOCKS}), TARN_OK);
    o.parent = tarn_pool_allocator(&pool);
    assert_int_equal(tarn_on_fail_init(&layer, &o), TARN_OK);
    for (size_t i = 0; i < BLOCKS; i++) {
        held[i] = tarn_alloc(&layer.layer.allocator, 48, 3);
        assert_non_null(held[i]);
    }
    attempts = 0;
    assert_int_equal(tarn_on_fail_reclaims(&layer), 0);
    return tarn_on_fail_allocator(&layer);
}

static void room_is_made(void **state)
{
    unsigned from = 3;
    (void)state;
    tarn_allocator *a = full((tarn_on_fail_options){.reclaim = free_one, .user = &from});
    assert_non_null(tarn_alloc(a, 48, 3));
    assert_int_equal(attempts, 3);
    assert_int_equal(tarn_on_fail_reclaims(&layer), 3);
    assert_int_equal(tarn_on_fail_rescued(&layer), 1);
    tarn_pool_deinit(&pool);
}

static void tries_are_counted(void **state)
{
    unsigned from = 3;
    (void)state;
    tarn_allocator *a =
        full((tarn_on_fail_options){.reclaim = free_one, .user = &from, .tries = 2});
    assert_null(tarn_alloc(a, 48, 3));
    assert_int_equal(attempts, 2);
    assert_int_equal(tarn_get_why(a).status, TARN_LIMIT);
    assert_int_equal(tarn_on_fail_rescued(&layer), 0);
    tarn_pool_deinit(&pool);
}

static void what_room_cannot_help_is_not_tried(void **state)
{
    unsigned from = 0;
    (void)state;
    tarn_allocator *a = full((tarn_on_fail_options){.reclaim = free_one, .user = &from});
    assert_null(tarn_alloc(a, 49, 0));
    assert_null(tarn_alloc(a, 8, 12));
    assert_int_equal(attempts, 0);
    tarn_pool_deinit(&pool);
}

static void a_batch_gets_its_rest(void **state)
{
    unsigned from = 0;
    void *out[2];
    (void)state;
    tarn_allocator *a = full((tarn_on_fail_options){.reclaim = free_one, .user = &from});
    assert_int_equal(tarn_alloc_batch(a, 48, 3, 2, out), 2);
    assert_int_equal(attempts, 2);
    tarn_pool_deinit(&pool);
}

static void no_memory(void *unused)
{
    (void)unused;
    (void)!tarn_alloc(&layer.layer.allocator, 48, 3);
}

static void the_end_says_how_much(void **state)
{
    (void)state;
    (void)full((tarn_on_fail_options){.name = "orders", .fatal = true});
    assert_death(no_memory, NULL, SIGABRT, "tarn: out of memory: on_fail 'orders': 48 bytes");
    tarn_pool_deinit(&pool);
    assert_int_equal(tarn_on_fail_init(&layer, &(tarn_on_fail_options){.tries = 1}),
                     TARN_BAD_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_is_made),
        cmocka_unit_test(tries_are_counted),
        cmocka_unit_test(what_room_cannot_help_is_not_tried),
        cmocka_unit_test(a_batch_gets_its_rest),
        cmocka_unit_test(the_end_says_how_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
