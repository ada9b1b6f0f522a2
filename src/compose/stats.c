/* SPDX-License-Identifier: MIT */
/*
 * stats.c - counters in front of the parent.
 *
 *     alloc ──► parent ──► + size     free ──► - size ──► parent
 *
 * I1  live_blocks = allocs - frees, since the last reset.
 * I2  What a free subtracts is what the alloc (or the last resize) added. Asked for: the layer grants
 *     exactly that, so every legal size is the same one. Granted: the parent's usable, which is the
 *     same for every legal size of a block.
 * I3  marks[] holds the marks that are still good, oldest first, each position of the parent once.
 *     A good mark's blocks are all still there (none that is older was freed or resized since, else
 *     the mark is no longer good), so what was counted when it was taken is true after a rewind.
 */

#include <tarn/stats.h>

#include "base/mem.h"
#include "base/text.h"

enum {
    /* What is handed through; the counters are plain, so no promise about threads is. */
    KNOWN = TARN_CAP_FREE | TARN_CAP_RESIZE | TARN_CAP_OWNS | TARN_CAP_RESET | TARN_CAP_MARK |
            TARN_CAP_TRIM | TARN_CAP_VISIT | TARN_CAP_CHECK | TARN_CAP_ZEROED | TARN_CAP_BOUNDED,
    OWN = TARN_STATS_LIVE | TARN_STATS_PEAK | TARN_STATS_TOTAL | TARN_STATS_FAILED
};

/* ── Counting
 * ──────────────────────────────────────────────────────────────────────────────────────────── */

/* Bytes to count for a live block (I2). */
static size_t weight(const tarn_stats_layer *s, const void *block, size_t size, tarn_spec spec)
{
    return s->granted ? tarn_usable(s->parent, block, size, spec) : size;
}

static void peak(tarn_stats *n)
{
    if (n->live_bytes > n->peak_bytes)
        n->peak_bytes = n->live_bytes;
    if (n->live_blocks > n->peak_blocks)
        n->peak_blocks = n->live_blocks;
}

static void add(tarn_stats_layer *s, size_t blocks, size_t bytes)
{
    s->now.allocs += blocks;
    s->now.bytes += bytes;
    s->now.live_blocks += blocks;
    s->now.live_bytes += bytes;
    peak(&s->now);
}

static void sub(tarn_stats_layer *s, size_t blocks, size_t bytes)
{
    s->now.frees += blocks;
    s->now.live_blocks -= blocks;
    s->now.live_bytes -= bytes;
}

/* Many blocks of one size. */
static size_t weights(const tarn_stats_layer *s, size_t size, tarn_spec spec, size_t count,
                      void *const *blocks)
{
    size_t bytes = 0;
    if (!s->granted)
        return size * count;
    for (size_t i = 0; i < count; i++)
        bytes += weight(s, blocks[i], size, spec);
    return bytes;
}

/* ── Blocks
 * ────────────────────────────────────────────────────────────────────────────────────────────── */

static void *stats_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_stats_layer *s = (tarn_stats_layer *)a;
    void *p = s->parent->ops->alloc(s->parent, size, spec);
    if (TARN_LIKELY(p != NULL))
        add(s, 1, weight(s, p, size, spec));
    else
        s->now.failures++;
    return p;
}

static void stats_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_stats_layer *s = (tarn_stats_layer *)a;
    sub(s, 1, weight(s, block, size, spec));
    s->parent->ops->free(s->parent, block, size, spec);
}

static void *stats_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                          size_t keep, tarn_spec spec)
{
    tarn_stats_layer *s = (tarn_stats_layer *)a;
    size_t before = weight(s, block, old_size, spec);
    void *p = s->parent->ops->resize(s->parent, block, old_size, new_size, keep, spec);
    if (p == NULL) {
        s->now.failures++;
        return NULL;
    }
    s->now.resizes++;
    s->now.live_bytes += weight(s, p, new_size, spec) - before;
    peak(&s->now);
    return p;
}

