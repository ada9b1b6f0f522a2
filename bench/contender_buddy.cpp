/* SPDX-License-Identifier: MIT */
/* Tarn's buddy allocator behind its handle, over pages: merging lazily, as by default, and at once; metadata outside. */
#include "cases_mixed.hpp"

#include <tarn/buddy.h>
#include <tarn/pages.h>

namespace
{

template <size_t Lazy, bool Outside> class buddies
{
    tarn_pages pages;
    tarn_buddy buddy;
    tarn_allocator *erased = bench::hide(tarn_buddy_allocator(&buddy));

  public:
    buddies()
    {
        tarn_pages_options how = {};
        tarn_buddy_options options = {};
        bench::must(tarn_pages_init(&pages, &how) == TARN_OK, "tarn_pages_init");
        options.size = size_t{1} << 27;
        options.lazy = Lazy;
        options.source = &pages.source;
        if (Outside) {
            options.metadata = tarn_pages_allocator(&pages);
        }
        bench::must(tarn_buddy_init(&buddy, &options) == TARN_OK, "tarn_buddy_init");
    }
    ~buddies()
    {
        tarn_buddy_deinit(&buddy);
    }
    buddies(const buddies &) = delete;
    buddies &operator=(const buddies &) = delete;
    void *alloc(size_t size)
    {
        return tarn_alloc(erased, size, TARN_SPEC(8));
    }
    void free(void *block, size_t size)
    {
        tarn_free(erased, block, size, TARN_SPEC(8));
    }
};

const bool entered = [] {
    bench::enter_mixed<buddies<0, false>>("tarn buddy");
    bench::enter_mixed<buddies<TARN_BUDDY_EAGER, false>>("tarn buddy, merging at once");
    bench::enter_mixed<buddies<0, true>>("tarn buddy, metadata outside");
    bench::enter_mixed<buddies<TARN_BUDDY_EAGER, true>>("tarn buddy, outside, merging at once");
    return true;
}();

} // namespace
