/* SPDX-License-Identifier: MIT */
/*
 * pmr.hpp - Tarn and std::pmr, in both directions. Needs C++17 and a standard library with <memory_resource>.
 *
 *     tarn::memory_resource r(handle);       any tarn_allocator   ──► std::pmr::memory_resource
 *     tarn::pool_resource r;                 pools of its own     ──► std::pmr::memory_resource
 *     tarn::arena_resource r(arena);         an arena             ──► std::pmr::memory_resource
 *     tarn::resource_allocator a(&r);        std::pmr::memory_resource ──► tarn_allocator
 *
 * A resource costs a virtual call each time. Behind it, pool_resource is inlined.
 */
#ifndef TARN_CXX_PMR_HPP
#define TARN_CXX_PMR_HPP

#if defined(__has_include) && __cplusplus >= 201703L
#if __has_include(<memory_resource>)
#include <memory_resource>
#endif
#endif

#if defined(__cpp_lib_memory_resource) || (defined(__GLIBCXX__) && __cplusplus >= 201703L)
#define TARN_CXX_PMR 1
#else
#define TARN_CXX_PMR 0
#endif

#if TARN_CXX_PMR

#include <cstring>

#include <tarn/cxx/allocator.hpp>
#include <tarn/cxx/arena.hpp>
#include <tarn/cxx/pools.hpp>

namespace tarn
{

/**
 * basic_resource - a Place as a std::pmr::memory_resource. Two are equal when their places are.
 *
 * Returns  allocate: a block of at least the size asked for.
 * Fails    allocate: std::bad_alloc; nothing has changed.
 * Threads  as the place.
 * Cost     one virtual call and the place's own.
 */
template <class Place> class basic_resource : public std::pmr::memory_resource
{
  public:
    template <class From, class = std::enable_if_t<std::is_convertible_v<From &&, Place>>>
    explicit basic_resource(From &&from) noexcept : place_(std::forward<From>(from))
    {
    }
    const Place &place() const noexcept
    {
        return place_;
    }

  protected:
    void *do_allocate(std::size_t bytes, std::size_t align) override
    {
        void *block = place_.take_bytes(bytes, align);
        if (TARN_UNLIKELY(block == nullptr))
            detail::out_of_memory();
        return block;
    }
    void do_deallocate(void *block, std::size_t bytes, std::size_t align) override
    {
        place_.give_bytes(block, bytes, align);
    }
    bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override
    {
        if (this == &other)
            return true;
#if defined(__cpp_rtti) || defined(__GXX_RTTI)
        const basic_resource *same = dynamic_cast<const basic_resource *>(&other);
        return same != nullptr && same->place_ == place_;
#else
        return false;
#endif
    }

  private:
    Place place_;
};

/** memory_resource - any tarn_allocator as a std::pmr::memory_resource. The allocator must outlive it. */
using memory_resource = basic_resource<in_handle>;

/** arena_resource - an arena as one, inlined: what std::pmr::monotonic_buffer_resource is for. */
using arena_resource = basic_resource<in_arena>;

/**
 * pool_resource - a std::pmr::memory_resource over tarn::pools of its own: what
 * std::pmr::unsynchronized_pool_resource is for. Blocks beyond pools::limit come from the parent.
 *
 * Threads  one at a time.
 */
class pool_resource final : private detail::holder<pools>, public basic_resource<in_pools>
{
  public:
    pool_resource() noexcept : basic_resource<in_pools>(held)
    {
    }
    template <class Options>
    explicit pool_resource(const Options &wanted) noexcept
        : detail::holder<pools>(wanted), basic_resource<in_pools>(held)
    {
    }
    pool_resource(const pool_resource &) = delete;
    pool_resource &operator=(const pool_resource &) = delete;

    /** Every chunk back, live blocks included; what came from the parent stays. O(chunks). */
    void release() noexcept
    {
        held.release();
    }
    /** The pools behind it, for typed allocators and for their handle. */
    pools &get() noexcept
    {
        return held;
    }

