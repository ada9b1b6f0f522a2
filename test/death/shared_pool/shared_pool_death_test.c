/* SPDX-License-Identifier: MIT */
/* shared_pool_death_test.c - each misuse of a shared pool dies with its own line: at once when checking; when not, where
 * a block goes home. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include <tarn/shared_pool.h>

#include "support/death.h"
#include "support/tarn_test.h"

static tarn_shared_pool pool, other;
static tarn_shared_cache cache;
static void *block;
static const bool CHECKING = true, RELEASE = false;

static void start(const void *check)
{
    tarn_shared_pool_options o = {.block_size = 64, .name = "jobs", .check = *(const bool *)check};
    if (tarn_shared_pool_init(&pool, &o) != TARN_OK)
        return;
    tarn_shared_cache_init(&cache, &pool);
    block = tarn_shared_pool_alloc(&pool);
}

/* All blocks at hand go home: where a release build notices. */
static void end(void)
{
    (void)tarn_shared_pool_trim(&pool);
    tarn_shared_cache_flush(&cache);
}

static void in_a_thread(void *(*call)(void *))
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, call, NULL) == 0)
        (void)pthread_join(thread, NULL);
}

static void double_free(void *check)
{
    start(check);
    tarn_shared_pool_free(&pool, block);
    tarn_shared_pool_free(&pool, block);
    end();
}

static void double_free_by_two_caches(void *check)
{
    start(check);
    tarn_shared_pool_free(&pool, block);
    (void)tarn_shared_pool_trim(&pool);
    block = tarn_shared_pool_alloc(&pool);
    void *keeps_the_chunk = tarn_shared_pool_alloc(&pool);
    tarn_shared_cache_free(&cache, block);
    tarn_shared_cache_flush(&cache);
    tarn_shared_cache_free(&cache, block);
    tarn_shared_cache_flush(&cache);
    tarn_shared_pool_free(&pool, keeps_the_chunk);
}

static void *free_it(void *unused)
{
    tarn_shared_pool_free(&pool, block);
    return unused;
}

static void double_free_by_two_threads(void *check)
{
    start(check);
    in_a_thread(free_it);
    in_a_thread(free_it);
}

static void foreign_pointer(void *check)
{
    static char elsewhere[64];
    start(check);
    tarn_shared_pool_free(&pool, elsewhere);
    end();
}

static void wrong_pool(void *check)
{
    start(check);
    if (tarn_shared_pool_init(&other, &(tarn_shared_pool_options){.block_size = 64}) == TARN_OK)
        tarn_shared_cache_free(&cache, tarn_shared_pool_alloc(&other));
    end();
}

static void never_handed_out(void *check)
{
    start(check);
    tarn_shared_pool_free(&pool, (char *)block + (size_t)64 * 500);
    end();
}

static void interior_pointer(void *check)
{
    start(check);
    tarn_shared_pool_free(&pool, (char *)block + 8);
    end();
}

static void wrong_size(void *check)
{
    start(check);
    tarn_free(&pool.allocator, block, 128, 0);
}

static void wrong_alignment(void *check)
{
    start(check);
    tarn_free(&cache.allocator, block, 64, TARN_SPEC(128));
}

static void alloc_after_deinit(void *check)
{
    start(check);
    tarn_shared_pool_deinit(&pool);
    (void)!tarn_alloc(&pool.allocator, 64, 0);
}

static void free_after_deinit(void *check)
{
    start(check);
    tarn_shared_pool_deinit(&pool);
    tarn_free(&pool.allocator, block, 64, 0);
}

static void *alloc_in_thread(void *unused)
{
    (void)unused;
    return tarn_shared_pool_alloc(&pool);
}

static void alloc_after_deinit_in_another_thread(void *check)
{
    start(check);
    tarn_shared_pool_deinit(&pool);
    in_a_thread(alloc_in_thread);
}

static void cache_of_a_dead_pool_allocates(void *check)
{
    start(check);
    tarn_shared_pool_deinit(&pool);
    (void)!tarn_shared_cache_alloc(&cache);
}

/* The pool's struct has gone, too. */
static void cache_of_a_destroyed_pool_frees(void *check)
{
    tarn_shared_pool_options o = {.block_size = 64, .name = "jobs", .check = *(const bool *)check};
    tarn_shared_pool *p = tarn_shared_pool_create(&o, NULL);
    if (p == NULL)
        return;
    tarn_shared_cache_init(&cache, p);
    block = tarn_shared_cache_alloc(&cache);
    tarn_shared_pool_destroy(p);
    tarn_free(&cache.allocator, block, 64, 0);
}

static void cache_after_its_end(void *check)
{
    start(check);
    tarn_shared_cache_deinit(&cache);
    (void)!tarn_alloc(&cache.allocator, 64, 0);
}

