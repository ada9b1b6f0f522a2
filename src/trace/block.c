/* SPDX-License-Identifier: MIT */
/* Blocks: pack, compress, head; and back. zstd works in the caller's memory, so that a recorder never recurses. */
#define ZSTD_STATIC_LINKING_ONLY
#include "trace/block.h"

#include <string.h>
#include <zstd.h>

void tarn_block_sign(tarn_block_head *head)
{
    head->magic = TARN_BLOCK_MAGIC;
    head->check = tarn_check(head, sizeof *head - sizeof head->check);
}

bool tarn_block_valid(const tarn_block_head *head)
{
    return head->magic == TARN_BLOCK_MAGIC &&
           head->check == tarn_check(head, sizeof *head - sizeof head->check) &&
           head->packed <= TARN_BLOCK_BYTES && head->unpacked <= TARN_PACK_BOUND &&
           head->slot < TARN_SLOTS_MAX &&
           head->words <= (head->type == TARN_BLOCK_META ? TARN_SLOT_BYTES : TARN_SLOT_WORDS);
}

size_t tarn_block_seal(tarn_sealer *sealer, tarn_block_head *head, const void *data)
{
    ZSTD_CCtx *zstd = ZSTD_initStaticCCtx(sealer->workspace, sizeof sealer->workspace);
    if (!zstd)
        return 0;
    const void *from = data;
    size_t length = head->words;
    head->others = 0;
    if (head->type == TARN_BLOCK_EVENTS) {
        length = tarn_pack_encode(&sealer->pack, data, head->words, sealer->columns);
        head->others = sealer->pack.other_words;
        from = sealer->columns;
    }
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, TARN_ZSTD_LEVEL);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
    size_t packed = ZSTD_compress2(zstd, sealer->block + sizeof *head,
                                   sizeof sealer->block - sizeof *head, from, length);
    if (ZSTD_isError(packed))
        return 0;
    head->unpacked = (uint32_t)length;
    head->packed = (uint32_t)packed;
    tarn_block_sign(head);
    memcpy(sealer->block, head, sizeof *head);
    return sizeof *head + packed;
}

bool tarn_block_open(tarn_sealer *sealer, const tarn_block_head *head, const uint8_t *payload,
                     void *data)
{
    bool meta = head->type == TARN_BLOCK_META;
    ZSTD_DCtx *zstd = ZSTD_initStaticDCtx(sealer->workspace, sizeof sealer->workspace);
    if (!zstd)
        return false;
    size_t got =
        ZSTD_decompressDCtx(zstd, meta ? data : sealer->columns,
                            meta ? TARN_SLOT_BYTES : sizeof sealer->columns, payload, head->packed);
    if (ZSTD_isError(got) || got != head->unpacked)
        return false;
    if (meta)
        return got == head->words;
    return tarn_pack_decode(&sealer->pack, sealer->columns, got, data, head->words);
}
