/* SPDX-License-Identifier: MIT */
/*
 * spans_check.c - are the invariants I1 to I6 of spans_run.h true?
 *
 * Everything is counted anew from the records and compared with what is kept.
 */
#include "source/spans_run.h"

/* What the records say, summed up. */
struct sums {
    size_t live, dirty, clean, waiting;
    size_t runs[2]; /* idle ones, by kind */
    size_t idle_spans;
};

static bool is_sound_run(const tarn_spans *g, const tarn_span *s, uint32_t at,
                         const tarn_span_run *before)
{
    const tarn_span_run *r = &s->runs[at];
    bool is_idle = r->kind == RUN_DIRTY || r->kind == RUN_CLEAN;
    if ((!is_idle && r->kind != RUN_LIVE) || r->at != at || r->count == 0 ||
        r->count > s->count - at || s->runs[at + r->count - 1].start != at)
        return false;
    for (uint32_t i = 1; i < r->count; i++) {
        if (s->runs[at + i].kind != RUN_INSIDE || s->runs[at + i].at != at + i)
            return false;
    }
    if (before == NULL || !is_idle || before->kind == RUN_LIVE)
        return true;
    return g->can_purge && before->kind != r->kind;
}

static bool is_sound_span(const tarn_spans *g, const tarn_span *s, struct sums *sums)
{
    const tarn_span_run *before = NULL;
    size_t live = 0, dirty = 0, clean = 0;
    for (uint32_t at = 0; at < s->count; at += before->count) {
        const tarn_span_run *r = &s->runs[at];
        if (!is_sound_run(g, s, at, before))
            return false;
        live += r->kind == RUN_LIVE ? r->count : 0;
        dirty += r->kind == RUN_DIRTY ? r->count : 0;
        clean += r->kind == RUN_CLEAN ? r->count : 0;
        if (r->kind != RUN_LIVE)
            sums->runs[r->kind]++;
        before = r;
    }
    sums->live += live;
    sums->dirty += dirty;
    sums->clean += clean;
    if (live == 0 && (dirty == 0 || !g->can_purge)) {
        sums->waiting += s->count;
        sums->idle_spans++;
    }
    return s->live == live && s->dirty == dirty;
}

static bool is_sound_list(const tarn_spans *g, run_kind kind, unsigned log, size_t *runs)
{
    const tarn_span_run *prev = NULL, *r = g->lists[kind][log];
    if ((r != NULL) != ((g->filled[kind] >> log & 1) != 0))
        return false;
    for (; r != NULL; prev = r, r = r->next, ++*runs) {
        if (r->prev != prev || r->kind != (uint32_t)kind || r->count >> log != 1)
            return false;
    }
    return true;
}

/* As many as there are, and each knows its neighbour. */
static bool is_sound_age(const tarn_spans *g, size_t runs)
{
    const tarn_span_run *older = NULL;
    size_t count = 0;
    for (const tarn_span_run *r = g->oldest; r != NULL; older = r, r = r->newer, count++) {
        if (r->older != older || r->kind != RUN_DIRTY)
            return false;
    }
    return g->newest == older && count == (g->can_purge ? runs : 0);
}

static bool are_sound_waiting(const tarn_spans *g, const struct sums *sums)
{
    const tarn_span *older = NULL;
    size_t count = 0;
    for (const tarn_span *s = g->oldest_idle; s != NULL; older = s, s = s->newer, count++) {
        if (s->older != older || s->live != 0)
            return false;
    }
    return g->newest_idle == older && count == sums->idle_spans && g->waiting == sums->waiting &&
           g->report.idle_spans == count;
}

tarn_status tarn_span_check(const tarn_spans *g)
{
    struct sums sums = {0, 0, 0, 0, {0, 0}, 0};
    size_t listed[2] = {0, 0}, held = 0, reserved = 0;
    for (size_t i = 0; i < g->span_count; i++) {
        const tarn_span *s = g->spans[i];
        const tarn_region *before = i != 0 ? &g->spans[i - 1]->region : NULL;
        if (before != NULL && (uintptr_t)s->region.ptr - (uintptr_t)before->ptr < before->size)
            return TARN_CORRUPT;
        if (!s->direct && !is_sound_span(g, s, &sums))
            return TARN_CORRUPT;
        *(s->direct ? &reserved : &held) += s->region.size;
    }
    for (unsigned log = 0; log < 32; log++) {
        if (!is_sound_list(g, RUN_DIRTY, log, &listed[RUN_DIRTY]) ||
            !is_sound_list(g, RUN_CLEAN, log, &listed[RUN_CLEAN]))
            return TARN_CORRUPT;
    }
    if (listed[0] != sums.runs[0] || listed[1] != sums.runs[1] ||
        !is_sound_age(g, sums.runs[RUN_DIRTY]) || !are_sound_waiting(g, &sums))
        return TARN_CORRUPT;
    return g->live == sums.live && g->dirty == sums.dirty && g->clean == sums.clean &&
                   g->report.held == held && g->report.reserved == reserved &&
                   g->report.spans == g->span_count
               ? TARN_OK
               : TARN_CORRUPT;
}
