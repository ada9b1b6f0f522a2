/* SPDX-License-Identifier: MIT */
/*
 * slots_runs.c - where the slots of a table are: entries, runs, carving, growing, cutting. See
 * slots_runs.h for the picture and the invariants.
 *
 * Entries are found by handle & reach, so there is no bound to check: their number is a power of two,
 * and those that are not carved are 0. They double when they are used up, and are copied then; stable
 * objects are not, as an entry has the object's address.
 *
 * Slots that are given up take the count of their generations with them. So that a stale handle stays
 * stale, `fresh`, the first generation of a new slot, is raised to the highest of them; slots that have
 * used up half of their generations are not given up for that.
 */
#include "strategy/slots_runs.h"

#include "base/checked.h"
#include "base/mem.h"

enum { LEAST = 64 /* entries of a table that grows, objects of compacting storage */ };

/* At the end of each run from the source. */
typedef struct run_link {
    void *before;  /* the run taken before this one */
    char *objects; /* as the source gave it         */
    size_t size;   /* bytes                         */
} run_link;

static size_t entry_align(void)
{
    return sizeof(uint64_t) > _Alignof(tarn_slots_entry) ? sizeof(uint64_t)
                                                         : _Alignof(tarn_slots_entry);
}

/* ── Entries ── */

size_t tarn_slots_room_for(size_t slots)
{
    size_t room = 2;
    while (room <= slots && room <= SIZE_MAX / 64)
        room *= 2;
    return room > slots ? room : 0;
}

size_t tarn_slots_entry_bytes(size_t room, bool compact)
{
    size_t one = sizeof(tarn_slots_entry) + (compact ? sizeof(uint32_t) : 0), bytes, words;
    return room != 0 && tarn_mul(room, one, &bytes) &&
                   tarn_mul(tarn_bitmap_words(room), sizeof(uint64_t), &words) &&
                   tarn_add(bytes, words, &bytes) && bytes <= SIZE_MAX / 4
               ? (bytes + 7) & ~(size_t)7
               : 0;
}

/* Entries of `room` slots in that memory: what there is moves there. */
static void lay_entries(tarn_slots *s, void *memory, size_t room, bool zeroed)
{
    tarn_slots_entry *entries = memory;
    uint64_t *words = (uint64_t *)(void *)(entries + room);
    tarn_bitmap *bits = tarn_slots_bits(s), old = *bits;
    size_t kept = s->carved + 1;
    memcpy(entries, s->entries, kept * sizeof *entries);
    if (!zeroed)
        memset(entries + kept, 0, (room - kept) * sizeof *entries);
    tarn_bitmap_init(bits, words, room);
    for (size_t w = 0; w * 64 < kept; w++) {
        tarn_bitmap_open(bits);
        if (w < old.opened && old.level[0][w] != 0) {
            bits->level[0][w] = old.level[0][w];
            tarn_bitmap_rise(bits, w);
        }
    }
    if ((s->flags & SLOTS_COMPACT) != 0) {
        uint32_t *owners = (uint32_t *)(void *)(words + tarn_bitmap_words(room));
        if (s->owners != NULL)
            memcpy(owners, s->owners, s->carved * sizeof *owners);
        s->owners = owners;
    }
    s->entries = entries;
    s->reach = room - 1;
}

static tarn_status set_entries(tarn_slots *s, size_t room)
{
    tarn_region region, old = s->entry_region;
    size_t bytes = tarn_slots_entry_bytes(room, (s->flags & SLOTS_COMPACT) != 0);
    if (bytes == 0)
        return TARN_TOO_BIG;
    tarn_status status = tarn_source_map(s->source, bytes, entry_align(), 0, &region);
    if (status != TARN_OK)
        return status;
    lay_entries(s, region.ptr, room, (region.traits & TARN_REGION_ZEROED) != 0);
    s->held += region.size - old.size;
    s->entry_region = region;
    tarn_source_unmap(s->source, old.ptr, old.size, entry_align());
    return TARN_OK;
}

void tarn_slots_empty(tarn_slots *s)
{
    s->none[0] = (tarn_slots_entry){~(uint64_t)0, NULL}; /* leads to the other one, as that here */
    s->none[1] = (tarn_slots_entry){0, NULL};
    s->entries = s->none;
    s->reach = 1;
    s->owners = NULL;
    s->bits = s->bitmap;
    *tarn_slots_bits(s) = (tarn_bitmap){.levels = 1};
}

