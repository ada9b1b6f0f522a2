/* SPDX-License-Identifier: MIT */
/* Tarn's slots in both storages, beside the inlined pool, whose pointers go unchecked. */
#include "cases_slots.hpp"

#include <tarn/pool.h>
#include <tarn/slots.h>

namespace
{

struct object {
    char bytes[64];
};

TARN_SLOTS_OF(object, object)

class pool
{
    tarn_pool blocks;

  public:
    pool()
    {
        tarn_pool_options options = {};
        options.block_size = sizeof(object);
        bench::must(tarn_pool_init(&blocks, &options) == TARN_OK, "tarn_pool_init");
    }
    ~pool()
    {
        tarn_pool_deinit(&blocks);
    }
    pool(const pool &) = delete;
    pool &operator=(const pool &) = delete;
    void *alloc()
    {
        return tarn_pool_alloc(&blocks);
    }
    static void *resolve(void *p)
    {
        return p;
    }
    void free(void *p)
    {
        tarn_pool_free(&blocks, p);
    }
};

template <bool Compact, unsigned Bits, bool Typed> class slots
{
    tarn_slots table;

  public:
    slots()
    {
        tarn_slots_options options = {TARN_SLOTS_TYPE(object)};
        options.handle_bits = Bits;
        options.compact = Compact;
        bench::must(tarn_slots_init(&table, &options) == TARN_OK, "tarn_slots_init");
    }
    ~slots()
    {
        tarn_slots_deinit(&table);
    }
    slots(const slots &) = delete;
    slots &operator=(const slots &) = delete;
    tarn_slot alloc()
    {
        void *place;
        object *typed;
        return Typed ? object_alloc(&table, &typed) : tarn_slots_alloc(&table, &place);
    }
    void *resolve(tarn_slot h)
    {
        return Typed ? object_resolve(&table, h) : tarn_slots_resolve(&table, h);
    }
    void free(tarn_slot h)
    {
        (void)tarn_slots_free(&table, h);
    }
};

const bool entered = [] {
    bench::enter_slots<pool>("tarn pool");
    bench::enter_slots<slots<false, 64, false>>("tarn slots");
    bench::enter_slots<slots<false, 64, true>>("tarn slots of a type");
    bench::enter_slots<slots<true, 64, false>>("tarn slots, compacting");
    return true;
}();

} // namespace
