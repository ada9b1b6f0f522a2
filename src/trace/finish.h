/* SPDX-License-Identifier: MIT */
/* Finish a trace whose process is gone: what its side file holds goes to the end of the trace, then how it ended. */
#ifndef TARN_TRACE_FINISH_H
#define TARN_TRACE_FINISH_H

#include "trace/format.h"

#include <stdbool.h>

/**
 * tarn_trace_finish - append the side file and an end block, and remove the side file.
 *
 * status is the process's as waitpid gives it, -1 when it is not known.
 * Returns  true when the trace is finished now, or was before.
 * Fails    false with a message of TARN_TRACE_MESSAGE bytes at most: no trace, still being written, disk full. The side
 *          file stays, so that nothing is lost.
 * Threads  any; one process at a time per trace.
 * Cost     O(blocks).
 */
bool tarn_trace_finish(const char *path, int status, char *why);

#endif
