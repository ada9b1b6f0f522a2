/* SPDX-License-Identifier: MIT */
/*
 * Random streams of operations on an arena, against a list of blocks that says what must be there.
 *
 *     arena_property_test             the seeds of every run
 *     arena_property_test SEED        this one again, with the operations printed
 *
 * The model: every block has a stamp, its time of birth; a mark has the time it was taken. A rewind
 * takes away what is younger than the mark. Blocks older than the latest mark are neither freed nor
 * grown in place, since that would spoil the mark (see tarn_arena_mark).
 */
#include "support/tarn_test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <tarn/arena.h>
#include <tarn/pages.h>

enum { SEEDS = 240, STEPS = 1500, BLOCKS = 512, MARKS = 16 };

struct block {
    unsigned char *p;
    size_t size;
    tarn_spec log;
    unsigned stamp;
};

static struct model {
    tarn_arena arena;
    struct block blocks[BLOCKS];
    size_t count;
    struct {
        tarn_mark mark;
        unsigned stamp;
        int registered;
    } marks[MARKS];
    size_t mark_count;
    unsigned now;
    int registered; /* cleanups that must still run */
    uint32_t random;
    bool loud;
} m;

static tarn_pages pages;
static _Alignas(64) char bytes[20000];

static uint32_t draw(uint32_t below)
{
    m.random ^= m.random << 13;
    m.random ^= m.random >> 17;
    m.random ^= m.random << 5;
    return m.random % below;
}

#define SAY(...)                                                                                   \
    do {                                                                                           \
        if (m.loud)                                                                                \
            print_message(__VA_ARGS__);                                                            \
    } while (0)

static void fill(const struct block *b)
{
    memset(b->p, (int)(b->stamp & 0xff), b->size);
}

static void assert_filled(const struct block *b, size_t size)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(b->p[i], b->stamp & 0xff);
}

/* No block overlaps another, and each has what was written into it. (A block of no bytes may come
 * to lie inside one that grew.) */
static void assert_whole(void)
{
    for (size_t i = 0; i < m.count; i++) {
        const struct block *b = &m.blocks[i];
        assert_filled(b, b->size);
        assert_int_equal((uintptr_t)b->p & (tarn_spec_align(b->log) - 1), 0);
        if (b->size != 0)
            assert_true(tarn_arena_owns(&m.arena, b->p) &&
                        tarn_arena_owns(&m.arena, b->p + b->size - 1));
        for (size_t k = 0; k < i && b->size != 0; k++)
            assert_true(m.blocks[k].size == 0 || b->p + b->size <= m.blocks[k].p ||
                        m.blocks[k].p + m.blocks[k].size <= b->p);
    }
    assert_int_equal(tarn_check(&m.arena.allocator), TARN_OK);
}

static size_t draw_size(void)
{
    switch (draw(8)) {
    case 0:
        return draw(3000);
    case 1:
        return draw(2) * 8;
    default:
        return draw(120);
    }
}

static void add(unsigned char *p, size_t size, tarn_spec log)
{
    struct block *b = &m.blocks[m.count++];
    *b = (struct block){p, size, log, m.now};
    fill(b);
}

static void do_alloc(void)
{
    size_t size = draw_size();
    tarn_spec log = draw(6) == 0 ? draw(10) : draw(5), zero = draw(3) == 0 ? TARN_ZERO : 0;
    unsigned char *p;
    if (m.count == BLOCKS)
        return;
    p = tarn_arena_alloc(&m.arena, size, log | zero);
    SAY("alloc %zu log %u -> %p\n", size, (unsigned)log, (void *)p);
    if (p == NULL) {
        assert_true(tarn_get_why(&m.arena.allocator).status == TARN_LIMIT);
        return;
    }
    for (size_t i = 0; zero != 0 && i < size; i++)
        assert_int_equal(p[i], 0);
    add(p, size, log);
}

static unsigned latest_mark(void)
{
    return m.mark_count != 0 ? m.marks[m.mark_count - 1].stamp : 0;
}

/* The last block, more often than not; NULL when all are protected by a mark. */
static struct block *choose(void)
{
    struct block *b;
    if (m.count == 0)
        return NULL;
    b = &m.blocks[draw(2) == 0 ? m.count - 1 : draw((uint32_t)m.count)];
    return b->stamp > latest_mark() ? b : NULL;
}

static void take_out(const struct block *b)
{
    size_t i = (size_t)(b - m.blocks);
    memmove(&m.blocks[i], &m.blocks[i + 1], (m.count - i - 1) * sizeof *b);
    m.count--;
}

static void do_free(void)
{
    struct block *b = choose();
    size_t size;
    if (b == NULL)
        return;
    size = draw(2) == 0 ? b->size : (b->size + 7) / 8 * 8;
    SAY("free %p %zu\n", (void *)b->p, size);
    assert_filled(b, b->size);
    if (draw(2) == 0)
        tarn_arena_free(&m.arena, b->p, size);
    else
        tarn_free(&m.arena.allocator, b->p, size, b->log);
    take_out(b);
}

