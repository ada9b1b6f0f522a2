/* SPDX-License-Identifier: MIT */
/* What every measurement is made of: the clock, barriers against the optimiser, random orders,
 * resident memory.
 *
 * Times are thread CPU time, so that the neighbours of a shared machine do not count. What they do
 * to the caches and the clock rate remains, and is why contenders take turns in slices (see
 * bench/run). */
#ifndef TARN_BENCH_MEASURE_HPP
#define TARN_BENCH_MEASURE_HPP

#ifndef __OPTIMIZE__
#error                                                                                             \
    "benchmarks without optimisation measure the compiler: build with -O2 (CMAKE_BUILD_TYPE=Release)"
#endif

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

namespace bench
{

/* Nanoseconds of CPU this thread has used. */
inline double cpu_ns()
{
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

/* Nanoseconds of wall time: only where threads wait for each other. */
inline double wall_ns()
{
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

/* The block is used by someone the compiler cannot see, who may read and write all memory: the
 * allocation, its stores and the allocator's own fields stay real. This is what a call into other
 * code costs an inlined pool: its state lives in memory, not in registers, from one allocation to
 * the next. */
inline void escape(void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

/* The compiler no longer knows where p points; nothing else is lost. The allocator's fields may
 * stay in registers. */
template <class T> inline T *hide(T *p)
{
    __asm__ volatile("" : "+r"(p));
    return p;
}

inline void barrier()
{
    __asm__ volatile("" : : : "memory");
}

/* splitmix64: the same stream for every contender of a case. */
class random_stream
{
    uint64_t state;

  public:
    explicit random_stream(uint64_t seed) : state(seed)
    {
    }
    uint64_t next()
    {
        uint64_t z = (state += 0x9E3779B97F4A7C15U);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31);
    }
    size_t below(size_t n)
    {
        return static_cast<size_t>(next() % n);
    }
};

/* Fisher–Yates on the first `count` places: they become a random choice from all `size`, in random
 * order. */
template <class T> void shuffle(T *items, size_t size, size_t count, random_stream &random)
{
    for (size_t i = 0; i < count; i++) {
        size_t j = i + random.below(size - i);
        T swap = items[i];
        items[i] = items[j];
        items[j] = swap;
    }
}

/* Resident anonymous bytes. From smaps_rollup, which walks the page table: the counters behind
 * statm are per CPU and may be some hundred KiB off. */
inline double resident_bytes()
{
    double kib = 0;
    char line[256];
    FILE *f = fopen("/proc/self/smaps_rollup", "re");
    if (f == nullptr) {
        return -1;
    }
    while (fgets(line, sizeof line, f) != nullptr) {
        if (strncmp(line, "Anonymous:", 10) == 0) {
            kib = strtod(line + 10, nullptr);
        }
    }
    fclose(f);
    return kib * 1024;
}

} // namespace bench
#endif
