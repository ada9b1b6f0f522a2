/* SPDX-License-Identifier: MIT */
/*
 * shared_pool_chunk.c - bits and lists of a home's chunks: taking blocks, bringing them home,
 * collecting what others sent. See shared_pool_chunk.h for the picture, the counting and the locks.
 *
 * Everything here but tarn_shared_give for blocks of others and tarn_shared_find is done by whoever
 * holds the claim of the home's cache, or the mutex when the home is an orphan.
 *
 * Which block goes out: free ones of the home's first listed chunk in address order from its cursor
 * on; then what was sent; then uncarved ones. So blocks freed in any order, by any thread, go out in
 * runs of ascending addresses, and nothing fresh is touched while something was used before.
 */
#include "strategy/shared_pool_chunk.h"

#include "strategy/shared_pool_message.h"

enum {
    LINE = 64, /* bytes of a cache line */
    ROW = 4    /* neighbours that are worth being treated as such */
};

static size_t round_up(size_t n, size_t align)
{
    return (n + align - 1) & ~(align - 1);
}

/* Words of message bits for n blocks: whole 64-bit words, so that a free-bit word has its own. */
static size_t sent_words(size_t n)
{
    return round_up(n, 64) / SHARED_WORD;
}

/* offset / stride; a number larger than any block's when there is a remainder, as in pool_chunk.c. */
static size_t number_of(size_t offset, size_t inverse, unsigned shift)
{
    size_t x = offset * inverse;
    return shift == 0 ? x : x >> shift | x << (sizeof x * 8 - shift);
}

/* ── Lists ── */

static void list_add(tarn_shared_list *list, tarn_shared_chunk *c, shared_list_kind kind)
{
    c->links[kind] = (tarn_shared_links){NULL, list->last};
    if (list->last != NULL)
        list->last->links[kind].next = c;
    else
        list->first = c;
    list->last = c;
}

static void list_remove(tarn_shared_list *list, tarn_shared_chunk *c, shared_list_kind kind)
{
    tarn_shared_chunk *next = c->links[kind].next, *prev = c->links[kind].prev;
    if (prev != NULL)
        prev->links[kind].next = next;
    else
        list->first = next;
    if (next != NULL)
        next->links[kind].prev = prev;
    else
        list->last = prev;
}

static tarn_shared_list *class_of(tarn_shared_home *h, const tarn_shared_chunk *c)
{
    return &h->classes[__builtin_ctzll(c->bit)];
}

/* ── A chunk comes and goes ── */

size_t tarn_shared_first_align(const tarn_shared_pool *pool)
{
    size_t align = (size_t)1 << pool->spec_max, divides = pool->stride & (~pool->stride + 1);
    size_t line = divides < LINE ? divides : LINE;
    return align > line ? align : line;
}

static size_t bytes_for(const tarn_shared_pool *pool, size_t n)
{
    size_t sets = (pool->flags & SHARED_CHECK) != 0 ? 2 : 1;
    size_t bits =
        round_up(sizeof(tarn_shared_chunk) + tarn_bitmap_words(n) * sizeof(uint64_t), LINE);
    return round_up(bits + sets * sent_words(n) * sizeof(uintptr_t),
                    tarn_shared_first_align(pool)) +
           n * pool->stride;
}

size_t tarn_shared_fit(const tarn_shared_pool *pool, size_t size)
{
    size_t low = 0, high = size / pool->stride;
    while (low < high) {
        size_t n = high - (high - low) / 2;
        if (bytes_for(pool, n) <= size)
            low = n;
        else
            high = n - 1;
    }
    return low;
}

tarn_shared_chunk *tarn_shared_lay(tarn_shared_pool *pool, tarn_region region, size_t capacity)
{
    tarn_shared_chunk *c = region.ptr;
    *c = (tarn_shared_chunk){.pool = pool, .capacity = capacity, .region_size = region.size};
    size_t bits = sizeof *c + tarn_bitmap_words(capacity) * sizeof(uint64_t);
    size_t sets = (pool->flags & SHARED_CHECK) != 0 ? 2 : 1, words = sent_words(capacity);
    tarn_bitmap_init(&c->map, (uint64_t *)(void *)(c + 1), capacity);
    bits = round_up(bits, LINE);
    c->sent = (uintptr_t *)(void *)((char *)c + bits);
    c->live = sets == 2 ? c->sent + words : NULL;
    c->blocks = (char *)c +
                round_up(bits + sets * words * sizeof(uintptr_t), tarn_shared_first_align(pool));
    return c;
}

