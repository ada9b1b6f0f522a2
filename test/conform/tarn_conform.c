/* SPDX-License-Identifier: MIT */
/*
 * tarn_conform.c - the rules of tarn/allocator.h, each as a function that tries to see it broken.
 *
 *     rule ──► fresh allocator ◄── make ◄── stats ◄── fail ◄── libc     the parent of the test
 *              │  pieces: live blocks, each full of a pattern of its own
 *              ▼
 *     pieces freed ──► check ──► unmake ──► nothing may be left at the parent
 *
 * I1  Every live block that the allocator granted is a piece, and holds its pattern in all of the
 *     bytes that are the caller's: an overlap with another block shows as a broken pattern.
 * I2  `spent` bounds what was asked for without being freed, so that no rule asks an allocator of
 *     bounded memory for more than `budget`.
 *
 * One file, so that it is easily taken along; in sections: the bench, blocks, the rules, the sweep.
 */
#include "tarn_conform.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <tarn/fail.h>
#include <tarn/source.h>
#include <tarn/stats.h>

enum {
    PIECES = 64, /* live blocks of a rule, at most         */
    LINES = 4,   /* printed for a rule, the rest is counted */
    THREADS = 4,
    THREAD_ROUNDS = 300,
    SWEEP_LIMIT = 10000,
    EXHAUST_LIMIT = 20000
};

/* A live block and what it is filled with. */
typedef struct piece {
    unsigned char *ptr;
    size_t size;    /* asked for          */
    size_t granted; /* >= size, all ours  */
    tarn_spec spec; /* alignment alone    */
    unsigned char salt;
} piece;

/* One rule at work. */
typedef struct bench {
    const tarn_conform_options *o;
    size_t min_size, max_size, max_align, budget;
    FILE *out;
    const char *rule;
    int failures, printed;
    uint64_t random;
    tarn_allocator *a;
    tarn_fail fail;
    tarn_stats_layer parent;
    piece pieces[PIECES];
    size_t count; /* pieces in use */
    size_t spent; /* bytes, see I2 */
} bench;

/* ── The bench ───────────────────────────────────────────────────────────────────────────────── */

TARN_PRINTF(2, 3) static void broken(bench *t, const char *format, ...)
{
    va_list args;
    t->failures++;
    if (t->printed++ >= LINES)
        return;
    const char *name = t->o->name;
    if (name == NULL)
        name = t->a != NULL ? tarn_name(t->a) : "allocator";
    (void)fprintf(t->out, "conform: %s: %s: ", name, t->rule);
    va_start(args, format);
    (void)vfprintf(t->out, format, args);
    va_end(args);
    (void)fputc('\n', t->out);
}

#define EXPECT(t, condition, ...)                                                                  \
    do {                                                                                           \
        if (!(condition))                                                                          \
            broken(t, __VA_ARGS__);                                                                \
    } while (0)

