/* SPDX-License-Identifier: MIT */
/* others.c - what is no allocator: slots and ranges. */
#include "image.h"

enum { OBJECTS = 40, ROUNDS = 2000 };

static _Alignas(64) unsigned char table[8 << 10], nodes[24 << 10];
static tarn_slots slots;
static tarn_space space;
static tarn_arena arena;

static unsigned long next_number(unsigned long *seed)
{
    *seed = *seed * 1103515245U + 12345U;
    return *seed >> 8U & 0xffffU;
}

/* Each live handle finds its object; each handle that was freed finds none. */
static bool slots_hold(void)
{
    tarn_slot live[OBJECTS] = {0}, stale[OBJECTS] = {0};
    unsigned long seed = 1;
    if (tarn_slots_init(&slots, &(tarn_slots_options){.object_size = sizeof(size_t),
                                                      .buffer = table,
                                                      .buffer_size = sizeof table}) != TARN_OK)
        return false;
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t i = next_number(&seed) % OBJECTS;
        void *object = NULL;
        if (live[i] == 0) {
            live[i] = tarn_slots_alloc(&slots, &object);
            if (live[i] == 0)
                return false;
            *(size_t *)object = i;
        } else {
            const size_t *found = tarn_slots_resolve(&slots, live[i]);
            if (found == NULL || *found != i || tarn_slots_free(&slots, live[i]) != TARN_OK)
                return false;
            stale[i] = live[i];
            live[i] = 0;
        }
        if (stale[i] != 0 && tarn_slots_resolve(&slots, stale[i]) != NULL)
            return false;
    }
    bool holds = tarn_slots_check(&slots) == TARN_OK;
    tarn_slots_deinit(&slots);
    return holds;
}

/* Blocks of a space that is nowhere do not overlap: each owner's bit is free when it is taken. */
static bool range_holds(void)
{
    static unsigned char taken[4096];
    tarn_range_block live[OBJECTS];
    uint64_t size[OBJECTS] = {0};
    unsigned long seed = 1;
    if (tarn_arena_init(
            &arena, &(tarn_arena_options){.buffer = nodes, .buffer_size = sizeof nodes}) != TARN_OK)
        return false;
    if (tarn_space_init(&space, &(tarn_space_options){.units = sizeof taken,
                                                      .first = (uint64_t)1 << 40U,
                                                      .max_blocks = OBJECTS,
                                                      .metadata = tarn_arena_allocator(&arena)}) !=
        TARN_OK)
        return false;
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t i = next_number(&seed) % OBJECTS;
        bool frees = size[i] != 0;
        if (!frees) {
            size[i] = 1 + next_number(&seed) % 150;
            if (tarn_range_alloc(&space.range, size[i], 4, 0, &live[i]) != TARN_OK) {
                size[i] = 0;
                continue;
            }
        }
        for (uint64_t at = 0; at < size[i]; at++) {
            unsigned char *byte = &taken[live[i].offset - ((uint64_t)1 << 40U) + at];
            if (*byte != frees)
                return false;
            *byte = !frees;
        }
        if (frees && tarn_range_free(&space.range, live[i].id) != TARN_OK)
            return false;
        size[i] = frees ? 0 : size[i];
    }
    bool holds = tarn_range_check(&space.range) == TARN_OK;
    tarn_space_deinit(&space);
    return holds;
}

const bare_other bare_others[] = {{"slots", slots_hold}, {"range", range_holds}};
const size_t bare_other_count = sizeof bare_others / sizeof *bare_others;
