/* SPDX-License-Identifier: MIT */
/* Tarn's pool: inlined, through the erased handle, in batches, as a memory resource, and behind a lock. */
#include "cases_blocks.hpp"
#include "cases_nohelp.hpp"

#include <tarn/pages.h>
#include <tarn/pool.h>
#include <tarn/source.h>

namespace
{

/* A pool that grows; its chunks come from the operating system or, as a pool's do by default, from malloc. */
template <bool Pages> class pool_base
{
  protected:
    tarn_pages pages;
    tarn_pool pool;

    pool_base(size_t block, size_t capacity)
    {
        tarn_pool_options options = {};
        options.block_size = block;
        options.capacity = capacity;
        if (Pages) {
            tarn_pages_options how = {};
            bench::must(tarn_pages_init(&pages, &how) == TARN_OK, "tarn_pages_init");
            options.source = &pages.source;
        }
        bench::must(tarn_pool_init(&pool, &options) == TARN_OK, "tarn_pool_init");
    }
    ~pool_base()
    {
        tarn_pool_deinit(&pool);
    }
    pool_base(const pool_base &) = delete;
    pool_base &operator=(const pool_base &) = delete;
};

template <bool Pages> class inlined : pool_base<Pages>
{
  public:
    inlined(size_t block, size_t) : pool_base<Pages>(block, 0)
    {
    }
    void *alloc()
    {
        return tarn_pool_alloc(&this->pool);
    }
    void free(void *p)
    {
        tarn_pool_free(&this->pool, p);
    }
    void trim()
    {
        tarn_trim(tarn_pool_allocator(&this->pool));
    }
    /* One size for all: what a size below the block's costs. */
    void *alloc(size_t)
    {
        return alloc();
    }
};

/* Told how many blocks it will have: one run of memory. */
class of_capacity : pool_base<true>
{
  public:
    of_capacity(size_t block, size_t capacity) : pool_base<true>(block, capacity)
    {
    }
    void *alloc()
    {
        return tarn_pool_alloc(&pool);
    }
    void free(void *p)
    {
        tarn_pool_free(&pool, p);
    }
};

/* Over bytes that the caller has already: nothing is mapped, nothing to give back. */
class on_buffer
{
    alignas(64) char bytes[64 * 130];
    tarn_pool pool;

  public:
    on_buffer(size_t block, size_t)
    {
        tarn_pool_options options = {};
        options.block_size = block;
        options.buffer = bytes;
        options.buffer_size = sizeof bytes;
        bench::must(tarn_pool_init(&pool, &options) == TARN_OK, "tarn_pool_init");
    }
    ~on_buffer()
    {
        tarn_pool_deinit(&pool);
    }
    on_buffer(const on_buffer &) = delete;
    on_buffer &operator=(const on_buffer &) = delete;
    void *alloc()
    {
        return tarn_pool_alloc(&pool);
    }
    void free(void *p)
    {
        tarn_pool_free(&pool, p);
    }
};

/* The compiler does not know what is behind the handle. */
class handle : pool_base<true>
{
  protected:
    tarn_allocator *erased = bench::hide(tarn_pool_allocator(&pool));
    size_t block;

  public:
    handle(size_t block_size, size_t) : pool_base<true>(block_size, 0), block(block_size)
    {
    }
    void *alloc()
    {
        return tarn_alloc(erased, block, TARN_SPEC(16));
    }
    void free(void *p)
    {
        tarn_free(erased, p, block, TARN_SPEC(16));
    }
    void alloc_batch(void **out, size_t count)
    {
        for (size_t i = 0; i < count; i++) {
            out[i] = alloc();
        }
    }
    void free_batch(void **blocks, size_t count)
    {
        for (size_t i = 0; i < count; i++) {
            free(blocks[i]);
        }
    }
};

class handle_batch : public handle
{
  public:
    using handle::handle;
    void alloc_batch(void **out, size_t count)
    {
        bench::must(tarn_alloc_batch(erased, block, TARN_SPEC(16), count, out) == count,
                    "the batch was short");
    }
    void free_batch(void **blocks, size_t count)
    {
        tarn_free_batch(erased, block, TARN_SPEC(16), count, blocks);
    }
};

class inlined_batch : pool_base<true>
{
  public:
    inlined_batch(size_t block, size_t) : pool_base<true>(block, 0)
    {
    }
    void alloc_batch(void **out, size_t count)
    {
        bench::must(tarn_pool_alloc_batch(&pool, count, out) == count, "the batch was short");
    }
    void free_batch(void **blocks, size_t count)
    {
        tarn_pool_free_batch(&pool, count, blocks);
    }
};

const bool entered = [] {
    bench::enter_hot<inlined<true>>("tarn pool");
    bench::enter_hot<handle>("tarn handle");
    bench::enter_cold<inlined<true>>("tarn pool");
    bench::enter_cold<inlined<false>>("tarn pool over malloc");
    bench::enter("refill_2e3", "tarn pool", bench::refill<inlined<true>, 64, 2000>);
    bench::enter_memory<inlined<true>>("tarn pool");
    bench::enter_memory<inlined<false>>("tarn pool over malloc");
    bench::enter("create", "tarn pool", bench::create<of_capacity, 64, 1000000>);
    bench::enter("create", "tarn pool that grows", bench::create<inlined<true>, 64, 1000000>);
    bench::enter("batch", "tarn handle, single", bench::batch<handle, 64>);
    bench::enter("batch", "tarn handle, batch", bench::batch<handle_batch, 64>);
    bench::enter("batch", "tarn pool, batch", bench::batch<inlined_batch, 64>);
    bench::enter("life_100", "tarn pool, buffer", bench::life<on_buffer, 100>);
    bench::enter_nohelp<inlined<true>>("tarn pool");
    bench::enter_nohelp<inlined<false>>("tarn pool over malloc");
    return true;
}();

} // namespace
