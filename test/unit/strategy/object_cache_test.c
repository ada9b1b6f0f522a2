/* SPDX-License-Identifier: MIT */
/* object_cache_test.c - which function runs when, what survives a free, depth, limit, reclaim, refusals. */
#include "strategy/object_cache_book.h"
#include "support/probe.h"
#include "support/tarn_test.h"

/* An object that knows what has been done to it. */
typedef struct thing {
    uint32_t built, handed; /* 1 between init and fini; between ctor and dtor */
    size_t uses;            /* the user's: survives */
} thing;

/* What the five functions count, and when they refuse. */
typedef struct tally {
    size_t inits, finis, ctors, dtors, reclaims, wrong;
    size_t init_refuses, ctor_refuses; /* the n-th call; 0: none */
    tarn_object_cache *cache;
    thing *spare[8]; /* what reclaim may free */
    size_t spares;
    bool cures;    /* reclaim ends the refusing */
    bool greedy;   /* reclaim allocates */
    bool crowding; /* a ctor that refuses frees the spare ones first */
} tally;

static bool init(void *user, void *object)
{
    tally *t = user;
    thing *o = object;
    if (++t->inits == t->init_refuses)
        return t->inits--, false;
    *o = (thing){.built = 1};
    return true;
}

static void fini(void *user, void *object)
{
    tally *t = user;
    thing *o = object;
    t->finis++;
    t->wrong += o->built != 1 || o->handed != 0;
    o->built = 0;
}

static bool ctor(void *user, void *object)
{
    tally *t = user;
    thing *o = object;
    if (++t->ctors == t->ctor_refuses) {
        while (t->crowding && t->spares > 0)
            tarn_object_cache_free(t->cache, t->spare[--t->spares]);
        return t->ctors--, false;
    }
    t->wrong += o->built != 1 || o->handed != 0;
    o->handed = 1;
    return true;
}

static void dtor(void *user, void *object)
{
    tally *t = user;
    thing *o = object;
    t->dtors++;
    t->wrong += o->built != 1 || o->handed != 1;
    o->handed = 0;
}

static void reclaim(void *user)
{
    tally *t = user;
    t->reclaims++;
    if (t->cures)
        t->init_refuses = t->ctor_refuses = 0;
    if (t->greedy)
        t->wrong += tarn_object_cache_alloc(t->cache) != NULL;
    while (t->spares > 0)
        tarn_object_cache_free(t->cache, t->spare[--t->spares]);
}

static tally sum;
static tarn_object_cache cache;

static void start(tarn_object_cache_options o)
{
    sum = (tally){.cache = &cache};
    o.object_size = sizeof(thing);
    o.init = init;
    o.fini = fini;
    o.user = &sum;
    assert_int_equal(tarn_object_cache_init(&cache, &o), TARN_OK);
}

static void stop(void)
{
    assert_int_equal(tarn_object_cache_check(&cache), TARN_OK);
    tarn_object_cache_deinit(&cache);
    assert_int_equal(sum.inits, sum.finis);
    assert_int_equal(sum.wrong, 0);
}

static void what_init_made_survives_free_and_alloc(void **unused)
{
    (void)unused;
    for (int check = 0; check < 2; check++) {
        start((tarn_object_cache_options){.check = check != 0});
        assert_int_equal(sum.inits, 0);
        thing *first = tarn_object_cache_alloc(&cache);
        assert_int_equal(first->built, 1);
        first->uses = 7;
        for (int i = 0; i < 100; i++) {
            tarn_object_cache_free(&cache, first);
            thing *again = tarn_object_cache_alloc(&cache);
            assert_ptr_equal(again, first);
            assert_int_equal(again->uses, 7);
        }
        tarn_object_cache_counters c;
        tarn_object_cache_count(&cache, &c);
        assert_int_equal(c.allocs, 101);
        assert_int_equal(c.inits, 1);
        assert_int_equal(c.saved, 100);
        assert_int_equal(c.live, 1);
        assert_int_equal(c.idle, 0);
        tarn_object_cache_free(&cache, first);
        tarn_object_cache_free(&cache, NULL);
        assert_int_equal(tarn_object_cache_check(&cache), TARN_OK);
        stop();
    }
}

static void ctor_and_dtor_run_at_each_use(void **unused)
{
    (void)unused;
    start((tarn_object_cache_options){.ctor = ctor, .dtor = dtor, .depth = 2});
    thing *o[5];
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 5; i++) {
            o[i] = tarn_object_cache_alloc(&cache);
            assert_int_equal(o[i]->handed, 1);
        }
        for (int i = 0; i < 5; i++)
            tarn_object_cache_free(&cache, o[i]);
    }
    assert_int_equal(sum.ctors, 20);
    assert_int_equal(sum.dtors, 20);
    assert_int_equal(sum.inits, 5 + 3 * 3); /* two of five stay each round */
    assert_int_equal(cache.objects, 2);
    stop();
}

