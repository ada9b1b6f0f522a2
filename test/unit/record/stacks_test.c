/* SPDX-License-Identifier: MIT */
/* Stacks and files: a library loaded later, a callback that holds the linker's lock, a thread with a small stack. */
#define _GNU_SOURCE
#include "recorded.h"

#include "support/tarn_test.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST(c) ((c) ? (void)0 : _exit(70 + __LINE__ % 30))

static void loads(void)
{
    for (size_t round = 0; round < 3; round++) {
        void *library =
            dlopen(getenv("TARN_TEST_PLUG"), RTLD_NOW | RTLD_LOCAL | (round ? RTLD_DEEPBIND : 0));
        MUST(library);
        void *(*alloc)(size_t);
        void *symbol = dlsym(library, "plug_alloc");
        MUST(symbol);
        memcpy(&alloc, &symbol, sizeof alloc);
        free(alloc(81 + round));
        dlclose(library);
    }
    MUST(!dlsym(RTLD_DEFAULT, "no_such_function") && dlerror()); /* allocates its message */
}

static void a_library_loaded_later(void **state)
{
    (void)state;
    recorded r = record_part("loads");
    tarn_event e;
    assert_int_equal(r.status, 0);
    assert_int_equal(allocs_of(r.traces[0], 81, &e), 1);
    const tarn_trace_context *c = tarn_trace_get_context(r.traces[0], e.context);
    assert_non_null(c);
    const tarn_trace_module *m = tarn_trace_get_module(r.traces[0], c->frames[0].module);
    assert_non_null(m);
    assert_non_null(strstr(m->path, "tarn_test_plug"));
    assert_int_equal(strlen(m->build_id), 40);
    assert_true(c->frames[0].offset > 0 && c->frames[0].offset < 65536);
    assert_true(c->frame_count >= 3);
    m = tarn_trace_get_module(r.traces[0], c->frames[1].module);
    assert_non_null(m);
    assert_non_null(strstr(m->path, "stacks_test")); /* the program itself has a path too */
    record_done(&r);
}

/* One thread allocates with the linker's lock held, another one's new contexts need that lock. */
static atomic_bool stop;

static int each(struct dl_phdr_info *info, size_t size, void *seed)
{
    (void)info, (void)size;
    for (int i = 0; i < 20; i++)
        free(malloc(5000 + (*(size_t *)seed)++));
    return 0;
}

static void *walk(void *unused)
{
    size_t seed = 0;
    while (!stop)
        dl_iterate_phdr(each, &seed);
    return unused;
}

static void *meet(void *unused)
{
    for (size_t i = 0; i < 3000; i++)
        free(malloc(200000 + i));
    return unused;
}

static void linker_lock(void)
{
    pthread_t walker, other;
    MUST(pthread_create(&walker, NULL, walk, NULL) == 0);
    MUST(pthread_create(&other, NULL, meet, NULL) == 0);
    pthread_join(other, NULL);
    stop = true;
    pthread_join(walker, NULL);
}

static void no_deadlock_with_the_linker(void **state)
{
    (void)state;
    recorded r = record_part("linker_lock");
    tarn_event e;
    assert_int_equal(r.status, 0);
    assert_int_equal(allocs_of(r.traces[0], 202999, &e), 1);
    record_done(&r);
}

static void *on_little(void *unused)
{
    free(malloc(84));
    return unused;
}

static void small_stack(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    MUST(pthread_attr_init(&attributes) == 0);
    MUST(pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN) == 0);
    MUST(pthread_create(&thread, &attributes, on_little, NULL) == 0);
    pthread_join(thread, NULL);
}

static void the_smallest_stack(void **state)
{
    (void)state;
    recorded r = record_part("small_stack");
    tarn_event e;
    assert_int_equal(r.status, 0);
    assert_int_equal(allocs_of(r.traces[0], 84, &e), 1);
    record_done(&r);
}

int main(int argc, char **argv)
{
    static const part parts[] = {
        {"loads", loads}, {"linker_lock", linker_lock}, {"small_stack", small_stack}};
    recorded_parts(parts, sizeof parts / sizeof parts[0], argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_loaded_later),
        cmocka_unit_test(no_deadlock_with_the_linker),
        cmocka_unit_test(the_smallest_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
