/* SPDX-License-Identifier: MIT */
/* The traces of one recording: FILE, and FILE.<pid>[.<n>] of every other process. */
#ifndef TARN_CMD_RECORD_TRACES_H
#define TARN_CMD_RECORD_TRACES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct record_traces {
    char **paths; /* FILE first, when it exists */
    size_t count, room;
} record_traces;

/* Remove what an earlier recording left at FILE; false (with a message on stderr) when something else is there. */
bool record_traces_clean(const char *file);

/* Finish the traces of processes that are gone. pid is the recorded program's, status what waitpid said of it, or -1
 * while it runs. */
void record_traces_finish(const char *file, pid_t pid, int status);

/* All of them. */
record_traces record_traces_find(const char *file);
void record_traces_free(record_traces *traces);

#endif
