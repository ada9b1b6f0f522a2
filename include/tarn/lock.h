/* SPDX-License-Identifier: MIT */
/*
 * lock.h - an allocator that any thread may use: a mutex around every operation of another.
 *
 *     tarn_lock shared;
 *     tarn_lock_init(&shared, &(tarn_lock_options){.parent = tarn_arena_allocator(&arena)});
 *     tarn_allocator *a = tarn_lock_allocator(&shared);
 *
 * For: an allocator that threads share now and then. Not for: a hot path under contention; every
 * call waits its turn.
 */
#ifndef TARN_LOCK_H
#define TARN_LOCK_H

#include <tarn/allocator.h>

TARN_BEGIN_DECLS

typedef struct tarn_lock_options {
    const char *name; /* shown in messages; NULL: none. Copied, cut at 30 bytes */
    tarn_allocator *parent;
} tarn_lock_options;

/* State; fields are private. */
typedef struct tarn_lock {
    tarn_allocator allocator;
    tarn_allocator *parent;
    uintptr_t visitor; /* the thread that is in a visit, 0: none */
    union {
        long long align;
        void *pointer;
        unsigned char bytes[64];
    } mutex;
    tarn_ops ops;
    tarn_rare_ops rare;
    char label[48];
} tarn_lock;

/**
 * tarn_lock_init - make an allocator usable by any thread. The parent must outlive it, and be used
 * through it alone.
 *
 * Has what the parent has, and TARN_CAP_THREADS. A visitor may free the block it sees, and
 * finds TARN_BUSY when it visits again. tarn_get_why tells of the last failure of any thread.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT: no parent. TARN_NO_MEMORY: the system has no more mutexes.
 * Threads  one; afterwards any.
 * Cost     O(1), allocates nothing.
 */
TARN_API TARN_MUST_USE tarn_status tarn_lock_init(tarn_lock *l, const tarn_lock_options *options);

/**
 * tarn_lock_deinit - the end of the layer. The parent stays as it is.
 *
 * Fails    never.
 * Threads  one; no other may use the allocator.
 * Cost     O(1).
 */
TARN_API void tarn_lock_deinit(tarn_lock *l);

/**
 * tarn_lock_allocator - the locked parent.
 *
 * Returns  the handle.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_lock_allocator(tarn_lock *l)
{
    return &l->allocator;
}

TARN_END_DECLS

#endif
