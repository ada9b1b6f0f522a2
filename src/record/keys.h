/* SPDX-License-Identifier: MIT */
/* Contexts: (return address, stack offset, size, kind, alignment) -> a small number, at the cost of a hash lookup. */
#ifndef TARN_RECORD_KEYS_H
#define TARN_RECORD_KEYS_H

#include "trace/format.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct rec_key {
    uint64_t ret;        /* return address of the allocation call                            */
    uint64_t size;       /* bytes asked for                                                  */
    uint64_t shape;      /* stack offset | kind << 32 | align_log2 << 40 | any size << 48    */
    _Atomic uint32_t id; /* number + 1; 0 = empty. Stored last, with release                 */
    uint32_t unused;
} rec_key;

typedef struct rec_key_table {
    uint64_t mask; /* entries - 1 */
    rec_key *entries;
} rec_key_table;

extern _Atomic(rec_key_table *) rec_keys; /* replaced when it grows; old ones stay readable */

#define REC_KEY_ANY_SIZE (UINT64_C(1) << 48)
#define REC_NO_KEY       TARN_KEYS_MAX

static inline uint64_t rec_key_shape(uint64_t offset, unsigned kind, unsigned align_log2)
{
    return offset | (uint64_t)kind << 32 | (uint64_t)align_log2 << 40;
}

static inline uint64_t rec_key_hash(uint64_t ret, uint64_t size, uint64_t shape)
{
    uint64_t h =
        ret * 0x9e3779b97f4a7c15u ^ size * 0xc2b2ae3d27d4eb4fu ^ shape * 0x165667b19e3779f9u;
    return h >> 32 ^ h;
}

/* Number of a known key + 1, or 0. */
static inline uint32_t rec_key_find(uint64_t ret, uint64_t size, uint64_t shape)
{
    const rec_key_table *table = atomic_load_explicit(&rec_keys, memory_order_acquire);
    for (uint64_t at = rec_key_hash(ret, size, shape);; at++) {
        const rec_key *key = &table->entries[at & table->mask];
        uint32_t id = atomic_load_explicit(&key->id, memory_order_acquire);
        if (!id || (key->ret == ret && key->size == size && key->shape == shape))
            return id;
    }
}

/* The same for a new one: unwinds, writes the context down. *sized says that the event must tell its size (the table is
 * full and sizes are folded together). REC_NO_KEY when there is no room at all. */
uint32_t rec_key_add(uint64_t ret, uint64_t size, uint64_t shape, bool *sized);

/* In a forked child: start with no keys, since its own trace knows none. */
void rec_keys_forked(void);

#endif
