/* SPDX-License-Identifier: MIT */
/* model.c - a worker's steps, and the judgement afterwards. */
#include "property/segment/model.h"

#include <string.h>

#define FAIL(w) ((w)->model->line = (w)->model->line != 0 ? (w)->model->line : __LINE__)

static const tarn_segment_pool_options POOL = {.block_size = BLOCK, .capacity = CAPACITY};

uint64_t draw(uint64_t *random)
{
    uint64_t x = *random += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static unsigned char pattern(unsigned salt, size_t i)
{
    return (unsigned char)(salt * 31 + i * 7 + 1);
}

static void fill(char *p, const thing *t)
{
    for (size_t i = 0; i < t->size; i++)
        p[i] = (char)pattern(t->salt, i);
}

static bool intact(const tarn_segment *s, const thing *t)
{
    const char *p = s->file.base + t->at;
    for (size_t i = 0; i < t->size; i++)
        if (p[i] != (char)pattern(t->salt, i))
            return false;
    return true;
}

static void done(worker *w, thing *t, char *p)
{
    t->at = (size_t)(p - w->segment.file.base);
    fill(p, t);
    t->stage = THERE;
}

static size_t pick(worker *w, const thing *things, size_t count, stage wanted)
{
    size_t from = (size_t)(draw(&w->random) % count);
    for (size_t i = 0; i < count; i++)
        if (things[(from + i) % count].stage == (int)wanted)
            return (from + i) % count;
    return SIZE_MAX;
}

static bool open_things(worker *w)
{
    return tarn_segment_open_pool(&w->segment, "blocks", &POOL, &w->pool) == TARN_OK &&
           tarn_segment_open_arena(&w->segment, "texts", ROOM, &w->arena) == TARN_OK;
}

static bool open_segment(worker *w)
{
    tarn_segment_options o = {.kind = TARN_FILE_HANDLE, .fd = w->fd, .names = 16, .limit = 1 << 18};
    return tarn_segment_init(&w->segment, &o) == TARN_OK;
}

bool worker_open(worker *w, int fd, model *m, uint64_t seed)
{
    w->model = m;
    w->random = seed;
    w->fd = fd;
    return open_segment(w) && open_things(w);
}

/* ── Steps ─────────────────────────────────────────────────────────────────────────────────── */

static void take(worker *w)
{
    size_t i = pick(w, w->model->block, BLOCKS, NOTHING);
    if (i == SIZE_MAX)
        return;
    thing *t = &w->model->block[i];
    t->salt = (unsigned)draw(&w->random);
    t->size = BLOCK;
    t->stage = COMING;
    char *p = tarn_segment_pool_alloc(&w->pool);
    if (p != NULL)
        done(w, t, p);
    else
        t->stage = NOTHING;
}

static void give(worker *w, bool publish)
{
    size_t i = pick(w, w->model->block, BLOCKS, THERE);
    if (i == SIZE_MAX)
        return;
    thing *t = &w->model->block[i];
    if (!intact(&w->segment, t))
        FAIL(w);
    if (publish) {
        tarn_segment_pool_publish(&w->pool, w->segment.file.base + t->at);
        return;
    }
    t->stage = GOING;
    tarn_segment_pool_free(&w->pool, w->segment.file.base + t->at);
    t->stage = NOTHING;
}

static void write_text(worker *w)
{
    thing *t = &w->model->text[w->model->texts];
    if (w->model->texts == TEXTS)
        return;
    t->salt = (unsigned)draw(&w->random);
    t->size = (size_t)(draw(&w->random) % 120);
    t->stage = COMING;
    char *p = tarn_segment_arena_alloc(&w->arena, t->size, TARN_SPEC(16));
    if (p == NULL) {
        t->stage = NOTHING;
        return;
    }
    done(w, t, p);
    w->model->texts++;
}

static void unwrite(worker *w)
{
    if (w->model->texts == 0)
        return;
    thing *t = &w->model->text[w->model->texts - 1];
    if (!intact(&w->segment, t))
        FAIL(w);
    t->stage = GOING;
    w->model->texts--;
    tarn_segment_arena_free(&w->arena, w->segment.file.base + t->at, t->size);
    t->stage = NOTHING;
}

/* The latest text grows in place; it is whole in its old size at any time. */
static void stretch(worker *w)
{
    if (w->model->texts == 0)
        return;
    thing *t = &w->model->text[w->model->texts - 1];
    size_t more = t->size + (size_t)(draw(&w->random) % 50);
    char *p = w->segment.file.base + t->at;
    thing longer = {THERE, t->salt, t->at, more};
    if (tarn_resize(tarn_segment_arena_allocator(&w->arena), p, t->size, more, t->size,
                    TARN_IN_PLACE | TARN_SPEC(16)) != p)
        return;
    fill(p, &longer);
    t->size = more;
}

static void reset(worker *w)
{
    w->model->resetting = 1;
    if (tarn_segment_arena_rewind(&w->arena, 0) != TARN_OK)
        FAIL(w);
    for (size_t i = 0; i < TEXTS; i++)
        w->model->text[i].stage = NOTHING;
    w->model->texts = 0;
    w->model->resetting = 0;
}

static void name_of(size_t i, char *name)
{
    memcpy(name, "name 0", 7);
    name[5] = (char)('0' + i);
}

static void make(worker *w)
{
    size_t i = pick(w, w->model->named, NAMED, NOTHING);
    char name[8];
    tarn_block b;
    if (i == SIZE_MAX)
        return;
    thing *t = &w->model->named[i];
    name_of(i, name);
    t->salt = (unsigned)draw(&w->random);
    t->size = 1 + (size_t)(draw(&w->random) % 900);
    t->stage = COMING;
    if (tarn_segment_open_memory(&w->segment, name, t->size, &b) == TARN_OK)
        done(w, t, b.ptr);
    else
        FAIL(w);
}

static void take_away(worker *w)
{
    size_t i = pick(w, w->model->named, NAMED, THERE);
    char name[8];
    if (i == SIZE_MAX)
        return;
    thing *t = &w->model->named[i];
    if (!intact(&w->segment, t))
        FAIL(w);
    name_of(i, name);
    t->stage = GOING;
    if (tarn_segment_remove(&w->segment, name) != TARN_OK)
        FAIL(w);
    t->stage = NOTHING;
}

void worker_do(worker *w, step s)
{
    switch (s) {
    case STEP_TAKE:
        take(w);
        break;
    case STEP_FREE:
    case STEP_PUBLISH:
        give(w, s == STEP_PUBLISH);
        break;
    case STEP_WRITE:
        write_text(w);
        break;
    case STEP_UNWRITE:
        unwrite(w);
        break;
    case STEP_STRETCH:
        stretch(w);
        break;
    case STEP_RESET:
        reset(w);
        break;
    case STEP_MAKE:
        make(w);
        break;
    case STEP_REMOVE:
        take_away(w);
        break;
    case STEP_REOPEN:
        tarn_segment_deinit(&w->segment);
        if (!open_segment(w) || !open_things(w))
            FAIL(w);
        break;
    case STEPS:
    default:
        break;
    }
    w->model->steps++;
}

void worker_do_any(worker *w)
{
    static const unsigned char OFTEN[] = {
        STEP_TAKE,  STEP_TAKE,    STEP_TAKE,    STEP_TAKE,    STEP_TAKE,  STEP_FREE,
        STEP_FREE,  STEP_FREE,    STEP_FREE,    STEP_PUBLISH, STEP_WRITE, STEP_WRITE,
        STEP_WRITE, STEP_UNWRITE, STEP_STRETCH, STEP_MAKE,    STEP_MAKE,  STEP_REMOVE};
    uint64_t r = draw(&w->random);
    if (r % 50 == 0)
        worker_do(w, r % 100 == 0 ? STEP_RESET : STEP_REOPEN);
    else
        worker_do(w, (step)OFTEN[(r >> 8) % sizeof OFTEN]);
}

/* ── Judgement ─────────────────────────────────────────────────────────────────────────────── */

bool model_blocks_hold(const model *m, const tarn_segment *s)
{
    for (size_t i = 0; i < BLOCKS; i++)
        if (m->block[i].stage == THERE && !intact(s, &m->block[i]))
            return false;
    return true;
}

typedef struct census {
    model *m;
    tarn_segment *s;
    tarn_segment_pool *pool;
    size_t known, others, on_its_way;
} census;

static bool count(void *user, void *block, uint32_t mark)
{
    census *c = user;
    size_t at = (size_t)((char *)block - c->s->file.base);
    c->on_its_way += mark == 0;
    for (size_t i = 0; i < BLOCKS; i++)
        if (c->m->block[i].stage == THERE && c->m->block[i].at == at) {
            c->known++;
            return true;
        }
    c->others++;
    tarn_segment_pool_free(c->pool, block);
    return true;
}

static size_t settle(thing *things, size_t n, stage what)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        found += things[i].stage == (int)what;
        if (things[i].stage != THERE && what == GOING)
            things[i].stage = NOTHING;
    }
    return found;
}

