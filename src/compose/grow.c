/* SPDX-License-Identifier: MIT */
/*
 * grow.c - a list of members, the one that served last in front.
 *
 *     first ──► member ──► member ──► member ──► NULL          each: allocator, live, refused
 *
 * I1  live of a member = its live blocks. empty = the members with live 0; at most idle + 1 of them,
 *     and never the last member of all goes.
 * I2  refused of a member: it refused a request of this many bytes, and no block came back since. It
 *     is not asked for as many or more. Requests of large alignment leave it as it is. SIZE_MAX: nothing is known.
 * I3  A member that is made for a request and refuses it, too, goes at once: nothing has changed.
 */
#include <tarn/grow.h>

#include <tarn/source.h>

struct tarn_grow_member {
    tarn_grow_member *next;
    tarn_allocator *allocator;
    size_t live;    /* blocks */
    size_t refused; /* bytes  */
};

static tarn_grow *grow_of(const tarn_allocator *a)
{
    return (tarn_grow *)(uintptr_t)a;
}

/* ── Members ───────────────────────────────────────────────────────────────────────────────── */

static tarn_status make(tarn_grow *g, tarn_grow_member **out)
{
    if (g->most != 0 && g->members >= g->most)
        return TARN_LIMIT;
    tarn_grow_member *m = tarn_alloc(g->metadata, sizeof *m, TARN_SPEC_OF(tarn_grow_member));
    if (m == NULL)
        return TARN_NO_MEMORY;
    *m = (tarn_grow_member){g->first, NULL, 0, SIZE_MAX};
    tarn_status status = g->make(g->user, g->made, &m->allocator);
    if (status == TARN_OK && m->allocator == NULL)
        status = TARN_NO_MEMORY;
    if (status != TARN_OK) {
        tarn_free(g->metadata, m, sizeof *m, TARN_SPEC_OF(tarn_grow_member));
        return status;
    }
    g->made++;
    g->members++;
    g->empty++;
    g->first = *out = m;
    return TARN_OK;
}

/* Takes the member behind *link out of the list and ends it. */
static void unmake(tarn_grow *g, tarn_grow_member **link)
{
    tarn_grow_member *m = *link;
    *link = m->next;
    g->members--;
    g->empty -= m->live == 0;
    if (g->unmake != NULL)
        g->unmake(g->user, m->allocator);
    else
        tarn_deinit(m->allocator);
    tarn_free(g->metadata, m, sizeof *m, TARN_SPEC_OF(tarn_grow_member));
}

/* Ends empty members until only so many are left; at least one member stays. */
static void shrink(tarn_grow *g, size_t idle)
{
    tarn_grow_member **link = &g->first;
    while (*link != NULL && g->empty > idle && g->members > 1) {
        if ((*link)->live == 0)
            unmake(g, link);
        else
            link = &(*link)->next;
    }
    /* The tables ask the layer's parent: it has to be one that is there. */
    if (g->first != NULL)
        g->layer.parent = g->first->allocator;
}

static void to_front(tarn_grow *g, tarn_grow_member **link)
{
    tarn_grow_member *m = *link;
    if (m == g->first)
        return;
    *link = m->next;
    m->next = g->first;
    g->first = m;
}

static tarn_grow_member *owner_of(const tarn_grow *g, const void *block)
{
    for (tarn_grow_member *m = g->first; m != NULL; m = m->next) {
        if (tarn_owns(m->allocator, block) == TARN_YES)
            return m;
    }
    return NULL;
}

/* ── Blocks ────────────────────────────────────────────────────────────────────────────────── */

static tarn_block ask(tarn_grow_member *m, size_t size, tarn_spec spec)
{
    tarn_block b = {NULL, 0};
    if (size >= m->refused)
        return b;
    b = tarn_alloc_at_least(m->allocator, size, spec);
    if (b.ptr == NULL && (spec & TARN_ALIGN_BITS) <= TARN_ALIGN_MAX)
        m->refused = size;
    return b;
}

