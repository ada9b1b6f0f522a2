/* SPDX-License-Identifier: MIT */
/* Finish a trace. Killed halfway, it can be done again: blocks that are there twice count once (F2 of format.h). */
#define _GNU_SOURCE
#include "trace/finish.h"

#include "trace/blocks.h"
#include "trace/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool append(int fd, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length) {
        ssize_t n = write(fd, at, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        length -= (size_t)n;
    }
    return true;
}

static bool append_slots(tarn_blocks *b, int fd)
{
    uint64_t *words = malloc(TARN_SLOT_BYTES);
    bool good = words != NULL;
    for (size_t i = 0; good && i < b->count; i++) {
        if (!b->list[i].live)
            continue;
        tarn_block_head head = b->list[i].head;
        size_t length = 0;
        if (tarn_blocks_read(b, &b->list[i], words))
            length = tarn_block_seal(b->sealer, &head, words);
        good = length && append(fd, b->sealer->block, length);
    }
    free(words);
    return good;
}

static bool append_end(const tarn_blocks *b, int fd, int status)
{
    tarn_end_record end = {.reason = TARN_END_UNKNOWN, .status = status};
    if (b->has_live) {
        end.reason = b->live.ending;
        end.failed = b->live.failed;
        end.lost = b->live.lost;
        end.cpu_ns = b->live.cpu_ns;
    }
    if (status != -1 && end.reason != TARN_END_EXEC) {
        if (WIFSIGNALED(status))
            end.reason = TARN_END_SIGNAL;
        else if (end.reason == TARN_END_UNKNOWN)
            end.reason = TARN_END_QUICK_EXIT;
    }
    tarn_block_head head = {.type = TARN_BLOCK_END, .packed = sizeof end};
    tarn_block_sign(&head);
    unsigned char block[sizeof head + sizeof end];
    memcpy(block, &head, sizeof head);
    memcpy(block + sizeof head, &end, sizeof end);
    return append(fd, block, sizeof block);
}

bool tarn_trace_finish(const char *path, int status, char *why)
{
    tarn_blocks b;
    char live[PATH_MAX];
    why[0] = 0;
    bool good = tarn_blocks_open(&b, path, why);
    if (good && !b.has_end && tarn_blocks_running(&b)) {
        snprintf(why, TARN_TRACE_MESSAGE, "%s: process %u is still running", path, b.live.pid);
        good = false;
    }
    if (good && !b.has_end) {
        int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        /* A block that was cut off by a kill is still whole in its slot. */
        bool trimmed = fd >= 0 && (!b.cut_off || !b.has_live || ftruncate(fd, (off_t)b.good) == 0);
        good = trimmed && append_slots(&b, fd) && append_end(&b, fd, status);
        if (!good)
            snprintf(why, TARN_TRACE_MESSAGE, "%s: %s", path, strerror(errno));
        if (fd >= 0 && close(fd) != 0)
            good = false;
    }
    tarn_blocks_close(&b);
    if (good && snprintf(live, sizeof live, "%s.live", path) < (int)sizeof live)
        unlink(live);
    return good;
}
