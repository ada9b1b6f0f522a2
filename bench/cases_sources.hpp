/* SPDX-License-Identifier: MIT */
/* Cases on where memory comes from. A contender is a class with
 *
 *     void *map(size_t);  void unmap(void *, size_t);       a region, and back
 *
 * or, for `swing`, a pool as in cases_blocks.hpp. */
#ifndef TARN_BENCH_CASES_SOURCES_HPP
#define TARN_BENCH_CASES_SOURCES_HPP

#include "cases_blocks.hpp"

namespace bench
{

/* ns a block: a pool is filled with N blocks, each written, emptied and trimmed, again and again. */
template <class P, size_t Block, size_t N> void swing(session &s)
{
    P pool(Block, N);
    std::vector<void *> blocks(N);
    auto loop = [&pool, &blocks](size_t count) {
        while (count-- > 0) {
            build(pool, blocks.data(), N);
            for (void *b : blocks) {
                pool.free(b);
            }
            pool.trim();
        }
    };
    size_t count = s.calibrate(loop);
    while (s.next()) {
        double start = cpu_ns();
        loop(count);
        s.put("block", (cpu_ns() - start) / static_cast<double>(count * N));
    }
}

/* ns an access: words of a region of Size bytes are read at random, the next address unknown until
 * the last word is there. */
template <class S, size_t Size> void far_reads(session &s)
{
    const size_t lines = Size / 64, reads = 1 << 18;
    S source;
    char *bytes = static_cast<char *>(source.map(Size));
    random_stream random(1);
    for (size_t i = 0; i < lines; i++) {
        *reinterpret_cast<uint64_t *>(bytes + i * 64) = random.next();
    }
    uint64_t at = 0;
    while (s.next()) {
        double start = cpu_ns();
        for (size_t i = 0; i < reads; i++) {
            uint64_t word = *reinterpret_cast<uint64_t *>(bytes + at % lines * 64);
            at = word ^ i;
        }
        s.put("read", (cpu_ns() - start) / reads);
        escape(&at);
    }
    source.unmap(bytes, Size);
}

/* ns a page of 4 KiB: a region of Size bytes is mapped, and each page written; then it goes. */
template <class S, size_t Size> void first_touch(session &s)
{
    const double pages = Size / 4096;
    S source;
    while (s.next()) {
        double start = cpu_ns();
        char *bytes = static_cast<char *>(source.map(Size));
        double mapped = cpu_ns();
        for (size_t at = 0; at < Size; at += 4096) {
            bytes[at] = 1;
        }
        barrier();
        double touched = cpu_ns();
        source.unmap(bytes, Size);
        s.put("map", (mapped - start) / pages);
        s.put("touch", (touched - mapped) / pages);
        s.put("sum", (touched - start) / pages);
    }
}

} // namespace bench
#endif
