/* SPDX-License-Identifier: MIT */
/* A pool in a place: every block once, seen at two addresses, mended, refused when damaged. */
#include "support/tarn_test.h"

#include <pthread.h>
#include <stdlib.h>

#include <tarn/segment_pool.h>

static _Alignas(4096) unsigned char place[1 << 16], copy[1 << 16];

static tarn_segment_pool make(size_t block_size, size_t align, size_t capacity, uint32_t owner)
{
    tarn_segment_pool p;
    tarn_segment_pool_options o = {.block_size = block_size, .align = align, .capacity = capacity};
    size_t bytes = tarn_segment_pool_bytes(block_size, align, capacity);
    assert_true(bytes != 0 && bytes <= sizeof place);
    memset(place, 0xee, sizeof place);
    assert_int_equal(tarn_segment_pool_format(place, bytes, &o), TARN_OK);
    assert_int_equal(tarn_segment_pool_init(&p, place, bytes, owner, "test"), TARN_OK);
    return p;
}

static size_t live(tarn_segment_pool *p)
{
    tarn_stats stats;
    assert_int_equal(tarn_get_stats(tarn_segment_pool_allocator(p), &stats), TARN_OK);
    return stats.live_blocks;
}

static int by_address(const void *x, const void *y)
{
    const char *a = *(char *const *)x, *b = *(char *const *)y;
    return (a > b) - (a < b);
}

static void every_block_once(void **state)
{
    (void)state;
    const size_t capacities[] = {1, 2, 63, 64, 65, 500, 777};
    for (size_t k = 0; k < sizeof capacities / sizeof *capacities; k++) {
        size_t n = capacities[k];
        tarn_segment_pool p = make(24, 8, n, 2);
        char **blocks = calloc(n, sizeof *blocks);
        for (int round = 0; round < 3; round++) {
            for (size_t i = 0; i < n; i++) {
                blocks[i] = tarn_segment_pool_alloc(&p);
                assert_non_null(blocks[i]);
                memset(blocks[i], (int)i, 24);
            }
            assert_null(tarn_segment_pool_alloc(&p));
            assert_int_equal(tarn_get_why(tarn_segment_pool_allocator(&p)).status, TARN_LIMIT);
            assert_int_equal(live(&p), n);
            assert_int_equal(tarn_check(tarn_segment_pool_allocator(&p)), TARN_OK);
            qsort(blocks, n, sizeof *blocks, by_address);
            for (size_t i = 1; i < n; i++)
                assert_true(blocks[i] - blocks[i - 1] >= 24);
            for (size_t i = 0; i < n; i++)
                tarn_segment_pool_free(&p, blocks[round == 1 ? n - 1 - i : i]);
            assert_int_equal(live(&p), 0);
        }
        free(blocks);
    }
}

/* Any one block that is freed while all are out is found again, wherever the hints are. */
static void the_one_free_block_is_found(void **state)
{
    (void)state;
    enum { N = 4500 };
    static void *blocks[N];
    tarn_segment_pool p = make(8, 8, N, 2);
    for (size_t i = 0; i < N; i++)
        blocks[i] = tarn_segment_pool_alloc(&p);
    assert_null(tarn_segment_pool_alloc(&p));
    for (size_t i = 0; i < N; i += 37) {
        tarn_segment_pool other = p; /* another process: its cursor is elsewhere */
        other.cursor = (i * 7) % p.words;
        tarn_segment_pool_free(&p, blocks[i]);
        assert_ptr_equal(tarn_segment_pool_alloc(&other), blocks[i]);
        assert_null(tarn_segment_pool_alloc(&other));
    }
    /* Hints that are all wrong lose nothing (I3). */
    tarn_segment_pool_free(&p, blocks[N - 1]);
    memset(p.full, 0xff, (p.words + 7) / 8);
    p.cursor = 0;
    assert_ptr_equal(tarn_segment_pool_alloc(&p), blocks[N - 1]);
}

static void another_address_the_same_pool(void **state)
{
    (void)state;
    tarn_segment_pool a = make(40, 8, 100, 2), b;
    size_t bytes = tarn_segment_pool_bytes(40, 8, 100);
    char *x = tarn_segment_pool_alloc(&a);
    memcpy(copy, place, sizeof place);
    memset(place, 0, sizeof place);
    assert_int_equal(tarn_segment_pool_init(&b, copy, bytes, 3, "copy"), TARN_OK);
    char *y = (char *)copy + (x - (char *)place);
    assert_int_equal(live(&b), 1);
    tarn_segment_pool_free(&b, y);
    assert_int_equal(live(&b), 0);
}

