/* SPDX-License-Identifier: MIT */
/*
 * tlsf_core.h - pieces, their tags and their lists; the inside of a tlsf.
 *
 * A piece p is the address behind its tag, a multiple of TARN_TLSF_GRAIN. One word each:
 *
 *          p - W      p                                     p + size - 2W   p + size - W   p + size
 *     live │ tag      │ the caller's bytes …                                │ tag of the next …
 *     free │ tag      │ next   at   …                       │ size          │ tag of the next …
 *
 *     tag = size | FREE | AFTER_FREE        AFTER_FREE: the piece before this one is free, and its
 *                                           size stands right before this tag
 *
 * A region is pieces without a gap, from `first` to `end`; at `end` stands a piece of size 0 that is
 * never free, and behind its tag the address of the region's record.
 *
 * With metadata the same pieces lie in a shadow: a cell of LEAST bytes stands for a grain of the
 * caller's memory, and the caller gets addresses computed from those of the cells.
 *
 * I1  No two free pieces touch.
 * I2  AFTER_FREE of a piece is set exactly when the piece before it is free.
 * I3  A free piece is in the list of its size, once; a bit of the map is set exactly when its list is
 *     not empty.
 * I4  `used` is the sum of the sizes of live pieces, `live` their number.
 * I5  flags != 0 implies most == 0: every call of alloc, free and resize takes the slow way.
 */
#ifndef TARN_STRATEGY_TLSF_CORE_H
#define TARN_STRATEGY_TLSF_CORE_H

#include <tarn/tlsf.h>

#include "base/align.h"
#include "base/two_level.h"

enum {
    TLSF_FREE = 1u,
    TLSF_AFTER_FREE = 2u,
    TLSF_BITS = 3u,
    TLSF_WORD = sizeof(size_t),
    TLSF_GRAIN = TARN_TLSF_GRAIN,
    TLSF_LEAST = 4 * sizeof(size_t) > TARN_TLSF_GRAIN ? 4 * sizeof(size_t) : TARN_TLSF_GRAIN,
    TLSF_LEAST_LOG = TLSF_LEAST == 32 ? 5 : 4,
    TLSF_NOTE = 2 * sizeof(size_t),    /* what a checking one keeps at the end of a block */
    TLSF_EXACT = 2u << TARN_TLSF_BITS, /* bins below this one hold one size each */
    TLSF_RANGED = TLSF_EXACT << TARN_TLSF_GRAIN_LOG /* bytes; sizes from here on share their bins */
};

_Static_assert(TARN_TLSF_GRAIN == (size_t)1 << TARN_TLSF_GRAIN_LOG, "the grain is 8 or 16");
_Static_assert(TLSF_LEAST == 1 << TLSF_LEAST_LOG, "a cell is 16 or 32 bytes");
_Static_assert((size_t)TLSF_BITS < (size_t)TLSF_GRAIN, "sizes leave the bits of a tag alone");

/* tarn_tlsf.flags */
enum {
    TLSF_CHECK = 1u << 0,
    TLSF_DEAD = 1u << 1,
    TLSF_APART = 1u << 2 /* with metadata: pieces are cells */
};

struct tarn_tlsf_region {
    tarn_tlsf_region *next, *prev;
    char *first, *end;  /* pieces, see above                                        */
    char *high;         /* pieces from here on were never handed out                */
    char *memory;       /* as the caller or the source gave it                      */
    size_t memory_size; /* bytes                                                    */
    char *base;         /* with metadata: what the first cell stands for            */
    size_t record_size; /* with metadata: bytes of record and cells; else 0         */
    bool from_source;
};

static inline size_t *tlsf_tag(char *p)
{
    return (size_t *)(void *)(p - TLSF_WORD);
}

static inline size_t tlsf_size(const char *p)
{
    return *(const size_t *)(const void *)(p - TLSF_WORD) & ~(size_t)TLSF_BITS;
}

static inline bool tlsf_is_free(const char *p)
{
    return (*(const size_t *)(const void *)(p - TLSF_WORD) & TLSF_FREE) != 0;
}

/* The size of the free piece that ends at p. */
static inline size_t *tlsf_size_before(char *p)
{
    return (size_t *)(void *)(p - 2 * sizeof(size_t));
}

static inline tarn_tlsf_node *tlsf_node(char *p)
{
    return (tarn_tlsf_node *)(void *)p;
}

static inline uint32_t tlsf_bin(size_t size)
{
    return tarn_two_level_bin(TARN_TLSF_BITS, size >> TARN_TLSF_GRAIN_LOG);
}

/* ── Lists ── */

static inline void tlsf_insert(tarn_tlsf *t, char *p, uint32_t bin)
{
    tarn_tlsf_node *n = tlsf_node(p), *first = t->bins[bin];
    n->next = first;
    n->at = &t->bins[bin];
    first->at = &n->next; /* nil's is never read */
    t->bins[bin] = n;
    if (first == &t->nil)
        tarn_two_level_set(t->map, TARN_TLSF_BITS, bin);
}

