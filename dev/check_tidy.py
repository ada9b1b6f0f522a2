#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""clang-tidy and cppcheck find nothing in src/ and cmd/: bugs, and functions over 60 lines or 6 parameters.

--build names a build folder with compile_commands.json; --file limits it to some files; --quick leaves the
analyzers (clang-analyzer-*, cppcheck) out.
"""
import json
import pathlib
import re

import gatelib

# The compilers' own warnings are the build's business, and gcc's options are not all clang's.
EXTRA = ["--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-everything"]
CPPCHECK = ["cppcheck", "--enable=warning,portability,performance", "--inline-suppr", "--error-exitcode=1", "--quiet",
            "--std=c11", "--suppress=missingIncludeSystem", "--template={file}:{line}: {message} [cppcheck-{id}]"]


def tidy(job):
    root, build, source, quick = job
    checks = ["--checks=-clang-analyzer-*"] if quick else []
    done = gatelib.run(["clang-tidy", "-p", str(build), "--quiet", "--warnings-as-errors=*", *checks, *EXTRA, source])
    faults = re.findall(r"^(\S+?):(\d+):\d+: (?:warning|error): (.*?)(?:,-warnings-as-errors)?(\])?$", done.stdout, re.M)
    if done.returncode != 0 and not faults:
        return [f"{source}:1: clang-tidy: {(done.stderr or done.stdout).strip().splitlines()[-1]}"]
    return sorted({f"{place(root, name)}:{line}: {text}{end}" for name, line, text, end in faults})


def place(root, name):
    path = pathlib.Path(name).resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else name


def cppcheck(root, sources):
    done = gatelib.run([*CPPCHECK, "-j", "2", "-I", "include", "-I", "src", *sources], cwd=root)
    return [line for line in done.stderr.splitlines() if line.strip()]


def main():
    ap = gatelib.parser(__doc__)
    ap.add_argument("--build", type=pathlib.Path, required=True)
    ap.add_argument("--file", action="append", default=[])
    ap.add_argument("--quick", action="store_true")
    args = ap.parse_args()
    root = args.root.resolve()
    commands = json.loads((args.build / "compile_commands.json").read_text())
    sources = sorted({command["file"] for command in commands
                      if command["file"].startswith((f"{root}/src/", f"{root}/cmd/"))})
    if args.file:
        sources = [source for source in sources if source.endswith(tuple(args.file))]
    faults = gatelib.parallel(tidy, [(root, args.build, source, args.quick) for source in sources])
    if not args.quick and sources:
        faults += cppcheck(root, [pathlib.Path(source).relative_to(root).as_posix() for source in sources])
    gatelib.finish("tidy", sorted(set(faults)), f"{len(sources)} sources")


main()
