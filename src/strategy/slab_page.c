/* SPDX-License-Identifier: MIT */
/*
 * slab_page.c - pages: where blocks are carved, taken and given back; how pages come, change their class
 * and go. See slab_page.h for the picture and the counting.
 *
 * Which free block is taken: the lowest of a page in the fullest quarter that has one, so that the
 * emptier pages get the chance to become empty (F. Schmidt's "fullest first"; SLUB and mimalloc sort
 * less, jemalloc by address). A new block is carved only when the class has no free one; a page comes
 * from the idle ones first; and before the source's refusal is passed on, the blocks at hand of all
 * classes go into their pages, which may make one idle.
 */
#include "strategy/slab_page.h"
#include "base/align.h"
#include "base/exact.h"

/* ── How many blocks ── */

size_t tarn_slab_fit(const tarn_slab *slab, const tarn_slab_class *c, size_t *first)
{
    size_t room = slab->core->page_size, align = (size_t)1 << c->shift, n = room / c->size;
    *first = 0;
    if (slab->core->metadata != NULL)
        return n;
    if (room <= sizeof(tarn_slab_page))
        return 0;
    /* A bit a block, and a little for the summaries: no more than this many, and hardly less. */
    n = (size_t)((uint64_t)(room - sizeof(tarn_slab_page)) * 8 / (c->size * 8 + 1));
    for (;; n--) {
        size_t before = sizeof(tarn_slab_page) + tarn_bitmap_words(n) * sizeof(uint64_t);
        *first = tarn_align_down(before + align - 1, align);
        if (n == 0 || (*first < room && (room - *first) / c->size >= n))
            return n;
    }
}

/* ── The lists ── */

static void quarter_remove(tarn_slab_class *c, tarn_slab_page *p)
{
    if (p->list == TARN_SLAB_NO_LIST)
        return;
    if (p->prev != NULL)
        p->prev->next = p->next;
    else
        c->partial[p->list] = p->next;
    if (p->next != NULL)
        p->next->prev = p->prev;
    p->list = TARN_SLAB_NO_LIST;
}

/* Into the list that its free blocks ask for. */
static void quarter_choose(tarn_slab_class *c, tarn_slab_page *p)
{
    uint32_t list = p->free == 0 ? (uint32_t)TARN_SLAB_NO_LIST : (p->free - 1) / p->quarter;
    if (list == p->list)
        return;
    quarter_remove(c, p);
    if (list == TARN_SLAB_NO_LIST)
        return;
    p->list = list;
    p->prev = NULL;
    p->next = c->partial[list];
    if (p->next != NULL)
        p->next->prev = p;
    c->partial[list] = p;
}

static void idle_add(tarn_slab_core *core, tarn_slab_page *p)
{
    p->number = TARN_SLAB_NO_CLASS;
    p->carved = p->free = 0;
    p->prev = NULL;
    p->next = core->idle_first;
    if (p->next != NULL)
        p->next->prev = p;
    else
        core->idle_last = p;
    core->idle_first = p;
    core->idle_count++;
}

static void idle_remove(tarn_slab_core *core, tarn_slab_page *p)
{
    if (p->prev != NULL)
        p->prev->next = p->next;
    else
        core->idle_first = p->next;
    if (p->next != NULL)
        p->next->prev = p->prev;
    else
        core->idle_last = p->prev;
    core->idle_count--;
}

/* A page of a class, whose blocks are all free, becomes idle. */
static void retire(tarn_slab *slab, tarn_slab_page *p)
{
    tarn_slab_class *c = &slab->classes[p->number];
    quarter_remove(c, p);
    if (c->carving == p)
        c->carving = NULL;
    c->carved -= p->carved;
    c->free -= p->free;
    c->pages--;
    idle_add(slab->core, p);
}

/* ── Pages come and go ── */

static bool enlarge_map(tarn_slab *slab)
{
    tarn_slab_core *core = slab->core;
    tarn_region fresh, old = core->page_map_region;
    size_t size = core->page_map.size * 4;
    if (tarn_source_map(slab->metasource, size * sizeof(tarn_address_entry),
                        _Alignof(tarn_address_entry), 0, &fresh) != TARN_OK)
        return false;
    tarn_address_map_move(&core->page_map, fresh.ptr, size);
    core->page_map_region = fresh;
    core->held += fresh.size - old.size;
    if (old.ptr != NULL)
        tarn_source_unmap(slab->metasource, old.ptr, old.size, _Alignof(tarn_address_entry));
    return true;
}