static uint64_t draw(bench *t)
{
    uint64_t x = t->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static size_t draw_between(bench *t, size_t low, size_t high)
{
    return low + (size_t)(draw(t) % (high - low + 1));
}

/* Small ones more often, the edges now and then. */
static size_t draw_size(bench *t)
{
    size_t high = t->max_size;
    switch (draw(t) % 8) {
    case 0:
        return t->min_size;
    case 1:
        return high;
    case 2:
    case 3:
        return draw_between(t, t->min_size, high);
    default:
        return draw_between(t, t->min_size, high < t->min_size + 200 ? high : t->min_size + 200);
    }
}

/* An alignment, and a site tag that must make no difference. */
static tarn_spec draw_spec(bench *t)
{
    tarn_spec log2 = (tarn_spec)draw_between(t, 0, TARN_SPEC(t->max_align));
    return log2 | (tarn_spec)(draw(t) & 0xffff) << TARN_TAG_SHIFT;
}

static tarn_allocator *parent_of(bench *t)
{
    return tarn_stats_allocator(&t->parent);
}

static tarn_stats parent_stats(bench *t)
{
    tarn_stats now;
    (void)tarn_get_stats(parent_of(t), &now);
    return now;
}

static void unmake(const bench *t, tarn_allocator *a)
{
    if (t->o->unmake != NULL)
        t->o->unmake(a, t->o->user);
    else
        tarn_deinit(a);
}

static bool set_up(bench *t)
{
    const tarn_fail_options fail = {.parent = tarn_libc()};
    t->count = 0;
    t->spent = 0;
    t->a = NULL;
    if (tarn_fail_init(&t->fail, &fail) != TARN_OK ||
        tarn_stats_init(&t->parent,
                        &(tarn_stats_options){.parent = tarn_fail_allocator(&t->fail)}) != TARN_OK)
        return false;
    t->a = t->o->make(parent_of(t), t->o->user);
    EXPECT(t, t->a != NULL, "make gave no allocator");
    return t->a != NULL;
}

static void check(bench *t)
{
    tarn_status status = tarn_check(t->a);
    EXPECT(t, status == TARN_OK || status == TARN_UNSUPPORTED, "tarn_check: %s",
           tarn_status_text(status));
}

static void at_end_nothing_left(bench *t)
{
    unmake(t, t->a);
    tarn_stats left = parent_stats(t);
    EXPECT(t, left.live_blocks == 0, "deinit: %zu blocks of %zu bytes left at the parent",
           left.live_blocks, left.live_bytes);
    EXPECT(t, left.live_blocks != 0 || left.live_bytes == 0,
           "deinit: blocks went back to the parent with sizes %zd bytes off",
           (ptrdiff_t)left.live_bytes);
}

/* ── Blocks ──────────────────────────────────────────────────────────────────────────────────── */

static unsigned char pattern(unsigned char salt, size_t i)
{
    return (unsigned char)(salt + i * 7 + (i >> 8));
}

static void fill(piece *p, size_t from)
{
    for (size_t i = from; i < p->granted; i++)
        p->ptr[i] = pattern(p->salt, i);
}

/* The first byte below `size` that lost its contents; size when there is none. */
static size_t damage(const piece *p, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (p->ptr[i] != pattern(p->salt, i))
            return i;
    return size;
}

static void verify(bench *t, const piece *p)
{
    size_t bad = damage(p, p->granted);
    EXPECT(t, bad == p->granted, "block %p of %zu bytes changed at byte %zu", (void *)p->ptr,
           p->granted, bad);
}

static void verify_all(bench *t)
{
    for (size_t i = 0; i < t->count; i++)
        verify(t, &t->pieces[i]);
}

static bool aligned(const void *p, tarn_spec spec)
{
    return ((uintptr_t)p & (tarn_spec_align(spec) - 1)) == 0;
}

static bool all_zero(const unsigned char *p, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (p[i] != 0)
            return false;
    return true;
}

/* Takes a block in as a piece, after looking at what every new block must be. */
static piece *adopt(bench *t, void *ptr, size_t size, size_t granted, tarn_spec spec)
{
    EXPECT(t, aligned(ptr, spec), "%zu bytes at %p, asked for alignment %zu", size, ptr,
           tarn_spec_align(spec));
    EXPECT(t, granted >= size, "granted %zu bytes of %zu", granted, size);
    EXPECT(t, (spec & TARN_ZERO) == 0 || all_zero(ptr, 0, granted), "%zu bytes are not all zero",
           granted);
    piece *p = &t->pieces[t->count++];
    *p = (piece){ptr, size, granted, spec & TARN_ALIGN_BITS, (unsigned char)draw(t)};
    fill(p, 0);
    return p;
}

/* Is there room for that much, and one piece? */
static bool affordable(const bench *t, size_t size, tarn_spec spec)
{
    size_t cost = size + tarn_spec_align(spec);
    return t->count < PIECES && cost <= t->budget && t->spent <= t->budget - cost;
}

/* A block that must be served; NULL when the budget is used up, or after a failure. */
static piece *get(bench *t, size_t size, tarn_spec spec)
{
    if (!affordable(t, size, spec))
        return NULL;
    t->spent += size + tarn_spec_align(spec);
    void *p = tarn_alloc(t->a, size, spec);
    EXPECT(t, p != NULL, "refused %zu bytes aligned to %zu: %s", size, tarn_spec_align(spec),
           tarn_status_text(tarn_get_why(t->a).status));
    return p != NULL ? adopt(t, p, size, size, spec) : NULL;
}

static piece *get_at_least(bench *t, size_t size, tarn_spec spec)
{
    if (!affordable(t, size, spec))
        return NULL;
    t->spent += size + tarn_spec_align(spec);
    tarn_block b = tarn_alloc_at_least(t->a, size, spec);
    EXPECT(t, b.ptr != NULL, "refused at least %zu bytes", size);
    return b.ptr != NULL ? adopt(t, b.ptr, size, b.size, spec) : NULL;
}

static void forget(bench *t, size_t index)
{
    t->pieces[index] = t->pieces[--t->count];
}

static void put_sized(bench *t, size_t index, size_t size)
{
    piece p = t->pieces[index];
    verify(t, &p);
    if (tarn_can(t->a, TARN_CAP_FREE))
        t->spent -= p.size + tarn_spec_align(p.spec);
    forget(t, index);
    tarn_free(t->a, p.ptr, size, p.spec);
}

/* With any of the sizes that are allowed. */
static void put(bench *t, size_t index)
{
    const piece *p = &t->pieces[index];
    put_sized(t, index, draw_between(t, p->size, p->granted));
}

static void put_all(bench *t)
{
    while (t->count > 0)
        put(t, (size_t)(draw(t) % t->count));
}

/* Blocks of random sizes, up to `count` and a share of the budget. */
static void get_many(bench *t, size_t count, size_t share)
{
    size_t end = t->spent + share;
    for (size_t i = 0; i < count && t->spent < end; i++)
        if ((draw(t) & 1) != 0)
            get(t, draw_size(t), draw_spec(t));
        else
            get_at_least(t, draw_size(t), draw_spec(t));
}

/* What may not change when a call is refused. */
typedef struct snapshot {
    tarn_stats own;
    size_t parent_blocks, parent_bytes;
} snapshot;

static snapshot take(bench *t)
{
    snapshot s;
    tarn_stats parent = parent_stats(t);
    memset(&s, 0, sizeof s);
    (void)tarn_get_stats(t->a, &s.own);
    s.parent_blocks = parent.live_blocks;
    s.parent_bytes = parent.live_bytes;
    return s;
}

static bool same_stats(const tarn_stats *x, const tarn_stats *y)
{
    return x->known == y->known && x->live_blocks == y->live_blocks &&
           x->live_bytes == y->live_bytes && x->peak_blocks == y->peak_blocks &&
           x->peak_bytes == y->peak_bytes && x->allocs == y->allocs && x->frees == y->frees &&
           x->resizes == y->resizes && x->bytes == y->bytes && x->held_bytes == y->held_bytes &&
           x->idle_bytes == y->idle_bytes && x->chunks == y->chunks;
}

static void unchanged(bench *t, const snapshot *before, const char *what)
{
    snapshot now = take(t);
    EXPECT(t, same_stats(&now.own, &before->own), "%s was refused, and the counters changed", what);
    EXPECT(t,
           now.parent_blocks == before->parent_blocks && now.parent_bytes == before->parent_bytes,
           "%s was refused, and %zu more bytes of the parent are held", what,
           now.parent_bytes - before->parent_bytes);
    verify_all(t);
    check(t);
}

/* ── The rules ───────────────────────────────────────────────────────────────────────────────── */

/* R5: what an allocator cannot do is absent, and the capability bits say so. */
static void rule_table(bench *t)
{
    const tarn_allocator *a = t->a;
    const tarn_ops *ops = a->ops;
    const struct {
        uint32_t cap;
        const char *entry;
        bool present;
    } entries[] = {
        {TARN_CAP_RESIZE, "resize", ops->resize != NULL},
        {TARN_CAP_OWNS, "owns", TARN_RARE(a, owns) != NULL},
        {TARN_CAP_RESET, "reset", TARN_RARE(a, reset) != NULL},
        {TARN_CAP_MARK, "mark", TARN_RARE(a, mark) != NULL},
        {TARN_CAP_MARK, "rewind", TARN_RARE(a, rewind) != NULL},
        {TARN_CAP_TRIM, "trim", TARN_RARE(a, trim) != NULL},
        {TARN_CAP_VISIT, "visit", TARN_RARE(a, visit) != NULL},
        {TARN_CAP_CHECK, "check", TARN_RARE(a, check) != NULL},
        {TARN_CAP_STATS, "stats", TARN_RARE(a, stats) != NULL},
    };
    EXPECT(t, ops->abi == TARN_ABI, "abi %u", (unsigned)ops->abi);
    EXPECT(t, ops->alloc != NULL && ops->free != NULL, "alloc or free is absent");
    EXPECT(t, ops->rare == NULL || ops->rare->bytes >= sizeof(size_t), "rare table of %zu bytes",
           ops->rare->bytes);
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        EXPECT(t, tarn_can(a, entries[i].cap) == entries[i].present,
               "%s is %s and its capability is %s", entries[i].entry,
               entries[i].present ? "present" : "absent",
               tarn_can(a, entries[i].cap) ? "set" : "clear");
    EXPECT(t, tarn_name(a)[0] != '\0', "an empty name");
    for (unsigned i = 0; i < 1000 && tarn_parent(a, i) != NULL; i++)
        EXPECT(t, i < 999, "tarn_parent has no end");
}

/* R6, and an address that stays (R8): the handle's table is not replaced while blocks live. */
static void rule_null(bench *t)
{
    const tarn_ops *ops = t->a->ops;
    snapshot before = take(t);
    tarn_free(t->a, NULL, 0, 0);
    tarn_free(t->a, NULL, t->max_size, TARN_ALIGN_MAX);
    unchanged(t, &before, "freeing NULL");
    get_many(t, 4, t->budget / 2);
    EXPECT(t, t->a->ops == ops, "the operations changed under the handle");
}

/* false when the allocator says that it never zeroes. */
static bool can_zero(bench *t)
{
    void *p = tarn_alloc(t->a, t->max_size, TARN_ZERO);
    bool can = p != NULL || tarn_get_why(t->a).status != TARN_UNSUPPORTED;
    tarn_free(t->a, p, t->max_size, 0);
    return can;
}

/* R4; an allocator of one size may refuse this one, as any other. */
static void rule_zero_size(bench *t)
{
    tarn_spec some = TARN_SPEC(t->max_align), zero = can_zero(t) ? TARN_ZERO : 0u;
    void *p[3] = {tarn_alloc(t->a, 0, 0), tarn_alloc(t->a, 0, some),
                  tarn_alloc(t->a, 0, some | zero)};
    if (t->o->only_size != 0 && p[0] == NULL) {
        EXPECT(t, p[1] == NULL && p[2] == NULL, "0 bytes are refused or not by alignment");
        return;
    }
    tarn_block b = tarn_alloc_at_least(t->a, 0, 0);
    void *batch[3] = {NULL, NULL, NULL};
    size_t n = tarn_alloc_batch(t->a, 0, 0, 3, batch);
    EXPECT(t, p[0] != NULL && p[1] != NULL && p[2] != NULL, "a request of 0 bytes gave NULL");
    EXPECT(t, b.ptr != NULL, "alloc_at_least of 0 bytes gave NULL");
    EXPECT(t, n == 3 && batch[0] != NULL && batch[1] != NULL && batch[2] != NULL,
           "a batch of blocks of 0 bytes gave %zu of 3", n);
    EXPECT(t, aligned(p[1], some) && aligned(p[2], some), "0 bytes at %p, asked for alignment %zu",
           p[1], tarn_spec_align(some));
    get_many(t, 8, t->budget / 2);
    verify_all(t);
    tarn_free(t->a, p[1], 0, some);
    tarn_free_batch(t->a, 0, 0, n, batch);
    tarn_free(t->a, b.ptr, b.size, 0);
    tarn_free(t->a, p[0], 0, 0);
    tarn_free(t->a, p[2], 0, some);
}

/* R3: what must be served is aligned; what is not served is refused. */
static void rule_alignment(bench *t)
{
    for (size_t align = 1; align <= t->max_align; align *= 2)
        for (int i = 0; i < 4; i++) {
            get(t, draw_size(t), TARN_SPEC(align));
            get_at_least(t, draw_size(t), TARN_SPEC(align));
            if (t->count > PIECES - 4 || t->spent > t->budget / 2)
                put_all(t);
        }
    verify_all(t);
    for (tarn_spec log2 = TARN_SPEC(t->max_align) + 1; log2 <= TARN_ALIGN_BITS; log2++) {
        if (log2 > 20 && log2 < 40)
            continue; /* there is a malloc that aborts rather than refuse these */
        snapshot before = take(t);
        void *p = tarn_alloc(t->a, t->min_size, log2);
        if (p == NULL) {
            unchanged(t, &before, "an alignment");
            continue;
        }
        EXPECT(t, log2 < sizeof(void *) * 8 && aligned(p, log2),
               "%p for an alignment of 2^%u was not refused", p, (unsigned)log2);
        tarn_free(t->a, p, t->min_size, log2);
    }
    EXPECT(t, tarn_alloc(t->a, t->min_size, tarn_spec_for(24)) == NULL,
           "an alignment of 24 was not refused");
    void *out[2];
    EXPECT(t, tarn_alloc_batch(t->a, t->min_size, TARN_ALIGN_BITS, 2, out) == 0,
           "a batch with an impossible alignment was not refused");
    EXPECT(t, tarn_alloc_at_least(t->a, t->min_size, TARN_ALIGN_BITS).ptr == NULL,
           "alloc_at_least with an impossible alignment was not refused");
}

/* Live blocks have no byte in common, and keep what is written into them. */
static void rule_overlap(bench *t)
{
    for (int round = 0; round < 20; round++) {
        get_many(t, 24, t->budget / 4);
        for (size_t i = 0; i < t->count; i++)
            for (size_t k = 0; k < i; k++) {
                const piece *x = &t->pieces[i], *y = &t->pieces[k];
                EXPECT(t, x->ptr + x->granted <= y->ptr || y->ptr + y->granted <= x->ptr,
                       "%p of %zu bytes and %p of %zu bytes overlap", (void *)x->ptr, x->granted,
                       (void *)y->ptr, y->granted);
            }
        verify_all(t);
        for (size_t n = t->count / 2; n > 0; n--)
            put(t, (size_t)(draw(t) % t->count));
        verify_all(t);
    }
    check(t);
}

static void zeroed_batch(bench *t)
{
    void *out[4];
    size_t size = t->max_size;
    if (t->count + 4 > PIECES || 4 * size > t->budget - t->spent)
        return;
    size_t n = tarn_alloc_batch(t->a, size, TARN_ZERO, 4, out);
    t->spent += n * (size + 1);
    EXPECT(t, n == 4, "a zeroed batch gave %zu of 4", n);
    for (size_t i = 0; i < n; i++)
        adopt(t, out[i], size, size, TARN_ZERO);
}

/* TARN_ZERO, on memory that was never used, was freed, was reset. adopt looks for the zeros. */
static void rule_zero(bench *t)
{
    if (!can_zero(t))
        return;
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 6; i++) {
            get(t, draw_size(t), draw_spec(t) | TARN_ZERO);
            get_at_least(t, draw_size(t), draw_spec(t) | TARN_ZERO);
        }
        zeroed_batch(t);
        if (round % 2 == 0 || !tarn_can(t->a, TARN_CAP_RESET)) {
            put_all(t);
        } else {
            t->count = t->spent = 0;
            EXPECT(t, tarn_reset(t->a) == TARN_OK, "reset failed");
        }
    }
    if (tarn_can(t->a, TARN_CAP_ZEROED)) {
        put_all(t);
        unmake(t, t->a);
        if (!set_up(t))
            return;
        const unsigned char *p = tarn_alloc(t->a, t->max_size, 0);
        EXPECT(t, p != NULL && all_zero(p, 0, t->max_size), "TARN_CAP_ZEROED, and it is not");
        tarn_free(t->a, (void *)(uintptr_t)p, t->max_size, 0);
    }
}

