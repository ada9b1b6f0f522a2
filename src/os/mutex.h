/* SPDX-License-Identifier: MIT */
/*
 * mutex.h - one lock, not recursive.
 *
 * A thin wrapper, so that no file above os/ names a system's own. Between init and deinit the mutex
 * stays at its address. Locking twice from one thread, or unlocking another's, is undefined.
 */
#ifndef TARN_OS_MUTEX_H
#define TARN_OS_MUTEX_H

#include <pthread.h>
#include <stdbool.h>

typedef struct tarn_mutex {
    pthread_mutex_t handle;
} tarn_mutex;

/* true for success; fails only when the system is out of resources. */
static inline bool tarn_mutex_init(tarn_mutex *m)
{
    return pthread_mutex_init(&m->handle, NULL) == 0;
}

/* Nobody holds the mutex. */
static inline void tarn_mutex_deinit(tarn_mutex *m)
{
    (void)pthread_mutex_destroy(&m->handle);
}

static inline void tarn_mutex_lock(tarn_mutex *m)
{
    (void)pthread_mutex_lock(&m->handle);
}

/* true when the lock was free and is now ours. */
static inline bool tarn_mutex_try_lock(tarn_mutex *m)
{
    return pthread_mutex_trylock(&m->handle) == 0;
}

static inline void tarn_mutex_unlock(tarn_mutex *m)
{
    (void)pthread_mutex_unlock(&m->handle);
}

#endif
