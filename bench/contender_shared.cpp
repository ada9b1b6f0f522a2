/* SPDX-License-Identifier: MIT */
/* Tarn's shared pool: through the handle, which finds the thread's cache, and through caches of the threads' own; and a
 * pool behind a lock, for what it replaces. */
#include "cases_nohelp.hpp"
#include "cases_shared.hpp"

#include <tarn/lock.h>
#include <tarn/pages.h>
#include <tarn/pool.h>
#include <tarn/shared_pool.h>

namespace
{

class shared_base
{
  protected:
    tarn_pages pages;
    tarn_shared_pool pool;
    size_t block;

    explicit shared_base(size_t block_size) : block(block_size)
    {
        tarn_pages_options how = {};
        tarn_shared_pool_options options = {};
        bench::must(tarn_pages_init(&pages, &how) == TARN_OK, "tarn_pages_init");
        options.block_size = block_size;
        options.source = &pages.source;
        bench::must(tarn_shared_pool_init(&pool, &options) == TARN_OK, "tarn_shared_pool_init");
    }
    ~shared_base()
    {
        tarn_shared_pool_deinit(&pool);
    }
    shared_base(const shared_base &) = delete;
    shared_base &operator=(const shared_base &) = delete;
};

class handle : shared_base
{
    tarn_allocator *erased = bench::hide(tarn_shared_pool_allocator(&pool));

  public:
    handle(size_t block_size, size_t) : shared_base(block_size)
    {
    }
    handle &here()
    {
        return *this;
    }
    void *alloc()
    {
        return tarn_alloc(erased, block, TARN_SPEC(16));
    }
    void free(void *p)
    {
        tarn_free(erased, p, block, TARN_SPEC(16));
    }
};

/* The pool's type is known; each call finds the thread's cache. */
class direct : shared_base
{
  public:
    direct(size_t block_size, size_t) : shared_base(block_size)
    {
    }
    direct &here()
    {
        return *this;
    }
    void *alloc()
    {
        return tarn_shared_pool_alloc(&pool);
    }
    void free(void *p)
    {
        tarn_shared_pool_free(&pool, p);
    }
};

class own_cache
{
    tarn_shared_cache cache;

  public:
    explicit own_cache(tarn_shared_pool *pool)
    {
        tarn_shared_cache_init(&cache, pool);
    }
    ~own_cache()
    {
        tarn_shared_cache_deinit(&cache);
    }
    own_cache(const own_cache &) = delete;
    own_cache &operator=(const own_cache &) = delete;
    void *alloc()
    {
        return tarn_shared_cache_alloc(&cache);
    }
    void free(void *p)
    {
        tarn_shared_cache_free(&cache, p);
    }
};

class caches : shared_base
{
  public:
    caches(size_t block_size, size_t) : shared_base(block_size)
    {
    }
    own_cache here()
    {
        return own_cache(&pool);
    }
};

class one_cache : shared_base
{
    own_cache cache;

  public:
    one_cache(size_t block_size, size_t) : shared_base(block_size), cache(&pool)
    {
    }
    void *alloc()
    {
        return cache.alloc();
    }
    void free(void *p)
    {
        cache.free(p);
    }
};

class locked_pool
{
    tarn_pages pages;
    tarn_pool pool;
    tarn_lock lock;
    tarn_allocator *erased;
    size_t block;

  public:
    locked_pool(size_t block_size, size_t) : block(block_size)
    {
        tarn_pages_options from = {};
        tarn_pool_options options = {};
        tarn_lock_options how = {};
        bench::must(tarn_pages_init(&pages, &from) == TARN_OK, "tarn_pages_init");
        options.block_size = block_size;
        options.source = &pages.source;
        bench::must(tarn_pool_init(&pool, &options) == TARN_OK, "tarn_pool_init");
        how.parent = tarn_pool_allocator(&pool);
        bench::must(tarn_lock_init(&lock, &how) == TARN_OK, "tarn_lock_init");
        erased = bench::hide(tarn_lock_allocator(&lock));
    }
    ~locked_pool()
    {
        tarn_lock_deinit(&lock);
        tarn_pool_deinit(&pool);
    }
    locked_pool(const locked_pool &) = delete;
    locked_pool &operator=(const locked_pool &) = delete;
    locked_pool &here()
    {
        return *this;
    }
    void *alloc()
    {
        return tarn_alloc(erased, block, TARN_SPEC(16));
    }
    void free(void *p)
    {
        tarn_free(erased, p, block, TARN_SPEC(16));
    }
};

const bool entered = [] {
    bench::enter_shared<direct>("tarn shared pool");
    bench::enter_shared<handle>("tarn shared handle");
    bench::enter_shared<caches>("tarn shared caches");
    bench::enter_shared<locked_pool>("tarn lock(pool)");
    bench::enter("pair", "tarn shared pool", bench::pair<direct, 64>);
    bench::enter("pair", "tarn shared handle", bench::pair<handle, 64>);
    bench::enter("pair", "tarn shared cache", bench::pair<one_cache, 64>);
    bench::enter("pair", "tarn lock(pool)", bench::pair<locked_pool, 64>);
    bench::enter("burst", "tarn shared cache", bench::burst<one_cache, 64, true>);
    bench::enter("burst", "tarn shared handle", bench::burst<handle, 64, true>);
    bench::enter("threads", "tarn shared pool", bench::threads<direct>);
    return true;
}();

} // namespace
