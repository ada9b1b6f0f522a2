/* SPDX-License-Identifier: MIT */
/* `tarn record`: run a program with the recorder preloaded, finish its traces, say what came of it.
 *
 *     tarn record ──fork──► exec CMD with LD_PRELOAD, TARN_RECORD_FILE      writes FILE and FILE.live
 *          │                     └─► its children: FILE.<pid>
 *          └ every second: finish the traces of processes that are gone; at the end: all that are
 */
#define _GNU_SOURCE
#include "cmd/record.h"

#include "cmd/record_program.h"
#include "cmd/record_traces.h"
#include "trace/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORDER "libtarn-record.so"

typedef struct options {
    const char *file;
    bool quiet;
    char **command;
} options;

static void help(void)
{
    puts("usage: tarn record [-o FILE] [-q] [--] CMD [ARG]...\n\n"
         "Run CMD and record every allocation, resize and free of it and of the programs it "
         "starts.\n\n"
         "  -o, --output FILE   where to (default: CMD's name, its process id, .tarn)\n"
         "  -q, --quiet         no summary\n"
         "  -h, --help          this\n\n"
         "Processes that CMD starts get files of their own, FILE.<pid>.\n"
         "Exit status: CMD's; 128 + n when signal n killed it; 125, 126, 127 when it was not run "
         "(see tarn --help).");
}

/* -1: go on. */
static int parse(int argc, char **argv, options *o)
{
    static const struct option longs[] = {{"output", required_argument, NULL, 'o'},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    optind = 1;
    opterr = 0; /* one line, ours */
    for (int c; (c = getopt_long(argc, argv, "+o:qh", longs, NULL)) != -1;) {
        switch (c) {
        case 'o':
            o->file = optarg;
            break;
        case 'q':
            o->quiet = true;
            break;
        case 'h':
            help();
            return 0;
        default:
            fprintf(stderr,
                    "tarn: record: '%s' is no option, or lacks its value; see tarn record --help\n",
                    argv[optind - 1]);
            return 125;
        }
    }
    o->command = argv + optind;
    if (optind == argc) {
        fputs("tarn: record: no program given; usage: tarn record [-o FILE] -- CMD [ARG]...\n",
              stderr);
        return 125;
    }
    return -1;
}

/* The library: TARN_RECORDER, beside this program (build tree), ../lib/tarn (installed). */
static bool find_recorder(char *path)
{
    const char *chosen = getenv("TARN_RECORDER");
    char self[PATH_MAX / 2] = "";
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = 0;
    static const char *const places[] = {"", "../" TARN_LIBRARY_FOLDER "/tarn/", "../lib/tarn/"};
    bool found = chosen && realpath(chosen, path);
    for (size_t i = 0; !chosen && !found && i < sizeof places / sizeof places[0]; i++) {
        char place[PATH_MAX];
        snprintf(place, sizeof place, "%s/%s" RECORDER, self, places[i]);
        found = realpath(place, path) != NULL;
    }
    if (!found)
        fprintf(stderr, "tarn: record: cannot find " RECORDER "%s%s\n",
                chosen ? " at TARN_RECORDER=" : "",
                chosen ? chosen : " beside tarn or in ../lib/tarn");
    else if (strpbrk(path, " :"))
        fprintf(stderr,
                "tarn: record: %s: the dynamic linker does not take a path with blanks or colons\n",
                path);
    return found && !strpbrk(path, " :");
}

/* FILE as an absolute path: the program may change its folder. */
static bool full_path(const char *file, char *path)
{
    char folder[PATH_MAX] = "";
    if (file[0] != '/' && !getcwd(folder, sizeof folder))
        return false;
    int length = snprintf(path, PATH_MAX, "%s%s%s", folder, folder[0] ? "/" : "", file);
    return length < PATH_MAX - 128; /* room for ".<pid>.<n>.live" */
}

static void set_environment(const char *recorder, const char *file)
{
    const char *before = getenv("LD_PRELOAD");
    char *preload = NULL;
    if (before && before[0] && asprintf(&preload, "%s:%s", recorder, before) < 0)
        preload = NULL;
    setenv("LD_PRELOAD", preload ? preload : recorder, 1);
    setenv("TARN_RECORD_FILE", file, 1);
    free(preload);
}

/* In the child: run the program; tell the parent why not. */
static _Noreturn void run(const options *o, const char *recorder, const char *file, int tell)
{
    set_environment(recorder, file);
    execvp(o->command[0], o->command);
    int error = errno;
    ssize_t n = write(tell, &error, sizeof error);
    (void)n;
    _exit(error == ENOENT ? 127 : 126);
}

/* Wait for the program; meanwhile pass signals on and finish the traces of its children that are gone. */
static int wait_for(pid_t pid, const char *file, const sigset_t *signals)
{
    const struct timespec second = {.tv_sec = 1};
    for (;;) {
        int status;
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid)
            return status;
        int signal = sigtimedwait(signals, NULL, &second);
        if (signal == SIGTERM || signal == SIGHUP)
            kill(pid, signal);
        else if (signal < 0)
            record_traces_finish(file, pid, -1);
    }
}

