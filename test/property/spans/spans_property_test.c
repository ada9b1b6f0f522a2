/* SPDX-License-Identifier: MIT */
/*
 * Random streams of map, unmap, tick, trim and time on a spans source, against a list of regions
 * and of what became idle when.
 *
 *     spans_property_test            the seeds of every run; TARN_PROPERTY_START, TARN_PROPERTY_ROUNDS
 *     spans_property_test SEED       this one again, with the operations printed
 *
 * What must hold: a region is aligned, as large as asked for, zero when it says so, and overlaps no
 * other (each is filled with its number, which is there at the end); the report is the list's sum;
 * a refusal changes nothing that is out; after a tick no more is idle than the policy allows for
 * what was given back, nor after any call more than the limit; two decay times after the last region
 * is back, nothing is held.
 */
#include "support/tarn_test.h"

#include <stdio.h>
#include <stdlib.h>

#include <tarn/spans.h>

#include "support/ground.h"

enum { SEEDS = 30, STEPS = 800, REGIONS = 128, FREES = STEPS, GRANULE = 4096 };

static struct model {
    tarn_spans spans;
    ground below;
    struct {
        unsigned char *p;
        size_t size, align;
        unsigned char mark;
    } regions[REGIONS];
    size_t count;
    struct {
        uint64_t when;
        size_t granules;
    } frees[FREES];
    size_t free_count;
    size_t live;
    uint64_t now;
    uint32_t random, decay;
    size_t idle_limit;
    bool loud, can_purge;
} m;

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

static uint64_t clock_of_test(void *user)
{
    (void)user;
    return m.now;
}

static void map(void)
{
    size_t size = 1 + draw(draw(8) == 0 ? 300000 : 30000), align = (size_t)1 << draw(17);
    unsigned char mark = (unsigned char)(1 + draw(255));
    tarn_region r;
    tarn_status status;
    if (m.count == REGIONS)
        return;
    m.below.refuses = draw(20) == 0;
    status = tarn_source_map(&m.spans.source, size, align, 0, &r);
    SAY("map %zu align %zu: %p, %s\n", size, align, r.ptr, tarn_status_text(status));
    if (status != TARN_OK) {
        assert_true(m.below.refuses && r.ptr == NULL);
        return;
    }
    assert_true(r.size >= size && r.size - size < GRANULE);
    assert_int_equal((uintptr_t)r.ptr % align, 0);
    for (size_t i = 0; i < r.size && (r.traits & TARN_REGION_ZEROED) != 0; i++)
        assert_int_equal(((unsigned char *)r.ptr)[i], 0);
    memset(r.ptr, mark, r.size);
    m.regions[m.count].p = r.ptr;
    m.regions[m.count].size = r.size;
    m.regions[m.count].align = align;
    m.regions[m.count++].mark = mark;
    m.live += r.size;
}

static void unmap(void)
{
    size_t i;
    if (m.count == 0)
        return;
    i = draw((uint32_t)m.count);
    SAY("unmap %p %zu\n", (void *)m.regions[i].p, m.regions[i].size);
    for (size_t at = 0; at < m.regions[i].size; at++)
        assert_int_equal(m.regions[i].p[at], m.regions[i].mark);
    tarn_source_unmap(&m.spans.source, m.regions[i].p, m.regions[i].size, m.regions[i].align);
    m.frees[m.free_count].when = m.now;
    m.frees[m.free_count++].granules = m.regions[i].size / GRANULE;
    m.live -= m.regions[i].size;
    m.regions[i] = m.regions[--m.count];
}

/* What the policy allows of all that was given back: the curve at the least age in whole steps. */
static double allowed(void)
{
    double sum = 0, step = (double)((m.decay + 31) / 32);
    for (size_t i = 0; i < m.free_count; i++) {
        double age = (double)(m.now - m.frees[i].when) - step, x = age > 0 ? age / (32 * step) : 0;
        sum += x >= 1 ? 0 : (double)m.frees[i].granules * (1 - 3 * x * x + 2 * x * x * x);
    }
    return sum + 1;
}

