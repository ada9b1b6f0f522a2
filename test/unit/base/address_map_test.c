/* SPDX-License-Identifier: MIT */
/* address_map_test.c - found is what was added and not removed, in clusters that wrap, against a plain list. */
#include "base/address_map.h"
#include "support/tarn_test.h"

enum { SMALL = 8, LARGE = 1024, KEYS = 500 };

static tarn_address_entry small[SMALL], large[LARGE];

static void what_is_added_is_found(void **unused)
{
    (void)unused;
    tarn_address_map map;
    tarn_address_map_init(&map, small, SMALL);
    assert_null(tarn_address_map_find(&map, 0));
    assert_null(tarn_address_map_find(&map, 4096));
    for (uintptr_t k = 1; k <= SMALL / 2; k++) {
        assert_false(tarn_address_map_full(&map));
        tarn_address_map_add(&map, k << 16, k);
    }
    assert_true(tarn_address_map_full(&map));
    tarn_address_map_move(&map, large, LARGE);
    assert_false(tarn_address_map_full(&map));
    assert_int_equal(map.count, SMALL / 2);
    for (uintptr_t k = 1; k <= SMALL / 2; k++)
        assert_int_equal(tarn_address_map_find(&map, k << 16)->value, k);
    assert_null(tarn_address_map_find(&map, 5 << 16));
}

/* Every second call adds or removes a random key; the list knows what must be there. */
static void any_order_of_adds_and_removes(void **unused)
{
    (void)unused;
    static bool there[KEYS];
    tarn_address_map map;
    uint64_t random = 1;
    size_t count = 0;
    tarn_address_map_init(&map, large, LARGE);
    for (int round = 0; round < 40000; round++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t k = (size_t)(random >> 33) % KEYS;
        uintptr_t key = (k + 1) * 64; /* many of them are neighbours in the table */
        tarn_address_entry *e = tarn_address_map_find(&map, key);
        assert_int_equal(e != NULL, there[k]);
        if (there[k]) {
            assert_int_equal(e->value, k);
            tarn_address_map_remove(&map, e);
        } else {
            tarn_address_map_add(&map, key, k);
        }
        there[k] = !there[k];
        count += there[k] ? 1 : (size_t)-1;
        assert_int_equal(map.count, count);
    }
    for (size_t k = 0; k < KEYS; k++)
        assert_int_equal(tarn_address_map_find(&map, (k + 1) * 64) != NULL, there[k]);
}

static void a_full_cluster_that_wraps_heals_from_any_hole(void **unused)
{
    (void)unused;
    for (size_t hole = 0; hole < 4; hole++) {
        tarn_address_map map;
        uintptr_t keys[4];
        size_t n = 0;
        tarn_address_map_init(&map, small, SMALL);
        /* Keys whose home is the last entry, so that the cluster goes on at the front. */
        for (uintptr_t key = 8; n < 4; key += 8) {
            tarn_address_map_add(&map, key, key);
            if (small[SMALL - 1].key == key || n > 0) {
                if (tarn_address_map_find(&map, key) == &small[(SMALL - 1 + n) % SMALL]) {
                    keys[n++] = key;
                    continue;
                }
            }
            tarn_address_map_remove(&map, tarn_address_map_find(&map, key));
        }
        tarn_address_map_remove(&map, tarn_address_map_find(&map, keys[hole]));
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(tarn_address_map_find(&map, keys[i]) != NULL, i != hole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_found),
        cmocka_unit_test(any_order_of_adds_and_removes),
        cmocka_unit_test(a_full_cluster_that_wraps_heals_from_any_hole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
