/* SPDX-License-Identifier: MIT */
/* buddy_test.c - natural alignment, splitting and merging, resize, runs of any shape, metadata outside, bad options. */
#include <stdlib.h>

#include <tarn/buddy.h>
#include <tarn/buffer.h>
#include <tarn/pages.h>

#include "support/probe.h"
#include "support/tarn_test.h"

static tarn_buddy buddy;
static tarn_allocator *const handle = &buddy.allocator;

static tarn_status make(tarn_buddy_options o)
{
    return tarn_buddy_init(&buddy, &o);
}

static void end(void)
{
    assert_int_equal(tarn_check(handle), TARN_OK);
    tarn_buddy_deinit(&buddy);
}

static tarn_buddy_figures figures(void)
{
    tarn_buddy_figures f;
    tarn_buddy_get_figures(&buddy, &f);
    return f;
}

static void every_block_is_at_a_multiple_of_its_size(void **unused)
{
    (void)unused;
    assert_int_equal(make((tarn_buddy_options){.size = 1 << 20}), TARN_OK);
    for (size_t size = 1; size <= 1 << 18; size = size * 3 / 2 + 1) {
        tarn_block b = tarn_alloc_at_least(handle, size, 0);
        assert_non_null(b.ptr);
        assert_true(b.size >= size && (b.size & (b.size - 1)) == 0);
        assert_true(b.size / 2 < size || b.size == 32);
        assert_int_equal((uintptr_t)b.ptr % b.size, 0);
        assert_int_equal(tarn_usable(handle, b.ptr, size, 0), b.size);
        tarn_free(handle, b.ptr, size, 0);
    }
    void *wide = tarn_buddy_alloc(&buddy, 10, TARN_SPEC(1 << 17));
    assert_int_equal((uintptr_t)wide % (1 << 17), 0);
    tarn_buddy_free(&buddy, wide, 10, TARN_SPEC(1 << 17));
    end();
}

static void a_run_of_a_power_of_two_is_one_block(void **unused)
{
    (void)unused;
    assert_int_equal(make((tarn_buddy_options){.size = 1 << 20}), TARN_OK);
    void *all = tarn_buddy_alloc(&buddy, 1 << 20, 0);
    assert_non_null(all);
    assert_null(tarn_buddy_alloc(&buddy, 1, 0));
    assert_int_equal(tarn_get_why(handle).status, TARN_LIMIT);
    assert_int_equal(tarn_get_why(handle).limit, 1 << 20);
    tarn_buddy_free(&buddy, all, 1 << 20, 0);
    assert_null(tarn_buddy_alloc(&buddy, (1 << 20) + 1, 0));
    assert_int_equal(tarn_get_why(handle).status, TARN_TOO_BIG);
    assert_null(tarn_buddy_alloc(&buddy, 1, TARN_SPEC(1 << 21)));
    assert_int_equal(tarn_get_why(handle).status, TARN_BAD_ALIGN);
    assert_null(tarn_buddy_alloc(&buddy, 1, tarn_spec_for(3)));
    assert_int_equal(tarn_get_why(handle).status, TARN_BAD_ALIGN);
    tarn_stats s;
    assert_int_equal(tarn_get_stats(handle, &s), TARN_OK);
    assert_int_equal(s.failures, 4);
    assert_int_equal(s.allocs, 1);
    assert_int_equal(s.live_blocks, 0);
    end();
}

static void splitting_and_merging_are_counted(void **unused)
{
    (void)unused;
    assert_int_equal(
        make((tarn_buddy_options){.size = 1024, .min_block = 64, .lazy = TARN_BUDDY_EAGER}),
        TARN_OK);
    char *a = tarn_buddy_alloc(&buddy, 64, 0), *b = tarn_buddy_alloc(&buddy, 50, 0);
    assert_int_equal((uintptr_t)a ^ (uintptr_t)b, 64); /* buddies of each other */
    assert_int_equal(figures().splits, 4);
    assert_int_equal(figures().free_bytes, 1024 - 128);
    assert_int_equal(figures().largest_free, 512);
    assert_int_equal(figures().asked, 114);
    assert_int_equal(figures().granted, 128);
    tarn_buddy_free(&buddy, a, 64, 0);
    assert_int_equal(figures().merges, 0);
    tarn_buddy_free(&buddy, b, 50, 0);
    assert_int_equal(figures().merges, 4);
    assert_int_equal(figures().largest_free, 1024);
    end();
}

