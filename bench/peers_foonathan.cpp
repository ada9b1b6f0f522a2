/* SPDX-License-Identifier: MIT */
/* foonathan/memory: its three pools, its stack, and a pool under the standard containers. */
#include "cases_arena.hpp"
#include "cases_blocks.hpp"
#include "cases_containers.hpp"
#include "cases_frames.hpp"
#include "cases_lifo.hpp"

#include <foonathan/memory/iteration_allocator.hpp>
#include <foonathan/memory/memory_pool.hpp>
#include <foonathan/memory/memory_stack.hpp>
#include <foonathan/memory/std_allocator.hpp>
#include <foonathan/memory/temporary_allocator.hpp>

namespace fm = foonathan::memory;

namespace
{

template <class Type> class foonathan_pool
{
    fm::memory_pool<Type> pool;

  public:
    foonathan_pool(size_t block, size_t) : pool(block, 65536)
    {
    }
    void *alloc()
    {
        return pool.allocate_node();
    }
    void free(void *p)
    {
        pool.deallocate_node(p);
    }
    void trim() /* it has none: what stays resident is what it keeps */
    {
    }
};

/* Told how many: its constructor threads a list through them. */
class foonathan_pool_of
{
    using type = fm::memory_pool<fm::node_pool>;
    type pool;

  public:
    foonathan_pool_of(size_t block, size_t capacity)
        : pool(block, type::min_block_size(block, capacity))
    {
    }
    void *alloc()
    {
        return pool.allocate_node();
    }
    void free(void *p)
    {
        pool.deallocate_node(p);
    }
};

class foonathan_stack
{
    fm::memory_stack<> stack;
    fm::memory_stack<>::marker bottom;

  public:
    explicit foonathan_stack(size_t capacity) : stack(capacity + 4096), bottom(stack.top())
    {
    }
    void *alloc(size_t size)
    {
        return stack.allocate(size, 8);
    }
    void reset()
    {
        stack.unwind(bottom);
    }
};

/* It has no free: a marker is taken before each block, and unwound. */
class foonathan_pairs
{
    fm::memory_stack<> stack{8192};
    std::vector<fm::memory_stack<>::marker> markers;

  public:
    foonathan_pairs()
    {
        markers.reserve(64);
    }
    void *alloc(size_t size)
    {
        markers.push_back(stack.top());
        return stack.allocate(size, 16);
    }
    void free(void *, size_t)
    {
        stack.unwind(markers.back());
        markers.pop_back();
    }
};

class foonathan_frames
{
    fm::iteration_allocator<2> turns{2 * 65536};

  public:
    void begin()
    {
        turns.next_iteration();
    }
    void *alloc(size_t size)
    {
        return turns.allocate(size, 8);
    }
    void end()
    {
    }
};

/* Its thread's stack, and a marker that is unwound. */
class foonathan_temporary
{
    alignas(fm::temporary_allocator) char place[sizeof(fm::temporary_allocator)];
    fm::temporary_allocator *now = nullptr;

  public:
    void begin()
    {
        now = new (place) fm::temporary_allocator;
    }
    void *alloc(size_t size)
    {
        return now->allocate(size, 8);
    }
    void end()
    {
        now->~temporary_allocator();
    }
};

/* One pool that serves the nodes of both containers (a list node has 24 bytes, a map node 48). */
class foonathan_containers
{
    using pool_type = fm::memory_pool<fm::node_pool>;
    pool_type pool{64, 65536};

  public:
    template <class T> using allocator = fm::std_allocator<T, pool_type>;
    template <class T> allocator<T> get()
    {
        return allocator<T>(pool);
    }
    void round()
    {
    }
};

const bool entered = [] {
    using node = foonathan_pool<fm::node_pool>;
    using array = foonathan_pool<fm::array_pool>;
    using small = foonathan_pool<fm::small_node_pool>;
    bench::enter_hot<node>("foonathan node_pool");
    bench::enter_hot<array>("foonathan array_pool");
    bench::enter_hot<small>("foonathan small_node_pool");
    bench::enter_cold<node>("foonathan node_pool");
    bench::enter_memory<node>("foonathan node_pool");
    bench::enter("refill_2e3", "foonathan node_pool", bench::refill<node, 64, 2000>);
    bench::enter("refill_2e3", "foonathan array_pool", bench::refill<array, 64, 2000>);
    bench::enter("refill_2e3", "foonathan small_node_pool", bench::refill<small, 64, 2000>);
    bench::enter("create", "foonathan node_pool", bench::create<foonathan_pool_of, 64, 1000000>);
    bench::enter("containers", "foonathan node_pool", bench::containers<foonathan_containers>);
    bench::enter_arena<foonathan_stack>("foonathan memory_stack");
    bench::enter("steps", "foonathan iteration_allocator", bench::steps<foonathan_frames>);
    bench::enter("steps", "foonathan temporary_allocator", bench::steps<foonathan_temporary>);
    bench::enter("stack_pair", "foonathan memory_stack", bench::ordered_pair<foonathan_pairs>);
    bench::enter("stack_64", "foonathan memory_stack", bench::ordered_burst<foonathan_pairs, true>);
    return true;
}();

} // namespace
