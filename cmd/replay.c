/* SPDX-License-Identifier: MIT */
/*
 * replay.c - `tarn replay`: options, the rounds, the exit status.
 *
 *     trace ──► program (memory file) ──► round 1: A B C D │ round 2: A B C D │ … ──► report
 *                                         each a fresh worker process
 */
#include "cmd/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/replay_load.h"

enum { EXIT_GOOD = 0, EXIT_INCOMPLETE = 1, EXIT_CONTENDER = 2, EXIT_FAILED = 125 };

typedef struct options {
    const char *file, *contenders, *json_file;
    unsigned runs;
    unsigned touch; /* enum replay_touch */
    bool runs_given, one_thread, verify, json, list, progress;
} options;

static const char usage[] =
    "usage: tarn replay [OPTION]... FILE\n"
    "Replay a trace on glibc, on every installed malloc and on Tarn's pools, and compare.\n"
    "\n"
    "  -a, --allocators LIST  contenders, separated by commas (default: all; see --list);\n"
    "                         the path of a library preloads it\n"
    "  -r, --runs N           rounds, 1 to 100 (default 5; 1 with --verify)\n"
    "      --touch WHAT       write to none, first (default), ends or all bytes of a block\n"
    "      --threads WHICH    recorded (default), or one\n"
    "      --verify           check the contents of every block instead of measuring\n"
    "      --json             the report as JSON, instead of the table\n"
    "      --json=PATH        the same into a file, besides the table\n"
    "      --list             the contenders, and which are installed\n"
    "  -v, --verbose          progress on stderr, also when it is not a terminal\n"
    "  -h, --help             this text\n"
    "\n"
    "Exit status: 0; 1 when the trace is incomplete or damaged (what could be read was replayed);\n"
    "2 when a contender failed or did not answer; 125 when nothing could be replayed.\n";

static bool parse_word(const char *text, const char *const *words, const char *option,
                       unsigned *out)
{
    for (unsigned i = 0; words[i] != NULL; i++)
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return true;
        }
    fprintf(stderr, "tarn: replay: %s: '%s' is not one of", option, text);
    for (unsigned i = 0; words[i] != NULL; i++)
        fprintf(stderr, "%s %s", i == 0 ? "" : ",", words[i]);
    fputc('\n', stderr);
    return false;
}

static bool parse_runs(const char *text, options *o)
{
    errno = 0;
    unsigned long n = strtoul(text, NULL, 10);
    bool digits = text[strspn(text, "0123456789")] == '\0';
    if (errno != 0 || !digits || n < 1 || n > REPLAY_RUNS) {
        fprintf(stderr, "tarn: replay: --runs: '%s' is not a number from 1 to %d\n", text,
                REPLAY_RUNS);
        return false;
    }
    o->runs = (unsigned)n;
    o->runs_given = true;
    return true;
}

/* One option; false when it makes no sense (the line is out). */
static bool take_option(int option, const char *value, options *o)
{
    static const char *const touches[] = {"none", "first", "ends", "all", NULL};
    static const char *const threads[] = {"recorded", "one", NULL};
    unsigned word = 0;
    switch (option) {
    case 'a':
        o->contenders = value;
        return true;
    case 'r':
        return parse_runs(value, o);
    case 't':
        return parse_word(value, touches, "--touch", &o->touch);
    case 'n':
        if (!parse_word(value, threads, "--threads", &word))
            return false;
        o->one_thread = word == 1;
        return true;
    case 'V':
        o->verify = true;
        return true;
    case 'j':
        o->json = value == NULL;
        o->json_file = value;
        return true;
    case 'l':
        o->list = true;
        return true;
    case 'v':
        o->progress = true;
        return true;
    default:
        return false;
    }
}

