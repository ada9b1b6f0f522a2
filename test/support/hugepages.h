/* SPDX-License-Identifier: MIT */
/*
 * hugepages.h - have some explicit huge pages for the time of a test.
 *
 * The pools are the system's and filled by root alone: where it refuses, the test is skipped. Tests
 * that fill one take turns, and leave as many as they found.
 */
#ifndef TARN_TEST_HUGEPAGES_H
#define TARN_TEST_HUGEPAGES_H

#include <stdbool.h>
#include <stddef.h>

/* At least `count` free pages of `size` bytes from now to lower; false when they cannot be had. */
bool tarn_raise_hugepages(size_t size, size_t count);
void tarn_lower_hugepages(void);

#endif
