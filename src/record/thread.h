/* SPDX-License-Identifier: MIT */
/* The recording side of one thread: its slot in the side file, and the one path by which words get there. */
#ifndef TARN_RECORD_THREAD_H
#define TARN_RECORD_THREAD_H

#include "trace/format.h"
#include "trace/words.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define REC_LIKELY(x)   __builtin_expect(!!(x), 1)
#define REC_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Thread-local, 56 bytes, initial-exec: a preloaded library may use little of the static TLS. */
typedef struct rec_thread {
    tarn_live_slot
        *slot;      /* NULL: none yet, or the thread has ended                                  */
    uint64_t fill;  /* what slot->fill is: seq << 32 | words used                               */
    uint64_t stamp; /* of the run that this thread is in                                        */
    uint64_t base;  /* of the stack: context keys count from here                               */
    uint32_t
        attention;  /* words used at which the slow path has to look: time, room, a full slot   */
    uint32_t limit; /* words that the side file has room for; attention <= limit                */
    uint32_t number;
    uint8_t
        busy; /* in the recorder: allocations of this thread are its own, not the program's      */
    uint8_t
        state; /* rec_thread_state                                                                */
    uint8_t
        rounds; /* times its end was announced                                                    */
} rec_thread;

enum rec_thread_state { REC_THREAD_NEW, REC_THREAD_ALIVE, REC_THREAD_ENDED };

extern _Thread_local rec_thread rec_self __attribute__((tls_model("initial-exec")));

/* Stamp of the latest run of any thread. A thread whose own stamp equals it may go on without touching it; another one
 * takes the next stamp and writes it down. Whoever sees an effect of an event (a block that another thread freed) comes
 * after it and reads that event's stamp or a later one here, so stamps order dependent events without an atomic
 * operation an event. The acquire load pairs with the fetch_add in rec_put_slow. */
extern _Atomic uint64_t rec_stamp;

/* A page that the kernel clears in a forked child: how a child learns that it is one, by whatever call. */
typedef struct rec_gate {
    _Atomic uint32_t open;
} rec_gate;
extern rec_gate *rec_gate_page;

/* Store count <= TARN_WORD_PARTS words: opens the recording, takes a slot, flushes, stamps, tells the time. */
void rec_put_slow(rec_thread *self, const uint64_t *words, unsigned count);

static inline bool rec_can_put(const rec_thread *self)
{
    return REC_LIKELY((uint32_t)self->fill < self->attention) &&
           REC_LIKELY(atomic_load_explicit(&rec_stamp, memory_order_acquire) == self->stamp) &&
           REC_LIKELY(atomic_load_explicit(&rec_gate_page->open, memory_order_relaxed));
}

static inline uint64_t *rec_slot_words(tarn_live_slot *slot)
{
    return (uint64_t *)(void *)((char *)slot + TARN_SLOT_HEAD);
}

static inline void rec_put(rec_thread *self, uint64_t word)
{
    if (REC_UNLIKELY(!rec_can_put(self))) {
        rec_put_slow(self, &word, 1);
        return;
    }
    rec_slot_words(self->slot)[(uint32_t)self->fill] = word;
    atomic_signal_fence(memory_order_release); /* a kill must find the word before its count */
    self->slot->fill = ++self->fill;
}

/* Before a thread's first event, and in a forked child: is there a recording, and is this call the program's own? */
bool rec_thread_begin(rec_thread *self);

/* What a hook asks first; then rec_put may be used. */
static inline bool rec_recording(rec_thread *self)
{
    if (REC_LIKELY(self->base && !self->busy &&
                   atomic_load_explicit(&rec_gate_page->open, memory_order_relaxed)))
        return true;
    return rec_thread_begin(self);
}

/* In a forked child: no other thread exists, nothing of the parent's recording is ours. */
void rec_threads_forked(rec_thread *self);

/* When the library is loaded: threads tell when they end. */
void rec_threads_init(void);

#endif
