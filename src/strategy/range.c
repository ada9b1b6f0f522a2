/* SPDX-License-Identifier: MIT */
/*
 * range.c - a space: its life, its nodes, and what its three cores do alike.
 *
 *     tarn_space ──► table of its core: range_tlsf.c, range_linear.c, range_bitmap.c
 *         ├──► nodes   [ 32 bytes each, and a bit ]         tlsf, linear; room doubles
 *         ├──► bits    [ index of free runs, or bitmaps ]   tlsf, bitmap
 *         └──► users   [ a pointer each ]                   from the first one that is not NULL
 *
 * I1  Metadata is taken before anything is changed: a refusal for want of it changes nothing.
 * I2  With max_blocks all nodes are there from the start: that many live blocks have at most one
 *     free run more between and around them.
 * I3  A dead space has a table of its own, which reports every call.
 */
#include <tarn/source.h>

#include "base/checked.h"
#include "base/mem.h"
#include "base/thread_guard.h"
#include "strategy/range_node.h"

#define NODE_SPEC TARN_SPEC(64)
#define NODES_MAX ((uint64_t)1 << 31)
#define USER_SPEC TARN_SPEC_OF(void *)

enum { NODES_FIRST = 64, BLOCKS_MAX = 1 << 30 };

/* ── Misuse and refusal ────────────────────────────────────────────────────────────────────── */

bool tarn_space_intruded(tarn_space *s)
{
    bool own = tarn_thread_owns(&s->owner);
    if (!own)
        tarn_fault_report(TARN_FAULT_WRONG_THREAD, "range", s->name, NULL, 0, 0);
    return !own;
}

tarn_status tarn_space_refuse(tarn_space *s, tarn_status status, const tarn_range_request *request,
                              tarn_range_block *out)
{
    *out = (tarn_range_block){0};
    if (request->run != 0)
        return status; /* a look for a place to move to */
    s->failures++;
    s->why =
        (tarn_range_why){status, request->size, request->align, s->end - s->first - s->live_units};
    return status;
}

tarn_status tarn_space_stale(tarn_space *s, tarn_range_id id, bool once_given)
{
    if ((s->flags & RANGE_CHECK) != 0)
        tarn_fault_report(once_given ? TARN_FAULT_DOUBLE_FREE : TARN_FAULT_FOREIGN_POINTER, "range",
                          s->name, (const void *)(uintptr_t)id, 0, 0);
    s->why = (tarn_range_why){TARN_STALE, 0, 0, s->end - s->first - s->live_units};
    return TARN_STALE;
}

tarn_status tarn_space_stale_node(tarn_space *s, tarn_range_id id)
{
    return tarn_space_stale(s, id,
                            (uint32_t)id != 0 && (uint32_t)id < s->node_used && id >> 32 != 0);
}

static tarn_status judge_flags(uint32_t flags, uint32_t known)
{
    uint32_t how = flags & (TARN_RANGE_FAST | TARN_RANGE_BEST | TARN_RANGE_LOW | TARN_RANGE_HIGH);
    if ((flags & ~(how | TARN_RANGE_ALL)) != 0 || (how & (how - 1)) != 0)
        return TARN_BAD_ARGUMENT;
    return (how & ~known) == 0 ? TARN_OK : TARN_UNSUPPORTED;
}

tarn_status tarn_space_judge(const tarn_space *s, const tarn_range_request *request, uint32_t flags,
                             tarn_range_request *out)
{
    *out = *request;
    if (out->align < s->granule)
        out->align = (out->align & (out->align - 1)) == 0 ? s->granule : out->align;
    if (out->below == 0 || out->below > s->end)
        out->below = s->end;
    if (out->size == 0)
        return TARN_BAD_ARGUMENT;
    if ((out->align & (out->align - 1)) != 0)
        return TARN_BAD_ALIGN;
    if (out->size > s->end - s->first)
        return TARN_TOO_BIG;
    out->size = (out->size + s->granule - 1) & ~(s->granule - 1);
    if (s->max_blocks != 0 && s->live_blocks >= s->max_blocks)
        return TARN_LIMIT;
    return judge_flags(request->flags, flags);
}

/* ── Metadata ──────────────────────────────────────────────────────────────────────────────── */

/* Give an array room for more members; false, and nothing changed, when metadata is out. */
static bool grow(tarn_space *s, void **array, size_t member, size_t old_room, size_t new_room,
                 tarn_spec spec)
{
    size_t bytes;
    void *fresh;
    if (!tarn_mul(new_room, member, &bytes))
        return false;
    fresh = *array == NULL ? tarn_alloc(s->metadata, bytes, spec)
                           : tarn_resize(s->metadata, *array, old_room * member, bytes,
                                         old_room * member, spec);
    if (fresh != NULL)
        *array = fresh;
    return fresh != NULL;
}

