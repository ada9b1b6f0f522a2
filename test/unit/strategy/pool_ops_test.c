/* SPDX-License-Identifier: MIT */
/* pool_ops_test.c - the pool as a tarn_allocator: questions, reset, trim, visit, check that notices, parents that fail. */
#include <stdlib.h>

#include "strategy/pool_chunk.h"
#include "support/tarn_test.h"

/* A parent that counts what is out and refuses from a given call on. */
struct counting {
    tarn_allocator allocator;
    size_t out, calls, refuse_from;
};

static void *counting_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    struct counting *c = (struct counting *)a;
    void *block = ++c->calls >= c->refuse_from ? NULL : tarn_alloc(tarn_libc(), size, spec);
    c->out += block != NULL ? size : 0;
    return block;
}

static void counting_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    ((struct counting *)a)->out -= size;
    tarn_free(tarn_libc(), block, size, spec);
}

static const tarn_ops COUNTING_OPS = {
    .abi = TARN_ABI, .caps = TARN_CAP_FREE, .alloc = counting_alloc, .free = counting_free};

static void trim_returns_empty_chunks_and_keeps_live_blocks(void **unused)
{
    (void)unused;
    enum { N = 30000 };
    static size_t *blocks[N];
    struct counting parent = {{&COUNTING_OPS}, 0, 0, SIZE_MAX};
    tarn_pool pool;
    assert_int_equal(
        tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 64, .parent = &parent.allocator}),
        TARN_OK);
    assert_ptr_equal(tarn_parent(&pool.allocator, 0), &parent.allocator);
    for (size_t i = 0; i < N; i++) {
        blocks[i] = tarn_pool_alloc(&pool);
        *blocks[i] = i;
    }
    size_t full = parent.out;
    for (size_t i = 0; i < N; i++) {
        if (i % 5000 != 0)
            tarn_pool_free(&pool, blocks[i]);
    }
    size_t gone = tarn_pool_trim(&pool);
    assert_in_range(gone, full / 2, full);
    assert_int_equal(tarn_pool_check(&pool), TARN_OK);
    for (size_t i = 0; i < N; i += 5000) {
        assert_int_equal(*blocks[i], i);
        tarn_pool_free(&pool, blocks[i]);
    }
    assert_true(tarn_pool_trim(&pool) > 0);
    assert_in_range(parent.out, 0, 8192); /* the table of chunk addresses */
    for (size_t i = 0; i < N; i++)
        assert_non_null(tarn_pool_alloc(&pool));
    tarn_pool_deinit(&pool);
    assert_int_equal(parent.out, 0);
}

static void a_parent_that_fails_at_any_call_loses_nothing(void **unused)
{
    (void)unused;
    bool passed = false;
    for (size_t k = 1; !passed; k++) {
        struct counting parent = {{&COUNTING_OPS}, 0, 0, k};
        tarn_pool pool;
        tarn_pool_options o = {
            .block_size = 1000, .chunk_size = 65536, .parent = &parent.allocator};
        assert_int_equal(tarn_pool_init(&pool, &o), TARN_OK);
        size_t n = 0;
        while (n < 4000 && tarn_pool_alloc(&pool) != NULL)
            n++;
        passed = n == 4000;
        assert_int_equal(tarn_get_why(&pool.allocator).status, passed ? TARN_OK : TARN_NO_MEMORY);
        assert_int_equal(tarn_pool_check(&pool), TARN_OK);
        parent.refuse_from = SIZE_MAX;
        assert_non_null(tarn_pool_alloc(&pool));
        tarn_pool_deinit(&pool);
        assert_int_equal(parent.out, 0);
        assert_in_range(k, 1, 100);
    }
}

struct seen {
    tarn_pool *pool;
    size_t count, stop_at;
    bool free_it;
};

static bool see(void *user, void *block, size_t size)
{
    struct seen *s = user;
    assert_int_equal(size, 24);
    s->count++;
    if (s->free_it)
        tarn_pool_free(s->pool, block);
    return s->count != s->stop_at;
}