/* The struct of a page, in it or outside; NULL when there was no memory for it. */
static tarn_slab_page *page_struct(tarn_slab *slab, const tarn_region *region)
{
    tarn_slab_page *p = region->ptr;
    if (slab->core->metadata != NULL) {
        p = tarn_alloc(slab->core->metadata, sizeof *p, TARN_SPEC_OF(tarn_slab_page));
        if (p == NULL)
            return NULL;
        slab->core->held += sizeof *p;
    }
    *p = (tarn_slab_page){.slab = slab,
                          .base = region->ptr,
                          .region_size = region->size,
                          .number = TARN_SLAB_NO_CLASS,
                          .list = TARN_SLAB_NO_LIST};
    if (slab->core->metadata == NULL)
        p->words = (uint64_t *)(void *)(p + 1);
    return p;
}

/* An idle page from the source; false with the reason. */
static bool grow(tarn_slab *slab, tarn_status *status)
{
    tarn_slab_core *core = slab->core;
    tarn_region region;
    *status = TARN_LIMIT;
    if (core->page_count >= core->page_limit)
        return false;
    *status = TARN_NO_MEMORY;
    if (tarn_address_map_full(&core->page_map) && !enlarge_map(slab))
        return false;
    *status = tarn_source_map(slab->source, core->page_size, core->page_size, 0, &region);
    if (*status != TARN_OK)
        return false;
    tarn_slab_page *p = page_struct(slab, &region);
    if (p == NULL) {
        tarn_source_unmap(slab->source, region.ptr, region.size, core->page_size);
        *status = TARN_NO_MEMORY;
        return false;
    }
    tarn_address_map_add(&core->page_map, (uintptr_t)p->base, (uintptr_t)p);
    p->all_next = core->pages;
    if (p->all_next != NULL)
        p->all_next->all_prev = p;
    core->pages = p;
    core->page_count++;
    core->held += region.size;
    if ((uintptr_t)p->base < core->low)
        core->low = (uintptr_t)p->base;
    if ((uintptr_t)p->base + core->page_size > core->high)
        core->high = (uintptr_t)p->base + core->page_size;
    idle_add(core, p);
    return true;
}

static void drop(tarn_slab *slab, tarn_slab_page *p)
{
    tarn_slab_core *core = slab->core;
    void *base = p->base;
    size_t size = p->region_size;
    idle_remove(core, p);
    if (p->all_prev != NULL)
        p->all_prev->all_next = p->all_next;
    else
        core->pages = p->all_next;
    if (p->all_next != NULL)
        p->all_next->all_prev = p->all_prev;
    core->page_count--;
    core->held -= size;
    tarn_address_map_remove(&core->page_map,
                            tarn_address_map_find(&core->page_map, (uintptr_t)base));
    if (core->metadata != NULL) {
        core->held -= sizeof *p + p->words_room * sizeof(uint64_t);
        tarn_free(core->metadata, p->words, p->words_room * sizeof(uint64_t),
                  TARN_SPEC_OF(uint64_t));
        tarn_free(core->metadata, p, sizeof *p, TARN_SPEC_OF(tarn_slab_page));
    }
    tarn_source_unmap(slab->source, base, size, core->page_size);
}

size_t tarn_slab_release(tarn_slab *slab, size_t keep)
{
    tarn_slab_core *core = slab->core;
    size_t before = core->held;
    while (core->idle_count > keep && !core->stay && !core->visiting)
        drop(slab, core->idle_last);
    return before - core->held;
}

/* Room for the bitmap of `capacity` blocks, where it is not in the page. */
static bool words_for(tarn_slab *slab, tarn_slab_page *p, size_t capacity)
{
    tarn_slab_core *core = slab->core;
    size_t words = tarn_bitmap_words(capacity);
    if (core->metadata == NULL || words <= p->words_room)
        return true;
    uint64_t *fresh = tarn_alloc(core->metadata, words * sizeof *fresh, TARN_SPEC_OF(uint64_t));
    if (fresh == NULL)
        return false;
    tarn_free(core->metadata, p->words, p->words_room * sizeof *fresh, TARN_SPEC_OF(uint64_t));
    core->held += (words - p->words_room) * sizeof *fresh;
    p->words = fresh;
    p->words_room = words;
    return true;
}

