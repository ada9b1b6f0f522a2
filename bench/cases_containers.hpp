/* SPDX-License-Identifier: MIT */
/* Cases on std::list and std::map. A contender is a class with
 *
 *     template <class T> using allocator = ...;
 *     template <class T> allocator<T> get();    an allocator for T, over this object's memory
 *     void round();                             a round is over, every container is gone (monotonic
 * memory is released)
 */
#ifndef TARN_BENCH_CASES_CONTAINERS_HPP
#define TARN_BENCH_CASES_CONTAINERS_HPP

#include "cases_blocks.hpp"

#include <functional>
#include <list>
#include <map>

namespace bench
{

enum { ROUNDS = 40, ELEMENTS = 40000, KEYS = 10000 };

/* One round on a list: 40,000 pushed, every second erased, destroyed. */
template <class E> void list_round(E &env)
{
    using allocator = typename E::template allocator<uint64_t>;
    std::list<uint64_t, allocator> items(env.template get<uint64_t>());
    for (uint64_t i = 0; i < ELEMENTS; i++) {
        items.push_back(i);
    }
    for (auto at = items.begin(); at != items.end();) {
        at = items.erase(at);
        if (at != items.end()) {
            ++at;
        }
    }
    must(items.size() == ELEMENTS / 2, "the list lost an element");
}

/* One round on a map: 10,000 random keys inserted, every second of them erased, all of them looked
 * up, destroyed. */
template <class E> void map_round(E &env, const std::vector<uint64_t> &keys)
{
    using value = std::pair<const uint64_t, uint64_t>;
    using allocator = typename E::template allocator<value>;
    std::map<uint64_t, uint64_t, std::less<uint64_t>, allocator> items(env.template get<value>());
    size_t found = 0;
    for (uint64_t key : keys) {
        items.emplace(key, key);
    }
    for (size_t i = 0; i < keys.size(); i += 2) {
        items.erase(keys[i]);
    }
    for (uint64_t key : keys) {
        found += items.count(key);
    }
    must(found == keys.size() / 2, "the map lost a key");
}

/* ms for 40 rounds on each. */
template <class E> void containers(session &s)
{
    std::vector<uint64_t> keys(KEYS);
    random_stream random(KEYS);
    for (uint64_t &key : keys) {
        key = random.next();
    }
    while (s.next()) {
        E env;
        double start = cpu_ns();
        for (int i = 0; i < ROUNDS; i++) {
            list_round(env);
            env.round();
        }
        double middle = cpu_ns();
        for (int i = 0; i < ROUNDS; i++) {
            map_round(env, keys);
            env.round();
        }
        double end = cpu_ns();
        s.put("list", (middle - start) / 1e6);
        s.put("map", (end - middle) / 1e6);
        s.put("sum", (end - start) / 1e6);
    }
}

} // namespace bench
#endif
