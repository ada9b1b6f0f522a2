# SPDX-License-Identifier: MIT
"""What the slab must reach; the cases are those of plan_mixed.py."""
from planning import ratios

CASES = {}
GOALS = [
    *ratios("slab as pmr resource, 10⁵ live of 8–1024 B at random", "random_1e5", "pair", "tarn::slab_resource",
            {"pmr unsynchronized": 1 / 5}),
]
