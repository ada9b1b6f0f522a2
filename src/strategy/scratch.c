/* SPDX-License-Identifier: MIT */
/*
 * scratch.c - sets of arenas that are lent out one by one.
 *
 *     set ──► idle ──► place ──► place ──► NULL      begin: from here, or a new one
 *        └──► open ◄──► place ◄──► place             end: back to there, or to the source
 *                       │ arena │
 *
 * I1  Every place is in one list, idle or open, and its arena has blocks only while it is open: so two open
 *     scratches never share one.
 * I2  number is that of the scratch that has the place, 0 while it is idle. Numbers are never used again, so
 *     that a copy of a scratch that has ended is told from its successor; while the place is there.
 * I3  idle_count is the length of idle, at most idle_most.
 */
#include <tarn/scratch.h>

#include "base/align.h"
#include "base/thread_guard.h"

enum { IDLE = 4, KEEP = 1024 * 1024 };

struct tarn_scratch_place {
    tarn_scratch_place *next, *prev; /* prev: of open ones */
    tarn_scratches *set;
    uint64_t number;
    tarn_region region; /* of this */
    tarn_arena arena;
};

tarn_status tarn_scratches_init(tarn_scratches *set, const tarn_scratches_options *options)
{
    static const tarn_scratches_options defaults;
    const tarn_scratches_options *o = options != NULL ? options : &defaults;
    *set = (tarn_scratches){
        .idle_most = o->idle != 0 ? o->idle : IDLE,
        .chunk_size = o->chunk_size,
        .keep = o->keep != 0 ? o->keep : KEEP,
        .name = o->name != NULL ? o->name : "scratch",
        .check = o->check || TARN_CHECKED,
    };
    set->source = tarn_source_pick(o->source, o->parent, &set->own_source);
    return set->source != NULL ? TARN_OK : TARN_BAD_ARGUMENT;
}

static void report(const tarn_scratches *set, tarn_fault_kind kind, const void *arena)
{
    tarn_fault_report(kind, "scratch", set->name, arena, 0, 0);
}

/* A set that checks, in the hands of another thread: the fault has been reported. */
static bool is_stranger(tarn_scratches *set, const void *arena)
{
    if (!set->check || tarn_thread_owns(&set->owner))
        return false;
    report(set, TARN_FAULT_WRONG_THREAD, arena);
    return true;
}

static tarn_scratch_place *make_place(tarn_scratches *set)
{
    tarn_region region;
    tarn_scratch_place *p;
    tarn_arena_options o = {.name = set->name,
                            .source = set->source,
                            .chunk_size = set->chunk_size,
                            .check = set->check};
    if (tarn_source_map(set->source, sizeof *p, _Alignof(tarn_scratch_place), 0, &region) !=
        TARN_OK)
        return NULL;
    p = region.ptr;
    *p = (tarn_scratch_place){.set = set, .region = region};
    if (tarn_arena_init(&p->arena, &o) == TARN_OK)
        return p;
    tarn_source_unmap(set->source, region.ptr, region.size, _Alignof(tarn_scratch_place));
    return NULL;
}

static void drop_place(tarn_scratch_place *p)
{
    tarn_region region = p->region;
    tarn_source *source = p->set->source;
    tarn_arena_deinit(&p->arena);
    tarn_source_unmap(source, region.ptr, region.size, _Alignof(tarn_scratch_place));
}

static void open_place(tarn_scratches *set, tarn_scratch_place *p)
{
    p->number = ++set->number;
    p->prev = NULL;
    p->next = set->open;
    if (p->next != NULL)
        p->next->prev = p;
    set->open = p;
}

static void close_place(tarn_scratches *set, tarn_scratch_place *p)
{
    p->number = 0;
    if (p->prev != NULL)
        p->prev->next = p->next;
    else
        set->open = p->next;
    if (p->next != NULL)
        p->next->prev = p->prev;
    p->next = set->idle;
    set->idle = p;
    set->idle_count++;
}

tarn_scratch tarn_scratch_begin_in(tarn_scratches *set)
{
    const tarn_scratch none = {NULL, NULL, 0};
    tarn_scratch_place *p = set->idle;
    if (is_stranger(set, NULL))
        return none;
    if (p != NULL) {
        set->idle = p->next;
        set->idle_count--;
    } else {
        p = make_place(set);
        if (p == NULL)
            return none;
    }
    open_place(set, p);
    return (tarn_scratch){&p->arena, p, p->number};
}

/* What an idle arena keeps: its largest chunk, if that is not too large. One chunk is the usual case. */
static void empty(const tarn_scratches *set, tarn_arena *a)
{
    tarn_stats now;
    (void)tarn_get_stats(&a->allocator, &now);
    tarn_arena_reset(a, now.chunks > 1 ? TARN_KEEP_LARGEST : TARN_KEEP_ALL);
    if (now.held_bytes <= set->keep)
        return;
    (void)tarn_get_stats(&a->allocator, &now);
    if (now.held_bytes > set->keep)
        tarn_arena_reset(a, TARN_KEEP_NONE);
}

void tarn_scratch_end(tarn_scratch *scratch)
{
    tarn_scratch_place *p = scratch->place;
    tarn_scratches *set;
    if (scratch->arena == NULL)
        return;
    set = p->set;
    if (is_stranger(set, scratch->arena))
        return;
    if (p->number != scratch->number) {
        if (set->check)
            report(set, TARN_FAULT_DOUBLE_FREE, scratch->arena);
        return;
    }
    empty(set, &p->arena);
    close_place(set, p);
    *scratch = (tarn_scratch){NULL, NULL, 0};
    if (set->idle_count > set->idle_most) {
        set->idle = p->next;
        set->idle_count--;
        drop_place(p);
    }
}

unsigned tarn_scratches_trim(tarn_scratches *set)
{
    unsigned given = 0;
    if (is_stranger(set, NULL))
        return 0;
    while (set->idle != NULL) {
        tarn_scratch_place *p = set->idle;
        set->idle = p->next;
        drop_place(p);
        given++;
    }
    set->idle_count = 0;
    return given;
}

void tarn_scratches_deinit(tarn_scratches *set)
{
    set->owner = TARN_OWNER_NONE; /* any thread may, as any may end an arena */
    while (set->open != NULL) {
        tarn_scratch_place *p = set->open;
        set->open = p->next;
        drop_place(p);
    }
    (void)tarn_scratches_trim(set);
    set->owner = TARN_OWNER_NONE;
}
