/* SPDX-License-Identifier: MIT */
/* tlsf_ops.c - the rare operations of a tlsf, its bound, its life cycle, and its table. */
#include "strategy/tlsf_core.h"

#include "base/checked.h"
#include "base/mem.h"
#include "base/thread_guard.h"

enum { CHUNK = 64 * 1024, PAGES_CHUNK = 1024 * 1024, DEFAULT_GRAIN = 64 };

/* ── Questions ── */

static const char *tlsf_name(const tarn_allocator *a)
{
    return ((const tarn_tlsf *)a)->name;
}

static tarn_answer tlsf_owns(const tarn_allocator *a, const void *block)
{
    return tarn_tlsf_region_of_byte((const tarn_tlsf *)a, block) != NULL ? TARN_YES : TARN_NO;
}

static size_t tlsf_usable_size(const tarn_allocator *a, const void *block, size_t size,
                               tarn_spec spec)
{
    const tarn_tlsf *t = (const tarn_tlsf *)a;
    (void)size, (void)spec;
    return tlsf_usable(t, tlsf_size(tlsf_piece(t, block)));
}

static tarn_status tlsf_stats(const tarn_allocator *a, tarn_stats *out)
{
    const tarn_tlsf *t = (const tarn_tlsf *)a;
    size_t room = tlsf_bytes(t, t->room);
    out->held_bytes = t->held;
    for (const tarn_tlsf_region *r = t->regions; r != NULL; r = r->next)
        out->held_bytes += r->from_source ? 0 : tlsf_bytes(t, (size_t)(r->end - r->first));
    out->known = TARN_STATS_LIVE | TARN_STATS_HELD | TARN_STATS_CHUNKS | TARN_STATS_FAILED;
    out->live_blocks = t->live;
    out->live_bytes = tlsf_is_apart(t) ? tlsf_bytes(t, t->used) : t->used - t->live * TLSF_WORD;
    if (!tlsf_is_apart(t) && (t->flags & TLSF_CHECK) != 0)
        out->live_bytes -= t->live * TLSF_NOTE;
    out->idle_bytes = room - tlsf_bytes(t, t->used);
    out->failures = t->failures;
    out->chunks = t->region_count;
    return TARN_OK;
}

static tarn_why tlsf_why(const tarn_allocator *a)
{
    return ((const tarn_tlsf *)a)->why;
}

static tarn_allocator *tlsf_parent(const tarn_allocator *a, unsigned index)
{
    const tarn_tlsf *t = (const tarn_tlsf *)a;
    if (index != 0)
        return NULL;
    return t->metadata != NULL ? t->metadata : t->own_source.allocator;
}

/* The largest piece of a list, whose sizes may differ. */
static size_t largest_of(const tarn_tlsf *t, uint32_t bin)
{
    size_t largest = 0;
    for (const tarn_tlsf_node *n = t->bins[bin]; n != &t->nil; n = n->next) {
        size_t size = tlsf_size((const char *)n);
        largest = size > largest ? size : largest;
    }
    return largest;
}

tarn_tlsf_report tarn_tlsf_get_report(const tarn_tlsf *t)
{
    uint32_t last = tarn_two_level_last(t->map, TARN_TLSF_BITS);
    tarn_tlsf_report report = {.room = tlsf_bytes(t, t->room),
                               .used = tlsf_bytes(t, t->used),
                               .peak = tlsf_bytes(t, t->peak),
                               .largest = tlsf_bytes(t, t->largest),
                               .regions = t->region_count};
    for (const tarn_tlsf_region *r = t->regions; r != NULL; r = r->next)
        report.span += tlsf_bytes(t, (size_t)(r->high - r->first));
    if (last != TARN_TWO_LEVEL_NONE)
        report.largest_free = tlsf_bytes(t, largest_of(t, last));
    return report;
}

size_t tarn_tlsf_worst_bytes(size_t live, size_t largest, size_t smallest)
{
    size_t most, blocks, bytes;
    if (smallest == 0)
        smallest = 1;
    if (smallest > largest || largest > live || !tarn_round_up(largest, TLSF_GRAIN, &most) ||
        !tarn_add(most, TLSF_GRAIN + (size_t)TLSF_LEAST, &most))
        return 0;
    /* A gap is smaller than the smallest size of the list from which the largest is served. */
    uint32_t fit = tarn_two_level_fit(TARN_TLSF_BITS, most >> TARN_TLSF_GRAIN_LOG);
    uint64_t gap = tarn_two_level_low(TARN_TLSF_BITS, fit) << TARN_TLSF_GRAIN_LOG;
    if (gap >= (uint64_t)1 << TARN_TLSF_LOG2)
        return 0;
    /* Beside its bytes a block takes a tag, rounding, and a rest too small to be a piece. */
    blocks = live / smallest;
    if (!tarn_mul(blocks, TLSF_WORD + TLSF_GRAIN + (size_t)TLSF_LEAST + (size_t)gap, &bytes) ||
        !tarn_add(bytes, live, &bytes) || !tarn_add(bytes, (size_t)gap, &bytes))
        return 0;
    return bytes;
}

