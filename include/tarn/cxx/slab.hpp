/* SPDX-License-Identifier: MIT */
/*
 * slab.hpp - a slab set up by a constructor, and seen as a std::pmr::memory_resource.
 *
 *     tarn::slab_resource r;
 *     std::pmr::unordered_map<int, std::pmr::string> map(&r);
 *
 * tarn::slab_resource is what std::pmr::unsynchronized_pool_resource is for: blocks of many sizes, on one thread.
 * tarn::pool_resource (pmr.hpp) has a pool for each size up to 512 bytes that turns up; a slab has classes, up to
 * 4 KiB by default, and one store of pages for all of them.
 */
#ifndef TARN_CXX_SLAB_HPP
#define TARN_CXX_SLAB_HPP

#include <tarn/cxx/base.hpp>
#include <tarn/cxx/pmr.hpp>
#include <tarn/slab.h>

namespace tarn
{

/**
 * slab - blocks of many small sizes. It stays where it is: no copy, no move.
 *
 * Threads  one at a time.
 */
class slab
{
  public:
    /** Throws tarn::error for options that make no sense, std::bad_alloc when memory is out. */
    explicit slab(const tarn_slab_options &options = tarn_slab_options())
    {
        detail::require(tarn_slab_init(&slab_, &options));
    }
    /** Pages and large blocks from parent. */
    explicit slab(tarn_allocator *parent) : slab(over(parent, nullptr))
    {
    }
    /** Pages from source; blocks beyond the largest class are refused. */
    explicit slab(tarn_source *source) : slab(over(nullptr, source))
    {
    }
    slab(const slab &) = delete;
    slab &operator=(const slab &) = delete;
    ~slab()
    {
        tarn_slab_deinit(&slab_);
    }

    /** As tarn_slab_alloc: NULL when memory is out. align in bytes, a power of two. */
    TARN_MUST_USE TARN_FAST void *alloc(std::size_t size, std::size_t align) noexcept
    {
        return tarn_slab_alloc(&slab_, size, TARN_SPEC(align));
    }
    /** As tarn_slab_free, with the size and alignment it was allocated with. */
    TARN_FAST void free(void *block, std::size_t size, std::size_t align) noexcept
    {
        tarn_slab_free(&slab_, block, size, TARN_SPEC(align));
    }
    tarn_slab *get() noexcept
    {
        return &slab_;
    }
    tarn_allocator *handle() noexcept
    {
        return tarn_slab_allocator(&slab_);
    }

  private:
    static tarn_slab_options over(tarn_allocator *parent, tarn_source *source) noexcept
    {
        tarn_slab_options options = tarn_slab_options();
        options.parent = parent;
        options.source = source;
        return options;
    }

    tarn_slab slab_;
};

#if TARN_CXX_PMR

/**
 * slab_resource - a std::pmr::memory_resource over a slab of its own, inlined behind the virtual call.
 *
 * Returns  allocate: a block of at least the size asked for.
 * Fails    allocate: std::bad_alloc; nothing has changed.
 * Threads  one at a time.
 * Cost     one virtual call and the slab's own.
 */
class slab_resource final : public std::pmr::memory_resource
{
  public:
    slab_resource() : slab_()
    {
    }
    /** From what a tarn::slab is made from: options, a parent, a source. */
    template <class Options> explicit slab_resource(const Options &wanted) : slab_(wanted)
    {
    }
    slab_resource(const slab_resource &) = delete;
    slab_resource &operator=(const slab_resource &) = delete;

    /** All blocks back at once, live ones included, and every page with them. O(pages). */
    void release() noexcept
    {
        (void)tarn_reset(slab_.handle());
        (void)tarn_trim(slab_.handle());
    }
    /** The slab behind it, for its handle and its figures. */
    slab &get() noexcept
    {
        return slab_;
    }

  protected:
    void *do_allocate(std::size_t bytes, std::size_t align) override
    {
        tarn_slab_class *c = class_for(bytes, align);
        if (TARN_LIKELY(c != nullptr && c->top != c->empty))
            return *c->top++;
        return allocate_slow(bytes, align);
    }
    void do_deallocate(void *block, std::size_t bytes, std::size_t align) override
    {
        tarn_slab_class *c = class_for(bytes, align);
        if (TARN_LIKELY(c != nullptr && c->top != c->full && block != nullptr))
            *--c->top = block;
        else
            slab_.free(block, bytes, align);
    }
    bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override
    {
        return this == &other;
    }

  private:
    /* Alignments of 1 to 8 are one to the slab's table, 16 is the other that it knows. */
    TARN_FAST tarn_slab_class *class_for(std::size_t bytes, std::size_t align) noexcept
    {
        if (TARN_UNLIKELY(align > 16))
            return nullptr;
        return tarn_slab_class_for(slab_.get(), bytes, static_cast<tarn_spec>(align >> 4) * 4);
    }
    TARN_SLOW void *allocate_slow(std::size_t bytes, std::size_t align)
    {
        void *block = slab_.alloc(bytes, align);
        if (block == nullptr)
            detail::out_of_memory();
        return block;
    }

    slab slab_;
};

#endif

} // namespace tarn

#endif
