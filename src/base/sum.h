/* SPDX-License-Identifier: MIT */
/*
 * sum.h - a checksum of bytes, for finding damage. Not for: keys of tables, or against somebody who
 * forges it.
 *
 * Eight bytes at a time are mixed in by a multiplication with an odd constant and a shift: both can
 * be undone, so a change of any one word changes the sum.
 */
#ifndef TARN_BASE_SUM_H
#define TARN_BASE_SUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

#define TARN_SUM_START ((uint64_t)0x7461726e73756d31)

/* The sum of what came before, and of these bytes. */
static inline uint64_t tarn_sum(uint64_t sum, const void *bytes, size_t size)
{
    const unsigned char *p = bytes;
    for (size_t left = size; left > 0;) {
        uint64_t word = 0;
        size_t n = left < sizeof word ? left : sizeof word;
        memcpy(&word, p, n);
        sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 29;
        p += n;
        left -= n;
    }
    return (sum ^ (uint64_t)size) * 0x9e3779b97f4a7c15u;
}

#endif
