/* SPDX-License-Identifier: MIT */
/*
 * two_level.h - which free pieces are big enough? An index of sizes in two levels of bits, O(1).
 *
 * For: segregated fit (tlsf, range): the owner keeps one list of free pieces a bin, this tells which
 * lists are not empty. It has no memory of its own, knows no lists, and a size is a number of units:
 * bytes, granules, whatever the owner counts.
 *
 *     first    bit f: some bin of row f is in use                       words[0]
 *                 │
 *     row 0    [ sizes 0, 1, 2, …, 2^b - 1, one bin each           ]    words[1]
 *     row 1    [ sizes 2^b … 2^(b+1) - 1, one bin each             ]    words[2]
 *     row f    [ 2^(b+f-1) … 2^(b+f) - 1 in 2^b bins of 2^(f-1)    ]    words[1 + f]
 *
 * b, from 1 to 6, is how many bits of a size below its highest one are looked at: the sizes of one
 * bin differ by less than one part in 2^b. Pass b as a constant and it costs nothing.
 *
 * I1  Bit f of `first` is set exactly when row f is not 0.
 * I2  Bins are ordered as their sizes: bin(x) <= bin(y) when x <= y, and a larger bin holds only
 *     larger sizes.
 *
 * Source: M. Masmano, I. Ripoll, A. Crespo, J. Real, "TLSF: a New Dynamic Memory Allocator for
 * Real-Time Systems", ECRTS 2004, section 4 (the mapping and the search).
 */
#ifndef TARN_BASE_TWO_LEVEL_H
#define TARN_BASE_TWO_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

#define TARN_TWO_LEVEL_NONE UINT32_MAX

/* Rows, bins and words for sizes below 2^log2_limit; b <= log2_limit <= 64. */
#define TARN_TWO_LEVEL_ROWS(b, log2_limit)  ((log2_limit) - (b) + 1)
#define TARN_TWO_LEVEL_BINS(b, log2_limit)  (TARN_TWO_LEVEL_ROWS(b, log2_limit) << (b))
#define TARN_TWO_LEVEL_WORDS(b, log2_limit) (TARN_TWO_LEVEL_ROWS(b, log2_limit) + 1)

/* The bin that a free piece of this size belongs to. */
static inline uint32_t tarn_two_level_bin(unsigned b, uint64_t size)
{
    if (size < (uint64_t)2 << b)
        return (uint32_t)size;
    unsigned shift = 63 - b - (unsigned)__builtin_clzll(size);
    return (uint32_t)(((uint64_t)shift << b) + (size >> shift));
}

/*
 * The first bin of which every piece holds `size`: that of the size rounded up to the next bin's
 * lowest. It may lie one past the last bin, where nothing is ever found.
 */
static inline uint32_t tarn_two_level_fit(unsigned b, uint64_t size)
{
    if (size < (uint64_t)2 << b)
        return (uint32_t)size;
    unsigned shift = 63 - b - (unsigned)__builtin_clzll(size);
    return (uint32_t)(((uint64_t)shift << b) + ((size - 1) >> shift) + 1);
}

/* The lowest and the highest size of a bin. */
static inline uint64_t tarn_two_level_low(unsigned b, uint32_t bin)
{
    unsigned row = bin >> b;
    if (row == 0)
        return bin;
    return ((bin & (((uint32_t)1 << b) - 1)) + ((uint64_t)1 << b)) << (row - 1);
}

static inline uint64_t tarn_two_level_high(unsigned b, uint32_t bin)
{
    unsigned row = bin >> b;
    return tarn_two_level_low(b, bin) + (row == 0 ? 0 : ((uint64_t)1 << (row - 1)) - 1);
}

/* A bin comes into use, or falls out of it; both may be said twice. */
static inline void tarn_two_level_set(uint64_t *words, unsigned b, uint32_t bin)
{
    uint32_t row = bin >> b;
    words[0] |= (uint64_t)1 << row;
    words[1 + row] |= (uint64_t)1 << (bin & (((uint32_t)1 << b) - 1));
}

static inline void tarn_two_level_clear(uint64_t *words, unsigned b, uint32_t bin)
{
    uint32_t row = bin >> b;
    words[1 + row] &= ~((uint64_t)1 << (bin & (((uint32_t)1 << b) - 1)));
    if (words[1 + row] == 0)
        words[0] &= ~((uint64_t)1 << row);
}

static inline bool tarn_two_level_has(const uint64_t *words, unsigned b, uint32_t bin)
{
    return (words[1 + (bin >> b)] >> (bin & (((uint32_t)1 << b) - 1)) & 1) != 0;
}

/*
 * The first bin in use at or after `from`; TARN_TWO_LEVEL_NONE when there is none. `from` is a bin
 * of the index, or one past the last: then its row must not be looked at, so `rows` is passed.
 */
static inline uint32_t tarn_two_level_find(const uint64_t *words, unsigned b, uint32_t rows,
                                           uint32_t from)
{
    uint32_t row = from >> b;
    if (row >= rows)
        return TARN_TWO_LEVEL_NONE;
    uint64_t ahead = words[1 + row] & ~(uint64_t)0 << (from & (((uint32_t)1 << b) - 1));
    if (ahead == 0) {
        uint64_t above = words[0] & ~(uint64_t)1 << row;
        if (above == 0)
            return TARN_TWO_LEVEL_NONE;
        row = (uint32_t)__builtin_ctzll(above);
        ahead = words[1 + row];
    }
    return (row << b) + (uint32_t)__builtin_ctzll(ahead);
}

/* The last bin in use, TARN_TWO_LEVEL_NONE when all are empty: where the largest piece is. */
static inline uint32_t tarn_two_level_last(const uint64_t *words, unsigned b)
{
    if (words[0] == 0)
        return TARN_TWO_LEVEL_NONE;
    uint32_t row = 63 - (uint32_t)__builtin_clzll(words[0]);
    return (row << b) + 63 - (uint32_t)__builtin_clzll(words[1 + row]);
}

/* Is I1 true? */
static inline bool tarn_two_level_valid(const uint64_t *words, unsigned b, uint32_t rows)
{
    uint64_t first = 0, wide = b < 6 ? ((uint64_t)1 << ((uint32_t)1 << b)) - 1 : UINT64_MAX;
    for (uint32_t row = 0; row < rows; row++) {
        if ((words[1 + row] & ~wide) != 0)
            return false;
        first |= (uint64_t)(words[1 + row] != 0) << row;
    }
    return first == words[0];
}

#endif
