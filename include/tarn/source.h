/* SPDX-License-Identifier: MIT */
/*
 * source.h - where chunks are born: coarse memory, in a table of its own that no hot path touches.
 *
 * A source hands out regions and takes them back whole. Strategies (pool, arena) take a
 * tarn_source; any allocator is turned into one by tarn_parent_init. The sources here:
 *
 *     tarn_pages      the operating system: reserve, commit, purge, remap; huge pages, NUMA nodes,
 *                     populate; names in /proc/self/maps
 *     tarn_spans      pieces of another source's regions: growth by a policy, reuse, decay
 *     tarn_callbacks  the caller's functions
 *     tarn_buffer     the caller's bytes, static arrays included; handed out front to back
 *     tarn_parent     any tarn_allocator
 *     tarn_libc()     not a source but an allocator: malloc and free behind the interface
 *
 *     tarn_pages pages;
 *     tarn_pages_init(&pages, &(tarn_pages_options){.name = "index"});
 *     tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 64, .source = &pages.source});
 */
#ifndef TARN_SOURCE_H
#define TARN_SOURCE_H

#include <tarn/allocator.h>

TARN_BEGIN_DECLS

typedef struct tarn_source tarn_source;

/* What a region is. */
enum {
    TARN_REGION_ZEROED = 1u << 0,    /* every byte is 0 */
    TARN_REGION_COMMITTED = 1u << 1, /* may be touched at once, without tarn_source_commit */
    TARN_REGION_PINNED = 1u << 2,    /* never given back before the source is deinitialised */
    TARN_REGION_HUGE = 1u << 3       /* backed by, or advised for, huge pages */
};

/* A region as the source gave it: size may be more than was asked for. */
typedef struct tarn_region {
    void *ptr;
    size_t size;     /* bytes              */
    uint32_t traits; /* TARN_REGION_… bits */
} tarn_region;

/* What map is asked for. */
enum {
    /* addresses only: to be committed piece by piece; needs TARN_SOURCE_COMMIT */
    TARN_MAP_RESERVE = 1u << 0
};

/* What a source can do. */
enum {
    TARN_SOURCE_COMMIT = 1u << 0, /* TARN_MAP_RESERVE and commit                     */
    TARN_SOURCE_PURGE = 1u << 1,  /* purge gives memory back and keeps the addresses */
    TARN_SOURCE_REMAP = 1u << 2,
    TARN_SOURCE_THREADS = 1u << 3 /* any thread, every operation */
};

typedef struct tarn_source_ops {
    uint32_t abi;  /* TARN_ABI            */
    uint32_t caps; /* TARN_SOURCE_… bits  */
    tarn_status (*map)(tarn_source *, size_t size, size_t align, uint32_t flags, tarn_region *out);
    void (*unmap)(tarn_source *, void *ptr, size_t size, size_t align);
    tarn_status (*commit)(tarn_source *, void *ptr, size_t size);
    tarn_status (*purge)(tarn_source *, void *ptr, size_t size);
    tarn_status (*remap)(tarn_source *, void *ptr, size_t old_size, size_t new_size, bool may_move,
                         tarn_region *out);
    const char *(*name)(const tarn_source *);
    tarn_status (*stats)(const tarn_source *, tarn_stats *out);
    void (*deinit)(tarn_source *);
} tarn_source_ops;

/* First member of every concrete source. */
struct tarn_source {
    const tarn_source_ops *ops;
    size_t granule; /* bytes; sizes are rounded up to it, commit and purge work in it */
};

/* ── Any source ──────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_source_map - a region.
 *
 * Units    size, align in bytes; align a power of two.
 * Returns  TARN_OK and the region in out: at least size bytes, aligned.
 * Fails    TARN_NO_MEMORY, TARN_TOO_BIG, TARN_BAD_ALIGN, TARN_LIMIT, TARN_UNSUPPORTED
 *          (TARN_MAP_RESERVE without TARN_SOURCE_COMMIT); the source is unchanged, out is {NULL, 0,
 *          0}.
 * Threads  one at a time, unless TARN_SOURCE_THREADS.
 * Cost     the source's own; a few system calls for pages.
 */
