/* SPDX-License-Identifier: MIT */
/* range_linear_test.c - one core, four uses: free at once, stack, double stack, ring. */
#include "strategy/range_node.h"
#include "support/tarn_test.h"

static tarn_space s;

static void start(uint64_t units)
{
    tarn_space_options o = {.units = units, .core = TARN_RANGE_LINEAR};
    assert_int_equal(tarn_space_init(&s, &o), TARN_OK);
}

static tarn_range_block take(uint64_t size, uint32_t flags)
{
    tarn_range_block b;
    assert_int_equal(tarn_range_alloc(&s.range, size, 1, flags, &b), TARN_OK);
    assert_int_equal(tarn_range_check(&s.range), TARN_OK);
    return b;
}

static bool refuses(uint64_t size, uint32_t flags)
{
    tarn_range_block b;
    return tarn_range_alloc(&s.range, size, 1, flags, &b) == TARN_LIMIT;
}

static void give(tarn_range_block b)
{
    assert_int_equal(tarn_range_free(&s.range, b.id), TARN_OK);
    assert_int_equal(tarn_range_check(&s.range), TARN_OK);
}

static void a_stack(void **unused)
{
    (void)unused;
    start(100);
    tarn_range_block a = take(10, 0), b = take(20, 0), c = take(30, 0);
    assert_true(a.offset == 0 && b.offset == 10 && c.offset == 30);
    give(c);
    c = take(5, 0);
    assert_true(c.offset == 30);
    give(b); /* in the middle: dead until what is above it goes */
    assert_true(take(1, 0).offset == 35);
    assert_int_equal(tarn_range_reset(&s.range), TARN_OK);
    a = take(10, 0), b = take(20, 0), c = take(30, 0);
    give(b);
    give(c);
    assert_true(take(90, 0).offset == 10);
    assert_true(refuses(1, 0));
    tarn_space_deinit(&s);
}

static void two_stacks(void **unused)
{
    (void)unused;
    start(100);
    tarn_range_block low = take(40, 0), high = take(30, TARN_RANGE_HIGH), b;
    assert_true(low.offset == 0 && high.offset == 70);
    assert_true(refuses(31, 0) && refuses(31, TARN_RANGE_HIGH));
    assert_int_equal(tarn_range_alloc(&s.range, 10, 16, TARN_RANGE_HIGH, &b), TARN_OK);
    assert_true(b.offset == 48);
    assert_int_equal(tarn_range_alloc(&s.range, 8, 8, 0, &high), TARN_OK);
    assert_true(high.offset == 40 && refuses(1, 0) && refuses(1, TARN_RANGE_HIGH));
    give(b);
    assert_true(take(22, TARN_RANGE_HIGH).offset == 48);
    /* With blocks at the high end the low one does not wrap. */
    give(low);
    assert_true(refuses(1, 0));
    tarn_space_deinit(&s);
}

static void a_ring(void **unused)
{
    (void)unused;
    enum { LIVE = 4 };
    tarn_range_block b[LIVE];
    start(100);
    for (int i = 0; i < LIVE; i++)
        b[i] = take(20, 0);
    give(b[0]);
    b[0] = take(20, 0);
    assert_true(b[0].offset == 80);
    give(b[1]);
    b[1] = take(15, 0); /* wrapped: 0 to 15, the oldest is at 40 */
    assert_true(b[1].offset == 0);
    assert_true(take(25, 0).offset == 15 && refuses(1, 0) && refuses(1, TARN_RANGE_HIGH));
    tarn_space_deinit(&s);
    /* Sizes that never meet the end: a thousand times around, each block where the last ended. */
    start(103);
    uint64_t end = 0;
    unsigned wraps = 0;
    for (int i = 0; i < LIVE; i++)
        b[i] = take(17, 0), end += 17;
    for (unsigned i = 0; i < 4000; i++) {
        give(b[i % LIVE]);
        b[i % LIVE] = take(17, 0);
        assert_true(b[i % LIVE].offset == end || b[i % LIVE].offset == 0);
        wraps += b[i % LIVE].offset == 0;
        end = b[i % LIVE].offset + 17;
    }
    assert_int_equal(wraps, 4000 / 6 + 1);
    tarn_space_deinit(&s);
}

