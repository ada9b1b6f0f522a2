/* SPDX-License-Identifier: MIT */
/* owners_test.cpp - pool, arena, scope and pages: set up, used, torn down; options that make no sense. */
#include <list>
#include <type_traits>
#include <vector>

#include "check.hpp"

namespace
{

template <class T> void stays()
{
    static_assert(!std::is_copy_constructible<T>::value && !std::is_move_constructible<T>::value,
                  "handles point into it");
    static_assert(!std::is_copy_assignable<T>::value && !std::is_move_assignable<T>::value,
                  "handles point into it");
}

TEST(none_moves)
{
    stays<tarn::pool>();
    stays<tarn::pools>();
    stays<tarn::arena>();
    stays<tarn::pages>();
    stays<tarn::scope>();
}

TEST(a_pool)
{
    test::counting a;
    {
        tarn_pool_options wanted = tarn_pool_options();
        wanted.block_size = 24;
        wanted.parent = a.handle();
        tarn::pool pool(wanted);
        void *p = pool.alloc(), *q = pool.alloc();
        CHECK(p != nullptr && q != nullptr && p != q);
        CHECK(tarn_owns(pool.handle(), p) == TARN_YES);
        pool.free(p);
        tarn_free(pool.handle(), q, 24, TARN_SPEC(8));
        CHECK(pool.get() != nullptr && !a.blocks.empty());
    }
    CHECK(a.blocks.empty());
    tarn::pool plain(sizeof(int));
    CHECK(plain.alloc() != nullptr);
}

TEST(options_that_make_no_sense)
{
    tarn_status status = TARN_OK;
    try {
        tarn::pool pool((tarn_pool_options()));
    } catch (const tarn::error &e) {
        status = e.status();
        CHECK(std::strcmp(e.what(), tarn_status_text(status)) == 0);
    }
    CHECK(status == TARN_BAD_ARGUMENT);
    bool caught = false;
    test::counting a;
    a.fail_at = 0;
    a.fail_on = true;
    tarn_pool_options wanted = tarn_pool_options();
    wanted.block_size = 64;
    wanted.capacity = 1000;
    wanted.parent = a.handle();
    try {
        tarn::pool pool(wanted);
    } catch (const std::bad_alloc &) {
        caught = true;
    }
    CHECK(caught);
}

TEST(an_arena_and_its_scopes)
{
    test::counting a;
    {
        tarn_arena_options wanted = tarn_arena_options();
        wanted.parent = a.handle();
        tarn::arena arena(wanted);
        void *kept = tarn_arena_alloc(arena.get(), 100, 0);
        void *in_scope = nullptr;
        for (int round = 0; round < 3; round++) {
            tarn::scope outer(arena);
            void *first = tarn_alloc(arena.handle(), 1000, TARN_ALIGN_MAX);
            CHECK(round == 0 || first == in_scope);
            in_scope = first;
            tarn::scope inner(*arena.get());
            std::list<int, tarn::arena_allocator<int>> list(arena);
            list.assign(5000, 7);
        }
        CHECK(kept != nullptr && tarn_arena_owns(arena.get(), kept));
        /* What the scope took is there to be had again. */
        CHECK(tarn_arena_alloc(arena.get(), 1000, TARN_ALIGN_MAX) == in_scope);
        arena.reset();
        CHECK(!a.blocks.empty());
        arena.reset(TARN_KEEP_NONE);
        CHECK(a.blocks.empty());
        CHECK(tarn_arena_alloc(arena.get(), 100, 0) != nullptr);
    }
    CHECK(a.blocks.empty());
}

TEST(the_last_block_of_an_arena_goes_back)
{
    tarn::arena arena;
    tarn::arena_allocator<int> alloc(arena);
    int *p = alloc.allocate(10);
    alloc.deallocate(p, 10);
    int *q = alloc.allocate(20);
    CHECK(p == q);
    alloc.deallocate(q, 20);
}

TEST(pools_tell_why_they_refused)
{
    tarn_pages_options wanted = tarn_pages_options();
    wanted.limit = 1 << 20;
    tarn::pages pages(wanted);
    tarn::pools pools(pages.source());
    while (tarn_alloc(pools.handle(), 64, 3) != nullptr) {
    }
    CHECK(tarn_get_why(pools.handle()).status == TARN_LIMIT);
    CHECK(tarn_get_why(pools.handle()).size == 64);
    CHECK(tarn_alloc(pools.handle(), 128, 3) == nullptr); /* its pool is not even set up */
    CHECK(tarn_get_why(pools.handle()).status == TARN_LIMIT);
    CHECK(tarn_get_why(pools.handle()).size == 128);
    pools.release(); /* the pool that refused is gone, its reason is not */
    CHECK(tarn_get_why(pools.handle()).status == TARN_LIMIT);

    tarn::pools::options odd = tarn::pools::options();
    odd.chunk_size = 1000;
    tarn::pools never(odd);
    CHECK(tarn_get_why(never.handle()).status == TARN_OK);
    CHECK(tarn_alloc(never.handle(), 8, 3) == nullptr);
    CHECK(tarn_get_why(never.handle()).status == TARN_BAD_ARGUMENT);
}

TEST(pages_as_a_source)
{
    tarn_pages_report report;
    tarn::pages pages;
    {
        tarn::pools pools(pages.source());
        std::list<int, tarn::pool_allocator<int>> list(pools);
        list.assign(10000, 1);
        tarn_pages_get_report(pages.get(), &report);
        CHECK(report.mapped > 0);
        std::vector<int, tarn::allocator<int>> v(100000, 1, pages.handle());
        CHECK(v.back() == 1);
    }
    tarn_pages_get_report(pages.get(), &report);
    CHECK(report.mapped == 0);
}

} // namespace
