/* SPDX-License-Identifier: MIT */
/* Functions as a source: what they can do is what it can, and what they answer is judged. */
#include "support/tarn_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tarn/arena.h>
#include <tarn/callbacks.h>
#include <tarn/pool.h>
#include <tarn/spans.h>

enum { GRANULE = 65536 };

/* A device: a range of bytes that is mapped from a descriptor, and what to answer. */
struct device {
    int fd;
    size_t next;       /* offset of the next region in it                                     */
    tarn_status says;  /* instead of mapping                                                  */
    ptrdiff_t shifted; /* added to the address                                                */
    ptrdiff_t larger;  /* added to the size                                                   */
    bool says_null, grows;
    size_t maps, unmaps, commits, purges, remaps;
    void *unmapped;
};

static size_t page_up(size_t n)
{
    return (n + 4095) & ~(size_t)4095;
}

static tarn_status device_map(void *user, size_t size, size_t align, uint32_t flags,
                              tarn_region *out)
{
    struct device *d = user;
    size_t wide = size + align;
    char *p;
    (void)flags;
    assert_null(out->ptr);
    assert_int_equal(out->size, size);
    if (d->says != TARN_OK)
        return d->says;
    if (d->grows && ftruncate(d->fd, (off_t)(d->next + size)) != 0)
        return TARN_NO_MEMORY;
    p = mmap(NULL, wide, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return TARN_NO_MEMORY;
    size_t lead = (size_t)(-(uintptr_t)p & (align - 1));
    if (lead != 0)
        (void)munmap(p, page_up(lead));
    (void)munmap(p + lead + size, align - lead);
    if (mmap(p + lead, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, d->fd,
             d->grows ? (off_t)d->next : 0) == MAP_FAILED)
        return TARN_NO_MEMORY;
    d->next += size;
    d->maps++;
    out->ptr = d->says_null ? NULL : p + lead + d->shifted;
    out->size = (size_t)((ptrdiff_t)size + d->larger);
    out->traits |= TARN_REGION_ZEROED | 1u << 30;
    if (d->says_null)
        (void)munmap(p + lead, size);
    return TARN_OK;
}

static void device_unmap(void *user, void *ptr, size_t size, size_t align)
{
    struct device *d = user;
    (void)align;
    d->unmaps++;
    d->unmapped = ptr;
    (void)munmap((char *)ptr - d->shifted, (size_t)((ptrdiff_t)size - d->larger));
}

static tarn_status device_commit(void *user, void *ptr, size_t size)
{
    struct device *d = user;
    (void)ptr;
    (void)size;
    d->commits++;
    return d->says;
}

static tarn_status device_purge(void *user, void *ptr, size_t size)
{
    struct device *d = user;
    d->purges++;
    memset(ptr, 0, size);
    return d->says;
}

/* Shrinks in place; to where it is told, otherwise. */
static tarn_status device_remap(void *user, void *ptr, size_t old_size, size_t new_size,
                                bool may_move, tarn_region *out)
{
    struct device *d = user;
    (void)old_size;
    (void)new_size;
    (void)may_move;
    d->remaps++;
    out->ptr = (char *)ptr + d->shifted;
    out->size = (size_t)((ptrdiff_t)out->size + d->larger);
    return d->says;
}

static struct device device;
static tarn_callbacks memory;

/* /dev/zero is the device; a file in memory where blocks are to be seen in the file. */
static void start(tarn_callbacks_options o, bool in_file)
{
    char name[] = "/tmp/tarn-device-XXXXXX";
    device = (struct device){.fd = -1, .grows = in_file};
    device.fd = in_file ? mkstemp(name) : open("/dev/zero", O_RDWR | O_CLOEXEC);
    assert_true(device.fd >= 0);
    if (in_file)
        assert_int_equal(unlink(name), 0);
    o.map = device_map;
    o.user = &device;
    o.granule = GRANULE;
    assert_int_equal(tarn_callbacks_init(&memory, &o), TARN_OK);
}

static void finish(size_t left)
{
    tarn_callbacks_report r;
    tarn_callbacks_get_report(&memory, &r);
    assert_int_equal(r.regions, left);
    if (left == 0)
        assert_int_equal(r.mapped, 0);
    tarn_callbacks_deinit(&memory);
    assert_int_equal(close(device.fd), 0);
}

static void options_are_judged(void **state)
{
    tarn_callbacks c;
    (void)state;
    assert_int_equal(tarn_callbacks_init(&c, &(tarn_callbacks_options){0}), TARN_BAD_ARGUMENT);
    assert_int_equal(
        tarn_callbacks_init(&c, &(tarn_callbacks_options){.map = device_map, .granule = 100}),
        TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_callbacks_init(&c, &(tarn_callbacks_options){.map = device_map}),
                     TARN_OK);
    assert_int_equal(c.source.granule, 4096);
    assert_string_equal(tarn_source_name(&c.source), "callbacks");
    assert_string_equal(tarn_callbacks_why(&c), "");
    tarn_callbacks_deinit(&c);
}

static void it_can_what_they_can(void **state)
{
    const uint32_t caps[] = {TARN_SOURCE_COMMIT, TARN_SOURCE_PURGE, TARN_SOURCE_REMAP,
                             TARN_SOURCE_THREADS};
    tarn_region r;
    (void)state;
    for (unsigned set = 0; set < 16; set++) {
        tarn_callbacks_options o = {.unmap = device_unmap, .name = "device"};
        if ((set & 1) != 0)
            o.commit = device_commit;
        if ((set & 2) != 0)
            o.purge = device_purge;
        if ((set & 4) != 0)
            o.remap = device_remap;
        o.threads = (set & 8) != 0;
        start(o, false);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(tarn_source_can(&memory.source, caps[i]), set >> i & 1);
        assert_string_equal(tarn_source_name(&memory.source), "device");
        assert_int_equal(tarn_source_map(&memory.source, 1, 1, 0, &r), TARN_OK);
        assert_int_equal(tarn_source_commit(&memory.source, r.ptr, r.size),
                         (set & 1) != 0 ? TARN_OK : TARN_UNSUPPORTED);
        assert_int_equal(tarn_source_purge(&memory.source, r.ptr, r.size),
                         (set & 2) != 0 ? TARN_OK : TARN_UNSUPPORTED);
        tarn_source_unmap(&memory.source, r.ptr, r.size, 1);
        assert_int_equal(device.commits, set & 1);
        assert_int_equal(device.purges, set >> 1 & 1);
        finish(0);
    }
}

static void regions(void **state)
{
    tarn_region r;
    tarn_stats s;
    (void)state;
    start((tarn_callbacks_options){.unmap = device_unmap, .commit = device_commit}, false);
    for (size_t align = 1; align <= (size_t)1 << 20; align *= 16) {
        assert_int_equal(tarn_source_map(&memory.source, 100000, align, 0, &r), TARN_OK);
        assert_int_equal(r.size, 2 * GRANULE);
        assert_int_equal((uintptr_t)r.ptr % align, 0);
        assert_int_equal(r.traits, TARN_REGION_COMMITTED | TARN_REGION_ZEROED);
        memset(r.ptr, 1, r.size);
        assert_int_equal(memory.source.ops->stats(&memory.source, &s), TARN_OK);
        assert_int_equal(s.held_bytes, r.size);
        assert_int_equal(s.chunks, 1);
        tarn_source_unmap(&memory.source, r.ptr, r.size, align);
        assert_ptr_equal(device.unmapped, r.ptr);
    }
    assert_int_equal(tarn_source_map(&memory.source, 1, 1, TARN_MAP_RESERVE, &r), TARN_OK);
    assert_int_equal(r.traits, TARN_REGION_ZEROED);
    tarn_source_unmap(&memory.source, r.ptr, r.size, 1);
    finish(0);
}

static void without_unmap_regions_are_pinned(void **state)
{
    tarn_region r;
    (void)state;
    start((tarn_callbacks_options){.unmap = NULL}, false);
    assert_int_equal(tarn_source_map(&memory.source, 1, 1, 0, &r), TARN_OK);
    assert_true((r.traits & TARN_REGION_PINNED) != 0);
    tarn_source_unmap(&memory.source, r.ptr, r.size, 1);
    *(char *)r.ptr = 1; /* it is still there */
    assert_int_equal(munmap(r.ptr, r.size), 0);
    finish(0);
}

static void refusals_come_through(void **state)
{
    const tarn_status says[] = {TARN_NO_MEMORY, TARN_LIMIT, TARN_BUSY, TARN_UNSUPPORTED};
    tarn_region r;
    tarn_callbacks_report report;
    (void)state;
    start((tarn_callbacks_options){.unmap = device_unmap,
                                   .commit = device_commit,
                                   .purge = device_purge,
                                   .remap = device_remap},
          false);
    for (size_t i = 0; i < 4; i++) {
        device.says = says[i];
        assert_int_equal(tarn_source_map(&memory.source, 1, 1, 0, &r), says[i]);
        assert_null(r.ptr);
        assert_int_equal(tarn_source_commit(&memory.source, NULL, 0), says[i]);
        assert_int_equal(
            tarn_source_remap(&memory.source, (void *)0x10000, GRANULE, 2 * GRANULE, true, &r),
            says[i]);
        tarn_callbacks_get_report(&memory, &report);
        assert_int_equal(report.refused, 3 * (i + 1));
        assert_int_equal(report.unsound, 0);
    }
    assert_int_equal(device.unmaps, 0);
    finish(0);
}

static void answers_are_judged(void **state)
{
    const struct {
        ptrdiff_t shifted, larger;
        bool says_null;
        tarn_status status;
        const char *why;
    } cases[] = {
        {0, 0, true, TARN_NO_MEMORY, "map: no address"},
        {4096, 0, false, TARN_BAD_ALIGN, "map: not aligned as asked"},
        {1, 0, false, TARN_BAD_ALIGN, "map: not aligned as asked"},
        {0, -1, false, TARN_WRONG_SIZE, "map: less than asked for"},
        {0, -GRANULE, false, TARN_WRONG_SIZE, "map: less than asked for"},
        {0, 100, false, TARN_WRONG_SIZE, "map: no whole granules"},
    };
    tarn_callbacks_report report;
    tarn_region r;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start((tarn_callbacks_options){.unmap = device_unmap}, false);
        device.shifted = cases[i].shifted;
        device.larger = cases[i].larger;
        device.says_null = cases[i].says_null;
        assert_int_equal(tarn_source_map(&memory.source, 2 * GRANULE, 2 * GRANULE, 0, &r),
                         cases[i].status);
        assert_null(r.ptr);
        assert_int_equal(r.size, 0);
        assert_string_equal(tarn_callbacks_why(&memory), cases[i].why);
        assert_int_equal(device.unmaps, cases[i].says_null ? 0 : 1);
        tarn_callbacks_get_report(&memory, &report);
        assert_int_equal(report.unsound, 1);
        finish(0);
    }
}

