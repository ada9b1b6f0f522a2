/* SPDX-License-Identifier: MIT */
/*
 * failure_test.cpp - memory runs out at the k-th request, for every k: once, and from there on. Each time bad_alloc
 * comes out, the container is whole and can be used, and nothing is left over.
 */
#include <deque>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "places.hpp"

namespace
{

/* Runs `run` on a fresh place with every one of its requests refused in turn. */
template <class Place, class Run> void sweep(Run run)
{
    for (int on = 0; on < 2; on++) {
        std::size_t k = 0, refused = 0;
        for (bool reached = true; reached; k++) {
            Place place;
            place.counted.fail_at = k;
            place.counted.fail_on = on != 0;
            try {
                run(place);
            } catch (const std::bad_alloc &) {
                refused++;
            }
            reached = place.counted.calls > k;
        }
        /* One refusal need not be the end: an arena then asks for less. */
        CHECK(on != 0 ? refused == k - 1 : refused <= k - 1);
        CHECK(k > 1);
    }
}

/* One more element, or none and nothing changed. */
template <class C, class Add> void strong(C &c, Add add)
{
    C before(c, typename C::allocator_type(c.get_allocator()));
    try {
        add(c);
    } catch (const std::bad_alloc &) {
        CHECK(c == before);
        throw;
    }
    CHECK(c.size() == before.size() + 1);
}

template <class Place> struct runs {
    template <class T> using alloc = typename Place::template alloc<T>;

    static void vector(Place &place)
    {
        std::vector<int, alloc<int>> v(place.template get<int>());
        for (int i = 0; i < 20; i++)
            strong(v, [i](std::vector<int, alloc<int>> &c) { c.push_back(i); });
    }
    static void deque(Place &place)
    {
        std::deque<double, alloc<double>> d(place.template get<double>());
        for (int i = 0; i < 200; i += 20)
            strong(d, [i](std::deque<double, alloc<double>> &c) { c.push_back(i); });
    }
    static void list(Place &place)
    {
        std::list<int, alloc<int>> l(place.template get<int>());
        for (int i = 0; i < 6; i++)
            strong(l, [i](std::list<int, alloc<int>> &c) { c.push_back(i); });
    }
    static void map(Place &place)
    {
        using pair = std::pair<const int, int>;
        using map = std::map<int, int, std::less<int>, alloc<pair>>;
        map m(place.template get<pair>());
        for (int i = 0; i < 6; i++)
            strong(m, [i](map &c) { c[i] = i; });
    }
    static void hashed(Place &place)
    {
        using pair = std::pair<const int, int>;
        using map = std::unordered_map<int, int, std::hash<int>, std::equal_to<int>, alloc<pair>>;
        map m(place.template get<pair>());
        for (int i = 0; i < 20; i++)
            strong(m, [i](map &c) { c[i] = i; });
    }
    static void string(Place &place)
    {
        std::basic_string<char, std::char_traits<char>, alloc<char>> s(place.template get<char>());
        for (int i = 0; i < 40; i++) {
            std::size_t size = s.size();
            try {
                s += "more of it";
            } catch (const std::bad_alloc &) {
                CHECK(s.size() == size);
                throw;
            }
        }
    }
    static void shared(Place &place)
    {
        auto p = std::allocate_shared<int>(place.template get<int>(), 3);
        auto u = tarn::allocate_unique<double>(place.template get<double>(), 3.0);
        CHECK(*p == 3 && *u == 3.0);
    }
    static void all()
    {
        sweep<Place>(vector);
        sweep<Place>(deque);
        sweep<Place>(list);
        sweep<Place>(map);
        sweep<Place>(hashed);
        sweep<Place>(string);
        sweep<Place>(shared);
    }
};

template <class Place> void every_request_refused_in_turn()
{
    runs<Place>::all();
}
TEST_EVERY_PLACE(every_request_refused_in_turn)

TEST(a_container_goes_on_after_a_refusal)
{
    test::by_pools place;
    std::list<int, tarn::pool_allocator<int>> l(place.get<int>());
    for (std::size_t k = 0; l.size() < 10000; k++) {
        place.counted.fail_at = place.counted.calls + k % 3; /* a pool needs two */
        try {
            l.push_back(static_cast<int>(l.size()));
        } catch (const std::bad_alloc &) {
        }
    }
    int i = 0;
    for (int v : l)
        CHECK(v == i++);
}

} // namespace
