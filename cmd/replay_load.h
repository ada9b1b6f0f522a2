/* SPDX-License-Identifier: MIT */
/* replay_load.h - a trace file to a replay program. */
#ifndef TARN_REPLAY_LOAD_H
#define TARN_REPLAY_LOAD_H

#include "cmd/replay_builder.h"
#include "cmd/replay_report.h"
#include "trace/reader.h"

typedef struct replay_loaded {
    tarn_trace *trace;       /* the subject's strings live in it */
    replay_builder *builder; /* as does the header in this */
    replay_subject subject;
    char message[TARN_TRACE_MESSAGE];
    tarn_trace_status state;
} replay_loaded;

/** replay_load - decode a trace once; false and one line in why (512 bytes) when nothing can be used. */
bool replay_load(replay_loaded *l, const char *file, bool one_thread, bool places, char *why);

/** replay_unload - give everything back; also after a failure. */
void replay_unload(replay_loaded *l);

#endif
