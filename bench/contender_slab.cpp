/* SPDX-License-Identifier: MIT */
/* Tarn's slab: inlined, through its handle, as a memory resource, and with its metadata outside. */
#include "cases_mixed.hpp"

#include <tarn/cxx/slab.hpp>
#include <tarn/pages.h>

namespace
{

enum { EIGHT = TARN_SPEC(8) };

/* Over the system's pages, as malloc is. */
struct from_pages {
    tarn_pages pages;
    tarn_slab_options options;

    explicit from_pages(tarn_allocator *metadata) : pages(), options()
    {
        tarn_pages_options how = {};
        bench::must(tarn_pages_init(&pages, &how) == TARN_OK, "tarn_pages_init");
        options.source = &pages.source;
        options.metadata = metadata;
    }
    ~from_pages()
    {
        tarn_pages_deinit(&pages);
    }
    from_pages(const from_pages &) = delete;
    from_pages &operator=(const from_pages &) = delete;
};

template <bool Outside> class inlined
{
    from_pages from;
    tarn::slab slab;

  public:
    inlined() : from(Outside ? tarn_libc() : nullptr), slab(from.options)
    {
    }
    void *alloc(size_t size)
    {
        return tarn_slab_alloc(slab.get(), size, EIGHT);
    }
    void free(void *p, size_t size)
    {
        tarn_slab_free(slab.get(), p, size, EIGHT);
    }
};

class through_handle
{
    from_pages from;
    tarn::slab slab;
    tarn_allocator *handle;

  public:
    through_handle() : from(nullptr), slab(from.options), handle(bench::hide(slab.handle()))
    {
    }
    void *alloc(size_t size)
    {
        return tarn_alloc(handle, size, EIGHT);
    }
    void free(void *p, size_t size)
    {
        tarn_free(handle, p, size, EIGHT);
    }
};

class resource
{
    from_pages from;
    tarn::slab_resource slab;
    std::pmr::memory_resource *handle;

  public:
    resource()
        : from(nullptr), slab(from.options), handle(bench::hide<std::pmr::memory_resource>(&slab))
    {
    }
    void *alloc(size_t size)
    {
        return handle->allocate(size, 8);
    }
    void free(void *p, size_t size)
    {
        handle->deallocate(p, size, 8);
    }
};

const bool entered = [] {
    bench::enter_mixed<inlined<false>>("tarn slab");
    bench::enter_mixed<inlined<true>>("tarn slab, metadata outside");
    bench::enter_mixed<through_handle>("tarn slab handle");
    bench::enter_mixed<resource>("tarn::slab_resource");
    return true;
}();

} // namespace
