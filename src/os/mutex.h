/* SPDX-License-Identifier: MIT */
/*
 * mutex.h - one lock, not recursive.
 *
 * A thin wrapper, so that no file above os/ names a system's own. Between init and deinit the mutex
 * stays at its address. Locking twice from one thread, or unlocking another's, is undefined.
 *
 * Freestanding it is a word that is spun on: enough for cores that run at once. Where one core takes
 * turns with its own interrupts the holder must not be interrupted by who wants the lock.
 */
#ifndef TARN_OS_MUTEX_H
#define TARN_OS_MUTEX_H

#include <stdbool.h>

#if __STDC_HOSTED__
#include <pthread.h>

typedef struct tarn_mutex {
    pthread_mutex_t handle;
} tarn_mutex;

/* For a static one, which needs no init. */
#define TARN_MUTEX_INIT                                                                            \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER                                                                  \
    }

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
#else
typedef struct tarn_mutex {
    unsigned held; /* 0 or 1 */
} tarn_mutex;

#define TARN_MUTEX_INIT                                                                            \
    {                                                                                              \
        0                                                                                          \
    }

static inline bool tarn_mutex_init(tarn_mutex *m)
{
    m->held = 0;
    return true;
}

static inline void tarn_mutex_deinit(tarn_mutex *m)
{
    (void)m;
}

static inline bool tarn_mutex_try_lock(tarn_mutex *m)
{
    return __atomic_exchange_n(&m->held, 1U, __ATOMIC_ACQUIRE) == 0;
}

static inline void tarn_mutex_lock(tarn_mutex *m)
{
    while (!tarn_mutex_try_lock(m))
        while (__atomic_load_n(&m->held, __ATOMIC_RELAXED) != 0)
            ;
}

static inline void tarn_mutex_unlock(tarn_mutex *m)
{
    __atomic_store_n(&m->held, 0U, __ATOMIC_RELEASE);
}
#endif

#endif
