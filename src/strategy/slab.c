/* SPDX-License-Identifier: MIT */
/*
 * slab.c - blocks of many small sizes: life cycle, the slow half of alloc and free, bulk.
 *
 *     tables    ┌──────┬─────────────────────────┬──────────────┬──────────────────────────────┐
 *               │ core │ classes, and one behind │ class_of[]   │ pointers at hand, by classes │
 *               └──────┴─────────────────────────┴──────────────┴──────────────────────────────┘
 *     a class   │ room for freed blocks │ blocks at hand       │
 *               full                    top ──► alloc pops     empty
 *
 * The pointers at hand are a stack that grows downwards, as a pool's are. slab_page.h has the pages and
 * the counting, slab_class.c the classes, slab_large.c what goes to the parent, slab_ops.c the view as an
 * allocator.
 *
 * I1  full <= top <= empty in every class. With `check`, and in the class behind the last, all three are
 *     equal: every alloc and free takes the slow way, and no release build pays a branch for it.
 * I2  After deinit `largest` is 0: whatever is called lands in a slow half, which looks at the flags
 *     first.
 * I3  A request's class depends on size and alignment alone, and every size from the one asked for to the
 *     one granted has the same: so sized free finds the class again without looking at the block.
 *
 * Bound: a block is at most `waste` percent, or 7 bytes, beyond its request; a page's rest is less than
 * a block; at hand are at most half a page of bytes, or 16 blocks, a class.
 *
 * Prior art: J. Bonwick, "The Slab Allocator", USENIX 1994 (pages of equal objects, given back when
 * empty); J. Bonwick and J. Adams, "Magazines and Vmem", USENIX 2001, section 3 (arrays of pointers
 * before them); D. Grunwald and B. Zorn, "CustoMalloc", Software: Practice and Experience 23, 1993 (classes
 * made to measure).
 */
#include "base/align.h"
#include "base/mem.h"
#include "base/thread_guard.h"
#include "strategy/slab_page.h"

enum {
    PAGE = 64 * 1024,
    SMALLEST_PAGE = 512,
    LARGEST_A_PAGE = 16, /* blocks of the largest class that a page is made for */
    FEWEST_AT_HAND = 16,
    MOST_AT_HAND = 64,
    IDLE_PAGES = 8
};

/* ── Refusals and faults ── */

void *tarn_slab_refuse(tarn_slab *slab, tarn_status status, size_t size, tarn_spec spec,
                       size_t limit)
{
    slab->failures++;
    slab->why = (tarn_why){status, size, tarn_spec_align(spec), limit};
    return NULL;
}

void tarn_slab_fault(const tarn_slab *slab, tarn_fault_kind kind, const void *block, size_t given,
                     size_t expected)
{
    tarn_fault_report(kind, "slab", slab->name, block, given, expected);
}

bool tarn_slab_barred(tarn_slab *slab, const void *block)
{
    if ((slab->flags & TARN_SLAB_DEAD) != 0) {
        tarn_slab_fault(slab, TARN_FAULT_USE_AFTER_DEINIT, block, 0, 0);
        return true;
    }
    if ((slab->flags & TARN_SLAB_CHECK) == 0 || tarn_thread_owns(&slab->owner))
        return false;
    tarn_slab_fault(slab, TARN_FAULT_WRONG_THREAD, block, 0, 0);
    return true;
}

/* ── Blocks out ── */

/* One block of a class that has none at hand; NULL with the reason recorded. */
static void *take_one(tarn_slab *slab, tarn_slab_class *c, size_t size, tarn_spec spec)
{
    tarn_status status = TARN_OK;
    size_t want = (size_t)(c->empty - c->full) / 2;
    void *one = NULL, **base = want != 0 ? c->empty - want : &one;
    size_t n = tarn_slab_take(slab, c, want != 0 ? want : 1, base, &status);
    if (n == 0)
        return tarn_slab_refuse(
            slab, status, size, spec,
            status == TARN_LIMIT ? slab->core->page_limit * slab->core->page_size : 0);
    if (want == 0)
        return one;
    if (n < want)
        memmove(c->empty - n, base, n * sizeof *base);
    c->top = c->empty - n + 1;
    return c->top[-1];
}

