/* SPDX-License-Identifier: MIT */
/* Caches of the program's own: passed on, flushed, in batches, with a reserve that holds. */
#include "support/tarn_test.h"

#include <pthread.h>

#include <tarn/new.h>
#include <tarn/shared_pool.h>

#include "strategy/shared_pool_chunk.h"
#include "support/probe.h"

enum { MANY = 5000 };

static void *blocks[MANY];
static tarn_shared_pool pool;

static tarn_stats stats(void)
{
    tarn_stats s;
    assert_int_equal(tarn_get_stats(&pool.allocator, &s), TARN_OK);
    return s;
}

static void whole(void)
{
    assert_int_equal(tarn_shared_pool_check(&pool), TARN_OK);
}

static void start(tarn_shared_pool_options o)
{
    if (o.block_size == 0)
        o.block_size = 64;
    if (o.chunk_size == 0)
        o.chunk_size = 4096;
    o.name = "jobs";
    assert_int_equal(tarn_shared_pool_init(&pool, &o), TARN_OK);
}

static void stop(void)
{
    whole();
    tarn_shared_pool_deinit(&pool);
}

/* Run call(arg) in a thread of its own, to its end. */
static void in_a_thread(void *(*call)(void *), void *arg)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, call, arg), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void *alloc_all(void *arg)
{
    size_t n = *(size_t *)arg;
    for (size_t i = 0; i < n; i++) {
        blocks[i] = tarn_shared_pool_alloc(&pool);
        assert_non_null(blocks[i]);
        memset(blocks[i], (int)i & 0xff, 64);
    }
    return NULL;
}

/* ── Caches of the program's own ── */

static tarn_shared_cache cache;

static void *alloc_through_it(void *arg)
{
    size_t n = *(size_t *)arg;
    for (size_t i = 0; i < n; i++)
        blocks[i] = tarn_shared_cache_alloc(&cache);
    tarn_shared_cache_pass(&cache);
    return NULL;
}

static void a_cache_is_passed_on(void **state)
{
    (void)state;
    size_t n = 300;
    for (int check = 0; check < 2; check++) {
        start((tarn_shared_pool_options){.check = check != 0});
        tarn_shared_cache_init(&cache, &pool);
        in_a_thread(alloc_through_it, &n);
        assert_int_equal(stats().live_blocks, n);
        for (size_t i = 0; i < n; i++)
            tarn_shared_cache_free(&cache, blocks[i]);
        assert_int_equal(stats().live_blocks, 0);
        tarn_shared_cache_deinit(&cache);
        assert_non_null(pool.orphans);
        assert_null(pool.caches);
        stop();
    }
}

static void a_flush_leaves_nothing(void **state)
{
    (void)state;
    start((tarn_shared_pool_options){0});
    tarn_shared_cache_init(&cache, &pool);
    for (size_t i = 0; i < 1000; i++)
        blocks[i] = tarn_shared_cache_alloc(&cache);
    tarn_shared_cache_free_batch(&cache, 1000, blocks);
    assert_true(cache.top != cache.empty || pool.flags != 0);
    tarn_shared_cache_flush(&cache);
    assert_true(cache.top == cache.empty);
    assert_null(cache.homes->free.first);
    assert_int_equal(cache.homes->room, 0);
    whole();
    tarn_shared_cache_deinit(&cache);
    stop();
}

static void a_batch_is_a_batch(void **state)
{
    (void)state;
    start((tarn_shared_pool_options){.batch = 7});
    tarn_shared_cache_init(&cache, &pool);
    assert_int_equal(tarn_shared_cache_alloc_batch(&cache, 500, blocks), 500);
    for (size_t i = 0; i < 500; i++)
        memset(blocks[i], 1, 64);
    assert_int_equal(stats().live_blocks, 500);
    tarn_shared_cache_free_batch(&cache, 500, blocks);
    assert_int_equal(stats().live_blocks, 0);
    assert_true((size_t)(cache.empty - cache.top) <= 14);
    tarn_shared_cache_deinit(&cache);
    stop();
}

/* ── Reserve ── */

/* Whatever happens between: n allocations get through although the parent gives nothing any more. */
static void a_reserve_holds(void **state)
{
    (void)state;
    static probe parent;
    for (size_t n = 1; n < 1200; n = n * 3 + 1) {
        for (int check = 0; check < 2; check++) {
            size_t foreign = 400;
            tarn_allocator *p = probe_init(&parent, NULL);
            start((tarn_shared_pool_options){.parent = p, .check = check != 0});
            tarn_shared_cache_init(&cache, &pool);
            (void)alloc_all(&foreign); /* of this thread's cache: foreign to `cache` */
            assert_int_equal(tarn_shared_cache_reserve(&cache, n), TARN_OK);
            whole();
            parent.options.max_size = 1;
            for (size_t i = 0; i < foreign; i++)
                tarn_shared_cache_free(&cache, blocks[i]);
            whole();
            (void)tarn_shared_pool_trim(&pool);
            size_t others = 0; /* another cache takes all that it can get */
            while (others < MANY - 1200 &&
                   (blocks[1200 + others] = tarn_shared_pool_alloc(&pool)) != NULL)
                others++;
            whole();
            for (size_t i = 0; i < n; i++) {
                blocks[i] = tarn_shared_cache_alloc(&cache);
                assert_non_null(blocks[i]);
                if (i % 3 == 0) { /* a pair more does not shorten it */
                    tarn_shared_cache_free(&cache, blocks[i]);
                    blocks[i] = tarn_shared_cache_alloc(&cache);
                    assert_non_null(blocks[i]);
                    i++;
                }
            }
            tarn_shared_cache_deinit(&cache);
            stop();
            assert_int_equal(parent.faults, 0);
            assert_int_equal(probe_deinit(&parent), 0);
        }
    }
}

