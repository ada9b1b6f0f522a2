/* SPDX-License-Identifier: MIT */
/* Budgets in a tree: who pays, who refuses, what is undone, and that two threads cannot overdraw. */
#include "support/tarn_test.h"

#include <pthread.h>

#include <tarn/limit.h>
#include <tarn/source.h>

#include "support/probe.h"

static tarn_budget root, left, right;

static void tree(bool shared)
{
    assert_int_equal(
        tarn_budget_init(&root, &(tarn_budget_options){.hard = 1000, .shared = shared}), TARN_OK);
    assert_int_equal(
        tarn_budget_init(&left,
                         &(tarn_budget_options){.hard = 700, .parent = &root, .shared = shared}),
        TARN_OK);
    assert_int_equal(
        tarn_budget_init(&right, &(tarn_budget_options){.parent = &root, .shared = shared}),
        TARN_OK);
}

static void all_above_pay(void **state)
{
    (void)state;
    tree(false);
    assert_null(tarn_budget_charge(&left, 600));
    assert_ptr_equal(tarn_budget_charge(&left, 200), &left);
    assert_ptr_equal(tarn_budget_charge(&right, 500), &root);
    assert_int_equal(tarn_budget_get(&right).used, 0); /* undone */
    assert_null(tarn_budget_charge(&right, 400));
    assert_int_equal(tarn_budget_get(&root).used, 1000);
    tarn_budget_refund(&left, 600);
    assert_int_equal(tarn_budget_get(&root).used, 400);
    assert_int_equal(tarn_budget_get(&root).peak, 1000);
    assert_int_equal(tarn_budget_get(&left).refused, 1);
    assert_int_equal(tarn_budget_get(&root).refused, 1);
    assert_ptr_equal(tarn_budget_charge(&right, SIZE_MAX), &right);
}

static void limits_make_sense(void **state)
{
    tarn_budget plain;
    (void)state;
    assert_int_equal(tarn_budget_init(&root, &(tarn_budget_options){.hard = 10, .soft = 11}),
                     TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_budget_init(&plain, &(tarn_budget_options){.hard = 10}), TARN_OK);
    assert_int_equal(
        tarn_budget_init(&left, &(tarn_budget_options){.parent = &plain, .shared = true}),
        TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_budget_set(&plain, 5, 6), TARN_BAD_ARGUMENT);
    assert_string_equal(tarn_budget_get(&plain).name, "budget");
    assert_int_equal(tarn_budget_get(&plain).hard, 10);
    assert_int_equal(tarn_budget_set(&plain, 0, 6), TARN_OK);
    assert_null(tarn_budget_charge(&plain, 100));
}

static size_t asked_for;
static int asked;

static bool give_some(void *user, tarn_budget *b, size_t bytes)
{
    asked++;
    asked_for = bytes;
    if (*(size_t *)user != 0)
        tarn_budget_refund(b, *(size_t *)user);
    return *(size_t *)user != 0;
}

static void room_is_asked_for(void **state)
{
    size_t gives = 0;
    tarn_budget b;
    (void)state;
    assert_int_equal(
        tarn_budget_init(
            &b,
            &(tarn_budget_options){.hard = 100, .soft = 80, .reclaim = give_some, .user = &gives}),
        TARN_OK);
    asked = 0;
    assert_null(tarn_budget_charge(&b, 80));
    assert_int_equal(asked, 0);
    assert_null(tarn_budget_charge(&b, 5)); /* passes the soft limit */
    assert_int_equal(asked, 1);
    assert_int_equal(asked_for, 5);
    assert_null(tarn_budget_charge(&b, 5)); /* is beyond it already */
    assert_int_equal(asked, 1);
    assert_ptr_equal(tarn_budget_charge(&b, 30), &b);
    assert_int_equal(asked, 2);
    assert_int_equal(asked_for, 20);
    gives = 20;
    assert_null(tarn_budget_charge(&b, 30));
    assert_int_equal(asked, 4); /* 70 after the hard limit's, then past the soft one again */
    assert_int_equal(tarn_budget_get(&b).used, 80);
}

static void a_layer_charges_what_lives(void **state)
{
    probe below;
    tarn_limit limit;
    (void)state;
    tree(false);
    assert_int_equal(
        tarn_limit_init(&limit,
                        &(tarn_limit_options){.parent = probe_init(&below, NULL), .budget = &left}),
        TARN_OK);
    tarn_allocator *a = tarn_limit_allocator(&limit);
    assert_ptr_equal(tarn_limit_budget(&limit), &left);
    char *p = tarn_alloc(a, 500, 0);
    assert_null(tarn_alloc(a, 300, 3));
    tarn_why why = tarn_get_why(a);
    assert_int_equal(why.status, TARN_LIMIT);
    assert_int_equal(why.limit, 700);
    p = tarn_resize(a, p, 500, 600, 500, 0);
    assert_non_null(p);
    assert_null(tarn_resize(a, p, 600, 900, 600, 0));
    p = tarn_resize(a, p, 600, 100, 100, 0);
    assert_int_equal(tarn_budget_get(&root).used, 100);
    void *out[10];
    assert_int_equal(tarn_alloc_batch(a, 200, 0, 10, out), 3);
    assert_int_equal(tarn_budget_get(&left).used, 700);
    tarn_free_batch(a, 200, 0, 2, out);
    tarn_free(a, p, 100, 0);
    assert_int_equal(tarn_budget_get(&left).used, 200);
    tarn_free(&below.allocator, out[2], 200, 0);
    tarn_limit_deinit(&limit); /* what the layer still had is refunded */
    assert_int_equal(tarn_budget_get(&root).used, 0);
    probe_deinit(&below);
    assert_int_equal(below.faults, 0);
    assert_int_equal(tarn_limit_init(&limit, &(tarn_limit_options){.parent = tarn_libc()}),
                     TARN_BAD_ARGUMENT);
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *charge_much(void *user)
{
    tarn_budget *b = user;
    for (size_t i = 0; i < ROUNDS; i++) {
        size_t bytes = 100 + i % 400;
        if (tarn_budget_charge(b, bytes) == NULL) {
            if (tarn_budget_get(&root).used > 1000)
                return b;
            tarn_budget_refund(b, bytes);
        }
    }
    return NULL;
}

static void threads_cannot_overdraw(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    tree(true);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, charge_much, i % 2 == 0 ? &left : &right), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *bad;
        assert_int_equal(pthread_join(threads[i], &bad), 0);
        assert_null(bad);
    }
    assert_int_equal(tarn_budget_get(&root).used, 0);
    assert_int_equal(tarn_budget_get(&left).used, 0);
    assert_true(tarn_budget_get(&root).peak <= 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_above_pay),           cmocka_unit_test(limits_make_sense),
        cmocka_unit_test(room_is_asked_for),       cmocka_unit_test(a_layer_charges_what_lives),
        cmocka_unit_test(threads_cannot_overdraw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