/* ── Objects ── */

static size_t run_bytes(const tarn_slots *s, size_t objects)
{
    size_t bytes;
    if (!tarn_mul(s->stride, objects, &bytes) ||
        !tarn_round_up(bytes, _Alignof(run_link), &bytes) ||
        !tarn_add(bytes, sizeof(run_link), &bytes))
        return SIZE_MAX;
    return bytes;
}

static tarn_status add_run(tarn_slots *s)
{
    tarn_region region;
    size_t bytes = run_bytes(s, s->chunk);
    size_t align = s->align > _Alignof(run_link) ? s->align : _Alignof(run_link);
    tarn_status status = tarn_source_map(s->source, bytes, align, 0, &region);
    if (status != TARN_OK)
        return status;
    run_link *link = (run_link *)(void *)((char *)region.ptr + bytes - sizeof *link);
    *link = (run_link){s->last_run, region.ptr, region.size};
    s->last_run = link;
    s->run_count++;
    s->held += region.size;
    s->next_object = region.ptr;
    s->objects_left = s->chunk;
    return TARN_OK;
}

static void drop_run(tarn_slots *s)
{
    run_link *link = s->last_run;
    size_t align = s->align > _Alignof(run_link) ? s->align : _Alignof(run_link);
    s->last_run = link->before;
    s->run_count--;
    s->held -= link->size;
    tarn_source_unmap(s->source, link->objects, link->size, align);
}

/* Compacting storage gets room for n objects, at another place. */
static tarn_status move_objects(tarn_slots *s, size_t n)
{
    tarn_region region, old = s->object_region;
    size_t bytes, live = tarn_slots_count(s);
    if (!tarn_mul(s->stride, n, &bytes))
        return TARN_TOO_BIG;
    tarn_status status = tarn_source_map(s->source, bytes, s->align, 0, &region);
    if (status != TARN_OK)
        return status;
    if (live != 0)
        memcpy(region.ptr, s->objects, live * s->stride);
    s->objects = region.ptr;
    for (size_t place = 0; place < live; place++)
        s->entries[s->owners[place]].object = s->objects + place * s->stride;
    s->held += region.size - old.size;
    s->object_region = region;
    s->chunk = n;
    s->run_count = 1;
    tarn_source_unmap(s->source, old.ptr, old.size, s->align);
    return TARN_OK;
}

/* ── Slots ── */

/* Memory for another slot. */
static tarn_status make_room(tarn_slots *s)
{
    bool compact = (s->flags & SLOTS_COMPACT) != 0;
    tarn_status status = TARN_OK;
    if (s->carved == s->most)
        return TARN_LIMIT;
    if (s->carved == s->reach || s->entries == s->none) {
        size_t room = s->entries == s->none ? LEAST : (size_t)(s->reach + 1) * 2;
        size_t most = (size_t)s->mask + 1; /* more, and generations would lead to entries */
        status = set_entries(s, room < most ? room : most);
    }
    if (status != TARN_OK)
        return status;
    if (!compact)
        return s->objects_left == 0 ? add_run(s) : TARN_OK;
    if (s->objects != NULL && s->carved < s->chunk)
        return TARN_OK;
    size_t n = s->objects != NULL ? s->chunk * 2 : LEAST;
    return move_objects(s, n < s->most ? n : s->most);
}

/* How many slots can be carved without more memory. */
static size_t room_left(const tarn_slots *s)
{
    size_t left = s->most - s->carved, entries = (size_t)s->reach - s->carved;
    size_t objects = (s->flags & SLOTS_COMPACT) != 0 ? s->chunk - s->carved : s->objects_left;
    left = left < entries ? left : entries;
    return left < objects ? left : objects;
}

/* New slots, as many of `want` as there is room for. */
static size_t carve(tarn_slots *s, size_t want, uint64_t *out)
{
    size_t left = room_left(s), n = want < left ? want : left;
    tarn_bitmap *bits = tarn_slots_bits(s);
    for (size_t k = 0; k < n; k++) {
        size_t i = ++s->carved;
        if (i / 64 >= bits->opened)
            tarn_bitmap_open(bits);
        s->entries[i] = (tarn_slots_entry){s->fresh, s->next_object};
        if (s->owners == NULL) {
            s->next_object += s->stride;
            s->objects_left--;
        }
        out[k] = s->fresh | i;
    }
    return n;
}

