/* SPDX-License-Identifier: MIT */
/*
 * mem.h - memcpy, memmove, memset, memcmp, memchr and strlen, with and without a libc.
 *
 * For: base, api, strategy and compose, which also compile freestanding, where there is no
 * <string.h>; the program then brings these six, of which
 * compilers expect the first four anyway. Not for: anything else of it.
 */
#ifndef TARN_BASE_MEM_H
#define TARN_BASE_MEM_H

#if __STDC_HOSTED__
#include <string.h>
#else
#include <stddef.h>
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *in, int byte, size_t size);
size_t strlen(const char *text);
#endif

#endif