static tarn_block stats_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_stats_layer *s = (tarn_stats_layer *)a;
    tarn_block b = s->parent->ops->alloc_at_least(s->parent, size, spec);
    if (b.ptr != NULL)
        add(s, 1, weight(s, b.ptr, b.size, spec));
    else
        s->now.failures++;
    return b;
}

static size_t stats_alloc_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                                void **out)
{
    tarn_stats_layer *s = (tarn_stats_layer *)a;
    size_t n = s->parent->ops->alloc_batch(s->parent, size, spec, count, out);
    add(s, n, weights(s, size, spec, n, out));
    s->now.failures += n < count;
    return n;
}

static void stats_free_batch(tarn_allocator *a, size_t size, tarn_spec spec, size_t count,
                             void *const *blocks)
{
    tarn_stats_layer *s = (tarn_stats_layer *)a;
    sub(s, count, weights(s, size, spec, count, blocks));
    s->parent->ops->free_batch(s->parent, size, spec, count, blocks);
}

/* ── All at once
 * ─────────────────────────────────────────────────────────────────────────────────────────── */

static tarn_status stats_reset(tarn_allocator *a)
{
    tarn_stats_layer *s = (tarn_stats_layer *)a;
    tarn_status status = tarn_reset(s->parent);
    if (status == TARN_OK) {
        s->now.live_blocks = 0;
        s->now.live_bytes = 0;
        s->live_unknown = false;
        s->mark_count = 0;
    }
    return status;
}

/* The newest record of this position, mark_count when there is none. */
static size_t find_mark(const tarn_stats_layer *s, tarn_mark mark)
{
    for (size_t i = s->mark_count; i-- > 0;)
        if (memcmp(&s->marks[i].mark, &mark, sizeof mark) == 0)
            return i;
    return s->mark_count;
}

/*
 * Two marks at one position, with counters that differ (a block of 0 bytes between them, or a free),
 * cannot be told apart later: then what is live is not known after a rewind to it.
 */
static tarn_mark stats_mark(tarn_allocator *a)
{
    tarn_stats_layer *s = (tarn_stats_layer *)a;
    tarn_mark mark = tarn_get_mark(s->parent);
    size_t at = find_mark(s, mark);
    if (at < s->mark_count) {
        if (s->marks[at].live_blocks != s->now.live_blocks ||
            s->marks[at].live_bytes != s->now.live_bytes)
            s->marks[at].ambiguous = true;
        return mark;
    }
    if (s->mark_count == TARN_STATS_MARKS) {
        memmove(s->marks, s->marks + 1, sizeof s->marks - sizeof s->marks[0]);
        s->mark_count--;
    }
    at = s->mark_count++;
    s->marks[at].mark = mark;
    s->marks[at].live_blocks = s->now.live_blocks;
    s->marks[at].live_bytes = s->now.live_bytes;
    s->marks[at].ambiguous = false;
    return mark;
}

static tarn_status stats_rewind(tarn_allocator *a, tarn_mark mark)
{
    tarn_stats_layer *s = (tarn_stats_layer *)a;
    tarn_status status = tarn_rewind(s->parent, mark);
    if (status != TARN_OK)
        return status;
    size_t at = find_mark(s, mark);
    if (at < s->mark_count && !s->marks[at].ambiguous) {
        s->now.live_blocks = s->marks[at].live_blocks;
        s->now.live_bytes = s->marks[at].live_bytes;
        s->mark_count = at + 1;
    } else {
        s->live_unknown = true;
        s->mark_count = 0;
    }
    return TARN_OK;
}

/* ── Questions
 * ─────────────────────────────────────────────────────────────────────────────────────────── */

static tarn_allocator *parent_of(const tarn_allocator *a)
{
    return ((const tarn_stats_layer *)a)->parent;
}

static const char *stats_name(const tarn_allocator *a)
{
    return ((const tarn_stats_layer *)a)->label;
}

static tarn_answer stats_owns(const tarn_allocator *a, const void *block)
{
    return tarn_owns(parent_of(a), block);
}

static size_t stats_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    return tarn_usable(parent_of(a), block, size, spec);
}

static size_t stats_trim(tarn_allocator *a)
{
    return tarn_trim(parent_of(a));
}

