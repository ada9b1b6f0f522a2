/* SPDX-License-Identifier: MIT */
/* Record a part of a test and find its traces. */
#define _GNU_SOURCE
#include "recorded.h"

#include "support/tarn_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void recorded_parts(const part *parts, size_t count, int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && !strcmp(argv[1], "part") && i < count; i++) {
        if (strcmp(parts[i].name, argv[2]) != 0)
            continue;
        alarm(100); /* a deadlock ends as a signal, which the tests see */
        parts[i].run();
        exit(0);
    }
}

static int run(const char *name, const char *file)
{
    const char *command = getenv("TARN_COMMAND");
    char self[4096] = "";
    assert_non_null(command);
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execl(command, "tarn", "record", "-q", "-o", file, "--", self, "part", name, (char *)NULL);
        _exit(99);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*a)->d_name, (*b)->d_name);
}

static void add(recorded *r, const char *name)
{
    char path[512], why[TARN_TRACE_MESSAGE];
    snprintf(path, sizeof path, "%s/%s", r->folder, name);
    assert_true(r->count < TRACES_MAX);
    tarn_trace_open(path, &r->traces[r->count], why);
    assert_non_null(r->traces[r->count]);
    r->states[r->count] = tarn_trace_scan(r->traces[r->count]);
    r->count++;
}

recorded record_part(const char *name)
{
    recorded r = {0};
    char file[96];
    struct dirent **entries;
    strcpy(r.folder, "/tmp/tarn-test-XXXXXX");
    assert_non_null(mkdtemp(r.folder));
    snprintf(file, sizeof file, "%s/t", r.folder);
    r.status = run(name, file);
    int n = scandir(r.folder, &entries, NULL, by_name);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        const char *entry = entries[i]->d_name;
        assert_null(strstr(entry, ".live")); /* tarn record finishes what it started */
        if (entry[0] == 't')
            add(&r, entry);
        free(entries[i]);
    }
    free(entries);
    assert_true(r.count > 0);
    return r;
}

void record_done(recorded *r)
{
    char command[128];
    for (size_t i = 0; i < r->count; i++)
        tarn_trace_close(r->traces[i]);
    snprintf(command, sizeof command, "rm -rf '%s'", r->folder);
    assert_int_equal(system(command), 0);
}

unsigned allocs_of(tarn_trace *trace, uint64_t size, tarn_event *last)
{
    unsigned count = 0;
    tarn_trace_rewind(trace);
    for (tarn_event e; tarn_trace_next(trace, &e);) {
        if (e.kind > TARN_EVENT_REALLOC || e.size != size)
            continue;
        *last = e;
        count++;
    }
    tarn_trace_rewind(trace);
    return count;
}
