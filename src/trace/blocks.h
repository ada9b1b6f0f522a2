/* SPDX-License-Identifier: MIT */
/* The blocks of a trace and what its side file holds: found, checked, put in order; no event is decoded here. */
#ifndef TARN_TRACE_BLOCKS_H
#define TARN_TRACE_BLOCKS_H

#include "trace/block.h"

#include <stdbool.h>

typedef struct tarn_place {
    tarn_block_head head;
    uint64_t offset; /* of the payload; of the words when live */
    bool live;       /* in the side file, as words             */
} tarn_place;

typedef struct tarn_blocks {
    int fd, live_fd; /* -1: none */
    uint64_t size;   /* bytes of the trace                                                    */
    uint64_t good;   /* bytes up to the end of the last good block                            */
    tarn_file_head file;
    tarn_live_head live;
    tarn_end_record end;
    bool has_end, has_live;
    bool cut_off;   /* the file ends within a block                                           */
    bool no_memory; /* the list of blocks is not complete                                     */
    uint64_t bad_blocks, bad_words;
    tarn_place *list; /* by slot, then seq; no block twice */
    size_t count, room;
    tarn_sealer *sealer;
} tarn_blocks;

/* Open a trace and find its blocks; false with a message when it is no trace. */
bool tarn_blocks_open(tarn_blocks *blocks, const char *path, char *why);

/* Read one block: TARN_SLOT_BYTES of room in data. */
bool tarn_blocks_read(tarn_blocks *blocks, const tarn_place *place, void *data);

/* Is the process that writes the side file still there? */
bool tarn_blocks_running(const tarn_blocks *blocks);

void tarn_blocks_close(tarn_blocks *blocks);

#endif
