// SPDX-License-Identifier: MIT
// list_in_pool.cpp - a list and a map whose nodes come from pools. Nobody says how big a node is: each size gets a pool
// when it is first asked for. At the end the pools tell what they held.
#include <cstdio>
#include <functional>
#include <list>
#include <map>
#include <string>

#include <tarn/tarn.hpp>

using list = std::list<int, tarn::pool_allocator<int>>;
using pair = std::pair<const int, double>;
using map = std::map<int, double, std::less<int>, tarn::pool_allocator<pair>>;

int main()
{
    tarn::pools pools; // before the containers, so that it ends after them
    tarn_stats stats;
    {
        list numbers(pools);
        map halves(pools);
        for (int i = 0; i < 100000; i++)
            numbers.push_back(i);
        numbers.remove_if([](int i) { return i % 2 != 0; });
        for (int i : numbers)
            halves.emplace(i, i / 2.0);

        tarn_get_stats(pools.handle(), &stats);
        std::printf("%zu nodes in %zu KiB, %zu KiB of that in use\n", stats.live_blocks,
                    stats.held_bytes / 1024, stats.live_bytes / 1024);
        if (stats.live_blocks < numbers.size() + halves.size())
            return 1;
    }
    tarn_get_stats(pools.handle(), &stats);
    std::printf("containers gone: %zu nodes, %zu KiB held\n", stats.live_blocks,
                stats.held_bytes / 1024);
    std::size_t back = pools.trim();
    std::printf("trimmed: %zu KiB went back\n", back / 1024);
    return stats.live_blocks == 0 && back > 0 ? 0 : 1;
}