static void freed_blocks_wait_when_lazy(void **unused)
{
    (void)unused;
    void *p[16];
    assert_int_equal(make((tarn_buddy_options){.size = 1024, .min_block = 64, .lazy = 3}), TARN_OK);
    for (int i = 0; i < 16; i++)
        p[i] = tarn_buddy_alloc(&buddy, 64, 0);
    for (int i = 0; i < 16; i++)
        tarn_buddy_free(&buddy, p[i], 64, 0);
    assert_int_equal(figures().waiting_blocks, 3);
    assert_int_equal(figures().free_bytes, 1024);
    assert_true(figures().largest_free < 1024);
    assert_int_equal(tarn_check(handle), TARN_OK);
    assert_ptr_equal(tarn_buddy_alloc(&buddy, 64, 0), p[2]); /* the last that waits comes first */
    tarn_buddy_free(&buddy, p[2], 64, 0);
    p[0] = tarn_buddy_alloc(&buddy, 1024, 0); /* would fail: merges what waits */
    assert_non_null(p[0]);
    assert_int_equal(figures().waiting_blocks, 0);
    tarn_buddy_free(&buddy, p[0], 1024, 0);
    p[0] = tarn_buddy_alloc(&buddy, 64, 0);
    tarn_buddy_free(&buddy, p[0], 64, 0);
    assert_int_equal(figures().waiting_blocks, 1); /* the whole run waited, too, and was split */
    assert_int_equal(tarn_trim(handle), 0);
    assert_int_equal(figures().waiting_blocks, 0);
    assert_int_equal(figures().largest_free, 1024);
    end();
}

static void a_waiting_block_of_a_larger_order_is_split(void **unused)
{
    (void)unused;
    assert_int_equal(make((tarn_buddy_options){.size = 256, .min_block = 64, .lazy = 1}), TARN_OK);
    void *all = tarn_buddy_alloc(&buddy, 256, 0);
    tarn_buddy_free(&buddy, all, 256, 0);
    assert_int_equal(figures().waiting_blocks, 1);
    assert_ptr_equal(tarn_buddy_alloc(&buddy, 64, 0), all);
    assert_int_equal(figures().waiting_blocks, 0);
    assert_int_equal(tarn_check(handle), TARN_OK);
    assert_int_equal(tarn_reset(handle), TARN_OK);
    assert_int_equal(figures().largest_free, 256);
    end();
}

static void resize_in_place_takes_the_buddy_and_gives_it_back(void **unused)
{
    (void)unused;
    for (size_t lazy = 0; lazy < 3; lazy++) {
        tarn_buddy_options o = {
            .size = 4096, .min_block = 64, .lazy = lazy != 0 ? lazy : TARN_BUDDY_EAGER};
        assert_int_equal(make(o), TARN_OK);
        char *p = tarn_buddy_alloc(&buddy, 64, 0);
        for (int i = 0; i < 64; i++)
            p[i] = (char)i;
        assert_ptr_equal(tarn_resize(handle, p, 64, 4096, 64, TARN_IN_PLACE | TARN_ZERO), p);
        for (int i = 0; i < 4096; i++)
            assert_int_equal(p[i], i < 64 ? i : 0);
        assert_null(tarn_buddy_alloc(&buddy, 1, 0));
        assert_ptr_equal(tarn_resize(handle, p, 4096, 100, 100, TARN_IN_PLACE), p);
        assert_int_equal(tarn_usable(handle, p, 100, 0), 128);
        char *q = tarn_buddy_alloc(&buddy, 128, 0); /* the upper half */
        assert_ptr_equal(q, p + 128);
        assert_null(tarn_resize(handle, p, 100, 200, 100, TARN_IN_PLACE));
        assert_int_equal(tarn_get_why(handle).status, TARN_UNSUPPORTED);
        assert_null(tarn_resize(handle, q, 128, 256, 100, TARN_NO_COPY)); /* its buddy is below */
        char *moved = tarn_resize(handle, p, 100, 200, 64, 0);
        assert_true(moved != NULL && moved != p);
        for (int i = 0; i < 64; i++)
            assert_int_equal(moved[i], i);
        tarn_buddy_free(&buddy, moved, 200, 0);
        tarn_buddy_free(&buddy, q, 128, 0);
        assert_int_equal(tarn_reset(handle), TARN_OK);
        p = tarn_buddy_alloc(&buddy, 64, 0);
        q = tarn_buddy_alloc(&buddy, 64, 0);
        tarn_buddy_free(&buddy, q, 64, 0); /* what waits is merged before a resize has to move */
        assert_ptr_equal(tarn_resize(handle, p, 64, 1000, 64, 0), p);
        tarn_buddy_free(&buddy, p, 0, 0);
        tarn_stats s;
        assert_int_equal(tarn_get_stats(handle, &s), TARN_OK);
        assert_int_equal(s.live_bytes, 0);
        end();
    }
}

