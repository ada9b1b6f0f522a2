/* SPDX-License-Identifier: MIT */
/* Tarn's object cache, inlined and through its handle, beside a pool whose user sets each object up. */
#include "cases_objects.hpp"

#include <tarn/object_cache.h>
#include <tarn/pool.h>

namespace
{

template <class Object> class cached
{
    static bool open(void *, void *object)
    {
        return static_cast<Object *>(object)->open();
    }
    static void close(void *, void *object)
    {
        static_cast<Object *>(object)->close();
    }

  protected:
    tarn_object_cache cache;

  public:
    cached()
    {
        tarn_object_cache_options options = {};
        options.object_size = sizeof(Object);
        options.init = open;
        options.fini = close;
        bench::must(tarn_object_cache_init(&cache, &options) == TARN_OK, "tarn_object_cache_init");
    }
    ~cached()
    {
        tarn_object_cache_deinit(&cache);
    }
    cached(const cached &) = delete;
    cached &operator=(const cached &) = delete;
    Object *get()
    {
        return static_cast<Object *>(tarn_object_cache_alloc(&cache));
    }
    void put(Object *o)
    {
        tarn_object_cache_free(&cache, o);
    }
};

template <class Object> class cached_handle : cached<Object>
{
    tarn_allocator *handle;

  public:
    cached_handle() : handle(bench::hide(tarn_object_cache_allocator(&this->cache)))
    {
    }
    Object *get()
    {
        return static_cast<Object *>(tarn_alloc(handle, sizeof(Object), TARN_SPEC_OF(Object)));
    }
    void put(Object *o)
    {
        tarn_free(handle, o, sizeof(Object), TARN_SPEC_OF(Object));
    }
};

template <class Object> class pooled
{
    tarn_pool pool;

  public:
    pooled()
    {
        tarn_pool_options options = {};
        options.block_size = sizeof(Object);
        bench::must(tarn_pool_init(&pool, &options) == TARN_OK, "tarn_pool_init");
    }
    ~pooled()
    {
        tarn_pool_deinit(&pool);
    }
    pooled(const pooled &) = delete;
    pooled &operator=(const pooled &) = delete;
    Object *get()
    {
        Object *o = static_cast<Object *>(tarn_pool_alloc(&pool));
        return o->open() ? o : nullptr;
    }
    void put(Object *o)
    {
        o->close();
        tarn_pool_free(&pool, o);
    }
};

const bool entered = [] {
    bench::enter_objects<cached>("tarn object cache");
    bench::enter_objects<cached_handle>("tarn object cache handle");
    bench::enter_objects<pooled>("tarn pool, set up each time");
    return true;
}();

} // namespace
