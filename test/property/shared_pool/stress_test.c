/* SPDX-License-Identifier: MIT */
/*
 * Shared pools under threads: a ring that hands blocks on, threads that come and go, caches passed from thread to thread,
 * trims and statistics meanwhile. Every block carries its owner's mark from alloc to free; what is live at the end is what
 * the threads hold; the pool's check holds; the parent gets everything back.
 */
#include "support/tarn_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include <tarn/shared_pool.h>
#include <tarn/stats.h>

enum { THREADS = 4, QUEUE = 64, STEPS = 2000 };

static tarn_shared_pool pool;

typedef struct item {
    size_t mark;
    size_t fill[7];
} item;

static size_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(*state >> 33);
}

static void mark(item *it, size_t value)
{
    it->mark = value;
    for (size_t i = 0; i < 7; i++)
        it->fill[i] = value * 31 + i;
}

static void verify(const item *it)
{
    for (size_t i = 0; i < 7; i++)
        assert_true(it->fill[i] == it->mark * 31 + i);
}

/* ── A queue for what one thread hands to the next; the program's synchronisation, not the pool's ── */

typedef struct queue {
    pthread_mutex_t mutex;
    void *what[QUEUE];
    size_t count;
} queue;

static bool offer(queue *q, void *what)
{
    pthread_mutex_lock(&q->mutex);
    bool room = q->count < QUEUE;
    if (room)
        q->what[q->count++] = what;
    pthread_mutex_unlock(&q->mutex);
    return room;
}

static void *poll_one(queue *q)
{
    pthread_mutex_lock(&q->mutex);
    void *what = q->count > 0 ? q->what[--q->count] : NULL;
    pthread_mutex_unlock(&q->mutex);
    return what;
}

static queue queues[THREADS], passed = {PTHREAD_MUTEX_INITIALIZER, {NULL}, 0};
static atomic_size_t live;
static size_t rounds;

static void free_item(item *it, tarn_shared_cache *c)
{
    verify(it);
    mark(it, 0);
    atomic_fetch_sub(&live, 1);
    if (c != NULL)
        tarn_shared_cache_free(c, it);
    else
        tarn_shared_pool_free(&pool, it);
}

static item *new_item(size_t value, tarn_shared_cache *c)
{
    item *it = c != NULL ? tarn_shared_cache_alloc(c) : tarn_shared_pool_alloc(&pool);
    if (it != NULL) {
        atomic_fetch_add(&live, 1);
        mark(it, value);
    }
    return it;
}

/* One step of one thread: make and hand on, take and free, bursts, batches, a reserve, a flush, questions. */
static void step(size_t me, size_t r, uint64_t *state, tarn_shared_cache *c)
{
    item *mine[96];
    size_t n = r % 96, got = 0;
    item *it;
    switch (r % 8) {
    case 0:
        while (got < n && (mine[got] = new_item(next(state), c)) != NULL)
            got++;
        while (got > 0)
            free_item(mine[--got], c);
        break;
    case 1:
        if (c != NULL && tarn_shared_cache_reserve(c, n) == TARN_OK) {
            for (; got < n; got++)
                assert_non_null(mine[got] = new_item(next(state), c));
            while (got > 0)
                free_item(mine[--got], c);
        }
        break;
    case 2:
        if (r % 512 == 2)
            (void)tarn_shared_pool_trim(&pool);
        break;
    case 3:
        if (r % 64 == 3 && c != NULL)
            tarn_shared_cache_flush(c);
        break;
    default:
        for (size_t i = 0; i < n; i++) {
            if ((it = new_item(next(state), c)) != NULL && !offer(&queues[(me + 1) % THREADS], it))
                free_item(it, c);
        }
        for (size_t i = 0; i < n && (it = poll_one(&queues[me])) != NULL; i++)
            free_item(it, c);
    }
}

