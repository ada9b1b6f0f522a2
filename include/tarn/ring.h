/* SPDX-License-Identifier: MIT */
/*
 * ring.h - blocks that die in the order in which they were born, over one region that is used round and round.
 *
 * For: messages, log records, audio and video frames, and whatever one thread makes and another uses up. Not
 * for: blocks that live long beside short ones (the oldest block holds up all younger ones), memory that must
 * grow.
 *
 *     tarn_ring ring;
 *     tarn_ring_init(&ring, &(tarn_ring_options){.buffer = bytes, .buffer_size = sizeof bytes});
 *     struct msg *m = tarn_ring_alloc(&ring, n, TARN_ALIGN_MAX);     the producer
 *     tarn_ring_free(&ring, m, n, TARN_ALIGN_MAX);                   the consumer
 *     tarn_ring_deinit(&ring);
 *
 *     │ free │ block │ hole │ block │ block │ free        │ left over │
 *            tail: the oldest               head          where it went round last
 *
 * Rules of its own, besides those of allocator.h:
 *
 * Q1  A block takes its size rounded up to 16 bytes, at least 16; the rounding may be used. Nothing stands
 *     between blocks, but for 16 bytes in front of those whose alignment is above 16. A block is never split:
 *     what is left at the end of the region when one does not fit there is passed over.
 * Q2  A free of the oldest block is O(1). Any other leaves a hole, which comes back when all blocks before it
 *     are gone. So TARN_CAP_FREE is clear: what is freed is not at once to be had again.
 * Q3  Two threads may work at the same time, without a lock: one producer (alloc, alloc_at_least, cancel,
 *     send, resize with TARN_IN_PLACE, why, stats) and one consumer (free, oldest). How a block comes from
 *     the one to the other is the program's: by tarn_ring_send and tarn_ring_oldest, or by anything that
 *     orders memory (a mutex, an acquire load of what was stored with release). All else, resizes that
 *     move included, is for times when only one thread is at it. A stack of layers above (stats, trace)
 *     has one thread at a time, whatever the ring allows.
 * Q4  A ring that does not check believes the sizes that it is told: there is no header to compare with.
 */
#ifndef TARN_RING_H
#define TARN_RING_H

#include <tarn/source.h>

TARN_BEGIN_DECLS

/* Bytes to which sizes are rounded, and to which a block is aligned at least. */
#define TARN_RING_GRAIN     16u
/* log2 of the grain: what needs no record in front of a block. */
#define TARN_RING_GRAIN_LOG 4u

/* How a ring is made. Zero means: the default. */
typedef struct tarn_ring_options {
    const char *name;       /* lives as long as the ring; default "ring"                      */
    tarn_source *source;    /* where the region comes from, …                                 */
    tarn_allocator *parent; /* … or the allocator it comes from; default: tarn_libc()         */
    void *buffer;           /* the region: the caller's bytes, then no source or parent       */
    size_t buffer_size;     /* bytes; see tarn_ring_bytes                                     */
    size_t capacity;        /* bytes of blocks, without a buffer; any number; default 64 KiB  */
    bool check;             /* see tarn_ring_free; default false, true with TARN_CHECKED      */
} tarn_ring_options;

/* State; fields are private. Positions are addresses of which the lowest bits say more; see ring.c. */
typedef struct tarn_ring {
    tarn_allocator allocator;
    /* the producer's */
    uintptr_t head;  /* where the next block goes                       */
    uintptr_t limit; /* how far it may go without asking                */
    uintptr_t wrap;  /* where it last went round; read by the consumer  */
    uintptr_t sent;  /* head at the last send; read by the consumer     */
    uintptr_t made;  /* when checking: head, for the consumer to judge pointers by */
    uint64_t failures;
    tarn_why why;
    size_t allocs, alloc_bytes;   /* when checking */
    size_t most, most_bytes;      /* when checking */
    uintptr_t producer, consumer; /* when checking: the threads */
    char between[64];             /* the two threads' words lie in different cache lines */
    /* the consumer's */
    uintptr_t tail;           /* the oldest block; read by the producer */
    uintptr_t lap;            /* the lowest bit of tail                 */
    size_t holes;             /* freed before their turn                */
    size_t frees, free_bytes; /* when checking; read by the producer    */
    char behind[64];
    /* neither's */
    uintptr_t low, high; /* the blocks' part of the region */
    uint64_t *starts;    /* a bit a grain: a hole starts here; the consumer's */
    uint32_t flags;
    bool created; /* the struct stands at the region's front */
    tarn_source *source;
    tarn_region region;
    const char *name;
    tarn_parent_source own_source;
} tarn_ring;

