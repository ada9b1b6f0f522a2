/* SPDX-License-Identifier: MIT */
/* Each misuse of a checking arena dies with its own line, going up and going down. */
#include "support/tarn_test.h"

#include <pthread.h>
#include <signal.h>

#include <tarn/arena.h>

#include "support/death.h"

static tarn_arena arena;
static char *block, *block_too;

static void start(const void *down)
{
    tarn_arena_options o = {.name = "request", .check = true, .down = *(const bool *)down};
    if (tarn_arena_init(&arena, &o) == TARN_OK)
        block = tarn_arena_alloc(&arena, 100, 3);
}

static void foreign_pointer(void *down)
{
    static char elsewhere[64];
    start(down);
    tarn_arena_free(&arena, elsewhere, 64);
}

static void another_arenas_block(void *down)
{
    static tarn_arena other;
    start(down);
    if (tarn_arena_init(&other, NULL) == TARN_OK)
        tarn_arena_free(&arena, tarn_arena_alloc(&other, 16, 3), 16);
}

static void interior_pointer(void *down)
{
    start(down);
    tarn_arena_free(&arena, block + 8, 92);
}

static void odd_pointer(void *down)
{
    start(down);
    tarn_arena_free(&arena, block + 1, 99);
}

static void double_free(void *down)
{
    start(down);
    block_too = tarn_arena_alloc(&arena, 8, 3);
    tarn_arena_free(&arena, block, 100);
    tarn_arena_free(&arena, block, 100);
}

static void double_free_of_the_last(void *down)
{
    start(down);
    tarn_arena_free(&arena, block, 100);
    tarn_arena_free(&arena, block, 100);
}

static void free_after_reset(void *down)
{
    start(down);
    tarn_arena_reset(&arena, TARN_KEEP_ALL);
    tarn_arena_free(&arena, block, 100);
}

static void wrong_size(void *down)
{
    start(down);
    tarn_arena_free(&arena, block, 96);
}

static void size_too_big(void *down)
{
    start(down);
    tarn_arena_free(&arena, block, 105);
}

static void resize_with_wrong_size(void *down)
{
    start(down);
    block = tarn_arena_resize(&arena, block, 50, 60, 50, 3);
}

static void wrong_alignment(void *down)
{
    start(down);
    tarn_free(&arena.allocator, block, 100, 4);
}

static void underrun(void *down)
{
    start(down);
    memset(block - 16, 1, 16);
    tarn_arena_free(&arena, block, 100);
}

static void underrun_seen_at_reset(void *down)
{
    start(down);
    memset(block - sizeof(void *) * 4, 1, sizeof(void *) * 4);
    tarn_arena_reset(&arena, TARN_KEEP_ALL);
}

static void mark_of_another(void *down)
{
    static tarn_arena other;
    start(down);
    if (tarn_arena_init(&other, NULL) == TARN_OK && tarn_arena_alloc(&other, 16, 3) != NULL)
        (void)tarn_arena_rewind(&arena, tarn_arena_mark(&other));
}

static void rewound_past(void *down)
{
    tarn_mark mark, late;
    start(down);
    mark = tarn_arena_mark(&arena);
    block_too = tarn_arena_alloc(&arena, 8, 3);
    late = tarn_arena_mark(&arena);
    (void)tarn_arena_rewind(&arena, mark);
    (void)tarn_arena_rewind(&arena, late);
}

/* The same, and other blocks cover the place meanwhile. */
static void rewound_past_and_covered(void *down)
{
    tarn_mark mark, late;
    start(down);
    mark = tarn_arena_mark(&arena);
    block_too = tarn_arena_alloc(&arena, 8, 3);
    late = tarn_arena_mark(&arena);
    (void)tarn_arena_rewind(&arena, mark);
    block_too = tarn_arena_alloc(&arena, 5000, 3);
    (void)tarn_arena_rewind(&arena, late);
}

static void no_mark_at_all(void *down)
{
    tarn_mark nothing = {{NULL, NULL}};
    start(down);
    (void)tarn_arena_rewind(&arena, nothing);
}

static void use_after_deinit(void *down)
{
    start(down);
    tarn_arena_deinit(&arena);
    block = tarn_arena_alloc(&arena, 8, 3);
}

static void use_of_a_dead_child(void *down)
{
    static tarn_arena child;
    start(down);
    if (tarn_arena_init_child(&child, &arena, &(tarn_arena_options){.name = "inner"}) != TARN_OK)
        return;
    tarn_arena_reset(&arena, TARN_KEEP_ALL);
    block = tarn_arena_alloc(&child, 8, 3);
}

/* One call by a thread that is not the arena's. */
static void elsewhere(const void *down, void *(*call)(void *))
{
    pthread_t thread;
    start(down);
    if (pthread_create(&thread, NULL, call, NULL) == 0)
        (void)pthread_join(thread, NULL);
}

static void *call_alloc(void *unused)
{
    (void)unused;
    return tarn_arena_alloc(&arena, 8, 3);
}

