# SPDX-License-Identifier: MIT
"""Buddy on the mixed load of cases_mixed.hpp, and slots."""
from planning import HOT, Case, Goal

CASES = {
    "slots_triple": Case("Slots: 64 objects of 64 B allocated, resolved, freed; the pool has nothing to resolve",
                         {"object": "ns an object"}, **HOT),
    "slots_resolve_1e6": Case("10⁶ objects of 64 B resolved in random order and read", {"object": "ns an object"},
                              epochs=5, samples=3, group="info"),
}
GOALS = [
    Goal("buddy, 10⁵ live of 8–1024 B at random", "random_1e5", "pair", "tarn buddy", 1.2, "tarn tlsf"),
    Goal("slots: alloc, resolve and free, against the inlined pool pair", "slots_triple", "object", "tarn slots", 2.5,
         "tarn pool"),
]
