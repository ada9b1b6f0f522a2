/* SPDX-License-Identifier: MIT */
/*
 * arena.hpp - the C++ allocator typed on an arena: a block is a pointer that moves, inlined.
 *
 *     tarn::arena arena;
 *     std::vector<int, tarn::arena_allocator<int>> v(arena);
 *
 * Freeing gives back the last block alone. A vector that grows by itself leaves its old arrays behind, up to as much
 * again as it uses: reserve first, or put up with it until the reset.
 */
#ifndef TARN_CXX_ARENA_HPP
#define TARN_CXX_ARENA_HPP

#include <tarn/arena.h>
#include <tarn/cxx/base.hpp>
#include <tarn/cxx/owners.hpp>

namespace tarn
{

/** in_arena - the place of an arena. Containers must be gone before it is reset, rewound past them, or gone itself. */
struct in_arena {
    in_arena(tarn_arena &a) noexcept : to(&a)
    {
    }
    in_arena(arena &a) noexcept : to(a.get())
    {
    }
    template <std::size_t Size, std::size_t Align>
    TARN_FAST void *take(std::size_t n) const noexcept
    {
        return tarn_arena_alloc(to, n * Size, TARN_SPEC(Align));
    }
    template <std::size_t Size, std::size_t Align>
    TARN_FAST void give(void *block, std::size_t n) const noexcept
    {
        tarn_arena_free(to, block, n * Size);
    }
    void *take_bytes(std::size_t size, std::size_t align) const noexcept
    {
        return tarn_arena_alloc(to, size, tarn_spec_for(align));
    }
    void give_bytes(void *block, std::size_t size, std::size_t) const noexcept
    {
        tarn_arena_free(to, block, size);
    }
    friend bool operator==(const in_arena &a, const in_arena &b) noexcept
    {
        return a.to == b.to;
    }

    tarn_arena *to;
};
template <> struct place_for<arena> {
    using type = in_arena;
};
template <> struct place_for<tarn_arena> {
    using type = in_arena;
};

/** arena_allocator - a C++ allocator over an arena, inlined; as big as a pointer. */
template <class T> using arena_allocator = basic_allocator<T, in_arena>;

#if defined(__cpp_deduction_guides)
basic_allocator(arena &)->basic_allocator<std::byte, in_arena>;
basic_allocator(tarn_arena &)->basic_allocator<std::byte, in_arena>;
#endif

} // namespace tarn

#endif