static void beyond_the_depth_objects_go_back(void **unused)
{
    (void)unused;
    probe parent;
    thing *o[20];
    start((tarn_object_cache_options){.depth = 8, .parent = probe_init(&parent, NULL)});
    for (int i = 0; i < 20; i++)
        o[i] = tarn_object_cache_alloc(&cache);
    for (int i = 0; i < 20; i++)
        tarn_object_cache_free(&cache, o[i]);
    assert_int_equal(sum.finis, 12);
    assert_int_equal(parent.stats.live_blocks, 8);
    assert_int_equal(tarn_object_cache_trim(&cache), 8 * sizeof(thing));
    assert_int_equal(parent.stats.live_blocks, 0);
    assert_int_equal(sum.finis, 20);
    stop();
    assert_int_equal(parent.faults, 0);
    assert_int_equal(probe_deinit(&parent), 0);
}

static void the_limit_counts_idle_and_used_and_asks_reclaim_once(void **unused)
{
    (void)unused;
    start((tarn_object_cache_options){.limit = 4, .reclaim = reclaim});
    for (int i = 0; i < 4; i++)
        sum.spare[i] = tarn_object_cache_alloc(&cache);
    assert_null(tarn_object_cache_alloc(&cache)); /* reclaim has nothing */
    assert_int_equal(sum.reclaims, 1);
    assert_int_equal(tarn_get_why(&cache.allocator).status, TARN_LIMIT);
    assert_int_equal(tarn_get_why(&cache.allocator).limit, 4);
    sum.spares = 2;
    thing *fifth = tarn_object_cache_alloc(&cache);
    assert_ptr_equal(fifth, sum.spare[0]);
    assert_int_equal(sum.reclaims, 2);
    assert_int_equal(sum.inits, 4);
    stop();
}

static void reclaim_that_uses_the_cache_is_not_asked_again(void **unused)
{
    (void)unused;
    start((tarn_object_cache_options){.reclaim = reclaim, .limit = 1});
    sum.spare[0] = tarn_object_cache_alloc(&cache);
    sum.greedy = true;
    sum.spares = 1;
    assert_ptr_equal(tarn_object_cache_alloc(&cache), sum.spare[0]);
    assert_int_equal(sum.reclaims, 1);
    stop();
}

static void reclaim_cures_a_ctor_that_refused(void **unused)
{
    (void)unused;
    start((tarn_object_cache_options){.reclaim = reclaim, .ctor = ctor, .dtor = dtor});
    sum.ctor_refuses = 1;
    sum.cures = true;
    thing *o = tarn_object_cache_alloc(&cache);
    assert_non_null(o);
    assert_int_equal(sum.reclaims, 1);
    assert_int_equal(sum.inits, 1); /* the object whose ctor refused was idle */
    tarn_object_cache_free(&cache, o);
    stop();
}

static void a_refused_init_or_ctor_loses_nothing(void **unused)
{
    (void)unused;
    probe parent;
    start((tarn_object_cache_options){
        .ctor = ctor, .dtor = dtor, .parent = probe_init(&parent, NULL), .depth = 1});
    sum.init_refuses = 1;
    assert_null(tarn_object_cache_alloc(&cache));
    assert_int_equal(parent.stats.live_blocks, 0);
    assert_int_equal(tarn_get_why(&cache.allocator).status, TARN_NO_MEMORY);
    sum.init_refuses = 0;
    sum.ctor_refuses = 1;
    assert_null(tarn_object_cache_alloc(&cache)); /* stays idle */
    assert_int_equal(parent.stats.live_blocks, 1);
    assert_int_equal(sum.finis, 0);
    sum.ctor_refuses = 0;
    thing *first = tarn_object_cache_alloc(&cache), *second = tarn_object_cache_alloc(&cache);
    assert_int_equal(sum.inits, 2);
    tarn_object_cache_free(&cache, first);
    tarn_object_cache_free(&cache, second); /* beyond the depth */
    assert_int_equal(parent.stats.live_blocks, 1);
    stop();
    assert_int_equal(parent.faults, 0);
    assert_int_equal(probe_deinit(&parent), 0);
}

