/* SPDX-License-Identifier: MIT */
/* pool_death_test.c - each misuse of a pool dies with its own line: at once when checking, at the flush when not. */
#include <pthread.h>
#include <signal.h>

#include <tarn/lock.h>
#include <tarn/pool.h>

#include "support/death.h"
#include "support/tarn_test.h"

static tarn_pool pool;
static void *block;
static const bool CHECKING = true, RELEASE = false;

static void start(const void *check, size_t capacity)
{
    tarn_pool_options o = {
        .block_size = 64, .name = "nodes", .capacity = capacity, .check = *(const bool *)check};
    if (tarn_pool_init(&pool, &o) == TARN_OK)
        block = tarn_pool_alloc(&pool);
}

static void double_free(void *check)
{
    start(check, 0);
    tarn_pool_free(&pool, block);
    tarn_pool_free(&pool, block);
    tarn_pool_deinit(&pool);
}

static void double_free_through_the_handle(void *check)
{
    start(check, 100);
    tarn_free(&pool.allocator, block, 64, 0);
    tarn_free(&pool.allocator, block, 64, 0);
    tarn_pool_deinit(&pool);
}

static void foreign_pointer(void *check)
{
    static char elsewhere[64];
    start(check, 0);
    tarn_pool_free(&pool, elsewhere);
    tarn_pool_deinit(&pool);
}

static void foreign_pointer_to_a_fixed_pool(void *check)
{
    static char elsewhere[64];
    start(check, 100);
    tarn_pool_free(&pool, elsewhere);
    tarn_pool_deinit(&pool);
}

static void never_handed_out(void *check)
{
    start(check, 0);
    tarn_pool_free(&pool, (char *)block + (size_t)64 * 500);
    tarn_pool_deinit(&pool);
}

static void interior_pointer(void *check)
{
    start(check, 0);
    tarn_pool_free(&pool, (char *)block + 8);
    tarn_pool_deinit(&pool);
}

static void another_pools_block(void *check)
{
    static tarn_pool other;
    start(check, 0);
    if (tarn_pool_init(&other, &(tarn_pool_options){.block_size = 64, .name = "others"}) == TARN_OK)
        tarn_pool_free(&pool, tarn_pool_alloc(&other));
    tarn_pool_deinit(&pool);
}

static void wrong_size(void *check)
{
    start(check, 0);
    tarn_free(&pool.allocator, block, 128, 0);
}

static void resize_after_free(void *check)
{
    start(check, 0);
    tarn_free(tarn_pool_allocator(&pool), block, 64, 4);
    (void)!tarn_resize(tarn_pool_allocator(&pool), block, 64, 32, 32, 4);
}

static void resize_of_a_wrong_size(void *check)
{
    start(check, 0);
    (void)!tarn_resize(tarn_pool_allocator(&pool), block, 65, 32, 32, 4);
}

static void resize_of_a_stranger(void *check)
{
    static char here[64] __attribute__((aligned(16)));
    start(check, 0);
    (void)!tarn_resize(tarn_pool_allocator(&pool), here, 64, 32, 32, 4);
}

static void wrong_alignment(void *check)
{
    start(check, 0);
    tarn_free(&pool.allocator, block, 64, TARN_SPEC(128));
}

static void alloc_after_deinit(void *check)
{
    start(check, 0);
    tarn_pool_deinit(&pool);
    (void)!tarn_pool_alloc(&pool);
}

static void alloc_after_deinit_through_the_handle(void *check)
{
    start(check, 0);
    tarn_pool_deinit(&pool);
    (void)!tarn_alloc(&pool.allocator, 64, 0);
}

static void free_after_deinit(void *check)
{
    start(check, 0);
    tarn_pool_deinit(&pool);
    tarn_free(&pool.allocator, block, 64, 0);
}

static void double_deinit(void *check)
{
    start(check, 0);
    tarn_pool_deinit(&pool);
    tarn_pool_deinit(&pool);
}

/* One call by a thread that is not the pool's. */
static void elsewhere(void *check, void *(*call)(void *))
{
    pthread_t thread;
    start(check, 0);
    if (pthread_create(&thread, NULL, call, NULL) == 0)
        (void)pthread_join(thread, NULL);
    tarn_pool_deinit(&pool);
}

static void *call_alloc(void *unused)
{
    (void)unused;
    return tarn_pool_alloc(&pool);
}

static void *call_free(void *unused)
{
    tarn_pool_free(&pool, block);
    return unused;
}

static void *call_free_batch(void *unused)
{
    tarn_free_batch(&pool.allocator, 64, 0, 1, &block);
    return unused;
}

static void *call_reset(void *unused)
{
    (void)tarn_reset(&pool.allocator);
    return unused;
}

static void *call_trim(void *unused)
{
    (void)tarn_trim(&pool.allocator);
    return unused;
}

static bool see_all(void *user, void *at, size_t size)
{
    (void)user, (void)at, (void)size;
    return true;
}

static void *call_visit(void *unused)
{
    (void)tarn_visit(&pool.allocator, see_all, NULL);
    return unused;
}

static void *call_deinit(void *unused)
{
    tarn_pool_deinit(&pool);
    return unused;
}

static void alloc_elsewhere(void *check)
{
    elsewhere(check, call_alloc);
}

static void free_elsewhere(void *check)
{
    elsewhere(check, call_free);
}

static void free_batch_elsewhere(void *check)
{
    elsewhere(check, call_free_batch);
}

static void reset_elsewhere(void *check)
{
    elsewhere(check, call_reset);
}

static void trim_elsewhere(void *check)
{
    elsewhere(check, call_trim);
}