/* An idle page becomes one of the class; NULL with the reason. */
static tarn_slab_page *assign(tarn_slab *slab, tarn_slab_class *c, tarn_status *status)
{
    tarn_slab_core *core = slab->core;
    size_t first, capacity = tarn_slab_fit(slab, c, &first);
    if (core->idle_first == NULL && !grow(slab, status)) {
        tarn_slab_flush(slab);
        if (core->idle_first == NULL)
            return NULL;
    }
    tarn_slab_page *p = core->idle_first;
    if (!words_for(slab, p, capacity)) {
        *status = TARN_NO_MEMORY;
        return NULL;
    }
    idle_remove(core, p);
    p->number = c->number;
    p->blocks = p->base + first;
    p->capacity = (uint32_t)capacity;
    p->quarter = (uint32_t)(capacity + 3) / 4;
    tarn_bitmap_init(&p->map, p->words, capacity);
    c->carving = p;
    c->pages++;
    return p;
}

/* ── Blocks out ── */

/* Up to `want` free blocks of one page, in address order. */
static size_t take_free(tarn_slab_class *c, tarn_slab_page *p, size_t want, void **out)
{
    size_t n = 0, w = 0, size = c->size;
    while (n < want && (w = tarn_bitmap_next(&p->map, w)) != TARN_BITMAP_NONE) {
        uint64_t bits = p->map.level[0][w];
        char *base = p->blocks + w * 64 * size;
        do {
            out[n++] = base + (size_t)__builtin_ctzll(bits) * size;
            bits &= bits - 1;
        } while (bits != 0 && n < want);
        tarn_bitmap_put(&p->map, w, bits);
    }
    p->free -= (uint32_t)n;
    c->free -= n;
    quarter_choose(c, p);
    return n;
}

/* Up to `want` blocks that were never handed out. */
static size_t carve(tarn_slab_class *c, tarn_slab_page *p, size_t want, void **out)
{
    size_t left = p->capacity - p->carved, n = want < left ? want : left;
    char *at = p->blocks + p->carved * c->size;
    for (size_t i = 0; i < n; i++, at += c->size)
        out[i] = at;
    p->carved += (uint32_t)n;
    c->carved += n;
    while (p->map.opened * 64 < p->carved)
        tarn_bitmap_open(&p->map);
    return n;
}

static tarn_slab_page *fullest(const tarn_slab_class *c)
{
    unsigned q = 0;
    while (c->partial[q] == NULL)
        q++;
    return c->partial[q];
}

size_t tarn_slab_take(tarn_slab *slab, tarn_slab_class *c, size_t want, void **out,
                      tarn_status *status)
{
    size_t n = 0;
    while (n < want && c->free > 0)
        n += take_free(c, fullest(c), want - n, out + n);
    if (n > 0)
        return n; /* reuse before growing: new blocks only when nothing was free */
    tarn_slab_page *p = c->carving;
    if (p == NULL || p->carved == p->capacity)
        p = assign(slab, c, status);
    return p != NULL ? carve(c, p, want, out) : 0;
}

/* ── Blocks back ── */

tarn_slab_page *tarn_slab_page_at(const tarn_slab *slab, const void *block, bool surely)
{
    const tarn_slab_core *core = slab->core;
    uintptr_t at = (uintptr_t)block, base = at & core->page_mask;
    if (at < core->low || at >= core->high)
        return NULL;
    if (core->metadata == NULL && !surely) {
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): a page lies at a multiple of its size */
        tarn_slab_page *p = (tarn_slab_page *)base;
        return p->slab == slab ? p : NULL;
    }
    const tarn_address_entry *e = tarn_address_map_find(&core->page_map, base);
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): as it was put there */
    return e != NULL ? (tarn_slab_page *)(uintptr_t)e->value : NULL;
}

