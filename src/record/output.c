/* SPDX-License-Identifier: MIT */
/* The files of a recording: names, side file, appending.
 *
 * Names: the first process takes FILE, every other one FILE.<pid>, and after exec, when that is taken, FILE.<pid>.1 and
 * on. O_EXCL decides, so two processes never share a trace. A process that finds its own earlier side file knows that it
 * was exec'ed, and says so there.
 *
 * O1  The program may close descriptors it does not know: each is checked (device, inode) before use, else opened anew.
 * O2  A block is one write, under output_lock; a short one is cut off again. Its slot is emptied after the write.
 * O3  Room in the side file is reserved before it is touched: on a full disk the store would be a SIGBUS.
 *     Nor is the program's limit of file sizes ever touched: that would be a SIGXFSZ, which kills.
 * O4  Only raw system calls: no cancellation point, no allocation.
 */
#define _GNU_SOURCE
#include "record/output.h"

#include "record/lock.h"
#include "trace/block.h"
#include "trace/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define FIRST_WORDS                                                                                \
    2048u /* room of a fresh slot: small processes leave small side files; then 4 times more */
#define FD_FLOOR                                                                                   \
    900 /* descriptors of ours are kept from here up                                      */

typedef struct kept_file {
    char path[PATH_MAX];
    int fd;
    int flags;
    dev_t device;
    ino_t inode;
} kept_file;

static kept_file trace_file, live_file;
static char asked[PATH_MAX - 64]; /* the FILE of the environment, kept: the program may change it */
static tarn_live_head *head;
static bool live_made; /* the side file is ours */
static tarn_live_slot *slots[TARN_SLOTS_MAX];
static uint32_t meta_limit; /* bytes of slot 0 that have room */
static struct timespec begin;
static uint32_t my_pid;
static rec_lock meta_lock, output_lock;
static tarn_sealer sealer; /* of output_lock */

static void keep(kept_file *file, int fd)
{
    int high = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, FD_FLOOR);
    if (high < 0)
        high = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 100);
    if (high >= 0)
        syscall(SYS_close, fd);
    file->fd = high >= 0 ? high : fd;
    struct stat st;
    if (fstat(file->fd, &st) == 0) {
        file->device = st.st_dev;
        file->inode = st.st_ino;
    }
}

static bool still_ours(const kept_file *file)
{
    struct stat st;
    return fstat(file->fd, &st) == 0 && st.st_dev == file->device && st.st_ino == file->inode;
}

/* The descriptor, opened again when the program closed it; -1. */
static int descriptor(kept_file *file)
{
    if (still_ours(file))
        return file->fd;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, file->path, file->flags | O_CLOEXEC);
    if (fd < 0)
        return -1;
    dev_t device = file->device;
    ino_t inode = file->inode;
    keep(file, fd);
    if (file->device == device && file->inode == inode)
        return file->fd;
    file->device = device; /* somebody put another file there */
    file->inode = inode;
    syscall(SYS_close, file->fd);
    file->fd = -1;
    return -1;
}

static bool create(kept_file *file, int flags)
{
    file->flags = flags;
    int fd =
        (int)syscall(SYS_openat, AT_FDCWD, file->path, flags | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return false;
    keep(file, fd);
    return true;
}

static void say(const char *what, const char *path)
{
    char line[PATH_MAX + 128];
    int n = snprintf(line, sizeof line, "tarn: cannot record process %d: %s %s: error %d\n",
                     getpid(), what, path, errno);
    if (n > 0)
        syscall(SYS_write, 2, line, (size_t)n);
}

static size_t slurp(const char *path, char *out, size_t room)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    size_t got = 0;
    for (long n; got < room && (n = syscall(SYS_read, fd, out + got, room - got)) > 0;)
        got += (size_t)n;
    syscall(SYS_close, fd);
    return got;
}

/* Field 22 of /proc/self/stat, counted behind the name, which may hold anything. */
static uint64_t process_start(void)
{
    char text[1024];
    size_t n = slurp("/proc/self/stat", text, sizeof text - 1);
    text[n] = 0;
    char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

/* Is `path`.live of this very process, before an exec? Then say there how it ended. */
static void note_exec(uint64_t start)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, live_file.path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    tarn_live_head old;
    if (pread(fd, &old, sizeof old, 0) == sizeof old && old.pid == my_pid &&
        old.process_start == start && old.ending == TARN_END_UNKNOWN) {
        uint32_t ending = TARN_END_EXEC;
        long done = pwrite(fd, &ending, sizeof ending, offsetof(tarn_live_head, ending));
        (void)done;
    }
    syscall(SYS_close, fd);
}

