/* SPDX-License-Identifier: MIT */
/* Find, finish and remove the traces of a recording by their names. */
#define _GNU_SOURCE
#include "cmd/record_traces.h"

#include "trace/finish.h"
#include "trace/format.h"
#include "trace/reader.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* FILE.<digits and dots>, with or without .live behind. */
static bool is_ours(const char *name, const char *base, bool live)
{
    size_t length = strlen(base);
    if (strncmp(name, base, length) != 0)
        return false;
    name += length;
    if (*name == '.' && name[1] >= '0' && name[1] <= '9')
        name += strspn(name, ".0123456789");
    /* the dot of ".live" may have been taken along */
    return live ? !strcmp(name, ".live") || (name[-1] == '.' && !strcmp(name, "live")) : !*name;
}

static void each(const char *file, bool live, void (*work)(const char *path, void *context),
                 void *context)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(file, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - file) + 1 : 1,
             slash ? file : ".");
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[PATH_MAX + 256];
        if (!is_ours(entry->d_name, slash ? slash + 1 : file, live))
            continue;
        snprintf(path, sizeof path, "%s%s%s", slash ? folder : "", "", entry->d_name);
        work(path, context);
    }
    closedir(dir);
}

static void add(const char *path, void *traces_)
{
    record_traces *t = traces_;
    if (t->count == t->room) {
        size_t room = t->room ? t->room * 2 : 16;
        char **paths = realloc(t->paths, room * sizeof *paths);
        if (!paths)
            return;
        t->paths = paths;
        t->room = room;
    }
    char *copy = strdup(path);
    if (copy)
        t->paths[t->count++] = copy;
}

static int by_name(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

record_traces record_traces_find(const char *file)
{
    record_traces t = {0};
    each(file, false, add, &t);
    if (t.count)
        qsort(t.paths, t.count, sizeof *t.paths, by_name);
    return t;
}

void record_traces_free(record_traces *traces)
{
    for (size_t i = 0; i < traces->count; i++)
        free(traces->paths[i]);
    free(traces->paths);
    *traces = (record_traces){0};
}

/* A regular file, empty or with this beginning: a device or a pipe of that name is never opened, let alone removed. */
static bool starts_with(const char *path, const char *magic)
{
    char head[8] = {0};
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    FILE *f = fopen(path, "re");
    size_t got = f ? fread(head, 1, sizeof head, f) : 0;
    if (f)
        fclose(f);
    return f && (got == 0 || (got == sizeof head && !memcmp(head, magic, sizeof head)));
}

static void remove_ours(const char *path, void *magic)
{
    if (starts_with(path, magic))
        unlink(path);
}

bool record_traces_clean(const char *file)
{
    static char trace_magic[] = TARN_FILE_MAGIC, live_magic[] = TARN_LIVE_MAGIC;
    if (access(file, F_OK) == 0 && !starts_with(file, trace_magic)) {
        fprintf(stderr, "tarn: record: %s exists and is no trace: it will not be overwritten\n",
                file);
        return false;
    }
    each(file, true, remove_ours, live_magic);
    each(file, false, remove_ours, trace_magic);
    return true;
}

typedef struct end {
    pid_t pid;
    int status;
} end;

static void finish(const char *live, void *end_)
{
    const end *e = end_;
    char path[PATH_MAX], why[TARN_TRACE_MESSAGE];
    snprintf(path, sizeof path, "%.*s", (int)(strlen(live) - strlen(".live")), live);
    tarn_trace *trace;
    tarn_trace_open(path, &trace, why);
    if (!trace)
        return;
    bool running = !strcmp(tarn_trace_get_info(trace)->end, "running");
    bool root = tarn_trace_get_info(trace)->pid == (uint32_t)e->pid;
    tarn_trace_close(trace);
    if (!running && !(root && e->status == -1) &&
        !tarn_trace_finish(path, root ? e->status : -1, why))
        fprintf(stderr, "tarn: record: %s\n", why);
}

void record_traces_finish(const char *file, pid_t pid, int status)
{
    end e = {.pid = pid, .status = status};
    each(file, true, finish, &e);
}
