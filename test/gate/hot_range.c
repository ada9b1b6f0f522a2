/* SPDX-License-Identifier: MIT */
/* hot_range.c - spaces: pairs that fit a free run exactly, that split one and merge again, of each core. */
#include "hot.h"

#include <tarn/range.h>

static tarn_space holed, linear, bitmap;

/* Holes of 2 * SIZE units between live blocks. */
static bool set_up(void)
{
    tarn_range_block b[2 * BURST];
    if (tarn_space_init(&holed, &(tarn_space_options){.units = 1 << 20, .granule = 16}) !=
            TARN_OK ||
        tarn_space_init(&linear, &(tarn_space_options){.units = 1 << 20,
                                                       .core = TARN_RANGE_LINEAR}) != TARN_OK ||
        tarn_space_init(
            &bitmap, &(tarn_space_options){.units = 1 << 20, .core = TARN_RANGE_BITMAP}) != TARN_OK)
        return false;
    for (size_t i = 0; i < 2 * BURST; i++) {
        if (tarn_range_alloc(&holed.range, i % 2 == 0 ? 4 * SIZE : 2 * SIZE, 1, 0, &b[i]) !=
            TARN_OK)
            return false;
    }
    for (size_t i = 1; i < 2 * BURST; i += 2) {
        if (tarn_range_free(&holed.range, b[i].id) != TARN_OK)
            return false;
    }
    return true;
}

static void tear_down(void)
{
    tarn_space_deinit(&holed);
    tarn_space_deinit(&linear);
    tarn_space_deinit(&bitmap);
}

static void pair_of(tarn_range *r, size_t n, uint64_t size)
{
    tarn_range_block b;
    for (size_t i = 0; i < n; i++) {
        (void)tarn_range_alloc(r, size, 1, 0, &b);
        hide(&b);
        (void)tarn_range_free(r, b.id);
    }
}

static void exact_pair(size_t n)
{
    pair_of(hide(&holed.range), n, 2 * SIZE);
}

static void split_pair(size_t n)
{
    pair_of(hide(&holed.range), n, SIZE);
}

static void linear_pair(size_t n)
{
    pair_of(hide(&linear.range), n, SIZE);
}

static void identifier_pair(size_t n)
{
    pair_of(hide(&bitmap.range), n, 1);
}

static const hot_probe PROBES[] = {
    {"range-exact-pair", exact_pair},
    {"range-split-pair", split_pair},
    {"range-linear-pair", linear_pair},
    {"range-bitmap-pair", identifier_pair},
};

HOT_ENTER(set_up, PROBES, tear_down)
