/* SPDX-License-Identifier: MIT */
/*
 * file.h - memory that is a file, or shared memory: a source of regions that other processes can map.
 *
 * For: pools and arenas whose blocks another process sees, or that may be larger than memory. Not
 * for: structures that are to be found again, in this process or another; that is segment.h, which
 * builds on this. What is in the regions is shared; which are handed out each process knows for
 * itself, and begins with none.
 *
 *     tarn_file file;
 *     if (tarn_file_init(&file, &(tarn_file_options){.name = "big.dat", .limit = 1u << 30}) != TARN_OK)
 *         puts(tarn_file_why(&file));
 *     ... &file.source ...
 *     tarn_file_deinit(&file);
 *
 *     file      │ region │ free │ region │  free  │ (grows up to the limit)
 *     addresses │◄──────── mapped once, for all of the limit ───────────►│
 *
 * The blocks of the file system are taken before anything is written (unless `sparse`): a full disk
 * is a refusal, never a SIGBUS later. Someone else who shortens the file while it is mapped brings
 * that about all the same; memory of TARN_FILE_MEMORY is sealed against it.
 */
#ifndef TARN_FILE_H
#define TARN_FILE_H

#include <tarn/source.h>

TARN_BEGIN_DECLS

typedef enum tarn_file_kind {
    TARN_FILE_PATH = 0, /* a file; name is its path                                              */
    TARN_FILE_SHARED =
        1, /* POSIX shared memory; name begins with a slash and has no other        */
    TARN_FILE_MEMORY =
        2,               /* memory without a name in any folder; it goes with the last who has it */
    TARN_FILE_HANDLE = 3 /* what fd refers to: inherited, or passed over a socket                 */
} tarn_file_kind;

typedef enum tarn_file_open {
    TARN_FILE_OPEN_OR_CREATE = 0,
    TARN_FILE_OPEN = 1,  /* it must be there     */
    TARN_FILE_CREATE = 2 /* it must not be there */
} tarn_file_open;

/* How a file is opened. Zero means: the default. */
typedef struct tarn_file_options {
    const char *name; /* see the kind; of TARN_FILE_MEMORY a label, default "file" */
    tarn_file_kind kind;
    tarn_file_open open;
    int fd;        /* TARN_FILE_HANDLE: stays the caller's; it is opened again through /proc */
    size_t size;   /* bytes it has at least; default: what is there                          */
    size_t limit;  /* bytes it may grow to, and addresses taken; default: its size, or if
                     that is 0, 64 MiB (16 MiB where a pointer has 32 bits) */
    unsigned mode; /* permissions of a new file, default 0600                             */
    bool sparse;   /* take blocks when they are written to; a full disk is then a SIGBUS  */
    bool huge;     /* TARN_FILE_MEMORY: explicit huge pages, if there are enough; else not */
} tarn_file_options;

/* State; fields are private, but for the source. */
typedef struct tarn_file {
    tarn_source source; /* to be passed on as &file.source */
    char *base;         /* where it is mapped              */
    size_t size;        /* bytes of the file that are ours to use, whole granules  */
    size_t limit;       /* bytes mapped                                            */
    size_t fresh;       /* bytes from here on were never handed out and are zero   */
    size_t taken;       /* bytes of the regions that are out                       */
    size_t regions, failures;
    uint64_t *map; /* a bit for each granule of the limit: part of a region   */
    int fd;
    bool sparse, huge;
    union {
        long long align;
        void *pointer;
        unsigned char bytes[64];
    } mutex;
    char reason[160]; /* of the last refusal */
} tarn_file;

/* ── Life cycle ────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_file_init - open or create a file and map it.
 *
 * Returns  TARN_OK.
 * Fails    TARN_MISSING, TARN_EXISTS, TARN_DENIED, TARN_NO_MEMORY (disk, memory or descriptors),
 *          TARN_LIMIT (it is longer than the limit), TARN_TOO_BIG, TARN_BAD_ARGUMENT (also: no
 *          regular file), TARN_UNSUPPORTED; tarn_file_why has the words. A file that was there is
 *          as it was; one that was not may be left empty. f is not to be used but for the words.
 * Threads  one; afterwards any thread may use the source.
 * Cost     some system calls; O(blocks) of the file system unless sparse.
 */
TARN_API tarn_status tarn_file_init(tarn_file *f, const tarn_file_options *options);

/**
 * tarn_file_deinit - unmap and close. The file stays, with all that is in it; memory without a name
 * goes when no other process has it. Does nothing after a tarn_file_init that failed.
 *
 * Fails    never.
 * Threads  one; no other may use the source or any region.
 * Cost     two system calls.
 */
TARN_API void tarn_file_deinit(tarn_file *f);

/**
 * tarn_file_remove - a file's or shared memory's name. Who has it mapped keeps it.
 *
 * Returns  TARN_OK.
 * Fails    TARN_MISSING, TARN_DENIED, TARN_BAD_ARGUMENT (a kind without a name).
 * Threads  any.
 * Cost     one system call.
 */
TARN_API tarn_status tarn_file_remove(tarn_file_kind kind, const char *name);

/* ── The whole of it ───────────────────────────────────────────────────────────────────────── */

/**
 * tarn_file_grow - make the file at least that long. Its addresses stay; the new bytes are zero.
 *
 * Units    size in bytes.
 * Returns  TARN_OK, also when it was that long.
 * Fails    TARN_LIMIT, TARN_NO_MEMORY, TARN_TOO_BIG; the file is as long as it was.
 * Threads  any.
 * Cost     one or two system calls.
 */
TARN_API tarn_status tarn_file_grow(tarn_file *f, size_t size);

/**
 * tarn_file_flush - write what has changed to the disk, and wait for that. A crash of the program
 * loses nothing that was stored; a crash of the machine loses what was not flushed.
 *
 * Units    size in bytes.
 * Returns  TARN_OK: [at, at + size) is on the disk; at NULL: all of the file.
 * Fails    TARN_BAD_ARGUMENT (not in the file), TARN_NO_MEMORY (the disk refused).
 * Threads  any.
 * Cost     the disk's.
 */
TARN_API tarn_status tarn_file_flush(tarn_file *f, void *at, size_t size);

/**
 * tarn_file_handle - the descriptor, to be passed to another process, which opens it as a
 * TARN_FILE_HANDLE. It is closed on exec, unless the caller duplicates it.
 *
 * Returns  the descriptor; it stays the file's.
 * Fails    never.
 * Threads  any.
 * Cost     O(1).
 */
static inline int tarn_file_handle(const tarn_file *f)
{
    return f->fd;
}

/**
 * tarn_file_why - the last refusal in words, as in "open 'data/x': Permission denied".
 *
 * Returns  a string that lives in f; "" when nothing was refused.
 * Fails    never.
 * Threads  one at a time.
 * Cost     O(1).
 */
static inline const char *tarn_file_why(const tarn_file *f)
{
    return f->reason;
}

TARN_END_DECLS

#endif
