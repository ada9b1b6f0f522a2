/* SPDX-License-Identifier: MIT */
/*
 * segment_pool.c - a pool in memory that processes share: one atomic bit a block is all the truth.
 *
 *     place                                                                       bytes
 *     │ header │ full[0] … │ map[0] map[1] …  │ marks[0] marks[1] … │ gap │ block 0 │ block 1 │ …
 *                 │           │ bit i of the map: block i is live
 *                 └ a bit for each word of the map: it had no free block when last seen
 *
 * I1  Block i is live exactly when bit i of the map is set; no bit at or behind the capacity is.
 * I2  A free block has mark 0: alloc sets the bit, then the mark; free clears the mark, then the
 *     bit. So a live block with mark 0 is on its way, and belongs to nobody once all are dead.
 * I3  `full` are hints. A stale one costs a search its shortcut, never a block: before an
 *     allocation is refused every word of the map is looked at.
 * I4  The header never changes, and carries its own checksum. A view copies out of it what it
 *     needs, after having computed the layout again.
 *
 * Why no lock: a lock's holder can die, and every other has to find out. Here each operation takes
 * effect at one instruction - the compare-and-swap that sets a bit in take_in, the fetch_and that
 * clears it in put - and what is done before and after it is either private or a hint.
 *
 * Orders: the release of the bit in put pairs with the acquire in take_in, so what the last owner
 * did to the block comes before what the next one does. The sequentially consistent pair is
 * close_word against put: each writes one of (full, map) and then reads the other, so at least one
 * of the two sees that the word is open again.
 */
#include <tarn/segment_pool.h>

#include "base/align.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/sum.h"

#define BITS  (sizeof(size_t) * 8)
#define NONE  SIZE_MAX
#define MAGIC 0x6c6f6f50u /* "Pool" where the lowest byte comes first */

#define READ(x)     __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

typedef struct header {
    uint32_t magic;
    uint32_t version; /* of this layout */
    size_t block_size, align, capacity, bytes;
    uint64_t sum; /* of the above */
} header;

_Static_assert(sizeof(header) <= TARN_SEGMENT_ALIGN, "the header fits before the hints");

/* Where things stand, as distances from the place. */
typedef struct layout {
    size_t full, map, marks, blocks, end; /* bytes from the place */
    size_t stride, words, hints;
} layout;

/* ── The place ─────────────────────────────────────────────────────────────────────────────── */

static size_t default_align(size_t block_size)
{
    size_t lowest = block_size & (~block_size + 1);
    return lowest < 16 ? lowest : 16;
}

static size_t words_for(size_t bits)
{
    return bits / BITS + (bits % BITS != 0);
}

/* Adds count things of `size` bytes, aligned to a cache line at least; where they begin. */
static bool append(size_t *end, size_t count, size_t size, size_t align, size_t *at)
{
    size_t bytes;
    return tarn_round_up(*end, align > TARN_SEGMENT_ALIGN ? align : TARN_SEGMENT_ALIGN, at) &&
           tarn_mul(count, size, &bytes) && tarn_add(*at, bytes, end);
}

/* false: no such pool can be. */
static bool lay_out(size_t block_size, size_t align, size_t capacity, layout *l)
{
    if (block_size == 0 || capacity == 0 || !tarn_is_power_of_two(align) ||
        align > TARN_SEGMENT_ALIGN_MAX || !tarn_round_up(block_size, align, &l->stride))
        return false;
    l->words = words_for(capacity);
    l->hints = words_for(l->words);
    l->end = sizeof(header);
    return append(&l->end, l->hints, sizeof(size_t), 1, &l->full) &&
           append(&l->end, l->words, sizeof(size_t), 1, &l->map) &&
           append(&l->end, capacity, sizeof(uint32_t), 1, &l->marks) &&
           append(&l->end, capacity, l->stride, align, &l->blocks) && l->end <= PTRDIFF_MAX;
}

size_t tarn_segment_pool_bytes(size_t block_size, size_t align, size_t capacity)
{
    layout l;
    if (align == 0)
        align = default_align(block_size);
    return lay_out(block_size, align, capacity, &l) ? l.end : 0;
}

static bool is_place(const void *place, size_t align)
{
    return tarn_is_aligned(place, TARN_SEGMENT_ALIGN) && tarn_is_aligned(place, align);
}

