/* SPDX-License-Identifier: MIT */
/* Numbers as bytes: 7 bits a byte, lowest first, top bit = more follow. A reader never leaves its buffer. */
#ifndef TARN_TRACE_VARINT_H
#define TARN_TRACE_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TARN_VARINT_MAX 10 /* bytes of the longest one */

/* Write v; returns the place after it. The caller has TARN_VARINT_MAX bytes there. */
static inline uint8_t *tarn_varint_put(uint8_t *out, uint64_t v)
{
    while (v >= 0x80) {
        *out++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *out++ = (uint8_t)v;
    return out;
}

static inline uint64_t tarn_zigzag(uint64_t delta)
{
    return delta << 1 ^ (0 - (delta >> 63));
}

static inline uint64_t tarn_unzigzag(uint64_t v)
{
    return v >> 1 ^ (0 - (v & 1));
}

/* Bytes being read. After a read past the end `bad` is set and everything reads as 0. */
typedef struct tarn_bytes {
    const uint8_t *at, *end;
    bool bad;
} tarn_bytes;

static inline uint64_t tarn_varint_get(tarn_bytes *in)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
        uint8_t byte = *in->at++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return v;
    }
    in->bad = true;
    in->at = in->end;
    return 0;
}

/* The next n bytes, or NULL. */
static inline const uint8_t *tarn_bytes_take(tarn_bytes *in, uint64_t n)
{
    if (n > (uint64_t)(in->end - in->at)) {
        in->bad = true;
        in->at = in->end;
        return NULL;
    }
    const uint8_t *at = in->at;
    in->at += n;
    return at;
}

#endif
