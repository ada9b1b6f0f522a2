/* SPDX-License-Identifier: MIT */
/*
 * range.h - offsets in a space that one may not touch: memory of a GPU, pieces of a file, shared
 * memory that lies elsewhere in each process, identifiers.
 *
 * For: deciding who has which part of something. Not for: memory that the program itself uses
 * (tlsf, pool and the others keep their state in it, or hand out pointers).
 *
 *     tarn_space space;
 *     tarn_space_init(&space, &(tarn_space_options){.units = 1 << 30, .name = "file"});
 *     tarn_range_block b;
 *     if (tarn_range_alloc(&space.range, 5000, 512, 0, &b) == TARN_OK)
 *         pwrite(fd, bytes, 5000, b.offset);
 *     tarn_range_free(&space.range, b.id);
 *     tarn_space_deinit(&space);
 *
 * Nothing is ever read or written at an offset; what is known of it stands elsewhere, in memory
 * from any allocator:
 *
 *     the space    │ live │ live │ free       │ live │ free │ live │ free                        │
 *                     ▲      ▲                   ▲             ▲
 *     metadata      node ── node ── node ─────  node ─ node ─ node ─ node     in libc's memory,
 *                     ▲                                                       a pool's, …
 *     the caller     id: node and stamp; a freed or invented one is told
 *
 * A tarn_range is to a tarn_space what a tarn_allocator is to a pool: a table of operations that
 * others can stand behind, too. Batches, statistics, the JSON map and defragmentation are made of
 * that table, so they work on every range (defrag.h has the last one).
 */
#ifndef TARN_RANGE_H
#define TARN_RANGE_H

#include <tarn/allocator.h>

TARN_BEGIN_DECLS

/* The largest space: its end, too, is at most this. Offsets are below it. */
#define TARN_RANGE_UNITS_MAX ((uint64_t)1 << 63)

/* Any range, erased: one pointer. */
typedef struct tarn_range tarn_range;

/* Which block. 0 is none. Stays the same when the block is moved. */
typedef uint64_t tarn_range_id;

/* How a block is wanted. At most one of the first four; 0: good fit, then any free run that fits. */
enum {
    TARN_RANGE_FAST = 1u << 0, /* looks at a bounded number of free runs, may miss one that fits  */
    TARN_RANGE_BEST = 1u << 1, /* the smallest free run that fits                                 */
    TARN_RANGE_LOW = 1u << 2,  /* the lowest offset that fits                                     */
    TARN_RANGE_HIGH = 1u << 3, /* from the upper end downwards                                    */
    TARN_RANGE_ALL = 1u << 4   /* alloc_batch: all or nothing                                     */
};

/* A block, or a free run: then id is 0. */
typedef struct tarn_range_block {
    uint64_t offset; /* units */
    uint64_t size;   /* units; at least the size asked for */
    tarn_range_id id;
    void *user; /* the caller's; NULL unless it was set */
} tarn_range_block;

/* All that can be said about a block that is wanted. Zero means: the default. */
typedef struct tarn_range_request {
    uint64_t size;  /* units, at least 1 */
    uint64_t align; /* units, a power of two; default 1 */
    uint64_t below; /* the block must end at or below this offset; default: the end of the space */
    void *user;     /* kept with the block */
    uint32_t flags; /* TARN_RANGE_… */
    uint32_t run;   /* a place reserved for a move of this defragmentation; default: none */
} tarn_range_request;

/* Counters. The first six cost nothing to get; the others are found by a walk. */
typedef struct tarn_range_stats {
    uint64_t units; /* of the space */
    uint64_t live_blocks, live_units;
    uint64_t peak_units; /* most that were live at a time */
    uint64_t failures;   /* requests that were refused */
    size_t metadata;     /* bytes */
    uint64_t free_runs, free_units;
    uint64_t largest_free;                /* units */
    uint64_t smallest_live, largest_live; /* units, 0 when nothing is live */
    uint32_t fragmentation; /* thousandths of the free units that are not in the largest free run */
} tarn_range_stats;

