/* SPDX-License-Identifier: MIT */
/*
 * scope.c - a list of blocks, each with its link in front.
 *
 *     parent's block ──► gap │ link: older newer size spec │ block …
 *                        └──────────── front ─────────────┘
 *
 * I1  front = the link rounded up to the block's alignment, which the link remembers. So the size
 *     and alignment that the parent was asked for are known without the caller.
 * I2  Every live block of the scope is in the list once; newer of the newest is NULL.
 * I3  A cleanup is a block that holds a function and its argument, marked in spec. It leaves the list
 *     before it is called, so whatever it does finds the list whole.
 */
#include <tarn/scope.h>

#include "base/align.h"
#include "base/checked.h"
#include "base/mem.h"

#define CLEANUP 0x80000000u

struct tarn_scope_link {
    tarn_scope_link *older, *newer;
    size_t size; /* bytes asked for            */
    size_t spec; /* log2 of the alignment | CLEANUP */
};

typedef struct cleanup {
    void (*call)(void *argument);
    void *argument;
} cleanup;

static tarn_scope_link *link_of(const void *block)
{
    return (tarn_scope_link *)(uintptr_t)block - 1;
}

static void *block_of(tarn_scope_link *link)
{
    return link + 1;
}

static tarn_spec outer_spec(tarn_spec spec)
{
    const uint32_t least = TARN_SPEC_OF(tarn_scope_link);
    return (spec & TARN_ALIGN_BITS) >= least ? spec : (spec & ~TARN_ALIGN_BITS) | least;
}

static size_t front_of(tarn_spec spec)
{
    size_t align = tarn_spec_align(outer_spec(spec));
    return tarn_align_down(sizeof(tarn_scope_link) + align - 1, align);
}

static void enter(tarn_scope *s, tarn_scope_link *link)
{
    link->newer = NULL;
    link->older = s->newest;
    if (s->newest != NULL)
        s->newest->newer = link;
    s->newest = link;
}

static void leave(tarn_scope *s, tarn_scope_link *link)
{
    if (link->newer != NULL)
        link->newer->older = link->older;
    else
        s->newest = link->older;
    if (link->older != NULL)
        link->older->newer = link->newer;
}

static void count(tarn_scope *s, size_t blocks, size_t bytes)
{
    s->blocks += blocks;
    s->bytes += bytes;
}

/* Back to the parent, from no list. */
static void give_back(tarn_scope *s, tarn_scope_link *link)
{
    tarn_spec spec = (tarn_spec)link->spec & TARN_ALIGN_BITS;
    size_t front = front_of(spec);
    tarn_free(s->layer.parent, (char *)block_of(link) - front, front + link->size,
              outer_spec(spec));
}

/* ── Blocks ────────────────────────────────────────────────────────────────────────────────── */

static void *take(tarn_scope *s, size_t size, tarn_spec spec, size_t mark)
{
    size_t whole;
    if ((spec & TARN_ALIGN_BITS) >= sizeof(size_t) * 8 - 1)
        return tarn_layer_refuse(&s->layer, TARN_BAD_ALIGN, size, spec, 0);
    size_t front = front_of(spec);
    if (!tarn_add(front, size, &whole))
        return tarn_layer_refuse(&s->layer, TARN_TOO_BIG, size, spec, 0);
    tarn_layer_pass(&s->layer);
    char *base = tarn_alloc(s->layer.parent, whole, outer_spec(spec));
    if (TARN_UNLIKELY(base == NULL))
        return tarn_layer_blame(&s->layer, size, spec);
    tarn_scope_link *link = link_of(base + front);
    link->size = size;
    link->spec = (spec & TARN_ALIGN_BITS) | mark;
    enter(s, link);
    return base + front;
}

static void *scope_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_scope *s = (tarn_scope *)a;
    void *block = take(s, size, spec, 0);
    if (TARN_LIKELY(block != NULL))
        count(s, 1, size);
    return block;
}

static void scope_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_scope *s = (tarn_scope *)a;
    tarn_scope_link *link = link_of(block);
    (void)spec;
    if (size != 0 && size != link->size) {
        tarn_fault_raise(
            &(tarn_fault){TARN_FAULT_WRONG_SIZE, s->layer.label, block, size, link->size});
        return;
    }
    leave(s, link);
    count(s, (size_t)0 - 1, (size_t)0 - link->size);
    give_back(s, link);
}

/* The neighbours look at the link: they are told where it went. */
static void *scope_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                          size_t keep, tarn_spec spec)
{
    tarn_scope *s = (tarn_scope *)a;
    tarn_scope_link *link = link_of(block);
    size_t front = front_of(spec), whole;
    (void)old_size;
    if (!tarn_add(front, new_size, &whole))
        return tarn_layer_refuse(&s->layer, TARN_TOO_BIG, new_size, spec, 0);
    tarn_layer_pass(&s->layer);
    char *base =
        s->layer.parent->ops->resize(s->layer.parent, (char *)block - front, front + link->size,
                                     whole, front + keep, outer_spec(spec));
    if (base == NULL)
        return tarn_layer_blame(&s->layer, new_size, spec);
    link = link_of(base + front);
    if (link->newer != NULL)
        link->newer->older = link;
    else
        s->newest = link;
    if (link->older != NULL)
        link->older->newer = link;
    count(s, 0, new_size - link->size);
    link->size = new_size;
    return base + front;
}

