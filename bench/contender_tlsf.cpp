/* SPDX-License-Identifier: MIT */
/* Two-level segregated fit over one region of pages: called by name, through the handle, metadata outside. */
#include "cases_blocks.hpp"
#include "cases_latency.hpp"
#include "cases_mixed.hpp"

#include <tarn/pages.h>
#include <tarn/pool.h>
#include <tarn/tlsf.h>

namespace
{

enum { REGION = 256 << 20 };

/* One region, mapped and not touched, as a caller's buffer is. */
class region_base
{
  protected:
    tarn_pages pages;
    tarn_region region;
    tarn_tlsf tlsf;

    explicit region_base(tarn_allocator *metadata = nullptr)
    {
        tarn_pages_options how = {};
        bench::must(tarn_pages_init(&pages, &how) == TARN_OK, "tarn_pages_init");
        bench::must(tarn_source_map(&pages.source, REGION, 4096, 0, &region) == TARN_OK, "map");
        tarn_tlsf_options options = {};
        options.buffer = region.ptr;
        options.buffer_size = region.size;
        options.metadata = metadata;
        bench::must(tarn_tlsf_init(&tlsf, &options) == TARN_OK, "tarn_tlsf_init");
    }
    ~region_base()
    {
        tarn_tlsf_deinit(&tlsf);
        tarn_source_unmap(&pages.source, region.ptr, region.size, 4096);
        tarn_pages_deinit(&pages);
    }
    region_base(const region_base &) = delete;
    region_base &operator=(const region_base &) = delete;
};

class direct : region_base
{
    size_t block;

  public:
    explicit direct(size_t block_size = 0, size_t = 0) : block(block_size)
    {
    }
    void *alloc()
    {
        return tarn_tlsf_alloc(&tlsf, block, TARN_SPEC(16));
    }
    void free(void *p)
    {
        tarn_tlsf_free(&tlsf, p, block, TARN_SPEC(16));
    }
    void *alloc(size_t size)
    {
        return tarn_tlsf_alloc(&tlsf, size, TARN_SPEC(8));
    }
    void free(void *p, size_t size)
    {
        tarn_tlsf_free(&tlsf, p, size, TARN_SPEC(8));
    }
};

/* The compiler does not know what is behind the handle. */
template <bool Outside> class handle : region_base
{
    tarn_allocator *erased = bench::hide(tarn_tlsf_allocator(&tlsf));
    size_t block;

  public:
    explicit handle(size_t block_size = 0, size_t = 0)
        : region_base(Outside ? tarn_libc() : nullptr), block(block_size)
    {
    }
    void *alloc()
    {
        return tarn_alloc(erased, block, TARN_SPEC(16));
    }
    void free(void *p)
    {
        tarn_free(erased, p, block, TARN_SPEC(16));
    }
    void *alloc(size_t size)
    {
        return tarn_alloc(erased, size, TARN_SPEC(8));
    }
    void free(void *p, size_t size)
    {
        tarn_free(erased, p, size, TARN_SPEC(8));
    }
};

/* One run of blocks that lies in memory of the caller's, written before. */
template <bool Steady> class warm_pool
{
    std::vector<char> bytes;
    tarn_pool pool;

  public:
    warm_pool(size_t block, size_t capacity) : bytes(tarn_pool_bytes(block, 16, capacity) + 64, 1)
    {
        tarn_pool_options options = {};
        options.block_size = block;
        options.capacity = capacity;
        options.buffer = bytes.data();
        options.buffer_size = bytes.size();
        options.steady = Steady;
        bench::must(tarn_pool_init(&pool, &options) == TARN_OK, "tarn_pool_init");
    }
    ~warm_pool()
    {
        tarn_pool_deinit(&pool);
    }
    warm_pool(const warm_pool &) = delete;
    warm_pool &operator=(const warm_pool &) = delete;
    void *alloc(size_t)
    {
        return tarn_pool_alloc(&pool);
    }
    void free(void *p, size_t)
    {
        tarn_pool_free(&pool, p);
    }
};

template <class P> void enter_all(const char *name)
{
    bench::enter("pair", name, bench::pair<P, 64>);
    bench::enter("burst", name, bench::burst<P, 64, true>);
    bench::enter_mixed<P>(name);
    bench::enter("latency", name, bench::latency<P>);
}

const bool entered = [] {
    enter_all<direct>("tarn tlsf, direct");
    enter_all<handle<false>>("tarn tlsf");
    enter_all<handle<true>>("tarn tlsf, outside");
    bench::enter("latency_64", "tarn pool", bench::latency_64<warm_pool<false>>);
    bench::enter("latency_64", "tarn pool, steady", bench::latency_64<warm_pool<true>>);
    return true;
}();

} // namespace
