/* SPDX-License-Identifier: MIT */
/* range_sweep_test.c - a space whose metadata is refused at any point, or from any point on: nothing is lost. */
#include <tarn/defrag.h>

#include "conform/tarn_conform.h"
#include "support/tarn_test.h"

static const tarn_range_core CORES[] = {TARN_RANGE_TLSF, TARN_RANGE_LINEAR, TARN_RANGE_BITMAP};

static bool use_a_space(tarn_allocator *metadata, void *core)
{
    enum { N = 400 };
    static tarn_range_id ids[N];
    size_t n = 0;
    tarn_status status;
    tarn_space_options o = {
        .units = 100000, .core = *(const tarn_range_core *)core, .metadata = metadata};
    tarn_space *s = tarn_space_create(&o, &status);
    if (s == NULL)
        return status != TARN_NO_MEMORY;
    for (; n < N; n++) {
        tarn_range_block b;
        tarn_range_stats before, after;
        tarn_range_request want = {.size = 10, .user = n == 100 ? s : NULL};
        tarn_range_count(&s->range, &before);
        status = tarn_range_serve(&s->range, &want, &b);
        if (status != TARN_OK) {
            tarn_range_count(&s->range, &after);
            assert_int_equal(status, TARN_NO_MEMORY);
            assert_true(after.live_units == before.live_units && after.metadata == before.metadata);
            assert_int_equal(tarn_range_check(&s->range), TARN_OK);
            break;
        }
        ids[n] = b.id;
    }
    bool whole = n == N;
    for (size_t i = 0; i < n; i++)
        assert_int_equal(tarn_range_free(&s->range, ids[i]), TARN_OK);
    assert_int_equal(tarn_range_check(&s->range), TARN_OK);
    tarn_space_destroy(s);
    return whole;
}

static void metadata_that_is_refused_at_any_point(void **unused)
{
    (void)unused;
    for (int c = 0; c < 3; c++) {
        tarn_range_core core = CORES[c];
        tarn_sweep_options o = {.name = "space", .run = use_a_space, .user = &core};
        assert_int_equal(tarn_sweep(&o), 0);
    }
}

/* Moves need nodes, too: with too few of them a defragmentation proposes less, and ends. */
static bool defragment(tarn_allocator *metadata, void *unused)
{
    enum { N = 200 };
    tarn_range_id ids[N];
    tarn_space s;
    tarn_range_defrag d;
    tarn_range_move moves[64];
    size_t n = 0, moved;
    (void)unused;
    if (tarn_space_init(&s, &(tarn_space_options){.units = 100000, .metadata = metadata}) !=
        TARN_OK)
        return false;
    for (tarn_range_block b; n < N && tarn_range_alloc(&s.range, 10, 1, 0, &b) == TARN_OK; n++)
        ids[n] = b.id;
    for (size_t i = 0; i < n; i += 2)
        assert_int_equal(tarn_range_free(&s.range, ids[i]), TARN_OK);
    assert_int_equal(tarn_range_defrag_begin(&d, &s.range, NULL), TARN_OK);
    while (tarn_range_defrag_pass(&d, moves, 64, &moved) == TARN_OK && moved != 0) {
        assert_int_equal(tarn_range_check(&s.range), TARN_OK);
        assert_int_equal(tarn_range_defrag_commit(&d), TARN_OK);
    }
    tarn_range_defrag_end(&d, NULL);
    for (size_t i = 1; i < n; i += 2)
        assert_int_equal(tarn_range_free(&s.range, ids[i]), TARN_OK);
    assert_int_equal(tarn_range_check(&s.range), TARN_OK);
    tarn_space_deinit(&s);
    return n == N;
}

static void a_defragmentation_whose_metadata_is_refused(void **unused)
{
    (void)unused;
    tarn_sweep_options o = {.name = "defragmentation", .run = defragment};
    assert_int_equal(tarn_sweep(&o), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_that_is_refused_at_any_point),
        cmocka_unit_test(a_defragmentation_whose_metadata_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
