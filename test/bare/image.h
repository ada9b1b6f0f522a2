/* SPDX-License-Identifier: MIT */
/*
 * image.h - a program without an operating system's library: Tarn over static buffers.
 *
 *     start_<machine>.c ──► bare_main ──► each subject (subjects.c): a random stream of operations,
 *       say, leave                        its contents and invariants checked all the way
 */
#ifndef TARN_TEST_BARE_IMAGE_H
#define TARN_TEST_BARE_IMAGE_H

#include <tarn/tarn.h>

/* What a machine brings: a byte out, and the end. */
void machine_say(const char *text, size_t length);
_Noreturn void machine_leave(int status);

/* The same on every machine. Returns 0 when all went well. */
int bare_main(void);

/* An allocator in its own static memory, made afresh by each call; NULL when it refuses. */
typedef struct bare_subject {
    const char *name;
    tarn_allocator *(*make)(void);
    size_t max_size, max_align;
} bare_subject;

extern const bare_subject bare_subjects[];
extern const size_t bare_subject_count;

/* A test of its own, of what is no allocator. */
typedef struct bare_other {
    const char *name;
    bool (*holds)(void);
} bare_other;

extern const bare_other bare_others[];
extern const size_t bare_other_count;

#endif
