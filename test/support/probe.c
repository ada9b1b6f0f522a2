/* SPDX-License-Identifier: MIT */
/*
 * probe.c - the strict allocator of the tests.
 *
 *     raw ┌──────┬ guard ┬────── granted ──────┬ guard ┐     one malloc for each block,
 *         └──────┴───────┴─────────────────────┴───────┘     a record of it in a list
 *
 * I1  Every live block has one record; asked <= granted.
 * I2  The guards hold GUARD in every byte; a new block holds FRESH.
 */
#include "support/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD_SIZE = 32, GUARD = 0xb7, FRESH = 0xa5, ALIGN_MAX_LOG2 = 21 };

struct probe_block {
    probe_block *next;
    void *raw;
    unsigned char *ptr;
    size_t asked, granted, align, serial;
};

static void fault(probe *p, const char *what, const void *block, size_t size)
{
    if (p->faults++ == 0)
        (void)snprintf(p->first_fault, sizeof p->first_fault, "%s: block %p, size %zu", what, block,
                       size);
}

static bool untouched(const unsigned char *guard)
{
    for (size_t i = 0; i < GUARD_SIZE; i++)
        if (guard[i] != GUARD)
            return false;
    return true;
}

static probe_block **find(probe *p, const void *block)
{
    probe_block **at = &p->first;
    while (*at != NULL && (*at)->ptr != block)
        at = &(*at)->next;
    return at;
}

static void *refuse(probe *p, tarn_status status, size_t size, tarn_spec spec)
{
    p->stats.failures++;
    p->why = (tarn_why){status, size, tarn_spec_align(spec), 0};
    return NULL;
}

static size_t grant(const probe *p, size_t size)
{
    size_t unit = p->options.slack;
    return unit == 0 ? size : (size + unit - 1) / unit * unit;
}

static void count_up(probe *p, size_t size)
{
    tarn_stats *n = &p->stats;
    n->allocs++;
    n->bytes += size;
    n->live_blocks++;
    n->live_bytes += size;
    n->held_bytes += size;
    if (n->live_blocks > n->peak_blocks)
        n->peak_blocks = n->live_blocks;
    if (n->live_bytes > n->peak_bytes)
        n->peak_bytes = n->live_bytes;
}

static tarn_block take(probe *p, size_t size, tarn_spec spec)
{
    static const tarn_block none = {NULL, 0};
    const probe_options *o = &p->options;
    if ((spec & TARN_ALIGN_BITS) > ALIGN_MAX_LOG2)
        return refuse(p, TARN_BAD_ALIGN, size, spec), none;
    if (size > PTRDIFF_MAX / 4 || (o->max_size != 0 && size > o->max_size))
        return refuse(p, TARN_TOO_BIG, size, spec), none;
    if (o->max_blocks != 0 && p->stats.live_blocks == o->max_blocks)
        return refuse(p, TARN_LIMIT, size, spec), none;
    size_t align = tarn_spec_align(spec), granted = grant(p, size);
    probe_block *b = malloc(sizeof *b);
    unsigned char *raw = malloc(granted + 2 * GUARD_SIZE + 2 * align);
    if (b == NULL || raw == NULL) {
        free(b);
        free(raw);
        return refuse(p, TARN_NO_MEMORY, size, spec), none;
    }
    /* An odd multiple of the alignment, so that nobody gets more than was asked for. */
    uintptr_t at = ((uintptr_t)raw + GUARD_SIZE + align - 1) & ~(uintptr_t)(align - 1);
    if ((at / align) % 2 == 0)
        at += align;
    *b = (probe_block){p->first, raw,        raw + (at - (uintptr_t)raw), size, granted,
                       align,    p->serial++};
    memset(b->ptr - GUARD_SIZE, GUARD, GUARD_SIZE);
    memset(b->ptr, (spec & TARN_ZERO) != 0 ? 0 : FRESH, granted);
    memset(b->ptr + granted, GUARD, GUARD_SIZE);
    p->first = b;
    count_up(p, size);
    return (tarn_block){b->ptr, granted};
}

static void drop(probe *p, probe_block **at)
{
    probe_block *b = *at;
    if (!untouched(b->ptr - GUARD_SIZE) || !untouched(b->ptr + b->granted))
        fault(p, "written outside of the block", b->ptr, b->asked);
    *at = b->next;
    p->stats.live_blocks--;
    p->stats.live_bytes -= b->asked;
    p->stats.held_bytes -= b->asked;
    p->idle += b->granted;
    free(b->raw);
    free(b);
}

