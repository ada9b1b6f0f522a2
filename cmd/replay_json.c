/* SPDX-License-Identifier: MIT */
/* replay_json.c - the report for programs. The keys are described in docs/replay-json.md; new ones may be added. */
#include <jansson.h>
#include <math.h>

#include "cmd/replay_report.h"

static json_t *number(double v)
{
    return isnan(v) ? json_null() : json_real(v);
}

static json_t *integer(uint64_t v)
{
    return json_integer((json_int_t)v);
}

/* Text from the recorded program need not be UTF-8. */
static json_t *text(const char *s)
{
    json_t *j = json_string(s);
    if (j != NULL)
        return j;
    char clean[512];
    size_t n = 0;
    for (; n < sizeof clean - 1 && s[n] != '\0'; n++) {
        clean[n] = s[n];
        if ((unsigned char)s[n] >= 0x80)
            clean[n] = '?';
    }
    clean[n] = '\0';
    return json_string(clean);
}

static json_t *trace_object(const replay_report *r)
{
    const replay_subject *s = &r->subject;
    const replay_header *h = r->program;
    json_t *o = json_object();
    json_object_set_new(o, "file", text(s->file));
    json_object_set_new(o, "program", text(s->program));
    json_object_set_new(o, "command", text(s->command));
    json_object_set_new(o, "state", text(s->state));
    json_object_set_new(o, "message", text(s->message));
    json_object_set_new(o, "lost_events", integer(s->lost_events));
    json_object_set_new(o, "dropped_events", integer(s->dropped_events));
    json_object_set_new(o, "operations", integer(h->operations));
    json_object_set_new(o, "allocations", integer(h->allocs));
    json_object_set_new(o, "reallocations", integer(h->reallocs));
    json_object_set_new(o, "frees", integer(h->frees));
    json_object_set_new(o, "peak_live_bytes", integer(h->peak_live));
    json_object_set_new(o, "threads", integer(s->threads));
    json_object_set_new(o, "cpu_ns",
                        s->program_cpu_ns != 0 ? integer(s->program_cpu_ns) : json_null());
    return o;
}

static json_t *replay_object(const replay_report *r)
{
    static const char *const touches[] = {"none", "first", "ends", "all"};
    const replay_header *h = r->program;
    json_t *o = json_object(), *pools = json_array();
    json_object_set_new(o, "rounds", integer(r->runs));
    json_object_set_new(o, "threads", integer(h->threads));
    json_object_set_new(o, "hand_overs", integer(h->crossings));
    json_object_set_new(o, "touch", text(touches[h->touch]));
    json_object_set_new(o, "verify", json_boolean(h->verify != 0));
    json_object_set_new(o, "loop_ns_per_op", number(r->loop_ns));
    for (uint32_t i = 0; i < h->pools; i++) {
        json_t *p = json_object();
        json_object_set_new(p, "low", integer(h->pool[i].low));
        json_object_set_new(p, "high", integer(h->pool[i].high));
        json_object_set_new(p, "block", integer(h->pool[i].block));
        json_object_set_new(p, "align", integer(h->pool[i].align));
        json_object_set_new(p, "requests", integer(h->pool[i].allocs));
        json_array_append_new(pools, p);
    }
    json_object_set_new(o, "pools", pools);
    json_object_set_new(o, "not_installed", text(r->missing));
    return o;
}

static json_t *samples(const double *values, unsigned n)
{
    json_t *a = json_array();
    for (unsigned i = 0; i < n; i++)
        json_array_append_new(a, json_real(values[i]));
    return a;
}

static json_t *row_object(const replay_row *row)
{
    json_t *o = json_object();
    bool good = row->outcome == REPLAY_DONE;
    json_object_set_new(o, "name", text(row->contender->name));
    json_object_set_new(o, "outcome", text(replay_outcome_text(row->outcome)));
    json_object_set_new(o, "message", text(row->message));
    json_object_set_new(o, "failed_operation",
                        row->outcome == REPLAY_FAILED && row->fail_place != UINT64_MAX
                            ? integer(row->fail_place)
                            : json_null());
    json_object_set_new(o, "library", text(row->library));
    json_object_set_new(o, "ns_per_op", number(good ? row->ns : (double)NAN));
    json_object_set_new(o, "ratio", number(row->ratio));
    json_object_set_new(o, "ratio_q1", number(row->ratio_q1));
    json_object_set_new(o, "ratio_q3", number(row->ratio_q3));
    json_object_set_new(o, "peak_resident_bytes", number(row->peak_bytes));
    json_object_set_new(o, "peak_exact", json_boolean(row->peak_exact));
    json_object_set_new(o, "threads_at_once", integer(row->threads));
    json_object_set_new(o, "resident_over_live", number(row->fragmentation));
    json_object_set_new(o, "checked_blocks", integer(row->checked_blocks));
    json_object_set_new(o, "checked_bytes", integer(row->checked_bytes));
    json_object_set_new(o, "cpu_ns", samples(row->cpu_ns, row->runs));
    json_object_set_new(o, "wall_ns", samples(row->wall_ns, row->runs));
    json_object_set_new(o, "peak_bytes", samples(row->peak, row->runs));
    json_object_set_new(o, "baseline_bytes", samples(row->base, row->runs));
    return o;
}

bool replay_report_json(const replay_report *r, FILE *to)
{
    json_t *root = json_object(), *rows = json_array();
    json_object_set_new(root, "schema", text("tarn-replay-1"));
    json_object_set_new(root, "trace", trace_object(r));
    json_object_set_new(root, "replay", replay_object(r));
    for (size_t i = 0; i < r->count; i++)
        json_array_append_new(rows, row_object(&r->rows[i]));
    json_object_set_new(root, "contenders", rows);
    json_object_set_new(root, "allocation_share_of_cpu", number(r->share));
    json_object_set_new(root, "judgment", text(r->verdict));
    bool good = json_dumpf(root, to, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 &&
                fputc('\n', to) != EOF;
    json_decref(root);
    return good;
}
