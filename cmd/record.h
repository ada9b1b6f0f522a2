/* SPDX-License-Identifier: MIT */
/* `tarn record`: the sub-command. */
#ifndef TARN_CMD_RECORD_H
#define TARN_CMD_RECORD_H

/** tarn_record_main - argv[0] is "record"; the exit status (see docs/man/tarn-record.1). */
int tarn_record_main(int argc, char **argv);

#endif
