/* SPDX-License-Identifier: MIT */
/* offset_test.cpp - pointers that are ways, and a vector that two mappings share. */
#include <algorithm>
#include <memory>
#include <vector>

#include "check.hpp"

#include <tarn/segment.h>

namespace
{

struct base {
    int b;
};
struct derived : base {
    int d;
};

TEST(it_points_as_a_pointer_does)
{
    int row[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    tarn::offset_ptr<int> p = row, q(p), null, also_null = nullptr;
    CHECK(p == q && *p == 0 && p[3] == 3 && null == also_null && !null && p);
    CHECK(*++p == 1 && *p++ == 1 && *p == 2 && *--p == 1 && *p-- == 1 && p == q);
    CHECK((p += 4) - q == 4 && *(p - 1) == 3 && *(2 + q) == 2 && *(q + 2) == 2 && *(p -= 2) == 2);
    CHECK(q < p && p > q && q <= p && p >= q && q != p && !(p < q));
    std::reverse(tarn::offset_ptr<int>(row), tarn::offset_ptr<int>(row + 10));
    CHECK(row[0] == 9 && row[9] == 0);
    CHECK((std::is_same<std::pointer_traits<tarn::offset_ptr<int>>::rebind<long>,
                        tarn::offset_ptr<long>>::value));
    CHECK(std::pointer_traits<tarn::offset_ptr<int>>::pointer_to(row[4]).get() == row + 4);
    CHECK(sizeof(p) == sizeof(int *));
}

TEST(it_converts_as_a_pointer_does)
{
    derived d{};
    d.b = 3;
    tarn::offset_ptr<derived> p = &d;
    tarn::offset_ptr<base> up = p;
    tarn::offset_ptr<const base> fixed = up;
    tarn::offset_ptr<void> anything = p;
    CHECK(up->b == 3 && fixed->b == 3 && anything.get() == &d);
    CHECK(tarn::offset_ptr<derived>(up) == p && tarn::offset_ptr<derived>(anything) == p);
    CHECK(!(std::is_convertible<tarn::offset_ptr<void>, tarn::offset_ptr<int>>::value));
    CHECK(!(std::is_convertible<tarn::offset_ptr<const int>, tarn::offset_ptr<int>>::value));
}

TEST(a_copy_elsewhere_points_to_the_same)
{
    int x = 5;
    std::vector<tarn::offset_ptr<int>> many(3, tarn::offset_ptr<int>(&x));
    many.resize(100, many[0]);
    CHECK(many[99].get() == &x && many[1] == many[98]);
}

using ints = std::vector<int, tarn::segment_allocator<int>>;

struct both {
    tarn_segment here, there;
    tarn_segment_arena arena;
    both()
    {
        tarn_segment_options o = {};
        o.kind = TARN_FILE_MEMORY;
        CHECK(tarn_segment_init(&here, &o) == TARN_OK);
        o.kind = TARN_FILE_HANDLE;
        o.fd = tarn_file_handle(&here.file);
        CHECK(tarn_segment_init(&there, &o) == TARN_OK);
        CHECK(tarn_segment_open_arena(&here, "numbers", 4000, &arena) == TARN_OK);
    }
    ~both()
    {
        tarn_segment_deinit(&there);
        tarn_segment_deinit(&here);
    }
    both(const both &) = delete;
    both &operator=(const both &) = delete;
};

/* Two mappings in one process stand for two processes. */
TEST(a_vector_is_the_same_at_another_address)
{
    both s;
    tarn_block mine = {}, theirs = {};
    CHECK(tarn_segment_open_memory(&s.here, "vector", sizeof(ints), &mine) == TARN_OK);
    CHECK(tarn_segment_open_memory(&s.there, "vector", sizeof(ints), &theirs) == TARN_OK);
    ints *v = new (mine.ptr) ints(tarn::segment_allocator<int>(s.arena));
    ints *w = static_cast<ints *>(theirs.ptr);
    CHECK(static_cast<void *>(v) != w);
    for (int i = 0; i < 40; i++) {
        v->push_back(2 * i);
        w->push_back(2 * i + 1);
    }
    CHECK(v->size() == 80 && w->size() == 80);
    for (std::size_t i = 0; i < 80; i++) {
        CHECK((*v)[i] == static_cast<int>(i) && w->at(i) == static_cast<int>(i));
    }
    w->insert(w->begin() + 3, 5, -1);
    w->erase(w->begin());
    v->shrink_to_fit();
    CHECK(v->size() == 84 && (*v)[2] == -1 && v->back() == 79);
    CHECK(tarn_segment_check(&s.here) == TARN_OK);
    v->~ints();
}

TEST(it_ends_by_bad_alloc)
{
    both s;
    int caught = 0;
    ints v{tarn::segment_allocator<int>(s.arena)};
    try {
        for (int i = 0;; i++)
            v.push_back(i);
    } catch (const std::bad_alloc &) {
        caught++;
    }
    try {
        tarn::segment_allocator<int>(s.arena).allocate(SIZE_MAX / 2);
    } catch (const std::bad_alloc &) {
        caught++;
    }
    CHECK(caught == 2 && v.size() >= 256 && v[255] == 255);
    tarn::segment_allocator<long> other(v.get_allocator());
    CHECK(other == v.get_allocator() && !(other != v.get_allocator()));
}

} // namespace
