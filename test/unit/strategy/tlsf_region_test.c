/* SPDX-License-Identifier: MIT */
/* tlsf_region_test.c - regions of a tlsf: added, removed, grown, trimmed; with metadata outside; the bound. */

#include <tarn/pages.h>
#include <tarn/tlsf.h>

#include "support/probe.h"
#include "support/tarn_test.h"

enum { PART = 1 << 14, PARTS = 4, GRAIN = TARN_TLSF_GRAIN };

static tarn_tlsf tlsf;
static probe strict;
static _Alignas(4096) unsigned char memory[PARTS][PART];

static void start(tarn_tlsf_options o)
{
    assert_int_equal(tarn_tlsf_init(&tlsf, &o), TARN_OK);
}

static void is_whole(void)
{
    assert_int_equal(tarn_check(&tlsf.allocator), TARN_OK);
}

static void nothing_can_be_had_before_there_is_a_region(void **unused)
{
    (void)unused;
    start((tarn_tlsf_options){0});
    is_whole();
    assert_null(tarn_tlsf_alloc(&tlsf, 1, 0));
    assert_int_equal(tarn_get_why(&tlsf.allocator).status, TARN_NO_MEMORY);
    assert_int_equal(tarn_owns(&tlsf.allocator, memory), TARN_NO);
    assert_int_equal(tarn_tlsf_get_report(&tlsf).room, 0);
    assert_int_equal(tarn_reset(&tlsf.allocator), TARN_OK);
    tarn_tlsf_deinit(&tlsf);
}

static void regions_come_and_go(void **unused)
{
    (void)unused;
    void *block[PARTS];
    start((tarn_tlsf_options){0});
    for (size_t i = 0; i < PARTS; i++) {
        assert_int_equal(tarn_tlsf_add_region(&tlsf, memory[i], PART), TARN_OK);
        block[i] = tarn_tlsf_alloc(&tlsf, PART / 2, 0); /* no other has room for it */
        assert_true((unsigned char *)block[i] > memory[i] &&
                    (unsigned char *)block[i] < memory[i] + PART);
        is_whole();
    }
    assert_null(tarn_tlsf_alloc(&tlsf, PART / 2, 0));
    tarn_tlsf_free(&tlsf, block[1], 0, 0);
    tarn_tlsf_free(&tlsf, block[3], 0, 0);
    assert_int_equal(tarn_tlsf_remove_region(&tlsf, memory[0]), TARN_BUSY);
    assert_int_equal(tarn_tlsf_remove_region(&tlsf, memory[1] + 16), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_tlsf_remove_region(&tlsf, memory[1]), TARN_OK);
    is_whole();
    assert_int_equal(tarn_tlsf_remove_region(&tlsf, memory[1]), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_owns(&tlsf.allocator, block[1]), TARN_NO);
    assert_int_equal(tarn_tlsf_remove_region(&tlsf, memory[3]), TARN_OK);
    is_whole();
    assert_null(tarn_tlsf_alloc(&tlsf, PART / 2, 0));
    assert_int_equal(tarn_tlsf_add_region(&tlsf, memory[1], PART), TARN_OK);
    assert_non_null(tarn_tlsf_alloc(&tlsf, PART / 2, 0));
    assert_int_equal(tarn_tlsf_get_report(&tlsf).regions, 3);
    assert_int_equal(tarn_trim(&tlsf.allocator), 0); /* they are the caller's */
    is_whole();
    tarn_tlsf_deinit(&tlsf);
}

static void a_region_that_is_none_is_refused(void **unused)
{
    (void)unused;
    for (int outside = 0; outside < 2; outside++) {
        start((tarn_tlsf_options){.metadata = outside ? probe_init(&strict, NULL) : NULL});
        assert_int_equal(tarn_tlsf_add_region(&tlsf, NULL, 4096), TARN_BAD_ARGUMENT);
        assert_int_equal(tarn_tlsf_add_region(&tlsf, memory[1], SIZE_MAX), TARN_BAD_ARGUMENT);
        assert_int_equal(tarn_tlsf_add_region(&tlsf, memory[1], 0), TARN_LIMIT);
        for (size_t size = 1; size < 48; size++)
            assert_int_equal(tarn_tlsf_add_region(&tlsf, memory[1] + 1, size), TARN_LIMIT);
#if UINTPTR_MAX > 0xffffffffu
        assert_int_equal(tarn_tlsf_add_region(&tlsf, memory[1], (size_t)1 << TARN_TLSF_LOG2),
                         TARN_TOO_BIG);
#endif
        assert_int_equal(tarn_tlsf_add_region(&tlsf, memory[1], PART), TARN_OK);
        assert_int_equal(tarn_tlsf_add_region(&tlsf, memory[1], PART), TARN_BAD_ARGUMENT);
        assert_int_equal(tarn_tlsf_add_region(&tlsf, memory[0], PART + 1), TARN_BAD_ARGUMENT);
        assert_int_equal(tarn_tlsf_add_region(&tlsf, memory[1] + PART - 1, PART),
                         TARN_BAD_ARGUMENT);
        assert_int_equal(tarn_tlsf_add_region(&tlsf, memory[1] + 100, 100), TARN_BAD_ARGUMENT);
        assert_int_equal(tarn_tlsf_get_report(&tlsf).regions, 1);
        is_whole();
        tarn_tlsf_deinit(&tlsf);
        if (outside)
            assert_int_equal(probe_deinit(&strict), 0);
    }
}

