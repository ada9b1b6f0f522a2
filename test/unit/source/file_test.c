/* SPDX-License-Identifier: MIT */
/* Files, shared memory and memory without a name: found, grown, refused with a reason, seen by others. */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier): memfd_create, and the limit of file sizes */
#include "support/tarn_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tarn/arena.h>
#include <tarn/file.h>
#include <tarn/pool.h>

#include "os/pages.h"

static char folder[] = "/tmp/tarn-file-XXXXXX", path[64], shared[64];
static size_t page;

static int set_up(void **state)
{
    (void)state;
    page = tarn_os_page_size();
    if (mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(path, sizeof path, "%s/file", folder);
    (void)snprintf(shared, sizeof shared, "/tarn-file-%ld", (long)getpid());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)shm_unlink(shared);
    return rmdir(folder);
}

static size_t length(const char *name)
{
    struct stat st;
    return stat(name, &st) == 0 ? (size_t)st.st_size : SIZE_MAX;
}

static void open_new(tarn_file *f, size_t size, size_t limit)
{
    (void)unlink(path);
    tarn_file_options o = {.name = path, .size = size, .limit = limit};
    assert_int_equal(tarn_file_init(f, &o), TARN_OK);
}

static void *take(tarn_file *f, size_t size, size_t align, uint32_t *traits)
{
    tarn_region r;
    assert_int_equal(tarn_source_map(&f->source, size, align, 0, &r), TARN_OK);
    assert_int_equal((uintptr_t)r.ptr % align, 0);
    assert_true(r.size >= size && r.size % page == 0);
    if ((r.traits & TARN_REGION_ZEROED) != 0)
        for (size_t i = 0; i < r.size; i++)
            assert_int_equal(((char *)r.ptr)[i], 0);
    memset(r.ptr, 0x77, r.size);
    *traits = r.traits;
    return r.ptr;
}

static void regions_come_first_fit_and_grow_the_file(void **state)
{
    (void)state;
    tarn_file f;
    uint32_t t;
    open_new(&f, 0, 64 * page);
    assert_int_equal(length(path), 0);
    char *a = take(&f, 3 * page, 1, &t), *b = take(&f, 1, 1, &t), *c = take(&f, 2 * page, 1, &t);
    assert_true((t & TARN_REGION_ZEROED) != 0);
    assert_true(b == a + 3 * page && c == b + page);
    assert_true(length(path) >= 6 * page && length(path) <= 8 * page);
    tarn_source_unmap(&f.source, a, 3 * page, 1);
    assert_ptr_equal(take(&f, 2 * page, 1, &t), a);
    assert_int_equal(t & TARN_REGION_ZEROED, 0);
    char *d = take(&f, 4 * page, 16 * page, &t); /* behind the file's end as it is */
    assert_true(d > c);
    tarn_stats stats;
    assert_int_equal(f.source.ops->stats(&f.source, &stats), TARN_OK);
    assert_int_equal(stats.chunks, 4);
    assert_int_equal(stats.held_bytes - stats.idle_bytes, 9 * page);
    assert_int_equal(stats.held_bytes, length(path));
    tarn_file_deinit(&f);
    tarn_file_deinit(&f);
}

static void the_limit_is_a_refusal(void **state)
{
    (void)state;
    tarn_file f;
    tarn_region r;
    uint32_t t;
    open_new(&f, 0, 8 * page);
    void *a = take(&f, 5 * page, 1, &t);
    assert_int_equal(tarn_source_map(&f.source, 4 * page, 1, 0, &r), TARN_LIMIT);
    assert_string_equal(tarn_file_why(&f), "map: the limit has no such room left");
    assert_int_equal(tarn_source_map(&f.source, page, 1024 * page, 0, &r), TARN_LIMIT);
    assert_int_equal(tarn_file_grow(&f, 9 * page), TARN_LIMIT);
    assert_int_equal(tarn_file_grow(&f, SIZE_MAX), TARN_TOO_BIG);
    (void)take(&f, 3 * page, 1, &t);
    tarn_source_unmap(&f.source, a, 5 * page, 1);
    assert_ptr_equal(take(&f, 5 * page, 1, &t), a);
    assert_int_equal(length(path), 8 * page);
    tarn_file_deinit(&f);
}

