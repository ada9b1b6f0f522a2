/* SPDX-License-Identifier: MIT */
/*
 * segment_property_test.c - a process dies at any instruction, or at any moment, alone or in company;
 * bytes are changed at random. What the next one finds is right, or refused.
 *
 * TARN_PROPERTY_ROUNDS how many rounds, TARN_PROPERTY_START the first seed; a failure prints its seed.
 */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier): MAP_ANONYMOUS, memfd through Tarn */
#include "support/tarn_test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/file.h"
#include "property/segment/model.h"
#include "source/segment_inside.h"
#include "support/deaths.h"

enum { LIMIT = 1 << 18 };

static size_t rounds = 60, first_seed = 1;

static void *shared_memory(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    return p;
}

static int new_file(void)
{
    int fd = -1;
    assert_int_equal(tarn_os_file_memory("test", false, &fd), 0);
    return fd;
}

static char *map_file(int fd)
{
    void *p = NULL;
    assert_int_equal(tarn_os_file_map(fd, LIMIT, 4096, &p), 0);
    return p;
}

static size_t length_of(int fd)
{
    size_t size = 0;
    assert_int_equal(tarn_os_file_size(fd, &size), 0);
    return size;
}

/* Opens, judges, closes. */
static void judge(int fd, model *m, const char *when, size_t seed, size_t at)
{
    tarn_segment s;
    tarn_segment_options o = {.kind = TARN_FILE_HANDLE, .fd = fd, .names = 16, .limit = LIMIT};
    const char *wrong = NULL;
    if (tarn_segment_init(&s, &o) != TARN_OK)
        wrong = tarn_segment_why(&s);
    else
        wrong = model_judge(m, &s);
    if (wrong == NULL && m->line != 0)
        wrong = "the worker saw damage";
    if (wrong != NULL) {
        print_message("%s, seed %zu, at %zu: %s (line %d)\n", when, seed, at, wrong, m->line);
        assert_null(wrong);
    }
    tarn_segment_deinit(&s);
}

/* ── At every instruction ──────────────────────────────────────────────────────────────────── */

/* What a death there would leave: the file's bytes, its length, and what the worker had said. */
typedef struct image {
    int fd;
    char *bytes, *last;
    size_t length, pictures;
} image;

static void look(image *i, int from_fd, const char *from, const model *m, const char *what,
                 size_t seed, size_t at)
{
    size_t length = length_of(from_fd);
    if (length == i->length && memcmp(i->last, from, length) == 0)
        return;
    memcpy(i->last, from, length);
    i->length = length;
    i->fd = new_file();
    assert_int_equal(tarn_os_file_grow(i->fd, length, false, NULL), 0);
    i->bytes = map_file(i->fd);
    memcpy(i->bytes, from, length);
    model then = *m;
    judge(i->fd, &then, what, seed, at);
    assert_int_equal(munmap(i->bytes, LIMIT), 0);
    tarn_os_file_close(i->fd);
    i->pictures++;
}

static const char *const STEP_NAMES[] = {"take",    "free",  "publish", "write",  "unwrite",
                                         "stretch", "reset", "make",    "remove", "reopen"};

/* A failed test leaves no worker behind. */
static pid_t fork_worker(void)
{
    pid_t child = fork();
    if (child == 0)
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    assert_true(child >= 0);
    return child;
}

/* In the child: up to where it gets interesting, then the step. */
_Noreturn static void walk(int fd, model *m, size_t seed, step what, size_t before)
{
    worker w;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(77);
    if (what != STEPS && !worker_open(&w, fd, m, seed))
        _exit(1);
    for (size_t i = 0; i < before; i++)
        worker_do_any(&w);
    (void)raise(SIGSTOP);
    if (what != STEPS)
        worker_do(&w, what);
    else
        m->line = worker_open(&w, fd, m, seed) ? 0 : __LINE__;
    (void)raise(SIGSTOP);
    _exit(0);
}

