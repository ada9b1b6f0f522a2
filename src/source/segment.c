/* SPDX-License-Identifier: MIT */
/*
 * segment.c - opening and closing a segment, and who is in it. The picture, the invariants and the
 * order of the locks are in segment_inside.h.
 *
 * With the door's lock held nobody enters or leaves, though anybody may die. So a process that gets
 * INSIDE alone knows that it is the only one, verifies and mends; one that does not joins others
 * that were let in after a verification, and whose operations never leave anything to mend but
 * blocks on their way. Those wait for the next time that somebody is alone.
 */
#include <string.h>

#include "base/thread_guard.h"
#include "os/file.h"
#include "source/file_inside.h"
#include "source/segment_inside.h"

#define DEFAULT_LIMIT ((size_t)(sizeof(void *) > 4 ? 64 : 16) << 20)

static tarn_status refuse_error(tarn_segment *s, int error, const char *what)
{
    char text[80];
    tarn_os_error_text(error, text, sizeof text);
    return tarn_segment_refuse(s, tarn_file_status(error), "%s: %s", what, text);
}

static int lock(const tarn_segment *s, size_t byte, tarn_os_lock how, bool wait)
{
    return tarn_os_file_lock(s->file.fd, byte, how, wait);
}

/* ── Making ────────────────────────────────────────────────────────────────────────────────── */

/* A file is taken for a segment only if it is empty, or if somebody died who had begun with it. */
static bool is_blank(const tarn_segment_head *h, size_t got)
{
    return got == 0 || (got >= sizeof h->magic &&
                        memcmp(h->magic, TARN_SEGMENT_UNDER_WAY, sizeof h->magic) == 0);
}

static tarn_status map(tarn_segment *s, tarn_file_options *o, size_t size, size_t limit)
{
    tarn_status status;
    o->size = size;
    o->limit = limit;
    status = tarn_file_establish(&s->file, o);
    if (status != TARN_OK)
        return tarn_segment_refuse(s, status, "%s", tarn_file_why(&s->file));
    s->head = (tarn_segment_head *)(void *)s->file.base;
    return TARN_OK;
}

static tarn_status make(tarn_segment *s, const tarn_segment_options *options, tarn_file_options *o)
{
    uint32_t names = options->names != 0 ? options->names : TARN_SEGMENT_MEMBERS;
    size_t data = segment_data(names), limit = options->limit != 0 ? options->limit : DEFAULT_LIMIT;
    size_t size = options->size > data ? options->size : data;
    tarn_status status;
    int error;
    if (limit < size && options->limit == 0)
        limit = size;
    if (limit < size)
        return tarn_segment_refuse(s, TARN_BAD_ARGUMENT, "make: the limit is less than the size");
    error = tarn_os_file_write(s->file.fd, TARN_SEGMENT_UNDER_WAY, 8);
    if (error != 0)
        return refuse_error(s, error, "make");
    status = map(s, o, size, limit);
    if (status != TARN_OK) {
        tarn_os_file_empty(s->file.fd);
        return status;
    }
    /* What a maker that died has left. */
    memset(s->file.base + sizeof s->head->magic, 0, data - sizeof s->head->magic);
    s->head->size = s->file.size;
    /* The checksum comes with the magic, the magic last (I1). */
    tarn_segment_head full = *s->head;
    tarn_segment_fill_head(&full, s->file.limit, names);
    memcpy((char *)s->head + sizeof full.magic, (char *)&full + sizeof full.magic,
           sizeof full - sizeof full.magic);
    __atomic_signal_fence(__ATOMIC_RELEASE); /* a death sees stores in the program's order */
    memcpy(s->head->magic, full.magic, sizeof full.magic);
    s->report.found = TARN_SEGMENT_CREATED;
    return TARN_OK;
}

/* ── Entering; with the door held ──────────────────────────────────────────────────────────── */

/* Everything is verified before anything is changed. */
static tarn_status inspect(tarn_segment *s)
{
    tarn_status status = tarn_segment_verify(s);
    if (status != TARN_OK)
        return status;
    if (s->head->clean == 1 && s->head->clean_sum != tarn_segment_sum(s))
        return tarn_segment_refuse(s, TARN_CORRUPT, "open: changed since it was closed");
    s->report.found = s->head->clean == 1 ? TARN_SEGMENT_CLEAN : TARN_SEGMENT_RECOVERED;
    return TARN_OK;
}

