/* SPDX-License-Identifier: MIT */
/*
 * slots.c - objects behind generational handles: life cycle, the slow half of alloc, resolve and free,
 * and all objects at once. slots_runs.h has the picture and the invariants.
 *
 * A handle is refused because the key of its entry is another: the object is gone (the key leads
 * elsewhere), the slot was used again (another generation), belongs to another table (another tag), or
 * does not exist. One load and one compare tell all of it.
 *
 * Generations: each alloc of a slot takes the next one, from 1 up. When the last has been used the
 * slot is retired: it is never handed out again, and no stale handle ever becomes valid. With g bits
 * for the generation that is a slot lost for each 2^g - 1 allocs of it.
 *
 * Handles stand ready in an array that is a stack, filled from the bitmap of free slots and emptied
 * into it 64 at a time, as in pool.c. A table that checks, compacts or has an init or a fini hides them
 * from the inlined functions, so that each alloc and free comes here, and release code has no branch for
 * any of it.
 *
 * Prior art: handles with generations are common knowledge among game programmers; the array of places
 * with their owners is the sparse set of P. Briggs and L. Torczon, "An efficient representation for
 * sparse sets", ACM Letters on Programming Languages and Systems 2, 1993.
 */
#include "strategy/slots_runs.h"

#include "base/align.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/thread_guard.h"

enum {
    WIDE = 64,
    NARROW = 32, /* bits of a handle */
    LEAST_GENERATIONS = 2,
    MOST_INDEX = 31,
    LEAST_INDEX = 2,
    MOST_TAG = 16, /* bits of its parts */
    CHUNK = 64 * 1024,
    LEAST_CHUNK = 64,
    HALF = TARN_SLOTS_READY / 2
};

/* ── Refusals and faults ── */

static tarn_status refuse(tarn_slots *s, tarn_status status, size_t limit)
{
    s->failures++;
    s->why = (tarn_why){status, s->object_size, s->align, limit};
    return status;
}

/* May this thread use the table, and is it alive? Reported when not. */
static bool may_use(tarn_slots *s)
{
    if ((s->flags & (SLOTS_CHECK | SLOTS_DEAD)) == 0)
        return true;
    bool dead = (s->flags & SLOTS_DEAD) != 0;
    if (!dead && tarn_thread_owns(&s->owner))
        return true;
    tarn_fault_report(dead ? TARN_FAULT_USE_AFTER_DEINIT : TARN_FAULT_WRONG_THREAD, "slots",
                      s->name, NULL, 0, 0);
    return false;
}

/* ── Objects ── */

/* The next handle that is ready, and the end of them, in any table. */
static uint64_t *ready_top(tarn_slots *s)
{
    return (s->flags & SLOTS_SLOW) != 0 ? s->empty - s->hidden : s->top;
}

static void set_ready_top(tarn_slots *s, uint64_t *top)
{
    if ((s->flags & SLOTS_SLOW) != 0)
        s->hidden = (size_t)(s->empty - top);
    else
        s->top = top;
}

/* A handle of a slot that is free; 0 with the reason when there is none. */
static tarn_slot next_slot(tarn_slots *s, tarn_status *status)
{
    uint64_t *top = ready_top(s), *base = s->empty - HALF;
    if (top == s->empty) {
        size_t n = tarn_slots_take(s, HALF, base, status);
        if (n == 0)
            return 0;
        top = s->empty - n;
        memmove(top, base, n * sizeof *base);
    }
    set_ready_top(s, top + 1);
    return *top;
}

tarn_slot tarn_slots_alloc_slow(tarn_slots *s, void **object)
{
    tarn_status status = TARN_OK;
    if (!may_use(s))
        return 0;
    size_t place = tarn_slots_count(s);
    tarn_slot slot = next_slot(s, &status);
    if (slot == 0) {
        (void)refuse(s, status, status == TARN_LIMIT ? s->most : 0);
        return 0;
    }
    tarn_slots_entry *entry = tarn_slots_entry_of(s, slot);
    if (s->owners != NULL)
        entry->object = s->objects + place * s->stride;
    if (s->init != NULL && !s->init(s->user, entry->object)) {
        tarn_slots_give(s, slot);
        (void)refuse(s, TARN_NO_MEMORY, 0);
        return 0;
    }
    if (s->owners != NULL)
        s->owners[place] = (uint32_t)(slot & s->mask);
    entry->key = slot;
    if (object != NULL)
        *object = entry->object;
    return slot;
}

