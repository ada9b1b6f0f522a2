/* SPDX-License-Identifier: MIT */
/* slab_death_test.c - each misuse of a slab dies with its own line: at once when checking, at the flush when not. */
#include <pthread.h>
#include <signal.h>

#include <tarn/slab.h>

#include "support/death.h"
#include "support/tarn_test.h"

static tarn_slab slab, other;
static char *block, *large;
static char elsewhere[64];

/* What a death is tried in: checking or not, metadata in the pages or outside. */
typedef struct mode {
    bool check, outside;
} mode;

static const mode CHECKING = {true, false}, CHECKING_OUTSIDE = {true, true},
                  RELEASE = {false, false}, RELEASE_OUTSIDE = {false, true};

static void start(const void *how)
{
    const mode *m = how;
    tarn_slab_options o = {.name = "texts",
                           .largest = 1024,
                           .check = m->check,
                           .metadata = m->outside ? tarn_libc() : NULL};
    if (tarn_slab_init(&slab, &o) == TARN_OK) {
        block = tarn_slab_alloc(&slab, 60, 0);
        large = tarn_slab_alloc(&slab, 5000, 0);
    }
    o.name = "others";
    if (tarn_slab_init(&other, &o) != TARN_OK)
        large = NULL;
}

static void double_free(void *how)
{
    start(how);
    tarn_slab_free(&slab, block, 60, 0);
    tarn_slab_free(&slab, block, 60, 0);
    tarn_slab_deinit(&slab);
}

static void double_free_without_the_size(void *how)
{
    start(how);
    tarn_free(&slab.allocator, block, 0, 0);
    tarn_free(&slab.allocator, block, 0, 0);
    tarn_slab_deinit(&slab);
}

static void foreign_pointer(void *how)
{
    start(how);
    tarn_slab_free(&slab, elsewhere, 60, 0);
    tarn_slab_deinit(&slab);
}

static void foreign_pointer_without_the_size(void *how)
{
    start(how);
    tarn_slab_free(&slab, elsewhere, 0, 0);
}

static void foreign_pointer_of_a_large_size(void *how)
{
    start(how);
    tarn_slab_free(&slab, elsewhere, 5000, 0);
}

static void double_free_of_a_large_block(void *how)
{
    start(how);
    tarn_slab_free(&slab, large, 5000, 0);
    tarn_slab_free(&slab, large, 5000, 0);
}

static void interior_pointer_of_a_large_block(void *how)
{
    start(how);
    tarn_slab_free(&slab, large + 8, 5000, 0);
}

static void interior_pointer(void *how)
{
    start(how);
    tarn_slab_free(&slab, block + 8, 60, 0);
    tarn_slab_deinit(&slab);
}

static void never_handed_out(void *how)
{
    start(how);
    tarn_slab_free(&slab, block + (size_t)64 * 500, 60, 0);
    tarn_slab_deinit(&slab);
}

static void another_slabs_block(void *how)
{
    start(how);
    tarn_slab_free(&slab, tarn_slab_alloc(&other, 60, 0), 60, 0);
    tarn_slab_deinit(&slab);
}

static void size_of_another_class(void *how)
{
    start(how);
    tarn_slab_free(&slab, block, 200, 0);
    tarn_slab_deinit(&slab);
}

static void size_beyond_all_classes(void *how)
{
    start(how);
    tarn_slab_free(&slab, block, 5000, 0);
}

static void large_block_with_a_small_size(void *how)
{
    start(how);
    tarn_slab_free(&slab, large, 60, 0);
}

static void wrong_alignment(void *how)
{
    start(how);
    tarn_slab_free(&slab, block, 60, TARN_SPEC(128));
}

static void wrong_alignment_of_a_large_block(void *how)
{
    start(how);
    tarn_slab_free(&slab, large, 5000, TARN_SPEC(64));
}

/* To a size of the same class, which would stay where it is. */
static void resize_after_free(void *how)
{
    start(how);
    tarn_slab_free(&slab, block, 60, 0);
    (void)!tarn_resize(&slab.allocator, block, 60, 61, 60, 0);
}

