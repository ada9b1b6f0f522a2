/* SPDX-License-Identifier: MIT */
/*
 * tlsf.c - two-level segregated fit: alloc, free and resize. tlsf_core.h has the picture and the
 * invariants.
 *
 *     alloc  the first list that can hold it ─► its first piece ─► what is left over is a free piece
 *     free   + the piece behind, if free ─► + the piece before, if free ─► into the list of its size
 *
 * Bound: an alloc looks at one list and touches at most the piece, its rest, the piece behind and
 * the neighbours in two lists; a free at most two neighbours in memory and theirs in three lists.
 * No loop: when the list is empty, alloc looks at LOOKED_AT pieces of the one below, whose sizes are
 * on both sides of what is wanted.
 *
 * A load that misses the cache is what an operation costs when many blocks are live, so:
 * - a free piece's tag is known from its list where a list holds one size, and is not read;
 * - a piece that is split leaves the piece behind alone: its AFTER_FREE stays true;
 * - a free that is told the size asks for the tag behind before it has the block's own.
 *
 * Source: M. Masmano, I. Ripoll, A. Crespo, J. Real, "TLSF: a New Dynamic Memory Allocator for
 * Real-Time Systems", ECRTS 2004; M. Masmano, I. Ripoll, J. Real, A. Crespo, A. Wellings,
 * "Implementation of a constant-time dynamic storage allocator", Software: Practice and Experience
 * 38 (2008) 995-1026. Boundary tags: D. Knuth, The Art of Computer Programming, 1, section 2.5.
 */
#include "strategy/tlsf_core.h"

#include "base/mem.h"
#include "base/thread_guard.h"

enum { LOOKED_AT = 4 };

/* ── Pieces ── */

/* Everything that a piece is counted for once it is live. */
static inline void count_taken(tarn_tlsf *t, size_t size)
{
    t->live++;
    t->used += size;
    if (t->used > t->peak)
        t->peak = t->used;
}

/* The end of the part of a region that was ever handed out moves when its last piece is taken from;
 * `behind` is where the piece that was taken from ends. */
static inline void note_high(char *behind, char *taken_to, size_t rest)
{
    if (*tlsf_tag(behind) <= TLSF_BITS) {
        tarn_tlsf_region *r = *(tarn_tlsf_region **)(void *)behind;
        char *high = rest < ((size_t)TLSF_EXACT << TARN_TLSF_GRAIN_LOG) ? behind : taken_to;
        if (high > r->high)
            r->high = high;
    }
}

/* Take `need` bytes from the front of the first piece of a list. */
static TARN_FAST char *cut_first(tarn_tlsf *t, uint32_t bin, size_t need)
{
    tarn_tlsf_node *n = t->bins[bin];
    char *p = (char *)n;
    size_t have = bin < TLSF_EXACT ? (size_t)bin << TARN_TLSF_GRAIN_LOG : tlsf_size(p);
    size_t rest = have - need;
    if (bin >= TLSF_EXACT)
        note_high(p + have, p + need, rest);
    if (rest >= TLSF_LEAST) {
        char *q = p + need;
        uint32_t to = tlsf_bin(rest);
        if (to == bin) {
            tlsf_replace(n, q);
        } else {
            tlsf_pop(t, bin, n->next);
            tlsf_insert(t, q, to);
        }
        tlsf_mark_free(q, rest);
        have = need;
    } else {
        tlsf_pop(t, bin, n->next);
        *tlsf_tag(p + have) &= ~(size_t)TLSF_AFTER_FREE;
    }
    *tlsf_tag(p) = have; /* I1: the piece before it is live */
    count_taken(t, have);
    return p;
}

/* Nothing in the lists that surely fit: look at a few of the list whose sizes may. */
static TARN_SLOW char *take_nearly(tarn_tlsf *t, size_t need)
{
    uint32_t bin = tlsf_bin(need);
    tarn_tlsf_node *n = t->bins[bin];
    for (int i = 0; i < LOOKED_AT && n != &t->nil; i++, n = n->next) {
        char *p = (char *)n;
        if (tlsf_size(p) < need)
            continue;
        /* To the front of its list, from where pieces are cut. */
        tlsf_unlink(t, p, tlsf_size(p));
        tlsf_insert(t, p, bin);
        return cut_first(t, bin, need);
    }
    return NULL;
}

/* A piece of just this size, from a list that holds no other: its bit need not be looked at. */
static TARN_FAST char *take_same(tarn_tlsf *t, size_t need)
{
    uint32_t bin = (uint32_t)(need >> TARN_TLSF_GRAIN_LOG);
    tarn_tlsf_node *n = t->bins[bin];
    char *p = (char *)n;
    if (n == &t->nil)
        return NULL;
    tlsf_pop(t, bin, n->next);
    *tlsf_tag(p + need) &= ~(size_t)TLSF_AFTER_FREE;
    *tlsf_tag(p) = need;
    count_taken(t, need);
    return p;
}

