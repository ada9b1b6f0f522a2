/* SPDX-License-Identifier: MIT */
/*
 * replay_builder.c - events of a trace to streams of operations.
 *
 *     event: object, thread ──► slot ──► operation in the thread's stream
 *                                └─ last used by another stream? SIGNAL there, WAIT here
 *
 * B1  A slot is live or on the free list of the thread that used it last, so that taking a slot again never makes one
 *     thread wait for another: only an object that really crosses threads does.
 * B2  stream[t].ops[slot.last_op] is the last operation on the slot, t = slot.last_thread.
 */
#define _GNU_SOURCE
#include "cmd/replay_builder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NO_SLOT   UINT32_MAX
#define NO_THREAD UINT32_MAX
#define TURN_OLD  0x8000u /* a slot with so many hand-overs is not taken again */
#define TURN_LAST 0xfff0u /* a block with so many is left alone but for its free */
#define SIZE_LAST ((UINT64_C(1) << 48) - 1) /* bytes */

typedef struct slot {
    uint64_t size;
    uint64_t last_op;
    uint32_t last_thread;
    uint32_t next_free;
    uint16_t turn; /* hand-overs so far */
    uint8_t align_log2;
} slot;

typedef struct stream {
    replay_op *ops;
    uint64_t *places; /* of each operation in the trace; only with b->places */
    size_t count, room;
    uint32_t free_slots; /* B1 */
    uint32_t ended_before;
    bool started, ended;
} stream;

struct replay_builder {
    replay_header header;
    bool one_thread, places;
    uint64_t dropped, live;
    uint32_t last_thread;
    stream *streams;
    size_t stream_room;
    slot *slots;
    size_t slot_room;
    uint32_t *slot_of; /* by object */
    size_t object_room;
    uint32_t *ends;
    size_t end_room;
    replay_size sizes[REPLAY_POOL_MAX + 1];
};

replay_builder *replay_builder_new(bool one_thread, bool places)
{
    replay_builder *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->header.magic = REPLAY_MAGIC;
    b->one_thread = one_thread;
    b->places = places;
    b->last_thread = NO_THREAD;
    return b;
}

/* Make room for item `need` of an array; new items are zero. */
static bool grow(void **array, size_t *room, size_t item, size_t need)
{
    if (need < *room)
        return true;
    size_t more = *room * 2 > need + 1 ? *room * 2 : need + 64;
    char *fresh = realloc(*array, more * item);
    if (fresh == NULL)
        return false;
    memset(fresh + *room * item, 0, (more - *room) * item);
    *array = fresh;
    *room = more;
    return true;
}

static bool push(replay_builder *b, uint32_t thread, replay_op op, uint64_t place)
{
    stream *s = &b->streams[thread];
    size_t room = s->room;
    if (b->places && !grow((void **)&s->places, &room, sizeof *s->places, s->count))
        return false;
    if (!grow((void **)&s->ops, &s->room, sizeof *s->ops, s->count))
        return false;
    if (b->places)
        s->places[s->count] = place;
    s->ops[s->count++] = op;
    return true;
}

/* The stream that starts a new thread: that of the event before it, the first one when that has ended. */
static bool begin_thread(replay_builder *b, uint32_t thread, uint64_t place)
{
    stream *s = &b->streams[thread];
    s->started = true;
    s->ended_before = b->header.ends;
    if (thread == 0)
        return true;
    uint32_t by = b->last_thread;
    if (by == NO_THREAD || b->streams[by].ended)
        by = 0;
    return push(b, by, (replay_op){.kind = REPLAY_START, .slot = thread}, place);
}

static bool open_streams(replay_builder *b, uint32_t thread)
{
    size_t before = b->stream_room;
    if (!grow((void **)&b->streams, &b->stream_room, sizeof *b->streams, thread))
        return false;
    for (size_t i = before; i < b->stream_room; i++)
        b->streams[i].free_slots = NO_SLOT;
    if (thread >= b->header.threads)
        b->header.threads = thread + 1;
    return true;
}

static bool find_thread(replay_builder *b, const tarn_event *e, uint32_t *out)
{
    uint32_t thread = b->one_thread ? 0 : e->thread;
    if (!open_streams(b, thread))
        return false;
    *out = thread;
    if (!b->streams[thread].started && !begin_thread(b, thread, e->seq))
        return false;
    return true;
}

static bool end_thread(replay_builder *b, uint32_t thread)
{
    if (b->one_thread || thread == 0 || b->streams[thread].ended)
        return true;
    if (!grow((void **)&b->ends, &b->end_room, sizeof *b->ends, b->header.ends))
        return false;
    b->ends[b->header.ends++] = thread;
    b->streams[thread].ended = true;
    return true;
}