/* The first piece of a list, whose `next` is known, out of it. */
static inline void tlsf_pop(tarn_tlsf *t, uint32_t bin, tarn_tlsf_node *next)
{
    t->bins[bin] = next;
    next->at = &t->bins[bin];
    if (next == &t->nil)
        tarn_two_level_clear(t->map, TARN_TLSF_BITS, bin);
}

/* Another piece takes the place of n in its list. */
static inline void tlsf_replace(tarn_tlsf_node *n, char *p)
{
    tarn_tlsf_node *next = n->next, **at = n->at, *to = tlsf_node(p);
    to->next = next;
    to->at = at;
    next->at = &to->next;
    *at = to;
}

static inline void tlsf_unlink(tarn_tlsf *t, char *p, size_t size)
{
    tarn_tlsf_node *n = tlsf_node(p), *next = n->next;
    *n->at = next;
    next->at = n->at;
    if (next == &t->nil) {
        uint32_t bin = tlsf_bin(size);
        if (t->bins[bin] == next)
            tarn_two_level_clear(t->map, TARN_TLSF_BITS, bin);
    }
}

/* Write the tag and the end of a free piece. The piece behind it must know already. */
static inline void tlsf_mark_free(char *p, size_t size)
{
    *tlsf_tag(p) = size | TLSF_FREE;
    *tlsf_size_before(p + size) = size;
}

/* A new free piece: marked and listed. */
static inline void tlsf_add_free(tarn_tlsf *t, char *p, size_t size)
{
    tlsf_mark_free(p, size);
    tlsf_insert(t, p, tlsf_bin(size));
}

/* ── Rooms ── */

/* tlsf_region.c */
/* A region of at least `need` bytes more from the source. */
tarn_status tarn_tlsf_grow(tarn_tlsf *t, size_t need);
/* The region in which a piece, or a byte of the caller's memory, lies; NULL when in none. */
tarn_tlsf_region *tarn_tlsf_region_of_piece(const tarn_tlsf *t, const char *p);
tarn_tlsf_region *tarn_tlsf_region_of_byte(const tarn_tlsf *t, const void *byte);
/* Regions of the source that hold no block back to it. Returns their bytes. */
size_t tarn_tlsf_drop_empty(tarn_tlsf *t);
/* Make each region one free piece. */
void tarn_tlsf_refill(tarn_tlsf *t);
/* All records of regions, and the regions that came from the source, back. */
void tarn_tlsf_drop_all(tarn_tlsf *t);

/* tlsf_guard.c: what a checking one knows and looks at. */
void tarn_tlsf_fault(const tarn_tlsf *t, tarn_fault_kind kind, const void *block, size_t given,
                     size_t expected);
bool tarn_tlsf_may_be_called(tarn_tlsf *t);
void tarn_tlsf_note(tarn_tlsf *t, char *p, size_t size, tarn_spec spec);
void tarn_tlsf_wipe(tarn_tlsf *t, char *p);
/* All notes of live blocks, as far as the tags lead. */
void tarn_tlsf_wipe_all(tarn_tlsf *t);
/* The size asked for. */
size_t tarn_tlsf_noted(const tarn_tlsf *t, char *p);
/* Is the block live, whole, and freed or resized with a size and an alignment that it can have?
 * Reports what is wrong. */
bool tarn_tlsf_is_sound(tarn_tlsf *t, void *block, size_t size, tarn_spec spec);
bool tarn_tlsf_note_holds(const tarn_tlsf *t, char *p);

/* tlsf_ops.c */
extern const tarn_ops tarn_tlsf_ops;

/* ── Between pieces and what the caller sees ── */

static inline bool tlsf_is_apart(const tarn_tlsf *t)
{
    return (t->flags & TLSF_APART) != 0;
}

/* The block that a piece is. */
static inline void *tlsf_block(const tarn_tlsf *t, const tarn_tlsf_region *r, char *p)
{
    return tlsf_is_apart(t) ? r->base + ((size_t)(p - r->first) >> TLSF_LEAST_LOG << t->grain_log)
                            : p;
}

/* The piece that a block is. */
static inline char *tlsf_piece(const tarn_tlsf *t, const void *block)
{
    if (!tlsf_is_apart(t))
        return (char *)(uintptr_t)block;
    const tarn_tlsf_region *r = tarn_tlsf_region_of_byte(t, block);
    return r->first +
           ((size_t)((uintptr_t)block - (uintptr_t)r->base) >> t->grain_log << TLSF_LEAST_LOG);
}

/* Bytes of a piece that the caller may use. */
static inline size_t tlsf_usable(const tarn_tlsf *t, size_t size)
{
    if (tlsf_is_apart(t))
        return size >> TLSF_LEAST_LOG << t->grain_log;
    return size - TLSF_WORD - ((t->flags & TLSF_CHECK) != 0 ? (size_t)TLSF_NOTE : 0);
}

/* Bytes of memory that a piece stands for. */
static inline size_t tlsf_bytes(const tarn_tlsf *t, size_t size)
{
    return tlsf_is_apart(t) ? size >> TLSF_LEAST_LOG << t->grain_log : size;
}

#endif
