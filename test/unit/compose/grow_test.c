/* SPDX-License-Identifier: MIT */
/* Members come when the others are full and go when two are empty; a request that no member can serve leaves things as they are. */
#include "support/tarn_test.h"

#include <signal.h>

#include <tarn/grow.h>
#include <tarn/pool.h>
#include <tarn/source.h>

#include "support/death.h"
#include "support/probe.h"

enum { CAPACITY = 4, SIZE = 32 };

static probe below;
static tarn_grow grow;
static int made, gone;
static bool refuses;

static tarn_status pool_make(void *user, size_t index, tarn_allocator **out)
{
    tarn_status status = TARN_NO_MEMORY;
    (void)user;
    assert_int_equal(index, (size_t)made);
    if (refuses)
        return TARN_DENIED;
    tarn_pool *p = tarn_pool_create(
        &(tarn_pool_options){.block_size = SIZE, .capacity = CAPACITY, .parent = &below.allocator},
        &status);
    *out = p != NULL ? tarn_pool_allocator(p) : NULL;
    made += p != NULL;
    return status;
}

static void pool_away(void *user, tarn_allocator *member)
{
    (void)user;
    tarn_pool_destroy((tarn_pool *)member);
    gone++;
}

static tarn_allocator *make(tarn_grow_options o)
{
    made = gone = 0;
    refuses = false;
    o.metadata = probe_init(&below, NULL);
    o.make = pool_make;
    o.unmake = pool_away;
    o.name = "regions";
    assert_int_equal(tarn_grow_init(&grow, &o), TARN_OK);
    return tarn_grow_allocator(&grow);
}

static void done(void)
{
    tarn_grow_deinit(&grow);
    assert_int_equal(made, gone);
    probe_deinit(&below);
    assert_int_equal(below.faults, 0);
}

static void members_come_and_go(void **state)
{
    (void)state;
    void *p[20];
    tarn_allocator *a = make((tarn_grow_options){0});
    assert_int_equal(tarn_grow_members(&grow), 1);
    for (size_t i = 0; i < 20; i++)
        assert_non_null(p[i] = tarn_alloc(a, SIZE, 3));
    assert_int_equal(tarn_grow_members(&grow), 5);
    assert_int_equal(tarn_check(a), TARN_OK);
    for (size_t i = 0; i < 12; i++)
        tarn_free(a, p[i], SIZE, 3);
    assert_int_equal(tarn_grow_members(&grow), 3); /* two of eight blocks, one idle */
    assert_non_null(p[0] = tarn_alloc(a, SIZE, 3));
    assert_int_equal(made, 5);
    tarn_free(a, p[0], SIZE, 3);
    assert_true(tarn_trim(a) > 0);
    assert_int_equal(tarn_grow_members(&grow), 2);
    assert_int_equal(tarn_reset(a), TARN_OK);
    assert_int_equal(tarn_check(a), TARN_OK);
    (void)tarn_trim(a);
    assert_int_equal(tarn_grow_members(&grow), 1);
    done();
}

static void there_is_a_most(void **state)
{
    (void)state;
    tarn_allocator *a = make((tarn_grow_options){.most = 2});
    for (size_t i = 0; i < 2 * CAPACITY; i++)
        assert_non_null(tarn_alloc(a, SIZE, 3));
    assert_null(tarn_alloc(a, SIZE, 3));
    assert_int_equal(tarn_get_why(a).status, TARN_LIMIT);
    assert_int_equal(tarn_get_why(a).limit, 2);
    done();
}

static void what_no_member_serves_changes_nothing(void **state)
{
    (void)state;
    tarn_allocator *a = make((tarn_grow_options){0});
    void *p = tarn_alloc(a, SIZE, 3);
    assert_null(tarn_alloc(a, SIZE + 1, 3));
    assert_int_equal(tarn_get_why(a).status, TARN_TOO_BIG);
    assert_int_equal(tarn_get_why(a).size, SIZE + 1);
    assert_int_equal(tarn_grow_members(&grow), 1);
    assert_null(tarn_alloc(a, SIZE, 10)); /* an alignment that none has does not close a member */
    assert_non_null(tarn_alloc(a, SIZE, 3));
    assert_int_equal(tarn_grow_members(&grow), 1);
    refuses = true;
    for (size_t i = 2; i < CAPACITY; i++)
        assert_non_null(tarn_alloc(a, SIZE, 3));
    assert_null(tarn_alloc(a, SIZE, 3));
    assert_int_equal(tarn_get_why(a).status, TARN_DENIED);
    tarn_free(a, p, SIZE, 3);
    assert_non_null(tarn_alloc(a, SIZE, 3));
    done();
    assert_int_equal(tarn_grow_init(&grow, &(tarn_grow_options){.name = "none"}),
                     TARN_BAD_ARGUMENT);
}

static tarn_status libc_make(void *user, size_t index, tarn_allocator **out)
{
    (void)user, (void)index;
    *out = tarn_libc();
    return TARN_OK;
}

static void members_must_know_their_blocks(void **state)
{
    (void)state;
    assert_int_equal(tarn_grow_init(&grow, &(tarn_grow_options){.make = libc_make}),
                     TARN_UNSUPPORTED);
}

static void free_a_stranger(void *unused)
{
    int here = 0;
    (void)unused;
    tarn_free(&grow.layer.allocator, &here, SIZE, 3);
}

static void a_stranger_is_named(void **state)
{
    (void)state;
    (void)make((tarn_grow_options){0});
    assert_death(free_a_stranger, NULL, SIGABRT, "tarn: foreign pointer: grow 'regions'");
    done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_come_and_go),
        cmocka_unit_test(there_is_a_most),
        cmocka_unit_test(what_no_member_serves_changes_nothing),
        cmocka_unit_test(members_must_know_their_blocks),
        cmocka_unit_test(a_stranger_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
