/* SPDX-License-Identifier: MIT */
/* Read a trace written by `tarn record`: what it is, its contexts, and its events one by one in
 * global order.
 *
 *     tarn_trace *t;
 *     char why[TARN_TRACE_MESSAGE];
 *     tarn_trace_status s = tarn_trace_open("prog.tarn", &t, why);
 *     if (!t) fail(why);
 *     for (tarn_event e; tarn_trace_next(t, &e);) ...
 *     if (tarn_trace_state(t, why) != TARN_TRACE_COMPLETE) warn(why);
 *     tarn_trace_close(t);
 *
 * Memory: the contexts, one decoded block of events (256 KiB) per thread alive at once, and 24
 * bytes per live block of the recorded program. The length of the trace does not matter. One thread
 * at a time per tarn_trace.
 */
#ifndef TARN_TRACE_READER_H
#define TARN_TRACE_READER_H

#include "trace/event.h"

#include <stdbool.h>
#include <stddef.h>

#define TARN_TRACE_MESSAGE 256 /* bytes of a message buffer */

typedef struct tarn_trace tarn_trace;

/* Worse is greater, and a state only ever gets worse while reading. From COMPLETE to CORRUPT the
 * trace can be used. */
typedef enum tarn_trace_status {
    TARN_TRACE_COMPLETE, /* everything the program did */
    TARN_TRACE_CUT, /* the program was killed or has not ended: all events up to there          */
    TARN_TRACE_TRUNCATED, /* the file ends early: events are missing at the end */
    TARN_TRACE_CORRUPT, /* damaged blocks were left out, or the recorder lost events; see counts */
    TARN_TRACE_UNREADABLE, /* not a trace, another version, no permission, no memory: tarn_trace is
                              NULL */
} tarn_trace_status;

/* Of the whole trace. The fields marked * are known only once all events were read (tarn_trace_scan
 * does that). */
typedef struct tarn_trace_counts {
    uint64_t events;   /* *                                                                     */
    uint64_t allocs;   /* * ALLOC + ZALLOC + ALIGNED                                            */
    uint64_t frees;    /* *                                                                     */
    uint64_t reallocs; /* *                                                                     */
    uint64_t failed;   /* requests that the recorded malloc refused; not events                 */
    uint64_t foreign_frees; /* * frees of blocks from before the recording or a fork; not events */
    uint64_t
        lost_events; /* known to be missing: the recorder could not store them, or bad blocks */
    uint64_t lost_blocks; /* damaged blocks of the file, left out */
    uint64_t objects;   /* * object numbers are below this: the peak number of live blocks       */
    uint64_t peak_live; /* * bytes asked for and live at once, at most                           */
    uint64_t peak_seq;  /* * the event that reached it                                           */
    uint64_t live_at_end; /* * bytes */
    uint64_t time_ns;    /* * of the last event                                                   */
    uint64_t file_bytes; /* size of the trace on disk                                             */
    uint64_t told; /* events by the heads of the blocks, foreign frees included: known at once    */
    uint32_t threads;  /* *                                                                     */
    uint32_t contexts; /* tarn_trace_get_context() takes numbers below this   */
    uint32_t modules;  /* tarn_trace_get_module() takes numbers below this    */
} tarn_trace_counts;

typedef struct tarn_trace_info {
    const char *path;       /* of the trace                                              */
    const char *program;    /* path of the recorded program                              */
    const char *command;    /* its arguments, separated by blanks                        */
    uint64_t start_unix_ns; /* wall clock when the recording began                       */
    uint64_t cpu_ns;        /* user + system time of the process up to its end; 0 = not known */
    uint32_t pid;
    uint32_t parent_pid;
    int end_status;  /* as waitpid() gives it; -1 = not known                     */
    const char *end; /* "exit", "_exit", "exec", "signal 9", "running", "unknown" */
} tarn_trace_info;

typedef struct tarn_trace_module {
    const char *path; /* as the dynamic linker knew it; the program's own path for the program */
    const char *build_id; /* lower-case hexadecimal, "" when it has none */
    uint64_t bias;       /* address = bias + address in the ELF file                              */
    uint64_t start, end; /* the addresses it covered                                              */
} tarn_trace_module;

#define TARN_NO_MODULE UINT32_MAX

typedef struct tarn_trace_frame {
    uint64_t address; /* as recorded                                                          */
    uint64_t offset;  /* address - module's bias: look it up in the ELF file; = address without a
                         module */
    uint32_t module;  /* or TARN_NO_MODULE                                                    */
} tarn_trace_frame;

typedef struct tarn_trace_context {
    uint64_t
        size; /* of every allocation with this key (0 when the key spans sizes: see any_size)  */
    uint32_t stack_offset; /* bytes from the thread's stack base to the caller's frame */
    uint32_t frame_count;  /* at least 1  */
    const tarn_trace_frame
        *frames;        /* [0] = the return address of the allocation call, then its callers      */
    uint8_t kind;       /* tarn_event_kind: ALLOC, ZALLOC, ALIGNED, REALLOC       */
    uint8_t align_log2; /* 0 = not asked for */
    bool any_size;      /* the recorder ran out of keys and folded sizes together      */
    bool unwound;       /* false: frames has the return address only       */
} tarn_trace_context;

/**
 * tarn_trace_open - open a trace and read all but its events: header, end, contexts, modules.
 *
 * A side file `<path>.live` that the program left when it was killed, or is still writing, is read
 * with it. Returns  the state known so far, a message of at most TARN_TRACE_MESSAGE bytes in why
 * ("" when complete), and the trace in *trace. Fails    TARN_TRACE_UNREADABLE, *trace NULL. Threads
 * any. Cost     O(blocks + contexts); no event is decoded: this is what `info` needs to say what a
 * file is.
 */
tarn_trace_status tarn_trace_open(const char *path, tarn_trace **trace, char *why);

/**
 * tarn_trace_next - the next event in global order.
 *
 * Returns  true and the event; false at the end (ask tarn_trace_state whether it was a good one).
 * Cost     O(log threads) and a hash lookup; every 30,000th or so decodes a block.
 */
bool tarn_trace_next(tarn_trace *trace, tarn_event *event);

/** tarn_trace_rewind - start again at the first event. */
void tarn_trace_rewind(tarn_trace *trace);

/**
 * tarn_trace_scan - read all events once for the counts, then rewind.
 *
 * Returns  the state, as tarn_trace_state.
 */
tarn_trace_status tarn_trace_scan(tarn_trace *trace);

/** tarn_trace_state - how good the trace is, as far as it was read; a message in why unless that is
 * NULL. */
tarn_trace_status tarn_trace_state(const tarn_trace *trace, char *why);

const tarn_trace_info *tarn_trace_get_info(const tarn_trace *trace);
const tarn_trace_counts *tarn_trace_get_counts(const tarn_trace *trace);

/** tarn_trace_get_context - a context by the number in an event; NULL when there is none. Lives as
 * long as the trace. */
const tarn_trace_context *tarn_trace_get_context(const tarn_trace *trace, uint32_t context);

/** tarn_trace_get_module - a loaded file by the number in a frame; NULL when there is none. */
const tarn_trace_module *tarn_trace_get_module(const tarn_trace *trace, uint32_t module);

/** tarn_trace_close - free everything; NULL is allowed. */
void tarn_trace_close(tarn_trace *trace);

#endif
