/* SPDX-License-Identifier: MIT */
/* hot_slab.c - slab. */
#include "hot.h"

#include <tarn/slab.h>

static tarn_slab slab;
static tarn_allocator *slab_handle;

static bool set_up(void)
{
    if (tarn_slab_init(&slab, &(tarn_slab_options){0}) != TARN_OK)
        return false;
    slab_handle = tarn_slab_allocator(&slab);
    return true;
}

static void tear_down(void)
{
    tarn_slab_deinit(&slab);
}

/* A size that the compiler does not know. */
static size_t some_size(void)
{
    size_t size = SIZE;
    __asm__ volatile("" : "+r"(size));
    return size;
}

static void slab_pair(size_t n)
{
    tarn_slab *s = hide(&slab);
    size_t size = some_size();
    for (size_t i = 0; i < n; i++)
        tarn_slab_free(s, hide(tarn_slab_alloc(s, size, TARN_ALIGN_MAX)), size, TARN_ALIGN_MAX);
}

static void slab_burst(size_t n)
{
    void *blocks[BURST];
    tarn_slab *s = hide(&slab);
    size_t size = some_size();
    for (size_t round = 0; round < n / BURST; round++) {
        for (size_t i = 0; i < BURST; i++)
            blocks[i] = tarn_slab_alloc(s, size, TARN_ALIGN_MAX);
        hide(blocks);
        for (size_t i = 0; i < BURST; i++)
            tarn_slab_free(s, blocks[i], size, TARN_ALIGN_MAX);
    }
}

static void slab_handle_pair(size_t n)
{
    hot_handle_pair(hide(slab_handle), n);
}

static const hot_probe SLAB_PROBES[] = {
    {"slab-pair", slab_pair},
    {"slab-burst", slab_burst},
    {"slab-handle-pair", slab_handle_pair},
};
HOT_ENTER(set_up, SLAB_PROBES, tear_down)
