/* SPDX-License-Identifier: MIT */
/*
 * slots.h - objects of one type behind handles that go stale: a handle whose object is gone is
 * refused, in every build, in a few instructions.
 *
 * For: entities, sessions, resources that others refer to for longer than they live, handles that
 * cross an interface and come back forged. Not for: objects that one owner frees (pool.h is half the
 * price), use by several threads at once (put a lock of your own around it).
 *
 *     tarn_slots table;
 *     tarn_slots_init(&table, &(tarn_slots_options){.object_size = sizeof(struct unit)});
 *     struct unit *u;
 *     tarn_slot h = tarn_slots_alloc(&table, (void **)&u);
 *     u = tarn_slots_resolve(&table, h);          NULL when it is gone
 *     tarn_slots_free(&table, h);                 TARN_STALE the second time, and nothing changes
 *     tarn_slots_deinit(&table);
 *
 *     handle   ┌── tag ──┬───── generation ─────┬── index ──┐       0 is never a handle
 *              └─────────┴──────────────────────┴─────┬─────┘
 *     entries  │ key, object │ key, object │ key, object ◄┘ │ …       16 bytes for each slot
 *                live: the key    free: the key is no handle
 *                is the handle    of this slot
 *
 * One compare of a handle with the key of its slot tells that the index, the generation and the table
 * are right and that the object lives; the entry has the object's address. Which slots are free is
 * known by a bit each, and some of the free ones stand ready in an array, as in a pool. Objects are
 * not touched by any of this.
 *
 * Storage is stable (objects never move; a growing table takes chunks) or compacting (objects are an
 * array without holes, in which a free moves the last one; a growing table moves all of it).
 *
 * There is no view as a tarn_allocator: what is allocated there is freed by its address, and an
 * object that is known by its address is what a pool is for.
 */
#ifndef TARN_SLOTS_H
#define TARN_SLOTS_H

#include <tarn/allocator.h>
#include <tarn/source.h>

TARN_BEGIN_DECLS

/* A handle. It fits 32 bits in a table with handle_bits = 32, and may be kept in a uint32_t then. */
typedef uint64_t tarn_slot;

/* How a table is made. Zero means: the default. */
typedef struct tarn_slots_options {
    size_t object_size; /* bytes, at least 1; there is no default */
    size_t align;       /* bytes, a power of two; default: the largest that divides object_size, at
                           most that of max_align_t */

    /* The parts of a handle; what is left of handle_bits counts generations, at least 2 bits. */
    unsigned handle_bits; /* 32 or 64; default 64 */
    unsigned index_bits;  /* 2 to 31; default 28, and 20 for handles of 32 bits */
    unsigned tag_bits;    /* 0 to 16: tells tables apart; default 8, and 0 for handles of 32 bits */
    uint32_t tag;         /* of this table, less than 2^tag_bits and not 0; default: counted by the
                             process, so that any 2^tag_bits - 1 tables in a row differ */
    bool wrap;            /* a slot of which every generation was used begins again, and a handle
                             that old is valid again; default: it is retired, and never used again */

    bool compact;    /* default: stable storage */
    size_t capacity; /* objects, room for all of them mapped at init; default 0: the table grows */
    size_t limit;    /* objects, the most a growing table may have; default: 2^index_bits - 1 */
    size_t chunk;    /* objects, a power of two from 64 on, that a growing stable table takes room
                         for at a time; default: as fit 64 KiB */

    /* Where memory comes from: one of these three; default: the parent tarn_libc(). */
    tarn_source *source;
    tarn_allocator *parent;
    void *buffer;       /* the caller's bytes, which must outlive the table; no growth */
    size_t buffer_size; /* bytes; see tarn_slots_bytes */

    /* An object's own: init is called at its alloc, false refuses; fini at its free, and at reset and
       deinit while it lives. Neither may use the table. */
    bool (*init)(void *user, void *object);
    void (*fini)(void *user, void *object);
    void *user; /* passed to both */

    bool check;       /* check the thread of each call, too; default: false, true in a library built
                         with TARN_CHECKED */
    const char *name; /* must outlive the table; default: "slots" */
} tarn_slots_options;