static tarn_block take(tarn_grow *g, size_t size, tarn_spec spec)
{
    tarn_block b = {NULL, 0};
    tarn_grow_member *m = NULL;
    tarn_layer_pass(&g->layer);
    for (tarn_grow_member **link = &g->first; *link != NULL; link = &(*link)->next) {
        b = ask(*link, size, spec);
        if (b.ptr != NULL) {
            to_front(g, link);
            break;
        }
    }
    if (b.ptr == NULL) {
        tarn_status status = make(g, &m);
        if (status != TARN_OK) {
            tarn_layer_refuse(&g->layer, status, size, spec, g->most);
            return b;
        }
        b = ask(m, size, spec);
    }
    m = g->first;
    if (b.ptr == NULL) { /* I3 */
        tarn_why why = tarn_get_why(m->allocator);
        unmake(g, &g->first);
        tarn_layer_refuse(&g->layer, why.status != TARN_OK ? why.status : TARN_NO_MEMORY, size,
                          spec, why.limit);
        return b;
    }
    g->empty -= m->live++ == 0;
    return b;
}

static void *grow_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return take(grow_of(a), size, spec).ptr;
}

static tarn_block grow_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return take(grow_of(a), size, spec);
}

static void grow_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_grow *g = grow_of(a);
    tarn_grow_member *m = owner_of(g, block);
    if (m == NULL) {
        tarn_fault_raise(&(tarn_fault){
            .kind = TARN_FAULT_FOREIGN_POINTER, .allocator = g->layer.label, .block = block});
        return;
    }
    tarn_free(m->allocator, block, size, spec);
    m->refused = SIZE_MAX;
    if (--m->live == 0 && ++g->empty > g->idle)
        shrink(g, g->idle);
}

/* Where the member cannot, the block may move to another one. */
static void *grow_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                         size_t keep, tarn_spec spec)
{
    tarn_grow *g = grow_of(a);
    tarn_grow_member *m = owner_of(g, block);
    if (m == NULL) {
        tarn_fault_raise(&(tarn_fault){
            .kind = TARN_FAULT_FOREIGN_POINTER, .allocator = g->layer.label, .block = block});
        return NULL;
    }
    tarn_layer_pass(&g->layer);
    void *p = m->allocator->ops->resize(m->allocator, block, old_size, new_size, keep, spec);
    if (p != NULL) {
        m->refused = SIZE_MAX;
        return p;
    }
    if ((spec & (TARN_IN_PLACE | TARN_NO_COPY)) == 0 && old_size != 0)
        return tarn_resize_by_copy(a, block, old_size, new_size, keep, spec);
    tarn_why why = tarn_get_why(m->allocator);
    return tarn_layer_refuse(&g->layer, why.status != TARN_OK ? why.status : TARN_NO_MEMORY,
                             new_size, spec, why.limit);
}

/* ── All of them ───────────────────────────────────────────────────────────────────────────── */

static tarn_answer grow_owns(const tarn_allocator *a, const void *block)
{
    return owner_of(grow_of(a), block) != NULL ? TARN_YES : TARN_NO;
}

static size_t grow_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    const tarn_grow_member *m = owner_of(grow_of(a), block);
    return m != NULL ? tarn_usable(m->allocator, block, size, spec) : size;
}

static tarn_status grow_reset(tarn_allocator *a)
{
    tarn_grow *g = grow_of(a);
    tarn_status status = TARN_OK;
    for (tarn_grow_member *m = g->first; m != NULL && status == TARN_OK; m = m->next) {
        status = tarn_reset(m->allocator);
        if (status == TARN_OK) {
            g->empty += m->live != 0;
            m->live = 0;
            m->refused = SIZE_MAX;
        }
    }
    shrink(g, g->idle);
    return status;
}

/* Empty members are idle memory, too; one member stays. What they held is known if they tell. */
static size_t grow_trim(tarn_allocator *a)
{
    tarn_grow *g = grow_of(a);
    tarn_stats s;
    size_t before = 0, after = 0, given = 0;
    for (const tarn_grow_member *m = g->first; m != NULL; m = m->next)
        before += tarn_get_stats(m->allocator, &s) == TARN_OK ? s.held_bytes : 0;
    shrink(g, 0);
    for (const tarn_grow_member *m = g->first; m != NULL; m = m->next) {
        after += tarn_get_stats(m->allocator, &s) == TARN_OK ? s.held_bytes : 0;
        given += tarn_trim(m->allocator);
    }
    return before - after + given;
}

static void add_stats(tarn_stats *sum, const tarn_stats *one)
{
    sum->known &= one->known;
    sum->live_blocks += one->live_blocks;
    sum->live_bytes += one->live_bytes;
    sum->held_bytes += one->held_bytes;
    sum->idle_bytes += one->idle_bytes;
    sum->chunks += one->chunks;
}