/* What is behind an upper half is no buddy of its, free and of its order as it may be. */
static void an_upper_half_does_not_grow_in_place(void **unused)
{
    (void)unused;
    char *p[16], *at[16];
    assert_int_equal(
        make((tarn_buddy_options){.size = 1024, .min_block = 64, .lazy = TARN_BUDDY_EAGER}),
        TARN_OK);
    for (int i = 0; i < 16; i++)
        p[i] = tarn_buddy_alloc(&buddy, 64, 0);
    for (int i = 0; i < 16; i++)
        at[(p[i] - (char *)buddy.low) / 64] = p[i];
    tarn_buddy_free(&buddy, at[2], 64, 0);
    assert_null(tarn_resize(handle, at[1], 64, 128, 64, TARN_IN_PLACE));
    end();
}

/* 65 places of an order in a run of 64 and three quarters of its blocks, as it begins in the last quarter of one. */
static void the_last_place_of_a_crooked_run_has_its_bit(void **unused)
{
    (void)unused;
    static _Alignas(4096) char bytes[1 << 14];
    assert_int_equal(make((tarn_buddy_options){.buffer = bytes + (size_t)3 * 32,
                                               .buffer_size = (size_t)259 * 32,
                                               .metadata = tarn_libc(),
                                               .lazy = TARN_BUDDY_EAGER}),
                     TARN_OK);
    void *p[64], *odd[259];
    size_t n = 0, few = 0, last = 0;
    while (n < 64 && (p[n] = tarn_buddy_alloc(&buddy, 128, 0)) != NULL)
        last += p[n++] == bytes + (size_t)64 * 128;
    assert_int_equal(n, 64);
    assert_int_equal(last, 1); /* place 64, counted from the one in which the run begins */
    while ((odd[few] = tarn_buddy_alloc(&buddy, 32, 0)) != NULL)
        few++;
    assert_int_equal(few, 3);
    for (size_t i = 0; i < 64; i++) { /* alone, so that it is not merged */
        if (p[i] == bytes + (size_t)64 * 128)
            tarn_buddy_free(&buddy, p[i], 128, 0);
    }
    assert_int_equal(tarn_check(handle), TARN_OK);
    assert_ptr_equal(tarn_buddy_alloc(&buddy, 128, 0), bytes + (size_t)64 * 128);
    end();
}

/* A buffer of any size at any address: all of it but the ends is blocks. */
static void any_run_is_used_to_its_ends(void **unused)
{
    (void)unused;
    static _Alignas(4096) char bytes[1 << 14];
    char meta[8192];
    for (size_t skip = 0; skip < 4096; skip += 97) {
        for (size_t size = 64; size + skip < sizeof bytes; size = size * 2 + 11) {
            tarn_buddy_options o = {.buffer = bytes + skip,
                                    .buffer_size = size,
                                    .metadata_buffer = meta,
                                    .metadata_size = sizeof meta};
            assert_int_equal(make(o), TARN_OK);
            size_t whole = (skip + size) / 32 - (skip + 31) / 32, n = 0;
            assert_int_equal(figures().free_bytes, whole * 32);
            while (tarn_buddy_alloc(&buddy, 32, 0) != NULL)
                n++;
            assert_int_equal(n, whole);
            assert_int_equal(tarn_reset(handle), TARN_OK);
            void *largest = tarn_buddy_alloc(&buddy, figures().largest, 0);
            assert_non_null(largest);
            assert_int_equal((uintptr_t)largest % figures().largest, 0);
            end();
        }
    }
}