/* Handles that a table keeps ready. */
#define TARN_SLOTS_READY 128

/* One slot; private to the table. */
typedef struct tarn_slots_entry {
    uint64_t key;
    void *object;
} tarn_slots_entry;

/* State; fields are private. */
typedef struct tarn_slots {
    uint64_t *top; /* the next handle to hand out: those from here to `empty` are ready           */
    uint64_t
        *empty; /* top == empty: none is                                                       */
    uint64_t
        *full; /* top == full: no room for another                                            */
    uint64_t
        reach; /* entries that there are - 1, of a power of two: handle & reach = its entry   */
    tarn_slots_entry *entries;
    uint64_t step; /* one generation          */
    uint64_t gens; /* mask of the generation  */
    uint64_t mask; /* of the index            */
    size_t
        stride; /* bytes from one object to the next                                             */
    uint32_t
        *owners;    /* compacting storage: the slot of each place; NULL: stable storage           */
    char *objects;  /* compacting storage: place 0                                                */
    uint64_t fresh; /* tag and generation of a slot's first handle                                */
    size_t carved;  /* slots 1 to carved exist: live, free, ready or retired                      */
    size_t hidden;  /* handles that are ready, but not to the inlined functions */
    size_t free;    /* slots whose bit is set */
    size_t retired;
    size_t most;       /* slots that there may be                                                */
    size_t chunk;      /* objects of a run                                                       */
    char *next_object; /* stable storage: where the next slot's object will be                   */
    size_t
        objects_left; /* in the run that it is in                                               */
    void *last_run;   /* the run that was taken last                                            */
    size_t run_count;
    void *bits; /* the bitmap of free slots                                               */
    tarn_region entry_region, object_region;
    size_t
        held; /* bytes taken from the source                                                     */
    uint64_t failures;
    size_t object_size, align;
    uint32_t flags;
    uintptr_t owner;
    tarn_source *source; /* NULL: the caller's buffer */
    tarn_parent_source own_source;
    bool (*init)(void *user, void *object);
    void (*fini)(void *user, void *object);
    void *user;
    const char *name;
    tarn_why why;
    tarn_region home;         /* where tarn_slots_create put this struct          */
    void *bitmap[10];         /* what `bits` points to                            */
    tarn_slots_entry none[2]; /* the entries of a table without any       */
    uint64_t ready[TARN_SLOTS_READY];
} tarn_slots;

/* Sees one live object; false ends the walk. */
typedef bool tarn_slots_visitor(void *user, tarn_slot slot, void *object);

/* ── Life cycle ── */

/**
 * tarn_slots_init - set up a table in the caller's struct, which then stays where it is.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (no object size; more than one of source, parent and buffer; bits that
 *          do not add up; a tag that does not fit; a capacity together with a limit or chunk, or any
 *          of the three beyond what the index can tell apart), TARN_BAD_ALIGN, TARN_TOO_BIG,
 *          TARN_NO_MEMORY, TARN_LIMIT (the buffer holds fewer objects than capacity; tarn_slots_why
 *          tells how many it holds). The table must not be used then.
 * Threads  one.
 * Cost     O(1); one call of the source for a table with a capacity, none for one that grows.
 */
TARN_API tarn_status tarn_slots_init(tarn_slots *slots, const tarn_slots_options *options);

/**
 * tarn_slots_deinit - fini runs on the live objects, and all memory goes back.
 *
 * A call afterwards is a fault: use after deinit.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(chunks); O(slots) with a fini.
 */
TARN_API void tarn_slots_deinit(tarn_slots *slots);

/**
 * tarn_slots_create - a table whose state, too, comes from where its memory comes from.
 *
 * Returns  the table, to be destroyed with tarn_slots_destroy; *status (when not NULL) is TARN_OK.
 * Fails    NULL, and *status as tarn_slots_init; TARN_BAD_ARGUMENT also with a buffer.
 * Threads  one.
 * Cost     as tarn_slots_init, and one more call of the source.
 */
