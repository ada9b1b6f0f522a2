/* SPDX-License-Identifier: MIT */
/* However a process begins or ends: fork in all forms, exec, exit, _exit, a crash, a kill. */
#define _GNU_SOURCE
#include "recorded.h"

#include "support/tarn_test.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(c) ((c) ? (void)0 : _exit(70 + __LINE__ % 30))

static void wait_well(pid_t pid)
{
    int status;
    MUST(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

/* 1 block of size in each process; the parent's is given back by both. */
static void in_child(void *inherited, size_t size)
{
    free(inherited);
    for (int i = 0; i < 100; i++)
        free(malloc(size));
}

static void forks(void)
{
    void *block = malloc(31);
    pid_t pid = fork();
    if (pid == 0) {
        in_child(block, 32);
        exit(0);
    }
    wait_well(pid);
    pid = _Fork(); /* runs no fork handlers */
    if (pid == 0) {
        in_child(block, 33);
        exit(0);
    }
    wait_well(pid);
    pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        in_child(block, 34);
        exit(0);
    }
    wait_well(pid);
    free(block);
}

static void every_fork(void **state)
{
    (void)state;
    recorded r = record_part("forks");
    tarn_event e;
    assert_int_equal(r.status, 0);
    assert_int_equal(r.count, 4);
    assert_int_equal(allocs_of(r.traces[0], 31, &e), 1);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(r.states[i], TARN_TRACE_COMPLETE);
        assert_int_equal(allocs_of(r.traces[0], 31 + i, &e),
                         i ? 0 : 1); /* nothing of the children's */
    }
    unsigned found = 0;
    for (size_t i = 1; i < 4; i++) {
        for (uint64_t size = 32; size < 35; size++)
            found += allocs_of(r.traces[i], size, &e) == 100;
        tarn_trace_scan(r.traces[i]);
        assert_int_equal(tarn_trace_get_counts(r.traces[i])->foreign_frees,
                         1); /* the inherited block */
    }
    assert_int_equal(found, 3);
    record_done(&r);
}

/* vfork: the child runs in the parent's memory, then becomes another program. */
static void vforks(void)
{
    for (volatile int i = 0; i < 20; i++) {
        volatile pid_t pid = vfork();
        if (pid == 0) {
            execl("/bin/true", "true", (char *)NULL);
            _exit(1);
        }
        wait_well(pid);
        free(malloc(41));
    }
    MUST(system("exit 0") == 0); /* posix_spawn, in glibc */
}

static void vfork_and_spawn(void **state)
{
    (void)state;
    recorded r = record_part("vforks");
    tarn_event e;
    assert_int_equal(r.status, 0);
    assert_int_equal(r.count, 22);
    assert_int_equal(allocs_of(r.traces[0], 41, &e), 20);
    assert_int_equal(r.states[0], TARN_TRACE_COMPLETE);
    record_done(&r);
}