/* ── Life cycle ────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_ring_bytes - the size of a buffer for a ring of that capacity.
 *
 * Units    capacity in bytes.
 * Returns  bytes, for a buffer that is aligned to 16; a 128th more than the capacity.
 * Fails    0 when the result overflows.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API size_t tarn_ring_bytes(size_t capacity);

/**
 * tarn_ring_init - set up a ring in the caller's struct, which then stays where it is.
 *
 * options may be NULL: 64 KiB from malloc.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (more than one of source, parent and buffer; a buffer and a capacity; a buffer
 *          that is too small for 16 bytes of blocks), TARN_TOO_BIG, TARN_NO_MEMORY, TARN_LIMIT. The ring
 *          must not be used.
 * Threads  one.
 * Cost     O(capacity / 128), to clear a bit for each grain, unless the source's memory is zero; one call
 *          of the source without a buffer.
 */
TARN_API tarn_status tarn_ring_init(tarn_ring *ring, const tarn_ring_options *options);

/**
 * tarn_ring_deinit - the region back to where it came from, and all blocks with it.
 *
 * Does nothing for a ring that is dead already; using it is a fault: use after deinit.
 *
 * Fails    never.
 * Threads  one; any, also of a checking ring.
 * Cost     O(1).
 */
TARN_API void tarn_ring_deinit(tarn_ring *ring);

/**
 * tarn_ring_create - a ring that lives at the front of its own region; a buffer makes no sense.
 *
 * Returns  the ring; tarn_ring_destroy gives it back.
 * Fails    NULL: as tarn_ring_init; the reason is in *status, which may be NULL.
 * Threads  one.
 * Cost     as tarn_ring_init.
 */
TARN_API TARN_MUST_USE tarn_ring *tarn_ring_create(const tarn_ring_options *options,
                                                   tarn_status *status);

/**
 * tarn_ring_destroy - deinit, and the ring's own memory back; NULL is ignored.
 *
 * Fails    never.
 * Threads  one.
 * Cost     as tarn_ring_deinit.
 */
TARN_API void tarn_ring_destroy(tarn_ring *ring);

/* ── Blocks ────────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_ring_alloc_slow - what tarn_ring_alloc does out of the ordinary; call tarn_ring_alloc.
 *
 * Units    size in bytes.
 * Returns  as tarn_ring_alloc.
 * Fails    as tarn_ring_alloc.
 * Threads  the producer.
 * Cost     O(1).
 */
TARN_API TARN_MUST_USE void *tarn_ring_alloc_slow(tarn_ring *ring, size_t size, tarn_spec spec);

/**
 * tarn_ring_alloc - a block, the youngest.
 *
 * Units    size in bytes.
 * Returns  a block, aligned as spec asks and to 16 at least; zeroed with TARN_ZERO.
 * Fails    NULL, the ring is unchanged: TARN_LIMIT (it is full, for a block of this size), TARN_TOO_BIG (for
 *          the whole ring), TARN_BAD_ALIGN.
 * Threads  the producer.
 * Cost     O(1): inline up to alignment 16 while the room is known; a call when the consumer is to be asked
 *          for more of it, where the region ends, above that alignment, and where the ring checks.
 */
TARN_MUST_USE TARN_ALLOC_SIZE(2) static TARN_FAST
    void *tarn_ring_alloc(tarn_ring *ring, size_t size, tarn_spec spec)
{
    const uintptr_t p = ring->head;
    /* Both are multiples of the grain: a size that fits still does when it is rounded up. */
    if (TARN_LIKELY((spec & TARN_ALIGN_BITS) <= TARN_RING_GRAIN_LOG &&
                    size - 1 < ring->limit - p)) {
        void *block = (void *)p; /* NOLINT(performance-no-int-to-ptr) */
        ring->head = p + ((size + (TARN_RING_GRAIN - 1)) & ~(size_t)(TARN_RING_GRAIN - 1));
        if ((spec & TARN_ZERO) != 0 && size <= PTRDIFF_MAX) /* it is, but gcc cannot know */
            (void)__builtin_memset(block, 0, size);
        return block;
    }
    return tarn_ring_alloc_slow(ring, size, spec);
}

/**
 * tarn_ring_free_slow - what tarn_ring_free does out of the ordinary; call tarn_ring_free.
 *
 * Units    size in bytes.
 * Fails    as tarn_ring_free.
 * Threads  the consumer.
 * Cost     O(1) and O(1) for each hole that comes back.
 */
TARN_API void tarn_ring_free_slow(tarn_ring *ring, void *block, size_t size, tarn_spec spec);

/**
 * tarn_ring_free - a block back; NULL is ignored.
 *
 * A ring that checks keeps a guard in front of each block and sees these faults: foreign pointer, interior
 * pointer, double free, wrong size, wrong alignment, corruption of a guard, wrong thread (a second
 * producer, or a second consumer).
 *
 * Units    size in bytes: any from the one asked for to that rounded up to 16.
 * Fails    never.
 * Threads  the consumer.
 * Cost     O(1) for the oldest block, inline, while there is no hole; else a call, and O(1) for each hole that
 *          comes back.
 */
