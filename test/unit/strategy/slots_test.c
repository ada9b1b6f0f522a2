/* SPDX-License-Identifier: MIT */
/* slots_test.c - handles that go stale, forged ones, generations that end, walks, init and fini, bad options. */
#include <tarn/slots.h>

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

/* The ways to make a table that every test of handles runs on. */
static const tarn_slots_options FORMS[] = {
    {.name = "stable"},
    {.handle_bits = 32},
    {.compact = true},
    {.compact = true, .handle_bits = 32, .check = true},
    {.check = true},
    {.capacity = 500},
    {.capacity = 500, .compact = true},
    {.limit = 700, .chunk = 64},
    {.chunk = 64, .index_bits = 12},
    {.wrap = true},
};
enum { FORM_COUNT = sizeof FORMS / sizeof *FORMS };

static void a_handle_is_good_until_its_free(void **unused)
{
    (void)unused;
    enum { N = 500 };
    static tarn_slot h[N];
    for (size_t f = 0; f < FORM_COUNT; f++) {
        assert_int_equal(make(FORMS[f]), TARN_OK);
        for (uint64_t i = 0; i < N; i++) {
            h[i] = add(i);
            assert_true(h[i] != 0);
            assert_true(FORMS[f].handle_bits != 32 || h[i] <= UINT32_MAX);
        }
        assert_int_equal(tarn_slots_count(&table), N);
        for (uint64_t i = 0; i < N; i++)
            assert_int_equal(unit_resolve(&table, h[i])->id, i);
        for (uint64_t i = 0; i < N; i += 3)
            assert_int_equal(unit_free(&table, h[i]), TARN_OK);
        for (uint64_t i = 0; i < N; i++) {
            if (i % 3 == 0)
                stays_refused(h[i]);
            else
                assert_int_equal(unit_resolve(&table, h[i])->id, i);
        }
        assert_int_equal(tarn_slots_check(&table), TARN_OK);
        for (uint64_t i = 0; i < N; i += 3) { /* used again: the old handles are still stale */
            tarn_slot again = add(1000 + i);
            assert_true(again != 0 && again != h[i]);
            stays_refused(h[i]);
        }
        assert_int_equal(tarn_slots_count(&table), N);
        end();
    }
}

static void forged_handles_are_refused(void **unused)
{
    (void)unused;
    for (size_t f = 0; f < FORM_COUNT; f++) {
        tarn_slots_options o = FORMS[f];
        o.wrap = true;
        assert_int_equal(make(o), TARN_OK);
        stays_refused(0);
        stays_refused(UINT64_MAX);
        tarn_slot h[100], valid = 0;
        for (size_t i = 0; i < 100; i++)
            h[i] = add(i);
        for (size_t i = 0; i < 100; i += 2)
            assert_int_equal(tarn_slots_free(&table, h[i]), TARN_OK);
        /* Every handle that differs in one bit, and every key there is, is no handle. */
        for (size_t i = 0; i < 100; i++) {
            for (unsigned bit = 0; bit < 64; bit++) {
                tarn_slot forged = h[i] ^ (uint64_t)1 << bit;
                for (size_t k = 1; k < 100; k += 2)
                    valid += forged == h[k];
                if (valid == 0)
                    stays_refused(forged);
                valid = 0;
            }
        }
        for (size_t i = 0; i <= table.reach; i++)
            if (!(i % 2 == 0 && i != 0 && i <= 100) || table.entries[i].key != h[i - 1])
                stays_refused(table.entries[i].key);
        /* Random numbers. */
        uint64_t random = 1;
        for (int i = 0; i < 20000; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            bool is = false;
            for (size_t k = 1; k < 100; k += 2)
                is |= h[k] == random >> (i % 40);
            if (!is)
                stays_refused(random >> (i % 40));
        }
        end();
    }
}

