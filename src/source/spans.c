/* SPDX-License-Identifier: MIT */
/*
 * spans.c - a source over a source: how much is taken at a time, and when it goes back.
 *
 *     spans.c          the policies, the calls, the lock
 *     spans_run.c     spans and runs; the picture and the invariants are in spans_run.h
 *     spans_decay.c    how much idle memory may be kept
 *
 * Two curves in a row: memory that is dirty ages until it is purged; a span without regions and
 * without memory then ages until it goes back. Where the source below cannot purge, a span without
 * regions ages at once.
 *
 * The lock, where there is one, is held for the whole of a call, calls of the source below and of
 * the records included; faults are raised outside of it.
 */
#include <tarn/spans.h>

#include <string.h>

#include "base/align.h"
#include "base/checked.h"
#include "os/clock.h"
#include "os/mutex.h"
#include "source/spans_decay.h"
#include "source/spans_run.h"

#define LEAST_GRANULE 4096u
#define GRANULE       ((size_t)64 << 10)
#define FIRST         ((size_t)1 << 20)
#define MOST          ((size_t)64 << 20)
#define PERCENT       50u

_Static_assert(sizeof(tarn_mutex) <= sizeof(((tarn_spans *)0)->mutex), "the lock has room");
_Static_assert(_Alignof(tarn_mutex) <= _Alignof(long long), "and the alignment");

static tarn_spans *of(tarn_source *s)
{
    return (tarn_spans *)s;
}

static void lock(tarn_spans *g)
{
    if (g->shared)
        tarn_mutex_lock((tarn_mutex *)(void *)&g->mutex);
}

static void unlock(tarn_spans *g)
{
    if (g->shared)
        tarn_mutex_unlock((tarn_mutex *)(void *)&g->mutex);
}

/* ── Shrinking ─────────────────────────────────────────────────────────────────────────────── */

static size_t give_back_all(tarn_spans *g)
{
    size_t gone = tarn_span_return_unused(g);
    gone += tarn_run_purge(g, 0);
    gone += tarn_span_return(g, 0);
    if (g->dirty == 0)
        tarn_decay_clear(&g->dirty_decay);
    tarn_decay_clear(&g->idle_decay);
    return gone;
}

/* Why memory ages: only to note the time, in a call that may give back, in one that is for that. */
typedef enum occasion { NOTE, CALL, TICK } occasion;

static size_t grow_old(tarn_spans *g, occasion why)
{
    size_t gone = 0;
    bool over;
    uint64_t now;
    if (g->decay_ms >= TARN_DECAY_AT_ONCE)
        return 0;
    now = g->clock(g->user);
    over = tarn_decay_advance(&g->idle_decay, now);
    over = tarn_decay_advance(&g->dirty_decay, now) || over;
    if (why == TICK || (why == CALL && over)) {
        gone += tarn_span_return_old(g, tarn_decay_limit(&g->idle_decay));
        gone += tarn_run_purge(g, tarn_decay_limit(&g->dirty_decay));
    }
    return gone;
}

static size_t give_back_at_once(tarn_spans *g)
{
    size_t gone;
    if (g->decay_ms != TARN_DECAY_AT_ONCE)
        return 0;
    gone = tarn_run_purge(g, 0);
    return gone + tarn_span_return(g, 0);
}

/* No more idle memory than the option allows, however young. */
static void keep_limit(tarn_spans *g)
{
    if (g->idle_limit == 0)
        return;
    if (g->can_purge)
        (void)tarn_run_purge(g, g->idle_limit);
    else
        (void)tarn_span_return(g, g->idle_limit);
}

/* ── Growing ───────────────────────────────────────────────────────────────────────────────── */

/* Granules of the next span. */
static size_t next_span(const tarn_spans *g, size_t need)
{
    size_t held = g->live + g->dirty + g->clean, want = g->first;
    if (g->policy == TARN_SPANS_DOUBLE)
        want = held;
    else if (g->policy == TARN_SPANS_PERCENT && !tarn_mul(held, g->percent, &want))
        want = g->most;
    else if (g->policy == TARN_SPANS_PERCENT)
        want /= 100;
    if (want < g->first)
        want = g->first;
    if (want > g->most)
        want = g->most;
    return want > need ? want : need;
}

/* A live run, from what is idle, or a new span, or after all that is idle has gone back. */
static tarn_span_run *take(tarn_spans *g, size_t need, size_t align, run_kind *was,
                           tarn_status *status)
{
    size_t wide = align > g->source.granule ? align : g->source.granule;
    tarn_span_run *r;
    *status = TARN_TOO_BIG;
    if (need > TARN_SPAN_MOST)
        return NULL;
    r = tarn_run_take(g, need, align, was);
    if (r != NULL)
        return r;
    if (tarn_span_map(g, need, next_span(g, need), wide, false, status) == NULL &&
        (*status == TARN_TOO_BIG || give_back_all(g) == 0))
        return NULL;
    r = tarn_run_take(g, need, align, was);
    if (r == NULL && tarn_span_map(g, need, need, wide, false, status) != NULL)
        r = tarn_run_take(g, need, align, was);
    return r;
}

