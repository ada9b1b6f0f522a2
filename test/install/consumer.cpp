// SPDX-License-Identifier: MIT
// A user's program in C++: a list whose nodes come from Tarn.
#include <tarn/tarn.hpp>

#include <cstdio>
#include <list>

int main()
{
    std::list<int, tarn::allocator<int>> list{tarn::allocator<int>(tarn_libc())};
    for (int i = 0; i < 100; i++)
        list.push_back(i);
    if (list.size() != 100)
        return 1;
    std::puts("tarn " TARN_VERSION);
    return 0;
}
