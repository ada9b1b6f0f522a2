/* SPDX-License-Identifier: MIT */
/* main.cpp - runs the tests that the other files added. */
#include "check.hpp"

int main()
{
    int count = 0;
    for (test::entry *e = test::first(); e != nullptr; e = e->next, count++) {
        int before = test::failures();
        e->run();
        if (test::failures() != before)
            std::fprintf(stderr, "FAILED %s\n", e->name);
    }
    std::printf("%d tests, %d checks failed, C++ %ld\n", count, test::failures(), __cplusplus);
    return count > 0 && test::failures() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
