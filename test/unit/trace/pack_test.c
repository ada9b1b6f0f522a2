/* SPDX-License-Identifier: MIT */
/* Packing loses nothing, whatever the words; unpacking survives any bytes; a steady program packs small. */
#include "support/tarn_test.h"

#include "maker.h"
#include "trace/pack.h"
#include "trace/words.h"

#include <stdlib.h>

static tarn_pack packer;
static uint64_t words[TARN_SLOT_WORDS], back[TARN_SLOT_WORDS];
static uint8_t bytes[TARN_PACK_BOUND];

static size_t round_trip(uint32_t count)
{
    size_t length = tarn_pack_encode(&packer, words, count, bytes);
    assert_true(length <= TARN_PACK_BOUND);
    memset(back, 0xaa, count * sizeof *back);
    memset(&packer, 0x55, sizeof packer);
    assert_true(tarn_pack_decode(&packer, bytes, length, back, count));
    assert_memory_equal(words, back, count * sizeof *words);
    return length;
}

static void the_worst_words(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (uint32_t i = 0; i < TARN_SLOT_WORDS; i++) /* every address far from the last one */
        words[i] = i & 1
                       ? tarn_word_free(maker_random(&seed) >> 2)
                       : tarn_word_alloc(TARN_WORD_ALLOC, maker_random(&seed) >> 17 << 3, 0x3ffff);
    round_trip(TARN_SLOT_WORDS);
    for (uint32_t i = 0; i < TARN_SLOT_WORDS; i++)
        words[i] = i & 1 ? ~(uint64_t)i : tarn_word_other(TARN_OP_USABLE, maker_random(&seed) >> 8);
    round_trip(TARN_SLOT_WORDS);
    round_trip(0);
    round_trip(1);
    round_trip(TARN_SLOT_WORDS - 1); /* ends within an event */
}

static uint64_t any_word(uint64_t *seed)
{
    uint64_t r = maker_random(seed);
    uint64_t address = 0x7f0000000000 + (maker_random(seed) % 300) * (r & 1 ? 16 : 8);
    uint32_t key = (uint32_t)(maker_random(seed) % 1000);
    switch (r >> 8 & 7) {
    case 0:
    case 1:
        return tarn_word_alloc(TARN_WORD_ALLOC, address, key);
    case 2:
    case 3:
        return tarn_word_free(address + (r >> 16 & 3));
    case 4:
        return tarn_word_other(TARN_OP_REALLOC_BEGIN, address);
    case 5:
        return tarn_word_alloc(TARN_WORD_REALLOC, address, key);
    case 6:
        return tarn_word_other(r & 16 ? TARN_OP_STAMP : TARN_OP_TIME, maker_random(seed) >> 8);
    default:
        return tarn_word_other((tarn_word_op)(r >> 16 & 63), maker_random(seed) >> 8);
    }
}

static void any_words(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint64_t random = seed * 77;
        uint32_t count = (uint32_t)(maker_random(&random) % 2000);
        for (uint32_t i = 0; i < count; i++)
            words[i] = any_word(&random);
        round_trip(count);
    }
}

/* A program that takes and gives back in a pattern costs no addresses. */
static void a_steady_program_is_small(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < TARN_SLOT_WORDS; i += 2) {
        uint64_t address = 0x555500000000 + i % 64 * 32;
        words[i] = tarn_word_alloc(TARN_WORD_ALLOC, address, i % 3);
        words[i + 1] = tarn_word_free(address);
    }
    assert_true(round_trip(TARN_SLOT_WORDS) < TARN_SLOT_WORDS * 2 + 64); /* before zstd */
}

static void any_bytes(void **state)
{
    (void)state;
    uint64_t random = 99;
    for (uint32_t i = 0; i < 500; i++)
        words[i] = any_word(&random);
    size_t length = tarn_pack_encode(&packer, words, 500, bytes);
    uint8_t *copy = malloc(length);
    memcpy(copy, bytes, length);
    for (size_t i = 0; i < length; i++) {
        copy[i] ^= (uint8_t)(1u << i % 8);
        tarn_pack_decode(&packer, copy, length, back,
                         500); /* any answer, no crash (run under ASan too) */
        copy[i] = bytes[i];
        assert_false(tarn_pack_decode(&packer, copy, i, back, 500));
    }
    for (size_t round = 0; round < 2000; round++) {
        for (size_t i = 0; i < length; i++)
            copy[i] = (uint8_t)maker_random(&random);
        tarn_pack_decode(&packer, copy, length, back, 500);
    }
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worst_words),
        cmocka_unit_test(any_words),
        cmocka_unit_test(a_steady_program_is_small),
        cmocka_unit_test(any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