static void any_start_and_any_length_will_do(void **unused)
{
    (void)unused;
    for (size_t skip = 0; skip < 2 * GRAIN; skip++) {
        for (size_t size = TARN_TLSF_REGION_BYTES + 64; size < TARN_TLSF_REGION_BYTES + 100;
             size++) {
            memset(memory[0], 0xee, PART);
            start((tarn_tlsf_options){.buffer = memory[0] + skip, .buffer_size = size});
            assert_true(tarn_tlsf_get_report(&tlsf).room + TARN_TLSF_REGION_BYTES >= size);
            void *p = tarn_tlsf_alloc(&tlsf, 8, 0);
            assert_non_null(p);
            memset(p, 1, tarn_usable(&tlsf.allocator, p, 8, 0));
            is_whole();
            for (size_t i = 0; i < PART; i++) {
                if (i < skip || i >= skip + size)
                    assert_int_equal(memory[0][i], 0xee);
            }
            tarn_tlsf_deinit(&tlsf);
        }
    }
}

static void it_grows_and_gives_back(void **unused)
{
    (void)unused;
    tarn_stats s;
    void *p[40];
    start((tarn_tlsf_options){.parent = probe_init(&strict, NULL), .chunk_size = 10000});
    for (size_t i = 0; i < 40; i++) {
        p[i] = tarn_tlsf_alloc(&tlsf, (size_t)100 << i % 8, (tarn_spec)(i % 10));
        assert_non_null(p[i]);
        is_whole();
    }
    tarn_get_stats(&tlsf.allocator, &s);
    assert_true(s.chunks > 5);
    assert_int_equal(s.held_bytes, strict.stats.live_bytes);
    for (size_t i = 0; i < 40; i += 2)
        tarn_tlsf_free(&tlsf, p[i], 0, (tarn_spec)(i % 10));
    size_t before = strict.stats.live_bytes, gone = tarn_trim(&tlsf.allocator);
    assert_int_equal(before - gone, strict.stats.live_bytes);
    is_whole();
    for (size_t i = 1; i < 40; i += 2)
        tarn_tlsf_free(&tlsf, p[i], 0, (tarn_spec)(i % 10));
    (void)tarn_trim(&tlsf.allocator);
    assert_int_equal(strict.stats.live_bytes, 0);
    is_whole();
    assert_non_null(tarn_tlsf_alloc(&tlsf, 100000, 0));
    assert_ptr_equal(tarn_parent(&tlsf.allocator, 0), &strict.allocator);
    tarn_tlsf_deinit(&tlsf);
    assert_int_equal(probe_deinit(&strict), 0);
    assert_int_equal(strict.faults, 0);
}

static void a_limit_holds(void **unused)
{
    (void)unused;
    start((tarn_tlsf_options){.parent = tarn_libc(), .chunk_size = 4096, .limit = 10000});
    assert_non_null(tarn_tlsf_alloc(&tlsf, 3500, 0));
    assert_non_null(tarn_tlsf_alloc(&tlsf, 3500, 0));
    assert_int_equal(tlsf.held, 8192);
    assert_null(tarn_tlsf_alloc(&tlsf, 2000, 0));
    assert_int_equal(tarn_get_why(&tlsf.allocator).status, TARN_LIMIT);
    assert_int_equal(tarn_get_why(&tlsf.allocator).limit, 10000);
    /* What is left is taken, though it is less than a chunk. */
    assert_non_null(tarn_tlsf_alloc(&tlsf, 1000, 0));
    assert_true(tlsf.held > 8192 && tlsf.held <= 10000);
    is_whole();
    tarn_tlsf_deinit(&tlsf);
}

/* The source gives whole granules: what is held is what counts. */
static void a_limit_holds_over_pages(void **unused)
{
    (void)unused;
    tarn_pages pages;
    tarn_stats s;
    assert_int_equal(tarn_pages_init(&pages, NULL), TARN_OK);
    size_t granule = pages.source.granule, limit = 3 * granule + granule / 2;
    start((tarn_tlsf_options){.source = &pages.source, .chunk_size = 100, .limit = limit});
    while (tarn_tlsf_alloc(&tlsf, 300, 0) != NULL) {
    }
    assert_int_equal(tarn_get_why(&tlsf.allocator).status, TARN_LIMIT);
    tarn_get_stats(&tlsf.allocator, &s);
    assert_int_equal(s.held_bytes, 3 * granule);
    is_whole();
    tarn_tlsf_deinit(&tlsf);
    tarn_pages_deinit(&pages);
}

