/* SPDX-License-Identifier: MIT */
/*
 * assembly.h - the assemblies that the conformance suite and the property tests run on.
 *
 * One of them lives at a time; its parts are static.
 */
#ifndef TARN_TEST_ASSEMBLY_H
#define TARN_TEST_ASSEMBLY_H

#include <tarn/allocator.h>

enum { ASSEMBLY_COUNT = 5 };

typedef struct assembly {
    const char *name;
    tarn_allocator *(*build)(tarn_allocator *parent); /* NULL: out of memory, nothing is left */
    void (*tear_down)(void);
    size_t max_size, max_align; /* bytes, what must be served */
} assembly;

extern const assembly assemblies[ASSEMBLY_COUNT];

/* In the form that tarn_conform wants; user is the assembly. */
tarn_allocator *assembly_make(tarn_allocator *parent, void *user);
void assembly_unmake(tarn_allocator *a, void *user);

#endif
