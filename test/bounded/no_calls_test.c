/* SPDX-License-Identifier: MIT */
/*
 * no_calls_test.c - after init, a pool over memory that is there and a tlsf over fixed regions make no system call.
 *
 * Shown by the kernel: under seccomp's strict mode a thread that makes any but read, write and exit is killed.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <tarn/pages.h>
#include <tarn/pool.h>
#include <tarn/tlsf.h>

#include "support/death.h"
#include "support/tarn_test.h"

enum { SLOTS = 500, STEPS = 20000, ROOM = 1 << 20 };

static tarn_pool pool;
static tarn_tlsf tlsf;
static tarn_pages pages;
static tarn_region region;
static char memory[ROOM];
static void *blocks[SLOTS];
static size_t sizes[SLOTS];
static tarn_spec specs[SLOTS];

static void only_compute(void)
{
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
        _exit(3);
}

/* What returning from main does is more than strict mode allows. */
static void leave(int status)
{
    syscall(SYS_exit, status);
}

static unsigned long long state = 1;

static size_t below(size_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(state >> 33) % n;
}

/* Everything that alloc, free and resize can be asked, refusals included. */
static void churn(tarn_allocator *a, size_t most)
{
    for (size_t n = 0; n < STEPS; n++) {
        size_t i = below(SLOTS), size = below(most) + 1;
        if (blocks[i] == NULL) {
            sizes[i] = size;
            specs[i] = (tarn_spec)below(4);
            blocks[i] = tarn_alloc(a, size, specs[i] | (n % 5 == 0 ? TARN_ZERO : 0));
        } else if (below(3) == 0) {
            void *p = tarn_resize(a, blocks[i], sizes[i], size, size < sizes[i] ? size : sizes[i],
                                  specs[i]);
            blocks[i] = p != NULL ? p : blocks[i];
            sizes[i] = p != NULL ? size : sizes[i];
        } else {
            tarn_free(a, blocks[i], sizes[i], specs[i]);
            blocks[i] = NULL;
        }
    }
}

static void pool_in_a_buffer(void *steady)
{
    tarn_pool_options o = {.block_size = 64,
                           .capacity = SLOTS - 50,
                           .buffer = memory,
                           .buffer_size = sizeof memory,
                           .steady = *(const bool *)steady};
    if (tarn_pool_init(&pool, &o) != TARN_OK)
        leave(2);
    only_compute();
    churn(tarn_pool_allocator(&pool), 64);
    (void)tarn_pool_check(&pool);
    tarn_pool_deinit(&pool);
    leave(0);
}

static void pool_in_pages(void *unused)
{
    (void)unused;
    tarn_pool_options o = {.block_size = 64, .capacity = SLOTS - 50, .source = &pages.source};
    if (tarn_pages_init(&pages, &(tarn_pages_options){.name = "warm"}) != TARN_OK ||
        tarn_pool_init(&pool, &o) != TARN_OK)
        leave(2);
    only_compute();
    churn(tarn_pool_allocator(&pool), 64);
    leave(0);
}

static void start_tlsf(tarn_allocator *metadata)
{
    if (tarn_pages_init(&pages, &(tarn_pages_options){.name = "warm"}) != TARN_OK ||
        tarn_source_map(&pages.source, ROOM, 4096, 0, &region) != TARN_OK ||
        tarn_tlsf_init(&tlsf, &(tarn_tlsf_options){.metadata = metadata}) != TARN_OK ||
        tarn_tlsf_add_region(&tlsf, memory, sizeof memory / 4) != TARN_OK ||
        tarn_tlsf_add_region(&tlsf, region.ptr, region.size / 4) != TARN_OK)
        leave(2);
}

static void tlsf_in_regions(void *unused)
{
    (void)unused;
    start_tlsf(NULL);
    only_compute();
    churn(tarn_tlsf_allocator(&tlsf), 5000);
    if (tarn_check(tarn_tlsf_allocator(&tlsf)) != TARN_OK)
        leave(4);
    (void)tarn_reset(tarn_tlsf_allocator(&tlsf));
    tarn_tlsf_deinit(&tlsf);
    leave(0);
}

static void tlsf_with_metadata_outside(void *unused)
{
    (void)unused;
    start_tlsf(tarn_libc());
    only_compute();
    churn(tarn_tlsf_allocator(&tlsf), 5000);
    leave(0);
}

/* The rule bites: one that grows has to ask the system. */
static void tlsf_that_grows(void *unused)
{
    (void)unused;
    if (tarn_pages_init(&pages, &(tarn_pages_options){.name = "warm"}) != TARN_OK ||
        tarn_tlsf_init(&tlsf, &(tarn_tlsf_options){.source = &pages.source}) != TARN_OK)
        leave(2);
    only_compute();
    churn(tarn_tlsf_allocator(&tlsf), 5000);
    leave(0);
}

static void no_system_call_after_init(void **unused)
{
    (void)unused;
    bool yes = true, no = false;
    assert_survives(pool_in_a_buffer, &no);
    assert_survives(pool_in_a_buffer, &yes);
    assert_survives(pool_in_pages, NULL);
    assert_survives(tlsf_in_regions, NULL);
    assert_survives(tlsf_with_metadata_outside, NULL);
}

static void growing_makes_one(void **unused)
{
    (void)unused;
    assert_death(tlsf_that_grows, NULL, SIGKILL, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_system_call_after_init),
        cmocka_unit_test(growing_makes_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
