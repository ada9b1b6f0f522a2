/* SPDX-License-Identifier: MIT */
/*
 * file.c - a file or shared memory as a source of regions.
 *
 *     0          region        free          region          size     fresh?   limit
 *     │  taken  │   taken   │        │       taken         │  free  │          │
 *     map: 1 1    1 1 1 1 1   0 0 0    1 1 1 1 1 1 1 1 1     0 0 0    not there yet
 *
 * I1  Bit g of the map is set exactly when granule g belongs to a region that is out; no bit at or
 *     behind size / granule is set. The map lies outside of the file.
 * I2  Bytes from `fresh` on are zero or not there yet: they come when this file grows, and no region
 *     held them. Bytes by which others made it longer lie before.
 * I3  All of the limit is mapped once, so regions stay where they are while the file grows. Nobody
 *     touches what is behind `size`.
 * I4  Everything but base, limit and fd, which never change, is read and written with the mutex
 *     held.
 */
#include <tarn/file.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/align.h"
#include "base/checked.h"
#include "os/file.h"
#include "os/mutex.h"
#include "os/pages.h"
#include "source/file_inside.h"

static_assert(sizeof(tarn_mutex) <= sizeof(((tarn_file *)0)->mutex), "the mutex fits its place");

#define DEFAULT_LIMIT ((size_t)(sizeof(void *) > 4 ? 64 : 16) << 20)

static tarn_mutex *mutex_of(tarn_file *f)
{
    return (tarn_mutex *)(void *)&f->mutex;
}

/* ── Reasons ───────────────────────────────────────────────────────────────────────────────── */

tarn_status tarn_file_status(int error)
{
    switch (error) {
    case 0:
        return TARN_OK;
    case ENOENT:
        return TARN_MISSING;
    case EEXIST:
        return TARN_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
    case ETXTBSY:
        return TARN_DENIED;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EIO:
        return TARN_NO_MEMORY;
    case EFBIG:
    case EOVERFLOW:
        return TARN_TOO_BIG;
    case EAGAIN:
        return TARN_BUSY;
    case ENODEV:
    case ENOSYS:
    case EOPNOTSUPP:
        return TARN_UNSUPPORTED;
    default:
        return TARN_BAD_ARGUMENT;
    }
}

static tarn_status refuse(tarn_file *f, tarn_status status, const char *what)
{
    (void)snprintf(f->reason, sizeof f->reason, "%s", what);
    f->failures++;
    return status;
}

static tarn_status refuse_error(tarn_file *f, int error, const char *call, const char *name)
{
    char text[80];
    tarn_os_error_text(error, text, sizeof text);
    (void)snprintf(f->reason, sizeof f->reason, "%s '%.60s': %s", call, name != NULL ? name : "",
                   text);
    f->failures++;
    return tarn_file_status(error);
}

/* ── Growth ────────────────────────────────────────────────────────────────────────────────── */

/* size is a multiple of the granule; the mutex is held. */
static tarn_status grow(tarn_file *f, size_t size)
{
    size_t before = 0, others;
    int error;
    if (size <= f->size)
        return TARN_OK;
    if (size > f->limit)
        return refuse(f, TARN_LIMIT, "grow: beyond the limit");
    error = tarn_os_file_grow(f->fd, size, !f->sparse, &before);
    if (error != 0)
        return refuse_error(f, error, "grow", "");
    /* What somebody else made longer may have been written to. */
    if (before > f->size && tarn_round_up(before, f->source.granule, &others) && others > f->fresh)
        f->fresh = others;
    f->size = size;
    return TARN_OK;
}

/* The same, and an eighth more, so that small regions do not each take a system call. */
static tarn_status grow_ahead(tarn_file *f, size_t size)
{
    size_t ahead = tarn_align_down(size / 8, f->source.granule);
    if (size < f->limit && ahead <= f->limit - size && ahead != 0 &&
        grow(f, size + ahead) == TARN_OK)
        return TARN_OK;
    return grow(f, size);
}

tarn_status tarn_file_grow(tarn_file *f, size_t size)
{
    tarn_status status;
    size_t whole;
    if (!tarn_round_up(size, f->source.granule, &whole))
        return TARN_TOO_BIG;
    tarn_mutex_lock(mutex_of(f));
    status = grow(f, whole);
    tarn_mutex_unlock(mutex_of(f));
    return status;
}

