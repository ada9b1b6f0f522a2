/* SPDX-License-Identifier: MIT */
/* replay_worker.h - the process in which one contender is replayed once, and what it tells its parent. */
#ifndef TARN_REPLAY_WORKER_H
#define TARN_REPLAY_WORKER_H

#include <stdbool.h>
#include <stdint.h>

enum replay_outcome {
    REPLAY_DONE,
    REPLAY_NOT_ENGAGED, /* another library's malloc answered */
    REPLAY_FAILED,      /* refused, or --verify found a fault: see message */
    REPLAY_SKIPPED,     /* makes no sense for this trace: see message */
    REPLAY_DIED         /* set by the parent: the worker ended without an answer */
};

#define REPLAY_RESULT_MAGIC UINT32_C(0x52657031)

typedef struct replay_result {
    uint32_t magic;
    uint32_t outcome; /* enum replay_outcome */
    uint64_t cpu_ns;  /* of the loops, all threads, without waiting */
    uint64_t wall_ns;
    uint64_t base_bytes, peak_bytes; /* resident: before the first operation, and at most since */
    uint64_t checked_blocks, checked_bytes;
    uint64_t fail_place; /* in the trace; UINT64_MAX = not known */
    uint32_t
        peak_exact; /* 0: the kernel did not let us reset VmHWM, and the peak may be from before */
    uint32_t threads;  /* at once, at most */
    char library[256]; /* file that malloc comes from */
    char message[160];
} replay_result;

/**
 * replay_worker_main - the hidden verb: KIND PROGRAM-FD RESULT-FD EXPECTED.
 *
 * EXPECTED is the start of the file name that malloc must come from; "" = any. KIND "probe" only tells the library.
 */
int replay_worker_main(int argc, char **argv);

#endif
