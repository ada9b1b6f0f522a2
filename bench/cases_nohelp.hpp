/* SPDX-License-Identifier: MIT */
/* Cases where a pool is not expected to help, so that the documentation can say when to leave it. A
 * contender is one of cases_blocks.hpp, for `mixed` with alloc(size), for `threads` one that two
 * threads may use at once. */
#ifndef TARN_BENCH_CASES_NOHELP_HPP
#define TARN_BENCH_CASES_NOHELP_HPP

#include "cases_blocks.hpp"

#include <thread>

namespace bench
{

/* ns a block: bursts of 16 blocks that are written from end to end. */
template <class P, size_t Block> void written(session &s)
{
    P pool(Block, 16);
    escape(&pool);
    auto loop = [&pool](size_t count) {
        void *blocks[16];
        while (count-- > 0) {
            for (void *&b : blocks) {
                b = pool.alloc();
                memset(b, 0x5A, Block);
                escape(b);
            }
            for (void *b : blocks) {
                pool.free(b);
            }
            barrier();
        }
    };
    size_t count = s.calibrate(loop);
    while (s.next()) {
        double start = cpu_ns();
        loop(count);
        s.put("block", (cpu_ns() - start) / static_cast<double>(count * 16));
    }
}

/* FNV-1a, byte by byte: about a microsecond of work that no allocator can make shorter. */
inline uint64_t digest(const unsigned char *bytes, size_t size)
{
    uint64_t hash = 0xCBF29CE484222325U;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001B3U;
    }
    return hash;
}

/* ns an object: bursts of 64 records of 64 B, each holding the digest of 1 KiB of input. */
template <class P> void compute(session &s)
{
    std::vector<unsigned char> input(1024 + BURST, 7);
    P pool(64, BURST);
    escape(&pool);
    auto loop = [&pool, &input](size_t count) {
        uint64_t *records[BURST];
        while (count-- > 0) {
            for (size_t i = 0; i < BURST; i++) {
                records[i] = static_cast<uint64_t *>(pool.alloc());
                *records[i] = digest(input.data() + i, 1024);
                escape(records[i]);
            }
            for (uint64_t *r : records) {
                pool.free(r);
            }
            barrier();
        }
    };
    size_t count = s.calibrate(loop);
    while (s.next()) {
        double start = cpu_ns();
        loop(count);
        s.put("object", (cpu_ns() - start) / static_cast<double>(count * BURST));
    }
}

/* ns for a whole life: the pool is made, N blocks are taken, written and freed, the pool is gone.
 */
template <class P, size_t N> void life(session &s)
{
    auto loop = [](size_t count) {
        void *blocks[N];
        while (count-- > 0) {
            P pool(64, N);
            for (void *&b : blocks) {
                b = pool.alloc();
                memset(b, 0x5A, 64);
                escape(b);
            }
            for (void *b : blocks) {
                pool.free(b);
            }
        }
    };
    size_t count = s.calibrate(loop);
    while (s.next()) {
        double start = cpu_ns();
        loop(count);
        s.put("life", (cpu_ns() - start) / static_cast<double>(count));
    }
}

/* Resident bytes for objects of 8 to 120 B when a single pool of 120-byte blocks has to serve them
 * all. */
template <class P, size_t N> void mixed(session &s)
{
    std::vector<void *> blocks(N);
    memset(blocks.data(), 1, N * sizeof(void *));
    while (s.next()) {
        random_stream random(N);
        double live = 0;
        double before = resident_bytes();
        P pool(120, N);
        for (void *&b : blocks) {
            size_t size = 8 + random.below(113);
            b = pool.alloc(size);
            memset(b, 0x5A, size);
            live += static_cast<double>(size);
        }
        s.put("overhead", (resident_bytes() - before) / live);
        for (void *b : blocks) {
            pool.free(b);
        }
    }
}

/* ns of wall time a pair: two threads, bursts of 64, both on the one allocator. */
template <class P> void threads(session &s)
{
    P pool(64, size_t{2} * BURST);
    const size_t count = 4000;
    auto work = [&pool] {
        void *blocks[BURST];
        for (size_t n = 0; n < count; n++) {
            for (void *&b : blocks) {
                b = pool.alloc();
                escape(b);
            }
            for (void *b : blocks) {
                pool.free(b);
            }
        }
    };
    while (s.next()) {
        double start = wall_ns();
        work();
        double alone = wall_ns();
        std::thread other(work);
        work();
        other.join();
        double end = wall_ns();
        s.put("one", (alone - start) / static_cast<double>(count * BURST));
        s.put("two", (end - alone) / static_cast<double>(2 * count * BURST));
    }
}

template <class P> void enter_nohelp(const char *name)
{
    enter("written_64", name, written<P, 64>);
    enter("written_4096", name, written<P, 4096>);
    enter("written_65536", name, written<P, 65536>);
    enter("compute", name, compute<P>);
    enter("life_100", name, life<P, 100>);
    enter("memory_100", name, memory<P, 64, 100>);
    enter("mixed_1e5", name, mixed<P, 100000>);
}

} // namespace bench
#endif