void tarn_shared_settle(tarn_shared_home *h, tarn_shared_chunk *c)
{
    c->home = h;
    c->bit = (uintptr_t)1 << h->next_class;
    h->next_class = (h->next_class + 1) % SHARED_WORD;
    list_add(class_of(h, c), c, SHARED_CLASS);
    list_add(&h->raw, c, SHARED_RAW);
    h->room += c->capacity;
}

/* Nothing of it is carved any more (H2). */
static void empty(tarn_shared_home *h, tarn_shared_chunk *c)
{
    h->carved -= c->carved;
    h->free_blocks -= c->free;
    if (c->free > 0)
        list_remove(&h->free, c, SHARED_FREE);
    if (c->carved == c->capacity)
        list_add(&h->raw, c, SHARED_RAW);
    __atomic_store_n(&c->carved, 0, __ATOMIC_RELAXED);
    c->free = c->cursor = 0;
    c->map.opened = 0;
}

void tarn_shared_part(tarn_shared_home *h, tarn_shared_chunk *c)
{
    empty(h, c);
    list_remove(&h->raw, c, SHARED_RAW);
    list_remove(class_of(h, c), c, SHARED_CLASS);
    h->room -= c->capacity;
    c->home = NULL;
}

void tarn_shared_forget(tarn_shared_home *h)
{
    __atomic_store_n(&h->bell, 0, __ATOMIC_RELAXED);
    for (unsigned k = 0; k < SHARED_WORD; k++) {
        for (tarn_shared_chunk *c = h->classes[k].first; c != NULL;
             c = c->links[SHARED_CLASS].next) {
            empty(h, c);
        }
    }
}

static void part_for(tarn_shared_home *h, tarn_shared_chunk *c, tarn_shared_chunk **parted)
{
    tarn_shared_part(h, c);
    c->links[SHARED_CLASS].next = *parted;
    *parted = c;
}

void tarn_shared_part_empty(tarn_shared_home *h, tarn_shared_chunk **parted)
{
    for (unsigned k = 0; k < SHARED_WORD; k++) {
        for (tarn_shared_chunk *c = h->classes[k].first, *next; c != NULL; c = next) {
            next = c->links[SHARED_CLASS].next;
            if (c->free == c->carved)
                part_for(h, c, parted);
        }
    }
}

/* An empty chunk leaves when the home still has another's worth without it: a thread whose need goes
 * up and down keeps one, and no home hoards. */
static void part_surplus(tarn_shared_home *h, tarn_shared_chunk *c, tarn_shared_cache *keeper)
{
    if (c->free == c->carved && keeper != NULL && keeper->reserved == 0 && !c->pool->visiting &&
        shared_idle(h) - c->capacity >= c->capacity)
        part_for(h, c, &keeper->parted);
}

/* ── Blocks out ── */

/* Up to `want` of the free bits of word w, in address order. */
static size_t take_word(tarn_shared_chunk *c, size_t w, size_t want, void **out)
{
    size_t n = 0, stride = c->pool->stride;
    uint64_t bits = c->map.level[0][w];
    char *base = c->blocks + w * 64 * stride;
    if (bits == ~(uint64_t)0 && want >= 64) {
        for (; n < 64; n++, base += stride)
            out[n] = base;
        bits = 0;
    } else {
        do {
            out[n++] = base + (size_t)__builtin_ctzll(bits) * stride;
            bits &= bits - 1;
        } while (bits != 0 && n < want);
    }
    tarn_bitmap_put(&c->map, w, bits);
    return n;
}