static tarn_status map_at_the_end(void *user, size_t size, size_t align, uint32_t flags,
                                  tarn_region *out)
{
    (void)user;
    (void)align;
    (void)flags;
    out->ptr = (void *)(UINTPTR_MAX - GRANULE + 1);
    out->size = size + GRANULE;
    return TARN_OK;
}

static void addresses_end_somewhere(void **state)
{
    tarn_callbacks c;
    tarn_region r;
    (void)state;
    assert_int_equal(tarn_callbacks_init(
                         &c, &(tarn_callbacks_options){.map = map_at_the_end, .granule = GRANULE}),
                     TARN_OK);
    assert_int_equal(tarn_source_map(&c.source, GRANULE, 1, 0, &r), TARN_CORRUPT);
    assert_string_equal(tarn_callbacks_why(&c), "map: beyond all addresses");
    tarn_callbacks_deinit(&c);
}

static void remap_is_judged(void **state)
{
    tarn_region r, q;
    (void)state;
    start((tarn_callbacks_options){.unmap = device_unmap, .remap = device_remap}, false);
    assert_int_equal(tarn_source_map(&memory.source, 4 * GRANULE, 1, 0, &r), TARN_OK);
    assert_int_equal(tarn_source_remap(&memory.source, r.ptr, r.size, 4 * GRANULE, false, &q),
                     TARN_OK);
    assert_ptr_equal(q.ptr, r.ptr);
    device.shifted = 1;
    assert_int_equal(tarn_source_remap(&memory.source, r.ptr, r.size, GRANULE, true, &q),
                     TARN_BAD_ALIGN);
    device.shifted = GRANULE;
    assert_int_equal(tarn_source_remap(&memory.source, r.ptr, r.size, GRANULE, false, &q),
                     (uintptr_t)r.ptr % GRANULE == 0 ? TARN_CORRUPT : TARN_BAD_ALIGN);
    device.shifted = 0;
    device.larger = -1;
    assert_int_equal(tarn_source_remap(&memory.source, r.ptr, r.size, GRANULE, true, &q),
                     TARN_WRONG_SIZE);
    assert_string_equal(tarn_callbacks_why(&memory), "remap: less than asked for");
    device.larger = 0;
    tarn_source_unmap(&memory.source, r.ptr, r.size, 1);
    finish(0);
}

