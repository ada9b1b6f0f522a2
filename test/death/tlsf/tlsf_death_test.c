/* SPDX-License-Identifier: MIT */
/* tlsf_death_test.c - each misuse of a tlsf dies with its own line, metadata inside and outside. */
#include <pthread.h>
#include <signal.h>

#include <tarn/tlsf.h>

#include "support/death.h"
#include "support/tarn_test.h"

enum { SIZE = 200, W = sizeof(size_t) };

static tarn_tlsf tlsf;
static _Alignas(64) char memory[1 << 16];
static char *block, *other;

/* How it is made. */
typedef struct way {
    bool check, outside;
} way;

static const way CHECKING = {.check = true}, OUTSIDE = {.check = true, .outside = true},
                 RELEASE = {.check = false};

static void start(void *arg)
{
    const way *w = arg;
    tarn_tlsf_options o = {.buffer = memory,
                           .buffer_size = sizeof memory,
                           .check = w->check,
                           .metadata = w->outside ? tarn_libc() : NULL,
                           .name = "heap"};
    if (tarn_tlsf_init(&tlsf, &o) != TARN_OK)
        return;
    other = tarn_tlsf_alloc(&tlsf, SIZE, 0);
    block = tarn_tlsf_alloc(&tlsf, SIZE, 4);
    (void)!tarn_tlsf_alloc(&tlsf, SIZE, 0);
}

static void double_free(void *arg)
{
    start(arg);
    tarn_tlsf_free(&tlsf, block, SIZE, 4);
    tarn_tlsf_free(&tlsf, block, SIZE, 4);
}

static void double_free_of_a_merged_block(void *arg)
{
    start(arg);
    tarn_tlsf_free(&tlsf, other, SIZE, 0);
    tarn_tlsf_free(&tlsf, block, SIZE, 4);
    tarn_tlsf_free(&tlsf, block, SIZE, 4);
}

static void free_after_reset(void *arg)
{
    start(arg);
    (void)tarn_reset(&tlsf.allocator);
    tarn_tlsf_free(&tlsf, block, SIZE, 4);
}

/* The same state over the same memory again. */
static void free_of_a_block_of_its_former_life(void *arg)
{
    start(arg);
    char *old = block;
    tarn_tlsf_deinit(&tlsf);
    const way *w = arg;
    tarn_tlsf_options o = {.buffer = memory,
                           .buffer_size = sizeof memory,
                           .check = w->check,
                           .metadata = w->outside ? tarn_libc() : NULL,
                           .name = "heap"};
    if (tarn_tlsf_init(&tlsf, &o) == TARN_OK)
        tarn_tlsf_free(&tlsf, old, SIZE, 4);
}

static void resize_after_free(void *arg)
{
    start(arg);
    tarn_tlsf_free(&tlsf, block, SIZE, 4);
    (void)!tarn_tlsf_resize(&tlsf, block, SIZE, 300, SIZE, 4);
}

static void foreign_pointer(void *arg)
{
    static _Alignas(64) char elsewhere[64];
    start(arg);
    tarn_tlsf_free(&tlsf, elsewhere, 64, 0);
}

static void another_heaps_block(void *arg)
{
    static tarn_tlsf second;
    static _Alignas(64) char its_memory[4096];
    start(arg);
    if (tarn_tlsf_init(&second, &(tarn_tlsf_options){.buffer = its_memory,
                                                     .buffer_size = sizeof its_memory}) == TARN_OK)
        tarn_tlsf_free(&tlsf, tarn_tlsf_alloc(&second, 64, 0), 64, 0);
}

static void interior_pointer(void *arg)
{
    start(arg);
    tarn_tlsf_free(&tlsf, block + 64, SIZE, 4);
}

static void interior_pointer_of_any_alignment(void *arg)
{
    start(arg);
    tarn_tlsf_free(&tlsf, block + 3, SIZE, 4);
}

static void a_size_too_large(void *arg)
{
    start(arg);
    tarn_free(&tlsf.allocator, block, 500, 4);
}

static void a_size_too_small(void *arg)
{
    start(arg);
    tarn_free(&tlsf.allocator, block, SIZE - 1, 4);
}

static void wrong_size_at_resize(void *arg)
{
    start(arg);
    (void)!tarn_resize(&tlsf.allocator, block, SIZE - 1, 300, 10, 4);
}

static void wrong_alignment(void *arg)
{
    start(arg);
    tarn_free(&tlsf.allocator, block, SIZE, 3);
}

/* Past the bytes that the caller may use. */
static void written_past_its_end(void *arg)
{
    start(arg);
    memset(block, 0x55, tarn_usable(&tlsf.allocator, block, SIZE, 4) + 2 * W);
    tarn_tlsf_free(&tlsf, block, SIZE, 4);
}

static void written_before_its_start(void *arg)
{
    start(arg);
    memset(block - W, 0x55, W);
    tarn_tlsf_free(&tlsf, block, SIZE, 4);
}

static void tag_of_a_free_neighbour_written(void *arg)
{
    start(arg);
    tarn_tlsf_free(&tlsf, other, SIZE, 0);
    memset(block - 2 * W, 0x55, W);
    tarn_tlsf_free(&tlsf, block, SIZE, 4);
}

static void alloc_after_deinit(void *arg)
{
    start(arg);
    tarn_tlsf_deinit(&tlsf);
    (void)!tarn_tlsf_alloc(&tlsf, SIZE, 0);
}

static void free_after_deinit(void *arg)
{
    start(arg);
    tarn_tlsf_deinit(&tlsf);
    tarn_tlsf_free(&tlsf, block, SIZE, 4);
}