/* Peaks and totals went with the members that are gone: what is left can be summed. */
static tarn_status grow_stats(const tarn_allocator *a, tarn_stats *out)
{
    tarn_stats one;
    *out = (tarn_stats){.known = TARN_STATS_LIVE | TARN_STATS_HELD | TARN_STATS_CHUNKS};
    for (const tarn_grow_member *m = grow_of(a)->first; m != NULL; m = m->next) {
        tarn_status status = tarn_get_stats(m->allocator, &one);
        if (status != TARN_OK)
            return status;
        add_stats(out, &one);
    }
    return TARN_OK;
}

typedef struct visit_state {
    tarn_visitor *see;
    void *user;
    bool stopped;
} visit_state;

static bool see_one(void *user, void *block, size_t size)
{
    visit_state *v = user;
    v->stopped = !v->see(v->user, block, size);
    return !v->stopped;
}

static tarn_status grow_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    visit_state v = {see, user, false};
    tarn_grow *g = grow_of(a);
    size_t idle = g->idle;
    tarn_status status = TARN_OK;
    g->idle = SIZE_MAX; /* the visitor may free what it sees; members stay until the end */
    for (tarn_grow_member *m = g->first; m != NULL && status == TARN_OK && !v.stopped; m = m->next)
        status = tarn_visit(m->allocator, see_one, &v);
    g->idle = idle;
    shrink(g, idle);
    return status;
}

static tarn_status grow_check(const tarn_allocator *a)
{
    const tarn_grow *g = grow_of(a);
    size_t members = 0, empty = 0;
    for (const tarn_grow_member *m = g->first; m != NULL; m = m->next) {
        tarn_status status =
            tarn_can(m->allocator, TARN_CAP_CHECK) ? tarn_check(m->allocator) : TARN_OK;
        if (status != TARN_OK)
            return status;
        members++;
        empty += m->live == 0;
    }
    return members == g->members && empty == g->empty ? TARN_OK : TARN_CORRUPT;
}

static tarn_allocator *grow_parent(const tarn_allocator *a, unsigned index)
{
    const tarn_grow_member *m = grow_of(a)->first;
    while (m != NULL && index-- > 0)
        m = m->next;
    return m != NULL ? m->allocator : NULL;
}

static void grow_deinit(tarn_allocator *a)
{
    tarn_grow_deinit(grow_of(a));
}

static const tarn_layer_plan PLAN = {.type = "grow",
                                     .keep = TARN_CAP_UNSIZED_FREE | TARN_CAP_FREE | TARN_CAP_OWNS |
                                             TARN_CAP_RESET | TARN_CAP_VISIT | TARN_CAP_STATS |
                                             TARN_CAP_ZEROED,
                                     .add = TARN_CAP_TRIM | TARN_CAP_CHECK,
                                     .drop = TARN_LAYER_BATCH,
                                     .ops = {.alloc = grow_alloc,
                                             .free = grow_free,
                                             .resize = grow_resize,
                                             .alloc_at_least = grow_at_least},
                                     .rare = {.owns = grow_owns,
                                              .usable = grow_usable,
                                              .reset = grow_reset,
                                              .trim = grow_trim,
                                              .stats = grow_stats,
                                              .visit = grow_visit,
                                              .check = grow_check,
                                              .parent = grow_parent,
                                              .deinit = grow_deinit}};

tarn_status tarn_grow_init(tarn_grow *g, const tarn_grow_options *o)
{
    tarn_grow_member *first;
    tarn_layer_plan plan = PLAN;
    *g = (tarn_grow){.make = o->make,
                     .unmake = o->unmake,
                     .user = o->user,
                     .metadata = o->metadata != NULL ? o->metadata : tarn_libc(),
                     .most = o->most,
                     .idle = o->idle != 0 ? o->idle : 1};
    if (o->make == NULL || g->metadata == NULL)
        return TARN_BAD_ARGUMENT;
    tarn_status status = make(g, &first);
    if (status != TARN_OK)
        return status;
    if (!tarn_can(first->allocator, TARN_CAP_OWNS)) {
        unmake(g, &g->first);
        return TARN_UNSUPPORTED;
    }
    plan.name = o->name;
    return tarn_layer_init(&g->layer, first->allocator, &plan);
}

void tarn_grow_deinit(tarn_grow *g)
{
    while (g->first != NULL)
        unmake(g, &g->first);
    g->layer.allocator.ops = NULL;
}
