/* SPDX-License-Identifier: MIT */
/* Can this program be recorded? Found out before it is run, since the dynamic linker says nothing when it cannot. */
#ifndef TARN_CMD_RECORD_PROGRAM_H
#define TARN_CMD_RECORD_PROGRAM_H

#define RECORD_REASON 512 /* bytes of a reason */

/**
 * record_program_check - find a program as execvp does, and see whether a library can be preloaded into it.
 *
 * Returns  0, or the exit status to end with (125 cannot be recorded, 126 cannot be run, 127 not found) and a reason
 *          of RECORD_REASON bytes at most.
 */
int record_program_check(const char *name, char *reason);

#endif
