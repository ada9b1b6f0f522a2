/* SPDX-License-Identifier: MIT */
#include "support/tarn_test.h"

#include <tarn/frames.h>
#include <tarn/new.h>

#include "support/probe.h"

static tarn_frames frames;

/* F1: every block is there until its frame's arena is taken again, and not a turn less. */
static void a_block_stays_for_count_turns(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= TARN_FRAMES_MAX; count++) {
        int *blocks[40];
        assert_int_equal(tarn_frames_init(&frames, &(tarn_frames_options){.count = count}),
                         TARN_OK);
        for (int turn = 0; turn < 40; turn++) {
            blocks[turn] = tarn_frames_alloc(&frames, sizeof(int), TARN_SPEC_OF(int));
            assert_non_null(blocks[turn]);
            *blocks[turn] = turn;
            for (int ago = 0; ago < (int)count && ago <= turn; ago++) {
                assert_int_equal(*blocks[turn - ago], turn - ago);
                assert_true(
                    tarn_arena_owns(tarn_frames_ago(&frames, (unsigned)ago), blocks[turn - ago]));
            }
            if (turn + 1 < (int)count)
                assert_null(tarn_frames_ago(&frames, (unsigned)turn + 1)); /* there was none */
            assert_null(tarn_frames_ago(&frames, count));
            assert_ptr_equal(tarn_frames_ago(&frames, 0), tarn_frames_current(&frames));
            tarn_arena *next = tarn_frames_next(&frames);
            assert_ptr_equal(next, tarn_frames_current(&frames));
        }
        tarn_frames_deinit(&frames);
        tarn_frames_deinit(&frames);
    }
}

static void memory_is_used_again(void **state)
{
    (void)state;
    probe p;
    tarn_allocator *parent = probe_init(&p, NULL);
    assert_int_equal(
        tarn_frames_init(&frames, &(tarn_frames_options){.parent = parent, .chunk_size = 1024}),
        TARN_OK);
    assert_ptr_equal(tarn_parent(tarn_frames_allocator(&frames), 0), parent);
    for (int turn = 0; turn < 10; turn++) {
        for (int i = 0; i < 20; i++)
            assert_non_null(tarn_frames_alloc(&frames, 100, 3));
        (void)tarn_frames_next(&frames);
    }
    size_t held = p.stats.live_bytes;
    for (int turn = 0; turn < 100; turn++) {
        for (int i = 0; i < 20; i++)
            assert_non_null(tarn_frames_alloc(&frames, 100, 3));
        (void)tarn_frames_next(&frames);
    }
    assert_int_equal(p.stats.live_bytes, held);
    tarn_stats now;
    assert_int_equal(tarn_get_stats(tarn_frames_allocator(&frames), &now), TARN_OK);
    assert_int_equal(now.held_bytes, held);
    tarn_deinit(tarn_frames_allocator(&frames));
    assert_int_equal(probe_deinit(&p), 0);
    assert_int_equal(p.faults, 0);
}

static void a_turn_keeps_what_it_is_told(void **state)
{
    (void)state;
    probe p;
    tarn_allocator *parent = probe_init(&p, NULL);
    assert_int_equal(
        tarn_frames_init(
            &frames, &(tarn_frames_options){.parent = parent, .count = 1, .keep = TARN_KEEP_NONE}),
        TARN_OK);
    assert_non_null(tarn_frames_alloc(&frames, 100, 3));
    assert_int_equal(p.stats.live_blocks, 1);
    (void)tarn_frames_next(&frames);
    assert_int_equal(p.stats.live_blocks, 0);
    tarn_frames_deinit(&frames);
    assert_int_equal(probe_deinit(&p), 0);
}

