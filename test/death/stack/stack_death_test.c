/* SPDX-License-Identifier: MIT */
/* Each misuse of a checking stack dies with its own line, at either end. */
#include "support/tarn_test.h"

#include <pthread.h>
#include <signal.h>

#include <tarn/stack.h>

#include "support/death.h"

static tarn_stack stack;
static tarn_allocator *a;
static tarn_stack_side side, other;
static char *first, *last;

/* Two blocks of 100 bytes at the end that *arg names. */
static void start(const void *arg)
{
    tarn_stack_options o = {.name = "frames", .check = true};
    side = *(const tarn_stack_side *)arg;
    other = side == TARN_STACK_LOW ? TARN_STACK_HIGH : TARN_STACK_LOW;
    if (tarn_stack_init(&stack, &o) != TARN_OK)
        return;
    a = tarn_stack_allocator(&stack, side);
    first = tarn_alloc(a, 100, 3);
    last = tarn_alloc(a, 100, 3);
}

static void out_of_order(void *arg)
{
    start(arg);
    tarn_free(a, first, 100, 3);
}

static void shrunk_out_of_order(void *arg)
{
    start(arg);
    first = tarn_resize(a, first, 100, 10, 10, 3);
}

static void grown_out_of_order(void *arg)
{
    start(arg);
    first = tarn_resize(a, first, 100, 1000, 100, 3);
}

static void double_free(void *arg)
{
    start(arg);
    tarn_free(a, last, 100, 3);
    tarn_free(a, last, 100, 3);
}

static void free_after_rewind(void *arg)
{
    start(arg);
    (void)tarn_reset(a);
    tarn_free(a, first, 100, 3);
}

static void foreign_pointer(void *arg)
{
    static _Alignas(16) char elsewhere[64];
    start(arg);
    tarn_free(a, elsewhere + 32, 32, 3);
}

static void block_of_the_other_end(void *arg)
{
    start(arg);
    tarn_free(tarn_stack_allocator(&stack, other), last, 100, 3);
}

static void interior_pointer(void *arg)
{
    start(arg);
    tarn_free(a, last + 16, 84, 3);
}

static void odd_pointer(void *arg)
{
    start(arg);
    tarn_free(a, last + 1, 99, 3);
}

static void wrong_size(void *arg)
{
    start(arg);
    tarn_free(a, last, 96, 3);
}

static void size_too_big(void *arg)
{
    start(arg);
    tarn_free(a, last, 113, 3);
}

static void resize_with_wrong_size(void *arg)
{
    start(arg);
    last = tarn_resize(a, last, 90, 200, 90, 3);
}

static void wrong_alignment(void *arg)
{
    start(arg);
    tarn_free(a, last, 100, 5);
}

static void underrun(void *arg)
{
    start(arg);
    memset(last - 48, 1, 48);
    tarn_free(a, last, 100, 3);
}

/* Over the end of its block, into the guard of the next. */
static void overrun_seen_at_reset(void *arg)
{
    start(arg);
    memset(side == TARN_STACK_LOW ? first : last, 1, 160);
    (void)tarn_reset(a);
}

static void mark_of_the_other_end(void *arg)
{
    start(arg);
    (void)tarn_rewind(a, tarn_stack_mark(&stack, other));
}

static void rewound_past(void *arg)
{
    tarn_mark early, late;
    start(arg);
    early = tarn_get_mark(a);
    first = tarn_alloc(a, 8, 3);
    late = tarn_get_mark(a);
    (void)tarn_rewind(a, early);
    (void)tarn_rewind(a, late);
}

/* The same, and another block covers the place meanwhile. */
static void rewound_past_and_covered(void *arg)
{
    tarn_mark early, late;
    start(arg);
    early = tarn_get_mark(a);
    first = tarn_alloc(a, 8, 3);
    late = tarn_get_mark(a);
    (void)tarn_rewind(a, early);
    first = tarn_alloc(a, 5000, 3);
    (void)tarn_rewind(a, late);
}

static void no_mark_at_all(void *arg)
{
    tarn_mark nothing = {{NULL, NULL}};
    start(arg);
    (void)tarn_rewind(a, nothing);
}

static void use_after_deinit(void *arg)
{
    start(arg);
    tarn_stack_deinit(&stack);
    first = tarn_alloc(a, 8, 3);
}

static void free_after_deinit(void *arg)
{
    start(arg);
    tarn_stack_deinit(&stack);
    tarn_free(a, last, 100, 3);
}

static void *free_it(void *unused)
{
    tarn_free(a, last, 100, 3);
    return unused;
}

static void in_a_thread(void *(*call)(void *))
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, call, NULL) == 0)
        (void)pthread_join(thread, NULL);
}

static void wrong_thread(void *arg)
{
    start(arg);
    in_a_thread(free_it);
}

static void right_use(void *arg)
{
    tarn_block b;
    start(arg);
    tarn_free(a, last, 112, 3);
    b = tarn_alloc_at_least(a, 13, 4);
    memset(b.ptr, 1, b.size);
    tarn_free(a, b.ptr, 14, 4);
    last = tarn_resize(a, first, 100, 100, 100, 3);
    last = tarn_resize(a, last, 100, 1000, 100, 3);
    tarn_share(a);
    a->ops->free(a, last, 1000, 3);
    last = tarn_alloc(a, 100, 3);
    in_a_thread(free_it);
    tarn_stack_deinit(&stack);
}

#define SAYS(what) "tarn: " what ": stack 'frames'"

static const struct {
    void (*misuse)(void *);
    const char *line;
} CASES[] = {
    {out_of_order, SAYS("out of order")},
    {shrunk_out_of_order, SAYS("out of order")},
    {grown_out_of_order, SAYS("out of order")},
    {double_free, SAYS("double free")},
    {free_after_rewind, SAYS("double free")},
    {foreign_pointer, SAYS("foreign pointer")},
    {block_of_the_other_end, SAYS("foreign pointer")},
    {interior_pointer, SAYS("interior pointer")},
    {odd_pointer, SAYS("interior pointer")},
    {wrong_size, SAYS("wrong size") ": given 96, expected 100"},
    {size_too_big, SAYS("wrong size") ": given 113, expected 100"},
    {resize_with_wrong_size, SAYS("wrong size") ": given 90, expected 100"},
    {wrong_alignment, SAYS("wrong alignment") ": given 32, expected 8"},
    {underrun, SAYS("corruption")},
    {overrun_seen_at_reset, SAYS("corruption")},
    {mark_of_the_other_end, SAYS("bad rewind")},
    {rewound_past, SAYS("bad rewind")},
    {rewound_past_and_covered, SAYS("bad rewind")},
    {no_mark_at_all, SAYS("bad rewind")},
    {use_after_deinit, SAYS("use after deinit")},
    {free_after_deinit, SAYS("use after deinit")},
    {wrong_thread, SAYS("wrong thread")},
};

static void each_dies_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        tarn_stack_side low = TARN_STACK_LOW, high = TARN_STACK_HIGH;
        assert_death(CASES[i].misuse, &low, SIGABRT, CASES[i].line);
        assert_death(CASES[i].misuse, &high, SIGABRT, CASES[i].line);
    }
}

static void right_use_survives(void **state)
{
    tarn_stack_side low = TARN_STACK_LOW, high = TARN_STACK_HIGH;
    (void)state;
    assert_survives(right_use, &low);
    assert_survives(right_use, &high);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_dies_with_its_line),
        cmocka_unit_test(right_use_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
