/* SPDX-License-Identifier: MIT */
/*
 * range_json.c - the map of a range as JSON, piece by piece through a writer.
 *
 * I1  Whatever the name's bytes are, the text is ASCII and valid JSON (RFC 8259).
 */
#include "base/mem.h"
#include "strategy/range_any.h"

struct map {
    tarn_range_writer *write;
    void *user;
    bool on;
    bool first; /* no run was written yet */
};

static void put(struct map *m, const char *text, size_t length)
{
    m->on = m->on && m->write(m->user, text, length);
}

static void put_text(struct map *m, const char *text)
{
    put(m, text, strlen(text));
}

static void put_number(struct map *m, uint64_t value, unsigned base)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    put(m, digits + at, sizeof digits - at);
}

/* ,"key":value */
static void put_member(struct map *m, const char *key, uint64_t value)
{
    put_text(m, ",\"");
    put_text(m, key);
    put_text(m, "\":");
    put_number(m, value, 10);
}

/* ,"key":"0x…" */
static void put_hex(struct map *m, const char *key, uint64_t value)
{
    put_text(m, ",\"");
    put_text(m, key);
    put_text(m, "\":\"0x");
    put_number(m, value, 16);
    put_text(m, "\"");
}

static void put_string(struct map *m, const char *text)
{
    put_text(m, "\"");
    for (; *text != 0; text++) {
        unsigned char c = (unsigned char)*text;
        char escape[6] = {
            '\\', 'u', '0', '0', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]};
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
            put(m, escape, sizeof escape);
        else
            put(m, text, 1);
    }
    put_text(m, "\"");
}

static bool put_run(void *user, const tarn_range_block *run)
{
    struct map *m = user;
    put_text(m, m->first ? "\n{\"offset\":" : ",\n{\"offset\":");
    m->first = false;
    put_number(m, run->offset, 10);
    put_member(m, "size", run->size);
    if (run->id != 0) {
        put_hex(m, "id", run->id);
        put_hex(m, "user", (uintptr_t)run->user);
    }
    put_text(m, "}");
    return m->on;
}

bool tarn_range_json(const tarn_range *r, tarn_range_writer *write, void *user)
{
    struct map m = {write, user, true, true};
    tarn_range_stats stats;
    tarn_range_get_stats(r, &stats);
    put_text(&m, "{\"name\":");
    put_string(&m, tarn_range_name(r));
    put_member(&m, "units", stats.units);
    put_member(&m, "live_blocks", stats.live_blocks);
    put_member(&m, "live_units", stats.live_units);
    put_member(&m, "peak_units", stats.peak_units);
    put_member(&m, "failures", stats.failures);
    put_member(&m, "metadata", stats.metadata);
    put_member(&m, "free_runs", stats.free_runs);
    put_member(&m, "free_units", stats.free_units);
    put_member(&m, "largest_free", stats.largest_free);
    put_member(&m, "smallest_live", stats.smallest_live);
    put_member(&m, "largest_live", stats.largest_live);
    put_member(&m, "fragmentation", stats.fragmentation);
    put_text(&m, ",\n\"runs\":[");
    if (m.on)
        tarn_range_visit(r, put_run, &m);
    put_text(&m, "]}\n");
    return m.on;
}

struct buffer {
    char *text;
    size_t size, length;
};

static bool append(void *user, const char *text, size_t length)
{
    struct buffer *b = user;
    if (b->length < b->size)
        memcpy(b->text + b->length, text,
               length < b->size - b->length ? length : b->size - b->length);
    b->length += length;
    return true;
}

size_t tarn_range_json_text(const tarn_range *r, char *text, size_t size)
{
    struct buffer b = {text, size, 0};
    (void)tarn_range_json(r, append, &b);
    if (size != 0)
        text[b.length < size ? b.length : size - 1] = 0;
    return b.length;
}