void *tarn_slab_alloc_slow(tarn_slab *slab, size_t size, tarn_spec spec)
{
    if (tarn_slab_barred(slab, NULL))
        return NULL;
    unsigned k = tarn_slab_pick(slab, size, spec & TARN_ALIGN_BITS);
    if (k == TARN_SLAB_NO_CLASS)
        return tarn_slab_large_alloc(slab, size, spec, false).ptr;
    tarn_slab_class *c = &slab->classes[k];
    void *block = c->top != c->empty ? *c->top++ : take_one(slab, c, size, spec);
    if (block != NULL && (spec & TARN_ZERO) != 0)
        memset(block, 0, c->size);
    return block;
}

size_t tarn_slab_alloc_batch(tarn_slab *slab, size_t size, tarn_spec spec, size_t count, void **out)
{
    const tarn_slab_class *c = tarn_slab_class_for(slab, size, spec);
    size_t done = 0;
    while (done < count) {
        size_t left = count - done, have = c != NULL ? (size_t)(c->empty - c->top) : 0;
        size_t n = left < have ? left : have;
        if (n > 0) {
            memcpy(out + done, c->top, n * sizeof *out);
            slab->classes[c->number].top += n;
        } else {
            out[done] = tarn_slab_alloc_slow(slab, size, spec);
            n = out[done] != NULL;
            if (n == 0)
                break;
        }
        done += n;
    }
    return done;
}

/* ── Blocks back ── */

/* The older half: those that would be handed out last. */
static void flush_older(tarn_slab *slab, tarn_slab_class *c)
{
    size_t slots = (size_t)(c->empty - c->full), half = slots / 2;
    tarn_slab_give(slab, c, c->empty - half, half, false);
    memmove(c->full + half, c->full, (slots - half) * sizeof *c->full);
    c->top = c->full + half;
}

/* A block of the class, or so the program says. */
static void give_back(tarn_slab *slab, tarn_slab_class *c, void *block)
{
    if ((slab->flags & TARN_SLAB_CHECK) != 0) {
        tarn_slab_give(slab, c, &block, 1, true);
        return;
    }
    if (c->top == c->full)
        flush_older(slab, c);
    *--c->top = block;
}

/* With `check`: is this what the slab knows of the block? The fault is reported when not. */
static bool agrees(const tarn_slab *slab, const tarn_slab_page *p, const void *block, size_t size,
                   tarn_spec spec)
{
    unsigned k = tarn_slab_pick(slab, size, spec & TARN_ALIGN_BITS);
    if (p->number == TARN_SLAB_NO_CLASS || k == p->number)
        return true;
    const tarn_slab_class *c = &slab->classes[p->number];
    if (c->shift < (spec & TARN_ALIGN_BITS))
        tarn_slab_fault(slab, TARN_FAULT_WRONG_ALIGN, block, tarn_spec_align(spec),
                        (size_t)1 << c->shift);
    else
        tarn_slab_fault(slab, TARN_FAULT_WRONG_SIZE, block, size, c->size);
    return false;
}

bool tarn_slab_sound(tarn_slab *slab, const void *block, size_t size, tarn_spec spec)
{
    const tarn_slab_page *p = tarn_slab_page_at(slab, block, true);
    if (p == NULL)
        return tarn_slab_large_sound(slab, block, size, spec);
    return tarn_slab_is_live(slab, p, block) && (size == 0 || agrees(slab, p, block, size, spec));
}

