/* SPDX-License-Identifier: MIT */
/* terminate_test.cpp - built with -fno-exceptions -fno-rtti: everything works until memory is out, which ends it. */
#include <list>
#include <vector>

#include "../check.hpp"

static void ended()
{
    std::fputs("std::terminate, as promised\n", stderr);
    std::_Exit(test::failures() == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

int main()
{
    test::counting a;
    tarn::pools pools(a.handle());
    std::list<int, tarn::pool_allocator<int>> list(pools);
    std::vector<int, tarn::allocator<int>> vector(a.handle());
    for (int i = 0; i < 1000; i++) {
        list.push_back(i);
        vector.push_back(i);
    }
    CHECK(list.size() == 1000 && vector.size() == 1000);
#if TARN_CXX_PMR
    tarn::pool_resource resource;
    std::pmr::vector<int> v(&resource);
    v.push_back(1);
    tarn::resource_allocator back(&resource);
    tarn::destroy(back.handle(), tarn::make<int>(back.handle(), 1));
    CHECK(resource.is_equal(resource));
#endif
    std::set_terminate(ended);
    a.fail_at = a.calls;
    vector.reserve(vector.capacity() + 1);
    std::fputs("went on without memory\n", stderr);
    std::_Exit(EXIT_FAILURE);
}
