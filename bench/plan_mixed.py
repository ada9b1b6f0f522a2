# SPDX-License-Identifier: MIT
"""Cases of cases_mixed.hpp: blocks of many sizes that come and go at random."""
from planning import BYTES, PAIR, Case

MIXED = "10⁵ live blocks of 8–1024 B, one at random replaced by another"
CASES = {
    "random_1e5": Case(MIXED, PAIR, epochs=5, samples=5, lead="tarn slab"),
    "random_1e5_written": Case(f"{MIXED}, whose first byte is written", PAIR, epochs=5, samples=5, lead="tarn slab",
                               group="info"),
    "random_1e5_memory": Case(f"{MIXED}, a million times, every live byte written", {"overhead": "resident / live"},
                              **BYTES, lead="tarn slab"),
}
GOALS = []
