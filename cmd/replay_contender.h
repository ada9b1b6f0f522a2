/* SPDX-License-Identifier: MIT */
/* replay_contender.h - the allocators that a trace can be replayed on: their names, and which are installed here. */
#ifndef TARN_REPLAY_CONTENDER_H
#define TARN_REPLAY_CONTENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cmd/replay_worker.h"

enum { REPLAY_CONTENDERS = 32 };

typedef struct replay_contender {
    char name[80];      /* as asked for and shown */
    const char *kind;   /* what the worker is told */
    char preload[256];  /* "" = none */
    char expected[128]; /* start of the name of the file that malloc must come from; "" = any */
    const char *about;
} replay_contender;

typedef struct replay_contenders {
    size_t count;
    replay_contender at[REPLAY_CONTENDERS];
    char missing[256]; /* mallocs that are known and not installed, separated by ", " */
} replay_contenders;

/**
 * replay_contenders_choose - the contenders of a list of names; NULL = everything there is.
 *
 * The first is always the no-op, the second always glibc. A name with a slash is a library to preload.
 *
 * Fails    false and one line in why (512 bytes): a name that is not known, a malloc that is not installed.
 */
bool replay_contenders_choose(replay_contenders *c, const char *list, char *why);

/** replay_contenders_print - every known name, with what it is and where it is installed. */
void replay_contenders_print(FILE *to);

/** replay_contender_run - one replay in a fresh process; what it told, or REPLAY_DIED and why. */
void replay_contender_run(const replay_contender *c, int program_fd, replay_result *out);

#endif
