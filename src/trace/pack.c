/* SPDX-License-Identifier: MIT */
/* Event words to columns of bytes and back.
 *
 * P1  Encoder and decoder append to `allocs` and `frees` at the same words, so a place in them means the same address.
 * P2  The encoder's table may forget an address (one entry a bucket); then the address is told as new. The decoder has
 *     no table.
 * P3  Each word writes at most one number to a column, so a column holds TARN_SLOT_WORDS numbers of its width.
 */
#include "trace/pack.h"

#include "trace/varint.h"
#include "trace/words.h"

#include <string.h>

enum code {
    ALLOC_REF,
    ALLOC_NEW,
    FREE_REF,
    FREE_NEW,
    BEGIN_REF,
    BEGIN_NEW,
    DONE_SAME, /* realloc in place */
    DONE_REF,
    DONE_NEW,
    STAMP,
    TIME,
    OTHER,
    PLAIN, /* tail of an OTHER: the word as it is */
    CODES
};

#define OF_FREES 0x80000000u

/* Where both directions stand. */
typedef struct state {
    tarn_pack *pack;
    uint32_t allocs, frees; /* used of pack->allocs, pack->frees              */
    uint64_t last_new;      /* last address handed out that was told as new   */
    uint64_t last_freed;    /* last address given back                        */
    uint64_t last_begin;    /* old address of the realloc under way           */
    uint64_t stamp, time;   /* last told                                      */
    uint8_t *keys, *refs, *news, *others;
} state;

static uint32_t bucket(uint64_t address)
{
    return (uint32_t)((address >> 3) * 0x9e3779b97f4a7c15u >> 40) & (TARN_PACK_TABLE - 1);
}

/* Addresses are multiples of 16 nearly always. */
static uint64_t distance(uint64_t address, uint64_t from)
{
    uint64_t d = address - from;
    return d & 15 ? tarn_zigzag(d) << 1 | 1 : tarn_zigzag((uint64_t)((int64_t)d >> 4)) << 1;
}

static uint64_t undistance(uint64_t v, uint64_t from)
{
    uint64_t d = tarn_unzigzag(v >> 1);
    return from + (v & 1 ? d : d << 4);
}

static void note_alloc(state *s, uint64_t address)
{
    s->pack->allocs[s->allocs++] = address;
}

static void note_free(state *s, uint64_t address)
{
    s->pack->frees[s->frees++] = address;
    s->last_freed = address;
}

/* Tell an address handed out: base code + 1 when it is new. */
static unsigned tell_alloc(state *s, uint64_t address, unsigned ref_code)
{
    uint32_t *entry = &s->pack->table[bucket(address)];
    uint32_t place = *entry & ~OF_FREES;
    unsigned code = ref_code;
    if (*entry & OF_FREES && s->pack->frees[place - 1] == address) {
        s->refs = tarn_varint_put(s->refs, s->frees - place);
    } else {
        s->news = tarn_varint_put(s->news, distance(address, s->last_new));
        s->last_new = address;
        code++;
    }
    note_alloc(s, address);
    *entry = s->allocs;
    return code;
}

static unsigned tell_free(state *s, uint64_t address, unsigned ref_code)
{
    uint32_t *entry = &s->pack->table[bucket(address)];
    unsigned code = ref_code;
    if (*entry && !(*entry & OF_FREES) && s->pack->allocs[*entry - 1] == address) {
        s->refs = tarn_varint_put(s->refs, s->allocs - *entry);
    } else {
        s->news = tarn_varint_put(s->news, distance(address, s->last_freed));
        code++;
    }
    note_free(s, address);
    *entry = s->frees | OF_FREES;
    return code;
}

static unsigned tell_realloc(state *s, uint64_t address)
{
    if (address != s->last_begin)
        return tell_alloc(s, address, DONE_REF);
    note_alloc(s, address);
    s->pack->table[bucket(address)] = s->allocs;
    return DONE_SAME;
}

static unsigned tell_other(state *s, uint64_t word)
{
    uint64_t value = tarn_word_value(word);
    switch (tarn_word_which(word)) {
    case TARN_OP_STAMP:
        s->others = tarn_varint_put(s->others, value - s->stamp);
        s->stamp = value;
        return STAMP;
    case TARN_OP_TIME:
        s->others = tarn_varint_put(s->others, value - s->time);
        s->time = value;
        return TIME;
    case TARN_OP_REALLOC_BEGIN:
        s->last_begin = value;
        return tell_free(s, value, BEGIN_REF);
    default:
        s->others = tarn_varint_put(s->others, word);
        return OTHER;
    }
}

/* Is an OTHER word of this op an event? The rest of its words are not. */
static bool is_event(unsigned op)
{
    return op == TARN_OP_THREAD || op == TARN_OP_THREAD_END || op == TARN_OP_USABLE ||
           op == TARN_OP_ALLOC_WIDE || op == TARN_OP_REALLOC_WIDE || op == TARN_OP_ALLOC_SIZED ||
           op == TARN_OP_REALLOC_SIZED;
}

static uint8_t *column(uint8_t *out, const uint8_t *from, const uint8_t *to)
{
    size_t length = (size_t)(to - from);
    out = tarn_varint_put(out, length);
    memcpy(out, from, length);
    return out + length;
}

