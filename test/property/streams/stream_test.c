/* SPDX-License-Identifier: MIT */
/* The streams find a fault that is there, and make it small. */
#include "support/tarn_test.h"

#include "property/streams/stream.h"
#include "support/death.h"
#include "support/probe.h"

#include <unistd.h>

static probe base, sound;
static void *kept;

/* Loses the contents of a block that is resized from more than 40 to more than 100 bytes. */
static void *bad_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                        size_t keep, tarn_spec spec)
{
    return sound.ops.resize(a, block, old_size, new_size,
                            old_size > 40 && new_size > 100 ? 0 : keep, spec);
}

/* Once in a while the block that was handed out before. */
static void *bad_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    void *p = kept;
    if (size == 24 && p != NULL && tarn_spec_align(spec) == 1)
        return p;
    p = sound.ops.alloc(a, size, spec);
    kept = size >= 24 ? p : kept;
    return p;
}

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    (void)parent;
    probe_init(&base, NULL);
    sound = base;
    kept = NULL;
    if (user == &kept)
        base.ops.alloc = bad_alloc;
    else if (user != NULL)
        base.ops.resize = bad_resize;
    return &base.allocator;
}

static void unmake(tarn_allocator *a, void *user)
{
    (void)a;
    (void)user;
    probe_deinit(&base);
}

/* In a child, since a flaw may kill it. */
static void run_it(void *arg)
{
    const struct {
        const stream *s;
        const subject *on;
    } *both = arg;
    if (freopen("/dev/null", "w", stderr) == NULL || stream_run(both->s, both->on, NULL) != 0)
        _exit(1);
    _exit(0);
}

static bool fails(const stream *s, void *user)
{
    struct {
        const stream *s;
        const subject *on;
    } both = {s, user};
    tarn_death d = tarn_death_run(run_it, &both);
    return d.signal != 0 || d.status != 0;
}

static void find_and_shrink(const void *flaw, size_t at_most)
{
    static stream s;
    const subject on = {"flawed", make, unmake, flaw, 300, 16, false};
    uint64_t seed = 1;
    for (; seed < 200; seed++) {
        stream_make(&s, seed);
        if (fails(&s, (void *)(uintptr_t)&on))
            break;
    }
    assert_true(seed < 200);
    stream_shrink(&s, fails, (void *)(uintptr_t)&on);
    assert_true(fails(&s, (void *)(uintptr_t)&on));
    if (s.count > at_most)
        stream_print(&s, &on, stdout);
    assert_in_range(s.count, 1, at_most);
}

static void a_lost_resize(void **state)
{
    find_and_shrink(state, 2);
}

static void a_block_in_two_hands(void **state)
{
    (void)state;
    find_and_shrink(&kept, 4);
}

static void a_sound_allocator(void **state)
{
    static stream s;
    const subject on = {"sound", make, unmake, NULL, 300, 16, false};
    (void)state;
    for (uint64_t seed = 1; seed < 60; seed++) {
        stream_make(&s, seed);
        assert_false(fails(&s, (void *)(uintptr_t)&on));
    }
}

static void one_seed_one_stream(void **state)
{
    static stream s, t;
    (void)state;
    stream_make(&s, 5);
    stream_make(&t, 5);
    assert_memory_equal(&s.ops, &t.ops, s.count * sizeof *s.ops);
    stream_make(&t, 6);
    assert_true(s.count != t.count || memcmp(s.ops, t.ops, s.count * sizeof *s.ops) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_resize),
        cmocka_unit_test(a_block_in_two_hands),
        cmocka_unit_test(a_sound_allocator),
        cmocka_unit_test(one_seed_one_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
