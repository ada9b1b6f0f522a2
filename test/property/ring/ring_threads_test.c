/* SPDX-License-Identifier: MIT */
/*
 * One producer and one consumer at the same time: as a queue, and with frees out of order. Under
 * ThreadSanitizer, too, which sees an ordering that is missing even where this machine keeps it.
 */
#include "support/tarn_test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <tarn/ring.h>

enum { MESSAGES = 60000, SLOTS = 64, WINDOW = 9 };

struct message {
    uint32_t number;
    uint32_t size; /* of the block, this header included */
    unsigned char text[];
};

static struct shared {
    tarn_ring ring;
    uint32_t messages;
    size_t bad; /* the consumer's */
    _Atomic(struct message *) slots[SLOTS];
    size_t turns, lost; /* the producer's: found the ring full; could not cancel */
} s;

static _Alignas(16) unsigned char bytes[3003];

static uint32_t draw(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void fill(struct message *m, uint32_t number, size_t size)
{
    m->number = number;
    m->size = (uint32_t)size;
    memset(m->text, (int)(number & 0xff), size - sizeof *m);
}

static void verify(const struct message *m, uint32_t number)
{
    s.bad += m->number != number;
    for (size_t i = 0; i < m->size - sizeof *m; i++)
        s.bad += m->text[i] != (unsigned char)(m->number & 0xff);
}

/* A message of a random size, sometimes after a false start, sometimes cut to what it needs. */
static struct message *produce(uint32_t number, uint32_t *random, tarn_spec log)
{
    size_t size = sizeof(struct message) + draw(random) % 200, most = size + draw(random) % 100;
    struct message *m = NULL;
    while ((m = tarn_ring_alloc(&s.ring, most, log)) == NULL) {
        s.turns++;
        (void)sched_yield();
    }
    if (draw(random) % 8 == 0) {
        memset(m, 0xff, most);
        if (!tarn_ring_cancel(&s.ring, m, most, log))
            s.lost++;
        return produce(number, random, log);
    }
    if (tarn_ring_resize(&s.ring, m, most, size, 0, log | TARN_IN_PLACE) != m)
        size = most;
    fill(m, number, size);
    return m;
}

static void *send_each(void *unused)
{
    uint32_t random = 777;
    for (uint32_t i = 0; i < s.messages; i++) {
        (void)produce(i, &random, 3);
        tarn_ring_send(&s.ring);
    }
    return unused;
}

static void receive_each(void)
{
    for (uint32_t i = 0; i < s.messages; i++) {
        struct message *m;
        while ((m = tarn_ring_oldest(&s.ring)) == NULL)
            (void)sched_yield();
        verify(m, i);
        tarn_ring_free(&s.ring, m, m->size, 3);
    }
}

static void *hand_over_all(void *unused)
{
    uint32_t random = 999;
    for (uint32_t i = 0; i < s.messages; i++) {
        struct message *m = produce(i, &random, i % 7);
        while (atomic_load_explicit(&s.slots[i % SLOTS], memory_order_acquire) != NULL)
            (void)sched_yield();
        atomic_store_explicit(&s.slots[i % SLOTS], m, memory_order_release);
    }
    return unused;
}

/* The consumer holds some and frees them in any order: holes. */
static void take_over_all(void)
{
    uint32_t random = 31, i = 0;
    size_t held = 0;
    struct message *window[WINDOW];
    while (i < s.messages || held > 0) {
        struct message *m = NULL;
        if (i < s.messages && held < WINDOW)
            m = atomic_load_explicit(&s.slots[i % SLOTS], memory_order_acquire);
        if (m != NULL) {
            verify(m, i);
            atomic_store_explicit(&s.slots[i % SLOTS], NULL, memory_order_relaxed);
            window[held++] = m;
            i++;
        } else if (held > 0) { /* nothing there: free, or nobody goes on */
            size_t pick = draw(&random) % held;
            m = window[pick];
            window[pick] = window[--held];
            verify(m, m->number);
            tarn_ring_free(&s.ring, m, m->size, m->number % 7);
        } else {
            (void)sched_yield();
        }
    }
}

static void run(size_t size, bool check, void *(*producer)(void *), void (*consume)(void))
{
    pthread_t thread;
    memset(&s, 0, sizeof s);
    s.messages = check ? MESSAGES / 4 : MESSAGES;
    assert_int_equal(
        tarn_ring_init(&s.ring,
                       &(tarn_ring_options){.buffer = bytes, .buffer_size = size, .check = check}),
        TARN_OK);
    assert_int_equal(pthread_create(&thread, NULL, producer, NULL), 0);
    consume();
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(s.bad, 0);
    assert_int_equal(s.lost, 0);
    assert_true(s.turns > 0);
    assert_int_equal(tarn_ring_used(&s.ring), 0);
    assert_int_equal(tarn_check(&s.ring.allocator), TARN_OK);
    tarn_ring_deinit(&s.ring);
}

static void as_a_queue(void **state)
{
    (void)state;
    for (int check = 0; check < 2; check++) {
        run(sizeof bytes, check, send_each, receive_each);
        run(1201, check, send_each, receive_each);
    }
}

static void handed_over_and_freed_out_of_order(void **state)
{
    (void)state;
    for (int check = 0; check < 2; check++)
        run(sizeof bytes, check, hand_over_all, take_over_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_a_queue),
        cmocka_unit_test(handed_over_and_freed_out_of_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
