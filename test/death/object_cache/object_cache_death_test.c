/* SPDX-License-Identifier: MIT */
/* object_cache_death_test.c - each misuse of a checking object cache dies with its own line. */
#include <pthread.h>
#include <signal.h>

#include <tarn/object_cache.h>

#include "support/death.h"
#include "support/tarn_test.h"

static tarn_object_cache cache;
static char *object;
static char elsewhere[64];

/* how: NULL for a pool of its own, else over malloc. */
static void start(const void *how)
{
    tarn_object_cache_options o = {.object_size = 64,
                                   .name = "sessions",
                                   .check = true,
                                   .parent = how != NULL ? tarn_libc() : NULL};
    if (tarn_object_cache_init(&cache, &o) == TARN_OK)
        object = tarn_object_cache_alloc(&cache);
}

static void double_free(void *how)
{
    start(how);
    tarn_object_cache_free(&cache, object);
    tarn_object_cache_free(&cache, object);
}

static void foreign_pointer(void *how)
{
    start(how);
    tarn_object_cache_free(&cache, elsewhere);
}

static void interior_pointer(void *how)
{
    start(how);
    tarn_object_cache_free(&cache, object + 8);
}

static void wrong_size(void *how)
{
    start(how);
    tarn_free(&cache.allocator, object, 65, 0);
}

static void wrong_alignment(void *how)
{
    start(how);
    tarn_free(&cache.allocator, object, 64, TARN_SPEC(128));
}

static void resize_after_free(void *how)
{
    start(how);
    tarn_object_cache_free(&cache, object);
    (void)!tarn_resize(&cache.allocator, object, 64, 60, 60, 0);
}

static void resize_after_deinit(void *how)
{
    start(how);
    tarn_object_cache_deinit(&cache);
    (void)!tarn_resize(&cache.allocator, object, 64, 60, 60, 0);
}

static void alloc_after_deinit(void *how)
{
    start(how);
    tarn_object_cache_free(&cache, object);
    tarn_object_cache_deinit(&cache);
    (void)!tarn_object_cache_alloc(&cache);
}

static void free_after_deinit(void *how)
{
    start(how);
    tarn_object_cache_free(&cache, object);
    tarn_object_cache_deinit(&cache);
    tarn_object_cache_free(&cache, object);
}

static void trim_after_deinit(void *how)
{
    start(how);
    tarn_object_cache_free(&cache, object);
    tarn_object_cache_deinit(&cache);
    (void)tarn_object_cache_trim(&cache);
}

static void fill_after_deinit(void *how)
{
    start(how);
    tarn_object_cache_free(&cache, object);
    tarn_object_cache_deinit(&cache);
    (void)tarn_object_cache_fill(&cache, 1);
}

static void double_deinit(void *how)
{
    start(how);
    tarn_object_cache_free(&cache, object);
    tarn_object_cache_deinit(&cache);
    tarn_object_cache_deinit(&cache);
}

static void *call_alloc(void *unused)
{
    return (void)unused, tarn_object_cache_alloc(&cache);
}

static void *call_free(void *unused)
{
    tarn_object_cache_free(&cache, object);
    return unused;
}

static void *call_deinit(void *unused)
{
    tarn_object_cache_deinit(&cache);
    return unused;
}

static void elsewhere_calls(void *(*call)(void *))
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, call, NULL) == 0)
        (void)pthread_join(thread, NULL);
}

static void alloc_elsewhere(void *how)
{
    start(how);
    elsewhere_calls(call_alloc);
}

static void free_elsewhere(void *how)
{
    start(how);
    elsewhere_calls(call_free);
}

static void in_turns(void *how)
{
    start(how);
    tarn_share(&cache.allocator);
    elsewhere_calls(call_free);
    object = tarn_object_cache_alloc(&cache);
    tarn_object_cache_free(&cache, object);
    elsewhere_calls(call_deinit);
}

static void deinit_elsewhere(void *how)
{
    start(how);
    tarn_object_cache_free(&cache, object);
    elsewhere_calls(call_deinit);
}

static void misuse_dies_with_its_name(void **unused)
{
    (void)unused;
    static const struct {
        void (*misuse)(void *);
        const char *line;
    } table[] = {
        {double_free, "tarn: double free: object cache 'sessions'"},
        {foreign_pointer, "tarn: foreign pointer: object cache 'sessions'"},
        {interior_pointer, "tarn: interior pointer: object cache 'sessions'"},
        {wrong_size, "tarn: wrong size: object cache 'sessions': given 65, expected 64"},
        {wrong_alignment, "tarn: wrong alignment: object cache 'sessions': given 128, expected 16"},
        {resize_after_free, "tarn: double free: object cache 'sessions'"},
        {resize_after_deinit, "tarn: use after deinit: object cache 'sessions'"},
        {alloc_after_deinit, "tarn: use after deinit: object cache 'sessions'"},
        {free_after_deinit, "tarn: use after deinit: object cache 'sessions'"},
        {trim_after_deinit, "tarn: use after deinit: object cache 'sessions'"},
        {fill_after_deinit, "tarn: use after deinit: object cache 'sessions'"},
        {double_deinit, "tarn: use after deinit: object cache 'sessions'"},
        {alloc_elsewhere, "tarn: wrong thread: object cache 'sessions'"},
        {free_elsewhere, "tarn: wrong thread: object cache 'sessions'"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_death(table[i].misuse, NULL, SIGABRT, table[i].line);
        assert_death(table[i].misuse, elsewhere, SIGABRT, table[i].line);
    }
}

static void threads_that_take_turns_live(void **unused)
{
    (void)unused;
    assert_survives(in_turns, NULL);
    assert_survives(deinit_elsewhere, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misuse_dies_with_its_name),
        cmocka_unit_test(threads_that_take_turns_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