static void visit_sees_live_blocks_and_may_free_them(void **unused)
{
    (void)unused;
    enum { N = 7000 };
    static void *blocks[N];
    tarn_pool pool;
    assert_int_equal(tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 24}), TARN_OK);
    for (int i = 0; i < N; i++)
        blocks[i] = tarn_pool_alloc(&pool);
    for (int i = 0; i < N; i += 3)
        tarn_pool_free(&pool, blocks[i]);
    size_t want = N - (N + 2) / 3;
    struct seen s = {&pool, 0, 0, false};
    assert_int_equal(tarn_visit(&pool.allocator, see, &s), TARN_OK);
    assert_int_equal(s.count, want);
    s = (struct seen){&pool, 0, 10, false};
    assert_int_equal(tarn_visit(&pool.allocator, see, &s), TARN_OK);
    assert_int_equal(s.count, 10);
    s = (struct seen){&pool, 0, 0, true};
    assert_int_equal(tarn_visit(&pool.allocator, see, &s), TARN_OK);
    assert_int_equal(s.count, want);
    s = (struct seen){&pool, 0, 0, false};
    assert_int_equal(tarn_visit(&pool.allocator, see, &s), TARN_OK);
    assert_int_equal(s.count, 0);
    tarn_pool_deinit(&pool);
}

static void check_notices_a_broken_invariant(void **unused)
{
    (void)unused;
    tarn_pool pool;
    assert_int_equal(tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 24, .capacity = 500}),
                     TARN_OK);
    void *block = tarn_pool_alloc(&pool);
    assert_int_equal(tarn_pool_check(&pool), TARN_OK);
    pool.free++;
    assert_int_equal(tarn_pool_check(&pool), TARN_CORRUPT);
    pool.free--;
    pool.first->map.level[0][0] |= 1;
    assert_int_equal(tarn_pool_check(&pool), TARN_CORRUPT);
    pool.first->map.level[0][0] &= ~(uint64_t)1;
    if (!TARN_CHECKED) { /* a checking pool keeps nothing at hand */
        void *at_hand = *pool.top;
        *pool.top = block;
        assert_int_equal(tarn_pool_check(&pool), TARN_OK);
        pool.top[1] = block; /* the same block twice at hand */
        assert_int_equal(tarn_pool_check(&pool), TARN_CORRUPT);
        pool.top[0] = at_hand;
        pool.top[1] = (char *)block + 1;
        assert_int_equal(tarn_pool_check(&pool), TARN_CORRUPT);
        pool.top += 2;
    }
    tarn_pool_deinit(&pool);
}

static void owns_tells_blocks_from_the_rest(void **unused)
{
    (void)unused;
    const size_t capacities[] = {0, 4000};
    for (int k = 0; k < 2; k++) {
        tarn_pool pool;
        assert_int_equal(tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 48,
                                                                    .capacity = capacities[k]}),
                         TARN_OK);
        assert_int_equal(tarn_pool_owns(&pool, &pool), TARN_NO);
        char *block = NULL;
        for (int i = 0; i < 4000; i++) {
            block = tarn_pool_alloc(&pool);
            assert_int_equal(tarn_pool_owns(&pool, block), TARN_YES);
            assert_int_equal(tarn_pool_owns(&pool, block + 47), TARN_YES);
        }
        assert_int_equal(tarn_pool_owns(&pool, NULL), TARN_NO);
        assert_int_equal(tarn_pool_owns(&pool, &block), TARN_NO);
        tarn_pool_deinit(&pool);
    }
}

static void owns_forgets_a_chunk_that_went_back(void **unused)
{
    (void)unused;
    enum { N = 6000 };
    static char *blocks[N];
    tarn_pool pool;
    assert_int_equal(
        tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 64, .chunk_size = 65536}),
        TARN_OK);
    for (int i = 0; i < N; i++)
        blocks[i] = tarn_pool_alloc(&pool);
    for (int i = 2000; i < 4000; i++) /* at least one whole chunk in the middle */
        tarn_pool_free(&pool, blocks[i]);
    assert_true(tarn_pool_trim(&pool) > 0);
    uintptr_t gone = 0;
    for (int i = 2000; i < 4000; i++)
        gone += tarn_pool_owns(&pool, blocks[i]) == TARN_NO;
    assert_in_range(gone, 900, 2000);
    assert_int_equal(tarn_pool_owns(&pool, blocks[1999]), TARN_YES);
    assert_int_equal(tarn_pool_owns(&pool, blocks[4000]), TARN_YES);
    tarn_pool_deinit(&pool);
}

static void a_dead_pool_owns_nothing(void **unused)
{
    (void)unused;
    const size_t capacities[] = {0, 4};
    for (int k = 0; k < 2; k++) {
        tarn_pool pool;
        char *block = NULL;
        tarn_pool_options o = {.block_size = 2000, .capacity = capacities[k]};
        assert_int_equal(tarn_pool_init(&pool, &o), TARN_OK);
        for (int i = 0; i < (k == 0 ? 5000 : 4); i++)
            block = tarn_pool_alloc(&pool);
        assert_int_equal(tarn_pool_owns(&pool, block), TARN_YES);
        tarn_pool_deinit(&pool);
        assert_int_equal(tarn_pool_owns(&pool, block), TARN_NO);
    }
}

