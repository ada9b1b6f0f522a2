/* SPDX-License-Identifier: MIT */
/* hot_lifo.c - stack and ring. */
#include "hot.h"

#include <tarn/ring.h>
#include <tarn/stack.h>

static tarn_stack stack;
static tarn_ring ring;

static bool set_up(void)
{
    return tarn_stack_init(&stack, NULL) == TARN_OK &&
           tarn_ring_init(&ring, &(tarn_ring_options){.capacity = 1 << 20}) == TARN_OK;
}

static void tear_down(void)
{
    tarn_ring_deinit(&ring);
    tarn_stack_deinit(&stack);
}

static void stack_pair(size_t n)
{
    tarn_stack *s = hide(&stack);
    for (size_t i = 0; i < n; i++)
        tarn_stack_free(s, hide(tarn_stack_alloc(s, SIZE, TARN_ALIGN_MAX)), SIZE, TARN_ALIGN_MAX);
}

static void stack_high_pair(size_t n)
{
    tarn_stack *s = hide(&stack);
    for (size_t i = 0; i < n; i++)
        tarn_stack_free_high(s, hide(tarn_stack_alloc_high(s, SIZE, TARN_ALIGN_MAX)), SIZE,
                             TARN_ALIGN_MAX);
}

static void stack_handle_pair(size_t n)
{
    hot_handle_pair(hide(tarn_stack_allocator(&stack, TARN_STACK_LOW)), n);
}

static void ring_pair(size_t n)
{
    tarn_ring *r = hide(&ring);
    for (size_t i = 0; i < n; i++)
        tarn_ring_free(r, hide(tarn_ring_alloc(r, SIZE, TARN_ALIGN_MAX)), SIZE, TARN_ALIGN_MAX);
}

static void ring_handle_pair(size_t n)
{
    hot_handle_pair(hide(tarn_ring_allocator(&ring)), n);
}

static const hot_probe PROBES[] = {
    {"stack-pair", stack_pair},
    {"stack-high-pair", stack_high_pair},
    {"stack-handle-pair", stack_handle_pair},
    {"ring-pair", ring_pair},
    {"ring-handle-pair", ring_handle_pair},
};
HOT_ENTER(set_up, PROBES, tear_down)
