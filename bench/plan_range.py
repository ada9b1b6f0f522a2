# SPDX-License-Identifier: MIT
"""Cases of cases_range.hpp: parts of a space that nobody touches. `tarn range` rounds to 16 units, as tlsf does."""
from planning import Case, ratios

METRICS = {"metadata": "bytes outside of the space, a live part", "pair": "ns a pair"}
PARTS = "live parts of 8–1024 units, one at random replaced by another, not touched"
CASES = {
    "range_1e5": Case(f"10⁵ {PARTS}", METRICS, epochs=5, samples=5, lead="tarn range"),
    "range_1e3": Case(f"1,000 {PARTS}", METRICS, epochs=5, samples=5, lead="tarn range", group="info"),
    "ids_1e5": Case("10⁵ identifiers, a random half given back and as many taken again", METRICS, epochs=3, samples=3,
                    lead="tarn range, bitmap", group="info"),
}
GOALS = [
    *ratios("range, metadata outside, 10⁵ live at random", "range_1e5", "pair", "tarn range", {"tarn tlsf": 1.2}),
]
