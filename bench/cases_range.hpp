/* SPDX-License-Identifier: MIT */
/* Cases on parts of a space: 8 to 1024 units, each size as likely as any other, that come and go at random; nobody
 * touches them. A contender is a class with
 *
 *     P();
 *     uint64_t take(size_t size);   a word that gives the block back; its place is escaped
 *     void give(uint64_t word);
 */
#ifndef TARN_BENCH_CASES_RANGE_HPP
#define TARN_BENCH_CASES_RANGE_HPP

#include "cases_blocks.hpp"

#include <memory>

namespace bench
{

/* N live parts; one at random is given back, another taken, again and again: the load of cases_mixed.hpp for those
 * whose blocks are no pointers. */
template <class P, size_t N> class range_load
{
    P space;
    std::vector<uint64_t> words;
    random_stream random;
    uint64_t turn = 0;

    static size_t index_from(uint64_t bits)
    {
        return static_cast<size_t>((bits >> 32) * N >> 32);
    }
    static size_t size_from(uint64_t bits)
    {
        return 8 + static_cast<size_t>((bits & 0xffffffffU) * 1017 >> 32);
    }

  public:
    range_load() : words(N), random(N)
    {
        for (uint64_t &word : words) {
            word = space.take(size_from(random.next()));
        }
        churn(4 * N); /* as an aged space has it */
    }
    ~range_load()
    {
        for (uint64_t word : words) {
            space.give(word);
        }
    }
    range_load(const range_load &) = delete;
    range_load &operator=(const range_load &) = delete;

    void churn(size_t count)
    {
        while (count-- > 0) {
            uint64_t bits = turn;
            uint64_t *word = &words[index_from(bits)];
            turn = random.next();
            __builtin_prefetch(&words[index_from(turn)], 1);
            space.give(*word);
            barrier();
            *word = space.take(size_from(bits));
        }
    }
    double metadata()
    {
        return space.metadata() / static_cast<double>(N);
    }
};

/* ns a part given back and another taken, the choice of both included; bytes kept outside of the space a live part. */
template <class P, size_t N> void range_churn(session &s)
{
    auto load = std::make_unique<range_load<P, N>>();
    auto loop = [&load](size_t count) { load->churn(count); };
    size_t count = s.calibrate(loop);
    while (s.next()) {
        loop(count > N
                 ? count
                 : N); /* as in cases_mixed.hpp: a lap that fetches what others have displaced */
        double start = cpu_ns();
        loop(count);
        s.put("pair", (cpu_ns() - start) / static_cast<double>(count));
        s.put("metadata", load->metadata());
    }
}

/* ns an identifier: N are out, a random half is given back, as many are taken again. */
template <class P, size_t N> void identifiers(session &s)
{
    std::vector<uint64_t> words(N);
    P space;
    random_stream random(N);
    for (uint64_t &word : words) {
        word = space.take(1);
    }
    while (s.next()) {
        shuffle(words.data(), N, N / 2, random);
        double start = cpu_ns();
        for (size_t i = 0; i < N / 2; i++) {
            space.give(words[i]);
        }
        barrier();
        for (size_t i = 0; i < N / 2; i++) {
            words[i] = space.take(1);
        }
        s.put("pair", (cpu_ns() - start) / static_cast<double>(N / 2));
        s.put("metadata", space.metadata() / static_cast<double>(N));
    }
    for (uint64_t word : words) {
        space.give(word);
    }
}

} // namespace bench
#endif
