/* SPDX-License-Identifier: MIT */
/* malloc: glibc's, or whichever is preloaded (bench/run starts a worker for each). */
#include "cases_arena.hpp"
#include "cases_blocks.hpp"
#include "cases_containers.hpp"
#include "cases_latency.hpp"
#include "cases_mixed.hpp"
#include "cases_nohelp.hpp"
#include "cases_objects.hpp"
#include "cases_shared.hpp"

#include <dlfcn.h>
#include <malloc.h>

namespace
{

using mallctl_function = int (*)(const char *, void *, size_t *, void *, size_t);
using collect_function = void (*)(bool);
using release_function = void (*)();

template <class F> F find(const char *name)
{
    void *symbol = dlsym(RTLD_DEFAULT, name);
    F function;
    memcpy(&function, &symbol, sizeof function);
    return function;
}

/* Asks the malloc in use for its idle memory, in its own words. */
void trim_malloc()
{
    mallctl_function mallctl = find<mallctl_function>("mallctl");
    collect_function collect = find<collect_function>("mi_collect");
    release_function release = find<release_function>("MallocExtension_ReleaseFreeMemory");
    if (mallctl != nullptr) {
        mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
        mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0); /* 4096: all arenas */
    } else if (collect != nullptr) {
        collect(true);
    } else if (release != nullptr) {
        release();
    } else {
        malloc_trim(0);
    }
}

class system_malloc
{
    size_t block;

  public:
    explicit system_malloc(size_t block_size = 0, size_t = 0) : block(block_size)
    {
    }
    system_malloc &here()
    {
        return *this;
    }
    void *alloc()
    {
        return malloc(block);
    }
    void *alloc(size_t size)
    {
        return malloc(size);
    }
    void free(void *p)
    {
        ::free(p);
    }
    void free(void *p, size_t)
    {
        ::free(p);
    }
    void trim()
    {
        trim_malloc();
    }
};

/* Objects from malloc, set up each time. */
template <class Object> class malloced
{
  public:
    Object *get()
    {
        Object *o = static_cast<Object *>(malloc(sizeof(Object)));
        return o != nullptr && o->open() ? o : nullptr;
    }
    void put(Object *o)
    {
        o->close();
        ::free(o);
    }
};

struct std_allocator {
    template <class T> using allocator = std::allocator<T>;
    template <class T> allocator<T> get()
    {
        return {};
    }
    void round()
    {
    }
};

const bool entered = [] {
    bench::enter_hot<system_malloc>("malloc");
    bench::enter_cold<system_malloc>("malloc");
    bench::enter_memory<system_malloc>("malloc");
    bench::enter("refill_2e3", "malloc", bench::refill<system_malloc, 64, 2000>);
    bench::enter("containers", "malloc", bench::containers<std_allocator>);
    bench::enter_mixed<system_malloc>("malloc");
    bench::enter_objects<malloced>("malloc");
    bench::enter_nohelp<system_malloc>("malloc");
    bench::enter("threads", "malloc", bench::threads<system_malloc>);
    bench::enter("latency", "malloc", bench::latency<system_malloc>);
    bench::enter("latency_64", "malloc", bench::latency_64<system_malloc>);
    bench::enter_shared<system_malloc>("malloc");
    return true;
}();

} // namespace
