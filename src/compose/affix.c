/* SPDX-License-Identifier: MIT */
/*
 * affix.c - words around each block.
 *
 *     parent's block ──► gap │ count │ canary │ size │ spec │ owner │ block … │ canary
 *                        └───────────────── front ──────────────────┘
 *
 * I1  front = the words' bytes rounded up to the block's alignment; the parent's block is aligned to
 *     the larger of that and a word. So front is known from the spec, on every call.
 * I2  The words that stand before a block stand at fixed distances before it, whatever its
 *     alignment: the owner always in the last word.
 * I3  The canary behind a block starts at block + the size asked for, which is the size that every
 *     call passes: the layer grants no more (at_least and usable are absent, or answer that size).
 */
#include <tarn/affix.h>

#include "base/align.h"
#include "base/checked.h"
#include "base/mem.h"

enum { WORD = sizeof(size_t) };

#define SCRAMBLE ((size_t)0x9e3779b97f4a7c15u)

/* A block as the parent knows it. */
typedef struct outer {
    size_t front; /* bytes before the block */
    size_t size;  /* bytes in all           */
    tarn_spec spec;
} outer;

static bool outer_of(const tarn_affix *x, size_t size, tarn_spec spec, outer *out)
{
    size_t align = tarn_spec_align(spec);
    out->spec = align >= WORD ? spec : (spec & ~TARN_ALIGN_BITS) | TARN_SPEC_OF(size_t);
    return tarn_round_up(x->before, align > WORD ? align : WORD, &out->front) &&
           tarn_add(out->front, size, &out->size) && tarn_add(out->size, x->behind, &out->size);
}

static size_t *word_before(const void *block, size_t bytes)
{
    return (size_t *)((uintptr_t)block - bytes);
}

static size_t canary_of(const void *place)
{
    return (size_t)(uintptr_t)place ^ SCRAMBLE;
}

static void write_words(tarn_affix *x, char *block, size_t size, tarn_spec spec, bool fresh)
{
    if (x->at_size != 0) {
        word_before(block, x->at_size)[0] = size;
        word_before(block, x->at_size)[1] = spec & TARN_ALIGN_BITS;
    }
    if (x->at_count != 0 && fresh)
        *word_before(block, x->at_count) = 1;
    if (x->at_canary != 0) {
        size_t *front = word_before(block, x->at_canary), behind = canary_of(block + size);
        *front = canary_of(front);
        memcpy(block + size, &behind, WORD);
    }
    if (x->owner)
        *word_before(block, WORD) = (size_t)(uintptr_t)x;
}

static void fault(const tarn_affix *x, tarn_fault_kind kind, const void *block, size_t given,
                  size_t expected)
{
    tarn_fault_raise(&(tarn_fault){kind, x->layer.label, block, given, expected});
}

/* The size a live block has, and whether its words are whole. A fault otherwise: false. */
static bool look(const tarn_affix *x, const char *block, size_t given, size_t *size)
{
    *size = given;
    if (x->at_canary != 0) {
        const size_t *front = word_before(block, x->at_canary);
        if (*front != canary_of(front)) {
            fault(x, TARN_FAULT_CORRUPTION, block, 0, 0);
            return false;
        }
    }
    if (x->at_size != 0) {
        *size = *word_before(block, x->at_size);
        if (given != 0 && given != *size) {
            fault(x, TARN_FAULT_WRONG_SIZE, block, given, *size);
            return false;
        }
    }
    if (x->at_canary != 0) {
        size_t behind;
        memcpy(&behind, block + *size, WORD);
        if (behind != canary_of(block + *size)) {
            fault(x, TARN_FAULT_CORRUPTION, block, 0, 0);
            return false;
        }
    }
    return true;
}

/* ── Blocks ────────────────────────────────────────────────────────────────────────────────── */

static void *affix_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_affix *x = (tarn_affix *)a;
    outer o;
    if ((spec & TARN_ALIGN_BITS) >= sizeof(size_t) * 8 - 1)
        return tarn_layer_refuse(&x->layer, TARN_BAD_ALIGN, size, spec, 0);
    if (!outer_of(x, size, spec, &o))
        return tarn_layer_refuse(&x->layer, TARN_TOO_BIG, size, spec, 0);
    tarn_layer_pass(&x->layer);
    char *base = tarn_alloc(x->layer.parent, o.size, o.spec);
    if (TARN_UNLIKELY(base == NULL))
        return tarn_layer_blame(&x->layer, size, spec);
    write_words(x, base + o.front, size, spec, true);
    return base + o.front;
}

static void affix_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_affix *x = (tarn_affix *)a;
    outer o;
    if (!look(x, block, size, &size) || !outer_of(x, size, spec, &o))
        return;
    if (x->at_canary != 0) /* a second free finds it broken */
        *word_before(block, x->at_canary) = 0;
    tarn_free(x->layer.parent, (char *)block - o.front, o.size, o.spec);
}

