/* SPDX-License-Identifier: MIT */
/* Tarn's stack: inlined at either end, and through the erased handle; and what it is measured by, a bump
 * pointer that goes back. */
#include "cases_lifo.hpp"

#include <cstdlib>

#include <tarn/stack.h>

namespace
{

enum { ROOM = 64 * 64 + 4096 };

/* The limit line, by hand: a free sets the pointer back. */
class bump_back
{
    alignas(64) char memory[ROOM];
    char *at = memory, *end = memory + ROOM;

  public:
    void *alloc(size_t size)
    {
        size = (size + 15) & ~size_t{15};
        if (size > static_cast<size_t>(end - at)) {
            return nullptr;
        }
        char *p = at;
        at = p + size;
        return p;
    }
    void free(void *p, size_t)
    {
        at = static_cast<char *>(p);
    }
};

/* The same from high addresses to low ones. */
class bump_down
{
    alignas(64) char memory[ROOM];
    char *at = memory + ROOM;

  public:
    void *alloc(size_t size)
    {
        size = (size + 15) & ~size_t{15};
        if (size > static_cast<size_t>(at - memory)) {
            return nullptr;
        }
        at -= size;
        return at;
    }
    void free(void *p, size_t size)
    {
        at = static_cast<char *>(p) + ((size + 15) & ~size_t{15});
    }
};

class stack_base
{
    alignas(64) char memory[ROOM];

  protected:
    tarn_stack stack;

    stack_base()
    {
        tarn_stack_options options = {};
        options.buffer = memory;
        options.buffer_size = sizeof memory;
        if (tarn_stack_init(&stack, &options) != TARN_OK) {
            abort();
        }
    }
    ~stack_base()
    {
        tarn_stack_deinit(&stack);
    }
    stack_base(const stack_base &) = delete;
    stack_base &operator=(const stack_base &) = delete;
};

class low : stack_base
{
  public:
    void *alloc(size_t size)
    {
        return tarn_stack_alloc(&stack, size, TARN_SPEC(16));
    }
    void free(void *p, size_t size)
    {
        tarn_stack_free(&stack, p, size, TARN_SPEC(16));
    }
};

class high : stack_base
{
  public:
    void *alloc(size_t size)
    {
        return tarn_stack_alloc_high(&stack, size, TARN_SPEC(16));
    }
    void free(void *p, size_t size)
    {
        tarn_stack_free_high(&stack, p, size, TARN_SPEC(16));
    }
};

class handle : stack_base
{
    tarn_allocator *erased = bench::hide(tarn_stack_allocator(&stack, TARN_STACK_LOW));

  public:
    void *alloc(size_t size)
    {
        return tarn_alloc(erased, size, TARN_SPEC(16));
    }
    void free(void *p, size_t size)
    {
        tarn_free(erased, p, size, TARN_SPEC(16));
    }
};

class from_malloc
{
  public:
    void *alloc(size_t size)
    {
        return malloc(size);
    }
    void free(void *p, size_t)
    {
        ::free(p);
    }
};

template <class L> void enter(const char *name)
{
    bench::enter("stack_pair", name, bench::ordered_pair<L>);
    bench::enter("stack_64", name, bench::ordered_burst<L, true>);
}

const bool entered = [] {
    enter<low>("tarn stack");
    enter<high>("tarn stack, high end");
    enter<handle>("tarn stack, handle");
    enter<bump_back>("bump, and back");
    bench::enter("ring_pair", "bump, and back", bench::ordered_pair<bump_back>);
    enter<bump_down>("bump, down and back");
    enter<from_malloc>("malloc");
    return true;
}();

} // namespace
