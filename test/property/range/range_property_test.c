/* SPDX-License-Identifier: MIT */
/*
 * Random streams of operations on spaces of all three cores, against a list of blocks that says what
 * must be there.
 *
 *     range_property_test             the seeds of every run
 *     range_property_test SEED        this one again, with the operations printed
 *
 * After each few steps a visit must show exactly the model's blocks, and runs that cover the space
 * without a gap, an overlap, or two free ones side by side. What an alloc does is foretold from a
 * visit before it: whether it may be refused, and for BEST and LOW where the block must lie.
 */
#include "support/tarn_test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <tarn/defrag.h>

enum { SEEDS = 600, STEPS = 1200, BLOCKS = 400, GONE = 64, MOVES = 12 };

struct known {
    tarn_range_block b;
    uint64_t align;
};

static struct model {
    tarn_space space;
    tarn_space_options options;
    struct known blocks[BLOCKS];
    size_t count;
    tarn_range_id gone[GONE]; /* freed lately */
    tarn_range_defrag defrag;
    tarn_range_move moves[MOVES];
    size_t open, defrag_moves;
    bool defragmenting;
    uint64_t random;
    bool loud;
} m;

static uint64_t draw(uint64_t below)
{
    m.random ^= m.random << 13;
    m.random ^= m.random >> 7;
    m.random ^= m.random << 17;
    return m.random % below;
}

#define SAY(...)                                                                                   \
    do {                                                                                           \
        if (m.loud)                                                                                \
            print_message(__VA_ARGS__);                                                            \
    } while (0)

static struct known *find(tarn_range_id id)
{
    for (size_t i = 0; i < m.count; i++) {
        if (m.blocks[i].b.id == id)
            return &m.blocks[i];
    }
    return NULL;
}

/* ── The whole ─────────────────────────────────────────────────────────────────────────────── */

struct cover {
    uint64_t position;
    size_t live, reserved;
    bool was_free;
};

static bool cover(void *user, const tarn_range_block *run)
{
    struct cover *c = user;
    assert_true(run->offset == c->position);
    assert_true(run->size > 0);
    assert_false(run->id == 0 && c->was_free);
    c->was_free = run->id == 0;
    c->position += run->size;
    if (run->id == 0)
        return true;
    const struct known *k = find(run->id);
    for (size_t i = 0; i < m.open && k == NULL; i++) {
        if (m.moves[i].reserved == run->id) {
            assert_true(run->offset == m.moves[i].to && run->size == m.moves[i].size);
            c->reserved++;
            return true;
        }
    }
    assert_non_null(k);
    assert_true(k->b.offset == run->offset && k->b.size == run->size && k->b.user == run->user);
    c->live++;
    return true;
}

static void assert_whole(void)
{
    struct cover c = {m.options.first, 0, 0, false};
    tarn_range_stats stats;
    tarn_range_visit(&m.space.range, cover, &c);
    assert_true(c.position == m.space.end);
    assert_int_equal(c.live, m.count);
    assert_int_equal(tarn_range_check(&m.space.range), TARN_OK);
    tarn_range_get_stats(&m.space.range, &stats);
    assert_true(stats.live_blocks == m.count + c.reserved);
    assert_true(stats.live_units + stats.free_units == stats.units);
    assert_true(stats.largest_free <= stats.free_units && stats.peak_units >= stats.live_units);
    assert_true(stats.fragmentation <= 1000);
}

/* ── Alloc ─────────────────────────────────────────────────────────────────────────────────── */

/* What a request could get, seen from outside. */
struct options {
    tarn_range_request want;
    uint64_t lowest, best_size;
    bool any;
    tarn_range_block runs[2 * BLOCKS]; /* the free ones */
    size_t count;
};

/* The size of the free run that a block came from. */
static uint64_t origin(const struct options *o, const tarn_range_block *b)
{
    for (size_t i = 0; i < o->count; i++) {
        if (b->offset >= o->runs[i].offset && b->offset - o->runs[i].offset < o->runs[i].size)
            return o->runs[i].size;
    }
    return 0;
}

