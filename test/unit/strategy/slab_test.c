/* SPDX-License-Identifier: MIT */
/* slab_test.c - life cycle, options, alloc and free by hand and in batches, sources and buffers. */
#include <tarn/pages.h>
#include <tarn/slab.h>

#include "support/probe.h"
#include "support/tarn_test.h"

static _Alignas(4096) unsigned char buffer[256 << 10];

static void blocks_hold_what_is_written(void **unused)
{
    (void)unused;
    enum { N = 5000 };
    static unsigned char *blocks[N];
    static size_t sizes[N];
    tarn_slab slab;
    assert_int_equal(tarn_slab_init(&slab, &(tarn_slab_options){.name = "test"}), TARN_OK);
    for (size_t i = 0; i < N; i++) {
        sizes[i] = 1 + i * 37 % 1500;
        blocks[i] = tarn_slab_alloc(&slab, sizes[i], TARN_ALIGN_MAX);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        memset(blocks[i], (int)(i & 0xff), sizes[i]);
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t b = 0; b < sizes[i]; b++)
            assert_int_equal(blocks[i][b], i & 0xff);
        tarn_slab_free(&slab, blocks[i], sizes[i], TARN_ALIGN_MAX);
    }
    tarn_slab_free(&slab, NULL, 8, 0);
    assert_int_equal(tarn_slab_check(&slab), TARN_OK);
    tarn_stats stats;
    assert_int_equal(tarn_slab_stats(&slab, &stats), TARN_OK);
    assert_int_equal(stats.live_blocks, 0);
    assert_int_equal(stats.live_bytes, 0);
    tarn_slab_deinit(&slab);
}

static void alignment_is_natural_or_sought_upwards(void **unused)
{
    (void)unused;
    tarn_slab slab;
    assert_int_equal(tarn_slab_init(&slab, &(tarn_slab_options){0}), TARN_OK);
    for (unsigned log = 0; log <= 16; log++) {
        for (size_t size = 1; size < 6000; size += 211) {
            void *p = tarn_slab_alloc(&slab, size, log);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % ((size_t)1 << log), 0);
            assert_true(tarn_usable(&slab.allocator, p, size, log) >= size);
            tarn_slab_free(&slab, p, size, log);
        }
    }
    assert_int_equal(tarn_slab_check(&slab), TARN_OK);
    tarn_slab_deinit(&slab);
}

static void zeroed_is_zero_also_when_the_block_was_used(void **unused)
{
    (void)unused;
    tarn_slab slab;
    assert_int_equal(tarn_slab_init(&slab, &(tarn_slab_options){0}), TARN_OK);
    unsigned char *p = tarn_slab_alloc(&slab, 100, 0);
    memset(p, 0xff, 100);
    tarn_slab_free(&slab, p, 100, 0);
    unsigned char *q = tarn_slab_alloc(&slab, 100, TARN_ZERO);
    assert_ptr_equal(p, q);
    for (int i = 0; i < 100; i++)
        assert_int_equal(q[i], 0);
    tarn_slab_deinit(&slab);
}

static void batches_give_what_single_calls_give(void **unused)
{
    (void)unused;
    enum { N = 3000 };
    static void *blocks[N];
    tarn_slab slab;
    tarn_stats stats;
    assert_int_equal(tarn_slab_init(&slab, &(tarn_slab_options){.limit = 192 << 10}), TARN_OK);
    size_t n = tarn_slab_alloc_batch(&slab, 56, 0, N, blocks);
    assert_int_equal(n, N);
    for (size_t i = 1; i < N; i++)
        assert_true(blocks[i] != blocks[i - 1]);
    tarn_slab_free_batch(&slab, 56, 0, N, blocks);
    assert_int_equal(tarn_slab_stats(&slab, &stats), TARN_OK);
    assert_int_equal(stats.live_blocks, 0);
    n = tarn_slab_alloc_batch(&slab, 1000, 0, N, blocks); /* more than the limit allows */
    assert_in_range(n, 100, 192);
    assert_int_equal(tarn_get_why(&slab.allocator).status, TARN_LIMIT);
    assert_int_equal(tarn_get_why(&slab.allocator).limit, 192 << 10);
    tarn_slab_free_batch(&slab, 1000, 0, n, blocks);
    assert_int_equal(tarn_slab_alloc_batch(&slab, 9000, 0, 3, blocks), 3);
    tarn_slab_free_batch(&slab, 9000, 0, 3, blocks);
    assert_int_equal(tarn_slab_check(&slab), TARN_OK);
    tarn_slab_deinit(&slab);
}

