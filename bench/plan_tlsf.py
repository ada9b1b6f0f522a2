# SPDX-License-Identifier: MIT
"""Two-level segregated fit, and how long a single operation takes at most."""
from planning import Case, Goal, ratios

LATENCY = {"timer": "the clock's own cost, ns", "median": "median, ns", "p99": "99 %, ns", "p99.99": "99.99 %, ns",
           "max": "the longest, ns"}
ONCE = dict(epochs=3, samples=1)
CASES = {
    "latency": Case("Single operations: bursts of up to 1,000 allocs or frees, 8–1024 B and one in 64 up to 64 KiB; "
                    "300,000, the least of seven replays of each, above the clock's cost", LATENCY, **ONCE,
                    lead="glibc"),
    "latency_64": Case("The same with blocks of 64 B in memory that was written before", LATENCY, **ONCE,
                       lead="tarn pool, steady"),
}

GOALS = [
    *ratios("tlsf, alloc and free of 64 B", "pair", "pair", "tarn tlsf", {"glibc": 1.9}),
    *ratios("tlsf, 10⁵ live of 8–1024 B at random", "random_1e5", "pair", "tarn tlsf", {"glibc": 1.6}),
    Goal("the same, resident / live", "random_1e5_memory", "overhead", "tarn tlsf", 1.05),
    *ratios("tlsf, single operations: 99.99 %", "latency", "p99.99", "tarn tlsf", {"glibc": 1 / 4}),
    *ratios("tlsf, single operations: the longest", "latency", "max", "tarn tlsf", {"glibc": 1 / 20}),
    Goal("pool in warm memory, single operations: 99.99 %", "latency_64", "p99.99", "tarn pool, steady", 60, unit="ns"),
]