/* One resize of piece i: whatever comes back, nothing that was to be kept is lost. */
static bool resize(bench *t, size_t i, size_t size, tarn_spec flags)
{
    piece *p = &t->pieces[i];
    size_t old = draw_between(t, p->size, p->granted);
    size_t keep = draw_between(t, 0, old < size ? old : size);
    bool fits = size <= t->max_size && size + tarn_spec_align(p->spec) <= t->budget - t->spent;
    bool unsized = tarn_can(t->a, TARN_CAP_UNSIZED_FREE) && draw(t) % 4 == 0;
    void *q = tarn_resize(t->a, p->ptr, unsized ? 0 : old, size, keep, p->spec | flags);
    if (q == NULL) {
        EXPECT(t, !fits || (flags & (TARN_IN_PLACE | TARN_NO_COPY)) != 0,
               "refused to resize %zu to %zu bytes", old, size);
        verify(t, p);
        return false;
    }
    EXPECT(t, (flags & TARN_IN_PLACE) == 0 || q == p->ptr, "moved, and was not to");
    EXPECT(t, aligned(q, p->spec), "resized to %p, alignment is %zu", q, tarn_spec_align(p->spec));
    if (tarn_can(t->a, TARN_CAP_FREE))
        t->spent -= p->size;
    else
        t->spent += tarn_spec_align(p->spec);
    t->spent += size;
    p->ptr = q;
    p->size = p->granted = size;
    size_t bad = damage(p, keep);
    EXPECT(t, bad == keep, "resized %zu to %zu bytes, and byte %zu of %zu kept was lost", old, size,
           bad, keep);
    EXPECT(t, (flags & TARN_ZERO) == 0 || size <= old || all_zero(p->ptr, old, size),
           "resized %zu to %zu bytes, and the new ones are not zero", old, size);
    fill(p, 0);
    return true;
}

