/* SPDX-License-Identifier: MIT */
/* Tarn's frames and scratches, beside malloc and free of the same blocks. */
#include "cases_frames.hpp"

#include <cstdlib>

#include <tarn/frames.h>
#include <tarn/scratch.h>

namespace
{

class frames
{
    tarn_frames turns;

  public:
    frames()
    {
        if (tarn_frames_init(&turns, nullptr) != TARN_OK) {
            abort();
        }
    }
    ~frames()
    {
        tarn_frames_deinit(&turns);
    }
    frames(const frames &) = delete;
    frames &operator=(const frames &) = delete;
    void begin()
    {
        tarn_frames_next(&turns);
    }
    void *alloc(size_t size)
    {
        return tarn_frames_alloc(&turns, size, TARN_SPEC(8));
    }
    void end()
    {
    }
};

class scratch
{
    tarn_scratch now;

  public:
    void begin()
    {
        now = tarn_scratch_begin();
        if (now.arena == nullptr) {
            abort();
        }
    }
    void *alloc(size_t size)
    {
        return tarn_arena_alloc(now.arena, size, TARN_SPEC(8));
    }
    void end()
    {
        tarn_scratch_end(&now);
    }
};

class from_malloc
{
    void *blocks[10];
    size_t count = 0;

  public:
    void begin()
    {
        count = 0;
    }
    void *alloc(size_t size)
    {
        return blocks[count++] = malloc(size);
    }
    void end()
    {
        while (count > 0) {
            free(blocks[--count]);
        }
    }
};

const bool entered = [] {
    bench::enter("steps", "tarn frames", bench::steps<frames>);
    bench::enter("steps", "tarn scratch", bench::steps<scratch>);
    bench::enter("steps", "malloc", bench::steps<from_malloc>);
    return true;
}();

} // namespace