static const char *judge_blocks(model *m, tarn_segment *s)
{
    tarn_segment_pool p;
    void *rest[CAPACITY + 1];
    size_t there = 0, n = 0;
    census c = {m, s, &p, 0, 0, 0};
    if (tarn_segment_open_pool(s, "blocks", &POOL, &p) != TARN_OK)
        return "the pool is not to be had";
    for (size_t i = 0; i < BLOCKS; i++)
        there += m->block[i].stage == THERE;
    tarn_segment_pool_visit(&p, count, &c);
    if (c.known != there)
        return "a block is lost";
    if (c.on_its_way > 0 && s->report.found != TARN_SEGMENT_JOINED)
        return "a block is still on its way";
    if (c.others > settle(m->block, BLOCKS, COMING) + settle(m->block, BLOCKS, GOING))
        return "a block is out that nobody took";
    while (n <= CAPACITY && (rest[n] = tarn_segment_pool_alloc(&p)) != NULL)
        memset(rest[n++], 0xdd, BLOCK);
    if (n != CAPACITY - there)
        return "not all of the rest is to be had";
    if (!model_blocks_hold(m, s))
        return "a block lost its contents";
    while (n > 0)
        tarn_segment_pool_free(&p, rest[--n]);
    return tarn_check(tarn_segment_pool_allocator(&p)) == TARN_OK ? NULL : "the pool's check";
}

