/* SPDX-License-Identifier: MIT */
/*
 * shared_pool_message.h - how a block goes home: the lock-free part of the shared pool, and why it
 * holds.
 *
 *     sender B                                           owner A of the home
 *     P1  word[w]  |= bits       ──── the blocks ────►   T1  ring = exchange(bell, 0)
 *     P2  bell & bit set?  done                          T2  word[w] == 0?  next w
 *     P3  bell     |= bit        ──── "look there" ──►   T3  bits = exchange(word[w], 0)
 *
 * A chunk has one word for each run of blocks (32 or 64, one bit each) and belongs to a home; a home
 * has one bell, a bit of which stands for some of its chunks. A message is a set of bits in a word.
 * Senders set bits, the owner takes all there are; nobody else writes either. The owner is whoever
 * holds the claim of the cache that owns the home, or the pool's mutex when none does.
 *
 * M1  Who sets a bit holds the block that it stands for: the program gave it, and gives it up by
 *     P1. So no bit is set twice before the owner took it, unless the program freed a block twice;
 *     then P1 finds it set, and that is reported.
 * M2  No block is lost: after P3, or after P2 found the bell's bit set, an owner who takes (T1 and on)
 *     gets the blocks, if none got them before. All of P1, P2, T1, T2 and T3 are sequentially
 *     consistent. When P2 finds the bit, it reads what stood before some T1 cleared it, so P2 is before
 *     that T1 in their one order, P1 before P2, and T2 of all words after T1: it sees the bits. (With
 *     release and acquire alone P2 may read an old bell while T2 reads an old word, and both go home:
 *     the pattern of Dekker's lock. On x86 and arm64 the price is that of the exchanges.)
 * M3  A block's contents: what B wrote to it is before P1, a release; T3 is an acquire, and A hands it
 *     out after that.
 * M4  A chunk is not gone while a sender looks at it: B reads its header (pool, home, bit of the bell)
 *     before P1 and nothing of it after. Until P1 B holds a block of the chunk, so that the chunk is
 *     not empty, and only empty chunks change their home or go back to the source. With blocks in two
 *     words B holds the second until its P1.
 * M5  P2 and P3 touch the home, which lives as long as the pool. When the chunk has gone elsewhere
 *     between P1 and P3, as it may once an owner took the bits early, the bell rings for nothing: T2
 *     finds empty words, or other chunks with that bit, and that is all.
 * M6  There is no ABA: no pointer is compared. Bits are set by or, and taken by exchange.
 * M7  The owner takes at most what was sent, a bounded number of words; a sender makes at most two
 *     atomic writes a word and never waits.
 *
 * test/property/shared_pool runs every interleaving of these functions, step by step.
 *
 * Prior art: batches of remote frees by message, P. Liétar et al., "snmalloc: a message passing
 * allocator", ISMM 2019, section 3; bits that others set and the owner collects, as in a mark bitmap
 * of a parallel collector. Two words a batch of neighbours, nothing written into the blocks, and no
 * memory for the message, are the reasons for bits in place of snmalloc's chains.
 */
#ifndef TARN_STRATEGY_SHARED_POOL_MESSAGE_H
#define TARN_STRATEGY_SHARED_POOL_MESSAGE_H

#include <stdint.h>

/* The test that tries all interleavings puts its switch here: before each access. */
#ifndef TARN_SHARED_STEP
#define TARN_SHARED_STEP(address) ((void)0)
#endif

/* NOLINTBEGIN(readability-non-const-parameter): what the atomic operations write goes unseen */

/* P1: the blocks. Returns those of the bits that were set already: blocks freed twice. */
static inline uintptr_t tarn_message_put(uintptr_t *word, uintptr_t bits)
{
    TARN_SHARED_STEP(word);
    return __atomic_fetch_or(word, bits, __ATOMIC_SEQ_CST) & bits;
}

/* P2, P3. */
static inline void tarn_message_ring(uintptr_t *bell, uintptr_t bit)
{
    TARN_SHARED_STEP(bell);
    if ((__atomic_load_n(bell, __ATOMIC_SEQ_CST) & bit) != 0)
        return;
    TARN_SHARED_STEP(bell);
    (void)__atomic_fetch_or(bell, bit, __ATOMIC_SEQ_CST);
}

/* A message: blocks of one word, then the bell. The chunk is not touched after its word was written.
 * Returns as tarn_message_put. */
static inline uintptr_t tarn_message_send(uintptr_t *word, uintptr_t bits, uintptr_t *bell,
                                          uintptr_t bit)
{
    uintptr_t twice = tarn_message_put(word, bits);
    tarn_message_ring(bell, bit);
    return twice;
}

/* T1: what has rung since the last time; a bell that did not ring costs no write. (What it misses by
 * reading it a moment too early it finds the next time: whoever takes is in no hurry.) */
static inline uintptr_t tarn_message_listen(uintptr_t *bell)
{
    TARN_SHARED_STEP(bell);
    if (__atomic_load_n(bell, __ATOMIC_RELAXED) == 0)
        return 0;
    TARN_SHARED_STEP(bell);
    return __atomic_exchange_n(bell, 0, __ATOMIC_SEQ_CST);
}

/* T2, T3: for each word of a chunk for which it rang. */
static inline uintptr_t tarn_message_take(uintptr_t *word)
{
    TARN_SHARED_STEP(word);
    if (__atomic_load_n(word, __ATOMIC_SEQ_CST) == 0)
        return 0;
    TARN_SHARED_STEP(word);
    return __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST);
}

/* NOLINTEND(readability-non-const-parameter) */

#endif