TARN_API TARN_MUST_USE tarn_slots *tarn_slots_create(const tarn_slots_options *options,
                                                     tarn_status *status);

/**
 * tarn_slots_destroy - deinit what tarn_slots_create made, and give its state back. NULL is ignored.
 *
 * Fails    never.
 * Threads  one.
 * Cost     as tarn_slots_deinit.
 */
TARN_API void tarn_slots_destroy(tarn_slots *slots);

/**
 * tarn_slots_bytes - the size of a buffer for a number of objects, wherever it lies.
 *
 * Units    object_size, align in bytes (align 0: the default of tarn_slots_options); objects in
 *          objects.
 * Returns  bytes.
 * Fails    0 when object_size is 0, align is no power of two, or the result overflows.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API size_t tarn_slots_bytes(size_t object_size, size_t align, size_t objects, bool compact);

/* ── Objects ── */

/**
 * tarn_slots_alloc_slow - what tarn_slots_alloc does when no handle is ready, or an alloc is
 * more than that; call tarn_slots_alloc.
 *
 * Returns  as tarn_slots_alloc.
 * Fails    as tarn_slots_alloc.
 * Threads  one at a time per table.
 * Cost     O(1): at most 64 slots are looked up. O(slots) and two calls of the source when the table
 *          grows.
 */
TARN_API tarn_slot tarn_slots_alloc_slow(tarn_slots *slots, void **object);

/**
 * tarn_slots_resolve_slow - what tarn_slots_resolve does out of the ordinary; call
 * tarn_slots_resolve.
 *
 * Returns  as tarn_slots_resolve.
 * Fails    as tarn_slots_resolve.
 * Threads  one at a time per table.
 * Cost     O(1).
 */
TARN_API void *tarn_slots_resolve_slow(const tarn_slots *slots, tarn_slot slot);

/**
 * tarn_slots_free_slow - what tarn_slots_free does out of the ordinary; call tarn_slots_free.
 *
 * Returns  as tarn_slots_free.
 * Fails    as tarn_slots_free.
 * Threads  one at a time per table.
 * Cost     O(1).
 */
TARN_API tarn_status tarn_slots_free_slow(tarn_slots *slots, tarn_slot slot);

/**
 * tarn_slots_entry_of - the entry that a handle leads to, whatever the number: there is one. For the
 * inlined functions.
 *
 * Returns  the entry; its key is the handle when that stands for a live object.
 * Fails    never.
 * Threads  as tarn_slots_resolve.
 * Cost     O(1).
 */
static TARN_FAST tarn_slots_entry *tarn_slots_entry_of(const tarn_slots *slots, tarn_slot slot)
{
    return &slots->entries[(size_t)(slot & slots->reach)];
}

/**
 * tarn_slots_alloc - a new object and its handle.
 *
 * Returns  the handle, never 0, never one that was given before (but see `wrap`); the object's
 *          address in *object, when object is not NULL. Its contents are undefined, or as init left
 *          them. The address is good until the object's free in stable storage, until the next alloc
 *          or free in compacting storage.
 * Fails    0, and *object as it was: no more memory, TARN_LIMIT (the capacity, the limit or the index
 *          is used up, by retired slots too), init refused (TARN_NO_MEMORY). Nothing has changed;
 *          tarn_slots_why tells the reason.
 * Threads  one at a time per table.
 * Cost     O(1), inline; one call in 64 at most goes to tarn_slots_alloc_slow. O(slots) when the list
 *          of entries doubles (they are copied, 16 bytes each), or compacting storage does.
 */
TARN_MUST_USE static TARN_FAST tarn_slot tarn_slots_alloc(tarn_slots *slots, void **object)
{
    uint64_t *top = slots->top;
    if (TARN_UNLIKELY(top == slots->empty))
        return tarn_slots_alloc_slow(slots, object);
    const tarn_slot slot = *top;
    tarn_slots_entry *entry = tarn_slots_entry_of(slots, slot);
    slots->top = top + 1;
    entry->key = slot;
    if (object != NULL)
        *object = entry->object;
    return slot;
}