static void a_default_chunk_holds_32_blocks(void **unused)
{
    (void)unused;
    for (size_t size = 1000; size < 70000; size += 1367) {
        tarn_pool pool;
        assert_int_equal(tarn_pool_init(&pool, &(tarn_pool_options){.block_size = size}), TARN_OK);
        assert_non_null(tarn_pool_alloc(&pool));
        assert_true(pool.room >= 32);
        tarn_pool_deinit(&pool);
    }
}

static void resize_stays_inside_the_block(void **unused)
{
    (void)unused;
    tarn_pool pool;
    assert_int_equal(tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 32}), TARN_OK);
    char *block = tarn_alloc(&pool.allocator, 8, 0);
    memset(block, 0x55, 32);
    assert_ptr_equal(tarn_resize(&pool.allocator, block, 8, 20, 8, TARN_ZERO), block);
    assert_int_equal(block[7], 0x55);
    for (int i = 8; i < 20; i++)
        assert_int_equal(block[i], 0);
    memset(block, 0x55, 32); /* an old size of 0, for "unknown": what is kept is not zeroed */
    assert_ptr_equal(tarn_resize(&pool.allocator, block, 0, 20, 8, TARN_ZERO), block);
    assert_int_equal(block[7], 0x55);
    assert_int_equal(block[8], 0);
    assert_null(tarn_resize(&pool.allocator, block, 20, 33, 20, 0));
    assert_int_equal(tarn_get_why(&pool.allocator).status, TARN_TOO_BIG);
    assert_null(tarn_resize(&pool.allocator, block, 20, 30, 20, TARN_SPEC(64)));
    tarn_block b = tarn_alloc_at_least(&pool.allocator, 5, 0);
    assert_int_equal(b.size, 32);
    tarn_pool_deinit(&pool);
}

static void deinit_through_the_handle(void **unused)
{
    (void)unused;
    struct counting parent = {{&COUNTING_OPS}, 0, 0, SIZE_MAX};
    tarn_pool pool;
    assert_int_equal(tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 32,
                                                                .capacity = 10,
                                                                .parent = &parent.allocator}),
                     TARN_OK);
    assert_true(parent.out > 0);
    tarn_deinit(&pool.allocator);
    assert_int_equal(parent.out, 0);
}

static void create_takes_its_state_from_the_parent(void **unused)
{
    (void)unused;
    bool passed = false;
    for (size_t k = 1; !passed; k++) {
        struct counting parent = {{&COUNTING_OPS}, 0, 0, k};
        tarn_status status = TARN_BUSY;
        tarn_pool_options o = {.block_size = 32, .capacity = 10, .parent = &parent.allocator};
        tarn_pool *pool = tarn_pool_create(&o, &status);
        passed = pool != NULL;
        assert_int_equal(status, passed ? TARN_OK : TARN_NO_MEMORY);
        if (passed) {
            assert_non_null(tarn_pool_alloc(pool));
            assert_int_equal(tarn_pool_check(pool), TARN_OK);
            tarn_pool_destroy(pool);
        }
        assert_int_equal(parent.out, 0);
        assert_in_range(k, 1, 10);
    }
    tarn_status status;
    char buffer[64];
    assert_null(tarn_pool_create(&(tarn_pool_options){.block_size = 0}, &status));
    assert_int_equal(status, TARN_BAD_ARGUMENT);
    tarn_pool_options o = {.block_size = 8, .buffer = buffer, .buffer_size = sizeof buffer};
    assert_null(tarn_pool_create(&o, NULL));
    tarn_pool_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trim_returns_empty_chunks_and_keeps_live_blocks),
        cmocka_unit_test(a_parent_that_fails_at_any_call_loses_nothing),
        cmocka_unit_test(visit_sees_live_blocks_and_may_free_them),
        cmocka_unit_test(check_notices_a_broken_invariant),
        cmocka_unit_test(owns_tells_blocks_from_the_rest),
        cmocka_unit_test(owns_forgets_a_chunk_that_went_back),
        cmocka_unit_test(a_dead_pool_owns_nothing),
        cmocka_unit_test(a_default_chunk_holds_32_blocks),
        cmocka_unit_test(resize_stays_inside_the_block),
        cmocka_unit_test(deinit_through_the_handle),
        cmocka_unit_test(create_takes_its_state_from_the_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
