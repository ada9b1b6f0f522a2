/* SPDX-License-Identifier: MIT */
/* replay_table.c - the report for people: one line a contender, then what to read from it. */
#include <math.h>
#include <string.h>

#include "cmd/replay_report.h"

static const char *const touches[] = {"none", "first", "ends", "all"};

/* 1234567 as "1.2 MiB", in a caller's buffer of 24 bytes. */
static const char *size_text(double bytes, char *out)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned u = 0;
    if (isnan(bytes))
        return "-";
    for (; bytes >= 1024 && u < 4; u++)
        bytes /= 1024;
    snprintf(out, 24, u == 0 ? "%.0f %s" : "%.1f %s", bytes, units[u]);
    return out;
}

static const char *number(double value, int digits, char *out)
{
    if (isnan(value))
        return "-";
    snprintf(out, 24, "%.*f", digits, value);
    return out;
}

/* The beginning of the command, on one line whatever it holds. */
static void print_command(const char *command, FILE *to)
{
    char line[88];
    size_t n = 0;
    for (; n < sizeof line - 1 && command[n] != '\0'; n++) {
        line[n] = command[n];
        if ((unsigned char)command[n] < ' ')
            line[n] = ' ';
    }
    line[n] = '\0';
    if (n != 0)
        fprintf(to, "  program   %s%s\n", line, command[n] != '\0' ? " ..." : "");
}

static void print_head(const replay_report *r, FILE *to)
{
    const replay_header *h = r->program;
    char live[24], pools[160];
    fprintf(to, "%s\n", r->subject.file);
    print_command(r->subject.command, to);
    fprintf(to,
            "  trace     %llu operations: %llu allocations, %llu reallocs, %llu frees; %s%s%s\n",
            (unsigned long long)h->operations, (unsigned long long)h->allocs,
            (unsigned long long)h->reallocs, (unsigned long long)h->frees, r->subject.state,
            r->subject.message[0] != '\0' ? ": " : "", r->subject.message);
    fprintf(to, "  live      %s at the peak\n", size_text((double)h->peak_live, live));
    replay_report_pools(h, pools, sizeof pools);
    fprintf(to, "  pools     %s\n", h->pools != 0 ? pools : "none: no size is hot");
    fprintf(to, "  replayed  %u round%s on %u thread%s", r->runs, r->runs == 1 ? "" : "s",
            h->threads, h->threads == 1 ? "" : "s");
    if (h->crossings != 0)
        fprintf(to, ", %llu hand-overs between them", (unsigned long long)h->crossings);
    fprintf(to, "; touched: %s\n\n", touches[h->touch]);
}

static void print_failure(const replay_row *row, FILE *to)
{
    fprintf(to, "  %-14s %s: %s", row->contender->name, replay_outcome_text(row->outcome),
            row->message);
    if (row->outcome == REPLAY_FAILED && row->fail_place != UINT64_MAX)
        fprintf(to, ", at operation %llu", (unsigned long long)row->fail_place);
    fputc('\n', to);
}

static void print_row(const replay_row *row, FILE *to)
{
    char ns[24], ratio[24], spread[48] = "", peak[24], frag[24];
    if (row->outcome != REPLAY_DONE) {
        print_failure(row, to);
        return;
    }
    if (!isnan(row->ratio_q1))
        snprintf(spread, sizeof spread, "%.2f to %.2f", row->ratio_q1, row->ratio_q3);
    fprintf(to, "  %-14s %8s  %8s  %-14s %13s%s  %8s\n", row->contender->name,
            number(row->ns, 1, ns), number(row->ratio, 2, ratio), spread,
            size_text(row->peak_bytes, peak), row->peak_exact ? " " : "?",
            number(row->fragmentation, 2, frag));
}

static void print_verified(const replay_report *r, FILE *to)
{
    fprintf(to, "  %-14s %12s  %12s  %s\n", "contender", "blocks", "bytes", "contents");
    for (size_t i = 1; i < r->count; i++) {
        const replay_row *row = &r->rows[i];
        char bytes[24];
        if (row->outcome != REPLAY_DONE)
            print_failure(row, to);
        else
            fprintf(to, "  %-14s %12llu  %12s  as written\n", row->contender->name,
                    (unsigned long long)row->checked_blocks,
                    size_text((double)row->checked_bytes, bytes));
    }
}

static void print_notes(const replay_report *r, FILE *to)
{
    bool guessed = false;
    for (size_t i = 0; i < r->count; i++)
        guessed = guessed || (r->rows[i].outcome == REPLAY_DONE && !r->rows[i].peak_exact);
    fprintf(to,
            "\n  ns/op: CPU time per operation, without the loop's own, which is the no-op's row.\n"
            "  ratio: to glibc in the same round; median, and the middle half of the rounds.\n"
            "  peak: resident memory above what the process held before the first operation;\n"
            "  /live: that, over the greatest sum of bytes asked for.\n");
    if (guessed)
        fprintf(to, "  ?: the peak could not be reset and may be from before the replay.\n");
    if (r->missing[0] != '\0')
        fprintf(to, "  Not installed, so not compared: %s.\n", r->missing);
}

void replay_report_print(const replay_report *r, FILE *to)
{
    print_head(r, to);
    if (r->program->verify != 0) {
        print_verified(r, to);
        return;
    }
    fprintf(to, "  %-14s %8s  %8s  %-14s %13s   %8s\n", "contender", "ns/op", "ratio", "  spread",
            "peak", "/live");
    for (size_t i = 0; i < r->count; i++)
        print_row(&r->rows[i], to);
    print_notes(r, to);
    if (r->verdict[0] != '\0')
        fprintf(to, "\n  Judgment: %s\n", r->verdict);
}
