/* SPDX-License-Identifier: MIT */
/* Shared pool: options, blocks across threads, threads that come and go, trim, limits, the end. */
#include "support/tarn_test.h"

#include <pthread.h>

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

static void *free_all(void *arg)
{
    size_t n = *(size_t *)arg;
    for (size_t i = 0; i < n; i++) {
        const unsigned char *b = blocks[i];
        assert_true(b[0] == (i & 0xff) && b[63] == (i & 0xff));
        tarn_shared_pool_free(&pool, blocks[i]);
    }
    return NULL;
}

/* ── Options ── */

static void bad_options_are_refused(void **state)
{
    (void)state;
    tarn_shared_pool p;
    const struct {
        tarn_shared_pool_options o;
        tarn_status status;
    } cases[] = {
        {{.block_size = 0}, TARN_BAD_ARGUMENT},
        {{.block_size = 8, .align = 24}, TARN_BAD_ALIGN},
        {{.block_size = SIZE_MAX - 3}, TARN_TOO_BIG},
        {{.block_size = SIZE_MAX / 4}, TARN_TOO_BIG},
        {{.block_size = 8, .align = SIZE_MAX / 2 + 1}, TARN_TOO_BIG},
        {{.block_size = 64, .chunk_size = 3000}, TARN_BAD_ARGUMENT},
        {{.block_size = 64, .chunk_size = 128}, TARN_BAD_ARGUMENT},
        {{.block_size = 64, .batch = TARN_POOL_SLOTS / 2 + 1}, TARN_BAD_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(tarn_shared_pool_init(&p, &cases[i].o), cases[i].status);
        assert_int_equal(tarn_get_why(&p.allocator).status, cases[i].status);
        tarn_status status = TARN_OK;
        assert_null(tarn_shared_pool_create(&cases[i].o, &status));
        assert_int_equal(status, cases[i].status);
    }
}

static void capabilities(void **state)
{
    (void)state;
    start((tarn_shared_pool_options){.block_size = 40});
    tarn_allocator *a = tarn_shared_pool_allocator(&pool);
    assert_true(
        tarn_can(a, TARN_CAP_THREADS | TARN_CAP_THREADS_FREE | TARN_CAP_TRIM | TARN_CAP_VISIT));
    assert_string_equal(tarn_name(a), "jobs");
    assert_ptr_equal(tarn_parent(a, 0), tarn_libc());
    assert_null(tarn_alloc(a, 41, 0));
    assert_int_equal(tarn_get_why(a).status, TARN_TOO_BIG);
    assert_null(tarn_alloc(a, 8, TARN_SPEC(64)));
    assert_int_equal(tarn_get_why(a).status, TARN_BAD_ALIGN);
    assert_int_equal(stats().failures, 2);
    tarn_block b = tarn_alloc_at_least(a, 3, 0);
    assert_int_equal(b.size, 40);
    assert_int_equal(tarn_usable(a, b.ptr, 3, 0), 40);
    tarn_free(a, b.ptr, 20, 0);
    stop();
}

/* ── Threads ── */

static void another_thread_frees(void **state)
{
    (void)state;
    size_t n = 1000;
    start((tarn_shared_pool_options){0});
    for (int round = 0; round < 3; round++) {
        (void)alloc_all(&n);
        assert_int_equal(stats().live_blocks, n);
        in_a_thread(free_all, &n);
        assert_int_equal(stats().live_blocks, 0);
        whole();
    }
    size_t chunks = stats().chunks;
    (void)alloc_all(&n); /* what came home is used again */
    assert_int_equal(stats().chunks, chunks);
    (void)free_all(&n);
    stop();
}

/* Each thread allocates what the one before it left, so homes and chunks are handed on and none is left behind. */
static void threads_leave_what_they_had(void **state)
{
    (void)state;
    size_t n = 500, chunks = 0;
    start((tarn_shared_pool_options){0});
    for (int i = 0; i < 20; i++) {
        in_a_thread(alloc_all, &n);
        in_a_thread(free_all, &n);
        whole();
        if (i == 2)
            chunks = stats().chunks;
    }
    assert_int_equal(stats().chunks, chunks);
    assert_null(pool.caches);
    assert_int_equal(stats().live_blocks, 0);
    assert_true(tarn_shared_pool_trim(&pool) >= n * 64);
    assert_int_equal(stats().chunks, 0);
    stop();
}

typedef struct meeting {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int stage;
} meeting;

static meeting meet = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

static void reach(int stage)
{
    pthread_mutex_lock(&meet.mutex);
    meet.stage = stage;
    pthread_cond_broadcast(&meet.changed);
    pthread_mutex_unlock(&meet.mutex);
}

static void await(int stage)
{
    pthread_mutex_lock(&meet.mutex);
    while (meet.stage < stage)
        pthread_cond_wait(&meet.changed, &meet.mutex);
    pthread_mutex_unlock(&meet.mutex);
}

static void *idle_with_much(void *arg)
{
    (void)alloc_all(arg);
    (void)free_all(arg);
    reach(1);
    await(2);
    size_t few = 200; /* now it answers: what was at hand goes, and so do its last chunks */
    (void)alloc_all(&few);
    (void)free_all(&few);
    reach(3);
    await(4);
    return NULL;
}

static void an_idle_thread_is_trimmed(void **state)
{
    (void)state;
    size_t n = 3000;
    pthread_t thread;
    meet.stage = 0;
    start((tarn_shared_pool_options){0});
    assert_int_equal(pthread_create(&thread, NULL, idle_with_much, &n), 0);
    await(1);
    size_t chunks = stats().chunks;
    assert_true(tarn_shared_pool_trim(&pool) > 0);
    assert_true(stats().chunks * 10 < chunks);
    assert_int_equal(stats().live_blocks, 0);
    reach(2);
    await(3);
    (void)tarn_shared_pool_trim(&pool);
    assert_true(stats().chunks <= 5); /* what holds a hand of 128 */
    reach(4);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)tarn_shared_pool_trim(&pool);
    assert_int_equal(stats().chunks, 0);
    stop();
}

