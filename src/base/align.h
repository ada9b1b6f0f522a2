/* SPDX-License-Identifier: MIT */
/*
 * align.h - powers of two, and rounding to them.
 *
 * Not for: rounding that may overflow; that is checked.h.
 */
#ifndef TARN_BASE_ALIGN_H
#define TARN_BASE_ALIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool tarn_is_power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

/* The multiple of align (a power of two) at or below n. */
static inline size_t tarn_align_down(size_t n, size_t align)
{
    return n & ~(align - 1);
}

/* Bytes from an address up to the next multiple of align (a power of two); 0 when it is one. */
static inline size_t tarn_align_gap(const void *p, size_t align)
{
    return (size_t)(-(uintptr_t)p & (align - 1));
}

static inline bool tarn_is_aligned(const void *p, size_t align)
{
    return ((uintptr_t)p & (align - 1)) == 0;
}

#endif
