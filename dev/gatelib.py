#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the gate's checks share: finding files, reading C without its comments, and the report.

A check prints one line for each fault, `file:line: what is wrong`, and exits 1; or one line that says
what it looked at, and exits 0.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

SKIPPED = {".git", "build", "demo-out", "__pycache__", ".cache"}


def parser(description):
    ap = argparse.ArgumentParser(description=description.splitlines()[0])
    ap.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    return ap


def files(root, *suffixes, below=("",)):
    """Files of the tree with one of the suffixes, below one of the folders, in a stable order."""
    found = []
    for folder in below:
        for path, folders, names in os.walk(root / folder):
            folders[:] = sorted(f for f in folders if f not in SKIPPED and not f.startswith("build-"))
            for name in names:
                if name.endswith(suffixes):
                    found.append(pathlib.Path(path) / name)
    return sorted(set(found))


def finish(what, faults, clean):
    for fault in faults:
        print(fault)
    if faults:
        print(f"{what}: {len(faults)} fault(s)")
        sys.exit(1)
    print(f"{what}: {clean}")
    sys.exit(0)


def parallel(function, items, workers=None):
    """function over items on a few threads (each runs a compiler); results in order, flattened."""
    workers = workers or max(1, min(4, os.cpu_count() or 1))
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return [line for lines in pool.map(function, items) for line in lines]


def run(command, **options):
    return subprocess.run(command, text=True, capture_output=True, **options)


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(text):
    """text with its comments blanked out; every other character stays where it was."""

    def hide(match):
        token = match.group(0)
        return token if token[0] in "\"'" else re.sub(r"[^\n]", " ", token)

    return TOKEN.sub(hide, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Function:
    """One function declared or defined in a header; macro is true for a function-like macro."""

    def __init__(self, name, line, returns, params, static, doc, macro=False):
        self.name, self.line, self.returns, self.params = name, line, returns, params
        self.static, self.doc, self.macro = static, doc, macro


def comment_before(text, offset):
    """The comment that ends right before offset, "" when something else does."""
    before = text[:offset].rstrip()
    if not before.endswith("*/"):
        return ""
    return before[before.rfind("/*"):]


def functions(text, prefix="tarn_"):
    """The functions at the top level of a header, and its function-like macros in lower case."""
    code = blank(text)
    found = []
    for match in re.finditer(r"^[ \t]*#[ \t]*define[ \t]+(" + prefix + r"[a-z0-9_]*)\(", code, re.M):
        found.append(Function(match.group(1), line_of(text, match.start()), "", "", False,
                              comment_before(text, match.start()), macro=True))
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), code, flags=re.M)
    code = re.sub(r'extern\s+"C"\s*\{|\bTARN_(?:BEGIN|END)_DECLS\b', lambda m: " " * len(m.group(0)), code)
    for start, statement in statements(code):
        if statement.startswith("typedef") or "=" in statement.split("(")[0]:
            continue
        names = [m for m in re.finditer(r"\b(" + prefix + r"\w+)\s*\(", statement)
                 if statement.count("(", 0, m.start()) == statement.count(")", 0, m.start())]
        if not names:
            continue
        match = names[-1]
        head, params = statement[:match.start()], statement[match.end():].rsplit(")", 1)[0]
        found.append(Function(match.group(1), line_of(text, start + match.start()), head.strip(), params,
                              bool(re.search(r"\bstatic\b", head)), comment_before(text, start)))
    return sorted(found, key=lambda f: f.line)


def statements(code):
    """(offset, text) of each declaration at depth 0; a body in braces is left out of the text."""
    depth, start, text = 0, None, ""
    for offset, char in enumerate(code):
        if depth == 0 and start is None:
            if char.isspace() or char in ";}":
                continue
            start, text = offset, ""
        if char == "{":
            depth += 1
            if depth == 1 and re.search(r"\)\s*$", text):
                text += "\0"
        elif char == "}":
            depth -= 1
            if depth == 0 and text.endswith("\0"):
                yield start, text[:-1]
                start = None
        elif depth == 0:
            if char == ";":
                yield start, text
                start = None
            else:
                text += char