/* Exactly the metadata that is said to be needed, and not a byte less. */
static void metadata_bytes_are_exact(void **unused)
{
    (void)unused;
    static _Alignas(4096) char bytes[1 << 14];
    static _Alignas(64) char meta[1 << 14];
    const size_t sizes[] = {32, 64, 1000, 2047, 4095, 4096, 8190, 10000},
                 mins[] = {16, 32, 64, 1024};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes * 4; i++) {
        size_t size = sizes[i / 4], min = mins[i % 4],
               lazy = i / 4 % 3 == 2 ? TARN_BUDDY_EAGER : i / 4 % 3 * 2;
        size_t needed = tarn_buddy_metadata_bytes(size, min, lazy, true);
        tarn_buddy_options o = {.buffer = bytes,
                                .buffer_size = (size + min - 1) / min * min,
                                .min_block = min,
                                .lazy = lazy,
                                .metadata_buffer = meta,
                                .metadata_size = needed};
        assert_int_equal(make(o), TARN_OK);
        assert_in_range(figures().metadata_bytes, needed - 7, needed);
        end();
        o.metadata_size = needed - 8;
        assert_int_equal(make(o), TARN_LIMIT);
        assert_int_equal(tarn_get_why(handle).limit, needed - 8);
        /* Inside: a buffer of what is needed holds the blocks. */
        o = (tarn_buddy_options){.buffer = bytes, .min_block = min, .lazy = lazy};
        o.buffer_size = (size + min - 1) / min * min;
        o.buffer_size += tarn_buddy_metadata_bytes(size, min, lazy, false);
        assert_int_equal(make(o), TARN_OK);
        assert_true(figures().free_bytes >= size);
        end();
    }
    assert_int_equal(tarn_buddy_metadata_bytes(1000, 24, 0, true), 0);
    assert_int_equal(tarn_buddy_metadata_bytes(1000, 2, 0, true), 0);
    assert_int_equal(tarn_buddy_metadata_bytes(1000, 64, 65536, true), 0);
}

static size_t bytes_other_than(const char *bytes, size_t size, char what)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++)
        n += bytes[i] != what;
    return n;
}

static void metadata_outside_leaves_every_byte_alone(void **unused)
{
    (void)unused;
    enum { SIZE = 1 << 16 };
    char *bytes = aligned_alloc(SIZE, SIZE); /* no pieces at the ends */
    memset(bytes, 0x5a, SIZE);
    probe meta;
    tarn_buddy_options o = {
        .buffer = bytes, .buffer_size = SIZE, .lazy = 2, .metadata = probe_init(&meta, NULL)};
    assert_int_equal(make(o), TARN_OK);
    void *p[200];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 200; i++)
            p[i] = tarn_buddy_alloc(&buddy, (size_t)(i % 7 * 40 + 1), 0);
        for (int i = 0; i < 200; i += round + 1) {
            tarn_buddy_free(&buddy, p[i], 0, 0);
            p[i] = NULL;
        }
        assert_int_equal(tarn_check(handle), TARN_OK);
        assert_int_equal(tarn_reset(handle), TARN_OK);
    }
    void *first = tarn_buddy_alloc(&buddy, 32, 0), *second = tarn_buddy_alloc(&buddy, 32, 0);
    tarn_buddy_free(&buddy, first, 32, 0);
    assert_true(second > first); /* the lowest address first */
    (void)tarn_trim(handle);
    end();
    assert_int_equal(bytes_other_than(bytes, SIZE, 0x5a), 0);
    assert_int_equal(meta.faults, 0);
    assert_int_equal(probe_deinit(&meta), 0);
    free(bytes);
}