static void *alloc_and_wait(void *arg)
{
    (void)alloc_all(arg);
    reach(1);
    await(2);
    return NULL;
}

/* What others sent to a thread that does nothing any more is found by a trim. */
static void messages_to_an_idle_thread_are_trimmed(void **state)
{
    (void)state;
    size_t n = 3000;
    pthread_t thread;
    meet.stage = 0;
    start((tarn_shared_pool_options){0});
    assert_int_equal(pthread_create(&thread, NULL, alloc_and_wait, &n), 0);
    await(1);
    (void)free_all(&n);
    size_t chunks = stats().chunks;
    assert_true(chunks > 40);
    assert_true(tarn_shared_pool_trim(&pool) > 0);
    assert_true(stats().chunks <= 5); /* what holds a hand of 128 over there */
    reach(2);
    assert_int_equal(pthread_join(thread, NULL), 0);
    stop();
}

/* A thread that had much and needs it no more keeps no more than another one can do without. */
static void no_thread_hoards(void **state)
{
    (void)state;
    size_t n = 3000;
    start((tarn_shared_pool_options){0});
    (void)alloc_all(&n);
    (void)free_all(&n);
    size_t chunks = stats().chunks;
    n = 2000;
    in_a_thread(alloc_all, &n);
    assert_int_equal(stats().chunks, chunks);
    (void)free_all(&n);
    stop();
}

/* More pools than the table has ways: all are found, and none is lost when the thread ends. */
static void *many_pools(void *arg)
{
    tarn_shared_pool *pools = arg;
    void *mine[40][3];
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < 40; i++)
            mine[i][k] = tarn_shared_pool_alloc(&pools[i]);
    }
    for (int i = 0; i < 40; i++) {
        tarn_shared_cache *c = tarn_shared_pool_cache(&pools[i]);
        for (int k = 0; k < 3; k++)
            tarn_shared_cache_free(c, mine[i][k]);
        assert_true(tarn_shared_pool_cache(&pools[i]) == c && c->pool == &pools[i]);
    }
    return NULL;
}

static void a_thread_has_a_cache_of_each_pool(void **state)
{
    (void)state;
    static tarn_shared_pool pools[40];
    for (int i = 0; i < 40; i++) {
        tarn_shared_pool_options o = {.block_size = 64, .chunk_size = 4096};
        assert_int_equal(tarn_shared_pool_init(&pools[i], &o), TARN_OK);
    }
    (void)many_pools(pools);
    in_a_thread(many_pools, pools);
    for (int i = 0; i < 40; i++) {
        assert_true(pools[i].caches != NULL && pools[i].caches->next == NULL);
        assert_int_equal(tarn_shared_pool_check(&pools[i]), TARN_OK);
        tarn_shared_pool_deinit(&pools[i]);
    }
}