static tarn_span_run *reserve(tarn_spans *g, size_t need, size_t align, tarn_status *status)
{
    tarn_span *s;
    if (align < g->source.granule)
        align = g->source.granule;
    s = tarn_span_map(g, need, need, align, true, status);
    return s != NULL ? &s->runs[0] : NULL;
}

/* size is a multiple of the granule, align a power of two. */
static tarn_status spans_map(tarn_source *source, size_t size, size_t align, uint32_t flags,
                             tarn_region *out)
{
    tarn_spans *g = of(source);
    size_t need = size / source->granule;
    run_kind was = RUN_CLEAN;
    tarn_status status;
    tarn_span_run *r;
    lock(g);
    (void)grow_old(g, g->manual ? NOTE : CALL);
    r = (flags & TARN_MAP_RESERVE) != 0 ? reserve(g, need, align, &status)
                                        : take(g, need, align, &was, &status);
    if (r != NULL) {
        tarn_span *s = tarn_span_of(r);
        status = TARN_OK;
        out->ptr = tarn_run_address(g, r);
        out->size = s->direct ? s->region.size : size;
        out->traits = s->region.traits;
        if (was == RUN_DIRTY) {
            out->traits &= ~(uint32_t)TARN_REGION_ZEROED;
            g->report.reused += size;
        }
        g->report.regions++;
    } else {
        g->failures++;
    }
    unlock(g);
    return status;
}

/* What is wrong with giving this back; 0 when nothing is. */
static tarn_fault_kind judge(const tarn_spans *g, tarn_span *s, const void *ptr, size_t size,
                             tarn_span_run **out)
{
    size_t at, offset = s != NULL ? (size_t)((const char *)ptr - (char *)s->region.ptr) : 0;
    tarn_span_run *r;
    if (s == NULL)
        return TARN_FAULT_FOREIGN_POINTER;
    at = s->direct ? 0 : offset / g->source.granule;
    if (at >= s->count) /* beyond the last whole granule */
        return TARN_FAULT_FOREIGN_POINTER;
    r = *out = &s->runs[at];
    if (s->direct ? offset != 0 : offset % g->source.granule != 0 || r->kind == RUN_INSIDE)
        return TARN_FAULT_INTERIOR_POINTER;
    if (r->kind != RUN_LIVE)
        return TARN_FAULT_DOUBLE_FREE;
    if (size != (s->direct ? s->region.size : (size_t)r->count * g->source.granule))
        return TARN_FAULT_WRONG_SIZE;
    return (tarn_fault_kind)0;
}

static void spans_unmap(tarn_source *source, void *ptr, size_t size, size_t align)
{
    tarn_spans *g = of(source);
    tarn_span_run *r = NULL;
    tarn_span *s;
    tarn_fault_kind wrong;
    size_t expected = 0;
    (void)align;
    lock(g);
    s = tarn_span_find(g, ptr);
    wrong = judge(g, s, ptr, size, &r);
    if (wrong == TARN_FAULT_WRONG_SIZE) {
        expected = s->direct ? s->region.size : (size_t)r->count * source->granule;
    } else if (wrong == 0) {
        (void)grow_old(g, g->manual ? NOTE : CALL);
        g->report.regions--;
        if (s->direct)
            tarn_span_unmap(g, s);
        else
            tarn_run_give(g, r);
        keep_limit(g);
        if (!g->manual)
            (void)give_back_at_once(g);
    }
    unlock(g);
    if (wrong != 0)
        tarn_fault_report(wrong, "spans", g->name, ptr, expected != 0 ? size : 0, expected);
}

/* Pieces of regions that are out are their owner's: the source below does as it is told. */
static tarn_status spans_commit(tarn_source *source, void *ptr, size_t size)
{
    tarn_spans *g = of(source);
    tarn_status status;
    lock(g);
    status = tarn_source_commit(g->below, ptr, size);
    unlock(g);
    return status;
}

static tarn_status spans_purge(tarn_source *source, void *ptr, size_t size)
{
    tarn_spans *g = of(source);
    tarn_status status;
    lock(g);
    status = tarn_source_purge(g->below, ptr, size);
    unlock(g);
    return status;
}

/* ── Questions ─────────────────────────────────────────────────────────────────────────────── */

static const char *spans_name(const tarn_source *source)
{
    return ((const tarn_spans *)source)->name;
}

void tarn_spans_get_report(tarn_spans *g, tarn_spans_report *out)
{
    lock(g);
    *out = g->report;
    out->granule = g->source.granule;
    out->live = g->live * out->granule;
    out->dirty = g->dirty * out->granule;
    out->clean = g->clean * out->granule;
    unlock(g);
}

/* A lock is changed by who only asks, too. */
static tarn_status spans_stats(const tarn_source *source, tarn_stats *out)
{
    tarn_spans *g = ((const tarn_spans *)source)->self;
    memset(out, 0, sizeof *out);
    out->known = TARN_STATS_FAILED | TARN_STATS_HELD | TARN_STATS_CHUNKS;
    lock(g);
    out->failures = g->failures;
    out->held_bytes = g->report.held;
    out->idle_bytes = (g->dirty + g->clean) * source->granule;
    out->chunks = g->report.regions;
    unlock(g);
    return TARN_OK;
}