size_t tarn_shared_take_free(tarn_shared_home *h, size_t want, void **out)
{
    size_t n = 0;
    tarn_shared_chunk *c;
    while (n < want && (c = h->free.first) != NULL) {
        size_t w = tarn_bitmap_next(&c->map, c->cursor);
        if (w == TARN_BITMAP_NONE) { /* what is free lies behind the cursor: it waits its turn */
            c->cursor = 0;
            list_remove(&h->free, c, SHARED_FREE);
            list_add(&h->free, c, SHARED_FREE);
            continue;
        }
        size_t got = take_word(c, w, want - n, out + n);
        c->cursor = w;
        c->free -= got;
        h->free_blocks -= got;
        n += got;
        if (c->free == 0) {
            c->cursor = 0;
            list_remove(&h->free, c, SHARED_FREE);
        }
    }
    return n;
}

size_t tarn_shared_carve(tarn_shared_home *h, size_t want, void **out)
{
    tarn_shared_chunk *c = h->raw.first;
    if (c == NULL)
        return 0;
    size_t left = c->capacity - c->carved, n = 0, stride = c->pool->stride;
    char *at = c->blocks + c->carved * stride;
    if (want > left)
        want = left;
    for (; n < want; n++, at += stride)
        out[n] = at;
    while (c->map.opened * 64 < c->carved + n) {
        for (size_t w = sent_words(c->map.opened * 64), e = 0; e < 64 / SHARED_WORD; e++) {
            __atomic_store_n(&c->sent[w + e], 0, __ATOMIC_RELAXED);
            if (c->live != NULL)
                __atomic_store_n(&c->live[w + e], 0, __ATOMIC_RELAXED);
        }
        tarn_bitmap_open(&c->map);
    }
    __atomic_store_n(&c->carved, c->carved + n, __ATOMIC_RELAXED);
    h->carved += n;
    if (c->carved == c->capacity)
        list_remove(&h->raw, c, SHARED_RAW);
    return n;
}

/* ── Blocks home ── */

/* Blocks freed twice, of one message word. `first` is block 0: the chunk itself may be gone. */
static void report(const tarn_shared_pool *pool, const char *first, size_t word, uintptr_t bits)
{
    for (; bits != 0; bits &= bits - 1) {
        size_t i = word * SHARED_WORD + (size_t)__builtin_ctzll(bits);
        tarn_shared_fault(pool, TARN_FAULT_DOUBLE_FREE, first + i * pool->stride, 0, 0);
    }
}

/* Free bits of message word `word`. Those that are set already are blocks freed twice. */
static void come_home(tarn_shared_home *h, tarn_shared_chunk *c, size_t word, uintptr_t bits)
{
    size_t w = word * SHARED_WORD / 64;
    uint64_t *at = &c->map.level[0][w], old = *at;
    uint64_t come = (uint64_t)bits << (word * SHARED_WORD % 64);
    uintptr_t twice = (uintptr_t)((come & old) >> (word * SHARED_WORD % 64));
    come &= ~old;
    if (come != 0) {
        size_t n = (size_t)__builtin_popcountll(come);
        *at = old | come;
        if (old == 0)
            tarn_bitmap_rise(&c->map, w);
        if (c->free == 0)
            list_add(&h->free, c, SHARED_FREE);
        c->free += n;
        h->free_blocks += n;
    }
    if (TARN_UNLIKELY(twice != 0))
        report(c->pool, c->blocks, word, twice);
}

void tarn_shared_collect(tarn_shared_home *h, tarn_shared_cache *keeper)
{
    uintptr_t ring = tarn_message_listen(&h->bell);
    for (; ring != 0; ring &= ring - 1) {
        tarn_shared_chunk *c = h->classes[__builtin_ctzll(ring)].first, *next;
        for (; c != NULL; c = next) {
            next = c->links[SHARED_CLASS].next;
            for (size_t w = 0; w * SHARED_WORD < c->carved; w++) {
                uintptr_t bits = tarn_message_take(&c->sent[w]);
                if (bits != 0)
                    come_home(h, c, w, bits);
            }
            part_surplus(h, c, keeper);
        }
    }
}

size_t tarn_shared_sent(const tarn_shared_home *h)
{
    size_t n = 0;
    for (unsigned k = 0; k < SHARED_WORD; k++) {
        for (const tarn_shared_chunk *c = h->classes[k].first; c != NULL;
             c = c->links[SHARED_CLASS].next) {
            for (size_t w = 0; w * SHARED_WORD < c->carved; w++)
                n += (size_t)__builtin_popcountll(__atomic_load_n(&c->sent[w], __ATOMIC_RELAXED));
        }
    }
    return n;
}

