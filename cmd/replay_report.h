/* SPDX-License-Identifier: MIT */
/* replay_report.h - what the rounds say: medians, ratios, a judgment; as a table and as JSON. */
#ifndef TARN_REPLAY_REPORT_H
#define TARN_REPLAY_REPORT_H

#include <stdio.h>

#include "cmd/replay_contender.h"
#include "cmd/replay_program.h"

enum { REPLAY_RUNS = 100 }; /* rounds at most */

typedef struct replay_row {
    const replay_contender *contender;
    uint32_t outcome; /* enum replay_outcome; the worst of its rounds */
    char message[160];
    char library[256];
    uint64_t fail_place;
    unsigned runs; /* good rounds */
    double cpu_ns[REPLAY_RUNS], wall_ns[REPLAY_RUNS], peak[REPLAY_RUNS], base[REPLAY_RUNS];
    bool peak_exact;
    uint32_t threads; /* of a worker, at once, at most */
    uint64_t checked_blocks, checked_bytes;
    /* Computed by replay_report_compute; NAN = not known. */
    double ns;                        /* per operation, without the loop's own */
    double ratio, ratio_q1, ratio_q3; /* to glibc, over the rounds */
    double peak_bytes;                /* median, above the baseline */
    double fragmentation;             /* peak_bytes / peak live bytes */
} replay_row;

/* What is known of the trace. */
typedef struct replay_subject {
    const char *file, *program, *command;
    const char *state;   /* "complete", "cut", "truncated", "corrupt" */
    const char *message; /* what is lost; "" = nothing */
    uint64_t lost_events, dropped_events;
    uint64_t program_cpu_ns; /* 0 = not known */
    uint32_t threads;        /* of the program; the replay's are in the header */
} replay_subject;

typedef struct replay_report {
    replay_subject subject;
    const replay_header *program;
    const char *missing;
    unsigned runs;
    size_t count;
    replay_row *rows; /* [0] the no-op, [1] glibc */
    double loop_ns;   /* the no-op's time per operation */
    double share;     /* of the program's CPU time that allocation is, 0 to 1; NAN = not known */
    char verdict[1024];
} replay_report;

/** replay_report_compute - medians, ratios, and the judgment. */
void replay_report_compute(replay_report *r);

/** replay_report_print - for people. */
void replay_report_print(const replay_report *r, FILE *to);

/** replay_report_json - for programs; false when it could not be written. */
bool replay_report_json(const replay_report *r, FILE *to);

/** replay_report_pools - "24, 40 and 64 B", or "12 hot sizes from 8 to 496 B"; the plan in words. */
void replay_report_pools(const replay_header *program, char *out, size_t size);

/** replay_outcome_text - one word or two. */
const char *replay_outcome_text(unsigned outcome);

/** replay_quantile - of n values; NAN when there are none. Sorts a copy, interpolates. */
double replay_quantile(const double *values, unsigned n, double q);

#endif