static bool consider(void *user, const tarn_range_block *run)
{
    struct options *o = user;
    uint64_t align = o->want.align > m.space.granule ? o->want.align : m.space.granule;
    uint64_t size = (o->want.size + m.space.granule - 1) & ~(m.space.granule - 1);
    uint64_t start = (run->offset + align - 1) & ~(align - 1), end = run->offset + run->size;
    if (run->id == 0)
        o->runs[o->count++] = *run;
    if (o->want.below != 0 && o->want.below < end)
        end = o->want.below;
    if (run->id != 0 || start > end || end - start < size)
        return true;
    if (!o->any)
        o->lowest = start;
    if (!o->any || run->size < o->best_size)
        o->best_size = run->size;
    o->any = true;
    return true;
}

static uint64_t draw_size(void)
{
    uint64_t units = m.space.end - m.space.first;
    switch (draw(8)) {
    case 0:
        return 1 + draw(4);
    case 1:
        return 1 + draw(units / 4 + 1);
    case 2:
        return 1 + draw(units);
    default:
        return 1 + draw(units / 64 + 1);
    }
}

static void alloc(void)
{
    static const uint32_t ways[] = {
        0, 0, 0, TARN_RANGE_FAST, TARN_RANGE_BEST, TARN_RANGE_LOW, TARN_RANGE_HIGH};
    static struct options o;
    tarn_range_block b = {1, 1, 1, &m}, again;
    if (m.count == BLOCKS)
        return;
    o.any = false;
    o.count = 0;
    o.want = (tarn_range_request){.size = draw_size(), .flags = ways[draw(7)]};
    o.want.align = draw(3) != 0 ? 0 : (uint64_t)1 << draw(8);
    o.want.below = draw(6) != 0 ? 0 : m.space.first + 1 + draw((m.space.end - m.space.first) * 2);
    o.want.user = draw(4) != 0 ? NULL : (void *)(uintptr_t)draw(1000);
    tarn_range_visit(&m.space.range, consider, &o);
    tarn_status status = tarn_range_serve(&m.space.range, &o.want, &b);
    SAY("alloc %llu aligned to %llu below %llu, %x: %d at %llu\n", (unsigned long long)o.want.size,
        (unsigned long long)o.want.align, (unsigned long long)o.want.below, o.want.flags, status,
        (unsigned long long)b.offset);
    uint32_t cap = o.want.flags == TARN_RANGE_BEST   ? TARN_RANGE_CAP_BEST
                   : o.want.flags == TARN_RANGE_LOW  ? TARN_RANGE_CAP_LOW
                   : o.want.flags == TARN_RANGE_HIGH ? TARN_RANGE_CAP_HIGH
                                                     : 0;
    if (status != TARN_OK) {
        assert_true(b.offset == 0 && b.size == 0 && b.id == 0 && b.user == NULL);
        assert_int_equal(tarn_range_get_why(&m.space.range).status, status);
        if (status == TARN_UNSUPPORTED)
            assert_false(tarn_range_can(&m.space.range, cap));
        else if (status == TARN_LIMIT && m.options.max_blocks != 0)
            assert_true(m.count + m.open >= m.options.max_blocks || !o.any ||
                        o.want.flags == TARN_RANGE_FAST || m.options.core == TARN_RANGE_LINEAR);
        else if (status == TARN_LIMIT)
            assert_true(!o.any || o.want.flags == TARN_RANGE_FAST ||
                        m.options.core == TARN_RANGE_LINEAR);
        else
            assert_int_equal(status, TARN_TOO_BIG);
        return;
    }
    assert_true(o.any && tarn_range_can(&m.space.range, cap) && b.user == o.want.user);
    assert_true(b.size >= o.want.size && b.size < o.want.size + m.space.granule);
    assert_true(b.offset >= m.space.first && b.offset % m.space.granule == 0);
    assert_true(o.want.align == 0 || b.offset % o.want.align == 0);
    assert_true(o.want.below == 0 || b.offset + b.size <= o.want.below);
    if (o.want.flags == TARN_RANGE_LOW || m.options.core == TARN_RANGE_BITMAP)
        assert_true(b.offset == o.lowest);
    assert_true(o.want.flags != TARN_RANGE_BEST || origin(&o, &b) == o.best_size);
    for (size_t i = 0; i < GONE; i++)
        m.gone[i] = m.gone[i] == b.id ? 0 : m.gone[i]; /* the bitmap's ids come again */
    m.blocks[m.count++] = (struct known){b, o.want.align};
    assert_int_equal(tarn_range_look(&m.space.range, b.id, &again), TARN_OK);
    assert_memory_equal(&again, &b, sizeof b);
}

