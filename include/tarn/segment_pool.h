/* SPDX-License-Identifier: MIT */
/*
 * segment_pool.h - a pool of equal blocks that lies in shared memory, metadata and all.
 *
 * For: blocks that several processes allocate and free, each of which sees the memory at another
 * address; memory that outlives the process. Not for: one process alone; pool.h is several times
 * faster and grows. Most programs make these through segment.h, which adds names, a file, a lock and the
 * detection of deaths; alone it needs no more than a piece of memory that is shared already:
 *
 *     static _Alignas(64) unsigned char place[65536];
 *     tarn_segment_pool_options how = {.block_size = 48, .capacity = 1000, .zeroed = true};
 *     tarn_segment_pool_format(place, sizeof place, &how);              one process, once
 *     tarn_segment_pool pool;
 *     tarn_segment_pool_init(&pool, place, sizeof place, 2, "parts");   each process; here: number 2
 *     void *b = tarn_segment_pool_alloc(&pool);
 *
 *     place
 *     │ header │ full: a bit a word │ map: a bit a block, 1 = live │ marks: whose │ blocks … │
 *
 * No lock is taken and nothing in the memory is an address. The one truth is the map: a block
 * changes hands by one atomic instruction on it, so a process that is killed anywhere leaves every
 * block either free or out, and nobody waits for it. The mark of a block tells whose it is; a block
 * that was caught on its way has mark 0 and is freed by tarn_segment_pool_recover.
 */
#ifndef TARN_SEGMENT_POOL_H
#define TARN_SEGMENT_POOL_H

#include <tarn/allocator.h>

TARN_BEGIN_DECLS

/* Bytes to which a place is aligned. */
#define TARN_SEGMENT_ALIGN     64u
/* The largest alignment of a block. */
#define TARN_SEGMENT_ALIGN_MAX 4096u
/* The mark of a block that belongs to no process in particular. Those of processes are higher. */
#define TARN_SEGMENT_ANYONE    1u

typedef struct tarn_segment_pool_options {
    size_t block_size; /* bytes                                                                */
    size_t align;      /* of a block, up to 4096; default: what block_size allows, up to 16    */
    size_t capacity;   /* blocks                                                               */
    bool zeroed;       /* the place is all zero: then only its header is written               */
} tarn_segment_pool_options;

/* One process's view of a pool; fields are private. Any thread of the process may use it. */
typedef struct tarn_segment_pool {
    tarn_allocator allocator;
    const char *name;
    char *blocks;
    size_t *full; /* hints: a bit for each word of the map that had no free block     */
    size_t *map;  /* a bit for each block: it is live                                 */
    uint32_t *marks;
    size_t block_size, stride, capacity, words;
    size_t cursor; /* word where the last block was taken or freed, from here          */
    size_t failures;
    uint32_t owner;
    uint32_t failed_status, failed_log;
    size_t failed_size;
} tarn_segment_pool;

/* Sees one live block and its mark; false ends the visit. */
typedef bool tarn_segment_visitor(void *user, void *block, uint32_t mark);

/* ── The memory ────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_segment_pool_bytes - how much memory a pool takes, all of it.
 *
 * Units    block_size, align in bytes, capacity in blocks, as in the options.
 * Returns  bytes.
 * Fails    0: there can be no such pool.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API size_t tarn_segment_pool_bytes(size_t block_size, size_t align, size_t capacity);

/**
 * tarn_segment_pool_format - make a pool of a piece of memory, which is aligned to 64 bytes and to
 * the blocks' alignment. Nobody else uses it yet.
 *
 * Units    bytes: of the place; tarn_segment_pool_bytes or more.
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (no capacity; the place is too small), TARN_BAD_ALIGN (of options or
 *          place); nothing is written.
 * Threads  one.
 * Cost     O(capacity); O(1) when the place is zero already.
 */
TARN_API tarn_status tarn_segment_pool_format(void *place, size_t bytes,
                                              const tarn_segment_pool_options *options);

/* ── A view ────────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_segment_pool_init - see a pool that lies in a place. The view needs no deinit.
 *
 * Units    bytes: of the place; owner: the number with which blocks are marked that are taken
 *          through this view, TARN_SEGMENT_ANYONE or higher. name lives as long as the view.
 * Returns  TARN_OK.
 * Fails    TARN_CORRUPT (no such pool lies there, or its header is damaged), TARN_BAD_ARGUMENT (owner
 *          0), TARN_BAD_ALIGN (the place).
 * Threads  one; afterwards any thread may use the view.
 * Cost     O(1).
 */
TARN_API tarn_status tarn_segment_pool_init(tarn_segment_pool *p, void *place, size_t bytes,
                                            uint32_t owner, const char *name);

/**
 * tarn_segment_pool_recover - after a process was killed: free the blocks that it had on their way,
 * neither with it nor free, and mend the hints.
 *
 * Units    *freed in blocks; freed may be NULL.
 * Returns  TARN_OK, and how many blocks were freed.
 * Fails    TARN_CORRUPT: the map and the marks do not fit; nothing is changed.
 * Threads  nobody else, in any process, may use the pool.
 * Cost     O(capacity).
 */
TARN_API tarn_status tarn_segment_pool_recover(tarn_segment_pool *p, size_t *freed);

/**
 * tarn_segment_pool_sum - a checksum of what changes: map and marks, not the blocks.
 *
 * Returns  the sum.
 * Fails    never.
 * Threads  nobody may allocate or free meanwhile.
 * Cost     O(capacity).
 */
TARN_API uint64_t tarn_segment_pool_sum(const tarn_segment_pool *p);

/* ── Blocks ────────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_segment_pool_alloc - take one block, marked with the view's owner.
 *
 * Returns  a block; contents undefined.
 * Fails    NULL: every block is out (TARN_LIMIT).
 * Threads  any thread of any process.
 * Cost     two atomic instructions near the last one; when that neighbourhood is full a search,
 *          O(capacity / 4096) of words, O(capacity / 64) before NULL. Never waits.
 */
TARN_API TARN_MUST_USE void *tarn_segment_pool_alloc(tarn_segment_pool *p);

/**
 * tarn_segment_pool_free - a block back, whoever took it; NULL is ignored.
 *
 * Always seen: a foreign pointer, an interior pointer, a double free. These are faults.
 *
 * Fails    never.
 * Threads  any thread of any process.
 * Cost     one or two atomic instructions. Never waits.
 */
TARN_API void tarn_segment_pool_free(tarn_segment_pool *p, void *block);

/**
 * tarn_segment_pool_publish - the block is linked into what the processes share: mark it as
 * anyone's. What its process leaves behind without this is listed as orphaned when it dies.
 *
 * Fails    never; faults as tarn_segment_pool_free.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API void tarn_segment_pool_publish(tarn_segment_pool *p, void *block);

/**
 * tarn_segment_pool_visit - see every live block with its mark, in the order of addresses. The
 * visitor may free the block it sees. Blocks with mark 0 are on their way just now.
 *
 * Fails    never.
 * Threads  any; of blocks that others take or free meanwhile, some are seen.
 * Cost     O(capacity / 64 + live blocks).
 */
TARN_API void tarn_segment_pool_visit(tarn_segment_pool *p, tarn_segment_visitor *see, void *user);

/**
 * tarn_segment_pool_allocator - the view as an allocator. Its reset frees every block, whoever has
 * it; its why is that of this view.
 *
 * Returns  the handle; it lives as long as the view.
 * Fails    never.
 * Threads  any; so is the allocator.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_segment_pool_allocator(tarn_segment_pool *p)
{
    return &p->allocator;
}

TARN_END_DECLS

#endif
