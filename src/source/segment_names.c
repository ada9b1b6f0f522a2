/* SPDX-License-Identifier: MIT */
/*
 * segment_names.c - what is in a segment: the table of names, room for new things, verification.
 *
 * The invariants are those of segment_inside.h. The table is the one truth about which bytes are in
 * use: room for a thing is found by looking at all live names, so there is no list of free pieces
 * that a death could leave half changed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/sum.h"
#include "source/segment_inside.h"

#define ORDER 0x01020304u
#define ALIGN ((size_t)TARN_SEGMENT_ALIGN)

static const char *const KIND_TEXT[] = {"thing", "memory", "pool", "arena"};

/* Anything that reads a kind from the memory has to bear with what it finds. */
static const char *kind_text(uint32_t kind)
{
    return KIND_TEXT[kind <= TARN_SEGMENT_ARENA ? kind : 0];
}

tarn_status tarn_segment_refuse(tarn_segment *s, tarn_status status, const char *words, ...)
{
    va_list args;
    va_start(args, words);
    (void)vsnprintf(s->reason, sizeof s->reason, words, args);
    va_end(args);
    return status;
}

/* ── The head ──────────────────────────────────────────────────────────────────────────────── */

static uint64_t head_sum(const tarn_segment_head *h)
{
    return tarn_sum(TARN_SUM_START, h, offsetof(tarn_segment_head, sum));
}

void tarn_segment_fill_head(tarn_segment_head *h, size_t limit, uint32_t names)
{
    memcpy(h->magic, TARN_SEGMENT_MAGIC, sizeof h->magic);
    h->version = TARN_SEGMENT_VERSION;
    h->order = ORDER;
    h->word = sizeof(size_t);
    h->lock_bytes = sizeof(tarn_robust);
    h->limit = limit;
    h->names = names;
    h->members = TARN_SEGMENT_MEMBERS;
    h->sum = head_sum(h);
}

tarn_status tarn_segment_judge(tarn_segment *s, const tarn_segment_head *h, size_t length)
{
    if (length < sizeof *h || memcmp(h->magic, TARN_SEGMENT_MAGIC, sizeof h->magic) != 0)
        return tarn_segment_refuse(s, TARN_CORRUPT, "open: there is no segment in it");
    if (h->order != ORDER)
        return tarn_segment_refuse(s, TARN_UNSUPPORTED, "open: made with another byte order");
    if (h->version != TARN_SEGMENT_VERSION)
        return tarn_segment_refuse(s, TARN_UNSUPPORTED, "open: of version %u, this is %u",
                                   (unsigned)h->version, TARN_SEGMENT_VERSION);
    if (h->word != sizeof(size_t))
        return tarn_segment_refuse(s, TARN_UNSUPPORTED, "open: made where a pointer has %u bits",
                                   (unsigned)h->word * 8);
    if (h->sum != head_sum(h))
        return tarn_segment_refuse(s, TARN_CORRUPT, "open: the head is damaged");
    if (h->lock_bytes != sizeof(tarn_robust) || h->members != TARN_SEGMENT_MEMBERS)
        return tarn_segment_refuse(s, TARN_UNSUPPORTED, "open: made with another C library");
    if (h->names == 0 || h->names > NAMES_MOST || h->limit > PTRDIFF_MAX || h->size > h->limit ||
        h->size < segment_data(h->names) || h->clean > 1)
        return tarn_segment_refuse(s, TARN_CORRUPT, "open: the sizes in the head do not fit");
    if (h->size > length)
        return tarn_segment_refuse(s, TARN_CORRUPT, "open: the file has %zu bytes, of %zu", length,
                                   h->size);
    return TARN_OK;
}

bool tarn_segment_enter(tarn_segment *s)
{
    if (tarn_robust_lock(&s->head->names_lock.robust) != TARN_ROBUST_LOST)
        return true;
    (void)tarn_segment_refuse(s, TARN_BUSY, "the lock of the names is not to be had");
    return false;
}