static void resize_rounds(bench *t, tarn_spec flags)
{
    bool zero = can_zero(t);
    for (int round = 0; round < 60; round++) {
        if (t->count < 4)
            get_many(t, 6, t->budget / 4);
        if (t->count == 0 || t->spent > t->budget / 2)
            return;
        tarn_spec more = zero && draw(t) % 2 == 0 ? TARN_ZERO : 0u;
        resize(t, (size_t)(draw(t) % t->count), draw_size(t), flags | more);
        verify_all(t);
        if (draw(t) % 4 == 0)
            put(t, (size_t)(draw(t) % t->count));
    }
    check(t);
}

static void rule_resize(bench *t)
{
    resize_rounds(t, 0);
}

static void rule_in_place(bench *t)
{
    resize_rounds(t, TARN_IN_PLACE);
}

static void rule_no_copy(bench *t)
{
    resize_rounds(t, TARN_NO_COPY);
}

/* The reason is either not kept, or that of this very request. */
static void why(bench *t, size_t size)
{
    tarn_why w = tarn_get_why(t->a);
    char text[160];
    EXPECT(t, w.status == TARN_OK || w.size == size, "refused %zu bytes, and why tells of %zu",
           size, w.size);
    EXPECT(t, tarn_why_text(t->a, text, sizeof text) > 0 && text[0] != '\0', "why has no words");
}

static void refuse_huge(bench *t, size_t size)
{
    void *out[3];
    snapshot before = take(t);
    size_t i = t->count > 0 ? (size_t)(draw(t) % t->count) : 0;
    /* Through a variable, or the compiler sees the size and objects. */
    EXPECT(t, tarn_alloc(t->a, size, 0) == NULL, "%zu bytes were not refused", size);
    why(t, size);
    EXPECT(t, tarn_alloc(t->a, size, TARN_SPEC(t->max_align) | TARN_ZERO) == NULL,
           "%zu bytes of zeros were not refused", size);
    tarn_block b = tarn_alloc_at_least(t->a, size, TARN_ALIGN_MAX);
    EXPECT(t, b.ptr == NULL && b.size == 0, "at least %zu bytes: {%p, %zu}", size, b.ptr, b.size);
    EXPECT(t, tarn_alloc_batch(t->a, size, 0, 3, out) == 0, "a batch of %zu was not refused", size);
    if (t->count > 0) {
        EXPECT(t, !resize(t, i, size, 0), "a resize to %zu was not refused", size);
        EXPECT(t, !resize(t, i, size, TARN_IN_PLACE), "a resize to %zu was not refused", size);
    }
    unchanged(t, &before, "a huge size");
}

/* R2 with sizes that nobody can serve. */
static void rule_huge(bench *t)
{
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 7, SIZE_MAX - 4096, SIZE_MAX / 2 + 1,
                                   PTRDIFF_MAX};
    get_many(t, 8, t->budget / 2);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        refuse_huge(t, sizes[i]);
}

/* Blocks of one size until there are no more; returns how many. */
static size_t exhaust(bench *t, size_t size, void **blocks, size_t limit)
{
    size_t n = 0;
    while (n < limit && (blocks[n] = tarn_alloc(t->a, size, 0)) != NULL) {
        memset(blocks[n], (int)(n & 0xff), size);
        n++;
    }
    return n;
}

