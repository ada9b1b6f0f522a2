/* SPDX-License-Identifier: MIT */
/* pmr_test.cpp - std::pmr over Tarn and Tarn over std::pmr; empty before C++17. */
#include <string>
#include <unordered_map>
#include <vector>

#include "check.hpp"

#if TARN_CXX_PMR

#include <list>
#include <map>
#include <new>

namespace
{

struct alignas(64) wide {
    int value;
};

void pmr_containers(std::pmr::memory_resource *r)
{
    std::pmr::vector<int> v(r);
    std::pmr::list<int> l(r);
    std::pmr::map<int, std::pmr::string> m(r);
    std::pmr::unordered_map<int, int> h(r);
    std::pmr::vector<wide> w(r);
    for (int i = 0; i < 2000; i++) {
        v.push_back(i);
        l.push_back(i);
        m[i] = "a text that is too long for the small string inside the object";
        h[i] = i;
        w.push_back(wide{i});
        CHECK(reinterpret_cast<std::uintptr_t>(&w.back()) % 64 == 0);
    }
    CHECK(m[5].get_allocator().resource() == r);
    for (int i = 0; i < 2000; i += 2) {
        m.erase(i);
        h.erase(i);
    }
    l.remove_if([](int i) { return i % 3 == 0; });
    CHECK(v.size() == 2000 && m.size() == 1000 && h.size() == 1000);
}

TEST(containers_over_any_allocator)
{
    test::counting a;
    tarn::memory_resource r(a.handle());
    pmr_containers(&r);
    CHECK(a.blocks.empty());
}

TEST(containers_over_pools_of_their_own)
{
    test::counting a;
    {
        tarn::pool_resource r(a.handle());
        pmr_containers(&r);
        r.release();
        CHECK(a.blocks.empty());
        pmr_containers(&r);
    }
    CHECK(a.blocks.empty());
    tarn::pool_resource plain;
    pmr_containers(&plain);
    tarn::pools::options wanted = {};
    wanted.parent = a.handle();
    tarn::pool_resource with(wanted);
    pmr_containers(&with);
    CHECK(a.calls > 0);
}

TEST(containers_over_an_arena)
{
    test::counting a;
    {
        tarn_arena_options wanted = {};
        wanted.parent = a.handle();
        tarn::arena arena(wanted);
        tarn::arena_resource r(arena), same(*arena.get());
        CHECK(r == same);
        pmr_containers(&r);
        CHECK(!a.blocks.empty());
    }
    CHECK(a.blocks.empty());
}

TEST(every_size_and_alignment)
{
    test::counting a;
    tarn::pool_resource r(a.handle());
    for (std::size_t align = 1; align <= 1024; align *= 2)
        for (std::size_t size = 0; size < 700; size += 7) {
            void *p = r.allocate(size, align), *q = r.allocate(size, align);
            CHECK(reinterpret_cast<std::uintptr_t>(p) % align == 0);
            CHECK(p != q);
            std::memset(p, 1, size);
            std::memset(q, 2, size);
            r.deallocate(p, size, align);
            r.deallocate(q, size, align);
        }
}

TEST(equal_resources)
{
    test::counting a, b;
    tarn::memory_resource r(a.handle()), same(a.handle()), other(b.handle());
    tarn::pool_resource p, q;
    CHECK(r == same && r != other && p == p && p != q);
    CHECK(!r.is_equal(p) && !p.is_equal(*std::pmr::new_delete_resource()));
}

TEST(a_refusal_is_bad_alloc)
{
    test::counting a;
    a.fail_on = true;
    a.fail_at = 0;
    tarn::memory_resource r(a.handle());
    tarn::pool_resource p(a.handle());
    for (std::pmr::memory_resource *one : {static_cast<std::pmr::memory_resource *>(&r),
                                           static_cast<std::pmr::memory_resource *>(&p)}) {
        bool caught = false;
        try {
            one->deallocate(one->allocate(8), 8);
        } catch (const std::bad_alloc &) {
            caught = true;
        }
        CHECK(caught);
    }
}

/* Refuses by exception; checks what it is given back. */
class strict : public std::pmr::memory_resource
{
  public:
    bool refuse = false;
    std::size_t live = 0;

  private:
    void *do_allocate(std::size_t bytes, std::size_t align) override
    {
        if (refuse)
            throw std::bad_alloc();
        live += bytes * 4096 + align;
        return std::pmr::new_delete_resource()->allocate(bytes, align);
    }
    void do_deallocate(void *p, std::size_t bytes, std::size_t align) override
    {
        live -= bytes * 4096 + align;
        std::pmr::new_delete_resource()->deallocate(p, bytes, align);
    }
    bool do_is_equal(const std::pmr::memory_resource &o) const noexcept override
    {
        return this == &o;
    }
};

TEST(a_resource_as_an_allocator)
{
    strict r;
    tarn::resource_allocator a(&r);
    CHECK(a.resource() == &r);
    void *p = tarn_alloc(a.handle(), 100, TARN_SPEC(64) | TARN_ZERO);
    CHECK(p != nullptr && reinterpret_cast<std::uintptr_t>(p) % 64 == 0);
    for (int i = 0; i < 100; i++)
        CHECK(static_cast<char *>(p)[i] == 0);
    tarn_free(a.handle(), p, 100, TARN_SPEC(64));
    CHECK(r.live == 0);
    r.refuse = true;
    CHECK(tarn_alloc(a.handle(), 100, 0) == nullptr);
    tarn_why why = tarn_get_why(a.handle());
    CHECK(why.status == TARN_NO_MEMORY && why.size == 100 && why.align == 1);
    CHECK(tarn_alloc(a.handle(), 1, TARN_ALIGN_BITS) == nullptr);
    CHECK(tarn_get_why(a.handle()).status == TARN_BAD_ALIGN);
    CHECK(tarn_alloc(a.handle(), SIZE_MAX, 0) == nullptr);
    CHECK(tarn_get_why(a.handle()).status == TARN_TOO_BIG);
    r.refuse = false;
    { /* there and back again */
        tarn::memory_resource back(a.handle());
        pmr_containers(&back);
        tarn::pools pools(a.handle());
        std::vector<int, tarn::pool_allocator<int>> v({1, 2, 3}, pools);
        CHECK(r.live > 0);
    }
    CHECK(r.live == 0);
}

} // namespace
#endif