static void what_is_idle_is_held(void **unused)
{
    (void)unused;
    tarn_stats s;
    start((tarn_tlsf_options){
        .buffer = memory[0], .buffer_size = PART, .parent = tarn_libc(), .chunk_size = 1000});
    void *p = tarn_tlsf_alloc(&tlsf, PART, 0); /* not from the buffer */
    assert_non_null(p);
    tarn_get_stats(&tlsf.allocator, &s);
    assert_true(s.held_bytes > tlsf.held);
    tarn_tlsf_free(&tlsf, p, PART, 0);
    tarn_get_stats(&tlsf.allocator, &s);
    assert_true(s.idle_bytes > PART && s.idle_bytes <= s.held_bytes);
    tarn_tlsf_deinit(&tlsf);
}

static void a_source_that_refuses_changes_nothing(void **unused)
{
    (void)unused;
    probe_init(&strict, &(probe_options){.max_size = 3000});
    start((tarn_tlsf_options){.parent = &strict.allocator, .chunk_size = 50000});
    void *p = tarn_tlsf_alloc(&tlsf, 1000, 0); /* a chunk is refused, as much as it takes is not */
    assert_non_null(p);
    assert_null(tarn_tlsf_alloc(&tlsf, 5000, 0));
    assert_int_equal(tarn_get_why(&tlsf.allocator).status, TARN_TOO_BIG);
    assert_null(tarn_tlsf_alloc(&tlsf, (size_t)1 << (TARN_TLSF_LOG2 - 1), 0));
    is_whole();
    tarn_tlsf_deinit(&tlsf);
    assert_int_equal(probe_deinit(&strict), 0);
}

/* Nothing is written into a region whose metadata is outside. */
static void outside_leaves_the_memory_alone(void **unused)
{
    (void)unused;
    void *p[50];
    probe_init(&strict, NULL);
    memset(memory, 0xc3, sizeof memory);
    start((tarn_tlsf_options){.metadata = &strict.allocator, .grain = 32});
    for (size_t i = 0; i < PARTS; i++)
        assert_int_equal(tarn_tlsf_add_region(&tlsf, memory[(i * 3) % PARTS] + i, PART - 2 * i),
                         TARN_OK);
    size_t metadata = strict.stats.live_bytes, calls = strict.calls[0];
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < 50; i++) {
            p[i] = tarn_tlsf_alloc(&tlsf, 1 + i * 17, i % 3 == 0 ? 8 : 0);
            assert_non_null(p[i]);
            assert_int_equal((uintptr_t)p[i] % (i % 3 == 0 ? 256 : 32), 0);
            assert_int_equal(tarn_owns(&tlsf.allocator, p[i]), TARN_YES);
        }
        is_whole();
        for (size_t i = 0; i < 50; i++)
            tarn_tlsf_free(&tlsf, p[(i * 7) % 50], 0, (i * 7) % 50 % 3 == 0 ? 8 : 0);
        is_whole();
    }
    assert_int_equal(strict.stats.live_bytes, metadata);
    assert_int_equal(strict.calls[0], calls); /* none in alloc and free */
    for (size_t i = 0; i < sizeof memory; i++)
        assert_int_equal(memory[i / PART][i % PART], 0xc3);
    assert_int_equal(tarn_tlsf_get_report(&tlsf).largest_free % 32, 0);
    for (size_t i = 0; i < PARTS; i++)
        assert_int_equal(tarn_tlsf_remove_region(&tlsf, memory[(i * 3) % PARTS] + i), TARN_OK);
    is_whole();
    tarn_tlsf_deinit(&tlsf);
    assert_int_equal(probe_deinit(&strict), 0);
    assert_int_equal(strict.faults, 0);
}

static void outside_without_memory_for_it_is_refused(void **unused)
{
    (void)unused;
    for (size_t allowed = 0; allowed < 3; allowed++) {
        probe_init(&strict, &(probe_options){.max_blocks = allowed != 0 ? allowed : 1,
                                             .max_size = allowed != 0 ? 0 : 1});
        start((tarn_tlsf_options){.metadata = &strict.allocator});
        tarn_status status = tarn_tlsf_add_region(&tlsf, memory[0], PART);
        assert_int_equal(status, allowed == 2 ? TARN_OK : TARN_NO_MEMORY);
        assert_int_equal(tlsf.region_count, allowed == 2);
        is_whole();
        tarn_tlsf_deinit(&tlsf);
        assert_int_equal(probe_deinit(&strict), 0);
    }
}