static TARN_FAST char *take_larger(tarn_tlsf *t, size_t need)
{
    uint32_t fit = tarn_two_level_fit(TARN_TLSF_BITS, need >> TARN_TLSF_GRAIN_LOG);
    uint32_t bin = tarn_two_level_find(t->map, TARN_TLSF_BITS, TARN_TLSF_ROWS, fit);
    if (TARN_UNLIKELY(bin == TARN_TWO_LEVEL_NONE))
        return take_nearly(t, need);
    return cut_first(t, bin, need);
}

static char *take(tarn_tlsf *t, size_t need)
{
    char *p = NULL;
    if (need > t->largest)
        t->largest = need;
    if (need < TLSF_RANGED)
        p = take_same(t, need);
    return p != NULL ? p : take_larger(t, need);
}

static TARN_FAST void give(tarn_tlsf *t, char *p, size_t tag)
{
    size_t size = tag & ~(size_t)TLSF_BITS;
    char *behind = p + size;
    size_t tag_behind = *tlsf_tag(behind);
    t->live--;
    t->used -= size;
    if ((tag & TLSF_AFTER_FREE) != 0) {
        size_t before = *tlsf_size_before(p), all = before + size;
        p -= before;
        if ((tag_behind & TLSF_FREE) != 0) {
            size_t more = tag_behind & ~(size_t)TLSF_BITS;
            tlsf_unlink(t, behind, more);
            all += more;
        } else {
            *tlsf_tag(behind) = tag_behind | TLSF_AFTER_FREE;
        }
        uint32_t bin = tlsf_bin(all);
        tlsf_mark_free(p, all);
        if (before >= TLSF_RANGED && bin == tlsf_bin(before))
            return; /* it stays where it is listed */
        tlsf_unlink(t, p, before);
        tlsf_insert(t, p, bin);
        return;
    }
    if ((tag_behind & TLSF_FREE) != 0) {
        size_t more = tag_behind & ~(size_t)TLSF_BITS;
        size += more;
        uint32_t bin = tlsf_bin(size);
        if (more >= TLSF_RANGED && bin == tlsf_bin(more)) {
            tlsf_replace(tlsf_node(behind), p);
        } else {
            tlsf_unlink(t, behind, more);
            tlsf_insert(t, p, bin);
        }
        tlsf_mark_free(p, size);
        return;
    }
    *tlsf_tag(behind) = tag_behind | TLSF_AFTER_FREE;
    tlsf_add_free(t, p, size);
}

static void give_back(tarn_tlsf *t, char *p)
{
    give(t, p, *tlsf_tag(p));
}

/* ── Refusals ── */

static void *refuse(tarn_tlsf *t, tarn_status status, size_t size, tarn_spec spec)
{
    uint32_t log = spec & TARN_ALIGN_BITS;
    t->failures++;
    t->why = (tarn_why){status, size, log < sizeof(size_t) * 8 ? (size_t)1 << log : 0, 0};
    if (status == TARN_LIMIT)
        t->why.limit = t->limit;
    return NULL;
}

/* Bytes of a piece for a block of so many; 0 when that is too big. */
static inline size_t need_of(const tarn_tlsf *t, size_t size)
{
    const size_t too_big = (size_t)1 << TARN_TLSF_LOG2;
    if (size >= too_big)
        return 0;
    if (tlsf_is_apart(t)) {
        size_t cells = (size + ((size_t)1 << t->grain_log) - 1) >> t->grain_log;
        if (cells >= too_big >> TLSF_LEAST_LOG)
            return 0;
        return (cells != 0 ? cells : 1) << TLSF_LEAST_LOG;
    }
    size += TLSF_WORD + ((t->flags & TLSF_CHECK) != 0 ? (size_t)TLSF_NOTE : 0) + TLSF_GRAIN - 1;
    size &= ~(size_t)(TLSF_GRAIN - 1);
    if (size >= too_big)
        return 0;
    return size > TLSF_LEAST ? size : TLSF_LEAST;
}

/* ── Alloc ── */

/* A piece of `need` bytes whose block is aligned, cut out of a larger one: what lies in front of it
 * becomes a free piece again. */
