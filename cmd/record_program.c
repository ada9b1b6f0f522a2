/* SPDX-License-Identifier: MIT */
/* Which file a command name means, what kind of file it is, and whether the dynamic linker would preload into it.
 *
 * A script is judged by its interpreter. A file that is neither ELF nor has a #! line is run by the shell, as execvp
 * does.
 */
#define _GNU_SOURCE
#include "cmd/record_program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SCRIPTS_MAX 5 /* a script whose interpreter is a script, and so on: the kernel's limit */

static bool runnable(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Search PATH; 0 and the path, or 126 / 127. */
static int search(const char *name, char *path)
{
    const char *folders = getenv("PATH");
    bool denied = false;
    folders = folders ? folders : "/bin:/usr/bin";
    for (const char *at = folders;; at++) {
        size_t length = strcspn(at, ":");
        snprintf(path, PATH_MAX, "%.*s%s%s", (int)length, at, length ? "/" : "", name);
        if (runnable(path))
            return 0;
        denied |= access(path, F_OK) == 0;
        at += length;
        if (!*at)
            break;
    }
    return denied ? 126 : 127;
}

static int find(const char *name, char *path, char *reason)
{
    if (!strchr(name, '/')) {
        int status = *name ? search(name, path) : 127;
        if (status)
            snprintf(reason, RECORD_REASON, "%s: %s", name,
                     status == 126 ? "found, but it cannot be executed"
                                   : "no such program in PATH");
        return status;
    }
    struct stat st;
    snprintf(path, PATH_MAX, "%s", name);
    if (stat(path, &st) != 0) {
        int status = errno == ENOENT || errno == ENOTDIR ? 127 : 126;
        snprintf(reason, RECORD_REASON, "%s: %s", name, strerror(errno));
        return status;
    }
    if (!runnable(path)) {
        snprintf(reason, RECORD_REASON, "%s: %s", name,
                 S_ISDIR(st.st_mode) ? "is a directory" : strerror(EACCES));
        return 126;
    }
    return 0;
}

/* Program headers of a dynamically linked program name an interpreter: the dynamic linker. */
static bool has_linker(const unsigned char *file, size_t size)
{
    Elf64_Ehdr head;
    if (size < sizeof head)
        return false;
    memcpy(&head, file, sizeof head);
    for (size_t i = 0; i < head.e_phnum; i++) {
        Elf64_Phdr segment;
        size_t at = (size_t)head.e_phoff + i * head.e_phentsize;
        if (at > size || size - at < sizeof segment)
            return false;
        memcpy(&segment, file + at, sizeof segment);
        if (segment.p_type == PT_INTERP)
            return true;
    }
    return false;
}

static int refuse(const char *path, const char *why, char *reason)
{
    snprintf(reason, RECORD_REASON, "%.300s: %s", path, why);
    return 125;
}

static int judge_elf(const char *path, const unsigned char *file, size_t size, char *reason)
{
    struct stat st;
    if (size < EI_NIDENT || file[EI_CLASS] != ELFCLASS64)
        return refuse(path, "a 32-bit program; this recorder is for 64-bit ones", reason);
    if (!has_linker(file, size))
        return refuse(path, "statically linked: its malloc cannot be replaced when it starts",
                      reason);
    if (stat(path, &st) == 0 && st.st_mode & (S_ISUID | S_ISGID))
        return refuse(path,
                      "setuid or setgid: the system does not preload libraries into it; record a "
                      "copy without "
                      "that bit",
                      reason);
    if (getxattr(path, "security.capability", NULL, 0) > 0)
        return refuse(path, "has file capabilities: the system does not preload libraries into it",
                      reason);
    return 0;
}

/* The interpreter of a #! line, into path. */
static bool interpreter(const unsigned char *file, size_t size, char *path)
{
    char line[PATH_MAX];
    size_t length = size - 2 < sizeof line - 1 ? size - 2 : sizeof line - 1;
    memcpy(line, file + 2, length);
    line[length] = 0;
    line[strcspn(line, "\n")] = 0;
    char *start = line + strspn(line, " \t");
    start[strcspn(start, " \t")] = 0;
    snprintf(path, PATH_MAX, "%s", start);
    return *start != 0;
}

int record_program_check(const char *name, char *reason)
{
    char path[PATH_MAX];
    int status = find(name, path, reason);
    for (int depth = 0; !status && depth < SCRIPTS_MAX; depth++) {
        unsigned char file[4096];
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t got = fd >= 0 ? read(fd, file, sizeof file) : -1;
        if (fd >= 0)
            close(fd);
        size_t size = got > 0 ? (size_t)got : 0;
        if (got < 0) /* may be run, may not be read: nothing can be said */
            return 0;
        if (size >= 4 && !memcmp(file, ELFMAG, 4))
            return judge_elf(path, file, size, reason);
        if (size < 3 || file[0] != '#' || file[1] != '!')
            snprintf(path, sizeof path, "/bin/sh");
        else if (!interpreter(file, size, path))
            return 0;
        if (!runnable(path)) {
            snprintf(reason, RECORD_REASON, "%s: its interpreter %.300s cannot be executed", name,
                     path);
            return 126;
        }
    }
    return status;
}
