/* SPDX-License-Identifier: MIT */
/* Where a process records to: its trace, its side file, its slots. */
#ifndef TARN_RECORD_OUTPUT_H
#define TARN_RECORD_OUTPUT_H

#include "trace/format.h"

#include <stdbool.h>
#include <stddef.h>

#define REC_FILE_VARIABLE "TARN_RECORD_FILE" /* environment: absolute path of the trace */

/* Open the trace and the side file that the environment asks for; false when it asks for none, or they cannot be had
 * (then one line on stderr says so). */
bool rec_output_open(void);

/* Nanoseconds since the recording began. */
uint64_t rec_output_time(void);

/* A new slot of the side file with room for *limit words; NULL when there is none. */
tarn_live_slot *rec_output_slot(uint32_t *limit);

/* Room for more words in a slot: the new limit, or the old one when the slot is at its end or the disk is full. */
uint32_t rec_output_grow(tarn_live_slot *slot, uint32_t limit);

/* Append what a slot holds to the trace, and empty it: words (bytes in slot 0) used so far, state after them. */
typedef struct rec_after {
    uint64_t stamp, time_ns;
    uint32_t thread;
} rec_after;
void rec_output_flush(tarn_live_slot *slot, const rec_after *after);

/* Records of slot 0: begin (takes the lock, makes room for `length` bytes of payload; says which block the record goes
 * to, since a new block starts without a stack to refer to), put, end. */
uint32_t rec_meta_begin(size_t length);
void rec_meta_put(uint8_t type, const uint8_t *payload, size_t length);
void rec_meta_end(void);

void rec_output_lost(uint64_t events);
void rec_output_failed(void);

/* The process runs its exit handlers, or (_exit) ends without them: how, a tarn_end. */
void rec_output_ending(uint32_t how);

/* In a forked child: let go of the parent's files. */
void rec_output_forked(void);

#endif
