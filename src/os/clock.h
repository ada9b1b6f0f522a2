/* SPDX-License-Identifier: MIT */
/*
 * clock.h - time that only goes forward, for ages: coarse, and cheap enough to be asked often.
 */
#ifndef TARN_OS_CLOCK_H
#define TARN_OS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since some moment in the past; a step is that of the system's tick, 1 to 10 ms. */
static inline uint64_t tarn_clock_ms(void)
{
#ifdef CLOCK_MONOTONIC_COARSE
    const clockid_t clock = CLOCK_MONOTONIC_COARSE;
#else
    const clockid_t clock = CLOCK_MONOTONIC;
#endif
    struct timespec now = {0, 0};
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#endif