static bool create_named(uint64_t start)
{
    for (unsigned n = 0; n < 1000; n++) {
        char *path = trace_file.path;
        if (n == 0)
            snprintf(path, PATH_MAX, "%s", asked);
        else if (n == 1)
            snprintf(path, PATH_MAX, "%s.%u", asked, my_pid);
        else
            snprintf(path, PATH_MAX, "%s.%u.%u", asked, my_pid, n - 1);
        snprintf(live_file.path, PATH_MAX, "%.*s.live", PATH_MAX - 8, path);
        if (create(&trace_file, O_WRONLY | O_APPEND))
            return true;
        if (errno != EEXIST)
            return false;
        note_exec(start);
    }
    return false;
}

/* May a file of ours be that long? */
static bool within_limit(uint64_t bytes)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        bytes <= limit.rlim_cur)
        return true;
    errno = EFBIG;
    return false;
}

/* Room for bytes at an offset of the side file. File systems that cannot reserve are trusted. */
static bool reserve(int fd, uint64_t at, uint64_t bytes)
{
    if (!within_limit(at + bytes))
        return false;
    long done;
    do
        done = syscall(SYS_fallocate, fd, 0, at, bytes);
    while (done < 0 && errno == EINTR); /* tmpfs stops at a signal */
    return done == 0 || errno == EOPNOTSUPP || errno == ENOSYS;
}

static uint64_t slot_place(uint32_t index)
{
    return TARN_LIVE_HEAD + (uint64_t)index * TARN_SLOT_STRIDE;
}

tarn_live_slot *rec_output_slot(uint32_t *limit)
{
    uint32_t index = head->slots;
    int fd = descriptor(&live_file);
    if (fd < 0 || index >= TARN_SLOTS_MAX)
        return NULL;
    uint64_t at = slot_place(index);
    if (!within_limit(at + TARN_SLOT_STRIDE) ||
        !reserve(fd, at, TARN_SLOT_HEAD + FIRST_WORDS * 8) ||
        syscall(SYS_ftruncate, fd, at + TARN_SLOT_STRIDE) != 0)
        return NULL;
    void *map = mmap(NULL, TARN_SLOT_STRIDE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)at);
    if (map == MAP_FAILED)
        return NULL;
    slots[index] = map;
    slots[index]->index = index;
    head->slots = index + 1;
    *limit = FIRST_WORDS;
    return map;
}

uint32_t rec_output_grow(tarn_live_slot *slot, uint32_t limit)
{
    if (limit >= TARN_SLOT_WORDS)
        return limit;
    uint32_t more = limit * 4 < TARN_SLOT_WORDS ? limit * 4 : TARN_SLOT_WORDS;
    int fd = descriptor(&live_file);
    if (fd < 0 || !reserve(fd, slot_place(slot->index) + TARN_SLOT_HEAD, (uint64_t)more * 8))
        return limit;
    return more;
}

/* Append to the trace; false when it could not be stored whole. */
static bool append(const void *bytes, size_t length)
{
    int fd = descriptor(&trace_file);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !within_limit((uint64_t)st.st_size + length))
        return false;
    long n;
    do
        n = syscall(SYS_write, fd, bytes, length);
    while (n < 0 && errno == EINTR);
    if (n >= 0 && (size_t)n != length) {
        long cut = syscall(SYS_ftruncate, fd, st.st_size);
        (void)cut;
    }
    return n >= 0 && (size_t)n == length;
}

void rec_output_flush(tarn_live_slot *slot, const rec_after *after)
{
    uint32_t used = (uint32_t)slot->fill;
    uint32_t seq = (uint32_t)(slot->fill >> 32);
    tarn_block_head block = {.type = slot->index ? TARN_BLOCK_EVENTS : TARN_BLOCK_META,
                             .slot = slot->index,
                             .seq = seq,
                             .words = used,
                             .thread = slot->thread,
                             .stamp = slot->stamp,
                             .time_ns = slot->time_ns};
    rec_lock_take(&output_lock);
    size_t length = tarn_block_seal(&sealer, &block, (char *)slot + TARN_SLOT_HEAD);
    if (!length || !append(sealer.block, length))
        __atomic_fetch_add(&head->lost, used, __ATOMIC_RELAXED);
    rec_unlock(&output_lock);
    slot->stamp = after->stamp;
    slot->time_ns = after->time_ns;
    slot->thread = after->thread;
    atomic_signal_fence(
        memory_order_release); /* F2: until here a kill leaves a copy that is recognised */
    slot->fill = ((uint64_t)seq + 1) << 32;
}

uint32_t rec_meta_begin(size_t length)
{
    rec_lock_take(&meta_lock);
    tarn_live_slot *slot = slots[0];
    uint32_t need = (uint32_t)length + 16;
    if ((uint32_t)slot->fill + need > meta_limit)
        meta_limit = rec_output_grow(slot, meta_limit / 8) * 8;
    if ((uint32_t)slot->fill + need > meta_limit)
        rec_output_flush(slot, &(rec_after){0});
    return (uint32_t)(slot->fill >> 32);
}

