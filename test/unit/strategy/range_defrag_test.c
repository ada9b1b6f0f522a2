/* SPDX-License-Identifier: MIT */
/* range_defrag_test.c - moves: what is proposed, what each outcome does, what may happen between a pass and its commit. */
#include <tarn/defrag.h>

#include "support/tarn_test.h"

enum { N = 64, SIZE = 16 };

static tarn_space s;
static tarn_range_block blocks[N];

/* N blocks side by side fill the space; those whose index is odd are freed. */
static void start(uint64_t units)
{
    assert_int_equal(tarn_space_init(&s, &(tarn_space_options){.units = units}), TARN_OK);
    for (int i = 0; i < N; i++) {
        assert_int_equal(tarn_range_alloc(&s.range, SIZE, 1, 0, &blocks[i]), TARN_OK);
        assert_int_equal(tarn_range_set_user(&s.range, blocks[i].id, &blocks[i]), TARN_OK);
    }
    for (int i = 1; i < N; i += 2)
        assert_int_equal(tarn_range_free(&s.range, blocks[i].id), TARN_OK);
}

static uint64_t offset_of(int i)
{
    tarn_range_block b;
    assert_int_equal(tarn_range_look(&s.range, blocks[i].id, &b), TARN_OK);
    assert_ptr_equal(b.user, &blocks[i]);
    return b.offset;
}

static tarn_range_stats stats_of(void)
{
    tarn_range_stats stats;
    tarn_range_get_stats(&s.range, &stats);
    assert_int_equal(tarn_range_check(&s.range), TARN_OK);
    return stats;
}

static void free_space_ends_in_one_piece(void **unused)
{
    (void)unused;
    tarn_range_defrag d;
    tarn_range_move moves[5];
    tarn_range_defrag_stats done;
    size_t n, sum = 0;
    start(N * SIZE);
    assert_int_equal(stats_of().free_runs, N / 2);
    assert_int_equal(tarn_range_defrag_begin(&d, &s.range, NULL), TARN_OK);
    while (tarn_range_defrag_pass(&d, moves, 5, &n) == TARN_OK && n > 0) {
        assert_in_range(n, 1, 5);
        for (size_t i = 0; i < n; i++) {
            assert_true(moves[i].to + SIZE <= moves[i].from && moves[i].size == SIZE);
            assert_ptr_equal(moves[i].user, &blocks[moves[i].from / SIZE]);
        }
        sum += n;
        assert_int_equal(tarn_range_defrag_commit(&d), TARN_OK);
    }
    tarn_range_defrag_end(&d, &done);
    assert_true(done.moves == sum && sum == N / 4 && done.units == N / 4 * SIZE);
    assert_true(done.passes == (N / 4 + 4) / 5 && done.ignored == 0 && done.destroyed == 0);
    assert_true(stats_of().free_runs == 1 && stats_of().fragmentation == 0);
    assert_true(stats_of().failures == 0 && tarn_range_get_why(&s.range).status == TARN_OK);
    assert_int_equal(stats_of().live_blocks, N / 2);
    for (int i = 0; i < N; i += 2) {
        assert_true(offset_of(i) < N / 2 * SIZE);
        assert_int_equal(tarn_range_free(&s.range, blocks[i].id), TARN_OK);
    }
    tarn_space_deinit(&s);
}