static void resize_of_a_foreign_pointer(void *how)
{
    start(how);
    (void)!tarn_resize(&slab.allocator, elsewhere, 60, 61, 60, 0);
}

static void resize_with_the_size_of_another_class(void *how)
{
    start(how);
    (void)!tarn_resize(&slab.allocator, block, 200, 201, 60, 0);
}

static void resize_of_a_large_block_with_a_wrong_alignment(void *how)
{
    start(how);
    (void)!tarn_resize(&slab.allocator, large, 5000, 6000, 5000, TARN_SPEC(64));
}

static void alloc_after_deinit(void *how)
{
    start(how);
    tarn_slab_deinit(&slab);
    (void)!tarn_slab_alloc(&slab, 60, 0);
}

static void free_after_deinit(void *how)
{
    start(how);
    tarn_slab_deinit(&slab);
    tarn_slab_free(&slab, block, 60, 0);
}

static void resize_after_deinit(void *how)
{
    start(how);
    tarn_slab_deinit(&slab);
    (void)!tarn_resize(&slab.allocator, block, 60, 100, 60, 0);
}

static void reset_after_deinit(void *how)
{
    start(how);
    tarn_slab_deinit(&slab);
    (void)tarn_reset(&slab.allocator);
}

static void double_deinit(void *how)
{
    start(how);
    tarn_slab_deinit(&slab);
    tarn_slab_deinit(&slab);
}

static void *call_alloc(void *unused)
{
    return (void)unused, tarn_slab_alloc(&slab, 60, 0);
}

static void *call_free(void *unused)
{
    tarn_slab_free(&slab, block, 60, 0);
    return unused;
}

static void *call_trim(void *unused)
{
    (void)tarn_slab_trim(&slab);
    return unused;
}

static void elsewhere_calls(void *(*call)(void *))
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, call, NULL) == 0)
        (void)pthread_join(thread, NULL);
}

static void alloc_elsewhere(void *how)
{
    start(how);
    elsewhere_calls(call_alloc);
}

static void free_elsewhere(void *how)
{
    start(how);
    elsewhere_calls(call_free);
}

static void trim_elsewhere(void *how)
{
    start(how);
    elsewhere_calls(call_trim);
}

static void in_turns(void *how)
{
    start(how);
    tarn_share(&slab.allocator);
    elsewhere_calls(call_alloc);
    elsewhere_calls(call_free);
    tarn_slab_deinit(&slab);
}

static void dies(void (*misuse)(void *), const mode *how, const char *line)
{
    mode copy = *how;
    assert_death(misuse, &copy, SIGABRT, line);
}

static void in_a_checking_slab(void **unused)
{
    (void)unused;
    const mode *modes[] = {&CHECKING, &CHECKING_OUTSIDE};
    for (int m = 0; m < 2; m++) {
        dies(double_free, modes[m], "tarn: double free: slab 'texts'");
        dies(double_free_without_the_size, modes[m], "tarn: double free: slab 'texts'");
        dies(foreign_pointer, modes[m], "tarn: foreign pointer: slab 'texts'");
        dies(another_slabs_block, modes[m], "tarn: foreign pointer: slab 'texts'");
        dies(never_handed_out, modes[m], "tarn: foreign pointer: slab 'texts'");
        dies(interior_pointer, modes[m], "tarn: interior pointer: slab 'texts'");
        dies(size_of_another_class, modes[m],
             "tarn: wrong size: slab 'texts': given 200, expected 64");
        dies(size_beyond_all_classes, modes[m],
             "tarn: wrong size: slab 'texts': given 5000, expected 64");
        dies(large_block_with_a_small_size, modes[m],
             "tarn: wrong size: slab 'texts': given 60, expected 5000");
        dies(wrong_alignment, modes[m],
             "tarn: wrong alignment: slab 'texts': given 128, expected 64");
        dies(wrong_alignment_of_a_large_block, modes[m],
             "tarn: wrong alignment: slab 'texts': given 64, expected 1");
        dies(resize_after_free, modes[m], "tarn: double free: slab 'texts'");
        dies(resize_of_a_foreign_pointer, modes[m], "tarn: foreign pointer: slab 'texts'");
        dies(resize_with_the_size_of_another_class, modes[m],
             "tarn: wrong size: slab 'texts': given 200, expected 64");
        dies(resize_of_a_large_block_with_a_wrong_alignment, modes[m],
             "tarn: wrong alignment: slab 'texts': given 64, expected 1");
        dies(alloc_elsewhere, modes[m], "tarn: wrong thread: slab 'texts'");
        dies(free_elsewhere, modes[m], "tarn: wrong thread: slab 'texts'");
        dies(trim_elsewhere, modes[m], "tarn: wrong thread: slab 'texts'");
        assert_survives(in_turns, (void *)(uintptr_t)modes[m]);
    }
}