/* The record of a block that is given back, or used, with this size; NULL after a fault. */
static probe_block **live(probe *p, const void *block, size_t size, tarn_spec spec)
{
    probe_block **at = find(p, block);
    probe_block *b = *at;
    if (b == NULL) {
        fault(p, "not a live block", block, size);
        return NULL;
    }
    bool unknown = size == 0 && (p->ops.caps & TARN_CAP_UNSIZED_FREE) != 0;
    if (!unknown && (size < b->asked || size > b->granted))
        fault(p, "wrong size", block, size);
    if (tarn_spec_align(spec) != b->align)
        fault(p, "wrong alignment", block, size);
    return at;
}

static void *probe_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    probe *p = (probe *)a;
    p->calls[0]++;
    return take(p, size, spec).ptr;
}

static void probe_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    probe *p = (probe *)a;
    p->calls[1]++;
    probe_block **at = live(p, block, size, spec);
    if (at != NULL) {
        p->stats.frees++;
        drop(p, at);
    }
}

static void *probe_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                          size_t keep, tarn_spec spec)
{
    probe *p = (probe *)a;
    p->calls[2]++;
    probe_block **at = live(p, block, old_size, spec);
    if (at == NULL)
        return NULL;
    probe_block *b = *at;
    size_t from = old_size > keep ? old_size : keep;
    if (keep > new_size || keep > b->granted)
        fault(p, "keeps more than there is", block, keep);
    if (new_size <= b->granted && grant(p, new_size) == b->granted) {
        p->stats.live_bytes += new_size - b->asked;
        p->stats.held_bytes += new_size - b->asked;
        b->asked = new_size;
        if ((spec & TARN_ZERO) != 0 && new_size > from)
            memset(b->ptr + from, 0, new_size - from);
        p->stats.resizes++;
        return block;
    }
    if ((spec & (TARN_IN_PLACE | TARN_NO_COPY)) != 0)
        return refuse(p, TARN_UNSUPPORTED, new_size, spec);
    tarn_block fresh = take(p, new_size, spec);
    if (fresh.ptr == NULL)
        return NULL;
    p->stats.allocs--;
    memcpy(fresh.ptr, block, keep);
    drop(p, find(p, block));
    p->stats.resizes++;
    return fresh.ptr;
}

static tarn_block probe_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    probe *p = (probe *)a;
    p->calls[3]++;
    return take(p, size, spec);
}

static size_t probe_alloc_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                                void **out)
{
    probe *p = (probe *)a;
    size_t n = 0;
    p->calls[4]++;
    while (n < count && (out[n] = take(p, size, spec).ptr) != NULL)
        n++;
    return n;
}

static void probe_free_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                             void *const *blocks)
{
    probe *p = (probe *)a;
    p->calls[5]++;
    for (size_t i = 0; i < count; i++) {
        probe_free(a, blocks[i], size, spec);
        p->calls[1]--;
    }
}

static const char *probe_name(const tarn_allocator *a)
{
    return ((const probe *)a)->options.name;
}

static tarn_answer probe_owns(const tarn_allocator *a, const void *block)
{
    for (const probe_block *b = ((const probe *)a)->first; b != NULL; b = b->next)
        if ((uintptr_t)block - (uintptr_t)b->ptr < b->granted || block == b->ptr)
            return TARN_YES;
    return TARN_NO;
}

static size_t probe_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    probe *p = (probe *)(uintptr_t)a;
    probe_block **at = live(p, block, size, spec);
    return at != NULL ? (*at)->granted : size;
}

static tarn_status probe_reset(tarn_allocator *a)
{
    probe *p = (probe *)a;
    p->resets++;
    while (p->first != NULL)
        drop(p, &p->first);
    return TARN_OK;
}

static tarn_mark probe_mark(tarn_allocator *a)
{
    return (tarn_mark){{a, (void *)((probe *)a)->serial}};
}

static tarn_status probe_rewind(tarn_allocator *a, tarn_mark mark)
{
    probe *p = (probe *)a;
    if (mark.at[0] != a)
        return TARN_BAD_ARGUMENT;
    for (probe_block **at = &p->first; *at != NULL;)
        if ((*at)->serial >= (size_t)mark.at[1])
            drop(p, at);
        else
            at = &(*at)->next;
    p->serial = (size_t)mark.at[1];
    return TARN_OK;
}