/* Whichever of the calls is refused: what was given before goes back. */
static void an_init_that_fails_keeps_no_metadata(void **unused)
{
    (void)unused;
    tarn_status status = TARN_OK;
    for (size_t allowed = 1; allowed < 3; allowed++) {
        probe_init(&strict, &(probe_options){.max_blocks = allowed});
        tarn_tlsf_options o = {
            .buffer = memory[0], .buffer_size = PART, .metadata = &strict.allocator};
        if (allowed == 1)
            assert_int_equal(tarn_tlsf_init(&tlsf, &o), TARN_NO_MEMORY);
        assert_null(tarn_tlsf_create(&o, &status));
        assert_int_equal(status, TARN_NO_MEMORY);
        assert_int_equal(strict.stats.live_blocks, 0);
        assert_int_equal(strict.faults, 0);
        assert_int_equal(probe_deinit(&strict), 0);
    }
}

static void state_may_come_from_where_the_memory_does(void **unused)
{
    (void)unused;
    tarn_status status = TARN_CORRUPT;
    probe_init(&strict, NULL);
    const tarn_tlsf_options ways[] = {
        {.buffer = memory, .buffer_size = sizeof memory},
        {.parent = &strict.allocator},
        {.metadata = &strict.allocator, .buffer = memory, .buffer_size = sizeof memory},
        {.name = "of libc"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        tarn_tlsf *t = tarn_tlsf_create(&ways[i], &status);
        assert_int_equal(status, TARN_OK);
        assert_int_equal(tarn_tlsf_alloc(t, 100, 0) != NULL, i != 3);
        assert_int_equal(tarn_check(tarn_tlsf_allocator(t)), TARN_OK);
        tarn_tlsf_destroy(t);
        assert_int_equal(strict.stats.live_bytes, 0);
    }
    tarn_tlsf_destroy(NULL);
    tarn_tlsf_options small = {.buffer = memory, .buffer_size = 1000};
    assert_null(tarn_tlsf_create(&small, &status));
    assert_int_equal(status, TARN_LIMIT);
    small.buffer_size = sizeof(tarn_tlsf) + 70;
    assert_null(tarn_tlsf_create(&small, NULL));
    assert_null(tarn_tlsf_create(&(tarn_tlsf_options){.grain = 16}, &status));
    assert_int_equal(status, TARN_BAD_ARGUMENT);
    probe_init(&strict, &(probe_options){.max_size = 100});
    assert_null(tarn_tlsf_create(&(tarn_tlsf_options){.parent = &strict.allocator}, &status));
    assert_int_equal(status, TARN_TOO_BIG);
    probe_deinit(&strict);
}

static void damage_is_seen(void **unused)
{
    (void)unused;
    start((tarn_tlsf_options){.buffer = memory[0], .buffer_size = PART});
    char *a = tarn_tlsf_alloc(&tlsf, 100, 0), *b = tarn_tlsf_alloc(&tlsf, 100, 0);
    (void)!tarn_tlsf_alloc(&tlsf, 100, 0);
    tarn_tlsf_free(&tlsf, b, 0, 0);
    is_whole();
    size_t *words[] = {(size_t *)(void *)a - 1,
                       (size_t *)(void *)b - 1,
                       (size_t *)(void *)b,
                       (size_t *)(void *)b + 1,
                       (size_t *)tlsf.map,
                       &tlsf.used,
                       &tlsf.live,
                       &tlsf.room};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t was = *words[i];
        *words[i] = was ^ 0x100;
        if (i == 2) /* the next in its list: no address to follow */
            *words[i] = (size_t)(uintptr_t)a;
        assert_int_equal(tarn_check(&tlsf.allocator), TARN_CORRUPT);
        *words[i] = was;
        is_whole();
    }
    tarn_tlsf_deinit(&tlsf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_can_be_had_before_there_is_a_region),
        cmocka_unit_test(regions_come_and_go),
        cmocka_unit_test(a_region_that_is_none_is_refused),
        cmocka_unit_test(any_start_and_any_length_will_do),
        cmocka_unit_test(it_grows_and_gives_back),
        cmocka_unit_test(a_limit_holds),
        cmocka_unit_test(a_limit_holds_over_pages),
        cmocka_unit_test(what_is_idle_is_held),
        cmocka_unit_test(a_source_that_refuses_changes_nothing),
        cmocka_unit_test(outside_leaves_the_memory_alone),
        cmocka_unit_test(outside_without_memory_for_it_is_refused),
        cmocka_unit_test(an_init_that_fails_keeps_no_metadata),
        cmocka_unit_test(state_may_come_from_where_the_memory_does),
        cmocka_unit_test(damage_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
