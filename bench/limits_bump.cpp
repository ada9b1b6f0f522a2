/* SPDX-License-Identifier: MIT */
/*
 * The two other ways to write a bump pointer, beside the one in limits.cpp that rounds sizes:
 *
 *     bump, aligning    rounds the pointer up to the alignment at each allocation
 *     bump, downwards   subtracts the size and masks
 *
 * They are why docs/design/arena.md rounds sizes and goes up.
 */
#include "cases_arena.hpp"
#include "cases_blocks.hpp"

#include <sys/mman.h>

namespace
{

class bytes
{
    char *memory;
    size_t size;

  public:
    uintptr_t low, high;
    explicit bytes(size_t capacity) : size(capacity)
    {
        void *p = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        bench::must(p != MAP_FAILED, "mmap refused");
        memory = static_cast<char *>(p);
        low = reinterpret_cast<uintptr_t>(memory);
        high = (low + size) & ~uintptr_t{15};
    }
    ~bytes()
    {
        munmap(memory, size);
    }
    bytes(const bytes &) = delete;
    bytes &operator=(const bytes &) = delete;
};

class aligning
{
    bytes memory;
    uintptr_t at;

  public:
    explicit aligning(size_t capacity) : memory(capacity), at(memory.low)
    {
    }
    void *alloc(size_t size)
    {
        uintptr_t p = (at + 7) & ~uintptr_t{7};
        if (size > memory.high - p) {
            return nullptr;
        }
        at = p + size;
        return reinterpret_cast<void *>(p);
    }
    void reset()
    {
        at = memory.low;
    }
};

class downwards
{
    bytes memory;
    uintptr_t at;

  public:
    explicit downwards(size_t capacity) : memory(capacity), at(memory.high)
    {
    }
    void *alloc(size_t size)
    {
        if (size > at - memory.low) {
            return nullptr;
        }
        at = (at - size) & ~uintptr_t{7};
        return reinterpret_cast<void *>(at);
    }
    void reset()
    {
        at = memory.high;
    }
};

const bool entered = [] {
    bench::enter_arena<aligning>("bump, aligning");
    bench::enter_arena<downwards>("bump, downwards");
    return true;
}();

} // namespace
