/* SPDX-License-Identifier: MIT */
/*
 * spans_run.c - runs of granules: cut, joined, handed out, purged.
 *
 * Invariants I1 to I6: spans_run.h. An idle run is looked for among the dirty ones first, whose
 * memory is there already; there in the list of its own size and then in larger ones.
 */
#include "source/spans_run.h"

#include <string.h>

#include "base/align.h"
#include "base/checked.h"
#include "source/spans_decay.h"

static unsigned log_of(size_t n)
{
    return (unsigned)(sizeof(unsigned long long) * 8 - 1) -
           (unsigned)__builtin_clzll((unsigned long long)n);
}

tarn_span *tarn_span_of(tarn_span_run *r)
{
    char *runs = (char *)(r - r->at);
    return (tarn_span *)(void *)(runs - offsetof(tarn_span, runs));
}

void *tarn_run_address(const tarn_spans *g, tarn_span_run *r)
{
    return (char *)tarn_span_of(r)->region.ptr + (size_t)r->at * g->source.granule;
}

/* ── Lists ─────────────────────────────────────────────────────────────────────────────────── */

static void list_add(tarn_spans *g, tarn_span_run *r)
{
    unsigned log = log_of(r->count);
    tarn_span_run **head = &g->lists[r->kind][log];
    r->prev = NULL;
    r->next = *head;
    if (*head != NULL)
        (*head)->prev = r;
    *head = r;
    g->filled[r->kind] |= 1u << log;
}

static void list_remove(tarn_spans *g, tarn_span_run *r)
{
    unsigned log = log_of(r->count);
    if (r->prev != NULL)
        r->prev->next = r->next;
    else
        g->lists[r->kind][log] = r->next;
    if (r->next != NULL)
        r->next->prev = r->prev;
    if (g->lists[r->kind][log] == NULL)
        g->filled[r->kind] &= ~(1u << log);
}

/* Right after `older`, NULL: before all. */
static void age_add(tarn_spans *g, tarn_span_run *r, tarn_span_run *older)
{
    r->older = older;
    r->newer = older != NULL ? older->newer : g->oldest;
    if (r->newer != NULL)
        r->newer->older = r;
    else
        g->newest = r;
    if (older != NULL)
        older->newer = r;
    else
        g->oldest = r;
}

static void age_remove(tarn_spans *g, const tarn_span_run *r)
{
    if (r->older != NULL)
        r->older->newer = r->newer;
    else
        g->oldest = r->newer;
    if (r->newer != NULL)
        r->newer->older = r->older;
    else
        g->newest = r->older;
}

static void wait_add(tarn_spans *g, tarn_span *s)
{
    s->newer = NULL;
    s->older = g->newest_idle;
    if (s->older != NULL)
        s->older->newer = s;
    else
        g->oldest_idle = s;
    g->newest_idle = s;
    g->waiting += s->count;
    g->report.idle_spans++;
    tarn_decay_add(&g->idle_decay, s->count);
}

static void wait_remove(tarn_spans *g, const tarn_span *s)
{
    if (s->older != NULL)
        s->older->newer = s->newer;
    else
        g->oldest_idle = s->newer;
    if (s->newer != NULL)
        s->newer->older = s->older;
    else
        g->newest_idle = s->older;
    g->waiting -= s->count;
    g->report.idle_spans--;
}

static bool waits(const tarn_spans *g, const tarn_span *s)
{
    return s->live == 0 && (s->dirty == 0 || !g->can_purge) && !s->direct;
}

/* ── Runs ──────────────────────────────────────────────────────────────────────────────────── */

/* Counts a run in (sign 1) or out (-1), in the sums and in its span's (I5), which may begin or cease
 * to wait (I4). */
static void count_run(tarn_spans *g, const tarn_span_run *r, tarn_span *s, int sign)
{
    uint32_t n = sign > 0 ? r->count : (uint32_t)0 - r->count;
    size_t wide = sign > 0 ? (size_t)r->count : (size_t)0 - r->count;
    if (r->kind == RUN_LIVE) {
        s->live += n;
        g->live += s->direct ? 0 : wide;
    } else if (r->kind == RUN_DIRTY) {
        s->dirty += n;
        g->dirty += wide;
    } else {
        g->clean += wide;
    }
}

