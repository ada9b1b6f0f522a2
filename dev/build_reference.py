#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs Doxygen on the Doxyfile given as argument; prints its warnings, and fails when there are any."""
import pathlib
import shutil
import subprocess
import sys


def main():
    doxyfile = pathlib.Path(sys.argv[1])
    folder = doxyfile.parent
    if shutil.which("doxygen") is None:
        sys.exit("docs: no doxygen; run dev/setup docs")
    done = subprocess.run(["doxygen", doxyfile], text=True, capture_output=True)
    warnings = (folder / "warnings.txt").read_text().splitlines() + done.stderr.splitlines()
    for warning in warnings:
        print(warning)
    if warnings or done.returncode != 0:
        sys.exit(f"docs: {len(warnings)} warning(s)")
    print(f"docs: {len(list((folder / 'html').glob('*.html')))} pages below {folder / 'html'}")


main()