/* -1 = go on; else the exit status. */
static int parse(int argc, char **argv, options *o)
{
    static const struct option longs[] = {
        {"allocators", required_argument, NULL, 'a'},
        {"runs", required_argument, NULL, 'r'},
        {"touch", required_argument, NULL, 't'},
        {"threads", required_argument, NULL, 'n'},
        {"verify", no_argument, NULL, 'V'},
        {"json", optional_argument, NULL, 'j'},
        {"list", no_argument, NULL, 'l'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    *o = (options){.runs = 5, .touch = REPLAY_TOUCH_FIRST, .progress = isatty(STDERR_FILENO) == 1};
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, ":a:r:vh", longs, NULL)) != -1;) {
        if (c == 'h') {
            fputs(usage, stdout);
            return EXIT_GOOD;
        }
        if (c == '?' || c == ':') {
            fprintf(stderr, "tarn: replay: '%s' %s; see 'tarn replay --help'\n", argv[optind - 1],
                    c == ':' ? "wants a value" : "is not an option");
            return EXIT_FAILED;
        }
        if (!take_option(c, optarg, o))
            return EXIT_FAILED;
    }
    if (o->list)
        return -1;
    if (optind + 1 != argc) {
        fputs("tarn: replay: give one trace file; see 'tarn replay --help'\n", stderr);
        return EXIT_FAILED;
    }
    o->file = argv[optind];
    if (o->verify && !o->runs_given)
        o->runs = 1;
    return -1;
}

/* ── Rounds ─────────────────────────────────────────────────────────────────────────────────────────────────────── */

static uint64_t memory_available(void)
{
    char text[2048];
    int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return UINT64_MAX;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *at = strstr(text, "MemAvailable:");
    return at != NULL ? strtoull(at + 13, NULL, 10) * 1024 : UINT64_MAX;
}

/* Contenders that make no sense for this trace. */
static void skip_senseless(replay_row *row, const replay_header *h)
{
    const char *name = row->contender->name;
    bool pools = strcmp(name, "tarn:pools") == 0, inlined = strcmp(name, "tarn:inlined") == 0;
    if (strcmp(name, "tarn:arena") == 0 && h->arena_bytes > memory_available() / 2)
        snprintf(row->message, sizeof row->message,
                 "it would hold %.1f GiB at the end, since it frees nothing before",
                 (double)h->arena_bytes / (1 << 30));
    else if ((pools || inlined) && h->pools == 0)
        snprintf(row->message, sizeof row->message, "no size is hot enough for a pool");
    else if (inlined && h->threads > 1)
        snprintf(row->message, sizeof row->message,
                 "pools are used by one thread at a time; see --threads one");
    else
        return;
    row->outcome = REPLAY_SKIPPED;
}

static void take_result(replay_row *row, const replay_result *result)
{
    memcpy(row->library, result->library, sizeof row->library);
    row->fail_place = result->fail_place;
    if (result->outcome != REPLAY_DONE) {
        row->outcome = result->outcome;
        memcpy(row->message, result->message, sizeof row->message);
        return;
    }
    unsigned n = row->runs++;
    row->cpu_ns[n] = (double)result->cpu_ns;
    row->wall_ns[n] = (double)result->wall_ns;
    row->base[n] = (double)result->base_bytes;
    row->peak[n] = result->peak_bytes > result->base_bytes
                       ? (double)(result->peak_bytes - result->base_bytes)
                       : 0;
    row->peak_exact = result->peak_exact != 0;
    row->threads = result->threads;
    row->checked_blocks = result->checked_blocks;
    row->checked_bytes = result->checked_bytes;
}

/* Rewrites one line of a terminal; elsewhere a line each round. Ends the line when name is NULL. */
static void show_progress(unsigned round, unsigned of, const char *name, bool first)
{
    if (isatty(STDERR_FILENO) == 1) {
        fputs("\r\033[K", stderr);
        if (name != NULL)
            fprintf(stderr, "tarn: replay: round %u of %u: %s", round, of, name);
    } else if (first && name != NULL) {
        fprintf(stderr, "tarn: replay: round %u of %u\n", round, of);
    }
}