static void shape(tarn_span *s, uint32_t at, uint32_t count, run_kind kind)
{
    tarn_span_run *r = &s->runs[at];
    r->kind = (uint32_t)kind;
    r->count = count;
    s->runs[at + count - 1].start = at;
}

/* Puts a shaped run into lists and sums; older: its place in the order of age. */
static void enter(tarn_spans *g, tarn_span_run *r, tarn_span_run *older)
{
    count_run(g, r, tarn_span_of(r), 1);
    if (r->kind == RUN_LIVE)
        return;
    list_add(g, r);
    if (r->kind == RUN_DIRTY && g->can_purge)
        age_add(g, r, older);
}

static void leave(tarn_spans *g, tarn_span_run *r)
{
    count_run(g, r, tarn_span_of(r), -1);
    if (r->kind == RUN_LIVE)
        return;
    list_remove(g, r);
    if (r->kind == RUN_DIRTY && g->can_purge)
        age_remove(g, r);
}

/* Two of one: the first of `count` granules, and the rest, of the same kind and age, returned. */
static tarn_span_run *cut(tarn_spans *g, tarn_span_run *r, uint32_t count)
{
    tarn_span *s = tarn_span_of(r);
    uint32_t rest = r->count - count, at = r->at + count;
    run_kind kind = (run_kind)r->kind;
    tarn_span_run *older = r->older;
    leave(g, r);
    shape(s, r->at, count, kind);
    shape(s, at, rest, kind);
    enter(g, r, older);
    enter(g, &s->runs[at], r);
    return &s->runs[at];
}

/* Does an idle run of this kind join its neighbour (I2)? */
static bool joins(const tarn_spans *g, const tarn_span_run *a, const tarn_span_run *b)
{
    return a->kind == b->kind || (!g->can_purge && a->kind != RUN_LIVE && b->kind != RUN_LIVE);
}

/* Enters an idle run that is in no list yet, joined with its neighbours; it counts as the newest. */
static void enter_joined(tarn_spans *g, tarn_span_run *r)
{
    tarn_span *s = tarn_span_of(r);
    uint32_t at = r->at, count = r->count;
    run_kind kind = (run_kind)r->kind;
    if (at != 0) {
        tarn_span_run *before = &s->runs[s->runs[at - 1].start];
        if (joins(g, before, r)) {
            leave(g, before);
            r->kind = RUN_INSIDE;
            at = before->at;
            count += before->count;
            r = before;
        }
    }
    if (at + count != s->count) {
        tarn_span_run *after = &s->runs[at + count];
        tarn_span_run same = {.kind = (uint32_t)kind};
        if (joins(g, after, &same)) {
            leave(g, after);
            count += after->count;
            after->kind = RUN_INSIDE;
        }
    }
    shape(s, at, count, kind);
    enter(g, r, g->newest);
}

/* Granules before the first one of the run that is aligned. */
static size_t gap(const tarn_spans *g, tarn_span_run *r, size_t align)
{
    return tarn_align_gap(tarn_run_address(g, r), align) / g->source.granule;
}

/* The first of a list that has `count` granules behind an aligned address. */
static tarn_span_run *fit(const tarn_spans *g, tarn_span_run *r, size_t count, size_t align)
{
    for (; r != NULL; r = r->next) {
        size_t lead = gap(g, r, align);
        if (lead < r->count && r->count - lead >= count)
            return r;
    }
    return NULL;
}

static tarn_span_run *find(const tarn_spans *g, run_kind kind, size_t count, size_t align)
{
    uint32_t lists = g->filled[kind] & ~((1u << log_of(count)) - 1);
    for (; lists != 0; lists &= lists - 1) {
        tarn_span_run *r = g->lists[kind][__builtin_ctz(lists)];
        r = fit(g, r, count, align);
        if (r != NULL)
            return r;
    }
    return NULL;
}

