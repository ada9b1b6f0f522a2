/* SPDX-License-Identifier: MIT */
/* Find the blocks of a trace, however it looks: cut off, damaged in the middle, or with its tail in a side file.
 *
 * B1  A block counts when its head's check is right and its payload lies within the file. Behind anything else, the next
 *     right head is searched byte by byte.
 * B2  The payload is checked when it is read (zstd's own checksum).
 */
#define _GNU_SOURCE
#include "trace/blocks.h"

#include "trace/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_at(int fd, void *out, size_t length, uint64_t at)
{
    size_t got = 0;
    while (got < length) {
        ssize_t n = pread(fd, (char *)out + got, length - got, (off_t)(at + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

static void add(tarn_blocks *b, const tarn_block_head *head, uint64_t offset, bool live)
{
    if (b->count == b->room) {
        size_t room = b->room ? b->room * 2 : 64;
        tarn_place *list = realloc(b->list, room * sizeof *list);
        if (!list) {
            b->no_memory = true;
            return;
        }
        b->list = list;
        b->room = room;
    }
    b->list[b->count++] = (tarn_place){.head = *head, .offset = offset, .live = live};
}

/* From `at`, the offset of the next head that can be believed; the file's size when there is none. */
static uint64_t next_head(const tarn_blocks *b, uint64_t at)
{
    static const uint32_t magic = TARN_BLOCK_MAGIC;
    unsigned char window[65536];
    while (at + sizeof(tarn_block_head) <= b->size) {
        size_t want = sizeof window < b->size - at ? sizeof window : (size_t)(b->size - at);
        if (!read_at(b->fd, window, want, at))
            break;
        for (unsigned char *hit = window;
             (hit = memmem(hit, want - (size_t)(hit - window), &magic, 4)); hit++) {
            tarn_block_head head;
            uint64_t place = at + (uint64_t)(hit - window);
            if (read_at(b->fd, &head, sizeof head, place) && tarn_block_valid(&head))
                return place;
        }
        at += want - 3;
    }
    return b->size;
}

static void take_block(tarn_blocks *b, const tarn_block_head *head, uint64_t payload)
{
    if (head->type == TARN_BLOCK_END) {
        b->has_end =
            head->packed == sizeof b->end && read_at(b->fd, &b->end, sizeof b->end, payload);
    } else if (head->type == TARN_BLOCK_EVENTS || head->type == TARN_BLOCK_META) {
        add(b, head, payload, false);
    } /* another type: of a later version, left out */
    b->good = payload + head->packed;
}

static void find_blocks(tarn_blocks *b)
{
    uint64_t at = b->file.head_bytes;
    b->good = at;
    while (at < b->size) {
        tarn_block_head head;
        bool whole = b->size - at >= sizeof head;
        bool valid = whole && read_at(b->fd, &head, sizeof head, at) && tarn_block_valid(&head);
        if (valid && head.packed <= b->size - at - sizeof head) {
            take_block(b, &head, at + sizeof head);
            at = b->good;
            continue;
        }
        uint64_t next = next_head(b, at + 1);
        if (next >= b->size) {
            b->cut_off = true;
            if (valid)
                b->bad_words += head.type == TARN_BLOCK_EVENTS ? head.words : 0;
        } else {
            b->bad_blocks++;
        }
        at = next;
    }
}

static int by_slot(const void *a_, const void *b_)
{
    const tarn_place *a = a_, *b = b_;
    if (a->head.slot != b->head.slot)
        return a->head.slot < b->head.slot ? -1 : 1;
    if (a->head.seq != b->head.seq)
        return a->head.seq < b->head.seq ? -1 : 1;
    return a->live - b->live;
}

static void put_in_order(tarn_blocks *b)
{
    if (b->count)
        qsort(b->list, b->count, sizeof *b->list, by_slot);
    size_t kept = 0;
    for (size_t i = 0; i < b->count; i++)
        if (!kept || b->list[kept - 1].head.slot != b->list[i].head.slot ||
            b->list[kept - 1].head.seq != b->list[i].head.seq)
            b->list[kept++] = b->list[i];
    b->count = kept;
}

static void find_live(tarn_blocks *b, const char *path)
{
    char name[PATH_MAX];
    if (snprintf(name, sizeof name, "%s.live", path) >= (int)sizeof name)
        return;
    b->live_fd = open(name, O_RDONLY | O_CLOEXEC);
    if (b->live_fd < 0)
        return;
    b->has_live = read_at(b->live_fd, &b->live, sizeof b->live, 0) &&
                  !memcmp(b->live.magic, TARN_LIVE_MAGIC, sizeof b->live.magic) &&
                  b->live.version == TARN_FORMAT_VERSION && b->live.pid == b->file.pid;
    for (uint32_t i = 0; b->has_live && i < b->live.slots && i < TARN_SLOTS_MAX; i++) {
        uint64_t at = TARN_LIVE_HEAD + (uint64_t)i * TARN_SLOT_STRIDE;
        tarn_live_slot slot;
        if (!read_at(b->live_fd, &slot, sizeof slot, at))
            break;
        tarn_block_head head = {.type = i ? TARN_BLOCK_EVENTS : TARN_BLOCK_META,
                                .slot = i,
                                .seq = (uint32_t)(slot.fill >> 32),
                                .words = (uint32_t)slot.fill,
                                .thread = slot.thread,
                                .stamp = slot.stamp,
                                .time_ns = slot.time_ns};
        if (head.words && head.words <= (i ? TARN_SLOT_WORDS : TARN_SLOT_BYTES))
            add(b, &head, at + TARN_SLOT_HEAD, true);
    }
}

static bool file_head_good(const tarn_blocks *b, const char *path, char *why)
{
    const tarn_file_head *file = &b->file;
    if (memcmp(file->magic, TARN_FILE_MAGIC, sizeof file->magic) != 0) {
        snprintf(why, TARN_TRACE_MESSAGE, "%s: not a trace of tarn", path);
        return false;
    }
    if (file->version != TARN_FORMAT_VERSION) {
        snprintf(why, TARN_TRACE_MESSAGE, "%s: a trace of version %u; this tarn reads version %u",
                 path, file->version, TARN_FORMAT_VERSION);
        return false;
    }
    if (file->check != tarn_check(file, offsetof(tarn_file_head, check)) ||
        file->head_bytes < sizeof *file) {
        snprintf(why, TARN_TRACE_MESSAGE, "%s: the head of the trace is damaged", path);
        return false;
    }
    return true;
}

bool tarn_blocks_open(tarn_blocks *blocks, const char *path, char *why)
{
    *blocks = (tarn_blocks){.fd = open(path, O_RDONLY | O_CLOEXEC), .live_fd = -1};
    struct stat st;
    if (blocks->fd < 0 || fstat(blocks->fd, &st) != 0) {
        snprintf(why, TARN_TRACE_MESSAGE, "%s: %s", path, strerror(errno));
        return false;
    }
    blocks->size = (uint64_t)st.st_size;
    if (!S_ISREG(st.st_mode) || !read_at(blocks->fd, &blocks->file, sizeof blocks->file, 0)) {
        snprintf(why, TARN_TRACE_MESSAGE, "%s: not a trace of tarn (too short, or not a file)",
                 path);
        return false;
    }
    if (!file_head_good(blocks, path, why))
        return false;
    blocks->sealer = malloc(sizeof *blocks->sealer);
    if (blocks->sealer) {
        find_blocks(blocks);
        if (!blocks->has_end)
            find_live(blocks, path);
        put_in_order(blocks);
    }
    if (!blocks->sealer || blocks->no_memory) {
        snprintf(why, TARN_TRACE_MESSAGE, "%s: out of memory", path);
        return false;
    }
    return true;
}

bool tarn_blocks_read(tarn_blocks *blocks, const tarn_place *place, void *data)
{
    const tarn_block_head *head = &place->head;
    if (place->live)
        return read_at(blocks->live_fd, data,
                       head->type == TARN_BLOCK_META ? head->words : head->words * (size_t)8,
                       place->offset);
    tarn_sealer *sealer = blocks->sealer;
    return head->packed <= sizeof sealer->block &&
           read_at(blocks->fd, sealer->block, head->packed, place->offset) &&
           tarn_block_open(sealer, head, sealer->block, data);
}

bool tarn_blocks_running(const tarn_blocks *blocks)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%u/stat", blocks->live.pid);
    int fd = blocks->has_live ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    char *at = strrchr(text, ')'); /* the name before it may hold anything */
    bool zombie = at && (at[2] == 'Z' || at[2] == 'X');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at && !zombie && strtoull(at, NULL, 10) == blocks->live.process_start;
}

void tarn_blocks_close(tarn_blocks *blocks)
{
    if (blocks->fd >= 0)
        close(blocks->fd);
    if (blocks->live_fd >= 0)
        close(blocks->live_fd);
    free(blocks->list);
    free(blocks->sealer);
    *blocks = (tarn_blocks){.fd = -1, .live_fd = -1};
}