static bool take_slot(replay_builder *b, uint32_t thread, uint32_t *out)
{
    stream *s = &b->streams[thread];
    if (s->free_slots != NO_SLOT) {
        *out = s->free_slots;
        s->free_slots = b->slots[*out].next_free;
        return true;
    }
    if (b->header.slots == NO_SLOT ||
        !grow((void **)&b->slots, &b->slot_room, sizeof *b->slots, b->header.slots))
        return false;
    *out = b->header.slots++;
    b->slots[*out].last_thread = NO_THREAD;
    return true;
}

/* Append an operation on a slot and order it after the slot's last one (P2, B2). */
static bool push_on_slot(replay_builder *b, uint32_t thread, replay_op op, uint64_t place)
{
    slot *s = &b->slots[op.slot];
    if (s->last_thread != NO_THREAD && s->last_thread != thread) {
        b->streams[s->last_thread].ops[s->last_op].flags |= REPLAY_SIGNAL;
        op.flags |= REPLAY_WAIT;
        s->turn++;
        b->header.crossings++;
    }
    op.turn = s->turn;
    s->last_thread = thread;
    s->last_op = b->streams[thread].count;
    b->header.operations++;
    return push(b, thread, op, place);
}

static void count_alloc(replay_builder *b, uint64_t size, unsigned align_log2)
{
    replay_header *h = &b->header;
    b->live += size;
    if (b->live > h->peak_live)
        h->peak_live = b->live;
    if (size > h->biggest)
        h->biggest = size;
    size_t align = replay_align(size, align_log2);
    uint64_t rounded = (size + 15) & ~UINT64_C(15);
    h->arena_bytes += align > 16 ? rounded + align : rounded;
    if (size <= REPLAY_POOL_MAX && align <= 16) {
        replay_size *s = &b->sizes[size];
        s->allocs++;
        if (++s->live > s->peak)
            s->peak = s->live;
    }
}

static void count_free(replay_builder *b, uint64_t size, unsigned align_log2)
{
    b->live -= size;
    if (size <= REPLAY_POOL_MAX && replay_align(size, align_log2) <= 16)
        b->sizes[size].live--;
}

static bool add_alloc(replay_builder *b, const tarn_event *e, uint32_t thread)
{
    static const uint8_t kinds[] = {
        [TARN_EVENT_ALLOC] = REPLAY_ALLOC,
        [TARN_EVENT_ZALLOC] = REPLAY_ZALLOC,
        [TARN_EVENT_ALIGNED] = REPLAY_ALIGNED,
    };
    size_t before = b->object_room;
    if (!grow((void **)&b->slot_of, &b->object_room, sizeof *b->slot_of, e->object))
        return false;
    memset(b->slot_of + before, 0xff, (b->object_room - before) * sizeof *b->slot_of);
    if (b->slot_of[e->object] != NO_SLOT || e->align_log2 > 40 || e->size > SIZE_LAST) {
        b->dropped++;
        return true;
    }
    uint32_t n;
    if (!take_slot(b, thread, &n))
        return false;
    b->slot_of[e->object] = n;
    b->slots[n].size = e->size;
    b->slots[n].align_log2 = e->align_log2;
    b->header.allocs++;
    count_alloc(b, e->size, e->align_log2);
    uint8_t kind = kinds[e->kind];
    if (kind == REPLAY_ALIGNED && e->align_log2 < 3)
        kind = REPLAY_ALLOC; /* what every malloc gives anyway, and posix_memalign refuses */
    return push_on_slot(
        b, thread,
        (replay_op){
            .kind = kind, .slot = n, .size = e->size & SIZE_LAST, .align_log2 = e->align_log2},
        e->seq);
}

static bool add_realloc(replay_builder *b, const tarn_event *e, uint32_t thread, uint32_t n)
{
    slot *s = &b->slots[n];
    uint64_t old = s->size;
    uint64_t size =
        e->size != 0 ? e->size : 1; /* realloc(p, 0) may free; the block stays live here */
    b->header.reallocs++;
    count_free(b, old, s->align_log2);
    count_alloc(b, size, s->align_log2);
    s->size = size;
    replay_op op = {
        .kind = REPLAY_REALLOC, .slot = n, .size = size & SIZE_LAST, .align_log2 = s->align_log2};
    if (!push_on_slot(b, thread, op, e->seq))
        return false;
    op.kind = REPLAY_OLD_SIZE;
    op.size = old & SIZE_LAST;
    return push(b, thread, op, e->seq);
}

static bool add_free(replay_builder *b, const tarn_event *e, uint32_t thread, uint32_t n)
{
    slot *s = &b->slots[n];
    b->header.frees++;
    count_free(b, s->size, s->align_log2);
    b->slot_of[e->object] = NO_SLOT;
    if (s->turn < TURN_OLD) {
        s->next_free = b->streams[thread].free_slots;
        b->streams[thread].free_slots = n;
    }
    return push_on_slot(b, thread,
                        (replay_op){.kind = REPLAY_FREE,
                                    .slot = n,
                                    .size = s->size & SIZE_LAST,
                                    .align_log2 = s->align_log2},
                        e->seq);
}

