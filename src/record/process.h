/* SPDX-License-Identifier: MIT */
/* The life of a recorded process: start, fork, exit. */
#ifndef TARN_RECORD_PROCESS_H
#define TARN_RECORD_PROCESS_H

#include "record/thread.h"

/* Is a recording open? Opens it at the process's first event; after a fork, of whatever kind, starts the child's own.
 * The caller has set self->busy. */
bool rec_process_ready(rec_thread *self);

#endif