static void visit_elsewhere(void *check)
{
    elsewhere(check, call_visit);
}

/* The pool may end where it was not used; one that was only made belongs to nobody yet; a lock, or a
 * program's own word, lets threads take turns. */
static void in_turns(void *check)
{
    static tarn_lock lock;
    pthread_t thread;
    tarn_pool_options o = {.block_size = 64, .name = "nodes", .check = *(const bool *)check};
    if (tarn_pool_init(&pool, &o) == TARN_OK &&
        pthread_create(&thread, NULL, call_alloc, NULL) == 0 && pthread_join(thread, &block) == 0 &&
        block != NULL)
        tarn_share(&pool.allocator);
    tarn_pool_free(&pool, block);
    tarn_pool_deinit(&pool);
    start(check, 0);
    if (tarn_lock_init(&lock, &(tarn_lock_options){.parent = &pool.allocator}) == TARN_OK &&
        pthread_create(&thread, NULL, call_free, NULL) == 0 && pthread_join(thread, NULL) == 0 &&
        pthread_create(&thread, NULL, call_deinit, NULL) == 0)
        (void)pthread_join(thread, NULL);
}

static void dies(void (*misuse)(void *), const bool *check, const char *line)
{
    bool copy = *check;
    assert_death(misuse, &copy, SIGABRT, line);
}

static void in_a_checking_pool(void **unused)
{
    (void)unused;
    dies(double_free, &CHECKING, "tarn: double free: pool 'nodes'");
    dies(double_free_through_the_handle, &CHECKING, "tarn: double free: pool 'nodes'");
    dies(foreign_pointer, &CHECKING, "tarn: foreign pointer: pool 'nodes'");
    dies(foreign_pointer_to_a_fixed_pool, &CHECKING, "tarn: foreign pointer: pool 'nodes'");
    dies(never_handed_out, &CHECKING, "tarn: foreign pointer: pool 'nodes'");
    dies(interior_pointer, &CHECKING, "tarn: interior pointer: pool 'nodes'");
    dies(another_pools_block, &CHECKING, "tarn: foreign pointer: pool 'nodes'");
    dies(wrong_size, &CHECKING, "tarn: wrong size: pool 'nodes': given 128, expected 64");
    dies(resize_after_free, &CHECKING, "tarn: double free: pool 'nodes'");
    dies(resize_of_a_wrong_size, &CHECKING,
         "tarn: wrong size: pool 'nodes': given 65, expected 64");
    dies(resize_of_a_stranger, &CHECKING, "tarn: foreign pointer: pool 'nodes'");
    dies(wrong_alignment, &CHECKING, "tarn: wrong alignment: pool 'nodes': given 128, expected 16");
}

static void in_another_thread(void **unused)
{
    (void)unused;
    void (*const calls[])(void *) = {alloc_elsewhere, free_elsewhere, free_batch_elsewhere,
                                     reset_elsewhere, trim_elsewhere, visit_elsewhere};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        dies(calls[i], &CHECKING, "tarn: wrong thread: pool 'nodes'");
    assert_survives(in_turns, (void *)(uintptr_t)&CHECKING);
    assert_survives(in_turns, (void *)(uintptr_t)&RELEASE);
}

static void in_any_pool(void **unused)
{
    (void)unused;
    const bool *modes[] = {&CHECKING, &RELEASE};
    for (int m = 0; m < 2; m++) {
        dies(alloc_after_deinit, modes[m], "tarn: use after deinit: pool 'nodes'");
        dies(alloc_after_deinit_through_the_handle, modes[m],
             "tarn: use after deinit: pool 'nodes'");
        dies(free_after_deinit, modes[m], "tarn: use after deinit: pool 'nodes'");
        dies(double_deinit, modes[m], "tarn: use after deinit: pool 'nodes'");
    }
}

/* Without `check` a misuse is noticed when the block leaves the slots; deinit is the last time that it can be. */
static void in_a_release_pool_at_the_flush(void **unused)
{
    (void)unused;
    dies(double_free, &RELEASE, "tarn: double free: pool 'nodes'");
    dies(double_free_through_the_handle, &RELEASE, "tarn: double free: pool 'nodes'");
    dies(foreign_pointer, &RELEASE, "tarn: foreign pointer: pool 'nodes'");
    dies(foreign_pointer_to_a_fixed_pool, &RELEASE, "tarn: foreign pointer: pool 'nodes'");
    dies(never_handed_out, &RELEASE, "tarn: foreign pointer: pool 'nodes'");
    dies(interior_pointer, &RELEASE, "tarn: interior pointer: pool 'nodes'");
}

static int faults;

static void count_fault(const tarn_fault *fault, void *user)
{
    (void)user;
    faults += fault->kind == TARN_FAULT_DOUBLE_FREE && fault->block == block;
}

static void a_handler_that_returns_leaves_the_pool_whole(void **unused)
{
    (void)unused;
    start(&CHECKING, 0);
    assert_null(tarn_fault_set_handler(count_fault, NULL));
    tarn_pool_free(&pool, block);
    tarn_pool_free(&pool, block);
    assert_int_equal(faults, 1);
    assert_int_equal(tarn_check(&pool.allocator), TARN_OK);
    assert_true(tarn_fault_set_handler(NULL, NULL) == count_fault);
    tarn_pool_deinit(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_checking_pool),
        cmocka_unit_test(in_another_thread),
        cmocka_unit_test(in_any_pool),
        cmocka_unit_test(in_a_release_pool_at_the_flush),
        cmocka_unit_test(a_handler_that_returns_leaves_the_pool_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