static void a_handle_of_another_table_is_refused(void **unused)
{
    (void)unused;
    static tarn_slots others[40];
    for (size_t i = 0; i < 40; i++)
        assert_int_equal(tarn_slots_init(&others[i], &(tarn_slots_options){TARN_SLOTS_TYPE(unit)}),
                         TARN_OK);
    assert_int_equal(make((tarn_slots_options){0}), TARN_OK);
    tarn_slot mine = add(1);
    for (size_t i = 0; i < 40; i++) {
        unit *u;
        tarn_slot theirs = unit_alloc(&others[i], &u);
        assert_true(theirs != mine);
        stays_refused(theirs);
        assert_int_equal(tarn_slots_free(&others[i], mine), TARN_STALE);
        tarn_slots_deinit(&others[i]);
    }
    end();
    /* With tags of the program's own also for handles of 32 bits. */
    tarn_slots_options o = {TARN_SLOTS_TYPE(unit), .handle_bits = 32, .tag_bits = 4, .tag = 3};
    assert_int_equal(tarn_slots_init(&others[0], &o), TARN_OK);
    o.tag = 4;
    assert_int_equal(make(o), TARN_OK);
    tarn_slot theirs = tarn_slots_alloc(&others[0], NULL);
    assert_true(theirs != add(1) && theirs != 0 && theirs <= UINT32_MAX);
    stays_refused(theirs);
    tarn_slots_deinit(&others[0]);
    end();
}

/* The fewest generations there can be: a slot gives 2^g - 1 handles, all different, and then none. */
static void a_slot_out_of_generations_is_retired(void **unused)
{
    (void)unused;
    for (unsigned compact = 0; compact < 2; compact++) {
        for (unsigned gens = 2; gens < 7; gens++) {
            tarn_slots_options o = {.handle_bits = 32,
                                    .index_bits = 31 - gens,
                                    .tag_bits = 1,
                                    .capacity = 3,
                                    .compact = compact != 0};
            assert_int_equal(make(o), TARN_OK);
            size_t each = ((size_t)1 << gens) - 1;
            tarn_slot given[200], h;
            size_t n = 0;
            while ((h = add(n)) != 0) {
                for (size_t i = 0; i < n; i++)
                    assert_true(given[i] != h);
                given[n++] = h;
                assert_int_equal(tarn_slots_free(&table, h), TARN_OK);
                for (size_t i = 0; i < n; i++)
                    stays_refused(given[i]);
                assert_int_equal(tarn_slots_check(&table), TARN_OK);
            }
            assert_int_equal(n, 3 * each);
            assert_int_equal(tarn_slots_retired(&table), 3);
            assert_int_equal(tarn_slots_why(&table).status, TARN_LIMIT);
            assert_int_equal(tarn_slots_why(&table).limit, 3);
            tarn_slots_reset(&table); /* brings nothing back */
            assert_int_equal(add(1), 0);
            end();
        }
    }
}

static void a_wrapping_slot_begins_again(void **unused)
{
    (void)unused;
    tarn_slots_options o = {
        .handle_bits = 32, .index_bits = 30, .capacity = 1, .wrap = true, .tag = 0};
    assert_int_equal(make(o), TARN_OK);
    tarn_slot first = add(0), h = first;
    for (int i = 1; i < 3; i++) {
        assert_int_equal(tarn_slots_free(&table, h), TARN_OK);
        h = add(1);
        assert_true(h != first);
        stays_refused(first);
    }
    assert_int_equal(tarn_slots_free(&table, h), TARN_OK);
    stays_refused(first);
    assert_true(add(2) == first); /* 2 bits: three generations */
    assert_int_equal(tarn_slots_retired(&table), 0);
    end();
}

static void reset_makes_every_handle_stale(void **unused)
{
    (void)unused;
    static tarn_slot h[400];
    for (size_t f = 0; f < FORM_COUNT; f++) {
        assert_int_equal(make(FORMS[f]), TARN_OK);
        for (int round = 0; round < 4; round++) {
            for (size_t i = 0; i < 400; i += 2)
                h[i + 1] = h[i], h[i] = add(i);
            tarn_slots_reset(&table);
            assert_int_equal(tarn_slots_count(&table), 0);
            assert_int_equal(tarn_slots_check(&table), TARN_OK);
            for (size_t i = 0; i < 400; i++)
                stays_refused(h[i]);
        }
        end();
    }
}

