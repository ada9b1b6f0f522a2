/* SPDX-License-Identifier: MIT */
/*
 * pools.hpp - a pool for every small size that turns up, and the C++ allocator typed on it.
 *
 *     tarn::pools pools;
 *     std::list<int, tarn::pool_allocator<int>> list(pools);        nobody asks how big a node is
 *     std::map<int, int, std::less<int>, tarn::pool_allocator<std::pair<const int, int>>> map(pools);
 *
 *     bytes   1…8   9…16   17…24           505…512        more, or aligned to more than 64
 *           ┌──────┬──────┬──────┬─ ─ ─ ─┬─────────┐       │
 *     table │  ·   │      │  ·   │        │         │       ▼
 *           └──┼───┴──────┴──┼───┴─ ─ ─ ─┴─────────┘     parent
 *              ▼             ▼
 *          tarn_pool     tarn_pool      each set up when its size is first asked for
 *
 * I1  A block of at most `limit` bytes comes from the pool of its size rounded up to 8, and returns to it.
 * I2  A size is a multiple of its type's alignment, so blocks of 8 * k bytes aligned to the largest power of two in
 *     8 * k suit every type of that size, and no byte is spent on alignment.
 * I3  An entry of the table, once set, stays set until release or the end.
 *
 * The size of a node is a constant, and with it the entry: a node costs one load more than its pool alone.
 */
#ifndef TARN_CXX_POOLS_HPP
#define TARN_CXX_POOLS_HPP

#include <cstring>

#include <tarn/cxx/base.hpp>
#include <tarn/pool.h>
#include <tarn/source.h>

namespace tarn
{

/**
 * pools - blocks of any size: small ones from a pool each, others from the parent.
 *
 * It stays where it is (no copy, no move): containers point to it, and must be gone before it is. Used from C, or as
 * the parent of other allocators, through handle().
 *
 * Threads  one at a time; construct one for each thread, or lock around it.
 */
class pools
{
  public:
    /* Sizes in bytes. */
    enum : std::size_t { step = 8, limit = 512, most_align = 64 };

    /** Zero means: the default. */
    struct options {
        tarn_allocator
            *parent; /* blocks beyond limit, and chunks without a source; default: tarn_libc() */
        tarn_source
            *source; /* where the pools' chunks come from; default: the parent                 */
        std::size_t
            chunk_size; /* bytes; default: the pool's own                                         */
        const char
            *name; /* must outlive it; default: "pools"                                      */
    };

    /** Takes nothing from parent or source before it is used. */
    pools() noexcept : pools(options())
    {
    }
    explicit pools(tarn_allocator *parent) noexcept : pools(options{parent, nullptr, 0, nullptr})
    {
    }
    explicit pools(tarn_source *source) noexcept : pools(options{nullptr, source, 0, nullptr})
    {
    }
    explicit pools(const options &wanted) noexcept
        : base_(), options_(wanted), large_blocks_(0), large_bytes_(0), table_(), why_()
    {
        if (options_.parent == nullptr)
            options_.parent = tarn_libc();
        base_.ops = table(tarn_can(options_.parent, TARN_CAP_OWNS));
        if (options_.name == nullptr)
            options_.name = "pools";
    }
    pools(const pools &) = delete;
    pools &operator=(const pools &) = delete;

    /** Every chunk back. Blocks that came from the parent are its own affair. */
    ~pools()
    {
        release();
    }

    /**
     * alloc - a block of any size and alignment.
     *
     * Units    size in bytes, align in bytes, a power of two.
     * Returns  a block; contents undefined.
     * Fails    NULL when the parent or the source has no more; nothing has changed.
     * Threads  one at a time.
     * Cost     that of tarn_pool_alloc and one load, when size and align are constants; the first block of a size sets
     *          its pool up.
     */
    TARN_MUST_USE TARN_FAST void *alloc(std::size_t size, std::size_t align) noexcept
    {
        std::size_t need = rounded(size, align);
        if (TARN_UNLIKELY(need > limit || align > most_align))
            return large(size, align);
        tarn_pool *pool = table_[entry(need)];
        if (TARN_UNLIKELY(pool == nullptr))
            return first(entry(need));
        return tarn_pool_alloc(pool);
    }

    /**
     * free - a block back, with the size and alignment it was allocated with. NULL is ignored.
     *
     * Units    size in bytes, align in bytes.
     * Fails    never; faults as tarn_pool_free.
     * Threads  one at a time.
     * Cost     that of tarn_pool_free and one load, when size and align are constants.
     */
    TARN_FAST void free(void *block, std::size_t size, std::size_t align) noexcept
    {
        std::size_t need = rounded(size, align);
        if (TARN_UNLIKELY(need > limit || align > most_align))
            free_large(block, size, align);
        else if (TARN_LIKELY(block != nullptr))
            tarn_pool_free(table_[entry(need)], block);
    }

