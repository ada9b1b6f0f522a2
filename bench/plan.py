# SPDX-License-Identifier: MIT
"""What is measured, how often, and what must be reached: the cases and goals of every plan_*.py beside this file."""
import glob
import importlib
import os

from planning import Case, Goal  # noqa: F401

HERE = os.path.dirname(os.path.abspath(__file__))
CASES, GOALS = {}, []
for path in sorted(glob.glob(os.path.join(HERE, "plan_*.py"))):
    part = importlib.import_module(os.path.basename(path)[:-3])
    assert not set(part.CASES) & set(CASES), f"{path}: a case is there twice"
    CASES.update(part.CASES)
    GOALS += part.GOALS

# Mallocs that take the worker's place of glibc's by LD_PRELOAD.
PRELOADS = {"jemalloc": ["libjemalloc.so.2"], "mimalloc": ["libmimalloc.so.2", "libmimalloc.so.2.0"],
            "tcmalloc": ["libtcmalloc_minimal.so.4"]}

PACKAGES = {"glibc": "libc6", "jemalloc": "libjemalloc2", "mimalloc": "libmimalloc2.0",
            "tcmalloc (gperftools)": "libtcmalloc-minimal4", "Boost.Pool": "libboost-dev",
            "foonathan/memory": "libfoonathan-memory-dev", "std::pmr (libstdc++)": "libstdc++6", "APR": "libapr1-dev",
            "talloc": "libtalloc-dev", "GLib (slices)": "libglib2.0-dev", "DPDK (rte_mempool)": "libdpdk-dev"}
