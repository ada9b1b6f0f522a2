/* SPDX-License-Identifier: MIT */
/*
 * tarn.hpp - Tarn for C++11 and later: header-only over libtarn.
 *
 *     what                                      is                                    a block costs
 *     tarn::allocator<T>(handle)                any tarn_allocator, erased            one indirect call
 *     tarn::pool_allocator<T>(pools)            a pool for each small size            inlined
 *     tarn::arena_allocator<T>(arena)           a pointer that moves; freed at once  inlined
 *     tarn::static_allocator<T, Tag>            the same or any other, stateless      as what it names
 *     tarn::memory_resource(handle)             std::pmr over any tarn_allocator      one virtual, one indirect call
 *     tarn::pool_resource                       std::pmr over pools of its own        one virtual call
 *     tarn::slab_resource                       std::pmr over a slab of its own         one virtual call
 *     tarn::resource_allocator(resource)        a tarn_allocator over std::pmr        one indirect, one virtual call
 *     tarn::offset_ptr, segment_allocator<T>    containers in shared memory           one atomic instruction
 *     tarn::make, destroy, allocate_unique      single objects
 *     tarn::pool, slab, arena, scope, pages          owners of what C sets up and tears down
 *
 * For: containers and objects of C++ in memory that Tarn manages. docs/cxx.md tells which to take when.
 */
#ifndef TARN_HPP
#define TARN_HPP

#include <tarn/cxx/allocator.hpp>
#include <tarn/cxx/arena.hpp>
#include <tarn/cxx/base.hpp>
#include <tarn/cxx/offset.hpp>
#include <tarn/cxx/owners.hpp>
#include <tarn/cxx/pmr.hpp>
#include <tarn/cxx/pools.hpp>
#include <tarn/cxx/slab.hpp>
#include <tarn/cxx/static.hpp>

#endif
