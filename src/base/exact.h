/* SPDX-License-Identifier: MIT */
/*
 * exact.h - exact division by a number that stays the same, by one multiplication.
 *
 * For: the number of a block from its offset. With divisor = odd << shift, multiplying by the inverse
 * of odd modulo 2^N and rotating right by shift gives the quotient when the division is exact, and a
 * number larger than any quotient when it is not: so a pointer into the middle of a block is found,
 * too. Source: H. S. Warren, Hacker's Delight, 2nd edition, section 10-17 (test for zero remainder).
 */
#ifndef TARN_BASE_EXACT_H
#define TARN_BASE_EXACT_H

#include <stddef.h>

typedef struct tarn_exact {
    size_t inverse; /* of the odd part, modulo 2^N */
    unsigned shift;
} tarn_exact;

/* Newton's iteration; each step doubles the bits that are right. */
static inline tarn_exact tarn_exact_by(size_t divisor)
{
    tarn_exact e = {0, (unsigned)__builtin_ctzll(divisor)};
    size_t odd = divisor >> e.shift;
    e.inverse = odd;
    for (int bits = 3; bits < 64; bits *= 2)
        e.inverse *= 2 - odd * e.inverse;
    return e;
}

/* offset / divisor; larger than SIZE_MAX / divisor when there is a remainder. */
static inline size_t tarn_exact_divide(size_t offset, size_t inverse, unsigned shift)
{
    size_t x = offset * inverse;
    return shift == 0 ? x : x >> shift | x << (sizeof x * 8 - shift);
}

#endif
