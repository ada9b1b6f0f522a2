/* SPDX-License-Identifier: MIT */
/*
 * allocator.hpp - any tarn_allocator as a C++ allocator, and single objects by handle.
 *
 *     std::vector<int, tarn::allocator<int>> v(handle);
 *     node *n = tarn::make<node>(handle, 1, 2);
 *     tarn::destroy(handle, n);
 *     auto p = tarn::allocate_unique<node>(tarn::allocator<node>(handle), 1, 2);
 *
 * For: whatever allocator a program was given at run time. Each block costs one indirect call; where the concrete type
 * is known, pools.hpp and arena.hpp are inlined.
 */
#ifndef TARN_CXX_ALLOCATOR_HPP
#define TARN_CXX_ALLOCATOR_HPP

#include <memory>

#include <tarn/cxx/base.hpp>

namespace tarn
{

/** in_handle - the place behind any tarn_allocator, which must not be NULL and must outlive the containers. */
struct in_handle {
    in_handle(tarn_allocator *h) noexcept : handle(h)
    {
    }
    template <std::size_t Size, std::size_t Align>
    TARN_FAST void *take(std::size_t n) const noexcept
    {
        return tarn_alloc(handle, n * Size, TARN_SPEC(Align));
    }
    template <std::size_t Size, std::size_t Align>
    TARN_FAST void give(void *block, std::size_t n) const noexcept
    {
        tarn_free(handle, block, n * Size, TARN_SPEC(Align));
    }
    friend bool operator==(const in_handle &a, const in_handle &b) noexcept
    {
        return a.handle == b.handle;
    }

    void *take_bytes(std::size_t size, std::size_t align) const noexcept
    {
        return tarn_alloc(handle, size, tarn_spec_for(align));
    }
    void give_bytes(void *block, std::size_t size, std::size_t align) const noexcept
    {
        tarn_free(handle, block, size, tarn_spec_for(align));
    }

    tarn_allocator *handle;
};
template <> struct place_for<tarn_allocator *> {
    using type = in_handle;
};

/** allocator - a C++ allocator over any tarn_allocator; as big as a pointer. */
template <class T> using allocator = basic_allocator<T, in_handle>;

#if defined(__cpp_deduction_guides)
basic_allocator(tarn_allocator *)->basic_allocator<std::byte, in_handle>;
#endif

namespace detail
{

/* Gives one object's room back unless told that construction went well. */
template <class Alloc> class room
{
  public:
    using traits = std::allocator_traits<Alloc>;
    explicit room(Alloc &alloc) : alloc_(alloc), block_(traits::allocate(alloc, 1))
    {
    }
    room(const room &) = delete;
    room &operator=(const room &) = delete;
    ~room()
    {
        if (block_ != nullptr)
            traits::deallocate(alloc_, block_, 1);
    }
    typename traits::pointer get() const noexcept
    {
        return block_;
    }
    typename traits::pointer keep() noexcept
    {
        typename traits::pointer block = block_;
        block_ = nullptr;
        return block;
    }

  private:
    Alloc &alloc_;
    typename traits::pointer block_;
};

template <class T, class Alloc>
using rebound = typename std::allocator_traits<Alloc>::template rebind_alloc<T>;

} // namespace detail

/**
 * make - allocate and construct one object.
 *
 * Returns  the object, constructed from args.
 * Fails    std::bad_alloc; what the constructor throws, and the block is then freed.
 * Threads  as the allocator.
 * Cost     one block and the constructor.
 */
template <class T, class U, class Place, class... Args>
TARN_MUST_USE T *make(const basic_allocator<U, Place> &place, Args &&...args)
{
    basic_allocator<T, Place> alloc(place);
    detail::room<basic_allocator<T, Place>> room(alloc);
    ::new (static_cast<void *>(room.get())) T(std::forward<Args>(args)...);
    return room.keep();
}

template <class T, class... Args> TARN_MUST_USE T *make(tarn_allocator *handle, Args &&...args)
{
    return make<T>(allocator<T>(handle), std::forward<Args>(args)...);
}

/**
 * destroy - end one object of make and free its block. NULL is ignored.
 *
 * T must be the type that was made, not a base of it: the block is freed with the size of T.
 *
 * Fails    never.
 * Threads  as the allocator.
 * Cost     the destructor and one free.
 */
template <class T, class U, class Place>
void destroy(const basic_allocator<U, Place> &place, T *object) noexcept
{
    if (object == nullptr)
        return;
    object->~T();
    basic_allocator<T, Place>(place).deallocate(object, 1);
}

template <class T> void destroy(tarn_allocator *handle, T *object) noexcept
{
    destroy(allocator<T>(handle), object);
}

/**
 * deleter - for std::unique_ptr: destroys a T and frees it with its size. It holds the allocator, so a pointer is two
 * words, or one for a static_allocator. It does not convert to a deleter of a base class: the size would be wrong.
 */
template <class T, class Alloc> class deleter : private detail::rebound<T, Alloc>
{
    using alloc_type = detail::rebound<T, Alloc>;
    using traits = std::allocator_traits<alloc_type>;

  public:
    static_assert(!std::is_const<T>::value, "what is allocated is not const");
    using pointer = typename traits::pointer;
    explicit deleter(const Alloc &alloc) noexcept : alloc_type(alloc)
    {
    }
    void operator()(pointer object) noexcept
    {
        traits::destroy(static_cast<alloc_type &>(*this), std::addressof(*object));
        traits::deallocate(*this, object, 1);
    }
};

/**
 * allocate_unique - one object in a unique_ptr, from any allocator of the standard's kind.
 *
 * Returns  the owner of an object constructed from args.
 * Fails    what the allocator throws; what the constructor throws, and the block is then freed.
 * Threads  as the allocator.
 * Cost     one block and the constructor.
 */
template <class T, class Alloc, class... Args>
std::unique_ptr<T, deleter<T, Alloc>> allocate_unique(const Alloc &alloc, Args &&...args)
{
    using alloc_type = detail::rebound<T, Alloc>;
    alloc_type own(alloc);
    detail::room<alloc_type> room(own);
    std::allocator_traits<alloc_type>::construct(own, std::addressof(*room.get()),
                                                 std::forward<Args>(args)...);
    return std::unique_ptr<T, deleter<T, Alloc>>(room.keep(), deleter<T, Alloc>(alloc));
}

} // namespace tarn

#endif
