# SPDX-License-Identifier: MIT
"""Cases of cases_objects.hpp: when an object cache pays, and when it does not."""
from planning import Case

WAYS = {"object": "ns an object"}
BRIEF = dict(epochs=5, samples=5, lead="tarn object cache", group="info")
CASES = {
    "objects_dear": Case("Objects with a lock and two buffers of their own: taken, used once, given back", WAYS, **BRIEF),
    "objects_cheap": Case("Objects of 64 B that are zeroed: taken, used once, given back", WAYS, **BRIEF),
}
GOALS = []
