/* SPDX-License-Identifier: MIT */
/* Boost.Pool: pool, object_pool, and its two standard allocators. */
#include "cases_blocks.hpp"
#include "cases_containers.hpp"
#include "cases_shared.hpp"

#include <boost/pool/object_pool.hpp>
#include <boost/pool/pool.hpp>
#include <boost/pool/pool_alloc.hpp>
#include <boost/pool/singleton_pool.hpp>

namespace
{

class boost_pool
{
    boost::pool<> pool;

  public:
    boost_pool(size_t block, size_t) : pool(block)
    {
    }
    void *alloc()
    {
        return pool.malloc();
    }
    void free(void *p)
    {
        pool.free(p);
    }
    /* release_memory needs an ordered list, which the fast free does not keep: purge gives back
     * everything. */
    void trim()
    {
        pool.purge_memory();
    }
};

/* Told how many: its first block carves them all. */
class boost_pool_of
{
    boost::pool<> pool;

  public:
    boost_pool_of(size_t block, size_t capacity) : pool(block, capacity)
    {
    }
    void *alloc()
    {
        return pool.malloc();
    }
    void free(void *p)
    {
        pool.free(p);
    }
};

struct sixty_four {
    char bytes[64];
};

/* Keeps its list ordered: free looks for the place, O(blocks free). */
class boost_object_pool
{
    boost::object_pool<sixty_four> pool;

  public:
    boost_object_pool(size_t, size_t)
    {
    }
    void *alloc()
    {
        return pool.malloc();
    }
    void free(void *p)
    {
        pool.free(static_cast<sixty_four *>(p));
    }
};

/* A singleton behind a mutex. */
class boost_fast_allocator
{
    boost::fast_pool_allocator<sixty_four> pool;

  public:
    boost_fast_allocator(size_t, size_t)
    {
    }
    void *alloc()
    {
        return pool.allocate(1);
    }
    void free(void *p)
    {
        pool.deallocate(static_cast<sixty_four *>(p), 1);
    }
};

/* One pool for the process, behind a mutex. */
class boost_singleton
{
    struct tag {
    };
    using pool = boost::singleton_pool<tag, 64>;

  public:
    boost_singleton(size_t, size_t)
    {
    }
    boost_singleton &here()
    {
        return *this;
    }
    void *alloc()
    {
        return pool::malloc();
    }
    void free(void *p)
    {
        pool::free(p);
    }
};

template <template <class> class A> struct boost_allocator {
    template <class T> using allocator = A<T>;
    template <class T> allocator<T> get()
    {
        return {};
    }
    void round()
    {
    }
};

template <class T> using fast = boost::fast_pool_allocator<T>;
template <class T>
using fast_unlocked = boost::fast_pool_allocator<T, boost::default_user_allocator_new_delete,
                                                 boost::details::pool::null_mutex>;

const bool entered = [] {
    bench::enter_hot<boost_pool>("boost::pool");
    bench::enter_hot<boost_object_pool>("boost::object_pool");
    bench::enter_hot<boost_fast_allocator>("boost::fast_pool_allocator");
    bench::enter("pair", "boost::singleton_pool", bench::pair<boost_singleton, 64>);
    bench::enter_shared<boost_singleton>("boost::singleton_pool");
    bench::enter_cold<boost_pool>("boost::pool");
    bench::enter_cold<boost_fast_allocator>("boost::fast_pool_allocator");
    bench::enter_memory<boost_pool>("boost::pool");
    bench::enter("refill_2e3", "boost::pool", bench::refill<boost_pool, 64, 2000>);
    bench::enter("refill_2e3", "boost::object_pool", bench::refill<boost_object_pool, 64, 2000>);
    bench::enter("create", "boost::pool", bench::create<boost_pool_of, 64, 1000000>);
    bench::enter("containers", "boost::fast_pool_allocator",
                 bench::containers<boost_allocator<fast>>);
    bench::enter("containers", "boost::fast_pool_allocator (no mutex)",
                 bench::containers<boost_allocator<fast_unlocked>>);
    return true;
}();

} // namespace
