/* SPDX-License-Identifier: MIT */
/* Run one of this test's own functions in a process of its own, under `tarn record`, and read the traces. */
#ifndef TARN_TEST_RECORDED_H
#define TARN_TEST_RECORDED_H

#include "trace/reader.h"

#include <stdbool.h>

typedef struct part {
    const char *name;
    void (*run)(void);
} part;

/* A test's main calls this first: in a recorded process it runs the part that was asked for and does not return. */
void recorded_parts(const part *parts, size_t count, int argc, char **argv);

#define TRACES_MAX 512

typedef struct recorded {
    char folder[64];
    int status; /* of tarn record, as from waitpid */
    size_t count;
    tarn_trace *traces[TRACES_MAX];       /* [0]: of the process that was started */
    tarn_trace_status states[TRACES_MAX]; /* after all events were read       */
} recorded;

/* Record a part; every trace is read through, so counts are complete. Fails the test when nothing was recorded. */
recorded record_part(const char *name);
void record_done(recorded *r);

/* Of trace 0: allocations of this size, as events; the last of them in *last. */
unsigned allocs_of(tarn_trace *trace, uint64_t size, tarn_event *last);

#endif
