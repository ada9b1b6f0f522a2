/* SPDX-License-Identifier: MIT */
/* Cases on blocks of many sizes that come and go at random: 8 to 1024 bytes, each size as likely as any other. A
 * contender is a class with
 *
 *     P();
 *     void *alloc(size_t size);            aligned to 8 at least
 *     void free(void *block, size_t size); the size it was asked for
 */
#ifndef TARN_BENCH_CASES_MIXED_HPP
#define TARN_BENCH_CASES_MIXED_HPP

#include "cases_blocks.hpp"

#include <memory>

namespace bench
{

/* N live blocks; one at random is freed, another allocated in its place, again and again. What is not the
 * allocator's is kept small: a block's size stands in the upper bits of its word, and the word of the next
 * turn is fetched one turn ahead. */
template <class P, size_t N, bool Written> class mixed_load
{
    static_assert(sizeof(void *) == 8, "the upper 16 bits of a pointer are free");

    P heap;
    std::vector<uint64_t> blocks;
    random_stream random;
    uint64_t turn;

    static size_t index_from(uint64_t bits)
    {
        return static_cast<size_t>((bits >> 32) * N >> 32);
    }
    static size_t size_from(uint64_t bits)
    {
        return 8 + static_cast<size_t>((bits & 0xffffffffU) * 1017 >> 32);
    }
    static void *block_of(uint64_t word)
    {
        return reinterpret_cast<void *>(word & 0xffffffffffffU);
    }
    static size_t size_of(uint64_t word)
    {
        return static_cast<size_t>(word >> 48);
    }
    uint64_t take(uint64_t bits)
    {
        size_t size = size_from(bits);
        void *p = heap.alloc(size);
        if (Written) {
            *static_cast<volatile char *>(p) = 1;
        }
        escape(p);
        return reinterpret_cast<uint64_t>(p) | uint64_t(size) << 48;
    }

  public:
    mixed_load() : blocks(N), random(N), turn(0)
    {
        for (uint64_t &word : blocks) {
            word = take(random.next());
        }
        churn(4 * N); /* as an aged heap has it */
    }
    ~mixed_load()
    {
        for (uint64_t word : blocks) {
            heap.free(block_of(word), size_of(word));
        }
    }
    mixed_load(const mixed_load &) = delete;
    mixed_load &operator=(const mixed_load &) = delete;

    void churn(size_t count)
    {
        while (count-- > 0) {
            uint64_t bits = turn;
            uint64_t *word = &blocks[index_from(bits)];
            turn = random.next();
            __builtin_prefetch(&blocks[index_from(turn)], 1);
            heap.free(block_of(*word), size_of(*word));
            barrier();
            *word = take(bits);
        }
    }
    /* Writes every byte of every block; the sum of their sizes. */
    double write_all()
    {
        double live = 0;
        for (uint64_t word : blocks) {
            memset(block_of(word), 0x5A, size_of(word));
            live += static_cast<double>(size_of(word));
        }
        return live;
    }
};

/* ns a pair of free and alloc, the choice of block and size included; Written: and the new block's first byte. Between two
 * samples other contenders have had the caches: a lap that is not timed fetches what a program that goes on would have. */
template <class P, size_t N, bool Written> void mixed(session &s)
{
    auto load = std::make_unique<mixed_load<P, N, Written>>();
    auto loop = [&load](size_t count) { load->churn(count); };
    size_t count = s.calibrate(loop);
    while (s.next()) {
        loop(count > N ? count : N);
        double start = cpu_ns();
        loop(count);
        s.put("pair", (cpu_ns() - start) / static_cast<double>(count));
    }
}

/* Resident bytes when N blocks are live and each was replaced ten times, every live byte written. */
template <class P, size_t N> void mixed_memory(session &s)
{
    while (s.next()) {
        double before = resident_bytes();
        auto load = std::make_unique<mixed_load<P, N, true>>();
        for (int round = 0; round < 10; round++) {
            load->write_all();
            load->churn(N);
        }
        double live = load->write_all(), own = static_cast<double>(N * sizeof(uint64_t));
        s.put("overhead", (resident_bytes() - before - own) / live);
    }
}

template <class P> void enter_mixed(const char *name)
{
    enter("random_1e5", name, mixed<P, 100000, false>);
    enter("random_1e5_written", name, mixed<P, 100000, true>);
    enter("random_1e5_memory", name, mixed_memory<P, 100000>);
}

} // namespace bench
#endif
