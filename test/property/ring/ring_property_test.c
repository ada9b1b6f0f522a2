/* SPDX-License-Identifier: MIT */
/*
 * Random streams on a ring, against a list of its blocks, the oldest first.
 *
 *     ring_property_test             the seeds of every run
 *     ring_property_test SEED        this one again
 *
 * The model knows addresses alone: a block is live or a hole; the list starts with a live one. From that it
 * says whether a block must be served: there is room behind the youngest, or, where the youngest is above
 * the oldest, at the start.
 */
#include "support/tarn_test.h"

#include <stdbool.h>
#include <stdlib.h>

#include <tarn/ring.h>

enum { SEEDS = 400, STEPS = 3000, BLOCKS = 600 };

struct entry {
    unsigned char *p;
    size_t size, whole;
    tarn_spec log;
    unsigned char salt;
    bool hole;
};

static struct model {
    tarn_ring ring;
    struct entry list[BLOCKS]; /* the oldest first */
    size_t count;
    uint32_t random;
    size_t served, refused, rounds;
    uint32_t seed;
} m;

static _Alignas(16) unsigned char bytes[2503];

static uint32_t draw(uint32_t below)
{
    m.random ^= m.random << 13;
    m.random ^= m.random >> 17;
    m.random ^= m.random << 5;
    return m.random % below;
}

static void fill(const struct entry *e)
{
    for (size_t i = 0; i < e->size; i++)
        e->p[i] = (unsigned char)(e->salt + i * 3);
}

static void verify(const struct entry *e)
{
    for (size_t i = 0; i < e->size; i++)
        if (e->p[i] != (unsigned char)(e->salt + i * 3))
            fail_msg("seed %u: byte %zu of %zu was overwritten", m.seed, i, e->size);
}

/* The front of the list is no hole: what the ring, too, has given up. */
static void settle(void)
{
    size_t n = 0;
    while (n < m.count && m.list[n].hole)
        n++;
    memmove(m.list, m.list + n, (m.count - n) * sizeof *m.list);
    m.count -= n;
}

/* Must this be served, when the blocks before were of an alignment of 16 at most? Only with those does the model
 * know where an entry starts. */
static bool must_fit(size_t whole)
{
    size_t capacity = tarn_ring_capacity(&m.ring);
    uintptr_t low = m.ring.low, high = m.ring.high, oldest, young, end;
    if (m.count == 0)
        return whole <= capacity;
    oldest = (uintptr_t)m.list[0].p;
    young = (uintptr_t)m.list[m.count - 1].p;
    end = young + m.list[m.count - 1].whole;
    if (young < oldest)
        return end + whole + 16 <= oldest;
    /* I7 of ring.c: only when the room at hand starts where the lap before ended. */
    if (end + whole <= high)
        return end != (m.ring.wrap & ~(uintptr_t)15);
    return low + whole + 16 <= oldest;
}

static void alloc(bool exact)
{
    size_t size = draw(8) == 0 ? draw(2600) : draw(200);
    tarn_spec log = exact || draw(4) != 0 ? draw(5) : draw(9);
    struct entry *e = &m.list[m.count];
    size_t used = tarn_ring_used(&m.ring);
    uintptr_t before = m.count > 0 ? (uintptr_t)m.list[m.count - 1].p : 0;
    if (m.count == BLOCKS)
        return;
    *e = (struct entry){.size = size,
                        .whole = (size == 0 ? 16 : (size + 15) & ~(size_t)15),
                        .log = log,
                        .salt = (unsigned char)draw(256)};
    e->p = tarn_ring_alloc(&m.ring, size, log);
    if (e->p == NULL) {
        tarn_status why = tarn_get_why(&m.ring.allocator).status;
        if (exact && must_fit(e->whole))
            fail_msg("seed %u: %zu bytes were refused, and there is room", m.seed, size);
        assert_int_equal(why, size > tarn_ring_capacity(&m.ring) ? TARN_TOO_BIG : TARN_LIMIT);
        assert_int_equal(tarn_ring_used(&m.ring), used);
        m.refused++;
        return;
    }
    assert_int_equal((uintptr_t)e->p & (((size_t)1 << log) - 1), 0);
    assert_true((uintptr_t)e->p >= m.ring.low && (uintptr_t)e->p + e->whole <= m.ring.high);
    for (size_t i = 0; i < m.count; i++)
        if (e->p < m.list[i].p + m.list[i].whole && m.list[i].p < e->p + e->whole)
            fail_msg("seed %u: a block lies in another, or in a hole that is not to be had yet",
                     m.seed);
    fill(e);
    m.rounds += (uintptr_t)e->p < before;
    m.count++;
    m.served++;
}

