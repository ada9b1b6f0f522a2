/* SPDX-License-Identifier: MIT */
/* The recorder's files against programs that tidy up: closed descriptors, another folder, few descriptors, a changed
 * environment. */
#define _GNU_SOURCE
#include "recorded.h"

#include "support/tarn_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(c) ((c) ? (void)0 : _exit(70 + __LINE__ % 30))

static void work(void)
{
    for (int i = 0; i < 200000; i++) /* many blocks: the trace is written to again and again */
        free(malloc(71));
}

static void closes(void)
{
    for (int round = 0; round < 3; round++) {
        for (int fd = 3; fd < 2000; fd++)
            close(fd);
        for (int i = 0; i < 1500; i++) /* whatever number ours had is somebody else's now */
            MUST(open("/dev/null", O_RDWR) >= 0 || i > 500);
        work();
    }
    struct stat st;
    for (int fd = 3; fd < 500; fd++) /* and nobody wrote there */
        MUST(fstat(fd, &st) == 0 && S_ISCHR(st.st_mode));
}

static void moves(void)
{
    struct rlimit few = {.rlim_cur = 20, .rlim_max = 20};
    MUST(chdir("/") == 0 && setrlimit(RLIMIT_NOFILE, &few) == 0 && clearenv() == 0);
    pid_t pid = fork();
    work();
    if (pid == 0)
        exit(0);
    int status;
    MUST(waitpid(pid, &status, 0) == pid && status == 0);
}

static void expect_work(const char *name, size_t traces, unsigned count)
{
    recorded r = record_part(name);
    tarn_event e;
    assert_int_equal(r.status, 0);
    assert_int_equal(r.count, traces);
    for (size_t i = 0; i < traces; i++) {
        assert_int_equal(r.states[i], TARN_TRACE_COMPLETE);
        assert_int_equal(allocs_of(r.traces[i], 71, &e), count);
    }
    record_done(&r);
}

static void closed_descriptors(void **state)
{
    (void)state;
    expect_work("closes", 1, 600000);
}

static void another_folder_few_descriptors(void **state)
{
    (void)state;
    expect_work("moves", 2, 200000);
}

int main(int argc, char **argv)
{
    static const part parts[] = {{"closes", closes}, {"moves", moves}};
    recorded_parts(parts, sizeof parts / sizeof parts[0], argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_descriptors),
        cmocka_unit_test(another_folder_few_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
