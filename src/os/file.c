/* SPDX-License-Identifier: MIT */
/*
 * file.c - files and shared memory: Linux.
 *
 * I1  errno is left as it was found.
 * I2  No descriptor survives exec: other programs get the file by name, or by a descriptor that is
 *     passed on purpose.
 */
/* NOLINTBEGIN: memfd_create, fallocate, locks of open file descriptions; offsets of 64 bits */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
/* NOLINTEND */
#include "os/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/pages.h"

#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4U
#endif

/* Held while the length changes; beyond what anybody else locks. */
#define LENGTH_LOCK ((size_t)0x7fffffff)

/* The error of a call that returned `result`, 0 when it succeeded; errno as it was (I1). */
static int error_of(long result, int saved)
{
    int error = result < 0 ? errno : 0;
    errno = saved;
    return error;
}

static int flags_of(tarn_os_open how)
{
    int flags = O_RDWR | O_CLOEXEC;
    if (how != TARN_OS_OPEN)
        flags |= O_CREAT;
    return how == TARN_OS_CREATE ? flags | O_EXCL : flags;
}

/* A device or a pipe cannot be grown or mapped like a file. */
static int keep_regular(int fd, int *out)
{
    struct stat st;
    int saved = errno, error = error_of(fstat(fd, &st), saved);
    if (error == 0 && !S_ISREG(st.st_mode))
        error = EINVAL;
    if (error != 0)
        tarn_os_file_close(fd);
    else
        *out = fd;
    return error;
}

int tarn_os_file_open(const char *path, tarn_os_open how, unsigned mode, int *fd)
{
    int saved = errno;
    /* Not blocking: a pipe without a reader is to be refused, not waited for. */
    int got = open(path, flags_of(how) | O_NONBLOCK, mode != 0 ? mode : 0600);
    int error = error_of(got, saved);
    return error != 0 ? error : keep_regular(got, fd);
}

int tarn_os_file_open_shared(const char *name, tarn_os_open how, unsigned mode, int *fd)
{
    int saved = errno, got = shm_open(name, flags_of(how), mode != 0 ? mode : 0600);
    int error = error_of(got, saved);
    return error != 0 ? error : keep_regular(got, fd);
}

int tarn_os_file_memory(const char *label, bool huge, int *fd)
{
    int saved = errno;
    int got = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING | (huge ? MFD_HUGETLB : 0u));
    int error = error_of(got, saved);
    if (error == 0) {
        (void)fcntl(got, F_ADD_SEALS, F_SEAL_SHRINK);
        *fd = got;
    }
    errno = saved;
    return error;
}

int tarn_os_file_again(int fd, int *out)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return tarn_os_file_open(path, TARN_OS_OPEN, 0, out);
}

void tarn_os_file_close(int fd)
{
    int saved = errno;
    (void)close(fd);
    errno = saved;
}

int tarn_os_file_remove(const char *path)
{
    int saved = errno;
    return error_of(unlink(path), saved);
}

int tarn_os_file_remove_shared(const char *name)
{
    int saved = errno;
    return error_of(shm_unlink(name), saved);
}

int tarn_os_file_size(int fd, size_t *size)
{
    struct stat st;
    int saved = errno, error = error_of(fstat(fd, &st), saved);
    if (error != 0)
        return error;
    if ((uint64_t)st.st_size > PTRDIFF_MAX)
        return EFBIG;
    *size = (size_t)st.st_size;
    return 0;
}

/* Blocks for all of the file. Where the file system has no such call the C library writes to every
 * block instead. */
static int back_with_blocks(int fd, size_t size)
{
    int saved = errno, error, tries = 100;
    do
        error = error_of(fallocate(fd, 0, 0, (off_t)size), saved);
    while (error == EINTR && --tries > 0);
    if (error == EOPNOTSUPP) {
        error = posix_fallocate(fd, 0, (off_t)size);
        errno = saved;
    }
    return error;
}

/* The file's length is ours to change: no other process shortens what we made longer. */
static int grow_alone(int fd, size_t size, bool blocks, size_t *before)
{
    size_t length = 0;
    int saved = errno, error = tarn_os_file_size(fd, &length);
    if (before != NULL)
        *before = length;
    if (error == 0 && blocks && size != 0) {
        error = back_with_blocks(fd, size);
        /* Some file systems stop half way and keep that. Memory that must not shrink does not. */
        if (error != 0 && size > length && ftruncate(fd, (off_t)length) != 0)
            errno = saved;
    } else if (error == 0 && size > length) {
        error = error_of(ftruncate(fd, (off_t)size), saved);
    }
    return error;
}

int tarn_os_file_grow(int fd, size_t size, bool blocks, size_t *before)
{
    int error = tarn_os_file_lock(fd, LENGTH_LOCK, TARN_OS_LOCK_ALONE, true);
    if (error == 0) {
        error = grow_alone(fd, size, blocks, before);
        (void)tarn_os_file_lock(fd, LENGTH_LOCK, TARN_OS_UNLOCK, false);
    }
    return error;
}

void tarn_os_file_empty(int fd)
{
    int saved = errno;
    if (ftruncate(fd, 0) != 0)
        errno = saved;
}

int tarn_os_file_read(int fd, void *bytes, size_t size, size_t *got)
{
    int saved = errno;
    ssize_t n = pread(fd, bytes, size, 0);
    *got = n > 0 ? (size_t)n : 0;
    return error_of(n, saved);
}

int tarn_os_file_write(int fd, const void *bytes, size_t size)
{
    int saved = errno;
    ssize_t n = pwrite(fd, bytes, size, 0);
    int error = error_of(n, saved);
    return error == 0 && (size_t)n != size ? ENOSPC : error;
}

int tarn_os_file_punch(int fd, size_t at, size_t size)
{
    int saved = errno;
    return error_of(
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)size), saved);
}

int tarn_os_file_map(int fd, size_t size, size_t align, void **out)
{
    int saved = errno;
    void *range = tarn_os_reserve(size, align), *p;
    if (range == NULL)
        return ENOMEM;
    p = mmap(range, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0);
    if (p == MAP_FAILED) {
        int error = error_of(-1, saved);
        tarn_os_release(range, size);
        return error;
    }
    *out = p;
    return 0;
}

int tarn_os_file_sync(void *p, size_t size)
{
    int saved = errno;
    return error_of(msync(p, size, MS_SYNC), saved);
}

int tarn_os_file_lock(int fd, size_t byte, tarn_os_lock how, bool wait)
{
    int saved = errno, error;
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = (short)(how == TARN_OS_UNLOCK        ? F_UNLCK
                          : how == TARN_OS_LOCK_SHARED ? F_RDLCK
                                                       : F_WRLCK);
    lock.l_whence = SEEK_SET;
    lock.l_start = (off_t)byte;
    lock.l_len = 1;
    do
        error = error_of(fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock), saved);
    while (error == EINTR);
    return error == EACCES ? EAGAIN : error;
}

bool tarn_os_file_locked(int fd, size_t byte)
{
    int saved = errno;
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = (off_t)byte;
    lock.l_len = 1;
    return error_of(fcntl(fd, F_OFD_GETLK, &lock), saved) == 0 && lock.l_type != F_UNLCK;
}

void tarn_os_error_text(int error, char *text, size_t size)
{
    char buffer[128];
    int saved = errno;
    (void)snprintf(text, size, "%s", strerror_r(error, buffer, sizeof buffer));
    errno = saved;
}

unsigned tarn_os_process(void)
{
    return (unsigned)getpid();
}
