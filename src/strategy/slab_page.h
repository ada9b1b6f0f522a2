/* SPDX-License-Identifier: MIT */
/*
 * slab_page.h - pages of equal blocks with one bit for each that is free, and the slab's own books; the
 * inside of a slab.
 *
 *     metadata in the pages: a page is page_size bytes at a multiple of it (address & mask finds it)
 *         ┌───────────┬────────┬──────────────────────────────────┬──────┐
 *         │ slab_page │ bitmap │ block 0 │ 1 │ 2 │ … carved ┼ untouched │ rest │
 *         └───────────┴────────┴──────────────────────────────────┴──────┘
 *     outside: the page has blocks only, from its first byte on
 *         page_map: address of the page ──► slab_page ──► bitmap, both of the metadata allocator
 *
 * Counting, in blocks:
 *
 * P1  capacity >= carved >= free; blocks from `carved` on were not handed out since the page came to
 *     its class.
 * P2  A carved block is in exactly one of three states: free (its bit is 1), at hand (bit 0, among the
 *     pointers of its class), live (bit 0). So live = carved - free - (empty - top), over a class.
 * P3  A page with 0 < free <= capacity is in the list of its quarter, one without free blocks in none,
 *     an idle one in the list of idle pages.
 * P4  A page of a class has carved > 0 and free < carved: when its last block comes back it is idle.
 * P5  page_map has exactly the pages, large_map exactly the live blocks that came from the parent.
 */
#ifndef TARN_STRATEGY_SLAB_PAGE_H
#define TARN_STRATEGY_SLAB_PAGE_H

#include <tarn/slab.h>

#include "base/address_map.h"
#include "base/bitmap.h"

enum {
    TARN_SLAB_NO_CLASS = UINT8_MAX, /* of an idle page; of a request that no class serves */
    TARN_SLAB_NO_LIST = 4,          /* of a page without free blocks */
    TARN_SLAB_SMALL_MAP = 8,        /* entries of the page map that need no memory of their own */
};

struct tarn_slab_page {
    tarn_slab *slab;
    tarn_slab_page *next, *prev;         /* of its quarter, or idle */
    tarn_slab_page *all_next, *all_prev; /* all pages of the slab */
    char *base;                          /* as the source gave it */
    char *blocks;                        /* block 0 */
    uint32_t number;                     /* of its class; TARN_SLAB_NO_CLASS: idle */
    uint32_t list;                       /* 0 to 3, the quarter; TARN_SLAB_NO_LIST */
    uint32_t capacity, carved, free;     /* see P1 */
    uint32_t quarter;                    /* blocks, a quarter of the capacity, rounded up */
    size_t region_size;                  /* bytes */
    uint64_t *words;                     /* of the bitmap */
    size_t words_room;                   /* metadata outside: how many there are */
    tarn_bitmap map;
};

struct tarn_slab_core {
    size_t page_size; /* bytes */
    uintptr_t page_mask;
    uintptr_t low, high; /* every page lies between these */
    size_t page_count, page_limit;
    size_t idle_count, idle_keep;
    size_t held; /* bytes taken from source and metadata, without large blocks */
    tarn_slab_page *pages;
    tarn_slab_page *idle_first, *idle_last; /* the first came last */
    tarn_allocator *metadata;               /* NULL: in the pages */
    tarn_address_map page_map;              /* page address -> tarn_slab_page */
    tarn_address_map large_map;             /* block -> size << 6 | log2 of the alignment */
    size_t large_bytes;
    tarn_region page_map_region;
    tarn_region tables; /* where this struct lies */
    bool stay;          /* pages are never given back: they are the caller's buffer */
    bool visiting;      /* pages must not go while they are walked through */
    tarn_address_entry small_map[TARN_SLAB_SMALL_MAP];
};

/* slab->flags */
enum {
    TARN_SLAB_CHECK = 1u << 0, /* every call is checked: nothing is kept at hand */
    TARN_SLAB_DEAD = 1u << 1   /* deinitialised */
};

/* What a block address turned out to be. */
typedef enum tarn_slab_place {
    TARN_SLAB_CARVED, /* a block that was handed out at least once */
    TARN_SLAB_INSIDE, /* in a block, not at its start */
    TARN_SLAB_FOREIGN /* in none */
} tarn_slab_place;

/* ── slab_page.c ── */