/* A short life: some steps through the thread's own cache, or through one that was passed on. */
static void *life(void *arg)
{
    size_t me = *(size_t *)arg;
    uint64_t state = me * 77 + rounds;
    for (size_t i = 0; i < STEPS / 20; i++) {
        size_t r = next(&state);
        tarn_shared_cache *c = r % 3 == 0 ? poll_one(&passed) : NULL;
        for (int k = 0; k < 4; k++)
            step(me, next(&state), &state, c);
        if (c != NULL) {
            tarn_shared_cache_pass(c);
            while (!offer(&passed, c))
                ;
        }
    }
    return NULL;
}

/* Its threads live for twenty steps in all, one after the other. */
static void *place(void *arg)
{
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, life, arg) != 0 || pthread_join(thread, NULL) != 0)
            abort();
    }
    return NULL;
}

static void *watch(void *stop)
{
    while (!atomic_load((atomic_bool *)stop)) {
        tarn_stats s;
        if (tarn_get_stats(&pool.allocator, &s) != TARN_OK ||
            tarn_shared_pool_owns(&pool, &s) != TARN_NO)
            abort();
        struct timespec t = {0, 200000};
        (void)nanosleep(&t, NULL);
    }
    return NULL;
}

static void work(tarn_shared_pool_options o)
{
    static tarn_shared_cache caches[3];
    static const size_t numbers[THREADS] = {0, 1, 2, 3};
    pthread_t threads[THREADS], watcher;
    atomic_bool stop = false;
    tarn_stats s;
    tarn_stats_layer parent;
    assert_int_equal(tarn_stats_init(&parent, &(tarn_stats_options){.parent = tarn_libc()}),
                     TARN_OK);
    o.block_size = sizeof(item);
    o.parent = tarn_stats_allocator(&parent); /* for one thread: the pool sees to it */
    assert_int_equal(tarn_shared_pool_init(&pool, &o), TARN_OK);
    for (int i = 0; i < 3; i++) {
        tarn_shared_cache_init(&caches[i], &pool);
        assert_true(offer(&passed, &caches[i]));
    }
    assert_int_equal(pthread_create(&watcher, NULL, watch, &stop), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, place, (void *)(uintptr_t)&numbers[i]),
                         0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    atomic_store(&stop, true);
    assert_int_equal(pthread_join(watcher, NULL), 0);
    assert_int_equal(tarn_shared_pool_check(&pool), TARN_OK);
    assert_int_equal(tarn_get_stats(&pool.allocator, &s), TARN_OK);
    assert_int_equal(s.live_blocks, atomic_load(&live));
    for (int i = 0; i < THREADS; i++) {
        for (item *it; (it = poll_one(&queues[i])) != NULL;)
            free_item(it, NULL);
    }
    assert_int_equal(atomic_load(&live), 0);
    while (poll_one(&passed) != NULL)
        ;
    tarn_shared_cache_deinit(&caches[0]); /* the other two go with the pool */
    assert_int_equal(tarn_shared_pool_check(&pool), TARN_OK);
    tarn_shared_pool_deinit(&pool);
    assert_int_equal(tarn_get_stats(tarn_stats_allocator(&parent), &s), TARN_OK);
    assert_int_equal(s.live_blocks, 0);
}

static size_t how_often(void)
{
    const char *text = getenv("TARN_PROPERTY_ROUNDS");
    return text != NULL ? strtoul(text, NULL, 0) : 1;
}

static void blocks_go_round(void **state)
{
    (void)state;
    for (rounds = 0; rounds < how_often(); rounds++)
        work((tarn_shared_pool_options){.chunk_size = 4096});
}

static void blocks_go_round_at_a_limit(void **state)
{
    (void)state;
    for (rounds = 0; rounds < how_often(); rounds++)
        work((tarn_shared_pool_options){.chunk_size = 8192, .limit = 700, .batch = 16});
}

static void blocks_go_round_checked(void **state)
{
    (void)state;
    for (rounds = 0; rounds < how_often(); rounds++)
        work((tarn_shared_pool_options){.chunk_size = 4096, .check = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_go_round),
        cmocka_unit_test(blocks_go_round_at_a_limit),
        cmocka_unit_test(blocks_go_round_checked),
    };
    for (int i = 0; i < THREADS; i++)
        pthread_mutex_init(&queues[i].mutex, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
