/* SPDX-License-Identifier: MIT */
/*
 * status.h - why something was refused, and what happens when a program misuses an allocator.
 *
 * A *failure* is the world's: memory is out, a limit is reached, the request cannot be served by
 * this allocator. It is returned (NULL, or a tarn_status) and nothing has changed. A *fault* is the
 * program's: a double free, a pointer that was never handed out. It is reported with one stable
 * line and the process is aborted.
 */
#ifndef TARN_STATUS_H
#define TARN_STATUS_H

#include <tarn/config.h>

TARN_BEGIN_DECLS

/* Reasons of failure. Values are stable. */
typedef enum tarn_status {
    TARN_OK = 0,
    TARN_NO_MEMORY = 1,    /* the parent, the source or the system had no more                 */
    TARN_TOO_BIG = 2,      /* the size can never be served: overflow, or beyond a block's size */
    TARN_WRONG_SIZE = 3,   /* an allocator of one size was asked for another                   */
    TARN_BAD_ALIGN = 4,    /* no power of two, or more than this allocator gives               */
    TARN_LIMIT = 5,        /* a capacity or budget set by the user is used up                  */
    TARN_BAD_ARGUMENT = 6, /* an option or argument makes no sense                             */
    TARN_UNSUPPORTED = 7,  /* this allocator, or this machine, has no such operation           */
    TARN_CORRUPT = 8,      /* an invariant does not hold                                       */
    TARN_BUSY = 9,         /* cannot be done now                                               */
    TARN_INJECTED = 10,    /* refused on purpose, by the fail layer                            */
    TARN_STALE = 11,       /* a handle whose object is gone, or that was never given           */
    TARN_MISSING = 12,     /* nothing of that name is there                                    */
    TARN_EXISTS = 13,      /* something of that name is there already                          */
    TARN_DENIED = 14       /* the system does not permit it to this program                    */
} tarn_status;

/* The last failure of one allocator. `limit` is what the request ran into (block size, budget), 0
 * when none. */
typedef struct tarn_why {
    tarn_status status;
    size_t size;  /* bytes asked for             */
    size_t align; /* bytes                       */
    size_t limit; /* bytes or blocks, see status */
} tarn_why;

/* Kinds of misuse. Values are stable. */
typedef enum tarn_fault_kind {
    TARN_FAULT_DOUBLE_FREE = 1,
    TARN_FAULT_FOREIGN_POINTER = 2,  /* never handed out by this allocator          */
    TARN_FAULT_INTERIOR_POINTER = 3, /* inside a block, not at its start            */
    TARN_FAULT_WRONG_SIZE = 4,       /* freed or resized with a size it cannot have */
    TARN_FAULT_WRONG_ALIGN = 5,
    TARN_FAULT_BAD_REWIND = 6, /* a mark of another arena, or already rewound past */
    TARN_FAULT_USE_AFTER_DEINIT = 7,
    TARN_FAULT_CORRUPTION = 8,    /* an invariant is broken: memory was overwritten  */
    TARN_FAULT_WRONG_THREAD = 9,  /* by a thread that the allocator does not belong to */
    TARN_FAULT_OUT_OF_ORDER = 10, /* freed while a block that must go first is live  */
    TARN_FAULT_OUT_OF_MEMORY = 11 /* a program that cannot go on without was refused  */
} tarn_fault_kind;

/* What is known of a fault. Strings live until the handler returns. */
typedef struct tarn_fault {
    tarn_fault_kind kind;
    const char *allocator; /* kind and name, as in: pool 'nodes'                    */
    const void *block;     /* the pointer that was passed, NULL when there is none  */
    size_t given;          /* the size or alignment that was passed, 0 when unknown */
    size_t expected;       /* what it should have been, 0 when unknown              */
} tarn_fault;

/* Called on a fault. When it returns, the faulty call is ignored and the program goes on. */
typedef void tarn_fault_handler(const tarn_fault *fault, void *user);

/**
 * tarn_status_text - the words for a status.
 *
 * Returns  a static string, never NULL.
 * Fails    never; an unknown value gives "unknown status".
 * Threads  any.
 * Cost     O(1).
 */
TARN_API const char *tarn_status_text(tarn_status status);

/**
 * tarn_fault_text - the stable words for a kind of misuse, as printed in a fault's first line.
 *
 * Returns  a static string, never NULL.
 * Fails    never; an unknown value gives "unknown fault".
 * Threads  any.
 * Cost     O(1).
 */
TARN_API const char *tarn_fault_text(tarn_fault_kind kind);

/**
 * tarn_fault_set_handler - what to do on a fault, for the whole process.
 *
 * Without a handler, or with NULL, a fault prints two lines on stderr and aborts: first
 * `tarn: KIND: ALLOCATOR`, with the sizes where the kind is about them; then the address.
 *
 * Returns  the handler that was set before, NULL for the default.
 * Fails    never.
 * Threads  any; a fault that is being reported uses the handler it started with.
 * Cost     O(1).
 */
TARN_API tarn_fault_handler *tarn_fault_set_handler(tarn_fault_handler *handler, void *user);

/**
 * tarn_fault_raise - report a fault; for those who write allocators.
 *
 * Fails    never; does not return when no handler is set.
 * Threads  any.
 * Cost     O(1), allocates nothing.
 */
TARN_API void tarn_fault_raise(const tarn_fault *fault);

/**
 * tarn_fault_report - raise a fault of an allocator that is told by its type and name, as in
 * pool 'nodes'; for those who write allocators.
 *
 * Units    given, expected as in tarn_fault.
 * Fails    as tarn_fault_raise; a name that is too long is cut.
 * Threads  any.
 * Cost     O(1), allocates nothing.
 */
TARN_API void tarn_fault_report(tarn_fault_kind kind, const char *type, const char *name,
                                const void *block, size_t given, size_t expected);

TARN_END_DECLS

#endif