void tarn_segment_leave(tarn_segment *s)
{
    (void)tarn_robust_unlock(&s->head->names_lock.robust);
}

/* ── Verification ──────────────────────────────────────────────────────────────────────────── */

static bool is_live(const segment_name *n)
{
    return __atomic_load_n(&n->live, __ATOMIC_ACQUIRE) == 1;
}

static uint64_t name_sum(const segment_name *n)
{
    uint64_t sum = tarn_sum(TARN_SUM_START, n->name, sizeof n->name);
    sum = tarn_sum(sum, &n->at, sizeof n->at);
    sum = tarn_sum(sum, &n->bytes, sizeof n->bytes);
    return tarn_sum(sum, &n->kind, sizeof n->kind);
}

/* The name by itself: then its place may be looked at. */
static bool is_sound(const tarn_segment *s, const segment_name *n)
{
    return n->sum == name_sum(n) && n->name[0] != '\0' && n->name[sizeof n->name - 1] == '\0' &&
           n->kind >= TARN_SEGMENT_MEMORY && n->kind <= TARN_SEGMENT_ARENA && n->at % ALIGN == 0 &&
           n->at >= segment_data(s->head->names) && n->at <= s->head->size &&
           n->bytes <= s->head->size - n->at;
}

static void *place_of(const tarn_segment *s, const segment_name *n)
{
    return s->file.base + n->at;
}

/* What the thing says of itself. */
static bool thing_holds(const tarn_segment *s, const segment_name *n)
{
    tarn_segment_pool pool;
    tarn_segment_arena arena;
    if (n->kind == TARN_SEGMENT_POOL)
        return tarn_segment_pool_init(&pool, place_of(s, n), n->bytes, TARN_SEGMENT_ANYONE, "") ==
                   TARN_OK &&
               tarn_check(tarn_segment_pool_allocator(&pool)) == TARN_OK;
    if (n->kind == TARN_SEGMENT_ARENA)
        return tarn_segment_arena_init(&arena, place_of(s, n), n->bytes, "") == TARN_OK;
    return true;
}

static bool disjoint(const segment_name *x, const segment_name *y)
{
    return (x->at + x->bytes <= y->at || y->at + y->bytes <= x->at) &&
           strcmp(x->name, y->name) != 0;
}

tarn_status tarn_segment_verify(tarn_segment *s)
{
    const segment_name *names = segment_names(s);
    for (uint32_t i = 0; i < s->head->names; i++) {
        if (names[i].live > 1 || (is_live(&names[i]) && !is_sound(s, &names[i])))
            return tarn_segment_refuse(s, TARN_CORRUPT, "check: name %u is damaged", (unsigned)i);
    }
    for (uint32_t i = 0; i < s->head->names; i++) {
        const segment_name *n = &names[i];
        if (!is_live(n))
            continue;
        for (uint32_t k = 0; k < i; k++)
            if (is_live(&names[k]) && !disjoint(n, &names[k]))
                return tarn_segment_refuse(s, TARN_CORRUPT, "check: '%s' and '%s' overlap", n->name,
                                           names[k].name);
        if (!thing_holds(s, n))
            return tarn_segment_refuse(s, TARN_CORRUPT, "check: %s '%s' is damaged",
                                       kind_text(n->kind), n->name);
    }
    return TARN_OK;
}

void tarn_segment_mend(tarn_segment *s)
{
    const segment_name *names = segment_names(s);
    for (uint32_t i = 0; i < s->head->names; i++) {
        tarn_segment_pool pool;
        size_t freed = 0;
        if (is_live(&names[i]) && names[i].kind == TARN_SEGMENT_POOL &&
            tarn_segment_pool_init(&pool, place_of(s, &names[i]), names[i].bytes,
                                   TARN_SEGMENT_ANYONE, "") == TARN_OK &&
            tarn_segment_pool_recover(&pool, &freed) == TARN_OK)
            s->report.freed += freed;
        s->report.named += is_live(&names[i]);
    }
}