static void *affix_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                          size_t keep, tarn_spec spec)
{
    tarn_affix *x = (tarn_affix *)a;
    tarn_allocator *parent = x->layer.parent;
    outer before, after;
    if (!look(x, block, old_size, &old_size) || !outer_of(x, old_size, spec, &before))
        return NULL;
    if (!outer_of(x, new_size, spec, &after))
        return tarn_layer_refuse(&x->layer, TARN_TOO_BIG, new_size, spec, 0);
    tarn_layer_pass(&x->layer);
    /* The parent's zeroes begin behind the old canary, which is behind the old bytes. */
    size_t end = new_size < old_size + x->behind ? new_size : old_size + x->behind;
    char *base = parent->ops->resize(parent, (char *)block - before.front, before.size, after.size,
                                     before.front + keep, after.spec);
    if (base == NULL)
        return tarn_layer_blame(&x->layer, new_size, spec);
    char *moved = base + after.front;
    if ((spec & TARN_ZERO) != 0 && end > old_size)
        memset(moved + old_size, 0, end - old_size);
    write_words(x, moved, new_size, spec, false);
    return moved;
}

/* A block of 0 bytes may end where the parent's does: its words do not. */
static tarn_answer affix_owns(const tarn_allocator *a, const void *block)
{
    return tarn_owns(tarn_layer_parent(a), (const void *)((uintptr_t)block - 1));
}

static size_t affix_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    (void)size, (void)spec;
    return *word_before(block, ((const tarn_affix *)a)->at_size);
}

/* ── References and owners ─────────────────────────────────────────────────────────────────── */

size_t tarn_affix_retain(const tarn_affix *x, void *block)
{
    if (x->at_count == 0)
        return 0;
    size_t *count = word_before(block, x->at_count), now = __atomic_load_n(count, __ATOMIC_RELAXED);
    do {
        if (now == SIZE_MAX)
            return 0;
    } while (!__atomic_compare_exchange_n(count, &now, now + 1, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return now + 1;
}

static tarn_spec remembered_spec(const tarn_affix *x, const void *block)
{
    return (tarn_spec)word_before(block, x->at_size)[1];
}

/* Releases order what a thread did with the block before its end, which is the last one's. */
size_t tarn_affix_release(tarn_affix *x, void *block)
{
    if (x->at_count == 0 || x->at_size == 0)
        return SIZE_MAX;
    size_t left = __atomic_sub_fetch(word_before(block, x->at_count), 1, __ATOMIC_ACQ_REL);
    if (left == 0)
        tarn_free(&x->layer.allocator, block, 0, remembered_spec(x, block));
    return left;
}

tarn_allocator *tarn_affix_owner(const void *block)
{
    return &((tarn_affix *)(uintptr_t)*word_before(block, WORD))->layer.allocator;
}

void tarn_affix_free(void *block)
{
    if (block == NULL)
        return;
    tarn_allocator *owner = tarn_affix_owner(block);
    tarn_free(owner, block, 0, remembered_spec((const tarn_affix *)owner, block));
}

/* ── Life cycle ────────────────────────────────────────────────────────────────────────────── */

/* Where each word stands: the owner next to the block, then size and spec, canary, count. */
static void lay_out(tarn_affix *x, const tarn_affix_options *o)
{
    size_t at = o->owner ? WORD : 0;
    if (o->size)
        x->at_size = at += (size_t)2 * WORD;
    if (o->canary)
        x->at_canary = at += WORD;
    if (o->count)
        x->at_count = at += WORD;
    x->owner = o->owner;
    x->before = at;
    x->behind = o->canary ? WORD : 0;
}

tarn_status tarn_affix_init(tarn_affix *x, const tarn_affix_options *o)
{
    /* The parent counts the words, too, and its visitors would see them. */
    const uint32_t never = TARN_CAP_UNSIZED_FREE | TARN_CAP_VISIT | TARN_CAP_STATS;
    *x = (tarn_affix){0};
    lay_out(x, o);
    if (x->before == 0)
        return TARN_BAD_ARGUMENT;
    return tarn_layer_init(
        &x->layer, o->parent,
        &(tarn_layer_plan){
            .type = "affix",
            .name = o->name,
            .keep = TARN_CAPS_ALL & ~never,
            .add = o->size ? (uint32_t)TARN_CAP_UNSIZED_FREE : 0,
            .give = o->size ? (uint32_t)TARN_LAYER_USABLE : 0,
            .drop = TARN_LAYER_AT_LEAST | TARN_LAYER_BATCH |
                    (o->size ? 0 : (uint32_t)TARN_LAYER_USABLE),
            .ops = {.alloc = affix_alloc, .free = affix_free, .resize = affix_resize},
            .rare = {.owns = affix_owns, .usable = affix_usable}});
}

void tarn_affix_deinit(tarn_affix *x)
{
    x->layer.allocator.ops = NULL;
}
