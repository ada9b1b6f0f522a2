/* SPDX-License-Identifier: MIT */
/*
 * death.c - run a function in a child process and report how the child ended.
 *
 *   parent ──fork──► child: stderr into the pipe, default signals, no core, alarm, fn(arg),
 * _exit(0) └── reads the pipe to its end, then reaps: the child never blocks on a full pipe.
 */
#include "support/death.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_SECONDS = 60 };

static _Noreturn void give_up(const char *what)
{
    perror(what);
    abort();
}

static _Noreturn void child(int out, void (*fn)(void *), void *arg)
{
    static const int trapped[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGALRM};
    const struct rlimit no_core = {0, 0};
    for (size_t i = 0; i < sizeof trapped / sizeof trapped[0]; i++)
        signal(trapped[i], SIG_DFL);
    setrlimit(RLIMIT_CORE, &no_core);
    alarm(LIMIT_SECONDS);
    if (dup2(out, STDERR_FILENO) < 0)
        _exit(125);
    close(out);
    fn(arg);
    fflush(stderr);
    _exit(0);
}

/* Reads to the end; keeps what fits. */
static void drain(int in, char *text, size_t size)
{
    size_t used = 0;
    char spill[512];
    for (;;) {
        size_t room = size - 1 - used;
        ssize_t n = read(in, room ? text + used : spill, room ? room : sizeof spill);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        if (room)
            used += (size_t)n;
    }
    text[used] = '\0';
}

tarn_death tarn_death_run(void (*fn)(void *arg), void *arg)
{
    tarn_death death = {0};
    int ends[2], status = 0;
    fflush(NULL);
    if (pipe(ends) != 0)
        give_up("pipe");
    pid_t pid = fork();
    if (pid < 0)
        give_up("fork");
    if (pid == 0) {
        close(ends[0]);
        child(ends[1], fn, arg);
    }
    close(ends[1]);
    drain(ends[0], death.text, sizeof death.text);
    close(ends[0]);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            give_up("waitpid");
    if (WIFSIGNALED(status))
        death.signal = WTERMSIG(status);
    else
        death.status = WEXITSTATUS(status);
    size_t length = strcspn(death.text, "\n");
    if (length >= sizeof death.line)
        length = sizeof death.line - 1;
    memcpy(death.line, death.text, length);
    return death;
}
