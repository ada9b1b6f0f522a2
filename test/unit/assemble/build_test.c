/* SPDX-License-Identifier: MIT */
/* What a text says stands, works, and is gone without a trace; what it cannot say is refused. */
#include "support/tarn_test.h"

#include <stdio.h>

#include <tarn/build.h>
#include <tarn/source.h>

#include "conform/tarn_conform.h"
#include "support/probe.h"

static tarn_built *build(const char *text, tarn_allocator *metadata)
{
    tarn_build_error error;
    tarn_built *b = tarn_build(text, metadata, &error);
    if (b == NULL)
        printf("%s\n", error.message);
    return b;
}

static const char *const COMPOSITIONS[] = {
    "main = stats(segregate(64: pool 64, 1K: pool 1K, fallback(tlsf(buffer 8M), pages)))",
    "small = pool 64; big = tlsf(pages)\nmain = lock(segregate(64: small, big))",
    "a = slab(largest=2K) ; b = limit(a, hard=4M, soft=3M); scope(b)",
    "arena(pages, chunk=64K, limit=8M)",
    "fallback(stack(buffer 16K), slab)",
    "quantize(affix(libc, size, canary, owner), step=32, align=16)",
    "on_fail(buddy 4M (pages, min=64))",
    "cache(lock(segregate(512: pool 512, libc)), depth=32, largest=256)",
    "segregate(256: shared 256, ring 1M)",
    "r = spans(pages, first=1M, shared); main = segregate(1K: pool 1K(r), slab(r))",
    "arena(file 4M (sparse))",
    "fail(lock(pool 4096 (pages(populate), align=16, capacity=1000)), nth=0)",
};

static void texts_are_built(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof COMPOSITIONS / sizeof *COMPOSITIONS; i++) {
        probe metadata;
        bool alone = strstr(COMPOSITIONS[i], "; scope") != NULL;
        char text[300];
        (void)snprintf(text, sizeof text, "%s", COMPOSITIONS[i]);
        if (alone) /* the last definition needs no name of its own */
            (void)snprintf(text, sizeof text,
                           "a = slab(largest=2K) ; b = limit(a, hard=4M, soft=3M); c = scope(b)");
        tarn_built *b = build(text, probe_init(&metadata, NULL));
        assert_non_null(b);
        tarn_allocator *a = tarn_built_main(b);
        void *p[50];
        for (size_t k = 0; k < 50; k++) {
            p[k] = tarn_alloc(a, 1 + 37 * k % 1000, TARN_ALIGN_MAX);
            assert_non_null(p[k]);
            memset(p[k], (int)k, 1 + 37 * k % 1000);
        }
        for (size_t k = 50; k-- > 0;) /* a stack is among them */
            tarn_free(a, p[k], 1 + 37 * k % 1000, TARN_ALIGN_MAX);
        tarn_built_destroy(b);
        probe_deinit(&metadata); /* what is left is a fault */
        assert_int_equal(metadata.faults, 0);
    }
    tarn_built_destroy(NULL);
}

static void names_are_shared_and_found(void **state)
{
    (void)state;
    tarn_built *b = build("small = pool 64(check)\n"
                          "left = stats(small)\n"
                          "main = fallback(left, right)\n"
                          "right = lock(small)\n"
                          "again = right\n"
                          "room = buffer 4K",
                          NULL);
    assert_non_null(b);
    tarn_allocator *small = tarn_built_find(b, "small");
    assert_non_null(small);
    assert_string_equal(tarn_name(small), "small");
    assert_string_equal(tarn_name(tarn_built_find(b, "left")), "stats 'left'");
    assert_ptr_equal(tarn_parent(tarn_built_find(b, "left"), 0), small);
    assert_ptr_equal(tarn_parent(tarn_built_find(b, "right"), 0), small);
    assert_ptr_equal(tarn_built_find(b, "again"), tarn_built_find(b, "right"));
    assert_ptr_equal(tarn_built_main(b), tarn_built_find(b, "main"));
    assert_null(tarn_built_find(b, "room"));
    assert_null(tarn_built_find(b, "nobody"));
    tarn_built_destroy(b);
}

static void what_makes_no_sense_is_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } ROWS[] = {
        {"a = lock(b); b = stats(a)",
         "column 24: 'a' is made of itself: names go round in a cycle"},
        {"a = lock(a)", "column 10: 'a' is made of itself: names go round in a cycle"},
        {"pool 64(chunk=3K)", "column 1: 'pool' could not be built: an argument makes no sense"},
        {"a = tlsf(buffer 16)", "column 5: 'tlsf' could not be built: "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        probe metadata;
        tarn_build_error error;
        assert_null(tarn_build(ROWS[i].text, probe_init(&metadata, NULL), &error));
        assert_memory_equal(error.message, ROWS[i].message, strlen(ROWS[i].message));
        assert_int_not_equal(error.status, TARN_OK);
        probe_deinit(&metadata);
        assert_int_equal(metadata.faults, 0);
    }
    tarn_build_error error;
    assert_null(tarn_build("stats(pol 64)", NULL, &error));
    assert_int_equal(error.column, 7);
    assert_null(tarn_build("x = libc; y = stats(x 64)", NULL, &error));
    assert_string_equal(error.message, "column 23: 'x' is a name: it takes no size");
    assert_null(tarn_build("x = libc; stats(pol)", NULL, &error));
    assert_null(tarn_build("x = libc; y = stats(pol)", NULL, &error));
    const char *begin = "column 21: unknown name 'pol'; known are: pool shared arena ";
    assert_memory_equal(error.message, begin, strlen(begin));
    assert_string_equal(error.message + strlen(error.message) - 4, " x y");
    assert_null(tarn_build("nothing", NULL, NULL));
}

static bool scenario(tarn_allocator *a, void *user)
{
    tarn_build_error error;
    tarn_built *b = tarn_build(user, a, &error);
    if (b == NULL)
        return false;
    tarn_built_destroy(b);
    return true;
}

static void out_of_memory_leaves_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof COMPOSITIONS / sizeof *COMPOSITIONS; i++) {
        if (strstr(COMPOSITIONS[i], "; scope") != NULL)
            continue;
        const tarn_sweep_options o = {
            .name = COMPOSITIONS[i], .run = scenario, .user = (void *)(uintptr_t)COMPOSITIONS[i]};
        assert_int_equal(tarn_sweep(&o), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_built),
        cmocka_unit_test(names_are_shared_and_found),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(out_of_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
