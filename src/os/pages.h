/* SPDX-License-Identifier: MIT */
/*
 * pages.h - memory from the operating system, in whole pages.
 *
 * Preconditions, for every function: addresses and sizes are multiples of the page size, sizes are
 * not 0, alignments are powers of two; nothing overflows when rounded up to the page size. Callers
 * see to it; pages.c asserts.
 *
 * An address range goes through three states:
 *
 *     tarn_os_reserve ──► reserved ──commit──► committed ──release──► gone
 *                            ▲                     │  ▲
 *                            └──────decommit───────┘  └─ purge: contents dropped, reads as zero
 *
 * tarn_os_map is reserve and commit in one. Functions that return bool are true for success; a
 * failure leaves the range as it was. Any thread may call any of them.
 */
#ifndef TARN_OS_PAGES_H
#define TARN_OS_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a page; of a huge page, 0 where the system has none. */
size_t tarn_os_page_size(void);
size_t tarn_os_huge_size(void);

/* Addresses only, aligned; not to be touched. NULL when there are none. */
void *tarn_os_reserve(size_t size, size_t align);

/* Readable and writable memory, all zero. */
void *tarn_os_map(size_t size, size_t align);

/* The same from the system's own pool of huge pages of `huge` bytes; size a multiple of it, align at
 * most that. NULL when that pool has too few, which is the normal case. */
void *tarn_os_map_huge(size_t size, size_t huge);

/* Committed pages get their memory now instead of at the first touch; contents stay. False when
 * there is too little; some pages may have got theirs. Systems that have no call for it touch each
 * page, if they may: a page that cannot be had then ends the process, as any touch does. */
bool tarn_os_populate(void *p, size_t size, bool may_touch);

bool tarn_os_commit(void *p, size_t size);
bool tarn_os_decommit(void *p, size_t size);
bool tarn_os_purge(void *p, size_t size);
void tarn_os_release(void *p, size_t size);

/* Move page-table entries rather than bytes. NULL: untouched. When the range may move, the new one
 * is aligned to align; when not, it stays where it is. */
void *tarn_os_remap(void *p, size_t old_size, size_t new_size, size_t align, bool may_move);

/* Ask for transparent huge pages. False where the system does not offer them. */
bool tarn_os_advise_huge(void *p, size_t size);

/* Show name in /proc/self/maps. Silent where the system cannot. */
void tarn_os_name(void *p, size_t size, const char *name);

#endif
