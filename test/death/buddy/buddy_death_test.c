/* SPDX-License-Identifier: MIT */
/* buddy_death_test.c - each misuse of a buddy allocator dies with its own line; most of them in every build. */
#include <pthread.h>
#include <signal.h>

#include <tarn/buddy.h>

#include "support/death.h"
#include "support/tarn_test.h"

/* How the allocator of a test is made. */
typedef struct mode {
    bool check;
    size_t lazy;
    bool outside;
} mode;

static tarn_buddy buddy;
static char *block;

static void start(const void *user)
{
    const mode *m = user;
    tarn_buddy_options o = {.size = 1 << 16,
                            .name = "runs",
                            .check = m->check,
                            .lazy = m->lazy,
                            .metadata = m->outside ? tarn_libc() : NULL};
    if (tarn_buddy_init(&buddy, &o) == TARN_OK)
        block = tarn_buddy_alloc(&buddy, 100, 0);
}

static void double_free(void *m)
{
    start(m);
    tarn_buddy_free(&buddy, block, 100, 0);
    tarn_buddy_free(&buddy, block, 100, 0);
}

static void double_free_of_an_upper_half(void *m)
{
    start(m);
    char *second = tarn_buddy_alloc(&buddy, 100, 0);
    char *upper = second > block ? second : block, *lower = second > block ? block : second;
    tarn_buddy_free(&buddy, upper, 100, 0);
    tarn_buddy_free(&buddy, lower, 100, 0);
    tarn_buddy_free(&buddy, upper, 100, 0);
}

static void foreign_pointer(void *m)
{
    static _Alignas(64) char elsewhere[64];
    start(m);
    tarn_buddy_free(&buddy, elsewhere, 64, 0);
}

static void interior_pointer(void *m)
{
    start(m);
    tarn_buddy_free(&buddy, block + 64, 0, 0);
}

static void odd_pointer(void *m)
{
    start(m);
    tarn_buddy_free(&buddy, block + 1, 0, 0);
}

static void resize_of_a_freed_block(void *m)
{
    start(m);
    tarn_buddy_free(&buddy, block, 100, 0);
    (void)!tarn_resize(tarn_buddy_allocator(&buddy), block, 100, 200, 100, 0);
}

static void wrong_size(void *m)
{
    start(m);
    tarn_buddy_free(&buddy, block, 129, 0);
}

static void size_of_a_smaller_block(void *m)
{
    start(m);
    tarn_buddy_free(&buddy, block, 64, 0);
}

static void wrong_alignment(void *m)
{
    start(m);
    tarn_buddy_free(&buddy, block, 100, TARN_SPEC(256));
}

static void resize_of_a_wrong_size(void *m)
{
    start(m);
    (void)!tarn_resize(tarn_buddy_allocator(&buddy), block, 300, 200, 100, 0);
}

static void *free_it(void *unused)
{
    tarn_buddy_free(&buddy, block, 100, 0);
    return unused;
}

static void *rare_calls(void *which)
{
    tarn_allocator *a = tarn_buddy_allocator(&buddy);
    if (*(const char *)which == 'r')
        (void)tarn_reset(a);
    else if (*(const char *)which == 't')
        (void)tarn_trim(a);
    else
        (void)tarn_visit(a, NULL, NULL);
    return NULL;
}

static void rare_call_elsewhere(void *m, char which)
{
    pthread_t other;
    start(m);
    if (pthread_create(&other, NULL, rare_calls, &which) == 0)
        (void)pthread_join(other, NULL);
}

static void reset_elsewhere(void *m)
{
    rare_call_elsewhere(m, 'r');
}

static void trim_elsewhere(void *m)
{
    rare_call_elsewhere(m, 't');
}

static void visit_elsewhere(void *m)
{
    rare_call_elsewhere(m, 'v');
}

static void wrong_thread(void *m)
{
    pthread_t other;
    start(m);
    if (pthread_create(&other, NULL, free_it, NULL) == 0)
        (void)pthread_join(other, NULL);
}

static void shared(void *m)
{
    pthread_t other;
    start(m);
    tarn_share(tarn_buddy_allocator(&buddy));
    if (pthread_create(&other, NULL, free_it, NULL) == 0)
        (void)pthread_join(other, NULL);
}

