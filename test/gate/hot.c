/* SPDX-License-Identifier: MIT */
/*
 * hot.c - runs each hot path a number of times under callgrind, and dumps the count after each.
 *
 *     hot             lists the probes
 *     valgrind --tool=callgrind hot 1000
 *
 * dev/check_instructions.py runs it with two numbers; what an operation costs is the difference of
 * the two counts, less the empty loop or, through a handle, less the same calls of an allocator that
 * does nothing. The probes are in hot_*.c.
 */
#include "hot.h"

#include <stdio.h>
#include <stdlib.h>

#include <valgrind/callgrind.h>

enum { MOST_PARTS = 64 };

static struct part {
    bool (*set_up)(void);
    const hot_probe *probes;
    size_t count;
    void (*tear_down)(void);
} parts[MOST_PARTS];
static size_t part_count;

void hot_enter(bool (*set_up)(void), const hot_probe *probes, size_t count, void (*tear_down)(void))
{
    if (part_count == MOST_PARTS)
        abort();
    parts[part_count++] = (struct part){set_up, probes, count, tear_down};
}

/* An allocator that does nothing, in IDLE instructions a pair (lea, ret; ret): what a call costs. */
static char idle_block[SIZE];

static void *idle_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    (void)a;
    (void)size;
    (void)spec;
    return idle_block;
}

static void idle_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    (void)a;
    (void)block;
    (void)size;
    (void)spec;
}

static const tarn_ops IDLE_OPS = {.abi = TARN_ABI, .alloc = idle_alloc, .free = idle_free};
static tarn_allocator idle = {&IDLE_OPS};

static void empty_loop(size_t n)
{
    for (size_t i = 0; i < n; i++)
        hide(NULL);
}

void hot_handle_pair(tarn_allocator *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        void *block = hide(tarn_alloc(a, SIZE, TARN_ALIGN_MAX));
        tarn_free(a, block, SIZE, TARN_ALIGN_MAX);
    }
}

void hot_handle_alloc(tarn_allocator *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hide(tarn_alloc(a, SIZE, TARN_ALIGN_MAX));
}

static void idle_pair(size_t n)
{
    hot_handle_pair(hide(&idle), n);
}

static void idle_alloc_alone(size_t n)
{
    hot_handle_alloc(hide(&idle), n);
}

static const hot_probe LOOPS[] = {
    {"loop", empty_loop}, {"idle-pair", idle_pair}, {"idle-alloc", idle_alloc_alone}};
HOT_ENTER(NULL, LOOPS, NULL)

static void count(const hot_probe *probe, size_t n)
{
    if (n == 0) {
        puts(probe->name);
        return;
    }
    probe->run(2 * BURST); /* what is set up on the first call is not counted */
    CALLGRIND_ZERO_STATS;
    probe->run(n);
    CALLGRIND_DUMP_STATS_AT(probe->name);
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    for (const struct part *part = parts; part < parts + part_count; part++) {
        if (part->set_up != NULL && !part->set_up())
            return 1;
        for (size_t i = 0; i < part->count; i++)
            count(&part->probes[i], n);
        if (part->tear_down != NULL)
            part->tear_down();
    }
    return 0;
}
