/* SPDX-License-Identifier: MIT */
/* The malloc behind the recorder: the next one in the program's own search order. */
#ifndef TARN_RECORD_REAL_H
#define TARN_RECORD_REAL_H

#include <stdbool.h>
#include <stddef.h>

typedef struct rec_real {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    void *(*memalign)(size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);
    size_t (*usable)(void *);
} rec_real;

/* All set, or (while dlsym itself allocates) served from a small static buffer. */
extern rec_real rec_next;

/* Is this a block of that buffer? Such blocks are never given back and never recorded. */
bool rec_is_early(const void *block);

/* Bytes of an early block. */
size_t rec_early_size(const void *block);

#endif
