/* SPDX-License-Identifier: MIT */
/*
 * Random streams of operations on a table of slots, against a list of all handles that were ever given.
 *
 *     slots_property_test             the seeds of every run, and the failure sweep
 *     slots_property_test SEED        this one again, in every form of table
 *
 * The model: a handle lives, or is stale for ever. After every step a random one of all handles is
 * asked for; a live one has the object with its number, a stale one is refused, and so is any number
 * that was never given.
 */
#include "support/tarn_test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <tarn/slots.h>

#include "conform/tarn_conform.h"

enum { SEEDS = 60, STEPS = 3000, HANDLES = STEPS * 8 };

typedef struct object {
    uint64_t number, twice;
} object;

typedef struct given {
    tarn_slot slot;
    bool lives;
} given;

static struct model {
    tarn_slots table;
    given handles[HANDLES]; /* the number of an object is its index here */
    size_t count, live;
    uint64_t random;
    bool sound;
} m;

static const tarn_slots_options FORMS[] = {
    {.name = "stable", .chunk = 64},
    {.name = "stable, 32 bits", .handle_bits = 32},
    {.name = "stable, few generations", .handle_bits = 32, .index_bits = 24, .tag_bits = 4},
    {.name = "stable, checked", .chunk = 64, .check = true},
    {.name = "stable, limited", .limit = 100, .chunk = 64},
    {.name = "stable, of a capacity", .capacity = 200},
    {.name = "compacting", .compact = true},
    {.name = "compacting, 32 bits", .compact = true, .handle_bits = 32, .check = true},
    {.name = "compacting, few generations",
     .compact = true,
     .handle_bits = 32,
     .index_bits = 24,
     .tag_bits = 4},
    {.name = "compacting, of a capacity", .compact = true, .capacity = 150},
};
enum { FORM_COUNT = sizeof FORMS / sizeof *FORMS };

static uint64_t draw(uint64_t below)
{
    m.random ^= m.random << 13;
    m.random ^= m.random >> 7;
    m.random ^= m.random << 17;
    return m.random % below;
}

static void expect(bool truth, const char *what)
{
    if (!truth && m.sound)
        print_message("%s\n", what);
    m.sound &= truth;
}

static void ask(size_t number)
{
    const given *g = &m.handles[number];
    const object *o = tarn_slots_resolve(&m.table, g->slot);
    expect((o != NULL) == g->lives, "a live handle is refused, or a stale one is not");
    if (o != NULL && g->lives)
        expect(o->number == number && o->twice == 2 * number, "an object has changed");
}

static void step_alloc(void)
{
    object *o = NULL;
    void *place = NULL;
    if (m.count == HANDLES)
        return;
    tarn_slot slot = tarn_slots_alloc(&m.table, &place);
    o = place;
    if (slot == 0) {
        expect(tarn_slots_why(&m.table).status == TARN_LIMIT, "refused without a limit");
        return;
    }
    *o = (object){m.count, 2 * m.count};
    m.handles[m.count++] = (given){slot, true};
    m.live++;
}

static void step_free(void)
{
    if (m.count == 0)
        return;
    given *g = &m.handles[draw(m.count)];
    for (int tries = 0; tries < 40 && !g->lives; tries++) /* mostly a live one */
        g = &m.handles[draw(m.count)];
    tarn_status status = tarn_slots_free(&m.table, g->slot);
    expect(status == (g->lives ? TARN_OK : TARN_STALE), "a free had the wrong answer");
    m.live -= g->lives;
    g->lives = false;
}

static void step_forge(void)
{
    tarn_slot forged = draw(UINT64_MAX);
    if (m.count > 0 && draw(2) == 0) /* one bit from a real one */
        forged = m.handles[draw(m.count)].slot ^ (uint64_t)1 << draw(64);
    for (size_t i = 0; i < m.count; i++)
        if (m.handles[i].slot == forged)
            return;
    expect(tarn_slots_resolve(&m.table, forged) == NULL, "a forged handle was resolved");
    expect(tarn_slots_free(&m.table, forged) == TARN_STALE, "a forged handle was freed");
}

static bool see(void *user, tarn_slot slot, void *place)
{
    const object *o = place;
    size_t *seen = user;
    ++*seen;
    expect(o->number < m.count && m.handles[o->number].lives && m.handles[o->number].slot == slot,
           "a walk saw what does not live");
    if (draw(8) == 0 && m.sound) {
        m.handles[o->number].lives = false;
        m.live--;
        expect(tarn_slots_free(&m.table, slot) == TARN_OK, "the walk's free was refused");
    }
    return true;
}