void tarn_slab_free_slow(tarn_slab *slab, void *block, size_t size, tarn_spec spec)
{
    if (block == NULL || tarn_slab_barred(slab, block))
        return;
    bool look = size == 0 || (slab->flags & TARN_SLAB_CHECK) != 0;
    const tarn_slab_page *p = look ? tarn_slab_page_at(slab, block, true) : NULL;
    unsigned k = TARN_SLAB_NO_CLASS;
    if (!look) {
        k = tarn_slab_pick(slab, size, spec & TARN_ALIGN_BITS);
    } else if (p != NULL) {
        if (size != 0 && !agrees(slab, p, block, size, spec))
            return;
        k = p->number != TARN_SLAB_NO_CLASS ? p->number : 0; /* of an idle page: a fault */
    }
    if (k != TARN_SLAB_NO_CLASS)
        give_back(slab, &slab->classes[k], block);
    else
        tarn_slab_large_free(slab, block, size, spec);
}

void tarn_slab_free_batch(tarn_slab *slab, size_t size, tarn_spec spec, size_t count,
                          void *const *blocks)
{
    const tarn_slab_class *c = tarn_slab_class_for(slab, size, spec);
    while (count > 0) {
        size_t room = c != NULL ? (size_t)(c->top - c->full) : 0, n = count < room ? count : room;
        if (n ==
            0) { /* full, checking, large or dead: free_slow makes room where there can be any */
            tarn_slab_free_slow(slab, *blocks, size, spec);
            n = 1;
        } else {
            slab->classes[c->number].top -= n;
            memcpy(c->top, blocks, n * sizeof *blocks);
        }
        blocks += n;
        count -= n;
    }
}

/* ── Life cycle ── */

/* Where pages, large blocks and what the slab knows come from. */
static tarn_status choose_sources(tarn_slab *slab, const tarn_slab_options *o)
{
    if (o->source != NULL && o->buffer != NULL)
        return TARN_BAD_ARGUMENT;
    if (o->buffer != NULL)
        slab->source = tarn_buffer_init(&slab->own_buffer, o->buffer, o->buffer_size);
    else if (o->source != NULL)
        slab->source = o->source;
    else
        slab->source = tarn_source_pick(NULL, o->parent, &slab->own_source);
    if (slab->source == NULL)
        return TARN_BAD_ARGUMENT;
    slab->metasource = slab->source;
    if (o->metadata != NULL)
        slab->metasource = tarn_parent_init(&slab->own_metasource, o->metadata);
    if (!o->refuse_large)
        slab->parent = o->parent != NULL ? o->parent : slab->own_source.allocator;
    return TARN_OK;
}

/* Bytes of a page; 0 when what the options say makes no sense. */
static size_t choose_page(const tarn_slab *slab, const tarn_slab_options *o, size_t largest,
                          size_t classes)
{
    size_t size = o->page_size, least = largest * 2 + sizeof(tarn_slab_page);
    if (size != 0)
        return tarn_is_power_of_two(size) && size >= 64 && size <= UINT32_MAX / 2 ? size : 0;
    for (size = PAGE; size < largest * LARGEST_A_PAGE || size < slab->source->granule;)
        size *= 2;
    if (o->buffer != NULL) {
        while (size > SMALLEST_PAGE && size / 2 >= least && size * 2 * classes > o->buffer_size)
            size /= 2;
    }
    return size;
}

static size_t slots_of(size_t page_size, size_t size)
{
    size_t n = page_size / 2 / size;
    return n < FEWEST_AT_HAND ? FEWEST_AT_HAND : n < MOST_AT_HAND ? n : MOST_AT_HAND;
}

/* The tables' parts, in order. */
typedef struct layout {
    size_t classes, class_of, slots, map, bytes; /* offsets; bytes in all */
    size_t map_size;                             /* entries; 0: grows from small_map */
} layout;