static void take_out(size_t i)
{
    m.gone[draw(GONE)] = m.blocks[i].b.id;
    m.count--;
    memmove(&m.blocks[i], &m.blocks[i + 1], (m.count - i) * sizeof m.blocks[0]); /* oldest first */
}

static void free_one(void)
{
    if (m.count == 0)
        return;
    /* The linear core meets its two orders, too. */
    uint64_t way = draw(m.options.core == TARN_RANGE_LINEAR ? 6 : 3);
    size_t i = way == 0 || way > 3 ? 0 : way == 1 ? m.count - 1 : (size_t)draw(m.count);
    SAY("free %llx\n", (unsigned long long)m.blocks[i].b.id);
    assert_int_equal(tarn_range_free(&m.space.range, m.blocks[i].b.id), TARN_OK);
    take_out(i);
}

static void misuse(void)
{
    tarn_range_block b;
    tarn_range_id id = m.gone[draw(GONE)];
    if (draw(2) == 0)
        id = draw(2) == 0 ? draw(1000) : draw(UINT64_MAX);
    for (size_t i = 0; i < m.open; i++) {
        if (id == m.moves[i].reserved)
            return;
    }
    if (id == 0 || find(id) != NULL)
        return;
    assert_int_equal(tarn_range_look(&m.space.range, id, &b), TARN_STALE);
    if (!TARN_CHECKED) {
        assert_int_equal(tarn_range_free(&m.space.range, id), TARN_STALE);
        assert_int_equal(tarn_range_set_user(&m.space.range, id, &m), TARN_STALE);
    }
    assert_int_equal(tarn_range_alloc(&m.space.range, 0, 1, 0, &b), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_range_alloc(&m.space.range, 1, 3, 0, &b), TARN_BAD_ALIGN);
    assert_int_equal(tarn_range_alloc(&m.space.range, UINT64_MAX - draw(70), 64, 0, &b),
                     TARN_TOO_BIG);
}

static void set_user(void)
{
    if (m.count == 0)
        return;
    struct known *k = &m.blocks[draw(m.count)];
    k->b.user = draw(3) != 0 ? k : NULL;
    assert_int_equal(tarn_range_set_user(&m.space.range, k->b.id, k->b.user), TARN_OK);
}

static void batches(void)
{
    tarn_range_block out[24];
    tarn_range_id ids[24];
    tarn_range_request want = {.size = 1 + draw(40), .flags = draw(2) != 0 ? TARN_RANGE_ALL : 0};
    size_t count = 1 + (size_t)draw(24);
    size_t got = tarn_range_alloc_batch(&m.space.range, &want, count, out);
    assert_true(want.flags == 0 || got == 0 || got == count);
    for (size_t i = 0; i < got; i++)
        ids[i] = out[i].id;
    assert_int_equal(tarn_range_free_batch(&m.space.range, got, ids), got);
    if (!TARN_CHECKED && tarn_range_can(&m.space.range, TARN_RANGE_CAP_STALE))
        assert_int_equal(tarn_range_free_batch(&m.space.range, got, ids), 0);
}

/* ── Defragmentation ───────────────────────────────────────────────────────────────────────── */

static void commit(void)
{
    for (size_t i = 0; i < m.open; i++) {
        struct known *k = find(m.moves[i].id);
        m.moves[i].outcome = (tarn_move_outcome)(draw(8) > 2 ? 0 : draw(3));
        if (k == NULL)
            continue; /* freed since the pass */
        if (m.moves[i].outcome == TARN_MOVE_DONE)
            k->b.offset = m.moves[i].to;
        if (m.moves[i].outcome == TARN_MOVE_DESTROYED)
            take_out((size_t)(k - m.blocks));
        m.defrag_moves += m.moves[i].outcome == TARN_MOVE_DONE;
    }
    assert_int_equal(tarn_range_defrag_commit(&m.defrag), TARN_OK);
    m.open = 0;
}

