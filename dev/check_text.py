#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What holds for the text of every file, whatever its language.

Faults: no SPDX line at the top of a source; more than 600 lines; work left open in a comment; a path that
exists on one machine only; a tab in C; blanks at a line's end; no newline at the end of the file.
"""
import re

import gatelib

CODE = (".c", ".h", ".hpp", ".cpp", ".py", ".sh", ".cmake", "CMakeLists.txt", "Makefile")
PROSE = (".md", ".json", ".txt", ".in", ".1", ".3", ".5", ".7")
LIMIT = 600
# One file on purpose: it is installed, and taken along into other trees.
WHOLE = ("test/conform/tarn_conform.c",)
# Written apart, so that this file does not find itself.
OPEN = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
MACHINE = re.compile(r"(?<![\w.])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me/[a-z]\w*|tmp/(?:wt|bash)[-_]\w+)/")


def is_script(path):
    return path.suffix == "" and path.parent.name in ("dev", ".ci", "bench") and path.read_bytes()[:2] == b"#!"


def judge(name, text, code):
    lines = text.split("\n")
    if code and "SPDX-License-Identifier: MIT" not in "\n".join(lines[:2]):
        yield f"{name}:1: no SPDX line"
    if code and len(lines) - 1 > LIMIT and name not in WHOLE:
        yield f"{name}:{LIMIT}: {len(lines) - 1} lines, {LIMIT} at most"
    if text and not text.endswith("\n"):
        yield f"{name}:{len(lines)}: no newline at the end"
    for number, line in enumerate(lines, 1):
        if OPEN.search(line) and code:
            yield f"{name}:{number}: left open: {line.strip()[:80]}"
        if MACHINE.search(line):
            yield f"{name}:{number}: a path of one machine: {line.strip()[:80]}"
        if line != line.rstrip() and not name.endswith(".md"):
            yield f"{name}:{number}: blanks at the end"
        if "\t" in line and name.endswith((".c", ".h", ".hpp", ".cpp", ".py")):
            yield f"{name}:{number}: a tab"


def main():
    args = gatelib.parser(__doc__).parse_args()
    faults, count = [], 0
    for path in gatelib.files(args.root, ""):
        code = path.name.endswith(CODE) or is_script(path)
        if not code and not path.name.endswith(PROSE):
            continue
        count += 1
        faults += judge(path.relative_to(args.root).as_posix(), path.read_text(), code)
    gatelib.finish("text", faults, f"{count} files")


main()
