/* SPDX-License-Identifier: MIT */
/*
 * callbacks.h - your own functions as a source: device memory, DAX, an RTOS, another library's heap.
 *
 * For: memory that has calls of its own to be had and given back. Not for: another tarn_allocator
 * (tarn_parent_init), files and shared memory (file.h).
 *
 *     static tarn_status map(void *user, size_t size, size_t align, uint32_t flags, tarn_region *out)
 *     {
 *         out->ptr = device_get(user, size);
 *         return out->ptr != NULL ? TARN_OK : TARN_NO_MEMORY;
 *     }
 *     static void unmap(void *user, void *ptr, size_t size, size_t align) { device_put(user, ptr); }
 *
 *     tarn_callbacks memory;
 *     tarn_callbacks_init(&memory, &(tarn_callbacks_options){.map = map, .unmap = unmap,
 *                                                            .user = device, .granule = 65536});
 *     ... &memory.source ...
 *
 *     pool, arena, spans ──► tarn_source ──► what you gave: map, unmap, commit, purge, remap
 *                                  ▲
 *                                  └ judged first: what was asked for, and what came back
 *
 * Memory that the processor may not touch (that of a GPU) can be had through this, too: map clears
 * TARN_REGION_COMMITTED in out->traits. Divide it with tarn_range, which touches nothing; a pool or
 * an arena writes into its chunks.
 */
#ifndef TARN_CALLBACKS_H
#define TARN_CALLBACKS_H

#include <tarn/source.h>

TARN_BEGIN_DECLS

typedef struct tarn_callbacks_options {
    /* A region of size bytes, a multiple of the granule, at a multiple of align, which is the
     * granule at least. *out is {NULL, size, TARN_REGION_COMMITTED}, without the trait when flags
     * have TARN_MAP_RESERVE, which they do only where there is a commit. Set ptr; size may be more,
     * never less; add traits. A status other than TARN_OK is the caller's answer. There is no
     * default. */
    tarn_status (*map)(void *user, size_t size, size_t align, uint32_t flags, tarn_region *out);
    /* A region back, as it was given. Without it regions stay until you give them back yourself,
     * and are TARN_REGION_PINNED. */
    void (*unmap)(void *user, void *ptr, size_t size, size_t align);
    /* As tarn_source_commit, tarn_source_purge, tarn_source_remap. Those that are given are what the
     * source can do. Of remap's *out set ptr, when it moved. */
    tarn_status (*commit)(void *user, void *ptr, size_t size);
    tarn_status (*purge)(void *user, void *ptr, size_t size);
    tarn_status (*remap)(void *user, void *ptr, size_t old_size, size_t new_size, bool may_move,
                         tarn_region *out);
    void *user;       /* passed to each                                       */
    size_t granule;   /* bytes, a power of two; default 4096                  */
    bool threads;     /* any thread may call them, all at once; default false */
    const char *name; /* must outlive the source; default "callbacks"         */
} tarn_callbacks_options;

/* What has come of the calls. */
typedef struct tarn_callbacks_report {
    size_t mapped, regions; /* bytes and regions now, as they were given                 */
    size_t refused;         /* calls, since init, that answered with a status of theirs  */
    size_t unsound;         /* calls, since init, that answered with what cannot be used */
} tarn_callbacks_report;

/* State; fields are private, but for the source. */
typedef struct tarn_callbacks {
    tarn_source source; /* to be passed on as &callbacks.source */
    tarn_source_ops ops;
    tarn_callbacks_options call;
    const char *why;
    tarn_callbacks_report report;
} tarn_callbacks;

/**
 * tarn_callbacks_init - see functions as a source, in the caller's struct, which then stays where it
 * is.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT: no map, or a granule that is no power of two. The state must not be
 *          used then.
 * Threads  one; afterwards one at a time, or any when `threads` was set.
 * Cost     O(1); nothing is called.
 */
TARN_API tarn_status tarn_callbacks_init(tarn_callbacks *c, const tarn_callbacks_options *options);

/**
 * tarn_callbacks_deinit - the source is no longer used. All its regions have been given back; those
 * that have not are left as they are.
 *
 * Fails    never.
 * Threads  one; no other may use the source.
 * Cost     O(1); nothing is called.
 */
TARN_API void tarn_callbacks_deinit(tarn_callbacks *c);

/**
 * tarn_callbacks_why - what was wrong with the last answer that could not be used.
 *
 * Such an answer is a refusal to whoever asked: TARN_NO_MEMORY (no address), TARN_BAD_ALIGN,
 * TARN_WRONG_SIZE (less than asked for, or no whole granules), TARN_CORRUPT (beyond the end of all
 * addresses; moved by a remap that might not). What map had given goes back through unmap first.
 *
 * Returns  a static string, as in "map: not aligned as asked"; "" when there was none.
 * Fails    never.
 * Threads  as the source.
 * Cost     O(1).
 */
TARN_API const char *tarn_callbacks_why(const tarn_callbacks *c);

/**
 * tarn_callbacks_get_report - what is out, and how often there was no answer or a bad one.
 *
 * Fails    never.
 * Threads  any; while others map, each number is right by itself.
 * Cost     O(1).
 */
TARN_API void tarn_callbacks_get_report(const tarn_callbacks *c, tarn_callbacks_report *out);

TARN_END_DECLS

#endif
