/* SPDX-License-Identifier: MIT */
/* Shared memory of two processes: one allocates offsets in it, both map it where they like, offsets go through a pipe. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tarn/range.h>

enum { SIZE = 1 << 16, MESSAGES = 100 };

static int reader(int memory, int pipe_end)
{
    tarn_range_block b;
    int good = 0;
    mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); /* so it lies elsewhere */
    const char *base = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, memory, 0);
    if (base == MAP_FAILED)
        return 1;
    while (read(pipe_end, &b, sizeof b) == (ssize_t)sizeof b) {
        char want[64];
        snprintf(want, sizeof want, "message at %llu", (unsigned long long)b.offset);
        good += strcmp(base + b.offset, want) == 0;
    }
    printf("the reader understood %d of %d messages\n", good, MESSAGES);
    return good != MESSAGES;
}

int main(void)
{
    int ends[2], memory = memfd_create("shared", MFD_CLOEXEC), status = 1;
    if (memory < 0 || ftruncate(memory, SIZE) != 0 || pipe(ends) != 0)
        return 1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        return reader(memory, ends[0]);
    }
    char *base = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    tarn_space space; /* what is known of the memory is this process's alone */
    tarn_space_options o = {.units = SIZE, .granule = 8, .name = "shared"};
    if (child < 0 || base == MAP_FAILED || tarn_space_init(&space, &o) != TARN_OK)
        return 1;
    for (int i = 0; i < MESSAGES; i++) {
        tarn_range_block b;
        if (tarn_range_alloc(&space.range, 40 + (unsigned)i, 64, 0, &b) != TARN_OK)
            return 1;
        snprintf(base + b.offset, (size_t)b.size, "message at %llu", (unsigned long long)b.offset);
        if (write(ends[1], &b, sizeof b) != (ssize_t)sizeof b)
            return 1;
    }
    close(ends[1]);
    waitpid(child, &status, 0);
    tarn_space_deinit(&space);
    return status != 0;
}
