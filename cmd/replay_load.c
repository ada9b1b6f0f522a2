/* SPDX-License-Identifier: MIT */
/* replay_load.c - a trace file to a replay program: every event once, then the plan of pools. */
#include "cmd/replay_load.h"

#include <stdio.h>
#include <string.h>

#include "cmd/replay_plan.h"

static const char *state_text(tarn_trace_status s)
{
    switch (s) {
    case TARN_TRACE_COMPLETE:
        return "complete";
    case TARN_TRACE_CUT:
        return "cut";
    case TARN_TRACE_TRUNCATED:
        return "truncated";
    case TARN_TRACE_CORRUPT:
        return "corrupt";
    default:
        return "unreadable";
    }
}

static void describe(replay_loaded *l, const char *file)
{
    const tarn_trace_info *info = tarn_trace_get_info(l->trace);
    const tarn_trace_counts *counts = tarn_trace_get_counts(l->trace);
    l->state = tarn_trace_state(l->trace, l->message);
    l->subject = (replay_subject){.file = file,
                                  .program = info->program != NULL ? info->program : "",
                                  .command = info->command != NULL ? info->command : "",
                                  .state = state_text(l->state),
                                  .message = l->message,
                                  .lost_events = counts->lost_events,
                                  .dropped_events = replay_builder_dropped(l->builder),
                                  .program_cpu_ns = info->cpu_ns,
                                  .threads = counts->threads};
}

bool replay_load(replay_loaded *l, const char *file, bool one_thread, bool places, char *why)
{
    char message[TARN_TRACE_MESSAGE];
    memset(l, 0, sizeof *l);
    tarn_trace_open(file, &l->trace, message);
    if (l->trace == NULL) {
        bool named = strncmp(message, file, strlen(file)) == 0;
        snprintf(why, 512, "%.200s%s%.256s", named ? "" : file, named ? "" : ": ", message);
        return false;
    }
    l->builder = replay_builder_new(one_thread, places);
    if (l->builder == NULL) {
        snprintf(why, 512, "out of memory");
        return false;
    }
    for (tarn_event e; tarn_trace_next(l->trace, &e);)
        if (!replay_builder_add(l->builder, &e)) {
            snprintf(why, 512, "out of memory at operation %llu", (unsigned long long)e.seq);
            return false;
        }
    describe(l, file);
    replay_header *h = replay_builder_header(l->builder);
    if (h->operations == 0) {
        snprintf(why, 512, "%.200s: no operation to replay%s%.200s", file,
                 l->message[0] != '\0' ? ": " : "", l->message);
        return false;
    }
    h->pools = replay_plan(replay_builder_sizes(l->builder), REPLAY_POOLS, h->pool);
    return true;
}

void replay_unload(replay_loaded *l)
{
    replay_builder_free(l->builder);
    tarn_trace_close(l->trace);
}
