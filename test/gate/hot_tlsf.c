/* SPDX-License-Identifier: MIT */
/* hot_tlsf.c - two-level segregated fit: pairs out of one large piece and out of holes between live blocks. */
#include "hot.h"

#include <tarn/tlsf.h>

static tarn_tlsf tlsf, holed;
static tarn_allocator *handle;
static _Alignas(16) char memory[1 << 16], more[1 << 18];

/* Holes of 2 * SIZE bytes between live blocks: what comes and goes there leaves the rest alone. */
static bool set_up(void)
{
    void *blocks[2 * BURST];
    if (tarn_tlsf_init(&tlsf, &(tarn_tlsf_options){.buffer = memory,
                                                   .buffer_size = sizeof memory}) != TARN_OK ||
        tarn_tlsf_init(&holed, &(tarn_tlsf_options){.buffer = more, .buffer_size = sizeof more}) !=
            TARN_OK)
        return false;
    for (size_t i = 0; i < 2 * BURST; i++)
        blocks[i] = tarn_tlsf_alloc(&holed, i % 2 == 0 ? 4 * SIZE : 2 * SIZE, 0);
    for (size_t i = 1; i < 2 * BURST; i += 2)
        tarn_tlsf_free(&holed, blocks[i], 2 * SIZE, 0);
    handle = tarn_tlsf_allocator(&tlsf);
    return true;
}

static void tear_down(void)
{
    tarn_tlsf_deinit(&holed);
    tarn_tlsf_deinit(&tlsf);
}

static void pair_of(tarn_tlsf *t, size_t n, size_t size)
{
    for (size_t i = 0; i < n; i++)
        tarn_tlsf_free(t, hide(tarn_tlsf_alloc(t, size, TARN_ALIGN_MAX)), size, TARN_ALIGN_MAX);
}

static void large_pair(size_t n)
{
    pair_of(hide(&tlsf), n, SIZE);
}

static void exact_pair(size_t n)
{
    pair_of(hide(&holed), n, 2 * SIZE);
}

static void split_pair(size_t n)
{
    pair_of(hide(&holed), n, SIZE);
}

static void handle_pair(size_t n)
{
    hot_handle_pair(hide(handle), n);
}

static const hot_probe PROBES[] = {
    {"tlsf-pair", large_pair},
    {"tlsf-exact-pair", exact_pair},
    {"tlsf-split-pair", split_pair},
    {"tlsf-handle-pair", handle_pair},
};
HOT_ENTER(set_up, PROBES, tear_down)
