/* SPDX-License-Identifier: MIT */
/* Tarn's sources: plain pages, populated ones, huge ones, and pools over spans. */
#include "cases_sources.hpp"

#include <tarn/pages.h>
#include <tarn/pool.h>
#include <tarn/spans.h>

namespace
{

template <tarn_huge Huge, bool Populate> class regions
{
    tarn_pages pages;

  public:
    regions()
    {
        tarn_pages_options how = {};
        how.huge = Huge;
        how.populate = Populate;
        bench::must(tarn_pages_init(&pages, &how) == TARN_OK, "tarn_pages_init");
    }
    void *map(size_t size)
    {
        tarn_region r;
        bench::must(tarn_source_map(&pages.source, size, 1, 0, &r) == TARN_OK, "tarn_source_map");
        return r.ptr;
    }
    void unmap(void *ptr, size_t size)
    {
        tarn_source_unmap(&pages.source, ptr, size, 1);
    }
};

enum decay { NONE, AT_ONCE, DEFAULT };

/* A pool over pages, with spans in between or without. */
template <decay Decay, tarn_huge Huge> class pool_of
{
    tarn_pages pages;
    tarn_spans spans;
    tarn_pool pool;

  public:
    pool_of(size_t block, size_t)
    {
        tarn_pages_options below = {};
        below.huge = Huge;
        tarn_spans_options between = {};
        between.source = &pages.source;
        between.decay_ms = Decay == AT_ONCE ? TARN_DECAY_AT_ONCE : 0;
        tarn_pool_options options = {};
        options.block_size = block;
        options.source = Decay == NONE ? &pages.source : &spans.source;
        bench::must(tarn_pages_init(&pages, &below) == TARN_OK, "tarn_pages_init");
        bench::must(tarn_spans_init(&spans, &between) == TARN_OK, "tarn_spans_init");
        bench::must(tarn_pool_init(&pool, &options) == TARN_OK, "tarn_pool_init");
    }
    ~pool_of()
    {
        tarn_pool_deinit(&pool);
        tarn_spans_deinit(&spans);
        tarn_pages_deinit(&pages);
    }
    pool_of(const pool_of &) = delete;
    pool_of &operator=(const pool_of &) = delete;
    void *alloc()
    {
        return tarn_pool_alloc(&pool);
    }
    void free(void *p)
    {
        tarn_pool_free(&pool, p);
    }
    void trim()
    {
        tarn_trim(tarn_pool_allocator(&pool));
    }
};

/* malloc, which keeps idle memory by its own rules: nobody asks it for any. */
class kept_malloc
{
    size_t block;

  public:
    kept_malloc(size_t block_size, size_t) : block(block_size)
    {
    }
    void *alloc()
    {
        return malloc(block);
    }
    void free(void *p)
    {
        ::free(p);
    }
    void trim()
    {
    }
};

const size_t MIB = 1 << 20;

template <class P> void enter_swing(const char *name)
{
    bench::enter("swing", name, bench::swing<P, 64, 100000>);
}

template <tarn_huge Huge, bool Populate> void enter_touch(const char *name)
{
    bench::enter("first_touch", name, bench::first_touch<regions<Huge, Populate>, 32 * MIB>);
}

const bool entered = [] {
    enter_swing<pool_of<NONE, TARN_HUGE_OFF>>("tarn pool over pages");
    enter_swing<pool_of<DEFAULT, TARN_HUGE_OFF>>("tarn pool over spans");
    enter_swing<pool_of<AT_ONCE, TARN_HUGE_OFF>>("tarn pool over spans, at once");
    enter_swing<kept_malloc>("malloc");
    enter_touch<TARN_HUGE_OFF, false>("tarn pages");
    enter_touch<TARN_HUGE_OFF, true>("tarn pages, populated");
    enter_touch<TARN_HUGE_ADVISE, false>("tarn pages, huge");
    enter_touch<TARN_HUGE_ADVISE, true>("tarn pages, huge, populated");
    bench::enter("far_reads", "tarn pages",
                 bench::far_reads<regions<TARN_HUGE_OFF, false>, 256 * MIB>);
    bench::enter("far_reads", "tarn pages, huge",
                 bench::far_reads<regions<TARN_HUGE_ADVISE, false>, 256 * MIB>);
    return true;
}();

} // namespace
