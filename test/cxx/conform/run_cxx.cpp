/* SPDX-License-Identifier: MIT */
/* run_cxx.cpp - the conformance suite on the allocators that C++ adds: pools, and a memory resource seen as one. */
#include <cstdio>
#include <new>

#include <tarn/tarn.hpp>
#include <tarn_conform.h>

namespace
{

/* Room for one T, constructed by make and ended by unmake. */
template <class T> T *at()
{
    alignas(T) static unsigned char room[sizeof(T)];
    return reinterpret_cast<T *>(room);
}

tarn_allocator *make_pools(tarn_allocator *parent, void *)
{
    return (::new (static_cast<void *>(at<tarn::pools>())) tarn::pools(parent))->handle();
}
void unmake_pools(tarn_allocator *, void *)
{
    at<tarn::pools>()->~pools();
}

#if TARN_CXX_PMR
/* The parent as a resource, and the resource as an allocator again. */
struct round_trip {
    explicit round_trip(tarn_allocator *parent) : resource(parent), back(&resource)
    {
    }
    tarn::memory_resource resource;
    tarn::resource_allocator back;
};
tarn_allocator *make_round_trip(tarn_allocator *parent, void *)
{
    return (::new (static_cast<void *>(at<round_trip>())) round_trip(parent))->back.handle();
}
void unmake_round_trip(tarn_allocator *, void *)
{
    at<round_trip>()->~round_trip();
}
#endif

int run(const char *name, tarn_allocator *(*make)(tarn_allocator *, void *),
        void (*unmake)(tarn_allocator *, void *))
{
    tarn_conform_options o = tarn_conform_options();
    o.name = name;
    o.make = make;
    o.unmake = unmake;
    o.max_size = 20000;
    o.max_align = 4096;
    int faults = tarn_conform(&o);
    std::printf("%-44s %s\n", name, faults == 0 ? "conforms" : "does not conform");
    return faults;
}

} // namespace

/* Large requests are refused by Tarn; AddressSanitizer is to refuse as malloc does, and not to die. */
extern "C" const char *__asan_default_options();
extern "C" const char *__asan_default_options()
{
    return "allocator_may_return_null=1";
}

int main()
{
    int faults = run("tarn::pools", make_pools, unmake_pools);
#if TARN_CXX_PMR
    faults += run("tarn::resource_allocator", make_round_trip, unmake_round_trip);
#endif
    return faults != 0;
}