/* A block of 0 bytes may end where the parent's does: its link does not. */
static tarn_answer scope_owns(const tarn_allocator *a, const void *block)
{
    return tarn_owns(tarn_layer_parent(a), (const void *)((uintptr_t)block - 1));
}

static size_t scope_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    (void)a, (void)size, (void)spec;
    return link_of(block)->size;
}

static tarn_status scope_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    /* The visitor may free what it sees: where to go on is read before. */
    for (tarn_scope_link *link = ((tarn_scope *)a)->newest, *older; link != NULL; link = older) {
        older = link->older;
        if ((link->spec & CLEANUP) == 0 && !see(user, block_of(link), link->size))
            break;
    }
    return TARN_OK;
}

/* ── The end ───────────────────────────────────────────────────────────────────────────────── */

static tarn_status scope_reset(tarn_allocator *a)
{
    tarn_scope *s = (tarn_scope *)a;
    while (s->newest != NULL) {
        tarn_scope_link *link = s->newest;
        leave(s, link);
        if ((link->spec & CLEANUP) == 0) {
            count(s, (size_t)0 - 1, (size_t)0 - link->size);
            give_back(s, link);
            continue;
        }
        cleanup c = *(cleanup *)block_of(link);
        give_back(s, link);
        c.call(c.argument);
    }
    return TARN_OK;
}

tarn_status tarn_scope_defer(tarn_scope *s, void (*call)(void *argument), void *argument)
{
    if (call == NULL)
        return TARN_BAD_ARGUMENT;
    cleanup *c = take(s, sizeof *c, TARN_SPEC_OF(cleanup), CLEANUP);
    if (c == NULL) {
        tarn_status status = tarn_get_why(&s->layer.allocator).status;
        return status != TARN_OK ? status : TARN_NO_MEMORY;
    }
    *c = (cleanup){call, argument};
    return TARN_OK;
}

bool tarn_scope_cancel(tarn_scope *s, void (*call)(void *argument), void *argument)
{
    for (tarn_scope_link *link = s->newest; link != NULL; link = link->older) {
        const cleanup *c = block_of(link);
        if ((link->spec & CLEANUP) == 0 || c->call != call || c->argument != argument)
            continue;
        leave(s, link);
        give_back(s, link);
        return true;
    }
    return false;
}

tarn_status tarn_scope_steal(tarn_scope *to, tarn_scope *from, void *block)
{
    tarn_scope_link *link = link_of(block);
    if (to->layer.parent != from->layer.parent)
        return TARN_BAD_ARGUMENT;
    leave(from, link);
    count(from, (size_t)0 - 1, (size_t)0 - link->size);
    enter(to, link);
    count(to, 1, link->size);
    return TARN_OK;
}

static tarn_status scope_stats(const tarn_allocator *a, tarn_stats *out)
{
    const tarn_scope *s = (const tarn_scope *)a;
    *out = (tarn_stats){.known = TARN_STATS_LIVE, .live_blocks = s->blocks, .live_bytes = s->bytes};
    return TARN_OK;
}

/* The list is whole, both ways, and has as many blocks and bytes as are counted. */
static tarn_status scope_check(const tarn_allocator *a)
{
    const tarn_scope *s = (const tarn_scope *)a;
    const tarn_scope_link *newer = NULL;
    size_t blocks = 0, bytes = 0;
    for (const tarn_scope_link *link = s->newest; link != NULL; link = link->older) {
        if (link->newer != newer)
            return TARN_CORRUPT;
        newer = link;
        if ((link->spec & CLEANUP) == 0) {
            blocks++;
            bytes += link->size;
        }
    }
    if (blocks != s->blocks || bytes != s->bytes)
        return TARN_CORRUPT;
    return tarn_can(s->layer.parent, TARN_CAP_CHECK) ? tarn_check(s->layer.parent) : TARN_OK;
}

static void scope_deinit(tarn_allocator *a)
{
    tarn_scope_deinit((tarn_scope *)a);
}

tarn_status tarn_scope_init(tarn_scope *s, const tarn_scope_options *o)
{
    *s = (tarn_scope){0};
    return tarn_layer_init(
        &s->layer, o->parent,
        &(tarn_layer_plan){
            .type = "scope",
            .name = o->name,
            .keep =
                TARN_CAP_FREE | TARN_CAP_OWNS | TARN_CAP_TRIM | TARN_CAP_ZEROED | TARN_CAP_BOUNDED,
            .add = TARN_CAP_UNSIZED_FREE | TARN_CAP_RESET | TARN_CAP_VISIT | TARN_CAP_CHECK |
                   TARN_CAP_STATS,
            .give = TARN_LAYER_USABLE,
            .drop = TARN_LAYER_AT_LEAST | TARN_LAYER_BATCH,
            .ops = {.alloc = scope_alloc, .free = scope_free, .resize = scope_resize},
            .rare = {.owns = scope_owns,
                     .usable = scope_usable,
                     .reset = scope_reset,
                     .stats = scope_stats,
                     .visit = scope_visit,
                     .check = scope_check,
                     .deinit = scope_deinit}});
}

void tarn_scope_deinit(tarn_scope *s)
{
    (void)scope_reset(&s->layer.allocator);
    s->layer.allocator.ops = NULL;
}