/* Nobody else is in it: locks and members are those of the dead, or of another boot. */
static tarn_status take_over(tarn_segment *s)
{
    __atomic_store_n(&s->head->clean, 0, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < TARN_SEGMENT_MEMBERS; i++) {
        s->report.dead += s->head->member[i].owner != 0;
        s->head->member[i] = (segment_member){0, 0};
    }
    if (s->report.found != TARN_SEGMENT_CREATED)
        tarn_segment_mend(s);
    if (!tarn_robust_init(&s->head->names_lock.robust) ||
        !tarn_robust_init(&s->head->user_lock.robust))
        return tarn_segment_refuse(s, TARN_NO_MEMORY, "open: the system has no more locks");
    return TARN_OK;
}

/* A place in the table of processes, and a number that no other has or had. */
static tarn_status enroll(tarn_segment *s)
{
    for (unsigned i = 0; i < TARN_SEGMENT_MEMBERS; i++) {
        segment_member *m = &s->head->member[i];
        if (lock(s, LOCK_MEMBER + i, TARN_OS_LOCK_ALONE, false) != 0)
            continue;
        s->member = i;
        s->process = tarn_os_process();
        s->owner = s->head->owners + 1 + TARN_SEGMENT_ANYONE;
        m->process = s->process;
        /* In this order: who reads the second finds the first. Partner: tarn_segment_orphans. */
        __atomic_store_n(&m->owner, s->owner, __ATOMIC_RELEASE);
        __atomic_store_n(&s->head->owners, s->head->owners + 1, __ATOMIC_RELEASE);
        return TARN_OK;
    }
    return tarn_segment_refuse(s, TARN_LIMIT, "open: %u processes are in it", TARN_SEGMENT_MEMBERS);
}

static tarn_status join(tarn_segment *s)
{
    int error = lock(s, LOCK_INSIDE, TARN_OS_LOCK_SHARED, false);
    tarn_status status;
    if (error != 0)
        return refuse_error(s, error, "open");
    if (!tarn_segment_enter(s))
        return TARN_BUSY;
    status = tarn_segment_verify(s);
    tarn_segment_leave(s);
    s->report.found = TARN_SEGMENT_JOINED;
    for (uint32_t i = 0; i < s->head->names; i++)
        s->report.named += segment_names(s)[i].live == 1;
    return status;
}

static tarn_status enter(tarn_segment *s, const tarn_segment_options *options, tarn_file_options *o)
{
    tarn_segment_head h;
    size_t got = 0, length = 0;
    bool alone = lock(s, LOCK_INSIDE, TARN_OS_LOCK_ALONE, false) == 0;
    tarn_status status;
    memset(&h, 0, sizeof h);
    int error = tarn_os_file_read(s->file.fd, &h, sizeof h, &got);
    if (error == 0)
        error = tarn_os_file_size(s->file.fd, &length);
    if (error != 0)
        return refuse_error(s, error, "open");
    if (alone && is_blank(&h, got) && o->open != TARN_FILE_OPEN) {
        status = make(s, options, o);
    } else if (o->open == TARN_FILE_CREATE) {
        status = tarn_segment_refuse(s, TARN_EXISTS, "make: the file is not empty");
    } else {
        status = tarn_segment_judge(s, &h, got < sizeof h ? got : length);
        if (status == TARN_OK)
            status = map(s, o, h.size, (size_t)h.limit);
        if (status == TARN_OK)
            status = alone ? inspect(s) : join(s);
    }
    if (status == TARN_OK && alone)
        status = take_over(s);
    if (status == TARN_OK)
        status = enroll(s);
    if (status == TARN_OK && alone)
        (void)lock(s, LOCK_INSIDE, TARN_OS_LOCK_SHARED, false);
    return status;
}

tarn_status tarn_segment_init(tarn_segment *s, const tarn_segment_options *options)
{
    static const tarn_segment_options none;
    const tarn_segment_options *p = options != NULL ? options : &none;
    tarn_file_options o = {.name = p->name,
                           .kind = p->kind,
                           .open = p->open,
                           .fd = p->fd,
                           .mode = p->mode,
                           .sparse = p->sparse,
                           .huge = p->huge};
    tarn_status status;
    int error;
    memset(s, 0, sizeof *s);
    s->file.fd = -1;
    if (p->names > NAMES_MOST || p->size > PTRDIFF_MAX)
        return tarn_segment_refuse(s, TARN_BAD_ARGUMENT, "open: an option makes no sense");
    status = tarn_file_start(&s->file, &o);
    if (status != TARN_OK)
        return tarn_segment_refuse(s, status, "%s", tarn_file_why(&s->file));
    error = lock(s, LOCK_DOOR, TARN_OS_LOCK_ALONE, true);
    status = error != 0 ? refuse_error(s, error, "open") : enter(s, p, &o);
    if (status == TARN_OK)
        (void)lock(s, LOCK_DOOR, TARN_OS_UNLOCK, false);
    else if (s->head != NULL)
        tarn_file_deinit(&s->file); /* which drops all locks */
    else
        tarn_file_drop(&s->file);
    if (status != TARN_OK)
        s->head = NULL;
    return status;
}