static bool count_mark(void *user, void *block, uint32_t mark)
{
    (void)block;
    ((size_t *)user)[mark]++;
    return mark != 5;
}

static void marks_tell_whose(void **state)
{
    (void)state;
    tarn_segment_pool a = make(16, 16, 90, 2), b = a;
    b.owner = 4;
    void *x = tarn_segment_pool_alloc(&a), *y = tarn_segment_pool_alloc(&b);
    (void)!tarn_segment_pool_alloc(&b);
    tarn_segment_pool_publish(&a, y);
    size_t marks[6] = {0};
    tarn_segment_pool_visit(&a, count_mark, marks);
    assert_int_equal(marks[1], 1);
    assert_int_equal(marks[2], 1);
    assert_int_equal(marks[4], 1);
    tarn_segment_pool_free(&b, x);
    memset(marks, 0, sizeof marks);
    tarn_segment_pool_visit(&a, count_mark, marks);
    assert_int_equal(marks[2], 0);
    b.owner = 5; /* at which the visit ends */
    (void)!tarn_segment_pool_alloc(&b);
    b.owner = 3;
    (void)!tarn_segment_pool_alloc(&b);
    tarn_segment_pool_visit(&a, count_mark, marks);
    assert_int_equal(marks[3], 0);
}

/* As a death between two steps leaves it. */
static void what_was_on_its_way_is_freed(void **state)
{
    (void)state;
    tarn_segment_pool p = make(16, 16, 200, 2);
    void *keep = tarn_segment_pool_alloc(&p), *lost = tarn_segment_pool_alloc(&p);
    size_t i = (size_t)((char *)lost - p.blocks) / p.stride, freed = 0;
    p.marks[i] = 0;
    p.full[0] = 15;
    assert_int_equal(tarn_segment_pool_recover(&p, &freed), TARN_OK);
    assert_int_equal(freed, 1);
    assert_int_equal(live(&p), 1);
    assert_int_equal(p.full[0], 0);
    tarn_segment_pool_free(&p, keep);
    assert_int_equal(tarn_segment_pool_recover(&p, NULL), TARN_OK);
    for (int n = 0; n < 200; n++)
        assert_non_null(tarn_segment_pool_alloc(&p));
    assert_int_equal(tarn_segment_pool_recover(&p, &freed), TARN_OK);
    assert_int_equal(freed, 0);
    assert_int_equal(p.full[0] & 15, 15); /* 200 blocks: four words, all full */
}

static void what_cannot_be_is_told(void **state)
{
    (void)state;
    tarn_segment_pool p = make(16, 16, 100, 2);
    (void)!tarn_segment_pool_alloc(&p);
    p.marks[50] = 3; /* free, and marked */
    assert_int_equal(tarn_check(tarn_segment_pool_allocator(&p)), TARN_CORRUPT);
    assert_int_equal(tarn_segment_pool_recover(&p, NULL), TARN_CORRUPT);
    p.marks[50] = 0;
    assert_int_equal(tarn_check(tarn_segment_pool_allocator(&p)), TARN_OK);
    p.map[p.words - 1] |= ~(size_t)0 << (sizeof(size_t) * 8 - 1); /* behind the capacity */
    assert_int_equal(tarn_check(tarn_segment_pool_allocator(&p)), TARN_CORRUPT);
}