    /** alloc where size and align are not constants, for the common case alone: NULL sends the caller to alloc. */
    TARN_MUST_USE TARN_FAST void *at_hand(std::size_t size, std::size_t align) noexcept
    {
        if (TARN_UNLIKELY(size > limit || align > step))
            return nullptr;
        tarn_pool *pool = table_[entry(size)];
        return TARN_LIKELY(pool != nullptr && pool->top != pool->empty) ? tarn_pool_alloc(pool)
                                                                        : nullptr;
    }

    /** free where size and align are not constants. */
    TARN_FAST void free_any(void *block, std::size_t size, std::size_t align) noexcept
    {
        if (TARN_LIKELY(size <= limit && align <= step && block != nullptr))
            tarn_pool_free(table_[entry(size)], block);
        else
            free_rare(block, size, align);
    }

    /** Every chunk back, live blocks included; what came from the parent stays. O(chunks). */
    void release() noexcept
    {
        for (tarn_pool *&pool : table_) {
            if (pool == nullptr)
                continue;
            tarn_pool_deinit(pool);
            tarn_free(options_.parent, pool, sizeof *pool, TARN_SPEC_OF(tarn_pool));
            pool = nullptr;
        }
    }

    /** Idle chunks back to where they came from. Returns bytes. O(chunks). */
    std::size_t trim() noexcept
    {
        std::size_t bytes = 0;
        for (tarn_pool *pool : table_)
            bytes += pool != nullptr ? tarn_trim(tarn_pool_allocator(pool)) : 0;
        return bytes;
    }

    /** The same as any allocator, for tarn::allocator, for C, for tarn_get_stats and its kin. */
    tarn_allocator *handle() noexcept
    {
        return &base_;
    }

    /** Where blocks beyond the limit come from. */
    tarn_allocator *parent() const noexcept
    {
        return options_.parent;
    }

  private:
    enum : std::size_t { entries = limit / step + 1 };

    TARN_SLOW void free_rare(void *block, std::size_t size, std::size_t align) noexcept
    {
        free(block, size, align);
    }

    static constexpr std::size_t rounded(std::size_t size, std::size_t align) noexcept
    {
        /* Beyond the limit nothing is rounded, so nothing overflows. */
        return align <= step || size > limit ? size
               : size <= align               ? align
                                             : (size + align - 1) & ~(align - 1);
    }
    static constexpr std::size_t entry(std::size_t need) noexcept
    {
        return (need + step - 1) / step;
    }
    /* The entry for 1 to limit bytes, without a branch: a size is rounded up to its alignment, and limit is a multiple
     * of every alignment. */
    static constexpr std::size_t entry_any(std::size_t size, std::size_t align) noexcept
    {
        return entry((size + align - 1) & ~(align - 1));
    }
    static_assert(limit % most_align == 0, "see entry_any");
    /* The bytes of a block of entry k: 8 * k; what asks for none gets 8. */
    static constexpr std::size_t bytes_of(std::size_t k) noexcept
    {
        return k == 0 ? +step : k * step;
    }
    static constexpr std::size_t align_of(std::size_t bytes) noexcept
    {
        return (bytes & (~bytes + 1)) < most_align ? bytes & (~bytes + 1) : +most_align;
    }

    /* What no pool serves. Not cold: a vector that grows gets here. */
    __attribute__((noinline)) void *large(std::size_t size, std::size_t align) noexcept
    {
        void *block = tarn_alloc(options_.parent, size, tarn_spec_for(align));
        if (block != nullptr) {
            large_blocks_++;
            large_bytes_ += size;
        }
        return block;
    }
    __attribute__((noinline)) void free_large(void *block, std::size_t size,
                                              std::size_t align) noexcept
    {
        if (block == nullptr)
            return;
        large_blocks_--;
        large_bytes_ -= size;
        tarn_free(options_.parent, block, size, tarn_spec_for(align));
    }

