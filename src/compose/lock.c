/* SPDX-License-Identifier: MIT */
/*
 * lock.c - a mutex around every operation of the parent.
 *
 *     thread ──► lock ──► parent's operation ──► unlock
 *
 * I1  The parent is entered only with the mutex held; name, parent and capabilities are fixed at
 *     init and need none.
 * I2  Lock order: this mutex, then any the parent takes. A layer above holds none of its own.
 * I3  `visitor` names the thread that is in a visit and thus holds the mutex, else it is 0. It is
 *     written with the mutex held; who reads it without compares with itself, and only the thread
 *     that wrote its own name can find it there. So relaxed loads and stores are enough.
 */

#include <tarn/lock.h>

#include "base/text.h"
#include "base/thread_guard.h"
#include "os/mutex.h"

_Static_assert(sizeof(tarn_mutex) <= sizeof(((tarn_lock *)0)->mutex), "the mutex fits its place");

enum {
    /* What is handed through; capabilities of a later version are not. */
    KNOWN = TARN_CAP_UNSIZED_FREE | TARN_CAP_FREE | TARN_CAP_RESIZE | TARN_CAP_OWNS |
            TARN_CAP_RESET | TARN_CAP_MARK | TARN_CAP_TRIM | TARN_CAP_VISIT | TARN_CAP_CHECK |
            TARN_CAP_STATS | TARN_CAP_ZEROED
};

/* The question operations take a const handle; the mutex is not part of what they promise. */
static tarn_mutex *mutex_of(const tarn_allocator *a)
{
    return (tarn_mutex *)((uintptr_t)a + offsetof(tarn_lock, mutex));
}

/* This thread is in a visit, whose visitor may free the block it sees: the mutex is held. */
static bool in_visit(const tarn_lock *l)
{
    uintptr_t visitor = __atomic_load_n(&l->visitor, __ATOMIC_RELAXED);
    return TARN_UNLIKELY(visitor != 0) && visitor == tarn_thread_self();
}

static tarn_allocator *enter(const tarn_allocator *a)
{
    const tarn_lock *l = (const tarn_lock *)a;
    if (!in_visit(l))
        tarn_mutex_lock(mutex_of(a));
    return l->parent;
}

static void leave(const tarn_allocator *a)
{
    if (!in_visit((const tarn_lock *)a))
        tarn_mutex_unlock(mutex_of(a));
}

static void *lock_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_allocator *parent = enter(a);
    void *p = parent->ops->alloc(parent, size, spec);
    leave(a);
    return p;
}

static void lock_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_allocator *parent = enter(a);
    parent->ops->free(parent, block, size, spec);
    leave(a);
}

static void *lock_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                         size_t keep, tarn_spec spec)
{
    tarn_allocator *parent = enter(a);
    void *p = parent->ops->resize(parent, block, old_size, new_size, keep, spec);
    leave(a);
    return p;
}

static tarn_block lock_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_allocator *parent = enter(a);
    tarn_block b = parent->ops->alloc_at_least(parent, size, spec);
    leave(a);
    return b;
}

/* The batches are always here: one lock for all blocks, also where the parent has to loop. */
static size_t lock_alloc_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                               void **out)
{
    tarn_allocator *parent = enter(a);
    size_t n = tarn_alloc_batch(parent, size, spec, count, out);
    leave(a);
    return n;
}

static void lock_free_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                            void *const *blocks)
{
    tarn_allocator *parent = enter(a);
    tarn_free_batch(parent, size, spec, count, blocks);
    leave(a);
}

static const char *lock_name(const tarn_allocator *a)
{
    return ((const tarn_lock *)a)->label;
}

static tarn_answer lock_owns(const tarn_allocator *a, const void *block)
{
    tarn_answer answer = tarn_owns(enter(a), block);
    leave(a);
    return answer;
}

static size_t lock_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    size_t real = tarn_usable(enter(a), block, size, spec);
    leave(a);
    return real;
}

static tarn_status lock_reset(tarn_allocator *a)
{
    tarn_status status = tarn_reset(enter(a));
    leave(a);
    return status;
}

static tarn_mark lock_mark(tarn_allocator *a)
{
    tarn_mark mark = tarn_get_mark(enter(a));
    leave(a);
    return mark;
}

