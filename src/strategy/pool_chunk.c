/* SPDX-License-Identifier: MIT */
/*
 * pool_chunk.c - carving blocks, taking free ones and putting them back, growing and releasing. See
 * pool_chunk.h for the picture and the counting.
 *
 * Which free block is taken: those of the current chunk in address order from its cursor on; at its
 * end the chunk goes to the tail of the list when blocks were freed behind the cursor, and the head
 * of the list becomes current. A new block is carved only when no block is free, a new chunk mapped
 * only when all are carved. So a pool whose blocks were freed in any order hands them out in runs
 * of ascending addresses.
 *
 * The number of a block is (address - blocks) / stride. With stride = odd << shift, multiplying by
 * the inverse of odd modulo 2^N and rotating right by shift gives the quotient when the division is
 * exact, and a number larger than any quotient when it is not: one multiplication divides, and
 * finds pointers into the middle of a block. Source: H. S. Warren, Hacker's Delight, 2nd edition,
 * section 10-17 (test for zero remainder).
 */
#include "strategy/pool_chunk.h"

static size_t round_up(size_t n, size_t align)
{
    return (n + align - 1) & ~(align - 1);
}

/* Bytes that n blocks and their bitmap need after `before` bytes; the caller has made sure that it
 * cannot overflow. */
static size_t bytes_for(const tarn_pool *pool, size_t before, size_t n)
{
    size_t map = tarn_bitmap_words(n) * sizeof(uint64_t);
    if (before != 0)
        return round_up(before + map, tarn_pool_first_align(pool)) + n * pool->stride;
    return round_up(n * pool->stride, sizeof(uint64_t)) + map;
}

size_t tarn_pool_fit(const tarn_pool *pool, size_t before, size_t size)
{
    size_t low = 0,
           high =
               size /
               pool->stride; /* bytes_for grows with n: search between what fits and what cannot */
    while (low < high) {
        size_t n = high - (high - low) / 2;
        if (bytes_for(pool, before, n) <= size)
            low = n;
        else
            high = n - 1;
    }
    return low;
}

/* ── The lists ── */

static void list_append(tarn_pool *pool, tarn_pool_chunk *c)
{
    c->free_next = NULL;
    c->free_prev = pool->free_last;
    if (pool->free_last != NULL)
        pool->free_last->free_next = c;
    else
        pool->free_first = c;
    pool->free_last = c;
    c->listed = 1;
}

static void list_remove(tarn_pool *pool, tarn_pool_chunk *c)
{
    if (c->free_prev != NULL)
        c->free_prev->free_next = c->free_next;
    else
        pool->free_first = c->free_next;
    if (c->free_next != NULL)
        c->free_next->free_prev = c->free_prev;
    else
        pool->free_last = c->free_prev;
    c->listed = 0;
}

static void chunk_add(tarn_pool *pool, tarn_pool_chunk *c)
{
    c->pool = pool;
    c->prev = NULL;
    c->next = pool->first;
    if (c->next != NULL)
        c->next->prev = c;
    pool->first = c;
    pool->carving = c;
    pool->chunk_count++;
    pool->room += c->capacity;
    pool->held += c->region_size;
}

static void chunk_remove(tarn_pool *pool, tarn_pool_chunk *c)
{
    if (c->listed)
        list_remove(pool, c);
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        pool->first = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    if (pool->current == c)
        pool->current = NULL;
    if (pool->carving == c)
        pool->carving = NULL;
    pool->chunk_count--;
    pool->room -= c->capacity;
    pool->carved -= c->carved;
    pool->free -= c->free;
    pool->held -= c->region_size;
}

/* ── Chunks come and go ── */

tarn_pool_chunk *tarn_pool_sole(tarn_pool *pool, void *memory, size_t capacity)
{
    tarn_pool_chunk *c = (tarn_pool_chunk *)(void *)pool->sole;
    char *blocks = memory;
    *c = (tarn_pool_chunk){.blocks = blocks, .capacity = capacity};
    tarn_bitmap_init(
        &c->map, (uint64_t *)(void *)(blocks + round_up(capacity * pool->stride, sizeof(uint64_t))),
        capacity);
    chunk_add(pool, c);
    return c;
}

tarn_pool_chunk *tarn_pool_grow(tarn_pool *pool, tarn_status *status)
{
    tarn_region region;
    if (pool->room >= pool->limit) {
        *status = TARN_LIMIT;
        return NULL;
    }
    *status = tarn_source_map(pool->source, pool->chunk_size, pool->chunk_size, 0, &region);
    if (*status != TARN_OK)
        return NULL;
    tarn_pool_chunk *c = region.ptr;
    size_t capacity = tarn_pool_fit(pool, sizeof *c, pool->chunk_size);
    size_t left = pool->limit - pool->room;
    *c = (tarn_pool_chunk){.region = region.ptr, .region_size = region.size};
    c->capacity = capacity < left ? capacity : left;
    tarn_bitmap_init(&c->map, (uint64_t *)(void *)(c + 1), c->capacity);
    size_t before = sizeof *c + tarn_bitmap_words(c->capacity) * sizeof(uint64_t);
    c->blocks = (char *)c + round_up(before, tarn_pool_first_align(pool));
    if (!tarn_pool_index_add(pool, c)) {
        tarn_source_unmap(pool->source, region.ptr, region.size, pool->chunk_size);
        *status = TARN_NO_MEMORY;
        return NULL;
    }
    chunk_add(pool, c);
    if ((uintptr_t)c < pool->low)
        pool->low = (uintptr_t)c;
    if ((uintptr_t)c + pool->chunk_size > pool->high)
        pool->high = (uintptr_t)c + pool->chunk_size;
    return c;
}

