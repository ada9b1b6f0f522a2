/* SPDX-License-Identifier: MIT */
/*
 * build.h - allocators from text: a composition is written down, and built.
 *
 *     tarn_build_error e;
 *     tarn_built *b = tarn_build("main = stats(segregate(64: pool 64, 1024: pool 1K, tlsf(pages)))", NULL, &e);
 *     if (b == NULL)
 *         fprintf(stderr, "%s\n", e.message);      column 31: unknown name 'pol'; known are: …
 *     void *p = tarn_alloc(tarn_built_main(b), 100, TARN_ALIGN_MAX);
 *     tarn_built_destroy(b);
 *
 *     text ──► parsed ──► checked: names, sizes, cycles ──► built, children first ──► handles by name
 *
 * For: configuration, experiments, the tool's recommendations. What a text says is built from the
 * same public parts that code would use. docs/language.md has the grammar and all names.
 */
#ifndef TARN_BUILD_H
#define TARN_BUILD_H

#include <tarn/allocator.h>

TARN_BEGIN_DECLS

enum { TARN_BUILD_MESSAGE = 600 };

/* What was built; opaque. */
typedef struct tarn_built tarn_built;

/* Why a text was refused. */
typedef struct tarn_build_error {
    tarn_status status;
    unsigned line, column; /* from 1; 0 when it is about no place in the text             */
    char message[TARN_BUILD_MESSAGE]; /* one sentence, the place in front; "" when all is well */
} tarn_build_error;

/**
 * tarn_build - parse a composition, check it and build it.
 *
 * State and buffers come from metadata, NULL for tarn_libc(), which must outlive what is built.
 * Nothing is left behind by a text that is refused. error may be NULL.
 *
 * Returns  what was built, to be destroyed by tarn_built_destroy.
 * Fails    NULL: TARN_BAD_ARGUMENT for a text that makes no sense, with the place and what was
 *          expected there; what the parts' own constructors say otherwise, TARN_NO_MEMORY among it.
 * Threads  one.
 * Cost     O(text) and that of the parts.
 */
TARN_API TARN_MUST_USE tarn_built *tarn_build(const char *text, tarn_allocator *metadata,
                                              tarn_build_error *error);

/**
 * tarn_built_main - the allocator called `main`, or the last one that the text defines.
 *
 * Returns  its handle, good until tarn_built_destroy.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API tarn_allocator *tarn_built_main(const tarn_built *b);

/**
 * tarn_built_find - the allocator that the text gave this name.
 *
 * Returns  its handle.
 * Fails    NULL when the text defines no allocator of that name.
 * Threads  any.
 * Cost     O(definitions).
 */
TARN_API tarn_allocator *tarn_built_find(const tarn_built *b, const char *name);

/**
 * tarn_built_destroy - the end of all that was built, the last part first. NULL is ignored.
 *
 * Fails    never.
 * Threads  one; no other may use any of it.
 * Cost     that of the parts.
 */
TARN_API void tarn_built_destroy(tarn_built *b);

TARN_END_DECLS

#endif