bool tarn_space_grow_nodes(tarn_space *s, uint32_t count)
{
    uint64_t room = s->node_room == 0 ? NODES_FIRST : (uint64_t)s->node_room * 2;
    void *nodes = s->nodes, *idle = s->idle;
    if (s->max_blocks != 0 && s->nodes != NULL)
        return false;
    if (s->max_blocks != 0)
        room = (2 * s->max_blocks + 4 + 63) & ~(uint64_t)63; /* I2, and the ends */
    if (room > NODES_MAX || count > room - s->node_room)
        return false;
    if (s->idle_room < room) {
        if (!grow(s, &idle, 1, s->idle_room / 8, (size_t)room / 8, NODE_SPEC))
            return false;
        s->idle = idle;
        memset(s->idle + s->idle_room / 64, 0xff, ((size_t)room - s->idle_room) / 8);
        s->idle_room = (uint32_t)room;
    }
    if (!grow(s, &nodes, sizeof *s->nodes, s->node_room, (size_t)room, NODE_SPEC))
        return false;
    s->nodes = nodes;
    s->node_spare += (uint32_t)room - s->node_room;
    s->node_room = (uint32_t)room;
    return true;
}

void tarn_space_clear_nodes(tarn_space *s, uint32_t ends)
{
    memset(s->idle, 0xff, s->idle_room / 8);
    range_set_live(s, 0);
    for (uint32_t i = 0; i < ends; i++)
        s->nodes[i] = (tarn_range_node){0, 0, i, i, 0, 0};
    s->node_used = ends;
    s->node_idle = 0;
    s->node_spare = s->node_room - ends;
    s->hint = 0;
    s->live_blocks = 0;
    s->live_units = 0;
}

bool tarn_space_room_for_users(tarn_space *s, uint64_t count)
{
    uint64_t room = (uint64_t)s->user_room * 2;
    void *users = s->users;
    if (count <= s->user_room)
        return true;
    if (room < count)
        room = count;
    if (room > SIZE_MAX ||
        !grow(s, &users, sizeof *s->users, s->user_room, (size_t)room, USER_SPEC))
        return false;
    s->users = users;
    memset(s->users + s->user_room, 0, ((size_t)room - s->user_room) * sizeof *s->users);
    s->user_room = (size_t)room;
    return true;
}

/* ── Blocks with nodes ─────────────────────────────────────────────────────────────────────── */

tarn_status tarn_space_look(const tarn_range *r, tarn_range_id id, tarn_range_block *out)
{
    tarn_space *s = range_space(r);
    uint32_t i = range_resolve(s, id);
    *out = (tarn_range_block){0};
    if (!range_enter(s))
        return TARN_BAD_ARGUMENT;
    if (i == 0)
        return TARN_STALE;
    *out = range_block_of(s, i);
    return TARN_OK;
}

tarn_status tarn_space_set_user(tarn_range *r, tarn_range_id id, void *user)
{
    tarn_space *s = range_space(r);
    uint32_t i = range_resolve(s, id);
    if (!range_enter(s))
        return TARN_BAD_ARGUMENT;
    if (i == 0)
        return tarn_space_stale_node(s, id);
    if (user != NULL && !tarn_space_room_for_users(s, s->node_room))
        return TARN_NO_MEMORY;
    range_put_user(s, i, user);
    return TARN_OK;
}

/* ── The same in all tables ────────────────────────────────────────────────────────────────── */

void tarn_space_stats(const tarn_range *r, tarn_range_stats *out)
{
    const tarn_space *s = range_space(r);
    *out = (tarn_range_stats){.units = s->end - s->first,
                              .live_blocks = s->live_blocks,
                              .live_units = s->live_units,
                              .peak_units = s->peak_units,
                              .failures = s->failures};
    out->metadata =
        s->node_room * sizeof *s->nodes + s->user_room * sizeof *s->users + s->bit_bytes;
}

tarn_range_why tarn_space_why(const tarn_range *r)
{
    return range_space(r)->why;
}

const char *tarn_space_name(const tarn_range *r)
{
    return range_space(r)->name;
}

void tarn_space_share(tarn_range *r)
{
    tarn_thread_share(&range_space(r)->owner);
}

/* ── A dead space ──────────────────────────────────────────────────────────────────────────── */

static void dead(const tarn_range *r)
{
    tarn_fault_report(TARN_FAULT_USE_AFTER_DEINIT, "range", range_space(r)->name, NULL, 0, 0);
}

static tarn_status dead_alloc(tarn_range *r, const tarn_range_request *request,
                              tarn_range_block *out)
{
    (void)request;
    dead(r);
    *out = (tarn_range_block){0};
    return TARN_BAD_ARGUMENT;
}

static tarn_status dead_free(tarn_range *r, tarn_range_id id)
{
    (void)id;
    dead(r);
    return TARN_BAD_ARGUMENT;
}

static tarn_status dead_look(const tarn_range *r, tarn_range_id id, tarn_range_block *out)
{
    (void)id;
    dead(r);
    *out = (tarn_range_block){0};
    return TARN_BAD_ARGUMENT;
}

static void dead_stats(const tarn_range *r, tarn_range_stats *out)
{
    (void)r;
    *out = (tarn_range_stats){0};
}