static void do_resize(void)
{
    static const tarn_spec FORMS[] = {0, 0, TARN_IN_PLACE, TARN_NO_COPY};
    struct block *b = choose(), old;
    size_t size = draw_size(), keep;
    tarn_spec form = FORMS[draw(4)];
    unsigned char *p;
    if (b == NULL)
        return;
    keep = size < b->size ? size : b->size;
    p = tarn_arena_resize(&m.arena, b->p, b->size, size, keep, b->log | form | TARN_ZERO);
    SAY("resize %p %zu -> %zu form %x: %p\n", (void *)b->p, b->size, size, (unsigned)form,
        (void *)p);
    if (p == NULL) {
        assert_filled(b, b->size);
        assert_true(size > b->size);
        return;
    }
    if (form == TARN_IN_PLACE)
        assert_ptr_equal(p, b->p);
    old = *b;
    old.p = p;
    assert_filled(&old, keep);
    for (size_t i = old.size; i < size; i++)
        assert_int_equal(p[i], 0);
    take_out(b);
    add(p, size, old.log);
}

static void cleanup(void *arg)
{
    int number = (int)(intptr_t)arg;
    assert_int_equal(number, m.registered);
    m.registered--;
}

static void do_register(void)
{
    tarn_status status =
        tarn_arena_on_reset(&m.arena, cleanup, (void *)(intptr_t)(m.registered + 1));
    SAY("register %d: %d\n", m.registered + 1, (int)status);
    if (status == TARN_OK)
        m.registered++;
}

static void do_mark(void)
{
    if (m.mark_count == MARKS)
        return;
    SAY("mark %zu\n", m.mark_count);
    m.marks[m.mark_count].mark = tarn_arena_mark(&m.arena);
    m.marks[m.mark_count].stamp = m.now;
    m.marks[m.mark_count++].registered = m.registered;
}

static void do_rewind(void)
{
    size_t to, kept = 0;
    if (m.mark_count == 0)
        return;
    to = m.mark_count - 1 - draw((uint32_t)(m.mark_count < 3 ? m.mark_count : 3));
    SAY("rewind %zu\n", to);
    assert_int_equal(tarn_arena_rewind(&m.arena, m.marks[to].mark), TARN_OK);
    assert_int_equal(m.registered, m.marks[to].registered);
    for (size_t i = 0; i < m.count; i++) {
        if (m.blocks[i].stamp <= m.marks[to].stamp)
            m.blocks[kept++] = m.blocks[i];
    }
    m.count = kept;
    m.mark_count = draw(2) == 0 ? to : to + 1;
}

static void do_reset(void)
{
    SAY("reset\n");
    tarn_arena_reset(&m.arena, (tarn_keep)draw(3));
    assert_int_equal(m.registered, 0);
    m.count = 0;
    m.mark_count = 0;
}

/* Through the handle's table in both directions, so that the answers agree. */
static void do_ask(void)
{
    tarn_stats s;
    size_t trimmed = tarn_trim(&m.arena.allocator);
    SAY("trim %zu\n", trimmed);
    assert_int_equal(tarn_get_stats(&m.arena.allocator, &s), TARN_OK);
    if ((s.known & TARN_STATS_LIVE) != 0) {
        size_t sum = 0;
        for (size_t i = 0; i < m.count; i++)
            sum += m.blocks[i].size;
        /* Records of registrations are blocks, too. */
        assert_int_equal(s.live_blocks, m.count + (size_t)m.registered);
        assert_true(s.live_bytes >= sum);
    }
}

static void step(void)
{
    uint32_t what = draw(100);
    m.now++;
    if (what < 45)
        do_alloc();
    else if (what < 58)
        do_free();
    else if (what < 75)
        do_resize();
    else if (what < 82)
        do_register();
    else if (what < 89)
        do_mark();
    else if (what < 96)
        do_rewind();
    else if (what < 99)
        do_ask();
    else
        do_reset();
}

static tarn_arena_options form(uint32_t seed)
{
    tarn_arena_options o = {.down = (seed & 1) != 0, .check = (seed & 2) != 0};
    o.chunk_size = 256u << (seed / 8 % 5);
    o.chunk_max = 4096;
    switch (seed / 4 % 6) {
    case 0:
        o.source = &pages.source;
        break;
    case 1:
        o.source = &pages.source;
        o.reserve = (size_t)4 << 20;
        break;
    case 2:
        o.buffer = bytes + seed % 8;
        o.buffer_size = sizeof bytes - 8;
        break;
    case 3:
        o.buffer = bytes;
        o.buffer_size = 500;
        o.parent = tarn_libc();
        break;
    case 4:
        o.limit = 30000;
        break;
    default:
        break;
    }
    return o;
}

static void run(uint32_t seed, bool loud)
{
    tarn_arena_options o = form(seed);
    tarn_pages_report report;
    memset(&m, 0, sizeof m);
    m.random = seed * 2654435761u + 1;
    m.loud = loud;
    assert_int_equal(tarn_arena_init(&m.arena, &o), TARN_OK);
    for (int i = 0; i < STEPS; i++) {
        step();
        if (i % 16 == 0 || loud)
            assert_whole();
    }
    tarn_arena_deinit(&m.arena);
    assert_int_equal(m.registered, 0);
    tarn_pages_get_report(&pages, &report);
    assert_int_equal(report.mapped, 0);
}

static uint32_t only; /* 0: all */
static uint32_t current;

static int say_seed(void **state)
{
    (void)state;
    if (current != 0)
        print_message("seed %u: run again with this number as the argument\n", (unsigned)current);
    return 0;
}

static void streams(void **state)
{
    (void)state;
    for (uint32_t seed = only != 0 ? only : 1; seed <= (only != 0 ? only : SEEDS); seed++) {
        current = seed;
        run(seed, only != 0);
    }
    current = 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(streams, say_seed)};
    if (argc > 1)
        only = (uint32_t)strtoul(argv[1], NULL, 10);
    if (tarn_pages_init(&pages, NULL) != TARN_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
