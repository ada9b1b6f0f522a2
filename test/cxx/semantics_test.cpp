/* SPDX-License-Identifier: MIT */
/* semantics_test.cpp - what moves, what copies, what compares equal, how big it is, what overflows. */
#include <list>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "places.hpp"

namespace
{

template <class A> using traits = std::allocator_traits<A>;

template <class A> void promises(bool stateless)
{
    static_assert(traits<A>::propagate_on_container_move_assignment::value, "move takes it along");
    static_assert(traits<A>::propagate_on_container_swap::value, "swap takes it along");
    static_assert(!traits<A>::propagate_on_container_copy_assignment::value, "copy does not");
    static_assert(std::is_nothrow_copy_constructible<A>::value, "as the standard asks");
    static_assert(std::is_nothrow_move_constructible<A>::value, "as the standard asks");
    static_assert(std::is_nothrow_copy_assignable<A>::value, "as the standard asks");
    static_assert(std::is_nothrow_move_assignable<A>::value, "as the standard asks");
    static_assert(noexcept(std::declval<A &>().deallocate(nullptr, 1)), "never throws");
    static_assert(noexcept(std::declval<A &>() == std::declval<A &>()), "never throws");
    using other = typename traits<A>::template rebind_alloc<double>;
    static_assert(std::is_nothrow_constructible<A, const other &>::value, "converts");
    static_assert(std::is_convertible<other, A>::value, "converts without being told to");
    static_assert(std::is_same<typename traits<other>::template rebind_alloc<int>, A>::value,
                  "rebind there and back");
    CHECK(A::is_always_equal::value == stateless);
    CHECK(std::is_empty<A>::value == stateless);
    CHECK(std::is_default_constructible<A>::value == stateless);
}

TEST(promises_of_every_tier)
{
    promises<tarn::allocator<int>>(false);
    promises<tarn::pool_allocator<int>>(false);
    promises<tarn::arena_allocator<int>>(false);
    promises<tarn::static_allocator<int, test::by_static::tag>>(true);
}

TEST(sizes)
{
    static_assert(sizeof(tarn::allocator<int>) == sizeof(void *), "one pointer");
    static_assert(sizeof(tarn::pool_allocator<int>) == sizeof(void *), "one pointer");
    using small = std::vector<int, tarn::static_allocator<int, test::by_static::tag>>;
    static_assert(sizeof(small) == sizeof(std::vector<int>), "no state, no bytes");
    static_assert(sizeof(std::vector<int, tarn::allocator<int>>) ==
                      sizeof(std::vector<int>) + sizeof(void *),
                  "one pointer more");
    static_assert(sizeof(std::unique_ptr<int, tarn::deleter<int, tarn::allocator<int>>>) ==
                      2 * sizeof(void *),
                  "the object and its allocator");
}

TEST(equal_where_one_frees_for_the_other)
{
    test::counting a, b;
    tarn::pools p(a.handle()), q(a.handle());
    CHECK(tarn::allocator<int>(a.handle()) == tarn::allocator<char>(a.handle()));
    CHECK(tarn::allocator<int>(a.handle()) != tarn::allocator<int>(b.handle()));
    CHECK(tarn::pool_allocator<int>(p) == tarn::pool_allocator<char>(p));
    CHECK(tarn::pool_allocator<int>(p) != tarn::pool_allocator<int>(q));
}

using list = std::list<int, tarn::allocator<int>>;

TEST(move_assignment_moves_nodes_and_allocator)
{
    test::counting a, b;
    list x({1, 2, 3}, a.handle()), y({4}, b.handle());
    const int *node = &x.front();
    std::size_t calls = a.calls + b.calls;
    y = std::move(x);
    CHECK(&y.front() == node);
    CHECK(a.calls + b.calls == calls);
    CHECK(y.get_allocator() == tarn::allocator<int>(a.handle()));
    CHECK(b.blocks.empty());
}

TEST(swap_swaps_nodes_and_allocators)
{
    test::counting a, b;
    list x({1, 2, 3}, a.handle()), y({4}, b.handle());
    const int *node = &x.front();
    swap(x, y);
    CHECK(&y.front() == node && x.front() == 4);
    CHECK(x.get_allocator() == tarn::allocator<int>(b.handle()));
    x.clear();
    CHECK(b.blocks.empty());
}

TEST(copy_assignment_stays_at_home)
{
    test::counting a, b;
    list x({1, 2, 3}, a.handle()), y({4}, b.handle());
    y = x;
    CHECK(y == x);
    CHECK(y.get_allocator() == tarn::allocator<int>(b.handle()));
    x.clear();
    CHECK(a.blocks.empty() && b.blocks.size() == 3);
}

TEST(copy_construction_lives_where_the_original_does)
{
    test::counting a, b;
    list x({1, 2, 3}, a.handle());
    list same(x);
    CHECK(same.get_allocator() == x.get_allocator());
    list elsewhere(x, tarn::allocator<int>(b.handle()));
    CHECK(elsewhere == x && b.blocks.size() == 3);
    list moved(std::move(x), tarn::allocator<int>(b.handle()));
    CHECK(moved.size() == 3 && b.blocks.size() == 6);
}

template <class A> void overflows(A alloc)
{
    bool caught = false;
    try {
        typename A::value_type *p = alloc.allocate(SIZE_MAX / sizeof(typename A::value_type) + 1);
        alloc.deallocate(p, 1);
    } catch (const std::bad_array_new_length &) {
        caught = true;
    }
    CHECK(caught);
    caught = false;
    try {
        typename A::value_type *p = alloc.allocate(SIZE_MAX);
        alloc.deallocate(p, 1);
    } catch (const std::bad_array_new_length &) {
        caught = true;
    }
    CHECK(caught);
}

TEST(counts_that_cannot_be)
{
    test::by_handle by_handle;
    overflows(by_handle.get<int>());
    overflows(by_handle.get<std::list<int>>());
    CHECK(by_handle.counted.calls == 0);
    test::by_pools by_pools;
    overflows(by_pools.get<double>());
    test::by_arena by_arena;
    overflows(by_arena.get<double>());
    test::by_static by_static;
    overflows(by_static.get<short>());
    bool caught = false;
    try { /* fits a ptrdiff_t, and no machine */
        by_handle.get<char>().deallocate(by_handle.get<char>().allocate(PTRDIFF_MAX), 1);
    } catch (const std::bad_array_new_length &) {
    } catch (const std::bad_alloc &) {
        caught = true;
    }
    CHECK(caught);
}

tarn::pools the_pools;

TEST(an_object_with_static_storage_as_tag)
{
    using alloc = tarn::static_allocator<int, tarn::at<tarn::pools, the_pools>>;
    std::vector<int, alloc> v;
    v.push_back(1);
    tarn_stats stats;
    CHECK(tarn_get_stats(the_pools.handle(), &stats) == TARN_OK && stats.live_blocks == 1);
    CHECK(tarn_check(the_pools.handle()) == TARN_OK);
    CHECK(tarn_owns(the_pools.handle(), v.data()) == TARN_UNKNOWN); /* malloc cannot tell */
}

#if defined(__cpp_deduction_guides)
TEST(deduction)
{
    test::counting a;
    tarn::pools pools(a.handle());
    std::vector v({1, 2}, tarn::allocator<int>(a.handle()));
    static_assert(std::is_same_v<decltype(v), std::vector<int, tarn::allocator<int>>>);
    std::list l({1, 2}, tarn::pool_allocator<int>(pools));
    static_assert(std::is_same_v<decltype(l), std::list<int, tarn::pool_allocator<int>>>);
    CHECK(v.size() == 2 && l.size() == 2);
    /* One allocator for a program's containers, whatever is in them. */
    tarn::basic_allocator any(a.handle());
    static_assert(std::is_same_v<decltype(any), tarn::allocator<std::byte>>);
    tarn::basic_allocator near(pools);
    static_assert(std::is_same_v<decltype(near), tarn::pool_allocator<std::byte>>);
    tarn::arena arena;
    tarn::basic_allocator bump(arena);
    static_assert(std::is_same_v<decltype(bump), tarn::arena_allocator<std::byte>>);
    std::vector<long, tarn::allocator<long>> w(any);
    w.push_back(1);
    CHECK(w.get_allocator() == any);
}
#endif

TEST(pools_take_memory_when_it_is_asked_for)
{
    test::counting a;
    {
        tarn::pools pools(a.handle());
        CHECK(a.calls == 0);
        tarn::pool_allocator<int> ints(pools);
        int *one = ints.allocate(1);
        std::size_t after_one = a.calls;
        int *two = ints.allocate(2); /* as big, rounded up to 8: the same pool */
        CHECK(a.calls == after_one);
        int *big = ints.allocate(129);
        CHECK(a.calls == after_one + 1 && a.blocks.count(big) == 1);
        ints.deallocate(one, 1);
        ints.deallocate(two, 2);
        ints.deallocate(big, 129);
        CHECK(pools.trim() > 0);
        one = ints.allocate(1);
        CHECK(one != nullptr);
        pools.release();
        CHECK(a.blocks.empty());
        one = ints.allocate(1);
        CHECK(one != nullptr);
    }
    CHECK(a.blocks.empty());
}

TEST(pools_waste_no_bytes)
{
    tarn::pools pools;
    struct node {
        std::uint64_t a, b, c; /* 24 bytes with any pointer */
    };
    tarn::pool_allocator<node> nodes(pools);
    node *first = nodes.allocate(1), *second = nodes.allocate(1);
    CHECK(reinterpret_cast<char *>(second) - reinterpret_cast<char *>(first) ==
          static_cast<std::ptrdiff_t>(sizeof(node)));
    nodes.deallocate(first, 1);
    nodes.deallocate(second, 1);
}

TEST(pools_behind_their_handle)
{
    test::counting a;
    tarn::pools::options wanted = tarn::pools::options();
    wanted.parent = a.handle();
    wanted.name = "nodes";
    tarn::pools pools(wanted);
    tarn_allocator *h = pools.handle();
    CHECK(std::strcmp(tarn_name(h), "nodes") == 0);
    CHECK(tarn_parent(h, 0) == a.handle() && tarn_parent(h, 1) == nullptr);
    for (std::size_t align = 1; align <= 4096; align *= 2)
        for (std::size_t size : {0u, 1u, 24u, 500u, 512u, 513u, 5000u}) {
            tarn_block b = tarn_alloc_at_least(h, size, tarn_spec_for(align) | TARN_ZERO);
            CHECK(b.ptr != nullptr && b.size >= size);
            CHECK(reinterpret_cast<std::uintptr_t>(b.ptr) % align == 0);
            CHECK(tarn_usable(h, b.ptr, size, tarn_spec_for(align)) == b.size);
            for (std::size_t i = 0; i < size; i++)
                CHECK(static_cast<char *>(b.ptr)[i] == 0);
            tarn_free(h, b.ptr, b.size, tarn_spec_for(align));
        }
    tarn_stats stats;
    CHECK(tarn_get_stats(h, &stats) == TARN_OK && stats.live_blocks == 0);
    a.fail_at = a.calls;
    CHECK(tarn_alloc(h, 333, 0) == nullptr);
    CHECK(tarn_alloc(h, 0, TARN_ALIGN_BITS) == nullptr);
}

} // namespace
