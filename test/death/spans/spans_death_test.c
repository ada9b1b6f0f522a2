/* SPDX-License-Identifier: MIT */
/* spans_death_test.c - each misuse of spans dies with its own line, in every build. */
#include <signal.h>

#include <tarn/pages.h>
#include <tarn/spans.h>

#include "support/death.h"
#include "support/tarn_test.h"

static tarn_pages pages;
static tarn_spans spans;
static tarn_region region;

static void start(void)
{
    tarn_region other;
    (void)tarn_pages_init(&pages, NULL);
    (void)tarn_spans_init(&spans, &(tarn_spans_options){.source = &pages.source, .name = "chunks"});
    (void)tarn_source_map(&spans.source, 128 << 10, 1, 0, &region);
    (void)tarn_source_map(&spans.source, 128 << 10, 1, 0, &other);
}

static void twice(void *arg)
{
    (void)arg;
    start();
    tarn_source_unmap(&spans.source, region.ptr, region.size, 1);
    tarn_source_unmap(&spans.source, region.ptr, region.size, 1);
}

static void foreign(void *arg)
{
    start();
    tarn_source_unmap(&spans.source, arg, 65536, 1);
}

static void inside(void *arg)
{
    (void)arg;
    start();
    tarn_source_unmap(&spans.source, (char *)region.ptr + 65536, 65536, 1);
}

static void in_part(void *arg)
{
    (void)arg;
    start();
    tarn_source_unmap(&spans.source, region.ptr, 65536, 1);
}

static void misuse_dies(void **state)
{
    char other = 0;
    (void)state;
    assert_death(twice, NULL, SIGABRT, "tarn: double free: spans 'chunks'");
    assert_death(foreign, &other, SIGABRT, "tarn: foreign pointer: spans 'chunks'");
    assert_death(inside, NULL, SIGABRT, "tarn: interior pointer: spans 'chunks'");
    assert_death(in_part, NULL, SIGABRT,
                 "tarn: wrong size: spans 'chunks': given 65536, expected 131072");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(misuse_dies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
