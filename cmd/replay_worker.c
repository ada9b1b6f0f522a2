/* SPDX-License-Identifier: MIT */
/*
 * replay_worker.c - one contender, one replay, one fresh process.
 *
 *     map the program, touch all that the replay itself needs ── baseline ── open the heap, replay ── peak
 *
 * W1  Between baseline and peak only the heap takes memory (and, with threads, their stacks).
 * W2  What malloc is, is asked of the dynamic linker (the file that holds the symbol), not inferred from LD_PRELOAD,
 *     which is ignored without an error when the library is missing.
 */
#define _GNU_SOURCE
#include "cmd/replay_worker.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/replay_run.h"

static const replay_heap_kind *const kinds[] = {
    &replay_heap_noop,   &replay_heap_malloc, &replay_heap_inlined,
    &replay_heap_pools,  &replay_heap_arena,  &replay_heap_overlap,
    &replay_heap_forget, &replay_heap_refuse, &replay_heap_crash,
};

const replay_heap_kind *replay_heap_find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

/* ── Resident memory ────────────────────────────────────────────────────────────────────────────────────────────── */

/* A field of /proc/self/status in bytes, 0 when it is not there. No stdio: it would allocate. */
static uint64_t status_bytes(const char *field)
{
    char text[4096];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    const char *at = strstr(text, field);
    return at != NULL ? strtoull(at + strlen(field), NULL, 10) * 1024 : 0;
}

static bool reset_peak(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool good = write(fd, "5", 1) == 1;
    close(fd);
    return good;
}

/* ── Which malloc ───────────────────────────────────────────────────────────────────────────────────────────────── */

static void find_library(char *out, size_t size)
{
    Dl_info info;
    void *symbol = dlsym(RTLD_DEFAULT, "malloc");
    const char *file = symbol != NULL && dladdr(symbol, &info) != 0 ? info.dli_fname : "";
    snprintf(out, size, "%s", file);
}

static bool engaged(const char *library, const char *expected)
{
    const char *slash = strrchr(library, '/');
    const char *name = slash != NULL ? slash + 1 : library;
    return strncmp(name, expected, strlen(expected)) == 0;
}

/* ── One replay ─────────────────────────────────────────────────────────────────────────────────────────────────── */

static const replay_header *map_program(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || (size_t)st.st_size < sizeof(replay_header))
        return NULL;
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (p == MAP_FAILED)
        return NULL;
    const replay_header *h = p;
    return h->magic == REPLAY_MAGIC && h->bytes == (uint64_t)st.st_size ? h : NULL;
}

static void replay(const replay_header *program, const replay_heap_kind *kind, replay_result *r)
{
    static replay_run run;
    bool good = replay_run_prepare(&run, program, kind);
    if (good) {
        r->peak_exact = reset_peak();
        r->base_bytes = status_bytes("VmRSS:");
        good = replay_run_go(&run);
        r->peak_bytes = status_bytes("VmHWM:");
    }
    r->outcome = good ? REPLAY_DONE : REPLAY_FAILED;
    r->cpu_ns = run.cpu_ns;
    r->threads = run.most_there;
    r->wall_ns = run.wall_ns;
    r->checked_blocks = run.checked_blocks;
    r->checked_bytes = run.checked_bytes;
    r->fail_place = run.fail_place;
    memcpy(r->message, run.message, sizeof r->message);
}

static void work(const char *kind_name, int program_fd, const char *expected, replay_result *r)
{
    find_library(r->library, sizeof r->library);
    if (!engaged(r->library, expected)) {
        r->outcome = REPLAY_NOT_ENGAGED;
        snprintf(r->message, sizeof r->message, "malloc comes from %.120s", r->library);
        return;
    }
    if (strcmp(kind_name, "probe") == 0)
        return;
    const replay_heap_kind *kind = replay_heap_find(kind_name);
    const replay_header *program = map_program(program_fd);
    if (kind == NULL || program == NULL) {
        r->outcome = REPLAY_FAILED;
        snprintf(r->message, sizeof r->message, "cannot map the program");
        return;
    }
    replay(program, kind, r);
}

int replay_worker_main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("tarn: replay --worker is not for users\n", stderr);
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    static replay_result r = {.magic = REPLAY_RESULT_MAGIC, .fail_place = UINT64_MAX};
    work(argv[0], (int)strtol(argv[1], NULL, 10), argv[3], &r);
    ssize_t n = write((int)strtol(argv[2], NULL, 10), &r, sizeof r);
    fflush(stdout);
    _exit(n == (ssize_t)sizeof r
              ? 0
              : 1); /* no destructors: the heap's state does not matter any more */
}
