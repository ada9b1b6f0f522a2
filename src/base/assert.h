/* SPDX-License-Identifier: MIT */
/*
 * assert.h - what must be true where the code says so; a trap where there is no libc to say it.
 */
#ifndef TARN_BASE_ASSERT_H
#define TARN_BASE_ASSERT_H

#if __STDC_HOSTED__
#include <assert.h>
#elif defined(NDEBUG)
#define assert(fact) ((void)0)
#else
#define assert(fact) ((fact) ? (void)0 : __builtin_trap())
#endif

#endif