    /* The pool of entry k is set up, and gives its first block. */
    TARN_SLOW void *first(std::size_t k) noexcept
    {
        void *room = tarn_alloc(options_.parent, sizeof(tarn_pool), TARN_SPEC_OF(tarn_pool));
        if (room == nullptr) {
            why_ = tarn_get_why(options_.parent);
            return nullptr;
        }
        tarn_pool *pool = static_cast<tarn_pool *>(room);
        tarn_pool_options wanted = tarn_pool_options();
        wanted.block_size = bytes_of(k);
        wanted.align = align_of(bytes_of(k));
        wanted.chunk_size = options_.chunk_size;
        wanted.source = options_.source;
        wanted.parent = options_.source == nullptr ? options_.parent : nullptr;
        wanted.name = options_.name;
        tarn_status status = tarn_pool_init(pool, &wanted);
        if (status != TARN_OK) {
            why_ = tarn_why{status, wanted.block_size, wanted.align, 0};
        } else {
            void *block = tarn_pool_alloc(pool);
            if (block != nullptr) {
                table_[k] = pool;
                return block;
            }
            why_ = tarn_get_why(tarn_pool_allocator(pool));
            tarn_pool_deinit(pool);
        }
        tarn_free(options_.parent, pool, sizeof *pool, TARN_SPEC_OF(tarn_pool));
        return nullptr;
    }

    /* Why such a request was refused; by a pool that could not be set up: first() has noted it. */
    void note_refusal(std::size_t size, std::size_t align) noexcept
    {
        std::size_t need = rounded(size, align);
        if (need > limit || align > most_align)
            why_ = tarn_get_why(options_.parent);
        else if (table_[entry(need)] != nullptr)
            why_ = tarn_get_why(tarn_pool_allocator(table_[entry(need)]));
    }

    static pools *self(tarn_allocator *a) noexcept
    {
        return reinterpret_cast<pools *>(a);
    }
    static const pools *self(const tarn_allocator *a) noexcept
    {
        return reinterpret_cast<const pools *>(a);
    }
    static const tarn_ops *table(bool owns) noexcept;

