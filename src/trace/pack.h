/* SPDX-License-Identifier: MIT */
/* Event words to bytes that compress well, and back. No allocation: the recorder packs inside malloc.
 *
 * Five columns, each as a varint length and its bytes:
 *     codes   4 bits a word: what it is and how its address is told
 *     keys    context keys
 *     refs    an address seen before in this block: how many frees (for an alloc) or allocs (for a free) ago
 *     news    any other address: its distance from the last one of its kind
 *     others  stamps and times as differences, values of rare words
 * An address that comes back, which is most of them, thus costs the age of the block or of the hole, not an address.
 */
#ifndef TARN_TRACE_PACK_H
#define TARN_TRACE_PACK_H

#include "trace/format.h"

#include <stdbool.h>
#include <stddef.h>

#define TARN_PACK_TABLE (TARN_SLOT_WORDS * 2u)
#define TARN_PACK_BOUND (TARN_SLOT_WORDS * 12u + 64u) /* bytes that tarn_pack_encode may write */

/* Working space; contents between calls mean nothing. */
typedef struct tarn_pack {
    uint64_t allocs[TARN_SLOT_WORDS]; /* addresses handed out, in order */
    uint64_t frees[TARN_SLOT_WORDS];  /* addresses given back, in order */
    uint32_t table[TARN_PACK_TABLE];  /* by address: 1 + place in one of the two; top bit: frees */
    uint8_t codes[TARN_SLOT_WORDS / 2];
    uint8_t keys[TARN_SLOT_WORDS * 3];
    uint8_t refs[TARN_SLOT_WORDS * 3];
    uint8_t news[TARN_SLOT_WORDS * 10];
    uint8_t others[TARN_SLOT_WORDS * 10];
    uint32_t other_words; /* after encode: words that are no event of their own */
} tarn_pack;

/* Pack count <= TARN_SLOT_WORDS words; returns the bytes written to out (TARN_PACK_BOUND of room). */
size_t tarn_pack_encode(tarn_pack *pack, const uint64_t *words, uint32_t count, uint8_t *out);

/* The reverse, exactly count words; false when the bytes are not what encode writes. */
bool tarn_pack_decode(tarn_pack *pack, const uint8_t *bytes, size_t length, uint64_t *words,
                      uint32_t count);

#endif
