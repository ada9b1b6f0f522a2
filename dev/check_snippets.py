#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The C and C++ blocks of the documentation compile; those that are whole programs also run and return 0.

A block is fenced with ```c or ```cpp. One with main() is a program: it is compiled as it stands, linked with
--lib and run. Any other is compiled behind all public headers, at file scope or as the body of a function. A
block that is not meant to compile says so: ```c sketch.
"""
import pathlib
import re
import tempfile

import gatelib

FENCE = re.compile(r"^```(c|cpp|c\+\+)(?:[ \t]+(\w+))?[ \t]*\n(.*?)^```[ \t]*$", re.M | re.S)
FLAGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-variable", "-Wno-unused-but-set-variable", "-Wno-unused-function",
         "-Wno-unused-parameter", "-Wno-unused-value", "-pthread"]
STANDARD_C = "#include <stdint.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
STANDARD_CXX = STANDARD_C + ("#include <list>\n#include <map>\n#include <memory>\n#include <string>\n#include <vector>\n"
                             "#include <unordered_map>\n")


def blocks(root, pages):
    for page in pages:
        text = page.read_text()
        for match in FENCE.finditer(text):
            if match.group(2) != "sketch":
                where = f"{page.relative_to(root).as_posix()}:{gatelib.line_of(text, match.start()) + 1}"
                yield where, "c" if match.group(1) == "c" else "c++", match.group(3)


def compiler(language, root):
    command = ["cc", "-x", "c", "-std=gnu11"] if language == "c" else ["c++", "-x", "c++", "-std=c++17"]
    return [*command, *FLAGS, f"-I{root}/include", f"-I{root}/test/conform", "-"]


def first_error(done):
    return next((line for line in done.stderr.splitlines() if "error" in line), done.stderr.strip()[:200])


def program(where, language, text, root, lib):
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/program"
        suite = [f"{root}/test/conform/tarn_conform.c"] if language == "c" and "tarn_conform.h" in text else []
        done = gatelib.run([*compiler(language, root), *suite, "-x", "none", *([lib] if lib else []), "-o", out],
                           input=text)
        if done.returncode != 0:
            return [f"{where}: does not build: {first_error(done)}"]
        done = gatelib.run([out], cwd=folder, timeout=60)
        return [] if done.returncode == 0 else [f"{where}: returns {done.returncode}: {done.stderr.strip()[:200]}"]


def fragment(where, language, text, root):
    headers = gatelib.files(root, ".h", *([".hpp"] if language == "c++" else []), below=("include/tarn",))
    ahead = (STANDARD_C if language == "c" else STANDARD_CXX) + "".join(
        f"#include <{header.relative_to(root / 'include').as_posix()}>\n" for header in headers)
    ahead += '#line 1 "block"\n'
    includes = "".join(line + "\n" for line in text.splitlines() if line.lstrip().startswith("#include"))
    body = "".join(line + "\n" for line in text.splitlines() if not line.lstrip().startswith("#include"))
    tries = []
    for code in (ahead + text, f"{includes}{ahead}void tarn_block_(void);\nvoid tarn_block_(void)\n{{\n{body}}}\n"):
        done = gatelib.run([*compiler(language, root), "-fsyntax-only"], input=code)
        if done.returncode == 0:
            return []
        tries.append(first_error(done))
    return [f"{where}: does not compile: {tries[1]}"]


def judge(job):
    where, language, text, root, lib = job
    if re.search(r"\bmain\s*\(", text):
        return program(where, language, text, root, lib)
    return fragment(where, language, text, root)


def main():
    ap = gatelib.parser(__doc__)
    ap.add_argument("--lib", help="the static library that programs are linked with")
    args = ap.parse_args()
    root = args.root.resolve()
    lib = str(pathlib.Path(args.lib).resolve()) if args.lib else None
    found = list(blocks(root, gatelib.files(root, ".md")))
    faults = gatelib.parallel(judge, [(*block, root, lib) for block in found])
    gatelib.finish("snippets", faults, f"{len(found)} blocks")


main()