static void the_lowest_address_comes_first_outside(void **unused)
{
    (void)unused;
    assert_int_equal(make((tarn_buddy_options){
                         .size = 1 << 16, .metadata = tarn_libc(), .lazy = TARN_BUDDY_EAGER}),
                     TARN_OK);
    char *p[512];
    for (int i = 0; i < 512; i++) {
        p[i] = tarn_buddy_alloc(&buddy, 128, 0);
        assert_true(i == 0 || p[i] == p[i - 1] + 128);
    }
    for (int i = 511; i > 0; i -= 2)
        tarn_buddy_free(&buddy, p[i], 128, 0);
    for (int i = 1; i < 512; i += 2)
        assert_ptr_equal(tarn_buddy_alloc(&buddy, 128, 0), p[i]);
    end();
}

static void free_memory_goes_back_to_pages(void **unused)
{
    (void)unused;
    tarn_pages pages;
    assert_int_equal(tarn_pages_init(&pages, NULL), TARN_OK);
    for (int outside = 0; outside < 2; outside++) {
        tarn_buddy_options o = {.size = 1 << 22, .source = &pages.source};
        if (outside)
            o.metadata = tarn_libc();
        assert_int_equal(make(o), TARN_OK);
        char *p = tarn_buddy_alloc(&buddy, 1 << 20, 0);
        memset(p, 1, 1 << 20);
        size_t gone = tarn_trim(handle); /* all but the live block, and the first page of a list */
        assert_in_range(gone, (3 << 20) - (outside ? 0 : 2 * 4096), 3 << 20);
        assert_int_equal(tarn_trim(handle), 0); /* it has gone already */
        assert_int_equal(p[(1 << 20) - 1], 1);
        tarn_buddy_free(&buddy, p, 1 << 20, 0);
        assert_int_equal(tarn_check(handle), TARN_OK);
        assert_in_range(tarn_trim(handle), 1 << 20, 1 << 22);
        end();
    }
    tarn_pages_deinit(&pages);
}

typedef struct walk {
    size_t seen, bytes;
    bool free_them;
} walk;

static bool see(void *user, void *block, size_t size)
{
    walk *w = user;
    w->seen++;
    w->bytes += size;
    if (w->free_them)
        tarn_free(handle, block, size, 0);
    return w->seen < 1000;
}

static void visit_sees_each_live_block_and_may_free_it(void **unused)
{
    (void)unused;
    for (size_t lazy = 0; lazy < 5; lazy += 4) {
        assert_int_equal(make((tarn_buddy_options){.size = 1 << 16,
                                                   .lazy = lazy != 0 ? lazy : TARN_BUDDY_EAGER}),
                         TARN_OK);
        size_t bytes = 0;
        for (size_t i = 0; i < 300; i++)
            bytes += tarn_alloc_at_least(handle, i % 5 * 30 + 1, 0).size;
        walk w = {0, 0, false};
        assert_int_equal(tarn_visit(handle, see, &w), TARN_OK);
        assert_int_equal(w.seen, 300);
        assert_int_equal(w.bytes, bytes);
        w = (walk){0, 0, true};
        assert_int_equal(tarn_visit(handle, see, &w), TARN_OK);
        assert_int_equal(w.seen, 300);
        (void)tarn_trim(handle);
        assert_int_equal(figures().largest_free, 1 << 16);
        end();
    }
}

static void owns_answers_about_any_address(void **unused)
{
    (void)unused;
    static _Alignas(64) char bytes[4096];
    assert_int_equal(make((tarn_buddy_options){.buffer = bytes + 64, .buffer_size = 2048}),
                     TARN_OK);
    assert_int_equal(tarn_owns(handle, bytes + 64), TARN_YES);
    assert_int_equal(tarn_owns(handle, bytes + 63), TARN_NO);
    assert_int_equal(tarn_owns(handle, bytes + 64 + figures().free_bytes), TARN_NO);
    assert_int_equal(tarn_owns(handle, bytes + 63 + figures().free_bytes), TARN_YES);
    assert_int_equal(tarn_owns(handle, NULL), TARN_NO);
    end();
    assert_int_equal(tarn_owns(handle, bytes + 64), TARN_NO);
}