/* The newest blocks of a ring that has wrapped go first: back over the wrap. */
static void a_ring_unwinds(void **unused)
{
    (void)unused;
    start(100);
    tarn_range_block a = take(30, 0), b = take(30, 0), c = take(30, 0), d, e;
    give(a);
    d = take(20, 0);
    assert_true(d.offset == 0);
    give(d);
    e = take(10, 0); /* not wrapped any more */
    assert_true(e.offset == 90);
    d = take(25, 0);
    assert_true(d.offset == 0);
    give(e); /* dead before the wrap, and nothing beside it */
    give(c);
    give(b);
    assert_true(take(75, 0).offset == 25);
    tarn_space_deinit(&s);
}

struct seen {
    uint64_t position;
    int live;
};

static bool see(void *user, const tarn_range_block *run)
{
    struct seen *t = user;
    assert_true(run->offset == t->position);
    t->position += run->size;
    t->live += run->id != 0;
    return t->live < 3;
}

static void a_visit_is_in_the_order_of_offsets_and_can_be_ended(void **unused)
{
    (void)unused;
    start(100);
    tarn_range_block a = take(30, 0), b = take(30, 0);
    take(30, 0);
    give(a);
    take(20, 0); /* 0-20 live, 20-30 free, 30-60 b, 60-90 live, 90-100 free */
    struct seen t = {0, 0};
    tarn_range_visit(&s.range, see, &t);
    assert_true(t.position == 90 && t.live == 3);
    give(b);
    t = (struct seen){0, 0};
    tarn_range_visit(&s.range, see, &t);
    assert_true(t.position == 100 && t.live == 2);
    tarn_space_deinit(&s);
}

static void a_limit_below(void **unused)
{
    (void)unused;
    start(100);
    tarn_range_block b;
    tarn_range_request want = {.size = 10, .below = 50, .flags = TARN_RANGE_HIGH};
    assert_int_equal(tarn_range_serve(&s.range, &want, &b), TARN_OK);
    assert_true(b.offset == 40);
    want = (tarn_range_request){.size = 10, .below = 9};
    assert_int_equal(tarn_range_serve(&s.range, &want, &b), TARN_LIMIT);
    want.flags = TARN_RANGE_BEST;
    assert_int_equal(tarn_range_serve(&s.range, &want, &b), TARN_UNSUPPORTED);
    tarn_space_deinit(&s);
}

static void check_notices(void **unused)
{
    (void)unused;
    start(100);
    tarn_range_block a = take(10, 0);
    take(10, 0);
    take(10, 0);
    take(10, TARN_RANGE_HIGH);
    tarn_range_node *oldest = &s.nodes[s.nodes[0].next], *newest = &s.nodes[s.nodes[0].prev];
    tarn_range_node *high = &s.nodes[s.nodes[1].next];
    struct {
        uint64_t *where, wrong;
    } wide[] = {{&oldest->at, 15},    {&oldest->at, 101}, {&oldest->size, 0}, {&oldest->size, 11},
                {&newest->size, 100}, {&newest->at, 5},   {&high->at, 25},    {&high->size, 11},
                {&s.live_blocks, 3},  {&s.live_units, 41}};
    for (unsigned i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        uint64_t old = *wide[i].where;
        *wide[i].where = wide[i].wrong;
        assert_int_equal(tarn_range_check(&s.range), TARN_CORRUPT);
        *wide[i].where = old;
    }
    uint32_t *links[] = {&oldest->next, &oldest->prev, &high->prev, &s.node_spare};
    for (unsigned i = 0; i < 4; i++) {
        *links[i] ^= 1;
        assert_int_equal(tarn_range_check(&s.range), TARN_CORRUPT);
        *links[i] ^= 1;
    }
    range_set_idle(&s, (uint32_t)a.id); /* the oldest is never dead */
    s.live_blocks--, s.live_units -= 10;
    assert_int_equal(tarn_range_check(&s.range), TARN_CORRUPT);
    range_set_live(&s, (uint32_t)a.id);
    s.live_blocks++, s.live_units += 10;
    give(a);
    newest->at = 0; /* as if it had wrapped, with a block at the high end */
    assert_int_equal(tarn_range_check(&s.range), TARN_CORRUPT);
    tarn_space_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stack),
        cmocka_unit_test(two_stacks),
        cmocka_unit_test(a_ring),
        cmocka_unit_test(a_ring_unwinds),
        cmocka_unit_test(a_visit_is_in_the_order_of_offsets_and_can_be_ended),
        cmocka_unit_test(a_limit_below),
        cmocka_unit_test(check_notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
