/* SPDX-License-Identifier: MIT */
/* One event of a recorded program, as a reader hands it out.
 *
 * Events come in one global order that is legal to replay on one thread or, thread by thread, on
 * many: a block is allocated before it is freed, and an object number is free again before it is
 * given out again.
 *
 * Objects are dense: a number below tarn_trace_counts.objects (the greatest number of live blocks
 * at once), recycled on free, so that a replayer keeps `void *block[objects]` and nothing else.
 */
#ifndef TARN_TRACE_EVENT_H
#define TARN_TRACE_EVENT_H

#include <stdint.h>

typedef enum tarn_event_kind {
    TARN_EVENT_ALLOC,   /* malloc(size), realloc(NULL, size): object is new   */
    TARN_EVENT_ZALLOC,  /* calloc: size is the product; the program expects zeros  */
    TARN_EVENT_ALIGNED, /* aligned_alloc, posix_memalign, memalign, valloc, pvalloc: see align_log2
                         */
    TARN_EVENT_REALLOC, /* realloc of `object` from old_size to size; the object number stays */
    TARN_EVENT_FREE,    /* size = what the block had; the object number is free from here on    */
    TARN_EVENT_USABLE,  /* malloc_usable_size: size = the answer: the program may write that many
                           bytes  */
    TARN_EVENT_THREAD_START, /* the thread's first event; no object */
    TARN_EVENT_THREAD_END,   /* nothing of this thread follows; no object   */
} tarn_event_kind;

#define TARN_NO_CONTEXT                                                                            \
    UINT32_MAX /* free, usable, thread events, and allocations whose context was lost */

typedef struct tarn_event {
    uint64_t seq;      /* place in the global order, from 0, without gaps      */
    uint64_t time_ns;  /* since the recording began; steps of a few dozen events; never falls in one
                          thread */
    uint64_t size;     /* bytes; see the kinds     */
    uint64_t old_size; /* bytes, REALLOC only */
    uint64_t address;  /* as recorded: for reports on locality; a replayer does not need it  */
    uint32_t object;   /* index of the block; 0 for thread events   */
    uint32_t thread;   /* from 0, in order of first event; not recycled   */
    uint32_t context;  /* index for tarn_trace_get_context(), or TARN_NO_CONTEXT  */
    uint8_t kind;      /* tarn_event_kind      */
    uint8_t
        align_log2; /* what the program asked for: 0 when it did not ask (malloc's own alignment) */
} tarn_event;

#endif
