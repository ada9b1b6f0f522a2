/* SPDX-License-Identifier: MIT */
/*
 * defrag.h - defragmentation of a range: it proposes, the caller moves.
 *
 * For: ranges whose contents can be copied, by whoever can reach them (a queue of the GPU, pread and
 * pwrite). Not for: identifiers, or anything that others hold offsets of.
 *
 *     tarn_range_defrag d;
 *     tarn_range_move moves[16];
 *     size_t n;
 *     tarn_range_defrag_begin(&d, &space.range, NULL);
 *     while (tarn_range_defrag_pass(&d, moves, 16, &n) == TARN_OK && n > 0) {
 *         for (size_t i = 0; i < n; i++)
 *             if (!copy(moves[i].from, moves[i].to, moves[i].size))
 *                 moves[i].outcome = TARN_MOVE_IGNORED;
 *         tarn_range_defrag_commit(&d);
 *     }
 *     tarn_range_defrag_end(&d, NULL);
 *
 *     before   │ A │    │ B │  │ C    │       │ D │        each block is taken from the top and put
 *     after    │ A │ D │ B │  │ C    │                     into a free run below that fits it
 *
 * From the pass to its commit both places belong to the block: the old one still holds its contents,
 * the new one is reserved. Source and destination never overlap, so the moves of a pass may be made
 * in any order, or at a time. Ids stay; only the offset is another after the commit. Between any two
 * calls the range may be used as ever; a block that is freed before the commit is simply not moved,
 * and of two defragmentations at a time only the first to commit moves a block.
 */
#ifndef TARN_DEFRAG_H
#define TARN_DEFRAG_H

#include <tarn/range.h>

TARN_BEGIN_DECLS

/* What became of a proposed move; the caller writes it. */
typedef enum tarn_move_outcome {
    TARN_MOVE_DONE = 0,     /* copied: the block lives at `to` now                          */
    TARN_MOVE_IGNORED = 1,  /* not copied: it stays where it was                            */
    TARN_MOVE_DESTROYED = 2 /* not wanted any more: both places are free                    */
} tarn_move_outcome;

typedef struct tarn_range_move {
    tarn_range_id id;
    uint64_t from, to, size; /* units */
    void *user;
    tarn_move_outcome outcome;
    tarn_range_id reserved; /* private: the destination, until the commit */
} tarn_range_move;

/* Limits of one pass. Zero means: none but the room for moves. */
typedef struct tarn_range_defrag_options {
    uint64_t max_units; /* moved in a pass; a larger block is not moved at all */
    size_t max_moves;
} tarn_range_defrag_options;

typedef struct tarn_range_defrag_stats {
    uint64_t passes, moves, units; /* committed as done */
    uint64_t ignored, destroyed;   /* moves; destroyed: also those freed before the commit */
} tarn_range_defrag_stats;

/* State; fields are private. */
typedef struct tarn_range_defrag {
    tarn_range *range;
    tarn_range_defrag_options options;
    uint64_t cursor; /* blocks from here on have been looked at */
    uint64_t target; /* blocks below it stay */
    uint32_t run;
    bool begun;
    tarn_range_move *open; /* the caller's, between a pass and its commit */
    size_t open_count;
    tarn_range_defrag_stats stats;
} tarn_range_defrag;

/**
 * tarn_range_defrag_begin - start; options may be NULL.
 *
 * Returns  TARN_OK.
 * Fails    TARN_UNSUPPORTED: the range has no TARN_RANGE_CAP_MOVE.
 * Threads  one at a time per range.
 * Cost     O(blocks).
 */
TARN_API tarn_status tarn_range_defrag_begin(tarn_range_defrag *d, tarn_range *r,
                                             const tarn_range_defrag_options *options);

/**
 * tarn_range_defrag_pass - propose moves, at most `room` of them; none: there are no more.
 *
 * `moves` must stay where it is until the commit, or the end.
 *
 * Units    room in moves.
 * Returns  TARN_OK and the number of moves in *count.
 * Fails    TARN_BUSY (the last pass is not committed), TARN_BAD_ARGUMENT (not begun, or no room).
 *          When metadata is out, fewer moves are proposed; none ends it.
 * Threads  one at a time per range.
 * Cost     a bounded number of free runs looked at for each block looked at; a block is looked at
 *          once in all passes.
 */
TARN_API tarn_status tarn_range_defrag_pass(tarn_range_defrag *d, tarn_range_move *moves,
                                            size_t room, size_t *count);

/**
 * tarn_range_defrag_commit - the moves are made, as their outcomes say.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (no pass is open; an outcome that is none, and then every move of the
 *          pass counts as ignored).
 * Threads  one at a time per range.
 * Cost     O(moves).
 */
TARN_API tarn_status tarn_range_defrag_commit(tarn_range_defrag *d);

/**
 * tarn_range_defrag_end - done; a pass that is still open is cancelled: all its blocks stay where
 * they are. out may be NULL.
 *
 * Fails    never; an end without a begin does nothing.
 * Threads  one at a time per range.
 * Cost     O(moves of an open pass).
 */
TARN_API void tarn_range_defrag_end(tarn_range_defrag *d, tarn_range_defrag_stats *out);

TARN_END_DECLS

#endif