/* ── All blocks ── */

static tarn_status tlsf_reset(tarn_allocator *a)
{
    tarn_tlsf *t = (tarn_tlsf *)a;
    if ((t->flags & (TLSF_DEAD | TLSF_CHECK)) != 0 && !tarn_tlsf_may_be_called(t))
        return TARN_BAD_ARGUMENT;
    if ((t->flags & TLSF_CHECK) != 0)
        tarn_tlsf_wipe_all(t);
    tarn_tlsf_refill(t);
    return TARN_OK;
}

static size_t tlsf_trim(tarn_allocator *a)
{
    tarn_tlsf *t = (tarn_tlsf *)a;
    if ((t->flags & (TLSF_DEAD | TLSF_CHECK)) != 0 && !tarn_tlsf_may_be_called(t))
        return 0;
    return tarn_tlsf_drop_empty(t);
}

/* A visitor may free the block it sees, which then merges with what lies before and behind: go on at
 * the first live piece that there was behind it. */
static tarn_status tlsf_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    tarn_tlsf *t = (tarn_tlsf *)a;
    if ((t->flags & (TLSF_DEAD | TLSF_CHECK)) != 0 && !tarn_tlsf_may_be_called(t))
        return TARN_BAD_ARGUMENT;
    for (tarn_tlsf_region *r = t->regions; r != NULL; r = r->next) {
        for (char *p = r->first, *next; p < r->end; p = next) {
            next = p + tlsf_size(p);
            if (tlsf_is_free(p))
                continue;
            if (tlsf_is_free(next))
                next += tlsf_size(next);
            size_t size =
                (t->flags & TLSF_CHECK) != 0 ? tarn_tlsf_noted(t, p) : tlsf_usable(t, tlsf_size(p));
            if (!see(user, tlsf_block(t, r, p), size))
                return TARN_OK;
        }
    }
    return TARN_OK;
}

/* ── Check ── */

typedef struct sums {
    size_t live, used, free_pieces, free_bytes, room, regions;
} sums;

/* The pieces of a region: sizes, I1, I2, the notes. */
static bool region_holds(const tarn_tlsf *t, const tarn_tlsf_region *r, sums *s)
{
    bool free_before = false;
    char *p = r->first;
    while (p < r->end) {
        size_t tag = *tlsf_tag(p), size = tag & ~(size_t)TLSF_BITS;
        bool is_free = (tag & TLSF_FREE) != 0;
        if (size < TLSF_LEAST || size % TLSF_GRAIN != 0 || size > (size_t)(r->end - p) ||
            ((tag & TLSF_AFTER_FREE) != 0) != free_before || (is_free && free_before))
            return false;
        if (is_free && *tlsf_size_before(p + size) != size)
            return false;
        if (!is_free && (t->flags & TLSF_CHECK) != 0 && !tarn_tlsf_note_holds(t, p))
            return false;
        s->live += !is_free;
        s->used += is_free ? 0 : size;
        s->free_pieces += is_free;
        s->free_bytes += is_free ? size : 0;
        free_before = is_free;
        p += size;
    }
    s->room += (size_t)(r->end - r->first);
    s->regions++;
    return *tlsf_tag(p) == (free_before ? TLSF_AFTER_FREE : 0u) &&
           *(tarn_tlsf_region **)(void *)p == r && r->high >= r->first && r->high <= r->end;
}

/* The pieces of a list: free, of its size, linked both ways, no more than there are. */
static bool list_holds(const tarn_tlsf *t, uint32_t bin, sums *s)
{
    tarn_tlsf_node *const *at = &t->bins[bin];
    for (tarn_tlsf_node *n = *at; n != &t->nil; n = n->next) {
        const char *p = (const char *)n;
        if (s->free_pieces == 0 || !tarn_is_aligned(p, TLSF_GRAIN) ||
            tarn_tlsf_region_of_piece(t, p) == NULL || !tlsf_is_free(p) ||
            tlsf_bin(tlsf_size(p)) != bin || n->at != at || tlsf_size(p) > s->free_bytes)
            return false;
        s->free_pieces--;
        s->free_bytes -= tlsf_size(p);
        at = &n->next;
    }
    return tarn_two_level_has(t->map, TARN_TLSF_BITS, bin) == (t->bins[bin] != &t->nil);
}

