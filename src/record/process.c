/* SPDX-License-Identifier: MIT */
/* Start, fork and exit of a recorded process.
 *
 *     not started --loaded, or the first event before that--> open --exit handlers--> open, `ending` noted --> the kernel ends it
 *                                   |
 *                                   +--fork--> (child: the gate page reads 0) --first event--> open, own files
 *
 * Nothing is written at exit: what lies in the side file is there for whoever finishes the trace. So exit, _exit, a
 * crash and SIGKILL lose the same: nothing.
 * A fork is seen by a page that the kernel clears in the child (MADV_WIPEONFORK), since fork handlers do not run for
 * _Fork and clone. A child starts at its first event, when it still has one thread.
 */
#define _GNU_SOURCE
#include "record/process.h"

#include "record/keys.h"
#include "record/output.h"
#include "record/stacks.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static rec_gate closed_gate;
rec_gate *rec_gate_page = &closed_gate;

static bool off;     /* no recording was asked for, or it could not be opened: never ask again  */
static bool started; /* a recording was opened by this process or by one that it was forked from */

static bool start(void)
{
    if (rec_gate_page == &closed_gate) {
        void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED)
            return false;
        madvise(page, 4096, MADV_WIPEONFORK);
        rec_gate_page = page;
    }
    if (!rec_output_open())
        return false;
    atomic_store_explicit(&rec_gate_page->open, 1, memory_order_release);
    return true;
}

bool rec_process_ready(rec_thread *self)
{
    if (atomic_load_explicit(&rec_gate_page->open, memory_order_acquire))
        return true;
    if (off)
        return false;
    if (started) {
        rec_output_forked();
        rec_keys_forked();
        rec_stacks_forked();
        rec_threads_forked(self);
    }
    started = start();
    off = !started;
    return started;
}

/* Where the kernel does not know MADV_WIPEONFORK. */
static void in_child(void)
{
    atomic_store(&rec_gate_page->open, 0);
}

__attribute__((constructor)) static void loaded(void)
{
    rec_self.busy = 1;
    rec_threads_init();
    rec_stacks_init();
    pthread_atfork(NULL, NULL, in_child);
    rec_process_ready(&rec_self); /* also a program that allocates nothing leaves a trace */
    rec_self.busy = 0;
}

__attribute__((destructor)) static void leaving(void)
{
    if (atomic_load(&rec_gate_page->open))
        rec_output_ending(TARN_END_EXIT);
}

/* A child that a program forks mostly ends so; nobody but its parent learns of it otherwise. (The pid tells a child of
 * vfork, whose memory is its parent's.) */
static _Noreturn void leave_now(int status)
{
    if (atomic_load(&rec_gate_page->open))
        rec_output_ending(TARN_END_QUICK_EXIT);
    for (;;)
        syscall(SYS_exit_group, status);
}

__attribute__((visibility("default"))) _Noreturn void _exit(int status)
{
    leave_now(status);
}

__attribute__((visibility("default"))) _Noreturn void _Exit(int status)
{
    leave_now(status);
}