tarn_status tarn_segment_pool_format(void *place, size_t bytes,
                                     const tarn_segment_pool_options *options)
{
    header h;
    layout l;
    memset(&h, 0, sizeof h);
    h.magic = MAGIC;
    h.version = 1;
    h.block_size = options->block_size;
    h.align = options->align != 0 ? options->align : default_align(h.block_size);
    h.capacity = options->capacity;
    if (!tarn_is_power_of_two(h.align) || h.align > TARN_SEGMENT_ALIGN_MAX)
        return h.block_size != 0 ? TARN_BAD_ALIGN : TARN_BAD_ARGUMENT;
    if (!lay_out(h.block_size, h.align, h.capacity, &l) || l.end > bytes)
        return TARN_BAD_ARGUMENT;
    if (!is_place(place, h.align))
        return TARN_BAD_ALIGN;
    h.bytes = l.end;
    h.sum = tarn_sum(TARN_SUM_START, &h, offsetof(header, sum));
    if (!options->zeroed)
        memset(place, 0, l.blocks);
    memcpy(place, &h, sizeof h);
    return TARN_OK;
}

static const tarn_ops POOL_OPS;

tarn_status tarn_segment_pool_init(tarn_segment_pool *p, void *place, size_t bytes, uint32_t owner,
                                   const char *name)
{
    header h;
    layout l;
    if (owner == 0)
        return TARN_BAD_ARGUMENT;
    if (!is_place(place, 1))
        return TARN_BAD_ALIGN;
    if (bytes < sizeof h)
        return TARN_CORRUPT;
    memcpy(&h, place, sizeof h);
    if (h.magic != MAGIC || h.version != 1 ||
        h.sum != tarn_sum(TARN_SUM_START, &h, offsetof(header, sum)) ||
        !lay_out(h.block_size, h.align, h.capacity, &l) || l.end != h.bytes || l.end > bytes)
        return TARN_CORRUPT;
    if (!is_place(place, h.align))
        return TARN_BAD_ALIGN;
    memset(p, 0, sizeof *p);
    p->allocator.ops = &POOL_OPS;
    p->name = name != NULL ? name : "segment pool";
    p->full = (size_t *)(void *)((char *)place + l.full);
    p->map = (size_t *)(void *)((char *)place + l.map);
    p->marks = (uint32_t *)(void *)((char *)place + l.marks);
    p->blocks = (char *)place + l.blocks;
    p->block_size = h.block_size;
    p->stride = l.stride;
    p->capacity = h.capacity;
    p->words = l.words;
    p->owner = owner;
    return TARN_OK;
}

/* ── Taking ────────────────────────────────────────────────────────────────────────────────── */

/* The bits of word w that stand for blocks. */
static size_t valid(const tarn_segment_pool *p, size_t w)
{
    size_t rest = p->capacity - w * BITS;
    return rest >= BITS ? ~(size_t)0 : ((size_t)1 << rest) - 1;
}