void *tarn_slots_resolve_slow(const tarn_slots *s, tarn_slot slot)
{
    (void)slot; /* stale */
    if ((s->flags & SLOTS_DEAD) != 0)
        tarn_fault_report(TARN_FAULT_USE_AFTER_DEINIT, "slots", s->name, NULL, 0, 0);
    return NULL;
}

/* The older half of what is ready, when there is no room for more, back into the bitmap. */
static void flush_older(tarn_slots *s)
{
    for (uint64_t *at = s->ready + HALF; at != s->empty; at++)
        tarn_slots_give(s, *at);
    memmove(s->ready + HALF, s->ready, HALF * sizeof *s->ready);
    set_ready_top(s, s->ready + HALF);
}

static void flush(tarn_slots *s)
{
    for (uint64_t *at = ready_top(s); at != s->empty; at++)
        tarn_slots_give(s, *at);
    set_ready_top(s, s->empty);
}

/* A slot without an object: its next handle is ready or its bit is set, or it is retired. */
static void vacate(tarn_slots *s, tarn_slot slot)
{
    tarn_slots_entry *entry = tarn_slots_entry_of(s, slot);
    uint64_t next = slot + s->step;
    if ((next & s->gens) == 0) {
        next = (slot & ~s->gens) + s->step;
        if ((s->flags & SLOTS_WRAP) == 0) {
            entry->key = slot & ~s->gens & ~s->mask;
            s->retired++;
            return;
        }
    }
    if (ready_top(s) == s->ready)
        flush_older(s);
    entry->key = 0;
    uint64_t *top = ready_top(s) - 1;
    *top = next;
    set_ready_top(s, top);
}

/* The last object takes the place of another. */
static void fill_place(tarn_slots *s, char *object)
{
    size_t last = tarn_slots_count(s) - 1, place = (size_t)(object - s->objects) / s->stride;
    if (place == last)
        return;
    memcpy(object, s->objects + last * s->stride, s->stride);
    s->owners[place] = s->owners[last];
    s->entries[s->owners[place]].object = object;
}

tarn_status tarn_slots_free_slow(tarn_slots *s, tarn_slot slot)
{
    tarn_slots_entry *entry = tarn_slots_entry_of(s, slot);
    if (!may_use(s) || entry->key != slot)
        return TARN_STALE;
    if (s->fini != NULL)
        s->fini(s->user, entry->object);
    if (s->owners != NULL)
        fill_place(s, entry->object);
    vacate(s, slot);
    return TARN_OK;
}

/* ── All of them ── */

void tarn_slots_each(tarn_slots *s, tarn_slots_visitor *see, void *user)
{
    if (!may_use(s))
        return;
    if (s->owners != NULL) { /* a free brings an object that was seen already */
        for (size_t place = tarn_slots_count(s); place-- > 0;) {
            const tarn_slots_entry *entry = &s->entries[s->owners[place]];
            if (!see(user, entry->key, entry->object))
                return;
        }
        return;
    }
    flush(s); /* now a bit that is 0 means a live slot, or a retired one */
    for (size_t i = 0; i < s->carved + (s->carved != 0); i += 64) { /* slots 0 to carved, if any */
        uint64_t left = ~tarn_slots_bits(s)->level[0][i / 64];
        if (s->carved - i < 63)
            left &= ((uint64_t)2 << (s->carved - i)) - 1;
        for (; left != 0; left &= left - 1) {
            size_t one = i + (size_t)__builtin_ctzll(left);
            if (tarn_slots_lives(s, one) && !see(user, s->entries[one].key, s->entries[one].object))
                return;
        }
    }
}

static void fini_all(tarn_slots *s)
{
    for (size_t i = 1; s->fini != NULL && i <= s->carved; i++) {
        if (tarn_slots_lives(s, i))
            s->fini(s->user, s->entries[i].object);
    }
}

void tarn_slots_reset(tarn_slots *s)
{
    if (!may_use(s))
        return;
    fini_all(s);
    for (size_t i = 1; i <= s->carved; i++) {
        if (tarn_slots_lives(s, i))
            vacate(s, s->entries[i].key);
    }
    flush(s);
}

