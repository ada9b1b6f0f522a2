#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every manual page renders without a warning and has the sections that a reader looks for."""
import os
import re

import gatelib


def judge(job):
    root, path = job
    name = path.relative_to(root).as_posix()
    environment = {**os.environ, "MANWIDTH": "80", "MANROFFSEQ": "", "LC_ALL": "C.UTF-8"}
    done = gatelib.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(path.resolve())], env=environment)
    faults = [f"{name}:1: {line}" for line in done.stderr.splitlines()]
    if done.returncode != 0 and not faults:
        faults.append(f"{name}:1: man fails with {done.returncode}")
    sections = set(re.findall(r'^\.S[Hh]\s+"?([^"\n]+?)"?\s*$', path.read_text(), re.M))
    faults += [f"{name}:1: no section {section}" for section in ("NAME", "DESCRIPTION") if section not in sections]
    return faults


def main():
    root = gatelib.parser(__doc__).parse_args().root
    pages = gatelib.files(root, *(f".{n}" for n in range(1, 9)), below=("docs", "cmd"))
    faults = gatelib.parallel(judge, [(root, page) for page in pages])
    gatelib.finish("man", faults, f"{len(pages)} manual pages")


main()
