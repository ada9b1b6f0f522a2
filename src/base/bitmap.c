/* SPDX-License-Identifier: MIT */
/*
 * bitmap.c - the summaries of a bitmap: kept on the way up, used on the way down.
 *
 * A change at level 0 climbs only while a word turns from 0 or to 0, so nearly every add and take
 * stays at level 0. A search climbs from the word it starts in until a level shows a set bit ahead,
 * then walks down along lowest bits: at most two visits a level.
 */
#include "base/bitmap.h"

static size_t words_of(size_t bits)
{
    return bits / 64 + (bits % 64 != 0);
}

size_t tarn_bitmap_words(size_t members)
{
    size_t n = words_of(members), sum = n;
    while (n > 1) {
        n = words_of(n);
        sum += n;
    }
    return sum;
}

void tarn_bitmap_init(tarn_bitmap *b, uint64_t *storage, size_t members)
{
    size_t n = words_of(members);
    b->opened = 0;
    b->levels = 0;
    for (;;) {
        b->level[b->levels++] = storage;
        storage += n;
        if (n <= 1)
            break;
        n = words_of(n);
    }
}

void tarn_bitmap_open(tarn_bitmap *b)
{
    size_t w = b->opened++;
    b->level[0][w] = 0;
    for (unsigned l = 1; l < b->levels && w % 64 == 0; l++) {
        w /= 64;
        b->level[l][w] = 0;
    }
}

size_t tarn_bitmap_next(const tarn_bitmap *b, size_t from)
{
    if (from >= b->opened)
        return TARN_BITMAP_NONE;
    if (b->level[0][from] != 0)
        return from;
    size_t bits = b->opened; /* bits of level l that exist: I2 forbids to look further */
    size_t at = from + 1;
    for (unsigned l = 1; l < b->levels && at < bits; l++) {
        uint64_t ahead = b->level[l][at >> 6] & ~(uint64_t)0 << (at & 63);
        if (ahead != 0) {
            at = (at & ~(size_t)63) + (size_t)__builtin_ctzll(ahead);
            while (--l > 0)
                at = at * 64 + (size_t)__builtin_ctzll(b->level[l][at]);
            return at;
        }
        at = (at >> 6) + 1;
        bits = words_of(bits);
    }
    return TARN_BITMAP_NONE;
}

void tarn_bitmap_rise(tarn_bitmap *b, size_t w)
{
    for (unsigned l = 1; l < b->levels; l++) {
        uint64_t *word = &b->level[l][w >> 6];
        uint64_t old = *word;
        *word = old | (uint64_t)1 << (w & 63);
        if (old != 0)
            return;
        w >>= 6;
    }
}

void tarn_bitmap_sink(tarn_bitmap *b, size_t w)
{
    for (unsigned l = 1; l < b->levels; l++) {
        uint64_t *word = &b->level[l][w >> 6];
        *word &= ~((uint64_t)1 << (w & 63));
        if (*word != 0)
            return;
        w >>= 6;
    }
}

bool tarn_bitmap_valid(const tarn_bitmap *b)
{
    size_t bits = b->opened;
    for (unsigned l = 1; l < b->levels; l++) {
        for (size_t w = 0; w < words_of(bits); w++) {
            uint64_t want = 0;
            for (size_t i = 0; i < 64 && w * 64 + i < bits; i++)
                want |= (uint64_t)(b->level[l - 1][w * 64 + i] != 0) << i;
            if (b->level[l][w] != want)
                return false;
        }
        bits = words_of(bits);
    }
    return true;
}
