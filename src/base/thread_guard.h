/* SPDX-License-Identifier: MIT */
/*
 * thread_guard.h - does this thread own the allocator it calls? For the checking modes of
 * single-threaded allocators.
 *
 *     owner word:  0 nobody yet ──first call──► mark of a thread ──tarn_share──► 1 whoever has the lock
 *
 * A thread is told by the address of a thread-local byte, so this needs no system call and no
 * library; where there are no threads (freestanding, TARN_NO_THREADS) every caller is the owner.
 *
 * I1  The word leaves 0 once, by compare-and-swap: of two threads that race for it one is the owner
 *     and the other is reported.
 */
#ifndef TARN_BASE_THREAD_GUARD_H
#define TARN_BASE_THREAD_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#define TARN_OWNER_NONE ((uintptr_t)0)
#define TARN_OWNER_ALL  ((uintptr_t)1) /* threads take turns, under a lock of somebody else's */

#if __STDC_HOSTED__ && !defined(TARN_NO_THREADS)
extern _Thread_local char tarn_thread_byte[2]; /* its address is neither 0 nor 1 */

static inline uintptr_t tarn_thread_self(void)
{
    return (uintptr_t)tarn_thread_byte;
}
#else
static inline uintptr_t tarn_thread_self(void)
{
    return 2;
}
#endif

/* May the calling thread use what *owner belongs to? The first to ask becomes the owner. */
static inline bool tarn_thread_owns(uintptr_t *owner) /* NOLINT: written by the builtin */
{
    uintptr_t self = tarn_thread_self(), now = __atomic_load_n(owner, __ATOMIC_RELAXED);
    if (now == self || now == TARN_OWNER_ALL)
        return true;
    return now == TARN_OWNER_NONE &&
           __atomic_compare_exchange_n(owner, &now, self, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED);
}

/* From now on threads take turns. */
static inline void tarn_thread_share(uintptr_t *owner) /* NOLINT: written by the builtin */
{
    __atomic_store_n(owner, TARN_OWNER_ALL, __ATOMIC_RELAXED);
}

#endif
