/* SPDX-License-Identifier: MIT */
/*
 * spans_run.h - spans, and the runs of granules that they are divided into.
 *
 * What is known of a span lies outside of it: its memory is never touched.
 *
 *     span    │ live      │ dirty │ clean              │ live │      the source's memory
 *     runs    [3][·][3'  ][1     ][4   ][·][·][4'      ][1   ]      a record for each granule
 *              ▲     ▲
 *              │     └ the last of a run knows where it starts
 *              └ the first knows how long it is and what it is
 *
 * I1  Runs cover the span without a gap. A record that is not the first of a run is INSIDE.
 * I2  Two neighbours are not of the same idle kind: not both dirty, not both clean; where memory
 *     cannot be purged, not both idle.
 * I3  An idle run is in the list of its kind and of the logarithm of its size. A dirty one is in the
 *     order of age, too, where memory can be purged.
 * I4  A span waits to be given back exactly when it has no live run and, where memory can be purged,
 *     no dirty one.
 * I5  live, dirty, clean, waiting are the sums of granules.
 * I6  Spans are in the order of their addresses.
 */
#ifndef TARN_SOURCE_SPANS_RUN_H
#define TARN_SOURCE_SPANS_RUN_H

#include <tarn/spans.h>

/* Granules of a span, and so of a region; the logarithm is that of the last list. */
#define TARN_SPAN_MOST ((size_t)INT32_MAX)

/* The kinds that are idle are the index of their list. */
typedef enum run_kind { RUN_DIRTY = 0, RUN_CLEAN = 1, RUN_LIVE = 2, RUN_INSIDE = 3 } run_kind;

struct tarn_span_run {
    uint32_t kind;
    uint32_t at;                  /* its place in the span                 */
    uint32_t count;               /* granules; in the first of a run       */
    uint32_t start;               /* place of the first; in the last       */
    tarn_span_run *next, *prev;   /* in its list                           */
    tarn_span_run *newer, *older; /* dirty runs in the order of age        */
};

struct tarn_span {
    tarn_region region;
    size_t align;             /* as it was asked for                        */
    uint32_t count;           /* granules                                   */
    uint32_t live, dirty;     /* granules                                   */
    bool direct;              /* a reservation: one run, without granules   */
    tarn_span *newer, *older; /* among those that wait                 */
    tarn_span_run runs[];
};

/* A span from the source below with room for `need` granules, `want` if there are so many; direct: a
 * reservation, live at once. NULL and the status when there is none. */
tarn_span *tarn_span_map(tarn_spans *g, size_t need, size_t want, size_t align, bool direct,
                         tarn_status *status);
void tarn_span_unmap(tarn_spans *g, tarn_span *s);

/* The span an address lies in, NULL when in none. */
tarn_span *tarn_span_find(const tarn_spans *g, const void *ptr);
tarn_span *tarn_span_of(tarn_span_run *r);
void *tarn_run_address(const tarn_spans *g, tarn_span_run *r);

/* A live run out of idle ones; was: what it was. NULL when none fits. */
tarn_span_run *tarn_run_take(tarn_spans *g, size_t count, size_t align, run_kind *was);
/* A live run becomes idle and dirty. */
void tarn_run_give(tarn_spans *g, tarn_span_run *r);

/* Both return bytes. Purge the oldest until no more than `keep` granules are dirty. Give back the
 * spans that have waited longest until no more than `keep` granules wait; _old: as long as no less
 * than that many still do, since a span goes whole. */
size_t tarn_run_purge(tarn_spans *g, size_t keep);
size_t tarn_span_return(tarn_spans *g, size_t keep);
size_t tarn_span_return_old(tarn_spans *g, size_t keep);
/* Spans without a live run go back, dirty ones with them. */
size_t tarn_span_return_unused(tarn_spans *g);

/* I1 to I6. */
tarn_status tarn_span_check(const tarn_spans *g);

#endif
