#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The version stands in three places and is the same: CMakeLists.txt, include/tarn/config.h, CHANGELOG.md.

The newest release of the change log is that version; what is not released yet stands above it.
"""
import re

import gatelib


def find(path, pattern, faults):
    match = re.search(pattern, path.read_text(), re.M)
    if match is None:
        faults.append(f"{path.name}:1: no version found")
        return None
    return ".".join(match.groups())


def main():
    root = gatelib.parser(__doc__).parse_args().root
    faults = []
    cmake = find(root / "CMakeLists.txt", r"^project\(tarn VERSION (\d+)\.(\d+)\.(\d+)", faults)
    header = root / "include/tarn/config.h"
    others = {
        "include/tarn/config.h": find(header, r'TARN_VERSION\s+"(\d+)\.(\d+)\.(\d+)"', faults),
        "include/tarn/config.h (parts)": find(header, r"VERSION_MAJOR\s+(\d+)[\s\S]*?VERSION_MINOR\s+(\d+)"
                                              r"[\s\S]*?VERSION_PATCH\s+(\d+)", faults),
        "CHANGELOG.md": find(root / "CHANGELOG.md", r"^## \[(\d+)\.(\d+)\.(\d+)\]", faults),
    }
    faults += [f"{place}: version {version}, but CMakeLists.txt says {cmake}"
               for place, version in others.items() if version is not None and version != cmake]
    gatelib.finish("version", faults, f"{cmake} everywhere")


main()
