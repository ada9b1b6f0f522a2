/* SPDX-License-Identifier: MIT */
/* range_death_test.c - each misuse of a checking space dies with its own line; use after deinit does in any. */
#include <pthread.h>
#include <signal.h>

#include <tarn/range.h>

#include "support/death.h"
#include "support/tarn_test.h"

struct how {
    tarn_range_core core;
    bool check;
};

static tarn_space space;
static tarn_range_block block;

static void start(const void *how)
{
    const struct how *h = how;
    tarn_space_options o = {.units = 1000, .core = h->core, .check = h->check, .name = "file"};
    if (tarn_space_init(&space, &o) == TARN_OK)
        (void)tarn_range_alloc(&space.range, 10, 1, 0, &block);
}

static void double_free(void *how)
{
    start(how);
    (void)tarn_range_free(&space.range, block.id);
    (void)tarn_range_free(&space.range, block.id);
}

static void foreign_id(void *how)
{
    start(how);
    (void)tarn_range_free(&space.range, 0x123456789);
}

static void id_of_another_space(void *how)
{
    tarn_space other;
    tarn_range_block b;
    start(how);
    const struct how *h = how;
    tarn_space_options o = {.units = 1000, .core = h->core};
    if (tarn_space_init(&other, &o) != TARN_OK)
        return;
    for (int i = 0; i < 50; i++)
        (void)tarn_range_alloc(&other.range, 3, 1, 0, &b);
    (void)tarn_range_free(&space.range, b.id);
}

static void user_of_a_freed_block(void *how)
{
    start(how);
    (void)tarn_range_free(&space.range, block.id);
    (void)tarn_range_set_user(&space.range, block.id, &space);
}

static void alloc_after_deinit(void *how)
{
    start(how);
    tarn_space_deinit(&space);
    (void)tarn_range_alloc(&space.range, 10, 1, 0, &block);
}

static void free_after_deinit(void *how)
{
    start(how);
    tarn_space_deinit(&space);
    (void)tarn_range_free(&space.range, block.id);
}

static void look_after_deinit(void *how)
{
    start(how);
    tarn_space_deinit(&space);
    (void)tarn_range_look(&space.range, block.id, &block);
}

static void double_deinit(void *how)
{
    start(how);
    tarn_space_deinit(&space);
    tarn_space_deinit(&space);
}

static void *free_it(void *unused)
{
    (void)unused;
    (void)tarn_range_free(&space.range, block.id);
    return NULL;
}

static void another_thread(void *how)
{
    pthread_t thread;
    start(how);
    if (pthread_create(&thread, NULL, free_it, NULL) == 0)
        pthread_join(thread, NULL);
}

static void another_thread_that_takes_turns(void *how)
{
    pthread_t thread;
    start(how);
    tarn_range_share(&space.range);
    if (pthread_create(&thread, NULL, free_it, NULL) == 0)
        pthread_join(thread, NULL);
    tarn_space_deinit(&space);
}

static void in_a_checking_space(void **unused)
{
    (void)unused;
    for (int core = 0; core < 3; core++) {
        struct how h = {(tarn_range_core)core, true};
        assert_death(double_free, &h, SIGABRT, "tarn: double free: range 'file'");
        assert_death(foreign_id, &h, SIGABRT, "tarn: foreign pointer: range 'file'");
        assert_death(user_of_a_freed_block, &h, SIGABRT, "tarn: double free: range 'file'");
        assert_death(another_thread, &h, SIGABRT, "tarn: wrong thread: range 'file'");
        assert_survives(another_thread_that_takes_turns, &h);
        assert_death(id_of_another_space, &h, SIGABRT, "tarn: foreign pointer: range 'file'");
    }
}

static void in_any_space(void **unused)
{
    (void)unused;
    for (int core = 0; core < 6; core++) {
        struct how h = {(tarn_range_core)(core % 3), core > 2};
        assert_death(alloc_after_deinit, &h, SIGABRT, "tarn: use after deinit: range 'file'");
        assert_death(free_after_deinit, &h, SIGABRT, "tarn: use after deinit: range 'file'");
        assert_death(look_after_deinit, &h, SIGABRT, "tarn: use after deinit: range 'file'");
        assert_death(double_deinit, &h, SIGABRT, "tarn: use after deinit: range 'file'");
    }
}

static int faults;

static void count_fault(const tarn_fault *fault, void *user)
{
    (void)user;
    faults += fault->kind == TARN_FAULT_DOUBLE_FREE;
}

static void a_handler_that_returns_leaves_the_space_whole(void **unused)
{
    (void)unused;
    struct how h = {TARN_RANGE_TLSF, true};
    start(&h);
    assert_null(tarn_fault_set_handler(count_fault, NULL));
    assert_int_equal(tarn_range_free(&space.range, block.id), TARN_OK);
    assert_int_equal(tarn_range_free(&space.range, block.id), TARN_STALE);
    assert_int_equal(faults, 1);
    assert_int_equal(tarn_range_check(&space.range), TARN_OK);
    assert_true(tarn_fault_set_handler(NULL, NULL) == count_fault);
    tarn_space_deinit(&space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_checking_space),
        cmocka_unit_test(in_any_space),
        cmocka_unit_test(a_handler_that_returns_leaves_the_space_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
