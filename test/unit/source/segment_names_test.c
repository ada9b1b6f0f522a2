/* SPDX-License-Identifier: MIT */
/* Segments that are none, or none any more: a status, a reason, and every byte of the file as it was. */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier): mkdtemp */
#include "unit/source/segment_forms.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/sum.h"
#include "source/segment_inside.h"

static void write_at(size_t at, const void *bytes, size_t size)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, (off_t)at), (ssize_t)size);
    (void)close(fd);
}

static size_t read_all(unsigned char *bytes, size_t size)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, bytes, size);
    (void)close(fd);
    return n > 0 ? (size_t)n : 0;
}

/* Refused with that reason, and every byte of the file as it was. */
static void refused(tarn_status status, const char *why)
{
    static unsigned char before[1 << 16], after[1 << 16];
    tarn_segment s;
    size_t size = read_all(before, sizeof before);
    assert_int_equal(tarn_segment_init(&s, &(tarn_segment_options){.name = path}), status);
    assert_non_null(strstr(tarn_segment_why(&s), why));
    tarn_segment_deinit(&s);
    assert_int_equal(read_all(after, sizeof after), size);
    assert_memory_equal(before, after, size);
}

static void make_file(void)
{
    tarn_segment s;
    (void)unlink(path);
    (void)open_it(&s);
    grow_list(&s, 10);
    tarn_segment_deinit(&s);
}

static void other_files_are_left_alone(void **state)
{
    (void)state;
    static const char zero[8192];
    write_at(0, "#!/bin/sh\n", 10);
    refused(TARN_CORRUPT, "there is no segment in it");
    (void)unlink(path);
    write_at(0, zero, sizeof zero);
    refused(TARN_CORRUPT, "there is no segment in it");
    write_at(0, TARN_SEGMENT_MAGIC, 8);
    refused(TARN_UNSUPPORTED, "byte order");
    (void)unlink(path);
    write_at(0, TARN_SEGMENT_MAGIC, 8);
    refused(TARN_CORRUPT, "there is no segment in it");
    tarn_segment s;
    tarn_segment_options o = {.name = path, .open = TARN_FILE_CREATE};
    assert_int_equal(tarn_segment_init(&s, &o), TARN_EXISTS);
    (void)unlink(path);
    o.open = TARN_FILE_OPEN;
    assert_int_equal(tarn_segment_init(&s, &o), TARN_MISSING);
    write_at(0, "", 0);
    assert_int_equal(tarn_segment_init(&s, &o), TARN_CORRUPT);
    o.open = TARN_FILE_OPEN_OR_CREATE;
    o.names = 5000;
    assert_int_equal(tarn_segment_init(&s, &o), TARN_BAD_ARGUMENT);
    o.names = 64;
    o.size = 20000;
    o.limit = 10000;
    assert_int_equal(tarn_segment_init(&s, &o), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_segment_init(&s, NULL), TARN_BAD_ARGUMENT);
    /* One that somebody had begun with before he died is made anew. */
    write_at(0, TARN_SEGMENT_UNDER_WAY "and dirt behind it", 26);
    assert_int_equal(open_it(&s), TARN_SEGMENT_CREATED);
    tarn_segment_deinit(&s);
    assert_int_equal(open_it(&s), TARN_SEGMENT_CLEAN);
    tarn_segment_deinit(&s);
}

/* One that claims to be made elsewhere; the checksum is right. */
static void claim(void (*change)(tarn_segment_head *), bool honest)
{
    tarn_segment_head h;
    make_file();
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &h, sizeof h, 0), (ssize_t)sizeof h);
    (void)close(fd);
    change(&h);
    if (honest)
        h.sum = tarn_sum(TARN_SUM_START, &h, offsetof(tarn_segment_head, sum));
    write_at(0, &h, sizeof h);
}

static void newer(tarn_segment_head *h)
{
    h->version++;
}
static void swapped(tarn_segment_head *h)
{
    h->order = 0x04030201;
}
static void narrower(tarn_segment_head *h)
{
    h->word = 12 - h->word;
}
static void other_libc(tarn_segment_head *h)
{
    h->lock_bytes++;
}
static void wider(tarn_segment_head *h)
{
    h->limit += 4096;
}
static void nameless(tarn_segment_head *h)
{
    h->names = 0;
}
static void overfull(tarn_segment_head *h)
{
    h->size = (size_t)h->limit + 4096;
}
static void longer(tarn_segment_head *h)
{
    h->size += 1 << 16;
}

