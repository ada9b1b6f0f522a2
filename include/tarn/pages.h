/* SPDX-License-Identifier: MIT */
/*
 * pages.h - the operating system's memory, as a source and as an allocator.
 *
 * For: chunks of pools and arenas, one big block at a time, address ranges that are committed as
 * they fill. Not for: small blocks; each is a page at least, and a system call.
 *
 *     tarn_pages pages;
 *     if (tarn_pages_init(&pages, &(tarn_pages_options){.name = "index"}) != TARN_OK) ...
 *     ... &pages.source ...  or  tarn_pages_allocator(&pages)
 *     tarn_pages_deinit(&pages);
 *
 * Regions and blocks are zero when they are new. They are counted together, and the limit holds for
 * their sum: bytes of address space, reservations included. Where the system can (Linux 5.17), the
 * name stands in /proc/self/maps.
 */
#ifndef TARN_PAGES_H
#define TARN_PAGES_H

#include <tarn/source.h>

TARN_BEGIN_DECLS

/*
 * Huge pages. EXPLICIT takes them from the system's own pool (vm.nr_hugepages), which is empty
 * unless someone filled it: a region that does not fit there falls back to ADVISE. ADVISE asks for
 * transparent ones, which come when the system has them at hand. tarn_pages_get_report tells what
 * became of it.
 */
typedef enum tarn_huge {
    TARN_HUGE_OFF = 0,
    TARN_HUGE_ADVISE = 1,
    TARN_HUGE_EXPLICIT = 2
} tarn_huge;

typedef struct tarn_pages_options {
    const char *name; /* default "pages"; lives as long as the source     */
    tarn_huge huge;   /* default off                                      */
    size_t limit;     /* bytes mapped at a time; 0: as much as there is   */
} tarn_pages_options;

/* What a page source has done. Bytes are whole pages. */
typedef struct tarn_pages_report {
    size_t mapped;        /* bytes now, reservations included                             */
    size_t peak;          /* the most there were                                          */
    size_t regions;       /* regions and blocks now                                       */
    size_t huge_explicit; /* regions, since init, that got explicit huge pages            */
    size_t huge_advised;  /* regions, since init, for which transparent ones were advised */
    size_t huge_refused;  /* regions, since init, that wanted explicit ones and got none  */
} tarn_pages_report;

/* State; fields are private, but for the source. */
typedef struct tarn_pages {
    tarn_source source;       /* to be passed on as &pages.source */
    tarn_allocator allocator; /* see tarn_pages_allocator         */
    const char *name;
    size_t limit;
    tarn_huge huge;
    uint32_t failed_status, failed_align; /* of the last refusal: status, log2 */
    size_t failed_size;
    size_t failures;
    tarn_pages_report report;
} tarn_pages;

/* ── Life cycle ────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_pages_init - a page source; options may be NULL.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (no such `huge`); TARN_UNSUPPORTED (explicit huge pages on a system
 *          that has no such size). The state is then not to be used.
 * Threads  one; afterwards any thread may use source and allocator.
 * Cost     O(1); maps nothing.
 */
TARN_API tarn_status tarn_pages_init(tarn_pages *p, const tarn_pages_options *options);

/**
 * tarn_pages_deinit - the source is no longer used. All its regions and blocks have been given
 * back; those that have not stay mapped.
 *
 * Fails    never.
 * Threads  one; no other may use the source.
 * Cost     O(1).
 */
TARN_API void tarn_pages_deinit(tarn_pages *p);

/* ── As an allocator ───────────────────────────────────────────────────────────────────────── */

/**
 * tarn_pages_allocator - whole pages as blocks: any alignment, zeroed, resized by moving page table
 * entries instead of bytes.
 *
 * Returns  the handle; it lives as long as the source.
 * Fails    never.
 * Threads  any; so is the allocator.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_pages_allocator(tarn_pages *p)
{
    return &p->allocator;
}

/* ── Questions ─────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_pages_get_report - what is mapped, and what became of huge pages.
 *
 * Fails    never.
 * Threads  any; while others map, each number is right by itself.
 * Cost     O(1).
 */
TARN_API void tarn_pages_get_report(const tarn_pages *p, tarn_pages_report *out);

TARN_END_DECLS

#endif
