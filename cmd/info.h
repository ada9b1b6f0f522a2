/* SPDX-License-Identifier: MIT */
/* `tarn info`: the sub-command. */
#ifndef TARN_CMD_INFO_H
#define TARN_CMD_INFO_H

/** tarn_info_main - argv[0] is "info"; the exit status (see docs/man/tarn-info.1). */
int tarn_info_main(int argc, char **argv);

#endif