static char *take_aligned(tarn_tlsf *t, size_t need, size_t align)
{
    size_t apart = tlsf_is_apart(t) ? align >> t->grain_log << TLSF_LEAST_LOG : align + TLSF_GRAIN;
    if (apart >= (size_t)1 << TARN_TLSF_LOG2 || need + apart >= (size_t)1 << TARN_TLSF_LOG2)
        return NULL;
    size_t peak = t->peak;
    char *p = take(t, need + apart);
    if (p == NULL)
        return NULL;
    const tarn_tlsf_region *r = tlsf_is_apart(t) ? tarn_tlsf_region_of_piece(t, p) : NULL;
    size_t gap = tarn_align_gap(tlsf_block(t, r, p), align), have = tlsf_size(p);
    if (tlsf_is_apart(t))
        gap = gap >> t->grain_log << TLSF_LEAST_LOG;
    else if (gap != 0 && gap < TLSF_LEAST)
        gap += align;
    size_t rest = have - gap - need;
    char *q = p + gap, *end = p + have;
    if (rest >= TLSF_LEAST) {
        *tlsf_tag(end) |= TLSF_AFTER_FREE;
        if (tlsf_is_free(end)) { /* what take left over */
            size_t more = tlsf_size(end);
            tlsf_unlink(t, end, more);
            tlsf_add_free(t, q + need, rest + more);
        } else {
            tlsf_add_free(t, q + need, rest);
        }
    } else {
        need += rest;
    }
    *tlsf_tag(q) = need;
    if (gap != 0) {
        *tlsf_tag(q) |= TLSF_AFTER_FREE;
        tlsf_add_free(t, p, gap);
    }
    t->used -= have - need;
    t->peak = t->used > peak ? t->used : peak;
    return q;
}

static char *take_any(tarn_tlsf *t, size_t need, tarn_spec spec)
{
    if ((spec & TARN_ALIGN_BITS) <= (tlsf_is_apart(t) ? t->grain_log : TARN_TLSF_GRAIN_LOG))
        return take(t, need);
    return take_aligned(t, need, tarn_spec_align(spec));
}

/* As take_any, after growing if that helps; NULL with the reason in *status. */
static char *take_or_grow(tarn_tlsf *t, size_t need, tarn_spec spec, tarn_status *status)
{
    char *p = take_any(t, need, spec);
    *status = TARN_NO_MEMORY;
    if (p == NULL && t->source != NULL) {
        *status = tarn_tlsf_grow(
            t,
            need + (tarn_spec_align(spec) > TLSF_GRAIN ? tarn_spec_align(spec) + TLSF_LEAST : 0));
        if (*status == TARN_OK)
            p = take_any(t, need, spec);
    }
    return p;
}

static TARN_SLOW void *alloc_slow(tarn_tlsf *t, size_t size, tarn_spec spec)
{
    tarn_status status;
    if ((t->flags & (TLSF_DEAD | TLSF_CHECK)) != 0 && !tarn_tlsf_may_be_called(t))
        return NULL;
    if ((spec & TARN_ALIGN_BITS) >= TARN_TLSF_LOG2)
        return refuse(t, TARN_BAD_ALIGN, size, spec);
    size_t need = need_of(t, size);
    if (need == 0)
        return refuse(t, TARN_TOO_BIG, size, spec);
    char *p = take_or_grow(t, need, spec, &status);
    if (p == NULL)
        return refuse(t, status, size, spec);
    if ((t->flags & TLSF_CHECK) != 0)
        tarn_tlsf_note(t, p, size, spec);
    const tarn_tlsf_region *r = tlsf_is_apart(t) ? tarn_tlsf_region_of_piece(t, p) : NULL;
    void *block = tlsf_block(t, r, p);
    if ((spec & TARN_ZERO) != 0)
        memset(block, 0, tlsf_usable(t, tlsf_size(p)));
    return block;
}

/* By itself, so that a piece of the same size costs no saved registers. */
static __attribute__((noinline)) void *alloc_larger(tarn_tlsf *t, size_t size, tarn_spec spec,
                                                    size_t need)
{
    char *p = take_larger(t, need);
    if (TARN_LIKELY(p != NULL))
        return p;
    return t->source != NULL ? alloc_slow(t, size, spec) : refuse(t, TARN_NO_MEMORY, size, spec);
}

void *tarn_tlsf_alloc(tarn_tlsf *t, size_t size, tarn_spec spec)
{
    if (TARN_UNLIKELY(size >= t->most || (spec & 0xffffu) > TARN_TLSF_GRAIN_LOG))
        return alloc_slow(t, size, spec);
    size_t need = (size + TLSF_WORD + TLSF_GRAIN - 1) & ~(size_t)(TLSF_GRAIN - 1);
    if (need < TLSF_LEAST)
        need = TLSF_LEAST;
    if (TARN_UNLIKELY(need > t->largest))
        t->largest = need;
    if (need < TLSF_RANGED) {
        char *p = take_same(t, need);
        if (p != NULL)
            return p;
    }
    return alloc_larger(t, size, spec, need);
}

/* ── Free ── */

