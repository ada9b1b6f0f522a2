/* SPDX-License-Identifier: MIT */
/* The generic source calls: arguments are judged before the source sees them. */
#include "support/tarn_test.h"

#include <tarn/source.h>

/* A source that writes down what it was called with. */
struct probe {
    tarn_source source;
    int calls;
    size_t size, align;
    tarn_status answer;
};

static char memory[4096];

static tarn_status probe_map(tarn_source *s, size_t size, size_t align, uint32_t flags,
                             tarn_region *out)
{
    struct probe *p = (struct probe *)s;
    (void)flags;
    p->calls++;
    p->size = size;
    p->align = align;
    *out = (tarn_region){memory, size, TARN_REGION_COMMITTED};
    return p->answer;
}

static void probe_unmap(tarn_source *s, void *ptr, size_t size, size_t align)
{
    struct probe *p = (struct probe *)s;
    (void)ptr;
    p->calls++;
    p->size = size;
    p->align = align;
}

static tarn_status probe_piece(tarn_source *s, void *ptr, size_t size)
{
    struct probe *p = (struct probe *)s;
    (void)ptr;
    p->calls++;
    p->size = size;
    return p->answer;
}

static tarn_status probe_remap(tarn_source *s, void *ptr, size_t old_size, size_t new_size,
                               bool may_move, tarn_region *out)
{
    struct probe *p = (struct probe *)s;
    (void)old_size;
    (void)may_move;
    p->calls++;
    p->size = new_size;
    *out = (tarn_region){ptr, new_size, 0};
    return p->answer;
}

static const tarn_source_ops PLAIN = {.abi = TARN_ABI, .map = probe_map, .unmap = probe_unmap};
static const tarn_source_ops FULL = {
    .abi = TARN_ABI,
    .caps = TARN_SOURCE_COMMIT | TARN_SOURCE_PURGE | TARN_SOURCE_REMAP,
    .map = probe_map,
    .unmap = probe_unmap,
    .commit = probe_piece,
    .purge = probe_piece,
    .remap = probe_remap,
};

static struct probe make(const tarn_source_ops *ops)
{
    return (struct probe){.source = {.ops = ops, .granule = 64}};
}

static void assert_no_region(const tarn_region *r)
{
    assert_null(r->ptr);
    assert_int_equal(r->size, 0);
    assert_int_equal(r->traits, 0);
}

static void bad_requests_do_not_arrive(void **state)
{
    struct probe p = make(&PLAIN);
    tarn_region r;
    const struct {
        size_t size, align;
        uint32_t flags;
        tarn_status status;
    } bad[] = {
        {64, 0, 0, TARN_BAD_ALIGN},
        {64, 48, 0, TARN_BAD_ALIGN},
        {SIZE_MAX, 16, 0, TARN_TOO_BIG},
        {SIZE_MAX - 62, 16, 0, TARN_TOO_BIG},
        {SIZE_MAX - 63, 16, 0, TARN_TOO_BIG},
        {(size_t)PTRDIFF_MAX + 1, 16, 0, TARN_TOO_BIG},
        {64, 16, TARN_MAP_RESERVE, TARN_UNSUPPORTED},
        {64, 16, 1u << 9, TARN_BAD_ARGUMENT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(&r, 0xff, sizeof r);
        assert_int_equal(tarn_source_map(&p.source, bad[i].size, bad[i].align, bad[i].flags, &r),
                         bad[i].status);
        assert_no_region(&r);
    }
    assert_int_equal(p.calls, 0);
}

static void sizes_become_whole_granules(void **state)
{
    struct probe p = make(&FULL);
    tarn_region r;
    (void)state;
    assert_int_equal(tarn_source_map(&p.source, 0, 1, 0, &r), TARN_OK);
    assert_int_equal(p.size, 64);
    assert_int_equal(tarn_source_map(&p.source, 65, 32, TARN_MAP_RESERVE, &r), TARN_OK);
    assert_int_equal(p.size, 128);
    assert_int_equal(p.align, 32);
    assert_int_equal(r.size, 128);
    assert_int_equal(tarn_source_map(&p.source, PTRDIFF_MAX - 63, 1, 0, &r), TARN_OK);
    assert_int_equal(p.size, PTRDIFF_MAX - 63);
    assert_int_equal(tarn_source_remap(&p.source, memory, 64, 129, true, &r), TARN_OK);
    assert_int_equal(p.size, 192);
}

static void a_refusal_leaves_no_region(void **state)
{
    struct probe p = make(&FULL);
    tarn_region r;
    (void)state;
    p.answer = TARN_LIMIT;
    assert_int_equal(tarn_source_map(&p.source, 64, 1, 0, &r), TARN_LIMIT);
    assert_no_region(&r);
    memset(&r, 0xff, sizeof r);
    assert_int_equal(tarn_source_remap(&p.source, memory, 64, 128, true, &r), TARN_LIMIT);
    assert_no_region(&r);
    memset(&r, 0xff, sizeof r);
    assert_int_equal(tarn_source_remap(&p.source, memory, 64, SIZE_MAX, true, &r), TARN_TOO_BIG);
    assert_no_region(&r);
}

static void pieces_are_whole_granules(void **state)
{
    struct probe p = make(&FULL);
    char *base = memory + (-(uintptr_t)memory & 63);
    (void)state;
    assert_int_equal(tarn_source_commit(&p.source, base + 1, 64), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_source_purge(&p.source, base, 65), TARN_BAD_ARGUMENT);
    assert_int_equal(p.calls, 0);
    assert_int_equal(tarn_source_commit(&p.source, base, 64), TARN_OK);
    assert_int_equal(tarn_source_purge(&p.source, base + 64, 128), TARN_OK);
    assert_int_equal(p.calls, 2);
}

static void the_absent_is_unsupported(void **state)
{
    struct probe p = make(&PLAIN);
    tarn_region r;
    (void)state;
    assert_int_equal(tarn_source_commit(&p.source, memory, 64), TARN_UNSUPPORTED);
    assert_int_equal(tarn_source_purge(&p.source, memory, 64), TARN_UNSUPPORTED);
    assert_int_equal(tarn_source_remap(&p.source, memory, 64, 128, true, &r), TARN_UNSUPPORTED);
    assert_string_equal(tarn_source_name(&p.source), "source");
    tarn_source_unmap(&p.source, NULL, 64, 1);
    assert_int_equal(p.calls, 0);
    tarn_source_unmap(&p.source, memory, 64, 32);
    assert_int_equal(p.calls, 1);
    assert_int_equal(p.align, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_requests_do_not_arrive), cmocka_unit_test(sizes_become_whole_granules),
        cmocka_unit_test(a_refusal_leaves_no_region), cmocka_unit_test(pieces_are_whole_granules),
        cmocka_unit_test(the_absent_is_unsupported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
