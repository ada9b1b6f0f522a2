/* SPDX-License-Identifier: MIT */
/* slots_death_test.c - misuse of a table of slots: a stale handle is none, a table that is gone and a wrong thread are. */
#include <pthread.h>
#include <signal.h>

#include <tarn/slots.h>

#include "support/death.h"
#include "support/tarn_test.h"

static tarn_slots table;
static tarn_slot slot;

/* The options a test is run with. */
static void start(const void *options)
{
    tarn_slots_options o = *(const tarn_slots_options *)options;
    o.object_size = 32;
    o.name = "units";
    if (tarn_slots_init(&table, &o) == TARN_OK)
        slot = tarn_slots_alloc(&table, NULL);
}

static void alloc_after_deinit(void *o)
{
    start(o);
    tarn_slots_deinit(&table);
    (void)!tarn_slots_alloc(&table, NULL);
}

static void resolve_after_deinit(void *o)
{
    start(o);
    tarn_slots_deinit(&table);
    (void)!tarn_slots_resolve(&table, slot);
}

static void free_after_deinit(void *o)
{
    start(o);
    tarn_slots_deinit(&table);
    (void)tarn_slots_free(&table, slot);
}

static void reset_after_deinit(void *o)
{
    start(o);
    tarn_slots_deinit(&table);
    tarn_slots_reset(&table);
}

static void double_deinit(void *o)
{
    start(o);
    tarn_slots_deinit(&table);
    tarn_slots_deinit(&table);
}

static void stale_handles(void *o)
{
    start(o);
    (void)tarn_slots_free(&table, slot);
    (void)tarn_slots_free(&table, slot);
    (void)!tarn_slots_resolve(&table, slot);
    (void)tarn_slots_free(&table, UINT64_MAX);
    (void)tarn_slots_free(&table, 0);
    tarn_slots_deinit(&table);
}

static void *free_it(void *unused)
{
    (void)tarn_slots_free(&table, slot);
    return unused;
}

static void elsewhere(void *(*what)(void *))
{
    pthread_t other;
    if (pthread_create(&other, NULL, what, NULL) == 0)
        (void)pthread_join(other, NULL);
}

static void wrong_thread(void *o)
{
    start(o);
    elsewhere(free_it);
}

static void shared(void *o)
{
    start(o);
    tarn_slots_share(&table);
    elsewhere(free_it);
    tarn_slots_deinit(&table);
}

static void in_every_build(void **unused)
{
    (void)unused;
    tarn_slots_options forms[] = {{.capacity = 0},
                                  {.capacity = 10},
                                  {.compact = true},
                                  {.check = true},
                                  {.compact = true, .check = true}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        void *o = &forms[i];
        assert_death(alloc_after_deinit, o, SIGABRT, "tarn: use after deinit: slots 'units'");
        assert_death(resolve_after_deinit, o, SIGABRT, "tarn: use after deinit: slots 'units'");
        assert_death(free_after_deinit, o, SIGABRT, "tarn: use after deinit: slots 'units'");
        assert_death(reset_after_deinit, o, SIGABRT, "tarn: use after deinit: slots 'units'");
        assert_death(double_deinit, o, SIGABRT, "tarn: use after deinit: slots 'units'");
        assert_survives(stale_handles, o);
    }
}

static void when_checking(void **unused)
{
    (void)unused;
    tarn_slots_options o = {.check = true};
    assert_death(wrong_thread, &o, SIGABRT, "tarn: wrong thread: slots 'units'");
    assert_survives(shared, &o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_every_build),
        cmocka_unit_test(when_checking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