size_t tarn_pack_encode(tarn_pack *pack, const uint64_t *words, uint32_t count, uint8_t *out)
{
    state s = {.pack = pack,
               .keys = pack->keys,
               .refs = pack->refs,
               .news = pack->news,
               .others = pack->others};
    memset(pack->table, 0, sizeof pack->table);
    memset(pack->codes, 0, (count + 1) / 2);
    unsigned tail = 0;
    uint32_t others = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word = words[i];
        unsigned code = PLAIN;
        unsigned kind = tarn_word_kind(word);
        if (tail) {
            s.others = tarn_varint_put(s.others, word);
            tail--;
            others++;
        } else if (kind == TARN_WORD_FREE) {
            code = tell_free(&s, tarn_word_freed(word), FREE_REF);
        } else if (kind == TARN_WORD_OTHER) {
            tail = tarn_word_tail(tarn_word_which(word));
            others += !is_event(tarn_word_which(word));
            code = tell_other(&s, word);
        } else {
            s.keys = tarn_varint_put(s.keys, tarn_word_key(word));
            uint64_t address = tarn_word_address(word);
            code = kind == TARN_WORD_ALLOC ? tell_alloc(&s, address, ALLOC_REF)
                                           : tell_realloc(&s, address);
        }
        pack->codes[i / 2] |= (uint8_t)(code << (i & 1) * 4);
    }
    pack->other_words = others;
    uint8_t *end = column(out, pack->codes, pack->codes + (count + 1) / 2);
    end = column(end, pack->keys, s.keys);
    end = column(end, pack->refs, s.refs);
    end = column(end, pack->news, s.news);
    end = column(end, pack->others, s.others);
    return (size_t)(end - out);
}

/* The columns while reading. */
typedef struct reading {
    state s;
    tarn_bytes codes, keys, refs, news, others;
    bool bad;
} reading;

static uint64_t heard_alloc(reading *r, bool ref)
{
    state *s = &r->s;
    uint64_t address = 0;
    if (ref) {
        uint64_t age = tarn_varint_get(&r->refs);
        if (age >= s->frees)
            r->bad = true;
        else
            address = s->pack->frees[s->frees - 1 - age];
    } else {
        address = undistance(tarn_varint_get(&r->news), s->last_new);
        s->last_new = address;
    }
    note_alloc(s, address);
    return address;
}

static uint64_t heard_free(reading *r, bool ref)
{
    state *s = &r->s;
    uint64_t address = 0;
    if (ref) {
        uint64_t age = tarn_varint_get(&r->refs);
        if (age >= s->allocs)
            r->bad = true;
        else
            address = s->pack->allocs[s->allocs - 1 - age];
    } else {
        address = undistance(tarn_varint_get(&r->news), s->last_freed);
    }
    note_free(s, address);
    return address;
}

static uint64_t heard_done(reading *r, unsigned code)
{
    if (code != DONE_SAME)
        return heard_alloc(r, code == DONE_REF);
    note_alloc(&r->s, r->s.last_begin);
    return r->s.last_begin;
}

static uint64_t heard_word(reading *r, unsigned code)
{
    state *s = &r->s;
    switch (code) {
    case ALLOC_REF:
    case ALLOC_NEW: {
        uint32_t key = (uint32_t)tarn_varint_get(&r->keys);
        return tarn_word_alloc(TARN_WORD_ALLOC, heard_alloc(r, code == ALLOC_REF), key);
    }
    case FREE_REF:
    case FREE_NEW:
        return tarn_word_free(heard_free(r, code == FREE_REF));
    case BEGIN_REF:
    case BEGIN_NEW:
        s->last_begin = heard_free(r, code == BEGIN_REF);
        return tarn_word_other(TARN_OP_REALLOC_BEGIN, s->last_begin);
    case DONE_SAME:
    case DONE_REF:
    case DONE_NEW: {
        uint32_t key = (uint32_t)tarn_varint_get(&r->keys);
        return tarn_word_alloc(TARN_WORD_REALLOC, heard_done(r, code), key);
    }
    case STAMP:
        return tarn_word_other(TARN_OP_STAMP, s->stamp += tarn_varint_get(&r->others));
    case TIME:
        return tarn_word_other(TARN_OP_TIME, s->time += tarn_varint_get(&r->others));
    case OTHER:
    case PLAIN:
        return tarn_varint_get(&r->others);
    default:
        r->bad = true;
        return 0;
    }
}

static tarn_bytes take_column(tarn_bytes *in)
{
    uint64_t length = tarn_varint_get(in);
    const uint8_t *at = tarn_bytes_take(in, length);
    return at ? (tarn_bytes){.at = at, .end = at + length} : (tarn_bytes){.bad = true};
}

bool tarn_pack_decode(tarn_pack *pack, const uint8_t *bytes, size_t length, uint64_t *words,
                      uint32_t count)
{
    tarn_bytes in = {.at = bytes, .end = bytes + length};
    reading r = {.s = {.pack = pack}};
    r.codes = take_column(&in);
    r.keys = take_column(&in);
    r.refs = take_column(&in);
    r.news = take_column(&in);
    r.others = take_column(&in);
    if (in.bad || !r.codes.at || count > TARN_SLOT_WORDS ||
        (size_t)(r.codes.end - r.codes.at) != (count + 1) / 2)
        return false;
    for (uint32_t i = 0; i < count && !r.bad; i++)
        words[i] = heard_word(&r, r.codes.at[i / 2] >> (i & 1) * 4 & 15);
    return !r.bad && !r.keys.bad && !r.refs.bad && !r.news.bad && !r.others.bad;
}
