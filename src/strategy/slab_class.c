/* SPDX-License-Identifier: MIT */
/*
 * slab_class.c - which sizes a slab's blocks have, and which of them serves a request.
 *
 *     request  1…8  9…16  …  121…128  129…144  145…160 …
 *     class     8    16   …    128      144      160           with 12 percent
 *
 * A class c follows on a class b when the worst request between them, b + 1, wastes at most the given
 * part of c; of the candidates the one is taken that is a multiple of the largest power of two, since
 * that is its blocks' alignment. Where this leaves no candidate, c = b + 8.
 *
 * The table has a byte for each multiple of 8 and for each of two alignments: up to 8, which every
 * class has, and 16, which is what malloc's callers expect. Larger ones walk upwards from there.
 */
#include "base/align.h"
#include "base/exact.h"
#include "strategy/slab_page.h"

enum { DEFAULT_LARGEST = 4096, MOST = 256 * 1024, DEFAULT_WASTE = 12, MOST_WASTE = 90 };

static size_t next_class(size_t size, size_t largest, unsigned waste)
{
    size_t most = (size + 1) * 100 / (100 - waste);
    if (most > largest)
        most = largest;
    if (most < size + 8)
        return size + 8;
    size_t step = 8;
    while (step * 2 <= most - size)
        step *= 2;
    size_t next = tarn_align_down(most, step);
    return next > size ? next : tarn_align_down(most, step / 2);
}

static size_t refuse(tarn_why *why, tarn_status status, size_t size, size_t align, size_t limit)
{
    *why = (tarn_why){status, size, align, limit};
    return 0;
}

/* The classes of a list. */
static size_t listed(const tarn_slab_options *o, size_t out[TARN_SLAB_CLASSES], tarn_why *why)
{
    if (o->smallest != 0 || o->largest != 0 || o->waste != 0 || o->size_count == 0)
        return refuse(why, TARN_BAD_ARGUMENT, 0, 1, o->size_count);
    if (o->size_count > TARN_SLAB_CLASSES)
        return refuse(why, TARN_TOO_BIG, 0, 1, TARN_SLAB_CLASSES);
    for (size_t i = 0; i < o->size_count; i++) {
        size_t size = o->sizes[i];
        if (size > MOST)
            return refuse(why, TARN_TOO_BIG, size, 1, MOST);
        if (size % 8 != 0)
            return refuse(why, TARN_BAD_ALIGN, size, 8, 0);
        if (size <= (i != 0 ? out[i - 1] : 0))
            return refuse(why, TARN_BAD_ARGUMENT, size, 1, i != 0 ? out[i - 1] : 0);
        out[i] = size;
    }
    return o->size_count;
}

size_t tarn_slab_sizes(const tarn_slab_options *o, size_t out[TARN_SLAB_CLASSES], tarn_why *why)
{
    size_t size = o->smallest != 0 ? o->smallest : 8;
    size_t largest = o->largest != 0 ? o->largest : DEFAULT_LARGEST, n = 0;
    unsigned waste = o->waste != 0 ? o->waste : DEFAULT_WASTE;
    if (o->sizes != NULL)
        return listed(o, out, why);
    if (size % 8 != 0 || largest % 8 != 0)
        return refuse(why, TARN_BAD_ALIGN, size % 8 != 0 ? size : largest, 8, 0);
    if (size > largest || waste > MOST_WASTE)
        return refuse(why, TARN_BAD_ARGUMENT, size, 1, size > largest ? largest : MOST_WASTE);
    if (largest > MOST)
        return refuse(why, TARN_TOO_BIG, largest, 1, MOST);
    for (out[n++] = size; size < largest; out[n++] = size) {
        if (n == TARN_SLAB_CLASSES)
            return refuse(why, TARN_TOO_BIG, largest, 1, TARN_SLAB_CLASSES);
        size = next_class(size, largest, waste);
    }
    return n;
}

size_t tarn_slab_classes(const tarn_slab_options *options, size_t *out, size_t room)
{
    size_t sizes[TARN_SLAB_CLASSES];
    tarn_why why;
    size_t n = tarn_slab_sizes(options, sizes, &why);
    for (size_t i = 0; i < n && i < room; i++)
        out[i] = sizes[i];
    return n;
}

void tarn_slab_set_size(tarn_slab_class *c, size_t size)
{
    tarn_exact e = tarn_exact_by(size);
    c->size = size;
    c->inverse = e.inverse;
    c->shift = e.shift;
}

void tarn_slab_tabulate(uint8_t *table, const tarn_slab_class *classes, size_t count)
{
    size_t k = 0, aligned = 0;
    for (size_t unit = 0; unit <= classes[count - 1].size / 8; unit++) {
        while (classes[k].size < unit * 8)
            k++;
        while (aligned < count && (classes[aligned].size < unit * 8 || classes[aligned].shift < 4))
            aligned++;
        table[unit * 2] = (uint8_t)k;
        table[unit * 2 + 1] = (uint8_t)aligned; /* count: the class that never has a block */
    }
}

unsigned tarn_slab_pick(const tarn_slab *slab, size_t size, unsigned log2_align)
{
    if (size > slab->largest)
        return TARN_SLAB_NO_CLASS;
    unsigned k = slab->class_of[(size + 7) / 8 * 2 + (log2_align > 3)];
    while (k < slab->class_count && slab->classes[k].shift < log2_align)
        k++;
    return k < slab->class_count ? k : TARN_SLAB_NO_CLASS;
}
