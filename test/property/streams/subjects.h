/* SPDX-License-Identifier: MIT */
/* subjects.h - every allocator and assembly that the random streams run on. */
#ifndef TARN_PROPERTY_SUBJECTS_H
#define TARN_PROPERTY_SUBJECTS_H

#include "property/streams/stream.h"

/* NULL after the last. */
const subject *subject_at(size_t index);

#endif