/**
 * tarn_slots_resolve - the object that a handle stands for.
 *
 * Returns  its address; see tarn_slots_alloc for how long it is good.
 * Fails    NULL when the object is gone, or the handle was never given by this table: any number may
 *          be passed. A handle of another table is refused when their tags differ.
 * Threads  one at a time per table; any number when nobody allocates or frees.
 * Cost     O(1), inline.
 */
TARN_MUST_USE static TARN_FAST void *tarn_slots_resolve(const tarn_slots *slots, tarn_slot slot)
{
    const tarn_slots_entry *entry = tarn_slots_entry_of(slots, slot);
    return TARN_LIKELY(entry->key == slot) ? entry->object : tarn_slots_resolve_slow(slots, slot);
}

/**
 * tarn_slots_free - an object goes; all copies of its handle are stale from now on.
 *
 * Returns  TARN_OK.
 * Fails    TARN_STALE when the handle stands for no live object of this table; nothing has changed.
 * Threads  one at a time per table.
 * Cost     O(1), inline in stable storage without a fini; else a call, and a copy of one object.
 */
static TARN_FAST tarn_status tarn_slots_free(tarn_slots *slots, tarn_slot slot)
{
    uint64_t *top = slots->top;
    const uint64_t next = slot + slots->step;
    tarn_slots_entry *entry = tarn_slots_entry_of(slots, slot);
    if (TARN_UNLIKELY(top == slots->full || entry->key != slot || (next & slots->gens) == 0))
        return tarn_slots_free_slow(slots, slot); /* the last: its generations are used up */
    entry->key = 0;
    *--top = next;
    slots->top = top;
    return TARN_OK;
}

/* NOLINTBEGIN(bugprone-macro-parentheses): T is a type */
/**
 * TARN_SLOTS_OF - the three for objects of type T, as functions name_alloc, name_resolve and
 * name_free, without casts.
 *
 *     TARN_SLOTS_OF(unit, struct unit)
 *     tarn_slots_init(&table, &(tarn_slots_options){TARN_SLOTS_TYPE(struct unit)});
 *     struct unit *u;
 *     tarn_slot h = unit_alloc(&table, &u);
 *
 * The table must have been made for objects of that type: TARN_SLOTS_TYPE(T).
 *
 * Returns  as tarn_slots_alloc, tarn_slots_resolve, tarn_slots_free.
 * Fails    as these.
 * Threads  as these.
 * Cost     as these.
 */
#define TARN_SLOTS_OF(name, T)                                                                     \
    __attribute__((unused)) static inline tarn_slot name##_alloc(tarn_slots *slots_, T **object_)  \
    {                                                                                              \
        void *place_ = NULL;                                                                       \
        const tarn_slot slot_ = tarn_slots_alloc(slots_, &place_);                                 \
        if (slot_ != 0)                                                                            \
            *object_ = TARN_CAST_(T *, place_);                                                    \
        return slot_;                                                                              \
    }                                                                                              \
    __attribute__((unused)) static inline T *name##_resolve(const tarn_slots *slots_,              \
                                                            tarn_slot slot_)                       \
    {                                                                                              \
        return TARN_CAST_(T *, tarn_slots_resolve(slots_, slot_));                                 \
    }                                                                                              \
    __attribute__((unused)) static inline tarn_status name##_free(tarn_slots *slots_,              \
                                                                  tarn_slot slot_)                 \
    {                                                                                              \
        return tarn_slots_free(slots_, slot_);                                                     \
    }

/* NOLINTEND(bugprone-macro-parentheses) */

/* The options of a table for objects of type T, to be written in braces. */
#ifdef __cplusplus
#define TARN_SLOTS_TYPE(T) sizeof(T), alignof(T)
#else
#define TARN_SLOTS_TYPE(T) .object_size = sizeof(T), .align = _Alignof(T)
#endif

/* ── All of them ── */

