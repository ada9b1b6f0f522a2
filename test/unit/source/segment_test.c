/* SPDX-License-Identifier: MIT */
/* Segments: names found again, at other addresses, by others, after deaths. */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier): mkdtemp */
#include "unit/source/segment_forms.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "support/deaths.h"

static int sum_list(tarn_segment *s)
{
    tarn_block where;
    int sum = 0;
    assert_int_equal(tarn_segment_open_memory(s, "root", 0, &where), TARN_OK);
    for (struct node *n = TARN_OFFSET_GET(((struct root *)where.ptr)->first); n != NULL;
         n = TARN_OFFSET_GET(n->next))
        sum += n->value;
    return sum;
}

static void a_list_is_found_again(void **state)
{
    (void)state;
    tarn_segment s, t;
    assert_int_equal(open_it(&s), TARN_SEGMENT_CREATED);
    grow_list(&s, 10);
    char *base = s.file.base;
    tarn_segment_deinit(&s);
    tarn_segment_deinit(&s);
    void *wall = mmap(base, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_int_equal(open_it(&s), TARN_SEGMENT_CLEAN);
    assert_true(wall != base || s.file.base != base);
    assert_int_equal(sum_list(&s), 45);
    assert_int_equal(s.report.named, 2);
    assert_int_equal(open_it(&t), TARN_SEGMENT_JOINED); /* the same, at a second address */
    assert_ptr_not_equal(s.file.base, t.file.base);
    assert_int_equal(t.report.named, 2);
    grow_list(&t, 4);
    assert_int_equal(sum_list(&s), 51);
    tarn_segment_deinit(&s);
    grow_list(&t, 1);
    tarn_segment_deinit(&t);
    assert_int_equal(open_it(&s), TARN_SEGMENT_CLEAN);
    assert_int_equal(tarn_segment_check(&s), TARN_OK);
    assert_int_equal(tarn_segment_flush(&s), TARN_OK);
    tarn_segment_deinit(&s);
    (void)munmap(wall, 4096);
}

static void every_kind_of_file(void **state)
{
    (void)state;
    const tarn_segment_options kinds[] = {
        {.name = path, .sparse = true},
        {.name = shared, .kind = TARN_FILE_SHARED},
        {.kind = TARN_FILE_MEMORY, .size = 100000, .limit = 1 << 20},
        {.kind = TARN_FILE_MEMORY, .names = 1000},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        tarn_segment s, t;
        assert_int_equal(tarn_segment_init(&s, &kinds[i]), TARN_OK);
        tarn_segment_options other = kinds[i];
        if (other.kind == TARN_FILE_MEMORY)
            other = (tarn_segment_options){
                .kind = TARN_FILE_HANDLE, .fd = tarn_file_handle(&s.file), .open = TARN_FILE_OPEN};
        other.limit = 1; /* counts for a new one only */
        assert_int_equal(tarn_segment_init(&t, &other), TARN_OK);
        grow_list(&s, 10);
        assert_int_equal(sum_list(&t), 45);
        tarn_segment_deinit(&s);
        grow_list(&t, 10);
        assert_int_equal(sum_list(&t), 90);
        tarn_segment_deinit(&t);
    }
}

static void it_grows_and_all_see_it(void **state)
{
    (void)state;
    tarn_segment s, t;
    tarn_block here, there;
    tarn_segment_options o = {.name = path, .limit = 4 << 20};
    for (int sparse = 0; sparse < 2; sparse++) {
        (void)unlink(path);
        o.sparse = sparse != 0;
        assert_int_equal(tarn_segment_init(&s, &o), TARN_OK);
        assert_int_equal(tarn_segment_init(&t, &o), TARN_OK);
        for (int i = 0; i < 7; i++) {
            char name[16];
            (void)snprintf(name, sizeof name, "m%d", i);
            tarn_segment *maker = i % 2 ? &s : &t, *other = i % 2 ? &t : &s;
            assert_int_equal(tarn_segment_open_memory(maker, name, 500000, &here), TARN_OK);
            memset(here.ptr, i + 1, here.size);
            assert_int_equal(tarn_segment_open_memory(other, name, 1, &there), TARN_OK);
            assert_int_equal(there.size, 500000);
            assert_int_equal(((char *)there.ptr)[499999], i + 1);
        }
        assert_int_equal(tarn_segment_open_memory(&s, "more", 1 << 20, &here), TARN_LIMIT);
        assert_string_equal(tarn_segment_why(&s), "make 'more': no room for 1048576 bytes");
        assert_null(here.ptr);
        assert_int_equal(tarn_segment_check(&t), TARN_OK);
        tarn_segment_deinit(&t);
        tarn_segment_deinit(&s);
        assert_int_equal(tarn_segment_init(&s, &o), TARN_OK);
        assert_int_equal(s.report.found, TARN_SEGMENT_CLEAN);
        assert_int_equal(s.report.named, 7);
        tarn_segment_deinit(&s);
    }
}

static void room_is_used_again(void **state)
{
    (void)state;
    tarn_segment s;
    tarn_block a, b, c, again;
    assert_int_equal(open_it(&s), TARN_SEGMENT_CREATED);
    assert_int_equal(tarn_segment_open_memory(&s, "a", 1000, &a), TARN_OK);
    assert_int_equal(tarn_segment_open_memory(&s, "b", 1000, &b), TARN_OK);
    assert_int_equal(tarn_segment_open_memory(&s, "c", 1000, &c), TARN_OK);
    memset(b.ptr, 1, b.size);
    assert_int_equal(tarn_segment_remove(&s, "b"), TARN_OK);
    assert_int_equal(tarn_segment_remove(&s, "b"), TARN_MISSING);
    assert_int_equal(tarn_segment_open_memory(&s, "big", 1100, &again), TARN_OK);
    assert_true((char *)again.ptr > (char *)c.ptr);
    assert_int_equal(tarn_segment_open_memory(&s, "d", 900, &again), TARN_OK);
    assert_ptr_equal(again.ptr, b.ptr);
    for (size_t i = 0; i < 900; i++)
        assert_int_equal(((char *)again.ptr)[i], 0);
    assert_int_equal(tarn_segment_remove(&s, "d"), TARN_OK);
    tarn_segment_pool p; /* the header alone would be clean there, the map would not */
    memset(b.ptr, 0xff, b.size);
    tarn_segment_pool_options o = {.block_size = 8, .capacity = 50, .zeroed = true};
    assert_int_equal(tarn_segment_open_pool(&s, "p", &o, &p), TARN_OK);
    for (int i = 0; i < 50; i++)
        assert_non_null(tarn_segment_pool_alloc(&p));
    tarn_segment_deinit(&s);
}

static bool collect(void *user, const char *name, tarn_segment_kind kind, tarn_block where)
{
    char *text = user;
    assert_non_null(where.ptr);
    (void)snprintf(text + strlen(text), 100 - strlen(text), "%s:%d ", name, (int)kind);
    return strcmp(name, "stop") != 0;
}

static void names(void **state)
{
    (void)state;
    tarn_segment s;
    tarn_segment_pool p;
    tarn_segment_arena a;
    tarn_block m;
    char text[100] = "", most[49];
    assert_int_equal(tarn_segment_init(&s, &(tarn_segment_options){.name = path, .names = 4}),
                     TARN_OK);
    assert_int_equal(tarn_segment_open_pool(&s, "p", NULL, &p), TARN_MISSING);
    assert_string_equal(tarn_segment_why(&s), "open 'p': no such name");
    assert_int_equal(tarn_segment_open_arena(&s, "a", 0, &a), TARN_MISSING);
    assert_int_equal(tarn_segment_open_memory(&s, "m", 0, &m), TARN_MISSING);
    assert_int_equal(tarn_segment_open_pool(&s, "p", &NODES, &p), TARN_OK);
    assert_int_equal(tarn_segment_open_arena(&s, "a", 5000, &a), TARN_OK);
    assert_int_equal((uintptr_t)a.base % 4096, 0);
    assert_int_equal(tarn_segment_open_memory(&s, "p", 0, &m), TARN_EXISTS);
    assert_string_equal(tarn_segment_why(&s), "open 'p': it is a pool");
    assert_int_equal(tarn_segment_open_arena(&s, "p", 1, &a), TARN_EXISTS);
    tarn_segment_pool_options other = NODES;
    other.capacity++;
    assert_int_equal(tarn_segment_open_pool(&s, "p", &other, &p), TARN_EXISTS);
    other.capacity = 0;
    assert_int_equal(tarn_segment_open_pool(&s, "p", &other, &p), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_segment_open_arena(&s, "x", SIZE_MAX, &a), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_segment_open_memory(&s, "x", SIZE_MAX, &m), TARN_LIMIT);
    assert_int_equal(tarn_segment_open_memory(&s, "stop", 10, &m), TARN_OK);
    assert_int_equal(tarn_segment_open_memory(&s, "stop", 11, &m), TARN_EXISTS);
    memset(most, 'n', 48);
    most[48] = 0;
    assert_int_equal(tarn_segment_open_memory(&s, most, 10, &m), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_segment_open_memory(&s, "", 10, &m), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_segment_remove(&s, NULL), TARN_BAD_ARGUMENT);
    assert_int_equal(tarn_segment_open_memory(&s, most + 1, 10, &m), TARN_OK);
    assert_int_equal(tarn_segment_open_memory(&s, "fifth", 10, &m), TARN_LIMIT);
    assert_string_equal(tarn_segment_why(&s), "make 'fifth': all 4 names are used");
    assert_int_equal(tarn_segment_list(&s, collect, text), TARN_OK);
    assert_string_equal(text, "p:2 a:3 stop:1 ");
    tarn_segment_deinit(&s);
}

/* In a child that opens the segment, takes blocks, and is gone. */
static void die_in_it(bool locked)
{
    pid_t child = fork();
    if (child == 0) {
        tarn_segment s;
        tarn_segment_pool p;
        bool died = true;
        if (tarn_segment_init(&s, &(tarn_segment_options){.name = path, .limit = 1 << 18}) !=
                TARN_OK ||
            tarn_segment_open_pool(&s, "nodes", &NODES, &p) != TARN_OK)
            _exit(1);
        void *kept = tarn_segment_pool_alloc(&p), *lost = tarn_segment_pool_alloc(&p);
        if (kept == NULL || lost == NULL)
            _exit(1);
        tarn_segment_pool_publish(&p, kept);
        if (locked && (tarn_segment_lock(&s, &died) != TARN_OK || died))
            _exit(1);
        _exit(9); /* without leaving; the kernel does the same as after a kill */
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 9);
}

static bool drop(void *user, void *block, uint32_t mark)
{
    (void)mark;
    tarn_segment_pool_free(user, block);
    return true;
}

static size_t live(tarn_segment_pool *p)
{
    tarn_stats stats;
    assert_int_equal(tarn_get_stats(tarn_segment_pool_allocator(p), &stats), TARN_OK);
    return stats.live_blocks;
}

static void a_death_is_told_and_its_orphans_listed(void **state)
{
    (void)state;
    tarn_segment s;
    tarn_segment_pool p;
    bool died = false;
    if (!deaths_are_told())
        skip();
    die_in_it(true);
    assert_int_equal(open_it(&s), TARN_SEGMENT_RECOVERED);
    assert_int_equal(s.report.dead, 1);
    assert_int_equal(s.report.freed, 0);
    assert_int_equal(tarn_segment_open_pool(&s, "nodes", NULL, &p), TARN_OK);
    assert_int_equal(live(&p), 2);
    die_in_it(true); /* while we are in it */
    assert_int_equal(live(&p), 4);
    assert_int_equal(tarn_segment_lock(&s, &died), TARN_OK);
    assert_true(died);
    assert_int_equal(tarn_segment_lock(&s, &died), TARN_BUSY);
    assert_false(died);
    tarn_segment_unlock(&s);
    assert_int_equal(tarn_segment_lock(&s, &died), TARN_OK);
    assert_false(died);
    tarn_segment_unlock(&s);
    void *ours = tarn_segment_pool_alloc(&p);
    tarn_segment other;
    tarn_segment_pool view;
    assert_int_equal(open_it(&other), TARN_SEGMENT_JOINED);
    assert_int_equal(tarn_segment_open_pool(&other, "nodes", NULL, &view), TARN_OK);
    void *theirs = tarn_segment_pool_alloc(&view);
    tarn_segment_orphans(&s, &p, drop, &p);
    assert_int_equal(live(&p), 4); /* two published, ours, theirs */
    tarn_segment_deinit(&other);
    tarn_segment_orphans(&s, &p, drop, &p);
    assert_int_equal(live(&p), 3);
    tarn_segment_pool_free(&p, ours);
    (void)theirs;
    tarn_segment_deinit(&s);
    assert_int_equal(open_it(&s), TARN_SEGMENT_CLEAN);
    tarn_segment_deinit(&s);
}

/* A death in company is mended by whoever leaves last, and then the segment was left properly. */
static void the_last_one_out_mends(void **state)
{
    (void)state;
    tarn_segment s;
    tarn_segment_pool p;
    assert_int_equal(open_it(&s), TARN_SEGMENT_CREATED);
    die_in_it(false);
    assert_int_equal(tarn_segment_open_pool(&s, "nodes", NULL, &p), TARN_OK);
    p.marks[1] = 0; /* as if it had died between two steps */
    tarn_segment_deinit(&s);
    assert_int_equal(open_it(&s), TARN_SEGMENT_CLEAN);
    assert_int_equal(tarn_segment_open_pool(&s, "nodes", NULL, &p), TARN_OK);
    assert_int_equal(live(&p), 1);
    tarn_segment_deinit(&s);
}

static void a_child_of_fork_leaves_the_parent_in(void **state)
{
    (void)state;
    tarn_segment s, t;
    assert_int_equal(open_it(&s), TARN_SEGMENT_CREATED);
    pid_t child = fork();
    if (child == 0) {
        grow_list(&s, 3);
        tarn_segment_deinit(&s);
        _exit(0);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(open_it(&t), TARN_SEGMENT_JOINED);
    assert_int_equal(sum_list(&s), 3);
    tarn_segment_deinit(&t);
    tarn_segment_deinit(&s);
    assert_int_equal(open_it(&s), TARN_SEGMENT_CLEAN);
    tarn_segment_deinit(&s);
}

/* An empty file for which there is no room stays empty. */
static void a_segment_that_does_not_fit_the_disk(void **state)
{
    (void)state;
    struct rlimit old, low;
    struct stat st;
    tarn_segment s;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = 1 << 16;
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    tarn_status status =
        tarn_segment_init(&s, &(tarn_segment_options){.name = path, .size = 1 << 20});
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_not_equal(status, TARN_OK);
    tarn_segment_deinit(&s);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(open_it(&s), TARN_SEGMENT_CREATED);
    tarn_segment_deinit(&s);
}

/* A thread's robust locks are in one list, through the memory that holds them. */
static void who_leaves_gives_the_lock_back(void **state)
{
    (void)state;
    tarn_segment s, t, other;
    bool died = true;
    (void)open_it(&s);
    (void)open_it(&t);
    tarn_segment_options memory = {.kind = TARN_FILE_MEMORY};
    assert_int_equal(tarn_segment_init(&other, &memory), TARN_OK);
    assert_int_equal(tarn_segment_lock(&s, NULL), TARN_OK);
    tarn_segment_deinit(&s);
    assert_int_equal(tarn_segment_lock(&t, &died), TARN_OK);
    assert_false(died);
    tarn_segment_unlock(&t);
    tarn_segment_deinit(&t);
    assert_int_equal(tarn_segment_lock(&other, NULL), TARN_OK);
    tarn_segment_deinit(&other);
}

static void there_is_an_end_to_members(void **state)
{
    (void)state;
    static tarn_segment s[TARN_SEGMENT_MEMBERS + 1];
    for (size_t i = 0; i < TARN_SEGMENT_MEMBERS; i++)
        (void)open_it(&s[i]);
    tarn_segment_options o = {.name = path};
    assert_int_equal(tarn_segment_init(&s[TARN_SEGMENT_MEMBERS], &o), TARN_LIMIT);
    assert_string_equal(tarn_segment_why(&s[TARN_SEGMENT_MEMBERS]), "open: 64 processes are in it");
    tarn_segment_deinit(&s[7]);
    assert_int_equal(open_it(&s[7]), TARN_SEGMENT_JOINED);
    for (size_t i = 0; i < TARN_SEGMENT_MEMBERS; i++)
        tarn_segment_deinit(&s[i]);
    assert_int_equal(open_it(&s[0]), TARN_SEGMENT_CLEAN);
    tarn_segment_deinit(&s[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_list_is_found_again, fresh),
        cmocka_unit_test_setup(every_kind_of_file, fresh),
        cmocka_unit_test_setup(it_grows_and_all_see_it, fresh),
        cmocka_unit_test_setup(room_is_used_again, fresh),
        cmocka_unit_test_setup(names, fresh),
        cmocka_unit_test_setup(a_death_is_told_and_its_orphans_listed, fresh),
        cmocka_unit_test_setup(the_last_one_out_mends, fresh),
        cmocka_unit_test_setup(a_child_of_fork_leaves_the_parent_in, fresh),
        cmocka_unit_test_setup(a_segment_that_does_not_fit_the_disk, fresh),
        cmocka_unit_test_setup(who_leaves_gives_the_lock_back, fresh),
        cmocka_unit_test_setup(there_is_an_end_to_members, fresh),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