static void heads_that_do_not_fit(void **state)
{
    (void)state;
    claim(newer, true);
    refused(TARN_UNSUPPORTED, "of version 2, this is 1");
    claim(swapped, true);
    refused(TARN_UNSUPPORTED, "byte order");
    claim(narrower, true);
    refused(TARN_UNSUPPORTED, sizeof(void *) == 8 ? "a pointer has 32 bits" : "has 64 bits");
    claim(other_libc, true);
    refused(TARN_UNSUPPORTED, "C library");
    claim(wider, false);
    refused(TARN_CORRUPT, "the head is damaged");
    claim(nameless, true);
    refused(TARN_CORRUPT, "sizes in the head");
    claim(overfull, false);
    refused(TARN_CORRUPT, "sizes in the head");
    claim(longer, false);
    refused(TARN_CORRUPT, "the file has ");
    make_file();
    assert_int_equal(truncate(path, 8192), 0);
    refused(TARN_CORRUPT, "the file has 8192 bytes");
    assert_int_equal(truncate(path, 100), 0);
    refused(TARN_CORRUPT, "no segment");
}

static void damage_is_named(void **state)
{
    (void)state;
    segment_name n;
    make_file();
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &n, sizeof n, SEGMENT_PAGE), (ssize_t)sizeof n);
    (void)close(fd);
    assert_string_equal(n.name, "nodes");
    write_at(SEGMENT_PAGE + 2, "?", 1);
    refused(TARN_CORRUPT, "name 0 is damaged");
    make_file();
    write_at(n.at + 12, "?", 1);
    refused(TARN_CORRUPT, "pool 'nodes' is damaged");
    make_file();
    write_at(n.at + 128, "?", 1); /* in the map: blocks that are free, and marked */
    refused(TARN_CORRUPT, "pool 'nodes' is damaged");
    make_file();
    write_at(n.at + 128 + 5, "?", 1); /* live blocks on their way: only the sum can tell */
    refused(TARN_CORRUPT, "changed since it was closed");
    make_file();
    write_at(SEGMENT_PAGE + sizeof n, &n, sizeof n); /* twice the same */
    refused(TARN_CORRUPT, "overlap");
}

/* The permission to read is not enough; as somebody else than root. */
static void denied(void **state)
{
    (void)state;
    make_file();
    assert_int_equal(chmod(path, 0444), 0);
    pid_t child = fork();
    if (child == 0) {
        tarn_segment s;
        bool other = getuid() != 0 || setuid(65534) == 0;
        tarn_status status = tarn_segment_init(&s, &(tarn_segment_options){.name = path});
        _exit(other && (status != TARN_DENIED || tarn_segment_why(&s)[0] == '\0') ? 1 : 0);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* In a file system of 256 KiB that only a child sees; 77 where that may not be. */
static int fill_the_disk(void)
{
    tarn_segment s;
    tarn_block b;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "", MS_REC | MS_PRIVATE, "") != 0 ||
        mount("tarn", folder, "tmpfs", 0, "size=256k") != 0)
        return 77;
    tarn_segment_options o = {.name = path, .size = 300000};
    if (tarn_segment_init(&s, &o) != TARN_NO_MEMORY ||
        strstr(tarn_segment_why(&s), "No space left") == NULL)
        return __LINE__ & 63;
    o.size = 0; /* what is left of that is made anew */
    if (tarn_segment_init(&s, &o) != TARN_OK ||
        tarn_segment_open_memory(&s, "large", 250000, &b) != TARN_NO_MEMORY || b.ptr != NULL ||
        tarn_segment_open_memory(&s, "large", 0, &b) != TARN_MISSING ||
        tarn_segment_open_memory(&s, "small", 100000, &b) != TARN_OK)
        return __LINE__ & 63;
    memset(b.ptr, 1, b.size);
    if (tarn_segment_check(&s) != TARN_OK)
        return __LINE__ & 63;
    tarn_segment_deinit(&s);
    return 0;
}

static void no_space_left(void **state)
{
    (void)state;
    int status = 1;
    pid_t child = fork();
    if (child == 0)
        _exit(fill_the_disk());
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(other_files_are_left_alone, fresh),
        cmocka_unit_test_setup(heads_that_do_not_fit, fresh),
        cmocka_unit_test_setup(damage_is_named, fresh),
        cmocka_unit_test_setup(denied, fresh),
        cmocka_unit_test_setup(no_space_left, fresh),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
