# SPDX-License-Identifier: MIT
"""Pool, arena, the combinators and the C++ adapters: their cases and goals."""
from planning import ARENA, BYTES, COLD, HOT, MEMORY, PAIR, PHASES, Case, Goal, ratios

CASES = {
    "burst": Case("64 allocations of 64 B, then 64 frees", PAIR, **HOT),
    "burst_registers": Case("The same, where the compiler may keep the pool's state in registers", PAIR, **HOT,
                            group="info"),
    "burst_1e3": Case("1,000 allocations of 64 B, then 1,000 frees", PAIR, **HOT, group="info"),
    "pair": Case("Strict pairs: one block of 64 B, out and back", PAIR, **HOT, lead="tarn::pool_resource"),
    "batch": Case("64 blocks of 64 B in one call, and back in one call", {"object": "ns an object"}, **HOT,
                  lead="tarn handle, batch"),
    "refill_1e6": Case("10⁶ blocks of 64 B: all freed in random order, all allocated again, visited", PHASES, **COLD),
    # Fits the last cache or not, as the neighbours please: more rounds.
    "refill_1e5": Case("The same with 10⁵", PHASES, epochs=25, samples=1),
    "refill_2e3": Case("The same with 2,000, for the pools whose free searches", PHASES, **HOT, group="info"),
    "replace_1e6": Case("10⁶ live blocks of 64 B: a random 30 % freed and allocated again, the new ones visited",
                        {**PHASES, "sum": "alloc + visit, ns an object"}, **COLD),
    "create": Case("A pool of 10⁶ blocks of 64 B is made",
                   {"create": "ns until it is there", "first": "ns until its first block is written",
                    "resident": "bytes resident"}, epochs=3, samples=5, main="create"),
    "arena_1e3": Case("1,000 allocations of 8–120 B, then a reset", ARENA, **HOT, lead="tarn arena"),
    "arena_1e5": Case("10⁵ allocations of 8–120 B, then a reset", ARENA, **HOT, lead="tarn arena"),
    "arena_1e6": Case("10⁶ allocations of 8–120 B, then a reset", ARENA, **HOT, lead="tarn arena"),
    "arena_1e3_written": Case("1,000 allocations of 8–120 B, each written (first word), then a reset", ARENA, **HOT,
                              lead="tarn arena", group="info"),
    "arena_1e6_written": Case("10⁶ allocations of 8–120 B, each written (first word), then a reset", ARENA, epochs=5,
                              samples=3, lead="tarn arena", group="info"),
    **{f"memory_{size}": Case(f"10⁶ live objects of {size} B, every byte written", MEMORY, **BYTES, main="overhead")
       for size in (16, 24, 40, 64, 104)},
    "containers": Case("std::list and std::map, 40 rounds of insert and erase on each",
                       {"list": "list, ms", "map": "map, ms", "sum": "sum, ms"}, **COLD, lead="tarn::allocator"),
    "written_64": Case("Blocks of 64 B, written from end to end", {"block": "ns a block"}, **HOT, group="help"),
    "written_4096": Case("Blocks of 4 KiB, written from end to end", {"block": "ns a block"}, **HOT, group="help"),
    "written_65536": Case("Blocks of 64 KiB, written from end to end", {"block": "ns a block"}, **HOT, group="help"),
    "compute": Case("A record of 64 B for each KiB of input hashed", {"object": "ns an object"}, **HOT, group="help"),
    "life_100": Case("A pool made, 100 blocks used once, the pool gone", {"life": "ns in all"}, **HOT, group="help"),
    "memory_100": Case("100 live objects of 64 B", {"resident": "bytes resident"}, **BYTES, group="help"),
    "mixed_1e5": Case("10⁵ objects of 8–120 B, all in blocks of 120 B", {"overhead": "resident / live"}, **BYTES,
                      group="help"),
    "threads": Case("Bursts of 64 on one shared allocator, wall time",
                    {"one": "one thread, ns a pair", "two": "two threads, ns a pair"}, epochs=5, samples=5,
                    lead="tarn lock(pool)", group="help"),
}

PMR = ("pmr unsynchronized", "pmr synchronized", "pmr monotonic")
BOOST = ("boost::fast_pool_allocator", "boost::fast_pool_allocator (no mutex)")

GOALS = [
    *ratios("pool, burst 64/64, inlined", "burst", "pair", "tarn pool", {"ideal": 1.10, "foonathan node_pool": 0.75}),
    *ratios("pool, burst 64/64, erased handle", "burst", "pair", "tarn handle", {"ideal_call": 1.25}),
    *[Goal(f"the same, instructions called a pair, {compiler}", "instructions", compiler, "tarn handle", 28, unit="n")
      for compiler in ("gcc", "clang")],
    *ratios("10⁶ blocks, freed at random, again, visited", "refill_1e6", "sum", "tarn pool",
            {"mimalloc": 1.0, "boost::pool": 1 / 8, "article": 1 / 8}),
    *ratios("10⁵ blocks, freed at random, again, visited", "refill_1e5", "sum", "tarn pool",
            {"mimalloc": 1.0, "boost::pool": 1 / 4}),
    *ratios("30 % of 10⁶ replaced: alloc", "replace_1e6", "alloc", "tarn pool", {"jemalloc": 1.1, "tcmalloc": 1.1}),
    *ratios("30 % of 10⁶ replaced: visit", "replace_1e6", "visit", "tarn pool", {"jemalloc": 1.05}),
    *ratios("30 % of 10⁶ replaced: sum", "replace_1e6", "sum", "tarn pool", {"jemalloc": 0.9}),
    *ratios("a pool of 10⁶ blocks made: time", "create", "create", "tarn pool", {"article": 1 / 1000}),
    Goal("a pool of 10⁶ blocks made: resident", "create", "resident", "tarn pool", 128 * 1024, unit="B"),
    *ratios("batch of 64", "batch", "object", "tarn handle, batch", {"rte_mempool": 1.0, "tarn handle, single": 0.25}),
    *ratios("arena, 1,000 and reset", "arena_1e3", "alloc", "tarn arena",
            {"bump": 1.15, "foonathan memory_stack": 0.8, "apr_pool": 0.45}),
    *ratios("arena, 10⁵ and reset", "arena_1e5", "alloc", "tarn arena", {"bump": 1.15}),
    *ratios("arena, 10⁶ and reset", "arena_1e6", "alloc", "tarn arena", {"bump": 1.15}),
    *ratios("pool as pmr resource, pair", "pair", "pair", "tarn::pool_resource", {"pmr unsynchronized": 1 / 5}),
    *[Goal(f"10⁶ live of {size} B: beyond 1.01 × live", f"memory_{size}", "excess", "tarn pool", 128 * 1024, unit="B")
      for size in (16, 24, 40, 64, 104)],
    *[Goal(f"10⁶ of {size} B freed, trimmed: resident", f"memory_{size}", "trimmed", "tarn pool", 1 << 20, unit="B")
      for size in (16, 24, 40, 64, 104)],
    *ratios("std::list and std::map, tarn::allocator", "containers", "sum", "tarn::allocator",
            {"glibc": 0.64, **{peer: 1.0 for peer in PMR + BOOST}}),
    *ratios("the same, tarn::pool_allocator", "containers", "sum", "tarn::pool_allocator",
            {"glibc": 0.64, "pmr monotonic": 1.0}),
]