static void dead_visit(const tarn_range *r, tarn_range_visitor *see, void *user)
{
    (void)r, (void)see, (void)user;
}

static void dead_deinit(tarn_range *r)
{
    dead(r);
}

static const tarn_range_ops DEAD_OPS = {.bytes = sizeof DEAD_OPS,
                                        .abi = TARN_ABI,
                                        .alloc = dead_alloc,
                                        .free = dead_free,
                                        .look = dead_look,
                                        .stats = dead_stats,
                                        .visit = dead_visit,
                                        .name = tarn_space_name,
                                        .deinit = dead_deinit};

/* ── Life cycle ────────────────────────────────────────────────────────────────────────────── */

static tarn_status judge_options(const tarn_space_options *o)
{
    uint64_t granule = o->granule != 0 ? o->granule : 1;
    if (o->units == 0 || (unsigned)o->core > TARN_RANGE_BITMAP || (granule & (granule - 1)) != 0 ||
        (o->first & (granule - 1)) != 0 || o->units < granule)
        return TARN_BAD_ARGUMENT;
    if (o->units > TARN_RANGE_UNITS_MAX || o->first > TARN_RANGE_UNITS_MAX - o->units)
        return TARN_TOO_BIG;
    if (o->core == TARN_RANGE_BITMAP && o->max_blocks != 0)
        return TARN_BAD_ARGUMENT;
    if (o->core == TARN_RANGE_BITMAP && o->units / granule > (uint64_t)1 << 32)
        return TARN_TOO_BIG;
    return o->max_blocks <= (size_t)BLOCKS_MAX ? TARN_OK : TARN_TOO_BIG;
}

static bool set_up(tarn_space *s, tarn_range_core core)
{
    s->range.ops = core == TARN_RANGE_TLSF     ? &tarn_range_tlsf_ops
                   : core == TARN_RANGE_LINEAR ? &tarn_range_linear_ops
                                               : &tarn_range_bitmap_ops;
    if (core == TARN_RANGE_BITMAP)
        return tarn_range_bitmap_set_up(s);
    if (!tarn_space_grow_nodes(s, 4))
        return false;
    return core == TARN_RANGE_LINEAR ? tarn_range_linear_set_up(s) : tarn_range_tlsf_set_up(s);
}

tarn_status tarn_space_init(tarn_space *space, const tarn_space_options *options)
{
    tarn_status status = judge_options(options);
    uint64_t granule = options->granule != 0 ? options->granule : 1;
    *space = (tarn_space){.range = {&DEAD_OPS},
                          .first = options->first,
                          .granule = granule,
                          .granule_log = (uint32_t)__builtin_ctzll(granule),
                          .name = options->name,
                          .max_blocks = options->max_blocks};
    if (status != TARN_OK)
        return status;
    space->end = options->first + (options->units & ~(granule - 1));
    space->metadata = options->metadata != NULL ? options->metadata : tarn_libc();
    space->flags = options->check || TARN_CHECKED ? RANGE_CHECK : 0;
    if (set_up(space, options->core))
        return TARN_OK;
    tarn_space_end(&space->range);
    return TARN_NO_MEMORY;
}

void tarn_space_end(tarn_range *r)
{
    tarn_space *s = range_space(r);
    if (s->users != NULL)
        tarn_free(s->metadata, s->users, s->user_room * sizeof *s->users, USER_SPEC);
    if (s->bits != NULL)
        tarn_free(s->metadata, s->bits, s->bit_bytes, NODE_SPEC);
    if (s->nodes != NULL)
        tarn_free(s->metadata, s->nodes, s->node_room * sizeof *s->nodes, NODE_SPEC);
    if (s->idle != NULL)
        tarn_free(s->metadata, s->idle, s->idle_room / 8, NODE_SPEC);
    s->users = NULL;
    s->bits = NULL;
    s->nodes = NULL;
    s->idle = NULL;
    s->range.ops = &DEAD_OPS;
}

void tarn_space_deinit(tarn_space *space)
{
    space->range.ops->deinit(&space->range);
}

tarn_space *tarn_space_create(const tarn_space_options *options, tarn_status *status)
{
    tarn_allocator *metadata = options->metadata != NULL ? options->metadata : tarn_libc();
    tarn_space *s = tarn_alloc(metadata, sizeof *s, TARN_SPEC_OF(tarn_space));
    tarn_status got = s != NULL ? tarn_space_init(s, options) : TARN_NO_MEMORY;
    if (s != NULL && got != TARN_OK) {
        tarn_free(metadata, s, sizeof *s, TARN_SPEC_OF(tarn_space));
        s = NULL;
    }
    if (status != NULL)
        *status = got;
    return s;
}

void tarn_space_destroy(tarn_space *space)
{
    if (space == NULL)
        return;
    tarn_allocator *metadata = space->metadata;
    tarn_space_deinit(space);
    tarn_free(metadata, space, sizeof *space, TARN_SPEC_OF(tarn_space));
}
