# SPDX-License-Identifier: MIT
"""Blocks in memory that processes share: shown, no goal is set."""
from planning import HOT, PAIR, Case

CASES = {
    "shared_pair": Case("Memory that processes share: one block of 64 B, out and back", PAIR, **HOT,
                        lead="tarn segment pool", group="info"),
    "shared_1e3": Case("The same, 1,000 out, then 1,000 back", PAIR, **HOT, lead="tarn segment pool", group="info"),
}
GOALS = []
