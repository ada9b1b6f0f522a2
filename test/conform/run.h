/* SPDX-License-Identifier: MIT */
/*
 * run.h - a table of allocators, and the suite over each of them.
 *
 * The first argument of a test program is the name of the one to run, default all; the second a rule.
 */
#ifndef TARN_CONFORM_RUN_H
#define TARN_CONFORM_RUN_H

#include "tarn_conform.h"

#include <stdlib.h>
#include <string.h>

/* Large requests are refused by Tarn; AddressSanitizer is to refuse as malloc does, and not to die. */
TARN_API const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* What ThreadSanitizer is not to report; a runner may say so before it includes this. */
#ifndef RUN_TSAN_SUPPRESSIONS
#define RUN_TSAN_SUPPRESSIONS ""
#endif
TARN_API const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return RUN_TSAN_SUPPRESSIONS;
}

static inline int run_table(const tarn_conform_options *table, size_t count, int argc, char **argv)
{
    int failures = 0;
    size_t run = 0;
    const char *seed = getenv("TARN_SEED");
    for (size_t i = 0; i < count; i++) {
        tarn_conform_options o = table[i];
        if (argc > 1 && strcmp(argv[1], "all") != 0 && strcmp(argv[1], o.name) != 0)
            continue;
        o.rule = argc > 2 ? argv[2] : NULL;
        o.seed = seed != NULL ? strtoull(seed, NULL, 0) : 0;
        int bad = tarn_conform(&o);
        printf("%-44s %s\n", o.name, bad == 0 ? "conforms" : "does not conform");
        failures += bad;
        run++;
    }
    if (run == 0)
        fprintf(stderr, "nothing is called '%s'\n", argc > 1 ? argv[1] : "");
    return failures != 0 || run == 0;
}

#endif
