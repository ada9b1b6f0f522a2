/* SPDX-License-Identifier: MIT */
/*
 * slab_large.c - blocks that no class serves: the parent's, remembered by address.
 *
 * An entry has the size as the parent granted it and the alignment as it was asked for, so that the
 * parent gets both back whatever the program passes to free.
 *
 * L1  Nothing stays of a request that is refused: the parent is asked first, and gets its block back when
 *     there is no memory for the entry.
 * L2  No two live blocks have one address: the parent is never asked for a block of no bytes.
 */
#include "strategy/slab_page.h"

#include "base/mem.h"

static uint64_t pack(size_t size, tarn_spec spec)
{
    return (uint64_t)size << 6 | (spec & TARN_ALIGN_BITS);
}

static size_t size_of(const tarn_address_entry *e)
{
    return (size_t)(e->value >> 6);
}

static tarn_spec spec_of(const tarn_address_entry *e)
{
    return (tarn_spec)(e->value & TARN_ALIGN_BITS);
}

/* Where the table lives: beside the rest of what the slab knows, or with the parent. */
static tarn_allocator *keeper(const tarn_slab *slab)
{
    return slab->core->metadata != NULL ? slab->core->metadata : slab->parent;
}

static void free_table(tarn_slab *slab, const tarn_address_map *map)
{
    size_t bytes = map->size * sizeof *map->entries;
    if (map->entries == NULL)
        return;
    slab->core->held -= bytes;
    tarn_free(keeper(slab), map->entries, bytes, TARN_SPEC_OF(tarn_address_entry));
}

/* Room for one more entry. */
static bool make_room(tarn_slab *slab)
{
    tarn_address_map *map = &slab->core->large_map, old = *map;
    size_t size = map->size != 0 ? map->size * 2 : 32;
    if (!tarn_address_map_full(map))
        return true;
    tarn_address_entry *fresh =
        tarn_alloc(keeper(slab), size * sizeof *fresh, TARN_SPEC_OF(tarn_address_entry));
    if (fresh == NULL)
        return false;
    tarn_address_map_move(map, fresh, size);
    slab->core->held += size * sizeof *fresh;
    free_table(slab, &old);
    return true;
}

tarn_block tarn_slab_large_alloc(tarn_slab *slab, size_t size, tarn_spec spec, bool at_least)
{
    tarn_block b = {NULL, size != 0 ? size : 1}; /* two of no bytes may have one address: L2 */
    if (slab->parent == NULL) {
        tarn_slab_refuse(slab, size > slab->largest ? TARN_TOO_BIG : TARN_BAD_ALIGN, size, spec,
                         slab->largest);
        return (tarn_block){NULL, 0};
    }
    if (at_least)
        b = tarn_alloc_at_least(slab->parent, b.size, spec);
    else
        b.ptr = tarn_alloc(slab->parent, b.size, spec);
    if (b.ptr == NULL) {
        tarn_why why = tarn_get_why(slab->parent);
        tarn_slab_refuse(slab, why.status != TARN_OK ? why.status : TARN_NO_MEMORY, size, spec,
                         why.limit);
        return (tarn_block){NULL, 0};
    }
    if (!make_room(slab)) { /* L1 */
        tarn_free(slab->parent, b.ptr, b.size, spec & TARN_ALIGN_BITS);
        tarn_slab_refuse(slab, TARN_NO_MEMORY, size, spec, 0);
        return (tarn_block){NULL, 0};
    }
    tarn_address_map_add(&slab->core->large_map, (uintptr_t)b.ptr, pack(b.size, spec));
    slab->core->large_bytes += b.size;
    return b;
}

/* The entry of a block; NULL, and the fault reported, when there is none. */
static tarn_address_entry *entry_of(tarn_slab *slab, const void *block)
{
    tarn_address_entry *e = NULL;
    if (slab->core->large_map.size != 0)
        e = tarn_address_map_find(&slab->core->large_map, (uintptr_t)block);
    if (e == NULL)
        tarn_slab_fault(slab,
                        tarn_slab_large_owns(slab, block) ? TARN_FAULT_INTERIOR_POINTER
                                                          : TARN_FAULT_FOREIGN_POINTER,
                        block, 0, 0);
    return e;
}

/* Is what the program says about a block what is known of it? The fault is reported when not. */
static bool agrees(const tarn_slab *slab, const tarn_address_entry *e, const void *block,
                   size_t size, tarn_spec spec)
{
    if ((slab->flags & TARN_SLAB_CHECK) == 0)
        return true;
    if ((spec & TARN_ALIGN_BITS) != spec_of(e)) {
        tarn_slab_fault(slab, TARN_FAULT_WRONG_ALIGN, block, tarn_spec_align(spec),
                        tarn_spec_align(spec_of(e)));
        return false;
    }
    if (size > size_of(e) ||
        (size != 0 && tarn_slab_pick(slab, size, spec & TARN_ALIGN_BITS) != TARN_SLAB_NO_CLASS)) {
        tarn_slab_fault(slab, TARN_FAULT_WRONG_SIZE, block, size, size_of(e));
        return false;
    }
    return true;
}