/* R2 and reuse, on an allocator that has run out by itself. */
static void rule_exhaustion(bench *t)
{
    size_t size = t->max_size, limit = 4 * t->budget / size + 16;
    if (limit > EXHAUST_LIMIT)
        limit = EXHAUST_LIMIT;
    void **blocks = malloc(limit * sizeof *blocks);
    if (blocks == NULL)
        return;
    size_t n = exhaust(t, size, blocks, limit);
    if (n < limit) {
        snapshot before = take(t);
        EXPECT(t, tarn_alloc(t->a, size, 0) == NULL, "out of memory, and then not");
        why(t, size);
        unchanged(t, &before, "a block of an allocator that is out of memory");
    }
    for (size_t i = 0; i < n; i++)
        EXPECT(t, *(unsigned char *)blocks[i] == (unsigned char)(i & 0xff),
               "block %zu of %zu was written by another", i, n);
    if (n > 0 && n < limit && tarn_can(t->a, TARN_CAP_FREE)) {
        tarn_free(t->a, blocks[n - 1], size, 0);
        blocks[n - 1] = tarn_alloc(t->a, size, 0);
        EXPECT(t, blocks[n - 1] != NULL, "a block was freed, and cannot be had again");
    }
    for (size_t i = 0; i < n; i++)
        tarn_free(t->a, blocks[i], size, 0);
    free(blocks);
}

/* TARN_CAP_FREE: the same memory again and again. */
static void rule_reuse(bench *t)
{
    size_t size = t->max_size, held = 0;
    if (!tarn_can(t->a, TARN_CAP_FREE))
        return;
    size_t rounds = 2 * t->budget / size + 100;
    if (rounds > EXHAUST_LIMIT)
        rounds = EXHAUST_LIMIT;
    for (size_t i = 0; i < 2 * rounds; i++) {
        void *p = tarn_alloc(t->a, size, 0);
        EXPECT(t, p != NULL, "block %zu of one at a time was refused", i);
        if (p == NULL)
            return;
        tarn_free(t->a, p, size, 0);
        if (i == rounds)
            held = parent_stats(t).live_bytes;
    }
    EXPECT(t, parent_stats(t).live_bytes <= held,
           "one block at a time, and the parent is asked for more and more");
}

static const int a_static_object = 1;

static void owns_nothing_sized(bench *t)
{
    void *none = tarn_alloc(t->a, 0, 0);
    EXPECT(t, none == NULL || !tarn_can(t->a, TARN_CAP_OWNS) || tarn_owns(t->a, none) == TARN_YES,
           "a live block of 0 bytes is not owned");
    tarn_free(t->a, none, 0, 0);
}

/* owns: yes for every live block, no for what is certainly none. */
static void rule_owns(bench *t)
{
    bool can = tarn_can(t->a, TARN_CAP_OWNS);
    void *elsewhere = malloc(64);
    const void *foreign[] = {&can, &a_static_object, elsewhere, t, NULL, (void *)1};
    owns_nothing_sized(t); /* in an allocator that is fresh, and in one that is not */
    get_many(t, 24, t->budget / 2);
    for (size_t i = 0; i < t->count; i++) {
        const piece *p = &t->pieces[i];
        tarn_answer first = tarn_owns(t->a, p->ptr), last = tarn_owns(t->a, p->ptr + p->size - 1);
        EXPECT(t, first == (can ? TARN_YES : TARN_UNKNOWN), "live block %p: answer %d",
               (void *)p->ptr, (int)first);
        EXPECT(t, last == first, "the last byte of live block %p: answer %d", (void *)p->ptr,
               (int)last);
    }
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        EXPECT(t, tarn_owns(t->a, foreign[i]) == (can ? TARN_NO : TARN_UNKNOWN),
               "foreign address %p is claimed", foreign[i]);
    owns_nothing_sized(t);
    free(elsewhere);
}

/* usable: the same for every legal size, all of it the caller's, and a legal size itself. */
static void rule_usable(bench *t)
{
    if (TARN_RARE(t->a, usable) == NULL)
        return;
    get_many(t, 24, t->budget / 4);
    for (size_t i = 0; i < t->count; i++) {
        piece *p = &t->pieces[i];
        size_t real = tarn_usable(t->a, p->ptr, p->size, p->spec);
        EXPECT(t, real >= p->granted, "granted %zu bytes, usable %zu", p->granted, real);
        if (real < p->granted)
            continue;
        size_t middle = draw_between(t, p->size, real);
        EXPECT(t, tarn_usable(t->a, p->ptr, middle, p->spec) == real,
               "usable is %zu for a size of %zu, else %zu",
               tarn_usable(t->a, p->ptr, middle, p->spec), middle, real);
        if (tarn_can(t->a, TARN_CAP_UNSIZED_FREE))
            EXPECT(t, tarn_usable(t->a, p->ptr, 0, p->spec) == real, "usable of an unknown size");
        p->granted = real;
        fill(p, 0);
    }
    verify_all(t);
    put_all(t);
}

/* alloc_at_least, and R1: any size from asked to granted frees the block. */
static void rule_sized_free(bench *t)
{
    for (int round = 0; round < 30; round++) {
        piece *p = get_at_least(t, draw_size(t), draw_spec(t));
        if (p == NULL)
            break;
        size_t sizes[] = {p->size, p->granted, p->size + (p->granted - p->size) / 2};
        put_sized(t, t->count - 1, sizes[round % 3]);
    }
    if (tarn_can(t->a, TARN_CAP_UNSIZED_FREE))
        for (int round = 0; round < 10; round++)
            if (get(t, draw_size(t), draw_spec(t)) != NULL)
                put_sized(t, t->count - 1, 0);
    tarn_stats now;
    if (tarn_get_stats(t->a, &now) == TARN_OK && (now.known & TARN_STATS_LIVE) != 0 &&
        tarn_can(t->a, TARN_CAP_FREE))
        EXPECT(t, now.live_blocks == 0 && now.live_bytes == 0,
               "all is freed, and %zu blocks of %zd bytes are counted", now.live_blocks,
               (ptrdiff_t)now.live_bytes);
}

/* Every block there, and each another; what is not cannot be worked with. */
static bool distinct(bench *t, size_t n, void *const *out)
{
    for (size_t i = 0; i < n; i++) {
        EXPECT(t, out[i] != NULL, "block %zu of a batch is NULL", i);
        if (out[i] == NULL)
            return false;
        for (size_t k = 0; k < i; k++) {
            EXPECT(t, out[k] != out[i], "blocks %zu and %zu of a batch are one", k, i);
            if (out[k] == out[i])
                return false;
        }
    }
    return true;
}

