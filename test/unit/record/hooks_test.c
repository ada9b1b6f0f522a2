/* SPDX-License-Identifier: MIT */
/* Every function of the malloc family leaves the event it should, and answers as the C library does. */
#define _GNU_SOURCE
#include "recorded.h"

#include "support/tarn_test.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(c) ((c) ? (void)0 : _exit(70 + __LINE__ % 30))

void cfree(void *) __attribute__((weak)); /* not in the C library any more */
void free_sized(void *, size_t) __attribute__((weak));
void free_aligned_sized(void *, size_t, size_t) __attribute__((weak));

static void family(void)
{
    void *p[16];
    MUST((p[0] = malloc(10001)));
    MUST((p[1] = calloc(3, 3335)));
    MUST((p[2] = realloc(NULL, 10007)));
    MUST((p[2] = realloc(p[2], 200009)));
    MUST((p[3] = reallocarray(NULL, 7, 1433)));
    MUST((p[3] = reallocarray(p[3], 7, 1439)));
    MUST((p[4] = aligned_alloc(128, 10240)));
    MUST((p[5] = memalign(256, 10037)));
    MUST(posix_memalign(&p[6], 512, 10039) == 0);
    MUST((p[7] = valloc(10061)));
    MUST((p[8] = pvalloc(10067)));
    MUST((uintptr_t)p[4] % 128 == 0 && (uintptr_t)p[5] % 256 == 0 && (uintptr_t)p[6] % 512 == 0);
    MUST(malloc_usable_size(p[0]) >= 10001);
    free(p[0]);
    MUST(cfree && free_sized && free_aligned_sized);
    free_sized(p[1], 10005);
    free_aligned_sized(p[4], 128, 10240);
    cfree(p[2]);
    for (int i = 3; i <= 8; i++)
        if (i != 4)
            free(p[i]);
    free(NULL);
}

static const struct {
    uint64_t size;
    uint8_t kind, align_log2;
} family_events[] = {
    {10001, TARN_EVENT_ALLOC, 0},    {10005, TARN_EVENT_ZALLOC, 0},
    {10007, TARN_EVENT_ALLOC, 0},    {200009, TARN_EVENT_REALLOC, 0},
    {10031, TARN_EVENT_ALLOC, 0},    {10073, TARN_EVENT_REALLOC, 0},
    {10240, TARN_EVENT_ALIGNED, 7},  {10037, TARN_EVENT_ALIGNED, 8},
    {10039, TARN_EVENT_ALIGNED, 9},  {10061, TARN_EVENT_ALIGNED, 12},
    {12288, TARN_EVENT_ALIGNED, 12},
};

static void the_family(void **state)
{
    (void)state;
    recorded r = record_part("family");
    assert_int_equal(r.status, 0);
    assert_int_equal(r.states[0], TARN_TRACE_COMPLETE);
    for (size_t i = 0; i < sizeof family_events / sizeof family_events[0]; i++) {
        tarn_event e = {0};
        assert_int_equal(allocs_of(r.traces[0], family_events[i].size, &e), 1);
        assert_int_equal(e.kind, family_events[i].kind);
        assert_int_equal(e.align_log2, family_events[i].align_log2);
    }
    unsigned frees = 0, usable = 0;
    for (tarn_event e; tarn_trace_next(r.traces[0], &e);) {
        frees += e.kind == TARN_EVENT_FREE && e.size > 10000;
        usable += e.kind == TARN_EVENT_USABLE && e.size >= 10001;
    }
    assert_int_equal(frees, 9);
    assert_int_equal(usable, 1);
    assert_int_equal(tarn_trace_get_counts(r.traces[0])->foreign_frees, 0);
    record_done(&r);
}

/* Requests that cannot be met, and the C library's odd corners. */
static void corners(void)
{
    volatile size_t half = SIZE_MAX / 2; /* volatile: compilers warn of what is wanted here */
    void *p = malloc(20001);
    MUST(p && !malloc(half) && errno == ENOMEM);
    errno = 0;
    MUST(!calloc(half, 3) && errno == ENOMEM);
    errno = 0;
    MUST(!reallocarray(p, half, 3) && errno == ENOMEM);
    MUST(!realloc(p, half)); /* p lives on */
    MUST(posix_memalign(&(void *){NULL}, 24, 10) == EINVAL);
    errno = 4711;
    free(p);
    free(malloc(20003));
    MUST(errno == 4711); /* kept by free, and by a malloc that succeeds */
    p = malloc(20005);
    MUST(!realloc(p, 0)); /* frees it */
    MUST(malloc_usable_size(NULL) == 0);
    p = malloc(0);
    MUST(p);
    free(p);
}

static void odd_corners(void **state)
{
    (void)state;
    recorded r = record_part("corners");
    assert_int_equal(r.status, 0);
    unsigned freed = 0;
    for (tarn_event e; tarn_trace_next(r.traces[0], &e);)
        freed +=
            e.kind == TARN_EVENT_FREE && (e.size == 20001 || e.size == 20003 || e.size == 20005);
    assert_int_equal(freed, 3);
    tarn_trace_scan(r.traces[0]);
    assert_int_equal(tarn_trace_get_counts(r.traces[0])->failed, 4);
    assert_int_equal(tarn_trace_get_counts(r.traces[0])->foreign_frees, 0);
    record_done(&r);
}

int main(int argc, char **argv)
{
    static const part parts[] = {{"family", family}, {"corners", corners}};
    recorded_parts(parts, sizeof parts / sizeof parts[0], argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_family),
        cmocka_unit_test(odd_corners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