static void each_outcome(void **unused)
{
    (void)unused;
    tarn_range_defrag d;
    tarn_range_move moves[4];
    tarn_range_defrag_stats done;
    tarn_range_block gone;
    size_t n;
    start(N * SIZE);
    assert_int_equal(tarn_range_defrag_begin(&d, &s.range, NULL), TARN_OK);
    assert_int_equal(tarn_range_defrag_commit(&d), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_range_defrag_pass(&d, moves, 0, &n), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_range_defrag_pass(&d, moves, 4, &n), TARN_OK);
    assert_int_equal(n, 4);
    /* From the top: blocks 62, 60, 58, 56. */
    for (size_t i = 0; i < 4; i++)
        assert_true(moves[i].id == blocks[62 - 2 * i].id);
    assert_int_equal(stats_of().live_blocks, N / 2 + 4); /* the reserved places */
    moves[1].outcome = TARN_MOVE_IGNORED;
    moves[2].outcome = TARN_MOVE_DESTROYED;
    assert_int_equal(tarn_range_free(&s.range, moves[3].id), TARN_OK); /* while it is on its way */
    assert_int_equal(tarn_range_defrag_pass(&d, moves, 4, &n), TARN_BUSY);
    assert_int_equal(tarn_range_defrag_commit(&d), TARN_OK);
    assert_true(offset_of(62) == moves[0].to && offset_of(60) == (uint64_t)60 * SIZE);
    assert_int_equal(tarn_range_look(&s.range, blocks[58].id, &gone), TARN_STALE);
    assert_int_equal(stats_of().live_blocks, N / 2 - 2);

    /* Outcomes that are none: nothing moves. */
    assert_int_equal(tarn_range_defrag_pass(&d, moves, 2, &n), TARN_OK);
    assert_true(n == 2 && moves[0].id == blocks[54].id);
    moves[1].outcome = (tarn_move_outcome)7;
    assert_int_equal(tarn_range_defrag_commit(&d), TARN_BAD_ARGUMENT);
    assert_true(offset_of(54) == (uint64_t)54 * SIZE && offset_of(52) == (uint64_t)52 * SIZE);

    /* An end in the middle cancels. */
    assert_int_equal(tarn_range_defrag_pass(&d, moves, 4, &n), TARN_OK);
    assert_int_equal(n, 4);
    tarn_range_defrag_end(&d, &done);
    assert_true(offset_of(50) == (uint64_t)50 * SIZE);
    assert_int_equal(stats_of().live_blocks, N / 2 - 2);
    assert_true(done.moves == 1 && done.ignored == 7 && done.destroyed == 2 && done.passes == 3);
    assert_int_equal(tarn_range_defrag_pass(&d, moves, 4, &n), TARN_BAD_ARGUMENT);
    tarn_space_deinit(&s);
}

static void a_reset_between_pass_and_commit(void **unused)
{
    (void)unused;
    tarn_range_defrag d;
    tarn_range_move moves[4];
    tarn_range_block b;
    size_t n;
    start(N * SIZE);
    assert_int_equal(tarn_range_defrag_begin(&d, &s.range, NULL), TARN_OK);
    assert_int_equal(tarn_range_defrag_pass(&d, moves, 4, &n), TARN_OK);
    assert_int_equal(tarn_range_reset(&s.range), TARN_OK);
    assert_int_equal(tarn_range_alloc(&s.range, SIZE, 1, 0, &b), TARN_OK);
    assert_int_equal(tarn_range_defrag_commit(&d), TARN_OK);
    assert_int_equal(stats_of().live_blocks, 1);
    tarn_range_defrag_end(&d, NULL);
    tarn_space_deinit(&s);
}

