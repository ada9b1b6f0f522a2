/* SPDX-License-Identifier: MIT */
/* Tarn's ring: inlined and through the erased handle, on one thread and between two; and what it is measured by, a
 * bump pointer that goes round. */
#include "cases_lifo.hpp"

#include <cstdlib>

#include <tarn/ring.h>

namespace
{

enum { ROOM = 64 * 1024 };

/* The limit line, by hand: two pointers that go round; a free takes the oldest to be meant. */
class bump_round
{
    alignas(64) char memory[ROOM];
    char *head = memory, *tail = memory, *end = memory + ROOM, *limit = end;

  public:
    void *alloc(size_t size)
    {
        size = (size + 15) & ~size_t{15};
        if (size > static_cast<size_t>(limit - head)) {
            if (head < tail || size >= static_cast<size_t>(tail - memory)) {
                return nullptr;
            }
            end = head;
            head = memory;
            limit = tail - 16;
        }
        char *p = head;
        head = p + size;
        return p;
    }
    void free(void *p, size_t size)
    {
        tail = static_cast<char *>(p) + ((size + 15) & ~size_t{15});
        if (tail >= end) {
            tail = memory;
            limit = memory + ROOM;
        }
    }
};

class ring_base
{
    alignas(64) char memory[ROOM + ROOM / 64];

  protected:
    tarn_ring ring;

    ring_base()
    {
        tarn_ring_options options = {};
        options.buffer = memory;
        options.buffer_size = sizeof memory;
        if (tarn_ring_init(&ring, &options) != TARN_OK) {
            abort();
        }
    }
    ~ring_base()
    {
        tarn_ring_deinit(&ring);
    }
    ring_base(const ring_base &) = delete;
    ring_base &operator=(const ring_base &) = delete;
};

class inlined : ring_base
{
  public:
    void *alloc(size_t size)
    {
        return tarn_ring_alloc(&ring, size, TARN_SPEC(16));
    }
    void free(void *p, size_t size)
    {
        tarn_ring_free(&ring, p, size, TARN_SPEC(16));
    }
};

class handle : ring_base
{
    tarn_allocator *erased = bench::hide(tarn_ring_allocator(&ring));

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
    bench::enter("ring_pair", name, bench::ordered_pair<L>);
    bench::enter("ring_64", name, bench::ordered_burst<L, false>);
}

const bool entered = [] {
    enter<inlined>("tarn ring");
    enter<handle>("tarn ring, handle");
    enter<bump_round>("bump, round");
    enter<from_malloc>("malloc");
    return true;
}();

} // namespace
