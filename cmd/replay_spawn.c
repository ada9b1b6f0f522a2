/* SPDX-License-Identifier: MIT */
/* replay_spawn.c - a worker process for one replay: this same program, with the contender's library preloaded. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/replay_contender.h"

extern char **environ;

enum { PROGRAM_FD = 3, RESULT_FD = 4, FREE_FD = 10 };

/* Our environment, without what would change the worker, and with the contender's library. NULL: no memory. */
static char **worker_environment(const char *preload, char *line, size_t line_size)
{
    size_t count = 0, out = 0;
    while (environ[count] != NULL)
        count++;
    char **env = calloc(count + 2, sizeof *env);
    if (env == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "LD_PRELOAD=", 11) != 0 && strncmp(environ[i], "TARN_", 5) != 0)
            env[out++] = environ[i];
    if (preload[0] != '\0') {
        snprintf(line, line_size, "LD_PRELOAD=%s", preload);
        env[out++] = line;
    }
    return env;
}

/* Start the worker; its process, or 0 with errno set. program and result are at FREE_FD or above, or program is -1. */
static pid_t start(const replay_contender *c, int program, int result)
{
    char preload[300], program_text[16] = "-1", result_text[16];
    char verb[] = "replay", hidden[] = "--worker", self[] = "tarn";
    char kind[64], expected[sizeof c->expected];
    snprintf(kind, sizeof kind, "%s", c->kind);
    snprintf(expected, sizeof expected, "%s", c->expected);
    snprintf(result_text, sizeof result_text, "%d", RESULT_FD);
    char *argv[] = {self, verb, hidden, kind, program_text, result_text, expected, NULL};
    char **env = worker_environment(c->preload, preload, sizeof preload);
    if (env == NULL)
        return 0;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    if (program >= 0) {
        posix_spawn_file_actions_adddup2(&files, program, PROGRAM_FD);
        snprintf(program_text, sizeof program_text, "%d", PROGRAM_FD);
    }
    posix_spawn_file_actions_adddup2(&files, result, RESULT_FD);
    /* The loader complains on stderr about libraries that are not there; asking is how we find out. */
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    int error = posix_spawn(&pid, "/proc/self/exe", &files, NULL, argv, env);
    posix_spawn_file_actions_destroy(&files);
    free(env);
    errno = error;
    return error == 0 ? pid : 0;
}

static bool read_result(int fd, replay_result *out)
{
    char *to = (char *)out;
    size_t got = 0;
    while (got < sizeof *out) {
        ssize_t n = read(fd, to + got, sizeof *out - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    return got == sizeof *out && out->magic == REPLAY_RESULT_MAGIC;
}

static void died(replay_result *out, const char *format, int number, const char *text)
{
    memset(out, 0, sizeof *out);
    out->outcome = REPLAY_DIED;
    out->fail_place = UINT64_MAX;
    snprintf(out->message, sizeof out->message, format, number, text);
}

void replay_contender_run(const replay_contender *c, int program_fd, replay_result *out)
{
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) != 0) {
        died(out, "no pipe (%d: %s)", errno, strerror(errno));
        return;
    }
    /* Above the numbers that they get in the worker, so that setting one does not close the other. */
    int result = fcntl(pipes[1], F_DUPFD_CLOEXEC, FREE_FD);
    int program = program_fd >= 0 ? fcntl(program_fd, F_DUPFD_CLOEXEC, FREE_FD) : -1;
    close(pipes[1]);
    pid_t pid = start(c, program, result);
    int error = errno;
    close(result);
    if (program >= 0)
        close(program);
    bool good = pid != 0 && read_result(pipes[0], out);
    close(pipes[0]);
    int status = 0;
    if (pid == 0) {
        died(out, "cannot start a worker (%d: %s)", error, strerror(error));
        return;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (good && WIFEXITED(status))
        return;
    if (WIFSIGNALED(status))
        died(out, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        died(out, "ended with status %d%s", WEXITSTATUS(status), " and no answer");
}
