# SPDX-License-Identifier: MIT
"""The shared pool: its pair on one thread, and blocks that one thread allocates and another frees."""
from planning import Case, ratios

BLOCK = {"block": "ns a block, alloc and free, CPU time of both threads"}
# Each sample is some milliseconds; which CPU a thread lands on favours one contender for a process's whole life.
TWO = dict(epochs=7, samples=5, lead="tarn shared pool")

CASES = {
    "handoff_1e3": Case("One thread allocates 1,000 blocks of 64 B, another frees them", BLOCK, **TWO),
    "handoff_2e4": Case("One thread allocates 20,000 blocks of 64 B, another frees them", BLOCK, **TWO),
    "handoff_2e4_written": Case("The same, each block written by the first thread and read by the second", BLOCK, **TWO,
                                group="info"),
    "handoff_2e4_shuffled": Case("The same, freed in random order", BLOCK, **TWO, group="info"),
}

MALLOCS = {"glibc": 0.35, "mimalloc": 0.8, "jemalloc": 0.8, "tcmalloc": 0.8}

GOALS = [
    *ratios("shared pool: pair on one thread, its cache", "pair", "pair", "tarn shared cache",
            {"boost::singleton_pool": 0.4, "pmr synchronized": 0.11, "rte_mempool": 1.0}),
    *ratios("shared pool: 1,000 blocks from thread to thread, each with its cache", "handoff_1e3", "block",
            "tarn shared caches", MALLOCS),
    *ratios("the same with 20,000", "handoff_2e4", "block", "tarn shared caches", MALLOCS),
    *ratios("the same with 20,000, caches found by the pool", "handoff_2e4", "block", "tarn shared pool", MALLOCS),
]