    tarn_allocator base_; /* first: a handle points here and to the whole */
    options options_;
    std::size_t large_blocks_, large_bytes_; /* live, from the parent; bytes as asked for */
    tarn_pool *table_[entries];
    tarn_why why_; /* of the last refusal through the handle, or of a pool's set-up */
    friend struct pools_ops;
};

/* The operations of pools behind a handle. */
struct pools_ops {
    /* A block that its pool has at hand, asked for without flags: no frame, no second call. */
    static void *alloc(tarn_allocator *a, std::size_t size, tarn_spec spec) noexcept
    {
        if (TARN_LIKELY(size - 1 < pools::limit &&
                        (spec & 0xffffu) <= TARN_SPEC(pools::most_align))) {
            tarn_pool *pool = pools::self(a)->table_[pools::entry_any(size, tarn_spec_align(spec))];
            if (TARN_LIKELY(pool != nullptr && pool->top != pool->empty))
                return tarn_pool_alloc(pool);
        }
        return alloc_slow(a, size, spec);
    }
    TARN_SLOW static void *alloc_slow(tarn_allocator *a, std::size_t size, tarn_spec spec) noexcept
    {
        pools *p = pools::self(a);
        if (TARN_UNLIKELY((spec & TARN_ALIGN_BITS) >= sizeof(std::size_t) * 8)) {
            p->why_ = tarn_why{TARN_BAD_ALIGN, size, 0, 0};
            return nullptr;
        }
        void *block = p->alloc(size, tarn_spec_align(spec));
        if (TARN_UNLIKELY(block == nullptr))
            p->note_refusal(size, tarn_spec_align(spec));
        else if (TARN_UNLIKELY((spec & TARN_ZERO) != 0))
            std::memset(block, 0, size);
        return block;
    }
    static void free(tarn_allocator *a, void *block, std::size_t size, tarn_spec spec) noexcept
    {
        pools *p = pools::self(a);
        std::size_t align = tarn_spec_align(spec);
        if (TARN_LIKELY(size - 1 < pools::limit && align <= pools::most_align))
            tarn_pool_free(p->table_[pools::entry_any(size, align)], block);
        else
            p->free_rare(block, size, align);
    }
    static tarn_block alloc_at_least(tarn_allocator *a, std::size_t size, tarn_spec spec) noexcept
    {
        tarn_block b = {alloc(a, size, spec), size};
        if (b.ptr == nullptr)
            b.size = 0;
        else
            b.size = usable(a, b.ptr, size, spec);
        if ((spec & TARN_ZERO) != 0 && b.size > size)
            std::memset(static_cast<char *>(b.ptr) + size, 0, b.size - size);
        return b;
    }
    static const char *name(const tarn_allocator *a) noexcept
    {
        return pools::self(a)->options_.name;
    }
    static tarn_answer owns(const tarn_allocator *a, const void *block) noexcept
    {
        const pools *p = pools::self(a);
        for (tarn_pool *pool : p->table_)
            if (pool != nullptr && tarn_owns(tarn_pool_allocator(pool), block) == TARN_YES)
                return TARN_YES;
        return tarn_owns(p->options_.parent, block);
    }
    static std::size_t usable(const tarn_allocator *, const void *, std::size_t size,
                              tarn_spec spec) noexcept
    {
        std::size_t align = tarn_spec_align(spec);
        std::size_t need = pools::rounded(size, align);
        if (need > pools::limit || align > pools::most_align)
            return size;
        return pools::entry(need) * pools::step; /* 0 for 0: such a block is freed with size 0 */
    }
    static std::size_t trim(tarn_allocator *a) noexcept
    {
        return pools::self(a)->trim();
    }
    static tarn_status stats(const tarn_allocator *a, tarn_stats *out) noexcept
    {
        const pools *p = pools::self(a);
        *out = tarn_stats();
        out->known = TARN_STATS_LIVE | TARN_STATS_HELD | TARN_STATS_CHUNKS;
        out->live_blocks = p->large_blocks_;
        out->live_bytes = out->held_bytes = p->large_bytes_;
        for (tarn_pool *pool : p->table_) {
            tarn_stats one;
            if (pool == nullptr || tarn_get_stats(tarn_pool_allocator(pool), &one) != TARN_OK)
                continue;
            out->known &= one.known;
            out->live_blocks += one.live_blocks;
            out->live_bytes += one.live_bytes;
            out->held_bytes += one.held_bytes;
            out->idle_bytes += one.idle_bytes;
            out->chunks += one.chunks;
        }
        return TARN_OK;
    }
    static tarn_status check(const tarn_allocator *a) noexcept
    {
        for (tarn_pool *pool : pools::self(a)->table_)
            if (pool != nullptr && tarn_check(tarn_pool_allocator(pool)) == TARN_CORRUPT)
                return TARN_CORRUPT;
        return TARN_OK;
    }
    static tarn_why why(const tarn_allocator *a) noexcept
    {
        return pools::self(a)->why_;
    }
    static tarn_allocator *parent(const tarn_allocator *a, unsigned index) noexcept
    {
        return index == 0 ? pools::self(a)->options_.parent : nullptr;
    }
    static void deinit(tarn_allocator *a) noexcept
    {
        pools::self(a)->release();
    }
};

/* Whether it can tell what it owns depends on the parent: two tables, since that is a constant of a table. */
template <bool Owns> struct pools_table {
    static const tarn_ops *get() noexcept
    {
        static const tarn_rare_ops rare = {sizeof(tarn_rare_ops),
                                           pools_ops::name,
                                           Owns ? pools_ops::owns : nullptr,
                                           pools_ops::usable,
                                           nullptr,
                                           nullptr,
                                           nullptr,
                                           pools_ops::trim,
                                           pools_ops::stats,
                                           nullptr,
                                           pools_ops::check,
                                           pools_ops::why,
                                           pools_ops::parent,
                                           pools_ops::deinit,
                                           nullptr};
        static const tarn_ops ops = {TARN_ABI,
                                     TARN_CAP_FREE | TARN_CAP_TRIM | TARN_CAP_CHECK |
                                         TARN_CAP_STATS | (Owns ? +TARN_CAP_OWNS : 0u),
                                     pools_ops::alloc,
                                     pools_ops::free,
                                     nullptr,
                                     pools_ops::alloc_at_least,
                                     nullptr,
                                     nullptr,
                                     &rare};
        return &ops;
    }
};

inline const tarn_ops *pools::table(bool owns) noexcept
{
    return owns ? pools_table<true>::get() : pools_table<false>::get();
}

/** in_pools - the place of a tarn::pools, which must outlive the containers. */
struct in_pools {
    in_pools(pools &p) noexcept : to(&p)
    {
    }
    template <std::size_t Size, std::size_t Align>
    TARN_FAST void *take(std::size_t n) const noexcept
    {
        return to->alloc(n * Size, Align);
    }
    template <std::size_t Size, std::size_t Align>
    TARN_FAST void give(void *block, std::size_t n) const noexcept
    {
        to->free(block, n * Size, Align);
    }
    friend bool operator==(const in_pools &a, const in_pools &b) noexcept
    {
        return a.to == b.to;
    }

    void *take_bytes(std::size_t size, std::size_t align) const noexcept
    {
        return to->alloc(size, align);
    }
    TARN_FAST void give_bytes(void *block, std::size_t size, std::size_t align) const noexcept
    {
        to->free_any(block, size, align);
    }

    pools *to;
};
template <> struct place_for<pools> {
    using type = in_pools;
};

/** pool_allocator - a C++ allocator over tarn::pools, inlined; as big as a pointer. */
template <class T> using pool_allocator = basic_allocator<T, in_pools>;

#if defined(__cpp_deduction_guides)
basic_allocator(pools &)->basic_allocator<std::byte, in_pools>;
#endif

} // namespace tarn

#endif
