/* SPDX-License-Identifier: MIT */
/* replay.h - `tarn replay`: the sub-command. */
#ifndef TARN_REPLAY_H
#define TARN_REPLAY_H

/** tarn_replay_main - argv[0] is "replay"; the exit status (see docs/man/tarn-replay.1). */
int tarn_replay_main(int argc, char **argv);

#endif