static void what_was_written_is_there_again(void **state)
{
    (void)state;
    tarn_file f;
    uint32_t t;
    open_new(&f, 4 * page, 0);
    memcpy(take(&f, page, 1, &t), "tarn", 5);
    assert_int_equal(tarn_file_flush(&f, NULL, 0), TARN_OK);
    assert_int_equal(tarn_file_flush(&f, f.base + 5, 3), TARN_OK);
    assert_int_equal(tarn_file_flush(&f, f.base + 3 * page, page + 1), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_file_flush(&f, (char *)f.base - 1, 1), TARN_BAD_ARGUMENT);
    tarn_file_deinit(&f);
    tarn_file_options o = {.name = path, .open = TARN_FILE_OPEN};
    assert_int_equal(tarn_file_init(&f, &o), TARN_OK);
    tarn_region r;
    assert_int_equal(tarn_source_map(&f.source, page, 1, 0, &r), TARN_OK);
    assert_string_equal(r.ptr, "tarn");
    assert_int_equal(r.traits & TARN_REGION_ZEROED, 0);
    tarn_file_deinit(&f);
}

/* A file whose length is no multiple of a page keeps it until something is asked for. */
/* Others may have made the file longer, and written there, since it was opened. */
static void what_others_wrote_is_not_called_zero(void **state)
{
    (void)state;
    tarn_file f;
    uint32_t traits;
    open_new(&f, 0, 64 * page);
    assert_ptr_equal(take(&f, page, page, &traits), f.base);
    assert_true((traits & TARN_REGION_ZEROED) != 0);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "others", 6, (off_t)(3 * page)), 6);
    (void)take(&f, 3 * page, page, &traits); /* which reads all that is called zero */
    assert_true((traits & TARN_REGION_ZEROED) == 0);
    (void)take(&f, page, page, &traits);
    assert_true((traits & TARN_REGION_ZEROED) != 0);
    (void)close(fd);
    tarn_file_deinit(&f);
}

static void an_odd_length_stays(void **state)
{
    (void)state;
    tarn_file f;
    open_new(&f, page, 0);
    tarn_file_deinit(&f);
    assert_int_equal(truncate(path, (off_t)(2 * page + 100)), 0);
    tarn_file_options o = {.name = path, .limit = 16 * page};
    assert_int_equal(tarn_file_init(&f, &o), TARN_OK);
    assert_int_equal(f.size, 2 * page);
    assert_int_equal(length(path), 2 * page + 100);
    uint32_t t;
    (void)take(&f, 3 * page, 1, &t);
    assert_int_equal(t & TARN_REGION_ZEROED, 0);
    assert_true(length(path) >= 3 * page);
    tarn_file_deinit(&f);
}

static void refusals_say_why(void **state)
{
    (void)state;
    tarn_file f;
    char gone[96];
    (void)snprintf(gone, sizeof gone, "%s/no/such", folder);
    const struct {
        tarn_file_options o;
        tarn_status status;
        const char *why;
    } cases[] = {
        {{.name = gone}, TARN_MISSING, "No such file"},
        {{.name = path, .open = TARN_FILE_OPEN}, TARN_MISSING, "No such file"},
        {{.name = "/tarn-none-such", .kind = TARN_FILE_SHARED, .open = TARN_FILE_OPEN},
         TARN_MISSING,
         "'/tarn-none-such'"},
        {{.name = folder}, TARN_BAD_ARGUMENT, "directory"},
        {{.name = "/dev/null"}, TARN_BAD_ARGUMENT, "Invalid argument"},
        {{.name = NULL}, TARN_BAD_ARGUMENT, "option"},
        {{.name = ""}, TARN_BAD_ARGUMENT, "option"},
        {{.name = path, .kind = (tarn_file_kind)9}, TARN_BAD_ARGUMENT, "option"},
        {{.name = path, .open = (tarn_file_open)9}, TARN_BAD_ARGUMENT, "option"},
        {{.name = path, .size = 2, .limit = 1}, TARN_BAD_ARGUMENT, "option"},
        {{.name = path, .huge = true}, TARN_BAD_ARGUMENT, "option"},
        {{.kind = TARN_FILE_MEMORY, .limit = SIZE_MAX}, TARN_TOO_BIG, "addresses"},
        {{.kind = TARN_FILE_HANDLE, .fd = 987}, TARN_MISSING, "No such file"},
    };
    (void)unlink(path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(tarn_file_init(&f, &cases[i].o), cases[i].status);
        assert_non_null(strstr(tarn_file_why(&f), cases[i].why));
        tarn_file_deinit(&f);
    }
    assert_int_equal(tarn_file_init(&f, NULL), TARN_BAD_ARGUMENT);
    open_new(&f, 4 * page, 0);
    tarn_file_deinit(&f);
    tarn_file_options again = {.name = path, .open = TARN_FILE_CREATE};
    assert_int_equal(tarn_file_init(&f, &again), TARN_EXISTS);
    tarn_file_options small = {.name = path, .limit = 2 * page};
    assert_int_equal(tarn_file_init(&f, &small), TARN_LIMIT);
    assert_int_equal(length(path), 4 * page);
    assert_int_equal(tarn_file_remove(TARN_FILE_PATH, path), TARN_OK);
    assert_int_equal(tarn_file_remove(TARN_FILE_PATH, path), TARN_MISSING);
    assert_int_equal(tarn_file_remove(TARN_FILE_SHARED, shared), TARN_MISSING);
    assert_int_equal(tarn_file_remove(TARN_FILE_MEMORY, path), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_file_remove(TARN_FILE_PATH, NULL), TARN_BAD_ARGUMENT);
}

