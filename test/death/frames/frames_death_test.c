/* SPDX-License-Identifier: MIT */
/* Each misuse of checking frames and scratches dies with its own line. */
#include "support/tarn_test.h"

#include <pthread.h>
#include <signal.h>

#include <tarn/frames.h>
#include <tarn/scratch.h>

#include "support/death.h"

static tarn_frames frames;
static tarn_allocator *a;
static char *old, *block;

static void start(void)
{
    if (tarn_frames_init(&frames, &(tarn_frames_options){.check = true, .count = 3}) != TARN_OK)
        return;
    a = tarn_frames_allocator(&frames);
    old = tarn_alloc(a, 100, 3);
    (void)tarn_frames_next(&frames);
    block = tarn_alloc(a, 100, 3);
}

static void block_of_a_frame_that_is_gone(void *arg)
{
    (void)arg;
    start();
    (void)tarn_frames_next(&frames);
    (void)tarn_frames_next(&frames);
    tarn_free(a, old, 100, 3);
}

static void double_free_in_an_older_frame(void *arg)
{
    (void)arg;
    start();
    tarn_free(a, old, 100, 3);
    tarn_free(a, old, 100, 3);
}

static void foreign_pointer(void *arg)
{
    static _Alignas(16) char elsewhere[64];
    (void)arg;
    start();
    tarn_free(a, elsewhere, 64, 3);
}

static void wrong_size(void *arg)
{
    (void)arg;
    start();
    tarn_free(a, old, 90, 3);
}

static void mark_of_the_turn_before(void *arg)
{
    tarn_mark mark;
    (void)arg;
    start();
    mark = tarn_get_mark(a);
    (void)tarn_frames_next(&frames);
    block = tarn_alloc(a, 100, 3);
    (void)tarn_rewind(a, mark);
}

static void use_after_deinit(void *arg)
{
    (void)arg;
    start();
    tarn_frames_deinit(&frames);
    block = tarn_alloc(a, 100, 3);
}

static void use_when_init_failed(void *arg)
{
    (void)arg;
    if (tarn_frames_init(&frames, &(tarn_frames_options){.count = 100, .check = true}) != TARN_OK)
        block = tarn_alloc(tarn_frames_allocator(&frames), 100, 3);
}

static void *next_in_a_thread(void *unused)
{
    (void)tarn_frames_next(&frames);
    return unused;
}

static void in_a_thread(void *(*call)(void *), void *arg)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, call, arg) == 0)
        (void)pthread_join(thread, NULL);
}

static void turn_by_another_thread(void *arg)
{
    (void)arg;
    start();
    (void)tarn_frames_next(&frames);
    (void)tarn_frames_next(&frames); /* the first frame's arena is this thread's, too */
    in_a_thread(next_in_a_thread, NULL);
}

static tarn_scratches set;

static tarn_scratch open_one(void)
{
    if (tarn_scratches_init(&set, &(tarn_scratches_options){.name = "words", .check = true}) !=
        TARN_OK)
        return (tarn_scratch){NULL, NULL, 0};
    return tarn_scratch_begin_in(&set);
}

static void scratch_ended_in_a_copy_too(void *arg)
{
    tarn_scratch scratch = open_one(), copy = scratch;
    (void)arg;
    tarn_scratch_end(&scratch);
    tarn_scratch_end(&copy);
}

/* The same when the place belongs to another by then. */
static void copy_ended_under_its_successor(void *arg)
{
    tarn_scratch scratch = open_one(), copy = scratch, next;
    (void)arg;
    tarn_scratch_end(&scratch);
    next = tarn_scratch_begin_in(&set);
    tarn_scratch_end(&copy);
    tarn_scratch_end(&next);
}

static void *end_in_a_thread(void *scratch)
{
    tarn_scratch_end(scratch);
    return NULL;
}

static void scratch_ended_by_another_thread(void *arg)
{
    tarn_scratch scratch = open_one();
    (void)arg;
    in_a_thread(end_in_a_thread, &scratch);
}

static void scratch_used_after_its_end(void *arg)
{
    tarn_scratch scratch = open_one();
    tarn_arena *arena = scratch.arena;
    (void)arg;
    block = tarn_arena_alloc(arena, 100, 3);
    tarn_scratch_end(&scratch);
    tarn_arena_free(arena, block, 100);
}

static void right_use(void *arg)
{
    tarn_scratch scratch;
    (void)arg;
    start();
    tarn_free(a, block, 100, 3);
    tarn_free(a, old, 100, 3);
    block = tarn_alloc(a, 100, 3);
    (void)tarn_frames_next(&frames);
    block = tarn_resize(a, block, 100, 1000, 100, 3); /* moves to this frame */
    tarn_frames_deinit(&frames);
    tarn_frames_deinit(&frames);
    scratch = open_one();
    block = tarn_arena_alloc(scratch.arena, 100, 3);
    tarn_scratch_end(&scratch);
    tarn_scratch_end(&scratch);
    tarn_scratches_deinit(&set);
}

static const struct {
    void (*misuse)(void *);
    const char *line;
} CASES[] = {
    {block_of_a_frame_that_is_gone, "tarn: double free: arena 'frames'"},
    {double_free_in_an_older_frame, "tarn: double free: arena 'frames'"},
    {foreign_pointer, "tarn: foreign pointer: arena 'frames'"},
    {wrong_size, "tarn: wrong size: arena 'frames': given 90, expected 100"},
    {mark_of_the_turn_before, "tarn: bad rewind: arena 'frames'"},
    {use_after_deinit, "tarn: use after deinit: arena 'frames'"},
    {use_when_init_failed, "tarn: use after deinit: arena 'arena'"},
    {turn_by_another_thread, "tarn: wrong thread: arena 'frames'"},
    {scratch_ended_in_a_copy_too, "tarn: double free: scratch 'words'"},
    {copy_ended_under_its_successor, "tarn: double free: scratch 'words'"},
    {scratch_ended_by_another_thread, "tarn: wrong thread: scratch 'words'"},
    {scratch_used_after_its_end, "tarn: double free: arena 'words'"},
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
