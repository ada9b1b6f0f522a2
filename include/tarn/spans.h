/* SPDX-License-Identifier: MIT */
/*
 * spans.h - a source over a source: takes memory in spans that grow, keeps what comes back for a
 * while, and gives it back by age.
 *
 * For: pools and arenas that grow and are trimmed again and again; many small chunks over pages or
 * huge pages; long-lived programs whose idle memory is to go back by itself. Not for: small blocks
 * (a region is 64 KiB at least), one pool that never shrinks.
 *
 *     tarn_pages pages;
 *     tarn_spans spans;
 *     tarn_pages_init(&pages, NULL);
 *     tarn_spans_init(&spans, &(tarn_spans_options){.source = &pages.source});
 *     ... &spans.source, for any number of pools and arenas ...
 *     tarn_spans_deinit(&spans);
 *
 * A region is cut from a span. One that is given back stays, with its memory, for the next that
 * fits; then, the oldest first, it is purged, its addresses staying; and when a whole span has been
 * without a region and without memory for as long, the span goes back, too:
 *
 *     source below  ──span──►  │ live │ dirty │ live │ clean ......│  ──region──►  pool, arena
 *                   ◄─unmap──     purge: ─────►  clean                ◄──unmap──
 *
 * Nothing of it has a thread of its own: memory ages when regions are taken and given back, and when
 * tarn_spans_tick is called.
 */
#ifndef TARN_SPANS_H
#define TARN_SPANS_H

#include <tarn/source.h>

TARN_BEGIN_DECLS

/* How large the next span is, between `first` and `most`, and never less than what is asked for. */
typedef enum tarn_spans_policy {
    TARN_SPANS_DOUBLE = 0, /* as much as is held: it doubles          */
    TARN_SPANS_FIXED = 1,  /* always `first`                          */
    TARN_SPANS_PERCENT = 2 /* that part of what is held, see `percent` */
} tarn_spans_policy;

/* Of decay_ms. */
#define TARN_DECAY_DEFAULT 10000u
#define TARN_DECAY_NEVER   UINT32_MAX       /* idle memory stays until it is trimmed */
#define TARN_DECAY_AT_ONCE (UINT32_MAX - 1) /* no memory is kept                     */

/* How it grows and shrinks. Zero means: the default. */
typedef struct tarn_spans_options {
    tarn_source
        *source; /* where spans come from; there is no default                             */
    tarn_allocator *records; /* for what is known of the spans, 48 bytes a granule; it lies outside
                                of them; default: tarn_libc() */
    size_t granule; /* bytes, a power of two from 4096: regions are multiples of it; default:
                                64 KiB, or the source's when that is more                          */
    size_t
        first;   /* bytes of the first span; default 1 MiB                                        */
    size_t most; /* bytes of the largest; default 64 MiB, or `first` when that is more            */
    tarn_spans_policy policy; /* default: doubling                                                */
    unsigned percent;         /* with TARN_SPANS_PERCENT; default 50                             */
    uint32_t decay_ms;        /* how long idle memory is kept; default 10 seconds                 */
    size_t idle_limit;        /* bytes of idle memory kept at most, however young; default: any   */
    bool manual;              /* nothing ages but in tarn_spans_tick                             */
    bool shared;              /* any thread may use the source: it has a lock                     */
    uint64_t (*clock)(
        void *user);  /* milliseconds; default: the system's                          */
    void *user;       /* passed to it                                                 */
    const char *name; /* must outlive the source; default "spans"                    */
} tarn_spans_options;

/* Bytes now, unless it says otherwise. held = live + dirty + clean, and what the source below gave
 * beyond whole granules. Reservations are in `reserved` alone. */
typedef struct tarn_spans_report {
    size_t held, peak;     /* in spans; the most there was                                        */
    size_t live;           /* in regions that are out                                             */
    size_t dirty;          /* idle, with memory                                                   */
    size_t clean;          /* idle, without: never handed out, or purged                          */
    size_t reserved;       /* in reservations                                                     */
    size_t regions, spans; /* how many                                                            */
    size_t idle_spans;     /* how many of these wait to be given back                             */
    size_t granule;
    uint64_t maps, unmaps; /* calls of the source below since init                                */
    uint64_t purged;       /* bytes since init                                                    */
    uint64_t reused;       /* bytes since init that were handed out with their memory             */
} tarn_spans_report;

/* Private to the source. */
typedef struct tarn_span tarn_span;
typedef struct tarn_span_run tarn_span_run;

