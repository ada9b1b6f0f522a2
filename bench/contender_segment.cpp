/* SPDX-License-Identifier: MIT */
/* Blocks of one size in shared memory, metadata and all: Tarn's, and Boost.Interprocess' general allocator and
 * node pool, each of which any process may use. */
#include "cases_blocks.hpp"

#if __has_include(<boost/interprocess/managed_shared_memory.hpp>)
#include <boost/interprocess/allocators/node_allocator.hpp>
#include <boost/interprocess/managed_shared_memory.hpp>
#define TARN_BENCH_INTERPROCESS 1
#endif

#include <tarn/pool.h>
#include <tarn/segment.h>

namespace
{

class alone
{
    tarn_pool pool;

  public:
    alone(size_t block, size_t)
    {
        tarn_pool_options options = {};
        options.block_size = block;
        bench::must(tarn_pool_init(&pool, &options) == TARN_OK, "tarn_pool_init");
    }
    ~alone()
    {
        tarn_pool_deinit(&pool);
    }
    alone(const alone &) = delete;
    alone &operator=(const alone &) = delete;
    void *alloc()
    {
        return tarn_pool_alloc(&pool);
    }
    void free(void *p)
    {
        tarn_pool_free(&pool, p);
    }
};

class in_segment
{
    tarn_segment segment;
    tarn_segment_pool pool;

  public:
    in_segment(size_t block, size_t capacity)
    {
        tarn_segment_options o = {};
        o.kind = TARN_FILE_MEMORY;
        o.limit = size_t(1) << 30;
        o.sparse = true; /* blocks when they are written, as the other pools have them */
        bench::must(tarn_segment_init(&segment, &o) == TARN_OK, "tarn_segment_init");
        tarn_segment_pool_options p = {};
        p.block_size = block;
        p.capacity = capacity;
        bench::must(tarn_segment_open_pool(&segment, "pool", &p, &pool) == TARN_OK,
                    "tarn_segment_open_pool");
    }
    ~in_segment()
    {
        tarn_segment_deinit(&segment);
    }
    in_segment(const in_segment &) = delete;
    in_segment &operator=(const in_segment &) = delete;
    void *alloc()
    {
        return tarn_segment_pool_alloc(&pool);
    }
    void free(void *p)
    {
        tarn_segment_pool_free(&pool, p);
    }
};

#ifdef TARN_BENCH_INTERPROCESS
namespace bi = boost::interprocess;

class shared_memory
{
    static const char *name()
    {
        return "tarn-bench";
    }

  protected:
    bi::managed_shared_memory memory;

    shared_memory()
        : memory((bi::shared_memory_object::remove(name()), bi::create_only), name(), 64 << 20)
    {
        bi::shared_memory_object::remove(name());
    }
};

class in_interprocess : shared_memory
{
    size_t block;

  public:
    in_interprocess(size_t block_size, size_t) : block(block_size)
    {
    }
    void *alloc()
    {
        return memory.allocate(block);
    }
    void free(void *p)
    {
        memory.deallocate(p);
    }
};

class in_node_pool : shared_memory
{
    struct node {
        char bytes[64];
    };
    bi::node_allocator<node, bi::managed_shared_memory::segment_manager> nodes;

  public:
    in_node_pool(size_t, size_t) : nodes(memory.get_segment_manager())
    {
    }
    void *alloc()
    {
        return nodes.allocate_one().get();
    }
    void free(void *p)
    {
        nodes.deallocate_one(static_cast<node *>(p));
    }
};
#endif

const bool entered = [] {
    bench::enter("shared_1e3", "tarn segment pool", bench::burst<in_segment, 64, true, 1000>);
    bench::enter("shared_1e3", "tarn pool, not shared", bench::burst<alone, 64, true, 1000>);
    bench::enter("shared_pair", "tarn pool, not shared", bench::pair<alone, 64>);
    bench::enter("shared_pair", "tarn segment pool", bench::pair<in_segment, 64>);
#ifdef TARN_BENCH_INTERPROCESS
    bench::enter("shared_1e3", "interprocess", bench::burst<in_interprocess, 64, true, 1000>);
    bench::enter("shared_1e3", "interprocess node pool",
                 bench::burst<in_node_pool, 64, true, 1000>);
    bench::enter("shared_pair", "interprocess", bench::pair<in_interprocess, 64>);
    bench::enter("shared_pair", "interprocess node pool", bench::pair<in_node_pool, 64>);
#endif
    return true;
}();

} // namespace