static tarn_status lock_rewind(tarn_allocator *a, tarn_mark mark)
{
    tarn_status status = tarn_rewind(enter(a), mark);
    leave(a);
    return status;
}

static size_t lock_trim(tarn_allocator *a)
{
    size_t bytes = tarn_trim(enter(a));
    leave(a);
    return bytes;
}

static tarn_status lock_stats(const tarn_allocator *a, tarn_stats *out)
{
    tarn_status status = tarn_get_stats(enter(a), out);
    leave(a);
    return status;
}

static tarn_status lock_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    tarn_lock *l = (tarn_lock *)a;
    if (in_visit(l))
        return TARN_BUSY;
    tarn_mutex_lock(mutex_of(a));
    __atomic_store_n(&l->visitor, tarn_thread_self(), __ATOMIC_RELAXED);
    tarn_status status = tarn_visit(l->parent, see, user);
    __atomic_store_n(&l->visitor, 0, __ATOMIC_RELAXED);
    tarn_mutex_unlock(mutex_of(a));
    return status;
}

static tarn_status lock_check(const tarn_allocator *a)
{
    tarn_status status = tarn_check(enter(a));
    leave(a);
    return status;
}

static tarn_why lock_why(const tarn_allocator *a)
{
    tarn_why w = tarn_get_why(enter(a));
    leave(a);
    return w;
}

static tarn_allocator *lock_parent(const tarn_allocator *a, unsigned index)
{
    return index == 0 ? ((const tarn_lock *)a)->parent : NULL;
}

static void lock_deinit(tarn_allocator *a)
{
    tarn_lock_deinit((tarn_lock *)a);
}

static void build_tables(tarn_lock *l)
{
    const tarn_ops *po = l->parent->ops;
    uint32_t caps = (po->caps & KNOWN) | TARN_CAP_THREADS;
    l->rare = (tarn_rare_ops){
        .bytes = sizeof(tarn_rare_ops),
        .name = lock_name,
        .owns = (caps & TARN_CAP_OWNS) != 0 ? lock_owns : NULL,
        .usable = TARN_RARE(l->parent, usable) != NULL ? lock_usable : NULL,
        .reset = (caps & TARN_CAP_RESET) != 0 ? lock_reset : NULL,
        .mark = (caps & TARN_CAP_MARK) != 0 ? lock_mark : NULL,
        .rewind = (caps & TARN_CAP_MARK) != 0 ? lock_rewind : NULL,
        .trim = (caps & TARN_CAP_TRIM) != 0 ? lock_trim : NULL,
        .stats = (caps & TARN_CAP_STATS) != 0 ? lock_stats : NULL,
        .visit = (caps & TARN_CAP_VISIT) != 0 ? lock_visit : NULL,
        .check = (caps & TARN_CAP_CHECK) != 0 ? lock_check : NULL,
        .why = lock_why,
        .parent = lock_parent,
        .deinit = lock_deinit,
    };
    l->ops = (tarn_ops){
        .abi = TARN_ABI,
        .caps = caps,
        .alloc = lock_alloc,
        .free = lock_free,
        .resize = po->resize != NULL ? lock_resize : NULL,
        .alloc_at_least = po->alloc_at_least != NULL ? lock_alloc_at_least : NULL,
        .alloc_batch = lock_alloc_batch,
        .free_batch = lock_free_batch,
        .rare = &l->rare,
    };
    l->allocator.ops = &l->ops;
}

tarn_status tarn_lock_init(tarn_lock *l, const tarn_lock_options *options)
{
    if (options == NULL || options->parent == NULL)
        return TARN_BAD_ARGUMENT;
    *l = (tarn_lock){.parent = options->parent};
    if (!tarn_mutex_init(mutex_of(&l->allocator)))
        return TARN_NO_MEMORY;
    build_tables(l);
    tarn_text_label(l->label, sizeof l->label, "lock", options->name, TARN_LABEL_NAME);
    tarn_share(l->parent);
    return TARN_OK;
}

void tarn_lock_deinit(tarn_lock *l)
{
    tarn_mutex_deinit(mutex_of(&l->allocator));
    l->allocator.ops = NULL;
}
