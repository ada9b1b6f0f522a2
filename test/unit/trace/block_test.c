/* SPDX-License-Identifier: MIT */
/* A sealed block opens to what went in, and only when head and payload are whole. */
#include "support/tarn_test.h"

#include "maker.h"
#include "trace/words.h"

#include <stdlib.h>

static uint64_t words[TARN_SLOT_WORDS], back[TARN_SLOT_WORDS];

static void sealed_and_opened(void **state)
{
    (void)state;
    tarn_sealer *sealer = malloc(sizeof *sealer);
    assert_non_null(sealer);
    for (uint32_t i = 0; i < 5000; i++)
        words[i] = tarn_word_alloc(TARN_WORD_ALLOC, 0x1000 + i * 48ull, i % 7);
    tarn_block_head head = {
        .type = TARN_BLOCK_EVENTS, .slot = 3, .seq = 9, .words = 5000, .stamp = 77};
    size_t length = tarn_block_seal(sealer, &head, words);
    assert_true(length > sizeof head && length < 5000);
    assert_int_equal(length, sizeof head + head.packed);
    uint8_t *copy = malloc(length);
    memcpy(copy, sealer->block, length);
    assert_true(tarn_block_valid(&head));
    assert_true(tarn_block_open(sealer, &head, copy + sizeof head, back));
    assert_memory_equal(words, back, 5000 * sizeof *words);
    size_t noticed = 0;
    for (size_t i = sizeof head; i < length; i++) {
        copy[i] ^= 0x40;
        /* zstd has bits that mean nothing; all others are noticed */
        if (tarn_block_open(sealer, &head, copy + sizeof head, back))
            assert_memory_equal(words, back, 5000 * sizeof *words);
        else
            noticed++;
        copy[i] ^= 0x40;
    }
    assert_true(noticed + 8 > length - sizeof head);
    for (size_t i = 0; i < sizeof head; i++) {
        tarn_block_head bad;
        memcpy(&bad, copy, sizeof bad);
        ((uint8_t *)&bad)[i] ^= 1;
        assert_false(tarn_block_valid(&bad));
    }
    free(copy);
    free(sealer);
}

static void records_of_slot_0(void **state)
{
    (void)state;
    static uint8_t records[TARN_SLOT_BYTES], again[TARN_SLOT_BYTES];
    uint64_t seed = 5;
    tarn_sealer *sealer = malloc(sizeof *sealer);
    for (size_t i = 0; i < sizeof records; i++) /* random: zstd cannot shrink it */
        records[i] = (uint8_t)maker_random(&seed);
    tarn_block_head head = {.type = TARN_BLOCK_META, .words = sizeof records};
    assert_true(tarn_block_seal(sealer, &head, records) > 0);
    uint8_t *copy = malloc(head.packed);
    memcpy(copy, sealer->block + sizeof head, head.packed);
    assert_true(tarn_block_open(sealer, &head, copy, again));
    assert_memory_equal(records, again, sizeof records);
    free(copy);
    free(sealer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_and_opened),
        cmocka_unit_test(records_of_slot_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
