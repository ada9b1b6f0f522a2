/* SPDX-License-Identifier: MIT */
/*
 * replay_run.c - lanes: how they start, wait for each other, and end.
 *
 * Lane 0 runs on the caller's thread, every other on one of its own, started where the recorded program's thread sent
 * its first event, after those that had ended by then are joined: so as many threads (and their caches, and their
 * stacks) exist at once as in the program.
 *
 * R1  A lane waits only for operations and ends that come earlier in the trace; so no two wait for each other.
 * R2  The time a lane waits, starts or joins is not its own: it is measured apart (away_ns).
 */
#include "cmd/replay_run.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static uint64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* Zeroed memory, touched now, so that it belongs to the baseline. */
static void *prefault(size_t bytes)
{
    void *p = mmap(NULL, bytes != 0 ? bytes : 1, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

bool replay_run_prepare(replay_run *run, const void *program, const replay_heap_kind *kind)
{
    const replay_header *h = program;
    memset(run, 0, sizeof *run);
    run->program = h;
    run->there = run->most_there = 1;
    run->base = program;
    run->kind = kind;
    pthread_mutex_init(&run->lock, NULL);
    run->slots = prefault(h->slots * sizeof *run->slots);
    run->ready = prefault(h->crossings != 0 ? h->slots * sizeof *run->ready : 1);
    run->ids = prefault(h->verify != 0 ? h->slots * sizeof *run->ids : 1);
    run->lanes = prefault(h->threads * sizeof *run->lanes);
    run->threads = prefault(h->threads * sizeof *run->threads);
    run->started = prefault(h->threads * sizeof *run->started);
    if (run->slots == NULL || run->ready == NULL || run->ids == NULL || run->lanes == NULL ||
        run->threads == NULL || run->started == NULL) {
        snprintf(run->message, sizeof run->message, "no memory for %u slots and %u threads",
                 h->slots, h->threads);
        run->failed = true;
        return false;
    }
    return true;
}

uint64_t replay_run_place(const replay_run *run, const replay_op *op)
{
    const replay_header *h = run->program;
    if (h->places_at == 0)
        return UINT64_MAX;
    const replay_op *ops = (const replay_op *)(const void *)(run->base + h->ops_at);
    const uint64_t *places = (const uint64_t *)(const void *)(run->base + h->places_at);
    return places[op - ops];
}

/* ── Failure ────────────────────────────────────────────────────────────────────────────────────────────────────── */

static void fail(replay_run *run, uint64_t place, const char *message)
{
    pthread_mutex_lock(&run->lock);
    if (!run->failed) {
        run->failed = true;
        run->fail_place = place;
        snprintf(run->message, sizeof run->message, "%s", message);
    }
    pthread_mutex_unlock(&run->lock);
    atomic_store(&run->stop, true);
}

void replay_lane_fail(replay_lane *lane, const replay_op *op, const char *format, ...)
{
    char text[sizeof lane->run->message];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fail(lane->run, replay_run_place(lane->run, op), text);
}

void replay_lane_refused(replay_lane *lane, const replay_op *op)
{
    replay_lane_fail(lane, op, "refused %llu bytes", (unsigned long long)op->size);
}

/* ── Lanes ──────────────────────────────────────────────────────────────────────────────────────────────────────── */

bool replay_lane_wait(replay_lane *lane, const replay_op *op)
{
    _Atomic uint16_t *ready = &lane->ready[op->slot];
    if (atomic_load_explicit(ready, memory_order_acquire) != op->turn) { /* L1 */
        uint64_t start = now(CLOCK_THREAD_CPUTIME_ID);
        for (unsigned tries = 0; atomic_load_explicit(ready, memory_order_acquire) != op->turn;
             tries++) {
            if (atomic_load_explicit(&lane->run->stop, memory_order_relaxed))
                return false;
            if (tries < 64)
                sched_yield();
            else
                nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
        }
        lane->away_ns += now(CLOCK_THREAD_CPUTIME_ID) - start;
    }
    return true;
}

static void *lane_main(void *argument)
{
    replay_lane *lane = argument;
    replay_run *run = lane->run;
    uint64_t start = now(CLOCK_THREAD_CPUTIME_ID);
    if (run->program->verify != 0 && run->kind->verifies)
        replay_lane_verify(lane, run->kind->calls);
    else
        run->kind->loop(lane);
    lane->cpu_ns = now(CLOCK_THREAD_CPUTIME_ID) - start;
    return NULL;
}

static bool open_lane(replay_run *run, uint32_t thread, replay_heap *shared)
{
    const replay_header *h = run->program;
    const replay_thread *t =
        (const replay_thread *)(const void *)(run->base + h->threads_at) + thread;
    const replay_op *ops = (const replay_op *)(const void *)(run->base + h->ops_at);
    replay_lane *lane = &run->lanes[thread];
    *lane = (replay_lane){.run = run,
                          .heap = shared,
                          .slots = run->slots,
                          .ready = run->ready,
                          .first = ops + t->first,
                          .end = ops + t->first + t->count,
                          .touch = h->touch,
                          .thread = thread};
    if (run->kind->open_lane == NULL)
        return true;
    char why[160] = "";
    lane->heap = run->kind->open_lane(h, why);
    if (lane->heap == NULL)
        fail(run, UINT64_MAX, why);
    return lane->heap != NULL;
}

/* The next thread that had ended in the program before thread `next` began and is not joined yet; 0 = none. */
static uint32_t claim_ended(replay_run *run, uint32_t next)
{
    const replay_header *h = run->program;
    const uint32_t *ends = (const uint32_t *)(const void *)(run->base + h->ends_at);
    const replay_thread *threads = (const replay_thread *)(const void *)(run->base + h->threads_at);
    uint32_t found = 0;
    pthread_mutex_lock(&run->lock);
    while (found == 0 && run->joined < threads[next].ended_before) {
        uint32_t thread = ends[run->joined++];
        if (run->started[thread])
            found = thread;
    }
    if (found != 0) {
        run->started[found] = false;
        run->there--;
    }
    pthread_mutex_unlock(&run->lock);
    return found;
}

bool replay_lane_start(replay_lane *lane, const replay_op *op)
{
    replay_run *run = lane->run;
    uint64_t start = now(CLOCK_THREAD_CPUTIME_ID);
    for (uint32_t t; (t = claim_ended(run, op->slot)) != 0;)
        pthread_join(run->threads[t], NULL); /* without the lock: other lanes must go on (R1) */
    bool good = open_lane(run, op->slot, run->lanes[0].heap);
    if (good) {
        good = pthread_create(&run->threads[op->slot], NULL, lane_main, &run->lanes[op->slot]) == 0;
        if (!good)
            replay_lane_fail(lane, op, "cannot start thread %u", op->slot);
        pthread_mutex_lock(&run->lock);
        run->started[op->slot] = good;
        run->there += good;
        if (run->there > run->most_there)
            run->most_there = run->there;
        pthread_mutex_unlock(&run->lock);
    }
    lane->away_ns += now(CLOCK_THREAD_CPUTIME_ID) - start;
    return good;
}

/* Lanes may start lanes until they end, so look again after every join. */
static void join_all(replay_run *run)
{
    for (bool again = true; again;) {
        again = false;
        for (uint32_t t = 1; t < run->program->threads; t++) {
            pthread_mutex_lock(&run->lock);
            bool mine = run->started[t];
            run->started[t] = false;
            pthread_mutex_unlock(&run->lock);
            if (mine) {
                pthread_join(run->threads[t], NULL);
                again = true;
            }
        }
    }
}

bool replay_run_go(replay_run *run)
{
    char why[160] = "";
    uint64_t start = now(CLOCK_MONOTONIC);
    replay_heap *heap = NULL;
    if (run->kind->open != NULL) {
        heap = run->kind->open(run->program, why);
        if (heap == NULL) {
            fail(run, UINT64_MAX, why);
            return false;
        }
    }
    if (open_lane(run, 0, heap)) {
        lane_main(&run->lanes[0]);
        join_all(run);
        if (run->program->verify != 0 && run->kind->verifies && !run->failed)
            replay_lane_verify_rest(&run->lanes[0]);
    }
    run->wall_ns = now(CLOCK_MONOTONIC) - start;
    for (uint32_t t = 0; t < run->program->threads; t++)
        run->cpu_ns += run->lanes[t].cpu_ns - run->lanes[t].away_ns;
    return !run->failed;
}