static void fini_all(tarn_pool *pool, tarn_pool_chunk *c)
{
    for (size_t i = 0; pool->fini != NULL && i < c->carved; i++)
        pool->fini(pool->user, c->blocks + i * pool->stride);
}

size_t tarn_pool_release(tarn_pool *pool, tarn_pool_chunk *c)
{
    size_t size = c->region_size;
    fini_all(pool, c);
    chunk_remove(pool, c);
    if (pool->chunk_mask != 0)
        tarn_pool_index_remove(pool, c);
    if (c->region != NULL)
        tarn_source_unmap(pool->source, c->region, size, tarn_pool_region_align(pool));
    return size;
}

void tarn_pool_forget(tarn_pool *pool, tarn_pool_chunk *c)
{
    if (pool->init == NULL) {
        pool->free -= c->free;
        pool->carved -= c->carved;
        c->free = c->carved = 0;
        c->map.opened = 0;
        if (c->listed)
            list_remove(pool, c);
    } else {
        for (size_t i = 0; i < c->carved; i++)
            (void)tarn_pool_mark_free(pool, c, i);
    }
    c->cursor = 0;
}

/* ── Blocks out ── */

/* Up to `want` free blocks of one chunk from its cursor on, in address order. */
static size_t take_free(tarn_pool *pool, tarn_pool_chunk *c, size_t want, void **out)
{
    size_t n = 0, stride = pool->stride;
    while (n < want) {
        size_t w = tarn_bitmap_next(&c->map, c->cursor);
        if (w == TARN_BITMAP_NONE)
            break;
        uint64_t bits = c->map.level[0][w];
        char *base = c->blocks + w * 64 * stride;
        if (bits == ~(uint64_t)0 && want - n >= 64) {
            for (size_t i = 0; i < 64; i++, base += stride)
                out[n + i] = base;
            n += 64;
            bits = 0;
        } else {
            do {
                out[n++] = base + (size_t)__builtin_ctzll(bits) * stride;
                bits &= bits - 1;
            } while (bits != 0 && n < want);
        }
        tarn_bitmap_put(&c->map, w, bits);
        c->cursor = w;
    }
    c->free -= n;
    pool->free -= n;
    return n;
}

/* The next chunk with free blocks becomes current. False when there is none. */
static bool next_chunk(tarn_pool *pool)
{
    tarn_pool_chunk *old = pool->current;
    if (old != NULL && old->free > 0)
        list_append(pool, old);
    if (pool->free_first == NULL)
        return false;
    pool->current = pool->free_first;
    list_remove(pool, pool->current);
    pool->current->cursor = 0;
    return true;
}

/* Up to `want` blocks that were never handed out, of one chunk. */
static size_t carve(tarn_pool *pool, tarn_pool_chunk *c, size_t want, void **out)
{
    size_t left = c->capacity - c->carved, n = 0, stride = pool->stride;
    char *at = c->blocks + c->carved * stride;
    if (want > left)
        want = left;
    if (pool->init == NULL) {
        for (; n < want; n++, at += stride)
            out[n] = at;
    } else {
        for (; n < want && pool->init(pool->user, at); n++, at += stride)
            out[n] = at;
    }
    c->carved += n;
    pool->carved += n;
    while (c->map.opened * 64 < c->carved)
        tarn_bitmap_open(&c->map);
    return n;
}

/* A chunk with blocks that were never handed out; a new one when there is none. */
static tarn_pool_chunk *carving_chunk(tarn_pool *pool, tarn_status *status)
{
    tarn_pool_chunk *c = pool->carving;
    if (c != NULL && c->carved < c->capacity)
        return c;
    if (pool->room >
        pool->carved) { /* after a reset, a walk round the chunks that stops where it will go on */
        do
            c = c != NULL && c->next != NULL ? c->next : pool->first;
        while (c->carved == c->capacity);
        return pool->carving = c;
    }
    if (pool->chunk_mask != 0)
        return tarn_pool_grow(pool, status);
    *status = TARN_LIMIT;
    return NULL;
}

size_t tarn_pool_take(tarn_pool *pool, size_t want, void **out, tarn_status *status)
{
    size_t n = 0;
    while (n < want && pool->free > 0) {
        if (pool->current != NULL)
            n += take_free(pool, pool->current, want - n, out + n);
        if (n < want && !next_chunk(pool))
            break;
    }
    if (n > 0)
        return n; /* reuse before growing: new blocks only when nothing was free */
    tarn_pool_chunk *c = carving_chunk(pool, status);
    if (c == NULL)
        return 0;
    n = carve(pool, c, want, out);
    if (n == 0)
        *status = TARN_NO_MEMORY; /* init refused */
    return n;
}