static void a_ctor_that_fills_the_array_and_refuses_loses_nothing(void **unused)
{
    (void)unused;
    start((tarn_object_cache_options){.ctor = ctor, .dtor = dtor, .depth = 1});
    sum.spare[0] = tarn_object_cache_alloc(&cache);
    sum.spares = 1;
    sum.crowding = true;
    sum.ctor_refuses = 2;
    assert_null(tarn_object_cache_alloc(&cache));
    assert_int_equal(sum.finis, 1); /* no room for it beside the spare one */
    sum.ctor_refuses = 0;
    assert_ptr_equal(tarn_object_cache_alloc(&cache), sum.spare[0]);
    tarn_object_cache_free(&cache, sum.spare[0]);
    stop();
}

static void filling_ahead_makes_allocs_that_need_no_memory(void **unused)
{
    (void)unused;
    probe parent;
    thing *o[12];
    start((tarn_object_cache_options){
        .depth = 12, .parent = probe_init(&parent, &(probe_options){.max_blocks = 10})});
    assert_int_equal(tarn_object_cache_fill(&cache, 6), 6);
    assert_int_equal(tarn_object_cache_fill(&cache, 3), 6);
    assert_int_equal(tarn_object_cache_fill(&cache, 11), 10); /* all that the parent has */
    assert_int_equal(tarn_get_why(&cache.allocator).status, parent.why.status);
    size_t asked = parent.calls[0];
    for (int i = 0; i < 10; i++)
        assert_non_null(o[i] = tarn_object_cache_alloc(&cache));
    assert_int_equal(parent.calls[0], asked);
    for (int i = 0; i < 10; i++)
        tarn_object_cache_free(&cache, o[i]);
    stop();
    assert_int_equal(probe_deinit(&parent), 0);
    start((tarn_object_cache_options){.depth = 3});
    assert_int_equal(tarn_object_cache_fill(&cache, 5), 3);
    assert_int_equal(tarn_get_why(&cache.allocator).limit, 3);
    stop();
}

static void what_is_out_at_the_end_of_an_own_pool_gets_its_fini(void **unused)
{
    (void)unused;
    start((tarn_object_cache_options){0});
    for (int i = 0; i < 500; i++) {
        thing *o = tarn_object_cache_alloc(&cache);
        if (i % 3 == 0)
            tarn_object_cache_free(&cache, o);
    }
    stop();
}

static void options_that_make_no_sense_are_refused(void **unused)
{
    (void)unused;
    const struct {
        tarn_object_cache_options options;
        tarn_status status;
    } table[] = {
        {{0}, TARN_BAD_ARGUMENT},
        {{.object_size = 8, .align = 3}, TARN_BAD_ALIGN},
        {{.object_size = SIZE_MAX}, TARN_TOO_BIG},
        {{.object_size = 8, .depth = SIZE_MAX / 4}, TARN_TOO_BIG},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        tarn_status status;
        assert_int_equal(tarn_object_cache_init(&cache, &table[i].options), table[i].status);
        assert_null(tarn_object_cache_create(&table[i].options, &status));
        assert_int_equal(status, table[i].status);
    }
}

static void a_source_that_fails_at_any_call_loses_nothing(void **unused)
{
    (void)unused;
    for (int mode = 0; mode < 2; mode++) {
        bool passed = false;
        for (size_t k = 0; !passed; k++) {
            probe parent;
            tarn_parent_source source;
            thing *o[300] = {NULL};
            sum = (tally){.cache = NULL};
            tarn_object_cache_options options = {
                .object_size = sizeof(thing),
                .init = init,
                .fini = fini,
                .user = &sum,
                .check = mode != 0,
                .source = tarn_parent_init(
                    &source, probe_init(&parent, &(probe_options){.max_blocks = k + 1}))};
            tarn_object_cache *c = tarn_object_cache_create(&options, NULL);
            for (size_t i = 0; c != NULL && i < 300; i++)
                o[i] = tarn_object_cache_alloc(c);
            passed = o[299] != NULL;
            if (c != NULL)
                assert_int_equal(tarn_object_cache_check(c), TARN_OK);
            for (size_t i = 0; c != NULL && i < 300; i++)
                tarn_object_cache_free(c, o[i]);
            tarn_object_cache_destroy(c);
            assert_int_equal(sum.inits, sum.finis);
            assert_int_equal(parent.faults, 0);
            assert_int_equal(probe_deinit(&parent), 0);
            assert_true(k < 50);
        }
    }
}

