/* SPDX-License-Identifier: MIT */
/*
 * Random streams on a tlsf against a map of its memory, with tarn_check after each step.
 *
 *     tlsf_property_test              the seeds of every run
 *     tlsf_property_test SEED         this one alone
 *
 * The map says for each byte of four regions whose it is. So beside what any allocator owes (no
 * overlap, contents kept) it shows what a tlsf promises: a request is refused only when no gap is as
 * big as its list asks for, and never while the room is what tarn_tlsf_worst_bytes says.
 */
#include <stdio.h>
#include <stdlib.h>

#include <tarn/tlsf.h>

#include "base/two_level.h"
#include "support/tarn_test.h"

enum { SEEDS = 60, STEPS = 600, BLOCKS = 200, PARTS = 4, PART = 12000, W = sizeof(size_t) };

typedef struct block {
    unsigned char *p;
    size_t size, real;
    tarn_spec log;
    unsigned char fill;
} block;

static struct model {
    tarn_tlsf tlsf;
    _Alignas(64) unsigned char memory[PARTS][PART];
    unsigned char owner[PARTS][PART]; /* 0: nobody */
    bool added[PARTS];
    block blocks[BLOCKS];
    uint32_t random;
    bool check, outside;
    unsigned long seed;
} m;

static uint32_t draw(uint32_t below)
{
    m.random ^= m.random << 13;
    m.random ^= m.random >> 17;
    m.random ^= m.random << 5;
    return m.random % below;
}

static void must(bool truth, const char *what)
{
    if (!truth)
        fail_msg("seed %lu: %s", m.seed, what);
}

static unsigned char *owner_of(const block *b)
{
    size_t part = (size_t)(b->p - m.memory[0]) / PART;
    must(part < PARTS && m.added[part] && b->p + b->real <= m.memory[part] + PART,
         "a block outside of the regions");
    return m.owner[part] + (b->p - m.memory[part]);
}

static void claim(block *b)
{
    unsigned char *owner = owner_of(b);
    for (size_t i = 0; i < b->real; i++) {
        must(owner[i] == 0, "two blocks share a byte");
        owner[i] = 1;
    }
    b->fill = (unsigned char)draw(256);
    memset(b->p, b->fill, b->real);
}

static void release(const block *b)
{
    unsigned char *owner = owner_of(b);
    memset(owner, 0, b->real);
}

static void is_kept(const block *b, size_t size)
{
    for (size_t i = 0; i < size; i++)
        must(b->p[i] == b->fill, "contents were lost");
}

/* The longest run of bytes that are nobody's. Tags of live blocks are among them, so a gap is a little longer than the
 * piece in it. */
static size_t longest_gap(void)
{
    size_t longest = 0;
    for (size_t part = 0; part < PARTS; part++) {
        size_t run = 0;
        for (size_t i = 0; m.added[part] && i < PART; i++) {
            run = m.owner[part][i] == 0 ? run + 1 : 0;
            longest = run > longest ? run : longest;
        }
    }
    return longest;
}

/* A gap of so many bytes serves any request of size, wherever it lies. */
static size_t surely_enough(size_t size, size_t align)
{
    size_t grain = m.outside ? 64 : TARN_TLSF_GRAIN, need = size + 4 * W + 2 * grain;
    if (align > grain)
        need += 2 * align;
    uint32_t fit = tarn_two_level_fit(TARN_TLSF_BITS, need >> TARN_TLSF_GRAIN_LOG);
    return ((size_t)tarn_two_level_low(TARN_TLSF_BITS, fit + 1) << TARN_TLSF_GRAIN_LOG) +
           TARN_TLSF_REGION_BYTES + 4 * W + 2 * grain;
}

static void take(block *b)
{
    b->size = draw(3) == 0 ? draw(3000) : draw(200);
    b->log = draw(4) == 0 ? draw(9) : 0;
    size_t gap = longest_gap();
    tarn_block got = tarn_alloc_at_least(&m.tlsf.allocator, b->size, b->log);
    b->p = got.ptr;
    b->real = got.size;
    if (b->p == NULL) {
        must(gap < surely_enough(b->size, (size_t)1 << b->log), "refused while there was room");
        return;
    }
    must(b->real >= b->size && (uintptr_t)b->p % ((size_t)1 << b->log) == 0, "not as asked for");
    claim(b);
}