tarn_status tarn_spans_check(tarn_spans *g)
{
    tarn_status status;
    lock(g);
    status = tarn_span_check(g);
    unlock(g);
    return status;
}

size_t tarn_spans_tick(tarn_spans *g)
{
    size_t gone;
    lock(g);
    gone = grow_old(g, TICK) + give_back_at_once(g);
    unlock(g);
    return gone;
}

size_t tarn_spans_trim(tarn_spans *g)
{
    size_t gone;
    lock(g);
    gone = give_back_all(g);
    unlock(g);
    return gone;
}

/* ── Life cycle ────────────────────────────────────────────────────────────────────────────── */

static uint64_t system_clock(void *user)
{
    (void)user;
    return tarn_clock_ms();
}

static void spans_deinit(tarn_source *source)
{
    tarn_spans_deinit(of(source));
}

static void set_ops(tarn_spans *g)
{
    uint32_t can = TARN_SOURCE_COMMIT | TARN_SOURCE_PURGE;
    g->ops = (tarn_source_ops){
        .abi = TARN_ABI,
        .caps = g->below->ops->caps & can,
        .map = spans_map,
        .unmap = spans_unmap,
        .name = spans_name,
        .stats = spans_stats,
        .deinit = spans_deinit,
    };
    if (g->shared)
        g->ops.caps |= TARN_SOURCE_THREADS;
    if ((g->ops.caps & TARN_SOURCE_COMMIT) != 0)
        g->ops.commit = spans_commit;
    if ((g->ops.caps & TARN_SOURCE_PURGE) != 0)
        g->ops.purge = spans_purge;
    g->source.ops = &g->ops;
}

/* Sizes, in granules. */
static tarn_status set_sizes(tarn_spans *g, const tarn_spans_options *o)
{
    size_t below = g->below->granule, granule = o->granule;
    size_t first = o->first != 0 ? o->first : FIRST, most = o->most != 0 ? o->most : MOST;
    if (granule == 0)
        granule = below > GRANULE ? below : GRANULE;
    if (!tarn_is_power_of_two(granule) || granule < LEAST_GRANULE || granule % below != 0)
        return TARN_BAD_ARGUMENT;
    if (o->most == 0 && first > most)
        most = first;
    if (o->first == 0 && most < first)
        first = most;
    if (first > most)
        return TARN_BAD_ARGUMENT;
    g->source.granule = granule;
    g->first = first / granule != 0 ? first / granule : 1;
    g->most = most / granule != 0 ? most / granule : 1;
    g->idle_limit = o->idle_limit / granule;
    if (o->idle_limit != 0 && g->idle_limit == 0)
        g->idle_limit = 1;
    return TARN_OK;
}

tarn_status tarn_spans_init(tarn_spans *g, const tarn_spans_options *o)
{
    tarn_status status;
    uint64_t now;
    memset(g, 0, sizeof *g);
    if (o->source == NULL || (o->policy != TARN_SPANS_DOUBLE && o->policy != TARN_SPANS_FIXED &&
                              o->policy != TARN_SPANS_PERCENT))
        return TARN_BAD_ARGUMENT;
    g->below = o->source;
    status = set_sizes(g, o);
    if (status != TARN_OK)
        return status;
    g->records = o->records != NULL ? o->records : tarn_libc();
    if (g->records == NULL)
        return TARN_UNSUPPORTED;
    g->self = g;
    g->name = o->name != NULL ? o->name : "spans";
    g->clock = o->clock != NULL ? o->clock : system_clock;
    g->user = o->user;
    g->policy = o->policy;
    g->percent = o->percent != 0 ? o->percent : PERCENT;
    g->decay_ms = o->decay_ms != 0 ? o->decay_ms : TARN_DECAY_DEFAULT;
    g->manual = o->manual;
    g->shared = o->shared;
    g->can_purge = tarn_source_can(g->below, TARN_SOURCE_PURGE);
    if (g->shared && !tarn_mutex_init((tarn_mutex *)(void *)&g->mutex))
        return TARN_NO_MEMORY;
    if (g->decay_ms < TARN_DECAY_AT_ONCE) {
        now = g->clock(g->user);
        tarn_decay_init(&g->dirty_decay, g->decay_ms, now);
        tarn_decay_init(&g->idle_decay, g->decay_ms, now);
    }
    set_ops(g);
    return TARN_OK;
}

void tarn_spans_deinit(tarn_spans *g)
{
    while (g->span_count != 0)
        tarn_span_unmap(g, g->spans[g->span_count - 1]);
    if (g->spans != NULL)
        tarn_free(g->records, g->spans, g->span_room * sizeof(void *), TARN_SPEC(sizeof(void *)));
    g->spans = NULL;
    g->span_room = 0;
    if (g->shared)
        tarn_mutex_deinit((tarn_mutex *)(void *)&g->mutex);
    g->source.ops = NULL;
}
