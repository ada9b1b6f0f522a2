/* SPDX-License-Identifier: MIT */
/* What slot 0 of a trace says: the process, its loaded files, its contexts. All of it is kept in memory. */
#ifndef TARN_TRACE_CONTEXTS_H
#define TARN_TRACE_CONTEXTS_H

#include "trace/reader.h"

typedef struct tarn_contexts {
    uint32_t pid, parent_pid;
    char *program, *command;
    tarn_trace_module *modules;
    uint32_t module_count, module_room;
    tarn_trace_context
        *list; /* by key; frame_count 0 = never told; frames set by tarn_contexts_close_list */
    size_t *
        first_frame; /* by key: where its frames begin                                             */
    uint32_t count, room;
    tarn_trace_frame *frames;
    size_t frame_count, frame_room;
    uint32_t last_module; /* of the latest look-up: frames come in clusters */
    bool no_memory;
} tarn_contexts;

/* Take in the records of one block; false when some of it cannot be understood. */
bool tarn_contexts_add(tarn_contexts *contexts, const uint8_t *records, size_t length);

/* After the last block: contexts can be used. */
void tarn_contexts_seal(tarn_contexts *contexts);

void tarn_contexts_clear(tarn_contexts *contexts);

#endif
