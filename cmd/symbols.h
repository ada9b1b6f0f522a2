/* SPDX-License-Identifier: MIT */
/* Names for recorded addresses, from the files on this machine when they are the recorded ones (same build-id). */
#ifndef TARN_CMD_SYMBOLS_H
#define TARN_CMD_SYMBOLS_H

#include "trace/reader.h"

typedef struct symbols symbols;

/* NULL when memory is out; the functions below take that. */
symbols *symbols_open(const tarn_trace *trace);

/* What the frame's call is in: "function", "function (file.c:12)", or "libx.so+0x1a2b". */
void symbols_name(symbols *names, const tarn_trace_frame *frame, char *out, size_t room);

void symbols_close(symbols *names);

#endif
