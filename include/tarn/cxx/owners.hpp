/* SPDX-License-Identifier: MIT */
/*
 * owners.hpp - a pool, an arena, the system's pages: set up by a constructor, torn down by a destructor.
 *
 *     tarn::pages pages;
 *     tarn::arena arena;
 *     {
 *         tarn::scope request(arena);              what is allocated in here …
 *     }                                            … is gone here
 *
 * Each holds the struct of C, which get() gives for everything that C offers. None can be copied or moved: handles and
 * containers point into them (rule R8). A constructor throws tarn::error for options that make no sense, std::bad_alloc
 * when memory is out.
 */
#ifndef TARN_CXX_OWNERS_HPP
#define TARN_CXX_OWNERS_HPP

#include <tarn/arena.h>
#include <tarn/cxx/base.hpp>
#include <tarn/pages.h>
#include <tarn/pool.h>

namespace tarn
{

/**
 * pool - blocks of one size. For containers take tarn::pools, which needs no size.
 *
 * Threads  one at a time.
 */
class pool
{
  public:
    /** A growing pool of blocks of so many bytes, aligned to the largest power of two in that, 16 at most. */
    explicit pool(std::size_t block_size)
    {
        tarn_pool_options options = tarn_pool_options();
        options.block_size = block_size;
        detail::require(tarn_pool_init(&pool_, &options));
    }
    explicit pool(const tarn_pool_options &options)
    {
        detail::require(tarn_pool_init(&pool_, &options));
    }
    pool(const pool &) = delete;
    pool &operator=(const pool &) = delete;
    ~pool()
    {
        tarn_pool_deinit(&pool_);
    }

    /** As tarn_pool_alloc: NULL when memory is out. */
    TARN_MUST_USE TARN_FAST void *alloc() noexcept
    {
        return tarn_pool_alloc(&pool_);
    }
    /** As tarn_pool_free. */
    TARN_FAST void free(void *block) noexcept
    {
        tarn_pool_free(&pool_, block);
    }
    tarn_pool *get() noexcept
    {
        return &pool_;
    }
    tarn_allocator *handle() noexcept
    {
        return tarn_pool_allocator(&pool_);
    }

  private:
    tarn_pool pool_;
};

/**
 * arena - blocks that are freed together.
 *
 * Threads  one at a time.
 */
class arena
{
  public:
    explicit arena(const tarn_arena_options &options = tarn_arena_options())
    {
        detail::require(tarn_arena_init(&arena_, &options));
    }
    arena(const arena &) = delete;
    arena &operator=(const arena &) = delete;
    ~arena()
    {
        tarn_arena_deinit(&arena_);
    }

    /** All blocks back, containers that use them must be gone; see tarn_arena_reset. */
    void reset(tarn_keep keep = TARN_KEEP_ALL) noexcept
    {
        tarn_arena_reset(&arena_, keep);
    }
    tarn_arena *get() noexcept
    {
        return &arena_;
    }
    tarn_allocator *handle() noexcept
    {
        return tarn_arena_allocator(&arena_);
    }

  private:
    tarn_arena arena_;
};

/** scope - what is allocated from an arena during its life is freed at its end: mark, and rewind. Scopes nest. */
class scope
{
  public:
    explicit scope(tarn_arena &arena) noexcept : arena_(arena), mark_(tarn_arena_mark(&arena))
    {
    }
    explicit scope(arena &arena) noexcept : scope(*arena.get())
    {
    }
    scope(const scope &) = delete;
    scope &operator=(const scope &) = delete;
    ~scope()
    {
        (void)tarn_arena_rewind(&arena_, mark_);
    }

  private:
    tarn_arena &arena_;
    tarn_mark mark_;
};

/**
 * pages - the operating system's memory, as a source for pools and arenas and as an allocator.
 *
 * Threads  any.
 */
class pages
{
  public:
    explicit pages(const tarn_pages_options &options = tarn_pages_options())
    {
        detail::require(tarn_pages_init(&pages_, &options));
    }
    pages(const pages &) = delete;
    pages &operator=(const pages &) = delete;
    ~pages()
    {
        tarn_pages_deinit(&pages_);
    }

    tarn_source *source() noexcept
    {
        return &pages_.source;
    }
    tarn_pages *get() noexcept
    {
        return &pages_;
    }
    tarn_allocator *handle() noexcept
    {
        return tarn_pages_allocator(&pages_);
    }

  private:
    tarn_pages pages_;
};

} // namespace tarn

#endif
