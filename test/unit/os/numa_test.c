/* SPDX-License-Identifier: MIT */
/* Nodes: what the system says of them is believed, and when it says nothing there are none. */
#include "support/tarn_test.h"

#include <errno.h>
#include <sys/syscall.h>

#include "os/numa.h"
#include "os/pages.h"
#include "support/death.h"
#include "support/refuse.h"

static size_t page;

static void the_thread_runs_on_a_node_that_is_there(void **state)
{
    uint64_t nodes = tarn_os_numa_nodes();
    int here = tarn_os_numa_here();
    (void)state;
    errno = 77;
    assert_int_equal(nodes, tarn_os_numa_nodes());
    assert_int_equal(errno, 77);
    if (nodes == 0)
        skip();
    assert_in_range(here, 0, 63);
}

static void placed_pages_come_from_there(void **state)
{
    const tarn_os_numa ways[] = {TARN_OS_NUMA_PREFER, TARN_OS_NUMA_BIND, TARN_OS_NUMA_INTERLEAVE};
    uint64_t nodes = tarn_os_numa_nodes();
    (void)state;
    if (nodes == 0)
        skip();
    for (size_t i = 0; i < 3; i++) {
        char *p = tarn_os_map(4 * page, page);
        assert_non_null(p);
        if (!tarn_os_numa_place(p, 4 * page, ways[i], nodes)) {
            tarn_os_release(p, 4 * page);
            skip(); /* a container that lets ask, and not place */
        }
        assert_int_equal(tarn_os_numa_node(p), -1);
        for (size_t at = 0; at < 4 * page; at += page) {
            int node;
            p[at] = 1;
            node = tarn_os_numa_node(p + at);
            assert_in_range(node, 0, 63);
            assert_true((nodes >> node & 1) != 0);
        }
        tarn_os_release(p, 4 * page);
    }
}

static void nodes_that_are_not_there_are_refused(void **state)
{
    uint64_t nodes = tarn_os_numa_nodes(), other = (uint64_t)1 << 63;
    char *p = tarn_os_map(page, page);
    (void)state;
    assert_non_null(p);
    if (nodes != 0 && (nodes & other) == 0) {
        errno = 77;
        assert_false(tarn_os_numa_place(p, page, TARN_OS_NUMA_BIND, other));
        assert_int_equal(errno, 77);
        *p = 1;
    }
    tarn_os_release(p, page);
    assert_int_equal(tarn_os_numa_node(NULL), -1);
}

/* As in a kernel without nodes, or a container that forbids the calls. */
static void without_the_calls(void *arg)
{
    char *p = tarn_os_map(page, page);
    (void)arg;
    assert_child(p != NULL);
    assert_child(tarn_refuse_call(SYS_get_mempolicy, REFUSE_ANY, 0, ENOSYS));
    assert_child(tarn_refuse_call(SYS_mbind, REFUSE_ANY, 0, EPERM));
    assert_child(tarn_refuse_call(SYS_move_pages, REFUSE_ANY, 0, ENOSYS));
    assert_child(tarn_refuse_call(SYS_getcpu, REFUSE_ANY, 0, ENOSYS));
    *p = 1;
    errno = 77;
    assert_child(tarn_os_numa_nodes() == 0);
    assert_child(tarn_os_numa_here() == -1);
    assert_child(!tarn_os_numa_place(p, page, TARN_OS_NUMA_PREFER, 1));
    assert_child(!tarn_os_numa_place(p, page, TARN_OS_NUMA_PREFER, 3));
    assert_child(tarn_os_numa_node(p) == -1);
    assert_child(errno == 77);
}

/* Before Linux 5.15 a preference is for one node. */
static void without_many(void *arg)
{
    char *p = tarn_os_map(page, page);
    (void)arg;
    assert_child(p != NULL);
    assert_child(tarn_refuse_call(SYS_mbind, 2, 5, EINVAL));
    assert_child(
        tarn_os_numa_place(p, page, TARN_OS_NUMA_PREFER, tarn_os_numa_nodes() | (uint64_t)1 << 63));
    *p = 1;
    assert_child((tarn_os_numa_nodes() >> tarn_os_numa_node(p) & 1) != 0);
}

static void refused_calls(void **state)
{
    (void)state;
    if (!tarn_can_refuse())
        skip();
    assert_survives(without_the_calls, NULL);
    if (tarn_os_numa_nodes() != 0)
        assert_survives(without_many, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_thread_runs_on_a_node_that_is_there),
        cmocka_unit_test(placed_pages_come_from_there),
        cmocka_unit_test(nodes_that_are_not_there_are_refused),
        cmocka_unit_test(refused_calls),
    };
    page = tarn_os_page_size();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