static void bad_options_are_refused(void **unused)
{
    (void)unused;
    static char bytes[4096];
    tarn_buffer small;
    tarn_source *source = tarn_buffer_init(&small, bytes, 1024);
    const tarn_buddy_options bad[] = {
        {.size = 0},
        {.size = 4096, .buffer = bytes, .buffer_size = 4096},
        {.buffer = bytes, .buffer_size = 4096, .parent = tarn_libc()},
        {.size = 4096, .parent = tarn_libc(), .source = source},
        {.size = 4096, .metadata = tarn_libc(), .metadata_buffer = bytes, .metadata_size = 4096},
        {.size = 4096, .min_block = 48},
        {.size = 4096, .min_block = sizeof(void *)},
        {.size = 4096, .lazy = 65536},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(make(bad[i]), TARN_BAD_ARGUMENT);
        assert_int_equal(tarn_get_why(handle).status, TARN_BAD_ARGUMENT);
    }
    assert_int_equal(make((tarn_buddy_options){.size = SIZE_MAX}), TARN_TOO_BIG);
    assert_int_equal(make((tarn_buddy_options){.size = SIZE_MAX - 100}), TARN_TOO_BIG);
    assert_int_equal(make((tarn_buddy_options){.size = 4096, .source = source}), TARN_TOO_BIG);
    assert_int_equal(make((tarn_buddy_options){.buffer = bytes, .buffer_size = 20}), TARN_LIMIT);
    tarn_status status = TARN_OK;
    tarn_buddy_options placed = {.buffer = bytes, .buffer_size = 4096};
    assert_null(tarn_buddy_create(&placed, &status));
    assert_int_equal(status, TARN_BAD_ARGUMENT);
}

static void create_takes_the_state_from_the_parent_too(void **unused)
{
    (void)unused;
    probe parent;
    tarn_buddy_options o = {.size = 4096, .parent = probe_init(&parent, NULL)};
    tarn_buddy *made = tarn_buddy_create(&o, NULL);
    assert_non_null(made);
    tarn_stats s, held;
    assert_int_equal(tarn_get_stats(tarn_buddy_allocator(made), &s), TARN_OK);
    assert_int_equal(tarn_get_stats(&parent.allocator, &held), TARN_OK);
    assert_int_equal(s.held_bytes, held.live_bytes);
    assert_ptr_equal(tarn_parent(tarn_buddy_allocator(made), 0), &parent.allocator);
    assert_null(tarn_parent(tarn_buddy_allocator(made), 1));
    tarn_buddy_destroy(made);
    tarn_buddy_destroy(NULL);
    o.metadata = o.parent;
    tarn_status status = TARN_OK;
    for (size_t most = 1; most < 3; most++) { /* whichever of the three is refused: nothing stays */
        parent.options.max_blocks = most;
        assert_null(tarn_buddy_create(&o, &status));
        assert_int_not_equal(status, TARN_OK);
    }
    parent.options.max_size = 1;
    assert_null(tarn_buddy_create(&o, &status));
    assert_int_not_equal(status, TARN_OK);
    assert_int_equal(parent.faults, 0);
    assert_int_equal(probe_deinit(&parent), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_block_is_at_a_multiple_of_its_size),
        cmocka_unit_test(a_run_of_a_power_of_two_is_one_block),
        cmocka_unit_test(splitting_and_merging_are_counted),
        cmocka_unit_test(freed_blocks_wait_when_lazy),
        cmocka_unit_test(a_waiting_block_of_a_larger_order_is_split),
        cmocka_unit_test(resize_in_place_takes_the_buddy_and_gives_it_back),
        cmocka_unit_test(an_upper_half_does_not_grow_in_place),
        cmocka_unit_test(the_last_place_of_a_crooked_run_has_its_bit),
        cmocka_unit_test(any_run_is_used_to_its_ends),
        cmocka_unit_test(metadata_bytes_are_exact),
        cmocka_unit_test(metadata_outside_leaves_every_byte_alone),
        cmocka_unit_test(the_lowest_address_comes_first_outside),
        cmocka_unit_test(free_memory_goes_back_to_pages),
        cmocka_unit_test(visit_sees_each_live_block_and_may_free_it),
        cmocka_unit_test(owns_answers_about_any_address),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(create_takes_the_state_from_the_parent_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
