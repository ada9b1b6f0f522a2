/* SPDX-License-Identifier: MIT */
/* program_test.c - events to operations: slots, order between threads, what makes no sense. */
#include "cmd/replay_builder.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/tarn_test.h"

typedef struct mapped {
    const replay_header *h;
    const replay_thread *threads;
    const uint32_t *ends;
    const replay_op *ops;
    const uint64_t *places;
} mapped;

static uint64_t seq;

static void add(replay_builder *b, unsigned kind, uint32_t thread, uint32_t object, uint64_t size)
{
    tarn_event e = {
        .seq = seq++, .kind = (uint8_t)kind, .thread = thread, .object = object, .size = size};
    assert_true(replay_builder_add(b, &e));
}

static replay_builder *begin(bool one_thread)
{
    seq = 0;
    replay_builder *b = replay_builder_new(one_thread, true);
    assert_non_null(b);
    return b;
}

static mapped finish(replay_builder *b)
{
    int fd = replay_builder_finish(b);
    assert_true(fd >= 0);
    const char *p = mmap(NULL, replay_builder_header(b)->bytes, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(p != MAP_FAILED);
    close(fd);
    const replay_header *h = (const replay_header *)(const void *)p;
    assert_true(h->magic == REPLAY_MAGIC);
    return (mapped){h, (const replay_thread *)(const void *)(p + h->threads_at),
                    (const uint32_t *)(const void *)(p + h->ends_at),
                    (const replay_op *)(const void *)(p + h->ops_at),
                    (const uint64_t *)(const void *)(p + h->places_at)};
}

static void release(replay_builder *b, mapped m)
{
    munmap((void *)(uintptr_t)m.h, m.h->bytes);
    replay_builder_free(b);
}

static void one_thread_needs_no_order(void **state)
{
    (void)state;
    replay_builder *b = begin(false);
    add(b, TARN_EVENT_ALLOC, 0, 0, 24);
    add(b, TARN_EVENT_ALLOC, 0, 1, 100);
    add(b, TARN_EVENT_REALLOC, 0, 1, 50);
    add(b, TARN_EVENT_FREE, 0, 0, 24);
    add(b, TARN_EVENT_ALLOC, 0, 7, 8);
    mapped m = finish(b);
    assert_int_equal(m.h->operations, 5);
    assert_int_equal(m.threads[0].count, 6); /* REALLOC has two halves */
    assert_int_equal(m.h->peak_live, 124);
    assert_int_equal(m.h->slots, 2);
    assert_int_equal(m.h->crossings, 0);
    assert_int_equal(m.ops[2].size, 50);
    assert_int_equal(m.ops[3].kind, REPLAY_OLD_SIZE);
    assert_int_equal(m.ops[3].size, 100);
    assert_int_equal(m.ops[5].slot, m.ops[0].slot); /* the freed slot is taken again */
    assert_int_equal(m.places[5], 4);
    release(b, m);
}

static void a_free_by_another_thread_waits(void **state)
{
    (void)state;
    replay_builder *b = begin(false);
    add(b, TARN_EVENT_ALLOC, 0, 0, 24);
    add(b, TARN_EVENT_THREAD_START, 1, 0, 0);
    add(b, TARN_EVENT_FREE, 1, 0, 24);
    add(b, TARN_EVENT_THREAD_END, 1, 0, 0);
    add(b, TARN_EVENT_ALLOC, 0, 0, 24); /* the same object number: another slot, no wait */
    mapped m = finish(b);
    assert_int_equal(m.h->threads, 2);
    assert_int_equal(m.h->crossings, 1);
    assert_int_equal(m.ops[0].flags, REPLAY_SIGNAL);
    assert_int_equal(m.ops[1].kind, REPLAY_START);
    assert_int_equal(m.ops[1].slot, 1);
    assert_int_equal(m.ops[2].flags, 0);
    const replay_op *theirs = &m.ops[m.threads[1].first];
    assert_int_equal(theirs->kind, REPLAY_FREE);
    assert_int_equal(theirs->flags, REPLAY_WAIT);
    assert_int_equal(theirs->turn, 1);
    assert_int_equal(m.h->ends, 1);
    assert_int_equal(m.ends[0], 1);
    release(b, m);
}

static void nonsense_is_left_out_and_counted(void **state)
{
    (void)state;
    replay_builder *b = begin(false);
    add(b, TARN_EVENT_FREE, 0, 3, 24);
    add(b, TARN_EVENT_ALLOC, 0, 0, 24);
    add(b, TARN_EVENT_ALLOC, 0, 0, 24);
    add(b, TARN_EVENT_REALLOC, 0, 9, 24);
    add(b, TARN_EVENT_ALLOC, 0, 1, UINT64_MAX);
    assert_int_equal(replay_builder_dropped(b), 4);
    mapped m = finish(b);
    assert_int_equal(m.h->operations, 1);
    release(b, m);
}

static void pools_are_written_into_operations(void **state)
{
    (void)state;
    replay_builder *b = begin(false);
    add(b, TARN_EVENT_ALLOC, 0, 0, 24);
    add(b, TARN_EVENT_ALLOC, 0, 1, 25);
    tarn_event aligned = {
        .seq = 2, .kind = TARN_EVENT_ALIGNED, .object = 2, .size = 24, .align_log2 = 6};
    assert_true(replay_builder_add(b, &aligned));
    replay_header *h = replay_builder_header(b);
    h->pools = 1;
    h->pool[0] = (replay_pool){.low = 20, .high = 24, .block = 24, .align = 8};
    mapped m = finish(b);
    assert_int_equal(m.ops[0].pool, 1);
    assert_int_equal(m.ops[1].pool, 0);
    assert_int_equal(m.ops[2].pool, 0); /* its alignment is more than the pool's */
    release(b, m);
}

/* Run the streams in a random order that respects WAIT, START and ends: P1 must hold, and none may be stuck. */
static void run_at_random(const mapped *m, uint32_t *seed)
{
    size_t threads = m->h->threads, left = 0;
    uint64_t *at = calloc(threads, sizeof *at);
    bool *begun = calloc(threads, sizeof *begun);
    bool *live = calloc(m->h->slots, sizeof *live);
    uint16_t *ready = calloc(m->h->slots, sizeof *ready);
    begun[0] = true;
    for (size_t t = 0; t < threads; t++)
        left += m->threads[t].count;
    for (unsigned tries = 0; left > 0; tries++) {
        assert_true(tries < 4000000); /* stuck */
        *seed = *seed * 1664525u + 1013904223u;
        size_t t = (*seed >> 8) % threads;
        if (!begun[t] || at[t] == m->threads[t].count)
            continue;
        const replay_op *op = &m->ops[m->threads[t].first + at[t]];
        if ((op->flags & REPLAY_WAIT) != 0 && ready[op->slot] != op->turn)
            continue;
        if (op->kind == REPLAY_START) {
            bool early = false;
            for (uint32_t e = 0; e < m->threads[op->slot].ended_before; e++)
                early = early || at[m->ends[e]] != m->threads[m->ends[e]].count;
            if (early)
                continue;
            begun[op->slot] = true;
        } else if (op->kind <= REPLAY_ALIGNED) {
            assert_false(live[op->slot]);
            live[op->slot] = true;
        } else {
            assert_true(live[op->slot]);
            live[op->slot] = op->kind != REPLAY_FREE;
        }
        if ((op->flags & REPLAY_SIGNAL) != 0)
            ready[op->slot] = (uint16_t)(op->turn + 1);
        unsigned halves = op->kind == REPLAY_REALLOC ? 2 : 1; /* P3 */
        at[t] += halves;
        left -= halves;
    }
    free(at);
    free(begun);
    free(live);
    free(ready);
}

/* Many threads that come and go, blocks that change hands. */
static void any_order_the_flags_allow_is_legal(void **state)
{
    (void)state;
    uint32_t seed = 5;
    for (int round = 0; round < 20; round++) {
        replay_builder *b = begin(false);
        bool live[50] = {false};
        uint32_t first = 0, last = 1; /* threads first to last are there, and 0 */
        for (int i = 0; i < 3000; i++) {
            seed = seed * 1664525u + 1013904223u;
            uint32_t object = (seed >> 8) % 50;
            uint32_t thread = (seed >> 16) % 3 == 0 ? 0 : first + (seed >> 18) % (last - first);
            if (i % 100 == 99) {
                add(b, TARN_EVENT_THREAD_START, last++, 0, 0);
                if (i % 300 == 299 && first != 0)
                    add(b, TARN_EVENT_THREAD_END, first, 0, 0);
                first += i % 300 == 299;
            } else if (!live[object]) {
                add(b, TARN_EVENT_ALLOC, thread, object, 16);
                live[object] = true;
            } else if (seed >> 30 == 0) {
                add(b, TARN_EVENT_REALLOC, thread, object, 32);
            } else {
                add(b, TARN_EVENT_FREE, thread, object, 16);
                live[object] = false;
            }
        }
        assert_int_equal(replay_builder_dropped(b), 0);
        mapped m = finish(b);
        assert_true(m.h->crossings > 100);
        for (int order = 0; order < 5; order++)
            run_at_random(&m, &seed);
        release(b, m);
    }
}

static void one_thread_folds_all(void **state)
{
    (void)state;
    replay_builder *b = begin(true);
    add(b, TARN_EVENT_ALLOC, 0, 0, 24);
    add(b, TARN_EVENT_THREAD_START, 1, 0, 0);
    add(b, TARN_EVENT_FREE, 1, 0, 24);
    add(b, TARN_EVENT_THREAD_END, 1, 0, 0);
    mapped m = finish(b);
    assert_int_equal(m.h->threads, 1);
    assert_int_equal(m.h->crossings, 0);
    assert_int_equal(m.threads[0].count, 2);
    release(b, m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_needs_no_order),
        cmocka_unit_test(a_free_by_another_thread_waits),
        cmocka_unit_test(nonsense_is_left_out_and_counted),
        cmocka_unit_test(pools_are_written_into_operations),
        cmocka_unit_test(any_order_the_flags_allow_is_legal),
        cmocka_unit_test(one_thread_folds_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
