/* SPDX-License-Identifier: MIT */
/*
 * segment.h - shared memory with named things in it: pools, arenas and plain memory that several
 * processes use at once, each at another address, and find again after all of them are gone.
 *
 * For: a structure that processes share, a cache that survives a restart. Not for: a database; what
 * the machine's crash or a full disk takes is not undone, and flush is all there is.
 *
 *     tarn_segment s;
 *     if (tarn_segment_init(&s, &(tarn_segment_options){.name = "cache.dat"}) != TARN_OK)
 *         puts(tarn_segment_why(&s));
 *     tarn_segment_pool nodes;
 *     tarn_segment_pool_options how = {.block_size = sizeof(struct node), .capacity = 1000};
 *     tarn_segment_open_pool(&s, "nodes", &how, &nodes);        found if it is there, else made
 *     ... tarn_segment_pool_alloc(&nodes) ...                   pointers in it: offset.h
 *     tarn_segment_deinit(&s);                                  the file stays
 *
 *     file  │ header, locks │ names │ pool "nodes" │ memory "root" │ arena "texts" │ free … limit
 *
 * What death does. A process may be killed at any instruction. Blocks change hands by one atomic
 * instruction, names appear by one store, and the kernel drops the locks of the dead. The next one
 * to open the segment
 *
 *     with nobody else in it     verifies everything. It was left properly: TARN_SEGMENT_CLEAN. It was
 *                                not: what was on its way is freed, TARN_SEGMENT_RECOVERED. Something
 *                                does not fit: TARN_CORRUPT with the reason, and nothing is touched
 *     with others in it          joins them; they were never held up: TARN_SEGMENT_JOINED
 *
 * What remains is what only the program can know: blocks that the dead had taken and not yet linked
 * anywhere. tarn_segment_orphans lists them.
 */
#ifndef TARN_SEGMENT_H
#define TARN_SEGMENT_H

#include <tarn/file.h>
#include <tarn/segment_arena.h>
#include <tarn/segment_pool.h>

TARN_BEGIN_DECLS

/* Bytes of a name, its end included. */
#define TARN_SEGMENT_NAME    48u
/* Processes that may be in a segment at a time. */
#define TARN_SEGMENT_MEMBERS 64u

/* How a segment is opened. Zero means: the default. What is not about the file counts for a new
 * segment alone. */
typedef struct tarn_segment_options {
    const char *name;    /* as in tarn_file_options … */
    tarn_file_kind kind; /* …                         */
    tarn_file_open open; /* …                         */
    int fd;              /* …                         */
    unsigned mode;       /* …                         */
    bool sparse, huge;   /* …                         */
    size_t size;    /* bytes at first; default: what the names take; it grows as things are made */
    size_t limit;   /* bytes it may grow to; default 64 MiB, 16 MiB where a pointer has 32 bits */
    unsigned names; /* things that may be in it, up to 1024; default 64                 */
} tarn_segment_options;

/* What was there. */
typedef enum tarn_segment_found {
    TARN_SEGMENT_CREATED = 0,
    TARN_SEGMENT_CLEAN = 1,    /* nobody is in it, and the last one left properly       */
    TARN_SEGMENT_JOINED = 2,   /* others are in it                                      */
    TARN_SEGMENT_RECOVERED = 3 /* nobody is in it, and the last one died; it is mended */
} tarn_segment_found;

typedef struct tarn_segment_report {
    tarn_segment_found found;
    size_t dead;  /* processes that died in it since it was last opened by one alone */
    size_t freed; /* blocks that were on their way, neither taken nor free           */
    size_t named; /* things in it                                                    */
} tarn_segment_report;

typedef enum tarn_segment_kind {
    TARN_SEGMENT_MEMORY = 1,
    TARN_SEGMENT_POOL = 2,
    TARN_SEGMENT_ARENA = 3
} tarn_segment_kind;

/* This process's part in a segment; fields are private. */
typedef struct tarn_segment {
    tarn_file file;
    struct tarn_segment_head *head; /* where it is mapped                          */
    unsigned member;                /* our place in the table of processes         */
    uint32_t owner;                 /* the mark of blocks that this process takes */
    unsigned process;
    uintptr_t holder; /* the thread of this process that has the users' lock, 0: none */
    tarn_segment_report report;
    char reason[192]; /* of the last refusal */
} tarn_segment;

/* Sees one named thing; false ends the list. */
typedef bool tarn_segment_lister(void *user, const char *name, tarn_segment_kind kind,
                                 tarn_block where);

/* ── Life cycle ────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_segment_init - open a segment, or make one of a file that is new or empty.
 *
 * A process opens a segment once for all its threads. A child of fork may go on using its parent's
 * and counts as the same process, which leaves with the parent's deinit: a child that goes on after
 * that is not seen by others, and what it changes is found as damage. To count for itself it opens
 * the segment again.
 *
 * Returns  TARN_OK; tarn_segment_get_report has what was found.
 * Fails    as tarn_file_init; TARN_CORRUPT (no segment, a damaged or shortened one),
 *          TARN_UNSUPPORTED (of another version, word size or byte order), TARN_LIMIT (64 processes
 *          are in it). tarn_segment_why has the words; the file is as it was.
 * Threads  one; any number of processes at the same time.
 * Cost     some system calls; O(pools' capacities) when nobody else is in it.
 */
TARN_API tarn_status tarn_segment_init(tarn_segment *s, const tarn_segment_options *options);

/**
 * tarn_segment_deinit - leave. The last one out marks the segment as properly left, with a checksum
 * of its metadata. Blocks stay as they are; the lock is given back if this thread has it. Does
 * nothing after a tarn_segment_init that failed.
 *
 * Fails    never.
 * Threads  one; no other thread uses the segment or a view any more.
 * Cost     some system calls; O(pools' capacities) for the last one.
 */