/* Blocks that a page has for a class; *first is the offset of block 0. */
size_t tarn_slab_fit(const tarn_slab *slab, const tarn_slab_class *c, size_t *first);

/* The page of an address; NULL when there is none. `surely`: any address may be asked about, none of it
 * is read. */
tarn_slab_page *tarn_slab_page_at(const tarn_slab *slab, const void *block, bool surely);

/* Which block of its page that is. */
tarn_slab_place tarn_slab_locate(const tarn_slab *slab, const tarn_slab_page *p, const void *block,
                                 size_t *i);

/* Up to `want` blocks into out: free ones, fullest page first, lowest address first; then new ones.
 * Status tells why none. */
size_t tarn_slab_take(tarn_slab *slab, tarn_slab_class *c, size_t want, void **out,
                      tarn_status *status);

/* Blocks of a class into their pages; faults are reported, and change nothing. */
void tarn_slab_give(tarn_slab *slab, tarn_slab_class *c, void *const *blocks, size_t count,
                    bool surely);

/* Is a block of that page live, nothing being at hand? The fault is reported when not. */
bool tarn_slab_is_live(tarn_slab *slab, const tarn_slab_page *p, const void *block);

/* All blocks at hand into their pages. */
void tarn_slab_flush(tarn_slab *slab);

/* All blocks of all pages free at once, those at hand forgotten. */
void tarn_slab_forget(tarn_slab *slab);

/* Idle pages back to the source until `keep` are left. Returns bytes. */
size_t tarn_slab_release(tarn_slab *slab, size_t keep);

/* ── slab_class.c ── */

/* The sizes of the classes, ascending; 0 with the reason. */
size_t tarn_slab_sizes(const tarn_slab_options *o, size_t out[TARN_SLAB_CLASSES], tarn_why *why);

/* The size of a class, and what follows from it. */
void tarn_slab_set_size(tarn_slab_class *c, size_t size);

/* The class of any size and alignment; TARN_SLAB_NO_CLASS when there is none. */
unsigned tarn_slab_pick(const tarn_slab *slab, size_t size, unsigned log2_align);

/* Entries of the table from sizes to classes. */
static inline size_t tarn_slab_table_size(size_t largest)
{
    return (largest / 8 + 1) * 2;
}

/* Fill the table. */
void tarn_slab_tabulate(uint8_t *table, const tarn_slab_class *classes, size_t count);

/* ── slab_large.c ── */

/* A block of the parent's; {NULL, 0} with the reason recorded. at_least: as much as it gives. */
tarn_block tarn_slab_large_alloc(tarn_slab *slab, size_t size, tarn_spec spec, bool at_least);

void tarn_slab_large_free(tarn_slab *slab, void *block, size_t size, tarn_spec spec);

/* from: how much of it the program uses, of what was granted. */
void *tarn_slab_large_resize(tarn_slab *slab, void *block, size_t from, size_t new_size,
                             size_t keep, tarn_spec spec);

/* As tarn_slab_sound, for what lies in no page. */
bool tarn_slab_large_sound(tarn_slab *slab, const void *block, size_t size, tarn_spec spec);

/* Bytes of a live large block; 0 when it is none. */
size_t tarn_slab_large_size(const tarn_slab *slab, const void *block);

/* Does the address lie in a large block? */
bool tarn_slab_large_owns(const tarn_slab *slab, const void *address);

/* All large blocks to the parent, the memory of their table, too. */
void tarn_slab_large_deinit(tarn_slab *slab);

/* False when the visitor ended it. */
bool tarn_slab_large_visit(tarn_slab *slab, tarn_visitor *see, void *user);

/* ── slab.c ── */

/* Record a refusal; always NULL. */
void *tarn_slab_refuse(tarn_slab *slab, tarn_status status, size_t size, tarn_spec spec,
                       size_t limit);

void tarn_slab_fault(const tarn_slab *slab, tarn_fault_kind kind, const void *block, size_t given,
                     size_t expected);

/* Is the slab not to be touched: dead, or another thread's? The fault has been reported then. */
bool tarn_slab_barred(tarn_slab *slab, const void *block);

/* With `check`: is the block live, and of that size and alignment? The fault is reported when not. */
bool tarn_slab_sound(tarn_slab *slab, const void *block, size_t size, tarn_spec spec);

/* ── slab_ops.c ── */

extern const tarn_ops tarn_slab_ops;

#endif
