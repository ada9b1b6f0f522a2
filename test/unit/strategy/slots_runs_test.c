/* SPDX-License-Identifier: MIT */
/* slots_runs_test.c - where slots are: growth, limits, buffers, alignment, trim, what is held. */
#include <tarn/slots.h>

#include "support/probe.h"
#include "support/tarn_test.h"

typedef struct unit {
    uint64_t id;
    char name[24];
} unit;

TARN_SLOTS_OF(unit, unit)

static tarn_slots table;

static tarn_status make(tarn_slots_options o)
{
    if (o.object_size == 0)
        o.object_size = sizeof(unit);
    return tarn_slots_init(&table, &o);
}

static void end(void)
{
    assert_int_equal(tarn_slots_check(&table), TARN_OK);
    tarn_slots_deinit(&table);
}

/* An object that knows its number. */
static tarn_slot add(uint64_t id)
{
    unit *u = NULL;
    tarn_slot h = unit_alloc(&table, &u);
    if (h != 0)
        u->id = id;
    return h;
}

static void stays_refused(tarn_slot h)
{
    size_t count = tarn_slots_count(&table);
    assert_null(tarn_slots_resolve(&table, h));
    assert_int_equal(tarn_slots_free(&table, h), TARN_STALE);
    assert_int_equal(tarn_slots_count(&table), count);
}

static void stable_objects_never_move(void **unused)
{
    (void)unused;
    enum { N = 20000 };
    static tarn_slot h[N];
    static void *at[N];
    assert_int_equal(make((tarn_slots_options){.chunk = 64}), TARN_OK);
    for (size_t i = 0; i < N; i++) {
        h[i] = tarn_slots_alloc(&table, &at[i]);
        assert_true(h[i] != 0);
    }
    for (size_t i = 0; i < N; i++)
        assert_ptr_equal(tarn_slots_resolve(&table, h[i]), at[i]);
    tarn_stats s;
    tarn_slots_stats(&table, &s);
    assert_int_equal(s.live_blocks, N);
    assert_int_equal(s.live_bytes, N * sizeof(unit));
    assert_int_equal(s.chunks, (N + 63) / 64);
    assert_true(s.held_bytes >= s.live_bytes && s.idle_bytes == s.held_bytes - s.live_bytes);
    end();
}

static void trim_gives_back_and_stale_stays_stale(void **unused)
{
    (void)unused;
    enum { N = 2000 };
    static tarn_slot h[N];
    for (unsigned form = 0; form < 4; form++) {
        tarn_slots_options o = {.chunk = form < 2 ? 64 : 0, .compact = form >= 2};
        o.handle_bits = form % 2 != 0 ? 32 : 64;
        assert_int_equal(make(o), TARN_OK);
        for (int round = 0; round < 3; round++) {
            for (size_t i = 0; i < N; i++)
                h[i] = add(i);
            for (size_t i = 0; i < N; i++)
                if ((h[i] & table.mask) != 70)
                    assert_int_equal(tarn_slots_free(&table, h[i]), TARN_OK);
            tarn_stats before, after;
            tarn_slots_stats(&table, &before);
            size_t gone = tarn_slots_trim(&table);
            tarn_slots_stats(&table, &after);
            assert_int_equal(before.held_bytes - after.held_bytes, gone);
            assert_true(gone > N * sizeof(unit) / 2);
            assert_int_equal(tarn_slots_trim(&table), 0);
            assert_int_equal(tarn_slots_count(&table), 1);
            assert_int_equal(tarn_slots_check(&table), TARN_OK);
            for (size_t i = 0; i < N; i++) {
                if ((h[i] & table.mask) != 70)
                    stays_refused(h[i]);
                else
                    assert_int_equal(unit_resolve(&table, h[i])->id, i);
            }
            static tarn_slot again[N];
            for (size_t i = 0; i < N - 1; i++)
                again[i] = add(i);
            for (size_t i = 0; i < N; i++)
                if ((h[i] & table.mask) != 70)
                    stays_refused(h[i]);
            (void)again;
            tarn_slots_reset(&table);
        }
        assert_true(tarn_slots_trim(&table) > 0);
        tarn_stats s;
        tarn_slots_stats(&table, &s);
        assert_int_equal(s.held_bytes, 0);
        end();
    }
    assert_int_equal(make((tarn_slots_options){.capacity = 100}), TARN_OK);
    assert_int_equal(tarn_slots_trim(&table), 0);
    end();
}

