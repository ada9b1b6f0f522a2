/* SPDX-License-Identifier: MIT */
/*
 * ring_ops.c - the life of a ring, the view as a tarn_allocator, and the invariants verified.
 *
 *     region:  │ tarn_ring, when created │ low … blocks … high │ a bit for each grain │
 */
#include "strategy/ring_state.h"

enum { RING_CAPACITY = 64 * 1024 };

/* What a created ring takes of its region, whole grains. */
#define HOME ((sizeof(tarn_ring) + TARN_RING_GRAIN - 1) & ~(size_t)(TARN_RING_GRAIN - 1))

/* ── Life cycle ────────────────────────────────────────────────────────────────────────────── */

static size_t bytes_for(size_t grains)
{
    return (grains + 63) / 64 * sizeof(uint64_t);
}

size_t tarn_ring_bytes(size_t capacity)
{
    size_t whole, all;
    if (!tarn_round_up(capacity, TARN_RING_GRAIN, &whole) ||
        !tarn_add(whole, bytes_for(whole / TARN_RING_GRAIN), &all))
        return 0;
    return all;
}

/* Most grains that fit, with their bits. 64 grains and a word of bits take 1032 bytes; of what is left over, a
 * word goes to the bits. */
static size_t grains_in(size_t size)
{
    const size_t unit = (size_t)64 * TARN_RING_GRAIN + sizeof(uint64_t);
    size_t words = size / unit, rest = size % unit;
    return words * 64 + (rest > sizeof(uint64_t) ? (rest - sizeof(uint64_t)) / TARN_RING_GRAIN : 0);
}

/* The bytes that are the ring's. */
static tarn_status use(tarn_ring *r, void *bytes, size_t size, bool zeroed)
{
    size_t gap = tarn_align_gap(bytes, TARN_RING_GRAIN), grains;
    if (size < gap)
        return TARN_BAD_ARGUMENT;
    grains = grains_in(size - gap);
    if (grains == 0)
        return TARN_BAD_ARGUMENT;
    r->low = (uintptr_t)bytes + gap;
    r->high = r->low + grains * TARN_RING_GRAIN;
    r->starts = ring_pointer(r->high);
    if (!zeroed)
        memset(r->starts, 0, bytes_for(grains));
    tarn_ring_rewind_all(r);
    return TARN_OK;
}

/* Where the region comes from; options->buffer is not asked. */
static tarn_status map(tarn_ring *r, const tarn_ring_options *o, size_t more)
{
    size_t size = tarn_ring_bytes(o->capacity != 0 ? o->capacity : RING_CAPACITY);
    r->source = tarn_source_pick(o->source, o->parent, &r->own_source);
    if (r->source == NULL || o->buffer_size != 0)
        return TARN_BAD_ARGUMENT;
    if (size == 0 || !tarn_add(size, more, &size))
        return TARN_TOO_BIG;
    return tarn_source_map(r->source, size, TARN_RING_GRAIN, 0, &r->region);
}

static void start(tarn_ring *r, const tarn_ring_options *o)
{
    bool check = o->check || TARN_CHECKED;
    *r = (tarn_ring){.flags = check ? (uint32_t)RING_CHECK : 0,
                     .name = o->name != NULL ? o->name : "ring"};
    r->allocator.ops = &tarn_ring_ops[check];
}

static void die(tarn_ring *r)
{
    r->flags |= RING_DEAD;
    r->low = r->high = 0;
    tarn_ring_rewind_all(r);
}

tarn_status tarn_ring_init(tarn_ring *r, const tarn_ring_options *options)
{
    static const tarn_ring_options defaults;
    const tarn_ring_options *o = options != NULL ? options : &defaults;
    tarn_status status;
    start(r, o);
    if (o->buffer == NULL) {
        status = map(r, o, 0);
        if (status == TARN_OK)
            status =
                use(r, r->region.ptr, r->region.size, (r->region.traits & TARN_REGION_ZEROED) != 0);
    } else if (o->source != NULL || o->parent != NULL || o->capacity != 0) {
        status = TARN_BAD_ARGUMENT;
    } else {
        status = use(r, o->buffer, o->buffer_size, false);
    }
    if (status != TARN_OK)
        die(r);
    return status;
}