static void figures_and_what_check_notices(void **unused)
{
    (void)unused;
    tarn_stats stats;
    tarn_source *source;
    probe parent;
    tarn_parent_source own;
    source = tarn_parent_init(&own, probe_init(&parent, NULL));
    start((tarn_object_cache_options){.source = source, .name = "things", .check = true});
    assert_string_equal(tarn_name(&cache.allocator), "things");
    assert_null(tarn_parent(&cache.allocator, 0)); /* a source is no allocator */
    thing *o[3];
    for (int i = 0; i < 3; i++)
        o[i] = tarn_object_cache_alloc(&cache);
    tarn_object_cache_free(&cache, o[0]);
    tarn_object_cache_free(&cache, o[1]);
    assert_int_equal(tarn_get_stats(&cache.allocator, &stats), TARN_OK);
    assert_int_equal(stats.live_blocks, 1);
    assert_int_equal(stats.live_bytes, sizeof(thing));
    assert_true(stats.held_bytes > 3 * sizeof(thing));
    assert_int_equal(tarn_owns(&cache.allocator, o[2]), TARN_YES);
    assert_int_equal(tarn_owns(&cache.allocator, &cache), TARN_NO);
    assert_int_equal(tarn_usable(&cache.allocator, o[2], 1, 0), sizeof(thing));
    assert_int_equal(tarn_object_cache_check(&cache), TARN_OK);
    void *was = cache.idle[0];
    cache.idle[0] = cache.idle[1];
    assert_int_equal(tarn_object_cache_check(&cache), TARN_CORRUPT);
    cache.idle[0] = &cache;
    assert_int_equal(tarn_object_cache_check(&cache), TARN_CORRUPT);
    cache.idle[0] = was;
    cache.objects++;
    assert_int_equal(tarn_object_cache_check(&cache), TARN_CORRUPT);
    cache.objects--;
    cache.book->map.count++;
    assert_int_equal(tarn_object_cache_check(&cache), TARN_CORRUPT);
    cache.book->map.count--;
    tarn_object_cache_note(&cache, was, true);
    assert_int_equal(tarn_object_cache_check(&cache), TARN_CORRUPT);
    tarn_object_cache_note(&cache, was, false);
    stop();
    assert_int_equal(tarn_get_stats(&cache.allocator, &stats), TARN_OK);
    assert_int_equal(stats.live_blocks, 0);
    assert_int_equal(probe_deinit(&parent), 0);
}

static void through_the_handle_sizes_and_flags_are_judged(void **unused)
{
    (void)unused;
    start((tarn_object_cache_options){0});
    tarn_allocator *a = tarn_object_cache_allocator(&cache);
    assert_null(tarn_alloc(a, sizeof(thing) + 1, 0));
    assert_int_equal(tarn_get_why(a).status, TARN_TOO_BIG);
    assert_null(tarn_alloc(a, 1, TARN_SPEC(64)));
    assert_int_equal(tarn_get_why(a).status, TARN_BAD_ALIGN);
    assert_null(tarn_alloc(a, 1, TARN_ZERO));
    assert_int_equal(tarn_get_why(a).status, TARN_UNSUPPORTED);
    thing *o = tarn_alloc(a, 1, 0);
    assert_int_equal(o->built, 1);
    tarn_free(a, o, 0, 0);
    stop();
    assert_int_equal(
        tarn_object_cache_init(&cache, &(tarn_object_cache_options){.object_size = 32}), TARN_OK);
    unsigned char *plain = tarn_alloc(a, 32, 0);
    memset(plain, 0xff, 32);
    tarn_free(a, plain, 32, 0);
    assert_ptr_equal(tarn_alloc(a, 32, TARN_ZERO), plain);
    for (int i = 0; i < 32; i++)
        assert_int_equal(plain[i], 0);
    tarn_object_cache_deinit(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_init_made_survives_free_and_alloc),
        cmocka_unit_test(ctor_and_dtor_run_at_each_use),
        cmocka_unit_test(beyond_the_depth_objects_go_back),
        cmocka_unit_test(the_limit_counts_idle_and_used_and_asks_reclaim_once),
        cmocka_unit_test(reclaim_that_uses_the_cache_is_not_asked_again),
        cmocka_unit_test(reclaim_cures_a_ctor_that_refused),
        cmocka_unit_test(a_ctor_that_fills_the_array_and_refuses_loses_nothing),
        cmocka_unit_test(a_refused_init_or_ctor_loses_nothing),
        cmocka_unit_test(filling_ahead_makes_allocs_that_need_no_memory),
        cmocka_unit_test(what_is_out_at_the_end_of_an_own_pool_gets_its_fini),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(a_source_that_fails_at_any_call_loses_nothing),
        cmocka_unit_test(figures_and_what_check_notices),
        cmocka_unit_test(through_the_handle_sizes_and_flags_are_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
