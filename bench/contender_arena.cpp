/* SPDX-License-Identifier: MIT */
/* Tarn's arena: inlined, over chunks, over one reserved range and over a buffer; and through the erased handle. */
#include "cases_arena.hpp"
#include "cases_containers.hpp"

#include <tarn/arena.h>
#include <tarn/pages.h>
#include <tarn/tarn.hpp>

namespace
{

enum place { CHUNKS, RANGE, BUFFER };

/* Chunks are the default: 64 KiB from malloc, then twice as much each time, up to 1 MiB. */
template <place Place> class arena_base
{
    tarn_pages pages;
    std::vector<char> buffer;

  protected:
    tarn_arena arena;

    explicit arena_base(size_t capacity) : pages(), buffer(Place == BUFFER ? capacity : 0)
    {
        tarn_arena_options options = {};
        if (Place == RANGE) {
            tarn_pages_options how = {};
            bench::must(tarn_pages_init(&pages, &how) == TARN_OK, "tarn_pages_init");
            options.source = &pages.source;
            options.reserve = capacity + 65536;
        } else if (Place == BUFFER) {
            options.buffer = buffer.data();
            options.buffer_size = buffer.size();
        }
        bench::must(tarn_arena_init(&arena, &options) == TARN_OK, "tarn_arena_init");
    }
    ~arena_base()
    {
        tarn_arena_deinit(&arena);
    }
    arena_base(const arena_base &) = delete;
    arena_base &operator=(const arena_base &) = delete;
};

template <place Place> class inlined : arena_base<Place>
{
  public:
    explicit inlined(size_t capacity) : arena_base<Place>(capacity)
    {
    }
    void *alloc(size_t size)
    {
        return tarn_arena_alloc(&this->arena, size, TARN_SPEC(8));
    }
    void reset()
    {
        tarn_arena_reset(&this->arena, TARN_KEEP_ALL);
    }
};

class handle : arena_base<CHUNKS>
{
    tarn_allocator *erased = bench::hide(tarn_arena_allocator(&arena));

  public:
    explicit handle(size_t capacity) : arena_base<CHUNKS>(capacity)
    {
    }
    void *alloc(size_t size)
    {
        return tarn_alloc(erased, size, TARN_SPEC(8));
    }
    void reset()
    {
        tarn_reset(erased);
    }
};

/* An arena under containers: erased frees nothing before the round is over. */
class containers_on_arena : arena_base<CHUNKS>
{
    tarn_allocator *erased = bench::hide(tarn_arena_allocator(&arena));

  public:
    containers_on_arena() : arena_base<CHUNKS>(0)
    {
    }
    template <class T> using allocator = tarn::allocator<T>;
    template <class T> allocator<T> get()
    {
        return allocator<T>(erased);
    }
    void round()
    {
        tarn_arena_reset(&arena, TARN_KEEP_ALL);
    }
};

const bool entered = [] {
    bench::enter_arena<inlined<CHUNKS>>("tarn arena");
    bench::enter_arena<inlined<RANGE>>("tarn arena, reserved range");
    bench::enter_arena<inlined<BUFFER>>("tarn arena, buffer");
    bench::enter_arena<handle>("tarn arena, handle");
    bench::enter("containers", "tarn::allocator on an arena",
                 bench::containers<containers_on_arena>);
    return true;
}();

} // namespace