size_t tarn_slots_take(tarn_slots *s, size_t want, uint64_t *out, tarn_status *status)
{
    tarn_bitmap *bits = tarn_slots_bits(s);
    size_t n = 0;
    for (size_t w = 0; n < want && n < s->free;) {
        w = tarn_bitmap_next(bits, w);
        uint64_t word = bits->level[0][w];
        for (; word != 0 && n < want; word &= word - 1) {
            size_t i = w * 64 + (size_t)__builtin_ctzll(word);
            out[n++] = s->entries[i].key | i;
        }
        tarn_bitmap_put(bits, w, word);
    }
    s->free -= n;
    if (n > 0)
        return n; /* reuse before carving */
    *status = room_left(s) != 0 ? TARN_OK : make_room(s);
    return *status == TARN_OK ? carve(s, want, out) : 0;
}

void tarn_slots_give(tarn_slots *s, uint64_t next)
{
    size_t i = (size_t)(next & s->mask);
    s->entries[i].key = next & ~s->mask;
    (void)tarn_bitmap_add(tarn_slots_bits(s), i);
    s->free++;
}

/* ── Fixed tables ── */

void tarn_slots_place(tarn_slots *s, void *entries, void *objects, size_t slots)
{
    lay_entries(s, entries, tarn_slots_room_for(slots), false);
    s->next_object = objects;
    s->objects_left = s->chunk = slots;
    s->run_count = 1;
    if ((s->flags & SLOTS_COMPACT) != 0)
        s->objects = objects;
}

tarn_status tarn_slots_fix(tarn_slots *s, size_t slots)
{
    s->chunk = slots;
    if (run_bytes(s, slots) == SIZE_MAX)
        return TARN_TOO_BIG;
    tarn_status status = set_entries(s, tarn_slots_room_for(slots));
    if (status == TARN_OK)
        status = (s->flags & SLOTS_COMPACT) != 0 ? move_objects(s, slots) : add_run(s);
    if (status != TARN_OK)
        tarn_slots_release(s);
    return status;
}

/* ── Giving memory back ── */

/* The slots beyond the first `keep` are no more. */
static void forget(tarn_slots *s, size_t keep)
{
    tarn_bitmap *bits = tarn_slots_bits(s);
    for (; s->carved > keep; s->carved--) {
        tarn_slots_entry *entry = &s->entries[s->carved];
        size_t w = s->carved / 64;
        uint64_t next = (entry->key & s->gens), fresh = s->fresh & s->gens;
        if (next > fresh)
            s->fresh = (s->fresh & ~s->gens) | next;
        tarn_bitmap_put(bits, w, bits->level[0][w] & ~((uint64_t)1 << (s->carved % 64)));
        s->free--;
        *entry = (tarn_slots_entry){0, NULL};
    }
}

size_t tarn_slots_cut(tarn_slots *s, size_t keep)
{
    size_t before = s->held;
    bool compact = (s->flags & SLOTS_COMPACT) != 0;
    forget(s, keep);
    if (s->carved == 0) {
        tarn_slots_release(s);
        return before - s->held;
    }
    while (!compact && s->run_count * s->chunk > keep) {
        drop_run(s);
        s->objects_left = 0;
    }
    size_t room = tarn_slots_room_for(s->carved);
    room = room > LEAST ? room : LEAST;
    if (room <= s->reach)
        (void)set_entries(s, room); /* or they stay: nothing is lost */
    if (compact && s->carved < s->chunk)
        (void)move_objects(s, s->carved);
    return before > s->held ? before - s->held : 0;
}

void tarn_slots_release(tarn_slots *s)
{
    if (s->source != NULL) {
        while (s->last_run != NULL)
            drop_run(s);
        tarn_source_unmap(s->source, s->object_region.ptr, s->object_region.size, s->align);
        tarn_source_unmap(s->source, s->entry_region.ptr, s->entry_region.size, entry_align());
        s->held -= s->object_region.size + s->entry_region.size;
    }
    s->object_region = s->entry_region = (tarn_region){NULL, 0, 0};
    s->objects = s->next_object = NULL;
    s->carved = s->objects_left = s->run_count = 0;
    if ((s->flags & SLOTS_COMPACT) != 0)
        s->chunk = 0; /* there is room for so many objects */
    tarn_slots_empty(s);
}