/* A slot that has few generations left is not given up: those of all new slots would begin there. */
static void trim_keeps_a_slot_that_is_worn(void **unused)
{
    (void)unused;
    assert_int_equal(make((tarn_slots_options){.handle_bits = 32, .index_bits = 28, .chunk = 64}),
                     TARN_OK);
    for (int use = 0; use < 6; use++) /* of 15 */
        assert_int_equal(tarn_slots_free(&table, add(1)), TARN_OK);
    assert_true(tarn_slots_trim(&table) > 0); /* the next is the seventh: not half yet */
    tarn_slot h = add(1);
    assert_int_equal(h >> 28, 7);
    assert_int_equal(tarn_slots_free(&table, h), TARN_OK);
    assert_int_equal(tarn_slots_trim(&table), 0);
    end();
}

static bool count_one(void *user, tarn_slot slot, void *object)
{
    (void)slot, (void)object;
    ++*(size_t *)user;
    return true;
}

/* Fewer entries than a word of the bitmap has bits. */
static void a_small_table_is_walked_within_its_entries(void **unused)
{
    (void)unused;
    for (size_t capacity = 1; capacity < 5; capacity++) {
        size_t seen = 0;
        assert_int_equal(make((tarn_slots_options){.capacity = capacity}), TARN_OK);
        tarn_slots_each(&table, count_one, &seen);
        assert_int_equal(seen, 0);
        for (size_t i = 0; i < capacity; i++)
            assert_true(add(i) != 0);
        tarn_slots_each(&table, count_one, &seen);
        assert_int_equal(seen, capacity);
        end();
    }
}

/* A chunk that was used in part goes back: the next object is in another. */
static void a_chunk_that_went_back_is_not_carved(void **unused)
{
    (void)unused;
    assert_int_equal(make((tarn_slots_options){.chunk = 1024}), TARN_OK);
    tarn_slot h = add(1);
    assert_int_equal(tarn_slots_free(&table, h), TARN_OK);
    assert_true(tarn_slots_trim(&table) > 0);
    h = add(2);
    assert_int_equal(unit_resolve(&table, h)->id, 2);
    tarn_stats s;
    tarn_slots_stats(&table, &s);
    assert_int_equal(s.chunks, 1);
    end();
}

static void limits_are_kept(void **unused)
{
    (void)unused;
    static _Alignas(16) char bytes[4096];
    const struct {
        tarn_slots_options options;
        size_t most;
    } forms[] = {
        {{.capacity = 70}, 70},
        {{.capacity = 70, .compact = true}, 70},
        {{.limit = 100, .chunk = 64}, 100},
        {{.limit = 100, .compact = true}, 100},
        {{.index_bits = 6}, 63},
        {{.index_bits = 6, .compact = true}, 63},
        {{.index_bits = 7, .chunk = 64}, 127},
        {{.buffer = bytes, .buffer_size = sizeof bytes, .capacity = 50}, 50},
        {{.buffer = bytes, .buffer_size = sizeof bytes, .capacity = 50, .compact = true}, 50},
    };
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        assert_int_equal(make(forms[f].options), TARN_OK);
        tarn_slot h = 0;
        for (size_t i = 0; i < forms[f].most; i++) {
            h = add(i);
            assert_true(h != 0);
        }
        void *untouched = &h;
        assert_int_equal(tarn_slots_alloc(&table, &untouched), 0);
        assert_ptr_equal(untouched, &h);
        assert_int_equal(tarn_slots_why(&table).status, TARN_LIMIT);
        assert_int_equal(tarn_slots_why(&table).limit, forms[f].most);
        assert_int_equal(tarn_slots_free(&table, h), TARN_OK);
        assert_true(add(1) != 0);
        end();
    }
}

