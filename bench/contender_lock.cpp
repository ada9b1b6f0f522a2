/* SPDX-License-Identifier: MIT */
/* One of Tarn's pools, shared by threads behind a lock. */
#include "cases_nohelp.hpp"

#include <tarn/lock.h>
#include <tarn/pool.h>

namespace
{

class locked_pool
{
    tarn_pool pool;
    tarn_lock lock;
    tarn_allocator *handle;
    size_t block;

  public:
    locked_pool(size_t block_size, size_t) : block(block_size)
    {
        tarn_pool_options options = {};
        tarn_lock_options how = {};
        options.block_size = block_size;
        bench::must(tarn_pool_init(&pool, &options) == TARN_OK, "tarn_pool_init");
        how.parent = tarn_pool_allocator(&pool);
        bench::must(tarn_lock_init(&lock, &how) == TARN_OK, "tarn_lock_init");
        handle = tarn_lock_allocator(&lock);
    }
    ~locked_pool()
    {
        tarn_lock_deinit(&lock);
        tarn_pool_deinit(&pool);
    }
    locked_pool(const locked_pool &) = delete;
    locked_pool &operator=(const locked_pool &) = delete;
    void *alloc()
    {
        return tarn_alloc(handle, block, TARN_SPEC(16));
    }
    void free(void *p)
    {
        tarn_free(handle, p, block, TARN_SPEC(16));
    }
};

const bool entered = [] {
    bench::enter("threads", "tarn lock(pool)", bench::threads<locked_pool>);
    return true;
}();

} // namespace
