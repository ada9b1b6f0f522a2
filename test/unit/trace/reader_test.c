/* SPDX-License-Identifier: MIT */
/* Events: their order over threads, what each kind says, and traces cut off or damaged at every byte. */
#include "support/tarn_test.h"

#include "maker.h"
#include "trace/reader.h"
#include "trace/words.h"

#include <stdio.h>
#include <stdlib.h>

#define A UINT64_C(0x1000)
#define B UINT64_C(0x2000)

static uint64_t alloc(uint64_t address, uint32_t key)
{
    return tarn_word_alloc(TARN_WORD_ALLOC, address, key);
}

static uint64_t other(tarn_word_op op, uint64_t value)
{
    return tarn_word_other(op, value);
}

/* Two threads hand a block to each other; one resizes it. */
static void make_small(maker *m)
{
    const uint64_t first[] = {other(TARN_OP_STAMP, 2),
                              other(TARN_OP_THREAD, 0),
                              alloc(A, 0),
                              other(TARN_OP_TIME, 500),
                              alloc(B, 1),
                              other(TARN_OP_STAMP, 4),
                              alloc(A, 2),
                              other(TARN_OP_REALLOC_BEGIN, B),
                              tarn_word_alloc(TARN_WORD_REALLOC, B + 64, 6),
                              other(TARN_OP_REALLOC_BEGIN, A),
                              other(TARN_OP_REALLOC_FAIL, A)};
    const uint64_t second[] = {other(TARN_OP_STAMP, 3),
                               other(TARN_OP_THREAD, 1),
                               tarn_word_free(A),
                               other(TARN_OP_STAMP, 5),
                               tarn_word_free(A),
                               other(TARN_OP_USABLE, B + 64),
                               120,
                               tarn_word_free(0x7777),
                               tarn_word_free(B + 64),
                               other(TARN_OP_THREAD_END, 1)};
    const uint64_t third[] = {other(TARN_OP_STAMP, 6),
                              other(TARN_OP_ALLOC_WIDE, 3),
                              A + 1,
                              other(TARN_OP_ALLOC_SIZED, 7),
                              B,
                              999,
                              alloc(B, 0),
                              other(TARN_OP_ALLOC_WIDE, 400),
                              0x8000};
    maker_start(m);
    maker_block(m, &(tarn_block_head){.slot = 2, .words = 10, .stamp = 1}, second);
    maker_block(m, &(tarn_block_head){.slot = 1, .words = 11, .stamp = 1}, first);
    maker_block(m, &(tarn_block_head){.slot = 1, .seq = 1, .words = 9, .stamp = 4, .time_ns = 900},
                third);
    maker_end(m, TARN_END_EXIT, 0);
}

typedef struct expected {
    uint8_t kind;
    uint32_t thread, object;
    uint64_t size, old_size;
} expected;

static const expected small[] = {
    {TARN_EVENT_THREAD_START, 0, 0, 0, 0},
    {TARN_EVENT_ALLOC, 0, 0, 16, 0},
    {TARN_EVENT_ALLOC, 0, 1, 32, 0},
    {TARN_EVENT_THREAD_START, 1, 0, 0, 0},
    {TARN_EVENT_FREE, 1, 0, 16, 0},
    {TARN_EVENT_ALLOC, 0, 0, 48, 0},
    {TARN_EVENT_REALLOC, 0, 1, 112, 32},
    {TARN_EVENT_FREE, 1, 0, 48, 0},
    {TARN_EVENT_USABLE, 1, 1, 120, 0},
    {TARN_EVENT_FREE, 1, 1, 112, 0}, /* 0x7777 is not ours: left out */
    {TARN_EVENT_THREAD_END, 1, 0, 0, 0},
    {TARN_EVENT_ALLOC, 0, 1, 64, 0},
    {TARN_EVENT_ALLOC, 0, 0, 999, 0},
    {TARN_EVENT_FREE, 0, 0, 999, 0}, /* an address given out twice was freed unseen */
    {TARN_EVENT_ALLOC, 0, 0, 16, 0},
    {TARN_EVENT_ALLOC, 0, 2, 0, 0}, /* a context that was never told */
};
#define SMALL (sizeof small / sizeof small[0])

