/* SPDX-License-Identifier: MIT */
/* hugepages.c - the number in /sys/kernel/mm/hugepages/…/nr_hugepages, raised and put back. */
#include "hugepages.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static int turn = -1; /* the pool's file, locked */
static char path[128];
static size_t found;

static size_t read_number(const char *what, size_t size)
{
    char name[128], text[32] = "";
    FILE *f;
    (void)snprintf(name, sizeof name, "/sys/kernel/mm/hugepages/hugepages-%zukB/%s", size / 1024,
                   what);
    f = fopen(name, "r");
    if (f == NULL)
        return 0;
    if (fgets(text, sizeof text, f) == NULL)
        text[0] = '\0';
    (void)fclose(f);
    return strtoul(text, NULL, 10);
}

static bool write_number(size_t number)
{
    FILE *f = fopen(path, "w");
    bool done = f != NULL && fprintf(f, "%zu\n", number) > 0;
    return f != NULL && fclose(f) == 0 && done;
}

bool tarn_raise_hugepages(size_t size, size_t count)
{
    (void)snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/hugepages-%zukB/nr_hugepages",
                   size / 1024);
    turn = open(path, O_RDWR | O_CLOEXEC);
    if (turn < 0)
        return false;
    if (flock(turn, LOCK_EX) == 0) {
        found = read_number("nr_hugepages", size);
        if (write_number(found + count) && read_number("free_hugepages", size) >= count)
            return true;
        (void)write_number(found);
    }
    (void)close(turn);
    turn = -1;
    return false;
}

void tarn_lower_hugepages(void)
{
    if (turn < 0)
        return;
    (void)write_number(found);
    (void)close(turn);
    turn = -1;
}