static void pass(void)
{
    size_t room = 1 + (size_t)draw(MOVES), n = 0;
    assert_int_equal(tarn_range_defrag_pass(&m.defrag, m.moves, room, &n), TARN_OK);
    m.open = n;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        const tarn_range_move *move = &m.moves[i];
        const struct known *k = find(move->id);
        assert_non_null(k);
        assert_true(move->from == k->b.offset && move->size == k->b.size &&
                    move->user == k->b.user);
        assert_true(move->to + move->size <= move->from);
        assert_true(k->align == 0 || move->to % k->align == 0);
        sum += move->size;
    }
    SAY("pass: %zu moves\n", n);
    assert_true(m.defrag.options.max_units == 0 || sum <= m.defrag.options.max_units);
    if (n != 0)
        assert_int_equal(tarn_range_defrag_pass(&m.defrag, m.moves, room, &n), TARN_BUSY);
    if (m.open == 0 || draw(5) == 0) {
        tarn_range_defrag_stats stats;
        tarn_range_defrag_end(&m.defrag, &stats); /* cancels what is open */
        assert_true(stats.moves == m.defrag_moves);
        m.defragmenting = false;
        m.open = 0;
    }
}

static void defragment(void)
{
    tarn_range_defrag_options o = {draw(2) * (1 + draw(2000)), 0};
    if (m.options.core != TARN_RANGE_TLSF) {
        assert_int_equal(tarn_range_defrag_begin(&m.defrag, &m.space.range, NULL),
                         TARN_UNSUPPORTED);
        return;
    }
    if (!m.defragmenting) {
        assert_int_equal(tarn_range_defrag_begin(&m.defrag, &m.space.range, &o), TARN_OK);
        m.defragmenting = true;
        m.defrag_moves = 0;
    } else if (m.open != 0) {
        commit();
    } else {
        pass();
    }
}

/* ── Streams ───────────────────────────────────────────────────────────────────────────────── */

static tarn_space_options form(uint32_t seed)
{
    static const uint64_t units[] = {1, 63, 64, 65, 1000, 4096, 5000, 100000};
    tarn_space_options o = {.name = "stream", .check = false};
    o.core = (tarn_range_core)(seed % 3);
    o.granule = (uint64_t)1 << (seed / 3 % 4 == 3 ? 4 : 0);
    o.units = units[seed / 12 % 8] * o.granule;
    if (seed / 7 % 4 == 1)
        o.first = TARN_RANGE_UNITS_MAX - o.units - o.units % o.granule;
    if (seed / 7 % 4 == 2)
        o.first = 0x1000 * o.granule;
    o.first &= ~(o.granule - 1);
    if (seed / 5 % 4 == 1 && o.core != TARN_RANGE_BITMAP)
        o.max_blocks = 20;
    return o;
}

static void step(bool filling)
{
    uint64_t way = draw(100);
    if (way < (filling ? 55 : 30))
        alloc();
    else if (way < 80)
        free_one();
    else if (way < 84)
        misuse();
    else if (way < 88)
        set_user();
    else if (way < 90)
        batches();
    else if (way < 99)
        defragment();
    else if (draw(20) == 0 && m.open == 0) {
        assert_int_equal(tarn_range_reset(&m.space.range), TARN_OK);
        m.count = 0;
        memset(m.gone, 0, sizeof m.gone);
    }
}

static void run(uint32_t seed, bool loud)
{
    memset(&m, 0, sizeof m);
    m.options = form(seed);
    m.random = seed * (uint64_t)2654435761u + 1;
    m.loud = loud;
    assert_int_equal(tarn_space_init(&m.space, &m.options), TARN_OK);
    for (int i = 0; i < STEPS; i++) {
        step(i % 400 < 250);
        if (i % 16 == 0 || loud)
            assert_whole();
    }
    tarn_range_defrag_end(&m.defrag, NULL);
    m.open = 0;
    while (m.count > 0)
        free_one();
    assert_whole(); /* one free run */
    tarn_range_block all;
    assert_int_equal(tarn_range_alloc(&m.space.range, m.space.end - m.space.first, 1, 0, &all),
                     TARN_OK);
    assert_int_equal(tarn_range_free(&m.space.range, all.id), TARN_OK);
    tarn_space_deinit(&m.space);
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
    return cmocka_run_group_tests(tests, NULL, NULL);
}
