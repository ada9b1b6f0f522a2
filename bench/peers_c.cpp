/* SPDX-License-Identifier: MIT */
/* The C libraries: APR pools and talloc as regions, GLib's slices (and talloc) as pools. */
#include "cases_arena.hpp"
#include "cases_blocks.hpp"

#ifdef TARN_BENCH_APR
#include <apr_general.h>
#include <apr_pools.h>
#endif
#ifdef TARN_BENCH_TALLOC
#include <talloc.h>
#endif
#ifdef TARN_BENCH_GLIB
#include <glib.h>
#endif

namespace
{

#ifdef TARN_BENCH_APR
class apr_region
{
    apr_pool_t *pool = nullptr;

  public:
    explicit apr_region(size_t)
    {
        bench::must(apr_initialize() == APR_SUCCESS, "apr_initialize");
        bench::must(apr_pool_create(&pool, nullptr) == APR_SUCCESS, "apr_pool_create");
    }
    ~apr_region()
    {
        apr_pool_destroy(pool);
    }
    apr_region(const apr_region &) = delete;
    apr_region &operator=(const apr_region &) = delete;
    void *alloc(size_t size)
    {
        return apr_palloc(pool, size);
    }
    void reset()
    {
        apr_pool_clear(pool);
    }
};
#endif

#ifdef TARN_BENCH_TALLOC
/* A talloc_pool large enough for all (96 bytes of header a block), which is talloc's best case. */
class talloc_region
{
    size_t bytes;
    void *pool;

  public:
    explicit talloc_region(size_t capacity) : bytes(capacity * 4), pool(talloc_pool(nullptr, bytes))
    {
    }
    ~talloc_region()
    {
        talloc_free(pool);
    }
    talloc_region(const talloc_region &) = delete;
    talloc_region &operator=(const talloc_region &) = delete;
    void *alloc(size_t size)
    {
        return talloc_size(pool, size);
    }
    void reset()
    {
        talloc_free_children(pool);
    }
};

class talloc_blocks
{
    void *parent = talloc_new(nullptr);
    size_t block;

  public:
    talloc_blocks(size_t block_size, size_t) : block(block_size)
    {
    }
    ~talloc_blocks()
    {
        talloc_free(parent);
    }
    talloc_blocks(const talloc_blocks &) = delete;
    talloc_blocks &operator=(const talloc_blocks &) = delete;
    void *alloc()
    {
        return talloc_size(parent, block);
    }
    void free(void *p)
    {
        talloc_free(p);
    }
    void trim()
    {
    }
};
#endif

#ifdef TARN_BENCH_GLIB
class glib_slice
{
    size_t block;

  public:
    glib_slice(size_t block_size, size_t) : block(block_size)
    {
    }
    void *alloc()
    {
        return g_slice_alloc(block);
    }
    void free(void *p)
    {
        g_slice_free1(block, p);
    }
    void trim() /* it has none */
    {
    }
};
#endif

const bool entered = [] {
#ifdef TARN_BENCH_APR
    bench::enter_arena<apr_region>("apr_pool");
#endif
#ifdef TARN_BENCH_TALLOC
    bench::enter_arena<talloc_region>("talloc_pool");
    bench::enter_hot<talloc_blocks>("talloc");
    bench::enter_cold<talloc_blocks>("talloc");
    bench::enter_memory<talloc_blocks>("talloc");
#endif
#ifdef TARN_BENCH_GLIB
    bench::enter_hot<glib_slice>("g_slice");
    bench::enter_cold<glib_slice>("g_slice");
    bench::enter_memory<glib_slice>("g_slice");
#endif
    return true;
}();

} // namespace