static void verify(bool ticked)
{
    tarn_spans_report r;
    assert_int_equal(tarn_spans_check(&m.spans), TARN_OK);
    tarn_spans_get_report(&m.spans, &r);
    assert_int_equal(r.live, m.live);
    assert_int_equal(r.regions, m.count);
    assert_int_equal(r.held, r.live + r.dirty + r.clean);
    assert_int_equal(r.held, m.below.mapped);
    assert_int_equal(r.spans, m.below.count);
    assert_int_equal(m.below.faults, 0);
    if (m.can_purge && m.idle_limit != 0)
        assert_true(r.dirty <= m.idle_limit);
    if (m.can_purge && ticked)
        assert_true((double)(r.dirty / GRANULE) <= allowed());
}

static void step(void)
{
    bool ticked = false;
    uint32_t what = draw(100);
    if (what < 45) {
        map();
    } else if (what < 85) {
        unmap();
    } else if (what < 97) {
        m.now += draw(draw(4) == 0 ? m.decay : m.decay / 20);
        SAY("now %llu\n", (unsigned long long)m.now);
        if (draw(2) == 0) {
            size_t gone = tarn_spans_tick(&m.spans);
            SAY("tick: %zu\n", gone);
            ticked = true;
        }
    } else {
        size_t gone = tarn_spans_trim(&m.spans);
        SAY("trim: %zu\n", gone);
        m.free_count = 0; /* all of it is gone */
    }
    verify(ticked);
}

static void run(uint32_t seed)
{
    static const tarn_spans_policy POLICIES[] = {TARN_SPANS_DOUBLE, TARN_SPANS_FIXED,
                                                 TARN_SPANS_PERCENT};
    tarn_spans_options o = {.granule = GRANULE, .clock = clock_of_test};
    memset(&m, 0, offsetof(struct model, loud));
    m.random = seed * 2654435761u + 1;
    m.decay = 64 + draw(5000);
    m.now = draw(1000);
    m.can_purge = draw(3) != 0;
    m.idle_limit = draw(3) == 0 ? (1 + draw(50)) * (size_t)GRANULE : 0;
    o.source = ground_init(&m.below, m.can_purge ? TARN_SOURCE_PURGE : 0);
    o.first = (1 + draw(32)) * (size_t)GRANULE;
    o.most = o.first * (1 + draw(8));
    o.policy = POLICIES[draw(3)];
    o.decay_ms = m.decay;
    o.idle_limit = m.idle_limit;
    o.manual = draw(3) == 0;
    assert_int_equal(tarn_spans_init(&m.spans, &o), TARN_OK);
    for (int i = 0; i < STEPS; i++)
        step();
    m.below.refuses = false;
    while (m.count != 0)
        unmap();
    for (int i = 0; i < 66; i++) {
        m.now += (m.decay + 31) / 32;
        (void)tarn_spans_tick(&m.spans);
        verify(true);
    }
    assert_int_equal(m.below.mapped, 0);
    tarn_spans_deinit(&m.spans);
    assert_int_equal(ground_deinit(&m.below), 0);
}

static uint32_t chosen, running;

static uint32_t number(const char *name, uint32_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? (uint32_t)strtoul(text, NULL, 0) : otherwise;
}

static void streams(void **state)
{
    (void)state;
    if (chosen != 0) {
        m.loud = true;
        run(chosen);
        return;
    }
    uint32_t first = number("TARN_PROPERTY_START", 1),
             count = number("TARN_PROPERTY_ROUNDS", SEEDS);
    for (uint32_t seed = first; seed != first + count; seed++) {
        running = seed;
        run(seed);
    }
    running = 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(streams)};
    chosen = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 0;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (running != 0)
        fprintf(stderr, "seed %u fails\n", running);
    return failed;
}