TARN_API tarn_status tarn_source_map(tarn_source *s, size_t size, size_t align, uint32_t flags,
                                     tarn_region *out);

/**
 * tarn_source_unmap - a region back, whole: ptr and size as the source gave them.
 *
 * Units    size, align in bytes; align as it was asked for.
 * Fails    never; NULL is ignored.
 * Threads  as tarn_source_map.
 * Cost     the source's own.
 */
TARN_API void tarn_source_unmap(tarn_source *s, void *ptr, size_t size, size_t align);

/**
 * tarn_source_commit - make a piece of a reserved region usable; its bytes are zero.
 *
 * Units    size in bytes; ptr and size multiples of the granule.
 * Returns  TARN_OK; also where the piece was committed before.
 * Fails    TARN_NO_MEMORY, TARN_UNSUPPORTED; the piece is as it was.
 * Threads  as tarn_source_map.
 * Cost     one system call.
 */
TARN_API tarn_status tarn_source_commit(tarn_source *s, void *ptr, size_t size);

/**
 * tarn_source_purge - give the memory of a piece back to the system and keep its addresses,
 * committed.
 *
 * Units    size in bytes; ptr and size multiples of the granule.
 * Returns  TARN_OK: the piece reads as zero and costs no memory until it is touched.
 * Fails    TARN_UNSUPPORTED; the piece is as it was.
 * Threads  as tarn_source_map.
 * Cost     one system call.
 */
TARN_API tarn_status tarn_source_purge(tarn_source *s, void *ptr, size_t size);

/**
 * tarn_source_remap - give a region another size, without copying bytes.
 *
 * Units    old_size, new_size in bytes.
 * Returns  TARN_OK and the region in out; one that moved is aligned to the granule, no more.
 * Fails    TARN_NO_MEMORY, TARN_TOO_BIG, TARN_LIMIT, TARN_UNSUPPORTED; the region is as it was, out
 *          is {NULL, 0, 0}.
 * Threads  as tarn_source_map.
 * Cost     one system call.
 */
TARN_API tarn_status tarn_source_remap(tarn_source *s, void *ptr, size_t old_size, size_t new_size,
                                       bool may_move, tarn_region *out);

/**
 * tarn_source_can - has the source all of these TARN_SOURCE_… capabilities?
 *
 * Returns  true when every bit is set.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline bool tarn_source_can(const tarn_source *s, uint32_t caps)
{
    return (s->ops->caps & caps) == caps;
}

/**
 * tarn_source_name - what the source is called.
 *
 * Returns  a string that lives as long as the source.
 * Fails    never; "source" when it has none.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API const char *tarn_source_name(const tarn_source *s);

/* ── parent: any allocator as a source ───────────────────────────────────────────────────────── */

/* State of a parent source; fields are private. */
typedef struct tarn_parent_source {
    tarn_source source;
    tarn_allocator *allocator;
} tarn_parent_source;

/**
 * tarn_parent_init - see an allocator as a source. Needs no deinit.
 *
 * Regions are exactly as big as asked for and committed; they are ZEROED when the allocator has
 * TARN_CAP_ZEROED.
 *
 * Returns  &p->source.
 * Fails    never.
 * Threads  one; afterwards as the allocator.
 * Cost     O(1).
 */
TARN_API tarn_source *tarn_parent_init(tarn_parent_source *p, tarn_allocator *allocator);

/**
 * tarn_source_pick - the source that a constructor's options name, for those who write allocators:
 * source itself, parent seen through own, or libc when neither is given.
 *
 * Returns  the source; one that lies in *own when it is not the caller's.
 * Fails    NULL when both are given, or neither is and there is no libc.
 * Threads  one; afterwards as what it stands for.
 * Cost     O(1).
 */
TARN_API tarn_source *tarn_source_pick(tarn_source *source, tarn_allocator *parent,
                                       tarn_parent_source *own);

/* ── libc ────────────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_libc - malloc, free and their kin as an allocator; one for the whole process.
 *
 * Returns  the handle; it is never deinitialised.
 * Fails    NULL where there is no libc (a freestanding build).
 * Threads  any, at any time; so is the allocator.
 * Cost     O(1).
 */
TARN_API tarn_allocator *tarn_libc(void);

TARN_END_DECLS

#endif
