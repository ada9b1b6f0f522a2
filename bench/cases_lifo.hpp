/* SPDX-License-Identifier: MIT */
/* Cases on blocks with an order. A contender is a class with
 *
 *     L();                             room for 64 blocks of 64 bytes
 *     void *alloc(size_t size);        aligned to 16
 *     void free(void *, size_t size);  the last block (stacks), or the oldest (rings)
 */
#ifndef TARN_BENCH_CASES_LIFO_HPP
#define TARN_BENCH_CASES_LIFO_HPP

#include "registry.hpp"

namespace bench
{

template <class L> inline void one_pair(L &memory)
{
    void *b = memory.alloc(64);
    escape(b);
    memory.free(b, 64);
    barrier();
}

/* ns a pair, each block freed before the next is taken. Pairs of two cycles are measured here: eight
 * of them stand in the loop, or its own branch and where it lies decide the figure. */
template <class L> void ordered_pair(session &s)
{
    enum { COUNT = 8 };
    L memory;
    escape(&memory);
    auto loop = [&memory](size_t count) {
        while (count-- > 0) {
            one_pair(memory);
            one_pair(memory);
            one_pair(memory);
            one_pair(memory);
            one_pair(memory);
            one_pair(memory);
            one_pair(memory);
            one_pair(memory);
        }
    };
    size_t count = s.calibrate(loop);
    while (s.next()) {
        double start = cpu_ns();
        loop(count);
        s.put("pair", (cpu_ns() - start) / static_cast<double>(count * COUNT));
    }
}

/* ns a pair, 64 blocks out and then back: the latest first (Reverse), or the oldest first. */
template <class L, bool Reverse> void ordered_burst(session &s)
{
    enum { COUNT = 64 };
    L memory;
    escape(&memory);
    auto loop = [&memory](size_t count) {
        void *blocks[COUNT];
        while (count-- > 0) {
            for (void *&b : blocks) {
                b = memory.alloc(64);
                escape(b);
            }
            barrier();
            for (size_t i = 0; i < COUNT; i++) {
                memory.free(blocks[Reverse ? COUNT - 1 - i : i], 64);
                barrier();
            }
        }
    };
    size_t count = s.calibrate(loop);
    while (s.next()) {
        double start = cpu_ns();
        loop(count);
        s.put("pair", (cpu_ns() - start) / static_cast<double>(count * COUNT));
    }
}

} // namespace bench
#endif
