# SPDX-License-Identifier: MIT
"""What a case and a goal of the benchmarks are. The plan_*.py import this; plan.py puts them together."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    title: str
    metrics: dict           # metric -> what it says, with its unit
    epochs: int             # how often every contender gets a new process
    samples: int            # samples each process gives, in turns with the others
    lead: str = "tarn pool"  # ratios are to this contender
    main: str = ""          # the metric the ratios are of (default: the last one)
    group: str = "goals"    # or "help": where a pool may not help; "info": shown, no goal

    @property
    def key(self):
        return self.main or list(self.metrics)[-1]


# Short loops in the cache: many samples of a millisecond; several processes, since the address of a page or a stack
# can favour one contender for the whole life of its process.
HOT = dict(epochs=5, samples=9)
# A million objects: each sample in a process of its own, so that nobody inherits another's heap.
COLD = dict(epochs=9, samples=1)
# Byte counts hardly vary.
BYTES = dict(epochs=3, samples=1)

PHASES = {"free": "free, ns", "alloc": "alloc, ns", "visit": "visit, ns", "sum": "sum, ns an object"}
MEMORY = {"overhead": "resident / live", "excess": "resident − 1.01 × live, bytes",
          "trimmed": "resident after freeing all and trim, bytes"}
ARENA = {"alloc": "ns an allocation, reset included"}
PAIR = {"pair": "ns a pair"}

@dataclass(frozen=True)
class Goal:
    row: str
    case: str
    metric: str
    subject: str
    limit: float
    peer: str = ""          # the ratio to this contender; none: the figure itself
    unit: str = "×"


def ratios(row, case, metric, subject, limits):
    return [Goal(row, case, metric, subject, limit, peer) for peer, limit in limits.items()]