/* Idle memory of which less may be kept the older it is; private, see src/source/spans_decay.h. */
typedef struct tarn_span_decay {
    uint64_t since;         /* ms, when the current step began                    */
    uint64_t step;          /* ms                                                 */
    size_t became_idle[32]; /* granules, in this step (the last) and those before */
} tarn_span_decay;

/* State; fields are private, but for the source. */
typedef struct tarn_spans {
    tarn_source source; /* to be passed on as &spans.source */
    tarn_source_ops ops;
    tarn_source *below;
    struct tarn_spans *self; /* for questions, which take the lock as all do */
    tarn_allocator *records;
    const char *name;
    size_t first, most;
    size_t idle_limit; /* granules */
    uint64_t (*clock)(void *user);
    void *user;
    tarn_spans_policy policy;
    unsigned percent;
    uint32_t decay_ms;
    bool manual, shared, can_purge;
    tarn_span **spans; /* by address */
    size_t span_count, span_room;
    tarn_span_run *lists[2][32];    /* idle runs, dirty and clean, by the logarithm of their size */
    uint32_t filled[2];             /* a bit for each list that is not empty                      */
    tarn_span_run *oldest, *newest; /* dirty runs                                   */
    tarn_span *oldest_idle, *newest_idle; /* spans that wait to be given back             */
    size_t live, dirty, clean, waiting;   /* granules; waiting: of those spans            */
    tarn_span_decay dirty_decay, idle_decay;
    tarn_spans_report report;
    size_t failures;
    union { /* the lock, where there is one */
        long long align;
        void *pointer;
        unsigned char bytes[64];
    } mutex;
} tarn_spans;

/* ── Life cycle ────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_spans_init - set up a source in the caller's struct, which then stays where it is.
 *
 * It has what the source below has of TARN_SOURCE_COMMIT and TARN_SOURCE_PURGE, and
 * TARN_SOURCE_THREADS when it is shared. Reservations (TARN_MAP_RESERVE) go straight to the source
 * below and back. Over a source that cannot purge, idle memory goes back in whole spans alone.
 *
 * Returns  TARN_OK.
 * Fails    TARN_BAD_ARGUMENT (no source; a granule that is no power of two, below 4096 or no
 *          multiple of the source's; no such policy; more in `first` than in `most`), TARN_NO_MEMORY (no lock), or
 *          TARN_UNSUPPORTED (no records, and there is no libc). The state must not be used then.
 * Threads  one; afterwards one at a time, or any when it is shared.
 * Cost     O(1); the source below is not called.
 */
TARN_API tarn_status tarn_spans_init(tarn_spans *g, const tarn_spans_options *options);

/**
 * tarn_spans_deinit - every span back to the source below, regions that are still out with them.
 *
 * Fails    never.
 * Threads  one; no other may use the source.
 * Cost     one call of the source below for each span.
 */
TARN_API void tarn_spans_deinit(tarn_spans *g);

/* ── Idle memory ───────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_spans_tick - let idle memory age up to now: for programs that come to rest, and for those
 * that choose when the system is called.
 *
 * Of memory that became idle at one moment all may be kept then, none after decay_ms, and the part
 * in between falls along a smooth curve in 32 steps; the oldest goes first. What is purged then
 * waits as long for its span to go back.
 *
 * Returns  bytes that were purged or given back.
 * Fails    never.
 * Threads  as the source.
 * Cost     O(1) when no step has gone by since the last time; else one call of the source below for
 *          each run of memory that goes.
 * Source   the decay of jemalloc 5 (opt.dirty_decay_ms); ours is by spans in its second stage.
 */
TARN_API size_t tarn_spans_tick(tarn_spans *g);

/**
 * tarn_spans_trim - give back all that is idle, however young: whole spans, and the memory of idle
 * pieces of the others.
 *
 * Returns  bytes that were purged or given back.
 * Fails    never.
 * Threads  as the source.
 * Cost     one call of the source below for each idle span and each idle run.
 */
TARN_API size_t tarn_spans_trim(tarn_spans *g);

/* ── Questions ─────────────────────────────────────────────────────────────────────────────── */

/**
 * tarn_spans_get_report - what is held, how much of it is idle, what has gone back.
 *
 * Fails    never.
 * Threads  as the source.
 * Cost     O(1).
 */
TARN_API void tarn_spans_get_report(tarn_spans *g, tarn_spans_report *out);

/**
 * tarn_spans_check - verify all that is known of spans, runs and lists.
 *
 * Returns  TARN_OK.
 * Fails    TARN_CORRUPT: something contradicts something else.
 * Threads  as the source.
 * Cost     O(granules).
 */
TARN_API tarn_status tarn_spans_check(tarn_spans *g);

TARN_END_DECLS

#endif
