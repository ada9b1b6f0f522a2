/* SPDX-License-Identifier: MIT */
/*
 * replay_compute.c - from samples to figures, and from figures to one judgment.
 *
 *     time per operation    median of the rounds, less the median of the no-op's
 *     ratio                 median over rounds of (contender - no-op) / (glibc - no-op), both of the same round
 *     share of the program  glibc's time per operation * operations / CPU time of the recorded program
 *
 * The judgment only claims a gain where the upper quartile of the ratio is below 1: more than noise.
 */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/replay_report.h"

enum {
    FEW = 10000, /* operations: too few to time        */
    ENOUGH = 3,  /* rounds, for a spread               */
    MANY = 8     /* pools: too many to list their sizes */
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double replay_quantile(const double *values, unsigned n, double q)
{
    double sorted[REPLAY_RUNS];
    if (n == 0 || n > REPLAY_RUNS)
        return (double)NAN;
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    double at = q * (n - 1);
    unsigned low = (unsigned)at;
    unsigned high = low + 1 < n ? low + 1 : low;
    return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

const char *replay_outcome_text(unsigned outcome)
{
    static const char *const words[] = {"ok", "not engaged", "failed", "skipped", "died"};
    return outcome < sizeof words / sizeof words[0] ? words[outcome] : "unknown";
}

static void compute_row(replay_row *row, const replay_row *glibc, double loop, uint64_t operations)
{
    double ratios[REPLAY_RUNS];
    unsigned n = 0;
    double of_ops = operations != 0 ? (double)operations : 1;
    row->ns = (replay_quantile(row->cpu_ns, row->runs, 0.5) - loop) / of_ops;
    for (unsigned i = 0; i < row->runs && i < glibc->runs; i++) {
        double base = glibc->cpu_ns[i] - loop;
        double own = row->cpu_ns[i] - loop;
        if (base > 0)
            ratios[n++] = own > 0 ? own / base : 0;
    }
    row->ratio = replay_quantile(ratios, n, 0.5);
    row->ratio_q1 = replay_quantile(ratios, n, 0.25);
    row->ratio_q3 = replay_quantile(ratios, n, 0.75);
    row->peak_bytes = replay_quantile(row->peak, row->runs, 0.5);
}

void replay_report_pools(const replay_header *program, char *out, size_t size)
{
    size_t at = 0;
    if (size != 0)
        out[0] = '\0';
    if (program->pools > MANY) {
        snprintf(out, size, "%u hot sizes from %u to %u B", program->pools, program->pool[0].block,
                 program->pool[program->pools - 1].block);
        return;
    }
    for (uint32_t i = 0; i < program->pools && at < size; i++) {
        const char *join = i == 0 ? "" : i + 1 == program->pools ? " and " : ", ";
        int n = snprintf(out + at, size - at, "%s%u", join, program->pool[i].block);
        at += n > 0 ? (size_t)n : 0;
    }
    if (at != 0 && at < size)
        snprintf(out + at, size - at, " B");
}

/* ── The judgment ───────────────────────────────────────────────────────────────────────────────────────────────── */

static bool is_tarn(const replay_row *row)
{
    return strncmp(row->contender->name, "tarn:", 5) == 0;
}

/* The good row with the least ratio, of Tarn's compositions that free, or of the others but glibc. */
static const replay_row *best(const replay_report *r, bool of_tarn)
{
    const replay_row *found = NULL;
    for (size_t i = 2; i < r->count; i++) {
        const replay_row *row = &r->rows[i];
        if (row->outcome != REPLAY_DONE || is_tarn(row) != of_tarn || isnan(row->ratio) ||
            strcmp(row->contender->name, "tarn:arena") == 0)
            continue;
        if (found == NULL || row->ratio < found->ratio)
            found = row;
    }
    return found;
}

/* Append to the verdict. */
__attribute__((format(printf, 2, 3))) static void say(replay_report *r, const char *format, ...)
{
    size_t at = strlen(r->verdict);
    va_list args;
    va_start(args, format);
    size_t room = sizeof r->verdict - at;
    (void)vsnprintf(r->verdict + at, room, format, args); /* NOLINT(clang-analyzer-valist.*) */
    va_end(args);
}

static void say_time(replay_report *r, const replay_row *row, const char *what)
{
    if (row->runs < ENOUGH)
        say(r, "%s took %.2f of glibc's allocation time, in too few rounds to tell it from noise",
            what, row->ratio);
    else if (row->ratio_q3 < 1)
        say(r, "%s would take %.2f of glibc's allocation time (%.2f to %.2f in half of the rounds)",
            what, row->ratio, row->ratio_q1, row->ratio_q3);
    else if (row->ratio_q1 > 1)
        say(r, "nothing to gain: %s would take %.2f times glibc's allocation time (%.2f to %.2f)",
            what, row->ratio, row->ratio_q1, row->ratio_q3);
    else
        say(r, "nothing to gain: %s and glibc take the same time within noise (%.2f, %.2f to %.2f)",
            what, row->ratio, row->ratio_q1, row->ratio_q3);
}

/* What the gain is for the whole program (Amdahl's law). */
static void say_share(replay_report *r, const replay_row *row)
{
    if (isnan(r->share)) {
        say(r,
            " What share of the program's time that is, is not known: the trace has no CPU time.");
        return;
    }
    say(r, " Allocation is about %.1f %% of the recorded run's CPU time", 100 * r->share);
    if (row != NULL && row->ratio_q3 < 1 && row->runs >= ENOUGH)
        say(r, ", so the program would save %.1f %%.", 100 * r->share * (1 - row->ratio));
    else
        say(r, ".");
}

static void say_memory(replay_report *r, const replay_row *row)
{
    double glibc = r->rows[1].peak_bytes;
    if (!(glibc > 0) || !(row->peak_bytes > 0))
        return;
    say(r, " Peak resident memory: %.2f of glibc's.", row->peak_bytes / glibc);
}

static bool asked_for_tarn(const replay_report *r)
{
    for (size_t i = 2; i < r->count; i++)
        if (is_tarn(&r->rows[i]))
            return true;
    return false;
}

static void judge_pools(replay_report *r, const replay_row *pools)
{
    char sizes[160], what[240];
    bool inlined = strcmp(pools->contender->name, "tarn:inlined") == 0;
    replay_report_pools(r->program, sizes, sizeof sizes);
    snprintf(what, sizeof what, "pools for %s%s", sizes, inlined ? ", called inlined," : "");
    say_time(r, pools, what);
    say(r, ".");
    say_memory(r, pools);
}

/* The best of the other mallocs, after what was said of pools, if anything was (pools may be NULL). */
static void judge_other(replay_report *r, const replay_row *other, const replay_row *pools)
{
    const char *name = other->contender->name;
    if (r->verdict[0] != '\0')
        say(r, " ");
    if (other->ratio_q3 >= 1) {
        say_time(r, other, name);
        say(r, ".");
        return;
    }
    bool better = pools != NULL && other->ratio_q3 < pools->ratio_q1;
    say(r, "%s, without a change to the program, %s %.2f of glibc's time.", name,
        better ? "would do better:" : "reaches", other->ratio);
}

static void judge(replay_report *r)
{
    const replay_row *pools = best(r, true), *other = best(r, false);
    r->verdict[0] = '\0';
    if (r->program->verify != 0 || r->rows[1].outcome != REPLAY_DONE)
        return;
    if (r->program->operations < FEW) {
        say(r, "too few operations (%llu) to compare times.",
            (unsigned long long)r->program->operations);
        return;
    }
    if (asked_for_tarn(r) && r->program->pools == 0)
        say(r, "nothing to gain from pools: no size is asked for often enough.");
    else if (pools != NULL)
        judge_pools(r, pools);
    else if (other == NULL)
        say(r, "nothing to compare with glibc.");
    if (other != NULL && (pools == NULL || other->ratio_q3 < 1))
        judge_other(r, other, pools);
    say_share(r, pools != NULL ? pools : other);
}

void replay_report_compute(replay_report *r)
{
    double loop = replay_quantile(r->rows[0].cpu_ns, r->rows[0].runs, 0.5);
    uint64_t operations = r->program->operations;
    if (isnan(loop))
        loop = 0;
    r->loop_ns = operations != 0 ? loop / (double)operations : 0;
    for (size_t i = 0; i < r->count; i++) {
        replay_row *row = &r->rows[i];
        compute_row(row, &r->rows[1], loop, operations);
        row->fragmentation = r->program->peak_live != 0
                                 ? row->peak_bytes / (double)r->program->peak_live
                                 : (double)NAN;
    }
    r->rows[0].ns = r->loop_ns;
    r->rows[0].ratio = r->rows[0].ratio_q1 = r->rows[0].ratio_q3 = (double)NAN;
    r->rows[0].fragmentation = (double)NAN;
    r->share = r->subject.program_cpu_ns != 0 && r->rows[1].ns > 0
                   ? r->rows[1].ns * (double)operations / (double)r->subject.program_cpu_ns
                   : (double)NAN;
    judge(r);
}