static void expect_small(tarn_trace *t)
{
    tarn_event e;
    for (size_t i = 0; i < SMALL; i++) {
        assert_true(tarn_trace_next(t, &e));
        assert_int_equal(e.seq, i);
        assert_int_equal(e.kind, small[i].kind);
        assert_int_equal(e.thread, small[i].thread);
        assert_int_equal(e.object, small[i].object);
        assert_int_equal(e.size, small[i].size);
        assert_int_equal(e.old_size, small[i].old_size);
    }
    assert_int_equal(e.time_ns, 900);
    assert_int_equal(e.context, TARN_NO_CONTEXT);
    assert_false(tarn_trace_next(t, &e));
    assert_false(tarn_trace_next(t, &e));
}

static void events_in_order(void **state)
{
    (void)state;
    maker m;
    tarn_trace *t;
    char why[TARN_TRACE_MESSAGE];
    make_small(&m);
    assert_int_equal(tarn_trace_open(m.path, &t, why), TARN_TRACE_COMPLETE);
    assert_string_equal(why, "");
    assert_int_equal(tarn_trace_get_info(t)->pid, 4242);
    assert_string_equal(tarn_trace_get_info(t)->end, "exit");
    expect_small(t);
    tarn_trace_rewind(t);
    expect_small(t);
    assert_int_equal(tarn_trace_scan(t), TARN_TRACE_COMPLETE);
    const tarn_trace_counts *n = tarn_trace_get_counts(t);
    assert_int_equal(n->events, SMALL);
    assert_int_equal(n->allocs, 7);
    assert_int_equal(n->frees, 4);
    assert_int_equal(n->reallocs, 1);
    assert_int_equal(n->foreign_frees, 1);
    assert_int_equal(n->told, SMALL - 1 + 1); /* without the free unseen, with the foreign one */
    assert_int_equal(n->threads, 2);
    assert_int_equal(n->objects, 3);
    assert_int_equal(n->peak_live, 64 + 999);
    assert_int_equal(n->live_at_end, 64 + 16);
    expect_small(t);
    tarn_trace_close(t);
    maker_stop(&m);
}

/* Read all of it: whatever happens, the events obey the rules that a replayer counts on. */
static uint64_t read_by_the_rules(const char *path, tarn_trace_status *status)
{
    tarn_trace *t;
    char why[TARN_TRACE_MESSAGE];
    bool live[64] = {false};
    uint64_t count = 0;
    *status = tarn_trace_open(path, &t, why);
    if (!t) {
        assert_true(why[0] != 0);
        return 0;
    }
    for (tarn_event e; tarn_trace_next(t, &e); count++) {
        assert_true(e.object < 64);
        if (e.kind <= TARN_EVENT_ALIGNED) {
            assert_false(live[e.object]);
            live[e.object] = true;
        } else if (e.kind <= TARN_EVENT_USABLE) {
            assert_true(live[e.object]);
            live[e.object] = e.kind != TARN_EVENT_FREE;
        }
    }
    *status = tarn_trace_state(t, why);
    assert_true((*status == TARN_TRACE_COMPLETE) == (why[0] == 0));
    tarn_trace_close(t);
    return count;
}

static void cut_off_anywhere(void **state)
{
    (void)state;
    maker m;
    size_t size;
    tarn_trace_status status;
    uint64_t last = 0;
    make_small(&m);
    unsigned char *bytes = maker_read(m.path, &size);
    for (size_t cut = 0; cut < size; cut++) {
        maker_write(m.path, bytes, cut);
        uint64_t count = read_by_the_rules(m.path, &status);
        assert_true(status ==
                    (cut < sizeof(tarn_file_head) ? TARN_TRACE_UNREADABLE : TARN_TRACE_TRUNCATED));
        assert_true(count >= last); /* more bytes never yield less */
        last = count;
    }
    assert_int_equal(last, SMALL); /* only the end block is missing */
    free(bytes);
    maker_stop(&m);
}