void tarn_slab_large_free(tarn_slab *slab, void *block, size_t size, tarn_spec spec)
{
    tarn_address_entry *e = entry_of(slab, block);
    if (e == NULL || !agrees(slab, e, block, size, spec))
        return;
    tarn_address_entry gone = *e;
    slab->core->large_bytes -= size_of(e);
    tarn_address_map_remove(&slab->core->large_map, e);
    tarn_free(slab->parent, block, size_of(&gone), spec_of(&gone));
}

bool tarn_slab_large_sound(tarn_slab *slab, const void *block, size_t size, tarn_spec spec)
{
    const tarn_address_entry *e = entry_of(slab, block);
    return e != NULL && agrees(slab, e, block, size, spec);
}

void *tarn_slab_large_resize(tarn_slab *slab, void *block, size_t from, size_t new_size,
                             size_t keep, tarn_spec spec)
{
    tarn_address_entry *e = entry_of(slab, block);
    if (e == NULL)
        return NULL;
    size_t old_size = size_of(e);
    tarn_spec flags = spec & ~(tarn_spec)TARN_ALIGN_BITS;
    size_t size = new_size != 0 ? new_size : 1; /* L2 */
    void *now = tarn_resize(slab->parent, block, old_size, size, keep, flags | spec_of(e));
    if (now == NULL) {
        tarn_why why = tarn_get_why(slab->parent);
        return tarn_slab_refuse(slab, why.status != TARN_OK ? why.status : TARN_NO_MEMORY, new_size,
                                spec, why.limit);
    }
    /* Beyond what was granted before, zeroes are the parent's business. */
    size_t end = new_size < old_size ? new_size : old_size;
    if ((spec & TARN_ZERO) != 0 && end > from)
        memset((char *)now + from, 0, end - from);
    tarn_address_map_remove(&slab->core->large_map, e);
    tarn_address_map_add(&slab->core->large_map, (uintptr_t)now, pack(size, spec));
    slab->core->large_bytes += size - old_size;
    return now;
}

size_t tarn_slab_large_size(const tarn_slab *slab, const void *block)
{
    if (slab->core->large_map.size == 0)
        return 0;
    const tarn_address_entry *e = tarn_address_map_find(&slab->core->large_map, (uintptr_t)block);
    return e != NULL ? size_of(e) : 0;
}

bool tarn_slab_large_owns(const tarn_slab *slab, const void *address)
{
    const tarn_address_map *map = &slab->core->large_map;
    for (size_t i = 0; i < map->size; i++) {
        const tarn_address_entry *e = &map->entries[i];
        /* One of no bytes has an address all the same. */
        if (e->key != 0 && (uintptr_t)address - e->key < size_of(e) + (size_of(e) == 0))
            return true;
    }
    return false;
}

void tarn_slab_large_deinit(tarn_slab *slab)
{
    tarn_slab_core *core = slab->core;
    for (size_t i = 0; i < core->large_map.size; i++) {
        const tarn_address_entry *e = &core->large_map.entries[i];
        if (e->key != 0) /* NOLINTNEXTLINE(performance-no-int-to-ptr): as it was put there */
            tarn_free(slab->parent, (void *)e->key, size_of(e), spec_of(e));
    }
    free_table(slab, &core->large_map);
    core->large_map = (tarn_address_map){NULL, 0, 0};
    core->large_bytes = 0;
}

/* From behind an empty entry round to it, since then no cluster is cut in two: when the visitor frees the
 * block it sees, others move up into its place from where the walk has not been yet. */
bool tarn_slab_large_visit(tarn_slab *slab, tarn_visitor *see, void *user)
{
    tarn_address_map *map = &slab->core->large_map;
    size_t from = 0;
    if (map->count == 0)
        return true;
    while (map->entries[from].key != 0)
        from++;
    for (size_t i = 0; i < map->size; i++) {
        const tarn_address_entry *e = &map->entries[(from + i) & (map->size - 1)];
        for (uintptr_t seen = 0; e->key != 0 && e->key != seen;) {
            seen = e->key;
            /* NOLINTNEXTLINE(performance-no-int-to-ptr): as it was put there */
            if (!see(user, (void *)seen, size_of(e)))
                return false;
        }
    }
    return true;
}