static void a_buffer_serves_all_classes_and_stays_the_callers(void **unused)
{
    (void)unused;
    static void *blocks[4000];
    tarn_slab slab;
    size_t before = 0;
    assert_int_equal(tarn_slab_init(&slab, &(tarn_slab_options){.largest = 512,
                                                                .buffer = buffer,
                                                                .buffer_size = sizeof buffer}),
                     TARN_OK);
    for (size_t size = 512; size >= 32; size /= 2) { /* what one class leaves the next can have */
        size_t n = 0;
        while (n < 4000 && (blocks[n] = tarn_slab_alloc(&slab, size, 0)) != NULL) {
            assert_true((unsigned char *)blocks[n] >= buffer &&
                        (unsigned char *)blocks[n] + size <= buffer + sizeof buffer);
            n++;
        }
        assert_true(n == 4000 || n * size >= sizeof buffer * 7 / 10);
        assert_true(n > before);
        before = n;
        for (size_t i = 0; i < n; i++)
            tarn_slab_free(&slab, blocks[i], size, 0);
    }
    assert_null(tarn_slab_alloc(&slab, 513, 0));
    assert_int_equal(tarn_get_why(&slab.allocator).status, TARN_TOO_BIG);
    assert_null(tarn_slab_alloc(&slab, 8, TARN_SPEC(1024)));
    assert_int_equal(tarn_get_why(&slab.allocator).status, TARN_BAD_ALIGN);
    assert_int_equal(tarn_slab_trim(&slab), 0);
    assert_int_equal(tarn_slab_check(&slab), TARN_OK);
    tarn_slab_deinit(&slab);
}

static void options_that_make_no_sense_are_refused(void **unused)
{
    (void)unused;
    tarn_pages pages;
    tarn_slab slab;
    tarn_status status;
    assert_int_equal(tarn_pages_init(&pages, &(tarn_pages_options){0}), TARN_OK);
    const struct {
        tarn_slab_options options;
        tarn_status status;
    } table[] = {
        {{.source = &pages.source, .buffer = buffer, .buffer_size = 1000}, TARN_BAD_ARGUMENT},
        {{.page_size = 3000}, TARN_BAD_ARGUMENT},
        {{.page_size = 4096}, TARN_BAD_ARGUMENT}, /* holds no block of 4096 beside its header */
        {{.page_size = 32, .largest = 8}, TARN_BAD_ARGUMENT},
        {{.limit = 1000}, TARN_BAD_ARGUMENT},
        {{.buffer = buffer, .buffer_size = 4096}, TARN_LIMIT},
        {{.buffer = buffer, .buffer_size = 9}, TARN_LIMIT},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(tarn_slab_init(&slab, &table[i].options), table[i].status);
        assert_int_equal(tarn_get_why(&slab.allocator).status, table[i].status);
    }
    assert_null(tarn_slab_create(
        &(tarn_slab_options){.buffer = buffer, .buffer_size = sizeof buffer}, &status));
    assert_int_equal(status, TARN_BAD_ARGUMENT);
    assert_null(tarn_slab_create(&(tarn_slab_options){.waste = 99}, NULL));
    tarn_pages_deinit(&pages);
}

static void create_and_destroy_take_and_return_everything(void **unused)
{
    (void)unused;
    probe parent, metadata;
    tarn_status status = TARN_CORRUPT;
    tarn_allocator *a = probe_init(&parent, NULL), *m = probe_init(&metadata, NULL);
    tarn_slab *slab = tarn_slab_create(&(tarn_slab_options){.parent = a}, &status);
    assert_int_equal(status, TARN_OK);
    assert_non_null(tarn_slab_alloc(slab, 100, 0));
    assert_non_null(tarn_slab_alloc(slab, 10000, 0));
    tarn_slab_destroy(slab);
    slab = tarn_slab_create(&(tarn_slab_options){.parent = a, .metadata = m}, NULL);
    assert_non_null(tarn_slab_alloc(slab, 100, 0));
    assert_int_equal(parent.stats.live_blocks, 1); /* one page, nothing else */
    tarn_slab_destroy(slab);
    tarn_slab_destroy(NULL);
    assert_int_equal(parent.faults + metadata.faults, 0);
    assert_int_equal(probe_deinit(&parent), 0);
    assert_int_equal(probe_deinit(&metadata), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_hold_what_is_written),
        cmocka_unit_test(alignment_is_natural_or_sought_upwards),
        cmocka_unit_test(zeroed_is_zero_also_when_the_block_was_used),
        cmocka_unit_test(batches_give_what_single_calls_give),
        cmocka_unit_test(a_buffer_serves_all_classes_and_stays_the_callers),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(create_and_destroy_take_and_return_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