static void human_bytes(char out[32], double bytes)
{
    static const char units[][4] = {"B", "kB", "MB", "GB", "TB"};
    int unit = 0;
    while (bytes >= 999.5 && unit < 4) {
        bytes /= 1000;
        unit++;
    }
    snprintf(out, 32, unit && bytes < 10 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

/* One trace, as the summary tells it. */
typedef struct trace_line {
    const char *path;
    uint64_t events;
    char line[PATH_MAX + TARN_TRACE_MESSAGE + 160];
} trace_line;

static void describe(trace_line *out, const char *path)
{
    tarn_trace *trace;
    char why[TARN_TRACE_MESSAGE], size[32], each[48] = "";
    *out = (trace_line){.path = path};
    tarn_trace_open(path, &trace, why);
    if (!trace) {
        snprintf(out->line, sizeof out->line, "%s", why);
        return;
    }
    bool complete = tarn_trace_state(trace, why) == TARN_TRACE_COMPLETE;
    const tarn_trace_counts *n = tarn_trace_get_counts(trace);
    human_bytes(size, (double)n->file_bytes);
    if (n->told > 10000)
        snprintf(each, sizeof each, ", %.2f bytes an event",
                 (double)n->file_bytes / (double)n->told);
    snprintf(out->line, sizeof out->line, "%llu events -> %s (%s%s) [%s]",
             (unsigned long long)n->told, path, size, each, complete ? "complete" : why);
    out->events = n->told;
    tarn_trace_close(trace);
}

static int most_events_first(const void *a_, const void *b_)
{
    const trace_line *a = a_, *b = b_;
    return a->events != b->events ? (a->events < b->events ? 1 : -1) : strverscmp(a->path, b->path);
}

#define LISTED 8 /* traces that get a line */

/* The busiest process comes first: with a wrapper it is not the one that was started. */
static void tell(const record_traces *traces, const char *file)
{
    trace_line *list = calloc(traces->count, sizeof *list);
    if (!list)
        return;
    for (size_t i = 0; i < traces->count; i++)
        describe(&list[i], traces->paths[i]);
    qsort(list, traces->count, sizeof *list, most_events_first);
    for (size_t i = 0; i < traces->count && i < LISTED; i++)
        fprintf(stderr, "tarn: %s%s\n", i ? "another process: " : "recorded ", list[i].line);
    if (traces->count > LISTED)
        fprintf(stderr, "tarn: and %zu smaller ones: %s.*\n", traces->count - LISTED, file);
    fprintf(stderr, "tarn: next: tarn info %s   |   tarn replay %s\n", list[0].path, list[0].path);
    free(list);
}

static int summarize(const options *o, const char *file, int status)
{
    record_traces traces = record_traces_find(file);
    bool nothing = traces.count == 0;
    if (!o->quiet && !nothing)
        tell(&traces, file);
    record_traces_free(&traces);
    if (nothing)
        fprintf(stderr,
                "tarn: nothing was recorded: the recorder could not be loaded into %s, or could "
                "not write\n",
                o->command[0]);
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "tarn: %s was killed by signal %d (%s)\n", o->command[0], WTERMSIG(status),
                strsignal(WTERMSIG(status)));
        return 128 + WTERMSIG(status);
    }
    return nothing && WEXITSTATUS(status) == 0 ? 125 : WEXITSTATUS(status);
}

/* Run and wait; the exit status. The default name needs the child's pid, so the child works it out itself. */
static int record(const options *o, const char *recorder, const char *given)
{
    char file[PATH_MAX];
    int told[2];
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, &before);
    /* Inherited as ignored, no status could be waited for. */
    void (*child_signal)(int) = signal(SIGCHLD, SIG_DFL);
    pid_t pid = pipe2(told, O_CLOEXEC) == 0 ? fork() : -1;
    if (pid < 0) {
        fprintf(stderr, "tarn: record: fork: %s\n", strerror(errno));
        return 125;
    }
    const char *name = strrchr(o->command[0], '/');
    snprintf(file, sizeof file, "%s", given);
    if (!o->file)
        snprintf(file + strlen(file), sizeof file - strlen(file), "%.200s.%d.tarn",
                 name ? name + 1 : o->command[0], pid ? pid : getpid());
    if (pid == 0) {
        signal(SIGCHLD, child_signal);
        sigprocmask(SIG_SETMASK, &before, NULL);
        run(o, recorder, file, told[1]);
    }
    signal(SIGINT, SIG_IGN); /* from the terminal they reach the program, which decides */
    signal(SIGQUIT, SIG_IGN);
    close(told[1]);
    int error, status = 0;
    bool failed = read(told[0], &error, sizeof error) == sizeof error;
    close(told[0]);
    status = wait_for(pid, file, &signals);
    if (failed) {
        fprintf(stderr, "tarn: record: %s: %s\n", o->command[0], strerror(error));
        return error == ENOENT ? 127 : 126;
    }
    record_traces_finish(file, pid, status);
    return summarize(o, file, status);
}

int tarn_record_main(int argc, char **argv)
{
    options o = {0};
    char recorder[PATH_MAX], file[PATH_MAX], reason[RECORD_REASON];
    int status = parse(argc, argv, &o);
    if (status >= 0)
        return status;
    status = record_program_check(o.command[0], reason);
    if (status) {
        fprintf(stderr, "tarn: record: %s\n", reason);
        return status;
    }
    if (!find_recorder(recorder))
        return 125;
    if (!full_path(o.file ? o.file : "", file)) {
        fprintf(stderr, "tarn: record: the path of the trace is too long\n");
        return 125;
    }
    if (o.file) {
        char folder[PATH_MAX];
        snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(file, '/') - file) + 1, file);
        if (access(folder, W_OK) != 0) {
            fprintf(stderr, "tarn: record: %s: %s\n", folder, strerror(errno));
            return 125;
        }
        if (!record_traces_clean(file))
            return 125;
    }
    return record(&o, recorder, file);
}
