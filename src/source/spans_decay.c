/* SPDX-License-Identifier: MIT */
/*
 * spans_decay.c - how much idle memory may be kept, by its age.
 *
 * Source: the decay of jemalloc 5, described in its manual under opt.dirty_decay_ms; a sum over
 * steps as there, with the curve computed instead of tabled, and what is used again taken off.
 *
 * I1  became_idle[STEPS - 1 - n] is of the step that ended n steps ago, n = 0 of the current one.
 */
#include "source/spans_decay.h"

#include <string.h>

enum { STEPS = sizeof(((tarn_span_decay *)0)->became_idle) / sizeof(size_t) };

void tarn_decay_init(tarn_span_decay *d, uint32_t decay_ms, uint64_t now)
{
    memset(d, 0, sizeof *d);
    d->since = now;
    d->step = ((uint64_t)decay_ms + STEPS - 1) / STEPS;
    if (d->step == 0)
        d->step = 1;
}

bool tarn_decay_advance(tarn_span_decay *d, uint64_t now)
{
    uint64_t ended;
    size_t moved;
    if (d->step == 0) /* nothing ages */
        return false;
    if (now < d->since)
        d->since = now;
    ended = (now - d->since) / d->step;
    if (ended == 0)
        return false;
    moved = ended < STEPS ? (size_t)ended : STEPS;
    d->since += ended * d->step;
    memmove(d->became_idle, d->became_idle + moved, (STEPS - moved) * sizeof(size_t));
    memset(d->became_idle + STEPS - moved, 0, moved * sizeof(size_t));
    return true;
}

void tarn_decay_add(tarn_span_decay *d, size_t amount)
{
    d->became_idle[STEPS - 1] += amount;
}

void tarn_decay_take(tarn_span_decay *d, size_t amount)
{
    for (size_t i = STEPS; i-- > 0 && amount != 0;) {
        size_t part = d->became_idle[i] < amount ? d->became_idle[i] : amount;
        d->became_idle[i] -= part;
        amount -= part;
    }
}

void tarn_decay_clear(tarn_span_decay *d)
{
    memset(d->became_idle, 0, sizeof d->became_idle);
}

/* 1 - 3x² + 2x³, times STEPS³, of x = age / STEPS. */
static uint64_t curve(uint64_t age)
{
    const uint64_t n = STEPS;
    return n * n * n - 3 * n * age * age + 2 * age * age * age;
}

size_t tarn_decay_limit(const tarn_span_decay *d)
{
    const uint64_t whole = curve(0);
    uint64_t sum = 0;
    for (size_t i = 0; i < STEPS; i++)
        sum += d->became_idle[i] * curve(STEPS - 1 - i);
    return (size_t)((sum + whole - 1) / whole);
}
