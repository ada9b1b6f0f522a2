/* SPDX-License-Identifier: MIT */
/* How a contender enters a case, and how a case reports.
 *
 * A contender is one small class (limits.cpp has the smallest); a case is a function template over
 * it (cases_*.hpp). The lines at the end of each contender file pair the two. A worker process runs
 * one pair; bench/run makes the workers take turns. */
#ifndef TARN_BENCH_REGISTRY_HPP
#define TARN_BENCH_REGISTRY_HPP

#include "measure.hpp"

#include <string>
#include <vector>

namespace bench
{

/* One worker's conversation with bench/run: each line on its input asks for a sample, answered by
 * one line of `metric=value` words. */
class session
{
    std::string answer;
    bool started = false;
    size_t fixed;

  public:
    /* fixed_loops: exactly so many loops and one sample (for counting instructions); 0 calibrates
     * to a millisecond. */
    explicit session(size_t fixed_loops) : fixed(fixed_loops)
    {
    }
    bool next(); /* false: the parent has enough */
    void put(const char *metric, double value);

    /* How often to run `loop` in one sample; warms it up on the way. */
    template <class Loop> size_t calibrate(Loop loop) const
    {
        const double sample_ns = 1e6;
        if (fixed != 0) {
            return fixed;
        }
        for (size_t count = 1;; count *= 2) {
            double start = cpu_ns();
            loop(count);
            if (cpu_ns() - start >= sample_ns) {
                return count;
            }
        }
    }
};

struct entry {
    const char *suite; /* the case, e.g. "burst" */
    const char *name;  /* the contender, e.g. "boost::pool" */
    void (*run)(session &);
};

std::vector<entry> &entries();
void enter(const char *suite, const char *name, void (*run)(session &));

} // namespace bench
#endif