/* The last failure of a range. */
typedef struct tarn_range_why {
    tarn_status status;
    uint64_t size, align; /* units asked for */
    uint64_t free_units;  /* that were there, in one piece or in many */
} tarn_range_why;

/* Sees one live block or free run, in the order of offsets; false ends the visit. */
typedef bool tarn_range_visitor(void *user, const tarn_range_block *run);

/* What a range can do beside alloc, free, look, stats, visit. */
enum {
    TARN_RANGE_CAP_BEST = 1u << 0, /* the flags of that name */
    TARN_RANGE_CAP_LOW = 1u << 1,
    TARN_RANGE_CAP_HIGH = 1u << 2,
    TARN_RANGE_CAP_BOUNDED =
        1u << 3,                    /* free, and alloc with FAST, take a bounded number of steps  */
    TARN_RANGE_CAP_STALE = 1u << 4, /* an id of a freed block is refused for good                 */
    TARN_RANGE_CAP_MOVE =
        1u << 5 /* begin, exchange, before: defragmentation                      */
};

/*
 * The third table. Entries from `set_user` on may be NULL; new ones come at the end. A call that
 * fails changes nothing.
 */
typedef struct tarn_range_ops {
    size_t bytes; /* sizeof(tarn_range_ops) where the table was compiled */
    uint32_t abi; /* TARN_ABI */
    uint32_t caps;
    tarn_status (*alloc)(tarn_range *, const tarn_range_request *, tarn_range_block *out);
    tarn_status (*free)(tarn_range *, tarn_range_id);
    tarn_status (*look)(const tarn_range *, tarn_range_id, tarn_range_block *out);
    /* The first six members; the others are 0. */
    void (*stats)(const tarn_range *, tarn_range_stats *out);
    /* Runs cover the space: no two free ones side by side, none of size 0. */
    void (*visit)(const tarn_range *, tarn_range_visitor *see, void *user);
    tarn_status (*set_user)(tarn_range *, tarn_range_id, void *user);
    tarn_status (*check)(const tarn_range *);
    tarn_range_why (*why)(const tarn_range *);
    const char *(*name)(const tarn_range *);
    void (*reset)(tarn_range *);
    void (*deinit)(tarn_range *);
    void (*share)(tarn_range *);
    /* The number of a new defragmentation: 1 to 2^26 - 1, in turn. */
    uint32_t (*begin)(tarn_range *);
    /* Two blocks of one size change places; the first is marked as moved in that run. */
    tarn_status (*exchange)(tarn_range *, tarn_range_id, tarn_range_id reserved, uint32_t run);
    /* The last live block that starts below an offset and was neither moved nor reserved in that
     * run, and the alignment it was asked for with; false when there is none. */
    bool (*before)(tarn_range *, uint64_t offset, uint32_t run, tarn_range_block *out,
                   uint64_t *align);
} tarn_range_ops;

/* First member of every concrete range. */
struct tarn_range {
    const tarn_range_ops *ops;
};

/* ── Blocks of any range ─────────────────────────────────────────────────────────────────────── */

/**
 * tarn_range_serve - a block, as a request describes it.
 *
 * Returns  TARN_OK and the block in *out.
 * Fails    TARN_BAD_ARGUMENT (size 0, flags that contradict each other), TARN_BAD_ALIGN (no power of
 *          two), TARN_TOO_BIG (more than the space has), TARN_LIMIT (no free run fits now, or as many
 *          blocks as max_blocks are live), TARN_NO_MEMORY (metadata), TARN_UNSUPPORTED (a flag that
 *          this range does not know); the range is unchanged and *out all zero.
 * Threads  one at a time per range.
 * Cost     the range's own; see tarn_space_init.
 */
static inline tarn_status tarn_range_serve(tarn_range *r, const tarn_range_request *request,
                                           tarn_range_block *out)
{
    return r->ops->alloc(r, request, out);
}

/**
 * tarn_range_alloc - a block of `size` units whose offset is a multiple of align.
 *
 * Units    size, align in the space's units; align 0 is 1.
 * Returns  TARN_OK and the block in *out.
 * Fails    as tarn_range_serve.
 * Threads  one at a time per range.
 * Cost     as tarn_range_serve.
 */
