/* SPDX-License-Identifier: MIT */
/* Which file a command name means, what kind of file it is, and whether the dynamic linker would preload into it.
 *
 * A script is judged by its interpreter. A file that is neither ELF nor has a #! line is run by the shell, as execvp
 * does. A program that brings a sanitizer is refused: with another library before its runtime it ends at once.
 */
#define _GNU_SOURCE
#include "cmd/record_program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SCRIPTS_MAX 5 /* a script whose interpreter is a script, and so on: the kernel's limit */

typedef struct image {
    const unsigned char *bytes;
    uint64_t size;
} image;

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

/* Bytes of a mapped ELF file; NULL when it does not hold them. */
static const void *part(const image *file, uint64_t at, uint64_t size)
{
    return at <= file->size && size <= file->size - at ? file->bytes + at : NULL;
}

/* Program headers of a dynamically linked program name an interpreter: the dynamic linker. */
static bool has_linker(const image *file)
{
    Elf64_Ehdr head;
    Elf64_Phdr segment;
    memcpy(&head, file->bytes, sizeof head);
    for (uint64_t i = 0; i < head.e_phnum; i++) {
        const void *at = part(file, head.e_phoff + i * head.e_phentsize, sizeof segment);
        if (!at)
            return false;
        memcpy(&segment, at, sizeof segment);
        if (segment.p_type == PT_INTERP)
            return true;
    }
    return false;
}

static bool section(const image *file, uint64_t number, Elf64_Shdr *out)
{
    Elf64_Ehdr head;
    memcpy(&head, file->bytes, sizeof head);
    const void *at = number < head.e_shnum
                         ? part(file, head.e_shoff + number * head.e_shentsize, sizeof *out)
                         : NULL;
    if (at)
        memcpy(out, at, sizeof *out);
    return at != NULL;
}

/* A string of a string table; "" when it is not there. */
static const char *string(const image *file, const Elf64_Shdr *table, uint64_t at)
{
    const char *strings = part(file, table->sh_offset, table->sh_size);
    bool there = strings && at < table->sh_size && memchr(strings + at, 0, table->sh_size - at);
    return there ? strings + at : "";
}

/* The runtimes that replace malloc themselves and insist on being the first library. */
static const struct sanitizer {
    const char *name, *library, *clang_library, *symbol;
} sanitizers[] = {
    {"AddressSanitizer", "libasan.so", "libclang_rt.asan", "__asan_init"},
    {"HWAddressSanitizer", "libhwasan.so", "libclang_rt.hwasan", "__hwasan_init"},
    {"ThreadSanitizer", "libtsan.so", "libclang_rt.tsan", "__tsan_init"},
    {"MemorySanitizer", "libmsan.so", "libclang_rt.msan", "__msan_init"},
    {"LeakSanitizer", "liblsan.so", "libclang_rt.lsan", "__lsan_init"},
};
#define SANITIZERS (sizeof sanitizers / sizeof sanitizers[0])

static const char *sanitizer_of_library(const char *library)
{
    for (size_t i = 0; i < SANITIZERS; i++)
        if (!strncmp(library, sanitizers[i].library, strlen(sanitizers[i].library)) ||
            !strncmp(library, sanitizers[i].clang_library, strlen(sanitizers[i].clang_library)))
            return sanitizers[i].name;
    return NULL;
}

static const char *sanitizer_of_symbol(const char *symbol)
{
    for (size_t i = 0; i < SANITIZERS; i++)
        if (!strcmp(symbol, sanitizers[i].symbol))
            return sanitizers[i].name;
    return NULL;
}

/* Of the libraries it needs, and of the symbols that it defines, when the runtime is linked into it. */
static const char *sanitizer_in(const image *file, const Elf64_Shdr *table)
{
    Elf64_Shdr strings;
    bool needs = table->sh_type == SHT_DYNAMIC;
    size_t size = needs ? sizeof(Elf64_Dyn) : sizeof(Elf64_Sym);
    const unsigned char *entries = part(file, table->sh_offset, table->sh_size);
    const char *name = NULL;
    if (!entries || !section(file, table->sh_link, &strings))
        return NULL;
    for (uint64_t at = 0; !name && table->sh_size - at >= size; at += size) {
        Elf64_Dyn need;
        Elf64_Sym symbol;
        if (needs) {
            memcpy(&need, entries + at, sizeof need);
            if (need.d_tag == DT_NEEDED)
                name = sanitizer_of_library(string(file, &strings, need.d_un.d_val));
        } else {
            memcpy(&symbol, entries + at, sizeof symbol);
            if (symbol.st_shndx != SHN_UNDEF)
                name = sanitizer_of_symbol(string(file, &strings, symbol.st_name));
        }
    }
    return name;
}

/* The sanitizer that a program brings; NULL when there is none, or when a static one's symbols were stripped. */
static const char *find_sanitizer(const image *file)
{
    Elf64_Shdr table;
    const char *name = NULL;
    for (uint64_t i = 0; !name && section(file, i, &table); i++)
        if (table.sh_type == SHT_DYNAMIC || table.sh_type == SHT_DYNSYM ||
            table.sh_type == SHT_SYMTAB)
            name = sanitizer_in(file, &table);
    return name;
}

static int refuse(const char *path, const char *why, char *reason)
{
    snprintf(reason, RECORD_REASON, "%.300s: %s", path, why);
    return 125;
}

static int judge_image(const char *path, const image *file, char *reason)
{
    char why[160];
    if (file->size < sizeof(Elf64_Ehdr) || file->bytes[EI_CLASS] != ELFCLASS64)
        return refuse(path, "a 32-bit program; this recorder is for 64-bit ones", reason);
    if (!has_linker(file))
        return refuse(path, "statically linked: its malloc cannot be replaced when it starts",
                      reason);
    const char *sanitizer = find_sanitizer(file);
    if (!sanitizer)
        return 0;
    snprintf(why, sizeof why, "brings %s, which replaces malloc itself; record a build without it",
             sanitizer);
    return refuse(path, why, reason);
}

static int judge_elf(const char *path, int fd, char *reason)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return 0;
    image file = {.size = (uint64_t)st.st_size};
    void *bytes = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes != MAP_FAILED) { /* else nothing can be said about what is in it */
        file.bytes = bytes;
        int status = judge_image(path, &file, reason);
        munmap(bytes, file.size);
        if (status)
            return status;
    }
    if (st.st_mode & (S_ISUID | S_ISGID))
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
        size_t size = got > 0 ? (size_t)got : 0;
        bool elf = size >= 4 && !memcmp(file, ELFMAG, 4);
        if (elf)
            status = judge_elf(path, fd, reason);
        if (fd >= 0)
            close(fd);
        if (elf || got < 0) /* may be run, may not be read: nothing can be said */
            return status;
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
