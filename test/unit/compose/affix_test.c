/* SPDX-License-Identifier: MIT */
/* Words around a block: sizes remembered, overruns named, references counted, owners known. */
#include "support/tarn_test.h"

#include <signal.h>

#include <tarn/affix.h>
#include <tarn/source.h>

#include "support/death.h"
#include "support/probe.h"

static probe below;
static tarn_affix layer;

static tarn_allocator *make(tarn_affix_options o)
{
    o.parent = probe_init(&below, NULL);
    o.name = "words";
    assert_int_equal(tarn_affix_init(&layer, &o), TARN_OK);
    return tarn_affix_allocator(&layer);
}

static void done(void)
{
    probe_deinit(&below);
    assert_int_equal(below.faults, 0);
    tarn_affix_deinit(&layer);
}

static void sizes_are_remembered(void **state)
{
    (void)state;
    tarn_allocator *a = make((tarn_affix_options){.size = true});
    assert_true(tarn_can(a, TARN_CAP_UNSIZED_FREE));
    for (uint32_t log = 0; log <= 12; log++) {
        char *p = tarn_alloc(a, 100, log);
        assert_int_equal((uintptr_t)p % ((size_t)1 << log), 0);
        assert_int_equal(tarn_usable(a, p, 0, log), 100);
        p = tarn_resize(a, p, 0, 300, 100, log);
        assert_int_equal(tarn_usable(a, p, 0, log), 300);
        tarn_free(a, p, 0, log);
    }
    assert_null(tarn_alloc(a, SIZE_MAX - 20, 0));
    assert_int_equal(tarn_get_why(a).status, TARN_TOO_BIG);
    assert_null(tarn_alloc(a, 8, 63));
    assert_int_equal(tarn_get_why(a).status, TARN_BAD_ALIGN);
    done();
    assert_int_equal(tarn_affix_init(&layer, &(tarn_affix_options){.parent = tarn_libc()}),
                     TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_affix_init(&layer, &(tarn_affix_options){.size = true}),
                     TARN_BAD_ARGUMENT);
}

static char *block;

static void overrun(void *offset)
{
    block[(intptr_t)offset] = (char)(block[(intptr_t)offset] ^ 1);
    tarn_free(&layer.layer.allocator, block, 40, 3);
}

static void resize_overrun(void *offset)
{
    block[(intptr_t)offset] = (char)(block[(intptr_t)offset] ^ 1);
    (void)!tarn_resize(&layer.layer.allocator, block, 40, 50, 40, 3);
}

static void wrong_size(void *size)
{
    tarn_free(&layer.layer.allocator, block, (size_t)size, 3);
}

static void misuse_is_named(void **state)
{
    (void)state;
    tarn_allocator *a = make((tarn_affix_options){.canary = true, .size = true});
    block = tarn_alloc(a, 40, 3);
    assert_death(overrun, (void *)40, SIGABRT, "tarn: corruption: affix 'words'");
    assert_death(overrun, (void *)(intptr_t)(40 + sizeof(size_t) - 1), SIGABRT,
                 "tarn: corruption: affix 'words'");
    assert_death(overrun, (void *)-(intptr_t)(2 * sizeof(size_t) + 1), SIGABRT,
                 "tarn: corruption: affix 'words'");
    assert_death(resize_overrun, (void *)40, SIGABRT, "tarn: corruption: affix 'words'");
    assert_death(wrong_size, (void *)41, SIGABRT,
                 "tarn: wrong size: affix 'words': given 41, expected 40");
    tarn_free(a, block, 40, 3);
    done();
}

static void the_last_reference_frees(void **state)
{
    (void)state;
    tarn_allocator *a = make((tarn_affix_options){.size = true, .count = true});
    void *p = tarn_alloc(a, 77, 5);
    assert_int_equal(tarn_affix_retain(&layer, p), 2);
    assert_int_equal(tarn_affix_retain(&layer, p), 3);
    assert_int_equal(tarn_affix_release(&layer, p), 2);
    p = tarn_resize(a, p, 77, 200, 77, 5); /* the count stays */
    assert_int_equal(tarn_affix_release(&layer, p), 1);
    assert_int_equal(tarn_affix_release(&layer, p), 0);
    done(); /* and the probe has no block left */
    a = make((tarn_affix_options){.size = true});
    p = tarn_alloc(a, 8, 3);
    assert_int_equal(tarn_affix_retain(&layer, p), 0);
    assert_int_equal(tarn_affix_release(&layer, p), SIZE_MAX);
    tarn_free(a, p, 8, 3);
    done();
}

static void the_owner_is_known(void **state)
{
    (void)state;
    tarn_allocator *a =
        make((tarn_affix_options){.size = true, .owner = true, .canary = true, .count = true});
    void *p = tarn_alloc(a, 33, 6);
    assert_ptr_equal(tarn_affix_owner(p), a);
    tarn_affix_free(p);
    tarn_affix_free(NULL);
    done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_remembered),
        cmocka_unit_test(misuse_is_named),
        cmocka_unit_test(the_last_reference_frees),
        cmocka_unit_test(the_owner_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