size_t tarn_slots_trim(tarn_slots *s)
{
    size_t keep = s->carved, run = (s->flags & SLOTS_COMPACT) != 0 ? 1 : s->chunk;
    if (!may_use(s) || (s->flags & SLOTS_GROWS) == 0 || keep == 0)
        return 0;
    flush(s);
    while (keep > 0 && tarn_bitmap_has(tarn_slots_bits(s), keep) &&
           (s->entries[keep].key & s->gens) <= s->gens / 2)
        keep--;
    return tarn_slots_cut(s, (keep + run - 1) / run * run);
}

void tarn_slots_stats(const tarn_slots *s, tarn_stats *out)
{
    *out = (tarn_stats){.known = TARN_STATS_LIVE | TARN_STATS_HELD | TARN_STATS_CHUNKS |
                                 TARN_STATS_FAILED};
    out->live_blocks = tarn_slots_count(s);
    out->live_bytes = out->live_blocks * s->object_size;
    out->held_bytes = s->held;
    out->idle_bytes = s->held > out->live_bytes ? s->held - out->live_bytes : 0;
    out->failures = s->failures;
    out->chunks = s->run_count;
}

tarn_why tarn_slots_why(const tarn_slots *s)
{
    return s->why;
}

void tarn_slots_share(tarn_slots *s)
{
    tarn_thread_share(&s->owner);
}

/* ── Verifying ── */

/* S1, S2 and S5 for one slot. */
static bool slot_valid(const tarn_slots *s, size_t i, size_t live)
{
    const tarn_slots_entry *entry = &s->entries[i];
    bool free = tarn_bitmap_has(tarn_slots_bits(s), i);
    if (entry->key != 0 && ((entry->key ^ s->fresh) & ~(s->mask | s->gens)) != 0)
        return false;
    if (!tarn_slots_lives(s, i))
        return (entry->key & s->mask) == 0 && (!free || (entry->key & s->gens) != 0);
    if (free || (entry->key & s->gens) == 0 || s->owners == NULL)
        return !free && (entry->key & s->gens) != 0;
    size_t place = (size_t)((char *)entry->object - s->objects) / s->stride;
    return place < live && s->owners[place] == i &&
           (char *)entry->object == s->objects + place * s->stride;
}

static bool ready_valid(const tarn_slots *s)
{
    for (const uint64_t *at = s->top - s->hidden; at != s->empty; at++) {
        size_t i = (size_t)(*at & s->mask);
        if (i == 0 || i > s->carved || (*at & s->gens) == 0 || tarn_slots_lives(s, i) ||
            tarn_bitmap_has(tarn_slots_bits(s), i))
            return false;
        for (const uint64_t *other = at + 1; other != s->empty; other++) {
            if ((*other & s->mask) == i)
                return false;
        }
    }
    return true;
}

tarn_status tarn_slots_check(const tarn_slots *s)
{
    size_t live = 0, free = 0;
    if (s->top < s->full || s->empty < s->top || s->carved > s->most || s->most > s->mask ||
        s->carved > s->reach || s->reach > s->mask || s->entries[0].key != ~(uint64_t)0)
        return TARN_CORRUPT;
    for (size_t i = 1; i <= s->carved; i++) {
        if (!slot_valid(s, i, tarn_slots_count(s)))
            return TARN_CORRUPT;
        live += tarn_slots_lives(s, i);
        free += tarn_bitmap_has(tarn_slots_bits(s), i);
    }
    for (size_t i = s->carved + 1; i <= s->reach; i++) {
        if (s->entries[i].key != 0)
            return TARN_CORRUPT;
    }
    return live == tarn_slots_count(s) && free == s->free && ready_valid(s) &&
                   tarn_bitmap_valid(tarn_slots_bits(s))
               ? TARN_OK
               : TARN_CORRUPT;
}

/* ── Life cycle ── */

static size_t default_align(size_t size)
{
    size_t divides = size & (~size + 1);
    return divides < _Alignof(max_align_t) ? divides : _Alignof(max_align_t);
}

/* object_size rounded up to align; 0 when that makes no sense. */
static size_t stride_of(size_t size, size_t align)
{
    size_t stride;
    return size != 0 && tarn_is_power_of_two(align) && tarn_round_up(size, align, &stride) ? stride
                                                                                           : 0;
}

