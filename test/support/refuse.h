/* SPDX-License-Identifier: MIT */
/*
 * refuse.h - let the system refuse a call, to see what its callers make of it.
 *
 *     static void without_scan(void *arg)
 *     {
 *         assert_child(tarn_refuse_call(SYS_ioctl, 1, SCAN, ENOTTY));
 *         assert_child(...);
 *     }
 *     assert_survives(without_scan, NULL);
 *
 * A refusal cannot be taken back: for children only (death.h), where cmocka's assertions have no
 * place to go to; assert_child writes to stderr and ends the child.
 */
#ifndef TARN_TEST_REFUSE_H
#define TARN_TEST_REFUSE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define REFUSE_ANY (-1)

/* From now on the calling process is refused the system call, with errno = error: always, or when
 * the low half of its argument arg, from 0, is value. False where that cannot be had. */
bool tarn_refuse_call(long number, int arg, uint32_t value, int error);

/* Can it be had here? Asks a child. */
bool tarn_can_refuse(void);

/* Is advice on memory heard? An emulator of processes takes all of it, and does nothing. */
bool tarn_hears_advice(void);

/* From now on the process can open no file. */
bool tarn_refuse_files(void);

#define assert_child(c)                                                                            \
    do {                                                                                           \
        if (!(c)) {                                                                                \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #c);                      \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

#endif
