/* SPDX-License-Identifier: MIT */
/*
 * tlsf_guard.c - what a checking tlsf knows of its blocks, and what is wrong with a pointer.
 *
 *     without metadata: │tag│ the caller's bytes … │ size, canary │tag│      the note ends the piece
 *     with metadata:    │tag│ size, canary │                                 in the block's first cell
 *
 * N1  A note holds only at the piece, of the size and with the request it was written for, and is
 *     wiped when the block is freed, by a reset or deinit too. So one that holds says that a live block starts here and that
 *     nobody wrote past its end.
 */
#include "strategy/tlsf_core.h"

#include "base/thread_guard.h"

#define SCRAMBLE ((size_t)0x9e3779b97f4a7c15u)

void tarn_tlsf_fault(const tarn_tlsf *t, tarn_fault_kind kind, const void *block, size_t given,
                     size_t expected)
{
    tarn_fault_report(kind, "tlsf", t->name, block, given, expected);
}

bool tarn_tlsf_may_be_called(tarn_tlsf *t)
{
    if ((t->flags & TLSF_DEAD) != 0)
        tarn_tlsf_fault(t, TARN_FAULT_USE_AFTER_DEINIT, NULL, 0, 0);
    else if (!tarn_thread_owns(&t->owner))
        tarn_tlsf_fault(t, TARN_FAULT_WRONG_THREAD, NULL, 0, 0);
    else
        return true;
    return false;
}

/* ── Notes ── */

static size_t *note_of(const tarn_tlsf *t, char *p)
{
    return (size_t *)(void *)(tlsf_is_apart(t) ? p : p + tlsf_size(p) - TLSF_WORD - TLSF_NOTE);
}

/* The low bits are the alignment's. */
static size_t canary(const tarn_tlsf *t, const char *p, size_t asked)
{
    size_t mixed = (((uintptr_t)p ^ (uintptr_t)t) + asked) * SCRAMBLE ^ tlsf_size(p) * SCRAMBLE;
    return mixed & ~(size_t)TARN_ALIGN_BITS;
}

void tarn_tlsf_note(tarn_tlsf *t, char *p, size_t size, tarn_spec spec)
{
    size_t *note = note_of(t, p);
    note[0] = size;
    note[1] = canary(t, p, size) | (spec & TARN_ALIGN_BITS);
}

void tarn_tlsf_wipe(tarn_tlsf *t, char *p)
{
    size_t *note = note_of(t, p);
    note[1] = ~note[1];
}

size_t tarn_tlsf_noted(const tarn_tlsf *t, char *p)
{
    return note_of(t, p)[0];
}

bool tarn_tlsf_note_holds(const tarn_tlsf *t, char *p)
{
    const size_t *note = note_of(t, p);
    return (note[1] & ~(size_t)TARN_ALIGN_BITS) == canary(t, p, note[0]) &&
           note[0] <= tlsf_usable(t, tlsf_size(p));
}

/* ── Judging a pointer ── */

/* Can this be the size of a piece at p? */
static bool is_size(const tarn_tlsf_region *r, const char *p, size_t size)
{
    return size >= TLSF_LEAST && size % TLSF_GRAIN == 0 && size <= (size_t)(r->end - p);
}

void tarn_tlsf_wipe_all(tarn_tlsf *t)
{
    for (tarn_tlsf_region *r = t->regions; r != NULL; r = r->next) {
        for (char *p = r->first; p < r->end && is_size(r, p, tlsf_size(p)); p += tlsf_size(p)) {
            if (!tlsf_is_free(p) && tarn_tlsf_note_holds(t, p))
                tarn_tlsf_wipe(t, p);
        }
    }
}

/* What is wrong with an address of a region at which no note holds: slow, the process is about to
 * end. */
static tarn_fault_kind judge(const tarn_tlsf *t, tarn_tlsf_region *r, const void *block)
{
    const char *at = tlsf_is_apart(t) ? tlsf_piece(t, block) : block;
    for (char *p = r->first; p < r->end; p += tlsf_size(p)) {
        if (!is_size(r, p, tlsf_size(p)))
            return TARN_FAULT_CORRUPTION;
        if (at < p || at >= p + tlsf_size(p))
            continue;
        if (tlsf_is_free(p))
            return TARN_FAULT_DOUBLE_FREE; /* perhaps merged by now */
        return tlsf_block(t, r, p) == block ? TARN_FAULT_CORRUPTION : TARN_FAULT_INTERIOR_POINTER;
    }
    return TARN_FAULT_CORRUPTION;
}

/* Do the neighbours agree with the tag of a live piece? */
static bool neighbours_agree(const tarn_tlsf_region *r, char *p)
{
    size_t tag = *tlsf_tag(p), before;
    if ((*tlsf_tag(p + tlsf_size(p)) & TLSF_AFTER_FREE) != 0)
        return false;
    if ((tag & TLSF_AFTER_FREE) == 0)
        return true;
    before = *tlsf_size_before(p);
    return before >= TLSF_LEAST && before % TLSF_GRAIN == 0 && before <= (size_t)(p - r->first) &&
           *tlsf_tag(p - before) == (before | TLSF_FREE);
}

bool tarn_tlsf_is_sound(tarn_tlsf *t, void *block, size_t size, tarn_spec spec)
{
    tarn_tlsf_region *r = tarn_tlsf_region_of_byte(t, block);
    if (r == NULL) {
        tarn_tlsf_fault(t, TARN_FAULT_FOREIGN_POINTER, block, 0, 0);
        return false;
    }
    char *p = tlsf_piece(t, block);
    bool starts = tarn_is_aligned(p, TLSF_GRAIN) && tlsf_block(t, r, p) == block &&
                  is_size(r, p, tlsf_size(p)) && !tlsf_is_free(p);
    if (!starts || !tarn_tlsf_note_holds(t, p)) {
        tarn_tlsf_fault(t, judge(t, r, block), block, 0, 0);
        return false;
    }
    size_t asked = tarn_tlsf_noted(t, p), log = note_of(t, p)[1] & TARN_ALIGN_BITS;
    if (size != 0 && (size < asked || size > tlsf_usable(t, tlsf_size(p))))
        tarn_tlsf_fault(t, TARN_FAULT_WRONG_SIZE, block, size, asked);
    else if ((spec & TARN_ALIGN_BITS) != log)
        tarn_tlsf_fault(t, TARN_FAULT_WRONG_ALIGN, block, tarn_spec_align(spec), (size_t)1 << log);
    else if (!neighbours_agree(r, p))
        tarn_tlsf_fault(t, TARN_FAULT_CORRUPTION, block, 0, 0);
    else
        return true;
    return false;
}
