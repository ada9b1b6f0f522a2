/* SPDX-License-Identifier: MIT */
/* Cases on objects behind handles. A contender is a class with
 *
 *     P();
 *     handle alloc();  void *resolve(handle);  void free(handle);
 *
 * for one type of handle, which may be a pointer that resolves to itself. */
#ifndef TARN_BENCH_CASES_SLOTS_HPP
#define TARN_BENCH_CASES_SLOTS_HPP

#include "cases_blocks.hpp"

namespace bench
{

/* ns an object: 64 allocated, all resolved, all freed, everything in the cache. */
template <class P> void triple(session &s)
{
    P table;
    escape(&table);
    auto loop = [&table](size_t count) {
        decltype(table.alloc()) handles[BURST];
        while (count-- > 0) {
            for (auto &h : handles) {
                h = table.alloc();
                barrier();
            }
            for (auto h : handles) {
                escape(table.resolve(h));
            }
            for (auto h : handles) {
                table.free(h);
                barrier();
            }
        }
    };
    size_t count = s.calibrate(loop);
    while (s.next()) {
        double start = cpu_ns();
        loop(count);
        s.put("object", (cpu_ns() - start) / static_cast<double>(count * BURST));
    }
}

/* ns an object: N objects, resolved in random order and read. */
template <class P, size_t N> void resolve(session &s)
{
    P table;
    std::vector<decltype(table.alloc())> handles(N);
    random_stream random(N);
    for (auto &h : handles) {
        h = table.alloc();
        *static_cast<size_t *>(table.resolve(h)) = 1;
    }
    for (size_t i = N; i > 1; i--) {
        std::swap(handles[i - 1], handles[random.below(i)]);
    }
    while (s.next()) {
        size_t sum = 0;
        double start = cpu_ns();
        for (auto h : handles) {
            sum += *static_cast<const size_t *>(table.resolve(h));
        }
        double end = cpu_ns();
        must(sum == N, "an object was lost");
        s.put("object", (end - start) / static_cast<double>(N));
    }
}

template <class P> void enter_slots(const char *name)
{
    enter("slots_triple", name, triple<P>);
    enter("slots_resolve_1e6", name, resolve<P, 1000000>);
}

} // namespace bench
#endif