static TARN_SLOW void free_slow(tarn_tlsf *t, void *block, size_t size, tarn_spec spec)
{
    if ((t->flags & (TLSF_DEAD | TLSF_CHECK)) != 0 && !tarn_tlsf_may_be_called(t))
        return;
    if ((t->flags & TLSF_CHECK) != 0 && !tarn_tlsf_is_sound(t, block, size, spec))
        return;
    char *p = tlsf_piece(t, block);
    if (tlsf_is_free(p)) {
        tarn_tlsf_fault(t, TARN_FAULT_DOUBLE_FREE, block, 0, 0);
        return;
    }
    if ((t->flags & TLSF_CHECK) != 0)
        tarn_tlsf_wipe(t, p);
    give_back(t, p);
}

void tarn_tlsf_free(tarn_tlsf *t, void *block, size_t size, tarn_spec spec)
{
    char *p = block;
    if (TARN_UNLIKELY(block == NULL))
        return;
    if (TARN_UNLIKELY(t->flags != 0)) {
        free_slow(t, block, size, spec);
        return;
    }
    __builtin_prefetch(
        p + ((size + TLSF_WORD + TLSF_GRAIN - 1) & ~(size_t)(TLSF_GRAIN - 1)) - TLSF_WORD, 1);
    size_t tag = *tlsf_tag(p);
    if (TARN_UNLIKELY((tag & TLSF_FREE) != 0)) {
        tarn_tlsf_fault(t, TARN_FAULT_DOUBLE_FREE, block, 0, 0);
        return;
    }
    give(t, p, tag);
}

/* ── Resize ── */

/* Make the piece at p, of `all` bytes up to a piece that is not free, one of `need` bytes and, if
 * that is worth it, a free one. */
static void cut_to(tarn_tlsf *t, char *p, size_t all, size_t need)
{
    size_t rest = all - need, bits = *tlsf_tag(p) & TLSF_BITS;
    char *end = p + all;
    if (rest >= TLSF_LEAST) {
        *tlsf_tag(end) |= TLSF_AFTER_FREE;
        tlsf_add_free(t, p + need, rest);
        all = need;
    } else {
        *tlsf_tag(end) &= ~(size_t)TLSF_AFTER_FREE;
    }
    *tlsf_tag(p) = all | bits;
}

/* Give a live piece another size where it is; false, and nothing changed, when it cannot be. */
static bool fit_in_place(tarn_tlsf *t, char *p, size_t need)
{
    size_t size = tlsf_size(p), all = size;
    char *behind = p + size;
    if (tlsf_is_free(behind))
        all += tlsf_size(behind);
    if (need > all)
        return false;
    if (all != size) {
        char *end = p + all;
        tlsf_unlink(t, behind, all - size);
        note_high(end, need > size ? p + need : p, all - need);
    }
    cut_to(t, p, all, need);
    t->used += tlsf_size(p) - size;
    if (t->used > t->peak)
        t->peak = t->used;
    if (need > t->largest)
        t->largest = need;
    return true;
}

static void *resize_elsewhere(tarn_tlsf *t, void *block, size_t old_size, size_t new_size,
                              size_t keep, tarn_spec spec)
{
    if ((spec & (TARN_IN_PLACE | TARN_NO_COPY)) != 0)
        return refuse(t, TARN_NO_MEMORY, new_size, spec);
    return tarn_resize_by_copy(&t->allocator, block, old_size, new_size, keep, spec);
}

void *tarn_tlsf_resize(tarn_tlsf *t, void *block, size_t old_size, size_t new_size, size_t keep,
                       tarn_spec spec)
{
    bool checks = (t->flags & (TLSF_DEAD | TLSF_CHECK)) != 0;
    if (TARN_UNLIKELY(checks) && !tarn_tlsf_may_be_called(t))
        return NULL;
    if ((spec & TARN_ALIGN_BITS) >= TARN_TLSF_LOG2)
        return refuse(t, TARN_BAD_ALIGN, new_size, spec);
    if (TARN_UNLIKELY(checks) && !tarn_tlsf_is_sound(t, block, old_size, spec))
        return NULL;
    size_t need = need_of(t, new_size), from = old_size > keep ? old_size : keep;
    if (need == 0)
        return refuse(t, TARN_TOO_BIG, new_size, spec);
    char *p = tlsf_piece(t, block);
    if (!tarn_is_aligned(block, tarn_spec_align(spec)) || !fit_in_place(t, p, need))
        return resize_elsewhere(t, block, old_size, new_size, keep, spec);
    if ((t->flags & TLSF_CHECK) != 0)
        tarn_tlsf_note(t, p, new_size, spec);
    if ((spec & TARN_ZERO) != 0 && new_size > from)
        memset((char *)block + from, 0, new_size - from);
    return block;
}
