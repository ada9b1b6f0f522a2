/* SPDX-License-Identifier: MIT */
/* `tarn info --json`: the same, for programs. */
#include "cmd/info_summary.h"
#include "cmd/symbols.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void put(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

/* Paths and command lines are bytes; JSON wants UTF-8. */
static void put_text(json_t *object, const char *key, const char *text)
{
    json_t *value = json_string(text);
    char plain[4096];
    if (!value) {
        snprintf(plain, sizeof plain, "%s", text);
        for (char *c = plain; *c; c++)
            if (*c & 0x80)
                *c = '?';
        value = json_string(plain);
    }
    json_object_set_new(object, key, value);
}

static json_t *head(const tarn_trace *trace, const info_summary *s)
{
    const tarn_trace_info *i = tarn_trace_get_info(trace);
    const tarn_trace_counts *n = tarn_trace_get_counts(trace);
    char why[TARN_TRACE_MESSAGE];
    json_t *o = json_object();
    tarn_trace_status status = tarn_trace_state(trace, why);
    static const char *const names[] = {"complete", "cut", "truncated", "corrupt", "unreadable"};
    put_text(o, "file", i->path);
    put_text(o, "state", names[status]);
    put_text(o, "message", why);
    put_text(o, "end", i->end);
    put_text(o, "program", i->program);
    put_text(o, "command", i->command);
    put(o, "pid", i->pid);
    put(o, "start_unix_ns", i->start_unix_ns);
    put(o, "recorded_ns", n->time_ns);
    put(o, "events", n->events);
    put(o, "allocations", n->allocs);
    put(o, "resizes", n->reallocs);
    put(o, "frees", n->frees);
    put(o, "remote_frees", s->remote_frees);
    put(o, "threads", n->threads);
    put(o, "bytes_requested", s->bytes);
    put(o, "peak_live_bytes", n->peak_live);
    put(o, "peak_live_blocks", n->objects);
    put(o, "live_bytes_at_end", n->live_at_end);
    put(o, "refused_requests", n->failed);
    put(o, "foreign_frees", n->foreign_frees);
    put(o, "lost_events", n->lost_events);
    put(o, "lost_blocks", n->lost_blocks);
    put(o, "contexts", n->contexts);
    put(o, "file_bytes", n->file_bytes);
    json_object_set_new(o, "bytes_per_event",
                        json_real(n->events ? (double)n->file_bytes / (double)n->events : 0));
    return o;
}

static json_t *powers(const uint64_t *counts, unsigned count)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++) {
        if (!counts[i])
            continue;
        json_t *row = json_object();
        put(row, "up_to", UINT64_C(1) << i);
        put(row, "count", counts[i]);
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *size_rows(const info_summary *s, unsigned top)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < s->size_count && i < top; i++) {
        json_t *row = json_object();
        put(row, "size", s->sizes[i].size);
        put(row, "requests", s->sizes[i].count);
        put(row, "most_live", s->sizes[i].most_live);
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *frames(const tarn_trace *trace, const tarn_trace_context *c, symbols *names)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < c->frame_count; i++) {
        const tarn_trace_module *m = tarn_trace_get_module(trace, c->frames[i].module);
        char name[200];
        json_t *row = json_object();
        symbols_name(names, &c->frames[i], name, sizeof name);
        put_text(row, "name", name);
        put_text(row, "module", m ? m->path : "");
        put_text(row, "build_id", m ? m->build_id : "");
        put(row, "offset", c->frames[i].offset);
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *context_rows(const tarn_trace *trace, const info_summary *s, unsigned top)
{
    json_t *list = json_array();
    symbols *names = symbols_open(trace);
    for (uint32_t i = 0; i < s->context_count && i < top; i++) {
        const info_context *from = &s->contexts[i];
        const tarn_trace_context *c = tarn_trace_get_context(trace, from->context);
        json_t *row = json_object();
        put(row, "requests", from->count);
        put(row, "bytes", from->bytes);
        put(row, "freed", from->freed);
        put(row, "age_sum", from->age_sum);
        if (c) {
            put(row, "size", c->size);
            put(row, "stack_offset", c->stack_offset);
            json_object_set_new(row, "frames", frames(trace, c, names));
        }
        json_array_append_new(list, row);
    }
    symbols_close(names);
    return list;
}

bool info_print_json(const tarn_trace *trace, const info_summary *summary,
                     const info_options *options)
{
    json_t *o = head(trace, summary);
    json_object_set_new(o, "sizes_by_power_of_two", powers(summary->classes, INFO_CLASSES));
    json_object_set_new(o, "lifetimes_by_power_of_two", powers(summary->ages, INFO_AGES));
    put(o, "never_freed", summary->never_freed);
    put(o, "distinct_sizes", summary->size_count);
    json_object_set_new(o, "top_sizes", size_rows(summary, options->top));
    json_object_set_new(o, "top_contexts", context_rows(trace, summary, options->top));
    bool good = json_dumpf(o, stdout, JSON_INDENT(2)) == 0;
    putchar('\n');
    json_decref(o);
    return good;
}
