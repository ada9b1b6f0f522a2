/* SPDX-License-Identifier: MIT */
/*
 * base.hpp - what all rooms of tarn.hpp share: how failure becomes an exception, and the one class template behind
 * every C++ allocator of Tarn.
 *
 *     basic_allocator<T, Place> ──► Place: where blocks come from    in_handle, in_pools, in_arena, in_static<Tag>
 *       what the standard asks for         two calls, inlined        or one of your own
 *
 * A Place is a small value that knows where blocks come from. It is copied into every container, so it is one pointer,
 * or empty. This is all it needs:
 *
 *     template <std::size_t Size, std::size_t Align> void *take(std::size_t n) const noexcept;          NULL: no memory
 *     template <std::size_t Size, std::size_t Align> void give(void *block, std::size_t n) const noexcept;
 *     friend bool operator==(const P &, const P &) noexcept;
 *
 * for n objects of Size bytes, aligned to Align; n * Size never overflows, and both are constants where a node is
 * allocated. For a memory resource (pmr.hpp) it also has take_bytes and give_bytes, where both are known at run time.
 */
#ifndef TARN_CXX_BASE_HPP
#define TARN_CXX_BASE_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <type_traits>
#include <utility>

#include <tarn/allocator.h>

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
#define TARN_CXX_EXCEPTIONS 1
#else
#define TARN_CXX_EXCEPTIONS 0
#endif

namespace tarn
{

/**
 * error - thrown by the owners (tarn::pool, tarn::arena, tarn::pages) for options that make no sense. Memory that is
 * out is std::bad_alloc, everywhere.
 */
class error : public std::exception
{
  public:
    explicit error(tarn_status status) noexcept : status_(status)
    {
    }
    /** The status that the constructor in C returned. */
    tarn_status status() const noexcept
    {
        return status_;
    }
    const char *what() const noexcept override
    {
        return tarn_status_text(status_);
    }

  private:
    tarn_status status_;
};

/**
 * place_for - which Place speaks for a resource R: place_for<tarn::pools>::type is in_pools. Specialise it for a
 * resource of your own to use it in a static_allocator.
 */
template <class R> struct place_for;

/* Failure as C++ sees it. Without exceptions (-fno-exceptions) each of these ends the program by std::terminate. */
namespace detail
{

[[noreturn]] TARN_SLOW inline void out_of_memory()
{
#if TARN_CXX_EXCEPTIONS
    throw std::bad_alloc();
#else
    std::terminate();
#endif
}

[[noreturn]] TARN_SLOW inline void too_long()
{
#if TARN_CXX_EXCEPTIONS
    throw std::bad_array_new_length();
#else
    std::terminate();
#endif
}

[[noreturn]] TARN_SLOW inline void refuse(tarn_status status)
{
#if TARN_CXX_EXCEPTIONS
    if (status == TARN_NO_MEMORY)
        throw std::bad_alloc();
    throw error(status);
#else
    (void)status;
    std::terminate();
#endif
}

inline void require(tarn_status status)
{
    if (TARN_UNLIKELY(status != TARN_OK))
        refuse(status);
}

/* A member that is constructed before the base classes after it. */
template <class T> struct holder {
    holder() = default;
    template <class Arg> explicit holder(const Arg &arg) : held(arg)
    {
    }
    T held;
};

/* The most objects of one size that an array may have: its bytes fit a ptrdiff_t. */
template <std::size_t Size> constexpr std::size_t most_objects() noexcept
{
    return static_cast<std::size_t>(PTRDIFF_MAX) / Size;
}

} // namespace detail

/**
 * basic_allocator - what a container asks of an allocator, over any Place. Use it through its names: tarn::allocator,
 * tarn::pool_allocator, tarn::arena_allocator, tarn::static_allocator.
 *
 * Where containers take their allocator along, the same for all four:
 *
 *     move assignment   yes   it moves the nodes, whatever the two allocators are
 *     swap              yes   without this, a swap of two containers on different allocators is undefined
 *     copy assignment   no    copying does not move data into somebody else's arena
 *     copy construction yes   a copy lives where its original lives; name the allocator to copy to another place:
 *                             std::vector<T, A> copy(original, other_place)
 *
 * There is no default allocator unless the place has no state: a container whose place was forgotten does not compile.
 *
 * Threads  as the place. Copies of an allocator may be used wherever the place may.
 */
template <class T, class Place> class basic_allocator : private Place
{
  public:
    using value_type = T;
    using place_type = Place;
    using propagate_on_container_move_assignment = std::true_type;
    using propagate_on_container_swap = std::true_type;
    using propagate_on_container_copy_assignment = std::false_type;
    using is_always_equal = typename std::is_empty<Place>::type;
    template <class U> struct rebind {
        using other = basic_allocator<U, Place>;
    };

    /** Only where the place has no state. */
    basic_allocator() = default;

    /** From whatever names a place: a tarn_allocator *, a tarn::pools &, a tarn::arena &. */
    template <class From,
              class = typename std::enable_if<
                  std::is_convertible<From &&, Place>::value &&
                  !std::is_base_of<Place, typename std::decay<From>::type>::value>::type>
    basic_allocator(From &&from) noexcept : Place(std::forward<From>(from))
    {
    }

    /** From the allocator of another type at the same place. */
    template <class U>
    basic_allocator(const basic_allocator<U, Place> &other) noexcept : Place(other.place())
    {
    }

    /**
     * allocate - room for n objects, none of them constructed.
     *
     * Units    n in objects.
     * Returns  a pointer aligned for T, over-aligned types included.
     * Fails    std::bad_array_new_length when n objects can never fit, std::bad_alloc when memory is out; the place is
     *          unchanged. With -fno-exceptions: std::terminate.
     * Threads  as the place.
     * Cost     the place's own; n is a constant for nodes, and the size then costs nothing.
     */
    TARN_MUST_USE TARN_FAST T *allocate(std::size_t n)
    {
        if (TARN_UNLIKELY(n > detail::most_objects<sizeof(T)>()))
            detail::too_long();
        void *block = Place::template take<sizeof(T), alignof(T)>(n);
        if (TARN_UNLIKELY(block == nullptr))
            detail::out_of_memory();
        return static_cast<T *>(block);
    }

    /**
     * deallocate - the room for n objects back, with the n it was allocated with.
     *
     * Units    n in objects.
     * Fails    never.
     * Threads  as the place.
     * Cost     the place's own.
     */
    TARN_FAST void deallocate(T *block, std::size_t n) noexcept
    {
        Place::template give<sizeof(T), alignof(T)>(block, n);
    }

    /** The copy of a container lives where its original lives. */
    basic_allocator select_on_container_copy_construction() const noexcept
    {
        return *this;
    }

    /** Where blocks come from. */
    const Place &place() const noexcept
    {
        return *this;
    }
};

/** Equal when one may free what the other allocated: the same place. */
template <class T, class U, class Place>
inline bool operator==(const basic_allocator<T, Place> &a,
                       const basic_allocator<U, Place> &b) noexcept
{
    return a.place() == b.place();
}

template <class T, class U, class Place>
inline bool operator!=(const basic_allocator<T, Place> &a,
                       const basic_allocator<U, Place> &b) noexcept
{
    return !(a == b);
}

} // namespace tarn

#endif