static size_t probe_trim(tarn_allocator *a)
{
    probe *p = (probe *)a;
    size_t bytes = p->idle;
    p->trims++;
    p->idle = 0;
    return bytes;
}

static tarn_status probe_stats(const tarn_allocator *a, tarn_stats *out)
{
    *out = ((const probe *)a)->stats;
    out->known =
        TARN_STATS_LIVE | TARN_STATS_PEAK | TARN_STATS_TOTAL | TARN_STATS_FAILED | TARN_STATS_HELD;
    return TARN_OK;
}

static tarn_status probe_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    for (probe_block *b = ((probe *)a)->first, *next; b != NULL; b = next) {
        next = b->next;
        if (!see(user, b->ptr, b->asked))
            break;
    }
    return TARN_OK;
}

static tarn_status probe_check(const tarn_allocator *a)
{
    const probe *p = (const probe *)a;
    for (const probe_block *b = p->first; b != NULL; b = b->next)
        if (!untouched(b->ptr - GUARD_SIZE) || !untouched(b->ptr + b->granted))
            return TARN_CORRUPT;
    return p->faults == 0 ? TARN_OK : TARN_CORRUPT;
}

static tarn_why probe_why(const tarn_allocator *a)
{
    return ((const probe *)a)->why;
}

static void probe_deinit_handle(tarn_allocator *a)
{
    ((probe *)a)->deinits++;
}

static const tarn_rare_ops ALL_RARE = {
    .bytes = sizeof(tarn_rare_ops),
    .name = probe_name,
    .owns = probe_owns,
    .usable = probe_usable,
    .reset = probe_reset,
    .mark = probe_mark,
    .rewind = probe_rewind,
    .trim = probe_trim,
    .stats = probe_stats,
    .visit = probe_visit,
    .check = probe_check,
    .why = probe_why,
    .deinit = probe_deinit_handle,
};

static const tarn_ops ALL_OPS = {
    .abi = TARN_ABI,
    .caps = TARN_CAP_UNSIZED_FREE | TARN_CAP_FREE | TARN_CAP_RESIZE | TARN_CAP_OWNS |
            TARN_CAP_RESET | TARN_CAP_MARK | TARN_CAP_TRIM | TARN_CAP_VISIT | TARN_CAP_CHECK |
            TARN_CAP_STATS,
    .alloc = probe_alloc,
    .free = probe_free,
    .resize = probe_resize,
    .alloc_at_least = probe_alloc_at_least,
    .alloc_batch = probe_alloc_batch,
    .free_batch = probe_free_batch,
};

tarn_allocator *probe_init(probe *p, const probe_options *options)
{
    *p = (probe){.ops = ALL_OPS, .rare = ALL_RARE};
    if (options != NULL)
        p->options = *options;
    uint32_t absent = p->options.without_caps, without = p->options.without;
    p->ops.caps &= ~absent;
    p->ops.caps |= (without & PROBE_THREADS) != 0 ? TARN_CAP_THREADS : 0u;
    p->ops.rare = (without & PROBE_NO_RARE) != 0 ? NULL : &p->rare;
    if ((absent & TARN_CAP_RESIZE) != 0)
        p->ops.resize = NULL;
    if ((without & PROBE_NO_AT_LEAST) != 0)
        p->ops.alloc_at_least = NULL;
    if ((without & PROBE_NO_BATCH) != 0) {
        p->ops.alloc_batch = NULL;
        p->ops.free_batch = NULL;
    }
    if ((without & PROBE_NO_USABLE) != 0)
        p->rare.usable = NULL;
    if ((absent & TARN_CAP_OWNS) != 0)
        p->rare.owns = NULL;
    if ((absent & TARN_CAP_RESET) != 0)
        p->rare.reset = NULL;
    if ((absent & TARN_CAP_MARK) != 0)
        p->rare.mark = NULL, p->rare.rewind = NULL;
    if ((absent & TARN_CAP_TRIM) != 0)
        p->rare.trim = NULL;
    if ((absent & TARN_CAP_STATS) != 0)
        p->rare.stats = NULL;
    if ((absent & TARN_CAP_VISIT) != 0)
        p->rare.visit = NULL;
    if ((absent & TARN_CAP_CHECK) != 0)
        p->rare.check = NULL;
    p->allocator.ops = &p->ops;
    return &p->allocator;
}

size_t probe_deinit(probe *p)
{
    size_t live_blocks = 0;
    while (p->first != NULL) {
        drop(p, &p->first);
        live_blocks++;
    }
    return live_blocks;
}