static void a_buffer_of_that_many_bytes_is_enough(void **unused)
{
    (void)unused;
    static _Alignas(64) char bytes[1 << 15];
    for (size_t n = 1; n < 300; n += 13) {
        for (unsigned compact = 0; compact < 2; compact++) {
            for (size_t shift = 0; shift < 24; shift += 5) {
                size_t needed = tarn_slots_bytes(sizeof(unit), 0, n, compact != 0);
                assert_true(needed != 0 && needed + shift <= sizeof bytes);
                tarn_slots_options o = {.buffer = bytes + shift,
                                        .buffer_size = needed,
                                        .capacity = n,
                                        .compact = compact != 0};
                assert_int_equal(make(o), TARN_OK);
                for (size_t i = 0; i < n; i++)
                    assert_true(add(i) != 0);
                assert_int_equal(add(n), 0);
                end();
            }
        }
    }
    assert_int_equal(tarn_slots_bytes(0, 0, 10, false), 0);
    assert_int_equal(tarn_slots_bytes(8, 3, 10, false), 0);
    assert_int_equal(tarn_slots_bytes(SIZE_MAX / 2, 8, 10, false), 0);
    tarn_slots_options small = {.buffer = bytes, .buffer_size = 200, .capacity = 100};
    assert_int_equal(make(small), TARN_LIMIT);
    assert_int_equal(tarn_slots_why(&table).limit, 3);
}

static void every_alignment_is_kept(void **unused)
{
    (void)unused;
    for (size_t align = 1; align <= 4096; align *= 4) {
        for (unsigned compact = 0; compact < 2; compact++) {
            tarn_slots_options o = {.object_size = 24, .align = align, .compact = compact != 0};
            assert_int_equal(make(o), TARN_OK);
            for (int i = 0; i < 200; i++) {
                void *object = NULL;
                assert_true(tarn_slots_alloc(&table, &object) != 0);
                assert_int_equal((uintptr_t)object % align, 0);
                memset(object, i, 24);
            }
            end();
        }
    }
}

static void a_table_holds_what_it_says(void **unused)
{
    (void)unused;
    probe parent;
    tarn_slots_options o = {TARN_SLOTS_TYPE(unit), .parent = probe_init(&parent, NULL)};
    o.chunk = 64;
    tarn_slots *made = tarn_slots_create(&o, NULL);
    assert_non_null(made);
    for (int i = 0; i < 1500; i++)
        assert_true(tarn_slots_alloc(made, NULL) != 0);
    tarn_stats s, held;
    tarn_slots_stats(made, &s);
    assert_int_equal(tarn_get_stats(&parent.allocator, &held), TARN_OK);
    assert_int_equal(s.held_bytes, held.live_bytes);
    tarn_slots_destroy(made);
    tarn_slots_destroy(NULL);
    assert_int_equal(parent.faults, 0);
    assert_int_equal(probe_deinit(&parent), 0);
}

/* Fewer slots than a growing table begins with: its entries must not reach into the generation. */
static void a_narrow_index_is_not_outgrown(void **unused)
{
    (void)unused;
    tarn_slots narrow;
    for (unsigned bits = 2; bits < 8; bits++) {
        tarn_slot slot[127];
        size_t n = ((size_t)1 << bits) - 1;
        tarn_slots_options o = {.object_size = 8, .index_bits = bits, .compact = bits % 2 != 0};
        assert_int_equal(tarn_slots_init(&narrow, &o), TARN_OK);
        for (size_t round = 0; round < 3; round++) {
            for (size_t i = 0; i < n; i++) {
                void *object = NULL;
                slot[i] = tarn_slots_alloc(&narrow, &object);
                assert_non_null(object);
                assert_ptr_equal(tarn_slots_resolve(&narrow, slot[i]), object);
            }
            assert_int_equal(tarn_slots_alloc(&narrow, NULL), 0);
            assert_int_equal(tarn_slots_check(&narrow), TARN_OK);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(tarn_slots_free(&narrow, slot[i]), TARN_OK);
            assert_int_equal(tarn_slots_free(&narrow, slot[0]), TARN_STALE);
            (void)tarn_slots_trim(&narrow);
        }
        tarn_slots_deinit(&narrow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_narrow_index_is_not_outgrown),
        cmocka_unit_test(stable_objects_never_move),
        cmocka_unit_test(trim_gives_back_and_stale_stays_stale),
        cmocka_unit_test(trim_keeps_a_slot_that_is_worn),
        cmocka_unit_test(a_small_table_is_walked_within_its_entries),
        cmocka_unit_test(a_chunk_that_went_back_is_not_carved),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(a_buffer_of_that_many_bytes_is_enough),
        cmocka_unit_test(every_alignment_is_kept),
        cmocka_unit_test(a_table_holds_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
