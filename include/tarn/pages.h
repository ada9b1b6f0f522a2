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
 * Huge pages. EXPLICIT takes them from the system's own pools (vm.nr_hugepages), which are empty
 * unless someone filled them; ADVISE asks for transparent ones, which come when the system has them
 * at hand. A region gets the first of these that is to be had:
 *
 *     explicit of huge_size ─► explicit of the system's default size ─► advised ─► plain
 *
 * tarn_pages_get_report counts what became of it, tarn_pages_ask_huge tells it of one region.
 */
typedef enum tarn_huge {
    TARN_HUGE_OFF = 0,
    TARN_HUGE_ADVISE = 1,
    TARN_HUGE_EXPLICIT = 2
} tarn_huge;

/*
 * On a machine whose memory is in nodes: where a page comes from when it is touched first. PREFER
 * falls back to another node, BIND does not, INTERLEAVE takes page after page from node after node.
 * Where there are no nodes, or the process may not ask for them, it does nothing;
 * tarn_pages_get_numa says so. libnuma is not needed.
 */
typedef enum tarn_numa {
    TARN_NUMA_OFF = 0,
    TARN_NUMA_PREFER = 1,
    TARN_NUMA_BIND = 2,
    TARN_NUMA_INTERLEAVE = 3
} tarn_numa;

typedef struct tarn_pages_options {
    const char *name; /* default "pages"; lives as long as the source                          */
    tarn_huge huge;   /* default off                                                           */
    size_t huge_size; /* bytes of an explicit huge page, 2 MiB or 1 GiB on x86-64; every region is
                         a multiple of it; default: the system's own default size              */
    tarn_numa numa;   /* default off                                                           */
    uint64_t nodes;   /* bit n: node n; default: the node of the thread that maps, all nodes for
                         INTERLEAVE                                                            */
    bool populate;    /* memory at once instead of at the first touch: of a region when it is
                         mapped, of a reserved piece when it is committed; default false       */
    size_t limit;     /* bytes mapped at a time; 0: as much as there is                        */
} tarn_pages_options;

/* What a page source has done. Bytes are whole pages. */
typedef struct tarn_pages_report {
    size_t mapped;        /* bytes now, reservations included                             */
    size_t peak;          /* the most there were                                          */
    size_t regions;       /* regions and blocks now                                       */
    size_t huge_explicit; /* regions, since init, that got explicit huge pages            */
    size_t huge_advised;  /* regions, since init, for which transparent ones were advised */
    size_t huge_refused;  /* regions, since init, that wanted explicit ones and got none  */
    size_t numa_placed;   /* regions, since init, for which nodes were asked              */
    size_t numa_refused;  /* regions, since init, for which the system refused that       */
} tarn_pages_report;

/* What a region has got of huge pages; see tarn_pages_ask_huge. */
typedef struct tarn_huge_answer {
    tarn_huge kind;    /* OFF: plain pages; ADVISE: transparent ones were asked for; EXPLICIT */
    size_t page_size;  /* bytes; a huge page's where kind is EXPLICIT                         */
    bool counted;      /* is the next one known?                                              */
    size_t huge_bytes; /* of the range, in huge pages now: those of untouched memory are not  */
} tarn_huge_answer;

/* What became of the option `numa`. */
typedef struct tarn_numa_answer {
    tarn_status status; /* TARN_OK: in effect; TARN_UNSUPPORTED: it does nothing, see why      */
    const char *why;    /* a static string: "in effect", "not asked for", …                    */
    uint64_t nodes;     /* those in effect; 0 with TARN_OK: the node of the thread that maps   */
    uint64_t available; /* those that this process may use; 0 where there are none             */
} tarn_numa_answer;

/* State; fields are private, but for the source. */
typedef struct tarn_pages {
    tarn_source source;       /* to be passed on as &pages.source */
    tarn_allocator allocator; /* see tarn_pages_allocator         */
    const char *name;
    size_t limit;
    tarn_huge huge;
    tarn_numa numa;
    bool populate;
    size_t huge_size; /* bytes, 0 but with explicit huge pages */
    tarn_numa_answer places;
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
 * Fails    TARN_BAD_ARGUMENT (no such `huge` or `numa`; a huge_size without EXPLICIT, nodes without
 *          `numa`); TARN_UNSUPPORTED (explicit huge pages of a size that the system does not have;
 *          BIND to nodes none of which is there, on a machine that has nodes). The state is then
 *          not to be used.
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

/**
 * tarn_pages_ask_huge - what kind of pages a region, or a piece of one, has, and how many of its
 * bytes are in huge pages at this moment.
 *
 * Of transparent ones the system alone knows: since Linux 6.7 it tells exactly. Before, the number
 * is unknown (counted is false) when the region's mapping has merged with a neighbour's and has huge
 * pages in a part only.
 *
 * Units    size in bytes.
 * Returns  TARN_OK and the answer.
 * Fails    TARN_BAD_ARGUMENT (size is 0); TARN_UNSUPPORTED (nothing is mapped there, or the system
 *          does not tell: no /proc). The answer is then of unknown: plain pages, not counted.
 * Threads  any.
 * Cost     reads /proc/self/smaps up to the region: tens of microseconds and more.
 */
TARN_API tarn_status tarn_pages_ask_huge(const tarn_pages *p, const void *ptr, size_t size,
                                         tarn_huge_answer *out);

/**
 * tarn_pages_get_numa - is the option `numa` in effect, and if not, why not?
 *
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API void tarn_pages_get_numa(const tarn_pages *p, tarn_numa_answer *out);

/**
 * tarn_pages_node - the node that the memory of an address is in.
 *
 * Returns  its number; -1 when the page has no memory yet, or the system does not tell.
 * Fails    never; touches nothing.
 * Threads  any.
 * Cost     one system call.
 */
TARN_API int tarn_pages_node(const tarn_pages *p, const void *ptr);

TARN_END_DECLS

#endif