/* Another cache takes all that it can get. */
static void others_take_all(void)
{
    while (tarn_shared_pool_alloc(&pool) != NULL)
        ;
}

static void get_through(size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_non_null(tarn_shared_cache_alloc(&cache));
}

/* Chunks that become empty are not given away before the reserve is used. */
static void a_reserve_keeps_empty_chunks(void **state)
{
    (void)state;
    static probe parent;
    start((tarn_shared_pool_options){.parent = probe_init(&parent, NULL)});
    tarn_shared_cache_init(&cache, &pool);
    for (size_t i = 0; i < 2000; i++)
        blocks[i] = tarn_shared_cache_alloc(&cache);
    for (size_t i = 0; i < 2000; i += 2)
        tarn_shared_cache_free(&cache, blocks[i]);
    tarn_shared_cache_flush(&cache);
    parent.options.max_size = 1;
    size_t n = shared_idle(cache.homes); /* in chunks with live blocks among them */
    assert_int_equal(tarn_shared_cache_reserve(&cache, n), TARN_OK);
    for (size_t i = 1; i < 2000; i += 2)
        tarn_shared_cache_free(&cache, blocks[i]);
    (void)tarn_shared_pool_trim(&pool);
    others_take_all();
    get_through(n);
    stop();
    assert_int_equal(probe_deinit(&parent), 0);
}

/* Blocks of others that are at hand count for a reserve, and do not go home then. */
static void a_reserve_keeps_what_is_at_hand(void **state)
{
    (void)state;
    size_t foreign = 400;
    static probe parent;
    start((tarn_shared_pool_options){.parent = probe_init(&parent, NULL)});
    tarn_shared_cache_init(&cache, &pool);
    (void)alloc_all(&foreign);
    for (size_t i = 0; i < 100; i++)
        tarn_shared_cache_free(&cache, blocks[i]);
    parent.options.max_size = 1;
    size_t idle = cache.homes != NULL ? shared_idle(cache.homes) : 0;
    size_t n = (size_t)(cache.empty - cache.top) + idle;
    assert_int_equal(tarn_shared_cache_reserve(&cache, n), TARN_OK);
    for (size_t i = 100; i < 400; i++)
        tarn_shared_cache_free(&cache, blocks[i]);
    whole();
    others_take_all();
    get_through(n);
    stop();
    assert_int_equal(probe_deinit(&parent), 0);
}

static void a_reserve_that_cannot_be(void **state)
{
    (void)state;
    start((tarn_shared_pool_options){.limit = 100});
    tarn_shared_cache_init(&cache, &pool);
    assert_int_equal(tarn_shared_cache_reserve(&cache, 60), TARN_OK);
    assert_int_equal(tarn_shared_cache_reserve(&cache, 101), TARN_LIMIT);
    assert_int_equal(tarn_get_why(&cache.allocator).status, TARN_LIMIT);
    assert_int_equal(cache.reserved, 60);
    assert_int_equal(tarn_shared_cache_reserve(&cache, 100), TARN_OK);
    assert_null(tarn_shared_pool_alloc(&pool)); /* none is left for another */
    assert_int_equal(tarn_shared_cache_reserve(&cache, 0), TARN_OK);
    void *b = tarn_shared_pool_alloc(&pool);
    assert_non_null(b);
    tarn_shared_pool_free(&pool, b);
    tarn_shared_cache_deinit(&cache);
    stop();
}

/* One source line for cache, pool and handle. */
static void objects_by_type(void **state)
{
    (void)state;
    struct job {
        int64_t number[6];
    };
    start((tarn_shared_pool_options){0});
    tarn_shared_cache_init(&cache, &pool);
    struct job *a = tarn_new(&cache, struct job), *b = tarn_new_zero(&pool, struct job),
               *c = tarn_new(tarn_shared_pool_allocator(&pool), struct job);
    assert_true(a != NULL && b != NULL && c != NULL && b->number[5] == 0);
    assert_null(tarn_new_array(&cache, struct job, 2));
    assert_int_equal(tarn_get_why(&cache.allocator).status, TARN_TOO_BIG);
    tarn_delete(&pool, a);
    tarn_delete(&cache, b);
    tarn_delete(&cache, c);
    tarn_delete(&cache, (struct job *)NULL);
    assert_int_equal(stats().live_blocks, 0);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cache_is_passed_on),
        cmocka_unit_test(a_flush_leaves_nothing),
        cmocka_unit_test(a_batch_is_a_batch),
        cmocka_unit_test(a_reserve_holds),
        cmocka_unit_test(a_reserve_keeps_empty_chunks),
        cmocka_unit_test(a_reserve_keeps_what_is_at_hand),
        cmocka_unit_test(a_reserve_that_cannot_be),
        cmocka_unit_test(objects_by_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
