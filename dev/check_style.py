#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every C and C++ file is formatted as .clang-format says (clang-format -i mends it)."""
import re

import gatelib

FOLDERS = ("include", "src", "cmd", "test", "bench", "examples")


def judge(job):
    root, path = job
    done = gatelib.run(["clang-format", "--dry-run", "-Werror", path.relative_to(root).as_posix()], cwd=root)
    first = re.search(r"^(.*?:\d+):\d+: error: (.*?)( \[-W.*)?$", done.stderr, re.M)
    if done.returncode == 0:
        return []
    return [f"{first.group(1)}: {first.group(2)}" if first else f"{path}: {done.stderr.strip()}"]


def main():
    root = gatelib.parser(__doc__).parse_args().root
    paths = gatelib.files(root, ".c", ".h", ".hpp", ".cpp", below=FOLDERS)
    faults = gatelib.parallel(judge, [(root, path) for path in paths])
    gatelib.finish("style", faults, f"{len(paths)} files")


main()
