/* SPDX-License-Identifier: MIT */
/* What a killed program leaves: readable with its side file, and the same events once finished. */
#include "support/tarn_test.h"

#include "maker.h"
#include "trace/finish.h"
#include "trace/reader.h"
#include "trace/words.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void put_slot(FILE *f, uint32_t index, uint64_t fill, const uint64_t *words, size_t count)
{
    long at = (long)(TARN_LIVE_HEAD + index * TARN_SLOT_STRIDE);
    tarn_live_slot slot = {.fill = fill, .stamp = 1, .index = index};
    fseek(f, at, SEEK_SET);
    assert_int_equal(fwrite(&slot, sizeof slot, 1, f), 1);
    fseek(f, at + (long)TARN_SLOT_HEAD, SEEK_SET);
    if (count)
        assert_int_equal(fwrite(words, 8, count, f), count);
}

/* A trace whose first block is stored, and whose side file holds the rest; slot 2 was killed between storing its block
 * and emptying itself. */
static void make_killed(maker *m, uint32_t ending)
{
    const uint64_t first[] = {tarn_word_other(TARN_OP_STAMP, 2), tarn_word_other(TARN_OP_THREAD, 0),
                              tarn_word_alloc(TARN_WORD_ALLOC, 0x1000, 0)};
    const uint64_t rest[] = {tarn_word_free(0x1000), tarn_word_alloc(TARN_WORD_ALLOC, 0x1000, 1)};
    const uint64_t copy[] = {tarn_word_other(TARN_OP_STAMP, 3),
                             tarn_word_alloc(TARN_WORD_ALLOC, 0x5000, 2)};
    char path[80];
    maker_start(m);
    maker_block(m, &(tarn_block_head){.slot = 1, .words = 3, .stamp = 1}, first);
    maker_block(m, &(tarn_block_head){.slot = 2, .words = 2, .stamp = 1}, copy);
    snprintf(path, sizeof path, "%s.live", m->path);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    tarn_live_head head = {.magic = TARN_LIVE_MAGIC,
                           .version = TARN_FORMAT_VERSION,
                           .pid = 4242,
                           .process_start = 1,
                           .slots = 3,
                           .ending = ending,
                           .failed = 5};
    fwrite(&head, sizeof head, 1, f);
    put_slot(f, 0, UINT64_C(1) << 32, NULL, 0);
    put_slot(f, 1, UINT64_C(1) << 32 | 2, rest, 2);
    put_slot(f, 2, 2, copy, 2);
    fclose(f);
}

static void expect(const char *path, tarn_trace_status want, const char *end)
{
    tarn_trace *t;
    char why[TARN_TRACE_MESSAGE];
    assert_int_equal(tarn_trace_open(path, &t, why), want);
    assert_string_equal(tarn_trace_get_info(t)->end, end);
    tarn_trace_scan(t);
    const tarn_trace_counts *n = tarn_trace_get_counts(t);
    assert_int_equal(n->allocs, 3);
    assert_int_equal(n->frees, 1);
    assert_int_equal(n->failed, 5);
    assert_int_equal(n->live_at_end, 32 + 48);
    tarn_trace_close(t);
}

static void killed(void **state)
{
    (void)state;
    maker m;
    char why[TARN_TRACE_MESSAGE], live[80];
    make_killed(&m, TARN_END_UNKNOWN);
    snprintf(live, sizeof live, "%s.live", m.path);
    expect(m.path, TARN_TRACE_CUT, "unknown");
    assert_true(tarn_trace_finish(m.path, SIGKILL, why));
    assert_int_equal(access(live, F_OK), -1);
    expect(m.path, TARN_TRACE_CUT, "signal 9");
    assert_true(tarn_trace_finish(m.path, 0, why)); /* once is enough */
    expect(m.path, TARN_TRACE_CUT, "signal 9");
    maker_stop(&m);
}

static void quick_exit_of_a_known_status(void **state)
{
    (void)state;
    maker m;
    char why[TARN_TRACE_MESSAGE];
    make_killed(&m, TARN_END_UNKNOWN);
    assert_true(tarn_trace_finish(m.path, 0, why));
    expect(m.path, TARN_TRACE_COMPLETE, "_exit");
    maker_stop(&m);
}

/* Killed while a block was being stored: half of it is in the trace, all of it in the slot. */
static void a_half_block_is_replaced(void **state)
{
    (void)state;
    maker m;
    char why[TARN_TRACE_MESSAGE];
    make_killed(&m, TARN_END_EXIT);
    tarn_block_head head = {
        .type = TARN_BLOCK_EVENTS, .slot = 1, .seq = 1, .words = 2, .packed = 50};
    tarn_block_sign(&head);
    maker_bytes(&m, &head, sizeof head);
    maker_bytes(&m, "half", 4);
    assert_true(tarn_trace_finish(m.path, 0, why));
    expect(m.path, TARN_TRACE_COMPLETE, "exit");
    maker_stop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed),
        cmocka_unit_test(quick_exit_of_a_known_status),
        cmocka_unit_test(a_half_block_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
