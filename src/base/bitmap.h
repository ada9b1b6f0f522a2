/* SPDX-License-Identifier: MIT */
/*
 * bitmap.h - a set of small integers as bits, with summaries above them, in memory that the owner
 * provides.
 *
 * For: "which is the lowest member from here on?" in a few instructions, whatever the size of the
 * set. Not for: sharing between threads.
 *
 *     level 2   [ 1 bit a level-1 word that is not 0 ]                     one word, the root
 *     level 1   [ 1 bit a level-0 word that is not 0 ][ … ]
 *     level 0   [ 64 members ][ 64 members ][ 64 members ][ … ]
 *
 * I1  A bit of level n+1 is set exactly when the word of level n that it stands for is not 0.
 * I2  Words come into being from the front, one level-0 word at a time (tarn_bitmap_open): memory
 *     behind the last opened word is neither read nor written, so a set of a million members costs
 *     nothing until it is used.
 */
#ifndef TARN_BASE_BITMAP_H
#define TARN_BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 64^6 members; more than a chunk can have. */
#define TARN_BITMAP_LEVELS 6

#define TARN_BITMAP_NONE SIZE_MAX

typedef struct tarn_bitmap {
    uint64_t *level[TARN_BITMAP_LEVELS];
    size_t opened; /* level-0 words that exist */
    unsigned levels;
} tarn_bitmap;

/* Words of storage that a set of `members` needs, all levels together. */
size_t tarn_bitmap_words(size_t members);

/* Lay an empty set of `members` into storage; touches none of it. */
void tarn_bitmap_init(tarn_bitmap *b, uint64_t *storage, size_t members);

/* Bring the next level-0 word into being, empty. */
void tarn_bitmap_open(tarn_bitmap *b);

/* The first level-0 word at or after `from` that is not 0; TARN_BITMAP_NONE when there is none. */
size_t tarn_bitmap_next(const tarn_bitmap *b, size_t from);

/* Word w was 0 and is not any more, or the reverse: mend the levels above (I1). */
void tarn_bitmap_rise(tarn_bitmap *b, size_t w);
void tarn_bitmap_sink(tarn_bitmap *b, size_t w);

/* Is I1 true? */
bool tarn_bitmap_valid(const tarn_bitmap *b);

/* Add a member whose word is opened. False when it was there already. */
static inline bool tarn_bitmap_add(tarn_bitmap *b, size_t i)
{
    uint64_t *word = &b->level[0][i >> 6];
    uint64_t bit = (uint64_t)1 << (i & 63);
    uint64_t old = *word;
    if ((old & bit) != 0)
        return false;
    *word = old | bit;
    if (old == 0)
        tarn_bitmap_rise(b, i >> 6);
    return true;
}

/* Is i a member? Its word must be opened. */
static inline bool tarn_bitmap_has(const tarn_bitmap *b, size_t i)
{
    return (b->level[0][i >> 6] >> (i & 63) & 1) != 0;
}

/* Replace word w by what is left of it. */
static inline void tarn_bitmap_put(tarn_bitmap *b, size_t w, uint64_t left)
{
    b->level[0][w] = left;
    if (left == 0)
        tarn_bitmap_sink(b, w);
}

#endif