static void give(block *b)
{
    is_kept(b, b->real);
    release(b);
    size_t told = draw(3) == 0 ? 0 : b->size + draw((uint32_t)(b->real - b->size + 1));
    tarn_tlsf_free(&m.tlsf, b->p, told, b->log);
    b->p = NULL;
}

static void resize(block *b)
{
    size_t size = draw(3) == 0 ? draw(3000) : draw(300), keep = size < b->size ? size : b->size;
    tarn_spec how = draw(2) == 0 ? TARN_IN_PLACE : 0;
    is_kept(b, b->real);
    unsigned char *p = tarn_tlsf_resize(&m.tlsf, b->p, b->size, size, keep, b->log | how);
    if (p == NULL) {
        is_kept(b, b->real);
        must(size > b->real || m.check, "a shrink was refused");
        return;
    }
    must(p == b->p || how == 0, "it moved");
    release(b);
    b->p = p;
    is_kept(b, keep);
    b->size = size;
    b->real = tarn_usable(&m.tlsf.allocator, p, size, b->log);
    must(b->real >= size, "less than asked for");
    claim(b);
}

static void change_regions(void)
{
    size_t part = draw(PARTS);
    bool used = false;
    for (size_t i = 0; i < PART; i++)
        used = used || m.owner[part][i] != 0;
    if (!m.added[part]) {
        must(tarn_tlsf_add_region(&m.tlsf, m.memory[part], PART) == TARN_OK, "no region");
        m.added[part] = true;
        return;
    }
    tarn_status status = tarn_tlsf_remove_region(&m.tlsf, m.memory[part]);
    must(status == (used ? TARN_BUSY : TARN_OK), "removed or kept wrongly");
    m.added[part] = used;
}

static void run(unsigned long seed)
{
    memset(&m, 0, sizeof m);
    m.seed = seed;
    m.random = (uint32_t)seed * 2654435761u | 1;
    m.check = TARN_CHECKED || seed % 3 == 1;
    m.outside = seed % 3 == 2;
    tarn_tlsf_options o = {.check = m.check, .metadata = m.outside ? tarn_libc() : NULL};
    must(tarn_tlsf_init(&m.tlsf, &o) == TARN_OK, "init");
    for (size_t step = 0; step < STEPS; step++) {
        block *b = &m.blocks[draw(BLOCKS)];
        uint32_t what = draw(100);
        if (what < 4)
            change_regions();
        else if (b->p == NULL)
            take(b);
        else if (what < 30)
            resize(b);
        else
            give(b);
        must(tarn_check(&m.tlsf.allocator) == TARN_OK, "check");
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        if (m.blocks[i].p != NULL)
            give(&m.blocks[i]);
    }
    must(tarn_check(&m.tlsf.allocator) == TARN_OK && m.tlsf.live == 0, "check at the end");
    tarn_tlsf_deinit(&m.tlsf);
}

static void streams(void **unused)
{
    (void)unused;
    for (unsigned long seed = 1; seed <= SEEDS; seed++)
        run(seed);
}

/* ── The bound ── */

enum { LIVE = 4000, LARGEST = 1000, SMALLEST = 24, PINS = LIVE / SMALLEST + 1 };

static void *pins[PINS];
static size_t sizes[PINS];

