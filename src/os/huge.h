/* SPDX-License-Identifier: MIT */
/*
 * huge.h - which huge pages there are, and which of them a range of addresses has got.
 *
 * Explicit ones have pools of their own, one for each size, filled by the administrator; how to map
 * them is in pages.h. Transparent ones come and go with the system's means: only it can be asked.
 */
#ifndef TARN_OS_HUGE_H
#define TARN_OS_HUGE_H

#include <stdbool.h>
#include <stddef.h>

/* Has the system a pool for pages of this size, filled or not? */
bool tarn_os_has_huge(size_t size);

/* Bytes of a transparent huge page; 0 where there are none. */
size_t tarn_os_transparent_size(void);

typedef struct tarn_os_huge {
    bool is_explicit; /* the first address is one of the explicit pool's pages        */
    bool is_advised;  /* transparent ones were asked for there                        */
    size_t page;      /* bytes of its pages: a huge page's where is_explicit          */
    bool is_counted;  /* the next is known                                            */
    size_t bytes;     /* of the range, in huge pages now, explicit or transparent     */
} tarn_os_huge;

/* p, size: whole pages. False when nothing is mapped at p, or the system does not tell (no /proc). */
bool tarn_os_ask_huge(const void *p, size_t size, tarn_os_huge *out);

#endif
