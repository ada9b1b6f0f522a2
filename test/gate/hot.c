/* SPDX-License-Identifier: MIT */
/*
 * hot.c - runs each hot path a number of times under callgrind, and dumps the count after each.
 *
 *     hot             lists the probes
 *     valgrind --tool=callgrind hot 1000
 *
 * dev/check_instructions.py runs it with two numbers; what an operation costs is the difference of
 * the two counts, less the empty loop or, through a handle, less the same calls of an allocator that
 * does nothing. `hide` keeps the compiler from seeing through a value.
 */
#include <tarn/arena.h>
#include <tarn/pool.h>

#include <stdio.h>
#include <stdlib.h>

#include <valgrind/callgrind.h>

enum { BURST = 64, SIZE = 64 };

static tarn_pool pool;
static tarn_arena arena;
static tarn_allocator *pool_handle, *arena_handle;

/* An allocator that does nothing, in IDLE instructions a pair (lea, ret; ret): what a call costs. */
static char idle_block[SIZE];

static void *idle_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    (void)a;
    (void)size;
    (void)spec;
    return idle_block;
}

static void idle_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    (void)a;
    (void)block;
    (void)size;
    (void)spec;
}

static const tarn_ops IDLE_OPS = {.abi = TARN_ABI, .alloc = idle_alloc, .free = idle_free};
static tarn_allocator idle = {&IDLE_OPS};

static inline void *hide(void *p)
{
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}

static void empty_loop(size_t n)
{
    for (size_t i = 0; i < n; i++)
        hide(NULL);
}

static void pool_pair(size_t n)
{
    tarn_pool *p = hide(&pool);
    for (size_t i = 0; i < n; i++)
        tarn_pool_free(p, hide(tarn_pool_alloc(p)));
}

static void pool_burst(size_t n)
{
    void *blocks[BURST];
    tarn_pool *p = hide(&pool);
    for (size_t round = 0; round < n / BURST; round++) {
        for (size_t i = 0; i < BURST; i++)
            blocks[i] = tarn_pool_alloc(p);
        hide(blocks);
        for (size_t i = 0; i < BURST; i++)
            tarn_pool_free(p, blocks[i]);
    }
}

static void handle_pair(tarn_allocator *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        void *block = hide(tarn_alloc(a, SIZE, TARN_ALIGN_MAX));
        tarn_free(a, block, SIZE, TARN_ALIGN_MAX);
    }
}

static void idle_pair(size_t n)
{
    handle_pair(hide(&idle), n);
}

static void pool_handle_pair(size_t n)
{
    handle_pair(hide(pool_handle), n);
}

static void arena_alloc(size_t n)
{
    tarn_arena *a = hide(&arena);
    for (size_t i = 0; i < n; i++)
        hide(tarn_arena_alloc(a, SIZE, TARN_ALIGN_MAX));
}

static void arena_handle_alloc(size_t n)
{
    tarn_allocator *a = hide(arena_handle);
    for (size_t i = 0; i < n; i++)
        hide(tarn_alloc(a, SIZE, TARN_ALIGN_MAX));
}

static void idle_alloc_alone(size_t n)
{
    tarn_allocator *a = hide(&idle);
    for (size_t i = 0; i < n; i++)
        hide(tarn_alloc(a, SIZE, TARN_ALIGN_MAX));
}

static void arena_handle_pair(size_t n)
{
    handle_pair(hide(arena_handle), n);
}

static const struct probe {
    const char *name;
    void (*run)(size_t n);
} PROBES[] = {
    {"loop", empty_loop},
    {"idle-pair", idle_pair},
    {"idle-alloc", idle_alloc_alone},
    {"pool-pair", pool_pair},
    {"pool-burst", pool_burst},
    {"pool-handle-pair", pool_handle_pair},
    {"arena-alloc", arena_alloc},
    {"arena-handle-alloc", arena_handle_alloc},
    {"arena-handle-pair", arena_handle_pair},
};

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    if (tarn_pool_init(&pool, &(tarn_pool_options){.block_size = SIZE}) != TARN_OK)
        return 1;
    if (tarn_arena_init(&arena, &(tarn_arena_options){.chunk_size = 1 << 22}) != TARN_OK)
        return 1;
    pool_handle = tarn_pool_allocator(&pool);
    arena_handle = tarn_arena_allocator(&arena);
    for (size_t i = 0; i < sizeof PROBES / sizeof PROBES[0]; i++) {
        if (n == 0) {
            puts(PROBES[i].name);
            continue;
        }
        PROBES[i].run(2 * BURST); /* what is set up on the first call is not counted */
        CALLGRIND_ZERO_STATS;
        PROBES[i].run(n);
        CALLGRIND_DUMP_STATS_AT(PROBES[i].name);
    }
    tarn_arena_deinit(&arena);
    tarn_pool_deinit(&pool);
    return 0;
}
