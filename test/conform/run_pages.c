/* SPDX-License-Identifier: MIT */
/* The suite on the allocator that is the operating system. */

/* Pages that one thread gives back and another is given are no race, but only the kernel knows. */
#define RUN_TSAN_SUPPRESSIONS "race:tarn_conform.c\n"

#include "conform/run.h"

#include <tarn/pages.h>

static tarn_pages pages;

static tarn_allocator *pages_make(tarn_allocator *parent, void *user)
{
    (void)parent;
    return tarn_pages_init(&pages, user) == TARN_OK ? tarn_pages_allocator(&pages) : NULL;
}

static void pages_unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    tarn_pages_deinit(&pages);
}

static tarn_pages_options plain, limited = {.limit = 2 << 20};

int main(int argc, char **argv)
{
    const tarn_conform_options table[] = {
        {.name = "pages",
         .make = pages_make,
         .unmake = pages_unmake,
         .user = &plain,
         .max_align = 65536,
         .max_size = 40000,
         .budget = 16 << 20},
        {.name = "pages(limit)",
         .make = pages_make,
         .unmake = pages_unmake,
         .user = &limited,
         .max_size = 8192,
         .budget = 1 << 20},
    };
    return run_table(table, sizeof table / sizeof *table, argc, argv);
}
