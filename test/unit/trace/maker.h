/* SPDX-License-Identifier: MIT */
/* Traces made to measure: a growing file of blocks, and a seeded random source. */
#ifndef TARN_TEST_TRACE_MAKER_H
#define TARN_TEST_TRACE_MAKER_H

#include "trace/block.h"

#include <stdbool.h>

#define MAKER_KEYS                                                                                 \
    8 /* contexts 0..7: malloc of 16 * (number + 1) bytes; 6 = realloc; 7 = any size */

typedef struct maker {
    char path[64];
    int fd;
    tarn_sealer *sealer;
} maker;

/* A new trace of pid 4242 in a temporary file, with its contexts in block 0 of slot 0. */
void maker_start(maker *m);

/* A block of event words. */
void maker_block(maker *m, const tarn_block_head *head, const uint64_t *words);

/* Bytes as they are. */
void maker_bytes(maker *m, const void *bytes, size_t count);

void maker_end(maker *m, uint32_t reason, int status);

/* Remove it all. */
void maker_stop(maker *m);

/* The bytes of a file; the caller frees them. */
unsigned char *maker_read(const char *path, size_t *size);
void maker_write(const char *path, const void *bytes, size_t size);

/* xorshift64* (Vigna): the tests' random numbers. */
uint64_t maker_random(uint64_t *state);

#endif