/* Every second block and so on freed, and ever larger ones asked for, in any order and of any size when `random`. */
static void fragment(tarn_tlsf *t, bool random)
{
    size_t live = 0;
    memset(pins, 0, sizeof pins);
    for (size_t size = SMALLEST, keep = 2; size <= LARGEST; size += size / 3, keep++) {
        for (size_t i = 0; i < PINS; i++) {
            bool goes = random ? draw(3) == 0 : i % keep != 0;
            if (pins[i] != NULL && goes) {
                tarn_tlsf_free(t, pins[i], sizes[i], 0);
                live -= sizes[i];
                pins[i] = NULL;
            }
        }
        for (size_t i = 0; i < PINS; i++) {
            size_t want = random ? SMALLEST + draw(LARGEST - SMALLEST + 1) : size;
            if (pins[i] != NULL || live + want > LIVE)
                continue;
            pins[i] = tarn_tlsf_alloc(t, want, 0);
            must(pins[i] != NULL, "refused within the bound");
            sizes[i] = want;
            live += want;
        }
    }
    must(tarn_check(&t->allocator) == TARN_OK, "check");
    (void)tarn_reset(&t->allocator);
}

/* What costs most: each block shrinks in place to the smallest as soon as another lies behind it, so the gaps are just
 * too small for the next. Never more than `live` bytes are live. */
static void leave_gaps(tarn_tlsf *t, size_t live)
{
    void *last = NULL;
    for (size_t walls = 0; walls * SMALLEST + 2 * LARGEST <= live; walls++) {
        void *p = tarn_tlsf_alloc(t, LARGEST, 0);
        must(p != NULL, "refused within the bound");
        if (last != NULL)
            must(tarn_tlsf_resize(t, last, LARGEST, SMALLEST, SMALLEST, TARN_IN_PLACE) == last,
                 "a shrink was refused");
        last = p;
    }
}

/* One region with the room of the bound. */
static void start_with(size_t live, unsigned char **memory)
{
    size_t room = tarn_tlsf_worst_bytes(live, LARGEST, SMALLEST) +
                  (TARN_CHECKED ? live / SMALLEST * 2 * W : 0);
    *memory = malloc(room + TARN_TLSF_REGION_BYTES);
    tarn_tlsf_options o = {.buffer = *memory, .buffer_size = room + TARN_TLSF_REGION_BYTES};
    must(tarn_tlsf_init(&m.tlsf, &o) == TARN_OK, "init");
    must(tarn_tlsf_get_report(&m.tlsf).room >= room, "the room that was promised");
}

static void nothing_is_refused_within_the_bound(void **unused)
{
    (void)unused;
    unsigned char *memory;
    start_with(LIVE, &memory);
    fragment(&m.tlsf, false);
    for (int i = 0; i < 50; i++)
        fragment(&m.tlsf, true);
    tarn_tlsf_report r = tarn_tlsf_get_report(&m.tlsf);
    must(r.peak <= r.span && r.span <= r.room, "the span");
    tarn_tlsf_deinit(&m.tlsf);
    free(memory);
}

/* A bound that nothing comes near would say nothing. */
static void the_bound_is_not_far_from_what_can_happen(void **unused)
{
    (void)unused;
    unsigned char *memory;
    start_with(10 * LIVE, &memory);
    leave_gaps(&m.tlsf, 10 * LIVE);
    tarn_tlsf_report r = tarn_tlsf_get_report(&m.tlsf);
    assert_in_range(r.span, r.room / 4 * 3, r.room);
    tarn_tlsf_deinit(&m.tlsf);
    free(memory);
}

static void a_bound_that_makes_no_sense_is_none(void **unused)
{
    (void)unused;
    assert_int_equal(tarn_tlsf_worst_bytes(100, 50, 60), 0);
    assert_int_equal(tarn_tlsf_worst_bytes(100, 101, 1), 0);
    assert_int_equal(tarn_tlsf_worst_bytes(SIZE_MAX, SIZE_MAX, 1), 0);
    assert_int_equal(tarn_tlsf_worst_bytes(SIZE_MAX, 1000, 1), 0);
    assert_true(tarn_tlsf_worst_bytes(100, 50, 0) == tarn_tlsf_worst_bytes(100, 50, 1));
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        run(strtoul(argv[1], NULL, 10));
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams),
        cmocka_unit_test(nothing_is_refused_within_the_bound),
        cmocka_unit_test(the_bound_is_not_far_from_what_can_happen),
        cmocka_unit_test(a_bound_that_makes_no_sense_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
