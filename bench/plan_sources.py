# SPDX-License-Identifier: MIT
"""Sources: what spans save a pool that grows and is trimmed, huge pages, populated pages."""
from planning import Case, ratios

CASES = {
    # The mallocs keep idle memory by their own rules, as spans do: nobody trims them.
    "swing": Case("10⁵ blocks of 64 B are allocated and written, freed, the pool trimmed, again and again",
                  {"block": "ns a block"}, epochs=3, samples=5, lead="tarn pool over spans"),
    "far_reads": Case("Reads at random over 256 MiB, each depending on the last", {"read": "ns a read"}, epochs=3,
                      samples=5, lead="tarn pages, huge", group="info"),
    "first_touch": Case("32 MiB are mapped and each page written",
                        {"map": "map, ns a page", "touch": "touch, ns a page", "sum": "sum, ns a page"}, epochs=3,
                        samples=5, lead="tarn pages, populated", group="info"),
}

# Our own: what keeping chunks must save at least, for the layer to be worth its place.
GOALS = [
    *ratios("pool filled, emptied, trimmed, again: over spans", "swing", "block", "tarn pool over spans",
            {"tarn pool over pages": 1 / 3, "mimalloc": 1.0, "jemalloc": 1.0}),
]