tarn_span_run *tarn_run_take(tarn_spans *g, size_t count, size_t align, run_kind *was)
{
    tarn_span_run *r = find(g, RUN_DIRTY, count, align);
    tarn_span *s;
    size_t lead;
    if (r == NULL)
        r = find(g, RUN_CLEAN, count, align);
    if (r == NULL)
        return NULL;
    s = tarn_span_of(r);
    if (waits(g, s)) {
        wait_remove(g, s);
        tarn_decay_take(&g->idle_decay, s->count);
    }
    if (r->kind == RUN_DIRTY)
        tarn_decay_take(&g->dirty_decay, count);
    lead = gap(g, r, align);
    if (lead != 0)
        r = cut(g, r, (uint32_t)lead);
    if (r->count != count)
        (void)cut(g, r, (uint32_t)count);
    leave(g, r);
    *was = (run_kind)r->kind;
    r->kind = RUN_LIVE;
    enter(g, r, NULL);
    return r;
}

void tarn_run_give(tarn_spans *g, tarn_span_run *r)
{
    tarn_span *s = tarn_span_of(r);
    leave(g, r);
    r->kind = RUN_DIRTY;
    tarn_decay_add(&g->dirty_decay, r->count);
    enter_joined(g, r);
    if (waits(g, s))
        wait_add(g, s);
}

/* ── Giving back ───────────────────────────────────────────────────────────────────────────── */

/* Purges a dirty run's last granules, so that those at low addresses are used again. False when the
 * source below refuses. */
static bool purge_tail(tarn_spans *g, tarn_span_run *r, uint32_t count)
{
    tarn_span *s = tarn_span_of(r);
    char *end = (char *)tarn_run_address(g, r) + (size_t)r->count * g->source.granule;
    size_t size = (size_t)count * g->source.granule;
    if (tarn_source_purge(g->below, end - size, size) != TARN_OK)
        return false;
    if (count != r->count)
        r = cut(g, r, r->count - count);
    leave(g, r);
    r->kind = RUN_CLEAN;
    enter_joined(g, r);
    g->report.purged += size;
    if (waits(g, s))
        wait_add(g, s);
    return true;
}

size_t tarn_run_purge(tarn_spans *g, size_t keep)
{
    size_t gone = 0;
    while (g->can_purge && g->dirty > keep) {
        size_t excess = g->dirty - keep, count = g->oldest->count;
        if (count > excess)
            count = excess;
        if (!purge_tail(g, g->oldest, (uint32_t)count))
            break;
        gone += count * g->source.granule;
    }
    return gone;
}

size_t tarn_span_return(tarn_spans *g, size_t keep)
{
    size_t gone = 0;
    while (g->waiting > keep) {
        gone += g->oldest_idle->region.size;
        tarn_span_unmap(g, g->oldest_idle);
    }
    return gone;
}

size_t tarn_span_return_old(tarn_spans *g, size_t keep)
{
    size_t gone = 0;
    while (g->oldest_idle != NULL && g->waiting - g->oldest_idle->count >= keep) {
        gone += g->oldest_idle->region.size;
        tarn_span_unmap(g, g->oldest_idle);
    }
    return gone;
}

size_t tarn_span_return_unused(tarn_spans *g)
{
    size_t gone = 0;
    for (size_t i = g->span_count; i-- > 0;) {
        if (g->spans[i]->live == 0) {
            gone += g->spans[i]->region.size;
            tarn_span_unmap(g, g->spans[i]);
        }
    }
    return gone;
}

/* ── Spans ─────────────────────────────────────────────────────────────────────────────────── */

/* How many spans begin at or below the address. */
static size_t rank(const tarn_spans *g, const void *ptr)
{
    size_t low = 0, high = g->span_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uintptr_t)g->spans[middle]->region.ptr <= (uintptr_t)ptr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

tarn_span *tarn_span_find(const tarn_spans *g, const void *ptr)
{
    size_t at = rank(g, ptr);
    tarn_span *s = at != 0 ? g->spans[at - 1] : NULL;
    if (s == NULL || (uintptr_t)ptr - (uintptr_t)s->region.ptr >= s->region.size)
        return NULL;
    return s;
}

