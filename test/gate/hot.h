/* SPDX-License-Identifier: MIT */
/*
 * hot.h - hot paths to be counted, instruction by instruction.
 *
 * A part is a file hot_<part>.c with probes; HOT_ENTER(set_up, probes, tear_down) at its end enters
 * them. A probe `x-pair` or `x-alloc` whose name has `-handle-` in it is counted less the same calls
 * of an allocator that does nothing, all others less the empty loop. dev/instructions.txt has the
 * budgets.
 */
#ifndef TARN_GATE_HOT_H
#define TARN_GATE_HOT_H

#include <tarn/allocator.h>

enum { BURST = 64, SIZE = 64 };

typedef struct hot_probe {
    const char *name;
    void (*run)(size_t n); /* n is a multiple of BURST */
} hot_probe;

void hot_enter(bool (*set_up)(void), const hot_probe *probes, size_t count,
               void (*tear_down)(void));

#define HOT_ENTER(set_up, probes, tear_down)                                                       \
    __attribute__((constructor)) static void enter_##probes(void)                                  \
    {                                                                                              \
        hot_enter(set_up, probes, sizeof(probes) / sizeof *(probes), tear_down);                   \
    }

/* Keeps the compiler from seeing through a value. */
static inline void *hide(void *p)
{
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}

/* Pairs of alloc and free of SIZE bytes through a handle. */
void hot_handle_pair(tarn_allocator *a, size_t n);
void hot_handle_alloc(tarn_allocator *a, size_t n);

#endif
