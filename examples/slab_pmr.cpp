// SPDX-License-Identifier: MIT
// slab_pmr.cpp - tarn::slab_resource where std::pmr::unsynchronized_pool_resource would stand.
#include <cstdio>
#include <memory_resource>
#include <string>
#include <unordered_map>

#include <tarn/tarn.hpp>

int main()
{
    tarn_slab_options options = {};
    options.largest = 1024; // longer strings come from malloc
    options.name = "words";
    tarn::slab_resource resource(options);
    std::size_t live = 0;
    {
        std::pmr::unordered_map<int, std::pmr::string> words(&resource);
        for (int i = 0; i < 2000; i++)
            words[i].assign(static_cast<std::size_t>(i), 'x');
        for (int i = 0; i < 2000; i += 2)
            words.erase(i);

        tarn_stats stats;
        tarn_get_stats(resource.get().handle(), &stats);
        live = stats.live_blocks;
        std::printf("%zu words in %zu blocks, %zu pages\n", words.size(), live, stats.chunks);
    }
    std::printf("%zu bytes back to malloc\n", tarn_slab_trim(resource.get().get()));
    return live > 1000 && tarn_slab_check(resource.get().get()) == TARN_OK ? 0 : 1;
}
