/* SPDX-License-Identifier: MIT */
/* Cases on memory that is borrowed for a step. A contender is a class with
 *
 *     void begin();               the step begins
 *     void *alloc(size_t size);   aligned to 8
 *     void end();                 everything of it is gone, or may go
 */
#ifndef TARN_BENCH_CASES_FRAMES_HPP
#define TARN_BENCH_CASES_FRAMES_HPP

#include "registry.hpp"

namespace bench
{

/* ns a step of ten allocations of 8 to 120 bytes. */
template <class S> void steps(session &s)
{
    S memory;
    escape(&memory);
    auto loop = [&memory](size_t count) {
        while (count-- > 0) {
            memory.begin();
            for (size_t size = 12; size <= 120; size += 12) {
                escape(memory.alloc(size));
            }
            memory.end();
            barrier();
        }
    };
    size_t count = s.calibrate(loop);
    while (s.next()) {
        double start = cpu_ns();
        loop(count);
        s.put("step", (cpu_ns() - start) / static_cast<double>(count));
    }
}

} // namespace bench
#endif
