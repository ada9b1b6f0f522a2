/* SPDX-License-Identifier: MIT */
/*
 * stream.c - random operations against a model.
 *
 * I1  live[] holds every block that is the model's to use; each is full of its pattern.
 * I2  A block's serial is that of the operation that allocated or resized it last. A rewind takes
 *     all with a serial past the mark's: also those resized since, whose new bytes may lie behind it.
 */
#include "property/streams/stream.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <tarn/source.h>
#include <tarn/stats.h>

enum { LIVE_MAX = 128, MARKS = 6, BATCH = 12 };

typedef struct block {
    unsigned char *ptr;
    size_t size, granted; /* bytes */
    tarn_spec spec;       /* alignment alone */
    size_t serial;
    unsigned char salt;
} block;

typedef struct model {
    const subject *on;
    tarn_allocator *a;
    tarn_stats_layer parent;
    FILE *out;
    bool failed;
    bool uncounted; /* a rewind took blocks that a counting layer may not know of */
    size_t now;     /* the operation's number */
    size_t serial;
    size_t count;
    block live[LIVE_MAX];
    struct {
        tarn_mark mark;
        size_t serial;
    } marks[MARKS];
    size_t mark_count;
} model;

TARN_PRINTF(2, 3) static void wrong(model *m, const char *format, ...)
{
    va_list args;
    if (m->failed)
        return;
    m->failed = true;
    if (m->out == NULL)
        return;
    (void)fprintf(m->out, "%s: operation %zu: ", m->on->name, m->now);
    va_start(args, format);
    (void)vfprintf(m->out, format, args);
    va_end(args);
    (void)fputc('\n', m->out);
}

/* ── The stream ──────────────────────────────────────────────────────────────────────────────── */