uint64_t tarn_segment_sum(const tarn_segment *s)
{
    const segment_name *names = segment_names(s);
    size_t bytes = s->head->names * sizeof *names;
    uint64_t sum = tarn_sum(TARN_SUM_START, names, bytes);
    sum = tarn_sum(sum, &s->head->size, sizeof s->head->size);
    sum = tarn_sum(sum, &s->head->owners, sizeof s->head->owners);
    for (uint32_t i = 0; i < s->head->names; i++) {
        tarn_segment_pool pool;
        tarn_segment_arena arena;
        uint64_t part = 0;
        if (!is_live(&names[i]))
            continue;
        if (names[i].kind == TARN_SEGMENT_POOL &&
            tarn_segment_pool_init(&pool, place_of(s, &names[i]), names[i].bytes,
                                   TARN_SEGMENT_ANYONE, "") == TARN_OK)
            part = tarn_segment_pool_sum(&pool);
        else if (names[i].kind == TARN_SEGMENT_ARENA &&
                 tarn_segment_arena_init(&arena, place_of(s, &names[i]), names[i].bytes, "") ==
                     TARN_OK)
            part = tarn_segment_arena_position(&arena);
        sum = tarn_sum(sum, &part, sizeof part);
    }
    return sum;
}

/* ── Finding and making; with the lock of the names ────────────────────────────────────────── */

static segment_name *find(const tarn_segment *s, const char *name)
{
    segment_name *names = segment_names(s);
    for (uint32_t i = 0; i < s->head->names; i++)
        if (is_live(&names[i]) && strncmp(names[i].name, name, sizeof names[i].name) == 0)
            return &names[i];
    return NULL;
}

static segment_name *find_unused(const tarn_segment *s)
{
    segment_name *names = segment_names(s);
    for (uint32_t i = 0; i < s->head->names; i++)
        if (!is_live(&names[i]))
            return &names[i];
    return NULL;
}

/* The lowest place for that many bytes; beyond the limit when there is none. */
static size_t find_room(const tarn_segment *s, size_t bytes, size_t align)
{
    const segment_name *names = segment_names(s);
    size_t at = segment_data(s->head->names), limit = (size_t)s->head->limit;
    uint32_t i = 0;
    if (bytes > limit)
        return SIZE_MAX;
    while (i < s->head->names) {
        at = (at + align - 1) & ~(align - 1);
        if (at > limit - bytes)
            return SIZE_MAX;
        if (is_live(&names[i]) && is_sound(s, &names[i]) && at < names[i].at + names[i].bytes &&
            names[i].at < at + bytes) {
            at = names[i].at + names[i].bytes;
            i = 0;
        } else {
            i++;
        }
    }
    return at;
}

/* The file is long enough for `end` bytes (I4). */
static tarn_status reach(tarn_segment *s, size_t end)
{
    tarn_status status;
    size_t ahead = end + end / 8;
    if (end <= s->head->size)
        return TARN_OK;
    end = (end + SEGMENT_PAGE - 1) / SEGMENT_PAGE * SEGMENT_PAGE;
    ahead = ahead / SEGMENT_PAGE * SEGMENT_PAGE;
    if (ahead > end && ahead <= s->head->limit && tarn_file_grow(&s->file, ahead) == TARN_OK)
        end = ahead;
    status = tarn_file_grow(&s->file, end);
    if (status != TARN_OK)
        return tarn_segment_refuse(s, status, "%s", tarn_file_why(&s->file));
    __atomic_store_n(&s->head->size, end, __ATOMIC_RELEASE);
    return TARN_OK;
}

/* What is to be made. */
typedef struct wish {
    const char *name;
    tarn_segment_kind kind;
    size_t bytes, align;
    const tarn_segment_pool_options *pool;
} wish;

static tarn_status format(void *place, const wish *w)
{
    tarn_segment_pool_options o;
    switch (w->kind) {
    case TARN_SEGMENT_POOL:
        o = *w->pool;
        o.zeroed = false; /* something else may have been here */
        return tarn_segment_pool_format(place, w->bytes, &o);
    case TARN_SEGMENT_ARENA:
        return tarn_segment_arena_format(place, w->bytes);
    case TARN_SEGMENT_MEMORY:
    default:
        memset(place, 0, w->bytes);
        return TARN_OK;
    }
}