/* Blocks of a pool, an arena and a spans source are bytes of the device's file. */
static void strategies_over_a_device(void **state)
{
    tarn_pool pool;
    tarn_arena arena;
    tarn_spans spans;
    char *b, seen[6] = "";
    (void)state;
    start((tarn_callbacks_options){.unmap = device_unmap}, true);
    assert_int_equal(tarn_spans_init(&spans, &(tarn_spans_options){.source = &memory.source}),
                     TARN_OK);
    assert_int_equal(tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 48,
                                                                .chunk_size = GRANULE,
                                                                .source = &spans.source}),
                     TARN_OK);
    assert_int_equal(tarn_arena_init(&arena, &(tarn_arena_options){.source = &memory.source}),
                     TARN_OK);
    for (int i = 0; i < 5000; i++) {
        b = tarn_pool_alloc(&pool);
        assert_non_null(b);
        memset(b, 1, 48);
        b = tarn_arena_alloc(&arena, 100, TARN_SPEC(8));
        assert_non_null(b);
        memset(b, 2, 100);
    }
    memcpy(b, "hello", 6);
    for (off_t at = 0; at < (off_t)device.next && strcmp(seen, "hello") != 0; at += 4)
        assert_int_equal(pread(device.fd, seen, 6, at), at + 6 <= (off_t)device.next ? 6 : 4);
    assert_string_equal(seen, "hello");
    tarn_arena_deinit(&arena);
    tarn_pool_deinit(&pool);
    tarn_spans_deinit(&spans);
    finish(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_judged),
        cmocka_unit_test(it_can_what_they_can),
        cmocka_unit_test(regions),
        cmocka_unit_test(without_unmap_regions_are_pinned),
        cmocka_unit_test(refusals_come_through),
        cmocka_unit_test(answers_are_judged),
        cmocka_unit_test(addresses_end_somewhere),
        cmocka_unit_test(remap_is_judged),
        cmocka_unit_test(strategies_over_a_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
