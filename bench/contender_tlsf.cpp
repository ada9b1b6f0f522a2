/* SPDX-License-Identifier: MIT */
/* Two-level segregated fit over one region of pages: called by name, through the handle, metadata outside. */
#include "cases_blocks.hpp"
#include "cases_mixed.hpp"

#include <tarn/pages.h>
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

    explicit region_base(tarn_allocator *metadata = nullptr, size_t grain = 0)
    {
        tarn_pages_options how = {};
        bench::must(tarn_pages_init(&pages, &how) == TARN_OK, "tarn_pages_init");
        bench::must(tarn_source_map(&pages.source, REGION, 4096, 0, &region) == TARN_OK, "map");
        tarn_tlsf_options options = {};
        options.buffer = region.ptr;
        options.buffer_size = region.size;
        options.metadata = metadata;
        options.grain = grain;
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
        : region_base(Outside ? tarn_libc() : nullptr, Outside ? 16 : 0), block(block_size)
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

template <class P> void enter_all(const char *name)
{
    bench::enter("pair", name, bench::pair<P, 64>);
    bench::enter("burst", name, bench::burst<P, 64, true>);
    bench::enter_mixed<P>(name);
}

const bool entered = [] {
    enter_all<direct>("tarn tlsf, direct");
    enter_all<handle<false>>("tarn tlsf");
    enter_all<handle<true>>("tarn tlsf, outside");
    return true;
}();

} // namespace
