/* SPDX-License-Identifier: MIT */
/* The suite on allocators that stand below all others: libc, and the tests' own probe. */
#include "conform/run.h"

#include "support/probe.h"

#include <tarn/source.h>

static tarn_allocator *libc_make(tarn_allocator *parent, void *user)
{
    (void)parent;
    (void)user;
    return tarn_libc();
}

static probe strict;

static tarn_allocator *probe_make(tarn_allocator *parent, void *user)
{
    (void)parent;
    return probe_init(&strict, user);
}

static void probe_unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    probe_deinit(&strict);
}

static probe_options exact, slack = {.slack = 48},
                            bare = {.without_caps = ~(uint32_t)TARN_CAP_FREE,
                                    .without = PROBE_NO_AT_LEAST | PROBE_NO_BATCH | PROBE_NO_RARE};

int main(int argc, char **argv)
{
    const tarn_conform_options table[] = {
        {.name = "libc", .make = libc_make, .max_align = 4096, .max_size = 100000},
        {.name = "probe",
         .make = probe_make,
         .unmake = probe_unmake,
         .user = &exact,
         .max_align = 4096},
        {.name = "probe(slack)", .make = probe_make, .unmake = probe_unmake, .user = &slack},
        {.name = "probe(bare)", .make = probe_make, .unmake = probe_unmake, .user = &bare},
    };
    return run_table(table, sizeof table / sizeof *table, argc, argv);
}