/* What a walk has seen. */
typedef struct walk {
    size_t seen;
    uint64_t sum, last;
    bool free_odd, in_order;
} walk;

static bool see(void *user, tarn_slot slot, void *object)
{
    walk *w = user;
    const unit *u = object;
    w->seen++;
    w->sum += u->id;
    w->in_order &= w->seen == 1 || (slot & table.mask) > w->last;
    w->last = slot & table.mask;
    assert_ptr_equal(tarn_slots_resolve(&table, slot), object);
    if (w->free_odd && u->id % 2 != 0)
        assert_int_equal(tarn_slots_free(&table, slot), TARN_OK);
    return w->seen < 100000;
}

static bool see_one(void *user, tarn_slot slot, void *object)
{
    (void)slot, (void)object;
    ++*(int *)user;
    return false;
}

static void each_sees_the_live_ones_alone(void **unused)
{
    (void)unused;
    for (size_t f = 0; f < FORM_COUNT; f++) {
        assert_int_equal(make(FORMS[f]), TARN_OK);
        tarn_slot h[450];
        uint64_t sum = 0;
        for (uint64_t i = 0; i < 450; i++)
            h[i] = add(i);
        for (uint64_t i = 0; i < 450; i++) {
            if (i % 7 < 3 || (i > 100 && i < 300))
                assert_int_equal(tarn_slots_free(&table, h[i]), TARN_OK);
            else
                sum += i;
        }
        walk w = {.in_order = true};
        tarn_slots_each(&table, see, &w);
        assert_int_equal(w.seen, tarn_slots_count(&table));
        assert_int_equal(w.sum, sum);
        assert_true(w.in_order || FORMS[f].compact);
        int ones = 0;
        tarn_slots_each(&table, see_one, &ones);
        assert_int_equal(ones, 1);
        size_t count = tarn_slots_count(&table);
        w = (walk){.free_odd = true};
        tarn_slots_each(&table, see, &w);
        assert_int_equal(w.seen, count);
        assert_int_equal(w.sum, sum);
        w = (walk){0};
        tarn_slots_each(&table, see, &w);
        assert_int_equal(w.sum % 2, 0);
        assert_int_equal(w.seen, tarn_slots_count(&table));
        end();
    }
}

static void compacting_storage_is_an_array(void **unused)
{
    (void)unused;
    assert_int_equal(make((tarn_slots_options){.compact = true}), TARN_OK);
    size_t count = 1;
    assert_null(tarn_slots_array(&table, &count));
    assert_int_equal(count, 0);
    assert_int_equal(tarn_slots_at(&table, 0), 0);
    tarn_slot h[300];
    for (uint64_t i = 0; i < 300; i++)
        h[i] = add(i);
    for (uint64_t i = 0; i < 300; i += 2)
        assert_int_equal(tarn_slots_free(&table, h[i]), TARN_OK);
    const unit *all = tarn_slots_array(&table, &count);
    assert_int_equal(count, 150);
    for (size_t i = 0; i < count; i++) {
        assert_true(tarn_slots_at(&table, i) == h[all[i].id]);
        assert_ptr_equal(unit_resolve(&table, h[all[i].id]), &all[i]);
    }
    assert_int_equal(tarn_slots_at(&table, 150), 0);
    end();
    assert_int_equal(make((tarn_slots_options){0}), TARN_OK);
    tarn_slot stable = add(1);
    assert_true(stable != 0);
    assert_null(tarn_slots_array(&table, &count));
    assert_int_equal(tarn_slots_at(&table, 0), 0);
    end();
}

static size_t inits, finis;

static bool on_init(void *user, void *object)
{
    if (*(bool *)user)
        return false;
    inits++;
    ((unit *)object)->id = 77;
    return true;
}

