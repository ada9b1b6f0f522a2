/* SPDX-License-Identifier: MIT */
/* Traces made to measure. */
#include "maker.h"

#include "support/tarn_test.h"
#include "trace/event.h"
#include "trace/meta.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void maker_bytes(maker *m, const void *bytes, size_t count)
{
    assert_int_equal(write(m->fd, bytes, count), count);
}

static uint8_t *record(uint8_t *out, uint8_t type, const uint8_t *payload, const uint8_t *end)
{
    *out++ = type;
    return tarn_meta_text(out, payload, (size_t)(end - payload));
}

static uint8_t *put_key(uint8_t *out, unsigned number)
{
    uint8_t r[256];
    uint64_t frames[3] = {0x1000 + number, 0x2000, 0x9000};
    uint8_t *p = tarn_varint_put(r, number);
    p = tarn_varint_put(p, number == 6 ? TARN_EVENT_REALLOC : TARN_EVENT_ALLOC);
    p = tarn_varint_put(p, 0);
    p = tarn_varint_put(p, TARN_KEY_UNWOUND | (number == 7 ? TARN_KEY_ANY_SIZE : 0));
    p = tarn_varint_put(p, number == 7 ? 0 : 16 * (number + 1));
    p = tarn_varint_put(p, 100);
    p = tarn_varint_put(p, number ? 2 : 0);
    p = tarn_varint_put(p, number ? 1 : 3);
    uint64_t last = 0;
    for (unsigned i = 0; i < (number ? 1 : 3); i++) {
        p = tarn_varint_put(p, tarn_zigzag(frames[i] - last));
        last = frames[i];
    }
    return record(out, TARN_META_KEY, r, p);
}

static void put_contexts(maker *m)
{
    uint8_t records[4096], r[256];
    uint8_t *p = tarn_varint_put(r, 4242);
    p = tarn_varint_put(p, 1);
    p = tarn_meta_text(p, "/bin/prog", 9);
    p = tarn_meta_text(p, "prog x", 6);
    uint8_t *out = record(records, TARN_META_PROCESS, r, p);
    p = tarn_varint_put(r, 0x800);
    p = tarn_varint_put(p, 0x800);
    p = tarn_varint_put(p, 0x3000);
    p = tarn_meta_text(p, "\xab\xcd", 2);
    p = tarn_meta_text(p, "", 0);
    out = record(out, TARN_META_MODULE, r, p);
    for (unsigned i = 0; i < MAKER_KEYS; i++)
        out = put_key(out, i);
    tarn_block_head head = {.type = TARN_BLOCK_META, .words = (uint32_t)(out - records)};
    size_t length = tarn_block_seal(m->sealer, &head, records);
    assert_true(length > 0);
    maker_bytes(m, m->sealer->block, length);
}

void maker_start(maker *m)
{
    /* In memory where possible: the tests write one file a thousand times. */
    strcpy(m->path,
           access("/dev/shm", W_OK) ? "/tmp/tarn-test-XXXXXX" : "/dev/shm/tarn-test-XXXXXX");
    m->fd = mkstemp(m->path);
    m->sealer = malloc(sizeof *m->sealer);
    assert_true(m->fd >= 0);
    assert_non_null(m->sealer);
    tarn_file_head file = {.magic = TARN_FILE_MAGIC,
                           .version = TARN_FORMAT_VERSION,
                           .head_bytes = sizeof file,
                           .pid = 4242};
    file.check = tarn_check(&file, offsetof(tarn_file_head, check));
    maker_bytes(m, &file, sizeof file);
    put_contexts(m);
}

void maker_block(maker *m, const tarn_block_head *head, const uint64_t *words)
{
    tarn_block_head copy = *head;
    copy.type = TARN_BLOCK_EVENTS;
    size_t length = tarn_block_seal(m->sealer, &copy, words);
    assert_true(length > 0);
    maker_bytes(m, m->sealer->block, length);
}

void maker_end(maker *m, uint32_t reason, int status)
{
    tarn_end_record end = {.reason = reason, .status = status};
    tarn_block_head head = {.type = TARN_BLOCK_END, .packed = sizeof end};
    tarn_block_sign(&head);
    maker_bytes(m, &head, sizeof head);
    maker_bytes(m, &end, sizeof end);
}

void maker_stop(maker *m)
{
    char live[80];
    close(m->fd);
    free(m->sealer);
    unlink(m->path);
    snprintf(live, sizeof live, "%s.live", m->path);
    unlink(live);
}

unsigned char *maker_read(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    unsigned char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

void maker_write(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

uint64_t maker_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}