static void resize_after_deinit(void *arg)
{
    start(arg);
    tarn_tlsf_deinit(&tlsf);
    (void)!tarn_resize(&tlsf.allocator, block, SIZE, 300, SIZE, 4);
}

static void double_deinit(void *arg)
{
    start(arg);
    tarn_tlsf_deinit(&tlsf);
    tarn_tlsf_deinit(&tlsf);
}

static void *free_it(void *unused)
{
    (void)unused;
    tarn_tlsf_free(&tlsf, block, SIZE, 4);
    return NULL;
}

static void *visit_it(void *unused)
{
    (void)tarn_visit(tarn_tlsf_allocator(&tlsf), NULL, unused);
    return NULL;
}

static void visit_elsewhere(void *arg)
{
    pthread_t thread;
    start(arg);
    if (pthread_create(&thread, NULL, visit_it, NULL) == 0)
        pthread_join(thread, NULL);
}

static void wrong_thread(void *arg)
{
    pthread_t thread;
    start(arg);
    if (pthread_create(&thread, NULL, free_it, NULL) == 0)
        pthread_join(thread, NULL);
}

static void handed_over(void *arg)
{
    pthread_t thread;
    start(arg);
    tarn_share(&tlsf.allocator);
    if (pthread_create(&thread, NULL, free_it, NULL) == 0)
        pthread_join(thread, NULL);
    tarn_tlsf_deinit(&tlsf);
}

static void dies(void (*misuse)(void *), const way *how, const char *line)
{
    way copy = *how;
    assert_death(misuse, &copy, SIGABRT, line);
}

static void in_a_checking_one(void **unused)
{
    (void)unused;
    const way *ways[] = {&CHECKING, &OUTSIDE};
    for (int i = 0; i < 2; i++) {
        const way *w = ways[i];
        dies(double_free, w, "tarn: double free: tlsf 'heap'");
        dies(double_free_of_a_merged_block, w, "tarn: double free: tlsf 'heap'");
        dies(free_after_reset, w, "tarn: double free: tlsf 'heap'");
        dies(free_of_a_block_of_its_former_life, w, "tarn: double free: tlsf 'heap'");
        dies(resize_after_free, w, "tarn: double free: tlsf 'heap'");
        dies(foreign_pointer, w, "tarn: foreign pointer: tlsf 'heap'");
        dies(another_heaps_block, w, "tarn: foreign pointer: tlsf 'heap'");
        dies(interior_pointer, w, "tarn: interior pointer: tlsf 'heap'");
        dies(interior_pointer_of_any_alignment, w, "tarn: interior pointer: tlsf 'heap'");
        dies(a_size_too_large, w, "tarn: wrong size: tlsf 'heap': given 500, expected 200");
        dies(a_size_too_small, w, "tarn: wrong size: tlsf 'heap': given 199, expected 200");
        dies(wrong_size_at_resize, w, "tarn: wrong size: tlsf 'heap': given 199, expected 200");
        dies(wrong_alignment, w, "tarn: wrong alignment: tlsf 'heap': given 8, expected 16");
        dies(wrong_thread, w, "tarn: wrong thread: tlsf 'heap'");
        dies(visit_elsewhere, w, "tarn: wrong thread: tlsf 'heap'");
        way copy = *w;
        assert_survives(handed_over, &copy);
    }
}

static void when_tags_were_written(void **unused)
{
    (void)unused;
    dies(written_past_its_end, &CHECKING, "tarn: corruption: tlsf 'heap'");
    dies(written_before_its_start, &CHECKING, "tarn: corruption: tlsf 'heap'");
    dies(tag_of_a_free_neighbour_written, &CHECKING, "tarn: corruption: tlsf 'heap'");
}

static void in_any(void **unused)
{
    (void)unused;
    const way *ways[] = {&CHECKING, &OUTSIDE, &RELEASE};
    for (int i = 0; i < 3; i++) {
        dies(double_free, ways[i], "tarn: double free: tlsf 'heap'");
        dies(alloc_after_deinit, ways[i], "tarn: use after deinit: tlsf 'heap'");
        dies(free_after_deinit, ways[i], "tarn: use after deinit: tlsf 'heap'");
        dies(resize_after_deinit, ways[i], "tarn: use after deinit: tlsf 'heap'");
        dies(double_deinit, ways[i], "tarn: use after deinit: tlsf 'heap'");
    }
}

static int faults;

static void count_fault(const tarn_fault *fault, void *user)
{
    (void)user;
    faults += fault->block == block && fault->kind == TARN_FAULT_WRONG_SIZE;
}

static void a_handler_that_returns_leaves_it_whole(void **unused)
{
    (void)unused;
    way copy = CHECKING;
    start(&copy);
    assert_null(tarn_fault_set_handler(count_fault, NULL));
    tarn_free(&tlsf.allocator, block, 1, 4);
    assert_null(tarn_resize(&tlsf.allocator, block, 1, 300, 1, 4));
    assert_int_equal(faults, 2);
    assert_int_equal(tarn_check(&tlsf.allocator), TARN_OK);
    assert_true(tarn_fault_set_handler(NULL, NULL) == count_fault);
    tarn_free(&tlsf.allocator, block, SIZE, 4);
    tarn_tlsf_deinit(&tlsf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_checking_one),
        cmocka_unit_test(when_tags_were_written),
        cmocka_unit_test(in_any),
        cmocka_unit_test(a_handler_that_returns_leaves_it_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
