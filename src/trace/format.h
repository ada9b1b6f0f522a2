/* SPDX-License-Identifier: MIT */
/* The trace file and its side file, as they lie on the disk: docs/trace-format.md says it in prose.
 *
 *     prog.tarn       [file head][block][block] ... [end block]         appended, one write() a block
 *     prog.tarn.live  [live head][slot 0: contexts][slot 1: words]...   mapped and shared by the recorded process
 *
 * A thread writes event words into its slot; a full slot is packed, compressed and appended to the trace. What a killed
 * program leaves in the slots is still in the side file, and belongs at the end of the trace.
 *
 * F1  A block says everything needed to read it without an earlier block of its slot (stamp, thread, time at its start).
 * F2  Blocks of one slot carry seq 0, 1, 2 …; a second block with the same slot and seq is a copy, left out.
 * F3  Everything is little-endian, naturally aligned.
 */
#ifndef TARN_TRACE_FORMAT_H
#define TARN_TRACE_FORMAT_H

#include <assert.h>
#include <stdint.h>

#define TARN_FORMAT_VERSION 1u
#define TARN_FILE_MAGIC     "TarnTrc\n"
#define TARN_LIVE_MAGIC     "TarnLiv\n"
#define TARN_BLOCK_MAGIC    0x314b4254u /* "TBK1" */

#define TARN_SLOT_WORDS  32768u  /* event words of a slot: 256 KiB                       */
#define TARN_SLOT_BYTES  262144u /* bytes of a slot behind its head: its words        */
#define TARN_SLOT_HEAD   4096u   /* bytes of the slot's head                             */
#define TARN_SLOT_STRIDE (TARN_SLOT_HEAD + TARN_SLOT_BYTES)
#define TARN_LIVE_HEAD   4096u      /* bytes of the side file's head                        */
#define TARN_SLOTS_MAX   16384u     /* threads alive at once that can be recorded           */
#define TARN_THREADS_MAX (1u << 20) /* threads of a trace, one after the other            */
#define TARN_KEYS_MAX    (1u << 20) /* contexts a trace may hold                            */
#define TARN_FRAMES_MAX  64u        /* frames of a stack                                    */

typedef struct tarn_file_head {
    char magic[8];
    uint32_t version;
    uint32_t head_bytes;    /* of this struct: a later version may be longer */
    uint64_t start_unix_ns; /* wall clock at time 0                          */
    uint32_t pid, parent_pid;
    uint32_t check; /* tarn_check of what stands before it                   */
    uint32_t unused;
} tarn_file_head;

enum tarn_block_type { TARN_BLOCK_META = 1, TARN_BLOCK_EVENTS = 2, TARN_BLOCK_END = 3 };

typedef struct tarn_block_head {
    uint32_t magic;
    uint32_t type;     /* tarn_block_type                                               */
    uint32_t slot;     /* 0 = META                                                      */
    uint32_t seq;      /* within the slot                                               */
    uint32_t words;    /* EVENTS: event words; META: bytes of records                   */
    uint32_t unpacked; /* bytes before zstd                                             */
    uint32_t packed;   /* bytes that follow: one zstd frame with its checksum           */
    uint32_t thread;   /* that the slot belonged to at the block's start                */
    uint64_t stamp;    /* of the run that the block starts in                           */
    uint64_t time_ns;  /* at the block's start                                          */
    uint32_t others;   /* EVENTS: words that are no event of their own; META: 0         */
    uint32_t check;    /* tarn_check of what stands before it                              */
} tarn_block_head;

/* The payload of the END block, uncompressed behind its head (packed = its size). */
typedef struct tarn_end_record {
    uint32_t reason; /* tarn_end_reason                             */
    int32_t status;  /* as from waitpid, -1 = not known             */
    uint64_t failed; /* requests the recorded malloc refused        */
    uint64_t lost;   /* events the recorder could not store         */
    uint64_t cpu_ns; /* user + system time up to exit, 0 = not known */
} tarn_end_record;

enum tarn_end_reason {
    TARN_END_UNKNOWN,
    TARN_END_EXIT,
    TARN_END_EXEC,
    TARN_END_QUICK_EXIT,
    TARN_END_SIGNAL
};

typedef struct tarn_live_head {
    char magic[8];
    uint32_t version;
    uint32_t pid;
    uint64_t process_start; /* field 22 of /proc/pid/stat: pid + this is one process */
    uint32_t slots;         /* slots that exist, slot 0 included                     */
    uint32_t ending;        /* tarn_end_reason: EXIT once exit handlers ran          */
    uint64_t failed, lost;  /* as in tarn_end_record                                 */
    uint64_t cpu_ns;        /* likewise; written by the exit handlers                */
} tarn_live_head;

/* Head of a slot. `fill` is written after the words it counts: a kill between the two loses one event, tears none. */
typedef struct tarn_live_slot {
    uint64_t
        fill; /* seq << 32 | words used (slot 0: bytes used): one store moves both             */
    uint64_t
        stamp; /* at the start of the words, as in tarn_block_head                              */
    uint64_t
        time_ns; /* likewise                                                                      */
    uint32_t
        thread; /* likewise                                                                      */
    uint32_t
        index; /* of the slot                                                                   */
} tarn_live_slot;

static_assert(TARN_SLOT_BYTES == TARN_SLOT_WORDS * 8, "a slot is its words");
static_assert(sizeof(tarn_file_head) == 40, "the file head is part of the format");
static_assert(sizeof(tarn_block_head) == 56, "the block head is part of the format");
static_assert(sizeof(tarn_end_record) == 32, "the end record is part of the format");
static_assert(sizeof(tarn_live_head) == 56 && sizeof(tarn_live_slot) == 32, "so is the side file");

/* FNV-1a, 32 bits (Fowler, Noll, Vo): heads are short, their check need not be strong. */
static inline uint32_t tarn_check(const void *bytes, uint32_t count)
{
    const unsigned char *b = bytes;
    uint32_t h = 2166136261u;
    for (uint32_t i = 0; i < count; i++)
        h = (h ^ b[i]) * 16777619u;
    return h;
}

#endif