/* Bytes from an aligned address on: entries, then objects at a multiple of `to`. 0: overflow. */
static size_t fixed_bytes(size_t stride, size_t to, size_t objects, bool compact, size_t *at)
{
    size_t entries = tarn_slots_entry_bytes(tarn_slots_room_for(objects), compact), bytes;
    *at = 0;
    if (entries == 0 || stride == 0 || !tarn_round_up(entries, to, at) ||
        !tarn_mul(stride, objects, &bytes) || !tarn_add(bytes, *at, &bytes))
        return 0;
    return bytes <= SIZE_MAX / 2 ? bytes : 0;
}

size_t tarn_slots_bytes(size_t object_size, size_t align, size_t objects, bool compact)
{
    size_t given = align != 0 ? align : default_align(object_size), at, bytes;
    size_t to = given > sizeof(uint64_t) ? given : sizeof(uint64_t);
    bytes = fixed_bytes(stride_of(object_size, given), to, objects, compact, &at);
    return bytes != 0 && tarn_add(bytes, to - 1, &bytes) ? bytes : 0;
}

static uint32_t tables; /* made by this process with a tag of their own */

/* The parts of a handle. False when they do not add up. */
static bool set_bits(tarn_slots *s, const tarn_slots_options *o)
{
    unsigned bits = o->handle_bits != 0 ? o->handle_bits : WIDE;
    unsigned index = o->index_bits != 0 ? o->index_bits : bits == WIDE ? 28u : 20u;
    unsigned tags = o->tag_bits != 0 ? o->tag_bits : bits == WIDE ? 8u : 0u;
    if ((bits != WIDE && bits != NARROW) || index < LEAST_INDEX || index > MOST_INDEX ||
        tags > MOST_TAG || index + tags + LEAST_GENERATIONS > bits || o->tag >> tags != 0)
        return false;
    uint64_t tag = o->tag;
    if (tags != 0 && tag == 0)
        tag = __atomic_fetch_add(&tables, 1, __ATOMIC_RELAXED) % ((1u << tags) - 1) + 1;
    s->mask = ((uint64_t)1 << index) - 1;
    s->step = (uint64_t)1 << index;
    s->gens = (((uint64_t)1 << (bits - index - tags)) - 1) << index;
    s->fresh = s->step;
    if (tags != 0)
        s->fresh |= tag << (bits - tags);
    return true;
}

/* How many objects a run has, and how many slots there may be. False when it makes no sense. */
static bool set_room(tarn_slots *s, const tarn_slots_options *o)
{
    bool fixed = o->capacity != 0 || o->buffer != NULL;
    if (o->capacity > s->mask || o->limit > s->mask || o->chunk > s->mask ||
        (fixed && (o->limit != 0 || o->chunk != 0)) || (o->compact && o->chunk != 0))
        return false;
    s->most = o->limit != 0 ? o->limit : (size_t)s->mask;
    if (o->chunk != 0 && (!tarn_is_power_of_two(o->chunk) || o->chunk < LEAST_CHUNK))
        return false;
    if (o->compact)
        return true; /* s->chunk is what there is room for */
    s->chunk = o->chunk != 0 ? o->chunk : LEAST_CHUNK;
    while (o->chunk == 0 && s->chunk * 2 <= CHUNK / s->stride)
        s->chunk *= 2;
    return true;
}

static void set_flags(tarn_slots *s, const tarn_slots_options *o)
{
    bool check = o->check || TARN_CHECKED;
    s->init = o->init;
    s->fini = o->fini;
    s->user = o->user;
    s->flags = (check ? SLOTS_CHECK : 0u) | (o->compact ? SLOTS_COMPACT : 0u) |
               (o->capacity == 0 && o->buffer == NULL ? SLOTS_GROWS : 0u) |
               (o->wrap ? SLOTS_WRAP : 0u);
    if (check || o->compact || o->init != NULL || o->fini != NULL)
        s->flags |= SLOTS_SLOW;
    s->top = s->empty = s->ready + TARN_SLOTS_READY;
    s->full = (s->flags & SLOTS_SLOW) != 0 ? s->empty : s->ready;
}

/* The most slots that fit into so many bytes. */
static size_t fit(const tarn_slots *s, size_t bytes, size_t to, bool compact)
{
    size_t low = 0, high = bytes / (s->stride + sizeof(tarn_slots_entry)), at;
    if (high > s->most)
        high = s->most;
    while (low < high) {
        size_t n = high - (high - low) / 2, needed = fixed_bytes(s->stride, to, n, compact, &at);
        if (needed != 0 && needed <= bytes)
            low = n;
        else
            high = n - 1;
    }
    return low;
}