static uint64_t draw(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static op_kind draw_kind(uint64_t *state)
{
    static const unsigned char weights[OP_COUNT] = {30, 8, 30, 14, 3, 3, 1, 3, 2, 1, 1};
    unsigned sum = 0, at = 0;
    for (size_t i = 0; i < OP_COUNT; i++)
        sum += weights[i];
    unsigned pick = (unsigned)(draw(state) % sum);
    while (pick >= weights[at])
        pick -= weights[at++];
    return (op_kind)at;
}

void stream_make(stream *s, uint64_t seed)
{
    uint64_t state = seed;
    s->count = 20 + (size_t)(draw(&state) % (STREAM_MAX - 19));
    for (size_t i = 0; i < s->count; i++) {
        s->ops[i].kind = draw_kind(&state);
        s->ops[i].a = (uint32_t)draw(&state);
        s->ops[i].b = (uint32_t)draw(&state);
        s->ops[i].c = (uint32_t)draw(&state);
    }
}

/* Mostly small; the size of a class, its neighbours and nothing at all now and then. */
static size_t size_of(const subject *on, uint32_t a)
{
    size_t pick = a >> 4, max = on->max_size;
    switch (a % 16) {
    case 0:
        return 0;
    case 1:
        return max - pick % (max < 3 ? 1 : 3);
    case 2:
    case 3:
        return pick % (max + 1);
    default:
        return pick % ((max < 160 ? max : 160) + 1);
    }
}

static tarn_spec spec_of(const subject *on, uint32_t b)
{
    tarn_spec top = TARN_SPEC(on->max_align), log2 = b % (top + 1);
    return (b >> 8) % 4 != 0 && log2 > 4 ? 4 : log2;
}

/* ── Patterns ────────────────────────────────────────────────────────────────────────────────── */

static unsigned char pattern(const block *b, size_t i)
{
    return (unsigned char)(b->salt + i * 13 + (i >> 8));
}

static void fill(const block *b)
{
    for (size_t i = 0; i < b->granted; i++)
        b->ptr[i] = pattern(b, i);
}

static void verify(model *m, const block *b, size_t size, const char *what)
{
    for (size_t i = 0; i < size; i++)
        if (b->ptr[i] != pattern(b, i)) {
            wrong(m, "%s: block %p of %zu bytes lost byte %zu", what, (void *)b->ptr, b->granted,
                  i);
            return;
        }
}

static void verify_all(model *m, const char *what)
{
    for (size_t i = 0; i < m->count; i++)
        verify(m, &m->live[i], m->live[i].granted, what);
}

static void zeros(model *m, const unsigned char *p, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (p[i] != 0) {
            wrong(m, "byte %zu of %zu is not zero", i, to);
            return;
        }
}

/* ── Operations ──────────────────────────────────────────────────────────────────────────────── */

static void adopt(model *m, void *p, size_t size, size_t granted, tarn_spec spec)
{
    if (p == NULL) {
        if (!m->on->may_refuse)
            wrong(m, "%zu bytes aligned to %zu were refused: %s", size, tarn_spec_align(spec),
                  tarn_status_text(tarn_get_why(m->a).status));
        return;
    }
    if (((uintptr_t)p & (tarn_spec_align(spec) - 1)) != 0 || granted < size)
        wrong(m, "%zu of %zu bytes at %p, alignment %zu", granted, size, p, tarn_spec_align(spec));
    if ((spec & TARN_ZERO) != 0)
        zeros(m, p, 0, granted);
    if (tarn_owns(m->a, p) == TARN_NO)
        wrong(m, "%p of %zu bytes is disowned", p, size);
    block *b = &m->live[m->count++];
    *b = (block){p, size, granted, spec & TARN_ALIGN_BITS, m->serial++, (unsigned char)m->serial};
    fill(b);
}

static void alloc(model *m, const op *o)
{
    size_t size = size_of(m->on, o->a);
    tarn_spec spec = spec_of(m->on, o->b) | (o->c % 4 == 0 ? TARN_ZERO : 0u);
    if (m->count == LIVE_MAX)
        return;
    if (o->kind == OP_ALLOC) {
        adopt(m, tarn_alloc(m->a, size, spec), size, size, spec);
    } else {
        tarn_block b = tarn_alloc_at_least(m->a, size, spec);
        adopt(m, b.ptr, size, b.size, spec);
    }
}

/* A mark is no longer good when a block that is older is freed or resized. */
static void touch(model *m, const block *b)
{
    while (m->mark_count > 0 && m->marks[m->mark_count - 1].serial > b->serial)
        m->mark_count--;
}

static void drop(model *m, size_t i)
{
    m->live[i] = m->live[--m->count];
}

/* A size that the block may be freed with. */
static size_t legal_size(const model *m, const block *b, uint32_t pick)
{
    if (pick % 8 == 0 && tarn_can(m->a, TARN_CAP_UNSIZED_FREE))
        return 0;
    return b->size + (b->granted > b->size ? (pick >> 3) % (b->granted - b->size + 1) : 0);
}

static void free_one(model *m, const op *o)
{
    if (m->count == 0)
        return;
    size_t i = o->a % m->count;
    block b = m->live[i];
    verify(m, &b, b.granted, "before a free");
    touch(m, &b);
    drop(m, i);
    tarn_free(m->a, b.ptr, legal_size(m, &b, o->b), b.spec);
}

static void resize(model *m, const op *o)
{
    static const tarn_spec ways[] = {0, 0, 0, TARN_ZERO, TARN_IN_PLACE, TARN_NO_COPY};
    if (m->count == 0)
        return;
    block *b = &m->live[o->a % m->count];
    size_t size = size_of(m->on, o->b), old = legal_size(m, b, o->c | 1);
    tarn_spec flags = ways[o->c / 8 % (sizeof ways / sizeof *ways)];
    size_t keep = old < size ? old : size;
    keep = (o->c >> 16) % 3 == 0 ? keep / 2 : keep;
    void *p = tarn_resize(m->a, b->ptr, old, size, keep, b->spec | flags);
    if (p == NULL) {
        verify(m, b, b->granted, "after a resize that was refused");
        if (!m->on->may_refuse && (flags & (TARN_IN_PLACE | TARN_NO_COPY)) == 0)
            wrong(m, "a resize from %zu to %zu bytes was refused", old, size);
        return;
    }
    if ((flags & TARN_IN_PLACE) != 0 && p != b->ptr)
        wrong(m, "moved in place");
    if (((uintptr_t)p & (tarn_spec_align(b->spec) - 1)) != 0)
        wrong(m, "resized to %p, alignment %zu", p, tarn_spec_align(b->spec));
    touch(m, b);
    b->ptr = p;
    verify(m, b, keep, "after a resize");
    if ((flags & TARN_ZERO) != 0 && size > old)
        zeros(m, p, old, size);
    b->size = b->granted = size;
    b->serial = m->serial++;
    fill(b);
}

static void batch(model *m, const op *o)
{
    void *out[BATCH];
    size_t size = size_of(m->on, o->a), count = o->c % (BATCH + 1);
    tarn_spec spec = spec_of(m->on, o->b);
    if (count > LIVE_MAX - m->count)
        return;
    size_t n = tarn_alloc_batch(m->a, size, spec, count, out);
    if (n > count || (n < count && !m->on->may_refuse)) {
        wrong(m, "a batch gave %zu of %zu", n, count);
        return;
    }
    for (size_t i = 0; i < n; i++)
        adopt(m, out[i], size, size, spec);
}

/* All live blocks that look like one of them, up to a batch. */
static void free_batch(model *m, const op *o)
{
    void *out[BATCH];
    size_t n = 0;
    if (m->count == 0)
        return;
    block like = m->live[o->a % m->count];
    for (size_t i = m->count; i-- > 0 && n < BATCH;) {
        const block *b = &m->live[i];
        if (b->spec != like.spec || like.size < b->size || like.size > b->granted)
            continue;
        verify(m, b, b->granted, "before a free");
        out[n++] = b->ptr;
        touch(m, b);
        drop(m, i);
    }
    tarn_free_batch(m->a, like.size, like.spec, n, out);
}

static void reset(model *m)
{
    if (tarn_reset(m->a) != TARN_OK) {
        if (tarn_can(m->a, TARN_CAP_RESET))
            wrong(m, "reset failed");
        return;
    }
    m->count = m->mark_count = 0;
    m->uncounted = false;
}

static void mark(model *m)
{
    if (!tarn_can(m->a, TARN_CAP_MARK) || m->mark_count == MARKS)
        return;
    m->marks[m->mark_count].mark = tarn_get_mark(m->a);
    m->marks[m->mark_count++].serial = m->serial;
}

static void rewind_to(model *m, const op *o)
{
    if (m->mark_count == 0)
        return;
    size_t to = o->a % m->mark_count, serial = m->marks[to].serial;
    if (tarn_rewind(m->a, m->marks[to].mark) != TARN_OK)
        wrong(m, "rewind failed");
    for (size_t i = m->count; i-- > 0;)
        if (m->live[i].serial >= serial)
            drop(m, i);
    m->mark_count = to + 1; /* the mark itself is good again */
    m->uncounted = true;
}

typedef struct sight {
    model *m;
    size_t seen;
} sight;

static bool see(void *user, void *at, size_t size)
{
    sight *s = user;
    for (size_t i = 0; i < s->m->count; i++)
        if (s->m->live[i].ptr == at) {
            if (size < s->m->live[i].size)
                wrong(s->m, "%zu bytes are seen as %zu", s->m->live[i].size, size);
            s->seen++;
            return true;
        }
    wrong(s->m, "%p is seen and not live", at);
    return false;
}

static void visit(model *m)
{
    sight s = {m, 0};
    tarn_stats now;
    tarn_status status = tarn_check(m->a);
    if (status != TARN_OK && status != TARN_UNSUPPORTED)
        wrong(m, "check: %s", tarn_status_text(status));
    if (!m->uncounted && tarn_visit(m->a, see, &s) == TARN_OK && s.seen != m->count)
        wrong(m, "%zu blocks are live and %zu were seen", m->count, s.seen);
    if (!m->uncounted && tarn_get_stats(m->a, &now) == TARN_OK &&
        (now.known & TARN_STATS_LIVE) != 0 && now.live_blocks != m->count)
        wrong(m, "%zu blocks are live and %zu are counted", m->count, now.live_blocks);
}

static void perform(model *m, const op *o)
{
    switch (o->kind) {
    case OP_ALLOC:
    case OP_AT_LEAST:
        alloc(m, o);
        break;
    case OP_FREE:
        free_one(m, o);
        break;
    case OP_RESIZE:
        resize(m, o);
        break;
    case OP_BATCH:
        batch(m, o);
        break;
    case OP_FREE_BATCH:
        free_batch(m, o);
        break;
    case OP_RESET:
        reset(m);
        break;
    case OP_MARK:
        mark(m);
        break;
    case OP_REWIND:
        rewind_to(m, o);
        break;
    case OP_TRIM:
        (void)tarn_trim(m->a);
        verify_all(m, "after a trim");
        break;
    case OP_VISIT:
    case OP_COUNT:
        visit(m);
        break;
    }
}

static void finish(model *m)
{
    tarn_stats left;
    verify_all(m, "at the end");
    visit(m);
    for (op last = {OP_FREE, 7, 1, 0}; m->count > 0; last.a += 5)
        free_one(m, &last);
    m->on->unmake(m->a, (void *)(uintptr_t)m->on->user);
    (void)tarn_get_stats(tarn_stats_allocator(&m->parent), &left);
    if (left.live_blocks != 0 || left.live_bytes != 0)
        wrong(m, "%zu blocks, %zd bytes left at the parent", left.live_blocks,
              (ptrdiff_t)left.live_bytes);
}

int stream_run(const stream *s, const subject *on, FILE *out)
{
    static model m;
    m = (model){.on = on, .out = out};
    if (tarn_stats_init(&m.parent, &(tarn_stats_options){.parent = tarn_libc()}) != TARN_OK)
        return 1;
    m.a = on->make(tarn_stats_allocator(&m.parent), (void *)(uintptr_t)on->user);
    if (m.a == NULL) {
        wrong(&m, "could not be made");
        return 1;
    }
    for (m.now = 0; m.now < s->count && !m.failed; m.now++) {
        perform(&m, &s->ops[m.now]);
        if (m.now % 16 == 15)
            verify_all(&m, "now and then");
    }
    if (!m.failed)
        finish(&m);
    return m.failed;
}

/* ── Failures ────────────────────────────────────────────────────────────────────────────────── */

void stream_print(const stream *s, const subject *on, FILE *out)
{
    static const char *const words[OP_COUNT] = {
        "alloc", "alloc_at_least", "free",   "resize", "alloc_batch", "free_batch",
        "reset", "mark",           "rewind", "trim",   "visit, check"};
    for (size_t i = 0; i < s->count; i++) {
        const op *o = &s->ops[i];
        (void)fprintf(out, "  %3zu %-14s", i, words[o->kind]);
        if (o->kind == OP_ALLOC || o->kind == OP_AT_LEAST || o->kind == OP_BATCH)
            (void)fprintf(out, " %zu bytes, alignment 2^%u", size_of(on, o->a),
                          (unsigned)spec_of(on, o->b));
        if (o->kind == OP_RESIZE)
            (void)fprintf(out, " to %zu bytes", size_of(on, o->b));
        (void)fprintf(out, "  {%u, %u, %u}\n", o->a, o->b, o->c);
    }
}

/* Zeller, Hildebrandt, Simplifying and isolating failure-inducing input, IEEE TSE 28(2), 2002: the
 * part of it that takes pieces away, large ones first. */
void stream_shrink(stream *s, bool (*fails)(const stream *, void *), void *user)
{
    static stream shorter;
    for (size_t piece = s->count / 2; piece > 0; piece /= 2) {
        size_t at = 0;
        while (at < s->count) {
            size_t end = at + piece < s->count ? at + piece : s->count;
            shorter.count = s->count - (end - at);
            memcpy(shorter.ops, s->ops, at * sizeof *s->ops);
            memcpy(shorter.ops + at, s->ops + end, (s->count - end) * sizeof *s->ops);
            if (fails(&shorter, user))
                *s = shorter;
            else
                at = end;
        }
    }
}