/* ── Blocks back ── */

static size_t rotate_right(size_t x, unsigned by)
{
    return by == 0 ? x : x >> by | x << (sizeof x * 8 - by);
}

tarn_pool_place tarn_pool_find(const tarn_pool *pool, const void *block, bool surely,
                               tarn_pool_chunk **c, size_t *i)
{
    uintptr_t at = (uintptr_t)block;
    *c = pool->first;
    if (pool->chunk_mask != 0) {
        uintptr_t base = at & pool->chunk_mask;
        if (at < pool->low || at >= pool->high)
            return TARN_POOL_FOREIGN;
        if (surely && !tarn_pool_index_has(pool, base))
            return TARN_POOL_FOREIGN;
        *c = (tarn_pool_chunk *)
            base; /* NOLINT(performance-no-int-to-ptr): a chunk lies at a multiple of its size */
        if ((*c)->pool != pool)
            return TARN_POOL_FOREIGN;
    }
    size_t offset = at - (uintptr_t)(*c)->blocks;
    *i = rotate_right(offset * pool->inverse, pool->shift);
    if (*i < (*c)->carved)
        return TARN_POOL_CARVED;
    return at >= (uintptr_t)(*c)->blocks && offset < (*c)->carved * pool->stride
               ? TARN_POOL_INSIDE
               : TARN_POOL_FOREIGN;
}

bool tarn_pool_mark_free(tarn_pool *pool, tarn_pool_chunk *c, size_t i)
{
    if (!tarn_bitmap_add(&c->map, i))
        return false;
    pool->free++;
    if (c->free++ == 0 && c != pool->current)
        list_append(pool, c);
    return true;
}

/* Word w of a chunk's bitmap is now `word`. */
static void commit(tarn_pool_chunk *c, size_t w, uint64_t word)
{
    uint64_t old = c->map.level[0][w];
    c->map.level[0][w] = word;
    if (old == 0 && word != 0)
        tarn_bitmap_rise(&c->map, w);
}

/* Set the free bits of blocks[0], blocks[1], … as long as they are carved blocks of chunk c that are
 * not free yet; returns how many. The word at hand stays in a register while they are neighbours. */
static size_t give_to_chunk(tarn_pool *pool, tarn_pool_chunk *c, void *const *blocks, size_t count)
{
    const uintptr_t mask = pool->chunk_mask, first = (uintptr_t)c->blocks;
    const size_t inverse = pool->inverse, carved = c->carved;
    const unsigned shift = pool->shift;
    size_t n = 0, w = SIZE_MAX;
    uint64_t word = 0;
    for (; n < count; n++) {
        uintptr_t at = (uintptr_t)blocks[n];
        if (mask != 0 && (at & mask) != (uintptr_t)c)
            break;
        size_t i = rotate_right((at - first) * inverse, shift);
        uint64_t bit = (uint64_t)1 << (i & 63);
        if (i >= carved)
            break;
        if (i >> 6 != w) {
            if (w != SIZE_MAX)
                commit(c, w, word);
            w = i >> 6;
            word = c->map.level[0][w];
        }
        if ((word & bit) != 0)
            break;
        word |= bit;
    }
    if (w != SIZE_MAX)
        commit(c, w, word);
    return n;
}

/* Set the free bit of one block of chunk c. False when it is no carved block, or free already. */
static inline bool give_one(const tarn_pool *pool, tarn_pool_chunk *c, uintptr_t at)
{
    size_t i = rotate_right((at - (uintptr_t)c->blocks) * pool->inverse, pool->shift);
    return i < c->carved && tarn_bitmap_add(&c->map, i);
}

/* tarn_pool_find and tarn_pool_mark_free in one loop: through the two functions blocks that come in
 * random order took twice as long (bench, refill_2e3). A block whose successor lies near it, as when
 * a list is destroyed, begins a run in its chunk; any other goes by itself, which is quicker for it. */
size_t tarn_pool_give(tarn_pool *pool, void *const *blocks, size_t count)
{
    const uintptr_t mask = pool->chunk_mask, near = 64 * pool->stride;
    size_t n = 0;
    while (n < count) {
        uintptr_t at = (uintptr_t)blocks[n];
        tarn_pool_chunk *c = pool->first;
        if (mask != 0) {
            if (at < pool->low || at >= pool->high)
                break;
            c = (tarn_pool_chunk *)(at & mask); /* NOLINT(performance-no-int-to-ptr): as above */
        }
        if (c->pool != pool)
            break;
        size_t given;
        if (n + 1 < count && (uintptr_t)blocks[n + 1] - at + near < 2 * near)
            given = give_to_chunk(pool, c, blocks + n, count - n);
        else
            given = give_one(pool, c, at);
        if (given == 0)
            break;
        if (c->free == 0 && c != pool->current)
            list_append(pool, c);
        c->free += given;
        n += given;
    }
    pool->free += n;
    return n;
}
