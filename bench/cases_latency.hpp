/* SPDX-License-Identifier: MIT */
/* How long the longest single operation takes: 300,000 of them in one fixed order, replayed seven times, each timed
 * by itself. Of each operation the least of its seven times counts, so that an interrupt has to hit the same operation
 * seven times to be seen; what remains is the allocator's own doing. Memory is warm: an untimed replay runs first, and
 * each one ends with nothing live.
 *
 * A contender is a class with
 *
 *     P();
 *     void *alloc(size_t size);
 *     void free(void *block, size_t size);
 */
#ifndef TARN_BENCH_CASES_LATENCY_HPP
#define TARN_BENCH_CASES_LATENCY_HPP

#include "cases_blocks.hpp"

#include <algorithm>
#include <memory>

namespace bench
{

/* A clock with as little of its own as there is; its unit is found by comparing it with the system's. */
#if defined(__x86_64__)
inline uint64_t ticks()
{
    uint32_t low;
    uint32_t high;
    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    return uint64_t(high) << 32 | low;
}
#else
inline uint64_t ticks()
{
    return static_cast<uint64_t>(wall_ns());
}
#endif

inline double ns_of_a_tick()
{
    double start = wall_ns();
    uint64_t from = ticks();
    while (wall_ns() - start < 2e7) {
    }
    uint64_t to = ticks();
    return (wall_ns() - start) / static_cast<double>(to - from);
}

class latency_run
{
  public:
    enum { OPS = 300000, SLOTS = 10000, LONGEST = 1000, REPLAYS = 7 };

  private:
    struct step {
        uint32_t slot;
        uint32_t size;
    };
    struct block {
        void *ptr;
        uint32_t size;
    };
    std::vector<step> steps;
    std::vector<uint32_t> least; /* ticks */
    std::vector<block> blocks;

    template <class P> uint64_t take(P &heap, block &b, uint32_t size)
    {
        uint64_t start = ticks();
        b.ptr = heap.alloc(size);
        uint64_t took = ticks() - start;
        must(b.ptr != nullptr, "memory is out");
        *static_cast<volatile char *>(b.ptr) = 1;
        static_cast<volatile char *>(b.ptr)[size - 1] = 1;
        b.size = size;
        return took;
    }
    template <class P> uint64_t give(P &heap, block &b)
    {
        uint64_t start = ticks();
        heap.free(b.ptr, b.size);
        uint64_t took = ticks() - start;
        b.ptr = nullptr;
        return took;
    }

  public:
    /* Sizes of 8 to 1024 bytes, one in 64 of 512 bytes to 64 KiB; fixed != 0: all of that size. */
    explicit latency_run(uint32_t fixed) : steps(OPS), least(OPS), blocks(SLOTS)
    {
        random_stream random(OPS);
        std::vector<uint32_t> live;
        std::vector<uint32_t> idle(SLOTS);
        for (uint32_t slot = 0; slot < SLOTS; slot++) {
            idle[slot] = slot;
        }
        bool taking = true;
        size_t left = 0;
        for (step &s : steps) {
            if (left == 0 || (taking ? idle : live).empty()) {
                taking = live.empty() || (!idle.empty() && !taking);
                left = 1 + random.below(LONGEST);
            }
            left--;
            s.size = static_cast<uint32_t>(8 + random.below(1017));
            if (random.below(64) == 0) {
                s.size *= 64;
            }
            if (fixed != 0) {
                s.size = fixed;
            }
            std::vector<uint32_t> &from = taking ? idle : live;
            size_t which = random.below(from.size());
            s.slot = from[which];
            from[which] = from.back();
            from.pop_back();
            (taking ? live : idle).push_back(s.slot);
        }
    }
    /* An operation: the block of a slot is freed or, where there is none, allocated. */
    template <class P> void replay(P &heap, bool first)
    {
        for (size_t i = 0; i < OPS; i++) {
            block &b = blocks[steps[i].slot];
            uint64_t took = b.ptr != nullptr ? give(heap, b) : take(heap, b, steps[i].size);
            uint32_t capped = static_cast<uint32_t>(std::min<uint64_t>(took, UINT32_MAX));
            least[i] = first ? capped : std::min(least[i], capped);
        }
        for (block &b : blocks) {
            if (b.ptr != nullptr) {
                give(heap, b);
            }
        }
    }
    template <class P> void measure(P &heap, session &s)
    {
        struct nothing {
            char byte[65536];
            void *alloc(size_t)
            {
                return byte;
            }
            void free(void *, size_t)
            {
            }
        };
        auto idle = std::make_unique<nothing>();
        double unit = ns_of_a_tick();
        replay(*idle, true);
        for (int i = 1; i < REPLAYS; i++) {
            replay(*idle, false);
        }
        std::sort(least.begin(), least.end());
        double timer = least[OPS / 2];
        replay(heap, true);
        for (int i = 0; i < REPLAYS; i++) {
            replay(heap, i == 0);
        }
        std::sort(least.begin(), least.end());
        auto above = [&](size_t rank) { return (static_cast<double>(least[rank]) - timer) * unit; };
        s.put("timer", timer * unit);
        s.put("median", above(OPS / 2));
        s.put("p99", above(OPS - OPS / 100));
        s.put("p99.99", above(OPS - OPS / 10000));
        s.put("max", above(OPS - 1));
    }
};

template <class P> void latency(session &s)
{
    auto run = std::make_unique<latency_run>(0);
    auto heap = std::make_unique<P>();
    while (s.next()) {
        run->measure(*heap, s);
    }
}

/* Blocks of 64 B; a contender takes (block size, capacity). */
template <class P> void latency_64(session &s)
{
    auto run = std::make_unique<latency_run>(64);
    auto heap = std::make_unique<P>(64, latency_run::SLOTS);
    while (s.next()) {
        run->measure(*heap, s);
    }
}

} // namespace bench
#endif
