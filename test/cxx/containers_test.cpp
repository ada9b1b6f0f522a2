/* SPDX-License-Identifier: MIT */
/* containers_test.cpp - every container of the standard on every tier, filled, emptied, copied, moved, swapped. */
#include <cstdint>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <scoped_allocator>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "places.hpp"

namespace
{

const int N = 1500;

struct alignas(64) wide {
    wide(int v = 0) : value(v)
    {
    }
    bool operator==(const wide &o) const
    {
        return value == o.value;
    }
    int value;
};
struct alignas(256) wider {
    wider(int v = 0) : value(v)
    {
    }
    int value;
};

template <class T> bool aligned(const T &object)
{
    return reinterpret_cast<std::uintptr_t>(&object) % alignof(T) == 0;
}

/* What all sequences can do. */
template <class C, class Alloc> void sequence(const Alloc &alloc)
{
    C c(alloc);
    for (int i = 0; i < N; i++)
        c.push_back(typename C::value_type(i));
    CHECK(c.size() == static_cast<std::size_t>(N));
    int i = 0;
    for (const auto &v : c) {
        CHECK(v == typename C::value_type(i++));
        CHECK(aligned(v));
    }
    C copy(c);
    CHECK(copy.get_allocator() == c.get_allocator());
    CHECK(copy == c);
    C moved(std::move(copy));
    CHECK(moved == c);
    moved.erase(moved.begin());
    CHECK(moved.size() + 1 == c.size());
    swap(moved, c);
    c = moved;
    CHECK(c == moved);
    c = std::move(moved);
    CHECK(c.size() == static_cast<std::size_t>(N));
    while (!c.empty())
        c.pop_back();
    c.insert(c.end(), 40, typename C::value_type(7));
    c.resize(3);
    CHECK(c.size() == 3);
}

template <class Place> void vectors()
{
    Place place;
    sequence<std::vector<int, typename Place::template alloc<int>>>(place.template get<int>());
    sequence<std::vector<char, typename Place::template alloc<char>>>(place.template get<char>());
    sequence<std::vector<wide, typename Place::template alloc<wide>>>(place.template get<wide>());
    std::vector<bool, typename Place::template alloc<bool>> bits(place.template get<bool>());
    for (int i = 0; i < N; i++)
        bits.push_back(i % 3 == 0);
    CHECK(bits[3] && !bits[4]);
    std::vector<wider, typename Place::template alloc<wider>> big(place.template get<wider>());
    big.resize(3);
    CHECK(aligned(big[0]) && aligned(big[1]));
}

template <class Place> void deques()
{
    Place place;
    sequence<std::deque<int, typename Place::template alloc<int>>>(place.template get<int>());
    sequence<std::deque<wide, typename Place::template alloc<wide>>>(place.template get<wide>());
}

template <class Place> void lists()
{
    Place place;
    sequence<std::list<int, typename Place::template alloc<int>>>(place.template get<int>());
    sequence<std::list<wide, typename Place::template alloc<wide>>>(place.template get<wide>());
    using list = std::list<int, typename Place::template alloc<int>>;
    list a({3, 1, 2}, place.template get<int>()), b({9, 8}, place.template get<int>());
    a.splice(a.begin(), b);
    a.sort();
    CHECK(b.empty() && a.size() == 5 && a.front() == 1 && a.back() == 9);
    std::forward_list<int, typename Place::template alloc<int>> f(place.template get<int>());
    for (int i = 0; i < N; i++)
        f.push_front(i);
    f.remove_if([](int v) { return v % 2 == 0; });
    CHECK(f.front() == N - 1);
    std::forward_list<wider, typename Place::template alloc<wider>> w(place.template get<wider>());
    w.push_front(wider(3));
    CHECK(aligned(w.front()));
}

template <class Place> void maps()
{
    Place place;
    using pair = std::pair<const int, int>;
    using map = std::map<int, int, std::less<int>, typename Place::template alloc<pair>>;
    map m(place.template get<pair>());
    for (int i = 0; i < N; i++)
        m[i * 7919 % N] = i;
    for (int i = 0; i < N; i += 2)
        m.erase(i);
    CHECK(m.size() == static_cast<std::size_t>(N / 2));
    CHECK(m.count(1) == 1 && m.count(2) == 0);
    map copy(m);
    CHECK(copy == m);
    std::set<wide, bool (*)(const wide &, const wide &), typename Place::template alloc<wide>> s(
        [](const wide &a, const wide &b) { return a.value < b.value; }, place.template get<wide>());
    for (int i = 0; i < 100; i++)
        s.insert(wide(i % 50));
    CHECK(s.size() == 50 && aligned(*s.begin()));
    using hashed = std::unordered_map<int, int, std::hash<int>, std::equal_to<int>,
                                      typename Place::template alloc<pair>>;
    hashed h(place.template get<pair>());
    for (int i = 0; i < N; i++)
        h[i] = -i;
    h.rehash(static_cast<std::size_t>(4 * N));
    for (int i = 0; i < N; i += 3)
        h.erase(i);
    hashed other(h);
    CHECK(other == h && h.at(1) == -1 && h.count(3) == 0);
    std::unordered_set<int, std::hash<int>, std::equal_to<int>, typename Place::template alloc<int>>
        u(place.template get<int>());
    u.insert({1, 2, 3});
    CHECK(u.size() == 3);
}

template <class Place> void strings()
{
    Place place;
    using string =
        std::basic_string<char, std::char_traits<char>, typename Place::template alloc<char>>;
    string s(place.template get<char>());
    for (int i = 0; i < N; i++)
        s += static_cast<char>('a' + i % 26);
    string t = s + "!" + string(s, 0, 30, s.get_allocator()); /* substr wants a default allocator */
    CHECK(t.size() == s.size() + 31);
    CHECK(t.compare(0, s.size(), s) == 0);
    s = t;
    s.shrink_to_fit();
    CHECK(s == t);
}

template <class Place> void shared()
{
    Place place;
    std::weak_ptr<wide> weak;
    {
        std::shared_ptr<wide> a = std::allocate_shared<wide>(place.template get<wide>(), 4);
        std::shared_ptr<int> b(new int(3), std::default_delete<int>(), place.template get<int>());
        weak = a;
        CHECK(a->value == 4 && aligned(*a) && *b == 3);
    }
    CHECK(weak.expired());
}

/* Inner containers get the outer one's memory without being told. */
template <class Place> void nested()
{
    Place place;
    using string =
        std::basic_string<char, std::char_traits<char>, typename Place::template alloc<char>>;
    using scoped = std::scoped_allocator_adaptor<typename Place::template alloc<string>>;
    std::vector<string, scoped> v(scoped(place.template get<string>()));
    v.emplace_back("a text that is too long for the small string inside the object");
    v.emplace_back(200u, 'x');
    CHECK(v[0].get_allocator() == place.template get<char>());
    CHECK(v[1].size() == 200);
    using pair = std::pair<const int, string>;
    using scoped_pair = std::scoped_allocator_adaptor<typename Place::template alloc<pair>>;
    std::map<int, string, std::less<int>, scoped_pair> m(scoped_pair(place.template get<pair>()));
    m[1] = "another text that is too long for the small string inside it";
    CHECK(m[1].get_allocator() == place.template get<char>());
}

/* Sizes around the limit of the pools, each alignment, and none at all. */
template <class Place> void every_size()
{
    Place place;
    auto alloc = place.template get<char>();
    char *blocks[600];
    for (std::size_t n = 0; n < 600; n++) {
        blocks[n] = alloc.allocate(n);
        CHECK(blocks[n] != nullptr);
        std::memset(blocks[n], static_cast<int>(n & 0xff), n);
    }
    for (std::size_t n = 0; n < 600; n++) {
        std::size_t kept = 0;
        while (kept < n && blocks[n][kept] == static_cast<char>(n & 0xff))
            kept++;
        CHECK(kept == n);
        alloc.deallocate(blocks[n], n);
    }
}

TEST_EVERY_PLACE(vectors)
TEST_EVERY_PLACE(deques)
TEST_EVERY_PLACE(lists)
TEST_EVERY_PLACE(maps)
TEST_EVERY_PLACE(strings)
TEST_EVERY_PLACE(shared)
TEST_EVERY_PLACE(nested)
TEST_EVERY_PLACE(every_size)

} // namespace