static void damaged_anywhere(void **state)
{
    (void)state;
    maker m;
    size_t size;
    tarn_trace_status status;
    make_small(&m);
    unsigned char *bytes = maker_read(m.path, &size);
    size_t noticed = 0;
    for (size_t at = 0; at < size; at++) {
        for (unsigned bit = 0; bit < 8; bit += 3) {
            bytes[at] ^= (unsigned char)(1u << bit);
            maker_write(m.path, bytes, size);
            read_by_the_rules(m.path, &status);
            noticed += status != TARN_TRACE_COMPLETE;
            bytes[at] ^= (unsigned char)(1u << bit);
        }
    }
    /* Not noticed: the unused word of the file head, and the end record, which has no checksum. */
    assert_true(noticed >= (size - 4 - sizeof(tarn_end_record)) * 3);
    free(bytes);
    maker_stop(&m);
}

/* A block of thread `owner` whose words speak of thread `named`, between good blocks. */
static void check_thread_number(uint64_t owner, uint64_t named, uint32_t threads, bool damaged)
{
    maker m;
    tarn_trace *t;
    char why[TARN_TRACE_MESSAGE];
    const uint64_t good[] = {other(TARN_OP_STAMP, 2), other(TARN_OP_THREAD, 0), alloc(A, 0)};
    const uint64_t odd[] = {other(TARN_OP_STAMP, 3), other(TARN_OP_THREAD, named), alloc(B, 1),
                            other(TARN_OP_THREAD_END, 0)};
    const uint64_t last[] = {other(TARN_OP_STAMP, 4), tarn_word_free(A)};
    maker_start(&m);
    maker_block(&m, &(tarn_block_head){.slot = 1, .words = 3, .stamp = 1}, good);
    maker_block(
        &m, &(tarn_block_head){.slot = 2, .words = 4, .stamp = 2, .thread = (uint32_t)owner}, odd);
    maker_block(&m, &(tarn_block_head){.slot = 1, .seq = 1, .words = 2, .stamp = 4}, last);
    maker_end(&m, TARN_END_EXIT, 0);
    assert_int_equal(tarn_trace_open(m.path, &t, why), TARN_TRACE_COMPLETE);
    assert_int_equal(tarn_trace_scan(t), damaged ? TARN_TRACE_CORRUPT : TARN_TRACE_COMPLETE);
    const tarn_trace_counts *n = tarn_trace_get_counts(t);
    assert_int_equal(n->threads, threads);
    assert_int_equal(n->lost_blocks, damaged);
    assert_true((n->lost_events > 0) == damaged);
    assert_int_equal(n->allocs, damaged ? 1 : 2);
    assert_int_equal(n->frees, 1); /* what follows is read */
    tarn_trace_close(t);
    maker_stop(&m);
}

static void thread_numbers_beyond_reason(void **state)
{
    (void)state;
    check_thread_number(0, 1, 2, false);
    check_thread_number(0, TARN_THREADS_MAX - 1, TARN_THREADS_MAX, false);
    check_thread_number(0, TARN_THREADS_MAX, 1, true);
    check_thread_number(0, UINT32_MAX, 1, true);
    check_thread_number(0, UINT64_C(1) << 32, 1, true); /* not thread 0 */
    check_thread_number(TARN_THREADS_MAX, 1, 1, true);
    check_thread_number(UINT32_MAX, 1, 1, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_in_order),
        cmocka_unit_test(cut_off_anywhere),
        cmocka_unit_test(damaged_anywhere),
        cmocka_unit_test(thread_numbers_beyond_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
