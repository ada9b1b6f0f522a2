/* SPDX-License-Identifier: MIT */
/* objects_test.cpp - single objects: make and destroy, unique_ptr with the right size, constructors that throw. */
#include <string>

#include "places.hpp"

namespace
{

struct thing {
    thing(int v, std::string t) : value(v), text(std::move(t))
    {
        if (value < 0)
            throw value;
        live()++;
    }
    ~thing()
    {
        live()--;
    }
    static int &live()
    {
        static int count = 0;
        return count;
    }
    int value;
    std::string text;
};

struct alignas(128) broad {
    char bytes[130];
};

TEST(make_and_destroy)
{
    test::counting a;
    thing *t = tarn::make<thing>(a.handle(), 3, "three");
    CHECK(t->value == 3 && t->text == "three" && thing::live() == 1);
    CHECK(a.blocks.at(t).size == sizeof(thing));
    tarn::destroy(a.handle(), t);
    CHECK(a.blocks.empty() && thing::live() == 0);
    broad *b = tarn::make<broad>(a.handle());
    CHECK(reinterpret_cast<std::uintptr_t>(b) % 128 == 0);
    tarn::destroy(a.handle(), b);
    tarn::destroy(a.handle(), static_cast<thing *>(nullptr));
    tarn::pools pools(a.handle());
    t = tarn::make<thing>(tarn::pool_allocator<int>(pools), 4, "four");
    CHECK(t->value == 4);
    tarn::destroy(tarn::pool_allocator<int>(pools), t);
}

template <class Run> bool throws(Run run)
{
    try {
        run();
    } catch (int) {
        return true;
    }
    return false;
}

TEST(a_constructor_that_throws_loses_nothing)
{
    test::counting a;
    CHECK(throws([&] { tarn::destroy(a.handle(), tarn::make<thing>(a.handle(), -1, "no")); }));
    CHECK(a.blocks.empty());
    tarn::allocator<thing> alloc(a.handle());
    CHECK(throws([&] { tarn::allocate_unique<thing>(alloc, -1, "no"); }));
    CHECK(a.blocks.empty());
    CHECK(throws([&] { std::allocate_shared<thing>(alloc, -1, "no"); }));
    CHECK(a.blocks.empty() && thing::live() == 0);
}

TEST(unique_pointers)
{
    test::counting a;
    {
        auto p = tarn::allocate_unique<thing>(tarn::allocator<char>(a.handle()), 1, "one");
        auto q = std::move(p);
        CHECK(!p && q->value == 1);
        CHECK(a.blocks.at(q.get()).size == sizeof(thing));
        p = tarn::allocate_unique<thing>(tarn::allocator<char>(a.handle()), 2, "two");
        swap(p, q);
        CHECK(p->value == 1 && q->value == 2);
    }
    CHECK(a.blocks.empty() && thing::live() == 0);
    auto s = tarn::allocate_unique<int>(std::allocator<int>(), 6);
    CHECK(*s == 6 && sizeof(s) == sizeof(void *));
}

} // namespace
