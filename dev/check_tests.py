#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every module has its unit test: src/<layer>/<module>.c has test/unit/<layer>/<module>_test.c.

A room of a module (pool_refill.c of pool.c) may be tested by the module's test. A header of base/ or os/
without a .c is a module too. A test whose module is gone is a fault as well.
"""
import gatelib


def modules(root):
    found = {}
    for path in gatelib.files(root, ".c", below=("src",)):
        found[path.relative_to(root / "src").with_suffix("").as_posix()] = path
    for path in gatelib.files(root, ".h", below=("src/base", "src/os")):
        found.setdefault(path.relative_to(root / "src").with_suffix("").as_posix(), path)
    return found


def names(module):
    """layer/pool_refill, then layer/pool: the tests that may cover a module, nearest first."""
    layer, _, name = module.rpartition("/")
    parts = name.split("_")
    return [f"{layer}/{'_'.join(parts[:n])}" for n in range(len(parts), 0, -1)]


def main():
    args = gatelib.parser(__doc__).parse_args()
    found = modules(args.root)
    tests = {}
    for path in gatelib.files(args.root, "_test.c", "_test.cpp", below=("test/unit",)):
        name = path.relative_to(args.root / "test/unit").as_posix()
        tests[name.removesuffix(".cpp").removesuffix(".c").removesuffix("_test")] = path
    faults = [f"{path.relative_to(args.root)}:1: no unit test test/unit/{module}_test.c"
              for module, path in sorted(found.items()) if not any(name in tests for name in names(module))]
    public = {path.stem for path in gatelib.files(args.root, ".h", ".hpp", below=("include/tarn",))}
    for test, path in sorted(tests.items()):
        candidates = names(test)
        if not any(name in found or name.rpartition("/")[2] in public for name in candidates):
            faults.append(f"{path.relative_to(args.root)}:1: tests a module that is not there")
    gatelib.finish("tests", faults, f"{len(found)} modules, {len(tests)} unit tests")


main()