static void *call_free(void *unused)
{
    tarn_arena_free(&arena, block, 100);
    return unused;
}

static void *call_resize(void *unused)
{
    (void)unused;
    return tarn_resize(&arena.allocator, block, 100, 50, 50, 3);
}

static void *call_reset(void *unused)
{
    tarn_arena_reset(&arena, TARN_KEEP_ALL);
    return unused;
}

static void *call_rewind(void *unused)
{
    (void)tarn_arena_rewind(&arena, tarn_arena_mark(&arena));
    return unused;
}

static void *call_trim(void *unused)
{
    (void)tarn_arena_trim(&arena);
    return unused;
}

static void *call_deinit(void *unused)
{
    tarn_arena_deinit(&arena);
    return unused;
}

static void alloc_elsewhere(void *down)
{
    elsewhere(down, call_alloc);
}

static void free_elsewhere(void *down)
{
    elsewhere(down, call_free);
}

static void resize_elsewhere(void *down)
{
    elsewhere(down, call_resize);
}

static void reset_elsewhere(void *down)
{
    elsewhere(down, call_reset);
}

static void rewind_elsewhere(void *down)
{
    elsewhere(down, call_rewind);
}

static void trim_elsewhere(void *down)
{
    elsewhere(down, call_trim);
}

static void free_a_block(void *unused)
{
    (void)unused;
    tarn_arena_free(&arena, block, 100);
}

/* It may end in any thread, with its cleanups, and be used by all when that was said. */
static void in_turns(void *down)
{
    pthread_t thread;
    start(down);
    tarn_share(&arena.allocator);
    if (pthread_create(&thread, NULL, call_alloc, NULL) == 0)
        (void)pthread_join(thread, NULL);
    tarn_arena_deinit(&arena);
    start(down);
    if (tarn_arena_on_reset(&arena, free_a_block, NULL) == TARN_OK &&
        pthread_create(&thread, NULL, call_deinit, NULL) == 0)
        (void)pthread_join(thread, NULL);
}

/* All of these are fine; the wrong-size check knows what it may see. */
static void right_use(void *down)
{
    tarn_block b;
    start(down);
    tarn_arena_free(&arena, block, 104);
    b = tarn_alloc_at_least(&arena.allocator, 13, 4);
    memset(b.ptr, 1, b.size);
    tarn_free(&arena.allocator, b.ptr, 14, 4);
    tarn_arena_deinit(&arena);
}

static const struct {
    void (*misuse)(void *);
    const char *line;
} CASES[] = {
    {foreign_pointer, "tarn: foreign pointer: arena 'request'"},
    {another_arenas_block, "tarn: foreign pointer: arena 'request'"},
    {interior_pointer, "tarn: interior pointer: arena 'request'"},
    {odd_pointer, "tarn: interior pointer: arena 'request'"},
    {double_free, "tarn: double free: arena 'request'"},
    {double_free_of_the_last, "tarn: double free: arena 'request'"},
    {free_after_reset, "tarn: double free: arena 'request'"},
    {wrong_size, "tarn: wrong size: arena 'request': given 96, expected 100"},
    {size_too_big, "tarn: wrong size: arena 'request': given 105, expected 100"},
    {resize_with_wrong_size, "tarn: wrong size: arena 'request': given 50, expected 100"},
    {wrong_alignment, "tarn: wrong alignment: arena 'request': given 16, expected 8"},
    {underrun, "tarn: corruption: arena 'request'"},
    {underrun_seen_at_reset, "tarn: corruption: arena 'request'"},
    {mark_of_another, "tarn: bad rewind: arena 'request'"},
    {rewound_past, "tarn: bad rewind: arena 'request'"},
    {rewound_past_and_covered, "tarn: bad rewind: arena 'request'"},
    {no_mark_at_all, "tarn: bad rewind: arena 'request'"},
    {use_after_deinit, "tarn: use after deinit: arena 'request'"},
    {alloc_elsewhere, "tarn: wrong thread: arena 'request'"},
    {free_elsewhere, "tarn: wrong thread: arena 'request'"},
    {resize_elsewhere, "tarn: wrong thread: arena 'request'"},
    {reset_elsewhere, "tarn: wrong thread: arena 'request'"},
    {rewind_elsewhere, "tarn: wrong thread: arena 'request'"},
    {trim_elsewhere, "tarn: wrong thread: arena 'request'"},
    {use_of_a_dead_child, "tarn: use after deinit: arena 'inner'"},
};

static void each_dies_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        bool up = false, down = true;
        assert_death(CASES[i].misuse, &up, SIGABRT, CASES[i].line);
        assert_death(CASES[i].misuse, &down, SIGABRT, CASES[i].line);
    }
}

static void right_use_survives(void **state)
{
    bool up = false, down = true;
    (void)state;
    assert_survives(right_use, &up);
    assert_survives(right_use, &down);
    assert_survives(in_turns, &up);
    assert_survives(in_turns, &down);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_dies_with_its_line),
        cmocka_unit_test(right_use_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