void tarn_ring_deinit(tarn_ring *r)
{
    tarn_region region = r->region;
    if (ring_is(r, RING_DEAD))
        return;
    tarn_ring_reset(r); /* a broken guard is reported */
    die(r);
    r->region = (tarn_region){NULL, 0, 0};
    if (r->source != NULL && !r->created)
        tarn_source_unmap(r->source, region.ptr, region.size, TARN_RING_GRAIN);
}

tarn_ring *tarn_ring_create(const tarn_ring_options *options, tarn_status *status)
{
    static const tarn_ring_options defaults;
    const tarn_ring_options *o = options != NULL ? options : &defaults;
    tarn_ring first, *r = NULL;
    tarn_status why = TARN_BAD_ARGUMENT;
    start(&first, o);
    if (o->buffer == NULL)
        why = map(&first, o, HOME);
    if (why == TARN_OK) {
        r = first.region.ptr;
        *r = first;
        r->created = true;
        if (r->source == &first.own_source.source)
            r->source = &r->own_source.source;
        why = use(r, (char *)r + HOME, r->region.size - HOME,
                  (r->region.traits & TARN_REGION_ZEROED) != 0);
    }
    if (status != NULL)
        *status = why;
    return r;
}

void tarn_ring_destroy(tarn_ring *r)
{
    tarn_region region;
    tarn_parent_source own;
    tarn_source *source;
    if (r == NULL)
        return;
    region = r->region;
    own = r->own_source;
    source = r->source == &r->own_source.source ? &own.source : r->source;
    tarn_ring_deinit(r);
    tarn_source_unmap(source, region.ptr, region.size, TARN_RING_GRAIN);
}

/* ── The view ──────────────────────────────────────────────────────────────────────────────── */

static tarn_ring *of(tarn_allocator *a)
{
    return (tarn_ring *)a;
}

static const tarn_ring *of_const(const tarn_allocator *a)
{
    return (const tarn_ring *)a;
}

static void *ops_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return tarn_ring_alloc(of(a), size, spec);
}

static void ops_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_ring_free(of(a), block, size, spec);
}

static void *ops_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                        size_t keep, tarn_spec spec)
{
    return tarn_ring_resize(of(a), block, old_size, new_size, keep, spec);
}

static tarn_block ops_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_block b = {tarn_ring_alloc(of(a), size, spec & ~(tarn_spec)TARN_ZERO), 0};
    if (b.ptr == NULL)
        return b;
    b.size = ring_whole(size);
    if ((spec & TARN_ZERO) != 0)
        memset(b.ptr, 0, b.size);
    return b;
}

static const char *ops_name(const tarn_allocator *a)
{
    return of_const(a)->name;
}

static tarn_answer ops_owns(const tarn_allocator *a, const void *block)
{
    const tarn_ring *r = of_const(a);
    return (uintptr_t)block - r->low < r->high - r->low ? TARN_YES : TARN_NO;
}

static size_t ops_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    (void)a, (void)block, (void)spec;
    return ring_whole(size);
}

static tarn_status ops_reset(tarn_allocator *a)
{
    tarn_ring_reset(of(a));
    return TARN_OK;
}

static tarn_status ops_stats(const tarn_allocator *a, tarn_stats *out)
{
    const tarn_ring *r = of_const(a);
    *out = (tarn_stats){.known = TARN_STATS_FAILED | TARN_STATS_HELD | TARN_STATS_CHUNKS,
                        .failures = r->failures,
                        .held_bytes = r->region.size,
                        .idle_bytes = r->high - r->low - tarn_ring_used(r),
                        .chunks = r->high != r->low};
    if (ring_is(r, RING_CHECK)) {
        out->known |= TARN_STATS_LIVE | TARN_STATS_PEAK;
        out->live_blocks = r->allocs - __atomic_load_n(&r->frees, __ATOMIC_RELAXED);
        out->live_bytes = r->alloc_bytes - __atomic_load_n(&r->free_bytes, __ATOMIC_RELAXED);
        out->peak_blocks = r->most;
        out->peak_bytes = r->most_bytes;
    }
    return TARN_OK;
}

/* A block is shown once the next one has been found: when the visitor frees it, the holes between the two go
 * with it. */
struct visit {
    const tarn_ring *r;
    tarn_visitor *see;
    void *user;
    const tarn_ring_guard *held;
    bool more;
};

static bool visit_held(struct visit *v)
{
    const tarn_ring_guard *g = v->held;
    if (g != NULL)
        v->more = v->see(v->user, ring_pointer(ring_block(v->r, (uintptr_t)g, g->log)), g->size);
    return v->more;
}

