/* SPDX-License-Identifier: MIT */
/*
 * numa.h - memory of a chosen node of the machine.
 *
 * A set of nodes is a word: bit n is node n; nodes from 64 on cannot be named. No library is needed:
 * the system is called directly.
 */
#ifndef TARN_OS_NUMA_H
#define TARN_OS_NUMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values are the kernel's. */
typedef enum tarn_os_numa {
    TARN_OS_NUMA_PREFER = 1,
    TARN_OS_NUMA_BIND = 2,
    TARN_OS_NUMA_INTERLEAVE = 3
} tarn_os_numa;

/* The nodes whose memory the calling thread may have; 0 on a system that does not know of nodes, or
 * does not let the process ask. */
uint64_t tarn_os_numa_nodes(void);

/* The node that the calling thread runs on, -1 when unknown. */
int tarn_os_numa_here(void);

/* Where the pages of a range come from, when they are touched for the first time; p, size: whole
 * pages, nodes not 0. False: refused, the range is as it was. */
bool tarn_os_numa_place(void *p, size_t size, tarn_os_numa how, uint64_t nodes);

/* The node of the page at p, -1 when it has no memory yet or the system does not tell. */
int tarn_os_numa_node(const void *p);

#endif
