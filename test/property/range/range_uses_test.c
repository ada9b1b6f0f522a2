/* SPDX-License-Identifier: MIT */
/*
 * range_uses_test.c - spaces put to use: what is written at their offsets is still there after all.
 *
 * A file whose records move while some are rewritten, added and dropped, and some moves fail; memory
 * that two processes map at different addresses. (Identifiers: range_bitmap_test.c.)
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tarn/defrag.h>

#include "support/tarn_test.h"

enum { RECORDS = 600, LARGEST = 3000, UNITS = 1200000 };

static uint64_t state = 88172645463325252u;

static uint64_t draw(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

/* ── A file ────────────────────────────────────────────────────────────────────────────────── */

struct record {
    tarn_range_id id;
    uint32_t size, seed;
};

static struct record records[RECORDS];
static tarn_space space;
static int fd;

static void fill(char *bytes, const struct record *r)
{
    for (uint32_t i = 0; i < r->size; i++)
        bytes[i] = (char)(r->seed * 31 + i * (r->seed | 1) / 7);
}

static void add(struct record *r)
{
    static char bytes[LARGEST];
    tarn_range_block b;
    r->size = 1 + (uint32_t)draw(LARGEST);
    r->seed = (uint32_t)draw(UINT32_MAX);
    tarn_range_request want = {.size = r->size, .align = (uint64_t)1 << draw(7), .user = r};
    assert_int_equal(tarn_range_serve(&space.range, &want, &b), TARN_OK);
    r->id = b.id;
    fill(bytes, r);
    assert_int_equal(pwrite(fd, bytes, r->size, (off_t)b.offset), r->size);
}

static void drop(struct record *r)
{
    assert_int_equal(tarn_range_free(&space.range, r->id), TARN_OK);
    r->id = 0;
}

static void assert_intact(void)
{
    static char bytes[LARGEST], want[LARGEST];
    for (int i = 0; i < RECORDS; i++) {
        tarn_range_block b;
        if (records[i].id == 0)
            continue;
        assert_int_equal(tarn_range_look(&space.range, records[i].id, &b), TARN_OK);
        assert_true(b.user == &records[i] && b.size == records[i].size);
        assert_int_equal(pread(fd, bytes, (size_t)b.size, (off_t)b.offset), b.size);
        fill(want, &records[i]);
        assert_memory_equal(bytes, want, (size_t)b.size);
    }
    assert_int_equal(tarn_range_check(&space.range), TARN_OK);
}

/* One in eight moves fails, half of these after the new place was written; one in sixteen finds its
 * record not wanted any more. */
static void perform(tarn_range_move *m)
{
    static char bytes[LARGEST];
    uint64_t luck = draw(16);
    if (luck == 0) {
        m->outcome = TARN_MOVE_DESTROYED;
        ((struct record *)m->user)->id = 0;
        return;
    }
    assert_int_equal(pread(fd, bytes, (size_t)m->size, (off_t)m->from), m->size);
    if (luck != 1)
        assert_int_equal(pwrite(fd, bytes, (size_t)m->size, (off_t)m->to), m->size);
    m->outcome = luck < 3 ? TARN_MOVE_IGNORED : TARN_MOVE_DONE;
}