static void limits_of_a_pass(void **unused)
{
    (void)unused;
    tarn_range_defrag d;
    tarn_range_move moves[N];
    tarn_range_defrag_options o = {.max_units = 3 * SIZE + 1};
    size_t n;
    start(N * SIZE);
    assert_int_equal(tarn_range_defrag_begin(&d, &s.range, &o), TARN_OK);
    assert_int_equal(tarn_range_defrag_pass(&d, moves, N, &n), TARN_OK);
    assert_int_equal(n, 3);
    assert_int_equal(tarn_range_defrag_commit(&d), TARN_OK);
    assert_int_equal(tarn_range_defrag_pass(&d, moves, N, &n), TARN_OK);
    assert_true(n == 3 && moves[0].id == blocks[56].id); /* the one that was left out before */
    tarn_range_defrag_end(&d, NULL);
    o = (tarn_range_defrag_options){.max_moves = 2};
    assert_int_equal(tarn_range_defrag_begin(&d, &s.range, &o), TARN_OK);
    assert_int_equal(tarn_range_defrag_pass(&d, moves, N, &n), TARN_OK);
    assert_int_equal(n, 2);
    tarn_range_defrag_end(&d, NULL);
    o = (tarn_range_defrag_options){.max_units = SIZE - 1};
    assert_int_equal(tarn_range_defrag_begin(&d, &s.range, &o), TARN_OK);
    assert_int_equal(tarn_range_defrag_pass(&d, moves, N, &n), TARN_OK);
    assert_int_equal(n, 0);
    tarn_range_defrag_end(&d, NULL);
    tarn_space_deinit(&s);
}

/* Alignment is the one that the block was asked for with, not the one that it happens to have. */
static void alignment_is_kept(void **unused)
{
    (void)unused;
    tarn_range_defrag d;
    tarn_range_move moves[8];
    tarn_range_block low, gap, high;
    size_t n;
    assert_int_equal(tarn_space_init(&s, &(tarn_space_options){.units = 4096}), TARN_OK);
    assert_int_equal(tarn_range_alloc(&s.range, 30, 1, 0, &low), TARN_OK);
    assert_int_equal(tarn_range_alloc(&s.range, 300, 1, 0, &gap), TARN_OK);
    assert_int_equal(tarn_range_alloc(&s.range, 100, 128, 0, &high), TARN_OK);
    assert_true(high.offset == 384);
    assert_int_equal(tarn_range_free(&s.range, gap.id), TARN_OK);
    assert_int_equal(tarn_range_defrag_begin(&d, &s.range, NULL), TARN_OK);
    assert_int_equal(tarn_range_defrag_pass(&d, moves, 8, &n), TARN_OK);
    assert_int_equal(n, 1);
    assert_true(moves[0].from == 384 && moves[0].to == 128);
    assert_int_equal(tarn_range_defrag_commit(&d), TARN_OK);
    assert_int_equal(tarn_range_defrag_pass(&d, moves, 8, &n), TARN_OK);
    assert_int_equal(n, 0); /* moved once, not again in the same run */
    tarn_range_defrag_end(&d, NULL);
    tarn_space_deinit(&s);
}

/* What lies before the target stays; what fits no hole there goes to any lower place, once. */
static void few_blocks_are_moved(void **unused)
{
    (void)unused;
    tarn_range_defrag d;
    tarn_range_move moves[4];
    tarn_range_block a, hole, b, wide, c, big;
    size_t n;
    assert_int_equal(tarn_space_init(&s, &(tarn_space_options){.units = 1000}), TARN_OK);
    assert_int_equal(tarn_range_alloc(&s.range, 20, 1, 0, &a), TARN_OK);
    assert_int_equal(tarn_range_alloc(&s.range, 10, 1, 0, &hole), TARN_OK);
    assert_int_equal(tarn_range_alloc(&s.range, 40, 1, 0, &b), TARN_OK);
    assert_int_equal(tarn_range_alloc(&s.range, 60, 1, 0, &wide), TARN_OK);
    assert_int_equal(tarn_range_alloc(&s.range, 10, 1, 0, &c), TARN_OK);
    assert_int_equal(tarn_range_alloc(&s.range, 50, 1, 0, &big), TARN_OK);
    assert_int_equal(tarn_range_free(&s.range, hole.id), TARN_OK);
    assert_int_equal(tarn_range_free(&s.range, wide.id), TARN_OK);
    /* a 0-20, 20-30 free, b 30-70, 70-130 free, c 130-140, big 140-190; target 120 */
    assert_int_equal(tarn_range_defrag_begin(&d, &s.range, NULL), TARN_OK);
    assert_int_equal(tarn_range_defrag_pass(&d, moves, 4, &n), TARN_OK);
    assert_true(n == 2 && moves[0].id == big.id && moves[0].to == 70);
    assert_true(moves[1].id == c.id && moves[1].to == 20);
    assert_int_equal(tarn_range_defrag_commit(&d), TARN_OK);
    assert_int_equal(tarn_range_defrag_pass(&d, moves, 4, &n), TARN_OK);
    assert_int_equal(n, 0);
    tarn_range_defrag_end(&d, NULL);
    assert_true(stats_of().free_runs == 1 && stats_of().failures == 0);
    tarn_space_deinit(&s);
}

