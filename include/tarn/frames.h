/* SPDX-License-Identifier: MIT */
/*
 * frames.h - arenas taken in turn: what one frame allocates is there until N frames later.
 *
 * For: games, audio, simulations, and whatever works in steps where a step looks back at the one before (double
 * buffering). Not for: blocks that outlive their turn (copy them, or use another allocator), several threads at
 * once.
 *
 *     tarn_frames frames;
 *     tarn_frames_init(&frames, &(tarn_frames_options){.count = 2});
 *     for (;;) {
 *         tarn_frames_next(&frames);                                   the oldest frame is empty, and current
 *         struct hit *h = tarn_new(tarn_frames_current(&frames), struct hit);
 *         … what the last frame allocated is still there …
 *     }
 *     tarn_frames_deinit(&frames);
 *
 *     arena 0       arena 1       arena 2
 *     frame 6       frame 7 ◄──   frame 5 ──► becomes frame 8 at the next turn
 *
 * Rules of its own, besides those of allocator.h and arena.h:
 *
 * F1  A block belongs to the frame in which it was allocated. With a count of N it is there until the N-th
 *     tarn_frames_next from then on.
 * F2  Through the handle, allocations are of the current frame. A block of an older frame that grows moves to
 *     the current one, where that is allowed.
 */
#ifndef TARN_FRAMES_H
#define TARN_FRAMES_H

#include <tarn/arena.h>

TARN_BEGIN_DECLS

/* The most arenas that take turns. */
#define TARN_FRAMES_MAX 8u

/* How frames are made. Zero means: the default. Each of the arenas has these. */
typedef struct tarn_frames_options {
    const char *name;       /* lives as long as the frames; default "frames"                  */
    unsigned count;         /* frames that are there at once, 1 to TARN_FRAMES_MAX; default 2 */
    tarn_source *source;    /* where chunks come from, …                                      */
    tarn_allocator *parent; /* … or the allocator; default: tarn_libc()                       */
    void *buffer;           /* shared out evenly: the first chunk of each. Without source and
                               parent there is no more */
    size_t buffer_size;     /* bytes */
    size_t chunk_size;      /* bytes, as tarn_arena_options */
    size_t limit;           /* bytes that one frame may take from source or parent */
    tarn_keep keep;         /* what a turn leaves to the arena; default: every chunk */
    bool check;             /* as tarn_arena_options */
} tarn_frames_options;

/* State; fields are private. */
typedef struct tarn_frames {
    tarn_allocator allocator;
    tarn_arena *current;
    unsigned count, now; /* arenas, and the current one's number */
    tarn_keep keep;
    uint64_t turns;
    tarn_arena arena[TARN_FRAMES_MAX];
} tarn_frames;

/**
 * tarn_frames_init - set up frames in the caller's struct, which then stays where it is. The first frame is
 * current and empty.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (a count above TARN_FRAMES_MAX; a buffer too small for 32 bytes a frame; what
 *          tarn_arena_init refuses). The frames must not be used.
 * Threads  one.
 * Cost     O(count).
 */
TARN_API tarn_status tarn_frames_init(tarn_frames *frames, const tarn_frames_options *options);

/**
 * tarn_frames_deinit - all frames end, cleanups run, every chunk goes back. Does nothing when they have ended.
 *
 * Fails    never.
 * Threads  one.
 * Cost     O(chunks) + the cleanups.
 */
TARN_API void tarn_frames_deinit(tarn_frames *frames);

/**
 * tarn_frames_next - the next turn: the oldest frame's blocks are gone, its arena is current.
 *
 * Returns  the arena.
 * Fails    never.
 * Threads  one at a time.
 * Cost     as tarn_arena_reset: O(1) with TARN_KEEP_ALL, + the cleanups.
 */
TARN_API tarn_arena *tarn_frames_next(tarn_frames *frames);

/**
 * tarn_frames_current - the arena of the current frame: for tarn_new, for strings, marks and cleanups.
 *
 * Returns  the arena; current until the next turn.
 * Fails    never.
 * Threads  one at a time.
 * Cost     O(1).
 */
static inline tarn_arena *tarn_frames_current(tarn_frames *frames)
{
    return frames->current;
}

/**
 * tarn_frames_ago - the arena of a frame that is still there; 0: the current one.
 *
 * Units    turns in calls of tarn_frames_next.
 * Returns  the arena.
 * Fails    NULL when that frame is gone: turns >= count, or there was none yet.
 * Threads  one at a time.
 * Cost     O(1).
 */
TARN_API tarn_arena *tarn_frames_ago(tarn_frames *frames, unsigned turns);

/**
 * tarn_frames_alloc - a block of the current frame.
 *
 * Units    size in bytes.
 * Returns  as tarn_arena_alloc.
 * Fails    as tarn_arena_alloc.
 * Threads  one at a time.
 * Cost     as tarn_arena_alloc, inline, and one load.
 */
TARN_MUST_USE TARN_ALLOC_SIZE(2) static TARN_FAST
    void *tarn_frames_alloc(tarn_frames *frames, size_t size, tarn_spec spec)
{
    return tarn_arena_alloc(frames->current, size, spec);
}

/**
 * tarn_frames_allocator - the frames behind the interface: F2. Its reset ends all frames' blocks, its marks are
 * good for the current turn.
 *
 * Returns  the handle; it lives as long as the frames.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline tarn_allocator *tarn_frames_allocator(tarn_frames *frames)
{
    return &frames->allocator;
}

TARN_END_DECLS

#endif