  protected:
    /* A block at hand without a frame or a second call. */
    void *do_allocate(std::size_t bytes, std::size_t align) override
    {
        void *block = held.at_hand(bytes, align);
        return TARN_LIKELY(block != nullptr) ? block : allocate_slow(bytes, align);
    }
    void do_deallocate(void *block, std::size_t bytes, std::size_t align) override
    {
        held.free_any(block, bytes, align);
    }

  private:
    TARN_SLOW void *allocate_slow(std::size_t bytes, std::size_t align)
    {
        return basic_resource<in_pools>::do_allocate(bytes, align);
    }
};

/**
 * resource_allocator - a std::pmr::memory_resource as a tarn_allocator. It stays where it is; the resource must outlive
 * it. An exception of the resource becomes NULL.
 *
 * Threads  as the resource; the reason of the last failure is kept without a lock, so one at a time.
 */
class resource_allocator
{
  public:
    explicit resource_allocator(std::pmr::memory_resource *resource) noexcept
        : base_{table()}, resource_(resource), why_()
    {
    }
    resource_allocator(const resource_allocator &) = delete;
    resource_allocator &operator=(const resource_allocator &) = delete;

    /** The handle; it lives as long as this. */
    tarn_allocator *handle() noexcept
    {
        return &base_;
    }
    std::pmr::memory_resource *resource() const noexcept
    {
        return resource_;
    }

  private:
    static resource_allocator *self(tarn_allocator *a) noexcept
    {
        return reinterpret_cast<resource_allocator *>(a);
    }
    void *refuse(tarn_status status, std::size_t size, tarn_spec spec) noexcept
    {
        why_ = tarn_why{status, size, tarn_spec_align(spec), 0};
        return nullptr;
    }
    void *take(std::size_t size, tarn_spec spec)
    {
#if TARN_CXX_EXCEPTIONS
        try {
            return resource_->allocate(size, tarn_spec_align(spec));
        } catch (...) {
            return nullptr;
        }
#else
        return resource_->allocate(size, tarn_spec_align(spec));
#endif
    }
    static void *alloc(tarn_allocator *a, std::size_t size, tarn_spec spec) noexcept
    {
        if ((spec & TARN_ALIGN_BITS) >= sizeof(std::size_t) * 8 - 1)
            return self(a)->refuse(TARN_BAD_ALIGN, size, spec);
        if (size > static_cast<std::size_t>(PTRDIFF_MAX))
            return self(a)->refuse(TARN_TOO_BIG, size, spec);
        void *block = self(a)->take(size, spec);
        if (block == nullptr)
            return self(a)->refuse(TARN_NO_MEMORY, size, spec);
        if ((spec & TARN_ZERO) != 0)
            std::memset(block, 0, size);
        return block;
    }
    static void free(tarn_allocator *a, void *block, std::size_t size, tarn_spec spec) noexcept
    {
        self(a)->resource_->deallocate(block, size, tarn_spec_align(spec));
    }
    static const char *name(const tarn_allocator *) noexcept
    {
        return "memory_resource";
    }
    static tarn_why why(const tarn_allocator *a) noexcept
    {
        return reinterpret_cast<const resource_allocator *>(a)->why_;
    }
    static const tarn_ops *table() noexcept
    {
        static const tarn_rare_ops rare = {sizeof(tarn_rare_ops),
                                           name,
                                           nullptr,
                                           nullptr,
                                           nullptr,
                                           nullptr,
                                           nullptr,
                                           nullptr,
                                           nullptr,
                                           nullptr,
                                           nullptr,
                                           why,
                                           nullptr,
                                           nullptr,
                                           nullptr};
        static const tarn_ops ops = {TARN_ABI, TARN_CAP_FREE, alloc,   free, nullptr,
                                     nullptr,  nullptr,       nullptr, &rare};
        return &ops;
    }

    tarn_allocator base_; /* first: a handle points here and to the whole */
    std::pmr::memory_resource *resource_;
    tarn_why why_;
};

} // namespace tarn

#endif
#endif