/* ── Leaving ───────────────────────────────────────────────────────────────────────────────── */

/* The last one out. What a death has left is mended first; what does not fit stays unclean, for the
 * next one to refuse. */
static void close_up(tarn_segment *s)
{
    for (unsigned i = 0; i < TARN_SEGMENT_MEMBERS; i++)
        s->head->member[i] = (segment_member){0, 0};
    if (tarn_segment_verify(s) != TARN_OK)
        return;
    tarn_segment_mend(s);
    s->head->clean_sum = tarn_segment_sum(s);
    __atomic_store_n(&s->head->clean, 1, __ATOMIC_SEQ_CST);
}

void tarn_segment_deinit(tarn_segment *s)
{
    if (s->head == NULL)
        return;
    /* The C library keeps a list of the robust locks that a thread has, through their memory. */
    if (__atomic_load_n(&s->holder, __ATOMIC_RELAXED) == tarn_thread_self())
        tarn_segment_unlock(s);
    /* A child of fork shares its parent's locks, and may not give them up. */
    if (s->process == tarn_os_process() && lock(s, LOCK_DOOR, TARN_OS_LOCK_ALONE, true) == 0) {
        s->head->member[s->member].owner = 0;
        if (lock(s, LOCK_INSIDE, TARN_OS_LOCK_ALONE, false) == 0)
            close_up(s);
        (void)lock(s, LOCK_MEMBER + s->member, TARN_OS_UNLOCK, false);
        (void)lock(s, LOCK_INSIDE, TARN_OS_UNLOCK, false);
        (void)lock(s, LOCK_DOOR, TARN_OS_UNLOCK, false);
    }
    s->head = NULL;
    tarn_file_deinit(&s->file);
}

/* ── Between processes ─────────────────────────────────────────────────────────────────────── */

tarn_status tarn_segment_lock(tarn_segment *s, bool *died)
{
    tarn_robust_got got = tarn_robust_lock(&s->head->user_lock.robust);
    if (died != NULL)
        *died = got == TARN_ROBUST_DIED;
    if (got != TARN_ROBUST_LOST)
        __atomic_store_n(&s->holder, tarn_thread_self(), __ATOMIC_RELAXED);
    return got != TARN_ROBUST_LOST
               ? TARN_OK
               : tarn_segment_refuse(s, TARN_BUSY, "lock: this thread has it already");
}

void tarn_segment_unlock(tarn_segment *s)
{
    __atomic_store_n(&s->holder, (uintptr_t)0, __ATOMIC_RELAXED);
    (void)tarn_robust_unlock(&s->head->user_lock.robust);
}

struct orphans {
    uint32_t alive[TARN_SEGMENT_MEMBERS];
    unsigned count;
    uint32_t latest; /* who came later is alive */
    tarn_segment_visitor *see;
    void *user;
};

static bool see_orphan(void *user, void *block, uint32_t mark)
{
    const struct orphans *o = user;
    if (mark <= TARN_SEGMENT_ANYONE || mark > o->latest)
        return true;
    for (unsigned i = 0; i < o->count; i++)
        if (o->alive[i] == mark)
            return true;
    return o->see(o->user, block, mark);
}

void tarn_segment_orphans(tarn_segment *s, tarn_segment_pool *pool, tarn_segment_visitor *see,
                          void *user)
{
    struct orphans o = {.see = see, .user = user};
    o.latest = __atomic_load_n(&s->head->owners, __ATOMIC_ACQUIRE) + TARN_SEGMENT_ANYONE;
    for (unsigned i = 0; i < TARN_SEGMENT_MEMBERS; i++) {
        uint32_t owner = __atomic_load_n(&s->head->member[i].owner, __ATOMIC_ACQUIRE);
        if (owner != 0 &&
            (i == s->member || tarn_os_file_locked(s->file.fd, LOCK_MEMBER + (size_t)i)))
            o.alive[o.count++] = owner;
    }
    tarn_segment_pool_visit(pool, see_orphan, &o);
}

tarn_status tarn_segment_flush(tarn_segment *s)
{
    tarn_status status;
    tarn_file_has_grown(&s->file, s->head->size);
    status = tarn_file_flush(&s->file, NULL, 0);
    return status == TARN_OK ? status
                             : tarn_segment_refuse(s, status, "%s", tarn_file_why(&s->file));
}