static void on_fini(void *user, void *object)
{
    (void)user;
    finis += ((unit *)object)->id == 77;
}

static void init_and_fini_are_called_for_each_object(void **unused)
{
    (void)unused;
    for (unsigned compact = 0; compact < 2; compact++) {
        bool refuses = false;
        inits = finis = 0;
        tarn_slots_options o = {
            .init = on_init, .fini = on_fini, .user = &refuses, .compact = compact != 0};
        assert_int_equal(make(o), TARN_OK);
        tarn_slot h[100];
        for (int i = 0; i < 100; i++)
            h[i] = tarn_slots_alloc(&table, NULL);
        assert_int_equal(inits, 100);
        refuses = true;
        assert_int_equal(tarn_slots_alloc(&table, NULL), 0);
        assert_int_equal(tarn_slots_why(&table).status, TARN_NO_MEMORY);
        assert_int_equal(tarn_slots_count(&table), 100);
        assert_int_equal(tarn_slots_check(&table), TARN_OK);
        for (int i = 0; i < 100; i += 2)
            assert_int_equal(tarn_slots_free(&table, h[i]), TARN_OK);
        assert_int_equal(tarn_slots_free(&table, h[0]), TARN_STALE);
        assert_int_equal(finis, 50);
        tarn_slots_reset(&table);
        assert_int_equal(finis, 100);
        refuses = false;
        assert_true(tarn_slots_alloc(&table, NULL) != 0);
        end();
        assert_int_equal(finis, 101);
        assert_int_equal(inits, 101);
    }
}

static void bad_options_are_refused(void **unused)
{
    (void)unused;
    static char bytes[4096];
    const tarn_slots_options bad[] = {
        {.handle_bits = 48},
        {.index_bits = 1},
        {.index_bits = 32},
        {.tag_bits = 17},
        {.handle_bits = 32, .index_bits = 31},
        {.handle_bits = 32, .index_bits = 20, .tag_bits = 11},
        {.tag = 256},
        {.handle_bits = 32, .tag = 1},
        {.capacity = 100, .limit = 100},
        {.capacity = 100, .chunk = 64},
        {.chunk = 32},
        {.chunk = 96},
        {.chunk = 64, .compact = true},
        {.index_bits = 6, .capacity = 64},
        {.index_bits = 6, .limit = 64},
        {.parent = tarn_libc(), .buffer = bytes, .buffer_size = sizeof bytes},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(make(bad[i]), TARN_BAD_ARGUMENT);
        assert_int_equal(tarn_slots_why(&table).status, TARN_BAD_ARGUMENT);
    }
    assert_int_equal(tarn_slots_init(&table, &(tarn_slots_options){0}), TARN_BAD_ARGUMENT);
    assert_int_equal(make((tarn_slots_options){.align = 24}), TARN_BAD_ALIGN);
    assert_int_equal(make((tarn_slots_options){.object_size = SIZE_MAX / 2}), TARN_TOO_BIG);
    assert_int_equal(make((tarn_slots_options){.object_size = SIZE_MAX / 80, .capacity = 1 << 20}),
                     TARN_TOO_BIG);
    tarn_status status = TARN_OK;
    tarn_slots_options placed = {TARN_SLOTS_TYPE(unit), .buffer = bytes, .buffer_size = 4096};
    assert_null(tarn_slots_create(&placed, &status));
    assert_int_equal(status, TARN_BAD_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handle_is_good_until_its_free),
        cmocka_unit_test(forged_handles_are_refused),
        cmocka_unit_test(a_handle_of_another_table_is_refused),
        cmocka_unit_test(a_slot_out_of_generations_is_retired),
        cmocka_unit_test(a_wrapping_slot_begins_again),
        cmocka_unit_test(reset_makes_every_handle_stale),
        cmocka_unit_test(each_sees_the_live_ones_alone),
        cmocka_unit_test(compacting_storage_is_an_array),
        cmocka_unit_test(init_and_fini_are_called_for_each_object),
        cmocka_unit_test(bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