tarn_slab_place tarn_slab_locate(const tarn_slab *slab, const tarn_slab_page *p, const void *block,
                                 size_t *i)
{
    if (p->number == TARN_SLAB_NO_CLASS)
        return TARN_SLAB_FOREIGN;
    const tarn_slab_class *c = &slab->classes[p->number];
    size_t offset = (uintptr_t)block - (uintptr_t)p->blocks;
    *i = tarn_exact_divide(offset, c->inverse, c->shift);
    if (*i < p->carved)
        return TARN_SLAB_CARVED;
    return offset < p->carved * c->size ? TARN_SLAB_INSIDE : TARN_SLAB_FOREIGN;
}

static void misuse(tarn_slab *slab, const tarn_slab_class *c, const tarn_slab_page *p,
                   const void *block)
{
    static const tarn_fault_kind OF_PLACE[] = {
        [TARN_SLAB_CARVED] = TARN_FAULT_DOUBLE_FREE,
        [TARN_SLAB_INSIDE] = TARN_FAULT_INTERIOR_POINTER,
        [TARN_SLAB_FOREIGN] = TARN_FAULT_FOREIGN_POINTER,
    };
    size_t i = 0;
    tarn_slab_place place = p != NULL ? tarn_slab_locate(slab, p, block, &i) : TARN_SLAB_FOREIGN;
    if (p != NULL && p->number == TARN_SLAB_NO_CLASS)
        tarn_slab_fault(slab, TARN_FAULT_DOUBLE_FREE, block, 0, 0); /* the page is empty */
    else if (place == TARN_SLAB_CARVED && p->number != c->number)
        tarn_slab_fault(slab, TARN_FAULT_WRONG_SIZE, block, c->size, slab->classes[p->number].size);
    else
        tarn_slab_fault(slab, OF_PLACE[place], block, 0, 0);
}

bool tarn_slab_is_live(tarn_slab *slab, const tarn_slab_page *p, const void *block)
{
    size_t i = 0;
    if (tarn_slab_locate(slab, p, block, &i) == TARN_SLAB_CARVED && !tarn_bitmap_has(&p->map, i))
        return true;
    misuse(slab, &slab->classes[p->number != TARN_SLAB_NO_CLASS ? p->number : 0], p, block);
    return false;
}

void tarn_slab_give(tarn_slab *slab, tarn_slab_class *c, void *const *blocks, size_t count,
                    bool surely)
{
    tarn_slab_core *core = slab->core;
    size_t retired = 0;
    for (size_t n = 0; n < count; n++) {
        tarn_slab_page *p = tarn_slab_page_at(slab, blocks[n], surely);
        size_t i = SIZE_MAX;
        if (TARN_LIKELY(p != NULL && p->number == c->number))
            i = tarn_exact_divide((uintptr_t)blocks[n] - (uintptr_t)p->blocks, c->inverse,
                                  c->shift);
        if (TARN_UNLIKELY(i == SIZE_MAX || i >= p->carved || !tarn_bitmap_add(&p->map, i))) {
            misuse(slab, c, p, blocks[n]);
            continue;
        }
        c->free++;
        if (++p->free == p->carved) {
            retire(slab, p);
            retired++;
        } else if (p->list == TARN_SLAB_NO_LIST || p->free > (p->list + 1) * p->quarter) {
            quarter_choose(c, p);
        }
    }
    /* Only now: a block that stands there twice must find its page. As many as came, no more, so that
     * the idle pages that a reset leaves are there for what follows. */
    if (retired > 0) {
        size_t spare = core->page_count / 16, keep = core->idle_count - retired;
        if (spare < core->idle_keep)
            spare = core->idle_keep;
        (void)tarn_slab_release(slab, keep > spare ? keep : spare);
    }
}

void tarn_slab_flush(tarn_slab *slab)
{
    for (uint32_t k = 0; k < slab->class_count; k++) {
        tarn_slab_class *c = &slab->classes[k];
        void **from = c->top;
        c->top = c->empty;
        tarn_slab_give(slab, c, from, (size_t)(c->empty - from), false);
    }
}

void tarn_slab_forget(tarn_slab *slab)
{
    for (uint32_t k = 0; k < slab->class_count; k++)
        slab->classes[k].top = slab->classes[k].empty;
    for (tarn_slab_page *p = slab->core->pages; p != NULL; p = p->all_next) {
        if (p->number != TARN_SLAB_NO_CLASS)
            retire(slab, p);
    }
}