static inline tarn_status tarn_range_alloc(tarn_range *r, uint64_t size, uint64_t align,
                                           uint32_t flags, tarn_range_block *out)
{
    tarn_range_request request = {size, align, 0, NULL, flags, 0};
    return r->ops->alloc(r, &request, out);
}

/**
 * tarn_range_free - a block back. 0 is ignored.
 *
 * Returns  TARN_OK.
 * Fails    TARN_STALE: no such block is live; nothing has changed. With `check` that is a fault.
 * Threads  one at a time per range.
 * Cost     the range's own.
 */
static inline tarn_status tarn_range_free(tarn_range *r, tarn_range_id id)
{
    return id == 0 ? TARN_OK : r->ops->free(r, id);
}

/**
 * tarn_range_look - where is this block, how big, whose?
 *
 * Returns  TARN_OK and the block in *out.
 * Fails    TARN_STALE; *out is all zero.
 * Threads  one at a time per range.
 * Cost     O(1); O(size) for the bitmap.
 */
static inline tarn_status tarn_range_look(const tarn_range *r, tarn_range_id id,
                                          tarn_range_block *out)
{
    return r->ops->look(r, id, out);
}

/**
 * tarn_range_set_user - a pointer to be kept with a block.
 *
 * Returns  TARN_OK.
 * Fails    TARN_STALE, TARN_NO_MEMORY (room for the pointers is taken when the first one comes),
 *          TARN_UNSUPPORTED; nothing has changed.
 * Threads  one at a time per range.
 * Cost     O(1).
 */
TARN_API tarn_status tarn_range_set_user(tarn_range *r, tarn_range_id id, void *user);

/**
 * tarn_range_alloc_batch - many blocks, each as the request says.
 *
 * Units    count in blocks.
 * Returns  how many stand in out: less than count only when the range ran out; with TARN_RANGE_ALL
 *          count or 0.
 * Fails    see Returns; tarn_range_get_why has the reason.
 * Threads  one at a time per range.
 * Cost     count times tarn_range_serve.
 */
TARN_API size_t tarn_range_alloc_batch(tarn_range *r, const tarn_range_request *request,
                                       size_t count, tarn_range_block *out);

/**
 * tarn_range_free_batch - many blocks back. Ids of 0 are passed over.
 *
 * Units    count in ids.
 * Returns  how many were freed.
 * Fails    stale ids are refused one by one, as by tarn_range_free; the others are freed.
 * Threads  one at a time per range.
 * Cost     count times tarn_range_free.
 */
TARN_API size_t tarn_range_free_batch(tarn_range *r, size_t count, const tarn_range_id *ids);

/* ── The whole range ─────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_range_can - has the range all of these TARN_RANGE_CAP_… bits?
 *
 * Returns  true when every bit of caps is set.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline bool tarn_range_can(const tarn_range *r, uint32_t caps)
{
    return (r->ops->caps & caps) == caps;
}

/**
 * tarn_range_visit - see every live block and every free run, in the order of offsets.
 *
 * The visitor may not change the range.
 *
 * Fails    never.
 * Threads  one at a time per range.
 * Cost     O(blocks); O(units / 64) for the bitmap.
 */
static inline void tarn_range_visit(const tarn_range *r, tarn_range_visitor *see, void *user)
{
    r->ops->visit(r, see, user);
}

/**
 * tarn_range_count - the counters that cost nothing: the first six; the others are 0.
 *
 * Fails    never.
 * Threads  one at a time per range.
 * Cost     O(1).
 */
static inline void tarn_range_count(const tarn_range *r, tarn_range_stats *out)
{
    r->ops->stats(r, out);
}

/**
 * tarn_range_get_stats - all counters.
 *
 * Fails    never.
 * Threads  one at a time per range.
 * Cost     as tarn_range_visit.
 */
TARN_API void tarn_range_get_stats(const tarn_range *r, tarn_range_stats *out);

