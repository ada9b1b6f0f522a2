/* SPDX-License-Identifier: MIT */
/*
 * checked.h - arithmetic on sizes that tells when the result does not fit.
 *
 * Every function is true for success; on false *out is not to be used.
 */
#ifndef TARN_BASE_CHECKED_H
#define TARN_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>

static inline bool tarn_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool tarn_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* n rounded up to a multiple of align, a power of two. */
static inline bool tarn_round_up(size_t n, size_t align, size_t *out)
{
    bool fits = tarn_add(n, align - 1, out);
    *out &= ~(align - 1);
    return fits;
}

#endif
