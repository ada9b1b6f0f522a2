/* SPDX-License-Identifier: MIT */
/* replay_builder.h - events of a trace to a replay program. */
#ifndef TARN_REPLAY_BUILDER_H
#define TARN_REPLAY_BUILDER_H

#include "cmd/replay_program.h"
#include "trace/event.h"

/* What the trace says of one size. */
typedef struct replay_size {
    uint64_t allocs;
    uint64_t live, peak; /* blocks */
} replay_size;

typedef struct replay_builder replay_builder;

/** replay_builder_new - an empty program; NULL when memory is out. */
replay_builder *replay_builder_new(bool one_thread, bool places);

/**
 * replay_builder_add - the next event of the trace.
 *
 * Returns  true; also for an event that makes no sense (a free of nothing live), which is counted and left out.
 * Fails    false when memory is out.
 */
bool replay_builder_add(replay_builder *b, const tarn_event *event);

/** replay_builder_dropped - events left out because they made no sense. */
uint64_t replay_builder_dropped(const replay_builder *b);

/** replay_builder_sizes - the histogram, REPLAY_POOL_MAX + 1 entries. */
const replay_size *replay_builder_sizes(const replay_builder *b);

/** replay_builder_header - the figures so far; settings and pools may be filled in by the caller. */
replay_header *replay_builder_header(replay_builder *b);

/**
 * replay_builder_finish - write the program to a memory file.
 *
 * Returns  the file descriptor, not inherited by exec unless made so.
 * Fails    -1, errno.
 */
int replay_builder_finish(replay_builder *b);

/** replay_builder_free - give everything back; NULL is allowed. */
void replay_builder_free(replay_builder *b);

#endif