/* Single-steps through one step of a worker. false where that cannot be. */
static bool every_instruction_of(step what, size_t seed, size_t before)
{
    int fd = new_file(), status = 0;
    model *m = shared_memory(sizeof *m);
    const char *name = what == STEPS ? "create" : STEP_NAMES[what];
    static char last[LIMIT];
    image i = {-1, NULL, last, SIZE_MAX, 0};
    size_t at = 0;
    const size_t most = 400000; /* under an emulator a step is many more */
    pid_t child = fork_worker();
    if (child == 0)
        walk(fd, m, seed, what, before);
    assert_int_equal(waitpid(child, &status, 0), child);
    bool can = WIFSTOPPED(status);
    assert_true(can || (WIFEXITED(status) && WEXITSTATUS(status) == 77));
    char *bytes = map_file(fd);
    while (can && at < most) {
        look(&i, fd, bytes, m, name, seed, at);
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        at++;
        if (!WIFSTOPPED(status) || WSTOPSIG(status) == SIGSTOP)
            break;
    }
    if (can) {
        assert_true(at == most || (WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP));
        look(&i, fd, bytes, m, name, seed, at);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        judge(fd, m, name, seed, at);
        print_message("%s: %zu instructions, %zu images%s\n", name, at, i.pictures,
                      at == most ? ", not all" : "");
    }
    assert_int_equal(munmap(bytes, LIMIT), 0);
    assert_int_equal(munmap(m, sizeof *m), 0);
    tarn_os_file_close(fd);
    return can && at < most;
}

static void a_death_at_every_instruction(void **state)
{
    (void)state;
    size_t passes = 1 + rounds / 400;
    for (size_t pass = 0; pass < passes; pass++) {
        if (!every_instruction_of(STEPS, first_seed + pass, 0)) {
            print_message("no single steps here\n");
            return;
        }
        for (int what = 0; what < STEPS; what++)
            (void)every_instruction_of((step)what, first_seed + pass, 40 + pass * 7 % 200);
    }
}

/* ── At any moment ─────────────────────────────────────────────────────────────────────────── */

static void wait_a_little(uint64_t *random)
{
    struct timespec t = {0, (long)(draw(random) % 1500000)};
    (void)nanosleep(&t, NULL);
}

_Noreturn static void work(int fd, model *m, uint64_t seed)
{
    worker w;
    if (!worker_open(&w, fd, m, seed)) {
        m->line = __LINE__;
        _exit(1);
    }
    for (;;)
        worker_do_any(&w);
}

