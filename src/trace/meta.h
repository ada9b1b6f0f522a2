/* SPDX-License-Identifier: MIT */
/* Records of slot 0: the process, its loaded files, its contexts. Each is a type byte, a varint length, its fields.
 *
 *     'P'  pid, parent pid, program, command                   varints; text = varint length and bytes
 *     'M'  bias, start, end, build-id, path
 *     'K'  number, kind, align_log2, flags, size, stack offset, shared, count, count times a frame
 *          frames: return address first, as a zigzag distance from the frame before (from 0 at first);
 *          `shared` more frames at the outer end are those of the 'K' before it in the same block
 */
#ifndef TARN_TRACE_META_H
#define TARN_TRACE_META_H

#include "trace/format.h"
#include "trace/varint.h"

#define TARN_META_PROCESS 'P'
#define TARN_META_MODULE  'M'
#define TARN_META_KEY     'K'

#define TARN_KEY_ANY_SIZE 1u /* flags of 'K' */
#define TARN_KEY_UNWOUND  2u

#define TARN_META_RECORD_MAX 16384u /* bytes of the longest record */

static inline uint8_t *tarn_meta_text(uint8_t *out, const void *text, size_t length)
{
    out = tarn_varint_put(out, length);
    memcpy(out, text, length);
    return out + length;
}

#endif