/**
 * tarn_slots_each - see every live object once: in the order of their slots in stable storage, from
 * the last place to the first in compacting storage. The visitor may free the one it sees, and may
 * not otherwise change the table.
 *
 * Fails    never.
 * Threads  one at a time per table.
 * Cost     O(live objects + slots / 64), O(live objects) in compacting storage.
 */
TARN_API void tarn_slots_each(tarn_slots *slots, tarn_slots_visitor *see, void *user);

/**
 * tarn_slots_count - how many objects live.
 *
 * Returns  objects.
 * Fails    never.
 * Threads  one at a time per table.
 * Cost     O(1).
 */
static inline size_t tarn_slots_count(const tarn_slots *slots)
{
    return slots->carved - slots->free - slots->retired - slots->hidden -
           (size_t)(slots->empty - slots->top);
}

/**
 * tarn_slots_array - the objects of compacting storage: an array without holes.
 *
 * Units    *count in objects.
 * Returns  the first object, and their number in *count; good until the next alloc or free.
 * Fails    NULL and 0 in stable storage, and before the first alloc.
 * Threads  one at a time per table.
 * Cost     O(1).
 */
static inline void *tarn_slots_array(const tarn_slots *slots, size_t *count)
{
    *count = slots->owners != NULL ? tarn_slots_count(slots) : 0;
    return slots->objects;
}

/**
 * tarn_slots_at - the handle of an object in compacting storage, by its place in the array.
 *
 * Units    place in objects, from 0.
 * Returns  the handle.
 * Fails    0 when there is no such place, and in stable storage.
 * Threads  one at a time per table.
 * Cost     O(1).
 */
static inline tarn_slot tarn_slots_at(const tarn_slots *slots, size_t place)
{
    return slots->owners != NULL && place < tarn_slots_count(slots)
               ? slots->entries[slots->owners[place]].key
               : 0;
}

/**
 * tarn_slots_retired - how many slots are out of generations and will not be used again.
 *
 * Returns  slots; always 0 with `wrap`.
 * Fails    never.
 * Threads  one at a time per table.
 * Cost     O(1).
 */
static inline size_t tarn_slots_retired(const tarn_slots *slots)
{
    return slots->retired;
}

/**
 * tarn_slots_reset - all objects go at once, all handles are stale, memory is kept.
 *
 * Fails    never.
 * Threads  one at a time per table.
 * Cost     O(slots).
 */
TARN_API void tarn_slots_reset(tarn_slots *slots);

/**
 * tarn_slots_trim - idle memory back: in stable storage the chunks behind the last one with a live
 * object, in compacting storage what is beyond the slots in use. Stale handles stay stale.
 *
 * Returns  bytes given back.
 * Fails    0 when there is nothing to give, or the table does not grow.
 * Threads  one at a time per table.
 * Cost     O(slots).
 */
TARN_API size_t tarn_slots_trim(tarn_slots *slots);

/**
 * tarn_slots_check - verify every key, the list of free slots and the places.
 *
 * Returns  TARN_OK when all invariants hold.
 * Fails    TARN_CORRUPT.
 * Threads  one at a time per table.
 * Cost     O(slots).
 */
TARN_API tarn_status tarn_slots_check(const tarn_slots *slots);

/**
 * tarn_slots_stats - copy the counters: live objects and bytes, bytes held and idle, chunks,
 * failures.
 *
 * Fails    never; out->known says which members mean something.
 * Threads  one at a time per table.
 * Cost     O(1).
 */
TARN_API void tarn_slots_stats(const tarn_slots *slots, tarn_stats *out);

/**
 * tarn_slots_why - the reason of the last failure.
 *
 * Returns  status, and the request that was refused; limit is in objects.
 * Fails    never.
 * Threads  one at a time per table.
 * Cost     O(1).
 */
TARN_API tarn_why tarn_slots_why(const tarn_slots *slots);

/**
 * tarn_slots_share - threads will take turns with this table, under a lock of the program's.
 *
 * Fails    never; see tarn_share.
 * Threads  one; no other may use the table meanwhile.
 * Cost     O(1).
 */
TARN_API void tarn_slots_share(tarn_slots *slots);

TARN_END_DECLS

#endif
