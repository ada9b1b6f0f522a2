/* SPDX-License-Identifier: MIT */
/* The table of contexts: open addressing in mapped memory, read without a lock.
 *
 * K1  An entry is filled before its id is stored (release); a reader that sees the id sees the entry.
 * K2  A table that has become too small stays mapped: readers may be in it. They miss new keys there, come here, and
 *     find them under the lock. All old tables together are smaller than the current one.
 * K3  At most TARN_KEYS_MAX ids; the last FOLDED of them are for keys without a size and an offset, one per return
 *     address, which every program has few of.
 */
#define _GNU_SOURCE
#include "record/keys.h"

#include "record/lock.h"
#include "record/output.h"
#include "record/stacks.h"
#include "record/thread.h"
#include "trace/meta.h"

#include <errno.h>
#include <sys/mman.h>

#define FIRST_ENTRIES 4096u
#define FOLDED        65536u
#define UNWOUND_MAX   262144u /* contexts that get a stack: bounds the time spent unwinding */

static rec_key no_entry;
static rec_key_table no_table = {.mask = 0, .entries = &no_entry};
_Atomic(rec_key_table *) rec_keys = &no_table;

static rec_lock keys_lock;
static uint32_t count;
static uint64_t before[TARN_FRAMES_MAX]; /* the stack told last in block before_block of slot 0 */
static uint32_t before_count, before_block = UINT32_MAX;

static rec_key_table *new_table(uint64_t entries)
{
    size_t bytes = sizeof(rec_key_table) + 64 + entries * sizeof(rec_key);
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    rec_key_table *table = map;
    table->mask = entries - 1;
    table->entries = (rec_key *)(void *)((char *)map + 64);
    return table;
}

static rec_key *place(rec_key_table *table, uint64_t ret, uint64_t size, uint64_t shape)
{
    uint64_t at = rec_key_hash(ret, size, shape);
    while (atomic_load_explicit(&table->entries[at & table->mask].id, memory_order_relaxed))
        at++;
    return &table->entries[at & table->mask];
}

/* Keep the table at most half full; false when it is full and cannot grow. */
static bool make_room(void)
{
    rec_key_table *old = atomic_load_explicit(&rec_keys, memory_order_relaxed);
    if (old != &no_table && (uint64_t)count * 2 <= old->mask)
        return true;
    rec_key_table *table = new_table(old == &no_table ? FIRST_ENTRIES : (old->mask + 1) * 2);
    if (!table)
        return old != &no_table && count < old->mask - 1;
    for (uint64_t i = 0; i <= old->mask; i++) {
        rec_key *from = &old->entries[i];
        uint32_t id = atomic_load_explicit(&from->id, memory_order_relaxed);
        if (!id)
            continue;
        rec_key *to = place(table, from->ret, from->size, from->shape);
        to->ret = from->ret;
        to->size = from->size;
        to->shape = from->shape;
        atomic_store_explicit(&to->id, id, memory_order_relaxed);
    }
    atomic_store_explicit(&rec_keys, table, memory_order_release);
    return true;
}

/* Frames that this stack shares with the one told before, at the outer end. */
static unsigned shared_frames(const uint64_t *frames, unsigned frame_count)
{
    unsigned n = 0;
    while (n + 1 < frame_count && n + 1 < before_count &&
           frames[frame_count - 1 - n] == before[before_count - 1 - n])
        n++;
    return n;
}

static void tell(const rec_key *key, uint32_t number, const uint64_t *frames, unsigned frame_count,
                 bool unwound)
{
    uint8_t record[TARN_FRAMES_MAX * TARN_VARINT_MAX + 128];
    uint32_t block = rec_meta_begin(sizeof record);
    if (block != before_block)
        before_count = 0;
    before_block = block;
    unsigned shared = shared_frames(frames, frame_count);
    unsigned flags =
        (key->shape & REC_KEY_ANY_SIZE ? TARN_KEY_ANY_SIZE : 0) | (unwound ? TARN_KEY_UNWOUND : 0);
    uint8_t *out = tarn_varint_put(record, number);
    out = tarn_varint_put(out, key->shape >> 32 & 255);
    out = tarn_varint_put(out, key->shape >> 40 & 255);
    out = tarn_varint_put(out, flags);
    out = tarn_varint_put(out, key->size);
    out = tarn_varint_put(out, (uint32_t)key->shape);
    out = tarn_varint_put(out, shared);
    out = tarn_varint_put(out, frame_count - shared);
    uint64_t last = 0;
    for (unsigned i = 0; i < frame_count - shared; i++) {
        out = tarn_varint_put(out, tarn_zigzag(frames[i] - last));
        last = frames[i];
    }
    rec_meta_put(TARN_META_KEY, record, (size_t)(out - record));
    memcpy(before, frames, frame_count * sizeof *frames);
    before_count = frame_count;
    rec_meta_end();
}

/* Insert under keys_lock; number + 1, or 0. */
static uint32_t insert(const rec_key *wanted, const uint64_t *frames, unsigned frame_count,
                       bool unwound)
{
    uint32_t id = rec_key_find(wanted->ret, wanted->size, wanted->shape);
    bool folded = wanted->shape & REC_KEY_ANY_SIZE;
    if (id || count >= TARN_KEYS_MAX - (folded ? 0 : FOLDED) || !make_room())
        return id;
    tell(wanted, count, frames, frame_count, unwound);
    rec_key *key = place(atomic_load_explicit(&rec_keys, memory_order_relaxed), wanted->ret,
                         wanted->size, wanted->shape);
    key->ret = wanted->ret;
    key->size = wanted->size;
    key->shape = wanted->shape;
    id = ++count;
    atomic_store_explicit(&key->id, id, memory_order_release);
    return id;
}

uint32_t rec_key_add(uint64_t ret, uint64_t size, uint64_t shape, bool *sized)
{
    rec_thread *self = &rec_self;
    rec_key wanted = {.ret = ret, .size = size, .shape = shape};
    *sized = __atomic_load_n(&count, __ATOMIC_RELAXED) >= TARN_KEYS_MAX - FOLDED;
    if (*sized) {
        wanted.size = 0;
        wanted.shape = (shape & ~UINT64_C(0xffffffff)) | REC_KEY_ANY_SIZE;
        uint32_t id = rec_key_find(wanted.ret, wanted.size, wanted.shape);
        if (id)
            return id - 1;
    }
    int error = errno;
    self->busy = 1;
    uint64_t frames[TARN_FRAMES_MAX] = {0};
    bool unwound = false;
    unsigned frame_count = 1;
    frames[0] = ret;
    if (__atomic_load_n(&count, __ATOMIC_RELAXED) < UNWOUND_MAX)
        frame_count = rec_stack_take(ret, frames, TARN_FRAMES_MAX, &unwound);
    rec_lock_take(&keys_lock);
    uint32_t id = insert(&wanted, frames, frame_count, unwound);
    rec_unlock(&keys_lock);
    self->busy = 0;
    errno = error;
    *sized |= !id;
    return id ? id - 1 : REC_NO_KEY;
}

void rec_keys_forked(void)
{
    rec_key_table *table = atomic_load_explicit(&rec_keys, memory_order_relaxed);
    if (table != &no_table)
        munmap(table, sizeof *table + 64 + (table->mask + 1) * sizeof(rec_key));
    atomic_store_explicit(&rec_keys, &no_table, memory_order_relaxed);
    rec_lock_reset(&keys_lock);
    count = 0;
    before_count = 0;
    before_block = UINT32_MAX;
}
