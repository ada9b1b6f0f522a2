/* SPDX-License-Identifier: MIT */
/* Stacks and loaded files: what it takes to resolve a context later and elsewhere. */
#ifndef TARN_RECORD_STACKS_H
#define TARN_RECORD_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Return addresses from `ret` outwards: how many were stored in frames (at least 1: ret itself). */
unsigned rec_stack_take(uint64_t ret, uint64_t *frames, unsigned room, bool *unwound);

/* Called when the library is loaded: finds libunwind. */
void rec_stacks_init(void);

/* In a forked child. */
void rec_stacks_forked(void);

#endif