static tarn_status make(tarn_segment *s, const wish *w, segment_name **out)
{
    segment_name *n = find_unused(s);
    size_t at = find_room(s, w->bytes, w->align);
    tarn_status status;
    if (n == NULL)
        return tarn_segment_refuse(s, TARN_LIMIT, "make '%s': all %u names are used", w->name,
                                   (unsigned)s->head->names);
    if (at == SIZE_MAX)
        return tarn_segment_refuse(s, TARN_LIMIT, "make '%s': no room for %zu bytes", w->name,
                                   w->bytes);
    status = reach(s, at + w->bytes);
    if (status != TARN_OK)
        return status;
    status = format(s->file.base + at, w);
    if (status != TARN_OK)
        return tarn_segment_refuse(s, status, "make '%s': %s", w->name, tarn_status_text(status));
    memset(n, 0, sizeof *n);
    memcpy(n->name, w->name, strlen(w->name));
    n->at = at;
    n->bytes = w->bytes;
    n->kind = w->kind;
    n->sum = name_sum(n);
    __atomic_store_n(&n->live, 1, __ATOMIC_RELEASE); /* now it is there (I2) */
    *out = n;
    return TARN_OK;
}

/* The thing of that name and kind; made if it is not there, and may be (bytes not 0). */
static tarn_status find_or_make(tarn_segment *s, const wish *w, segment_name **out)
{
    *out = find(s, w->name);
    if (*out == NULL && w->bytes == 0)
        return tarn_segment_refuse(s, TARN_MISSING, "open '%s': no such name", w->name);
    if (*out == NULL)
        return make(s, w, out);
    if (!is_sound(s, *out))
        return tarn_segment_refuse(s, TARN_CORRUPT, "open '%s': the name is damaged", w->name);
    if ((*out)->kind != w->kind)
        return tarn_segment_refuse(s, TARN_EXISTS, "open '%s': it is a %s", w->name,
                                   kind_text((*out)->kind));
    return TARN_OK;
}

static bool is_name(tarn_segment *s, const char *name)
{
    if (name != NULL && name[0] != '\0' && strlen(name) < TARN_SEGMENT_NAME)
        return true;
    (void)tarn_segment_refuse(s, TARN_BAD_ARGUMENT, "a name has 1 to %u bytes",
                              TARN_SEGMENT_NAME - 1);
    return false;
}

/* ── By kind ───────────────────────────────────────────────────────────────────────────────── */

static tarn_status damaged(tarn_segment *s, const char *name, tarn_status status)
{
    return status == TARN_OK
               ? status
               : tarn_segment_refuse(s, status, "open '%s': %s", name, tarn_status_text(status));
}

/* Is it the pool that these options ask for? */
static bool same_pool(const tarn_segment_pool *p, const tarn_segment_pool_options *o,
                      const segment_name *n)
{
    return p->block_size == o->block_size && p->capacity == o->capacity &&
           tarn_segment_pool_bytes(o->block_size, o->align, o->capacity) == n->bytes;
}

tarn_status tarn_segment_open_pool(tarn_segment *s, const char *name,
                                   const tarn_segment_pool_options *options,
                                   tarn_segment_pool *view)
{
    wish w = {name, TARN_SEGMENT_POOL, 0, ALIGN, options};
    segment_name *n;
    tarn_status status;
    if (!is_name(s, name))
        return TARN_BAD_ARGUMENT;
    if (options != NULL) {
        w.bytes = tarn_segment_pool_bytes(options->block_size, options->align, options->capacity);
        if (w.bytes == 0)
            return tarn_segment_refuse(s, TARN_BAD_ARGUMENT, "make '%s': there is no such pool",
                                       name);
        w.align = options->align > ALIGN ? options->align : ALIGN;
    }
    if (!tarn_segment_enter(s))
        return TARN_BUSY;
    status = find_or_make(s, &w, &n);
    if (status == TARN_OK)
        status = damaged(
            s, name, tarn_segment_pool_init(view, s->file.base + n->at, n->bytes, s->owner, name));
    if (status == TARN_OK && options != NULL && !same_pool(view, options, n))
        status = tarn_segment_refuse(s, TARN_EXISTS, "open '%s': a pool of %zu blocks of %zu bytes",
                                     name, view->capacity, view->block_size);
    tarn_segment_leave(s);
    return status;
}