/* ── Regions ───────────────────────────────────────────────────────────────────────────────── */

static bool is_taken(const tarn_file *f, size_t g)
{
    return (f->map[g / 64] >> (g % 64) & 1) != 0;
}

static void mark(tarn_file *f, size_t first, size_t count, bool taken)
{
    for (size_t g = first; g < first + count; g++) {
        uint64_t bit = (uint64_t)1 << (g % 64);
        if (taken)
            f->map[g / 64] |= bit;
        else
            f->map[g / 64] &= ~bit;
    }
}

/* The first of `count` free granules in a row, the first of them at a multiple of step in memory.
 * They may lie behind the end of the file, but not of the limit; SIZE_MAX when there are none. */
static size_t find(const tarn_file *f, size_t count, size_t align)
{
    size_t granule = f->source.granule, step = align > granule ? align / granule : 1;
    size_t first = tarn_align_gap(f->base, align) / granule, all = f->limit / granule;
    size_t size = f->size / granule;
    while (first < all && count <= all - first) {
        size_t g = first;
        while (g < first + count && g < size && !is_taken(f, g))
            g++;
        if (g >= first + count || g >= size)
            return first;
        first += (g - first) / step * step + step;
        /* Whole words of nothing but regions. */
        while (step == 1 && first % 64 == 0 && first < size && f->map[first / 64] == UINT64_MAX)
            first += 64;
    }
    return SIZE_MAX;
}

static tarn_status map_locked(tarn_file *f, size_t size, size_t align, tarn_region *out)
{
    size_t granule = f->source.granule, first = find(f, size / granule, align), at;
    tarn_status status;
    if (first == SIZE_MAX)
        return refuse(f, TARN_LIMIT, "map: the limit has no such room left");
    at = first * granule;
    status = at + size > f->size ? grow_ahead(f, at + size) : TARN_OK;
    if (status != TARN_OK)
        return status;
    mark(f, first, size / granule, true);
    out->ptr = f->base + at;
    out->size = size;
    out->traits = TARN_REGION_COMMITTED;
    if (at >= f->fresh)
        out->traits |= TARN_REGION_ZEROED;
    if (f->huge)
        out->traits |= TARN_REGION_HUGE;
    if (f->fresh < at + size)
        f->fresh = at + size;
    f->taken += size;
    f->regions++;
    return TARN_OK;
}

static tarn_status file_map(tarn_source *s, size_t size, size_t align, uint32_t flags,
                            tarn_region *out)
{
    tarn_file *f = (tarn_file *)s;
    tarn_status status;
    (void)flags;
    tarn_mutex_lock(mutex_of(f));
    status = map_locked(f, size, align, out);
    tarn_mutex_unlock(mutex_of(f));
    return status;
}

static void file_unmap(tarn_source *s, void *ptr, size_t size, size_t align)
{
    tarn_file *f = (tarn_file *)s;
    size_t at = (size_t)((char *)ptr - f->base);
    (void)align;
    tarn_mutex_lock(mutex_of(f));
    assert(at % s->granule == 0 && size <= f->size && at <= f->size - size);
    mark(f, at / s->granule, size / s->granule, false);
    f->taken -= size;
    f->regions--;
    tarn_mutex_unlock(mutex_of(f));
}

/* Only where blocks are taken late anyway: see the two tables. */
static tarn_status file_purge(tarn_source *s, void *ptr, size_t size)
{
    tarn_file *f = (tarn_file *)s;
    size_t at = (size_t)((char *)ptr - f->base);
    int error = size != 0 ? tarn_os_file_punch(f->fd, at, size) : 0;
    if (error == 0)
        return TARN_OK;
    tarn_mutex_lock(mutex_of(f));
    (void)refuse_error(f, error, "purge", "");
    tarn_mutex_unlock(mutex_of(f));
    return TARN_UNSUPPORTED;
}

static const char *file_name(const tarn_source *s)
{
    (void)s;
    return "file";
}

static tarn_status file_stats(const tarn_source *s, tarn_stats *out)
{
    tarn_file *f = (tarn_file *)(uintptr_t)s;
    memset(out, 0, sizeof *out);
    tarn_mutex_lock(mutex_of(f));
    out->known = TARN_STATS_FAILED | TARN_STATS_HELD | TARN_STATS_CHUNKS;
    out->failures = f->failures;
    out->held_bytes = f->size;
    out->idle_bytes = f->size - f->taken;
    out->chunks = f->regions;
    tarn_mutex_unlock(mutex_of(f));
    return TARN_OK;
}