static void one_batch(bench *t, size_t count)
{
    void *out[PIECES];
    size_t size = draw_size(t), room = t->budget - t->spent;
    tarn_spec spec = draw_spec(t);
    if (count > PIECES - t->count || count * (size + tarn_spec_align(spec)) > room)
        return;
    size_t n = tarn_alloc_batch(t->a, size, spec, count, out);
    EXPECT(t, n == count, "a batch gave %zu of %zu", n, count);
    if (n > count || !distinct(t, n, out))
        return;
    t->spent += n * (size + tarn_spec_align(spec));
    for (size_t i = 0; i < n; i++)
        adopt(t, out[i], size, size, spec);
    verify_all(t);
    if (draw(t) % 2 == 0) {
        for (size_t i = 0; i < n; i++)
            put(t, t->count - 1); /* one by one, as if they had been single */
        return;
    }
    t->count -= n;
    if (tarn_can(t->a, TARN_CAP_FREE))
        t->spent -= n * (size + tarn_spec_align(spec));
    tarn_free_batch(t->a, size, spec & TARN_ALIGN_BITS, n, out);
}

static void rule_batch(bench *t)
{
    void *none[1] = {t};
    EXPECT(t, tarn_alloc_batch(t->a, t->max_size, 0, 0, none) == 0 && none[0] == t,
           "a batch of no blocks");
    tarn_free_batch(t->a, t->max_size, 0, 0, none);
    get_many(t, 4, t->budget / 8);
    for (size_t count = 1; count <= 32; count = count * 3 / 2 + 1)
        one_batch(t, count);
    verify_all(t);
    /* Single blocks go back as a batch. */
    void *out[4];
    size_t n = 0, size = draw_size(t);
    put_all(t);
    while (n < 4 && (out[n] = tarn_alloc(t->a, size, 0)) != NULL)
        n++;
    tarn_free_batch(t->a, size, 0, n, out);
    check(t);
}

static bool count_block(void *user, void *block, size_t size)
{
    (void)block;
    (void)size;
    ++*(size_t *)user;
    return true;
}

static void rule_reset(bench *t)
{
    if (!tarn_can(t->a, TARN_CAP_RESET)) {
        get_many(t, 4, t->budget / 2);
        EXPECT(t, tarn_reset(t->a) == TARN_UNSUPPORTED, "reset of an allocator that has none");
        verify_all(t);
        return;
    }
    for (int round = 0; round < 4; round++) {
        size_t seen = 0;
        tarn_stats now;
        while (t->count < PIECES && affordable(t, t->max_size, TARN_SPEC(t->max_align)))
            get(t, t->max_size, TARN_SPEC(t->max_align)); /* all that is promised, each time */
        verify_all(t);
        t->count = t->spent = 0;
        EXPECT(t, tarn_reset(t->a) == TARN_OK, "reset failed");
        if (tarn_get_stats(t->a, &now) == TARN_OK && (now.known & TARN_STATS_LIVE) != 0)
            EXPECT(t, now.live_blocks == 0 && now.live_bytes == 0, "%zu blocks live after a reset",
                   now.live_blocks);
        if (tarn_visit(t->a, count_block, &seen) == TARN_OK)
            EXPECT(t, seen == 0, "%zu blocks are seen after a reset", seen);
        check(t);
    }
}

static void rule_rewind(bench *t)
{
    size_t held = 0;
    if (!tarn_can(t->a, TARN_CAP_MARK)) {
        EXPECT(t, tarn_rewind(t->a, tarn_get_mark(t->a)) == TARN_UNSUPPORTED,
               "rewind of an allocator that has no marks");
        return;
    }
    get_many(t, 8, t->budget / 8);
    size_t old = t->count, old_spent = t->spent;
    tarn_mark outer = tarn_get_mark(t->a);
    for (int round = 0; round < 40; round++) {
        get_many(t, 8, t->budget / 8);
        size_t inner_count = t->count, inner_spent = t->spent;
        tarn_mark inner = tarn_get_mark(t->a);
        get_many(t, 8, t->budget / 8);
        verify_all(t);
        EXPECT(t, tarn_rewind(t->a, inner) == TARN_OK, "rewind to the inner mark failed");
        t->count = inner_count, t->spent = inner_spent;
        get_many(t, 8, t->budget / 8);
        verify_all(t);
        EXPECT(t, tarn_rewind(t->a, outer) == TARN_OK, "rewind to the outer mark failed");
        t->count = old, t->spent = old_spent;
        if (round == 20)
            held = parent_stats(t).live_bytes;
        verify_all(t);
        check(t);
    }
    EXPECT(t, tarn_rewind(t->a, outer) == TARN_OK, "rewind to where one is failed");
    EXPECT(t, parent_stats(t).live_bytes <= 2 * held + 4096,
           "rewound each time, and the parent is asked for more and more");
    verify_all(t);
}

/* Ticks off the pieces it sees. */
typedef struct sightings {
    bench *t;
    unsigned seen[PIECES];
    size_t total;
    size_t end_after; /* 0: never */
    bool free_it;
} sightings;

static bool tick(void *user, void *block, size_t size)
{
    sightings *s = user;
    bench *t = s->t;
    size_t i = 0;
    while (i < t->count && t->pieces[i].ptr != block)
        i++;
    EXPECT(t, i < t->count, "%p of %zu bytes is seen and is no live block", block, size);
    if (i < t->count) {
        EXPECT(t, size >= t->pieces[i].size, "%zu bytes are seen as %zu", t->pieces[i].size, size);
        s->seen[i]++;
        if (s->free_it)
            tarn_free(t->a, block, t->pieces[i].size, t->pieces[i].spec);
    }
    return ++s->total != s->end_after;
}

static void visit(bench *t, sightings *s)
{
    *s = (sightings){.t = t, .end_after = s->end_after, .free_it = s->free_it};
    EXPECT(t, tarn_visit(t->a, tick, s) == TARN_OK, "visit failed");
}