static size_t take_in(tarn_segment_pool *p, size_t w)
{
    size_t seen = READ(p->map[w]), mask = valid(p, w), open;
    while ((open = ~seen & mask) != 0) {
        size_t bit = open & (~open + 1);
        /* Success acquires what put released; a lost race brings the word as it is now. */
        if (__atomic_compare_exchange_n(&p->map[w], &seen, seen | bit, true, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            return w * BITS + (size_t)__builtin_ctzll(bit);
    }
    return NONE;
}

/* Nothing was free in word w: say so, unless something is by now. Partner: put. */
static void close_word(tarn_segment_pool *p, size_t w)
{
    size_t *hint = &p->full[w / BITS], bit = (size_t)1 << w % BITS;
    (void)__atomic_fetch_or(hint, bit, __ATOMIC_SEQ_CST);
    if ((~__atomic_load_n(&p->map[w], __ATOMIC_SEQ_CST) & valid(p, w)) != 0)
        (void)__atomic_fetch_and(hint, ~bit, __ATOMIC_SEQ_CST);
}

/* A word that the hints call open, from word `from` on and round; then any word (I3). */
TARN_SLOW static size_t search(tarn_segment_pool *p, size_t from)
{
    size_t hints = words_for(p->words), i;
    for (size_t n = 0; n <= hints; n++) {
        size_t h = (from / BITS + n) % hints, base = h * BITS;
        size_t open = ~READ(p->full[h]);
        if (n == 0)
            open &= ~(size_t)0 << from % BITS;
        for (; open != 0; open &= open - 1) {
            size_t w = base + (size_t)__builtin_ctzll(open);
            if (w >= p->words)
                break;
            i = take_in(p, w);
            if (i != NONE)
                return i;
            close_word(p, w);
        }
    }
    for (size_t w = 0; w < p->words; w++) {
        i = take_in(p, w);
        if (i != NONE) {
            (void)__atomic_fetch_and(&p->full[w / BITS], ~((size_t)1 << w % BITS),
                                     __ATOMIC_SEQ_CST);
            return i;
        }
    }
    return NONE;
}

static void *refuse(tarn_segment_pool *p, tarn_status status, size_t size, tarn_spec spec)
{
    (void)__atomic_fetch_add(&p->failures, 1, __ATOMIC_RELAXED);
    WRITE(p->failed_status, (uint32_t)status);
    WRITE(p->failed_size, size);
    WRITE(p->failed_log, spec & TARN_ALIGN_BITS);
    return NULL;
}

void *tarn_segment_pool_alloc(tarn_segment_pool *p)
{
    size_t from = READ(p->cursor), i = take_in(p, from);
    if (TARN_UNLIKELY(i == NONE)) {
        i = search(p, from);
        if (i == NONE)
            return refuse(p, TARN_LIMIT, p->block_size, 0);
        WRITE(p->cursor, i / BITS);
    }
    WRITE(p->marks[i], p->owner); /* stays behind the bit: take_in acquires (I2) */
    return p->blocks + i * p->stride;
}

/* ── Giving back ───────────────────────────────────────────────────────────────────────────── */

static void fault(const tarn_segment_pool *p, tarn_fault_kind kind, const void *block)
{
    tarn_fault_report(kind, "segment pool", p->name, block, 0, 0);
}

/* The number of a block that is live; NONE after a fault. */
static size_t index_of(const tarn_segment_pool *p, const void *block)
{
    size_t at = (size_t)((uintptr_t)block - (uintptr_t)p->blocks), i = at / p->stride;
    if (TARN_UNLIKELY(i >= p->capacity))
        fault(p, TARN_FAULT_FOREIGN_POINTER, block);
    else if (TARN_UNLIKELY(at % p->stride != 0))
        fault(p, TARN_FAULT_INTERIOR_POINTER, block);
    else if (TARN_UNLIKELY((READ(p->map[i / BITS]) >> i % BITS & 1) == 0))
        fault(p, TARN_FAULT_DOUBLE_FREE, block);
    else
        return i;
    return NONE;
}

static void put(tarn_segment_pool *p, size_t i)
{
    size_t w = i / BITS, bit = (size_t)1 << i % BITS, hint = (size_t)1 << w % BITS;
    WRITE(p->marks[i], 0); /* before the bit, which releases it (I2) */
    if (TARN_UNLIKELY((__atomic_fetch_and(&p->map[w], ~bit, __ATOMIC_SEQ_CST) & bit) == 0))
        fault(p, TARN_FAULT_DOUBLE_FREE, p->blocks + i * p->stride);
    if (TARN_UNLIKELY((__atomic_load_n(&p->full[w / BITS], __ATOMIC_SEQ_CST) & hint) != 0))
        (void)__atomic_fetch_and(&p->full[w / BITS], ~hint, __ATOMIC_SEQ_CST);
    WRITE(p->cursor, w);
}

void tarn_segment_pool_free(tarn_segment_pool *p, void *block)
{
    size_t i = block != NULL ? index_of(p, block) : NONE;
    if (TARN_LIKELY(i != NONE))
        put(p, i);
}

void tarn_segment_pool_publish(tarn_segment_pool *p, void *block)
{
    size_t i = index_of(p, block);
    if (i != NONE)
        WRITE(p->marks[i], TARN_SEGMENT_ANYONE);
}

/* ── All of it ─────────────────────────────────────────────────────────────────────────────── */

void tarn_segment_pool_visit(tarn_segment_pool *p, tarn_segment_visitor *see, void *user)
{
    for (size_t w = 0; w < p->words; w++) {
        size_t live = __atomic_load_n(&p->map[w], __ATOMIC_ACQUIRE) & valid(p, w);
        for (; live != 0; live &= live - 1) {
            size_t i = w * BITS + (size_t)__builtin_ctzll(live);
            if (!see(user, p->blocks + i * p->stride, READ(p->marks[i])))
                return;
        }
    }
}

/* I1 and I2. With others at work a block may look wrong between two of their steps, so a doubtful
 * one is looked at again. */
static bool holds(const tarn_segment_pool *p)
{
    for (size_t w = 0; w < p->words; w++) {
        size_t mask = valid(p, w);
        if ((READ(p->map[w]) & ~mask) != 0)
            return false;
        for (size_t open = ~READ(p->map[w]) & mask; open != 0; open &= open - 1) {
            size_t bit = open & (~open + 1), i = w * BITS + (size_t)__builtin_ctzll(bit);
            int looks = 3;
            while (READ(p->marks[i]) != 0 && (READ(p->map[w]) & bit) == 0)
                if (--looks == 0)
                    return false;
        }
    }
    return true;
}

tarn_status tarn_segment_pool_recover(tarn_segment_pool *p, size_t *freed)
{
    size_t count = 0;
    if (!holds(p))
        return TARN_CORRUPT;
    for (size_t w = 0; w < p->words; w++) {
        size_t hint = (size_t)1 << w % BITS;
        for (size_t live = p->map[w]; live != 0; live &= live - 1) {
            size_t bit = live & (~live + 1);
            if (p->marks[w * BITS + (size_t)__builtin_ctzll(bit)] == 0) {
                p->map[w] &= ~bit;
                count++;
            }
        }
        if (p->map[w] == valid(p, w))
            p->full[w / BITS] |= hint;
        else
            p->full[w / BITS] &= ~hint;
    }
    if (freed != NULL)
        *freed = count;
    return TARN_OK;
}

uint64_t tarn_segment_pool_sum(const tarn_segment_pool *p)
{
    uint64_t sum = tarn_sum(TARN_SUM_START, p->map, p->words * sizeof *p->map);
    return tarn_sum(sum, p->marks, p->capacity * sizeof *p->marks);
}

/* ── The view as an allocator ──────────────────────────────────────────────────────────────── */

static tarn_segment_pool *of(tarn_allocator *a)
{
    return (tarn_segment_pool *)a;
}

static const tarn_segment_pool *of_const(const tarn_allocator *a)
{
    return (const tarn_segment_pool *)a;
}

/* Does the pool serve this? */
static bool serves(tarn_segment_pool *p, size_t size, tarn_spec spec)
{
    tarn_spec log = spec & TARN_ALIGN_BITS;
    if (TARN_UNLIKELY(size > p->block_size))
        (void)refuse(p, TARN_TOO_BIG, size, spec);
    else if (TARN_UNLIKELY(log >= BITS ||
                           (((uintptr_t)p->blocks | p->stride) & (((size_t)1 << log) - 1)) != 0))
        (void)refuse(p, TARN_BAD_ALIGN, size, spec);
    else
        return true;
    return false;
}

static tarn_block ops_alloc_at_least(tarn_allocator *a, size_t size, tarn_spec spec)
{
    tarn_segment_pool *p = of(a);
    tarn_block b = {NULL, 0};
    if (!serves(p, size, spec))
        return b;
    b.ptr = tarn_segment_pool_alloc(p);
    if (b.ptr == NULL)
        return b;
    b.size = p->block_size;
    if ((spec & TARN_ZERO) != 0)
        memset(b.ptr, 0, b.size);
    return b;
}

static void *ops_alloc(tarn_allocator *a, size_t size, tarn_spec spec)
{
    return ops_alloc_at_least(a, size, spec).ptr;
}

static void ops_free(tarn_allocator *a, void *block, size_t size, tarn_spec spec)
{
    tarn_segment_pool *p = of(a);
    (void)spec;
    if (TARN_UNLIKELY(size > p->block_size))
        tarn_fault_report(TARN_FAULT_WRONG_SIZE, "segment pool", p->name, block, size,
                          p->block_size);
    else
        tarn_segment_pool_free(p, block);
}

/* In place or not at all. */
static void *ops_resize(tarn_allocator *a, void *block, size_t old_size, size_t new_size,
                        size_t keep, tarn_spec spec)
{
    size_t from = old_size > keep ? old_size : keep;
    if (!serves(of(a), new_size, spec))
        return NULL;
    if ((spec & TARN_ZERO) != 0 && new_size > from)
        memset((char *)block + from, 0, new_size - from);
    return block;
}

static const char *ops_name(const tarn_allocator *a)
{
    return of_const(a)->name;
}

static tarn_answer ops_owns(const tarn_allocator *a, const void *block)
{
    const tarn_segment_pool *p = of_const(a);
    return (uintptr_t)block - (uintptr_t)p->blocks < p->capacity * p->stride ? TARN_YES : TARN_NO;
}

static size_t ops_usable(const tarn_allocator *a, const void *block, size_t size, tarn_spec spec)
{
    (void)block, (void)size, (void)spec;
    return of_const(a)->block_size;
}

static bool drop(void *user, void *block, uint32_t mark)
{
    (void)mark;
    tarn_segment_pool_free(user, block);
    return true;
}

static tarn_status ops_reset(tarn_allocator *a)
{
    tarn_segment_pool_visit(of(a), drop, of(a));
    return TARN_OK;
}

static tarn_status ops_stats(const tarn_allocator *a, tarn_stats *out)
{
    const tarn_segment_pool *p = of_const(a);
    memset(out, 0, sizeof *out);
    out->known = TARN_STATS_LIVE | TARN_STATS_HELD | TARN_STATS_CHUNKS | TARN_STATS_FAILED;
    for (size_t w = 0; w < p->words; w++)
        out->live_blocks += (size_t)__builtin_popcountll(READ(p->map[w]));
    out->live_bytes = out->live_blocks * p->block_size;
    out->held_bytes = p->capacity * p->stride;
    out->idle_bytes = out->held_bytes - out->live_bytes;
    out->failures = READ(p->failures);
    out->chunks = 1;
    return TARN_OK;
}

struct seen {
    tarn_visitor *see;
    void *user;
    size_t size;
};

static bool hand_on(void *user, void *block, uint32_t mark)
{
    const struct seen *s = user;
    (void)mark;
    return s->see(s->user, block, s->size);
}

static tarn_status ops_visit(tarn_allocator *a, tarn_visitor *see, void *user)
{
    struct seen s = {see, user, of(a)->block_size};
    tarn_segment_pool_visit(of(a), hand_on, &s);
    return TARN_OK;
}

static tarn_status ops_check(const tarn_allocator *a)
{
    return holds(of_const(a)) ? TARN_OK : TARN_CORRUPT;
}

static tarn_why ops_why(const tarn_allocator *a)
{
    const tarn_segment_pool *p = of_const(a);
    tarn_why why = {(tarn_status)READ(p->failed_status), 0, 0, 0};
    if (why.status != TARN_OK) {
        why.size = READ(p->failed_size);
        why.align = tarn_spec_align(READ(p->failed_log));
        why.limit = why.status == TARN_LIMIT ? p->capacity : p->block_size;
    }
    return why;
}

/* The blocks stay: they are not this process's alone. */
static void ops_deinit(tarn_allocator *a)
{
    (void)a;
}

static const tarn_rare_ops POOL_RARE = {
    .bytes = sizeof(tarn_rare_ops),
    .name = ops_name,
    .owns = ops_owns,
    .usable = ops_usable,
    .reset = ops_reset,
    .stats = ops_stats,
    .visit = ops_visit,
    .check = ops_check,
    .why = ops_why,
    .deinit = ops_deinit,
};

static const tarn_ops POOL_OPS = {
    .abi = TARN_ABI,
    .caps = TARN_CAP_UNSIZED_FREE | TARN_CAP_FREE | TARN_CAP_RESIZE | TARN_CAP_OWNS |
            TARN_CAP_RESET | TARN_CAP_VISIT | TARN_CAP_CHECK | TARN_CAP_STATS | TARN_CAP_THREADS |
            TARN_CAP_THREADS_FREE,
    .alloc = ops_alloc,
    .free = ops_free,
    .resize = ops_resize,
    .alloc_at_least = ops_alloc_at_least,
    .rare = &POOL_RARE,
};