static bool room_for_one_more(tarn_spans *g)
{
    tarn_spec spec = TARN_SPEC(sizeof(void *));
    size_t room = g->span_room != 0 ? 2 * g->span_room : 16;
    tarn_span **more;
    if (g->span_count < g->span_room)
        return true;
    more = tarn_alloc(g->records, room * sizeof(void *), spec);
    if (more == NULL)
        return false;
    if (g->spans != NULL) {
        memcpy(more, g->spans, g->span_count * sizeof(void *));
        tarn_free(g->records, g->spans, g->span_room * sizeof(void *), spec);
    }
    g->spans = more;
    g->span_room = room;
    return true;
}

static size_t record_size(size_t runs)
{
    return offsetof(tarn_span, runs) + runs * sizeof(tarn_span_run);
}

static void add_span(tarn_spans *g, tarn_span *s)
{
    size_t at = rank(g, s->region.ptr), runs = s->direct ? 1 : s->count;
    memmove(g->spans + at + 1, g->spans + at, (g->span_count - at) * sizeof(void *));
    g->spans[at] = s;
    g->span_count++;
    for (size_t i = 0; i < runs; i++) {
        s->runs[i].kind = RUN_INSIDE;
        s->runs[i].at = (uint32_t)i;
    }
    g->report.maps++;
    g->report.spans++;
    if (s->direct)
        g->report.reserved += s->region.size;
    else
        g->report.held += s->region.size;
    if (g->report.held > g->report.peak)
        g->report.peak = g->report.held;
    if (s->direct) {
        s->runs[0].kind = RUN_LIVE;
        s->runs[0].count = s->count;
        enter(g, &s->runs[0], NULL);
    } else {
        shape(s, 0, s->count, RUN_CLEAN);
        enter(g, &s->runs[0], NULL);
        wait_add(g, s);
    }
}

/* The region first: how large the record is depends on it. */
static tarn_span *map_span(tarn_spans *g, size_t granules, size_t align, bool direct,
                           tarn_status *status)
{
    tarn_region r;
    size_t size, count;
    tarn_span *s = NULL;
    if (!tarn_mul(granules, g->source.granule, &size) || granules > TARN_SPAN_MOST) {
        *status = TARN_TOO_BIG;
        return NULL;
    }
    *status = tarn_source_map(g->below, size, align, direct ? TARN_MAP_RESERVE : 0, &r);
    if (*status != TARN_OK)
        return NULL;
    count = r.size / g->source.granule;
    if (count > TARN_SPAN_MOST)
        count = TARN_SPAN_MOST;
    if (room_for_one_more(g))
        s = tarn_alloc(g->records, record_size(direct ? 1 : count), TARN_SPEC(_Alignof(tarn_span)));
    if (s == NULL) {
        tarn_source_unmap(g->below, r.ptr, r.size, align);
        *status = TARN_NO_MEMORY;
        return NULL;
    }
    memset(s, 0, sizeof *s);
    s->region = r;
    s->align = align;
    s->count = (uint32_t)count;
    s->direct = direct;
    add_span(g, s);
    return s;
}

tarn_span *tarn_span_map(tarn_spans *g, size_t need, size_t want, size_t align, bool direct,
                         tarn_status *status)
{
    tarn_span *s = map_span(g, want, align, direct, status);
    while (s == NULL && want > need) {
        want = want / 2 > need ? want / 2 : need;
        s = map_span(g, want, align, direct, status);
    }
    return s;
}

void tarn_span_unmap(tarn_spans *g, tarn_span *s)
{
    size_t at = rank(g, s->region.ptr) - 1, runs = s->direct ? 1 : s->count;
    if (waits(g, s))
        wait_remove(g, s);
    for (size_t i = 0; i < runs; i++) {
        if (s->runs[i].kind != RUN_INSIDE)
            leave(g, &s->runs[i]);
    }
    g->span_count--;
    memmove(g->spans + at, g->spans + at + 1, (g->span_count - at) * sizeof(void *));
    g->report.unmaps++;
    g->report.spans--;
    if (s->direct)
        g->report.reserved -= s->region.size;
    else
        g->report.held -= s->region.size;
    tarn_source_unmap(g->below, s->region.ptr, s->region.size, s->align);
    tarn_free(g->records, s, record_size(runs), TARN_SPEC(_Alignof(tarn_span)));
}
