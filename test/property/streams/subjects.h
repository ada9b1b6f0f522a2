/* SPDX-License-Identifier: MIT */
/*
 * subjects.h - every allocator and assembly that the random streams run on.
 *
 * A part is a file subjects_<part>.c with a table; SUBJECTS_ENTER(table) at its end enters it. They
 * live one at a time, so their state may be static.
 */
#ifndef TARN_PROPERTY_SUBJECTS_H
#define TARN_PROPERTY_SUBJECTS_H

#include "property/streams/stream.h"

void subjects_enter(const subject *table, size_t count);

#define SUBJECTS_ENTER(table)                                                                      \
    __attribute__((constructor)) static void enter_##table(void)                                   \
    {                                                                                              \
        subjects_enter(table, sizeof(table) / sizeof *(table));                                    \
    }

/* NULL after the last. */
const subject *subject_at(size_t index);

#endif