static void in_any_slab(void **unused)
{
    (void)unused;
    const mode *modes[] = {&CHECKING, &CHECKING_OUTSIDE, &RELEASE, &RELEASE_OUTSIDE};
    for (int m = 0; m < 4; m++) {
        dies(foreign_pointer_without_the_size, modes[m], "tarn: foreign pointer: slab 'texts'");
        dies(foreign_pointer_of_a_large_size, modes[m], "tarn: foreign pointer: slab 'texts'");
        dies(double_free_of_a_large_block, modes[m], "tarn: foreign pointer: slab 'texts'");
        dies(interior_pointer_of_a_large_block, modes[m], "tarn: interior pointer: slab 'texts'");
        dies(alloc_after_deinit, modes[m], "tarn: use after deinit: slab 'texts'");
        dies(free_after_deinit, modes[m], "tarn: use after deinit: slab 'texts'");
        dies(resize_after_deinit, modes[m], "tarn: use after deinit: slab 'texts'");
        dies(reset_after_deinit, modes[m], "tarn: use after deinit: slab 'texts'");
        dies(double_deinit, modes[m], "tarn: use after deinit: slab 'texts'");
    }
}

/* Without `check` a misuse is noticed when the block leaves those at hand; deinit is the last time that it can be. */
static void in_a_release_slab_at_the_flush(void **unused)
{
    (void)unused;
    const mode *modes[] = {&RELEASE, &RELEASE_OUTSIDE};
    for (int m = 0; m < 2; m++) {
        dies(double_free, modes[m], "tarn: double free: slab 'texts'");
        dies(double_free_without_the_size, modes[m], "tarn: double free: slab 'texts'");
        dies(foreign_pointer, modes[m], "tarn: foreign pointer: slab 'texts'");
        dies(never_handed_out, modes[m], "tarn: foreign pointer: slab 'texts'");
        dies(interior_pointer, modes[m], "tarn: interior pointer: slab 'texts'");
        dies(size_of_another_class, modes[m],
             TARN_CHECKED ? "tarn: wrong size: slab 'texts': given 200, expected 64"
                          : "tarn: wrong size: slab 'texts': given 208, expected 64");
    }
}

static int faults;

static void count_fault(const tarn_fault *fault, void *user)
{
    (void)user;
    faults += fault->kind == TARN_FAULT_DOUBLE_FREE && fault->block == block;
}

static void a_handler_that_returns_leaves_the_slab_whole(void **unused)
{
    (void)unused;
    start(&CHECKING);
    assert_null(tarn_fault_set_handler(count_fault, NULL));
    tarn_slab_free(&slab, block, 60, 0);
    tarn_slab_free(&slab, block, 60, 0);
    assert_int_equal(faults, 1);
    assert_int_equal(tarn_slab_check(&slab), TARN_OK);
    assert_true(tarn_fault_set_handler(NULL, NULL) == count_fault);
    tarn_slab_deinit(&slab);
    tarn_slab_deinit(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_checking_slab),
        cmocka_unit_test(in_any_slab),
        cmocka_unit_test(in_a_release_slab_at_the_flush),
        cmocka_unit_test(a_handler_that_returns_leaves_the_slab_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