static bool sorted_holds(const tarn_tlsf *t)
{
    tarn_tlsf_region **by_cell = t->sorted + t->region_room;
    for (size_t i = 1; i < t->region_count; i++) {
        if (t->sorted[i - 1]->base >= t->sorted[i]->base ||
            by_cell[i - 1]->first >= by_cell[i]->first)
            return false;
    }
    return true;
}

static tarn_status tlsf_check(const tarn_allocator *a)
{
    const tarn_tlsf *t = (const tarn_tlsf *)a;
    sums s = {0};
    for (const tarn_tlsf_region *r = t->regions; r != NULL; r = r->next) {
        if (!region_holds(t, r, &s))
            return TARN_CORRUPT;
    }
    bool counted = s.live == t->live && s.used == t->used && s.room == t->room &&
                   s.regions == t->region_count && t->peak >= t->used;
    for (uint32_t bin = 0; bin < TARN_TLSF_BINS; bin++) {
        if (!list_holds(t, bin, &s))
            return TARN_CORRUPT;
    }
    bool listed = s.free_pieces == 0 && s.free_bytes == 0 &&
                  tarn_two_level_valid(t->map, TARN_TLSF_BITS, TARN_TLSF_ROWS);
    return counted && listed && (!tlsf_is_apart(t) || sorted_holds(t)) ? TARN_OK : TARN_CORRUPT;
}

/* ── Life cycle ── */

static tarn_status judge_options(const tarn_tlsf_options *o)
{
    bool grows = o->source != NULL || o->parent != NULL;
    if ((o->source != NULL && o->parent != NULL) || (grows && o->metadata != NULL) ||
        (o->grain != 0 && o->metadata == NULL) ||
        (!grows && (o->chunk_size != 0 || o->limit != 0)) ||
        (o->buffer == NULL && o->buffer_size != 0))
        return TARN_BAD_ARGUMENT;
    if (o->grain != 0 && (!tarn_is_power_of_two(o->grain) || o->grain < TLSF_GRAIN))
        return TARN_BAD_ALIGN;
    if (o->grain >= (size_t)1 << (TARN_TLSF_LOG2 - 1))
        return TARN_BAD_ALIGN;
    return o->chunk_size < (size_t)1 << (TARN_TLSF_LOG2 - 1) ? TARN_OK : TARN_TOO_BIG;
}

tarn_status tarn_tlsf_init(tarn_tlsf *t, const tarn_tlsf_options *o)
{
    tarn_status status = judge_options(o);
    memset(t, 0, sizeof *t);
    t->allocator.ops = &tarn_tlsf_ops;
    t->name = o->name != NULL ? o->name : "tlsf";
    if (status != TARN_OK)
        return status;
    t->flags =
        (o->check || TARN_CHECKED ? TLSF_CHECK : 0u) | (o->metadata != NULL ? TLSF_APART : 0u);
    t->metadata = o->metadata;
    t->grain_log = (uint32_t)TLSF_LEAST_LOG;
    if (o->metadata != NULL)
        t->grain_log = TARN_SPEC(o->grain != 0 ? o->grain : (size_t)DEFAULT_GRAIN);
    t->most = t->flags == 0 ? ((size_t)1 << TARN_TLSF_LOG2) - (size_t)4 * TLSF_GRAIN : 0;
    if (o->source != NULL || o->parent != NULL)
        t->source = tarn_source_pick(o->source, o->parent, &t->own_source);
    t->limit = o->limit != 0 ? o->limit : SIZE_MAX;
    t->chunk_size = o->chunk_size;
    if (t->chunk_size == 0)
        t->chunk_size = t->source != NULL && t->source->granule >= 4096 ? PAGES_CHUNK : CHUNK;
    tarn_tlsf_refill(t);
    if (o->buffer != NULL)
        status = tarn_tlsf_add_region(t, o->buffer, o->buffer_size);
    if (status != TARN_OK)
        tarn_tlsf_drop_all(t); /* what the metadata allocator gave before it refused */
    return status;
}

void tarn_tlsf_deinit(tarn_tlsf *t)
{
    if ((t->flags & TLSF_DEAD) != 0) {
        tarn_tlsf_fault(t, TARN_FAULT_USE_AFTER_DEINIT, NULL, 0, 0);
        return;
    }
    if ((t->flags & TLSF_CHECK) != 0)
        tarn_tlsf_wipe_all(t);
    tarn_tlsf_drop_all(t);
    tarn_tlsf_refill(t);
    t->flags |= TLSF_DEAD;
    t->most = 0;
}

