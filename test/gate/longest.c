/* SPDX-License-Identifier: MIT */
/*
 * longest.c - a tlsf brought into awkward states by a random stream, each operation counted by itself.
 *
 *     valgrind --tool=callgrind longest 3000 [SEED]
 *
 * Every operation is one dump of callgrind's, named by its kind; dev/check_longest.py takes the
 * longest of each kind and compares it with the constants in tlsf.h. The stream wants what takes
 * long: sizes at the borders of lists, few pieces of a size so that lists become empty and come into
 * use, holes on both sides, alignments, memory that runs out.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <tarn/tlsf.h>

#include <valgrind/callgrind.h>

enum { SLOTS = 300, PART = 48 << 10, PARTS = 3 };

static tarn_tlsf tlsf;
static _Alignas(4096) char memory[PARTS][PART]; /* so that the stream is the same in each build */
static struct {
    void *ptr;
    size_t size;
    tarn_spec spec;
} slots[SLOTS];
static uint64_t state = 12345;

static size_t below(size_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(state >> 33) % n;
}

/* At the borders of lists, or anywhere. */
static size_t any_size(void)
{
    size_t size = (size_t)16 << below(9);
    if (below(3) == 0)
        return below(2 * size) + 1;
    if (below(40) == 0)
        return PART + below(PART);
    return size + below(5) * 8 - 16 + below(3) * size / 32;
}

/* The least that stands between two requests to callgrind. */
static void nothing(void)
{
    CALLGRIND_ZERO_STATS;
    CALLGRIND_DUMP_STATS_AT("nothing");
}

static void take(size_t i, bool aligned)
{
    size_t size = any_size();
    tarn_spec spec = (tarn_spec)(aligned ? 5 + below(6) : below(5));
    void *p;
    if (aligned) {
        CALLGRIND_ZERO_STATS;
        p = tarn_tlsf_alloc(&tlsf, size, spec);
        CALLGRIND_DUMP_STATS_AT("ALIGNED");
    } else {
        CALLGRIND_ZERO_STATS;
        p = tarn_tlsf_alloc(&tlsf, size, spec);
        CALLGRIND_DUMP_STATS_AT("ALLOC");
    }
    slots[i].ptr = p;
    slots[i].size = size;
    slots[i].spec = spec;
}

static void give(size_t i)
{
    void *p = slots[i].ptr;
    size_t size = below(4) == 0 ? 0 : slots[i].size;
    tarn_spec spec = slots[i].spec;
    CALLGRIND_ZERO_STATS;
    tarn_tlsf_free(&tlsf, p, size, spec);
    CALLGRIND_DUMP_STATS_AT("FREE");
    slots[i].ptr = NULL;
}

static void resize(size_t i)
{
    void *p = slots[i].ptr;
    size_t from = slots[i].size, to = below(2) == 0 ? any_size() : from + below(200);
    tarn_spec spec = slots[i].spec | TARN_IN_PLACE;
    CALLGRIND_ZERO_STATS;
    p = tarn_tlsf_resize(&tlsf, p, from, to, 0, spec);
    CALLGRIND_DUMP_STATS_AT("RESIZE");
    if (p != NULL)
        slots[i].size = to;
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    state += argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    if (tarn_tlsf_init(&tlsf, &(tarn_tlsf_options){.name = "longest"}) != TARN_OK)
        return 1;
    for (size_t i = 0; i < PARTS; i++) {
        if (tarn_tlsf_add_region(&tlsf, memory[i], PART) != TARN_OK)
            return 1;
    }
    nothing();
    for (size_t n = 0; n < count; n++) {
        size_t i = below(SLOTS), what = below(10);
        if (slots[i].ptr == NULL)
            take(i, what < 3);
        else if (what < 3)
            resize(i);
        else
            give(i);
    }
    if (tarn_check(tarn_tlsf_allocator(&tlsf)) != TARN_OK)
        return 1;
    tarn_tlsf_deinit(&tlsf);
    return 0;
}