void rec_meta_put(uint8_t type, const uint8_t *payload, size_t length)
{
    tarn_live_slot *slot = slots[0];
    uint8_t *start = (uint8_t *)slot + TARN_SLOT_HEAD + (uint32_t)slot->fill;
    uint8_t *out = start;
    *out++ = type;
    out = tarn_meta_text(out, payload, length);
    atomic_signal_fence(memory_order_release);
    slot->fill += (uint64_t)(out - start);
}

void rec_meta_end(void)
{
    rec_unlock(&meta_lock);
}

static void put_process(void)
{
    /* static: too much for a small stack, and at the start of a process there is one thread */
    static char program[PATH_MAX], command[8192];
    static uint8_t record[sizeof program + sizeof command + 64];
    long n = syscall(SYS_readlink, "/proc/self/exe", program, sizeof program);
    size_t length = slurp("/proc/self/cmdline", command, sizeof command);
    while (length && !command[length - 1])
        length--;
    for (size_t i = 0; i < length; i++)
        if (!command[i])
            command[i] = ' ';
    uint8_t *out = tarn_varint_put(record, my_pid);
    out = tarn_varint_put(out, (uint64_t)getppid());
    out = tarn_meta_text(out, program, n > 0 ? (size_t)n : 0);
    out = tarn_meta_text(out, command, length);
    rec_meta_begin((size_t)(out - record));
    rec_meta_put(TARN_META_PROCESS, record, (size_t)(out - record));
    rec_meta_end();
}

static bool put_file_head(void)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    tarn_file_head file = {.magic = TARN_FILE_MAGIC,
                           .version = TARN_FORMAT_VERSION,
                           .head_bytes = sizeof file,
                           .start_unix_ns =
                               (uint64_t)wall.tv_sec * 1000000000u + (uint64_t)wall.tv_nsec,
                           .pid = my_pid,
                           .parent_pid = (uint32_t)getppid()};
    file.check = tarn_check(&file, offsetof(tarn_file_head, check));
    return append(&file, sizeof file);
}

static bool map_live(uint64_t start)
{
    live_made = create(&live_file, O_RDWR);
    if (!live_made)
        return false;
    int fd = live_file.fd;
    if (!reserve(fd, 0, TARN_LIVE_HEAD))
        return false;
    void *map = mmap(NULL, TARN_LIVE_HEAD, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return false;
    head = map;
    *head = (tarn_live_head){.version = TARN_FORMAT_VERSION, .pid = my_pid, .process_start = start};
    uint32_t words = 0;
    if (!rec_output_slot(&words))
        return false;
    meta_limit = words * 8;
    memcpy(head->magic, TARN_LIVE_MAGIC, sizeof head->magic); /* from here on it can be read */
    return true;
}

bool rec_output_open(void)
{
    const char *path = getenv(REC_FILE_VARIABLE);
    if (!asked[0]) {
        if (!path || !path[0] || strlen(path) >= sizeof asked)
            return false;
        memcpy(asked, path, strlen(path) + 1);
    }
    my_pid = (uint32_t)getpid();
    uint64_t start = process_start();
    if (!create_named(start)) {
        say("create", trace_file.path);
        return false;
    }
    if (!put_file_head() || !map_live(start)) {
        say("write beside", trace_file.path);
        syscall(SYS_unlinkat, AT_FDCWD, trace_file.path, 0); /* no trace rather than an empty one */
        if (live_made)
            syscall(SYS_unlinkat, AT_FDCWD, live_file.path, 0);
        return false;
    }
    put_process();
    return true;
}

uint64_t rec_output_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)(now.tv_sec - begin.tv_sec) * 1000000000u + (uint64_t)now.tv_nsec -
           (uint64_t)begin.tv_nsec;
}

void rec_output_lost(uint64_t events)
{
    __atomic_fetch_add(&head->lost, events, __ATOMIC_RELAXED);
}

void rec_output_failed(void)
{
    __atomic_fetch_add(&head->failed, 1, __ATOMIC_RELAXED);
}

void rec_output_ending(uint32_t how)
{
    struct timespec used;
    if ((uint32_t)getpid() != my_pid)
        return;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0)
        head->cpu_ns = (uint64_t)used.tv_sec * 1000000000U + (uint64_t)used.tv_nsec;
    head->ending = how;
}

void rec_output_forked(void)
{
    for (uint32_t i = 0; head && i < TARN_SLOTS_MAX && slots[i]; i++) {
        munmap(slots[i], TARN_SLOT_STRIDE);
        slots[i] = NULL;
    }
    if (head)
        munmap(head, TARN_LIVE_HEAD);
    head = NULL;
    if (still_ours(&trace_file))
        syscall(SYS_close, trace_file.fd);
    if (still_ours(&live_file))
        syscall(SYS_close, live_file.fd);
    rec_lock_reset(&meta_lock);
    rec_lock_reset(&output_lock);
}