bool replay_builder_add(replay_builder *b, const tarn_event *e)
{
    uint32_t thread;
    if (!find_thread(b, e, &thread))
        return false;
    b->last_thread = thread;
    if (e->kind == TARN_EVENT_THREAD_START)
        return true;
    if (e->kind == TARN_EVENT_THREAD_END)
        return end_thread(b, thread);
    if (e->kind <= TARN_EVENT_ALIGNED)
        return add_alloc(b, e, thread);
    uint32_t n = e->object < b->object_room ? b->slot_of[e->object] : NO_SLOT;
    if (n == NO_SLOT || e->size > SIZE_LAST ||
        (b->slots[n].turn >= TURN_LAST && e->kind != TARN_EVENT_FREE)) {
        b->dropped++;
        return true;
    }
    switch (e->kind) {
    case TARN_EVENT_REALLOC:
        return add_realloc(b, e, thread, n);
    case TARN_EVENT_FREE:
        return add_free(b, e, thread, n);
    case TARN_EVENT_USABLE:
        return push_on_slot(b, thread,
                            (replay_op){.kind = REPLAY_USABLE,
                                        .slot = n,
                                        .size = b->slots[n].size & SIZE_LAST,
                                        .align_log2 = b->slots[n].align_log2},
                            e->seq);
    default:
        b->dropped++;
        return true;
    }
}

uint64_t replay_builder_dropped(const replay_builder *b)
{
    return b->dropped;
}

const replay_size *replay_builder_sizes(const replay_builder *b)
{
    return b->sizes;
}

replay_header *replay_builder_header(replay_builder *b)
{
    return &b->header;
}

/* ── Writing it out ─────────────────────────────────────────────────────────────────────────────────────────────── */

/* Which pool serves each operation: known once the plan is. */
static void assign_pools(replay_builder *b)
{
    uint8_t pool_of[REPLAY_POOL_MAX + 1] = {0};
    const replay_header *h = &b->header;
    for (uint32_t p = 0; p < h->pools; p++)
        for (uint32_t size = h->pool[p].low; size <= h->pool[p].high; size++)
            pool_of[size] = (uint8_t)(p + 1);
    for (uint32_t t = 0; t < h->threads; t++) {
        stream *s = &b->streams[t];
        for (size_t i = 0; i < s->count; i++) {
            replay_op *op = &s->ops[i];
            if (op->kind == REPLAY_START || op->size > REPLAY_POOL_MAX)
                continue;
            unsigned pool = pool_of[op->size];
            if (pool != 0 && replay_align(op->size, op->align_log2) <= h->pool[pool - 1].align)
                op->pool = (uint8_t)pool;
        }
    }
}

static void lay_out(replay_builder *b)
{
    replay_header *h = &b->header;
    uint64_t ops = 0;
    for (uint32_t t = 0; t < h->threads; t++)
        ops += b->streams[t].count;
    h->threads_at = sizeof *h;
    h->ends_at = h->threads_at + h->threads * sizeof(replay_thread);
    h->ops_at = (h->ends_at + h->ends * sizeof(uint32_t) + 63) & ~UINT64_C(63);
    uint64_t end = h->ops_at + ops * sizeof(replay_op);
    h->places_at = b->places ? end : 0;
    h->bytes = b->places ? end + ops * sizeof(uint64_t) : end;
}

static void copy_out(const replay_builder *b, char *to)
{
    const replay_header *h = &b->header;
    replay_thread *threads = (replay_thread *)(void *)(to + h->threads_at);
    memcpy(to, h, sizeof *h);
    if (h->ends != 0)
        memcpy(to + h->ends_at, b->ends, h->ends * sizeof *b->ends);
    uint64_t first = 0;
    for (uint32_t t = 0; t < h->threads; t++) {
        const stream *s = &b->streams[t];
        threads[t] =
            (replay_thread){.first = first, .count = s->count, .ended_before = s->ended_before};
        if (s->count != 0) {
            memcpy(to + h->ops_at + first * sizeof(replay_op), s->ops,
                   s->count * sizeof(replay_op));
            if (b->places)
                memcpy(to + h->places_at + first * sizeof(uint64_t), s->places,
                       s->count * sizeof(uint64_t));
        }
        first += s->count;
    }
}

int replay_builder_finish(replay_builder *b)
{
    if (!open_streams(b, 0)) {
        errno = ENOMEM;
        return -1;
    }
    assign_pools(b);
    lay_out(b);
    int fd = memfd_create("tarn-replay", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    if (ftruncate(fd, (off_t)b->header.bytes) == 0) {
        void *to = mmap(NULL, b->header.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (to != MAP_FAILED) {
            copy_out(b, to);
            munmap(to, b->header.bytes);
            return fd;
        }
    }
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

void replay_builder_free(replay_builder *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < b->stream_room; i++) {
        free(b->streams[i].ops);
        free(b->streams[i].places);
    }
    free(b->streams);
    free(b->slots);
    free(b->slot_of);
    free(b->ends);
    free(b);
}