/**
 * tarn_range_check - verify the range's invariants.
 *
 * Returns  TARN_OK when they hold.
 * Fails    TARN_CORRUPT; TARN_UNSUPPORTED.
 * Threads  one at a time per range.
 * Cost     as tarn_range_visit.
 */
TARN_API tarn_status tarn_range_check(const tarn_range *r);

/**
 * tarn_range_reset - all blocks back at once; metadata is kept for the next ones.
 *
 * Returns  TARN_OK.
 * Fails    TARN_UNSUPPORTED.
 * Threads  one at a time per range.
 * Cost     O(nodes in use); O(units) bits for the bitmap.
 */
TARN_API tarn_status tarn_range_reset(tarn_range *r);

/**
 * tarn_range_get_why - the reason of the last failure.
 *
 * Returns  status, and the request that was refused; status TARN_OK when nothing has failed yet.
 * Fails    never.
 * Threads  one at a time per range.
 * Cost     O(1).
 */
TARN_API tarn_range_why tarn_range_get_why(const tarn_range *r);

/**
 * tarn_range_name - what the range is called.
 *
 * Returns  a string that lives as long as the range; "range" when it has no name.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
TARN_API const char *tarn_range_name(const tarn_range *r);

/**
 * tarn_range_share - threads will take turns with this range; see tarn_share.
 *
 * Fails    never; does nothing for a range that does not look.
 * Threads  one; no other may use the range meanwhile.
 * Cost     O(1).
 */
TARN_API void tarn_range_share(tarn_range *r);

/**
 * tarn_range_deinit - tear a range down through its handle.
 *
 * Fails    never; does nothing for a range that needs none.
 * Threads  one; no other may use the range.
 * Cost     O(1).
 */
TARN_API void tarn_range_deinit(tarn_range *r);

/* Takes a piece of text; false ends the writing. */
typedef bool tarn_range_writer(void *user, const char *text, size_t length);

/**
 * tarn_range_json - the map of a range: its counters, then every live block and every free run.
 *
 *     {"name":"file","units":100,"live_blocks":1, … "fragmentation":0,
 *      "runs":[{"offset":0,"size":40,"id":"0x100000001","user":"0x0"},{"offset":40,"size":60}]}
 *
 * Offsets and sizes are integers, ids and user pointers strings of hexadecimal digits. Of the name,
 * bytes beyond ASCII are written as the characters of Latin-1.
 *
 * Returns  true when everything was written.
 * Fails    false when the writer ended it.
 * Threads  one at a time per range.
 * Cost     as tarn_range_get_stats, and a call of the writer for every run.
 */
TARN_API bool tarn_range_json(const tarn_range *r, tarn_range_writer *write, void *user);

/**
 * tarn_range_json_text - the same into a buffer.
 *
 * Units    size in bytes, of text.
 * Returns  the length of the whole map, as snprintf; what fits is in text, always ended by 0 when
 *          size > 0.
 * Fails    never.
 * Threads  one at a time per range.
 * Cost     as tarn_range_json.
 */
TARN_API size_t tarn_range_json_text(const tarn_range *r, char *text, size_t size);

/* ── A space: a range of our own, with one of three cores ────────────────────────────────────── */

typedef enum tarn_range_core {
    TARN_RANGE_TLSF = 0,   /* blocks of any size and any lifetime; can be defragmented            */
    TARN_RANGE_LINEAR = 1, /* stack, ring, double stack: bump at one end or (HIGH) at the other   */
    TARN_RANGE_BITMAP = 2  /* two bits a granule: identifiers, pages; lowest first                */
} tarn_range_core;

/* How a space is made. Zero means: the default. */
typedef struct tarn_space_options {
    uint64_t units; /* of the space; there is no default */
    uint64_t first; /* its first offset, a multiple of granule; first + units <= 2^63; default 0 */
    tarn_range_core core;
    uint64_t granule;  /* units, a power of two: sizes are rounded up to it; default 1 */
    size_t max_blocks; /* live at a time; metadata for them is taken at init, none later. Default:
                           no limit, metadata grows. Not for the bitmap */
    tarn_allocator *metadata; /* where metadata comes from; default tarn_libc() */
    const char *name;         /* must outlive the space */
    bool check;               /* a stale id, a call by another thread are faults */
} tarn_space_options;

