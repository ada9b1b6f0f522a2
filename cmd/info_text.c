/* SPDX-License-Identifier: MIT */
/* `tarn info` for people. */
#include "cmd/info_summary.h"
#include "cmd/symbols.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define SHOWN_FRAMES 4

static const char *number(uint64_t v, char out[32])
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, v), to = 0;
    for (int i = 0; i < n; i++) {
        out[to++] = digits[i];
        if ((n - i - 1) % 3 == 0 && i + 1 < n)
            out[to++] = ',';
    }
    out[to] = 0;
    return out;
}

static const char *bytes(uint64_t v, char out[32])
{
    static const char units[][4] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double b = (double)v;
    unsigned unit = 0;
    while (b >= 1024 && unit < 4) {
        b /= 1024;
        unit++;
    }
    snprintf(out, 32, unit ? "%.1f %s" : "%.0f %s", b, units[unit]);
    return out;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_head(const tarn_trace *trace, const info_summary *s)
{
    const tarn_trace_info *i = tarn_trace_get_info(trace);
    const tarn_trace_counts *n = tarn_trace_get_counts(trace);
    char why[TARN_TRACE_MESSAGE], when[64], a[32], b[32], c[32], d[32];
    bool complete = tarn_trace_state(trace, why) == TARN_TRACE_COMPLETE;
    time_t start = (time_t)(i->start_unix_ns / 1000000000u);
    struct tm tm;
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", localtime_r(&start, &tm));
    printf("%s: %s%s%s%s\n", i->path, complete ? "complete (" : why, complete ? i->end : "",
           complete ? ")" : "", "");
    printf("  program    %s\n  command    %s\n  process    %u, started %s, recorded %.2f s\n",
           i->program, i->command, i->pid, when, (double)n->time_ns / 1e9);
    printf("  events     %s: %s allocations, %s resizes, %s frees\n", number(n->events, a),
           number(n->allocs, b), number(n->reallocs, c), number(n->frees, d));
    printf("  threads    %u%s", n->threads, n->threads > 1 ? "" : "\n");
    if (n->threads > 1)
        printf("; %.1f %% of the frees by another thread than the block's\n",
               percent(s->remote_frees, n->frees));
    printf("  live       at most %s in %s blocks; %s at the end\n", bytes(n->peak_live, a),
           number(n->objects, b), bytes(n->live_at_end, c));
    printf("  contexts   %s in %u files\n", number(n->contexts, a), n->modules);
    printf("  file       %s, %.2f bytes an event\n", bytes(n->file_bytes, a),
           n->events ? (double)n->file_bytes / (double)n->events : 0);
    if (n->failed || n->foreign_frees)
        printf("  left out   %s refused requests, %s frees of blocks from before the recording\n",
               number(n->failed, a), number(n->foreign_frees, b));
}

static void print_lifetimes(const info_summary *s, uint64_t allocs)
{
    printf("\n  lifetime, in allocations made meanwhile\n");
    uint64_t sum = 0;
    static const unsigned steps[] = {0, 4, 8, 12, 16, 20, INFO_AGES - 1};
    for (unsigned i = 0, step = 0; step < sizeof steps / sizeof steps[0]; step++) {
        for (; i <= steps[step]; i++)
            sum += s->ages[i];
        if (steps[step] == INFO_AGES - 1)
            printf("    longer         %5.1f %%\n", percent(sum, allocs));
        else
            printf("    up to %-8llu %5.1f %%\n", 1ULL << steps[step], percent(sum, allocs));
        sum = 0;
    }
    printf("    never freed    %5.1f %%\n", percent(s->never_freed, allocs));
}

static void print_sizes(const info_summary *s, uint64_t all, unsigned top)
{
    uint64_t sum = 0;
    printf("\n  %10s %14s %7s %7s %12s\n", "size", "requests", "share", "sum", "most live");
    for (uint32_t i = 0; i < s->size_count && i < top; i++) {
        char a[32], b[32];
        const info_size *row = &s->sizes[i];
        sum += row->count;
        printf("  %10" PRIu64 " %14s %6.1f%% %6.1f%% %12s\n", row->size, number(row->count, a),
               percent(row->count, all), percent(sum, all), number(row->most_live, b));
    }
    if (s->size_count > top)
        printf("  %10s %14s %u more sizes\n", "", "", s->size_count - top);
}

static void print_contexts(const tarn_trace *trace, const info_summary *s, unsigned top)
{
    symbols *names = symbols_open(trace);
    printf("\n  %14s %12s %10s %12s  context\n", "requests", "size", "freed", "mean life");
    for (uint32_t i = 0; i < s->context_count && i < top; i++) {
        const info_context *row = &s->contexts[i];
        const tarn_trace_context *c = tarn_trace_get_context(trace, row->context);
        char a[32], size[32], name[200];
        snprintf(size, sizeof size, c && !c->any_size ? "%" PRIu64 : "any", c ? c->size : 0);
        printf("  %14s %12s %9.1f%% %12.0f  ", number(row->count, a), size,
               percent(row->freed, row->count),
               row->freed ? (double)row->age_sum / (double)row->freed : 0);
        for (uint32_t f = 0; c && f < c->frame_count && f < SHOWN_FRAMES; f++) {
            symbols_name(names, &c->frames[f], name, sizeof name);
            printf("%s%s", f ? " < " : "", name);
        }
        puts(c ? "" : "(lost)");
    }
    symbols_close(names);
}

void info_print_text(const tarn_trace *trace, const info_summary *summary,
                     const info_options *options)
{
    const tarn_trace_counts *n = tarn_trace_get_counts(trace);
    print_head(trace, summary);
    if (n->allocs) {
        print_lifetimes(summary, n->allocs);
        print_sizes(summary, n->allocs + n->reallocs, options->top);
        print_contexts(trace, summary, options->top);
    }
    printf("\nNext: tarn replay %s\n", options->file);
}