static void every_damage_of_the_header_is_seen(void **state)
{
    (void)state;
    tarn_segment_pool p = make(48, 16, 100, 2);
    size_t bytes = tarn_segment_pool_bytes(48, 16, 100);
    for (size_t bit = 0; bit < 8 * (8 + 4 * sizeof(size_t) + 8); bit++) {
        place[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_int_equal(tarn_segment_pool_init(&p, place, bytes, 2, "x"), TARN_CORRUPT);
        place[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_int_equal(tarn_segment_pool_init(&p, place, bytes - 1, 2, "x"), TARN_CORRUPT);
    assert_int_equal(tarn_segment_pool_init(&p, place, 8, 2, "x"), TARN_CORRUPT);
    assert_int_equal(tarn_segment_pool_init(&p, place + 8, bytes, 2, "x"), TARN_BAD_ALIGN);
    assert_int_equal(tarn_segment_pool_init(&p, place, bytes, 0, "x"), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_segment_pool_init(&p, place, bytes, 2, NULL), TARN_OK);
    assert_string_equal(tarn_name(tarn_segment_pool_allocator(&p)), "segment pool");
}

static void options_that_make_no_sense(void **state)
{
    (void)state;
    tarn_segment_pool_options o = {.block_size = 16, .capacity = 10};
    assert_int_equal(tarn_segment_pool_format(place, 64, &o), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_segment_pool_format(place + 16, 60000, &o), TARN_BAD_ALIGN);
    o.align = 24;
    assert_int_equal(tarn_segment_pool_format(place, 60000, &o), TARN_BAD_ALIGN);
    o.align = 8192;
    assert_int_equal(tarn_segment_pool_format(place, 60000, &o), TARN_BAD_ALIGN);
    o = (tarn_segment_pool_options){.block_size = 0, .capacity = 10};
    assert_int_equal(tarn_segment_pool_format(place, 60000, &o), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_segment_pool_bytes(0, 0, 1), 0);
    assert_int_equal(tarn_segment_pool_bytes(1, 0, 0), 0);
    assert_int_equal(tarn_segment_pool_bytes(SIZE_MAX, 1, 1), 0);
    assert_int_equal(tarn_segment_pool_bytes(8, 0, SIZE_MAX / 8), 0);
    assert_int_equal(tarn_segment_pool_bytes(8, 0, SIZE_MAX), 0);
    o = (tarn_segment_pool_options){.block_size = 100, .align = 4096, .capacity = 4};
    assert_int_equal(tarn_segment_pool_format(place, sizeof place, &o), TARN_OK);
    tarn_segment_pool p;
    assert_int_equal(tarn_segment_pool_init(&p, place, sizeof place, 1, "x"), TARN_OK);
    assert_int_equal((uintptr_t)tarn_segment_pool_alloc(&p) % 4096, 0);
}

static void a_sum_sees_what_changes(void **state)
{
    (void)state;
    tarn_segment_pool p = make(16, 16, 100, 2);
    uint64_t before = tarn_segment_pool_sum(&p);
    void *b = tarn_segment_pool_alloc(&p);
    uint64_t taken = tarn_segment_pool_sum(&p);
    assert_true(taken != before);
    tarn_segment_pool_publish(&p, b);
    assert_true(tarn_segment_pool_sum(&p) != taken);
    tarn_segment_pool_free(&p, b);
    assert_true(tarn_segment_pool_sum(&p) == before);
}

/* Threads fight over few blocks: each block is with one of them at a time. */
enum { THREADS = 4, ROUNDS = 30000, FEW = 70 };

static void *fight(void *arg)
{
    tarn_segment_pool *p = arg;
    uintptr_t me = (uintptr_t)&p;
    unsigned seed = (unsigned)(me >> 4);
    uintptr_t *held[16] = {0};
    for (int i = 0; i < ROUNDS; i++) {
        seed = seed * 1103515245u + 12345u;
        uintptr_t **h = &held[(seed >> 16) % 16];
        if (*h == NULL) {
            *h = tarn_segment_pool_alloc(p);
            if (*h != NULL)
                **h = me + (uintptr_t)(h - held);
        } else {
            if (**h != me + (uintptr_t)(h - held))
                return p;
            tarn_segment_pool_free(p, *h);
            *h = NULL;
        }
    }
    for (int i = 0; i < 16; i++)
        tarn_segment_pool_free(p, held[i]);
    return NULL;
}

static void threads_need_no_lock(void **state)
{
    (void)state;
    tarn_segment_pool p = make(16, 16, FEW, 2), views[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        views[i] = p; /* two share a view, as threads of one process do */
        assert_int_equal(pthread_create(&threads[i], NULL, fight, &views[i / 2]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *bad = NULL;
        assert_int_equal(pthread_join(threads[i], &bad), 0);
        assert_null(bad);
    }
    assert_int_equal(live(&p), 0);
    assert_int_equal(tarn_check(tarn_segment_pool_allocator(&p)), TARN_OK);
    for (int i = 0; i < FEW; i++)
        assert_non_null(tarn_segment_pool_alloc(&p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_block_once),
        cmocka_unit_test(the_one_free_block_is_found),
        cmocka_unit_test(another_address_the_same_pool),
        cmocka_unit_test(marks_tell_whose),
        cmocka_unit_test(what_was_on_its_way_is_freed),
        cmocka_unit_test(what_cannot_be_is_told),
        cmocka_unit_test(every_damage_of_the_header_is_seen),
        cmocka_unit_test(options_that_make_no_sense),
        cmocka_unit_test(a_sum_sees_what_changes),
        cmocka_unit_test(threads_need_no_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
