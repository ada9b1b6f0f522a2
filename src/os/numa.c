/* SPDX-License-Identifier: MIT */
/*
 * numa.c - memory of a chosen node: Linux.
 *
 * Four system calls, made directly. libnuma wraps the same four, so a program needs it neither to be
 * built nor to run; a kernel without NUMA, and a container that forbids the calls, refuse them, and
 * then there are no nodes.
 *
 * I1  errno is left as it was found.
 */
#define _GNU_SOURCE /* syscall; NOLINT(readability-identifier-naming) */
#include "os/numa.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PREFER_MANY    5         /* MPOL_PREFERRED_MANY, since Linux 5.15 */
#define ALLOWED        (1u << 2) /* MPOL_F_MEMS_ALLOWED                   */
#define WORD_BITS      (sizeof(unsigned long) * 8)
#define MOST_NODES     1024 /* get_mempolicy wants room for all that the kernel was built for */
#define NAMEABLE_NODES 64

/* A word as the kernel has it: an array of longs. */
static void spread(uint64_t nodes, unsigned long mask[NAMEABLE_NODES / WORD_BITS])
{
    for (size_t i = 0; i < NAMEABLE_NODES / WORD_BITS; i++)
        mask[i] = (unsigned long)(nodes >> (i * WORD_BITS % NAMEABLE_NODES));
}

uint64_t tarn_os_numa_nodes(void)
{
    unsigned long mask[MOST_NODES / WORD_BITS] = {0};
    uint64_t nodes = 0;
    int saved = errno;
    if (syscall(SYS_get_mempolicy, NULL, mask, (unsigned long)MOST_NODES, NULL,
                (unsigned long)ALLOWED) == 0) {
        for (size_t i = 0; i < NAMEABLE_NODES / WORD_BITS; i++)
            nodes |= (uint64_t)mask[i] << (i * WORD_BITS);
    }
    errno = saved;
    return nodes;
}

int tarn_os_numa_here(void)
{
    unsigned cpu = 0, node = 0;
    int saved = errno;
    long failed = syscall(SYS_getcpu, &cpu, &node, NULL);
    errno = saved;
    return failed == 0 ? (int)node : -1;
}

static bool bind_to(void *p, size_t size, int how, uint64_t nodes)
{
    unsigned long mask[NAMEABLE_NODES / WORD_BITS];
    spread(nodes, mask);
    return syscall(SYS_mbind, p, (unsigned long)size, (unsigned long)how, mask,
                   (unsigned long)NAMEABLE_NODES + 1, 0ul) == 0;
}

bool tarn_os_numa_place(void *p, size_t size, tarn_os_numa how, uint64_t nodes)
{
    int saved = errno;
    uint64_t lowest = nodes & -nodes;
    bool done;
    if (how == TARN_OS_NUMA_PREFER && nodes != lowest)
        done = bind_to(p, size, PREFER_MANY, nodes) || bind_to(p, size, (int)how, lowest);
    else
        done = bind_to(p, size, (int)how, nodes);
    errno = saved;
    return done;
}

/* move_pages with no nodes to move to asks, and unlike get_mempolicy touches nothing. */
int tarn_os_numa_node(const void *p)
{
    int node = -1, saved = errno;
    long failed = syscall(SYS_move_pages, 0, 1ul, &p, NULL, &node, 0);
    errno = saved;
    return failed == 0 && node >= 0 ? node : -1;
}
