/* SPDX-License-Identifier: MIT */
/* One thread's words: the slow half of rec_put, and the slots that threads hand on.
 *
 *     thread A   [T0 . . . . . end]              a slot outlives its thread: the next one continues in the same words,
 *     thread B                     [T1 . . .     so a program of short threads fills blocks like any other
 *
 * T1  attention <= limit - ROOM: below it there is room for a stamp and the longest event.
 * T2  slot->fill == fill, unless a signal hit between word and count.
 * T3  A slot belongs to one thread, or is on the free list; slots_lock guards the list.
 * T4  A thread that has ended (its TLS destructors are done) and still frees something goes through `late`, one shared
 *     recording thread behind a lock.
 */
#define _GNU_SOURCE
#include "record/thread.h"

#include "record/lock.h"
#include "record/output.h"
#include "record/process.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>

#define ROOM       8u  /* words kept free: time, stamp, THREAD, the longest event */
#define TIME_WORDS 64u /* words between two looks at the clock                    */

/* Of the dynamic linker: where the main thread's stack began. */
extern void *__libc_stack_end; /* NOLINT(readability-identifier-naming) */

_Thread_local rec_thread rec_self __attribute__((tls_model("initial-exec")));
_Atomic uint64_t rec_stamp = 1;

typedef struct idle_slot {
    tarn_live_slot *slot;
    uint32_t limit;
} idle_slot;

static rec_lock slots_lock, late_lock;
static idle_slot idle[TARN_SLOTS_MAX];
static uint32_t idle_count;
static _Atomic uint32_t next_number;
static rec_thread late = {.base = 1};
static pthread_key_t end_key;
static bool end_key_made;

static void put_raw(rec_thread *self, uint64_t word)
{
    rec_slot_words(self->slot)[(uint32_t)self->fill] = word;
    atomic_signal_fence(memory_order_release);
    self->slot->fill = ++self->fill;
}

/* Before an event: be in the latest run, or open one. */
static void take_stamp(rec_thread *self)
{
    if (atomic_load_explicit(&rec_stamp, memory_order_acquire) == self->stamp)
        return;
    self->stamp = atomic_fetch_add_explicit(&rec_stamp, 1, memory_order_acq_rel) + 1;
    put_raw(self, tarn_word_other(TARN_OP_STAMP, self->stamp));
}

/* Make room, and note the time: every TIME_WORDS words, at most 64 words of other work apart. */
static void attend(rec_thread *self)
{
    uint64_t now = rec_output_time();
    if ((uint32_t)self->fill + ROOM > self->limit)
        self->limit = rec_output_grow(self->slot, self->limit);
    if ((uint32_t)self->fill + ROOM > self->limit) {
        uint64_t stamp = self->stamp ? self->stamp : atomic_load(&rec_stamp);
        rec_after after = {.stamp = stamp, .time_ns = now, .thread = self->number};
        rec_output_flush(self->slot, &after);
        self->fill = self->slot->fill;
    }
    put_raw(self, tarn_word_other(TARN_OP_TIME, now));
    uint32_t next = (uint32_t)self->fill + TIME_WORDS;
    self->attention = next < self->limit - ROOM ? next : self->limit - ROOM + 1;
}

static bool attach(rec_thread *self)
{
    rec_lock_take(&slots_lock);
    idle_slot got = {0};
    if (idle_count)
        got = idle[--idle_count];
    else
        got.slot = rec_output_slot(&got.limit);
    rec_unlock(&slots_lock);
    if (!got.slot)
        return false;
    self->slot = got.slot;
    self->limit = got.limit;
    self->fill = got.slot->fill;
    self->stamp = 0;
    self->number = atomic_fetch_add(&next_number, 1);
    if (!self->fill)
        got.slot->stamp = atomic_load(&rec_stamp); /* nothing here is earlier */
    attend(self);
    take_stamp(self);
    put_raw(self, tarn_word_other(TARN_OP_THREAD, self->number));
    if (self->state == REC_THREAD_NEW && self != &late && end_key_made) {
        self->state = REC_THREAD_ALIVE;
        pthread_setspecific(end_key, self);
    }
    return true;
}

static void detach(rec_thread *self)
{
    rec_lock_take(&slots_lock);
    idle[idle_count++] = (idle_slot){.slot = self->slot, .limit = self->limit};
    rec_unlock(&slots_lock);
    self->slot = NULL;
    self->attention = 0;
}

static void put_words(rec_thread *self, const uint64_t *words, unsigned count)
{
    if (!self->slot && !attach(self)) {
        rec_output_lost(1);
        return;
    }
    if ((uint32_t)self->fill >= self->attention)
        attend(self);
    take_stamp(self);
    for (unsigned i = 0; i < count; i++)
        put_raw(self, words[i]);
}

void rec_put_slow(rec_thread *self, const uint64_t *words, unsigned count)
{
    if (self->busy)
        return;
    int error = errno;
    self->busy = 1;
    if (rec_process_ready(self)) {
        if (self->state == REC_THREAD_ENDED) {
            rec_lock_take(&late_lock);
            put_words(&late, words, count);
            rec_unlock(&late_lock);
        } else {
            put_words(self, words, count);
        }
    }
    self->busy = 0;
    errno = error;
}

/* The main thread's stack starts at a place the linker knows; another thread's ends in its control block. */
static uint64_t stack_base(void)
{
    if (syscall(SYS_gettid) == getpid())
        return (uint64_t)(uintptr_t)__libc_stack_end;
    return (uint64_t)pthread_self();
}

bool rec_thread_begin(rec_thread *self)
{
    if (self->busy)
        return false;
    int error = errno;
    self->busy = 1;
    if (!self->base)
        self->base = stack_base();
    bool ready = rec_process_ready(self);
    self->busy = 0;
    errno = error;
    return ready;
}

/* Runs among the other destructors of thread-specific data, which may still allocate: ask to be called again until the
 * C library stops asking (it makes four rounds). */
static void thread_ends(void *self_)
{
    rec_thread *self = self_;
    if (++self->rounds < PTHREAD_DESTRUCTOR_ITERATIONS && pthread_setspecific(end_key, self) == 0)
        return;
    if (!self->slot || !rec_recording(self))
        return;
    rec_put(self, tarn_word_other(TARN_OP_THREAD_END, self->number));
    self->busy = 1;
    detach(self);
    self->state = REC_THREAD_ENDED;
    self->busy = 0;
}

void rec_threads_init(void)
{
    end_key_made = pthread_key_create(&end_key, thread_ends) == 0;
}

void rec_threads_forked(rec_thread *self)
{
    rec_lock_reset(&slots_lock);
    rec_lock_reset(&late_lock);
    idle_count = 0;
    atomic_store(&next_number, 0);
    atomic_store(&rec_stamp, 1);
    late = (rec_thread){.base = 1};
    self->slot = NULL;
    self->attention = 0;
    self->stamp = 0;
    if (self->state == REC_THREAD_ENDED)
        self->state = REC_THREAD_ALIVE;
}