static void a_buffer_is_shared_out(void **state)
{
    static _Alignas(16) char bytes[3 * 256 + 7];
    (void)state;
    assert_int_equal(tarn_frames_init(&frames, &(tarn_frames_options){.count = 3,
                                                                      .buffer = bytes,
                                                                      .buffer_size = sizeof bytes}),
                     TARN_OK);
    char *of[3];
    for (int i = 0; i < 3; i++) {
        of[i] = tarn_frames_alloc(&frames, 200, 0);
        assert_non_null(of[i]);
        assert_true(of[i] >= bytes && of[i] + 200 <= bytes + sizeof bytes);
        assert_null(tarn_frames_alloc(&frames, 200, 0));
        assert_int_equal(tarn_get_why(tarn_frames_allocator(&frames)).status, TARN_LIMIT);
        (void)tarn_frames_next(&frames);
    }
    assert_true(of[1] >= of[0] + 200 && of[2] >= of[1] + 200);
    assert_ptr_equal(tarn_frames_alloc(&frames, 200, 0), of[0]);
    tarn_frames_deinit(&frames);
}

/* F2, also where frames check: each arena knows its own blocks alone. */
static void older_blocks_through_the_handle(void **state)
{
    (void)state;
    for (int check = 0; check < 2; check++) {
        assert_int_equal(
            tarn_frames_init(&frames, &(tarn_frames_options){.check = check, .count = 3}), TARN_OK);
        tarn_allocator *a = tarn_frames_allocator(&frames);
        char *shrinks = tarn_alloc(a, 200, 4), *grows = tarn_alloc(a, 50, 4);
        char *goes = tarn_alloc(a, 50, 4);
        memset(shrinks, 1, 200);
        memset(grows, 2, 50);
        tarn_arena *first = tarn_frames_current(&frames);
        (void)tarn_frames_next(&frames);
        assert_int_equal(tarn_owns(a, grows), TARN_YES);
        assert_ptr_equal(tarn_resize(a, shrinks, 200, 100, 100, 4), shrinks);
        assert_null(tarn_resize(a, grows, 50, 500, 50, 4 | TARN_IN_PLACE));
        char *grown = tarn_resize(a, grows, 50, 500, 50, 4 | TARN_ZERO);
        assert_non_null(grown);
        assert_int_equal(grown[49], 2);
        assert_int_equal(grown[50], 0);
        assert_false(tarn_arena_owns(first, grown));
        assert_true(tarn_arena_owns(tarn_frames_current(&frames), grown));
        tarn_free(a, goes, 50, 4);
        tarn_free(a, shrinks, 100, 4);
        assert_int_equal(tarn_check(a), TARN_OK);
        (void)tarn_frames_next(&frames);
        assert_int_equal(grown[49], 2);
        tarn_frames_deinit(&frames);
    }
}

static void count(void *arg)
{
    ++*(int *)arg;
}

static void cleanups_run_when_the_frame_is_taken_again(void **state)
{
    int runs = 0;
    (void)state;
    assert_int_equal(tarn_frames_init(&frames, NULL), TARN_OK);
    assert_int_equal(tarn_arena_on_reset(tarn_frames_current(&frames), count, &runs), TARN_OK);
    (void)tarn_frames_next(&frames);
    assert_int_equal(runs, 0);
    (void)tarn_frames_next(&frames);
    assert_int_equal(runs, 1);
    assert_int_equal(tarn_arena_on_reset(tarn_frames_current(&frames), count, &runs), TARN_OK);
    tarn_frames_deinit(&frames);
    assert_int_equal(runs, 2);
}

static void bad_options_are_refused(void **state)
{
    static char bytes[64];
    tarn_frames_options bad[] = {
        {.count = TARN_FRAMES_MAX + 1},
        {.count = 4, .buffer = bytes, .buffer_size = 60},
        {.buffer_size = 60},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tarn_frames_init(&frames, &bad[i]), TARN_BAD_ARGUMENT);
    tarn_frames_deinit(&frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_stays_for_count_turns),
        cmocka_unit_test(memory_is_used_again),
        cmocka_unit_test(a_turn_keeps_what_it_is_told),
        cmocka_unit_test(a_buffer_is_shared_out),
        cmocka_unit_test(older_blocks_through_the_handle),
        cmocka_unit_test(cleanups_run_when_the_frame_is_taken_again),
        cmocka_unit_test(bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