static void file_deinit(tarn_source *s)
{
    tarn_file_deinit((tarn_file *)s);
}

/* What a source can do is a constant of its table. */
#define FILE_OPS(can)                                                                              \
    {                                                                                              \
        .abi = TARN_ABI, .caps = TARN_SOURCE_THREADS | (can), .map = file_map,                     \
        .unmap = file_unmap, .purge = (can) != 0 ? file_purge : NULL, .name = file_name,           \
        .stats = file_stats, .deinit = file_deinit                                                 \
    }
static const tarn_source_ops SOLID = FILE_OPS(0);
static const tarn_source_ops SPARSE = FILE_OPS(TARN_SOURCE_PURGE);

/* ── Life cycle ────────────────────────────────────────────────────────────────────────────── */

static int open_kind(const tarn_file_options *o, bool huge, int *fd)
{
    tarn_os_open how = o->open == TARN_FILE_CREATE ? TARN_OS_CREATE
                       : o->open == TARN_FILE_OPEN ? TARN_OS_OPEN
                                                   : TARN_OS_OPEN_OR_CREATE;
    switch (o->kind) {
    case TARN_FILE_PATH:
        return tarn_os_file_open(o->name, how, o->mode, fd);
    case TARN_FILE_SHARED:
        return tarn_os_file_open_shared(o->name, how, o->mode, fd);
    case TARN_FILE_MEMORY:
        return tarn_os_file_memory(o->name != NULL ? o->name : "file", huge, fd);
    case TARN_FILE_HANDLE:
        return tarn_os_file_again(o->fd, fd);
    default:
        return EINVAL;
    }
}

static bool sane(const tarn_file_options *o)
{
    bool named = o->kind == TARN_FILE_PATH || o->kind == TARN_FILE_SHARED;
    return o->kind >= TARN_FILE_PATH && o->kind <= TARN_FILE_HANDLE &&
           o->open >= TARN_FILE_OPEN_OR_CREATE && o->open <= TARN_FILE_CREATE &&
           (!named || (o->name != NULL && o->name[0] != '\0')) &&
           (o->limit == 0 || o->size <= o->limit) && (!o->huge || o->kind == TARN_FILE_MEMORY);
}

/* The file is open. How much of it there is, is to be, and may become: granules, in f. */
static tarn_status measure(tarn_file *f, const tarn_file_options *o)
{
    size_t length = 0, wanted;
    int error = tarn_os_file_size(f->fd, &length);
    if (error != 0)
        return refuse_error(f, error, "open", o->name);
    wanted = o->size > length ? o->size : length;
    f->limit = o->limit != 0 ? o->limit : wanted != 0 ? wanted : DEFAULT_LIMIT;
    if (length > f->limit)
        return refuse(f, TARN_LIMIT, "open: the file is longer than the limit");
    if (!tarn_round_up(f->limit, f->source.granule, &f->limit) || f->limit > PTRDIFF_MAX)
        return refuse(f, TARN_TOO_BIG, "open: the limit is more than there are addresses");
    if (f->huge)
        wanted = f->limit;
    (void)tarn_round_up(wanted, f->source.granule, &f->size); /* no more than the limit */
    /* The last granule of an old file is made whole only when something is asked for: a file that
     * is looked at stays as it is. */
    if (f->size > length && o->size <= length)
        f->size = tarn_align_down(length, f->source.granule);
    if (o->size > length || f->huge || (!f->sparse && o->size != 0)) {
        error = tarn_os_file_grow(f->fd, f->size, !f->sparse, &length);
        if (error != 0)
            return refuse_error(f, error, "grow", o->name);
    }
    (void)tarn_round_up(length, f->source.granule, &f->fresh);
    return TARN_OK;
}