static void records_in_a_file_outlive_their_moves(void **unused)
{
    (void)unused;
    FILE *file = tmpfile();
    assert_non_null(file);
    fd = fileno(file);
    assert_int_equal(tarn_space_init(&space, &(tarn_space_options){.units = UNITS}), TARN_OK);
    for (int i = 0; i < RECORDS; i++)
        add(&records[i]);
    for (int round = 0; round < 4; round++) {
        tarn_range_defrag d;
        tarn_range_move moves[32];
        tarn_range_stats before, after;
        size_t n;
        for (int i = 0; i < RECORDS; i++) {
            if (records[i].id != 0 && draw(2) == 0)
                drop(&records[i]);
        }
        tarn_range_get_stats(&space.range, &before);
        tarn_range_defrag_options o = {.max_units = 20000};
        assert_int_equal(tarn_range_defrag_begin(&d, &space.range, &o), TARN_OK);
        while (tarn_range_defrag_pass(&d, moves, 32, &n) == TARN_OK && n > 0) {
            for (size_t i = 0; i < n; i++)
                perform(&moves[i]);
            assert_int_equal(tarn_range_defrag_commit(&d), TARN_OK);
            assert_intact();
            struct record *r = &records[draw(RECORDS)]; /* life goes on */
            if (r->id != 0)
                drop(r);
            else
                add(r);
        }
        tarn_range_defrag_end(&d, NULL);
        tarn_range_get_stats(&space.range, &after);
        assert_true(after.free_runs < before.free_runs);
        for (int i = 0; i < RECORDS; i++) {
            if (records[i].id == 0)
                add(&records[i]);
        }
        assert_intact();
    }
    tarn_space_deinit(&space);
    fclose(file);
}

/* ── Shared memory ─────────────────────────────────────────────────────────────────────────── */

enum { SHARED = 1 << 18, WORDS = 3000 };

struct parcel {
    uint64_t offset, count;
};

/* The other process: adds 1 to every word of every parcel, and sends the parcel back. */
static int other(int memory, int in, int out, const char *there)
{
    struct parcel p;
    /* Not where the first one has it. */
    char *base = mmap(NULL, SHARED, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (base == MAP_FAILED || base == there)
        return 1;
    while (read(in, &p, sizeof p) == (ssize_t)sizeof p) {
        uint64_t *words = (uint64_t *)(void *)(base + p.offset);
        for (uint64_t i = 0; i < p.count; i++)
            words[i]++;
        if (write(out, &p, sizeof p) != (ssize_t)sizeof p)
            return 2;
    }
    return 0;
}

static void two_processes_share_offsets(void **unused)
{
    (void)unused;
    int to[2], from[2], status = -1, memory = memfd_create("range", MFD_CLOEXEC);
    assert_true(memory >= 0 && ftruncate(memory, SHARED) == 0);
    assert_int_equal(pipe(to), 0);
    assert_int_equal(pipe(from), 0);
    char *base = mmap(NULL, SHARED, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    assert_true(base != MAP_FAILED);
    pid_t child = fork();
    if (child == 0) {
        close(to[1]);
        _exit(other(memory, to[0], from[1], base));
    }
    close(to[0]);
    assert_int_equal(tarn_space_init(&space, &(tarn_space_options){.units = SHARED}), TARN_OK);
    for (int i = 0; i < WORDS; i++) {
        struct parcel p, back;
        tarn_range_block kept = {0}, b;
        p.count = 1 + draw(200);
        assert_int_equal(tarn_range_alloc(&space.range, p.count * 8, 8, 0, &b), TARN_OK);
        p.offset = b.offset;
        uint64_t *words = (uint64_t *)(void *)(base + p.offset);
        for (uint64_t k = 0; k < p.count; k++)
            words[k] = (uint64_t)i + k;
        assert_int_equal(write(to[1], &p, sizeof p), sizeof p);
        if (i % 3 == 0) /* while the other one works */
            assert_int_equal(tarn_range_alloc(&space.range, 1 + draw(999), 1, 0, &kept), TARN_OK);
        assert_int_equal(read(from[0], &back, sizeof back), sizeof back);
        assert_true(back.offset == p.offset);
        for (uint64_t k = 0; k < p.count; k++)
            assert_true(words[k] == (uint64_t)i + k + 1);
        assert_int_equal(tarn_range_free(&space.range, i % 2 == 0 ? b.id : kept.id), TARN_OK);
        if (i % 50 == 0)
            assert_int_equal(tarn_range_reset(&space.range), TARN_OK);
    }
    close(to[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    tarn_space_deinit(&space);
    munmap(base, SHARED);
    close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_in_a_file_outlive_their_moves),
        cmocka_unit_test(two_processes_share_offsets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
