/* SPDX-License-Identifier: MIT */
/*
 * scratch_thread.c - a set of scratch arenas for each thread that asks for one.
 *
 *     thread ──► mine ──► tarn_scratches (from malloc) ──► places        at its end: all of it back
 *
 * I1  mine is NULL, or the set of the thread that reads it. Only that thread uses the set.
 * I2  A set exists only if its end is arranged for: a thread whose end cannot be (no more keys) gets none,
 *     rather than one that is lost.
 * I3  A scratch that is begun after the set went, by another destructor of the same thread, makes a new set,
 *     whose end is arranged for again.
 */
#include <tarn/scratch.h>

#include "os/mutex.h"
#include "os/thread.h"

#ifdef TARN_HAS_THREADS

static tarn_mutex lock = TARN_MUTEX_INIT; /* over `ends` */
static tarn_thread_end ends;
static _Thread_local tarn_scratches *mine;

static void drop(void *arg)
{
    tarn_scratches *set = arg;
    mine = NULL;
    tarn_scratches_deinit(set);
    tarn_free(tarn_libc(), set, sizeof *set, TARN_SPEC_OF(tarn_scratches));
}

static tarn_scratches *make(void)
{
    tarn_allocator *libc = tarn_libc();
    tarn_scratches *set = tarn_alloc(libc, sizeof *set, TARN_SPEC_OF(tarn_scratches));
    bool good;
    if (set == NULL)
        return NULL;
    good = tarn_scratches_init(set, NULL) == TARN_OK;
    tarn_mutex_lock(&lock);
    good = good && tarn_thread_at_end(&ends, drop, set);
    tarn_mutex_unlock(&lock);
    if (good)
        return set;
    tarn_free(libc, set, sizeof *set, TARN_SPEC_OF(tarn_scratches));
    return NULL;
}

/* When the library is unloaded, or the process ends: no thread may find its way back into this code. */
__attribute__((destructor)) static void forget(void)
{
    tarn_scratches *set = mine;
    tarn_mutex_lock(&lock);
    tarn_thread_end_drop(&ends);
    tarn_mutex_unlock(&lock);
    if (set != NULL)
        drop(set);
}

tarn_scratch tarn_scratch_begin(void)
{
    if (mine == NULL)
        mine = make();
    return mine != NULL ? tarn_scratch_begin_in(mine) : (tarn_scratch){NULL, NULL, 0};
}

unsigned tarn_scratch_trim(void)
{
    return mine != NULL ? tarn_scratches_trim(mine) : 0;
}

#else

/* Where there are no threads, whoever has memory makes a set of it. */
tarn_scratch tarn_scratch_begin(void)
{
    return (tarn_scratch){NULL, NULL, 0};
}

unsigned tarn_scratch_trim(void)
{
    return 0;
}

#endif