TARN_API void tarn_segment_deinit(tarn_segment *s);

/* ── Named things ──────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_segment_open_pool - find a pool by name, or make it: tarn_segment_pool_init with a place.
 *
 * options may be NULL: it must be there. name stays the caller's while the view is used.
 *
 * Returns  TARN_OK and the view.
 * Fails    TARN_MISSING; TARN_EXISTS (something else of that name, or a pool of other sizes);
 *          TARN_LIMIT (no room, no free name), TARN_NO_MEMORY (the disk), TARN_BAD_ARGUMENT,
 *          TARN_BAD_ALIGN, TARN_CORRUPT; the segment is as it was.
 * Threads  any.
 * Cost     a lock; O(names); O(capacity) for a new one.
 */
TARN_API tarn_status tarn_segment_open_pool(tarn_segment *s, const char *name,
                                            const tarn_segment_pool_options *options,
                                            tarn_segment_pool *view);

/**
 * tarn_segment_open_arena - find an arena by name, or make one with that much room.
 *
 * Units    room in bytes, as for tarn_segment_arena_bytes; 0: it must be there.
 * Returns  TARN_OK and the view; an arena that was there may have another room.
 * Fails    as tarn_segment_open_pool.
 * Threads  any.
 * Cost     a lock; O(names).
 */
TARN_API tarn_status tarn_segment_open_arena(tarn_segment *s, const char *name, size_t room,
                                             tarn_segment_arena *view);

/**
 * tarn_segment_open_memory - find memory by name, or make it: all zero, aligned to 64 bytes. The
 * place for whatever leads to the rest.
 *
 * Units    size in bytes; 0: it must be there.
 * Returns  TARN_OK and where it is, in *out.
 * Fails    as tarn_segment_open_pool; TARN_EXISTS also when it is smaller than size.
 * Threads  any.
 * Cost     a lock; O(names + size).
 */
TARN_API tarn_status tarn_segment_open_memory(tarn_segment *s, const char *name, size_t size,
                                              tarn_block *out);

/**
 * tarn_segment_remove - take a thing out; its room is used again. No process uses it any more.
 *
 * Returns  TARN_OK.
 * Fails    TARN_MISSING, TARN_CORRUPT.
 * Threads  any.
 * Cost     a lock; O(names).
 */
TARN_API tarn_status tarn_segment_remove(tarn_segment *s, const char *name);

/**
 * tarn_segment_list - see every named thing. The lister opens and removes nothing.
 *
 * Returns  TARN_OK.
 * Fails    TARN_CORRUPT.
 * Threads  any.
 * Cost     a lock; O(names).
 */
TARN_API tarn_status tarn_segment_list(tarn_segment *s, tarn_segment_lister *see, void *user);

/* ── Between processes ─────────────────────────────────────────────────────────────────────── */

/**
 * tarn_segment_lock - one lock for what the program itself keeps in the segment.
 *
 * When its holder dies the next one gets it all the same, and is told: *died (which may be NULL) is
 * true once, and what the lock guards may be half changed.
 *
 * Returns  TARN_OK: the lock is this thread's.
 * Fails    TARN_BUSY: this thread has it already.
 * Threads  any.
 * Cost     one atomic exchange when free; waits.
 */
TARN_API tarn_status tarn_segment_lock(tarn_segment *s, bool *died);

/**
 * tarn_segment_unlock - the lock back.
 *
 * Fails    never; ignored when this thread does not have it.
 * Threads  the one that locked.
 * Cost     one atomic exchange; a system call when somebody waits.
 */
TARN_API void tarn_segment_unlock(tarn_segment *s);

/**
 * tarn_segment_orphans - see the live blocks of a pool whose process is gone, without having called
 * tarn_segment_pool_publish. The visitor may free or publish the block it sees.
 *
 * A process that left properly leaves orphans, too, if it neither freed nor published.
 *
 * Fails    never.
 * Threads  any.
 * Cost     up to 64 system calls; O(capacity / 64 + live blocks).
 */
TARN_API void tarn_segment_orphans(tarn_segment *s, tarn_segment_pool *pool,
                                   tarn_segment_visitor *see, void *user);

/* ── Questions ─────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_segment_check - verify header, names, pools and arenas.
 *
 * Returns  TARN_OK.
 * Fails    TARN_CORRUPT; tarn_segment_why tells what.
 * Threads  any.
 * Cost     a lock; O(names² + pools' capacities).
 */
TARN_API tarn_status tarn_segment_check(tarn_segment *s);

/**
 * tarn_segment_flush - write all of it to the disk, and wait for that. See tarn_file_flush.
 *
 * Returns  TARN_OK.
 * Fails    TARN_NO_MEMORY: the disk refused.
 * Threads  any.
 * Cost     the disk's.
 */
TARN_API tarn_status tarn_segment_flush(tarn_segment *s);

/**
 * tarn_segment_get_report - what was found when the segment was opened.
 *
 * Returns  the report.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline const tarn_segment_report *tarn_segment_get_report(const tarn_segment *s)
{
    return &s->report;
}

/**
 * tarn_segment_why - the last refusal in words, as in "open: pool 'nodes' is damaged".
 *
 * Returns  a string that lives in s; "" when nothing was refused.
 * Fails    never.
 * Threads  one at a time.
 * Cost     O(1).
 */
static inline const char *tarn_segment_why(const tarn_segment *s)
{
    return s->reason;
}

TARN_END_DECLS

#endif