/* Where the state of one without a buffer comes from. */
static tarn_source *home_source(const tarn_tlsf_options *o, tarn_parent_source *own)
{
    return tarn_source_pick(o->source, o->parent != NULL ? o->parent : o->metadata, own);
}

tarn_tlsf *tarn_tlsf_create(const tarn_tlsf_options *options, tarn_status *status)
{
    tarn_tlsf_options o = *options;
    tarn_parent_source own;
    tarn_region home = {NULL, 0, 0};
    tarn_source *source = NULL;
    tarn_tlsf *t = NULL;
    tarn_status why = judge_options(&o);
    if (why == TARN_OK && o.buffer != NULL && o.metadata == NULL) {
        size_t skip = tarn_align_gap(o.buffer, _Alignof(tarn_tlsf)),
               used = skip + sizeof(tarn_tlsf);
        if (o.buffer_size <= used)
            why = TARN_LIMIT;
        t = (tarn_tlsf *)(void *)((char *)o.buffer + skip);
        o.buffer = (char *)o.buffer + used;
        o.buffer_size -= used;
    } else if (why == TARN_OK) {
        source = home_source(&o, &own);
        why = source == NULL ? TARN_UNSUPPORTED
                             : tarn_source_map(source, sizeof *t, _Alignof(tarn_tlsf), 0, &home);
        t = home.ptr;
    }
    if (why == TARN_OK) {
        why = tarn_tlsf_init(t, &o);
        if (why == TARN_OK)
            t->home = home;
        else if (source != NULL)
            tarn_source_unmap(source, home.ptr, home.size, _Alignof(tarn_tlsf));
    }
    if (status != NULL)
        *status = why;
    return why == TARN_OK ? t : NULL;
}

void tarn_tlsf_destroy(tarn_tlsf *t)
{
    if (t == NULL)
        return;
    tarn_region home = t->home;
    tarn_parent_source own = t->own_source;
    tarn_source *source = t->source == &t->own_source.source ? &own.source : t->source;
    if (source == NULL)
        source = tarn_source_pick(NULL, t->metadata, &own);
    tarn_tlsf_deinit(t);
    tarn_source_unmap(source, home.ptr, home.size, _Alignof(tarn_tlsf));
}

static void tlsf_deinit(tarn_allocator *a)
{
    tarn_tlsf_deinit((tarn_tlsf *)a);
}

static void tlsf_share(tarn_allocator *a)
{
    tarn_thread_share(&((tarn_tlsf *)a)->owner);
}

/* ── The view as an allocator ── */

static void *tlsf_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return tarn_tlsf_alloc((tarn_tlsf *)a, size, spec);
}

static void tlsf_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_tlsf_free((tarn_tlsf *)a, block, size, spec);
}

static void *tlsf_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                         size_t keep, tarn_spec spec)
{
    return tarn_tlsf_resize((tarn_tlsf *)a, block, old_size, new_size, keep, spec);
}

static tarn_block tlsf_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_tlsf *t = (tarn_tlsf *)a;
    void *block = tarn_tlsf_alloc(t, size, spec);
    if (block == NULL)
        return (tarn_block){NULL, 0};
    return (tarn_block){block, tlsf_usable(t, tlsf_size(tlsf_piece(t, block)))};
}

static const tarn_rare_ops TLSF_RARE = {
    .bytes = sizeof(tarn_rare_ops),
    .name = tlsf_name,
    .owns = tlsf_owns,
    .usable = tlsf_usable_size,
    .reset = tlsf_reset,
    .trim = tlsf_trim,
    .stats = tlsf_stats,
    .visit = tlsf_visit,
    .check = tlsf_check,
    .why = tlsf_why,
    .parent = tlsf_parent,
    .deinit = tlsf_deinit,
    .share = tlsf_share,
};

/* A bounded number of instructions, as long as the source is not called. */
const tarn_ops tarn_tlsf_ops = {
    .abi = TARN_ABI,
    .caps = TARN_CAP_UNSIZED_FREE | TARN_CAP_FREE | TARN_CAP_RESIZE | TARN_CAP_OWNS |
            TARN_CAP_RESET | TARN_CAP_TRIM | TARN_CAP_VISIT | TARN_CAP_CHECK | TARN_CAP_STATS |
            TARN_CAP_BOUNDED,
    .alloc = tlsf_alloc,
    .free = tlsf_free,
    .resize = tlsf_resize,
    .alloc_at_least = tlsf_alloc_at_least,
    .rare = &TLSF_RARE,
};