static const char *judge_texts(model *m, tarn_segment *s)
{
    tarn_segment_arena a;
    size_t end = 0, position;
    if (tarn_segment_open_arena(s, "texts", ROOM, &a) != TARN_OK)
        return "the arena is not to be had";
    position = (size_t)(a.base - s->file.base) + tarn_segment_arena_position(&a);
    if (m->resetting) { /* it happened or not; from here on it did */
        (void)tarn_segment_arena_rewind(&a, 0);
        (void)settle(m->text, TEXTS, GOING);
        for (size_t i = 0; i < TEXTS; i++)
            m->text[i].stage = NOTHING;
        m->texts = 0;
        m->resetting = 0;
        return NULL;
    }
    m->texts = 0;
    for (size_t i = 0; i < TEXTS && m->text[i].stage == THERE; i++) {
        const thing *t = &m->text[i];
        if (t->at < end || t->at + t->size > position)
            return "a text lies where it may not";
        if (!intact(s, t))
            return "a text lost its contents";
        end = t->at + t->size;
        m->texts++;
    }
    if (end != 0) /* what was on its way goes */
        (void)tarn_segment_arena_rewind(&a, (end - (size_t)(a.base - s->file.base) + 7) / 8 * 8);
    else
        (void)tarn_segment_arena_rewind(&a, 0);
    for (size_t i = m->texts; i < TEXTS; i++)
        m->text[i].stage = NOTHING;
    size_t left = tarn_segment_arena_bytes(ROOM) - tarn_segment_arena_position(&a);
    void *all = tarn_segment_arena_alloc(&a, left, 0);
    if (all == NULL || tarn_segment_arena_alloc(&a, 1, 0) != NULL)
        return "the arena's rest is not to be had";
    tarn_segment_arena_free(&a, all, left);
    return NULL;
}

static const char *judge_named(model *m, tarn_segment *s)
{
    for (size_t i = 0; i < NAMED; i++) {
        thing *t = &m->named[i];
        tarn_block b;
        char name[8];
        name_of(i, name);
        bool found = tarn_segment_open_memory(s, name, 0, &b) == TARN_OK;
        if (t->stage == THERE && (!found || (size_t)((char *)b.ptr - s->file.base) != t->at))
            return "a name is lost";
        if (t->stage == THERE && !intact(s, t))
            return "named memory lost its contents";
        if (t->stage == NOTHING && found)
            return "a name is there that nobody made";
        if (t->stage != THERE && found)
            (void)tarn_segment_remove(s, name);
        if (t->stage != THERE)
            t->stage = NOTHING;
    }
    return NULL;
}

const char *model_judge(model *m, tarn_segment *s)
{
    const char *wrong = judge_blocks(m, s);
    if (wrong == NULL)
        wrong = judge_texts(m, s);
    if (wrong == NULL)
        wrong = judge_named(m, s);
    if (wrong == NULL && tarn_segment_check(s) != TARN_OK)
        wrong = tarn_segment_why(s);
    return wrong;
}
