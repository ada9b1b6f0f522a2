/* SPDX-License-Identifier: MIT */
/* The limit lines, written by hand: what the hardware allows, and what the usual pool of an article
 * does.
 *
 *     ideal        intrusive list, last in first out, blocks carved lazily, all of it inlined
 *     ideal_call   the same behind a table of functions: what an erased handle can reach at best
 *     article      one list threaded through all blocks when the pool is made, last in first out
 *     bump         a pointer that moves up
 *     nothing      hands out the same blocks and does not free: the cost of the measuring loop
 * itself
 *
 * None of them can grow, check, trim or tell who owns a block. */
#include "cases_arena.hpp"
#include "cases_blocks.hpp"

#include <sys/mman.h>

namespace
{

struct link {
    link *next;
};

char *map(size_t size)
{
    void *p = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bench::must(p != MAP_FAILED, "mmap refused");
    return static_cast<char *>(p);
}

class ideal
{
    link *list = nullptr;
    char *fresh;
    char *end;
    size_t block;
    char *memory;

  public:
    ideal(size_t block_size, size_t capacity)
        : block(block_size), memory(map(block_size * capacity))
    {
        fresh = memory;
        end = memory + block_size * capacity;
    }
    ~ideal()
    {
        munmap(memory, static_cast<size_t>(end - memory));
    }
    ideal(const ideal &) = delete;
    ideal &operator=(const ideal &) = delete;
    void *alloc()
    {
        link *b = list;
        if (b != nullptr) {
            list = b->next;
            return b;
        }
        if (fresh == end) {
            return nullptr;
        }
        void *p = fresh;
        fresh += block;
        return p;
    }
    void free(void *p)
    {
        link *b = static_cast<link *>(p);
        b->next = list;
        list = b;
    }
    void trim()
    {
    }
};

/* The shape of a call through a handle: a table of functions, a size and a spec word with every
 * call. */
struct table {
    void *(*alloc)(ideal *, size_t size, uint32_t spec);
    void (*free)(ideal *, void *block, size_t size, uint32_t spec);
};

void *call_alloc(ideal *pool, size_t size, uint32_t spec)
{
    (void)size, (void)spec;
    return pool->alloc();
}

void call_free(ideal *pool, void *block, size_t size, uint32_t spec)
{
    (void)size, (void)spec;
    pool->free(block);
}

const table call_table = {call_alloc, call_free};

class ideal_call
{
    const table *ops = bench::hide(&call_table);
    size_t block;
    ideal pool;

  public:
    ideal_call(size_t block_size, size_t capacity) : block(block_size), pool(block_size, capacity)
    {
    }
    void *alloc()
    {
        return ops->alloc(&pool, block, 4);
    }
    void free(void *p)
    {
        ops->free(&pool, p, block, 4);
    }
    void trim()
    {
    }
};

class article
{
    char *memory;
    link *list = nullptr;

  public:
    article(size_t block, size_t capacity) : memory(static_cast<char *>(malloc(block * capacity)))
    {
        for (size_t i = capacity; i-- > 0;) {
            free(memory + i * block);
        }
    }
    ~article()
    {
        ::free(memory);
    }
    article(const article &) = delete;
    article &operator=(const article &) = delete;
    void *alloc()
    {
        link *b = list;
        if (b == nullptr) {
            return nullptr;
        }
        list = b->next;
        return b;
    }
    void free(void *p)
    {
        link *b = static_cast<link *>(p);
        b->next = list;
        list = b;
    }
    void trim()
    {
    }
};

class nothing
{
    char block[64];

  public:
    nothing(size_t, size_t)
    {
    }
    void *alloc()
    {
        return block;
    }
    void free(void *)
    {
    }
};

class bump
{
    char *memory;
    char *at;
    char *end;

  public:
    explicit bump(size_t capacity) : memory(map(capacity)), at(memory), end(memory + capacity)
    {
    }
    ~bump()
    {
        munmap(memory, static_cast<size_t>(end - memory));
    }
    bump(const bump &) = delete;
    bump &operator=(const bump &) = delete;
    void *alloc(size_t size)
    {
        size = (size + 7) & ~size_t{7};
        if (static_cast<size_t>(end - at) < size) {
            return nullptr;
        }
        void *p = at;
        at += size;
        return p;
    }
    void reset()
    {
        at = memory;
    }
};

const bool entered = [] {
    bench::enter_hot<ideal>("ideal");
    bench::enter_hot<ideal_call>("ideal_call");
    bench::enter_hot<article>("article");
    bench::enter_hot<nothing>("nothing");
    bench::enter_cold<ideal>("ideal");
    bench::enter_cold<article>("article");
    bench::enter_memory<article>("article");
    bench::enter("create", "article", bench::create<article, 64, 1000000>);
    bench::enter("create", "ideal", bench::create<ideal, 64, 1000000>);
    bench::enter_arena<bump>("bump");
    return true;
}();

} // namespace
