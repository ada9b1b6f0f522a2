/* SPDX-License-Identifier: MIT */
/*
 * check.hpp - what the C++ tests share: a check, a list of tests, and an allocator that believes nothing.
 *
 * Headers of the standard and of Tarn only, since the same files are built by two compilers, in four dialects and for
 * other machines.
 */
#ifndef TARN_TEST_CXX_CHECK_HPP
#define TARN_TEST_CXX_CHECK_HPP

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include <tarn/tarn.hpp>

namespace test
{

struct entry {
    const char *name;
    void (*run)();
    entry *next;
};
inline entry *&first()
{
    static entry *list = nullptr;
    return list;
}
inline int &failures()
{
    static int count = 0;
    return count;
}
struct add {
    entry e;
    add(const char *name, void (*run)()) : e{name, run, first()}
    {
        first() = &e;
    }
};

inline void failed(const char *what, const char *file, int line)
{
    std::fprintf(stderr, "%s:%d: not true: %s\n", file, line, what);
    failures()++;
}

/*
 * counting - malloc as a tarn_allocator that knows every block: a free with another size or alignment than at alloc, of
 * a pointer it never gave, or a block that is left over, fails the test. Refuses the call number `fail_at`, and all
 * from there on when `fail_on` is set; calls are numbered from 0.
 */
class counting
{
    tarn_allocator base_; /* first */

  public:
    counting() : base_{table()}
    {
    }
    counting(const counting &) = delete;
    counting &operator=(const counting &) = delete;
    ~counting()
    {
        if (!blocks.empty())
            failed("every block was freed", __FILE__, __LINE__);
    }
    tarn_allocator *handle()
    {
        return &base_;
    }

    struct block {
        std::size_t size;
        tarn_spec spec;
    };
    std::map<void *, block> blocks;
    std::size_t calls = 0;
    std::size_t fail_at = SIZE_MAX;
    bool fail_on = false;

  private:
    static counting *self(tarn_allocator *a)
    {
        return reinterpret_cast<counting *>(a);
    }
    static void *alloc(tarn_allocator *a, std::size_t size, tarn_spec spec)
    {
        counting *c = self(a);
        std::size_t call = c->calls++;
        if (call == c->fail_at || (c->fail_on && call > c->fail_at))
            return nullptr;
        void *p = tarn_alloc(tarn_libc(), size, spec);
        if (p != nullptr)
            c->blocks[p] = block{size, spec};
        return p;
    }
    static void free(tarn_allocator *a, void *p, std::size_t size, tarn_spec spec)
    {
        counting *c = self(a);
        auto found = c->blocks.find(p);
        if (found == c->blocks.end()) {
            failed("the freed block is one of ours", __FILE__, __LINE__);
            return;
        }
        if (found->second.size != size)
            failed("freed with its size", __FILE__, __LINE__);
        if (found->second.spec != spec)
            failed("freed with its alignment", __FILE__, __LINE__);
        c->blocks.erase(found);
        tarn_free(tarn_libc(), p, size, spec);
    }
    static const tarn_ops *table()
    {
        static const tarn_ops ops = {TARN_ABI, TARN_CAP_FREE, alloc,   free,   nullptr,
                                     nullptr,  nullptr,       nullptr, nullptr};
        return &ops;
    }
};

} // namespace test

#define CHECK(c) ((c) ? (void)0 : test::failed(#c, __FILE__, __LINE__))
#define TEST(name)                                                                                 \
    static void name();                                                                            \
    static test::add add_##name(#name, name);                                                      \
    static void name()

#endif
