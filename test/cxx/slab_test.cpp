/* SPDX-License-Identifier: MIT */
/* slab_test.cpp - tarn::slab, and std::pmr over it. */
#include "check.hpp"

#include <cstring>
#include <new>

#include <tarn/new.h>

#if TARN_CXX_PMR
#include <string>
#include <unordered_map>
#include <vector>
#endif

namespace
{

TEST(a_slab_owns_what_it_holds)
{
    test::counting a;
    {
        tarn::slab slab(a.handle());
        char *text = static_cast<char *>(slab.alloc(100, 1));
        std::memset(text, 'x', 100);
        CHECK(tarn_slab_owns(slab.get(), text) == TARN_YES);
        slab.free(text, 100, 1);
        void *wide = slab.alloc(100, 256);
        CHECK(reinterpret_cast<std::uintptr_t>(wide) % 256 == 0);
        int *number = tarn_new(slab.get(), int); /* the overload of C's generic */
        tarn_delete(slab.get(), number);
        tarn_stats stats;
        CHECK(tarn_get_stats(slab.handle(), &stats) == TARN_OK && stats.live_blocks == 1);
    }
    CHECK(a.blocks.empty());
}

TEST(options_that_make_no_sense_throw)
{
    tarn_slab_options options = tarn_slab_options();
    options.largest = 1001;
    bool caught = false;
    try {
        tarn::slab slab(options);
    } catch (const tarn::error &e) {
        caught = e.status() == TARN_BAD_ALIGN;
    }
    CHECK(caught);
}

#if TARN_CXX_PMR

void fill(std::pmr::memory_resource *r)
{
    std::pmr::unordered_map<int, std::pmr::string> words(r);
    std::pmr::vector<std::pmr::string> all(r);
    for (int i = 0; i < 3000; i++) {
        words[i].assign(static_cast<std::size_t>(i) * 2, 'x');
        all.push_back(words[i]);
        if (i % 3 == 0)
            words.erase(i / 2);
    }
    CHECK(all.size() == 3000 && words.size() < 3000);
}

TEST(containers_over_a_slab)
{
    test::counting a;
    {
        tarn::slab_resource r(a.handle());
        fill(&r);
        CHECK(tarn_slab_check(r.get().get()) == TARN_OK);
        std::memset(r.allocate(50, 8), 1, 50);
        std::memset(r.allocate(50000, 8), 2, 50000);
        r.release();
        tarn_stats stats;
        CHECK(tarn_get_stats(r.get().handle(), &stats) == TARN_OK);
        CHECK(stats.live_blocks == 0 && stats.chunks == 0);
        fill(&r);
    }
    CHECK(a.blocks.empty());
    tarn::slab_resource plain, other;
    fill(&plain);
    CHECK(plain == plain && plain != other);
}

TEST(every_size_and_alignment_over_a_slab)
{
    test::counting a;
    tarn_slab_options options = tarn_slab_options();
    options.parent = a.handle();
    options.check = true;
    tarn::slab_resource checking(options);
    tarn::slab_resource r(a.handle());
    for (std::pmr::memory_resource *one : {static_cast<std::pmr::memory_resource *>(&checking),
                                           static_cast<std::pmr::memory_resource *>(&r)})
        for (std::size_t align = 1; align <= 8192; align *= 2)
            for (std::size_t size = 0; size < 5000; size += 61) {
                void *p = one->allocate(size, align), *q = one->allocate(size, align);
                CHECK(reinterpret_cast<std::uintptr_t>(p) % align == 0);
                CHECK(p != q);
                std::memset(p, 1, size);
                std::memset(q, 2, size);
                one->deallocate(p, size, align);
                one->deallocate(q, size, align);
            }
}

TEST(a_refusal_of_a_slab_is_bad_alloc)
{
    test::counting a;
    tarn::slab_resource r(a.handle());
    a.fail_on = true;
    a.fail_at = 0;
    for (std::size_t size : {8u, 100u, 50000u}) {
        bool caught = false;
        try {
            r.deallocate(r.allocate(size), size);
        } catch (const std::bad_alloc &) {
            caught = true;
        }
        CHECK(caught);
    }
}

#endif

} // namespace
