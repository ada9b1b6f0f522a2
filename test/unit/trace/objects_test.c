/* SPDX-License-Identifier: MIT */
/* The table of live blocks against a plain array. */
#include "support/tarn_test.h"

#include "maker.h"
#include "trace/objects.h"

#define PLACES 5000

static void against_a_model(void **state)
{
    (void)state;
    static uint32_t at[PLACES];
    static uint64_t size[PLACES];
    tarn_objects objects = {0};
    uint64_t seed = 42;
    uint32_t live = 0, most = 0;
    for (int i = 0; i < PLACES; i++)
        at[i] = TARN_NO_OBJECT;
    for (int step = 0; step < 400000; step++) {
        uint64_t place = maker_random(&seed) % PLACES;
        uint64_t address = 0x10000 + place * 16;
        assert_int_equal(tarn_objects_at(&objects, address), at[place]);
        if (at[place] == TARN_NO_OBJECT) {
            size[place] = maker_random(&seed) % 1000;
            at[place] = tarn_objects_new(&objects, size[place]);
            assert_true(tarn_objects_put(&objects, address, at[place]));
            most = ++live > most ? live : most;
        } else {
            assert_int_equal(objects.sizes[at[place]], size[place]);
            assert_int_equal(tarn_objects_take(&objects, address), at[place]);
            tarn_objects_drop(&objects, at[place]);
            at[place] = TARN_NO_OBJECT;
            live--;
        }
        assert_int_equal(objects.used, live);
    }
    assert_int_equal(objects.count,
                     most); /* numbers are dense: as many as were ever live at once */
    tarn_objects_clear(&objects);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(against_a_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