static void *outlives_the_pool(void *arg)
{
    tarn_shared_pool *later = arg;
    void *b = tarn_shared_pool_alloc(&pool);
    assert_non_null(b);
    reach(1);
    await(2);
    tarn_shared_pool_free(
        later, tarn_shared_pool_alloc(later)); /* at the dead one's place in the table, too */
    return NULL;
}

static void a_pool_goes_while_threads_have_caches(void **state)
{
    (void)state;
    static tarn_shared_pool later;
    static probe parent;
    static tarn_shared_cache own;
    pthread_t thread;
    meet.stage = 0;
    start((tarn_shared_pool_options){.parent = probe_init(&parent, NULL)});
    tarn_shared_cache_init(&own, &pool);
    assert_non_null(tarn_shared_cache_alloc(&own));
    assert_int_equal(pthread_create(&thread, NULL, outlives_the_pool, &later), 0);
    await(1);
    stop();
    assert_int_equal(parent.faults, 0);
    assert_int_equal(probe_deinit(&parent), 0);
    tarn_shared_pool_options o = {.block_size = 16};
    assert_int_equal(tarn_shared_pool_init(&later, &o), TARN_OK);
    reach(2);
    assert_int_equal(pthread_join(thread, NULL), 0);
    tarn_shared_cache_deinit(&own); /* dead already */
    assert_null(later.caches);
    tarn_shared_pool_deinit(&later);
}

/* ── Limits, refusals ── */

static void *hold_half(void *arg)
{
    size_t n = *(size_t *)arg;
    (void)alloc_all(&n);
    (void)free_all(&n);
    reach(1);
    await(2);
    return NULL;
}

/* At the limit a cache gets what idle homes of others have. */
static void at_the_limit_others_give(void **state)
{
    (void)state;
    size_t n = 600, got = 0;
    pthread_t thread;
    meet.stage = 0;
    start((tarn_shared_pool_options){.limit = 600, .batch = 8});
    assert_int_equal(pthread_create(&thread, NULL, hold_half, &n), 0);
    await(1);
    while ((blocks[got] = tarn_shared_pool_alloc(&pool)) != NULL)
        got++;
    assert_in_range(got, 600 - 16, 600); /* up to two batches are at hand over there */
    assert_int_equal(tarn_get_why(&pool.allocator).status, TARN_LIMIT);
    assert_int_equal(tarn_get_why(&pool.allocator).limit, 600);
    while (got-- > 0)
        tarn_shared_pool_free(&pool, blocks[got]);
    reach(2);
    assert_int_equal(pthread_join(thread, NULL), 0);
    stop();
}

static bool sweep(tarn_allocator *parent, void *user)
{
    (void)user;
    size_t got = 0;
    tarn_shared_pool_options o = {.block_size = 64, .chunk_size = 4096, .parent = parent};
    if (tarn_shared_pool_init(&pool, &o) != TARN_OK)
        return false;
    while (got < 200 && (blocks[got] = tarn_shared_pool_alloc(&pool)) != NULL)
        got++;
    assert_true(got == 200 || tarn_get_why(&pool.allocator).status != TARN_OK);
    for (size_t i = 0; i < got; i++)
        tarn_shared_pool_free(&pool, blocks[i]);
    if (got > 0)
        whole();
    tarn_shared_pool_deinit(&pool);
    return got == 200;
}

/* Each request of the parent refused in turn. */
static void refusals_change_nothing(void **state)
{
    (void)state;
    static probe parent;
    bool through = false;
    for (size_t most = 0; !through; most++) {
        tarn_allocator *p = probe_init(&parent, &(probe_options){.max_blocks = most + 1});
        parent.options.max_blocks = most;
        if (most == 0)
            parent.options.max_size = 1;
        through = sweep(p, NULL);
        assert_int_equal(parent.faults, 0);
        assert_int_equal(probe_deinit(&parent), 0);
        assert_true(most < 20);
    }
}