static layout lay_out(const size_t *sizes, size_t count, size_t page_size,
                      const tarn_slab_options *o)
{
    layout t = {.classes = (sizeof(tarn_slab_core) + 63) & ~(size_t)63};
    size_t slots = 0;
    for (size_t k = 0; k < count; k++)
        slots += slots_of(page_size, sizes[k]);
    t.slots = t.classes + (count + 1) * sizeof(tarn_slab_class);
    t.map = t.slots + slots * sizeof(void *);
    t.map = (t.map + 7) & ~(size_t)7;
    if (o->buffer != NULL) { /* all that the buffer can ever have: its table never moves */
        for (t.map_size = TARN_SLAB_SMALL_MAP; t.map_size < o->buffer_size / page_size * 2 + 2;)
            t.map_size *= 2;
    }
    t.class_of = t.map + t.map_size * sizeof(tarn_address_entry);
    t.bytes = t.class_of + tarn_slab_table_size(sizes[count - 1]);
    return t;
}

static void set_core(tarn_slab_core *core, const tarn_slab_options *o, size_t page_size)
{
    *core = (tarn_slab_core){.page_size = page_size,
                             .page_mask = ~(uintptr_t)(page_size - 1),
                             .low = UINTPTR_MAX,
                             .page_limit = o->limit != 0 ? o->limit / page_size : SIZE_MAX,
                             .idle_keep = o->idle_pages != 0 ? o->idle_pages : IDLE_PAGES,
                             .metadata = o->metadata,
                             .stay = o->buffer != NULL};
    tarn_address_map_init(&core->page_map, core->small_map, TARN_SLAB_SMALL_MAP);
}

static void set_classes(tarn_slab *slab, const size_t *sizes, void **slots)
{
    bool check = (slab->flags & TARN_SLAB_CHECK) != 0;
    for (uint32_t k = 0; k < slab->class_count; k++) {
        size_t room = slots_of(slab->core->page_size, sizes[k]);
        slab->classes[k] = (tarn_slab_class){.full = slots,
                                             .top = slots + (check ? 0 : room),
                                             .empty = slots + (check ? 0 : room),
                                             .number = k};
        tarn_slab_set_size(&slab->classes[k], sizes[k]);
        slots += room;
    }
    slab->classes[slab->class_count] = (tarn_slab_class){.number = slab->class_count};
}

/* Tables from the source, and everything in them. */
static tarn_status set_tables(tarn_slab *slab, const tarn_slab_options *o, const size_t *sizes,
                              size_t page_size)
{
    layout t = lay_out(sizes, slab->class_count, page_size, o);
    tarn_region region;
    size_t first;
    tarn_status status = tarn_source_map(slab->metasource, t.bytes, 64, 0, &region);
    if (status != TARN_OK)
        return o->buffer != NULL ? TARN_LIMIT : status;
    char *base = region.ptr;
    slab->core = (tarn_slab_core *)(void *)base;
    slab->classes = (tarn_slab_class *)(void *)(base + t.classes);
    set_core(slab->core, o, page_size);
    slab->core->tables = region;
    slab->core->held = region.size;
    set_classes(slab, sizes, (void **)(void *)(base + t.slots));
    if (t.map_size != 0)
        tarn_address_map_init(&slab->core->page_map, (void *)(base + t.map), t.map_size);
    tarn_slab_tabulate((uint8_t *)(base + t.class_of), slab->classes, slab->class_count);
    slab->class_of = (uint8_t *)(base + t.class_of);
    slab->largest = sizes[slab->class_count - 1];
    if (tarn_slab_fit(slab, &slab->classes[slab->class_count - 1], &first) == 0)
        return TARN_BAD_ARGUMENT;
    if (o->buffer != NULL) { /* a page must fit behind the tables; nothing keeps it yet */
        if (tarn_source_map(slab->source, page_size, page_size, 0, &region) != TARN_OK)
            return TARN_LIMIT;
        tarn_source_unmap(slab->source, region.ptr, region.size, page_size);
    }
    return TARN_OK;
}