static void step_walk(void)
{
    size_t live = m.live, seen = 0;
    tarn_slots_each(&m.table, see, &seen);
    expect(seen == live, "a walk saw another number of objects");
}

static void step_all(void)
{
    if (draw(4) == 0) {
        tarn_slots_reset(&m.table);
        for (size_t i = 0; i < m.count; i++)
            m.handles[i].lives = false;
        m.live = 0;
    } else {
        (void)tarn_slots_trim(&m.table);
    }
}

static void step(uint64_t phase)
{
    uint64_t kind = draw(100);
    if (kind < (phase % 3 == 0 ? 60u : 35u))
        step_alloc();
    else if (kind < 90)
        step_free();
    else if (kind < 96)
        step_forge();
    else if (kind < 98)
        step_walk();
    else if (draw(6) == 0)
        step_all();
    if (m.count > 0)
        ask((size_t)draw(m.count));
    expect(tarn_slots_count(&m.table) == m.live, "the count is wrong");
}

static void every_handle_is_distinct(void)
{
    for (size_t i = 0; i < m.count; i += 7)
        for (size_t k = i + 1; k < m.count; k++)
            expect(m.handles[i].slot != m.handles[k].slot, "a handle was given twice");
}

/* True when all went well. */
static bool run(const tarn_slots_options *form, uint64_t seed)
{
    tarn_slots_options o = *form;
    o.object_size = sizeof(object);
    m.count = m.live = 0;
    m.random = seed * 2654435761u + 1;
    m.sound = tarn_slots_init(&m.table, &o) == TARN_OK;
    if (!m.sound)
        return false;
    for (uint64_t i = 0; i < STEPS && m.sound; i++) {
        step(i / 300);
        if (i % 100 == 0)
            expect(tarn_slots_check(&m.table) == TARN_OK, "an invariant does not hold");
    }
    for (size_t i = 0; i < m.count; i++)
        ask(i);
    if (seed % 8 == 0)
        every_handle_is_distinct();
    tarn_slots_deinit(&m.table);
    if (!m.sound)
        print_message("table '%s', seed %llu\n", form->name, (unsigned long long)seed);
    return m.sound;
}

static uint64_t first = 1, last = SEEDS;

static void handles_are_good_while_they_live_and_stale_for_ever(void **unused)
{
    (void)unused;
    for (size_t f = 0; f < FORM_COUNT; f++)
        for (uint64_t seed = first; seed <= last; seed++)
            assert_true(run(&FORMS[f], seed));
}

/* Fill, free some, trim, with every request of the parent refused in turn. */
static bool scenario(tarn_allocator *a, void *user)
{
    tarn_slots_options o = *(const tarn_slots_options *)user;
    tarn_status status;
    o.parent = a;
    o.object_size = sizeof(object);
    tarn_slots *t = tarn_slots_create(&o, &status);
    if (t == NULL)
        return false;
    tarn_slot h[600];
    size_t n = 0;
    while (n < 600 && (h[n] = tarn_slots_alloc(t, NULL)) != 0)
        n++;
    bool whole = n == 600;
    for (size_t i = 0; i < n; i++)
        if (i % 2 == 0 || i >= 300)
            whole &= tarn_slots_free(t, h[i]) == TARN_OK;
    (void)tarn_slots_trim(t);
    for (size_t i = 0; i < n; i++)
        if ((tarn_slots_resolve(t, h[i]) != NULL) != (i % 2 != 0 && i < 300))
            abort();
    if (tarn_slots_check(t) != TARN_OK)
        abort();
    tarn_slots_destroy(t);
    return whole;
}

static void every_refusal_of_the_parent_is_survived(void **unused)
{
    (void)unused;
    tarn_slots_options forms[] = {
        {.chunk = 64}, {.compact = true}, {.capacity = 600}, {.capacity = 600, .compact = true}};
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        tarn_sweep_options sweep = {.name = "slots", .run = scenario, .user = &forms[f]};
        assert_int_equal(tarn_sweep(&sweep), 0);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        first = last = strtoull(argv[1], NULL, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles_are_good_while_they_live_and_stale_for_ever),
        cmocka_unit_test(every_refusal_of_the_parent_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