static shared_place place_in(const tarn_shared_pool *pool, const tarn_shared_chunk *c, uintptr_t at,
                             size_t *i)
{
    size_t offset = at - (uintptr_t)c->blocks;
    size_t carved = __atomic_load_n(&c->carved, __ATOMIC_RELAXED);
    *i = number_of(offset, pool->inverse, pool->shift);
    if (*i < carved)
        return SHARED_CARVED;
    return at >= (uintptr_t)c->blocks && offset < carved * pool->stride ? SHARED_INSIDE
                                                                        : SHARED_FOREIGN;
}

static tarn_shared_chunk *chunk_at(const tarn_shared_pool *pool, uintptr_t at)
{
    return (tarn_shared_chunk *)(at & pool->chunk_mask); /* NOLINT(performance-no-int-to-ptr) */
}

static bool in_bounds(const tarn_shared_pool *pool, uintptr_t at)
{
    return at >= __atomic_load_n(&pool->low, __ATOMIC_RELAXED) &&
           at < __atomic_load_n(&pool->high, __ATOMIC_RELAXED);
}

shared_place tarn_shared_find(const tarn_shared_pool *pool, const void *block,
                              tarn_shared_chunk **c, size_t *i)
{
    uintptr_t at = (uintptr_t)block;
    if (!in_bounds(pool, at) || !tarn_shared_index_has(pool, at & pool->chunk_mask))
        return SHARED_FOREIGN;
    *c = chunk_at(pool, at);
    return place_in(pool, *c, at, i);
}

/* Blocks of one message word. After the bits are out nothing of the chunk is touched (M4). */
static void send_word(tarn_shared_cache *cache, tarn_shared_chunk *c, size_t word, uintptr_t bits)
{
    tarn_shared_home *h = c->home;
    if (cache != NULL && __atomic_load_n(&h->cache, __ATOMIC_RELAXED) == cache) {
        come_home(h, c, word, bits);
        part_surplus(h, c, cache);
        return;
    }
    const tarn_shared_pool *pool = c->pool;
    const char *first = c->blocks;
    uintptr_t twice = tarn_message_send(&c->sent[word], bits, &h->bell, c->bit);
    if (TARN_UNLIKELY(twice != 0))
        report(pool, first, word, twice);
}

/* blocks[0], blocks[1], … as long as they are carved, in chunk c and of one message word; returns how
 * many. */
static size_t run_of(const tarn_shared_pool *pool, const tarn_shared_chunk *c, void *const *blocks,
                     size_t count, size_t word, uintptr_t *bits)
{
    const uintptr_t mask = pool->chunk_mask, first = (uintptr_t)c->blocks;
    const size_t inverse = pool->inverse, low = word * SHARED_WORD;
    const unsigned shift = pool->shift;
    size_t carved = __atomic_load_n(&c->carved, __ATOMIC_RELAXED), n = 0;
    for (; n < count; n++) {
        uintptr_t at = (uintptr_t)blocks[n];
        size_t i = number_of(at - first, inverse, shift);
        uintptr_t bit = (uintptr_t)1 << (i % SHARED_WORD);
        if ((at & mask) != (uintptr_t)c || i >= carved || i - low >= SHARED_WORD ||
            (*bits & bit) != 0)
            break;
        *bits |= bit;
    }
    return n;
}

/* Blocks that lie one behind the other, from block i on, in one message word: how many. Freed in the
 * order in which they were allocated they often do, and then one compare a block is all. */
static size_t row_of(const tarn_shared_pool *pool, const tarn_shared_chunk *c, void *const *blocks,
                     size_t count, size_t i)
{
    size_t most = SHARED_WORD - i % SHARED_WORD, n = 1, stride = pool->stride;
    size_t carved = __atomic_load_n(&c->carved, __ATOMIC_RELAXED);
    uintptr_t at = (uintptr_t)blocks[0];
    if (most > carved - i)
        most = carved - i;
    if (most > count)
        most = count;
    while (n < most && (uintptr_t)blocks[n] == (at += stride))
        n++;
    return n;
}

