/* SPDX-License-Identifier: MIT */
/* Context keys: the same in every run, and folded when a program has more than there is room for. */
#define _GNU_SOURCE
#include "recorded.h"

#include "support/tarn_test.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST(c) ((c) ? (void)0 : _exit(70 + __LINE__ % 30))

static void *deep(void *depth_)
{
    size_t depth = (size_t)depth_;
    void *volatile block = malloc(100 + depth % 5);
    if (depth)
        deep((void *)(depth - 1));
    free(block);
    return NULL;
}

static void steady(void)
{
    pthread_t thread;
    deep((void *)40);
    for (int i = 0; i < 3; i++) {
        MUST(pthread_create(&thread, NULL, deep, (void *)20) == 0);
        pthread_join(thread, NULL);
    }
}

typedef struct key {
    uint64_t size, site;
    uint32_t offset;
    uint8_t kind;
} key;

static int order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(key));
}

static size_t keys_of(key *keys, size_t room)
{
    recorded r = record_part("steady");
    size_t count = 0;
    assert_int_equal(r.status, 0);
    memset(keys, 0, room * sizeof *keys);
    for (uint32_t i = 0; i < tarn_trace_get_counts(r.traces[0])->contexts && count < room; i++) {
        const tarn_trace_context *c = tarn_trace_get_context(r.traces[0], i);
        if (c->size < 100 || c->size > 104)
            continue;
        keys[count].size = c->size;
        keys[count].site = c->frames[0].offset;
        keys[count].offset = c->stack_offset;
        keys[count].kind = c->kind;
        assert_true(c->unwound);
        assert_true(c->frame_count > 2);
        count++;
    }
    record_done(&r);
    qsort(keys, count, sizeof *keys, order);
    return count;
}

/* Address randomisation moves everything; keys stay. */
static void the_same_in_every_run(void **state)
{
    (void)state;
    static key first[1000], second[1000];
    size_t count = keys_of(first, 1000);
    assert_int_equal(
        count, 41 + 21); /* main thread and the others: each depth once, however many threads */
    assert_int_equal(keys_of(second, 1000), count);
    assert_memory_equal(first, second, count * sizeof(key));
}

#define SIZES 1100000u

static void countless(void)
{
    for (size_t size = 1; size <= SIZES; size++)
        free(malloc(size));
    free(malloc(SIZES - 1)); /* a folded one again */
}

static void more_than_there_is_room_for(void **state)
{
    (void)state;
    recorded r = record_part("countless");
    tarn_event e;
    assert_int_equal(r.status, 0);
    assert_int_equal(r.states[0], TARN_TRACE_COMPLETE);
    assert_true(allocs_of(r.traces[0], 5, &e) >= 1);
    assert_int_equal(allocs_of(r.traces[0], SIZES - 1, &e), 2); /* the event tells the size */
    const tarn_trace_context *c = tarn_trace_get_context(r.traces[0], e.context);
    assert_true(c && c->any_size);
    assert_int_equal(allocs_of(r.traces[0], SIZES, &e), 1);
    assert_int_equal(tarn_trace_get_counts(r.traces[0])->foreign_frees, 0);
    record_done(&r);
}

int main(int argc, char **argv)
{
    static const part parts[] = {{"steady", steady}, {"countless", countless}};
    recorded_parts(parts, sizeof parts / sizeof parts[0], argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_in_every_run),
        cmocka_unit_test(more_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
