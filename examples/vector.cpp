// SPDX-License-Identifier: MIT
// vector.cpp - one std::vector, three places for its memory: any allocator behind a handle, an arena, and a place that
// the type names, so that the vector is no bigger than std::vector<int>.
#include <cstdio>
#include <vector>

#include <tarn/tarn.hpp>

struct numbers { // a tag: where static_allocator<…, numbers> takes memory from
    static tarn::pools &resource()
    {
        static tarn::pools pools;
        return pools;
    }
};

template <class Vector> long sum_of_squares(Vector v)
{
    for (int i = 0; i < 1000; i++)
        v.push_back(i * i);
    long sum = 0;
    for (int square : v)
        sum += square;
    return sum;
}

int main()
{
    tarn::pools pools; // before the containers: what they stand on goes last

    // Any tarn_allocator; this one is malloc.
    tarn::allocator<int> by_handle(tarn_libc());
    std::vector<int, tarn::allocator<int>> a(by_handle);

    // An arena. Room is reserved first: an array that grows would leave its smaller ones behind.
    tarn::arena arena;
    std::vector<int, tarn::arena_allocator<int>> b(arena);
    b.reserve(1000);

    // The type says where: nothing to pass, nothing stored.
    std::vector<int, tarn::static_allocator<int, numbers>> c;
    static_assert(sizeof c == sizeof(std::vector<int>), "no state, no bytes");

    long sum = sum_of_squares(a);
    bool same = sum_of_squares(b) == sum && sum_of_squares(c) == sum;
    std::printf("the sum is %ld; a vector has %zu bytes with a handle, %zu without\n", sum,
                sizeof a, sizeof c);

    // Move and swap take the allocator along; a copy lives where its original lives, unless told otherwise.
    a.assign({1, 2, 3});
    std::vector<int, tarn::allocator<int>> elsewhere(a, pools.handle());
    a = std::move(elsewhere);
    bool moved = a.size() == 3 && a.get_allocator() == tarn::allocator<int>(pools.handle());
    return same && moved ? 0 : 1;
}
