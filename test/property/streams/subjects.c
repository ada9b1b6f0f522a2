/* SPDX-License-Identifier: MIT */
/* subjects.c - what the parts (subjects_*.c) have entered, and the tests' assemblies. */
#include "property/streams/subjects.h"

#include <stdlib.h>

#include "support/assembly.h"

enum { MOST_PARTS = 64 };

static struct part {
    const subject *table;
    size_t count;
} parts[MOST_PARTS];
static size_t part_count;

void subjects_enter(const subject *table, size_t count)
{
    if (part_count == MOST_PARTS)
        abort();
    parts[part_count++] = (struct part){table, count};
}

const subject *subject_at(size_t index)
{
    static subject built;
    for (size_t i = 0; i < part_count; i++) {
        if (index < parts[i].count)
            return &parts[i].table[index];
        index -= parts[i].count;
    }
    if (index >= ASSEMBLY_COUNT)
        return NULL;
    const assembly *a = &assemblies[index];
    built = (subject){a->name, assembly_make, assembly_unmake, a, a->max_size, a->max_align, false};
    return &built;
}
