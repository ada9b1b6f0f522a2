/* SPDX-License-Identifier: MIT */
/* Each misuse of a checking ring dies with its own line. */
#include "support/tarn_test.h"

#include <pthread.h>
#include <signal.h>

#include <tarn/ring.h>

#include "support/death.h"

static tarn_ring ring;
static char *first, *last;

static void start(void)
{
    tarn_ring_options o = {.name = "messages", .check = true, .capacity = 2000};
    if (tarn_ring_init(&ring, &o) != TARN_OK)
        return;
    first = tarn_ring_alloc(&ring, 100, 3);
    last = tarn_ring_alloc(&ring, 100, 6);
}

static void double_free(void *arg)
{
    (void)arg;
    start();
    tarn_ring_free(&ring, first, 100, 3);
    tarn_ring_free(&ring, first, 100, 3);
}

static void double_free_of_a_hole(void *arg)
{
    (void)arg;
    start();
    tarn_ring_free(&ring, last, 100, 6);
    tarn_ring_free(&ring, last, 100, 6);
}

static void free_after_reset(void *arg)
{
    (void)arg;
    start();
    tarn_ring_reset(&ring);
    tarn_ring_free(&ring, last, 100, 6);
}

static void free_after_cancel(void *arg)
{
    (void)arg;
    start();
    if (tarn_ring_cancel(&ring, last, 100, 6))
        tarn_ring_free(&ring, last, 100, 6);
}

static void cancel_after_free(void *arg)
{
    (void)arg;
    start();
    tarn_ring_free(&ring, last, 100, 6);
    (void)tarn_ring_cancel(&ring, last, 100, 6);
}

static void foreign_pointer(void *arg)
{
    static _Alignas(64) char elsewhere[64];
    (void)arg;
    start();
    tarn_ring_free(&ring, elsewhere, 64, 3);
}

static void interior_pointer(void *arg)
{
    (void)arg;
    start();
    tarn_ring_free(&ring, first + 16, 84, 3);
}

static void odd_pointer(void *arg)
{
    (void)arg;
    start();
    tarn_ring_free(&ring, last + 1, 99, 6);
}

static void wrong_size(void *arg)
{
    (void)arg;
    start();
    tarn_ring_free(&ring, last, 96, 6);
}

static void size_too_big(void *arg)
{
    (void)arg;
    start();
    tarn_ring_free(&ring, first, 113, 3);
}

static void resize_with_wrong_size(void *arg)
{
    (void)arg;
    start();
    last = tarn_ring_resize(&ring, last, 90, 200, 90, 6);
}

static void wrong_alignment(void *arg)
{
    (void)arg;
    start();
    tarn_ring_free(&ring, last, 100, 3);
}

static void small_alignment_taken_for_a_large_one(void *arg)
{
    (void)arg;
    start();
    tarn_ring_free(&ring, first, 100, 5);
}

static void underrun(void *arg)
{
    (void)arg;
    start();
    memset(first - 32, 1, 32);
    tarn_ring_free(&ring, first, 100, 3);
}

/* Over the end of its block, into the guard of the next. */
static void overrun_seen_at_reset(void *arg)
{
    (void)arg;
    start();
    memset(first, 1, 160);
    tarn_ring_reset(&ring);
}

static void use_after_deinit(void *arg)
{
    (void)arg;
    start();
    tarn_ring_deinit(&ring);
    first = tarn_ring_alloc(&ring, 8, 3);
}

static void free_after_deinit(void *arg)
{
    (void)arg;
    start();
    tarn_ring_deinit(&ring);
    tarn_ring_free(&ring, first, 100, 3);
}

static void *alloc_one(void *unused)
{
    first = tarn_ring_alloc(&ring, 8, 3);
    return unused;
}

static void *free_last(void *unused)
{
    tarn_ring_free(&ring, last, 100, 6);
    return unused;
}

static void in_a_thread(void *(*call)(void *))
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, call, NULL) == 0)
        (void)pthread_join(thread, NULL);
}

static void second_producer(void *arg)
{
    (void)arg;
    start();
    in_a_thread(alloc_one);
}

static void second_consumer(void *arg)
{
    (void)arg;
    start();
    tarn_ring_free(&ring, first, 100, 3);
    in_a_thread(free_last);
}

/* One of each is what a ring is for. */
static void right_use(void *arg)
{
    tarn_block b;
    (void)arg;
    start();
    in_a_thread(free_last);
    b = tarn_alloc_at_least(&ring.allocator, 13, 4);
    memset(b.ptr, 1, b.size);
    b.ptr = tarn_ring_resize(&ring, b.ptr, 13, 300, 13, 4 | TARN_IN_PLACE);
    if (tarn_ring_cancel(&ring, b.ptr, 304, 4))
        last = tarn_ring_alloc(&ring, 100, 6);
    tarn_share(&ring.allocator);
    tarn_ring_free(&ring, last, 112, 6);
    in_a_thread(alloc_one);
    tarn_ring_deinit(&ring);
}

#define SAYS(what) "tarn: " what ": ring 'messages'"

static const struct {
    void (*misuse)(void *);
    const char *line;
} CASES[] = {
    {double_free, SAYS("double free")},
    {double_free_of_a_hole, SAYS("double free")},
    {free_after_reset, SAYS("double free")},
    {free_after_cancel, SAYS("double free")},
    {cancel_after_free, SAYS("double free")},
    {foreign_pointer, SAYS("foreign pointer")},
    {interior_pointer, SAYS("interior pointer")},
    {odd_pointer, SAYS("interior pointer")},
    {wrong_size, SAYS("wrong size") ": given 96, expected 100"},
    {size_too_big, SAYS("wrong size") ": given 113, expected 100"},
    {resize_with_wrong_size, SAYS("wrong size") ": given 90, expected 100"},
    {wrong_alignment, SAYS("wrong alignment") ": given 8, expected 64"},
    {small_alignment_taken_for_a_large_one, SAYS("wrong alignment") ": given 32, expected 8"},
    {underrun, SAYS("corruption")},
    {overrun_seen_at_reset, SAYS("corruption")},
    {use_after_deinit, SAYS("use after deinit")},
    {free_after_deinit, SAYS("use after deinit")},
    {second_producer, SAYS("wrong thread")},
    {second_consumer, SAYS("wrong thread")},
};

static void each_dies_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_death(CASES[i].misuse, NULL, SIGABRT, CASES[i].line);
}

static void right_use_survives(void **state)
{
    (void)state;
    assert_survives(right_use, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_dies_with_its_line),
        cmocka_unit_test(right_use_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