static void alloc_after_deinit(void *m)
{
    start(m);
    tarn_buddy_deinit(&buddy);
    (void)!tarn_buddy_alloc(&buddy, 64, 0);
}

static void free_after_deinit(void *m)
{
    start(m);
    tarn_buddy_deinit(&buddy);
    tarn_buddy_free(&buddy, block, 100, 0);
}

static void double_deinit(void *m)
{
    start(m);
    tarn_buddy_deinit(&buddy);
    tarn_buddy_deinit(&buddy);
}

static void dies(void (*misuse)(void *), const mode *m, const char *line)
{
    mode copy = *m;
    assert_death(misuse, &copy, SIGABRT, line);
}

static const mode MODES[] = {{false, 0, false},
                             {false, 4, false},
                             {false, 0, true},
                             {true, TARN_BUDDY_EAGER, false},
                             {true, 4, true}};
static const mode CHECKING = {true, TARN_BUDDY_EAGER, false};

static void in_every_build(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof MODES / sizeof *MODES; i++) {
        const mode *m = &MODES[i];
        dies(double_free, m, "tarn: double free: buddy 'runs'");
        dies(double_free_of_an_upper_half, m, "tarn: double free: buddy 'runs'");
        dies(foreign_pointer, m, "tarn: foreign pointer: buddy 'runs'");
        dies(interior_pointer, m, "tarn: interior pointer: buddy 'runs'");
        dies(odd_pointer, m, "tarn: interior pointer: buddy 'runs'");
        dies(resize_of_a_freed_block, m, "tarn: double free: buddy 'runs'");
        dies(alloc_after_deinit, m, "tarn: use after deinit: buddy 'runs'");
        dies(free_after_deinit, m, "tarn: use after deinit: buddy 'runs'");
        dies(double_deinit, m, "tarn: use after deinit: buddy 'runs'");
    }
}

static void when_checking(void **unused)
{
    (void)unused;
    dies(wrong_size, &CHECKING, "tarn: wrong size: buddy 'runs': given 129, expected 128");
    dies(size_of_a_smaller_block, &CHECKING,
         "tarn: wrong size: buddy 'runs': given 64, expected 128");
    dies(wrong_alignment, &CHECKING,
         "tarn: wrong alignment: buddy 'runs': given 256, expected 128");
    dies(resize_of_a_wrong_size, &CHECKING,
         "tarn: wrong size: buddy 'runs': given 300, expected 128");
    dies(wrong_thread, &CHECKING, "tarn: wrong thread: buddy 'runs'");
    dies(reset_elsewhere, &CHECKING, "tarn: wrong thread: buddy 'runs'");
    dies(trim_elsewhere, &CHECKING, "tarn: wrong thread: buddy 'runs'");
    dies(visit_elsewhere, &CHECKING, "tarn: wrong thread: buddy 'runs'");
    mode copy = CHECKING;
    assert_survives(shared, &copy);
}

static int faults;

static void count_fault(const tarn_fault *fault, void *user)
{
    (void)fault;
    (void)user;
    faults++;
}

static void a_handler_that_returns_leaves_it_whole(void **unused)
{
    (void)unused;
    void (*const misuses[])(void *) = {
        double_free,     double_free_of_an_upper_half, foreign_pointer, interior_pointer,
        odd_pointer,     resize_of_a_freed_block,      wrong_size,      size_of_a_smaller_block,
        wrong_alignment, resize_of_a_wrong_size};
    (void)tarn_fault_set_handler(count_fault, NULL);
    for (size_t i = 0; i < sizeof misuses / sizeof *misuses; i++) {
        mode copy = CHECKING;
        misuses[i](&copy);
        assert_int_equal(faults, i + 1);
        assert_int_equal(tarn_check(tarn_buddy_allocator(&buddy)), TARN_OK);
        tarn_buddy_deinit(&buddy);
    }
    (void)tarn_fault_set_handler(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_every_build),
        cmocka_unit_test(when_checking),
        cmocka_unit_test(a_handler_that_returns_leaves_it_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
