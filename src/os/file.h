/* SPDX-License-Identifier: MIT */
/*
 * file.h - files and shared memory: opened, grown, mapped, locked.
 *
 * Functions that return int return 0 for success, else the system's error number; they change
 * nothing then. errno is left as it was found. Any thread may call any of them.
 *
 * Locks belong to the open file description: a descriptor from fork or dup shares them, one from
 * tarn_os_file_open or tarn_os_file_again has its own. The kernel drops them when the last
 * descriptor of it is closed, which the death of a process does, too.
 */
#ifndef TARN_OS_FILE_H
#define TARN_OS_FILE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum tarn_os_open {
    TARN_OS_OPEN_OR_CREATE,
    TARN_OS_OPEN,  /* it must be there     */
    TARN_OS_CREATE /* it must not be there */
} tarn_os_open;

/* A path, or the name of a POSIX shared memory object; mode as for open, 0600 when 0. Anything but
 * a regular file is refused: EINVAL. */
int tarn_os_file_open(const char *path, tarn_os_open how, unsigned mode, int *fd);
int tarn_os_file_open_shared(const char *name, tarn_os_open how, unsigned mode, int *fd);

/* Memory without a name in any folder; never shrinks. */
int tarn_os_file_memory(const char *label, bool huge, int *fd);

/* The same file, with locks of its own. */
int tarn_os_file_again(int fd, int *out);

void tarn_os_file_close(int fd);
int tarn_os_file_remove(const char *path);
int tarn_os_file_remove_shared(const char *name);

/* Bytes of the file; EFBIG when they are more than there are addresses. */
int tarn_os_file_size(int fd, size_t *size);

/* Make it at least `size` bytes long; the new ones are zero. With blocks, all of [0, size) is backed
 * by blocks of the file system afterwards, so that writing there cannot fail for want of them.
 * Several processes may do so at once; *before, where it is not NULL, is what the
 * file had. */
int tarn_os_file_grow(int fd, size_t size, bool blocks, size_t *before);

/* Nothing is in it any more; memory that must not shrink stays as it is. */
void tarn_os_file_empty(int fd);

/* The first bytes of the file, as many as there are; the first bytes anew. */
int tarn_os_file_read(int fd, void *bytes, size_t size, size_t *got);
int tarn_os_file_write(int fd, const void *bytes, size_t size);

/* Give blocks back; the range reads as zero. Offset and size in whole pages. */
int tarn_os_file_punch(int fd, size_t at, size_t size);

/* The first size bytes, shared, readable and writable; more than the file has may be mapped, but
 * not touched. tarn_os_release ends it. */
int tarn_os_file_map(int fd, size_t size, size_t align, void **out);

/* What was written is on the disk when this returns. Whole pages. */
int tarn_os_file_sync(void *p, size_t size);

/* One lock for each byte up to 2^30; bytes need not exist. EAGAIN when somebody has it and wait is
 * false. */
typedef enum tarn_os_lock { TARN_OS_UNLOCK, TARN_OS_LOCK_SHARED, TARN_OS_LOCK_ALONE } tarn_os_lock;
int tarn_os_file_lock(int fd, size_t byte, tarn_os_lock how, bool wait);

/* Does another description than fd's hold a lock on this byte? */
bool tarn_os_file_locked(int fd, size_t byte);

/* The words for an error number, cut to size. */
void tarn_os_error_text(int error, char *text, size_t size);

/* The number of this process. */
unsigned tarn_os_process(void);

#endif
