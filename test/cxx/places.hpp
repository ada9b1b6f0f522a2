/* SPDX-License-Identifier: MIT */
/*
 * places.hpp - every tier of allocator behind one shape, for tests that are the same on each:
 *
 *     template <class T> using alloc = ...;    the allocator for T
 *     template <class T> alloc<T> get();       over this object's memory, which is counted
 */
#ifndef TARN_TEST_CXX_PLACES_HPP
#define TARN_TEST_CXX_PLACES_HPP

#include "check.hpp"

namespace test
{

/* Straight over the counting allocator: sizes and alignments must be exact. */
struct by_handle {
    template <class T> using alloc = tarn::allocator<T>;
    template <class T> alloc<T> get()
    {
        return counted.handle();
    }
    counting counted;
};

/* Pools behind their erased handle. */
struct by_pools_handle {
    template <class T> using alloc = tarn::allocator<T>;
    by_pools_handle() : pools(counted.handle())
    {
    }
    template <class T> alloc<T> get()
    {
        return pools.handle();
    }
    counting counted;
    tarn::pools pools;
};

/* The inlined path. */
struct by_pools {
    template <class T> using alloc = tarn::pool_allocator<T>;
    by_pools() : pools(counted.handle())
    {
    }
    template <class T> alloc<T> get()
    {
        return pools;
    }
    counting counted;
    tarn::pools pools;
};

/* A pointer that moves; small chunks, so that there are many. */
struct by_arena {
    template <class T> using alloc = tarn::arena_allocator<T>;
    by_arena() : arena(options(counted.handle()))
    {
    }
    static tarn_arena_options options(tarn_allocator *parent)
    {
        tarn_arena_options o = tarn_arena_options();
        o.parent = parent;
        o.chunk_size = 512;
        return o;
    }
    template <class T> alloc<T> get()
    {
        return arena;
    }
    counting counted;
    tarn::arena arena;
};

/* No state: the type names the memory. */
struct by_static {
    struct tag {
        static tarn::pools *&current()
        {
            static tarn::pools *p = nullptr;
            return p;
        }
        static tarn::pools &resource()
        {
            return *current();
        }
    };
    template <class T> using alloc = tarn::static_allocator<T, tag>;
    by_static() : pools(counted.handle())
    {
        tag::current() = &pools;
    }
    ~by_static()
    {
        tag::current() = nullptr;
    }
    template <class T> alloc<T> get()
    {
        return alloc<T>();
    }
    counting counted;
    tarn::pools pools;
};

} // namespace test

#define TEST_EVERY_PLACE(run)                                                                      \
    TEST(run##_by_handle)                                                                          \
    {                                                                                              \
        run<test::by_handle>();                                                                    \
    }                                                                                              \
    TEST(run##_by_pools_handle)                                                                    \
    {                                                                                              \
        run<test::by_pools_handle>();                                                              \
    }                                                                                              \
    TEST(run##_by_pools)                                                                           \
    {                                                                                              \
        run<test::by_pools>();                                                                     \
    }                                                                                              \
    TEST(run##_by_arena)                                                                           \
    {                                                                                              \
        run<test::by_arena>();                                                                     \
    }                                                                                              \
    TEST(run##_by_static)                                                                          \
    {                                                                                              \
        run<test::by_static>();                                                                    \
    }

#endif
