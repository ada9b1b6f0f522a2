/* SPDX-License-Identifier: MIT */
/* Cases on regions that are freed at once. A contender is a class with
 *
 *     A(size_t capacity);              bytes that will be needed at most between two resets
 *     void *alloc(size_t size);        aligned to 8
 *     void reset();                    everything back, memory kept if it can
 */
#ifndef TARN_BENCH_CASES_ARENA_HPP
#define TARN_BENCH_CASES_ARENA_HPP

#include "registry.hpp"

namespace bench
{

/* ns an allocation: N of 8 to 120 bytes (the same random sizes for all), then a reset, which is in
 * the figure. Write: the first word of each block is written too. */
template <class A, size_t N, bool Write> void regions(session &s)
{
    std::vector<uint8_t> sizes(N);
    size_t total = 4096;
    random_stream random(N);
    for (uint8_t &size : sizes) {
        size = static_cast<uint8_t>(8 + random.below(113));
        total += (size + 7U) & ~7U;
    }
    A arena(total);
    escape(&arena);
    auto loop = [&arena, &sizes](size_t count) {
        while (count-- > 0) {
            for (uint8_t size : sizes) {
                void *p = arena.alloc(size);
                if (Write) {
                    *static_cast<uint64_t *>(p) = size;
                }
                escape(p);
            }
            arena.reset();
            barrier();
        }
    };
    size_t count = s.calibrate(loop);
    while (s.next()) {
        double start = cpu_ns();
        loop(count);
        s.put("alloc", (cpu_ns() - start) / static_cast<double>(count * N));
    }
}

template <class A> void enter_arena(const char *name)
{
    enter("arena_1e3", name, regions<A, 1000, false>);
    enter("arena_1e5", name, regions<A, 100000, false>);
    enter("arena_1e6", name, regions<A, 1000000, false>);
    enter("arena_1e3_written", name, regions<A, 1000, true>);
    enter("arena_1e6_written", name, regions<A, 1000000, true>);
}

} // namespace bench
#endif
