/* SPDX-License-Identifier: MIT */
/* One pass over a trace: sizes, contexts, lifetimes. */
#include "cmd/info_summary.h"

#include <stdlib.h>
#include <string.h>

/* What is remembered of a live block. */
typedef struct birth {
    uint64_t at; /* allocations before it */
    uint32_t context, thread, size_row;
} birth;

typedef struct gathering {
    info_summary *summary;
    info_size *table; /* by hash; count 0 = empty */
    birth *births;    /* by object                */
    size_t room;
    uint64_t allocs;
    uint32_t contexts;
} gathering;

#define NO_ROW UINT32_MAX

static unsigned log2_up(uint64_t v)
{
    return v <= 1 ? 0 : 64u - (unsigned)__builtin_clzll(v - 1);
}

static unsigned capped(unsigned v, unsigned count)
{
    return v < count ? v : count - 1;
}

/* Row of a size; NO_ROW when the table is three quarters full. */
static uint32_t size_row(gathering *g, uint64_t size)
{
    uint32_t at = (uint32_t)(size * UINT64_C(0x9e3779b97f4a7c15) >> 40) & (INFO_SIZES_MAX - 1);
    while (g->table[at].count && g->table[at].size != size)
        at = (at + 1) & (INFO_SIZES_MAX - 1);
    if (!g->table[at].count) {
        if (g->summary->size_count >= INFO_SIZES_MAX / 4 * 3)
            return NO_ROW;
        g->summary->size_count++;
        g->table[at].size = size;
    }
    return at;
}

static void enter_size(gathering *g, birth *b, uint64_t size)
{
    g->summary->classes[capped(log2_up(size), INFO_CLASSES)]++;
    g->summary->bytes += size;
    b->size_row = size_row(g, size);
    if (b->size_row == NO_ROW) {
        g->summary->other_sizes++;
        return;
    }
    info_size *row = &g->table[b->size_row];
    row->count++;
    if (++row->live > row->most_live)
        row->most_live = row->live;
}

static void leave_size(gathering *g, const birth *b)
{
    if (b->size_row != NO_ROW)
        g->table[b->size_row].live--;
}

static void enter_context(gathering *g, const tarn_event *e)
{
    uint32_t row = e->context < g->contexts ? e->context : g->contexts;
    g->summary->contexts[row].count++;
    g->summary->contexts[row].bytes += e->size;
}

static void leave(gathering *g, const tarn_event *e)
{
    info_summary *s = g->summary;
    if (e->object >= g->room)
        return;
    const birth *b = &g->births[e->object];
    uint64_t age = g->allocs - b->at;
    leave_size(g, b);
    s->ages[capped(log2_up(age), INFO_AGES)]++;
    s->remote_frees += b->thread != e->thread;
    s->contexts[b->context].freed++;
    s->contexts[b->context].age_sum += age;
}

static bool room_for(gathering *g, uint32_t object)
{
    if (object < g->room)
        return true;
    size_t room = g->room ? g->room * 2 : 4096;
    while (room <= object)
        room *= 2;
    birth *births = realloc(g->births, room * sizeof *births);
    if (!births)
        return false;
    memset(births + g->room, 0, (room - g->room) * sizeof *births);
    g->births = births;
    g->room = room;
    return true;
}

static bool take(gathering *g, const tarn_event *e)
{
    if (e->kind >= TARN_EVENT_USABLE)
        return true;
    if (e->kind == TARN_EVENT_FREE) {
        leave(g, e);
        return true;
    }
    if (!room_for(g, e->object))
        return false;
    birth *b = &g->births[e->object];
    if (e->kind == TARN_EVENT_REALLOC) {
        leave_size(g, b);
    } else {
        b->at = ++g->allocs;
        b->context = e->context < g->contexts ? e->context : g->contexts;
        b->thread = e->thread;
    }
    enter_size(g, b, e->size);
    enter_context(g, e);
    return true;
}

static int size_order(const void *a_, const void *b_)
{
    const info_size *a = a_, *b = b_;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return (a->size > b->size) - (a->size < b->size);
}

static int context_order(const void *a_, const void *b_)
{
    const info_context *a = a_, *b = b_;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return (a->context > b->context) - (a->context < b->context);
}

static void sort_tables(gathering *g)
{
    info_summary *s = g->summary;
    qsort(s->sizes, INFO_SIZES_MAX, sizeof *s->sizes, size_order);
    qsort(s->contexts, g->contexts + 1, sizeof *s->contexts, context_order);
    s->context_count = 0;
    while (s->context_count <= g->contexts && s->contexts[s->context_count].count)
        s->context_count++;
    const uint64_t *ages = s->ages;
    s->never_freed = g->allocs;
    for (unsigned i = 0; i < INFO_AGES; i++)
        s->never_freed -= ages[i];
}

bool info_gather(tarn_trace *trace, info_summary *summary)
{
    *summary = (info_summary){0};
    gathering g = {.summary = summary, .contexts = tarn_trace_get_counts(trace)->contexts};
    summary->sizes = g.table = calloc(INFO_SIZES_MAX, sizeof *g.table);
    summary->contexts = calloc(g.contexts + 1, sizeof *summary->contexts);
    bool good = summary->sizes && summary->contexts;
    for (uint32_t i = 0; good && i <= g.contexts; i++)
        summary->contexts[i].context = i < g.contexts ? i : TARN_NO_CONTEXT;
    tarn_trace_rewind(trace);
    for (tarn_event e; good && tarn_trace_next(trace, &e);)
        good = take(&g, &e);
    if (good)
        sort_tables(&g);
    free(g.births);
    return good;
}

void info_free(info_summary *summary)
{
    free(summary->sizes);
    free(summary->contexts);
    *summary = (info_summary){0};
}
