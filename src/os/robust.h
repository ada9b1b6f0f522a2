/* SPDX-License-Identifier: MIT */
/*
 * robust.h - one lock in memory that processes share, which the death of its holder does not lock
 * for good.
 *
 * The next one to lock is told that the holder died, and has the lock. Not recursive. The memory is
 * the same for all, the address need not be.
 */
#ifndef TARN_OS_ROBUST_H
#define TARN_OS_ROBUST_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

typedef struct tarn_robust {
    pthread_mutex_t handle;
} tarn_robust;

typedef enum tarn_robust_got {
    TARN_ROBUST_OURS, /* the lock is ours                                          */
    TARN_ROBUST_DIED, /* the same, and whoever had it before died with it          */
    TARN_ROBUST_LOST  /* not ours: the memory is no lock, or this thread has it    */
} tarn_robust_got;

/* true for success. Whatever the memory held before is gone. */
static inline bool tarn_robust_init(tarn_robust *r)
{
    pthread_mutexattr_t how;
    if (pthread_mutexattr_init(&how) != 0)
        return false;
    bool done = pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED) == 0 &&
                pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST) == 0 &&
                pthread_mutexattr_settype(&how, PTHREAD_MUTEX_ERRORCHECK) == 0 &&
                pthread_mutex_init(&r->handle, &how) == 0;
    (void)pthread_mutexattr_destroy(&how);
    return done;
}

static inline tarn_robust_got tarn_robust_lock(tarn_robust *r)
{
    int error = pthread_mutex_lock(&r->handle);
    if (error == EOWNERDEAD && pthread_mutex_consistent(&r->handle) == 0)
        return TARN_ROBUST_DIED;
    return error == 0 ? TARN_ROBUST_OURS : TARN_ROBUST_LOST;
}

/* false: this thread does not have it. */
static inline bool tarn_robust_unlock(tarn_robust *r)
{
    return pthread_mutex_unlock(&r->handle) == 0;
}

#endif
