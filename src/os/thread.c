/* SPDX-License-Identifier: MIT */
/* thread.c - the ends of threads, by the destructors of pthread keys. */
#include "os/thread.h"

#ifdef TARN_HAS_THREADS
#include <sched.h>

bool tarn_thread_at_end(tarn_thread_end *end, void (*call)(void *arg), void *arg)
{
    if (!end->made && pthread_key_create(&end->key, call) != 0)
        return false;
    end->made = true;
    return pthread_setspecific(end->key, arg) == 0;
}

void tarn_thread_end_drop(tarn_thread_end *end)
{
    if (end->made)
        (void)pthread_key_delete(end->key);
    end->made = false;
}

void tarn_thread_yield(void)
{
    (void)sched_yield();
}
#endif
