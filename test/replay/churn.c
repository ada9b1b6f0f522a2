/* SPDX-License-Identifier: MIT */
/*
 * churn.c - a program to record: every call of the malloc family, in a seeded order.
 *
 *     churn single    100,000 steps over 3,000 blocks
 *     churn threads   as many by four threads that free each other's blocks, then eight short-lived ones in a row
 *     churn killed    as single, then killed by a signal
 *     churn hold      64 blocks of 256 KiB and 20,000 of 200 B, all live at the end
 */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCKS = 3000, STEPS = 100000, THREADS = 4 };

static void *blocks[BLOCKS];
static pthread_mutex_t locks[BLOCKS];

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static size_t size_of(uint32_t *state)
{
    static const size_t hot[] = {24, 24, 24, 24, 40, 40, 64, 8, 13, 100};
    uint32_t r = next(state);
    if (r % 1000 == 0)
        return 200000 + r % 9000;
    return r % 4 == 0 ? 1 + next(state) % 900 : hot[next(state) % 10];
}

static void *take(uint32_t *state)
{
    void *p = NULL;
    size_t size = size_of(state);
    switch (next(state) % 8) {
    case 0:
        return calloc(1, size);
    case 1:
        return posix_memalign(&p, (size_t)8 << next(state) % 8, size) == 0 ? p : NULL;
    default:
        return malloc(size);
    }
}

static void step(uint32_t *state)
{
    uint32_t n = next(state) % BLOCKS;
    pthread_mutex_lock(&locks[n]);
    if (blocks[n] == NULL) {
        blocks[n] = take(state);
    } else if (next(state) % 6 == 0) {
        void *p = realloc(blocks[n], size_of(state));
        blocks[n] = p != NULL ? p : blocks[n];
        if (malloc_usable_size(blocks[n]) == 0)
            abort();
    } else {
        free(blocks[n]);
        blocks[n] = NULL;
    }
    pthread_mutex_unlock(&locks[n]);
}

static void *churn(void *seed)
{
    uint32_t state = (uint32_t)(uintptr_t)seed;
    int steps = state == 7 ? STEPS : STEPS / THREADS;
    for (int i = 0; i < steps; i++)
        step(&state);
    return NULL;
}

static void *visit(void *seed)
{
    uint32_t state = (uint32_t)(uintptr_t)seed;
    for (int i = 0; i < 500; i++)
        step(&state);
    return NULL;
}

static void thread_row(void)
{
    pthread_t threads[THREADS];
    for (uintptr_t t = 0; t < THREADS; t++)
        pthread_create(&threads[t], NULL, churn, (void *)(t + 1)); /* NOLINT */
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    for (uintptr_t t = 0; t < 8; t++) {
        pthread_create(&threads[0], NULL, visit, (void *)(t + 100)); /* NOLINT */
        pthread_join(threads[0], NULL);
    }
}

static void hold(void)
{
    static void *kept[20064];
    for (size_t i = 0; i < 20064; i++) {
        size_t size = i < 64 ? (size_t)256 << 10 : 200;
        kept[i] = malloc(size);
        if (kept[i] == NULL)
            abort();
        memset(kept[i], 1, size);
    }
}

int main(int argc, char **argv)
{
    for (int i = 0; i < BLOCKS; i++)
        pthread_mutex_init(&locks[i], NULL);
    if (argc == 2 && strcmp(argv[1], "single") == 0)
        churn((void *)7); /* NOLINT */
    else if (argc == 2 && strcmp(argv[1], "threads") == 0)
        thread_row();
    else if (argc == 2 && strcmp(argv[1], "hold") == 0)
        hold();
    else if (argc == 2 && strcmp(argv[1], "killed") == 0)
        churn((void *)7), kill(getpid(), SIGKILL); /* NOLINT */
    else
        return fputs("churn: single, threads, hold or killed\n", stderr), 2;
    return 0;
}
