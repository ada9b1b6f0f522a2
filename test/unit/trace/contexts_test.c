/* SPDX-License-Identifier: MIT */
/* Contexts: shared frames, files, and any bytes at all. */
#include "support/tarn_test.h"

#include "maker.h"
#include "trace/blocks.h"
#include "trace/contexts.h"

#include <stdlib.h>

static uint8_t records[TARN_SLOT_BYTES];

static size_t some_records(void)
{
    maker m;
    tarn_blocks blocks;
    char why[TARN_TRACE_MESSAGE];
    maker_start(&m);
    assert_true(tarn_blocks_open(&blocks, m.path, why));
    assert_int_equal(blocks.count, 1);
    assert_true(tarn_blocks_read(&blocks, &blocks.list[0], records));
    size_t length = blocks.list[0].head.words;
    tarn_blocks_close(&blocks);
    maker_stop(&m);
    return length;
}

static void read_back(void **state)
{
    (void)state;
    size_t length = some_records();
    tarn_contexts c = {0};
    assert_true(tarn_contexts_add(&c, records, length));
    tarn_contexts_seal(&c);
    assert_int_equal(c.pid, 4242);
    assert_string_equal(c.program, "/bin/prog");
    assert_string_equal(c.command, "prog x");
    assert_int_equal(c.module_count, 1);
    assert_string_equal(c.modules[0].path,
                        "/bin/prog"); /* told without a name: the program itself */
    assert_string_equal(c.modules[0].build_id, "abcd");
    assert_int_equal(c.count, MAKER_KEYS);
    for (unsigned i = 0; i < MAKER_KEYS; i++) {
        assert_int_equal(c.list[i].frame_count, 3);
        assert_int_equal(c.list[i].frames[0].address, 0x1000 + i);
        assert_int_equal(c.list[i].frames[0].offset, 0x800 + i);
        assert_int_equal(c.list[i].frames[0].module, 0);
        assert_int_equal(c.list[i].frames[1].address, 0x2000);
        assert_int_equal(c.list[i].frames[2].address, 0x9000);
        assert_int_equal(c.list[i].frames[2].module, TARN_NO_MODULE);
        assert_int_equal(c.list[i].size, i == 7 ? 0 : 16 * (i + 1));
        assert_int_equal(c.list[i].any_size, i == 7);
    }
    tarn_contexts_clear(&c);
}

static void any_bytes(void **state)
{
    (void)state;
    size_t length = some_records();
    uint64_t seed = 3;
    for (int round = 0; round < 20000; round++) {
        size_t cut = round % 3 ? length : maker_random(&seed) % length;
        uint8_t *copy = malloc(cut + 1); /* exact: a read past the end is seen by ASan */
        memcpy(copy, records, cut);
        for (int flips = round % 5; flips > 0 && cut; flips--)
            copy[maker_random(&seed) % cut] = (uint8_t)maker_random(&seed);
        tarn_contexts c = {0};
        tarn_contexts_add(&c, copy, cut);
        tarn_contexts_seal(&c);
        assert_true(c.count <= TARN_KEYS_MAX);
        tarn_contexts_clear(&c);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_back),
        cmocka_unit_test(any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