static tarn_status init_buffer(tarn_slots *s, const tarn_slots_options *o)
{
    size_t to = s->align > sizeof(uint64_t) ? s->align : sizeof(uint64_t), at;
    size_t gap = tarn_align_gap(o->buffer, to);
    size_t n = gap < o->buffer_size ? fit(s, o->buffer_size - gap, to, o->compact) : 0;
    if (n == 0 || n < o->capacity)
        return refuse(s, TARN_LIMIT, n);
    s->most = o->capacity != 0 ? o->capacity : n;
    (void)fixed_bytes(s->stride, to, s->most, o->compact, &at);
    char *memory = (char *)o->buffer + gap;
    tarn_slots_place(s, memory, memory + at, s->most);
    return TARN_OK;
}

static tarn_status init_capacity(tarn_slots *s, const tarn_slots_options *o)
{
    s->most = o->capacity;
    tarn_status status = tarn_slots_fix(s, o->capacity);
    return status == TARN_OK ? TARN_OK : refuse(s, status, 0);
}

tarn_status tarn_slots_init(tarn_slots *s, const tarn_slots_options *o)
{
    size_t align = o->align != 0 ? o->align : default_align(o->object_size);
    *s = (tarn_slots){
        .name = o->name != NULL ? o->name : "slots", .object_size = o->object_size, .align = align};
    tarn_slots_empty(s);
    if (o->object_size == 0 || (o->buffer != NULL && (o->source != NULL || o->parent != NULL)))
        return refuse(s, TARN_BAD_ARGUMENT, 0);
    if (!tarn_is_power_of_two(align))
        return refuse(s, TARN_BAD_ALIGN, 0);
    s->stride = stride_of(o->object_size, align);
    if (s->stride == 0 || s->stride > SIZE_MAX / 64)
        return refuse(s, TARN_TOO_BIG, 0);
    if (!set_bits(s, o) || !set_room(s, o))
        return refuse(s, TARN_BAD_ARGUMENT, 0);
    set_flags(s, o);
    if (o->buffer != NULL)
        return init_buffer(s, o);
    s->source = tarn_source_pick(o->source, o->parent, &s->own_source);
    if (s->source == NULL)
        return refuse(s, TARN_BAD_ARGUMENT, 0);
    return o->capacity != 0 ? init_capacity(s, o) : TARN_OK;
}

void tarn_slots_deinit(tarn_slots *s)
{
    if ((s->flags & SLOTS_DEAD) != 0) {
        (void)may_use(s);
        return;
    }
    fini_all(s);
    s->top = s->empty = s->full = s->ready;
    s->hidden = 0;
    tarn_slots_release(s);
    s->flags |= SLOTS_DEAD;
    s->free = s->retired = 0;
}

tarn_slots *tarn_slots_create(const tarn_slots_options *options, tarn_status *status)
{
    tarn_parent_source own;
    tarn_region home = {NULL, 0, 0};
    tarn_source *source = tarn_source_pick(options->source, options->parent, &own);
    tarn_status why = options->buffer != NULL || source == NULL ? TARN_BAD_ARGUMENT : TARN_OK;
    if (why == TARN_OK)
        why = tarn_source_map(source, sizeof(tarn_slots), _Alignof(tarn_slots), 0, &home);
    tarn_slots *s = home.ptr;
    if (why == TARN_OK) {
        why = tarn_slots_init(s, options);
        s->home = home;
        s->held += home.size;
        if (why != TARN_OK)
            tarn_source_unmap(source, home.ptr, home.size, _Alignof(tarn_slots));
    }
    if (status != NULL)
        *status = why;
    return why == TARN_OK ? s : NULL;
}

void tarn_slots_destroy(tarn_slots *s)
{
    if (s == NULL)
        return;
    tarn_region home = s->home;
    tarn_parent_source own = s->own_source; /* the table's own is about to go */
    tarn_source *source = s->source == &s->own_source.source ? &own.source : s->source;
    tarn_slots_deinit(s);
    tarn_source_unmap(source, home.ptr, home.size, _Alignof(tarn_slots));
}