tarn_status tarn_segment_open_arena(tarn_segment *s, const char *name, size_t room,
                                    tarn_segment_arena *view)
{
    wish w = {name, TARN_SEGMENT_ARENA, 0, SEGMENT_PAGE, NULL};
    segment_name *n;
    tarn_status status;
    if (!is_name(s, name))
        return TARN_BAD_ARGUMENT;
    if (room != 0) {
        w.bytes = tarn_segment_arena_bytes(room);
        if (w.bytes == 0)
            return tarn_segment_refuse(s, TARN_BAD_ARGUMENT, "make '%s': there is no such arena",
                                       name);
    }
    if (!tarn_segment_enter(s))
        return TARN_BUSY;
    status = find_or_make(s, &w, &n);
    if (status == TARN_OK)
        status =
            damaged(s, name, tarn_segment_arena_init(view, s->file.base + n->at, n->bytes, name));
    tarn_segment_leave(s);
    return status;
}

tarn_status tarn_segment_open_memory(tarn_segment *s, const char *name, size_t size,
                                     tarn_block *out)
{
    wish w = {name, TARN_SEGMENT_MEMORY, size, ALIGN, NULL};
    segment_name *n;
    tarn_status status;
    *out = (tarn_block){NULL, 0};
    if (!is_name(s, name))
        return TARN_BAD_ARGUMENT;
    if (!tarn_segment_enter(s))
        return TARN_BUSY;
    status = find_or_make(s, &w, &n);
    if (status == TARN_OK && n->bytes < size)
        status = tarn_segment_refuse(s, TARN_EXISTS, "open '%s': it has %zu bytes", name, n->bytes);
    else if (status == TARN_OK)
        *out = (tarn_block){s->file.base + n->at, n->bytes};
    tarn_segment_leave(s);
    return status;
}

tarn_status tarn_segment_remove(tarn_segment *s, const char *name)
{
    segment_name *n;
    tarn_status status = TARN_OK;
    if (!is_name(s, name))
        return TARN_BAD_ARGUMENT;
    if (!tarn_segment_enter(s))
        return TARN_BUSY;
    n = find(s, name);
    if (n != NULL)
        __atomic_store_n(&n->live, 0, __ATOMIC_RELEASE);
    else
        status = tarn_segment_refuse(s, TARN_MISSING, "remove '%s': no such name", name);
    tarn_segment_leave(s);
    return status;
}

tarn_status tarn_segment_list(tarn_segment *s, tarn_segment_lister *see, void *user)
{
    const segment_name *names = segment_names(s);
    tarn_status status = TARN_OK;
    if (!tarn_segment_enter(s))
        return TARN_BUSY;
    for (uint32_t i = 0; i < s->head->names && status == TARN_OK; i++) {
        if (!is_live(&names[i]))
            continue;
        if (!is_sound(s, &names[i]))
            status = tarn_segment_refuse(s, TARN_CORRUPT, "list: name %u is damaged", (unsigned)i);
        else if (!see(user, names[i].name, (tarn_segment_kind)names[i].kind,
                      (tarn_block){s->file.base + names[i].at, names[i].bytes}))
            break;
    }
    tarn_segment_leave(s);
    return status;
}

tarn_status tarn_segment_check(tarn_segment *s)
{
    tarn_status status;
    tarn_segment_head now = *s->head;
    if (!tarn_segment_enter(s))
        return TARN_BUSY;
    status = tarn_segment_judge(s, &now, now.size);
    if (status == TARN_OK)
        status = tarn_segment_verify(s);
    tarn_segment_leave(s);
    return status;
}