static void run_rounds(replay_report *r, int program_fd, bool progress)
{
    for (size_t i = 0; i < r->count; i++)
        skip_senseless(&r->rows[i], r->program);
    for (unsigned round = 0; round < r->runs; round++)
        for (size_t i = 0; i < r->count; i++) {
            replay_result result;
            replay_row *row = &r->rows[i];
            if (row->outcome != REPLAY_DONE)
                continue;
            if (progress)
                show_progress(round + 1, r->runs, row->contender->name, i == 0);
            replay_contender_run(row->contender, program_fd, &result);
            take_result(row, &result);
        }
    if (progress)
        show_progress(0, 0, NULL, false);
    replay_report_compute(r);
}

static bool json_to_file(const replay_report *r, const char *path)
{
    FILE *to = fopen(path, "we");
    if (to == NULL)
        return false;
    bool good = replay_report_json(r, to);
    return fclose(to) == 0 && good;
}

static int report_out(const replay_report *r, const options *o, tarn_trace_status state)
{
    bool written = true;
    if (o->json)
        written = replay_report_json(r, stdout);
    else
        replay_report_print(r, stdout);
    if (o->json_file != NULL && !json_to_file(r, o->json_file)) {
        fprintf(stderr, "tarn: replay: %s: %s\n", o->json_file, strerror(errno));
        return EXIT_FAILED;
    }
    if (!written || fflush(stdout) != 0 || ferror(stdout)) {
        fputs("tarn: replay: cannot write the report\n", stderr);
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < r->count; i++)
        if (r->rows[i].outcome != REPLAY_DONE && r->rows[i].outcome != REPLAY_SKIPPED) {
            fprintf(stderr, "tarn: replay: %s: %s: %s\n", r->rows[i].contender->name,
                    replay_outcome_text(r->rows[i].outcome), r->rows[i].message);
            return EXIT_CONTENDER;
        }
    return state != TARN_TRACE_COMPLETE ? EXIT_INCOMPLETE : EXIT_GOOD;
}

static int replay_loaded_trace(replay_loaded *l, const replay_contenders *cs, const options *o)
{
    replay_header *h = replay_builder_header(l->builder);
    h->touch = o->touch;
    h->verify = o->verify;
    int fd = replay_builder_finish(l->builder);
    if (fd < 0) {
        fprintf(stderr, "tarn: replay: no memory for the program: %s\n", strerror(errno));
        return EXIT_FAILED;
    }
    if (l->message[0] != '\0')
        fprintf(stderr, "tarn: replay: %s: %s: %s\n", o->file, l->subject.state, l->message);
    if (l->subject.dropped_events != 0)
        fprintf(stderr, "tarn: replay: %llu events make no sense where they stand, left out\n",
                (unsigned long long)l->subject.dropped_events);
    replay_report r = {.subject = l->subject,
                       .program = h,
                       .missing = cs->missing,
                       .runs = o->runs,
                       .count = cs->count,
                       .rows = calloc(cs->count, sizeof *r.rows)};
    if (r.rows == NULL) {
        fputs("tarn: replay: out of memory\n", stderr);
        close(fd);
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < cs->count; i++)
        r.rows[i].contender = &cs->at[i];
    run_rounds(&r, fd, o->progress);
    close(fd);
    int status = report_out(&r, o, l->state);
    free(r.rows);
    return status;
}

int tarn_replay_main(int argc, char **argv)
{
    static replay_contenders contenders;
    options o;
    char why[512];
    if (argc > 2 && strcmp(argv[1], "--worker") == 0)
        return replay_worker_main(argc - 2, argv + 2);
    int status = parse(argc, argv, &o);
    if (status >= 0)
        return status;
    if (o.list) {
        replay_contenders_print(stdout);
        return EXIT_GOOD;
    }
    replay_loaded l;
    if (!replay_load(&l, o.file, o.one_thread, o.verify, why) ||
        !replay_contenders_choose(&contenders, o.contenders, why)) {
        fprintf(stderr, "tarn: replay: %s\n", why);
        status = EXIT_FAILED;
    } else {
        status = replay_loaded_trace(&l, &contenders, &o);
    }
    replay_unload(&l);
    return status;
}
