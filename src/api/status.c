/* SPDX-License-Identifier: MIT */
/*
 * status.c - the words for failures and faults, and the fault handler.
 *
 * The handler and its argument change together: both stand in one struct that is copied under no
 * lock, because a fault is rare and set_handler is called at start-up; the pair is published by an
 * atomic pointer to one of two slots.
 */
#include <stdatomic.h>
#if __STDC_HOSTED__
#include <stdio.h>
#include <stdlib.h>
#endif

#include <tarn/status.h>

#include "base/mem.h"
#include "base/text.h"

static const char *const STATUS_TEXT[] = {
    [TARN_OK] = "ok",
    [TARN_NO_MEMORY] = "out of memory",
    [TARN_TOO_BIG] = "the size is too big",
    [TARN_WRONG_SIZE] = "not the size this allocator serves",
    [TARN_BAD_ALIGN] = "the alignment is no power of two, or more than this allocator gives",
    [TARN_LIMIT] = "the limit is reached",
    [TARN_BAD_ARGUMENT] = "an argument makes no sense",
    [TARN_UNSUPPORTED] = "not supported here",
    [TARN_CORRUPT] = "an invariant does not hold",
    [TARN_BUSY] = "busy",
    [TARN_INJECTED] = "refused on purpose (fault injection)",
    [TARN_STALE] = "the handle is stale, or was never given",
    [TARN_MISSING] = "nothing of that name is there",
    [TARN_EXISTS] = "something of that name is there already",
    [TARN_DENIED] = "not permitted",
};

static const char *const FAULT_TEXT[] = {
    [TARN_FAULT_DOUBLE_FREE] = "double free",
    [TARN_FAULT_FOREIGN_POINTER] = "foreign pointer",
    [TARN_FAULT_INTERIOR_POINTER] = "interior pointer",
    [TARN_FAULT_WRONG_SIZE] = "wrong size",
    [TARN_FAULT_WRONG_ALIGN] = "wrong alignment",
    [TARN_FAULT_BAD_REWIND] = "bad rewind",
    [TARN_FAULT_USE_AFTER_DEINIT] = "use after deinit",
    [TARN_FAULT_CORRUPTION] = "corruption",
    [TARN_FAULT_WRONG_THREAD] = "wrong thread",
    [TARN_FAULT_OUT_OF_ORDER] = "out of order",
    [TARN_FAULT_OUT_OF_MEMORY] = "out of memory",
};

struct handler {
    tarn_fault_handler *call;
    void *user;
};

static struct handler slots[2];
static _Atomic(struct handler *) current; /* NULL: the default */

const char *tarn_status_text(tarn_status status)
{
    size_t i = (size_t)status;
    return i < sizeof STATUS_TEXT / sizeof *STATUS_TEXT ? STATUS_TEXT[i] : "unknown status";
}

const char *tarn_fault_text(tarn_fault_kind kind)
{
    size_t i = (size_t)kind;
    const char *text = i < sizeof FAULT_TEXT / sizeof *FAULT_TEXT ? FAULT_TEXT[i] : NULL;
    return text != NULL ? text : "unknown fault";
}

tarn_fault_handler *tarn_fault_set_handler(tarn_fault_handler *handler, void *user)
{
    struct handler *old = atomic_load(&current);
    struct handler *next = old == &slots[0] ? &slots[1] : &slots[0];
    tarn_fault_handler *before = old != NULL ? old->call : NULL;
    next->call = handler;
    next->user = user;
    atomic_store(&current, handler != NULL ? next : NULL);
    return before;
}

/* What a fault's first line says, without the newline. */
static void first_line(const tarn_fault *f, char *line, size_t size)
{
    tarn_text t = tarn_text_in(line, size);
    tarn_text_put(&t, "tarn: ");
    tarn_text_put(&t, tarn_fault_text(f->kind));
    tarn_text_put(&t, ": ");
    tarn_text_put(&t, f->allocator != NULL ? f->allocator : "unknown allocator");
    if (f->kind == TARN_FAULT_OUT_OF_MEMORY) {
        tarn_text_put(&t, ": ");
        tarn_text_put_size(&t, f->given);
        tarn_text_put(&t, " bytes");
        return;
    }
    if (f->expected == 0)
        return;
    tarn_text_put(&t, ": given ");
    tarn_text_put_size(&t, f->given);
    tarn_text_put(&t, ", expected ");
    tarn_text_put_size(&t, f->expected);
}

#if __STDC_HOSTED__
/* Written with one fputs a line so that lines of several threads do not mix; nothing here
 * allocates. */
static void print_and_abort(const tarn_fault *f)
{
    char line[256];
    first_line(f, line, sizeof line - 1);
    size_t end = strlen(line);
    memcpy(line + end, "\n", 2);
    (void)fputs(line, stderr);
    tarn_text t = tarn_text_in(line, sizeof line);
    tarn_text_put(&t, "tarn:   block ");
    tarn_text_put_pointer(&t, f->block);
    tarn_text_put(&t, "\n");
    (void)fputs(line, stderr);
    (void)fflush(stderr);
    abort();
}
#else
/* Where nothing can be printed a debugger finds the line in a variable. */
char tarn_fault_line[256];

static void print_and_abort(const tarn_fault *f)
{
    first_line(f, tarn_fault_line, sizeof tarn_fault_line);
    __builtin_trap();
}
#endif

void tarn_fault_raise(const tarn_fault *fault)
{
    struct handler *h = atomic_load(&current);
    if (h != NULL)
        h->call(fault, h->user);
    else
        print_and_abort(fault);
}

void tarn_fault_report(tarn_fault_kind kind, const char *type, const char *name, const void *block,
                       size_t given, size_t expected)
{
    char who[128];
    tarn_text_label(who, sizeof who, type, name, sizeof who);
    tarn_fault_raise(&(tarn_fault){kind, who, block, given, expected});
}