static void end(pid_t child)
{
    int status = 0;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

/* One file through all the deaths; now and then somebody stays in it meanwhile. */
static void a_death_at_any_moment(void **state)
{
    (void)state;
    int fd = new_file();
    model *m = shared_memory(sizeof *m);
    size_t found[4] = {0}, steps = 0;
    bool told = deaths_are_told();
    for (size_t seed = first_seed; seed < first_seed + rounds; seed++) {
        uint64_t random = seed;
        tarn_segment company;
        tarn_segment_options o = {.kind = TARN_FILE_HANDLE, .fd = fd, .names = 16, .limit = LIMIT};
        bool stay = draw(&random) % 4 == 0 && told;
        if (stay) {
            assert_int_equal(tarn_segment_init(&company, &o), TARN_OK);
            found[company.report.found]++;
        }
        m->steps = 0;
        pid_t child = fork_worker();
        if (child == 0)
            work(fd, m, seed);
        while (m->steps == 0 && m->line == 0 && draw(&random) % 8 != 0)
            wait_a_little(&random);
        wait_a_little(&random);
        end(child);
        steps += m->steps;
        judge(fd, m, "killed", seed, m->steps);
        if (stay)
            tarn_segment_deinit(&company);
    }
    print_message("%zu deaths after %zu steps\n", rounds, steps);
    assert_int_equal(munmap(m, sizeof *m), 0);
    tarn_os_file_close(fd);
}

/* ── In company ────────────────────────────────────────────────────────────────────────────── */

enum { WORKERS = 3 };

/* Blocks alone: each worker has its own, and finds no other's bytes in them. */
_Noreturn static void share(int fd, model *m, uint64_t seed)
{
    worker w;
    if (!worker_open(&w, fd, m, seed)) {
        m->line = __LINE__;
        _exit(1);
    }
    for (;;)
        worker_do(&w, draw(&w.random) % 5 < 3 ? STEP_TAKE : STEP_FREE);
}

typedef struct mourner {
    const model *m;
    tarn_segment *s;
    tarn_segment_pool *pool;
    size_t known, others;
} mourner;

static bool bury(void *user, void *block, uint32_t mark)
{
    mourner *o = user;
    size_t at = (size_t)((char *)block - o->s->file.base), before = o->known;
    assert_true(mark > TARN_SEGMENT_ANYONE);
    for (size_t i = 0; i < BLOCKS; i++)
        o->known += o->m->block[i].stage == THERE && o->m->block[i].at == at;
    o->others += o->known == before;
    tarn_segment_pool_free(o->pool, block);
    return true;
}

static void others_go_on(void **state)
{
    (void)state;
    int fd = new_file();
    model *m = shared_memory(WORKERS * sizeof *m);
    pid_t child[WORKERS];
    worker w;
    model none;
    if (!deaths_are_told())
        skip();
    memset(&none, 0, sizeof none);
    assert_true(worker_open(&w, fd, &none, first_seed));
    for (size_t k = 0; k < WORKERS; k++) {
        child[k] = fork_worker();
        if (child[k] == 0)
            share(fd, &m[k], first_seed + k);
    }
    uint64_t random = first_seed;
    for (size_t seed = first_seed; seed < first_seed + rounds; seed++) {
        size_t k = (size_t)(draw(&random) % WORKERS), there = 0;
        wait_a_little(&random);
        end(child[k]);
        assert_int_equal(m[k].line, 0);
        assert_true(model_blocks_hold(&m[k], &w.segment));
        for (size_t i = 0; i < BLOCKS; i++)
            there += m[k].block[i].stage == THERE;
        mourner o = {&m[k], &w.segment, &w.pool, 0, 0};
        tarn_segment_orphans(&w.segment, &w.pool, bury, &o);
        assert_int_equal(o.known, there);
        assert_true(o.others <= 1);
        memset(&m[k], 0, sizeof m[k]);
        child[k] = fork_worker();
        if (child[k] == 0)
            share(fd, &m[k], seed * 100 + k);
    }
    for (size_t k = 0; k < WORKERS; k++) {
        end(child[k]);
        assert_int_equal(m[k].line, 0);
        assert_true(model_blocks_hold(&m[k], &w.segment));
        mourner o = {&m[k], &w.segment, &w.pool, 0, 0};
        tarn_segment_orphans(&w.segment, &w.pool, bury, &o);
    }
    tarn_segment_deinit(&w.segment);
    judge(fd, &none, "company", first_seed, 0); /* not one block is out */
    assert_int_equal(munmap(m, WORKERS * sizeof *m), 0);
    tarn_os_file_close(fd);
}

/* ── Damage ────────────────────────────────────────────────────────────────────────────────── */

static bool touch(void *user, void *block, uint32_t mark)
{
    (void)mark;
    memset(block, 0x11, *(size_t *)user);
    return true;
}

static bool see(void *user, const char *name, tarn_segment_kind kind, tarn_block where)
{
    (void)kind;
    *(size_t *)user += strlen(name);
    memset(where.ptr, 0, where.size > 4 ? 4 : where.size);
    return true;
}

/* Whatever it is, using it touches nothing outside. */
static void use(tarn_segment *s)
{
    tarn_segment_pool p;
    tarn_segment_arena a;
    size_t size = BLOCK, letters = 0;
    if (tarn_segment_open_pool(s, "blocks", NULL, &p) == TARN_OK) {
        size = p.block_size;
        tarn_segment_pool_visit(&p, touch, &size);
        for (void *b; (b = tarn_segment_pool_alloc(&p)) != NULL;)
            memset(b, 1, size);
    }
    if (tarn_segment_open_arena(s, "texts", 0, &a) == TARN_OK)
        for (void *b; (b = tarn_segment_arena_alloc(&a, 64, TARN_SPEC(64))) != NULL;)
            memset(b, 1, 64);
    tarn_block b;
    (void)tarn_segment_open_memory(s, "extra", 100, &b);
    (void)tarn_segment_list(s, see, &letters);
    (void)tarn_segment_check(s);
}

static bool within(size_t at, size_t from, size_t size)
{
    return at >= from && at - from < size;
}

/* Where a change must be seen when the segment was left properly: the head, names, and what the
 * pool and the arena keep of themselves (as in the pictures of their files). */
static bool is_guarded(const tarn_segment_head *h, const segment_name *names, size_t at)
{
    if (at < offsetof(tarn_segment_head, clean) ||
        within(at, offsetof(tarn_segment_head, owners), sizeof h->owners) ||
        within(at, SEGMENT_PAGE, h->names * sizeof *names))
        return true;
    for (uint32_t i = 0; i < h->names; i++) {
        size_t from = names[i].at;
        if (names[i].live == 1 && names[i].kind == TARN_SEGMENT_POOL &&
            (within(at, from, 32) || within(at, from + 128, CAPACITY / 8) ||
             within(at, from + 192, sizeof(uint32_t) * CAPACITY)))
            return true;
        if (names[i].live == 1 && names[i].kind == TARN_SEGMENT_ARENA && within(at, from, 20))
            return true;
    }
    return false;
}

static void damage_is_refused_or_harmless(void **state)
{
    (void)state;
    static char clean[LIMIT], dirty[LIMIT];
    int fd = new_file();
    model *m = shared_memory(sizeof *m);
    worker w;
    size_t refused = 0, opened = 0;
    assert_true(worker_open(&w, fd, m, first_seed));
    for (int i = 0; i < 300; i++)
        worker_do_any(&w);
    char *bytes = map_file(fd);
    size_t length = length_of(fd);
    memcpy(dirty, bytes, length);
    tarn_segment_deinit(&w.segment);
    memcpy(clean, bytes, length);
    tarn_segment_head h;
    memcpy(&h, clean, sizeof h);
    for (size_t seed = first_seed; seed < first_seed + rounds * 20; seed++) {
        uint64_t random = seed;
        bool is_clean = draw(&random) % 2 == 0, guarded = false;
        int other = new_file();
        size_t cut = draw(&random) % 16 == 0 ? (size_t)(draw(&random) % length) : length;
        assert_int_equal(tarn_os_file_grow(other, cut, false, NULL), 0);
        char *target = map_file(other);
        memcpy(target, is_clean ? clean : dirty, cut);
        for (size_t n = 1 + (size_t)(draw(&random) % 4); n > 0; n--) {
            size_t below = draw(&random) % 2 == 0 ? 9000 : length;
            size_t at = (size_t)(draw(&random) % below);
            unsigned char bit = (unsigned char)(1u << draw(&random) % 8);
            if (at >= cut)
                continue;
            target[at] = (char)(target[at] ^ bit);
            guarded = guarded || is_guarded(&h, (void *)(clean + SEGMENT_PAGE), at);
        }
        bool same = memcmp(target, is_clean ? clean : dirty, cut) == 0;
        tarn_segment s;
        tarn_segment_options o = {.kind = TARN_FILE_HANDLE, .fd = other, .open = TARN_FILE_OPEN};
        if (tarn_segment_init(&s, &o) == TARN_OK) {
            if (is_clean && guarded && !same)
                print_message("seed %zu\n", seed);
            assert_false(is_clean && guarded && !same);
            assert_int_equal(cut, length);
            use(&s);
            tarn_segment_deinit(&s);
            opened++;
        } else {
            assert_string_not_equal(tarn_segment_why(&s), "");
            refused++;
        }
        assert_int_equal(munmap(target, LIMIT), 0);
        tarn_os_file_close(other);
    }
    print_message("%zu refused, %zu opened\n", refused, opened);
    assert_true(refused > 0 && opened > 0);
    assert_int_equal(munmap(bytes, LIMIT), 0);
    assert_int_equal(munmap(m, sizeof *m), 0);
    tarn_os_file_close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_death_at_every_instruction),
        cmocka_unit_test(a_death_at_any_moment),
        cmocka_unit_test(others_go_on),
        cmocka_unit_test(damage_is_refused_or_harmless),
    };
    const char *text = getenv("TARN_PROPERTY_ROUNDS");
    if (text != NULL)
        rounds = strtoul(text, NULL, 10);
    text = getenv("TARN_PROPERTY_START");
    if (text != NULL)
        first_seed = strtoul(text, NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
