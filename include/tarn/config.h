/* SPDX-License-Identifier: MIT */
/*
 * config.h - the version, the attributes and the build options that all of Tarn's headers share.
 *
 * For: one place where a compiler's dialect is named. Not for: anything that allocates.
 */
#ifndef TARN_CONFIG_H
#define TARN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The version of the library; CMakeLists.txt and CHANGELOG.md carry the same number. */
#define TARN_VERSION_MAJOR 0
#define TARN_VERSION_MINOR 1
#define TARN_VERSION_PATCH 0
#define TARN_VERSION       "0.1.0"

/* The version of the operation tables. Tables only ever grow at their end. */
#define TARN_ABI 1u

/*
 * Build options.
 *
 * TARN_CHECKED     0 or 1, default 0. 1: pools and arenas check every call, as if each had been made
 *                  with `.check = true`. For debug builds that cannot touch the constructors.
 * TARN_POOL_SLOTS  16 to 4096, default 128. Pointers that a pool keeps at hand; see pool.h. Less
 *                  saves memory on small machines (a pool is that many pointers big), more lengthens
 *                  the runs between refills. The library and everything that includes pool.h must
 *                  agree on it.
 */
#ifndef TARN_CHECKED
#define TARN_CHECKED 0
#endif
#ifndef TARN_POOL_SLOTS
#define TARN_POOL_SLOTS 128
#endif

#if defined(__GNUC__)
#define TARN_API              __attribute__((visibility("default")))
#define TARN_FAST             inline __attribute__((always_inline))
#define TARN_SLOW             __attribute__((noinline, cold))
#define TARN_LIKELY(x)        __builtin_expect(!!(x), 1)
#define TARN_UNLIKELY(x)      __builtin_expect(!!(x), 0)
#define TARN_MUST_USE         __attribute__((warn_unused_result))
#define TARN_ALLOC_SIZE(n)    __attribute__((alloc_size(n)))
#define TARN_PRINTF(fmt, arg) __attribute__((format(printf, fmt, arg)))
#else
#error "Tarn needs gcc or clang"
#endif

/* Functions that are inlined are C, too: their casts are no concern of a C++ program's warnings. */
#ifdef __cplusplus
#define TARN_BEGIN_DECLS                                                                           \
    _Pragma("GCC diagnostic push")                                                                 \
        _Pragma("GCC diagnostic ignored \"-Wold-style-cast\"") extern "C"                          \
    {
#define TARN_END_DECLS                                                                             \
    }                                                                                              \
    _Pragma("GCC diagnostic pop")
#define TARN_CAST_(T, value) static_cast<T>(value)
#else
#define TARN_BEGIN_DECLS
#define TARN_END_DECLS
#define TARN_CAST_(T, value) ((T)(value))
#endif

#endif