static void execs(void)
{
    char self[4096] = "";
    free(malloc(51));
    MUST(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    execl(self, self, "part", "after_exec", (char *)NULL);
    _exit(1);
}

static void after_exec(void)
{
    free(malloc(52));
}

static void exec_starts_another_trace(void **state)
{
    (void)state;
    recorded r = record_part("execs");
    tarn_event e;
    assert_int_equal(r.status, 0);
    assert_int_equal(r.count, 2);
    assert_int_equal(allocs_of(r.traces[0], 51, &e), 1);
    assert_int_equal(allocs_of(r.traces[1], 52, &e), 1);
    assert_string_equal(tarn_trace_get_info(r.traces[0])->end, "exec");
    assert_string_equal(tarn_trace_get_info(r.traces[1])->end, "exit");
    assert_int_equal(tarn_trace_get_info(r.traces[0])->pid, tarn_trace_get_info(r.traces[1])->pid);
    record_done(&r);
}

static void some_work(void)
{
    for (int i = 0; i < 70000; i++) /* more than one block of events */
        free(malloc(61));
}

static void quick(void)
{
    some_work();
    _exit(3);
}

static void killed(void)
{
    some_work();
    kill(getpid(), SIGKILL);
}

static void crashed(void)
{
    some_work();
    raise(SIGSEGV);
}

static void aborted(void)
{
    some_work();
    abort();
}

static void expect_end(const char *name, const char *end, tarn_trace_status state, int code)
{
    recorded r = record_part(name);
    tarn_event e;
    assert_true(WIFEXITED(r.status));
    assert_int_equal(WEXITSTATUS(r.status), code);
    assert_int_equal(r.count, 1);
    assert_int_equal(r.states[0], state);
    assert_string_equal(tarn_trace_get_info(r.traces[0])->end, end);
    assert_int_equal(allocs_of(r.traces[0], 61, &e), 70000); /* nothing is lost, however it ends */
    record_done(&r);
}

static void every_end(void **state)
{
    (void)state;
    expect_end("quick", "_exit", TARN_TRACE_COMPLETE, 3);
    expect_end("killed", "signal 9", TARN_TRACE_CUT, 128 + SIGKILL);
    expect_end("crashed", "signal 11", TARN_TRACE_CUT, 128 + SIGSEGV);
    expect_end("aborted", "signal 6", TARN_TRACE_CUT, 128 + SIGABRT);
}

/* Threads allocate without a pause, with ever new contexts, while another one forks. */
static atomic_bool stop;

static void *load(void *seed_)
{
    unsigned seed = (unsigned)(uintptr_t)seed_;
    while (!stop) {
        void *blocks[64];
        for (int i = 0; i < 64; i++)
            blocks[i] = malloc(1000 + (size_t)rand_r(&seed) % 20000);
        for (int i = 0; i < 64; i++)
            free(blocks[i]);
    }
    return NULL;
}

#define FORKS 100

static void fork_under_load(void)
{
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++)
        MUST(pthread_create(&threads[i], NULL, load, (void *)i) == 0);
    for (int i = 0; i < FORKS; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            for (size_t k = 0; k < 50; k++)
                free(malloc(500 + k));
            _exit(0);
        }
        wait_well(pid);
    }
    stop = true;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void no_deadlock_at_fork(void **state)
{
    (void)state;
    recorded r = record_part("fork_under_load");
    tarn_event e;
    assert_int_equal(r.status, 0);
    assert_int_equal(r.count, FORKS + 1);
    assert_int_equal(r.states[0], TARN_TRACE_COMPLETE);
    assert_true(tarn_trace_get_counts(r.traces[0])->foreign_frees <=
                4); /* libunwind's, of four threads */
    assert_int_equal(tarn_trace_get_counts(r.traces[0])->lost_events, 0);
    for (size_t i = 1; i < r.count; i++)
        assert_int_equal(allocs_of(r.traces[i], 549, &e), 1);
    record_done(&r);
}

/* exit while other threads are at work: their events stay as good as they were. */
static void exit_under_load(void)
{
    pthread_t thread;
    for (uintptr_t i = 0; i < 4; i++)
        MUST(pthread_create(&thread, NULL, load, (void *)i) == 0);
    usleep(200000);
    exit(0);
}

static void exit_with_threads(void **state)
{
    (void)state;
    recorded r = record_part("exit_under_load");
    assert_int_equal(r.status, 0);
    assert_int_equal(r.states[0], TARN_TRACE_COMPLETE);
    assert_int_equal(tarn_trace_get_counts(r.traces[0])->foreign_frees, 0);
    record_done(&r);
}

int main(int argc, char **argv)
{
    static const part parts[] = {{"forks", forks},
                                 {"vforks", vforks},
                                 {"execs", execs},
                                 {"after_exec", after_exec},
                                 {"quick", quick},
                                 {"killed", killed},
                                 {"crashed", crashed},
                                 {"aborted", aborted},
                                 {"fork_under_load", fork_under_load},
                                 {"exit_under_load", exit_under_load}};
    recorded_parts(parts, sizeof parts / sizeof parts[0], argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fork),
        cmocka_unit_test(vfork_and_spawn),
        cmocka_unit_test(exec_starts_another_trace),
        cmocka_unit_test(every_end),
        cmocka_unit_test(no_deadlock_at_fork),
        cmocka_unit_test(exit_with_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
