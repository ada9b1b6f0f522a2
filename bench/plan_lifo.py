# SPDX-License-Identifier: MIT
"""Stack, ring, frames and scratches: blocks that go in an order, or together."""
from planning import HOT, PAIR, Case, ratios

CASES = {
    "stack_pair": Case("A stack: one block of 64 B, out and back", PAIR, **HOT, lead="tarn stack"),
    "stack_64": Case("A stack: 64 blocks of 64 B, then back in reverse order", PAIR, **HOT, lead="tarn stack"),
    "ring_pair": Case("A ring: one block of 64 B, out and back", PAIR, **HOT, lead="tarn ring"),
    "ring_64": Case("A ring: 64 blocks of 64 B, then back, the oldest first", PAIR, **HOT, lead="tarn ring"),
    "steps": Case("A step: ten allocations of 12–120 B, all gone at its end", {"step": "ns a step"}, **HOT,
                  lead="tarn frames"),
}

GOALS = [
    *ratios("stack, pair, inlined", "stack_pair", "pair", "tarn stack", {"bump, and back": 1.3}),
    *ratios("stack, 64 out and back", "stack_64", "pair", "tarn stack", {"bump, and back": 1.3}),
    *ratios("stack, pair, high end", "stack_pair", "pair", "tarn stack, high end", {"bump, down and back": 1.3}),
    *ratios("stack, 64 out and back, high end", "stack_64", "pair", "tarn stack, high end",
            {"bump, down and back": 1.3}),
    *ratios("ring, pair, inlined", "ring_pair", "pair", "tarn ring", {"bump, and back": 1.3}),
    # Of blocks that go oldest first a pointer that goes back would give live ones away: the limit goes round.
    *ratios("ring, 64 out and back", "ring_64", "pair", "tarn ring", {"bump, round": 1.3}),
]
