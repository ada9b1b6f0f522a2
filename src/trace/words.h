/* SPDX-License-Identifier: MIT */
/* Event words: what a recorded thread stores, 8 bytes an event, before packing.
 *
 *      63                          20 19            2 1 0
 *     [ address >> 3       (44 bits) | key  (18 bits) | 0 ]   alloc
 *     [ address                             (62 bits) | 1 ]   free
 *     [ new address >> 3   (44 bits) | key  (18 bits) | 2 ]   realloc done
 *     [ value                   (56 bits) | op (6 bits) | 3 ]   everything else, see tarn_word_op
 *
 * A key stands for return address, stack offset, size, alignment and kind, so it says all that an address does not.
 * W1  Words follow in program order of the thread; a free stands before the real free, an alloc after the real malloc.
 * W2  A STAMP opens a run: words of all threads, sorted by (stamp, place in thread), are a legal order.
 */
#ifndef TARN_TRACE_WORDS_H
#define TARN_TRACE_WORDS_H

#include <stdbool.h>
#include <stdint.h>

enum { TARN_WORD_ALLOC, TARN_WORD_FREE, TARN_WORD_REALLOC, TARN_WORD_OTHER };

typedef enum tarn_word_op {
    TARN_OP_STAMP,         /* value: the run's stamp                                      */
    TARN_OP_TIME,          /* value: ns since the start                                   */
    TARN_OP_THREAD,        /* value: the thread that owns the slot from here on           */
    TARN_OP_THREAD_END,    /* the thread ended                                            */
    TARN_OP_REALLOC_BEGIN, /* value: the old address; stands before the real realloc      */
    TARN_OP_REALLOC_FAIL,  /* value: the old address: realloc returned NULL, it lives on   */
    TARN_OP_ALLOC_WIDE,    /* value: key;  next word: address                             */
    TARN_OP_REALLOC_WIDE,  /* value: key;  next word: address                             */
    TARN_OP_ALLOC_SIZED,   /* value: key;  next words: address, size (the key has none)   */
    TARN_OP_REALLOC_SIZED, /* value: key;  next words: address, size                      */
    TARN_OP_USABLE,        /* value: address;  next word: bytes                           */
    TARN_OP_COUNT
} tarn_word_op;

#define TARN_WORD_KEYS  (1u << 18) /* keys that fit a one-word event */
#define TARN_WORD_PARTS 3u         /* words of the longest event     */

static inline bool tarn_word_fits(uint64_t address, uint32_t key)
{
    return key < TARN_WORD_KEYS && !(address & 7) && address >> 47 == 0;
}

static inline uint64_t tarn_word_alloc(unsigned op, uint64_t address, uint32_t key)
{
    return address >> 3 << 20 | (uint64_t)key << 2 | op;
}

static inline uint64_t tarn_word_free(uint64_t address)
{
    return address << 2 | TARN_WORD_FREE;
}

static inline uint64_t tarn_word_other(tarn_word_op op, uint64_t value)
{
    return value << 8 | (uint64_t)op << 2 | TARN_WORD_OTHER;
}

static inline unsigned tarn_word_kind(uint64_t word)
{
    return word & 3;
}

/* alloc and realloc */
static inline uint64_t tarn_word_address(uint64_t word)
{
    return word >> 20 << 3;
}

static inline uint32_t tarn_word_key(uint64_t word)
{
    return (uint32_t)(word >> 2) & (TARN_WORD_KEYS - 1);
}

static inline uint64_t tarn_word_freed(uint64_t word)
{
    return word >> 2;
}

static inline unsigned tarn_word_which(uint64_t word)
{
    return (unsigned)(word >> 2) & 63;
}

static inline uint64_t tarn_word_value(uint64_t word)
{
    return word >> 8;
}

/* Plain words that follow an OTHER word of this op. */
static inline unsigned tarn_word_tail(unsigned op)
{
    switch (op) {
    case TARN_OP_ALLOC_WIDE:
    case TARN_OP_REALLOC_WIDE:
    case TARN_OP_USABLE:
        return 1;
    case TARN_OP_ALLOC_SIZED:
    case TARN_OP_REALLOC_SIZED:
        return 2;
    default:
        return 0;
    }
}

#endif