/* Maps the file that is open, and sets up the rest. */
tarn_status tarn_file_establish(tarn_file *f, const tarn_file_options *o)
{
    size_t page = tarn_os_page_size(), words;
    void *at = NULL;
    tarn_status status;
    f->source.granule = f->huge ? tarn_os_huge_size() : page;
    status = measure(f, o);
    if (status != TARN_OK)
        return status;
    int error = tarn_os_file_map(f->fd, f->limit, f->source.granule, &at);
    if (error != 0)
        return refuse_error(f, error, "map", o->name);
    f->base = at;
    words = f->limit / f->source.granule / 64 + 1;
    if (tarn_round_up(words * sizeof *f->map, page, &words))
        f->map = tarn_os_map(words, page);
    if (f->map == NULL || !tarn_mutex_init(mutex_of(f)))
        return refuse(f, TARN_NO_MEMORY, "open: no memory for the map of regions");
    return TARN_OK;
}

static size_t map_bytes(const tarn_file *f)
{
    size_t bytes = (f->limit / f->source.granule / 64 + 1) * sizeof *f->map;
    (void)tarn_round_up(bytes, tarn_os_page_size(), &bytes);
    return bytes;
}

/* Everything back but the words. */
void tarn_file_drop(tarn_file *f)
{
    if (f->map != NULL)
        tarn_os_release(f->map, map_bytes(f));
    if (f->base != NULL)
        tarn_os_release(f->base, f->limit);
    if (f->fd >= 0)
        tarn_os_file_close(f->fd);
    f->map = NULL;
    f->base = NULL;
    f->fd = -1;
    f->size = f->limit = f->fresh = 0;
}

tarn_status tarn_file_start(tarn_file *f, const tarn_file_options *o)
{
    int error;
    memset(f, 0, sizeof *f);
    f->fd = -1;
    f->sparse = o->sparse;
    f->source.ops = o->sparse ? &SPARSE : &SOLID;
    if (!sane(o))
        return refuse(f, TARN_BAD_ARGUMENT, "open: an option makes no sense");
    f->huge = o->huge && tarn_os_huge_size() != 0;
    error = open_kind(o, f->huge, &f->fd);
    if (error != 0 && f->huge) {
        f->huge = false;
        error = open_kind(o, false, &f->fd);
    }
    if (error != 0)
        f->fd = -1;
    return error != 0 ? refuse_error(f, error, "open", o->name) : TARN_OK;
}

void tarn_file_has_grown(tarn_file *f, size_t size)
{
    tarn_mutex_lock(mutex_of(f));
    if (f->size < size && size <= f->limit)
        f->size = size;
    tarn_mutex_unlock(mutex_of(f));
}

tarn_status tarn_file_init(tarn_file *f, const tarn_file_options *options)
{
    static const tarn_file_options none;
    tarn_file_options o = options != NULL ? *options : none;
    tarn_status status;
    bool again;
    do {
        status = tarn_file_start(f, &o);
        if (status == TARN_OK)
            status = tarn_file_establish(f, &o);
        again = status != TARN_OK && f->huge;
        if (status != TARN_OK)
            tarn_file_drop(f);
        o.huge = false; /* the system has too few huge pages */
    } while (again);
    return status;
}

void tarn_file_deinit(tarn_file *f)
{
    if (f->fd < 0)
        return;
    tarn_mutex_deinit(mutex_of(f));
    tarn_file_drop(f);
}

tarn_status tarn_file_remove(tarn_file_kind kind, const char *name)
{
    if (name == NULL || (kind != TARN_FILE_PATH && kind != TARN_FILE_SHARED))
        return TARN_BAD_ARGUMENT;
    return tarn_file_status(kind == TARN_FILE_PATH ? tarn_os_file_remove(name)
                                                   : tarn_os_file_remove_shared(name));
}

tarn_status tarn_file_flush(tarn_file *f, void *at, size_t size)
{
    size_t page = tarn_os_page_size(), from = 0, lead;
    tarn_status status = TARN_OK;
    int error;
    tarn_mutex_lock(mutex_of(f));
    if (at == NULL) {
        size = f->size;
    } else {
        from = (size_t)((char *)at - f->base);
        if (from > f->size || size > f->size - from)
            status = refuse(f, TARN_BAD_ARGUMENT, "flush: not in the file");
    }
    lead = from % page;
    if (status == TARN_OK && tarn_round_up(size + lead, page, &size) && size != 0) {
        error = tarn_os_file_sync(f->base + from - lead, size);
        if (error != 0)
            status = refuse_error(f, error, "flush", "");
    }
    tarn_mutex_unlock(mutex_of(f));
    return status;
}
