/* SPDX-License-Identifier: MIT */
/* A lock on a futex: no allocation, no cancellation point, can be reset in a forked child.
 *
 * Lock order: unwinding -> (the dynamic linker's) -> keys -> meta -> output;  slots -> output.
 * The word: 0 free, 1 held, 2 held and somebody waits.
 */
#ifndef TARN_RECORD_LOCK_H
#define TARN_RECORD_LOCK_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef struct rec_lock {
    _Atomic uint32_t word;
} rec_lock;

/* Take the lock, waiting about `ms` milliseconds at most (0 = for ever). Pairs with the release in rec_unlock. */
static inline bool rec_lock_within(rec_lock *lock, unsigned ms)
{
    uint32_t seen = 0;
    if (atomic_compare_exchange_strong_explicit(&lock->word, &seen, 1, memory_order_acquire,
                                                memory_order_relaxed))
        return true;
    struct timespec step = {.tv_nsec = 1000000};
    for (unsigned waited = 0; atomic_exchange_explicit(&lock->word, 2, memory_order_acquire);
         waited++) {
        if (ms && waited >= ms)
            return false; /* the 2 stays: at worst one needless wake */
        syscall(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, 2, ms ? &step : NULL, NULL, 0);
    }
    return true;
}

static inline void rec_lock_take(rec_lock *lock)
{
    rec_lock_within(lock, 0);
}

static inline void rec_unlock(rec_lock *lock)
{
    if (atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2)
        syscall(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* In a forked child, where the holder does not exist. */
static inline void rec_lock_reset(rec_lock *lock)
{
    atomic_store_explicit(&lock->word, 0, memory_order_relaxed);
}

#endif
