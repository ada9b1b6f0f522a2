/* SPDX-License-Identifier: MIT */
/*
 * static.hpp - an allocator without state, for memory that lives as long as the program.
 *
 *     struct nodes {
 *         static tarn::pools &resource() { static tarn::pools p; return p; }
 *     };
 *     std::vector<int, tarn::static_allocator<int, nodes>> v;        24 bytes, as with std::allocator
 *
 * The type says where blocks come from, so containers hold nothing, are always equal, and need no argument.
 */
#ifndef TARN_CXX_STATIC_HPP
#define TARN_CXX_STATIC_HPP

#include <tarn/cxx/base.hpp>

namespace tarn
{

/**
 * in_static - the place that Tag::resource() names: a tarn::pools &, a tarn_allocator *, a tarn_arena &, or any other
 * with a place_for. It must return the same one every time, and that one must outlive every container: a function-local
 * static that containers with static storage use is constructed before them when they allocate in their constructor;
 * otherwise leak it on purpose (static auto *p = new tarn::pools; return *p).
 */
template <class Tag> class in_static
{
    using resource = decltype(Tag::resource());
    using place = typename place_for<
        typename std::remove_cv<typename std::remove_reference<resource>::type>::type>::type;

  public:
    template <std::size_t Size, std::size_t Align>
    TARN_FAST void *take(std::size_t n) const noexcept
    {
        return place(Tag::resource()).template take<Size, Align>(n);
    }
    template <std::size_t Size, std::size_t Align>
    TARN_FAST void give(void *block, std::size_t n) const noexcept
    {
        place(Tag::resource()).template give<Size, Align>(block, n);
    }
    friend bool operator==(const in_static &, const in_static &) noexcept
    {
        return true;
    }
};

/** static_allocator - a C++ allocator without state over what Tag::resource() names; empty. */
template <class T, class Tag> using static_allocator = basic_allocator<T, in_static<Tag>>;

/** at - a Tag for an object with static storage: static_allocator<int, tarn::at<tarn::pools, the_pools>>. */
template <class Resource, Resource &object> struct at {
    static Resource &resource() noexcept
    {
        return object;
    }
};

} // namespace tarn

#endif