/* As a user without rights, in a child: root may open everything. */
static void denied_is_told(void **state)
{
    (void)state;
    tarn_file f;
    open_new(&f, page, 0);
    tarn_file_deinit(&f);
    assert_int_equal(chmod(path, 0400), 0);
    pid_t child = fork();
    if (child == 0) {
        tarn_file_options o = {.name = path};
        bool other = getuid() != 0 || setuid(65534) == 0;
        tarn_status status = tarn_file_init(&f, &o);
        _exit(other && (status != TARN_DENIED || tarn_file_why(&f)[0] == '\0') ? 1 : 0);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The disk is full: here, no file may be longer than 64 KiB. What was there stays, nothing is a signal. */
static void a_full_disk_is_a_refusal(void **state)
{
    (void)state;
    tarn_file f;
    tarn_region r;
    uint32_t t;
    struct rlimit old, low;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = 16 * page;
    (void)signal(SIGXFSZ, SIG_IGN);
    open_new(&f, 0, 1024 * page);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    void *a = take(&f, 8 * page, 1, &t);
    size_t before = length(path);
    tarn_status status = tarn_source_map(&f.source, 20 * page, 1, 0, &r);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, TARN_TOO_BIG);
    assert_non_null(strstr(tarn_file_why(&f), "File too large"));
    assert_int_equal(length(path), before);
    memset(a, 1, 8 * page);
    (void)take(&f, 20 * page, 1, &t);
    tarn_file_deinit(&f);
}

/* A real one, of 256 KiB, that only a child sees. 77 where that may not be. */
static int in_a_small_file_system(void)
{
    tarn_file f;
    tarn_region r, small;
    tarn_file_options o = {.name = path, .limit = 1 << 20};
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "", MS_REC | MS_PRIVATE, "") != 0 ||
        mount("tarn", folder, "tmpfs", 0, "size=256k") != 0)
        return 77;
    if (tarn_file_init(&f, &o) != TARN_OK ||
        tarn_source_map(&f.source, 100000, 1, 0, &r) != TARN_OK)
        return __LINE__ & 63;
    if (tarn_source_map(&f.source, 300000, 1, 0, &small) != TARN_NO_MEMORY ||
        strstr(tarn_file_why(&f), "No space left") == NULL || small.ptr != NULL)
        return __LINE__ & 63;
    memset(r.ptr, 1, r.size);
    if (tarn_source_map(&f.source, 50000, 1, 0, &small) != TARN_OK)
        return __LINE__ & 63;
    memset(small.ptr, 1, small.size);
    tarn_file_deinit(&f);
    return 0;
}