/* A thread that cannot have a cache frees all the same: the block goes home by message. */
static void *free_without_a_cache(void *arg)
{
    tarn_shared_pool_free(&pool, arg);
    assert_null(tarn_shared_pool_cache(&pool));
    return NULL;
}

static void a_free_needs_no_memory(void **state)
{
    (void)state;
    static probe parent;
    start((tarn_shared_pool_options){.parent = probe_init(&parent, NULL)});
    void *b = tarn_shared_pool_alloc(&pool);
    parent.options.max_size = 1;
    in_a_thread(free_without_a_cache, b);
    assert_int_equal(stats().live_blocks, 0);
    stop();
    assert_int_equal(probe_deinit(&parent), 0);
}

/* ── The whole pool ── */

static bool see_and_free(void *user, void *block, size_t size)
{
    assert_int_equal(size, 64);
    tarn_shared_pool_free(&pool, block);
    ++*(size_t *)user;
    return true;
}

static void a_visit_sees_the_live_ones(void **state)
{
    (void)state;
    size_t n = 1000, seen = 0;
    start((tarn_shared_pool_options){0});
    in_a_thread(alloc_all, &n);
    for (size_t i = 0; i < n; i += 2)
        tarn_shared_pool_free(&pool, blocks[i]);
    assert_int_equal(tarn_shared_pool_visit(&pool, see_and_free, &seen), TARN_OK);
    assert_int_equal(seen, n / 2);
    assert_int_equal(stats().live_blocks, 0);
    stop();
}

static void a_reset_takes_all_back(void **state)
{
    (void)state;
    size_t n = 1000;
    start((tarn_shared_pool_options){0});
    for (int i = 0; i < 3; i++) {
        (void)alloc_all(&n);
        in_a_thread(free_all, &n);
        (void)alloc_all(&n);
        size_t chunks = stats().chunks;
        assert_int_equal(tarn_shared_pool_reset(&pool), TARN_OK);
        assert_int_equal(stats().live_blocks, 0);
        assert_int_equal(stats().chunks, chunks);
        whole();
    }
    stop();
}

static void owns_tells_the_truth(void **state)
{
    (void)state;
    start((tarn_shared_pool_options){0});
    char *b = tarn_shared_pool_alloc(&pool);
    assert_int_equal(tarn_shared_pool_owns(&pool, b + 63), TARN_YES);
    assert_int_equal(tarn_shared_pool_owns(&pool, &pool), TARN_NO);
    assert_int_equal(tarn_shared_pool_owns(&pool, NULL), TARN_NO);
    assert_int_equal(tarn_shared_pool_owns(&pool, (void *)(uintptr_t)0x1234000), TARN_NO);
    tarn_shared_pool_free(&pool, b);
    stop();
    assert_int_equal(tarn_shared_pool_owns(&pool, b), TARN_NO);
}

static void create_and_destroy(void **state)
{
    (void)state;
    static probe parent;
    tarn_status status;
    tarn_shared_pool *p = tarn_shared_pool_create(
        &(tarn_shared_pool_options){.block_size = 24, .parent = probe_init(&parent, NULL)},
        &status);
    assert_int_equal(status, TARN_OK);
    assert_non_null(tarn_shared_pool_alloc(p));
    tarn_shared_pool_destroy(p);
    tarn_shared_pool_destroy(NULL);
    assert_int_equal(parent.faults, 0);
    assert_int_equal(probe_deinit(&parent), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(capabilities),
        cmocka_unit_test(another_thread_frees),
        cmocka_unit_test(threads_leave_what_they_had),
        cmocka_unit_test(an_idle_thread_is_trimmed),
        cmocka_unit_test(messages_to_an_idle_thread_are_trimmed),
        cmocka_unit_test(no_thread_hoards),
        cmocka_unit_test(a_thread_has_a_cache_of_each_pool),
        cmocka_unit_test(a_pool_goes_while_threads_have_caches),
        cmocka_unit_test(at_the_limit_others_give),
        cmocka_unit_test(refusals_change_nothing),
        cmocka_unit_test(a_free_needs_no_memory),
        cmocka_unit_test(a_visit_sees_the_live_ones),
        cmocka_unit_test(a_reset_takes_all_back),
        cmocka_unit_test(owns_tells_the_truth),
        cmocka_unit_test(create_and_destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