/* What is known of a block or a free run; private. */
typedef struct tarn_range_node tarn_range_node;

/* State; fields are private. */
typedef struct tarn_space {
    tarn_range range;
    uint64_t first, end; /* offsets */
    uint64_t granule;    /* units   */
    uint64_t plain;      /* tlsf: units */
    uint32_t granule_log;
    tarn_allocator *metadata;
    const char *name;
    uint32_t stamp; /* of the youngest block */
    uint32_t flags;
    uintptr_t owner;
    uint64_t live_blocks, live_units, peak_units, failures, max_blocks;
    tarn_range_why why;
    tarn_range_node *nodes;
    uint64_t *idle;                           /* a bit for each node: it is no live block's */
    uint32_t node_room, node_used, idle_room; /* used: were in use at least once */
    uint32_t node_idle;                       /* the first of a list of those not in use any more */
    uint32_t node_spare;                      /* not in use, ever or any more */
    uint32_t run;                             /* tlsf: the last defragmentation's */
    uint32_t hint;                            /* tlsf: where `before` was last; a node or 0 */
    void **users;                             /* by node, or by granule */
    size_t user_room;
    uint64_t *bits; /* tlsf: which bins have free runs; bitmap: all its words */
    size_t bit_bytes;
    uint32_t *bins; /* tlsf: the first free run of each */
    uint32_t rows;  /* tlsf: of the index               */
    void *bitmap;   /* bitmap: its state, in `bits`      */
    uint64_t granules;
} tarn_space;

/**
 * tarn_space_init - set up a space in the caller's struct, which then stays where it is.
 *
 * What the cores cost:
 *
 *     core     alloc                                   free                metadata
 *     tlsf     O(1), falls back to a walk over free    O(1)                32 bytes a live block or
 *              runs before it refuses (not with FAST);                     free run; 8 KiB at most
 *              BEST and LOW walk over free runs                            for the index
 *     linear   O(1)                                    O(1)                32 bytes a live block
 *     bitmap   one granule: O(log units); more:        O(size / 64)        2 bits a granule, touched
 *              O(units / 64)                                               as it is used
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (no units, no such core, a granule that is no power of two or does not
 *          divide `first`, max_blocks with the bitmap), TARN_TOO_BIG (first + units beyond 2^63;
 *          more than 2^32 granules for the bitmap; max_blocks beyond 2^30), TARN_NO_MEMORY. The
 *          space must not be used then.
 * Threads  one.
 * Cost     O(1); at most two calls of the metadata allocator.
 */
TARN_API tarn_status tarn_space_init(tarn_space *space, const tarn_space_options *options);

/**
 * tarn_space_deinit - the metadata goes back to where it came from; live blocks are forgotten.
 *
 * An alloc, a free or another deinit afterwards is a fault: use after deinit.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(1).
 */
TARN_API void tarn_space_deinit(tarn_space *space);

/**
 * tarn_space_create - a space whose state, too, comes from its metadata allocator.
 *
 * Returns  the space, to be destroyed with tarn_space_destroy; *status (when not NULL) is TARN_OK.
 * Fails    NULL, and *status as tarn_space_init.
 * Threads  one.
 * Cost     as tarn_space_init.
 */
TARN_API TARN_MUST_USE tarn_space *tarn_space_create(const tarn_space_options *options,
                                                     tarn_status *status);

/**
 * tarn_space_destroy - deinit a space that tarn_space_create made, and give its state back. NULL
 * is ignored.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(1).
 */
TARN_API void tarn_space_destroy(tarn_space *space);

/**
 * tarn_space_range - the space as any range.
 *
 * Returns  the handle; it lives as long as the space.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_range *tarn_space_range(tarn_space *space)
{
    return &space->range;
}

TARN_END_DECLS

#endif
