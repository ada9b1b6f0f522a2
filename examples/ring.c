/* SPDX-License-Identifier: MIT */
/* A ring between two threads, without a lock: one writes messages of any length, the other reads and frees them. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <tarn/ring.h>

struct message {
    size_t size; /* of the block: what the ring does not keep */
    char text[];
};

enum { MESSAGES = 10000 };

static void *produce(void *user)
{
    tarn_ring *ring = user;
    for (int i = 0; i < MESSAGES; i++) {
        size_t most = sizeof(struct message) + 64;
        struct message *m;
        while ((m = tarn_ring_alloc(ring, most, TARN_SPEC_OF(struct message))) == NULL)
            sched_yield(); /* full: the reader is behind */
        int length = snprintf(m->text, 64, "%*d", i % 50, i);
        /* What was too much goes back, in place, before anybody has seen the message. */
        m->size = sizeof *m + (size_t)length + 1;
        if (tarn_ring_resize(ring, m, most, m->size, m->size,
                             TARN_SPEC_OF(struct message) | TARN_IN_PLACE) == NULL)
            m->size = most;
        tarn_ring_send(ring);
    }
    return NULL;
}

int main(void)
{
    static char bytes[3000];
    tarn_ring ring;
    pthread_t writer;
    tarn_ring_options options = {.name = "log", .buffer = bytes, .buffer_size = sizeof bytes};
    if (tarn_ring_init(&ring, &options) != TARN_OK ||
        pthread_create(&writer, NULL, produce, &ring) != 0)
        return 1;
    size_t length = 0;
    for (int i = 0; i < MESSAGES; i++) {
        struct message *m;
        while ((m = tarn_ring_oldest(&ring)) == NULL)
            sched_yield();
        length += strlen(m->text);
        tarn_ring_free(&ring, m, m->size, TARN_SPEC_OF(struct message));
    }
    pthread_join(writer, NULL);
    printf("%d messages, %zu characters, through %zu bytes\n", MESSAGES, length,
           tarn_ring_capacity(&ring));
    tarn_ring_deinit(&ring);
    return length != 0 ? 0 : 1;
}