static void rule_visit(bench *t)
{
    sightings s = {.end_after = 0};
    if (!tarn_can(t->a, TARN_CAP_VISIT)) {
        size_t seen = 0;
        get_many(t, 4, t->budget / 2);
        EXPECT(t, tarn_visit(t->a, count_block, &seen) == TARN_UNSUPPORTED && seen == 0,
               "a visit of an allocator that has none");
        return;
    }
    visit(t, &s); /* nothing there */
    get_many(t, 32, t->budget / 2);
    for (size_t n = t->count / 3; n > 0; n--)
        put(t, (size_t)(draw(t) % t->count));
    visit(t, &s);
    for (size_t i = 0; i < t->count; i++)
        EXPECT(t, s.seen[i] == 1, "live block %p is seen %u times", (void *)t->pieces[i].ptr,
               s.seen[i]);
    size_t all = s.total;
    s.end_after = 2;
    visit(t, &s);
    EXPECT(t, all < 2 || s.total == 2, "a visit was to end after 2 and went on to %zu", s.total);
    s.end_after = 0;
    s.free_it = true;
    verify_all(t);
    visit(t, &s);
    EXPECT(t, s.total == all, "a visit that frees saw %zu of %zu", s.total, all);
    t->count = 0;
    s.free_it = false;
    if (tarn_can(t->a, TARN_CAP_FREE))
        visit(t, &s);
    check(t);
}

static void rule_trim(bench *t)
{
    if (!tarn_can(t->a, TARN_CAP_TRIM)) {
        EXPECT(t, tarn_trim(t->a) == 0, "trim of an allocator that has none");
        return;
    }
    for (int round = 0; round < 4; round++) {
        get_many(t, 32, t->budget / 4);
        for (size_t n = t->count / 2; n > 0; n--)
            put(t, (size_t)(draw(t) % t->count));
        size_t before = parent_stats(t).live_bytes, bytes = tarn_trim(t->a);
        EXPECT(t, parent_stats(t).live_bytes <= before, "trim took memory");
        EXPECT(t, before == 0 || before - parent_stats(t).live_bytes <= bytes,
               "trim gave %zu bytes back and says %zu", before - parent_stats(t).live_bytes, bytes);
        verify_all(t);
        check(t);
        EXPECT(t, tarn_trim(t->a) == 0, "a second trim found more to give");
        get_many(t, 8, t->budget / 8);
        verify_all(t);
        put_all(t);
    }
}

static void rule_stats(bench *t)
{
    tarn_stats now;
    size_t asked = 0, real = 0;
    if (tarn_get_stats(t->a, &now) != TARN_OK) {
        EXPECT(t, !tarn_can(t->a, TARN_CAP_STATS) && now.known == 0, "no counters");
        return;
    }
    bool live = (now.known & TARN_STATS_LIVE) != 0, total = (now.known & TARN_STATS_TOTAL) != 0;
    get_many(t, 24, t->budget / 2);
    for (size_t i = 0; i < t->count; i++) {
        asked += t->pieces[i].size;
        real += tarn_usable(t->a, t->pieces[i].ptr, t->pieces[i].size, t->pieces[i].spec);
    }
    size_t n = t->count;
    (void)tarn_get_stats(t->a, &now);
    EXPECT(t, !live || now.live_blocks == n, "%zu blocks live, counted %zu", n, now.live_blocks);
    EXPECT(t, !live || now.live_bytes >= asked, "%zu bytes live, counted %zu", asked,
           now.live_bytes);
    EXPECT(t, !live || TARN_RARE(t->a, usable) == NULL || now.live_bytes <= real,
           "%zu bytes granted, counted %zu", real, now.live_bytes);
    EXPECT(t, (now.known & TARN_STATS_PEAK) == 0 || now.peak_blocks >= n, "peak below live");
    EXPECT(t, !total || (now.allocs == n && now.bytes >= asked), "%zu allocs, counted %ju", n,
           (uintmax_t)now.allocs);
    /* Nothing is held by what was set up on the caller's own memory. */
    EXPECT(t, (now.known & TARN_STATS_HELD) == 0 || now.held_bytes == 0 || now.held_bytes >= asked,
           "%zu bytes live, %zu held", asked, now.held_bytes);
    uint64_t failures = now.failures;
    size_t huge = SIZE_MAX - 7;
    EXPECT(t, tarn_alloc(t->a, huge, 0) == NULL, "%zu bytes were not refused", huge);
    put_all(t);
    (void)tarn_get_stats(t->a, &now);
    EXPECT(t, (now.known & TARN_STATS_FAILED) == 0 || now.failures > failures,
           "a refusal was not counted");
    EXPECT(t, !live || !tarn_can(t->a, TARN_CAP_FREE) || (now.live_blocks | now.live_bytes) == 0,
           "all is freed, and %zu blocks of %zu bytes are counted", now.live_blocks,
           now.live_bytes);
    EXPECT(t, !total || now.frees == n, "%zu frees, counted %ju", n, (uintmax_t)now.frees);
}

/* Everything goes back to the parent, even from under live blocks where a reset would. */
static void rule_deinit(bench *t)
{
    get_many(t, 32, t->budget / 2);
    if (tarn_can(t->a, TARN_CAP_RESET))
        t->count = 0;
}

/* One thread's part; its pieces are its own. */
typedef struct worker {
    bench own; /* for its random numbers and its failures */
    pthread_t thread;
    bool started;
} worker;

static void *work(void *arg)
{
    bench *t = &((worker *)arg)->own;
    for (int round = 0; round < THREAD_ROUNDS; round++) {
        if (t->count < 8 && (draw(t) & 1) != 0) {
            get(t, draw_size(t), draw_spec(t));
        } else if (t->count > 0) {
            size_t i = (size_t)(draw(t) % t->count);
            if ((draw(t) & 1) != 0)
                put(t, i);
            else
                resize(t, i, draw_size(t), 0);
        }
    }
    put_all(t);
    return NULL;
}

static void rule_threads(bench *t)
{
    if (!tarn_can(t->a, TARN_CAP_THREADS))
        return;
    worker *workers = calloc(THREADS, sizeof *workers);
    for (size_t i = 0; workers != NULL && i < THREADS; i++) {
        workers[i].own = *t;
        workers[i].own.failures = 0;
        workers[i].own.random = draw(t);
        workers[i].own.budget = t->budget / THREADS;
    }
    for (size_t i = 0; workers != NULL && i < THREADS; i++)
        workers[i].started = pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
    for (size_t i = 0; workers != NULL && i < THREADS; i++)
        if (workers[i].started) {
            (void)pthread_join(workers[i].thread, NULL);
            t->failures += workers[i].own.failures;
        }
    free(workers);
}

