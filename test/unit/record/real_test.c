/* SPDX-License-Identifier: MIT */
/* A dlsym that allocates, as with old C libraries: the search for malloc is served without one. */
#define _GNU_SOURCE
#include "record/real.h"

#include "support/tarn_test.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

static void *early[8];
static unsigned searches;

/* Stands before the C library's: allocates in all ways, then answers. */
void *dlsym(void *handle, const char *name)
{
    if (searches++ == 0) {
        early[0] = rec_next.calloc(3, 100);
        early[1] = rec_next.malloc(50);
        early[2] = rec_next.memalign(256, 10);
        memset(early[1], 7, 50);
        early[3] = rec_next.realloc(early[1], 80);
        assert_int_equal(rec_next.posix_memalign(&early[4], 64, 1), 0);
        early[5] = rec_next.malloc(1u << 20); /* more than there is */
        rec_next.free(early[1]);
    }
    void *symbol = dlvsym(handle, name, "GLIBC_2.2.5");
    return symbol ? symbol : dlvsym(handle, name, "GLIBC_2.16");
}

static void early_blocks(void **state)
{
    (void)state;
    void *block = rec_next.malloc(1000);
    assert_true(searches >= 10);
    assert_non_null(block);
    assert_false(rec_is_early(block));
    free(block);
    for (int i = 0; i < 5; i++)
        assert_true(rec_is_early(early[i]));
    assert_null(early[5]);
    for (int i = 0; i < 300; i++)
        assert_int_equal(((unsigned char *)early[0])[i], 0);
    assert_int_equal((uintptr_t)early[2] % 256, 0);
    assert_int_equal((uintptr_t)early[4] % 64, 0);
    assert_int_equal(((unsigned char *)early[3])[49], 7);
    assert_int_equal(rec_early_size(early[0]), 300);
    assert_int_equal(rec_early_size(early[3]), 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(early_blocks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
