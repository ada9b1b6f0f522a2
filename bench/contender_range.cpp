/* SPDX-License-Identifier: MIT */
/* Spaces of offsets with each core, and beside them tlsf, which keeps what it knows in the memory itself. */
#include "cases_range.hpp"

#include <tarn/pages.h>
#include <tarn/range.h>
#include <tarn/tlsf.h>

namespace
{

enum { SPACE = 256 << 20, IDS = 1 << 20 };

template <tarn_range_core Core, uint64_t Granule, uint64_t Units, uint32_t Flags> class space
{
    tarn_space state;

  public:
    space()
    {
        tarn_space_options options = {};
        options.units = Units;
        options.core = Core;
        options.granule = Granule;
        bench::must(tarn_space_init(&state, &options) == TARN_OK, "tarn_space_init");
    }
    ~space()
    {
        tarn_space_deinit(&state);
    }
    space(const space &) = delete;
    space &operator=(const space &) = delete;
    uint64_t take(size_t size)
    {
        tarn_range_block block;
        bench::must(tarn_range_alloc(&state.range, size, 1, Flags, &block) == TARN_OK, "take");
        bench::escape(&block);
        return block.id;
    }
    void give(uint64_t id)
    {
        bench::must(tarn_range_free(&state.range, id) == TARN_OK, "give");
    }
    double metadata() const
    {
        tarn_range_stats stats;
        tarn_range_count(&state.range, &stats);
        return static_cast<double>(stats.metadata);
    }
};

/* The size stands in the upper bits of the pointer: a sized free is the quicker one. */
class inside
{
    tarn_pages pages;
    tarn_region region;
    tarn_tlsf tlsf;

  public:
    inside()
    {
        tarn_pages_options how = {};
        bench::must(tarn_pages_init(&pages, &how) == TARN_OK, "tarn_pages_init");
        bench::must(tarn_source_map(&pages.source, SPACE, 4096, 0, &region) == TARN_OK, "map");
        tarn_tlsf_options options = {};
        options.buffer = region.ptr;
        options.buffer_size = region.size;
        bench::must(tarn_tlsf_init(&tlsf, &options) == TARN_OK, "tarn_tlsf_init");
    }
    ~inside()
    {
        tarn_tlsf_deinit(&tlsf);
        tarn_source_unmap(&pages.source, region.ptr, region.size, 4096);
        tarn_pages_deinit(&pages);
    }
    inside(const inside &) = delete;
    inside &operator=(const inside &) = delete;
    uint64_t take(size_t size)
    {
        void *p = tarn_tlsf_alloc(&tlsf, size, TARN_SPEC(8));
        bench::escape(p);
        return reinterpret_cast<uint64_t>(p) | uint64_t(size) << 48;
    }
    void give(uint64_t word)
    {
        tarn_tlsf_free(&tlsf, reinterpret_cast<void *>(word & 0xffffffffffffU),
                       static_cast<size_t>(word >> 48), TARN_SPEC(8));
    }
    static double metadata()
    {
        return 0;
    }
};

template <class P> void enter(const char *name)
{
    bench::enter("range_1e5", name, bench::range_churn<P, 100000>);
    bench::enter("range_1e3", name, bench::range_churn<P, 1000>);
}

const bool entered = [] {
    enter<space<TARN_RANGE_TLSF, 16, SPACE, 0>>("tarn range");
    enter<space<TARN_RANGE_TLSF, 1, SPACE, 0>>("tarn range, granule 1");
    enter<inside>("tarn tlsf");
    bench::enter("ids_1e5", "tarn range, bitmap",
                 bench::identifiers<space<TARN_RANGE_BITMAP, 1, IDS, 0>, 100000>);
    bench::enter("ids_1e5", "tarn range, tlsf",
                 bench::identifiers<space<TARN_RANGE_TLSF, 1, IDS, 0>, 100000>);
    return true;
}();

} // namespace
