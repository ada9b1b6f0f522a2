/* SPDX-License-Identifier: MIT */
/* What `tarn info` knows about a trace: gathered in one pass, in memory bounded by the live blocks and the contexts. */
#ifndef TARN_CMD_INFO_SUMMARY_H
#define TARN_CMD_INFO_SUMMARY_H

#include "trace/reader.h"

#define INFO_SIZES_MAX 65536 /* distinct sizes that are told apart; a power of two */
#define INFO_AGES      33    /* lifetimes by powers of two                         */
#define INFO_CLASSES   40    /* sizes by powers of two                             */

typedef struct info_size {
    uint64_t size;            /* bytes asked for                       */
    uint64_t count;           /* allocations and resizes to this size */
    uint64_t live, most_live; /* blocks                     */
} info_size;

typedef struct info_context {
    uint32_t context;
    uint64_t count, bytes;   /* allocated here                              */
    uint64_t freed, age_sum; /* of those: freed, and their lifetimes summed */
} info_context;

typedef struct info_summary {
    info_size *sizes; /* sorted by count, descending, after gathering */
    uint32_t size_count;
    uint64_t other_sizes;   /* allocations of sizes that found no place in the table */
    info_context *contexts; /* sorted by count, descending */
    uint32_t context_count;
    uint64_t
        classes[INFO_CLASSES]; /* allocations of 2^(i-1) < size <= 2^i; [0]: sizes 0 and 1     */
    uint64_t ages
        [INFO_AGES]; /* frees whose block lived 2^(i-1) < n <= 2^i further allocations; [0]: 0 or 1 */
    uint64_t never_freed;
    uint64_t remote_frees; /* by another thread than the one that allocated */
    uint64_t bytes;        /* asked for, in all                             */
} info_summary;

/* Read the whole trace; false when memory is out. */
bool info_gather(tarn_trace *trace, info_summary *summary);
void info_free(info_summary *summary);

typedef struct info_options {
    const char *file;
    bool json;
    unsigned top; /* rows of the tables */
} info_options;

void info_print_text(const tarn_trace *trace, const info_summary *summary,
                     const info_options *options);
bool info_print_json(const tarn_trace *trace, const info_summary *summary,
                     const info_options *options);

#endif
