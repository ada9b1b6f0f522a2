/* SPDX-License-Identifier: MIT */
/* Cases on blocks that one thread allocates and another frees. A contender has, besides alloc and free,
 *
 *     auto here();     what the calling thread allocates from: the contender itself, or a cache of its own
 */
#ifndef TARN_BENCH_CASES_SHARED_HPP
#define TARN_BENCH_CASES_SHARED_HPP

#include "cases_blocks.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace bench
{

/* Two threads take turns; what one wrote the other sees. */
class turns_of_two
{
    std::mutex mutex;
    std::condition_variable changed;
    bool second = false;
    bool over = false;

  public:
    void give(bool to_second)
    {
        std::lock_guard<std::mutex> guard(mutex);
        second = to_second;
        changed.notify_all();
    }
    void end()
    {
        std::lock_guard<std::mutex> guard(mutex);
        over = true;
        changed.notify_all();
    }
    /* false: it is over */
    bool await(bool for_second)
    {
        std::unique_lock<std::mutex> guard(mutex);
        changed.wait(guard, [&] { return over || second == for_second; });
        return !over;
    }
};

/* ns a block of both threads' CPU time: one allocates Count blocks, the other frees them all. Their taking turns is not
 * counted. Touch: each block is written by the first and read by the second. Shuffled: they are freed in random
 * order. */
template <class P, size_t Count, bool Touch, bool Shuffled = false> void handoff(session &s)
{
    random_stream random(Count);
    P pool(64, Count);
    std::vector<void *> blocks(Count);
    turns_of_two turns;
    double freeing = 0;
    const size_t rounds = Count < 10000 ? 40 : 4;
    std::thread other([&] {
        auto &&mine = pool.here();
        while (turns.await(true)) {
            double start = cpu_ns();
            for (void *b : blocks) {
                if (Touch) {
                    must(*static_cast<size_t *>(b) == Count, "a block's contents changed");
                }
                mine.free(b);
            }
            freeing += cpu_ns() - start;
            turns.give(false);
        }
    });
    {
        auto &&mine = pool.here();
        auto loop = [&](size_t count) {
            double spent = 0;
            while (count-- > 0) {
                turns.await(false);
                double start = cpu_ns();
                for (void *&b : blocks) {
                    b = mine.alloc();
                    escape(b);
                    if (Touch) {
                        *static_cast<size_t *>(b) = Count;
                    }
                }
                spent += cpu_ns() - start;
                if (Shuffled) {
                    shuffle(blocks.data(), Count, Count, random);
                }
                turns.give(true);
            }
            turns.await(false);
            return spent;
        };
        loop(3);
        while (s.next()) {
            freeing = 0;
            double spent = loop(rounds);
            s.put("block", (spent + freeing) / static_cast<double>(rounds * Count));
        }
    }
    turns.end();
    other.join();
}

template <class P> void enter_shared(const char *name)
{
    enter("handoff_1e3", name, handoff<P, 1000, false>);
    enter("handoff_2e4", name, handoff<P, 20000, false>);
    enter("handoff_2e4_written", name, handoff<P, 20000, true>);
    enter("handoff_2e4_shuffled", name, handoff<P, 20000, false, true>);
}

} // namespace bench
#endif
