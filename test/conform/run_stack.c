/* SPDX-License-Identifier: MIT */
/* The suite on both ends of a stack: over a buffer, over a parent, checking or not; and the failure sweep. */
#include "conform/run.h"

#include <tarn/stack.h>

typedef struct variant {
    const char *name;
    tarn_stack_side side;
    bool buffer, check, other; /* other: the other end has blocks, too */
} variant;

enum { SIZE = 4 << 20 };

static tarn_stack stack;
static _Alignas(64) unsigned char buffer[SIZE];
static tarn_fault_handler *before;

/* The suite frees in any order, which is what a checking stack objects to: that fault is let pass, any
 * other is not. */
static void forgive(const tarn_fault *fault, void *user)
{
    (void)user;
    if (fault->kind == TARN_FAULT_OUT_OF_ORDER)
        return;
    (void)tarn_fault_set_handler(NULL, NULL);
    tarn_fault_raise(fault);
}

static tarn_allocator *make(tarn_allocator *parent, void *user)
{
    const variant *v = user;
    tarn_stack_options o = {.name = v->name, .check = v->check};
    if (v->buffer) {
        o.buffer = buffer;
        o.buffer_size = sizeof buffer;
    } else {
        o.parent = parent;
        o.size = SIZE;
    }
    if (tarn_stack_init(&stack, &o) != TARN_OK)
        return NULL;
    if (v->other &&
        tarn_alloc(tarn_stack_allocator(&stack, v->side == TARN_STACK_LOW ? TARN_STACK_HIGH
                                                                          : TARN_STACK_LOW),
                   1000, 4) == NULL)
        return NULL;
    before = tarn_fault_set_handler(forgive, NULL);
    return tarn_stack_allocator(&stack, v->side);
}

static void unmake(tarn_allocator *a, void *user)
{
    (void)user;
    tarn_deinit(a);
    (void)tarn_fault_set_handler(before, NULL);
}

static variant variants[] = {
    {.name = "stack(low)", .side = TARN_STACK_LOW},
    {.name = "stack(high)", .side = TARN_STACK_HIGH},
    {.name = "stack(low, buffer)", .side = TARN_STACK_LOW, .buffer = true},
    {.name = "stack(high, buffer)", .side = TARN_STACK_HIGH, .buffer = true},
    {.name = "stack(low, other)", .side = TARN_STACK_LOW, .other = true},
    {.name = "stack(high, other)", .side = TARN_STACK_HIGH, .other = true},
    {.name = "stack(low, check)", .side = TARN_STACK_LOW, .check = true},
    {.name = "stack(high, check)", .side = TARN_STACK_HIGH, .check = true},
    {.name = "stack(low, buffer, check)", .side = TARN_STACK_LOW, .buffer = true, .check = true},
    {.name = "stack(high, buffer, check)", .side = TARN_STACK_HIGH, .buffer = true, .check = true},
    {.name = "stack(high, check, other)", .side = TARN_STACK_HIGH, .check = true, .other = true},
};

enum { VARIANTS = sizeof variants / sizeof *variants };

/* A stack in its own region, and another in its high end. */
static bool live_and_die(tarn_allocator *a, void *user)
{
    tarn_status status = TARN_OK;
    tarn_stack *outer = tarn_stack_create(&(tarn_stack_options){.parent = a}, &status);
    (void)user;
    if (outer == NULL)
        return status == TARN_OK;
    status = tarn_stack_init(
        &stack, &(tarn_stack_options){.parent = tarn_stack_allocator(outer, TARN_STACK_HIGH),
                                      .size = 1000});
    tarn_stack_deinit(&stack);
    tarn_stack_destroy(outer);
    return status == TARN_OK;
}

int main(int argc, char **argv)
{
    tarn_conform_options table[VARIANTS];
    for (size_t i = 0; i < VARIANTS; i++)
        table[i] = (tarn_conform_options){.name = variants[i].name,
                                          .make = make,
                                          .unmake = unmake,
                                          .user = &variants[i],
                                          .max_align = 4096,
                                          .max_size = 20000,
                                          .budget = 256 << 10};
    return run_table(table, VARIANTS, argc, argv) != 0 ||
           tarn_sweep(&(tarn_sweep_options){.name = "stack", .run = live_and_die}) != 0;
}
