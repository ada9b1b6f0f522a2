/* SPDX-License-Identifier: MIT */
/* Cases on blocks of one size. A contender is a class with
 *
 *     P(size_t block, size_t capacity);     capacity: the most blocks ever live; a pool that grows
 * ignores it void *alloc();  void free(void *); void trim();                          only for
 * `memory`; gives idle memory back, as far as it can void alloc_batch(void **, size_t);  void
 * free_batch(void **, size_t);      only for `batch`
 */
#ifndef TARN_BENCH_CASES_BLOCKS_HPP
#define TARN_BENCH_CASES_BLOCKS_HPP

#include "registry.hpp"

namespace bench
{

enum { BURST = 64 };

/* ns a pair of alloc and free, 64 allocations followed by 64 frees in the same order, everything in
 * the cache. Clobber: other code ran in between (escape); else the compiler may keep the pool's
 * state in registers. */
template <class P, size_t Block, bool Clobber, size_t Count = BURST> void burst(session &s)
{
    P pool(Block, Count);
    escape(&pool);
    auto loop = [&pool](size_t count) {
        void *blocks[Count];
        while (count-- > 0) {
            for (void *&b : blocks) {
                b = pool.alloc();
                Clobber ? escape(b) : static_cast<void>(b = hide(b));
            }
            barrier();
            for (void *b : blocks) {
                pool.free(b);
                if (Clobber) {
                    barrier();
                }
            }
            barrier();
        }
    };
    size_t count = s.calibrate(loop);
    while (s.next()) {
        double start = cpu_ns();
        loop(count);
        s.put("pair", (cpu_ns() - start) / static_cast<double>(count * Count));
    }
}

/* ns a pair, each block freed before the next is taken. */
template <class P, size_t Block> void pair(session &s)
{
    P pool(Block, 1);
    escape(&pool);
    auto loop = [&pool](size_t count) {
        while (count-- > 0) {
            void *b = pool.alloc();
            escape(b);
            pool.free(b);
            barrier();
        }
    };
    size_t count = s.calibrate(loop);
    while (s.next()) {
        double start = cpu_ns();
        loop(count);
        s.put("pair", (cpu_ns() - start) / static_cast<double>(count));
    }
}

/* ns a block that went out and came back in batches of 64. */
template <class P, size_t Block> void batch(session &s)
{
    P pool(Block, BURST);
    escape(&pool);
    auto loop = [&pool](size_t count) {
        void *blocks[BURST];
        while (count-- > 0) {
            pool.alloc_batch(blocks, BURST);
            escape(blocks);
            pool.free_batch(blocks, BURST);
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

/* Objects in the order of their allocation, as a program that builds a list has them. */
struct object {
    object *next;
};

/* Allocates `count` blocks, writes each and links it behind the one before. Returns the first. */
template <class P> object *build(P &pool, void **blocks, size_t count)
{
    object head;
    object *tail = &head;
    for (size_t i = 0; i < count; i++) {
        object *o = static_cast<object *>(pool.alloc());
        o->next = nullptr;
        tail->next = o;
        tail = o;
        blocks[i] = o;
    }
    barrier();
    return head.next;
}

/* Follows the links: reads every object, one after the other. */
inline size_t walk(const object *o)
{
    size_t count = 0;
    for (; o != nullptr; o = o->next) {
        count++;
    }
    return count;
}

inline void must(bool truth, const char *what)
{
    if (!truth) {
        fprintf(stderr, "the measurement is void: %s\n", what);
        exit(1);
    }
}

/* ns an object: N blocks are out; free all in random order, allocate all again, visit in allocation
 * order. */
template <class P, size_t Block, size_t N> void refill(session &s)
{
    std::vector<void *> blocks(N);
    while (s.next()) {
        P pool(Block, N);
        escape(&pool);
        random_stream random(N);
        double n = static_cast<double>(N);
        build(pool, blocks.data(), N);
        shuffle(blocks.data(), N, N, random);
        double start = cpu_ns();
        for (void *b : blocks) {
            pool.free(b);
        }
        barrier();
        double freed = cpu_ns();
        object *first = build(pool, blocks.data(), N);
        double built = cpu_ns();
        must(walk(first) == N, "an object was lost");
        double end = cpu_ns();
        s.put("free", (freed - start) / n);
        s.put("alloc", (built - freed) / n);
        s.put("visit", (end - built) / n);
        s.put("sum", (end - start) / n);
        for (void *b : blocks) {
            pool.free(b);
        }
    }
}

/* ns an object: of N live blocks a random 30 % are freed, as many allocated again, and those
 * visited. */
template <class P, size_t Block, size_t N> void replace(session &s)
{
    const size_t part = N * 3 / 10;
    std::vector<void *> blocks(N);
    while (s.next()) {
        P pool(Block, N);
        escape(&pool);
        random_stream random(N);
        double n = static_cast<double>(part);
        build(pool, blocks.data(), N);
        shuffle(blocks.data(), N, part, random);
        double start = cpu_ns();
        for (size_t i = 0; i < part; i++) {
            pool.free(blocks[i]);
        }
        barrier();
        double freed = cpu_ns();
        object *first = build(pool, blocks.data(), part);
        double built = cpu_ns();
        must(walk(first) == part, "an object was lost");
        double end = cpu_ns();
        s.put("free", (freed - start) / n);
        s.put("alloc", (built - freed) / n);
        s.put("visit", (end - built) / n);
        s.put("sum", (end - freed) / n);
        for (void *b : blocks) {
            pool.free(b);
        }
    }
}

/* A pool of N blocks is made: ns until it exists, ns until its first block is out and written too,
 * bytes resident then. */
template <class P, size_t Block, size_t N> void create(session &s)
{
    while (s.next()) {
        double before = resident_bytes();
        double start = cpu_ns();
        P pool(Block, N);
        escape(&pool);
        double made = cpu_ns();
        void *b = pool.alloc();
        *static_cast<void **>(b) = b;
        escape(b);
        double end = cpu_ns();
        s.put("create", made - start);
        s.put("first", end - start);
        s.put("resident", resident_bytes() - before);
        pool.free(b);
    }
}

/* Resident bytes for N live objects, every byte written; then after freeing all (in random order)
 * and trim. */
template <class P, size_t Block, size_t N> void memory(session &s)
{
    std::vector<void *> blocks(N);
    memset(blocks.data(), 1, N * sizeof(void *));
    while (s.next()) {
        random_stream random(N);
        double live = static_cast<double>(N) * Block;
        double before = resident_bytes();
        P pool(Block, N);
        for (void *&b : blocks) {
            b = pool.alloc();
            memset(b, 0x5A, Block);
        }
        double full = resident_bytes() - before;
        shuffle(blocks.data(), N, N, random);
        for (void *b : blocks) {
            pool.free(b);
        }
        pool.trim();
        s.put("resident", full);
        s.put("overhead", full / live);
        s.put("excess", full - 1.01 * live);
        s.put("trimmed", resident_bytes() - before);
    }
}

template <class P> void enter_hot(const char *name)
{
    enter("burst", name, burst<P, 64, true>);
    enter("burst_1e3", name, burst<P, 64, true, 1000>);
    enter("burst_registers", name, burst<P, 64, false>);
    enter("pair", name, pair<P, 64>);
}

template <class P> void enter_cold(const char *name)
{
    enter("refill_1e6", name, refill<P, 64, 1000000>);
    enter("refill_1e5", name, refill<P, 64, 100000>);
    enter("replace_1e6", name, replace<P, 64, 1000000>);
}

template <class P> void enter_memory(const char *name)
{
    enter("memory_16", name, memory<P, 16, 1000000>);
    enter("memory_24", name, memory<P, 24, 1000000>);
    enter("memory_40", name, memory<P, 40, 1000000>);
    enter("memory_64", name, memory<P, 64, 1000000>);
    enter("memory_104", name, memory<P, 104, 1000000>);
}

} // namespace bench
#endif
