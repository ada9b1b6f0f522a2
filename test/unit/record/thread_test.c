/* SPDX-License-Identifier: MIT */
/* Threads: a legal order of events that depend on each other, slots handed on, allocation in destructors. */
#define _GNU_SOURCE
#include "recorded.h"

#include "support/tarn_test.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST(c) ((c) ? (void)0 : _exit(70 + __LINE__ % 30))

/* A thread that met a new context may have thread-local memory of libunwind, allocated inside the recorder and therefore
 * not in the trace; the C library frees it when the thread ends. */
#define UNWINDERS(threads) (threads)

/* Blocks go from thread to thread through one word; whoever finds one frees it, so its address comes back elsewhere. */
#define HANDS  4
#define PASSES 100000
#define MAPPED 300000
static _Atomic(void *) mailbox;

static void *pass(void *unused)
{
    for (int i = 0; i < PASSES; i++) {
        free(atomic_exchange(&mailbox, malloc(3001)));
        free(malloc(48));
        if (i % 10 == 0) /* straight from the kernel: another thread gets the address at once */
            free(malloc(MAPPED));
    }
    return unused;
}

static void hand_to_hand(void)
{
    pthread_t threads[HANDS];
    mallopt(M_MMAP_THRESHOLD, MAPPED / 2); /* also keeps it from growing */
    for (int i = 0; i < HANDS; i++)
        MUST(pthread_create(&threads[i], NULL, pass, NULL) == 0);
    for (int i = 0; i < HANDS; i++)
        pthread_join(threads[i], NULL);
    free(mailbox);
}

static void order_over_threads(void **state)
{
    (void)state;
    recorded r = record_part("hand_to_hand");
    assert_int_equal(r.status, 0);
    assert_int_equal(r.states[0], TARN_TRACE_COMPLETE);
    tarn_trace *t = r.traces[0];
    unsigned allocs = 0, frees = 0;
    for (tarn_event e; tarn_trace_next(t, &e);) {
        if (e.size == 3001)
            allocs += e.kind == TARN_EVENT_ALLOC, frees += e.kind == TARN_EVENT_FREE;
    }
    /* A wrong order shows as frees of unknown blocks, or blocks handed out twice (one free too many). */
    const tarn_trace_counts *n = tarn_trace_get_counts(t);
    assert_true(n->foreign_frees <= UNWINDERS(HANDS));
    assert_int_equal(allocs, HANDS * PASSES);
    assert_int_equal(frees, HANDS * PASSES);
    assert_true(n->objects < 1000);
    assert_int_equal(n->threads, HANDS + 1);
    assert_true((double)n->file_bytes / (double)n->events < 3.0);
    record_done(&r);
}

static void *short_life(void *block)
{
    free(block);
    return malloc(77);
}

#define CHURN 3000

static void churn(void)
{
    for (int i = 0; i < CHURN; i++) {
        pthread_t thread;
        void *result;
        MUST(pthread_create(&thread, NULL, short_life, malloc(66)) == 0);
        pthread_join(thread, &result);
        free(result);
    }
}

static void many_short_threads(void **state)
{
    (void)state;
    recorded r = record_part("churn");
    assert_int_equal(r.status, 0);
    unsigned starts = 0, ends = 0;
    for (tarn_event e; tarn_trace_next(r.traces[0], &e);) {
        starts += e.kind == TARN_EVENT_THREAD_START;
        ends += e.kind == TARN_EVENT_THREAD_END;
    }
    const tarn_trace_counts *n = tarn_trace_get_counts(r.traces[0]);
    assert_int_equal(starts, CHURN + 1);
    assert_int_equal(ends, CHURN);
    assert_true(n->foreign_frees <= UNWINDERS(1));
    assert_true((double)n->file_bytes / (double)n->events < 3.0); /* they share blocks */
    record_done(&r);
}

/* Keys whose destructors allocate, free, and set themselves again, in every round the C library makes. */
static pthread_key_t keys[8];

static void stubborn(void *block)
{
    static _Thread_local int rounds;
    free(block);
    void *more = malloc(91);
    if (++rounds < 40)
        pthread_setspecific(keys[rounds % 8], more);
    else
        free(more);
}

static void *with_destructors(void *unused)
{
    for (int i = 0; i < 8; i++)
        pthread_setspecific(keys[i], malloc(92));
    return unused;
}

static void at_the_end(void)
{
    free(malloc(93));
}

static void destructors(void)
{
    atexit(at_the_end);
    for (int i = 0; i < 8; i++)
        MUST(pthread_key_create(&keys[i], stubborn) == 0);
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        MUST(pthread_create(&thread, NULL, with_destructors, NULL) == 0);
        pthread_join(thread, NULL);
    }
}

static void destructors_are_recorded(void **state)
{
    (void)state;
    recorded r = record_part("destructors");
    tarn_event e;
    assert_int_equal(r.status, 0);
    assert_int_equal(r.states[0], TARN_TRACE_COMPLETE);
    assert_int_equal(allocs_of(r.traces[0], 92, &e), 400);
    assert_true(allocs_of(r.traces[0], 91, &e) >= 400);
    assert_int_equal(allocs_of(r.traces[0], 93, &e), 1);
    tarn_trace_scan(r.traces[0]);
    assert_true(tarn_trace_get_counts(r.traces[0])->foreign_frees <= UNWINDERS(2));
    assert_int_equal(tarn_trace_get_counts(r.traces[0])->lost_events, 0);
    record_done(&r);
}

int main(int argc, char **argv)
{
    static const part parts[] = {
        {"hand_to_hand", hand_to_hand}, {"churn", churn}, {"destructors", destructors}};
    recorded_parts(parts, sizeof parts / sizeof parts[0], argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_over_threads),
        cmocka_unit_test(many_short_threads),
        cmocka_unit_test(destructors_are_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