/* A look for a place that is not there is no refused request. */
static void a_block_that_fits_nowhere_stays(void **unused)
{
    (void)unused;
    tarn_range_defrag d;
    tarn_range_move moves[4];
    tarn_range_block hole, b;
    size_t n;
    assert_int_equal(tarn_space_init(&s, &(tarn_space_options){.units = 100}), TARN_OK);
    assert_int_equal(tarn_range_alloc(&s.range, 5, 1, 0, &hole), TARN_OK);
    assert_int_equal(tarn_range_alloc(&s.range, 20, 1, 0, &b), TARN_OK);
    assert_int_equal(tarn_range_free(&s.range, hole.id), TARN_OK);
    assert_int_equal(tarn_range_defrag_begin(&d, &s.range, NULL), TARN_OK);
    assert_int_equal(tarn_range_defrag_pass(&d, moves, 4, &n), TARN_OK);
    assert_true(n == 0 && stats_of().failures == 0);
    assert_int_equal(tarn_range_get_why(&s.range).status, TARN_OK);
    tarn_range_defrag_end(&d, NULL);
    tarn_space_deinit(&s);
}

/* The parts of the table: every way in which two blocks can lie to each other, and the walk down. */
static void exchange_and_before(void **unused)
{
    (void)unused;
    tarn_range_block b;
    uint64_t align;
    start(N * SIZE);
    const tarn_range_ops *ops = s.range.ops;
    const int pairs[][2] = {{0, 40}, {40, 0}, {10, 12}, {12, 10}, {62, 0}, {62, 60}};
    for (int i = 1; i < N; i += 2)
        assert_int_equal(tarn_range_alloc(&s.range, SIZE, 1, TARN_RANGE_LOW, &blocks[i]), TARN_OK);
    for (int i = 1; i < N; i += 2)
        assert_int_equal(tarn_range_set_user(&s.range, blocks[i].id, &blocks[i]), TARN_OK);
    for (unsigned i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        for (int shift = 0; shift < 2; shift++) {
            int x = pairs[i][0] / (1 + shift), y = pairs[i][1] / (1 + shift);
            uint64_t at_x = offset_of(x), at_y = offset_of(y);
            assert_int_equal(ops->exchange(&s.range, blocks[x].id, blocks[y].id, 5), TARN_OK);
            assert_true(offset_of(x) == at_y && offset_of(y) == at_x);
            assert_int_equal(tarn_range_check(&s.range), TARN_OK);
        }
    }
    assert_int_equal(ops->exchange(&s.range, blocks[3].id, blocks[3].id, 5), TARN_BAD_ARGUMENT);
    assert_int_equal(ops->exchange(&s.range, blocks[3].id, 12345, 5), TARN_STALE);
    uint64_t at = UINT64_MAX;
    int seen = 0;
    while (ops->before(&s.range, at, 6, &b, &align)) {
        assert_true(b.offset < at && align == 1);
        at = b.offset;
        seen++;
    }
    assert_int_equal(seen, N);
    /* The first ones of the exchanges, 0, 40, 10, 12, 62, 20, 5, 6 and 31, were moved in run 5. */
    at = UINT64_MAX;
    while (ops->before(&s.range, at, 5, &b, &align))
        at = b.offset, seen--;
    assert_int_equal(seen, 9);
    /* From the top again, though the last walk ended at the bottom. */
    assert_true(ops->before(&s.range, UINT64_MAX, 6, &b, &align) && b.offset == (N - 1) * SIZE);
    assert_true(ops->before(&s.range, 100, 6, &b, &align) && b.offset == 96);
    assert_int_equal(tarn_range_free(&s.range, b.id), TARN_OK);
    assert_true(ops->before(&s.range, 100, 6, &b, &align) && b.offset == 80);
    assert_false(ops->before(&s.range, 0, 6, &b, &align));
    uint32_t run = ops->begin(&s.range);
    assert_in_range(run, 1, (1 << 26) - 1);
    assert_int_equal(ops->begin(&s.range), run + 1);
    s.run = (1u << 26) - 1;
    assert_int_equal(ops->begin(&s.range), 1);
    tarn_space_deinit(&s);
}