tarn_status tarn_slab_init(tarn_slab *slab, const tarn_slab_options *o)
{
    size_t sizes[TARN_SLAB_CLASSES];
    *slab = (tarn_slab){.allocator = {&tarn_slab_ops},
                        .name = o->name != NULL ? o->name : "slab",
                        .flags = o->check || TARN_CHECKED ? TARN_SLAB_CHECK : 0};
    size_t count = tarn_slab_sizes(o, sizes, &slab->why);
    if (count == 0)
        return slab->why.status;
    slab->class_count = (uint32_t)count;
    tarn_status status = choose_sources(slab, o);
    slab->why = (tarn_why){status, 0, 1, 0};
    if (status != TARN_OK)
        return status;
    size_t page_size = choose_page(slab, o, sizes[count - 1], count);
    slab->why = (tarn_why){TARN_BAD_ARGUMENT, page_size, 1, sizes[count - 1]};
    if (page_size == 0 || (o->limit != 0 && o->limit < page_size))
        return TARN_BAD_ARGUMENT;
    status = set_tables(slab, o, sizes, page_size);
    slab->why = (tarn_why){status, page_size, page_size, sizes[count - 1]};
    if (status == TARN_OK)
        slab->why = (tarn_why){TARN_OK, 0, 0, 0};
    else if (slab->core != NULL) {
        tarn_region tables = slab->core->tables;
        slab->core = NULL;
        tarn_source_unmap(slab->metasource, tables.ptr, tables.size, 64);
    }
    return status;
}

void tarn_slab_deinit(tarn_slab *slab)
{
    tarn_slab_core *core = slab->core;
    if ((slab->flags & TARN_SLAB_DEAD) != 0) {
        tarn_slab_fault(slab, TARN_FAULT_USE_AFTER_DEINIT, NULL, 0, 0);
        return;
    }
    tarn_slab_flush(slab); /* what was freed twice is noticed now or never */
    tarn_slab_forget(slab);
    tarn_slab_large_deinit(slab);
    core->stay = false;
    (void)tarn_slab_release(slab, 0);
    tarn_region map = core->page_map_region, tables = core->tables;
    if (map.ptr != NULL)
        tarn_source_unmap(slab->metasource, map.ptr, map.size, _Alignof(tarn_address_entry));
    tarn_source_unmap(slab->metasource, tables.ptr, tables.size, 64);
    slab->flags |= TARN_SLAB_DEAD;
    slab->core = NULL;
    slab->classes = NULL;
    slab->class_of = NULL;
    slab->class_count = 0;
    slab->largest = 0;
}

tarn_slab *tarn_slab_create(const tarn_slab_options *options, tarn_status *status)
{
    tarn_parent_source own;
    tarn_source *source = options->metadata != NULL ? tarn_parent_init(&own, options->metadata)
                          : options->source != NULL ? options->source
                                                    : tarn_source_pick(NULL, options->parent, &own);
    tarn_region home = {NULL, 0, 0};
    tarn_status why = options->buffer != NULL || source == NULL ? TARN_BAD_ARGUMENT : TARN_OK;
    if (why == TARN_OK)
        why = tarn_source_map(source, sizeof(tarn_slab), _Alignof(tarn_slab), 0, &home);
    tarn_slab *slab = home.ptr;
    if (why == TARN_OK) {
        why = tarn_slab_init(slab, options);
        slab->home = home;
        if (why == TARN_OK)
            slab->core->held += home.size;
        else
            tarn_source_unmap(source, home.ptr, home.size, _Alignof(tarn_slab));
    }
    if (status != NULL)
        *status = why;
    return why == TARN_OK ? slab : NULL;
}

void tarn_slab_destroy(tarn_slab *slab)
{
    if (slab == NULL)
        return;
    tarn_region home = slab->home;
    tarn_source *source = slab->metasource;
    tarn_parent_source own; /* the slab's own is about to go */
    if (source == &slab->own_metasource.source)
        source = tarn_parent_init(&own, slab->own_metasource.allocator);
    else if (source == &slab->own_source.source)
        source = tarn_parent_init(&own, slab->own_source.allocator);
    tarn_slab_deinit(slab);
    tarn_source_unmap(source, home.ptr, home.size, _Alignof(tarn_slab));
}