static bool visit_one(void *user, tarn_ring_guard *g)
{
    struct visit *v = user;
    if (g->freed)
        return true;
    if (!visit_held(v))
        return false;
    v->held = g;
    return true;
}

static tarn_status ops_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    struct visit v = {of(a), see, user, NULL, true};
    if (!tarn_ring_walk(v.r, visit_one, &v))
        return TARN_CORRUPT;
    if (v.more)
        (void)visit_held(&v);
    return TARN_OK;
}

struct tally {
    size_t live, bytes, holes;
};

static bool tally_one(void *user, tarn_ring_guard *g)
{
    struct tally *t = user;
    t->holes += g->freed;
    t->live += !g->freed;
    t->bytes += g->freed ? 0 : g->size;
    return true;
}

static size_t count_bits(const tarn_ring *r)
{
    size_t n = 0, words = bytes_for((r->high - r->low) / TARN_RING_GRAIN) / sizeof *r->starts;
    for (size_t i = 0; i < words; i++)
        n += (size_t)__builtin_popcountll(r->starts[i]);
    return n;
}

static tarn_status ops_check(const tarn_allocator *a)
{
    const tarn_ring *r = of_const(a);
    uintptr_t tail = ring_round(r, r->tail, r->wrap), head = ring_head_at(r);
    bool behind = ((tail ^ r->wrap) & RING_LAP) != 0;
    struct tally t = {0, 0, 0};
    if (head < r->low || head > r->high || ring_at(tail) < r->low || ring_at(tail) > r->high)
        return TARN_CORRUPT;
    if (head % TARN_RING_GRAIN != 0 || (behind ? head >= ring_at(tail) : head < ring_at(tail)))
        return TARN_CORRUPT;
    if (r->flags == 0 && (r->limit < head || r->limit > r->high))
        return TARN_CORRUPT;
    if (((r->tail & RING_HOLES) != 0) != (r->holes != 0) ||
        ((r->tail & RING_CLOSED) != 0) != (r->flags != 0) || r->lap != (r->tail & RING_LAP))
        return TARN_CORRUPT;
    if (ring_is(r, RING_DEAD))
        return TARN_OK;
    if (count_bits(r) != r->holes)
        return TARN_CORRUPT;
    if (!ring_is(r, RING_CHECK))
        return TARN_OK;
    if (!tarn_ring_walk(r, tally_one, &t) || t.holes != r->holes ||
        t.live != r->allocs - r->frees || t.bytes != r->alloc_bytes - r->free_bytes)
        return TARN_CORRUPT;
    return TARN_OK;
}

static tarn_why ops_why(const tarn_allocator *a)
{
    return of_const(a)->why;
}

static tarn_allocator *ops_parent(const tarn_allocator *a, unsigned index)
{
    const tarn_ring *r = of_const(a);
    return index == 0 && r->source == &r->own_source.source ? r->own_source.allocator : NULL;
}

static void ops_deinit(tarn_allocator *a)
{
    tarn_ring_deinit(of(a));
}

static void ops_share(tarn_allocator *a)
{
    tarn_thread_share(&of(a)->producer);
    tarn_thread_share(&of(a)->consumer);
}

#define RARE(see)                                                                                  \
    {                                                                                              \
        .bytes = sizeof(tarn_rare_ops), .name = ops_name, .owns = ops_owns, .usable = ops_usable,  \
        .reset = ops_reset, .stats = ops_stats, .visit = (see), .check = ops_check,                \
        .why = ops_why, .parent = ops_parent, .deinit = ops_deinit, .share = ops_share             \
    }

static const tarn_rare_ops RING_RARE[2] = {RARE(NULL), RARE(ops_visit)};

#define OPS(checks)                                                                                \
    {                                                                                              \
        .abi = TARN_ABI,                                                                           \
        .caps = TARN_CAP_RESIZE | TARN_CAP_OWNS | TARN_CAP_RESET | TARN_CAP_CHECK |                \
                TARN_CAP_STATS | ((checks) ? (uint32_t)TARN_CAP_VISIT : 0u),                       \
        .alloc = ops_alloc, .free = ops_free, .resize = ops_resize,                                \
        .alloc_at_least = ops_alloc_at_least, .rare = &RING_RARE[checks],                          \
    }

const tarn_ops tarn_ring_ops[2] = {OPS(0), OPS(1)};