/* Of two at a time the first to commit moves a block; where the other one's copy is, it is not put. */
static void two_at_a_time(void **unused)
{
    (void)unused;
    tarn_range_defrag d, other;
    tarn_range_move moves[N], others[N];
    tarn_range_defrag_stats done;
    size_t n, m;
    start(N * SIZE);
    assert_int_equal(tarn_range_defrag_begin(&d, &s.range, NULL), TARN_OK);
    assert_int_equal(tarn_range_defrag_pass(&d, moves, 4, &n), TARN_OK);
    assert_int_equal(tarn_range_defrag_begin(&other, &s.range, NULL), TARN_OK);
    assert_int_equal(tarn_range_defrag_pass(&other, others, 4, &m), TARN_OK);
    assert_true(n == 4 && m == 4 && moves[0].id == others[0].id);
    assert_int_equal(tarn_range_defrag_commit(&other), TARN_OK);
    assert_int_equal(tarn_range_defrag_commit(&d), TARN_OK);
    for (size_t i = 0; i < m; i++) {
        tarn_range_block b;
        assert_int_equal(tarn_range_look(&s.range, others[i].id, &b), TARN_OK);
        assert_true(b.offset == others[i].to);
    }
    tarn_range_defrag_end(&d, &done);
    assert_true(done.moves == 0 && done.ignored == 4);
    tarn_range_defrag_end(&other, &done);
    assert_true(done.moves == 4 && done.ignored == 0);
    assert_int_equal(stats_of().live_blocks, N / 2);
    tarn_space_deinit(&s);
}

static void without_a_begin(void **unused)
{
    (void)unused;
    tarn_range_defrag d = {0};
    tarn_range_defrag_stats done;
    tarn_range_move move;
    size_t n = 7;
    tarn_range_defrag_end(&d, &done);
    assert_true(done.moves == 0);
    assert_int_equal(tarn_range_defrag_pass(&d, &move, 1, &n), TARN_BAD_ARGUMENT);
    assert_int_equal(n, 0);
    assert_int_equal(
        tarn_space_init(&s, &(tarn_space_options){.units = 8, .core = TARN_RANGE_LINEAR}), TARN_OK);
    assert_int_equal(tarn_range_defrag_begin(&d, &s.range, NULL), TARN_UNSUPPORTED);
    assert_int_equal(tarn_range_defrag_pass(&d, &move, 1, &n), TARN_BAD_ARGUMENT);
    tarn_space_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_space_ends_in_one_piece),
        cmocka_unit_test(each_outcome),
        cmocka_unit_test(a_reset_between_pass_and_commit),
        cmocka_unit_test(limits_of_a_pass),
        cmocka_unit_test(alignment_is_kept),
        cmocka_unit_test(few_blocks_are_moved),
        cmocka_unit_test(a_block_that_fits_nowhere_stays),
        cmocka_unit_test(exchange_and_before),
        cmocka_unit_test(two_at_a_time),
        cmocka_unit_test(without_a_begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