static const tarn_fault_kind FAULT_OF_PLACE[] = {
    [SHARED_INSIDE] = TARN_FAULT_INTERIOR_POINTER,
    [SHARED_FOREIGN] = TARN_FAULT_FOREIGN_POINTER,
};

void tarn_shared_give(tarn_shared_pool *pool, tarn_shared_cache *cache, void *const *blocks,
                      size_t count)
{
    size_t n = 0, i = 0;
    while (n < count) {
        uintptr_t at = (uintptr_t)blocks[n], bits = 0;
        tarn_shared_chunk *c = chunk_at(pool, at);
        shared_place place = SHARED_FOREIGN;
        if (in_bounds(pool, at) && c->pool == pool)
            place = place_in(pool, c, at, &i);
        if (TARN_UNLIKELY(place != SHARED_CARVED)) {
            tarn_shared_fault(pool, FAULT_OF_PLACE[place], blocks[n], 0, 0);
            n++;
            continue;
        }
        size_t word = i / SHARED_WORD, row = row_of(pool, c, blocks + n, count - n, i);
        if (row >= ROW) {
            bits = (~(uintptr_t)0 >> (SHARED_WORD - row)) << (i % SHARED_WORD);
            n += row;
        } else {
            n += run_of(pool, c, blocks + n, count - n, word, &bits);
        }
        send_word(cache, c, word, bits);
    }
}

/* ── Checking ── */

void tarn_shared_mark_live(tarn_shared_pool *pool, void *block)
{
    tarn_shared_chunk *c = chunk_at(pool, (uintptr_t)block);
    size_t i = 0;
    (void)place_in(pool, c, (uintptr_t)block, &i);
    (void)__atomic_fetch_or(&c->live[i / SHARED_WORD], (uintptr_t)1 << (i % SHARED_WORD),
                            __ATOMIC_RELAXED);
}

bool tarn_shared_mark_dead(tarn_shared_chunk *c, size_t i)
{
    uintptr_t bit = (uintptr_t)1 << (i % SHARED_WORD);
    return (__atomic_fetch_and(&c->live[i / SHARED_WORD], ~bit, __ATOMIC_RELAXED) & bit) != 0;
}

static bool chunk_valid(const tarn_shared_home *h, const tarn_shared_chunk *c)
{
    size_t free = 0;
    if (c->home != h || c->carved > c->capacity || c->map.opened != (c->carved + 63) / 64)
        return false;
    for (size_t w = 0; w < c->map.opened; w++) {
        uint64_t bits = c->map.level[0][w], sent = 0;
        for (size_t e = 0; e < 64 / SHARED_WORD; e++)
            sent |= (uint64_t)c->sent[w * (64 / SHARED_WORD) + e] << (e * SHARED_WORD % 64);
        uint64_t beyond = (w + 1) * 64 > c->carved ? ~(uint64_t)0 << (c->carved % 64) : 0;
        if ((bits & sent) != 0 || ((bits | sent) & beyond) != 0)
            return false;
        if (sent != 0 && (h->bell & c->bit) == 0)
            return false;
        free += (size_t)__builtin_popcountll(bits);
    }
    return free == c->free && tarn_bitmap_valid(&c->map);
}

static size_t length(const tarn_shared_list *list, shared_list_kind kind)
{
    size_t n = 0;
    for (const tarn_shared_chunk *c = list->first; c != NULL; c = c->links[kind].next)
        n++;
    return n;
}

bool tarn_shared_home_valid(const tarn_shared_home *h)
{
    size_t room = 0, carved = 0, free = 0, with_free = 0, raw = 0;
    for (unsigned k = 0; k < SHARED_WORD; k++) {
        for (const tarn_shared_chunk *c = h->classes[k].first; c != NULL;
             c = c->links[SHARED_CLASS].next) {
            if (!chunk_valid(h, c))
                return false;
            room += c->capacity;
            carved += c->carved;
            free += c->free;
            with_free += c->free > 0;
            raw += c->carved < c->capacity;
        }
    }
    return room == h->room && carved == h->carved && free == h->free_blocks &&
           with_free == length(&h->free, SHARED_FREE) && raw == length(&h->raw, SHARED_RAW);
}
