// SPDX-License-Identifier: MIT
// pmr.cpp - Tarn under std::pmr containers, and a std::pmr resource under Tarn.
#include <cstdio>
#include <map>
#include <memory_resource>
#include <string>
#include <vector>

#include <tarn/tarn.hpp>

static std::size_t fill(std::pmr::memory_resource *resource)
{
    // The strings inside take their memory from the same resource without being told.
    std::pmr::map<int, std::pmr::string> names(resource);
    for (int i = 0; i < 1000; i++)
        names[i] = "a text too long for the room inside a string, number " + std::to_string(i);
    return names.size();
}

int main()
{
    // What std::pmr::unsynchronized_pool_resource is for.
    tarn::pool_resource pools;
    std::size_t filled = fill(&pools);

    // Any tarn_allocator: here an arena, given up at once. Until then nothing in it is reused.
    tarn::arena arena;
    tarn::memory_resource in_arena(arena.handle());
    filled += fill(&in_arena);
    arena.reset();

    // The other way: a resource of the standard as a tarn_allocator. Its exceptions become NULL.
    char bytes[4096];
    std::pmr::monotonic_buffer_resource buffer(bytes, sizeof bytes,
                                               std::pmr::null_memory_resource());
    tarn::resource_allocator small(&buffer);
    void *fits = tarn_alloc(small.handle(), 1000, TARN_ALIGN_MAX);
    void *does_not = tarn_alloc(small.handle(), 1 << 20, TARN_ALIGN_MAX);
    std::printf("%zu names; 1000 bytes: %s, a MiB: %s (%s)\n", filled, fits ? "yes" : "no",
                does_not ? "yes" : "no", tarn_status_text(tarn_get_why(small.handle()).status));
    tarn_free(small.handle(), fits, 1000, TARN_ALIGN_MAX);
    return filled == 2000 && fits != nullptr && does_not == nullptr ? 0 : 1;
}
