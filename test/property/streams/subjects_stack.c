/* SPDX-License-Identifier: MIT */
/* subjects_stack.c - both ends of a stack, checking or not. */
#include "property/streams/subjects.h"

#include <tarn/stack.h>

static tarn_stack stack;
static _Alignas(64) unsigned char buffer[8 << 10];
static tarn_fault_handler *before;

typedef struct kind {
    tarn_stack_side side;
    bool buffer, check;
} kind;

/* Streams free in any order; what else a checking stack finds is a failure. */
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
    const kind *k = user;
    tarn_stack_options o = {.check = k->check};
    if (k->buffer) {
        o.buffer = buffer;
        o.buffer_size = sizeof buffer;
    } else {
        o.parent = parent;
        o.size = 8 << 20;
    }
    before = tarn_fault_set_handler(forgive, NULL);
    return tarn_stack_init(&stack, &o) == TARN_OK ? tarn_stack_allocator(&stack, k->side) : NULL;
}

static void unmake(tarn_allocator *a, void *user)
{
    (void)user;
    tarn_deinit(a);
    (void)tarn_fault_set_handler(before, NULL);
}

static const kind low = {TARN_STACK_LOW, false, false}, high = {TARN_STACK_HIGH, false, false},
                  low_checks = {TARN_STACK_LOW, false, true},
                  high_checks = {TARN_STACK_HIGH, false, true},
                  low_small = {TARN_STACK_LOW, true, false},
                  high_small = {TARN_STACK_HIGH, true, true};

static const subject STACKS[] = {
    {"stack(low)", make, unmake, &low, 5000, 4096, false},
    {"stack(high)", make, unmake, &high, 5000, 4096, false},
    {"stack(low, check)", make, unmake, &low_checks, 5000, 4096, false},
    {"stack(high, check)", make, unmake, &high_checks, 5000, 4096, false},
    {"stack(low, 8K)", make, unmake, &low_small, 900, 256, true},
    {"stack(high, check, 8K)", make, unmake, &high_small, 900, 256, true},
};

SUBJECTS_ENTER(STACKS)
