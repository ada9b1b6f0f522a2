#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""clang-tidy and cppcheck find nothing in src/ and cmd/: bugs, and functions over 60 lines or 6 parameters.

--build names a build folder with compile_commands.json; --file limits it to some files; --quick leaves the
analyzers (clang-analyzer-*, cppcheck) out. A source that was clean is not looked at again until it, a header
of ours that it sees, or the configuration changes: <build>/tidy/ remembers.
"""
import hashlib
import json
import pathlib
import re

import gatelib

# The compilers' own warnings are the build's business, and gcc's options are not all clang's.
EXTRA = ["--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-everything"]
CPPCHECK = ["cppcheck", "--enable=warning,portability,performance", "--inline-suppr", "--error-exitcode=1", "--quiet",
            "--std=c11", "--suppress=missingIncludeSystem", "--template={file}:{line}: {message} [cppcheck-{id}]"]


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)', re.M)


def closure(root, source):
    """The source and every header of ours that it sees."""
    seen, todo = [], [pathlib.Path(source)]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.append(path)
        for header in INCLUDE.findall(path.read_text()):
            places = (base / header for base in (path.parent, root / "src", root / "include"))
            todo += [place.resolve() for place in places if place.is_file()][:1]
    return sorted(seen)


def memory(root, build, source, command, quick):
    """The file that exists when this very source was found clean."""
    digest = hashlib.sha256(f"{source} {command} {quick} {CPPCHECK} {EXTRA}".encode())
    for path in [root / ".clang-tidy", *closure(root, source)]:
        digest.update(path.read_bytes())
    return build / "tidy" / digest.hexdigest()


def tidy(job):
    root, build, source, quick, remembered = job
    if remembered.exists():
        return []
    faults = tidy_one(root, build, source, quick)
    if not quick:
        faults += cppcheck(root, [pathlib.Path(source).relative_to(root).as_posix()])
    if not faults:
        remembered.parent.mkdir(exist_ok=True)
        remembered.touch()
    return faults


def tidy_one(root, build, source, quick):
    checks = ["--checks=-clang-analyzer-*"] if quick else []
    done = gatelib.run(["clang-tidy", "-p", str(build), "--quiet", "--warnings-as-errors=*", *checks, *EXTRA, source])
    faults = re.findall(r"^(\S+?):(\d+):\d+: (?:warning|error): (.*?)(?:,-warnings-as-errors)?(\])?$", done.stdout, re.M)
    if done.returncode != 0 and not faults:
        return [f"{source}:1: clang-tidy: {(done.stderr or done.stdout).strip().splitlines()[-1]}"]
    return sorted({f"{place(root, name)}:{line}: {text}{end}" for name, line, text, end in faults
                   if name.startswith(str(root))})


def place(root, name):
    path = pathlib.Path(name).resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else name


def cppcheck(root, sources):
    done = gatelib.run([*CPPCHECK, "-I", "include", "-I", "src", *sources], cwd=root)
    return [line for line in done.stderr.splitlines() if line.strip()]


def main():
    ap = gatelib.parser(__doc__)
    ap.add_argument("--build", type=pathlib.Path, required=True)
    ap.add_argument("--file", action="append", default=[])
    ap.add_argument("--quick", action="store_true")
    args = ap.parse_args()
    root = args.root.resolve()
    commands = json.loads((args.build / "compile_commands.json").read_text())
    sources = {command["file"]: command.get("command", "") for command in commands
               if command["file"].startswith((f"{root}/src/", f"{root}/cmd/"))
               and command["file"].endswith(tuple(args.file) or "")}
    jobs = [(root, args.build, source, args.quick, memory(root, args.build, source, command, args.quick))
            for source, command in sorted(sources.items())]
    faults = gatelib.parallel(tidy, jobs, workers=2)
    gatelib.finish("tidy", sorted(set(faults)), f"{len(sources)} sources")


main()