static void no_space_left_is_a_refusal(void **state)
{
    (void)state;
    int status = 1;
    pid_t child = fork();
    if (child == 0)
        _exit(in_a_small_file_system());
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

static void blocks_are_taken_beforehand_unless_sparse(void **state)
{
    (void)state;
    struct stat st;
    tarn_file f;
    open_new(&f, 256 * page, 0);
    assert_int_equal(stat(path, &st), 0);
    assert_true((size_t)st.st_blocks * 512 >= 256 * page);
    assert_false(tarn_source_can(&f.source, TARN_SOURCE_PURGE));
    tarn_file_deinit(&f);
    (void)unlink(path);
    tarn_file_options o = {.name = path, .size = 256 * page, .sparse = true};
    assert_int_equal(tarn_file_init(&f, &o), TARN_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_true((size_t)st.st_blocks * 512 < 64 * page);
    uint32_t t;
    char *p = take(&f, 16 * page, 1, &t);
    if (tarn_source_purge(&f.source, p, 8 * page) == TARN_OK) /* not every file system can */
        assert_int_equal(p[0], 0);
    assert_int_equal(p[8 * page], 0x77);
    tarn_file_deinit(&f);
}

/* Two mappings at two addresses, of each kind: what one writes the other reads. */
static void two_see_the_same(void **state)
{
    (void)state;
    (void)unlink(path);
    const tarn_file_options kinds[] = {
        {.name = path, .size = 4 * page},
        {.name = shared, .kind = TARN_FILE_SHARED, .size = 4 * page},
        {.name = "label", .kind = TARN_FILE_MEMORY, .size = 4 * page},
        {.kind = TARN_FILE_MEMORY, .size = 4 * page, .huge = true},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        tarn_file a, b;
        assert_int_equal(tarn_file_init(&a, &kinds[i]), TARN_OK);
        tarn_file_options other = {.name = kinds[i].name, .kind = kinds[i].kind};
        if (other.kind == TARN_FILE_MEMORY)
            other = (tarn_file_options){.kind = TARN_FILE_HANDLE, .fd = tarn_file_handle(&a)};
        assert_int_equal(tarn_file_init(&b, &other), TARN_OK);
        assert_ptr_not_equal(a.base, b.base);
        memcpy(a.base + page, "seen", 5);
        assert_string_equal(b.base + page, "seen");
        tarn_file_deinit(&a);
        assert_string_equal(b.base + page, "seen");
        tarn_file_deinit(&b);
    }
    assert_int_equal(tarn_file_remove(TARN_FILE_SHARED, shared), TARN_OK);
}

/* A pool and an arena with their own, private state, over a file. */
static void strategies_work_over_it(void **state)
{
    (void)state;
    tarn_file f;
    tarn_pool pool;
    tarn_arena arena;
    open_new(&f, 0, 1024 * page);
    assert_int_equal(
        tarn_pool_init(&pool, &(tarn_pool_options){.block_size = 64, .source = &f.source}),
        TARN_OK);
    assert_int_equal(tarn_arena_init(&arena, &(tarn_arena_options){.source = &f.source}), TARN_OK);
    void *blocks[1000];
    for (size_t i = 0; i < 1000; i++) {
        blocks[i] = tarn_pool_alloc(&pool);
        assert_non_null(blocks[i]);
        char *text = tarn_arena_alloc(&arena, 100, 0);
        assert_non_null(text);
        memset(text, 'x', 100);
        assert_true((char *)blocks[i] >= f.base && (char *)blocks[i] < f.base + f.size);
    }
    for (size_t i = 0; i < 1000; i++)
        tarn_pool_free(&pool, blocks[i]);
    tarn_arena_deinit(&arena);
    tarn_pool_deinit(&pool);
    assert_int_equal(f.taken, 0);
    for (size_t w = 0; w < f.limit / page / 64; w++)
        assert_int_equal(f.map[w], 0);
    tarn_file_deinit(&f);
}

/* Against a shadow of which page belongs to whom. */
static void random_regions_never_overlap(void **state)
{
    (void)state;
    enum { PAGES = 200, MOST = 40 };
    tarn_file f;
    struct {
        size_t first, count;
    } out[MOST];
    unsigned char owner[PAGES] = {0};
    size_t n = 0;
    unsigned seed = 7;
    tarn_file_options o = {.kind = TARN_FILE_MEMORY, .limit = PAGES * page};
    assert_int_equal(tarn_file_init(&f, &o), TARN_OK);
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245u + 12345u;
        if (n < MOST && (seed >> 16) % 2 == 0) {
            tarn_region r;
            size_t count = 1 + (seed >> 18) % 12, align = page << (seed >> 24) % 4;
            if (tarn_source_map(&f.source, count * page, align, 0, &r) != TARN_OK)
                continue;
            size_t first = (size_t)((char *)r.ptr - f.base) / page;
            assert_int_equal((uintptr_t)r.ptr % align, 0);
            assert_true(first + count <= f.size / page);
            for (size_t p = first; p < first + count; p++)
                assert_int_equal(owner[p]++, 0);
            out[n].first = first;
            out[n++].count = count;
        } else if (n > 0) {
            size_t k = (seed >> 20) % n;
            tarn_source_unmap(&f.source, f.base + out[k].first * page, out[k].count * page, page);
            memset(owner + out[k].first, 0, out[k].count);
            out[k] = out[--n];
        }
    }
    tarn_file_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regions_come_first_fit_and_grow_the_file),
        cmocka_unit_test(the_limit_is_a_refusal),
        cmocka_unit_test(what_was_written_is_there_again),
        cmocka_unit_test(what_others_wrote_is_not_called_zero),
        cmocka_unit_test(an_odd_length_stays),
        cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(denied_is_told),
        cmocka_unit_test(a_full_disk_is_a_refusal),
        cmocka_unit_test(no_space_left_is_a_refusal),
        cmocka_unit_test(blocks_are_taken_beforehand_unless_sparse),
        cmocka_unit_test(two_see_the_same),
        cmocka_unit_test(strategies_work_over_it),
        cmocka_unit_test(random_regions_never_overlap),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