static TARN_FAST void tarn_ring_free(tarn_ring *ring, void *block, size_t size, tarn_spec spec)
{
    /* From the block's address and not from the tail, so that frees in a row need not wait for each other.
     * Any other bit in the tail says that the slow way must be taken. */
    const uintptr_t here = (uintptr_t)block + ring->lap;
    if (TARN_LIKELY((spec & TARN_ALIGN_BITS) <= TARN_RING_GRAIN_LOG && size != 0 &&
                    here == __atomic_load_n(&ring->tail, __ATOMIC_RELAXED))) {
        __atomic_store_n(&ring->tail,
                         here + ((size + (TARN_RING_GRAIN - 1)) & ~(size_t)(TARN_RING_GRAIN - 1)),
                         __ATOMIC_RELEASE);
        return;
    }
    tarn_ring_free_slow(ring, block, size, spec);
}

/**
 * tarn_ring_get - tarn_ring_alloc, under the name that every concrete allocator has it.
 *
 * Units    size in bytes.
 * Returns  as tarn_ring_alloc.
 * Fails    as tarn_ring_alloc.
 * Threads  the producer.
 * Cost     as tarn_ring_alloc.
 */
TARN_MUST_USE TARN_ALLOC_SIZE(2) static TARN_FAST
    void *tarn_ring_get(tarn_ring *ring, size_t size, tarn_spec spec)
{
    return tarn_ring_alloc(ring, size, spec);
}

/**
 * tarn_ring_put - tarn_ring_free, under the name that every concrete allocator has it.
 *
 * Units    size in bytes, as tarn_ring_free.
 * Fails    never.
 * Threads  the consumer.
 * Cost     as tarn_ring_free.
 */
static TARN_FAST void tarn_ring_put(tarn_ring *ring, void *block, size_t size, tarn_spec spec)
{
    tarn_ring_free(ring, block, size, spec);
}

/**
 * tarn_ring_cancel - the youngest block back, by the producer: as if it had not been allocated.
 *
 * Not for a block that the consumer has seen, or that has been sent.
 *
 * Units    size in bytes, as tarn_ring_free.
 * Returns  true.
 * Fails    false, nothing has changed: it is not the youngest block. A checking ring sees the faults of
 *          tarn_ring_free.
 * Threads  the producer.
 * Cost     O(1).
 */
TARN_API bool tarn_ring_cancel(tarn_ring *ring, void *block, size_t size, tarn_spec spec);

/**
 * tarn_ring_resize - give a block another size; the flags are those of tarn_resize.
 *
 * The youngest block grows and shrinks in place, by the producer, as long as the consumer has not seen
 * it. Any other is copied, which frees it: for times when only one thread is at it. Within the rounding
 * every block stays.
 *
 * Units    old_size, new_size, keep in bytes; keep <= the smaller of the two sizes.
 * Returns  the block, its first keep bytes as they were.
 * Fails    NULL, the block is untouched: TARN_UNSUPPORTED (spec forbids what it would take), or as
 *          tarn_ring_alloc.
 * Threads  the producer with TARN_IN_PLACE; else one at a time.
 * Cost     O(1) in place, else O(keep).
 */
TARN_API TARN_MUST_USE void *tarn_ring_resize(tarn_ring *ring, void *block, size_t old_size,
                                              size_t new_size, size_t keep, tarn_spec spec);

/* ── As a queue ────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_ring_send - let the consumer see all blocks allocated so far, and what is in them.
 *
 * Fails    never.
 * Threads  the producer.
 * Cost     O(1), one store.
 */
TARN_API void tarn_ring_send(tarn_ring *ring);

/**
 * tarn_ring_oldest - the oldest block that was sent and is not freed.
 *
 * How big it is the block itself has to say. For rings whose blocks are all of an alignment of 16 at most.
 *
 * Returns  the block; the same again until it is freed.
 * Fails    NULL when there is none.
 * Threads  the consumer.
 * Cost     O(1).
 */
TARN_API void *tarn_ring_oldest(tarn_ring *ring);

/* ── The whole ring ────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_ring_reset - all blocks back.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(1); O(capacity / 128) when there are holes; O(blocks) when checking.
 */
TARN_API void tarn_ring_reset(tarn_ring *ring);

/**
 * tarn_ring_capacity - what the ring holds when it is empty.
 *
 * Returns  bytes: a block of that many with an alignment of 16 at most can be had, but for what a checking
 *          ring puts in front of it.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline size_t tarn_ring_capacity(const tarn_ring *ring)
{
    return ring->high - ring->low;
}

/**
 * tarn_ring_used - what lies between the oldest and the youngest block, holes and what was passed over
 * included.
 *
 * Returns  bytes; while a consumer is at work, no less than is true at the end of the call.
 * Fails    never.
 * Threads  the producer.
 * Cost     O(1).
 */
TARN_API size_t tarn_ring_used(const tarn_ring *ring);

/**
 * tarn_ring_allocator - the ring behind the interface; the threads are those of Q3.
 *
 * A ring that checks can also visit, the oldest block first, and counts live blocks and their peak.
 *
 * Returns  the handle; it lives as long as the ring.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_ring_allocator(tarn_ring *ring)
{
    return &ring->allocator;
}

TARN_END_DECLS

#endif
