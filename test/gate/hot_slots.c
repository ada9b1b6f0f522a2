/* SPDX-License-Identifier: MIT */
/* hot_slots.c - slots: an alloc, a resolve and a free are one probe. */
#include "hot.h"

#include <tarn/slots.h>

typedef struct object {
    char bytes[SIZE];
} object;

TARN_SLOTS_OF(object, object)

static tarn_slots stable, compacting;

static bool set_up(void)
{
    return tarn_slots_init(&stable, &(tarn_slots_options){TARN_SLOTS_TYPE(object)}) == TARN_OK &&
           tarn_slots_init(&compacting, &(tarn_slots_options){TARN_SLOTS_TYPE(object),
                                                              .compact = true}) == TARN_OK;
}

static void tear_down(void)
{
    tarn_slots_deinit(&compacting);
    tarn_slots_deinit(&stable);
}

static void slots_triple(size_t n)
{
    tarn_slots *s = hide(&stable);
    for (size_t i = 0; i < n; i++) {
        tarn_slot h = tarn_slots_alloc(s, NULL);
        hide(tarn_slots_resolve(s, h));
        (void)tarn_slots_free(s, h);
    }
}

static void slots_burst(size_t n)
{
    tarn_slot h[BURST];
    tarn_slots *s = hide(&stable);
    for (size_t round = 0; round < n / BURST; round++) {
        for (size_t i = 0; i < BURST; i++)
            h[i] = tarn_slots_alloc(s, NULL);
        hide(h);
        for (size_t i = 0; i < BURST; i++)
            hide(tarn_slots_resolve(s, h[i]));
        for (size_t i = 0; i < BURST; i++)
            (void)tarn_slots_free(s, h[i]);
    }
}

static void slots_of_burst(size_t n)
{
    tarn_slot h[BURST];
    tarn_slots *s = hide(&stable);
    object *o;
    for (size_t round = 0; round < n / BURST; round++) {
        for (size_t i = 0; i < BURST; i++)
            h[i] = object_alloc(s, &o);
        hide(h);
        for (size_t i = 0; i < BURST; i++)
            hide(object_resolve(s, h[i]));
        for (size_t i = 0; i < BURST; i++)
            (void)object_free(s, h[i]);
    }
}

static void slots_compact_resolve(size_t n)
{
    tarn_slots *s = hide(&compacting);
    tarn_slot h = tarn_slots_alloc(s, NULL);
    for (size_t i = 0; i < n; i++)
        hide(tarn_slots_resolve(s, h));
    (void)tarn_slots_free(s, h);
}

static const hot_probe SLOTS[] = {
    {"slots-triple", slots_triple},
    {"slots-burst", slots_burst},
    {"slots-of-burst", slots_of_burst},
    {"slots-compact-resolve", slots_compact_resolve},
};
HOT_ENTER(set_up, SLOTS, tear_down)
