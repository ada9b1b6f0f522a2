/* SPDX-License-Identifier: MIT */
/*
 * offset.hpp - C++ in shared memory: a pointer that is a way, and an allocator whose containers can lie there.
 *
 *     tarn::offset_ptr<node> next;                              32-bit or 64-bit: a word, zero is null
 *     using ints = std::vector<int, tarn::segment_allocator<int>>;
 *     ints *v = new (memory.ptr) ints(tarn::segment_allocator<int>(arena));      another process: the same *v
 *
 * For: types that hold their pointers as the allocator's pointer type says: std::vector does with gcc's library and with
 * clang's. Not for: gcc's std::list, map and string, which keep raw pointers; virtual functions, whose table is at
 * another address in another process.
 */
#ifndef TARN_CXX_OFFSET_HPP
#define TARN_CXX_OFFSET_HPP

#include <iterator>

#include <tarn/cxx/base.hpp>
#include <tarn/offset.h>
#include <tarn/segment_arena.h>

namespace tarn
{

/**
 * offset_ptr - a pointer to something in the same mapping, right at any address. Random access as a T * has; a copy
 * points to the same object, wherever it lies.
 */
template <class T> class offset_ptr
{
    tarn_offset offset_;

    template <class U>
    using if_points = typename std::enable_if<std::is_convertible<U *, T *>::value>::type;

  public:
    using element_type = T;
    using value_type = typename std::remove_cv<T>::type;
    using pointer = offset_ptr;
    using reference = typename std::add_lvalue_reference<T>::type;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::random_access_iterator_tag;
    template <class U> using rebind = offset_ptr<U>;

    offset_ptr() noexcept : offset_{0}
    {
    }
    offset_ptr(std::nullptr_t) noexcept : offset_{0}
    {
    }
    offset_ptr(T *to) noexcept
    {
        tarn_offset_set(&offset_, to);
    }
    offset_ptr(const offset_ptr &other) noexcept
    {
        tarn_offset_set(&offset_, other.get());
    }
    template <class U, class = if_points<U>> offset_ptr(const offset_ptr<U> &other) noexcept
    {
        tarn_offset_set(&offset_, static_cast<T *>(other.get()));
    }
    /* void, or a base, back to what it was: as static_cast does. */
    template <class U, class = void,
              class = typename std::enable_if<!std::is_convertible<U *, T *>::value>::type,
              class = decltype(static_cast<T *>(std::declval<U *>()))>
    explicit offset_ptr(const offset_ptr<U> &other) noexcept
    {
        tarn_offset_set(&offset_, static_cast<T *>(other.get()));
    }
    offset_ptr &operator=(const offset_ptr &other) noexcept
    {
        tarn_offset_set(&offset_, other.get());
        return *this;
    }
    /** What std::pointer_traits asks for. */
    template <class U = T> static offset_ptr pointer_to(U &object) noexcept
    {
        return offset_ptr(std::addressof(object));
    }

    /** The address in this process. */
    T *get() const noexcept
    {
        return static_cast<T *>(tarn_offset_get(&offset_));
    }
    T *operator->() const noexcept
    {
        return get();
    }
    reference operator*() const noexcept
    {
        return *get();
    }
    template <class U = T>
    typename std::add_lvalue_reference<U>::type operator[](difference_type i) const noexcept
    {
        return get()[i];
    }
    explicit operator bool() const noexcept
    {
        return offset_.way != 0;
    }

    offset_ptr &operator+=(difference_type n) noexcept
    {
        tarn_offset_set(&offset_, get() + n);
        return *this;
    }
    offset_ptr &operator-=(difference_type n) noexcept
    {
        return *this += -n;
    }
    offset_ptr &operator++() noexcept
    {
        return *this += 1;
    }
    offset_ptr &operator--() noexcept
    {
        return *this += -1;
    }
    offset_ptr operator++(int) noexcept
    {
        offset_ptr old(*this);
        ++*this;
        return old;
    }
    offset_ptr operator--(int) noexcept
    {
        offset_ptr old(*this);
        --*this;
        return old;
    }
    friend offset_ptr operator+(const offset_ptr &p, difference_type n) noexcept
    {
        return offset_ptr(p.get() + n);
    }
    friend offset_ptr operator+(difference_type n, const offset_ptr &p) noexcept
    {
        return offset_ptr(p.get() + n);
    }
    friend offset_ptr operator-(const offset_ptr &p, difference_type n) noexcept
    {
        return offset_ptr(p.get() - n);
    }
    friend difference_type operator-(const offset_ptr &p, const offset_ptr &q) noexcept
    {
        return p.get() - q.get();
    }
    friend bool operator==(const offset_ptr &p, const offset_ptr &q) noexcept
    {
        return p.get() == q.get();
    }
    friend bool operator!=(const offset_ptr &p, const offset_ptr &q) noexcept
    {
        return p.get() != q.get();
    }
    friend bool operator<(const offset_ptr &p, const offset_ptr &q) noexcept
    {
        return p.get() < q.get();
    }
    friend bool operator>(const offset_ptr &p, const offset_ptr &q) noexcept
    {
        return q < p;
    }
    friend bool operator<=(const offset_ptr &p, const offset_ptr &q) noexcept
    {
        return !(q < p);
    }
    friend bool operator>=(const offset_ptr &p, const offset_ptr &q) noexcept
    {
        return !(p < q);
    }
};

/**
 * segment_allocator - blocks of an arena in shared memory, for containers that lie in the same mapping. It is an
 * offset_ptr to the arena, so any process that maps the container can grow it. What is freed comes back at the next
 * reset, unless it was the last.
 *
 * Threads  as the container: one at a time. The arena itself may be used by all processes at once.
 */
template <class T> class segment_allocator
{
    template <class> friend class segment_allocator;
    offset_ptr<void> place_;

    /* A view costs a checksum of 24 bytes; a member that is one would be of one process. */
    void see(tarn_segment_arena &view) const
    {
        detail::require(tarn_segment_arena_init(&view, place_.get(), SIZE_MAX, nullptr));
    }

  public:
    using value_type = T;
    using pointer = offset_ptr<T>;
    using propagate_on_container_move_assignment = std::true_type;
    using propagate_on_container_swap = std::true_type;
    using propagate_on_container_copy_assignment = std::false_type;
    using is_always_equal = std::false_type;

    /** The arena must be seen through the mapping that the container lies in. */
    explicit segment_allocator(const tarn_segment_arena &arena) noexcept : place_(arena.base)
    {
    }
    template <class U>
    segment_allocator(const segment_allocator<U> &other) noexcept : place_(other.place_)
    {
    }
    pointer allocate(std::size_t n)
    {
        tarn_segment_arena view;
        if (n > detail::most_objects<sizeof(T)>())
            detail::too_long();
        see(view);
        void *p = tarn_segment_arena_alloc(&view, n * sizeof(T), TARN_SPEC_OF(T));
        if (p == nullptr)
            detail::out_of_memory();
        return pointer(static_cast<T *>(p));
    }
    void deallocate(pointer p, std::size_t n) noexcept
    {
        tarn_segment_arena view;
        if (tarn_segment_arena_init(&view, place_.get(), SIZE_MAX, nullptr) == TARN_OK)
            tarn_segment_arena_free(&view, p.get(), n * sizeof(T));
    }
    template <class U>
    friend bool operator==(const segment_allocator &a, const segment_allocator<U> &b) noexcept
    {
        return a.place() == b.place();
    }
    template <class U>
    friend bool operator!=(const segment_allocator &a, const segment_allocator<U> &b) noexcept
    {
        return a.place() != b.place();
    }
    /** Where the arena lies in this process. */
    void *place() const noexcept
    {
        return place_.get();
    }
};

} // namespace tarn
#endif
