/* SPDX-License-Identifier: MIT */
/* Tarn for C++: under std::list and std::map, and as std::pmr::memory_resource. */
#include "cases_blocks.hpp"
#include "cases_containers.hpp"

#include <tarn/pages.h>
#include <tarn/tarn.hpp>

namespace
{

/* Pools whose chunks come from the operating system. */
struct paged_pools {
    tarn_pages pages;
    tarn::pools pools;

    explicit paged_pools(tarn_pages_options how = {})
        : pages(), pools((tarn_pages_init(&pages, &how), &pages.source))
    {
    }
};

/* tarn::allocator: the compiler sees a handle. */
class erased
{
    paged_pools memory;
    tarn_allocator *handle = bench::hide(memory.pools.handle());

  public:
    template <class T> using allocator = tarn::allocator<T>;
    template <class T> allocator<T> get()
    {
        return allocator<T>(handle);
    }
    void round()
    {
    }
};

/* tarn::pool_allocator: the compiler sees the pools. */
class typed
{
    paged_pools memory;

  public:
    template <class T> using allocator = tarn::pool_allocator<T>;
    template <class T> allocator<T> get()
    {
        return allocator<T>(memory.pools);
    }
    void round()
    {
    }
};

/* The same over malloc, which is what tarn::pools does when it is told nothing. */
class typed_default
{
    tarn::pools pools;

  public:
    template <class T> using allocator = tarn::pool_allocator<T>;
    template <class T> allocator<T> get()
    {
        return allocator<T>(pools);
    }
    void round()
    {
    }
};

struct program_pools {
    static tarn::pools &resource()
    {
        static paged_pools memory;
        return memory.pools;
    }
};

/* tarn::static_allocator: nothing is stored in the container. */
struct stateless {
    template <class T> using allocator = tarn::static_allocator<T, program_pools>;
    template <class T> allocator<T> get()
    {
        return {};
    }
    void round()
    {
    }
};

/* std::pmr containers on Tarn. */
class pmr_containers
{
    paged_pools memory;
    tarn::memory_resource resource{memory.pools.handle()};

  public:
    template <class T> using allocator = std::pmr::polymorphic_allocator<T>;
    template <class T> allocator<T> get()
    {
        return allocator<T>(bench::hide<std::pmr::memory_resource>(&resource));
    }
    void round()
    {
    }
};

/* One pool behind std::pmr::memory_resource. */
class pool_as_resource
{
    tarn_pages pages;
    tarn_pool pool;
    tarn::memory_resource resource;
    std::pmr::memory_resource *handle;
    size_t block;

    static tarn_allocator *set_up(tarn_pages *pages, tarn_pool *pool, size_t block)
    {
        tarn_pages_options how = {};
        tarn_pool_options options = {};
        bench::must(tarn_pages_init(pages, &how) == TARN_OK, "tarn_pages_init");
        options.block_size = block;
        options.source = &pages->source;
        bench::must(tarn_pool_init(pool, &options) == TARN_OK, "tarn_pool_init");
        return tarn_pool_allocator(pool);
    }

  public:
    pool_as_resource(size_t block_size, size_t)
        : pages(), pool(), resource(set_up(&pages, &pool, block_size)),
          handle(bench::hide<std::pmr::memory_resource>(&resource)), block(block_size)
    {
    }
    ~pool_as_resource()
    {
        tarn_pool_deinit(&pool);
    }
    pool_as_resource(const pool_as_resource &) = delete;
    pool_as_resource &operator=(const pool_as_resource &) = delete;
    void *alloc()
    {
        return handle->allocate(block, 8);
    }
    void free(void *p)
    {
        handle->deallocate(p, block, 8);
    }
};

/* tarn::pool_resource: what std::pmr::unsynchronized_pool_resource is for. */
class own_resource
{
    tarn::pool_resource resource;
    std::pmr::memory_resource *handle = bench::hide<std::pmr::memory_resource>(&resource);
    size_t block;

  public:
    own_resource(size_t block_size, size_t) : block(block_size)
    {
    }
    void *alloc()
    {
        return handle->allocate(block, 8);
    }
    void free(void *p)
    {
        handle->deallocate(p, block, 8);
    }
};

const bool entered = [] {
    bench::enter_hot<pool_as_resource>("tarn pmr");
    bench::enter_hot<own_resource>("tarn::pool_resource");
    bench::enter("containers", "tarn::allocator", bench::containers<erased>);
    bench::enter("containers", "tarn::pool_allocator", bench::containers<typed>);
    bench::enter("containers", "tarn::pool_allocator over malloc",
                 bench::containers<typed_default>);
    bench::enter("containers", "tarn::static_allocator", bench::containers<stateless>);
    bench::enter("containers", "tarn::memory_resource", bench::containers<pmr_containers>);
    return true;
}();

} // namespace
