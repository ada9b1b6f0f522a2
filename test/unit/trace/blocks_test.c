/* SPDX-License-Identifier: MIT */
/* Blocks are found in whatever is left of a trace. */
#include "support/tarn_test.h"

#include "maker.h"
#include "trace/blocks.h"
#include "trace/reader.h"
#include "trace/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const uint64_t one_word[] = {UINT64_C(0x1000) << 2 | TARN_WORD_FREE};

static void put(maker *m, uint32_t slot, uint32_t seq)
{
    maker_block(m, &(tarn_block_head){.slot = slot, .seq = seq, .words = 1}, one_word);
}

static void put_in_order_and_told_once(void **state)
{
    (void)state;
    maker m;
    tarn_blocks b;
    char why[TARN_TRACE_MESSAGE];
    maker_start(&m);
    put(&m, 2, 1);
    put(&m, 1, 0);
    put(&m, 2, 0);
    put(&m, 2, 1); /* a copy */
    maker_end(&m, TARN_END_EXIT, 0);
    assert_true(tarn_blocks_open(&b, m.path, why));
    assert_int_equal(b.count, 4);
    static const uint32_t slots[] = {0, 1, 2, 2}, seqs[] = {0, 0, 0, 1};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(b.list[i].head.slot, slots[i]);
        assert_int_equal(b.list[i].head.seq, seqs[i]);
    }
    assert_true(b.has_end);
    assert_int_equal(b.bad_blocks, 0);
    tarn_blocks_close(&b);
    maker_stop(&m);
}

static void found_again_behind_rubbish(void **state)
{
    (void)state;
    maker m;
    tarn_blocks b;
    char why[TARN_TRACE_MESSAGE];
    static unsigned char rubbish[100001];
    uint32_t magic = TARN_BLOCK_MAGIC;
    for (size_t i = 0; i + 7 < sizeof rubbish; i += 7)
        memcpy(rubbish + i, &magic, sizeof magic); /* looks like a head, has no right check */
    maker_start(&m);
    put(&m, 1, 0);
    maker_bytes(&m, rubbish, sizeof rubbish);
    put(&m, 1, 1);
    maker_end(&m, TARN_END_EXIT, 0);
    assert_true(tarn_blocks_open(&b, m.path, why));
    assert_int_equal(b.count, 3);
    assert_int_equal(b.bad_blocks, 1);
    assert_true(b.has_end);
    assert_false(b.cut_off);
    tarn_blocks_close(&b);
    maker_stop(&m);
}

static void what_is_no_trace(void **state)
{
    (void)state;
    maker m;
    tarn_blocks b;
    char why[TARN_TRACE_MESSAGE];
    size_t size;
    maker_start(&m);
    unsigned char *bytes = maker_read(m.path, &size);
    bytes[8] = 99; /* version */
    maker_write(m.path, bytes, size);
    assert_false(tarn_blocks_open(&b, m.path, why));
    assert_non_null(strstr(why, "version 99"));
    tarn_blocks_close(&b);
    maker_write(m.path, "hello", 5);
    assert_false(tarn_blocks_open(&b, m.path, why));
    assert_non_null(strstr(why, "not a trace"));
    tarn_blocks_close(&b);
    assert_false(tarn_blocks_open(&b, "/nonexistent/x", why));
    assert_non_null(strstr(why, "No such file"));
    tarn_blocks_close(&b);
    assert_false(tarn_blocks_open(&b, "/tmp", why));
    tarn_blocks_close(&b);
    free(bytes);
    maker_stop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_in_order_and_told_once),
        cmocka_unit_test(found_again_behind_rubbish),
        cmocka_unit_test(what_is_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
