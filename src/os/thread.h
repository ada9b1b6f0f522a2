/* SPDX-License-Identifier: MIT */
/*
 * thread.h - when a thread ends, and letting another one run.
 *
 * Freestanding there is one thread, which never ends.
 */
#ifndef TARN_OS_THREAD_H
#define TARN_OS_THREAD_H

#include <stdbool.h>

#if __STDC_HOSTED__ && !defined(TARN_NO_THREADS)
#include <pthread.h>

#define TARN_HAS_THREADS 1

/* Something to be done when threads end. Static and zero until it is first armed. */
typedef struct tarn_thread_end {
    bool made;
    pthread_key_t key;
} tarn_thread_end;

/*
 * When the calling thread ends, call(arg); arg is not NULL. The same call for every thread. What the
 * call arms again is called once more, some times at most (PTHREAD_DESTRUCTOR_ITERATIONS). The caller
 * holds a lock of its own over *end. False when the system has no more keys or memory.
 */
bool tarn_thread_at_end(tarn_thread_end *end, void (*call)(void *arg), void *arg);

/* No thread's is called any more; the code may go. */
void tarn_thread_end_drop(tarn_thread_end *end);

/* Let whoever waits for a processor have this one. */
void tarn_thread_yield(void);
#else
static inline void tarn_thread_yield(void)
{
}
#endif

#endif