/* The parent refuses, by turns. Contents are kept, nothing leaks, and it recovers. */
static bool under_pressure(tarn_allocator *parent, void *user)
{
    bench *t = user;
    tarn_allocator *a = t->o->make(parent, t->o->user);
    piece kept[8];
    size_t n = 0, size = t->max_size;
    bool all = true;
    if (a == NULL)
        return false;
    for (size_t i = 0; i < 8; i++) {
        void *p = tarn_alloc(a, size, 0);
        if (p == NULL) {
            all = false;
            continue;
        }
        kept[n] = (piece){p, size, size, 0, (unsigned char)i};
        fill(&kept[n++], 0);
    }
    for (size_t i = 0; i < n; i++) {
        size_t to = t->min_size;
        void *p = tarn_resize(a, kept[i].ptr, kept[i].size, to, to, 0);
        if (p != NULL)
            kept[i] = (piece){p, to, to, 0, kept[i].salt};
        all = all && p != NULL;
        verify(t, &kept[i]);
    }
    for (size_t i = 0; i < n; i++) {
        verify(t, &kept[i]);
        tarn_free(a, kept[i].ptr, kept[i].size, 0);
    }
    tarn_status status = tarn_check(a);
    EXPECT(t, status == TARN_OK || status == TARN_UNSUPPORTED, "tarn_check: %s",
           tarn_status_text(status));
    unmake(t, a);
    return all;
}

static void rule_pressure(bench *t)
{
    unmake(t, t->a);
    const tarn_sweep_options sweep = {
        .name = t->o->name, .run = under_pressure, .user = t, .out = t->out};
    int bad = tarn_sweep(&sweep);
    EXPECT(t, bad == 0, "%d runs under a failing parent went wrong", bad);
    t->a = t->o->make(parent_of(t), t->o->user);
    EXPECT(t, t->a != NULL, "make gave no allocator");
}

static const struct {
    const char *name;
    void (*run)(bench *t);
} RULES[] = {
    {"table", rule_table},
    {"null", rule_null},
    {"zero-size", rule_zero_size},
    {"alignment", rule_alignment},
    {"overlap", rule_overlap},
    {"zero", rule_zero},
    {"resize", rule_resize},
    {"in-place", rule_in_place},
    {"no-copy", rule_no_copy},
    {"huge", rule_huge},
    {"exhaustion", rule_exhaustion},
    {"reuse", rule_reuse},
    {"owns", rule_owns},
    {"usable", rule_usable},
    {"sized-free", rule_sized_free},
    {"batch", rule_batch},
    {"reset", rule_reset},
    {"rewind", rule_rewind},
    {"visit", rule_visit},
    {"trim", rule_trim},
    {"stats", rule_stats},
    {"deinit", rule_deinit},
    {"threads", rule_threads},
    {"pressure", rule_pressure},
};

const char *tarn_conform_rule(size_t index)
{
    return index < sizeof RULES / sizeof *RULES ? RULES[index].name : NULL;
}

static void run_rule(bench *t, size_t index)
{
    int before = t->failures;
    t->rule = RULES[index].name;
    t->printed = 0;
    if (set_up(t)) {
        RULES[index].run(t);
        if (t->a != NULL) {
            put_all(t);
            check(t);
            at_end_nothing_left(t);
        }
    }
    if (t->o->verbose)
        (void)fprintf(t->out, "conform: %s: %s: %s\n",
                      t->o->name != NULL ? t->o->name : "allocator", t->rule,
                      t->failures == before ? "holds" : "BROKEN");
}

int tarn_conform(const tarn_conform_options *options)
{
    bench t = {.o = options};
    bool found = false;
    if (options == NULL || options->make == NULL)
        return 1;
    t.min_size = options->only_size != 0  ? options->only_size
                 : options->min_size != 0 ? options->min_size
                                          : 1;
    t.max_size = options->only_size != 0  ? options->only_size
                 : options->max_size != 0 ? options->max_size
                                          : 4096;
    t.max_align = options->max_align != 0 ? options->max_align : _Alignof(max_align_t);
    t.budget = options->budget != 0 ? options->budget : (size_t)1 << 20;
    t.out = options->out != NULL ? options->out : stderr;
    t.random = options->seed != 0 ? options->seed : 1;
    for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++)
        if (options->rule == NULL || strcmp(options->rule, RULES[i].name) == 0) {
            found = true;
            run_rule(&t, i);
        }
    return found ? t.failures : 1;
}

/* ── The sweep ───────────────────────────────────────────────────────────────────────────────── */

/* One run under a plan; *refused tells whether the plan came to bear. */
static bool sweep_run(const tarn_sweep_options *o, const tarn_fail_plan *plan, bool *refused,
                      FILE *out)
{
    tarn_fail fail;
    tarn_stats_layer counted;
    tarn_stats left;
    if (tarn_fail_init(&fail, &(tarn_fail_options){.parent = tarn_libc(), .plan = *plan}) !=
            TARN_OK ||
        tarn_stats_init(&counted, &(tarn_stats_options){.parent = tarn_fail_allocator(&fail)}) !=
            TARN_OK)
        return false;
    bool done = o->run(tarn_stats_allocator(&counted), o->user);
    *refused = tarn_fail_refused(&fail) > 0;
    (void)tarn_get_stats(tarn_stats_allocator(&counted), &left);
    const char *name = o->name != NULL ? o->name : "scenario";
    if (left.live_blocks != 0 || left.live_bytes != 0) {
        if (out != NULL)
            (void)fprintf(
                out, "sweep: %s: %s request %zu refused: %zu blocks, %zd bytes left over\n", name,
                plan->nth != 0 ? "only" : "all from", plan->nth != 0 ? plan->nth : plan->from,
                left.live_blocks, (ptrdiff_t)left.live_bytes);
        return false;
    }
    if (!done && !*refused && out != NULL)
        (void)fprintf(out, "sweep: %s: failed without a refusal\n", name);
    return done || *refused;
}

int tarn_sweep(const tarn_sweep_options *options)
{
    int wrong = 0;
    if (options == NULL || options->run == NULL)
        return 1;
    size_t limit = options->limit != 0 ? options->limit : SWEEP_LIMIT;
    FILE *out = options->out != NULL ? options->out : stderr;
    for (int from = 0; from < 2; from++) {
        bool refused = true;
        size_t k = 0;
        while (refused && k < limit) {
            tarn_fail_plan plan = {0, 0, 0, 0.0, 0};
            *(from ? &plan.from : &plan.nth) = ++k;
            wrong += !sweep_run(options, &plan, &refused, wrong < LINES ? out : NULL);
        }
        wrong += refused;
    }
    return wrong;
}
