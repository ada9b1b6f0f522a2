/* SPDX-License-Identifier: MIT */
/* Blocks: a slot's contents, packed, compressed and with a head, ready for one write(); and the way back.
 * No allocation: compressor and buffers live in a tarn_sealer that the caller places (about 3 MB).
 */
#ifndef TARN_TRACE_BLOCK_H
#define TARN_TRACE_BLOCK_H

#include "trace/format.h"
#include "trace/pack.h"

#define TARN_ZSTD_LEVEL 1
#define TARN_ZSTD_WORKSPACE                                                                        \
    (2u << 20) /* more than ZSTD_estimateCCtxSize for the level; checked when used */
#define TARN_BLOCK_BYTES (TARN_PACK_BOUND + TARN_PACK_BOUND / 128u + 1024u)

typedef struct tarn_sealer {
    tarn_pack pack;
    uint8_t columns[TARN_PACK_BOUND];
    uint8_t block[TARN_BLOCK_BYTES]; /* result: head and payload */
    _Alignas(64) uint8_t workspace[TARN_ZSTD_WORKSPACE];
} tarn_sealer;

/* Seal a slot: fill type, slot, seq, thread, stamp, time of head, and words = what data holds (META: bytes).
 * Returns the bytes of sealer->block, 0 when compression failed. */
size_t tarn_block_seal(tarn_sealer *sealer, tarn_block_head *head, const void *data);

/* Is this a head that can be believed? */
bool tarn_block_valid(const tarn_block_head *head);

/* Complete a head: magic and check. */
void tarn_block_sign(tarn_block_head *head);

/* What a block's payload says. data has room for TARN_SLOT_BYTES. */
bool tarn_block_open(tarn_sealer *sealer, const tarn_block_head *head, const uint8_t *payload,
                     void *data);

#endif