static void double_deinit(void *check)
{
    start(check);
    tarn_shared_pool_deinit(&pool);
    tarn_shared_pool_deinit(&pool);
}

static void *use_the_cache(void *unused)
{
    (void)unused;
    return tarn_shared_cache_alloc(&cache);
}

static void *flush_the_cache(void *unused)
{
    tarn_shared_cache_flush(&cache);
    return unused;
}

static void *pass_the_cache(void *unused)
{
    tarn_shared_cache_pass(&cache);
    return unused;
}

static void cache_not_passed_on(void *check)
{
    start(check);
    tarn_shared_cache_free(&cache, tarn_shared_cache_alloc(&cache));
    in_a_thread(use_the_cache);
}

static void cache_not_passed_on_flushed(void *check)
{
    start(check);
    tarn_shared_cache_free(&cache, tarn_shared_cache_alloc(&cache));
    in_a_thread(flush_the_cache);
}

static void cache_passed_on_by_another(void *check)
{
    start(check);
    tarn_shared_cache_free(&cache, tarn_shared_cache_alloc(&cache));
    in_a_thread(pass_the_cache);
}

static tarn_shared_cache *kept;

static void *use_the_kept(void *unused)
{
    (void)unused;
    return tarn_shared_cache_alloc(kept);
}

static void cache_of_another_thread(void *check)
{
    start(check);
    kept = tarn_shared_pool_cache(&pool);
    in_a_thread(use_the_kept);
}

static void right_use(void *check)
{
    start(check);
    in_a_thread(free_it);
    block = tarn_shared_cache_alloc(&cache);
    tarn_shared_cache_pass(&cache);
    in_a_thread(use_the_cache);
    in_a_thread(free_it);
    tarn_shared_cache_deinit(&cache);
    tarn_shared_pool_free(&pool, NULL);
    tarn_shared_pool_deinit(&pool);
    tarn_shared_cache_deinit(&cache);
}

static void dies(void (*misuse)(void *), const bool *check, const char *line)
{
    bool copy = *check;
    assert_death(misuse, &copy, SIGABRT, line);
}

static void when_checking(void **unused)
{
    (void)unused;
    dies(wrong_size, &CHECKING, "tarn: wrong size: shared pool 'jobs': given 128, expected 64");
    dies(wrong_alignment, &CHECKING,
         "tarn: wrong alignment: shared pool 'jobs': given 128, expected 16");
    dies(cache_not_passed_on, &CHECKING, "tarn: wrong thread: shared pool 'jobs'");
    dies(cache_not_passed_on_flushed, &CHECKING, "tarn: wrong thread: shared pool 'jobs'");
    dies(cache_passed_on_by_another, &CHECKING, "tarn: wrong thread: shared pool 'jobs'");
    dies(cache_of_another_thread, &CHECKING, "tarn: wrong thread: shared pool 'jobs'");
}

static void in_any_mode(void **unused)
{
    const bool *modes[] = {&CHECKING, &RELEASE};
    (void)unused;
    for (int m = 0; m < 2; m++) {
        dies(double_free, modes[m], "tarn: double free: shared pool 'jobs'");
        dies(double_free_by_two_caches, modes[m], "tarn: double free: shared pool 'jobs'");
        dies(double_free_by_two_threads, modes[m], "tarn: double free: shared pool 'jobs'");
        dies(foreign_pointer, modes[m], "tarn: foreign pointer: shared pool 'jobs'");
        dies(wrong_pool, modes[m], "tarn: foreign pointer: shared pool 'jobs'");
        dies(never_handed_out, modes[m], "tarn: foreign pointer: shared pool 'jobs'");
        dies(interior_pointer, modes[m], "tarn: interior pointer: shared pool 'jobs'");
        dies(alloc_after_deinit, modes[m], "tarn: use after deinit: shared pool 'jobs'");
        dies(free_after_deinit, modes[m], "tarn: use after deinit: shared pool 'jobs'");
        dies(alloc_after_deinit_in_another_thread, modes[m],
             "tarn: use after deinit: shared pool 'jobs'");
        dies(cache_of_a_dead_pool_allocates, modes[m],
             "tarn: use after deinit: shared pool 'jobs'");
        dies(cache_of_a_destroyed_pool_frees, modes[m],
             "tarn: use after deinit: shared pool 'jobs'");
        dies(cache_after_its_end, modes[m], "tarn: use after deinit: shared pool 'jobs'");
        dies(double_deinit, modes[m], "tarn: use after deinit: shared pool 'jobs'");
    }
}

static void right_use_survives(void **unused)
{
    bool checking = true, release = false;
    (void)unused;
    assert_survives(right_use, &checking);
    assert_survives(right_use, &release);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(when_checking),
        cmocka_unit_test(in_any_mode),
        cmocka_unit_test(right_use_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
