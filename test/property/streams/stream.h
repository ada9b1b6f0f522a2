/* SPDX-License-Identifier: MIT */
/*
 * stream.h - random operations on any allocator, against a model that knows what must be true.
 *
 *     seed ──► operations ──► allocator      every block holds a pattern of its own; the model
 *                        └──► model          knows which are live, marked, gone
 *
 * An operation's numbers are taken modulo what there is when it runs, so any part of a stream is a
 * stream again: that is how a failing one is made shorter.
 */
#ifndef TARN_PROPERTY_STREAM_H
#define TARN_PROPERTY_STREAM_H

#include <stdio.h>

#include <tarn/allocator.h>

enum { STREAM_MAX = 400 };

/* What a stream is run on. */
typedef struct subject {
    const char *name;
    tarn_allocator *(*make)(tarn_allocator *parent, void *user);
    void (*unmake)(tarn_allocator *a, void *user);
    const void *user;
    size_t max_size, max_align; /* bytes */
    bool may_refuse;            /* is of bounded memory, or refuses on purpose */
} subject;

typedef enum op_kind {
    OP_ALLOC,
    OP_AT_LEAST,
    OP_FREE,
    OP_RESIZE,
    OP_BATCH,
    OP_FREE_BATCH,
    OP_RESET,
    OP_MARK,
    OP_REWIND,
    OP_TRIM,
    OP_VISIT,
    OP_COUNT
} op_kind;

typedef struct op {
    op_kind kind;
    uint32_t a, b, c; /* random numbers, used as the kind wants */
} op;

typedef struct stream {
    size_t count;
    op ops[STREAM_MAX];
} stream;

/* The stream of a seed. */
void stream_make(stream *s, uint64_t seed);

/* Runs it on a fresh allocator. 0 when all went well; else 1, and what went wrong is on `out`. */
int stream_run(const stream *s, const subject *on, FILE *out);

/* As a list that can be read. */
void stream_print(const stream *s, const subject *on, FILE *out);

/* Takes away what is not needed for `fails` to be true, in place. */
void stream_shrink(stream *s, bool (*fails)(const stream *, void *), void *user);

#endif