static void free_one(uint32_t reach)
{
    struct entry *e;
    size_t i = draw(reach);
    if (i >= m.count || m.list[i].hole)
        i = 0;
    if (m.count == 0)
        return;
    e = &m.list[i];
    verify(e);
    tarn_ring_free(&m.ring, e->p, e->size + draw((uint32_t)(e->whole - e->size + 1)), e->log);
    e->hole = true;
    settle();
}

static void change_youngest(void)
{
    struct entry *e = &m.list[m.count - 1];
    size_t size = draw(300);
    if (m.count == 0 || e->hole)
        return;
    verify(e);
    if (draw(3) == 0) {
        /* Once the one behind it, which had gone round, was cancelled, it is not the last of its lap. */
        uintptr_t head = m.ring.head != 0 ? m.ring.head : m.ring.made & ~(uintptr_t)15;
        bool can = head == (uintptr_t)e->p + e->whole;
        assert_int_equal(tarn_ring_cancel(&m.ring, e->p, e->size, e->log), can);
        m.count -= can;
        return;
    }
    if (tarn_ring_resize(&m.ring, e->p, e->size, size, 0, e->log | TARN_IN_PLACE) == NULL)
        return;
    e->size = size;
    e->whole = size == 0 ? 16 : (size + 15) & ~(size_t)15;
    for (size_t i = 0; i + 1 < m.count; i++)
        if (e->p < m.list[i].p + m.list[i].whole && m.list[i].p < e->p + e->whole)
            fail_msg("seed %u: a block grew into another", m.seed);
    fill(e);
}

static void run(uint32_t seed, bool check)
{
    uint32_t reach;
    bool exact;
    m.random = seed * 2654435761u | 1;
    m.count = 0;
    reach = draw(3) == 0 ? 1 : 1 + draw(12); /* 1: always the oldest */
    exact = !check && !TARN_CHECKED && draw(2) == 0;
    assert_int_equal(tarn_ring_init(&m.ring, &(tarn_ring_options){.buffer = bytes + draw(16),
                                                                  .buffer_size = 200 + draw(2287),
                                                                  .check = check}),
                     TARN_OK);
    for (int step = 0; step < STEPS; step++) {
        uint32_t what = draw(100);
        if (what < 50)
            alloc(exact);
        else if (what < 94)
            free_one(reach);
        else if (what < 99 && m.count > 0)
            change_youngest();
        else if (draw(20) == 0) {
            tarn_ring_reset(&m.ring);
            m.count = 0;
        }
        if (step % 64 == 0 && tarn_check(&m.ring.allocator) != TARN_OK)
            fail_msg("seed %u: an invariant is broken", m.seed);
    }
    while (m.count > 0)
        free_one(1);
    assert_int_equal(tarn_ring_used(&m.ring), 0);
    assert_int_equal(m.ring.holes, 0);
    assert_int_equal(tarn_check(&m.ring.allocator), TARN_OK);
    tarn_ring_deinit(&m.ring);
}

static uint32_t only;

static void streams(void **state)
{
    (void)state;
    for (uint32_t seed = only != 0 ? only : 1; seed <= (only != 0 ? only : SEEDS); seed++) {
        m.seed = seed;
        run(seed, false);
        run(seed, true);
    }
    if (only == 0) { /* the streams go where they are to go */
        assert_true(m.served > SEEDS * STEPS / 10);
        assert_true(m.refused > 1000);
        assert_true(m.rounds > 1000);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(streams)};
    only = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