static tarn_status stats_stats(const tarn_allocator *a, tarn_stats *out)
{
    const tarn_stats_layer *s = (const tarn_stats_layer *)a;
    tarn_stats parent;
    (void)tarn_get_stats(s->parent, &parent);
    *out = s->now;
    out->known = OWN | (parent.known & (TARN_STATS_HELD | TARN_STATS_CHUNKS));
    if (s->live_unknown) {
        out->known &= ~(uint32_t)(TARN_STATS_LIVE | TARN_STATS_PEAK);
        out->live_blocks = out->live_bytes = out->peak_blocks = out->peak_bytes = 0;
    }
    out->held_bytes = parent.held_bytes;
    out->idle_bytes = parent.idle_bytes;
    out->chunks = parent.chunks;
    return TARN_OK;
}

/* A block that the visitor frees through this layer is counted there. */
static tarn_status stats_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    return tarn_visit(parent_of(a), see, user);
}

static tarn_status stats_check(const tarn_allocator *a)
{
    return tarn_check(parent_of(a));
}

static tarn_why stats_why(const tarn_allocator *a)
{
    return tarn_get_why(parent_of(a));
}

static tarn_allocator *stats_parent(const tarn_allocator *a, unsigned index)
{
    return index == 0 ? parent_of(a) : NULL;
}

static void stats_deinit(tarn_allocator *a)
{
    tarn_stats_deinit((tarn_stats_layer *)a);
}

/* ── Life cycle
 * ────────────────────────────────────────────────────────────────────────────────────────── */

static void build_tables(tarn_stats_layer *s)
{
    const tarn_ops *po = s->parent->ops;
    uint32_t caps = (po->caps & KNOWN) | TARN_CAP_STATS;
    if (s->granted)
        caps |= po->caps & TARN_CAP_UNSIZED_FREE;
    s->rare = (tarn_rare_ops){
        .bytes = sizeof(tarn_rare_ops),
        .name = stats_name,
        .owns = (caps & TARN_CAP_OWNS) != 0 ? stats_owns : NULL,
        .usable = s->granted ? stats_usable : NULL,
        .reset = (caps & TARN_CAP_RESET) != 0 ? stats_reset : NULL,
        .mark = (caps & TARN_CAP_MARK) != 0 ? stats_mark : NULL,
        .rewind = (caps & TARN_CAP_MARK) != 0 ? stats_rewind : NULL,
        .trim = (caps & TARN_CAP_TRIM) != 0 ? stats_trim : NULL,
        .stats = stats_stats,
        .visit = (caps & TARN_CAP_VISIT) != 0 ? stats_visit : NULL,
        .check = (caps & TARN_CAP_CHECK) != 0 ? stats_check : NULL,
        .why = stats_why,
        .parent = stats_parent,
        .deinit = stats_deinit,
    };
    s->ops = (tarn_ops){
        .abi = TARN_ABI,
        .caps = caps,
        .alloc = stats_alloc,
        .free = stats_free,
        .resize = po->resize != NULL ? stats_resize : NULL,
        .alloc_at_least = s->granted && po->alloc_at_least != NULL ? stats_alloc_at_least : NULL,
        .alloc_batch = po->alloc_batch != NULL ? stats_alloc_batch : NULL,
        .free_batch = po->free_batch != NULL ? stats_free_batch : NULL,
        .rare = &s->rare,
    };
    s->allocator.ops = &s->ops;
}

tarn_status tarn_stats_init(tarn_stats_layer *s, const tarn_stats_options *options)
{
    if (options == NULL || options->parent == NULL)
        return TARN_BAD_ARGUMENT;
    *s = (tarn_stats_layer){.parent = options->parent};
    s->granted = options->granted && TARN_RARE(options->parent, usable) != NULL;
    build_tables(s);
    tarn_text_label(s->label, sizeof s->label, "stats", options->name, TARN_LABEL_NAME);
    return TARN_OK;
}

void tarn_stats_deinit(tarn_stats_layer *s)
{
    s->allocator.ops = NULL;
}
