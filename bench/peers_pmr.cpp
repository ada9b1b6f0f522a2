/* SPDX-License-Identifier: MIT */
/* std::pmr: the two pools and the monotonic buffer, called as their users call them, through
 * memory_resource. */
#include "cases_arena.hpp"
#include "cases_blocks.hpp"
#include "cases_containers.hpp"
#include "cases_mixed.hpp"
#include "cases_shared.hpp"

#include <memory_resource>

namespace
{

template <class Resource> class pmr_pool
{
    Resource resource;
    std::pmr::memory_resource *handle;
    size_t block;

  public:
    pmr_pool(size_t block_size, size_t)
        : handle(bench::hide<std::pmr::memory_resource>(&resource)), block(block_size)
    {
    }
    pmr_pool &here()
    {
        return *this;
    }
    void *alloc()
    {
        return handle->allocate(block, 8);
    }
    void free(void *p)
    {
        handle->deallocate(p, block, 8);
    }
    void trim() /* not while a block is live; nothing is, here */
    {
        resource.release();
    }
};

class pmr_mixed
{
    std::pmr::unsynchronized_pool_resource resource;
    std::pmr::memory_resource *handle;

  public:
    pmr_mixed() : handle(bench::hide<std::pmr::memory_resource>(&resource))
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

/* Starts on a buffer that is large enough for all, which is its best case. */
class pmr_monotonic
{
    std::vector<char> buffer;
    std::pmr::monotonic_buffer_resource resource;
    std::pmr::memory_resource *handle;

  public:
    explicit pmr_monotonic(size_t capacity)
        : buffer(capacity), resource(buffer.data(), buffer.size()),
          handle(bench::hide<std::pmr::memory_resource>(&resource))
    {
    }
    void *alloc(size_t size)
    {
        return handle->allocate(size, 8);
    }
    void reset()
    {
        resource.release();
    }
};

template <class Resource> class pmr_containers
{
    Resource resource;

  public:
    template <class T> using allocator = std::pmr::polymorphic_allocator<T>;
    template <class T> allocator<T> get()
    {
        return allocator<T>(&resource);
    }
    void round()
    {
    }
};

class pmr_containers_monotonic
{
    std::pmr::monotonic_buffer_resource resource;

  public:
    template <class T> using allocator = std::pmr::polymorphic_allocator<T>;
    template <class T> allocator<T> get()
    {
        return allocator<T>(&resource);
    }
    void round()
    {
        resource.release();
    }
};

const bool entered = [] {
    using unsynchronized = pmr_pool<std::pmr::unsynchronized_pool_resource>;
    using synchronized = pmr_pool<std::pmr::synchronized_pool_resource>;
    bench::enter_hot<unsynchronized>("pmr unsynchronized");
    bench::enter_hot<synchronized>("pmr synchronized");
    bench::enter_shared<synchronized>("pmr synchronized");
    bench::enter_cold<unsynchronized>("pmr unsynchronized");
    bench::enter_memory<unsynchronized>("pmr unsynchronized");
    bench::enter_mixed<pmr_mixed>("pmr unsynchronized");
    bench::enter("containers", "pmr unsynchronized",
                 bench::containers<pmr_containers<std::pmr::unsynchronized_pool_resource>>);
    bench::enter("containers", "pmr synchronized",
                 bench::containers<pmr_containers<std::pmr::synchronized_pool_resource>>);
    bench::enter("containers", "pmr monotonic", bench::containers<pmr_containers_monotonic>);
    bench::enter_arena<pmr_monotonic>("pmr monotonic");
    return true;
}();

} // namespace
